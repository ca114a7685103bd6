package score

import (
	"fmt"
	"math"
	"strings"
	"sync"
)

// Form says how a feature is made of a fact.
type Form string

// The forms of features.
const (
	Plain   Form = "value"   // the number itself
	Log     Form = "log"     // ln(1 + number)
	Zero    Form = "none"    // 1 if the number is 0, or was never seen
	Is      Form = "is"      // 1 if the word is Level
	Unknown Form = "unknown" // 1 if there is no such fact
)

// Feature is one number that is learned from.
type Feature struct {
	Fact  string `yaml:"fact" json:"fact"`
	Form  Form   `yaml:"form" json:"form"`
	Level string `yaml:"level,omitempty" json:"level,omitempty"`
	Count bool   `yaml:"count,omitempty" json:"count,omitempty"` // as of the fact
}

// String names it as a person reads it.
func (f Feature) String() string {
	switch f.Form {
	case Zero:
		return "no " + f.Fact
	case Is:
		return f.Fact + " is " + f.Level
	case Unknown:
		return f.Fact + " unknown"
	}
	return f.Fact
}

// Term is one summand of a learned score.
type Term struct {
	Feature
	Slope float64 `json:"slope"` // points for one unit of the feature: k·β/spread
	Usual float64 `json:"usual"` // the feature's mean: it stands for a number that is not known
}

// Points of a feature's value, in tenths, half away from zero; NaN is a value that is not known. Values are rounded to 32 bits, as they are learned from.
func (t *Term) Points(x float32) int {
	v := float64(x)
	if math.IsNaN(v) {
		v = t.Usual
	}
	return Tenths(t.Slope * v)
}

// Additive is a learned model as it scores: Offset and the points of its terms, cut to 0 … 100. It is not changed once it is in use.
type Additive struct {
	Offset int    `json:"offset"` // tenths: what everybody begins with
	Terms  []Term `json:"terms"`
	// The probability of winning: odds = Intercept + (sum of the points)/K, calibrated A + B·odds.
	Intercept float64 `json:"intercept"`
	K         float64 `json:"k"` // points for one unit of log-odds
	A         float64 `json:"a"`
	B         float64 `json:"b"`

	once sync.Once
	plan additivePlan
}

// additivePlan says where a walker finds the fact of each term.
type additivePlan struct {
	terms  []plannedTerm
	slots  map[string]int // of what is counted, by name
	ages   []factKind     // that a term is made of
	staged bool           // a term is made of the stage
}

type plannedTerm struct {
	kind   factKind
	slot   int
	detail bool   // told by Objects and Visits
	still  bool   // moves with signals and visits, not with time
	word   string // property of the profile
}

func (a *Additive) planned() *additivePlan {
	a.once.Do(func() {
		p := additivePlan{slots: map[string]int{}}
		aged := map[factKind]bool{}
		for i := range a.Terms {
			name := a.Terms[i].Fact
			t := plannedTerm{kind: factKinds[name]}
			switch t.kind {
			case factUnknown:
				if !Told(name) {
					break
				}
				if property, is := strings.CutPrefix(name, FactProfile); is {
					t.kind, t.still, t.word = factProfileIs, true, property
					break
				}
				t.kind, t.still, t.detail = factCount, true, !built[name]
				slot, is := p.slots[name]
				if !is {
					slot = len(p.slots)
					p.slots[name] = slot
				}
				t.slot = slot
			case factVisitsIs, factStepsIs, factPageViewsIs, factDaysIs, factMinutesIs:
				t.still, t.detail = true, true
			case factSinceStepIs, factSinceFirstIs:
				t.detail = true
				aged[t.kind] = true
			case factSinceFormIs:
				aged[t.kind] = true
			case factStageIs:
				p.staged = true
			}
			p.terms = append(p.terms, t)
		}
		for _, kind := range [...]factKind{factSinceStepIs, factSinceFirstIs, factSinceFormIs} {
			if aged[kind] {
				p.ages = append(p.ages, kind)
			}
		}
		a.plan = p
	})
	return &a.plan
}

// built are the counts that signals tell without Features.Objects.
var built = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range typeFacts {
		m[name] = true
	}
	for _, name := range pageFacts {
		m[name] = true
	}
	return m
}()

// Validate lists what no model could be, or what the daemon cannot score by.
func (a *Additive) Validate() (wrong []string) {
	for _, v := range [...]float64{a.Intercept, a.K, a.A, a.B} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			wrong = append(wrong, "additive: a number of the model is none")
		}
	}
	for i := range a.Terms {
		t := &a.Terms[i]
		switch {
		case !(math.Abs(t.Slope) < 1e9) || !(math.Abs(t.Usual) < 1e12):
			wrong = append(wrong, fmt.Sprintf("additive: %s: slope or usual is no number that can be used", t.Feature))
		case !Told(t.Fact):
			wrong = append(wrong, fmt.Sprintf("additive: %s: nothing that is kept of people tells it", t.Feature))
		}
	}
	return wrong
}

// Points are what one term adds, in tenths.
type Points struct {
	Term   int     `json:"term"`  // index into Additive.Terms
	Value  float32 `json:"value"` // of its feature; its mean, where it is not known
	Tenths int     `json:"tenths"`
}

// Of is what the form makes of a fact: of a word, or of a number, which is NaN where it is not known.
func (f *Feature) Of(word string, number float64) float32 {
	is := false
	switch f.Form {
	case Plain:
		return float32(number)
	case Log:
		if math.IsNaN(number) {
			return float32(math.NaN())
		}
		return float32(math.Log1p(max(0, number)))
	case Zero:
		is = word == "" && number == 0
	case Is:
		is = word != "" && word == f.Level
	case Unknown:
		is = word == "" && math.IsNaN(number)
	}
	if is {
		return 1
	}
	return 0
}

// next is the next moment after now at which what the plan asks of f can change, components and stage apart.
func (p *additivePlan) next(h *habits, f *Features, now int64) int64 {
	next := int64(never)
	if h.visit < len(f.Visits) {
		next = f.Visits[h.visit].At
	}
	for _, kind := range p.ages {
		at := h.form
		switch {
		case kind == factSinceStepIs:
			at = h.last
		case kind == factSinceFirstIs && h.visit > 0:
			at = f.Visits[0].At
		case kind == factSinceFirstIs:
			at = 0
		}
		if d := max(0, now-at) / day; at != 0 && d < longestAge {
			next = min(next, at+(d+1)*day)
		}
	}
	return next
}
