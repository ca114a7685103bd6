package score

import "time"

// Show works out everything that a CRM shows of f at now. prev is what it shows at present: its tier decides about
// hysteresis, Since is kept while the tier stays, and Topics and Written are handed on for the caller to set.
func (s *Settings) Show(f *Features, prev Shown, now time.Time) (Shown, Parts, Rule) {
	w := s.walk(f, now.Unix())
	p := w.parts()
	past := s.walk(f, now.Unix()-int64(s.TrendDays)*day)
	then := past.parts()
	next := Shown{Known: p.Known, Score: p.Score, Topics: prev.Topics, Written: prev.Written, Since: prev.Since, Raised: w.raised}
	var rule Rule
	next.Tier, rule = w.tier(&p, prev.Tier)
	next.Trend = s.trend(&p, &then)
	next.Product, next.Interest = w.product()
	next.Stage = w.stage(next.Tier)
	if next.Tier != prev.Tier || next.Since.IsZero() {
		next.Since = now
	}
	return next, p, rule
}
