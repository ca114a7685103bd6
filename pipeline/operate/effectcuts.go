package operate

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// CutEffect is from which score on, in tenths, the people of an owner are high: now, and from the night after the change.
type CutEffect struct {
	Owner string `json:"owner"` // "crm/id"; "" for the pool of those whom nobody owns
	From  int    `json:"from"`
	Then  int    `json:"then"`
	Came  int    `json:"came"` // who would have come in within the last four weeks, had high begun at scoring.tiers.high
}

// effectOwners is how many people's owners are read at most where they are not kept, because nothing was bounded so far.
const effectOwners = 1000

const keyCapacity = "scoring.capacity"

// nextCuts work out where high would begin under other settings, by the function that does so each night.
type nextCuts struct {
	p         *pipeline.Pipeline
	old, next *pipeline.Setup
	restate   func(*state.Person, *score.Features) // puts the other settings into stored features
	unread    string                               // why it cannot be told

	owners map[connectors.Ref][]string // of people of whom they are not kept, by their first record
	cuts   *pipeline.Cuts              // nil: none
}

// changed says whether cuts are worked out anew: under other settings alone they stay until the night.
func (c *nextCuts) changed() bool { return c.next.Capacity != c.old.Capacity && c.unread == "" }

// owned puts into features whose somebody is, where that is not stored and was read.
func (c *nextCuts) owned(person *state.Person, f *score.Features) {
	if c.restate(person, f); c.owners != nil && len(person.Contacts) > 0 {
		f.Capacity.Owners = c.owners[person.Contacts[0]]
	}
}

// raise puts into restated features from where on somebody would be high.
func (c *nextCuts) raise(person *state.Person, f *score.Features, shown score.Shown) {
	if c.changed() {
		c.owned(person, f)
		f.Capacity = c.cuts.Capacity(f.Capacity.Owners, f.Capacity, shown)
	}
}

func (c *nextCuts) work(ctx context.Context) (out []CutEffect, err error) {
	if c.changed() && c.old.Capacity == 0 {
		err = c.readOwners(ctx)
	}
	if err != nil || !c.changed() {
		return nil, err
	}
	if c.cuts, err = c.p.CutsUnder(ctx, c.next, c.owned); err != nil {
		return nil, err
	}
	now, then := c.p.Cuts(), map[string]pipeline.Cut{}
	if c.cuts != nil {
		then = c.cuts.Owners
	}
	for owner, cut := range now {
		if _, raised := then[owner]; !raised {
			out = append(out, CutEffect{Owner: owner, From: cut.From, Then: c.next.Score.High, Came: cut.Entries})
		}
	}
	for owner, cut := range then {
		out = append(out, CutEffect{Owner: owner, From: max(c.old.Score.High, now[owner].From), Then: cut.From, Came: cut.Entries})
	}
	slices.SortFunc(out, func(a, b CutEffect) int {
		return cmp.Or(cmp.Compare(b.Then, a.Then), cmp.Compare(a.Owner, b.Owner))
	})
	return out, nil
}

// readOwners asks the CRMs whose the people are who came into high lately. Of others nobody's cut depends.
func (c *nextCuts) readOwners(ctx context.Context) error {
	var people [][]connectors.Ref
	many := false
	_, err := c.p.EachShown(ctx, func(_ state.PersonID, person *state.Person, _ score.Shown, f *score.Features) {
		if many || len(person.Contacts) == 0 {
			return
		}
		c.restate(person, f)
		if c.p.CameIn(c.next, f) {
			people = append(people, person.Contacts)
			many = len(people) > effectOwners
		}
	})
	if err != nil {
		return err
	}
	if many {
		c.unread = fmt.Sprintf("whose people are is not kept while nothing is bounded, and more than %d came into high in the last four weeks", effectOwners)
		return nil
	}
	known, err := readNow(ctx, c.p, c.old, slices.Concat(people...))
	if err != nil {
		c.unread = "whose people are is not kept while nothing is bounded, and could not be read: " + err.Error()
		return nil
	}
	c.owners = map[connectors.Ref][]string{}
	for _, refs := range people {
		owners := []string{}
		for _, ref := range refs {
			if r := known[ref]; r != nil && r.Owner != "" {
				owners = append(owners, ref.CRM+"/"+r.Owner)
			}
		}
		slices.Sort(owners)
		c.owners[refs[0]] = slices.Compact(owners)
	}
	return nil
}

// readNow reads records as they are now. What a CRM does not tell is left out; the error says why.
func readNow(ctx context.Context, p *pipeline.Pipeline, s *pipeline.Setup, refs []connectors.Ref) (known map[connectors.Ref]*connectors.Contact, failed error) {
	slices.SortFunc(refs, func(a, b connectors.Ref) int { return cmp.Compare(a.String(), b.String()) })
	refs = slices.Compact(refs)
	known = map[connectors.Ref]*connectors.Contact{}
	for i := range s.CRMs {
		crm := &s.CRMs[i]
		own := slices.DeleteFunc(slices.Clone(refs), func(r connectors.Ref) bool { return r.CRM != crm.Name })
		if len(own) == 0 {
			continue
		}
		contacts, err := p.Read(ctx, crm, own)
		if err != nil {
			failed = err
			continue
		}
		for k := range contacts {
			known[own[k]] = &contacts[k]
		}
	}
	return known, failed
}
