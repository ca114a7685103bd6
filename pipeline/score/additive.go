package score

import "math"

// PointsAt are the terms that add anything to the score of f at now, in the order of the model; nil without a model, or of somebody of whom no signal was seen.
func (s *Settings) PointsAt(f *Features, now int64) []Points {
	if s.Additive == nil {
		return nil
	}
	w := s.walk(f, now)
	if !w.known {
		return nil
	}
	p := w.formula()
	stage := w.stageFact(&p)
	var out []Points
	for i := range s.Additive.Terms {
		t := &s.Additive.Terms[i]
		x := w.value(i, &p, stage)
		if tenths := t.Points(x); tenths != 0 {
			if x != x {
				x = float32(t.Usual)
			}
			out = append(out, Points{i, x, tenths})
		}
	}
	return out
}

// Probability of winning, 0 to 1, that goes with parts; ok is false without a model, or of somebody unknown.
func (s *Settings) Probability(p *Parts) (probability float64, ok bool) {
	a := s.Additive
	if a == nil || !p.Known || a.K == 0 {
		return 0, false
	}
	odds := a.Intercept + float64(p.Points)/10/a.K
	return 1 / (1 + math.Exp(-(a.A + a.B*odds))), true
}

// learned puts the model's points in the place of the formula's contributions.
func (w *walker) learned(p *Parts) {
	a, h := w.s.Additive, w.habits
	stage := w.stageFact(p)
	sum := 0
	if !h.fresh {
		h.still, h.fresh = 0, true
		for i := range a.Terms {
			if a.plan.terms[i].still {
				h.still += a.Terms[i].Points(w.value(i, p, stage))
			}
		}
	}
	for i := range a.Terms {
		if !a.plan.terms[i].still {
			sum += a.Terms[i].Points(w.value(i, p, stage))
		}
	}
	p.Volume.Weight, p.Volume.Contribution = 0, 0
	p.Recency.Weight, p.Recency.Contribution = 0, 0
	p.Topics.Weight, p.Topics.Contribution = 0, 0
	p.Interest = 0
	p.Topics.Component = 10 * min(max(p.Base+p.Bonus, 0), 100)
	p.Offset, p.Points = a.Offset, h.still+sum
	p.Score = min(max(p.Offset+p.Points, 0), 1000)
	p.Clamp = p.Score - p.Offset - p.Points
}

// stageFact is the stage by rules of the tier that the formula gives at the moment; p are the formula's parts.
func (w *walker) stageFact(p *Parts) Stage {
	if !w.s.Additive.plan.staged {
		return StageUnknown
	}
	tier, _ := w.byFormula(p.Score, TierUnknown)
	if w.within(w.raised, w.s.HandRaiseDays) {
		tier = High
	}
	return w.stageByRules(tier)
}

// value is that of the i-th term's feature at the walker's moment; NaN where it is not known.
func (w *walker) value(i int, p *Parts, stage Stage) float32 {
	t, plan := &w.s.Additive.Terms[i], &w.s.Additive.plan.terms[i]
	if plan.kind == factUnknown || plan.detail && !w.f.Whole {
		return float32(math.NaN())
	}
	word := ""
	number := math.NaN()
	switch plan.kind {
	case factStageIs:
		word = stage.String()
	case factProfileIs:
		word = w.f.word(plan.word)
	default:
		number = w.habits.number(plan.kind, plan.slot, w.f, p, w.now)
	}
	return t.Of(word, number)
}
