package salesforce

import (
	"context"
	"fmt"
	"slices"

	"github.com/intentd/intentd/connectors"
)

// HumanEdited tells which of intentd's fields another user set last, by the field history. It is an option of Salesforce, object by
// object and field by field, and where it is off nobody is named. The verdict, which is the rep's anyway, is left out.
func (c *Client) HumanEdited(ctx context.Context, refs []connectors.Ref) (map[connectors.Ref][]string, error) {
	op := fmt.Sprintf("read who edited %d records", len(refs))
	out := map[connectors.Ref][]string{}
	for _, name := range c.order {
		o := c.objects[name]
		asked := map[string]connectors.Ref{}
		var ids, apis []string
		for _, r := range refs {
			if id, ok := c.recordID(r); ok && r.Object == name && r.CRM == c.o.Name && asked[id].IsZero() {
				asked[id] = r
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 {
			continue
		}
		for _, f := range o.own {
			if !f.RepEdits {
				apis = append(apis, quote(f.api))
			}
		}
		slices.Sort(apis)
		filter := ""
		for _, api := range apis {
			filter += ", " + api
		}
		rows, err := c.rowsOf(ctx, op, ids, false, func(list string) string {
			return fmt.Sprintf("SELECT %[1]sId, Field, NewValue, CreatedById, CreatedDate FROM %[1]sHistory WHERE %[1]sId IN %s AND Field IN (%s) ORDER BY CreatedDate, Id", name, list, filter[2:])
		})
		if e, ok := err.(*connectors.Error); ok && (e.Code == codeInvalidType || e.Code == codeInvalidField) {
			continue // not tracked, or not to be seen
		}
		if err != nil {
			return nil, err
		}
		who := c.who.Load()
		newest := map[string]map[string]bool{} // id → canonical name → was it a human
		for _, r := range rows {
			v := r.values()
			id, _ := normalID(v[name+"Id"])
			by, _ := normalID(v["CreatedById"])
			for canonical, f := range o.own {
				if f.api != v["Field"] {
					continue
				}
				if newest[id] == nil {
					newest[id] = map[string]bool{}
				}
				newest[id][canonical] = who != nil && by != who.user && v["NewValue"] != ""
			}
		}
		for id, fields := range newest {
			for _, f := range connectors.Fields {
				if ref := asked[id]; fields[f.Name] && !ref.IsZero() {
					out[ref] = append(out[ref], f.Name)
				}
			}
		}
	}
	return out, nil
}
