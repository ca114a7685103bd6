package learn

import (
	"net/url"
	"slices"
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

// Snapshot is what was known of somebody at a date. Features make any score of that date anew, under whatever settings, and tell the facts that strengths are learned from; the
// rest is told beside them.
type Snapshot struct {
	At       time.Time
	Features score.Features
	Kinds    map[string]int    // steps, counted or not, by their kind
	Steps    int               // what they did, counted or not
	Last     time.Time         // step; zero without one
	LastForm time.Time         // newest form or request; zero: none
	Pages    int               // page views
	Topics   []string          // of the pages and things that counted, by the alphabet
	Words    map[string]string // where they came from, and profile fields of the allow-list, the newest value of each
	// Untold are names of properties of a CRM's profile of which nothing tells what they said at the date: neither a word nor its absence is learned from.
	Untold []string
}

// Profile are the names of properties that are learned from unless others are given: what says who somebody is, never what became of them.
var Profile = []string{"title", "job_title", "industry", "size", "company_size", "employees", "source", "lead_source"}

// Snap is the snapshot of a journey that was built as of a date: none of its steps is later. fields are the allowed properties.
func Snap(visits []journey.Session, signals []journey.Signal, f score.Features, at time.Time, fields []string) *Snapshot {
	s := &Snapshot{At: at, Features: f, Kinds: map[string]int{}, Words: map[string]string{}}
	for i := range visits {
		for k := range visits[i].Steps {
			step := &visits[i].Steps[k]
			if step.Context {
				continue
			}
			e := &step.Event
			s.Steps++
			s.Kinds[e.Kind]++
			if e.Kind == connectors.KindPageView {
				s.Pages++
			}
			if e.Time.After(s.Last) {
				s.Last = e.Time
			}
			s.cameFrom(e)
			for _, name := range fields {
				if v := e.Properties[name]; v != "" {
					s.Words[name] = v
				}
			}
		}
	}
	for i := range f.Signals {
		g := &f.Signals[i]
		if at := time.Unix(g.At, 0).UTC(); (g.Type == score.FormSubmit || g.Type == score.HandRaise) && at.After(s.LastForm) {
			s.LastForm = at
		}
	}
	for i := range signals {
		s.Topics = append(s.Topics, signals[i].Topics...)
	}
	slices.Sort(s.Topics)
	s.Topics = slices.Compact(s.Topics)
	return s
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
	into = set.FactsAt(&s.Features, s.At.Unix(), into)
	for _, name := range s.Untold {
		into = append(into, score.Untold(score.FactProfile+name))
	}
	for kind, n := range s.Kinds {
		into = append(into, Fact{Name: "steps: " + kind, Number: float64(n), Count: true})
	}
	for name, word := range s.Words {
		if f, ok := ParseFact(name, word); ok {
			into = append(into, f)
		}
	}
	return into
}

func isComponent(name string) bool {
	return name == score.FactVolume || name == score.FactRecency || name == score.FactTopics
}
