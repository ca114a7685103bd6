package score

import "time"

// At is the score of f at now with its parts. It takes signals in any order.
func (s *Settings) At(f *Features, now time.Time) Parts {
	w := s.walk(f, now.Unix())
	return w.parts()
}

// parts is the score at the walker's moment, by the engine of the settings.
func (w *walker) parts() Parts {
	p := w.formula()
	if w.s.Additive != nil && p.Known {
		w.learned(&p)
	}
	return p
}
