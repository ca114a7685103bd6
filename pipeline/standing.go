package pipeline

import (
	"context"

	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// stand says where a person with a result stands among all: by what the CRM is to show, what they did, and who owns their first record.
func (l *lot) stand(s *subject, next *state.Person, shown score.Shown) {
	next.Standing = state.Standing{Score: uint16(max(shown.Score, 0)), Trend: uint8(shown.Trend), Stage: uint8(shown.Stage), Product: state.Mark(shown.Product),
		Evidence: uint8(l.s.Score.ClassAt(&s.inputs.features, shown.Tier, l.now)), Owner: next.Standing.Owner}
	for _, r := range s.recs {
		if r.read {
			next.Standing.Owner = state.Mark(r.contact.Owner)
			break
		}
	}
}

// standingsAtATime is how many people RefreshStandings reads at once.
const standingsAtATime = 1000

// RefreshStandings has the class of everybody's evidence be what it is by now: it ages without anybody being worked out, and states of before it
// was kept have none. changed is of how many it was another.
func (p *Pipeline) RefreshStandings(ctx context.Context) (changed int, err error) {
	for q := (state.RankQuery{N: standingsAtATime}); ; {
		if err := ctx.Err(); err != nil {
			return changed, err
		}
		page, err := p.db.Ranked(q)
		if err != nil {
			return changed, err
		}
		set, now := &p.Setup().Score, p.now()
		var changes []state.EvidenceChange
		for i := range page.People {
			who := &page.People[i]
			f, err := score.DecodeFeatures(who.Person.Features)
			if err != nil || len(who.Person.Features) == 0 {
				continue // the lot that meets them tells
			}
			if is := uint8(set.ClassAt(&f, score.Tier(max(who.Tier, 1)-1), now)); is != who.Person.Standing.Evidence {
				changes = append(changes, state.EvidenceChange{ID: who.ID, Was: who.Person.Standing, Is: is})
			}
		}
		if len(changes) > 0 {
			if err := p.db.NoteEvidence(changes); err != nil {
				return changed, err
			}
		}
		changed += len(changes)
		if q.After = page.Next; q.After == nil {
			return changed, nil
		}
	}
}
