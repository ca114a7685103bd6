package pipeline

import "time"

// Verdicts say for how long each of a rep's verdicts sets a person aside. One that is not named, or named with 0, sets nobody aside.
type Verdicts map[string]time.Duration

// aside is the span, in Unix seconds, in which a verdict of a moment sets the person aside; zeros if it does not, or not any more.
func (v Verdicts) aside(verdict string, at, now time.Time) (from, until int64) {
	end := at.Add(v[verdict])
	if at.IsZero() || !end.After(at) || !now.Before(end) {
		return 0, 0
	}
	return at.Unix(), end.Unix()
}
