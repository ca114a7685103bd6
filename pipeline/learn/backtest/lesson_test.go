package backtest

import (
	"errors"
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

// Promise: weak labels are learned from beside outcomes, never more than these together; nothing is judged on them, the people judged on are told by none that is newer than the first of them, and
// the features are those of the outcomes.
func TestWeakLabelsAreNeverJudgedOn(t *testing.T) {
	w := world{seed: 23, n: 600, strength: 0.3, pull: 1.5}
	plain := w.run(t)
	p := w.population()
	verdicts := world{seed: 24, n: 1500, strength: 0.3, pull: 1.5}
	p.Weak = func() iter.Seq[*Person] {
		return func(yield func(*Person) bool) {
			for v := range verdicts.people() {
				v.Facts = append(v.Facts, learn.Fact{Name: "of verdicts alone", Number: 1, Count: true})
				if !yield(v) {
					return
				}
			}
		}
	}
	p.WeakTimes = 0.5
	r, err := Run(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	older := 0
	for v := range p.Weak() {
		if v.At.Before(r.Split.From) {
			older++
		}
	}
	if o := r.Strengths.Learned; o.Verdicts != older || older == 1500 || o.VerdictWeight != float64(r.Split.Learned)/float64(older) || o.People != r.Split.Learned {
		t.Errorf("learned from %+v; %d verdicts are older than %v", o, older, r.Split.From)
	}
	if r.Split != plain.Split || r.People != 600 || len(r.Strengths.Features) != len(plain.Strengths.Features) {
		t.Errorf("%+v with verdicts, %+v without; %d features, %d without", r.Split, plain.Split, len(r.Strengths.Features), len(plain.Strengths.Features))
	}
	for i := range r.Engines {
		if r.Engines[i].Rows != plain.Engines[i].Rows || r.Engines[i].Won != plain.Engines[i].Won {
			t.Errorf("%s is judged on %d, without verdicts on %d", r.Engines[i].Name, r.Engines[i].Rows, plain.Engines[i].Rows)
		}
	}
	if r.Engine(Propensity).AUC == plain.Engine(Propensity).AUC || r.Engine(Formula).AUC != plain.Engine(Formula).AUC {
		t.Error("verdicts move the formula, or not the strengths")
	}
	l, err := Learn(t.Context(), p, nil)
	if err != nil || l.Strengths.Learned.Verdicts != 1500 || l.Strengths.Learned.VerdictWeight != 0.4 || l.Weights.Deals != 600 {
		t.Errorf("%+v, %v", l, err)
	}
	p.People = func() iter.Seq[*Person] {
		return func(yield func(*Person) bool) {
			for q := range w.people() {
				if q.Won && !yield(q) {
					return
				}
			}
		}
	}
	if _, err := Learn(t.Context(), p, nil); !errors.Is(err, ErrOneOutcome) {
		t.Errorf("learned from verdicts alone: %v", err)
	}
}
