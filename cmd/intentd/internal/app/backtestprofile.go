package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/profile"
	"github.com/intentd/intentd/pipeline/score"
)

// keepProfile keeps in a snapshot what the named properties said, and marks those of which it holds no word as untold: the daemon may not have asked for them then. What the CRM says
// of them today is no evidence of what it said before the outcome.
func keepProfile(s *learn.Snapshot, names []string) {
	f := &s.Features
	f.Profile = slices.DeleteFunc(slices.Clone(f.Profile), func(w score.Word) bool { return !slices.Contains(names, w.Name) })
	s.Untold = nil
	for _, name := range names {
		if !slices.ContainsFunc(f.Profile, func(w score.Word) bool { return w.Name == name }) {
			s.Untold = append(s.Untold, name)
		}
	}
}

// profiles are what the properties to learn from said at the dates of the snapshots: what the daemon kept then, else what the CRM's history tells.
func (b *dealBacktest) profiles(ctx context.Context, cases []outcomeCase, made []backtest.Person) error {
	names := b.cfg.ProfileNames()
	for i := range made {
		keepProfile(made[i].Snapshot, names)
	}
	for k := range b.setup.CRMs {
		crm := &b.setup.CRMs[k]
		past, ok := crm.CRM.(connectors.Historian)
		if !ok || len(crm.Profile) == 0 {
			continue
		}
		var refs []connectors.Ref
		for i := range cases {
			if ref := cases[i].who.Contact.Ref; ref.CRM == crm.Name && len(made[i].Snapshot.Untold) > 0 && !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
		if len(refs) == 0 {
			continue
		}
		said, err := past.History(ctx, refs, crm.Profile)
		if err != nil {
			return fmt.Errorf("%s: what properties said before: %w", crm.Name, err)
		}
		for i := range cases {
			tellProfile(made[i].Snapshot, crm.Profile, said[cases[i].who.Contact.Ref])
		}
	}
	return nil
}

// tellProfile adds to a snapshot what a record's history tells of properties that are untold in it.
func tellProfile(s *learn.Snapshot, properties []string, said map[string]connectors.PropertyHistory) {
	var told []string
	for _, property := range properties {
		h, tracked := said[property]
		name := profile.Name(property)
		if !tracked || !slices.Contains(s.Untold, name) {
			continue
		}
		if v, known := h.At(s.At); known {
			s.Features.Profile, told = profile.Add(s.Features.Profile, property, v), append(told, name)
		}
	}
	s.Untold = without(s.Untold, told)
}
