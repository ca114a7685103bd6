package salesforce

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
)

// contact is r as a Contact.
func (c *Client) contact(o *object, d *description, r record) connectors.Contact {
	k := connectors.Contact{Ref: c.ref(o.name, ""), Fields: make(map[string]string, len(d.read))}
	var isDeleted, isConverted bool
	var into, becomes, isPerson string
	r.each(func(name, v string) {
		role := d.roles[name]
		if role == nil || v == "" || role.Put(&k, name, v, values) {
			return
		}
		switch role.Part {
		case id:
			k.ID, _ = normalID(v)
		case group:
			k.Group = v
		case stamp:
			k.Modified, _ = parseTime(v)
		case deleted:
			isDeleted = v == "true"
		case master:
			into, _ = normalID(v)
		case converted:
			isConverted = v == "true"
		case convertedTo:
			becomes, _ = normalID(v)
		case person:
			isPerson = v
		}
	})
	switch {
	case isDeleted && into != "":
		k.State, k.Into = connectors.Merged, c.ref(o.name, into)
	case isDeleted:
		k.State = connectors.Archived
	case isConverted:
		k.State = connectors.Merged
		if becomes != "" && c.objects[Contact] != nil {
			k.Into = c.ref(Contact, becomes)
		}
	}
	if isPerson == "true" {
		account, _ := normalID(k.Group)
		c.persons.note(k.ID, account)
	} else if isPerson != "" {
		c.persons.note(k.ID, "")
	}
	return k
}

// idleRecords remembers for a moment which records were just read without any activity, so that the activity source need not
// ask for what cannot be there.
type idleRecords struct{ crmkit.Recent[string] }

func (s *idleRecords) note(k *connectors.Contact, now time.Time) {
	if k.State == connectors.Live && k.Fields["LastActivityDate"] == "" {
		s.Put(k.ID, now)
	} else {
		s.Drop(k.ID)
	}
}
