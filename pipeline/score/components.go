package score

import "math"

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
