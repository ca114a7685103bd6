package learn

import (
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

// Outcome is what came of somebody.
type Outcome struct {
	Won bool
	At  time.Time // when it was known, or the deal created
}

// Snapshot is what was known of somebody at a date. Features make any score of that date anew, under whatever settings; the rest is what strengths are learned from.
type Snapshot struct {
	At       time.Time
	Features score.Features
	Counts   map[string]int    // by what is counted: pages, forms and steps by their names
	Visits   int               // sessions
	Steps    int               // what they did, counted or not
	Days     int               // calendar days (UTC) on which they did something
	Dwell    time.Duration     // the time that visits lasted, or the steps say
	First    time.Time         // step; zero without one
	Last     time.Time         // step
	LastForm time.Time         // newest form or request; zero: none
	Pages    int               // page views
	Topics   []string          // of the pages and things that counted, by the alphabet
	Words    map[string]string // where they came from, and profile fields of the allow-list, the newest value of each
}

// Profile are the names of properties that are learned from unless others are given: what says who somebody is, never what became of them.
var Profile = []string{"title", "job_title", "industry", "size", "company_size", "employees", "source", "lead_source"}

// Snap is the snapshot of a journey that was built as of a date: none of its steps is later. fields are the allowed properties.
func Snap(visits []journey.Session, signals []journey.Signal, f score.Features, at time.Time, fields []string) *Snapshot {
	s := &Snapshot{At: at, Features: f, Counts: map[string]int{}, Words: map[string]string{}}
	day := ""
	for i := range visits {
		v := &visits[i]
		s.Visits++
		dwell := time.Duration(0)
		for k := range v.Steps {
			step := &v.Steps[k]
			if step.Context {
				continue
			}
			e := &step.Event
			s.Steps++
			s.Counts["steps: "+e.Kind]++
			if e.Kind == connectors.KindPageView {
				s.Pages++
			}
			if today := e.Time.UTC().Format(time.DateOnly); today != day {
				s.Days, day = s.Days+1, today
			}
			if s.First.IsZero() || e.Time.Before(s.First) {
				s.First = e.Time
			}
			if e.Time.After(s.Last) {
				s.Last = e.Time
			}
			dwell += told(e)
			s.cameFrom(e)
			for _, name := range fields {
				if v := e.Properties[name]; v != "" {
					s.Words[name] = v
				}
			}
		}
		s.Dwell += max(dwell, v.End.Sub(v.Start))
	}
	for i := range signals {
		s.count(&signals[i])
		s.Topics = append(s.Topics, signals[i].Topics...)
	}
	slices.Sort(s.Topics)
	s.Topics = slices.Compact(s.Topics)
	return s
}

// count counts a signal by its type, page and form.
func (s *Snapshot) count(g *journey.Signal) {
	s.Counts["signals: "+g.Type.String()]++
	for flag, name := range pageNames {
		if g.Flags&flag != 0 {
			s.Counts["pages: "+name]++
		}
	}
	kind, name, is := strings.Cut(g.Object, ": ")
	switch {
	case strings.HasPrefix(g.Object, "/"):
		s.Counts["pages: "+group(g.Object)]++
	case is:
		s.Counts[kind+": "+strings.ToLower(name)]++
	}
	if at := time.Unix(g.At, 0).UTC(); (g.Type == score.FormSubmit || g.Type == score.HandRaise) && at.After(s.LastForm) {
		s.LastForm = at
	}
}

var pageNames = map[score.Flag]string{score.PricePage: "price", score.ContractPage: "contract", score.ProductPage: "product", score.Comparison: "comparison", score.Key: "key"}

// group is the part of a site that a path lies in: its first directory.
func group(path string) string {
	if i := strings.IndexByte(path[1:], '/'); i >= 0 {
		return path[:i+1]
	}
	return path
}

// told is the time that a step itself says it took.
func told(e *connectors.Event) time.Duration {
	for _, name := range [...]string{"seconds", "duration", "dwell", "dwell_seconds", "duration_seconds", "time_on_page", "time_spent"} {
		if x, err := strconv.ParseFloat(e.Properties[name], 64); err == nil && x > 0 && x < 86400 {
			return time.Duration(x * float64(time.Second))
		}
	}
	return 0
}

// cameFrom keeps the host that first led to the site.
func (s *Snapshot) cameFrom(e *connectors.Event) {
	if s.Words["came from"] != "" || e.Referrer == "" {
		return
	}
	from, err := url.Parse(e.Referrer)
	if err != nil {
		return
	}
	if own, err := url.Parse(e.URL); err == nil && from.Hostname() != "" && from.Hostname() != own.Hostname() {
		s.Words["came from"] = strings.TrimPrefix(strings.ToLower(from.Hostname()), "www.")
	}
}

// Facts are what the snapshot says, behind into. The components are those of the settings.
func (s *Snapshot) Facts(set *score.Settings, into []Fact) []Fact {
	shown, parts, _ := set.Show(&s.Features, score.Shown{}, s.At)
	number := func(name string, x float64) { into = append(into, Fact{Name: name, Number: x}) }
	number(factVolume, float64(parts.Volume.Component)/10)
	number(factRecency, float64(parts.Recency.Component)/10)
	number(factTopics, float64(parts.Topics.Component)/10)
	number("visits", float64(s.Visits))
	number("steps", float64(s.Steps))
	number("page views", float64(s.Pages))
	number("days active", float64(s.Days))
	number("minutes on the site", s.Dwell.Minutes())
	days := func(name string, t time.Time) {
		if !t.IsZero() {
			number(name, math.Floor(max(0, s.At.Sub(t).Hours()/24)))
		}
	}
	days("days since the last step", s.Last)
	days("days since the first step", s.First)
	days("days since the last form", s.LastForm)
	into = append(into, Fact{Name: "stage", Word: shown.Stage.String()})
	for name, n := range s.Counts {
		into = append(into, Fact{Name: name, Number: float64(n), Count: true})
	}
	for name, word := range s.Words {
		if f, ok := ParseFact(name, word); ok {
			into = append(into, f)
		}
	}
	return into
}

// The facts that the prior speaks of: the components, 0 to 100.
const (
	factVolume  = "volume"
	factRecency = "recency"
	factTopics  = "topics"
)

func isComponent(name string) bool {
	return name == factVolume || name == factRecency || name == factTopics
}
