package backtest

import (
	"context"
	"math"

	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/learn/logistic"
	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/score"
)

// Names of the engines and baselines.
const (
	Formula    = "formula"
	Weights    = "weights"
	Propensity = "propensity"

	NewestForm     = "newest_form"
	NewestActivity = "newest_activity"
	MostPageViews  = "most_page_views"
)

// engine ranks people.
type engine struct {
	name     string
	baseline bool
	score    func(*standing) float64                 // higher is sooner; NaN: not known
	tier     func(*standing, float64) score.Tier     // nil: it has none
	odds     func(score float64) (p float64)         // nil: a logistic that is fitted to its scores in the training part
	training measure.Tally                           // of its scores, where odds is nil
	judged   measure.Tally                           // of its scores
	against  measure.Pairs                           // of its scores and the main engine's, of the same people
	tiers    [score.High + 1]struct{ rows, won int } // of the people judged on
}

// bySettings is an engine of the formula's kind.
func bySettings(name string, set score.Settings) *engine {
	return &engine{
		name: name,
		score: func(s *standing) float64 {
			p := s.parts
			if set.Weights != (score.Weights{Volume: p.Volume.Weight, Recency: p.Recency.Weight, Topics: p.Topics.Weight}) {
				p = reweighed(p, set.Weights)
			}
			if !p.Known {
				return -1
			}
			return float64(p.Score)
		},
		tier: func(s *standing, points float64) score.Tier { return tierOf(&set, s, points) },
	}
}

// reweighed are the parts of a score under other weights.
func reweighed(p score.Parts, w score.Weights) score.Parts {
	p.Score = 0
	for _, c := range [...]struct {
		part   *score.Part
		weight int
	}{{&p.Volume, w.Volume}, {&p.Recency, w.Recency}, {&p.Topics, w.Topics}} {
		c.part.Weight, c.part.Contribution = c.weight, (c.weight*c.part.Component+500)/1000
		p.Score += c.part.Contribution
	}
	return p
}

// tierOf is the tier for so many tenths: by score and evidence of a snapshot, by the score alone of a row.
func tierOf(set *score.Settings, s *standing, points float64) score.Tier {
	if s.Snapshot != nil {
		p := s.parts
		p.Score = min(max(int(points), 0), 1000)
		tier, _ := set.TierOf(&s.Snapshot.Features, p, score.TierUnknown, s.Snapshot.At)
		return tier
	}
	switch {
	case math.IsNaN(points):
		return score.TierUnknown
	case points >= float64(set.High):
		return score.High
	case points >= float64(set.Medium):
		return score.Medium
	}
	return score.Low
}

// given is the team's own score; it has tiers where it goes from 0 to 100, as ours.
func given(name string, set score.Settings) *engine {
	return &engine{
		name:  name,
		score: func(s *standing) float64 { return s.Given },
		tier: func(s *standing, points float64) score.Tier {
			return tierOf(&set, &standing{Person: &Person{}}, 10*points)
		},
	}
}

// baselines are what a team would do without a score.
func baselines(told [3]bool) (out []*engine) {
	add := func(i int, name string, of func(*standing) float64) {
		if told[i] {
			out = append(out, &engine{name: name, baseline: true, score: of})
		}
	}
	add(0, NewestForm, func(s *standing) float64 { return -s.FormDays })
	add(1, NewestActivity, func(s *standing) float64 { return -s.ActiveDays })
	add(2, MostPageViews, func(s *standing) float64 { return s.PageViews })
	return out
}

// byStrengths is the engine of a learned model. It ranks by the points before they are cut to 0 … 100: within those who are cut off, the probability tells them apart.
func byStrengths(m *learn.Strengths, set score.Settings) *engine {
	return &engine{
		name: Propensity,
		score: func(s *standing) float64 {
			m.Encode(s.facts, s.x)
			return float64(m.Sum(s.x))
		},
		tier: func(s *standing, points float64) score.Tier { return tierOf(&set, s, points) },
		odds: m.Probability,
	}
}

// mapped is the logistic of the engine's scores that fits its training part; without one, nil.
func (e *engine) mapped(ctx context.Context) (func(float64) float64, error) {
	if e.odds != nil {
		return e.odds, nil
	}
	return logisticOf(ctx, e.training.Groups())
}

// logisticOf fits the log-odds of winning as a line over scores.
func logisticOf(ctx context.Context, groups []measure.Group) (func(float64) float64, error) {
	n, mean, squares := 0.0, 0.0, 0.0
	for _, g := range groups {
		if k := g.Rows(); !math.IsInf(g.Score, 0) {
			off := g.Score - mean
			n += k
			mean += off * k / n
			squares += k * off * (g.Score - mean)
		}
	}
	spread := math.Sqrt(squares / max(n, 1))
	if !(spread > 0) {
		spread = 1
	}
	scaled := func(s float64) float64 { return min(max((s-mean)/spread, -8), 8) }
	rows := &logistic.Rows{Width: 1}
	for _, g := range groups {
		rows.X = append(rows.X, float32(scaled(g.Score)), float32(scaled(g.Score)))
		rows.Won = append(rows.Won, true, false)
		rows.Times = append(rows.Times, float64(g.Won), float64(g.Lost))
	}
	fit, err := logistic.Learn(ctx, rows, logistic.Prior{Precision: 1})
	if err != nil {
		return nil, err
	}
	return func(s float64) float64 { return measure.Logistic(fit.Intercept + fit.Coefficients[0]*scaled(s)) }, nil
}
