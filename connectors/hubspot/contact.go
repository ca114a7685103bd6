package hubspot

import (
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// contact is r as a Contact.
func (c *Client) contact(r *record) connectors.Contact {
	return c.contactOf(r, func(set func(name, value string)) { transport.EachProperty(r.Properties, set) })
}

// contactOf is r, with the properties that each goes through, as a Contact.
func (c *Client) contactOf(r *record, each func(set func(name, value string))) connectors.Contact {
	k := connectors.Contact{Ref: c.ref(r.ID), Fields: map[string]string{}}
	if r.Archived {
		k.State = connectors.Archived
	}
	k.Created, _ = parseTime(r.CreatedAt)
	k.Modified, _ = parseTime(r.UpdatedAt)
	var merged string
	var more []string
	each(func(name, v string) {
		p := c.schema.Roles[name]
		if p == nil || v == "" || p.Put(&k, name, v, values) {
			return
		}
		if p.Part == moreEmails {
			more = splitList(v)
		} else {
			merged += ";" + v
		}
	})
	for _, e := range more { // behind the primary one
		k.Emails = crmkit.AppendAddress(k.Emails, e)
	}
	for _, id := range absorbed(merged, r.ID) {
		k.Absorbed = append(k.Absorbed, c.ref(id))
	}
	return k
}

// absorbed are the ids in the two forms in which HubSpot lists what was merged into record self: `id;id` and `id:epochms;…`.
func absorbed(list, self string) []string {
	var ids []string
	for _, entry := range splitList(list) {
		id, _, _ := strings.Cut(entry, ":")
		if _, ok := recordID(id); ok && id != self && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// mergedIDsOf are the ids that were merged into r.
func (c *Client) mergedIDsOf(r *record) []string {
	var list string
	transport.EachProperty(r.Properties, func(name, v string) {
		if p := c.schema.Roles[name]; p != nil && (p.Part == mergedIDs || p.Part == mergedVids) {
			list += ";" + v
		}
	})
	return absorbed(list, r.ID)
}
