package proof

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline/score"
)

var november = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// crowd are n people of so many reps who drew a side and were high on the third, so many of whom were touched two days later and won on the twentieth.
func crowd(n, reps int, held bool, touched, won int) (people []Person) {
	high := november.AddDate(0, 0, 2)
	for i := range n {
		p := Person{Held: held, Entered: map[score.Tier]time.Time{score.High: high}, Owner: fmt.Sprint(i % reps)}
		p.Touches = append(p.Touches, high.Add(-time.Hour)) // before they were high: it does not count
		if i < touched {
			p.Touches = append(p.Touches, high.AddDate(0, 0, 2), high.AddDate(0, 0, 9))
		}
		if i < won {
			p.Won = append(p.Won, november.AddDate(0, 0, 19))
		} else {
			p.Won = append(p.Won, november) // before they were high
		}
		people = append(people, p)
	}
	return people
}

func options() Options {
	return Options{Month: november, Since: november.AddDate(0, -3, 0), Now: november.AddDate(0, 2, 0), Touches: true}
}

func TestBothSidesAreComparedAsDrawn(t *testing.T) {
	people := append(crowd(800, 5, false, 600, 160), crowd(200, 5, true, 20, 20)...)
	people[801].LetGo = true
	people = append(people, Person{Held: true, Owner: "1", Entered: map[score.Tier]time.Time{score.Low: november.AddDate(0, 0, -5)}}) // in October
	r := Of(people, options())
	row := r.Periods[0].Groups[0].Rows[0]
	if s, h := row.Shown, row.HeldOut; s.People != 800 || s.Won != 160 || h.People != 200 || h.Won != 20 || s.Touch.Touched != 600 || *s.Touch.Median != 2 || h.Touch.Touched != 20 || h.Touch.Median != nil {
		t.Errorf("%+v", row)
	}
	if row.Lift.Value != 0.1 || row.Lift.Low <= 0.04 || row.Lift.High >= 0.16 || row.TooFew {
		t.Errorf("lift %+v", row.Lift)
	}
	if low := r.Periods[1].Groups[0].Rows[2]; r.Periods[0].Groups[0].Rows[2].HeldOut.People != 0 || low.HeldOut.People != 1 || !low.TooFew {
		t.Errorf("of October: %+v", low)
	}
	if r.Shown != 800 || r.HeldOut != 201 || r.LetGo != 1 || !strings.HasSuffix(r.Headline(), "showing the score brings wins.") {
		t.Errorf("%d shown, %d held out, %d let go: %s", r.Shown, r.HeldOut, r.LetGo, r.Headline())
	}
}

// Promise: no figure about how soon reps answer is told of fewer than five, unless by_owner is set.
func TestNoFigureIsAboutARep(t *testing.T) {
	teams := map[string][]string{"all": {"0", "1", "2", "3", "4"}, "a part": {"0", "1", "2", "3"}, "four of five": {"0", "1", "2", "3", "9"}}
	o := options()
	o.Teams = teams
	r := Of(append(crowd(100, 5, false, 60, 20), crowd(100, 5, true, 10, 10)...), o)
	var told []string
	for _, g := range r.Periods[0].Groups {
		told = append(told, g.Name)
	}
	if fmt.Sprint(told) != "[ all]" {
		t.Errorf("told of %q", told)
	}
	few := Of(append(crowd(100, 4, false, 60, 20), crowd(100, 4, true, 10, 10)...), o)
	if g := few.Periods[0].Groups; len(g) != 1 || g[0].Rows[0].Shown.Touch != nil || g[0].Rows[0].Shown.Won != 20 {
		t.Errorf("of four reps: %+v", g)
	}
	o.ByOwner = true
	if g := Of(append(crowd(100, 4, false, 60, 20), crowd(100, 4, true, 10, 10)...), o).Periods[0].Groups; len(g) != 5 || g[1].Name != "owner 0" || g[1].Rows[0].Shown.Touch == nil {
		t.Errorf("by owner: %+v", g)
	}
	o.Touches = false
	if g := Of(crowd(100, 5, false, 60, 20), o).Periods[0].Groups; g[0].Rows[0].Shown.Touch != nil {
		t.Error("touches are told that nobody knows of")
	}
}

func TestTooFewIsSaid(t *testing.T) {
	if got := Of(append(crowd(30, 5, false, 6, 6), crowd(3, 5, true, 1, 1)...), options()).Headline(); !strings.Contains(got, "too few to tell") {
		t.Error(got)
	}
	if got := Of(nil, options()).Headline(); !strings.Contains(got, "Nobody is held out") {
		t.Error(got)
	}
}
