package score

import "math"

// parts is the score at the walker's moment. Company-level signals count only beside one of the person's own in the window.
func (w *walker) parts() Parts {
	p := Parts{Days: -1}
	if !w.known {
		return p
	}
	s := w.s
	p.Known = true
	p.Newest = w.newest
	if w.newest != 0 {
		p.Days = int(max(0, w.now-w.newest) / day)
	}
	if w.own > 0 {
		p.Signals = w.own + w.company
		p.Base = w.base()
		p.Bonus = min(max(w.bonus, -s.TopicPoints), s.TopicPoints)
		switch w.f.ModelInterest {
		case InterestHigh:
			p.Interest = s.InterestPoints
		case InterestMedium:
			p.Interest = divide(s.InterestPoints, 2)
		}
	}
	if w.volume.of != p.Signals {
		w.volume.of, w.volume.is = p.Signals, s.volume(p.Signals)
	}
	p.Volume = part(s.Weights.Volume, w.volume.is)
	p.Recency = part(s.Weights.Recency, w.recencyAfter(p.Days))
	p.Topics = part(s.Weights.Topics, 10*min(max(p.Base+p.Bonus+p.Interest, 0), 100))
	p.Score = p.Volume.Contribution + p.Recency.Contribution + p.Topics.Contribution
	return p
}

func (w *walker) recencyAfter(days int) int {
	if w.recency.of != days {
		w.recency.of, w.recency.is = days, w.s.recency(days)
	}
	return w.recency.is
}

// volume is 100·ln(1+n) / ln(1+MaxActivity), at most 100, in tenths.
func (s *Settings) volume(n int) int {
	if n >= s.MaxActivity {
		return 1000
	}
	return Tenths(100 * math.Log1p(float64(n)) / math.Log1p(float64(s.MaxActivity)))
}

// recency is 100·e^(−days/TimeConstantDays) in tenths; nothing if no signal ever set it (days < 0).
func (s *Settings) recency(days int) int {
	if days < 0 {
		return 0
	}
	return Tenths(100 * math.Exp(-float64(days)/s.TimeConstantDays))
}

func part(weight, component int) Part {
	return Part{Component: component, Weight: weight, Contribution: divide(weight*component, 1000)}
}
