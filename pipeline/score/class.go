package score

import "time"

// Class says what decides somebody's tier besides the score: everything that TierOf asks of what they did.
type Class uint8

const (
	ClassUnknown Class = iota
	ClassLow           // low whatever the score
	ClassMedium        // the score, medium at most
	ClassHigh          // the score
	ClassRaised        // high whatever the score: a request within HandRaiseDays
	ClassAside         // low whatever the score: a rep set the person aside
	ClassModel         // a model's word: no score moves it by itself
)

// ClassAt is the class of f at now, of somebody who had the tier prev. Whom capacity keeps out of high is medium at most: no lower line lets them in.
func (s *Settings) ClassAt(f *Features, prev Tier, now time.Time) Class {
	w := s.walk(f, now.Unix())
	p := w.parts()
	switch _, rule := w.tier(&p, TierUnknown); {
	case rule == ByVerdict:
		return ClassAside
	case w.within(w.raised, s.HandRaiseDays):
		return ClassRaised
	case rule == ByModel:
		return ClassModel
	}
	allowed := w.evidence().Tier()
	if high := s.HighFrom(f); high > s.High {
		if tier, _ := s.byScore(p.Score, prev, high); tier < High {
			allowed = min(allowed, Medium)
		}
	}
	return ClassLow + Class(allowed-Low)
}

// TierOfClass is the tier of somebody of a class with a score, who had the tier prev: TierOf, from what is counted of people. Of the classes
// that no score moves and of the unknown one it is prev.
func (s *Settings) TierOfClass(c Class, score int, prev Tier) Tier {
	switch c {
	case ClassLow, ClassMedium, ClassHigh:
		tier, _ := s.byScore(score, prev, s.High)
		return min(tier, Low+Tier(c-ClassLow))
	case ClassRaised:
		return High
	case ClassAside:
		return Low
	}
	return prev
}
