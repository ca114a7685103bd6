package proof

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/score"
)

// LeastReps is how many reps a group must have before it is told how soon they answer: of fewer it would be a figure about somebody.
const LeastReps = 5

// Person is somebody who is compared: whom of the two sides they drew counts, whatever became of them since.
type Person struct {
	Held    bool
	LetGo   bool                     // held out, and now no more: they asked to be contacted, or were merged
	Entered map[score.Tier]time.Time // when they first entered a tier since they drew, as shown or as it would have been
	Touches []time.Time              // when the own team dealt with them, in order
	Won     []time.Time              // when deals of theirs were won
	Owner   string                   // the id of the rep who owns their record; "": nobody
}

// Options say what is told.
type Options struct {
	Month   time.Time // begins the month
	Since   time.Time // when the first of them drew
	Now     time.Time
	Teams   map[string][]string // owners by team
	ByOwner bool                // each rep's figures, too
	Touches bool                // what the own team did is known at all
}

// Result is the comparison: of the month, and of all time until its end.
type Result struct {
	Shown   int      `json:"shown"`    // people who drew to be shown
	HeldOut int      `json:"held_out"` // people who drew to be held out
	LetGo   int      `json:"let_go"`   // of them, who are held out no more
	Periods []Period `json:"periods"`
	Remarks []string `json:"remarks,omitempty"`
}

// Period is the comparison of whoever entered a tier in it.
type Period struct {
	Name   string    `json:"name"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Groups []Group   `json:"groups"`
}

// Group is everybody, a team or a rep.
type Group struct {
	Name string `json:"name"` // "": everybody
	Reps int    `json:"reps"` // whose people they are
	Rows []Row  `json:"tiers"`
}

// Row is a tier.
type Row struct {
	Tier    string `json:"tier"`
	Shown   Side   `json:"shown"`
	HeldOut Side   `json:"held_out"`
	// Lift is by how much the win rate of the shown lies above that of those held out; TooFew says that the wins are too few to tell anything.
	Lift   Rate `json:"lift"`
	TooFew bool `json:"too_few"`
}

// Side are the people of a tier who drew one side.
type Side struct {
	People int    `json:"people"`
	Won    int    `json:"won"` // after they entered the tier
	Rate   Rate   `json:"win_rate"`
	Touch  *Touch `json:"touch,omitempty"` // nil: not known, or not to be told
}

// Touch is how soon the own team dealt with people of a tier.
type Touch struct {
	Touched int      `json:"touched"`
	Median  *float64 `json:"median_days,omitempty"` // from entering the tier to the first touch; nil: half of them were never touched
}

// Rate is a share, or a difference of shares, with its 95 % limits.
type Rate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

var tiers = []score.Tier{score.High, score.Medium, score.Low}

// Of compares people.
func Of(people []Person, o Options) *Result {
	r := &Result{}
	for i := range people {
		p := &people[i]
		switch {
		case !p.Held:
			r.Shown++
		default:
			r.HeldOut++
			if p.LetGo {
				r.LetGo++
			}
		}
	}
	to := o.Month.AddDate(0, 1, 0)
	if to.After(o.Now) {
		to = o.Now
	}
	r.Periods = append(r.Periods, period("in "+o.Month.Format("January 2006"), people, &o, o.Month, to))
	if o.Since.Before(o.Month) {
		r.Periods = append(r.Periods, period("since "+o.Since.Format("2 Jan 2006"), people, &o, o.Since, to))
	}
	return r
}

func period(name string, people []Person, o *Options, from, to time.Time) Period {
	p := Period{Name: name, From: from, To: to}
	all := group("", people, o, from, to, LeastReps)
	p.Groups = append(p.Groups, all)
	add := func(name string, owners []string, least int) {
		theirs := slices.DeleteFunc(slices.Clone(people), func(p Person) bool { return !slices.Contains(owners, p.Owner) })
		if g := group(name, theirs, o, from, to, least); g.Reps >= least {
			p.Groups = append(p.Groups, g)
		}
	}
	for _, team := range sorted(o.Teams) {
		add(team, o.Teams[team], LeastReps)
	}
	if o.ByOwner {
		owners := map[string][]string{}
		for i := range people {
			if owner := people[i].Owner; owner != "" {
				owners["owner "+owner] = []string{owner}
			}
		}
		for _, name := range sorted(owners) {
			add(name, owners[name], 1)
		}
	}
	return p
}

func sorted[V any](m map[string]V) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// group compares people who entered a tier in a period. How soon they were touched is told only where they are the people of that many reps.
func group(name string, people []Person, o *Options, from, to time.Time, least int) Group {
	g := Group{Name: name}
	reps := map[string]bool{}
	in := func(p *Person, tier score.Tier) bool {
		at := p.Entered[tier]
		return !at.IsZero() && !at.Before(from) && at.Before(to)
	}
	for i := range people {
		if p := &people[i]; p.Owner != "" && slices.ContainsFunc(tiers, func(t score.Tier) bool { return in(p, t) }) {
			reps[p.Owner] = true
		}
	}
	g.Reps = len(reps)
	for _, tier := range tiers {
		row := Row{Tier: tier.String()}
		for _, held := range []bool{false, true} {
			side := &row.Shown
			if held {
				side = &row.HeldOut
			}
			var waits []float64 // in days, of those who were touched
			for i := range people {
				p := &people[i]
				if p.Held != held || !in(p, tier) {
					continue
				}
				side.People++
				entered := p.Entered[tier]
				if slices.ContainsFunc(p.Won, func(at time.Time) bool { return at.After(entered) }) {
					side.Won++
				}
				if k := slices.IndexFunc(p.Touches, func(at time.Time) bool { return !at.Before(entered) }); k >= 0 {
					waits = append(waits, p.Touches[k].Sub(entered).Hours()/24)
				}
			}
			side.Rate = Rate(measure.Wilson(float64(side.Won), float64(side.People)))
			if o.Touches && g.Reps >= least {
				side.Touch = touch(waits, side.People)
			}
		}
		row.Lift = Rate(measure.Between(measure.Interval(row.HeldOut.Rate), measure.Interval(row.Shown.Rate)))
		row.TooFew = row.Shown.Won+row.HeldOut.Won < measure.FewWon || row.Shown.People == 0 || row.HeldOut.People == 0
		g.Rows = append(g.Rows, row)
	}
	return g
}

// touch sums up waits of so many people; who was never touched waits longer than anybody.
func touch(waits []float64, people int) *Touch {
	t := &Touch{Touched: len(waits)}
	slices.Sort(waits)
	if k := (people - 1) / 2; people > 0 && k < len(waits) {
		t.Median = &waits[k]
	}
	return t
}

// Headline says what showing the score brings, by the longest period and its highest tier.
func (r *Result) Headline() string {
	if len(r.Periods) == 0 || r.HeldOut == 0 {
		return "Nobody is held out: there is nothing to compare with."
	}
	p := r.Periods[len(r.Periods)-1]
	row := p.Groups[0].Rows[0]
	s, h := row.Shown, row.HeldOut
	if row.TooFew {
		return fmt.Sprintf("Of %d shown as high %d won, of %d held out %d: too few to tell what showing the score brings.", s.People, s.Won, h.People, h.Won)
	}
	said := "chance may be all of it"
	switch {
	case row.Lift.Low > 0:
		said = "showing the score brings wins"
	case row.Lift.High < 0:
		said = "showing the score costs wins"
	}
	return fmt.Sprintf("Of %d shown as high %.1f %% won, of %d held out %.1f %%: %+.1f points (%+.1f to %+.1f): %s.", s.People, 100*s.Rate.Value, h.People, 100*h.Rate.Value,
		100*row.Lift.Value, 100*row.Lift.Low, 100*row.Lift.High, said)
}

// Cell is the win rate of a side in words.
func (s Side) Cell() string {
	if s.People == 0 {
		return "nobody"
	}
	return fmt.Sprintf("%d of %d, %.1f %% (%.1f to %.1f)", s.Won, s.People, 100*s.Rate.Value, 100*s.Rate.Low, 100*s.Rate.High)
}

// TouchCell is how soon a side was touched, in words; "" where that is not told.
func (s Side) TouchCell() string {
	switch {
	case s.Touch == nil:
		return ""
	case s.People == 0:
		return "nobody"
	case s.Touch.Median == nil:
		return fmt.Sprintf("%d of %d, half not yet", s.Touch.Touched, s.People)
	}
	return fmt.Sprintf("%d of %d, half within %.1f days", s.Touch.Touched, s.People, *s.Touch.Median)
}

// LiftCell is the difference of the win rates in words.
func (r Row) LiftCell() string {
	if r.TooFew {
		return "too few to tell"
	}
	return fmt.Sprintf("%+.1f points (%+.1f to %+.1f)", 100*r.Lift.Value, 100*r.Lift.Low, 100*r.Lift.High)
}

// Title is a group in words.
func (g Group) Title() string {
	if g.Name == "" {
		return "Everybody"
	}
	return strings.ToUpper(g.Name[:1]) + g.Name[1:]
}
