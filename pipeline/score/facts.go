package score

import (
	"math"
	"strings"
)

// Fact is one thing known of somebody, by name: a word, a number, or how often something was seen.
type Fact struct {
	Name   string
	Word   string  // "" of a number
	Number float64 // of a count 1 or more
	Count  bool    // no fact of this name means that it was never seen; of other facts, that it is not known
}

// Names of the facts that features tell. Counts are named by what is counted: a type ("signals: form_submit"), a kind of page ("pages: price"), and what Features.Objects name.
const (
	FactVolume     = "volume" // the components, 0 to 100
	FactRecency    = "recency"
	FactTopics     = "topics"
	FactVisits     = "visits"
	FactSteps      = "steps"
	FactPageViews  = "page views"
	FactDaysActive = "days active" // calendar days (UTC)
	FactMinutes    = "minutes on the site"
	FactSinceStep  = "days since the last step"
	FactSinceFirst = "days since the first step"
	FactSinceForm  = "days since the last form"
	FactStage      = "stage" // by rules, for the formula's tier: no model has a word in it
	factSignals    = "signals: "
	factPages      = "pages: "
)

// longestAge bounds the facts of age, in days: a year or ten ago is the same.
const longestAge = 365

// pageFacts are the flags that are counted.
var pageFacts = map[Flag]string{PricePage: factPages + "price", ContractPage: factPages + "contract", ProductPage: factPages + "product", Comparison: factPages + "comparison", Key: factPages + "key"}

// fact is what a feature is made of, resolved once: kind says where the walker has it, slot which count.
type factKind uint8

const (
	factUnknown factKind = iota // nothing here tells it
	factCount
	factVolumeIs
	factRecencyIs
	factTopicsIs
	factVisitsIs
	factStepsIs
	factPageViewsIs
	factDaysIs
	factMinutesIs
	factSinceStepIs
	factSinceFirstIs
	factSinceFormIs
	factStageIs
)

var factKinds = map[string]factKind{FactVolume: factVolumeIs, FactRecency: factRecencyIs, FactTopics: factTopicsIs, FactVisits: factVisitsIs, FactSteps: factStepsIs,
	FactPageViews: factPageViewsIs, FactDaysActive: factDaysIs, FactMinutes: factMinutesIs, FactSinceStep: factSinceStepIs, FactSinceFirst: factSinceFirstIs,
	FactSinceForm: factSinceFormIs, FactStage: factStageIs}

// Told says whether features tell the fact of a name, so that the daemon can score by it. What a visitor typed is never one: queries, campaigns and the sites they came from.
func Told(fact string) bool {
	kind, name, is := strings.Cut(fact, ": ")
	return factKinds[fact] != factUnknown || is && name != "" && kind != "steps" && !strings.HasPrefix(kind, "mail ")
}

// habits are what the walker knows of the signals and visits up to its moment, at whatever age, for facts.
type habits struct {
	visit        int            // visits[:visit] have begun
	steps, pages int            //
	days         int            // calendar days with a step
	lastDay      int64          // of them the last
	dwell        int64          // seconds
	last         int64          // the last step of the visits begun; may lie ahead of the moment
	form         int64          // newest form or request
	count        []int32        // by slot of the model
	slots        map[string]int // by name of what is counted
	still        int            // points of what moves with signals and visits only, valid while fresh
	fresh        bool
}

func (w *walker) visitBegins() {
	v, h := &w.f.Visits[w.habits.visit], w.habits
	h.visit++
	h.fresh = false
	h.steps += v.Steps
	h.pages += v.Pages
	h.dwell += v.Dwell
	h.last = max(h.last, v.At+v.Length)
	first, last := v.At/day, (v.At+v.Length)/day
	if h.visit == 1 || first > h.lastDay {
		h.days += int(last-first) + 1
	} else {
		h.days += int(max(0, last-h.lastDay))
	}
	h.lastDay = max(h.lastDay, last)
}

// note counts a signal for facts.
func (w *walker) note(g *Signal) {
	h := w.habits
	h.fresh = false
	if g.Type == FormSubmit || g.Type == HandRaise {
		h.form = max(h.form, g.At)
	}
	w.names(g, func(name string) {
		if slot, is := h.slots[name]; is {
			h.count[slot]++
		}
	})
}

var typeFacts = func() (names [16]string) {
	for t := HandRaise; int(t) < len(typeNames); t++ {
		names[t] = factSignals + typeNames[t]
	}
	return names
}()

// age is how many whole days ago something was, in the bounds of a fact; it is not known of what never was.
func (w *walker) age(at int64) float64 {
	if at == 0 {
		return math.NaN()
	}
	return float64(min(max(0, w.now-at)/day, longestAge))
}

// number is the number of a fact at the walker's moment, of a score whose parts are p; NaN where it is not known.
func (w *walker) number(kind factKind, slot int, p *Parts) float64 {
	h := w.habits
	switch kind {
	case factVolumeIs:
		return float64(p.Volume.Component) / 10
	case factRecencyIs:
		return float64(p.Recency.Component) / 10
	case factTopicsIs:
		return float64(min(max(p.Base+p.Bonus, 0), 100)) // a model's reading of interest is not in it
	case factSinceFormIs:
		return w.age(h.form)
	case factCount:
		return float64(h.count[slot])
	}
	if !w.f.Whole {
		return math.NaN()
	}
	switch kind {
	case factVisitsIs:
		return float64(h.visit)
	case factStepsIs:
		return float64(h.steps)
	case factPageViewsIs:
		return float64(h.pages)
	case factDaysIs:
		return float64(h.days)
	case factMinutesIs:
		return float64(h.dwell) / 60
	case factSinceStepIs:
		return w.age(h.last)
	case factSinceFirstIs:
		if h.visit > 0 {
			return w.age(w.f.Visits[0].At)
		}
	}
	return math.NaN()
}

// nextLearned is the next moment at which what a learned model asks for can change, its components apart.
func (w *walker) nextLearned() int64 {
	next, h, plan := int64(never), w.habits, &w.s.Additive.plan
	if h.visit < len(w.f.Visits) {
		next = w.f.Visits[h.visit].At
	}
	for _, kind := range plan.ages {
		at := h.form
		switch {
		case kind == factSinceStepIs:
			at = h.last
		case kind == factSinceFirstIs && h.visit > 0:
			at = w.f.Visits[0].At
		case kind == factSinceFirstIs:
			at = 0
		}
		if d := max(0, w.now-at) / day; at != 0 && d < longestAge {
			next = min(next, at+(d+1)*day)
		}
	}
	if plan.staged {
		next = min(next, w.nextEvidence())
	}
	return next
}

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
		} else if x := w.number(kind, 0, &p); !math.IsNaN(x) {
			into = append(into, Fact{Name: t.Fact, Number: x})
		}
	}
	counts := map[string]int{}
	for i := range w.signals[:w.hi] {
		w.names(&w.signals[i], func(name string) { counts[name]++ })
	}
	for name, n := range counts {
		into = append(into, Fact{Name: name, Number: float64(n), Count: true})
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

// names calls do for each count that a signal is part of.
func (w *walker) names(g *Signal, do func(string)) {
	do(typeFacts[g.Type&15])
	if g.Flags != 0 {
		for flag, name := range pageFacts {
			if g.Flags&flag != 0 {
				do(name)
			}
		}
	}
	if g.Object != 0 && int(g.Object) <= len(w.f.Objects) {
		do(w.f.Objects[g.Object-1])
	}
}
