package receipt

import (
	"time"

	"github.com/intentd/intentd/connectors/identity"
)

// Link is the line of an identifier.
func Link(id identity.ID, reason string, at time.Time, nobodys bool) LinkLine {
	return LinkLine{Kind: id.Kind.String(), Space: id.Space, Value: id.Shortened(), Reason: reason, At: at, Nobodys: nobodys}
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
