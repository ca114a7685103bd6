package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/fields"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
)

// personView is a receipt as a page.
type personView struct {
	*receipt.Receipt
	Known   *app.KnownPerson // as the CRM has them now
	Verdict verdictView
	Since   time.Time
	Texts   []citing // the headline first
	Next    citing
	Visits  []visit
	Curve   *curve // nil: there is no score
	Parts   []partRow
	Chance  string // that they buy, in percent, by a learned model; "": none tells
	Written []fieldRow
	Check   *receipt.Verification
	Missing string
	Stale   string
	Sources []string // that can be asked about them
}

// verdictView is what a rep says of a person. Said is "" where nobody says anything.
type verdictView struct {
	Said         string
	Since, Until time.Time // while it sets the person aside; zero: it does not, or not any more
	Lifted       bool      // they asked for something later: it counts no more
}

func verdictOf(r *receipt.Receipt) verdictView {
	v := verdictView{Said: r.Verdict}
	if r.Features.SetAside != 0 {
		v.Since, v.Until = time.Unix(r.Features.SetAside, 0), time.Unix(r.Features.AsideUntil, 0)
		v.Lifted = r.Rule != score.ByVerdict
	}
	return v
}

// citing is a sentence with the events that it rests on, by their places on the page.
type citing struct {
	Text string
	On   []int
	All  string // the places, apart by blanks, for the script
}

// visit is what somebody did in one go.
type visit struct {
	Begin  time.Time
	Events []eventRow
}

// eventRow is a signal, or what a sentence cites beside signals.
type eventRow struct {
	N              int // its place on the page
	At             time.Time
	Type           string // "" of what is no signal
	Kind, Source   string
	Object, Title  string
	Strength       int
	Counts, Strong bool
	session        int // −1 of what is no signal
}

// partRow is a part of the score, with where its bar begins and how long it is, in tenths of a point.
type partRow struct {
	Name                            string
	Component, Contribution, Before int
	Width                           int  // of the bar
	Learned                         bool // of a learned model: it has a name in words, and neither component nor weight
	Weight                          string
	From                            string
}

// fieldRow is a field of the CRM.
type fieldRow struct {
	Name, Value string
	Held        bool
}

func (p *Page) find(w http.ResponseWriter, r *http.Request, _ guest) {
	p.show(w, r, http.StatusOK, "find", "")
}

// findPerson goes to the page of whoever was named. The name is sent, so that no address stands in one of the browser's.
func (p *Page) findPerson(w http.ResponseWriter, r *http.Request, g guest) {
	who := strings.TrimSpace(r.PostFormValue("who"))
	if who == "" {
		http.Redirect(w, r, "/person", http.StatusSeeOther)
		return
	}
	found, err := app.Explain.Do(r.Context(), p.app, app.Who{Who: who})
	if errors.Is(err, pipeline.ErrUnknownPerson) && !strings.Contains(who, "@") && p.findNamed(w, r, g, who) {
		return
	}
	if err != nil {
		p.show(w, r, http.StatusNotFound, "find", err.Error())
		return
	}
	http.Redirect(w, r, "/person/"+url.PathEscape(found.Person), http.StatusSeeOther)
}

func (p *Page) person(w http.ResponseWriter, r *http.Request, g guest) {
	found, err := app.Explain.Do(r.Context(), p.app, app.Who{Who: r.PathValue("who")})
	if err != nil {
		p.show(w, r, http.StatusNotFound, "find", err.Error())
		return
	}
	p.app.Logger().Info("somebody looked at a person on the page", "person", found.Person, "by", g.by)
	v := p.personView(found)
	if v.Known, err = app.Known.Do(r.Context(), p.app, app.Records{Refs: found.Refs}); err != nil {
		p.fail(w, r, http.StatusInternalServerError, err)
		return
	}
	p.show(w, r, http.StatusOK, "person", v)
}

func (p *Page) personView(r *receipt.Receipt) personView {
	check := r.Verify()
	v := personView{Receipt: r, Since: r.Since(), Verdict: verdictOf(r), Check: &check, Stale: strings.Join(r.Stale, ", ")}
	v.Missing = strings.Join(v.Check.Missing, ", ")
	rows := eventRows(r)
	places := map[string][]int{}
	for i := range rows {
		id := rows[i].id
		places[id] = append(places[id], rows[i].N)
		if gap := p.app.Config().Window.SessionGap; i == 0 || parted(&rows[i-1], &rows[i], gap) {
			v.Visits = append(v.Visits, visit{Begin: rows[i].At})
		}
		last := &v.Visits[len(v.Visits)-1]
		last.Events = append(last.Events, rows[i].eventRow)
	}
	slices.Reverse(v.Visits)
	for _, s := range p.app.Pipeline().Setup().Sources {
		v.Sources = append(v.Sources, s.Name)
	}
	headline, sentences, next := r.Intent.At(r.At, r.Tier)
	for _, s := range append([]intent.Sentence{headline}, sentences...) {
		if s.Text != "" {
			v.Texts = append(v.Texts, cites(s, places))
		}
	}
	v.Next = cites(next, places)
	v.Parts, v.Curve = p.partRows(r), curveOf(r)
	if chance, ok := r.Settings.Probability(&r.Parts); ok {
		v.Chance = fmt.Sprintf("%.0f", 100*chance)
	}
	for _, f := range connectors.AllPersonFields().Fields {
		value, written := r.Written[f.Name]
		if held := slices.Contains(r.Held, f.Name); written || held {
			v.Written = append(v.Written, fieldRow{f.Name, value, held})
		}
	}
	return v
}

// placedRow is a row with the event that it shows.
type placedRow struct {
	eventRow
	id string
}

// eventRows are signals and cited events, the oldest first, numbered.
func eventRows(r *receipt.Receipt) []placedRow {
	var rows []placedRow
	for i := range r.Features.Signals {
		s, line := &r.Features.Signals[i], r.Line(i)
		rows = append(rows, placedRow{eventRow{At: time.Unix(s.At, 0), Type: s.Type.String(), Kind: line.Kind, Source: line.Source, Object: line.Object, Title: line.Title,
			Strength: int(s.Strength), Counts: r.Counts(i), Strong: int(s.Strength) >= 60, session: int(s.Session)}, line.EventID})
	}
	for _, c := range r.Cited {
		rows = append(rows, placedRow{eventRow{At: c.Time, Kind: c.Kind, Source: c.Source, session: -1}, c.EventID})
	}
	slices.SortStableFunc(rows, func(a, b placedRow) int { return a.At.Compare(b.At) })
	for i := range rows {
		rows[i].N = i + 1
	}
	return rows
}

// parted says that b begins a visit of its own. What is no signal has no visit's number: time decides.
func parted(a, b *placedRow, gap time.Duration) bool {
	if a.session >= 0 && b.session >= 0 {
		return a.session != b.session
	}
	return b.At.Sub(a.At) > gap
}

func cites(s intent.Sentence, places map[string][]int) citing {
	c := citing{Text: s.Text}
	for _, id := range s.Cites {
		c.On = append(c.On, places[id]...)
	}
	slices.Sort(c.On)
	c.On = slices.Compact(c.On)
	for _, n := range c.On {
		c.All = strings.TrimSpace(fmt.Sprintf("%s e%d", c.All, n))
	}
	return c
}

func (p *Page) partRows(r *receipt.Receipt) []partRow {
	t, s := p.tongue(), &r.Parts
	if r.Settings.Additive != nil {
		return p.learnedRows(r)
	}
	recency := t.say("p.recency.none")
	if s.Days >= 0 {
		recency = t.say("p.recency.from", t.day(time.Unix(s.Newest, 0)), s.Days)
	}
	rows := []partRow{
		{Name: "volume", Component: s.Volume.Component, Contribution: s.Volume.Contribution, Weight: weight(s.Volume.Weight), From: t.say("p.volume.from", s.Signals, r.Settings.WindowDays, r.Settings.MaxActivity)},
		{Name: "recency", Component: s.Recency.Component, Contribution: s.Recency.Contribution, Weight: weight(s.Recency.Weight), From: recency},
		{Name: "topics", Component: s.Topics.Component, Contribution: s.Topics.Contribution, Weight: weight(s.Topics.Weight), From: t.say("p.topics.from", s.Base, s.Bonus, s.Interest)},
	}
	for i := 1; i < len(rows); i++ {
		rows[i].Before = rows[i-1].Before + rows[i-1].Contribution
	}
	for i := range rows {
		rows[i].Width = rows[i].Contribution
		rows[i].Weight = t.decimal(cmp.Or(rows[i].Weight, "0"))
	}
	return rows
}

// learnedRows are the parts of a score by a learned model. A part that takes away is drawn where it leads to; bars are cut to 0 … 100.
func (p *Page) learnedRows(r *receipt.Receipt) []partRow {
	t := p.tongue()
	rows := []partRow{{Name: t.say("p.begin"), Contribution: r.Parts.Offset}}
	for _, part := range fields.LearnedParts(r, p.language()) {
		rows = append(rows, partRow{Name: part.Name, Contribution: part.Tenths})
	}
	if r.Parts.Clamp != 0 {
		rows = append(rows, partRow{Name: t.say("p.clamp"), Contribution: r.Parts.Clamp})
	}
	sum := 0
	for i := range rows {
		from, to := min(max(sum, 0), 1000), min(max(sum+rows[i].Contribution, 0), 1000)
		sum += rows[i].Contribution
		rows[i].Before, rows[i].Width, rows[i].Learned = min(from, to), max(from, to)-min(from, to), true
	}
	return rows
}

// weight is thousandths as a decimal.
func weight(thousandths int) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%d.%03d", thousandths/1000, thousandths%1000), "0"), ".")
}
