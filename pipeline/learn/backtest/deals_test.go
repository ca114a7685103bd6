package backtest

import (
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline/learn/measure"
)

// Where something ranks better than the score, the first line about deals says so; the sums are by the best tier, and nobody is told to have been early where nobody was.
func TestHeadlineOfDeals(t *testing.T) {
	d := &Deals{Since: time.Date(2025, 11, 28, 0, 0, 0, 0, time.UTC)}
	r := &Result{Deals: d, Main: Formula, Engines: []Report{{Name: Formula, AUC: measure.Interval{Value: 0.6, Low: 0.5, High: 0.7}}, {Name: NewestForm, Baseline: true, AUC: measure.Interval{Value: 0.65}}}}
	want := func(lines ...string) {
		t.Helper()
		got := Headline(r)
		for i, line := range lines {
			if i >= len(got) || !strings.HasPrefix(got[i], line) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
				return
			}
		}
	}
	want("Of no deal that was won since 28 Nov 2025 it can be told how early it was seen. Newest form first ranks these people better")
	d.Add(nil, true, 0, nil)
	d.Add(nil, false, 900, nil)
	want("Of 1 deal won since 28 Nov 2025, 0 (0 %) had somebody high before the deal was created; 0 never had, and 1 left no trace. Newest form first ranks these people better than the score: AUC 0.650 against 0.600",
		"The score puts somebody")
	d.Add(nil, true, 500, nil)
	want("Of 2 deals won", "They were worth 500, by the best tier before: no trace 500 (100 % of it, 2 deals).", "The score puts somebody")
	if d.Lost != 1 || d.Won != 2 || d.NoTrace != 2 {
		t.Errorf("%+v", d)
	}
	r.Engines, r.Main, r.Unlearned = nil, "", "of 3 people with a journey before 3 won, and that needs won and lost ones"
	want("Of 2 deals won", "They were worth", "Engines cannot be set beside each other: of 3 people")
}
