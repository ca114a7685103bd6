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
		if role == nil || v == "" {
			return
		}
		switch role.part {
		case id:
			k.ID, _ = normalID(v)
		case email:
			k.Emails = crmkit.AppendAddress(k.Emails, v)
		case phone:
			k.Phones = crmkit.AppendAddress(k.Phones, v)
		case firstName:
			k.Profile.FirstName = v
		case lastName:
			k.Profile.LastName = v
		case jobTitle:
			k.Profile.JobTitle = v
		case company:
			k.Profile.Company = v
		case leadStatus:
			k.Profile.LeadStatus = v
		case owner:
			k.Owner = v
		case group:
			k.Group = v
		case created:
			k.Created, _ = parseTime(v)
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
		case field:
			k.Fields[name] = v
		case owned:
			if k.Ours == nil {
				k.Ours = make(map[string]string, len(connectors.Fields))
			}
			k.Ours[role.own.Name] = fromWire(role.own.Type, v)
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
