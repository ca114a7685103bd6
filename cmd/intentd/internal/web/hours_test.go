package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/state"
)

// Promise: what a source told and what a job did in each hour is on the page as status --json has it, and survives a restart of the daemon (the
// state's own tests show that).
func TestHoursOnThePageAreThoseOfStatus(t *testing.T) {
	w := newWorld(t, "en", "")
	w.signIn()
	sum := state.HourCounts{}
	hours := w.App.Pipeline().DB().Hours()
	for _, h := range hours {
		sum = sum.Add(h.Jobs["listen/site"])
	}
	if sum.Events == 0 || sum.Unreadable != 1 || sum.Done == 0 {
		t.Fatalf("%+v: this test could not fail", sum)
	}
	if page, want := w.get("/sources"), fmt.Sprintf(`data-job="listen/site" data-good="%d" data-bad="1"`, sum.Events); !strings.Contains(page, want) || !strings.Contains(page, `{kind: &#34;roi_calculated&#34;, source: site, signal: content_view}`) {
		t.Errorf("no %s, or no rule, on\n%s", want, page)
	}
	w.App.Pipeline().DB().CountHour("poll/hubspot", time.Now(), state.HourCounts{Failed: 2})
	page := w.get("/trouble")
	for _, want := range []string{fmt.Sprintf(`data-job="listen/site" data-good="%d" data-bad="0"`, sum.Done), `data-job="poll/hubspot" data-good="1" data-bad="2"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s on\n%s", want, page)
		}
	}
	if first := strings.Index(page, "data-job="); first < 0 || !strings.HasPrefix(page[first:], `data-job="poll/hubspot"`) {
		t.Error("what failed most is not first")
	}
}

// A chart has an hour at its place, keeps within its height, and leaves out what is older than two days.
func TestHourChart(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	at := func(hour int, events, unreadable int64) state.Hour {
		return state.Hour{Hour: now.Truncate(time.Hour).Add(time.Duration(hour) * time.Hour), Jobs: map[string]state.HourCounts{"listen/site": {Events: events, Unreadable: unreadable}}}
	}
	c := hoursOf([]state.Hour{at(-48, 9, 0), at(-47, 1, 0), at(-2, 10_000, 10_000), at(-1, 0, 0), at(0, 0, 3), at(1, 5, 0)}, "listen/site", now, func(c state.HourCounts) (int64, int64) { return c.Events, c.Unreadable })
	if len(c.Bars) != 3 || c.Good != 10_001 || c.Bad != 10_003 || c.Most != 20_000 || !c.Newest.Equal(at(-2, 0, 0).Hour) {
		t.Fatalf("%+v", c)
	}
	for i, want := range []hourBar{{X: 0, GoodH: 1, GoodY: 59, BadY: 59}, {X: 450, GoodH: 30, GoodY: 30, BadH: 30}, {X: 470, GoodY: 60, BadH: 1, BadY: 59}} {
		b := c.Bars[i]
		b.At, b.Good, b.Bad = time.Time{}, 0, 0
		if b != want {
			t.Errorf("bar %d is %+v, want %+v", i, b, want)
		}
	}
}
