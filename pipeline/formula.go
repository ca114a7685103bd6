package pipeline

import (
	"context"
	"fmt"

	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// formulaKey holds the version of the formula that the state last worked under.
const formulaKey = "formula"

// checkFormula looks whether the state was scored by another formula than this version's. If so, it scores everybody whose score a CRM shows
// once more from the stored features, without asking anybody, logs which tiers change, and stops writing until a resume, which lets exactly
// that change through. It is to be called before the first lot. On a state where nobody was scored yet it only notes the formula.
func (p *Pipeline) checkFormula(ctx context.Context) error {
	last, err := p.db.Setting(formulaKey)
	if err != nil || string(last) == score.Version {
		return err
	}
	if scored(p.db) > 0 {
		m, err := p.matrix(ctx)
		if err != nil {
			return err
		}
		if m.Changed() > 0 {
			why := fmt.Sprintf("formula: scores are worked out by formula %s from here on; %d of %d people would change tier. Look at them with `intentd plan`, then `intentd resume`, which lets this change through\n%s",
				score.Version, m.Changed(), m.People(), m.String())
			p.log.Error("writing waits for a resume: the formula has changed", "why", why)
			if err := p.brake.set(func(b *BrakeState) { b.On, b.Why, b.At = true, why, p.now() }); err != nil {
				return err
			}
		}
	}
	return p.db.SetSetting(formulaKey, []byte(score.Version))
}

// matrix counts everybody whom a CRM shows by the tier it shows and the one that the settings in force give, from stored features.
func (p *Pipeline) matrix(ctx context.Context) (*score.Matrix, error) {
	var m score.Matrix
	set, now := p.Setup().Score, p.now()
	_, err := p.EachShown(ctx, func(_ state.PersonID, _ *state.Person, shown score.Shown, f *score.Features) {
		m.Add(&set, shown, f, now)
	})
	return &m, err
}

// EachShown calls do for everybody whose score a CRM shows, with what it shows and what that rests on. Damaged are those of whom one of the two
// cannot be read: the lot that meets them tells.
func (p *Pipeline) EachShown(ctx context.Context, do func(id state.PersonID, person *state.Person, shown score.Shown, f *score.Features)) (damaged int, err error) {
	for from := state.PersonID(1); from > 0; {
		if err := ctx.Err(); err != nil {
			return damaged, err
		}
		whose, people, next, err := p.db.PeopleFrom(from, 1000)
		if err != nil {
			return damaged, err
		}
		from = next
		for i := range people {
			person := &people[i]
			if len(person.Shown) == 0 || len(person.Features) == 0 || person.HeldOut() {
				continue
			}
			shown, err := score.DecodeShown(person.Shown)
			features, err2 := score.DecodeFeatures(person.Features)
			if err != nil || err2 != nil {
				damaged++
				continue
			}
			do(whose[i], person, shown, &features)
		}
	}
	return damaged, nil
}
