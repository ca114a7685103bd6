package learn

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/intentd/intentd/pipeline/learn/measure"
)

// Survey counts which facts there are about people and how each alone goes with winning. Its memory grows with the facts' names and their distinct values, of which
// it keeps so many of each.
type Survey struct {
	rows, won int
	facts     map[string]*surveyed
}

const (
	maxWords = 500  // distinct words of a fact; beyond, it names people, not kinds of people
	maxFacts = 5000 // names of facts
)

type surveyed struct {
	count             bool
	known, knownWon   int // rows that have a fact of this name
	untold, untoldWon int // rows of which nothing tells whether they had
	numbers, zeros    int
	low, high         float64
	values            measure.Tally // of numbers
	words             map[string]*tally
	crowded           bool // too many words to keep
}

type tally struct{ rows, won int }

func (w *tally) add(won bool) {
	w.rows++
	if won {
		w.won++
	}
}

// Add counts somebody.
func (s *Survey) Add(facts []Fact, won bool) {
	if s.facts == nil {
		s.facts = map[string]*surveyed{}
	}
	s.rows++
	if won {
		s.won++
	}
	for i := range facts {
		f := &facts[i]
		v := s.facts[f.Name]
		if v == nil {
			if len(s.facts) >= maxFacts {
				continue
			}
			v = &surveyed{count: f.Count, low: math.Inf(1), high: math.Inf(-1), words: map[string]*tally{}}
			s.facts[f.Name] = v
		}
		v.add(f, won)
	}
}

func (v *surveyed) add(f *Fact, won bool) {
	if f.Untold() {
		v.untold++
		if won {
			v.untoldWon++
		}
		return
	}
	v.known++
	if won {
		v.knownWon++
	}
	if f.Word == "" {
		v.numbers++
		if f.Number == 0 {
			v.zeros++
		}
		v.low, v.high = min(v.low, f.Number), max(v.high, f.Number)
		v.values.Add(f.Number, won)
		return
	}
	w := v.words[f.Word]
	if w == nil {
		if len(v.words) >= maxWords {
			v.crowded = true
			return
		}
		w = &tally{}
		v.words[strings.Clone(f.Word)] = w
	}
	w.add(won)
}

// Suspect is a fact that tells the outcome too well: as a rule it was filled in after it.
type Suspect struct {
	Name string
	Why  string // half a sentence
}

// What makes a fact suspect.
const (
	tooGood     = 0.95 // an AUC of one fact alone
	decides     = 0.95 // win rate, its lower limit, of those with a fact (or loss rate)
	enoughTold  = 30   // people who have it
	mostlyKnown = 0.9  // a fact that so many have decides nothing by being there
)

// Suspects are the facts that tell the outcome too well alone, by name: their value ranks with an AUC above 0.95, one of their values is nearly always won, or whether
// they are known at all decides. On few people there is none: everything seems to decide then.
func (s *Survey) Suspects() (out []Suspect) {
	if s.won < 2*measure.FewWon || s.rows-s.won < 2*measure.FewWon {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(s.facts)) {
		if why := s.suspicion(s.facts[name]); why != "" {
			out = append(out, Suspect{name, why})
		}
	}
	return out
}

// told are the rows of which it is told whether they have a fact.
func (s *Survey) told(v *surveyed) (rows, won int) { return s.rows - v.untold, s.won - v.untoldWon }

func (s *Survey) suspicion(v *surveyed) string {
	rows, won := s.told(v)
	if rows == 0 {
		return ""
	}
	alone := v.alone(rows, won)
	if auc := alone.AUC(); max(auc.Value, 1-auc.Value) > tooGood && max(auc.Low, 1-auc.High) > tooGood-0.05 {
		return fmt.Sprintf("it alone ranks with an AUC of %.2f", max(auc.Value, 1-auc.Value))
	}
	base := float64(won) / float64(rows)
	if v.known >= enoughTold && float64(v.known) < mostlyKnown*float64(rows) && base < 0.8 {
		with := measure.Wilson(float64(v.knownWon), float64(v.known))
		if with.Low >= decides {
			return fmt.Sprintf("%.0f %% of those who have it won, %.0f %% of all", 100*with.Value, 100*base)
		}
		without := measure.Wilson(float64(won-v.knownWon), float64(rows-v.known))
		if base > 0.2 && with.High <= 1-decides {
			return fmt.Sprintf("%.0f %% of those who have it lost, %.0f %% of all", 100-100*with.Value, 100-100*base)
		}
		if base > 0.2 && rows-v.known >= enoughTold && without.High <= 1-decides && with.Value > 0.5 {
			return fmt.Sprintf("%.0f %% of those without it lost, %.0f %% of all", 100-100*without.Value, 100-100*base)
		}
	}
	for _, word := range slices.Sorted(maps.Keys(v.words)) {
		w := v.words[word]
		if w.rows >= enoughTold && base < 0.8 && measure.Wilson(float64(w.won), float64(w.rows)).Low >= decides {
			return fmt.Sprintf("%.0f %% of those where it is %q won, %.0f %% of all", 100*float64(w.won)/float64(w.rows), word, 100*base)
		}
	}
	return ""
}

// alone ranks everybody by this fact alone: numbers as they are, with those without the fact lowest; words by their win rate, rare ones and those without taken together.
func (v *surveyed) alone(rows, won int) *measure.Tally {
	t := &measure.Tally{}
	rest := tally{rows, won}
	if 2*v.numbers >= v.known {
		for _, g := range v.values.Groups() {
			t.AddGroup(g)
		}
		n, k := v.values.Rows()
		rest = tally{rows - n, won - k}
		t.AddGroup(rest.group(math.Inf(-1)))
		return t
	}
	for _, w := range v.words {
		if w.rows >= 10 {
			t.AddGroup(w.group(float64(w.won) / float64(w.rows)))
			rest.rows, rest.won = rest.rows-w.rows, rest.won-w.won
		}
	}
	if rest.rows > 0 {
		t.AddGroup(rest.group(float64(rest.won) / float64(rest.rows)))
	}
	return t
}

func (w tally) group(score float64) measure.Group {
	return measure.Group{Score: score, Won: uint32(w.won), Lost: uint32(w.rows - w.won)}
}

const (
	maxFeatures = 200
	maxLevels   = 12 // words of one fact that are features
)

// Features are what can be learned from the facts of the people counted, those named in without left out. A feature of which fewer than 10 people, or 0.5 % of all, differ from the
// others is none; the best supported are kept.
func (s *Survey) Features(without []string) []Feature {
	type supported struct {
		Feature
		rows int // that differ from most
	}
	var all []supported
	enough := max(10, s.rows/200)
	if s.rows < 200 {
		enough = max(3, s.rows/20)
	}
	add := func(f Feature, rows int) {
		if rows >= enough {
			all = append(all, supported{f, rows})
		}
	}
	flag := func(f Feature, rows, of int) { add(f, min(rows, of-rows)) }
	for _, name := range slices.Sorted(maps.Keys(s.facts)) {
		v := s.facts[name]
		if slices.Contains(without, name) {
			continue
		}
		told, _ := s.told(v)
		zeros := v.zeros
		if v.count {
			zeros = told - v.known
		} else {
			flag(Feature{Fact: name, Form: Unknown}, told-v.known, told)
		}
		if v.numbers > 0 && (v.high > v.low || v.count) {
			form := Plain
			if v.low >= 0 && v.high >= 20 && !isComponent(name) || v.count {
				form = Log
			}
			add(Feature{Fact: name, Form: form, Count: v.count}, v.unusual(told))
			if v.high > 1 {
				flag(Feature{Fact: name, Form: Zero, Count: v.count}, zeros, told)
			}
		}
		for _, level := range v.levels() {
			flag(Feature{Fact: name, Form: Is, Level: level}, v.words[level].rows, told)
		}
	}
	slices.SortStableFunc(all, func(a, b supported) int { return cmp.Compare(b.rows, a.rows) })
	all = all[:min(len(all), maxFeatures)]
	slices.SortStableFunc(all, func(a, b supported) int { return strings.Compare(a.Fact, b.Fact) })
	out := make([]Feature, len(all))
	for i := range all {
		out[i] = all[i].Feature
	}
	return out
}

// Unused are the names of facts of which no feature is made, those named in without left out.
func (s *Survey) Unused(features []Feature, without []string) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(s.facts)) {
		if !slices.Contains(without, name) && !slices.ContainsFunc(features, func(f Feature) bool { return f.Fact == name && f.Form != Unknown }) {
			names = append(names, name)
		}
	}
	return names
}

// unusual counts the people whose number is not the commonest one; somebody without a count has 0.
func (v *surveyed) unusual(rows int) int {
	known, commonest := v.numbers, 0
	if v.count {
		known, commonest = rows, rows-v.known
	}
	for _, g := range v.values.Groups() {
		commonest = max(commonest, int(g.Rows()))
	}
	return known - commonest
}

// levels are the commonest words.
func (v *surveyed) levels() []string {
	words := slices.Sorted(maps.Keys(v.words))
	slices.SortStableFunc(words, func(a, b string) int { return cmp.Compare(v.words[b].rows, v.words[a].rows) })
	return words[:min(len(words), maxLevels)]
}
