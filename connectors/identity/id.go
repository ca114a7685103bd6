package identity

import (
	"strings"
	"unicode/utf8"
)

// Kind is the kind of an identifier. The values are stored by the event store: they never change.
type Kind uint8

const (
	UserID      Kind = iota + 1 // of an account in some system
	Email                       // an address
	Phone                       // E.164 where that is known, else the digits as they were written
	AnonymousID                 // a device or browser
	Record                      // a record of a CRM, written "crm/object/id"
	Company                     // the mail domain of a company: what is known of it is known of nobody in particular, and it joins nobody
)

// Kinds are the names of kinds in the configuration and in what people read.
var kinds = [...]string{UserID: "user_id", Email: "email", Phone: "phone", AnonymousID: "anonymous_id", Record: "record", Company: "company"}

func (k Kind) String() string {
	if int(k) < len(kinds) && kinds[k] != "" {
		return kinds[k]
	}
	return "unknown"
}

// ParseKind reads what String writes.
func ParseKind(s string) (Kind, bool) {
	for k, name := range kinds {
		if name == s && name != "" {
			return Kind(k), true
		}
	}
	return 0, false
}

// rank is the place of k in the order of who decides: record, user id, e-mail, phone, anonymous id.
func (k Kind) rank() int {
	if k == Record {
		return 0
	}
	return int(k)
}

// Spaced says whether identifiers of the kind mean somebody within a space only.
func (k Kind) Spaced() bool { return k == UserID || k == AnonymousID }

// ID is one identifier in its one form. Space is set for kinds that are Spaced only; "" there means that it is not known, as of
// what was kept before there were spaces.
type ID struct {
	Kind  Kind
	Space string
	Value string
}

// spaceMark parts value and space in the stored form. No value holds it: format and control characters are taken out.
const spaceMark = "\x1f"

// Stored is the form in which the state keeps and finds id: the value alone, or with its space. [ParseStored] reads it.
func (id ID) Stored() string {
	if id.Space == "" {
		return id.Value
	}
	return id.Value + spaceMark + id.Space
}

// ParseStored reads what Stored wrote.
func ParseStored(k Kind, s string) ID {
	value, space, _ := strings.Cut(s, spaceMark)
	return ID{Kind: k, Space: space, Value: value}
}

// String is id as people read it: `user_id 42 of app`.
func (id ID) String() string {
	if id.Space == "" {
		return id.Kind.String() + " " + id.Value
	}
	return id.Kind.String() + " " + id.Value + " of " + id.Space
}

// Shortened is id's value as it may be shown: of an address the first letter and the domain, of a phone number the last digits.
func (id ID) Shortened() string {
	if local, domain, ok := strings.Cut(id.Value, "@"); ok { // an id may hold an address, too
		_, n := utf8.DecodeRuneInString(local)
		return local[:n] + "…@" + domain
	}
	if id.Kind == Phone {
		return "…" + id.Value[max(0, len(id.Value)-3):]
	}
	return id.Value
}

// Matches says whether id and other name the same, where a space that is not known fits any.
func (id ID) Matches(other ID) bool {
	return id.Kind == other.Kind && id.Value == other.Value && (id.Space == other.Space || id.Space == "" || other.Space == "")
}

// JoinsRecords says whether two CRM records with this identifier are one person: records of one CRM id, and those with one address
// that is no shared mailbox.
func (id ID) JoinsRecords() bool {
	return id.Kind == Record || id.Kind == Email && !sharedMailbox(id.Value)
}
