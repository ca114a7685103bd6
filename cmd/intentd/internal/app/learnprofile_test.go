package app

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// Promise: strengths that go by a property which the configuration names no more score nobody as somebody of whom the CRM says nothing, and log, status, doctor and plan --against say so.
func TestStrengthsByAPropertyThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		const engine = "scoring: {engine: propensity}\nlearning: \"off\"\n"
		p.crm = ", learning_profile: [industry]"
		p.write(t, engine)
		a := p.open(t)
		defer a.Close()
		m := &learn.Strengths{K: 10, Offset: 300, Calibration: learn.Calibration{B: 1}, Features: []learn.Strength{
			{Feature: learn.Feature{Fact: "profile: industry", Form: learn.Is, Level: "retail"}, Strength: 1, Spread: 0.5, Usual: 0.25},
			{Feature: learn.Feature{Fact: "visits", Form: learn.Log}, Strength: 1, Spread: 1, Usual: 1},
		}}
		var file bytes.Buffer
		if err := m.Write(&file); err != nil {
			t.Fatal(err)
		}
		id, err := a.db.PutLearned(state.Learned{At: time.Now(), By: byCommand, Engine: config.EnginePropensity, Strengths: file.String()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := LearnApply.Do(t.Context(), a, LearnedNumber{Number: id}); err != nil {
			t.Fatal(err)
		}
		said := func() (gone []string, doctor bool) {
			t.Helper()
			st, err := StatusOf.Do(t.Context(), a, Nothing{})
			if err != nil {
				t.Fatal(err)
			}
			found, err := Examine.Do(t.Context(), a, File{})
			if err != nil {
				t.Fatal(err)
			}
			return st.Learning.InForce.Gone, slices.ContainsFunc(found, func(c Checked) bool { return c.Code == "learn.profile_gone" && strings.Contains(c.Message, "industry") })
		}
		if gone, doctor := said(); gone != nil || doctor || len(a.Pipeline().Setup().Score.Additive.Terms) != 2 {
			t.Errorf("named, and gone is %v, by doctor %t", gone, doctor)
		}
		p.crm = ""
		p.write(t, engine)
		against, err := ReadFile(p.file)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := PlanAgainst.Do(t.Context(), a, EffectArguments{Against: against}); err != nil || !slices.Equal(e.Gone, []string{"industry"}) {
			t.Errorf("plan --against says %+v, %v", e, err)
		}
		if _, err := a.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if gone, doctor := said(); !slices.Equal(gone, []string{"industry"}) || !doctor {
			t.Errorf("gone is %v, by doctor %t", gone, doctor)
		}
		if set := a.Pipeline().Setup().Score; len(set.Additive.Terms) != 1 || set.Additive.Offset != 350 {
			t.Errorf("scored by %+v", set.Additive)
		}
		if !strings.Contains(p.log.String(), "no learning_profile names any more") {
			t.Error("the log does not say so")
		}
	})
}

// Promise: strengths are learned from what properties said a day before a deal was created. One that is filled in after the close, when it tells the outcome, teaches nothing; one that
// was there before does; and it is told of how many each was known.
func TestAPropertyThatIsFilledInAfterTheCloseTeachesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2 * 366 * 24 * time.Hour)
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		for _, name := range []string{"branch", "onboarding"} {
			if err := p.portal.Define("contacts", name, "string", "text"); err != nil {
				t.Fatal(err)
			}
		}
		const n = 200
		start := time.Now()
		created := func(i int) time.Time { return start.AddDate(0, 0, 30+i) }
		ids, won := make([]string, n), make([]bool, n)
		var lines []string
		for i := range ids {
			won[i] = i%2 == 0
			branch := "RETAIL"
			if won[i] == (i%5 == 0) {
				branch = "Banking"
			}
			email := fmt.Sprintf("p%d@firm%d.example", i, i)
			ids[i] = p.portal.CreateContact(map[string]string{"email": email, "branch": branch})
			for k := range 1 + i%3 {
				lines = append(lines, did(created(i).Add(-time.Duration(40+50*k)*time.Hour), "page_view", email, "/about"))
			}
		}
		p.happened(t, lines...)
		time.Sleep(240 * 24 * time.Hour)
		for i, id := range ids {
			stage := "closedlost"
			if won[i] {
				stage = "closedwon"
			}
			p.portal.CreateDeal(map[string]string{"dealname": fmt.Sprint("Deal ", i), "dealstage": stage, "createdate": created(i).Format(time.RFC3339), "closedate": created(i).AddDate(0, 0, 5).Format(time.RFC3339)}, id)
			after := map[string]string{"branch": "Retail"} // today all are alike
			if won[i] && i%10 < 8 || i%20 == 1 {           // not so often that it would be left out as too good
				after["onboarding"] = "done"
			}
			if err := p.portal.UpdateContact(id, after, ""); err != nil {
				t.Fatal(err)
			}
		}
		p.crm = ", learning_profile: [branch, onboarding]"
		p.write(t, "scoring: {engine: propensity}\n")
		a := p.open(t)
		defer a.Close()
		p.provision(t, a)
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatal(err, p.log)
		}
		l, err := Learn.Do(t.Context(), a, LearnArguments{Span: 400 * 24 * time.Hour})
		if err != nil {
			t.Fatal(err, p.log)
		}
		file, err := LearnExport.Do(t.Context(), a, LearnedNumber{Number: l.Number})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(file, "onboarding") || len(l.Suspects) > 0 {
			t.Errorf("learned from what was filled in later; suspects %v\n%s", l.Suspects, file)
		}
		m, err := learn.ReadStrengths([]byte(file))
		if err != nil {
			t.Fatal(err)
		}
		retail := slices.IndexFunc(m.Features, func(s learn.Strength) bool {
			return s.Fact == "profile: branch" && s.Form == learn.Is && s.Level == "retail"
		})
		if retail < 0 || m.Features[retail].Low <= 0 {
			t.Errorf("that retail wins is not learned:\n%s", file)
		}
		if want := []backtest.Known{{Name: "branch", Said: n}, {Name: "onboarding", Empty: n}}; !slices.Equal(l.Profile, want) {
			t.Errorf("known of %+v, want %+v", l.Profile, want)
		}
		worth := map[string]EngineLesson{}
		for _, e := range l.Engines {
			worth[e.Name] = e
		}
		if e := worth["propensity"]; e.AUC == nil || e.AUC.Value < 0.7 || e.AUC.Value > 0.9 {
			t.Errorf("four of five can be told, and strengths are worth %+v", e.AUC)
		}
	})
}

// Promise: what the daemon knew at the date counts before what the CRM's history tells; of what neither tells nothing is assumed, and of a property that is not named nothing is kept.
func TestAProfileAsOfADate(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	s := &learn.Snapshot{At: day(10), Features: score.Features{Profile: []score.Word{{Name: "city", Word: "ghent"}, {Name: "industry", Word: "retail"}}}}
	keepProfile(s, []string{"empty", "industry", "later", "size", "young"})
	since := func(n int, v string) connectors.PropertyHistory {
		return connectors.PropertyHistory{Since: day(1), Versions: []connectors.PropertyVersion{{From: day(n), Value: v}}}
	}
	tellProfile(s, []string{"Lead.Industry", "Size", "later", "empty", "young", "city"}, map[string]connectors.PropertyHistory{
		"Lead.Industry": since(2, "Banking"), "Size": since(2, "120"), "later": since(11, "done"), "empty": {Since: day(1)}, "young": {Since: day(11)}, "city": since(2, "Bruges"),
	})
	if want := []score.Word{{Name: "industry", Word: "retail"}, {Name: "size", Word: "50 to 199"}}; !slices.Equal(s.Features.Profile, want) || !slices.Equal(s.Untold, []string{"young"}) {
		t.Errorf("%v is known, and of %v nothing", s.Features.Profile, s.Untold)
	}
	known := backtest.KnownOf([]backtest.Person{{Snapshot: s}}, []string{"size", "later", "young"})
	if want := []backtest.Known{{Name: "size", Said: 1}, {Name: "later", Empty: 1}, {Name: "young", Untold: 1}}; !slices.Equal(known, want) {
		t.Errorf("%+v, want %+v", known, want)
	}
}

// listens keeps what is asked of a CRM.
type listens struct {
	http.RoundTripper
	asked *lockedBuffer
}

func (l listens) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		_, _ = l.asked.Write(append(body, '\n'))
	}
	return l.RoundTripper.RoundTrip(r)
}

// Promise: a CRM is asked for what it says of people, and for its past, where the configuration names properties, and not otherwise.
func TestACRMIsAskedForNamedPropertiesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2 * 366 * 24 * time.Hour)
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		p.closedDeals(t, 30, "")
		for _, named := range []bool{false, true} {
			if p.crm = ""; named {
				p.crm = ", learning_profile: [industry]"
			}
			p.write(t, "")
			asked := &lockedBuffer{}
			a := p.openWith(t, listens{p.portal.Transport(), asked})
			p.provision(t, a)
			if _, err := a.Once(t.Context()); err != nil {
				t.Fatal(err, p.log)
			}
			if got := strings.Contains(asked.String(), `"industry"`); got != named {
				t.Errorf("named: %t, asked for: %t", named, got)
			}
			if _, err := Learn.Do(t.Context(), a, LearnArguments{Span: 400 * 24 * time.Hour}); err != nil {
				t.Fatal(err, p.log)
			}
			if got := strings.Contains(asked.String(), `"propertiesWithHistory":["industry"]`); got != named {
				t.Errorf("named: %t, its past asked for: %t", named, got)
			}
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
