package identity

import (
	"fmt"
	"strings"
)

// Options are what an installation decides. The zero value is ready to use.
type Options struct {
	// PhoneRegion is the ISO 3166 country ("DE") whose national numbers phones without a country code are; "" leaves those as they
	// are written.
	PhoneRegion string
	// Block are further values that identify nobody.
	Block []Block
	// Spaces names the space of a source's user and anonymous ids, by source; a source without one has a space of its own name.
	Spaces map[string]string
	// JoinAnonymous says what of what a visitor did without a name is the person's whom the visitor turns out to be; "": JoinConsented.
	JoinAnonymous Join
}

// Join is when what somebody did without a name becomes theirs.
type Join string

const (
	JoinConsented Join = "consented" // what they consented to when they did it; no word is no consent
	JoinAlways    Join = "always"
	JoinNever     Join = "never"
)

// Block is one value that identifies nobody, in whatever space.
type Block struct {
	Kind  Kind
	Value string
}

// Rules bring identifiers into their one form. A nil *Rules has the default options. It is safe for concurrent use.
type Rules struct {
	region  *region
	blocked map[Block]bool
	spaces  map[string]string
	join    Join
}

// New checks o. Its error names the option.
func New(o Options) (*Rules, error) {
	r := &Rules{blocked: map[Block]bool{}, spaces: o.Spaces, join: o.JoinAnonymous}
	switch o.JoinAnonymous {
	case "", JoinConsented, JoinAlways, JoinNever:
	default:
		return nil, fmt.Errorf("join_anonymous: %q is neither consented, always nor never", o.JoinAnonymous)
	}
	if o.PhoneRegion != "" {
		var ok bool
		if r.region, ok = regionNamed(o.PhoneRegion); !ok {
			return nil, fmt.Errorf("phone_region: no country has the code %q", o.PhoneRegion)
		}
	}
	for i, b := range o.Block {
		if b.Kind == Company {
			if d := r.Company(b.Value); d != "" {
				r.blocked[Block{Company, d}] = true
			}
			continue
		}
		if b.Kind < UserID || b.Kind > AnonymousID {
			return nil, fmt.Errorf("block[%d].kind: %s cannot be blocked", i, b.Kind)
		}
		id, ok := r.ID(b.Kind, "", b.Value)
		if !ok {
			continue // a placeholder already
		}
		// An address given as a user id is that address: it is blocked as what it is compared as.
		r.blocked[Block{id.Kind, id.Value}] = true
	}
	return r, nil
}

// Space names the space of a source's user and anonymous ids.
func (r *Rules) Space(source string) string {
	if r != nil {
		if s := r.spaces[source]; s != "" {
			return s
		}
	}
	return source
}

// ID brings a value into its one form. It is false for what identifies nobody: placeholders, blocked values, what has not the
// form of its kind. A user or anonymous id that has the form of an address is that address. space is of no account for kinds
// without one.
func (r *Rules) ID(k Kind, space, value string) (ID, bool) {
	id := ID{Kind: k}
	if value == "" {
		return ID{}, false // as most of the ids of most events are
	}
	switch k {
	case Email:
		id.Value = email(value)
	case Phone:
		id.Value = phone(value, r.phoneRegion())
	case UserID, AnonymousID:
		id.Value = plainID(value)
		if address := Address(id.Value); address != "" {
			id = ID{Kind: Email, Value: email(address)}
		} else {
			id.Space = space
			if k == UserID && guest(id.Value) {
				id.Value = ""
			}
		}
	case Record:
		id.Value = strings.TrimSpace(value)
	}
	if id.Value == "" || len(id.Value) > maxLength || r.Blocks(id) {
		return ID{}, false
	}
	return id, true
}

// MayJoin says whether what somebody did without a name, with that consent ("granted", "denied" or ""), is theirs once they are known.
func (r *Rules) MayJoin(consent string) bool {
	switch {
	case r != nil && r.join == JoinAlways:
		return true
	case r != nil && r.join == JoinNever:
		return false
	}
	return strings.EqualFold(consent, "granted")
}

// Blocks says whether the configuration says that id identifies nobody.
func (r *Rules) Blocks(id ID) bool {
	return r != nil && len(r.blocked) > 0 && r.blocked[Block{id.Kind, id.Value}]
}

// Email is the one form of an address, "" if it identifies nobody.
func (r *Rules) Email(value string) string {
	id, _ := r.ID(Email, "", value)
	return id.Value
}

// Phone is the one form of a phone number, "" if it identifies nobody.
func (r *Rules) Phone(value string) string {
	id, _ := r.ID(Phone, "", value)
	return id.Value
}

func (r *Rules) phoneRegion() *region {
	if r == nil {
		return nil
	}
	return r.region
}

// Company is the one form of a company's mail domain, "" if domain is none: a provider of mailboxes for everybody, what the configuration
// blocks, and what cannot be a domain.
func (r *Rules) Company(domain string) string {
	d := domainOf(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(domain)), "www."))
	if !strings.Contains(d, ".") || len(d) > maxLength || r.Blocks(ID{Kind: Company, Value: d}) || isFreeMail(d) {
		return ""
	}
	return d
}
