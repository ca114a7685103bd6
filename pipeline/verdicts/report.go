package verdicts

import (
	"cmp"
	"slices"
	"time"

	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/score"
)

// Verdict is one change of what a rep says of somebody, with the score that it judged.
type Verdict struct {
	Person  string // opaque key
	Verdict string // "": taken back
	At      time.Time
	Judged  *Judged // nil: none was shown, or none is known
}

// Words are the verdicts that say something, as the CRM has them, the kindest first.
var Words = []string{interested, notNow, "not_interested", "wrong_person"}

const (
	interested = "interested"
	notNow     = "not_now"
)

// Why verdicts say nothing of the score.
const (
	WhyTakenBack = "taken back"
	WhyUnknown   = "a word of the portal's own"
	WhyNoScore   = "no score was shown then"
	WhyNotNow    = "not now, which is neither won nor lost"
	WhyNames     = "judged by a release that kept no names of pages" // and no visits: facts would be missing
)

// label is whether the rep thinks the person ready to buy; why says why it cannot be told.
func (v *Verdict) label() (ready bool, why string) {
	switch {
	case v.Verdict == "":
		return false, WhyTakenBack
	case !slices.Contains(Words, v.Verdict):
		return false, WhyUnknown
	case v.Judged == nil:
		return false, WhyNoScore
	}
	return v.Verdict == interested, ""
}

// Weak is what a verdict says as a weak label of an outcome: interested a win, not interested or the wrong person a loss. why says why it says nothing.
func (v *Verdict) Weak() (won bool, why string) {
	won, why = v.label()
	switch {
	case why != "":
	case v.Verdict == notNow:
		why = WhyNotNow
	case !v.Judged.Features.Whole:
		why = WhyNames
	}
	return won, why
}

// Report is how far reps and score agree.
type Report struct {
	Since   time.Time      `json:"since,omitzero"`
	Changes int            `json:"changes"` // of verdicts, all that were read
	People  int            `json:"people"`
	LeftOut map[string]int `json:"left_out,omitempty"` // changes that say nothing of the score, by reason
	Aside   int            `json:"set_aside"`          // judged while an earlier verdict held the tier low: not in the rows
	All     Row            `json:"all"`
	Tiers   []Row          `json:"tiers"`   // the highest first
	Reasons []Row          `json:"reasons"` // by what spoke most for the person, the commonest first
	Months  []Row          `json:"months"`  // of the verdict, UTC, the oldest first
	Rank    *Interval      `json:"auc"`     // of the score against interested or not; null: too few to tell

	tally   measure.Tally
	persons map[string]bool
}

// Row are the verdicts of one kind.
type Row struct {
	Of       string         `json:"of"`
	Verdicts int            `json:"verdicts"`
	By       map[string]int `json:"by"` // verdicts by their word
	Agreed   int            `json:"agreed"`
	Share    Interval       `json:"share"` // that agreed, with its 95 % limits
}

// Interval is a value with its 95 % limits.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// NewReport begins a report on verdicts since a time; zero: all.
func NewReport(since time.Time) *Report {
	r := &Report{Since: since, LeftOut: map[string]int{}, persons: map[string]bool{}, All: Row{By: map[string]int{}}}
	for _, t := range []score.Tier{score.High, score.Medium, score.Low, score.TierUnknown} {
		r.Tiers = append(r.Tiers, Row{Of: t.String(), By: map[string]int{}})
	}
	return r
}

// Add counts a verdict.
func (r *Report) Add(v *Verdict) {
	if v.At.Before(r.Since) {
		return
	}
	r.Changes++
	r.persons[v.Person] = true
	ready, why := v.label()
	if why != "" {
		r.LeftOut[why]++
		return
	}
	j := v.Judged
	r.tally.Add(float64(j.Score), ready)
	if j.Rule == score.ByVerdict {
		r.Aside++
		return
	}
	agreed := ready == (j.Tier >= score.Medium)
	r.All.add(v, agreed)
	r.Tiers[score.High-j.Tier].add(v, agreed)
	row(&r.Reasons, j.reason()).add(v, agreed)
	row(&r.Months, v.At.UTC().Format("2006-01")).add(v, agreed)
}

// Close works out what is known only at the end.
func (r *Report) Close() {
	r.People = len(r.persons)
	if !r.tally.TooFew() {
		auc := Interval(r.tally.AUC())
		r.Rank = &auc
	}
	slices.SortFunc(r.Reasons, func(a, b Row) int { return cmp.Or(b.Verdicts-a.Verdicts, cmp.Compare(a.Of, b.Of)) })
	slices.SortFunc(r.Months, func(a, b Row) int { return cmp.Compare(a.Of, b.Of) })
	r.All.close()
	for _, rows := range [][]Row{r.Tiers, r.Reasons, r.Months} {
		for i := range rows {
			rows[i].close()
		}
	}
}

// row is the one of that name, made where there is none.
func row(rows *[]Row, of string) *Row {
	i := slices.IndexFunc(*rows, func(r Row) bool { return r.Of == of })
	if i < 0 {
		i = len(*rows)
		*rows = append(*rows, Row{Of: of, By: map[string]int{}})
	}
	return &(*rows)[i]
}

func (r *Row) add(v *Verdict, agreed bool) {
	r.Verdicts++
	r.By[v.Verdict]++
	if agreed {
		r.Agreed++
	}
}

func (r *Row) close() { r.Share = Interval(measure.Wilson(float64(r.Agreed), float64(r.Verdicts))) }

// reason is what spoke most for the person when they were judged: their strongest own signal; of equals the one that shows that somebody is buying.
func (j *Judged) reason() string {
	best, of := -1, "no signal of their own"
	for i := range j.Features.Signals {
		g := &j.Features.Signals[i]
		if g.Flags&score.Company != 0 || g.At > j.At.Unix() {
			continue
		}
		rank := 2 * int(g.Strength)
		if g.Flags&score.Key != 0 {
			rank++
		}
		if rank > best {
			best, of = rank, spoken(g)
		}
	}
	return of
}

// spoken is what a signal was, in words.
func spoken(g *score.Signal) string {
	switch {
	case g.Type == score.HandRaise:
		return "a request"
	case g.Flags&score.Application != 0:
		return "an application or order"
	case g.Flags&score.PricePage != 0:
		return "a price page"
	case g.Flags&score.ContractPage != 0:
		return "a contract page"
	case g.Flags&score.Comparison != 0:
		return "a comparison page"
	case g.Flags&score.Key != 0:
		return "a trial or another key signal"
	case g.Type == score.FormSubmit:
		return "a form"
	case g.Type == score.ContentView:
		return "a case study or page like it"
	case g.Type == score.EmailEngage:
		return "mail"
	case g.Type == score.WebVisit:
		return "visits"
	}
	return g.Type.String()
}
