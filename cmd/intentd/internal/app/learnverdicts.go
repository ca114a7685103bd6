package app

import (
	"context"
	"iter"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/verdicts"
	"github.com/intentd/intentd/state"
)

// VerdictsLesson is how reps' verdicts were weighed beside closed deals.
type VerdictsLesson struct {
	Weight     float64        `json:"weight"` // of each, where somebody of a deal is 1; at most the configured one
	Used       int            `json:"used"`
	Interested int            `json:"interested"` // of those used
	LeftOut    map[string]int `json:"left_out,omitempty"`
}

// Why a verdict is no weak label.
const (
	whyOnDeal  = "the person is on a closed deal, which tells more"
	whyTooOld  = "older than the deals"
	whyNotUsed = "no strengths were learned, or more than are read"
)

// withVerdicts gives the population of a learning the newest verdict on each person as weak labels, where the configuration says so. What was weighed is known once strengths were learned: tell it by told.
func (a *App) withVerdicts(ctx context.Context, p *backtest.Population, b *dealBacktest) (told func(*taught) error, err error) {
	p.WeakTimes = b.cfg.Verdicts.Weight
	if p.WeakTimes == 0 {
		return func(*taught) error { return nil }, nil
	}
	onDeal := map[string]bool{}
	for _, lot := range b.lots {
		for i := range lot {
			id, err := a.db.Find(state.Lookup{Refs: []connectors.Ref{lot[i].contact.Ref}}, a.pipe.Setup().IdentityRules())
			if err != nil {
				return nil, err
			}
			onDeal[id.Key()] = true
		}
	}
	var failed error
	each := func(do func(v *verdicts.Verdict, won bool, why string)) {
		err := operate.NewestVerdicts(ctx, a.pipe, func(v *verdicts.Verdict) {
			won, why := v.Weak()
			switch {
			case why != "":
			case onDeal[v.Person]:
				why = whyOnDeal
			case v.At.Before(p.Deals.Since):
				why = whyTooOld
			}
			do(v, won, why)
		})
		if err != nil {
			failed = err
		}
	}
	names := b.cfg.ProfileNames()
	p.Weak = func() iter.Seq[*backtest.Person] {
		return func(yield func(*backtest.Person) bool) {
			enough := false
			each(func(v *verdicts.Verdict, won bool, why string) {
				if why == "" && !enough {
					judged := &learn.Snapshot{At: v.Judged.At, Features: v.Judged.Features}
					keepProfile(judged, names)
					enough = !yield(&backtest.Person{At: v.At, Won: won, Snapshot: judged})
				}
			})
		}
	}
	return func(t *taught) error {
		l := &VerdictsLesson{LeftOut: map[string]int{}}
		if t.strengths != nil {
			l.Used, l.Weight = t.strengths.Learned.Verdicts, t.strengths.Learned.VerdictWeight
		}
		n := 0
		each(func(_ *verdicts.Verdict, won bool, why string) {
			switch {
			case why != "":
				l.LeftOut[why]++
			case n >= l.Used:
				l.LeftOut[whyNotUsed]++
			default:
				n++
				if won {
					l.Interested++
				}
			}
		})
		t.Verdicts = l
		return failed
	}, nil
}
