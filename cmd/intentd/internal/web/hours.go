package web

import (
	"time"

	"github.com/intentd/intentd/state"
)

// What the drawings of hours show: the last hoursShown of them, the newest at the right, each hourWide wide, and hoursHigh high.
const (
	hoursShown = 48
	hourWide   = 10
	hoursHigh  = 60
)

// hourChart is what was counted of a job in the last hours: what went well below, what did not above it.
type hourChart struct {
	Job        string
	Bars       []hourBar // without those of nothing
	Good, Bad  int64     // over all bars
	Most       int64     // in one
	Newest     time.Time // the hour of the last good; zero: none
	From, To   time.Time
	Wide, High int
}

// hourBar is an hour as two boxes of the drawing.
type hourBar struct {
	At           time.Time
	Good, Bad    int64
	X            int
	GoodY, GoodH int
	BadY, BadH   int
}

// Any says that there is something to draw.
func (c hourChart) Any() bool { return c.Good+c.Bad > 0 }

// hoursOf draws a job's last hours, up to the one of now; of tells what goes into a bar.
func hoursOf(hours []state.Hour, job string, now time.Time, of func(state.HourCounts) (good, bad int64)) hourChart {
	to := now.UTC().Truncate(time.Hour)
	c := hourChart{Job: job, From: to.Add(-(hoursShown - 1) * time.Hour), To: to, Wide: hoursShown * hourWide, High: hoursHigh}
	for _, h := range hours {
		good, bad := of(h.Jobs[job])
		if h.Hour.Before(c.From) || h.Hour.After(to) || good+bad == 0 {
			continue
		}
		c.Bars = append(c.Bars, hourBar{At: h.Hour, Good: good, Bad: bad, X: int(h.Hour.Sub(c.From)/time.Hour) * hourWide})
		c.Good, c.Bad, c.Most = c.Good+good, c.Bad+bad, max(c.Most, good+bad)
		if good > 0 {
			c.Newest = h.Hour
		}
	}
	high := func(n int64) int { // what is there is seen
		if n == 0 {
			return 0
		}
		return max(int(n*hoursHigh/c.Most), 1)
	}
	for i := range c.Bars {
		b := &c.Bars[i]
		b.GoodH, b.BadH = high(b.Good), high(b.Bad)
		b.GoodY = hoursHigh - b.GoodH
		b.BadY = max(b.GoodY-b.BadH, 0)
	}
	return c
}
