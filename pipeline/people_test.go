package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// crowd are people of all kinds: buyers, who asked for something or looked at prices, and readers.
func crowd(t *testing.T) *world {
	w := newWorld(t).start()
	for i := range 24 {
		id, email := fmt.Sprint(i+1), fmt.Sprintf("p%d@acme.example", i+1)
		w.crm.put(id, email, nil)
		if i%6 == 0 {
			w.site.add(email, demoRequest(w.clock.now().Add(-time.Duration(1+i)*oneDay)))
		}
		for k := range 1 + i%5*3 {
			page := []string{"/blog", "/pricing", "/cards/gold", "/cards/compare"}[(i+k)%4]
			w.site.add(email, view(fmt.Sprintf("%s?n=%d", page, k), "", w.clock.now().Add(-time.Duration(2+k*(1+i%9)*7)*time.Hour)))
		}
	}
	w.once()
	return w
}

// What the histogram says of other lines is what the whole of everybody's features says.
func TestLinesDoWhatTheHistogramSays(t *testing.T) {
	w := crowd(t)
	w.clock.advance(3 * oneDay) // evidence ages
	if _, err := w.p.RefreshStandings(t.Context()); err != nil {
		t.Fatal(err)
	}
	shown := map[score.Tier]int{}
	moved := 0
	for _, lines := range []operate.Lines{{}, {High: 500, Medium: 400}, {High: 900, Medium: 700}, {High: 300, Medium: 290}, {Medium: 200}} {
		h, err := operate.HistogramOf(w.p, lines)
		if err != nil {
			t.Fatal(err)
		}
		set := w.p.Setup().Score
		if lines.High != 0 {
			set.High = lines.High
		}
		if lines.Medium != 0 {
			set.Medium = lines.Medium
		}
		var want operate.TierCounts
		become, leave := 0, 0
		clear(shown)
		if _, err := w.p.EachShown(t.Context(), func(_ state.PersonID, _ *state.Person, was score.Shown, f *score.Features) {
			if !was.Known {
				return
			}
			shown[was.Tier]++
			tier, _ := set.TierOf(f, score.Parts{Known: true, Score: was.Score, Signals: 1}, was.Tier, w.clock.now())
			switch tier {
			case score.High:
				want.High++
			case score.Medium:
				want.Medium++
			default:
				want.Low++
			}
			if tier == score.High && was.Tier != score.High {
				become++
			}
			if tier != score.High && was.Tier == score.High {
				leave++
			}
		}); err != nil {
			t.Fatal(err)
		}
		if got := (operate.TierCounts{High: shown[score.High], Medium: shown[score.Medium], Low: shown[score.Low]}); h.Tiers != got || h.People < 20 {
			t.Errorf("counted %+v, are %+v", h.Tiers, got)
		}
		if lines == (operate.Lines{}) {
			continue
		}
		if h.Then.Tiers != want || h.Then.Become != become || h.Then.Leave != leave {
			t.Errorf("with %+v: %+v, want %+v, %d and %d", lines, h.Then, want, become, leave)
		}
		moved += become + leave
	}
	if moved < 10 {
		t.Errorf("only %d moved: the test says little", moved)
	}
	if _, err := operate.HistogramOf(w.p, operate.Lines{High: 500}); err == nil {
		t.Error("a line of medium above that of high is taken")
	}
}

// The ranked list is told part by part, everybody once, the highest first, and by what they are asked for.
func TestPeopleAreListedByRank(t *testing.T) {
	w := crowd(t)
	list := func(q operate.PeopleQuery) (all []operate.RankedPerson) {
		for q.Limit = 5; ; {
			page, err := operate.People(t.Context(), w.p, q)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, page.People...)
			if q.After = page.Next; q.After == "" {
				return all
			}
		}
	}
	all := list(operate.PeopleQuery{})
	seen := map[string]bool{}
	rank := map[string]int{"high": 2, "medium": 1}
	filters := map[operate.PeopleQuery]int{}
	for i, p := range all {
		if seen[p.Person] {
			t.Errorf("%s is listed twice", p.Person)
		}
		seen[p.Person] = true
		if i > 0 {
			if b := all[i-1]; rank[b.Tier] < rank[p.Tier] || b.Tier == p.Tier && b.Score < p.Score {
				t.Errorf("%+v stands before %+v", b, p)
			}
		}
		if p.Headline == "" || len(p.Why) == 0 || p.Ref == "" {
			t.Errorf("no why: %+v", p)
		}
		for _, q := range []operate.PeopleQuery{{Tier: p.Tier}, {Trend: p.Trend}, {Stage: p.Stage}, {Product: p.Product}, {Tier: p.Tier, Trend: p.Trend, Stage: p.Stage}} {
			filters[q]++
		}
	}
	if len(all) != 24 || len(filters) < 6 {
		t.Errorf("%d listed, by %d filters", len(all), len(filters))
	}
	delete(filters, operate.PeopleQuery{}) // no product
	for q, n := range filters {
		if got := len(list(q)); got != n {
			t.Errorf("%+v lists %d, want %d", q, got, n)
		}
	}
	for _, q := range []operate.PeopleQuery{{Tier: "hot"}, {Trend: "up"}, {Stage: "x"}, {After: "!"}, {Limit: 5000}} {
		if _, err := operate.People(t.Context(), w.p, q); err == nil {
			t.Errorf("%+v is taken", q)
		}
	}
}
