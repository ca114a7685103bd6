package pipeline

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// Where high begins for each owner is worked out anew once a day (Recut), and stored with its day. It is a threshold for who comes: whoever
// is high stays by what held when they came, so that nobody leaves because somebody else came.
//
// Who came into high in the last four weeks is recomputed from stored features, as the trend is, and not remembered: entries that were kept
// would be those over the cuts of then, and would not tell who a lower one would have let in.

// capacityWeeks is how long back entries count.
const capacityWeeks = 4

// Cuts are where high begins by owner ("crm/id", "" for nobody's), for whom that is above the configured score.
func (p *Pipeline) Cuts() map[string]Cut {
	if kept := p.cuts.now.Load(); kept != nil && p.Setup().Capacity > 0 {
		return kept.Owners
	}
	return nil
}

// capacity says from where on a subject is high.
func (l *lot) capacity(s *subject) score.Capacity {
	if l.s.Capacity == 0 {
		return score.Capacity{}
	}
	stored := score.StoredCapacity(s.person.Features)
	owners := stored.Owners
	if owners == nil || !s.unread() {
		owners = s.owners()
	}
	return l.p.cuts.now.Load().Capacity(owners, stored, s.shown)
}

// owners are those of a subject's records, never nil.
func (s *subject) owners() []string {
	out := []string{}
	for _, r := range s.recs {
		if owner := r.contact.Owner; r.read && owner != "" {
			out = append(out, r.ref.CRM+"/"+owner)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Recut works out where high begins for each owner from tomorrow's first score on: the lowest score from the configured one on that would
// have let in at most Setup.Capacity people a week, in the mean of the last four. It does so once a day, in the time zone of texts, and has
// those looked at whose tier follows. It calls nobody.
func (p *Pipeline) Recut(ctx context.Context) error {
	s, now := p.Setup(), p.now()
	if err := p.ClockDoubt(); err != nil {
		return err
	}
	before := p.cuts.now.Load()
	switch {
	case s.Capacity == 0 && before == nil, s.Capacity > 0 && before != nil && before.Day == p.day(now):
		return nil
	case s.Capacity == 0: // switched off; whoever is looked at from now on has none
		p.cuts.now.Store(nil)
		return p.db.SetSetting(cutsKey, nil)
	}
	unlock, ok := p.TryLock("capacity")
	if !ok {
		return ErrBusy
	}
	defer unlock()
	kept, owners, err := p.cutsUnder(ctx, s, now, func(*state.Person, *score.Features) {})
	if err != nil {
		return err
	}
	v, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	if err := p.db.SetSetting(cutsKey, v); err != nil {
		return err
	}
	p.cuts.now.Store(kept)
	n, err := p.followCuts(ctx, s, now)
	if len(kept.Owners) > 0 || n > 0 {
		p.log.Info("where high begins was worked out anew", "raised_for_owners", len(kept.Owners), "of", owners, "tier_changes", n)
	}
	return err
}

// CutsUnder are the cuts that a night would set under a setup; nil where it bounds nothing. restate puts stored features as they would be under it. Nothing
// is kept.
func (p *Pipeline) CutsUnder(ctx context.Context, s *Setup, restate func(*state.Person, *score.Features)) (*Cuts, error) {
	if s.Capacity == 0 {
		return nil, nil
	}
	cuts, _, err := p.cutsUnder(ctx, s, p.now(), restate)
	return cuts, err
}

// cutsUnder works out cuts, and says of how many owners somebody is shown. Whose cut stays has it since when they have it.
func (p *Pipeline) cutsUnder(ctx context.Context, s *Setup, now time.Time, restate func(*state.Person, *score.Features)) (*Cuts, int, error) {
	intake, err := p.intakeByOwner(ctx, s, now, restate)
	if err != nil {
		return nil, 0, err
	}
	before := p.cuts.now.Load()
	out := &Cuts{Day: p.day(now), Owners: map[string]Cut{}}
	for owner, n := range intake {
		cut := Cut{From: n.Cut(&s.Score, capacityWeeks*s.Capacity), Since: now.UTC().Truncate(time.Second), Entries: n.Entries(s.Score.High)}
		if cut.From <= s.Score.High {
			continue
		}
		if before != nil && before.Owners[owner].From == cut.From {
			cut.Since = before.Owners[owner].Since
		}
		out.Owners[owner] = cut
	}
	return out, len(intake), nil
}

// CameIn says whether somebody came into high by their score in the weeks that cuts are worked out of.
func (p *Pipeline) CameIn(s *Setup, f *score.Features) (came bool) {
	now := p.now()
	s.Score.Entries(f, now.AddDate(0, 0, -7*capacityWeeks), now, func(int, int) { came = true })
	return came
}

// intakeByOwner counts who came into high in the last four weeks, by whose they are now. Of whom nobody knows the owner yet is left out.
func (p *Pipeline) intakeByOwner(ctx context.Context, s *Setup, now time.Time, restate func(*state.Person, *score.Features)) (map[string]*score.Intake, error) {
	by := map[string]*score.Intake{}
	from := now.AddDate(0, 0, -7*capacityWeeks)
	_, err := p.EachShown(ctx, func(_ state.PersonID, person *state.Person, _ score.Shown, f *score.Features) {
		restate(person, f)
		owners := f.Capacity.Owners
		switch {
		case owners == nil:
			return
		case len(owners) == 0:
			owners = []string{""}
		}
		for _, owner := range owners {
			if by[owner] == nil {
				by[owner] = &score.Intake{}
			}
		}
		s.Score.Entries(f, from, now, func(above, upTo int) {
			for _, owner := range owners {
				by[owner].Add(above, upTo)
			}
		})
	})
	return by, err
}

// followCuts has everybody looked at whose tier is another one by the cuts in force, and says how many they are.
func (p *Pipeline) followCuts(ctx context.Context, s *Setup, now time.Time) (changed int, err error) {
	var ids []state.PersonID
	_, err = p.EachShown(ctx, func(id state.PersonID, _ *state.Person, shown score.Shown, f *score.Features) {
		stored := f.Capacity
		if stored.Owners == nil {
			return
		}
		f.Capacity = p.cuts.now.Load().Capacity(stored.Owners, stored, shown)
		if f.Capacity.Cut == stored.Cut {
			return
		}
		if tier, _ := s.Score.TierOf(f, s.Score.At(f, now), shown.Tier, now); tier != shown.Tier {
			ids = append(ids, id)
		}
	})
	for some := range slices.Chunk(ids, 1000) {
		if err == nil {
			err = p.db.EnqueuePeople(some, now)
		}
	}
	return len(ids), err
}
