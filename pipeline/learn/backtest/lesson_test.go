package backtest

import (
	"iter"
	"math"
	"testing"

	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/score"
)

// Promise: a lesson is learned from everybody, the newest too, and its strengths hold the true ones within their limits: of a thing that nothing decides the limits hold nought, of one
// that does they do not.
func TestLessonIsOfEverybody(t *testing.T) {
	w := world{seed: 21, n: 3000, strength: 0.3, pull: 1.5}
	l, err := Learn(t.Context(), w.population(), nil)
	if err != nil || l.People != 3000 || l.Strengths == nil || l.Strengths.Learned.People != 3000 {
		t.Fatalf("%+v %v", l, err)
	}
	if r := w.run(t); r.Split.Learned >= 3000 || r.Strengths.Learned.People >= 3000 {
		t.Errorf("a backtest learned from those it judged on: %+v", r.Split)
	}
	for _, f := range l.Strengths.Features {
		perUnit := func(x float64) float64 { return x / f.Spread }
		switch {
		case f.Fact == "volume" && f.Form == learn.Plain:
			if truth := 0.03; perUnit(f.Low) > truth || perUnit(f.High) < truth {
				t.Errorf("volume: %v to %v hold not the true %v", perUnit(f.Low), perUnit(f.High), truth)
			}
		case f.Fact == "views" && f.Form == learn.Plain:
			if f.Low > 0 || f.High < 0 {
				t.Errorf("views decide nothing, and are %v to %v", f.Low, f.High)
			}
		case f.Fact == "trial" && f.Form == learn.Log:
			if truth := 1.5 / math.Ln2; perUnit(f.High) < 0 || perUnit(f.Low) > truth || f.Low <= 0 {
				t.Errorf("trial: %v to %v, the truth is %v", perUnit(f.Low), perUnit(f.High), truth)
			}
		}
	}
}

// Promise: the people of a deal count as one for weights, by whoever scores highest.
func TestPeopleOfADealCountOnce(t *testing.T) {
	w := world{seed: 22, n: 600, strength: 0.3}
	alone, err := Learn(t.Context(), w.population(), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := w.population()
	p.People = func() iter.Seq[*Person] {
		return func(yield func(*Person) bool) {
			n := 0
			for q := range w.people() {
				n++
				q.Deal = string(rune('a' + n%1000))
				colleague := *q
				colleague.Facts = nil
				for _, f := range q.Facts { // with less of everything
					if f.Name == "volume" || f.Name == "recency" || f.Name == "topics" {
						f.Number = math.Floor(f.Number / 10)
					}
					colleague.Facts = append(colleague.Facts, f)
				}
				if !yield(&colleague) || !yield(q) {
					return
				}
			}
		}
	}
	both, err := Learn(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if both.People != 1200 || both.Weights.Deals != 600 || alone.Weights.Deals != 600 || both.Weights.Weights != alone.Weights.Weights {
		t.Errorf("%d people, weights of %d deals %+v, of %d alone %+v", both.People, both.Weights.Deals, both.Weights.Weights, alone.Weights.Deals, alone.Weights.Weights)
	}
	if both.Weights.Weights == score.Defaults().Weights {
		t.Error("nothing was learned: the check checks nothing")
	}
}
