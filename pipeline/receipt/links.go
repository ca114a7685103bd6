package receipt

import (
	"time"

	"github.com/intentd/intentd/connectors/identity"
)

// LinkLine is one identifier of the person and why it is theirs, or nobody's. It is of the moment it is asked for: receipts are kept
// without.
type LinkLine struct {
	Kind    string    `json:"kind"`
	Space   string    `json:"space,omitempty"` // of user and anonymous ids
	Value   string    `json:"value"`           // addresses and phone numbers are shortened
	Reason  string    `json:"reason"`
	At      time.Time `json:"at,omitzero"`
	Nobodys bool      `json:"nobodys,omitempty"`
}

// Link is the line of an identifier.
func Link(id identity.ID, reason string, at time.Time, nobodys bool) LinkLine {
	return LinkLine{Kind: id.Kind.String(), Space: id.Space, Value: id.Shortened(), Reason: reason, At: at, Nobodys: nobodys}
}

// ProposalLine is a visitor who says to be the person, which nothing trusted has confirmed: what they did does not count.
type ProposalLine struct {
	Source  string    `json:"source"`
	Visitor string    `json:"visitor"` // anonymous id
	Kind    string    `json:"kind"`    // what they named: user_id, email or phone
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// proposals prints who says to be the person.
func (p *page) proposals() {
	for i, l := range p.r.Proposals {
		when := p.date(l.First)
		if last := p.date(l.Last); last != when {
			when += " to " + last
		}
		label := "proposed"
		if i > 0 {
			label = ""
		}
		p.entry(label, "anonymous_id "+l.Visitor+" of "+l.Source+" gave their "+l.Kind+", "+when+": not confirmed, so it does not count")
	}
}

// links prints what the person is known by.
func (p *page) links() {
	for i, l := range p.r.Links {
		text := l.Kind + " " + l.Value
		if l.Space != "" {
			text += " of " + l.Space
		}
		text += ": " + l.Reason
		if !l.At.IsZero() {
			text += ", " + p.date(l.At)
		}
		label := "known by"
		if i > 0 {
			label = ""
		}
		p.entry(label, text)
	}
}
