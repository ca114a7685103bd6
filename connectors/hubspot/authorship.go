package hubspot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// HumanEdited tells which of intentd's fields a human set last, by the history of each property: one request per 50 records.
// The verdict, which is the rep's anyway, is left out.
func (c *Client) HumanEdited(ctx context.Context, refs []connectors.Ref) (map[connectors.Ref][]string, error) {
	op := fmt.Sprintf("read who edited %d contacts", len(refs))
	ids, err := c.numericIDs(op, refs)
	if err != nil {
		return nil, err
	}
	var properties []string
	for _, f := range connectors.Fields {
		if !f.RepEdits {
			properties = append(properties, c.schema.own[f.Name].property)
		}
	}
	slices.Sort(properties)
	out := map[connectors.Ref][]string{}
	for _, batch := range chunks(ids, historyBatchSize) {
		answer, err := c.readBatch(ctx, op, batchRead{Properties: properties, History: properties, Inputs: idInputs(batch)}, false)
		if err != nil {
			return nil, err
		}
		for i := range answer.Results {
			r := &answer.Results[i]
			past := r.versions()
			for _, f := range connectors.Fields {
				v, ok := newest(past[c.schema.own[f.Name].property])
				if ok && !f.RepEdits && v.Value != "" && v.human() {
					ref := c.ref(r.ID)
					out[ref] = append(out[ref], f.Name)
				}
			}
		}
	}
	return out, nil
}

// newest is the version with the latest time; HubSpot lists the newest first, which nobody promises.
func newest(versions []version) (version, bool) {
	if len(versions) == 0 {
		return version{}, false
	}
	best := versions[0]
	at, _ := parseTime(best.Timestamp)
	for _, v := range versions[1:] {
		if t, ok := parseTime(v.Timestamp); ok && t.After(at) {
			best, at = v, t
		}
	}
	return best, true
}

// human says whether the history names a user as the author, in the CRM itself or by an import; what came over the API or
// from an automation is not one's doing, even if it runs under a user's name.
func (v version) human() bool {
	switch s := strings.ToUpper(v.SourceType); {
	case strings.HasPrefix(s, "CRM_UI"), strings.HasPrefix(s, "MOBILE"):
		return true
	case s == "INTEGRATION", s == "API", strings.HasPrefix(s, "INTEGRATIONS"), strings.Contains(s, "WORKFLOW"), strings.HasPrefix(s, "AUTOMATION"),
		strings.HasPrefix(s, "MERGE"), strings.HasPrefix(s, "CALCULATED"):
		return false
	}
	if user := v.UserID; user != "" && user != "0" {
		return true
	}
	return strings.HasPrefix(strings.ToLower(v.SourceID), "userid:")
}
