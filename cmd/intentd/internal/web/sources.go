package web

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/state"
)

// sourcesView is whether all that is told can be heard.
type sourcesView struct {
	Lede    string
	Sources []sourceRow
	Forms   []tally
	Asked   bool // rules were looked for …
	Rules   []operate.Uncovered
	Dealt   bool // of some it is known how many people of closed deals did it
	Now     time.Time
}

// sourceRow is a source that counts what it takes in.
type sourceRow struct {
	Name string
	connectors.Intake
	Trouble string // the daemon's words
	Poll    time.Time
	Why     []tally // unreadable, by reason
	Left    []tally
	Kinds   []kindRow
	Hours   hourChart // events, and what could not be read
}

// kindRow is a kind of event that counts for nothing, with a rule that would have it count; "" where there is one, or its name is not known.
type kindRow struct {
	tally
	Rule string
}

// Seen and Joined are people, and those of them in a CRM.
func (s sourceRow) Seen() int   { return int(s.People) }
func (s sourceRow) Joined() int { return int(s.People - s.Strangers) }

// tally is a count by name.
type tally struct {
	Name string
	N    int64
}

// tallies are counts by name, the most first.
func tallies(counts map[string]int64) []tally {
	var out []tally
	for _, name := range connectors.Commonest(counts, len(counts)) {
		if counts[name] > 0 {
			out = append(out, tally{name, counts[name]})
		}
	}
	return out
}

func (p *Page) kinds(source string, in *connectors.Intake) (rows []kindRow) {
	rules := p.app.Pipeline().Setup().Journey
	for _, t := range tallies(in.UnknownKinds) {
		row := kindRow{tally: t}
		if t.Name != connectors.OtherNames && !rules.RulesKind(t.Name, source) {
			row.Rule = operate.Uncovered{Unruled: learn.Unruled{Kind: t.Name, Source: source}}.Rule()
		}
		rows = append(rows, row)
	}
	return rows
}

func (p *Page) sources(w http.ResponseWriter, r *http.Request, _ guest) {
	st, err := app.StatusOf.Do(r.Context(), p.app, app.Nothing{})
	v := sourcesView{Forms: tallies(st.UnknownForms), Now: st.At, Asked: r.URL.Query().Get("rules") != ""}
	if err == nil && v.Asked {
		v.Rules, err = app.Suggest.Do(r.Context(), p.app, app.Nothing{})
		v.Dealt = slices.ContainsFunc(v.Rules, func(u operate.Uncovered) bool { return u.Deals != nil })
	}
	if err != nil {
		p.fail(w, r, http.StatusInternalServerError, err)
		return
	}
	unread := 0
	for _, name := range slices.Sorted(maps.Keys(st.Connectors)) {
		in := st.Connectors[name].Intake
		if in == nil {
			continue
		}
		hours := hoursOf(st.Hours, "listen/"+name, st.At, func(c state.HourCounts) (good, bad int64) { return c.Events, c.Unreadable })
		v.Sources = append(v.Sources, sourceRow{name, *in, in.Trouble(), st.LastGood["listen/"+name], tallies(in.Unreadable), tallies(in.LeftOut), p.kinds(name, in), hours})
		if in.Unread() > 0 {
			unread++
		}
	}
	t := p.tongue()
	switch {
	case len(v.Sources) == 0:
		v.Lede = t.say("s.empty")
	case unread == 0:
		v.Lede = t.say("s.all")
	case unread == 1:
		v.Lede = t.say("s.some.1")
	default:
		v.Lede = t.say("s.some.n", unread)
	}
	p.show(w, r, http.StatusOK, "sources", v)
}
