package connectors

import (
	"strings"
	"time"
)

// Ref names one CRM record. CRM is the name the config gives the connector, Object the vendor's object ("contacts", "Lead"),
// ID the vendor's record id.
type Ref struct{ CRM, Object, ID string }

// String is the ref as people read it: "hubspot/contacts/101".
func (r Ref) String() string { return r.CRM + "/" + r.Object + "/" + r.ID }

// IsZero says that r names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// ParseRef reads what String writes.
func ParseRef(s string) (Ref, bool) {
	crm, rest, ok := strings.Cut(s, "/")
	object, id, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || crm == "" || object == "" || id == "" {
		return Ref{}, false
	}
	return Ref{CRM: crm, Object: object, ID: id}, true
}

// State is where a CRM record is in its life.
type State uint8

const (
	Live     State = iota
	Archived       // in the vendor's recycle bin: paused, may come back
	Deleted        // gone beyond the bin
	Erased         // gone for privacy reasons: forget the person
	Merged         // lives on as another record: see Contact.Into (a converted lead is one, too)
)

func (s State) String() string {
	switch s {
	case Live:
		return "live"
	case Archived:
		return "archived"
	case Deleted:
		return "deleted"
	case Erased:
		return "erased"
	case Merged:
		return "merged"
	}
	return "unknown"
}

// Profile is what a CRM knows of a person beyond identifiers, under names every CRM shares.
type Profile struct{ FirstName, LastName, JobTitle, Company, Lifecycle, LeadStatus string }

// Contact is one CRM record as read.
type Contact struct {
	Ref
	Emails, Phones []string // first the primary one; lower case, trimmed
	Profile        Profile
	// Fields are the further inputs, under the vendor's property names: an allow-list, never our own fields.
	Fields map[string]string
	// Ours are the present values of intentd's own fields, keyed and written as Patch.Fields are. Empty values are left out.
	Ours map[string]string
	// Owner is the vendor's id of the owner; Group is what must not be locked twice at once (the account), "" if nothing.
	Owner, Group      string
	Created, Modified time.Time
	State             State
	Into              Ref   // where a Merged record lives on; zero if not known
	Absorbed          []Ref // records that were merged into this one
}

// Patch sets intentd's own fields of one record to absolute values. Keys are the canonical field names (FieldScore …);
// values are canonical text: numbers as "64.4", dates as "2026-11-19", times as RFC 3339 in UTC, "" clears.
// Connectors translate names and formats. FieldVerdict is never sent.
type Patch struct {
	Ref
	Group  string
	Fields map[string]string
}

// Result tells what became of one Patch. Stored holds the values the CRM says it now has, canonical as in Patch, as far as it says.
// Modified is the record's new modification time, zero if not told.
type Result struct {
	Ref
	Stored   map[string]string
	Modified time.Time
	Err      error // nil, or an *Error whose Kind decides
}
