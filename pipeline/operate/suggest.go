package operate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/state"
)

// Uncovered is something that happens often and that no rule of the configuration covers. Of a form only its name is known.
type Uncovered struct {
	learn.Unruled
	Times  int64        `json:"times"`
	People int64        `json:"people,omitempty"` // of a page
	Deals  *learn.Share `json:"deals,omitempty"`  // how many of the people of closed deals did it; nil where that is not known
}

// Rule is a line for scoring.rules that covers it.
func (u Uncovered) Rule() string {
	switch {
	case u.Form != "":
		return fmt.Sprintf("{form: %q, signal: hand_raise}", u.Form)
	case u.Kind != "":
		return fmt.Sprintf("{kind: %q, source: %s, signal: content_view}", u.Kind, u.Source)
	}
	return fmt.Sprintf("{url: %q, signal: content_view}", u.URL)
}

const (
	suggested    = 10 // of each sort
	fewestPeople = 3  // who must have seen a page: what fewer saw may be about them
	suggestPage  = 200
)

// Suggest lists the commonest events, forms and pages that no rule covers, the commonest of each first. Pages are counted in what the present
// scores rest on; it looks at everybody, a page of people at a time. deals say how many people of closed deals did each; nil: nobody went over any.
func Suggest(ctx context.Context, p *pipeline.Pipeline, deals *learn.Shares) ([]Uncovered, error) {
	var out []Uncovered
	for name, c := range StatusOf(p).Connectors {
		if c.Intake == nil {
			continue
		}
		for kind, n := range c.Intake.UnknownKinds {
			if !p.Setup().Journey.RulesKind(kind, name) {
				out = append(out, Uncovered{Unruled: learn.Unruled{Kind: kind, Source: name}, Times: n})
			}
		}
	}
	_, forms := p.UnknownForms(p.Setup().Journey)
	for form, n := range forms {
		out = append(out, Uncovered{Unruled: learn.Unruled{Form: form}, Times: n})
	}
	out = slices.DeleteFunc(out, func(u Uncovered) bool { return u.Kind+u.Form == connectors.OtherNames })
	pages := map[string]*Uncovered{}
	for from, more := state.PersonID(0), true; more; more = from != 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ids, err := p.DB().People(from, suggestPage)
		if err != nil {
			return nil, fmt.Errorf("suggest: %w", err)
		}
		from = 0
		for _, id := range ids {
			from = id + 1
			if err := countPages(p, id, pages); err != nil {
				return nil, fmt.Errorf("suggest: %w", err)
			}
		}
	}
	for u := range maps.Values(pages) {
		if u.People >= fewestPeople {
			out = append(out, *u)
		}
	}
	slices.SortFunc(out, func(a, b Uncovered) int {
		return cmp.Or(cmp.Compare(a.sort(), b.sort()), cmp.Compare(b.Times, a.Times), strings.Compare(a.Source+a.Kind+a.Form+a.URL, b.Source+b.Kind+b.Form+b.URL))
	})
	kept, of := out[:0], [3]int{}
	for _, u := range out {
		if of[u.sort()]++; of[u.sort()] <= suggested {
			if deals != nil {
				u.Deals = deals.Share(u.Unruled)
			}
			kept = append(kept, u)
		}
	}
	return kept, nil
}

func (u Uncovered) sort() int {
	switch {
	case u.Form != "":
		return 0
	case u.Kind != "":
		return 1
	}
	return 2
}

// countPages counts the pages of one person that count as any page. A receipt that cannot be read is passed over: verify and the lot that
// meets it tell.
func countPages(p *pipeline.Pipeline, id state.PersonID, pages map[string]*Uncovered) error {
	raw, err := p.DB().LastReceipt(id)
	if err != nil || len(raw) == 0 {
		return err
	}
	r, err := p.OpenReceipt(raw)
	if err != nil {
		return nil
	}
	mine := map[string]bool{}
	for i := range min(len(r.Signals), len(r.Features.Signals)) {
		page, ok := learn.UnruledPage(r.Signals[i].Kind, r.Signals[i].Object, r.Features.Signals[i].Type)
		if !ok {
			continue
		}
		path := page.URL
		u := pages[path]
		if u == nil {
			u = &Uncovered{Unruled: page}
			pages[path] = u
		}
		u.Times++
		if !mine[path] {
			mine[path] = true
			u.People++
		}
	}
	return nil
}
