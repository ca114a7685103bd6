package score

// formula is the formula's score. Company-level signals count only beside one of the person's own in the window.
func (w *walker) formula() Parts {
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
