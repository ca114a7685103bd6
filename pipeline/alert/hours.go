package alert

import "time"

// Clock is a time of day, in minutes.
type Clock int

// Hours are when a channel tells.
type Hours struct {
	Location *time.Location
	// From Begin to End, over midnight where End comes first, nothing is told; it waits. The same: there are no quiet hours.
	Begin, End Clock
	Daily      *Clock // everything waits for this time and is told at once; nil: it is told as it comes
}

func (h Hours) local(t time.Time) time.Time {
	if h.Location == nil {
		return t.UTC()
	}
	return t.In(h.Location)
}

// Quiet says whether nothing is told at a moment.
func (h Hours) Quiet(at time.Time) bool {
	l := h.local(at)
	now := Clock(l.Hour()*60 + l.Minute())
	if h.Begin <= h.End {
		return h.Begin <= now && now < h.End
	}
	return now >= h.Begin || now < h.End
}

// From is when what happened at a moment is told at the earliest, quiet hours apart.
func (h Hours) From(at time.Time) time.Time {
	if h.Daily == nil {
		return at
	}
	l := h.local(at)
	day := time.Date(l.Year(), l.Month(), l.Day(), 0, int(*h.Daily), 0, 0, l.Location())
	if !day.After(at) {
		day = time.Date(l.Year(), l.Month(), l.Day()+1, 0, int(*h.Daily), 0, 0, l.Location())
	}
	return day
}
