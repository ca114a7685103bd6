package score

import "time"

// Forecast says when what is shown changes if nothing new happens. shown is what the CRM shows (or is about to).
//
// Due is the first moment after now at which the gate would let a write pass: the tier changes, the score has drifted
// MaterialPoints from the one shown, the trend, the stage or the product changes (against what they are at now), a topic
// leaves the window, or the time of a verdict begins or ends. A signal that leaves the window is looked at like any other step of time, and is due only if one of
// these follows from it: other wake-ups would find nothing to write. What differs from shown already now is due at the next
// step, never at once, so that a write held back cannot make a loop. CoolsOn is the calendar day in loc, as midnight UTC, on
// which the tier first falls below the one shown, be it by the score or because its evidence ages. Below is the threshold of that
// tier less Margin, also where the tier is held by a rule for the time being.
//
// The arithmetic is exact: between two steps (a whole day of the newest signal or of one that is fading, a signal or topic entering
// or leaving a window, a hand-raise or key signal growing old, each of those that move the score again TrendDays later) nothing can
// change, so only steps are computed.
func (s *Settings) Forecast(f *Features, shown Shown, now time.Time, loc *time.Location) Forecast {
	var out Forecast
	if !s.TierByModel {
		switch shown.Tier {
		case High:
			out.Below = s.HighFrom(f) - s.Margin
		case Medium:
			out.Below = s.Medium - s.Margin
		}
	}
	var (
		lag     = int64(s.TrendDays) * day
		present = s.walk(f, now.Unix())
		past    = s.walk(f, now.Unix()-lag)
	)
	p := present.parts()
	tier, rule := present.tier(&p, shown.Tier)
	product, _ := present.product()
	stage := present.stage(tier)
	due, cools := false, shown.Tier <= Low
	for !due || !cools {
		at := present.next()
		if !due {
			if t := past.nextScore(); t < never {
				at = min(at, t+lag)
			}
		}
		if at == never {
			break
		}
		moved := present.advance(at)
		p = present.parts()
		before, by := tier, rule
		tier, rule = present.tier(&p, shown.Tier)
		if !cools && tier < shown.Tier {
			cools = true
			if loc == nil {
				loc = time.UTC
			}
			y, m, d := time.Unix(at, 0).In(loc).Date()
			out.CoolsOn = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		}
		if due {
			continue
		}
		past.advance(at - lag)
		then := past.parts()
		due = tier != shown.Tier || p.Known != shown.Known || s.drifted(shown.Score, p.Score) || s.trend(&p, &then) != shown.Trend || moved&topicLeft != 0 ||
			(rule == ByVerdict) != (by == ByVerdict)
		if !due && moved&productMoved != 0 {
			name, _ := present.product()
			due = name != product
		}
		if !due && (moved&stageMoved != 0 || tier != before) {
			due = present.stage(tier) != stage
		}
		if due {
			out.Due = time.Unix(at, 0).UTC()
		}
	}
	return out
}
