package learn

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

// Unruled is something that people do and that counts by no rule of the configuration. One of Kind, Form and URL is set.
type Unruled struct {
	Kind   string `json:"kind,omitempty"` // of events that count for nothing
	Source string `json:"source,omitempty"`
	Form   string `json:"form,omitempty"`
	URL    string `json:"url,omitempty"` // the path of a page that counts as any page
}

// UnruledPage is the page that a signal of a kind of event is a view of, where it counts as any page.
func UnruledPage(kind, object string, t score.Type) (u Unruled, ok bool) {
	return Unruled{URL: object}, t == score.WebVisit && kind == connectors.KindPageView && len(object) > 1 && object[0] == '/'
}

// UnruledOf is what somebody did of the kind, each once. Forms are all that they sent: a rule may name one.
func UnruledOf(visits []journey.Session, signals []journey.Signal) []Unruled {
	met := map[Unruled]bool{}
	for i := range visits {
		for k := range visits[i].Steps {
			step := &visits[i].Steps[k]
			if step.Why == journey.WhyUnknown {
				met[Unruled{Kind: cmp.Or(step.Named, step.Event.Kind), Source: step.Event.Source}] = true
			}
			if step.Signal < 0 {
				continue
			}
			g := &signals[step.Signal]
			if u, ok := UnruledPage(step.Event.Kind, g.Object, g.Type); ok {
				met[u] = true
			} else if name, ok := strings.CutPrefix(g.Object, "form: "); ok {
				met[Unruled{Form: name}] = true
			}
		}
	}
	return slices.Collect(maps.Keys(met))
}

// Share is how many people of closed deals did something before their deal was created. Somebody on two deals counts twice.
type Share struct {
	Won      int       `json:"won"`       // of won deals
	People   int       `json:"people"`    // of all; 0: fewer than three, who are not told of
	OfWon    int       `json:"of_won"`    // people of won deals
	OfPeople int       `json:"of_people"` // of all
	Since    time.Time `json:"since"`     // when the oldest of the deals may have been closed
	At       time.Time `json:"at"`        // when they were gone over
}

// Shares are how many people of closed deals did each thing. They name nobody, and nothing that fewer than three people did.
type Shares struct {
	Of     Share         `json:"of"`            // everybody
	Things []UnruledDone `json:"things"`        // the commonest first
	Cut    bool          `json:"cut,omitempty"` // there are more

	counts map[Unruled]*UnruledDone
}

// UnruledDone is a thing with how many did it.
type UnruledDone struct {
	Unruled
	Won    int `json:"won"`
	People int `json:"people"`
}

// Bounds of what is counted and of what is told.
const (
	mostCounted = 50_000
	mostTold    = 5_000
	fewestDid   = 3
)

// Add counts somebody of a deal.
func (s *Shares) Add(did []Unruled, won bool) {
	n := 0
	if won {
		n = 1
	}
	s.Of.OfPeople++
	s.Of.OfWon += n
	if s.counts == nil {
		s.counts = map[Unruled]*UnruledDone{}
	}
	for _, u := range did {
		c := s.counts[u]
		if c == nil {
			if len(s.counts) >= mostCounted {
				s.Cut = true
				continue
			}
			u = Unruled{strings.Clone(u.Kind), strings.Clone(u.Source), strings.Clone(u.Form), strings.Clone(u.URL)} // not the whole journey
			c = &UnruledDone{Unruled: u}
			s.counts[u] = c
		}
		c.People++
		c.Won += n
	}
}

// Close sums up what was added.
func (s *Shares) Close(since, at time.Time) {
	s.Of.Since, s.Of.At = since.UTC(), at.UTC()
	s.Things = []UnruledDone{}
	for _, c := range s.counts {
		if c.People >= fewestDid {
			s.Things = append(s.Things, *c)
		}
	}
	slices.SortFunc(s.Things, func(a, b UnruledDone) int {
		return cmp.Or(cmp.Compare(b.People, a.People), strings.Compare(a.Kind+a.Form+a.URL, b.Kind+b.Form+b.URL), strings.Compare(a.Source, b.Source))
	})
	if len(s.Things) > mostTold {
		s.Things, s.Cut = s.Things[:mostTold], true
	}
	s.counts = nil
}

// Share is that of one thing; nil where it cannot be told.
func (s *Shares) Share(u Unruled) *Share {
	of := s.Of
	i := slices.IndexFunc(s.Things, func(d UnruledDone) bool { return d.Unruled == u })
	switch {
	case i >= 0:
		of.Won, of.People = s.Things[i].Won, s.Things[i].People
	case s.Cut || of.OfPeople == 0:
		return nil
	}
	return &of
}
