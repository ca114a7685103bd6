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

// Untold is a fact of which nothing tells whether it was known: the usual stands for it.
func Untold(name string) Fact { return Fact{Name: name, Number: math.NaN()} }

// Untold says that f is such a fact.
func (f *Fact) Untold() bool { return f.Word == "" && math.IsNaN(f.Number) }

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
	FactProfile    = "profile: " // and the name of a CRM's property: its word
)

// longestAge bounds the facts of age, in days: a year or ten ago is the same.
const longestAge = 365

// pageFacts are the flags that are counted.
var pageFacts = map[Flag]string{PricePage: factPages + "price", ContractPage: factPages + "contract", ProductPage: factPages + "product", Comparison: factPages + "comparison", Key: factPages + "key"}

// fact is what a feature is made of, resolved once.
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
	factProfileIs
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

// begin takes in the next visit of f.
func (h *habits) begin(f *Features) {
	v := &f.Visits[h.visit]
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

// note takes in a signal of f.
func (h *habits) note(f *Features, g *Signal) {
	h.fresh = false
	if g.Type == FormSubmit || g.Type == HandRaise {
		h.form = max(h.form, g.At)
	}
	f.names(g, func(name string) {
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

// age is how many whole days before now something was, in the bounds of a fact; it is not known of what never was.
func age(now, at int64) float64 {
	if at == 0 {
		return math.NaN()
	}
	return float64(min(max(0, now-at)/day, longestAge))
}

// number is the number of a fact of f at now, of a score whose parts are p; NaN where it is not known.
func (h *habits) number(kind factKind, slot int, f *Features, p *Parts, now int64) float64 {
	switch kind {
	case factVolumeIs:
		return float64(p.Volume.Component) / 10
	case factRecencyIs:
		return float64(p.Recency.Component) / 10
	case factTopicsIs:
		return float64(min(max(p.Base+p.Bonus, 0), 100)) // a model's reading of interest is not in it
	case factSinceFormIs:
		return age(now, h.form)
	case factCount:
		return float64(h.count[slot])
	}
	if !f.Whole {
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
		return age(now, h.last)
	case factSinceFirstIs:
		if h.visit > 0 {
			return age(now, f.Visits[0].At)
		}
	}
	return math.NaN()
}

// word is what a property of the profile said; "" where it said nothing.
func (f *Features) word(property string) string {
	for i := range f.Profile {
		if f.Profile[i].Name == property {
			return f.Profile[i].Word
		}
	}
	return ""
}

// names calls do for each count that a signal is part of.
func (f *Features) names(g *Signal, do func(string)) {
	do(typeFacts[g.Type&15])
	if g.Flags != 0 {
		for flag, name := range pageFacts {
			if g.Flags&flag != 0 {
				do(name)
			}
		}
	}
	if g.Object != 0 && int(g.Object) <= len(f.Objects) {
		do(f.Objects[g.Object-1])
	}
}
