package score

import "math"

// FactsAt are what f tells at now, behind into. They are those that a learned model scores by: see [Told].
func (s *Settings) FactsAt(f *Features, now int64, into []Fact) []Fact {
	set := *s
	set.Additive = allFacts
	w := set.walk(f, now)
	p := w.formula()
	for i := range allFacts.Terms {
		t := &allFacts.Terms[i]
		if kind := factKinds[t.Fact]; kind == factStageIs {
			into = append(into, Fact{Name: t.Fact, Word: w.stageFact(&p).String()})
		} else if x := w.habits.number(kind, 0, f, &p, now); !math.IsNaN(x) {
			into = append(into, Fact{Name: t.Fact, Number: x})
		}
	}
	counts := map[string]int{}
	for i := range w.signals[:w.hi] {
		f.names(&w.signals[i], func(name string) { counts[name]++ })
	}
	for name, n := range counts {
		into = append(into, Fact{Name: name, Number: float64(n), Count: true})
	}
	for i := range f.Profile {
		into = append(into, Fact{Name: FactProfile + f.Profile[i].Name, Word: f.Profile[i].Word})
	}
	return into
}

// allFacts is a model that asks for every fact but counts.
var allFacts = func() *Additive {
	a := &Additive{}
	for _, name := range [...]string{FactVolume, FactRecency, FactTopics, FactVisits, FactSteps, FactPageViews, FactDaysActive, FactMinutes, FactSinceStep, FactSinceFirst, FactSinceForm, FactStage} {
		a.Terms = append(a.Terms, Term{Feature: Feature{Fact: name, Form: Plain}})
	}
	a.planned()
	return a
}()
