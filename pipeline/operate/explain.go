package operate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/state"
)

// Explain returns the newest receipt of a person and, for a person without one, an error that says why there is none.
func Explain(ctx context.Context, p *pipeline.Pipeline, who string) (*receipt.Receipt, error) {
	id, err := mustFind(p, who)
	if err != nil {
		return nil, err
	}
	person, _, err := p.DB().Person(id)
	if err != nil {
		return nil, err
	}
	links, err := p.DB().Links(id)
	if err != nil {
		return nil, err
	}
	raw, err := p.DB().LastReceipt(id)
	if err != nil {
		return nil, err
	}
	var r *receipt.Receipt
	if raw != nil {
		if r, err = p.OpenReceipt(raw); err != nil {
			return nil, err
		}
	}
	held, err := heldNow(p, id)
	if err != nil {
		return nil, err
	}
	lines := linkLines(p.Setup(), links)
	proposals, err := proposalLines(ctx, p, who, links)
	if err != nil {
		return nil, err
	}
	if r == nil && len(person.Shown) > 0 {
		return nil, fmt.Errorf("this person's receipt is older than privacy.retention.receipts keeps; the CRM still shows the score of then")
	}
	if r == nil && person.Scoring == 0 {
		return nil, fmt.Errorf("this person was not worked out yet: they wait in the queue (intentd status)")
	}
	if r == nil {
		return nil, fmt.Errorf("no score was ever worked out for this person: nothing they did counts as a signal so far%s%s", nobodysOf(lines), proposedBy(proposals))
	}
	r.Held = held // a receipt is of its time, what a person holds is of now, and so is who is held out
	if person.HeldOut() {
		r.HeldOut = person.Arm.Since
	}
	s := p.Setup()
	r.Provisional = person.Flags&state.FlagRulesText != 0 && s.Engine != s.Rules // receipts of earlier releases do not say so
	r.Links, r.Proposals = lines, proposals
	if person.Flags&state.FlagStale != 0 && len(r.Stale) == 0 {
		r.Stale = []string{"a source did not answer at the last attempt: this is the last score before"}
	}
	return r, nil
}

// ExplainSource shows what a source is asked about a person, or without one who was active, its answer, and what became of each row. It
// holds personal data, and is kept nowhere.
func ExplainSource(ctx context.Context, p *pipeline.Pipeline, source, who string) (*pipeline.Told, error) {
	s := p.Setup()
	src := s.Source(source)
	if src == nil {
		var names []string
		for i := range s.Sources {
			names = append(names, s.Sources[i].Name)
		}
		return nil, fmt.Errorf("no source is named %q: there are %s", source, strings.Join(names, ", "))
	}
	if who == "" {
		return p.ToldActive(ctx, src)
	}
	id, err := p.Find(who)
	if err != nil {
		return nil, err
	}
	var ids []identity.ID
	if id == 0 {
		ids = s.IDsNamed(src.Name, who)
	}
	t, err := p.ToldOf(ctx, src, id, ids)
	if err == nil && id == 0 {
		t.Note("nobody in a CRM goes by it: the source was asked by it alone")
	}
	return t, err
}

// mustFind is Find, which fails where nobody goes by what was asked for.
func mustFind(p *pipeline.Pipeline, who string) (state.PersonID, error) {
	id, err := p.Find(who)
	if err == nil && id == 0 {
		err = pipeline.ErrUnknownPerson
	}
	return id, err
}

// heldNow are the fields of a person's records that are held at this moment, a receipt may be older.
func heldNow(p *pipeline.Pipeline, id state.PersonID) (fields []string, err error) {
	held, err := p.DB().HeldFields(id)
	for _, h := range held {
		for _, name := range h.Names {
			if !slices.Contains(fields, name) {
				fields = append(fields, name)
			}
		}
	}
	return fields, err
}

// linkLines are links as `explain` shows them.
func linkLines(s *pipeline.Setup, links []state.Link) (lines []receipt.LinkLine) {
	for _, l := range links {
		id := s.IdentityRules().LinkID(l)
		reason := l.Reason
		if !l.Nobodys && s.Identity.Blocks(id) {
			reason = "blocked by identity.block: nobody's"
		}
		lines = append(lines, receipt.Link(id, reason, l.At, l.Nobodys))
	}
	return lines
}

// proposalLines are the visitors who say to be the person.
func proposalLines(ctx context.Context, p *pipeline.Pipeline, who string, links []state.Link) (lines []receipt.ProposalLine, err error) {
	s := p.Setup()
	var q connectors.Person
	s.IdentityRules().AddLinks(&q, links)
	if address := s.Identity.Email(who); address != "" && !slices.Contains(q.Emails, address) {
		q.Emails = append(q.Emails, address)
	}
	for i := range s.Sources {
		of, ok := s.Sources[i].Source.(connectors.Proposer)
		if !ok {
			continue
		}
		proposals, err := of.Proposals(ctx, []connectors.Person{s.AskAs(s.Sources[i].Name, q)})
		if err != nil {
			return nil, err
		}
		for _, x := range proposals {
			lines = append(lines, receipt.ProposalLine{Source: s.Sources[i].Name, Visitor: x.AnonymousID, Kind: x.Kind, First: x.First, Last: x.Last})
		}
	}
	return lines, nil
}

// proposedBy names those who say to be the person, as the end of a sentence.
func proposedBy(lines []receipt.ProposalLine) string {
	out := ""
	for _, l := range lines {
		out += "; anonymous_id " + l.Visitor + " of " + l.Source + " gave their " + l.Kind + ", which nothing has confirmed"
	}
	return out
}

// nobodysOf names the identifiers that are nobody's, as the end of a sentence.
func nobodysOf(lines []receipt.LinkLine) string {
	out := ""
	for _, l := range lines {
		if l.Nobodys {
			out += "; " + l.Kind + " " + l.Value + " is " + l.Reason
		}
	}
	return out
}
