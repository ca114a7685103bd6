package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/score"
	words "github.com/intentd/intentd/pipeline/verdicts"
	"github.com/intentd/intentd/state"
)

// closedDeals makes n deals up that were created over the last year, every second one won. Who was won compared with others some days before and came often; who was lost read the
// blog. Somebody of their names is in what was learned, if anybody is.
func (p *place) closedDeals(t *testing.T, n int, only string) {
	t.Helper()
	var lines []string
	for i := range n {
		created := time.Now().AddDate(0, 0, -30-300*(n-i)/n)
		email, stage := fmt.Sprintf("nora.quill%d@firm%d.example", i, i), "closedlost"
		path, visits := "/blog/a", 1+i%3
		if i%2 == 0 {
			stage, path, visits = "closedwon", "/compare/b", 2+i%4
		}
		if i%10 > 7 {
			path = "/about"
		}
		id := p.portal.CreateContact(map[string]string{"email": email, "firstname": "Nora", "lastname": "Quill"})
		p.portal.CreateDeal(map[string]string{"dealname": fmt.Sprint("Deal ", i), "dealstage": stage, "createdate": created.Format(time.RFC3339), "closedate": created.AddDate(0, 0, 20).Format(time.RFC3339)}, id)
		if only != "" && i%2 == 0 { // a page that those alone are sent whose deal is as good as closed
			lines = append(lines, did(created.Add(-30*time.Hour), "page_view", email, only))
		}
		for k := range visits {
			lines = append(lines, did(created.Add(-time.Duration(40+50*k+i)*time.Hour), "page_view", email, path))
		}
	}
	p.happened(t, lines...)
}

const topicsOfDeals = "topics: {win: [comparisons], pages: [{match: [/compare/**], topic: comparisons}, {match: [/blog/**], topic: reading}]}\n"

// learner is a place with closed deals whose daemon has met everybody.
func learner(t *testing.T, more string) (*place, *App) {
	t.Helper()
	time.Sleep(2 * 366 * 24 * time.Hour)
	p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
	p.closedDeals(t, 120, "")
	p.write(t, topicsOfDeals+more)
	a := p.open(t)
	t.Cleanup(func() { _ = a.Close() })
	p.provision(t, a)
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err, p.log)
	}
	return p, a
}

// Promise: learning shows what closed deals teach and changes nothing; what it learned is kept under a number, without anybody in it, and is applied and undone as asked.
func TestLearnFromClosedDeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, a := learner(t, "")
		writes := len(p.portal.Writes())
		year := LearnArguments{Span: 400 * 24 * time.Hour}
		if _, err := LearnApply.Do(t.Context(), a, LearnedNumber{}); err == nil {
			t.Error("nothing was learned, and it is applied")
		}
		l, err := Learn.Do(t.Context(), a, year)
		if err != nil {
			t.Fatal(err, p.log)
		}
		if l.Number != 1 || l.Deals != 120 || l.Won != 60 || l.Weights == nil || l.Weights.Deals != 120 || l.Weights.Confidence != "high" || l.Weights.Before.Volume != 0.4 || len(l.Strengths) == 0 {
			t.Fatalf("%+v", l)
		}
		if w := l.Weights; w.After == w.Before || w.R[0].Low > w.R[0].Value || w.R[0].High < w.R[0].Value {
			t.Errorf("weights %+v", w)
		}
		if len(l.Win) != 1 || l.Win[0].Topic != "comparisons" || !l.Win[0].Configured || l.Win[0].Won != l.Win[0].Deals || len(l.Loss) != 1 || l.Loss[0].Topic != "reading" || l.Loss[0].Configured {
			t.Errorf("topics: win %+v, loss %+v", l.Win, l.Loss)
		}
		if len(l.Effects) != 2 || l.Effects[0].Engine != "weights" || l.Effects[1].Engine != "propensity" || l.Effects[0].People == 0 || l.Effects[1].People == 0 {
			t.Errorf("effects %+v", l.Effects)
		}
		if n := len(p.portal.Writes()); n != writes {
			t.Errorf("%d records were written by a look", n-writes)
		}
		list, err := a.db.Learned()
		if err != nil || len(list) != 1 || list[0].InForce() {
			t.Fatalf("%+v %v", list, err)
		}
		all, _ := json.Marshal(list)
		for _, name := range []string{"@", "nora", "Nora", "Quill", "firm1", "hubspot/"} {
			if strings.Contains(string(all), name) {
				t.Errorf("somebody is in what was learned: %s", name)
			}
		}

		if l, err := LearnApply.Do(t.Context(), a, LearnedNumber{}); err != nil || l.Number != 1 || !l.InForce || !strings.Contains(l.Counts, "scoring.engine is formula") {
			t.Errorf("%+v %v", l, err)
		}
		if l, err := Learn.Do(t.Context(), a, year); err != nil || l.Number != 2 {
			t.Errorf("%+v %v", l, err)
		}
		if _, err := LearnApply.Do(t.Context(), a, LearnedNumber{Number: 9}); err == nil || !strings.Contains(err.Error(), "9") {
			t.Error(err)
		}
		if _, err := LearnApply.Do(t.Context(), a, LearnedNumber{Number: 2}); err != nil {
			t.Error(err)
		}
		if l, err := LearnUndo.Do(t.Context(), a, Nothing{}); err != nil || l.Number != 2 {
			t.Errorf("%+v %v", l, err)
		}
		lines, err := LearnHistory.Do(t.Context(), a, Nothing{})
		if err != nil || len(lines) != 2 || !lines[1].InForce || lines[0].InForce || lines[0].Undone.IsZero() || lines[1].Deals != 120 || lines[1].Evidence.Weights.Deals != 120 {
			t.Errorf("%+v %v", lines, err)
		}
		if _, err := LearnUndo.Do(t.Context(), a, Nothing{}); err != nil {
			t.Error(err)
		}
		if _, err := LearnUndo.Do(t.Context(), a, Nothing{}); err == nil || !strings.Contains(err.Error(), "configuration") {
			t.Error(err)
		}
	})
}

// Promise: strengths that were learned from closed deals are scored by once they are applied: learning takes nothing that the daemon does not keep of people.
func TestLearnedStrengthsAreScoredBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a := learner(t, "scoring: {engine: propensity}\n")
		if _, err := Learn.Do(t.Context(), a, LearnArguments{Span: 400 * 24 * time.Hour}); err != nil {
			t.Fatal(err)
		}
		if e := a.Pipeline().Setup().Score.Engine(); e != score.EngineFormula {
			t.Errorf("nothing is applied, and the engine is %s", e)
		}
		if _, err := LearnApply.Do(t.Context(), a, LearnedNumber{}); err != nil {
			t.Fatal(err)
		}
		set := a.Pipeline().Setup().Score
		if set.Engine() != score.EnginePropensity || len(set.Additive.Terms) == 0 {
			t.Fatalf("it is applied, and the engine is %s", set.Engine())
		}
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		people, scores := 0, map[int]bool{}
		for id := 1; id <= 20; id++ {
			r, err := Explain.Do(t.Context(), a, Who{Who: fmt.Sprintf("p%d", id)})
			if err != nil || !r.Parts.Known {
				continue
			}
			people++
			scores[r.Parts.Score] = true
			if v := r.Verify(); !v.OK() || r.Settings.Engine() != score.EnginePropensity || r.Probability == 0 {
				t.Errorf("p%d by %s: %+v", id, r.Settings.Engine(), v)
			}
		}
		if people < 10 || len(scores) < 2 {
			t.Errorf("%d people with %d scores", people, len(scores))
		}
		if _, err := LearnUndo.Do(t.Context(), a, Nothing{}); err != nil || a.Pipeline().Setup().Score.Engine() != score.EngineFormula {
			t.Errorf("undone, and the engine is %s: %v", a.Pipeline().Setup().Score.Engine(), err)
		}
	})
}

// Promise: what is exported is a file that another portal begins its learning with, and that says so; what is no such file is refused.
func TestLearnedCoefficientsTravel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a := learner(t, "")
		year := LearnArguments{Span: 400 * 24 * time.Hour}
		if _, err := LearnExport.Do(t.Context(), a, LearnedNumber{}); err == nil {
			t.Error("nothing was learned, and it is exported")
		}
		first, err := Learn.Do(t.Context(), a, year)
		if err != nil {
			t.Fatal(err)
		}
		file, err := LearnExport.Do(t.Context(), a, LearnedNumber{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := learn.ReadStrengths([]byte(file)); err != nil || !strings.Contains(file, "pages: /compare") {
			t.Errorf("%v\n%s", err, file)
		}
		if _, err := LearnImport.Do(t.Context(), a, File{Text: "features: []"}); err == nil {
			t.Error("imported")
		}
		if _, err := LearnImport.Do(t.Context(), a, File{Text: file}); err != nil {
			t.Fatal(err)
		}
		second, err := Learn.Do(t.Context(), a, year)
		if err != nil || second.Prior == first.Prior || !strings.Contains(second.Prior, "imported") {
			t.Errorf("%+v %v", second, err)
		}
		if fmt.Sprint(second.Strengths) == fmt.Sprint(first.Strengths) {
			t.Error("the prior moved nothing")
		}
		if _, err := LearnImport.Do(t.Context(), a, File{}); err != nil {
			t.Error(err)
		}
		third, err := Learn.Do(t.Context(), a, year)
		if err != nil || fmt.Sprint(third.Strengths) != fmt.Sprint(first.Strengths) {
			t.Errorf("without the prior it is not as before: %v", err)
		}
		if l, err := LearnApply.Do(t.Context(), a, LearnedNumber{}); err != nil || l.By == byImport {
			t.Errorf("an import was applied unasked: %+v %v", l, err)
		}
	})
}

// Promise: the schedule keeps a suggestion and says so everywhere; it applies by itself only with learning: apply, where few tiers move, and never what was just undone.
func TestLearnBySchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, a := learner(t, "scoring: {engine: weights}\n")
		if err := a.learnBySchedule(t.Context()); err != nil {
			t.Fatal(err)
		}
		st, err := StatusOf.Do(t.Context(), a, Nothing{})
		if err != nil || st.Learning == nil || st.Learning.Waits == nil || st.Learning.Waits.Number != 1 || st.Learning.Waits.Why != "learning is suggest" || st.Learning.InForce != nil {
			t.Fatalf("%+v %v", st.Learning, err)
		}
		if found := a.examineLearning(a.Config()); len(found) != 1 || found[0].Code != "learn.waits" {
			t.Errorf("%+v", found)
		}
		if !strings.Contains(p.log.String(), "something was learned and waits") || scrape(t, a, "intentd_learned_waiting") != "1" {
			t.Error("log or metrics say nothing")
		}
		if err := a.learnBySchedule(t.Context()); err != nil {
			t.Fatal(err)
		}
		if list, _ := a.db.Learned(); len(list) != 1 {
			t.Errorf("%d are kept, though nothing new was closed", len(list))
		}
		p.write(t, topicsOfDeals+"scoring: {engine: weights}\nlearning: apply\n")
		if _, err := a.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := a.pipe.Setup().Score.Weights
		if err := a.learnBySchedule(t.Context()); err != nil {
			t.Fatal(err)
		}
		list, _ := a.db.Learned()
		if l := state.Applied(list); l == nil || l.AppliedBy != bySchedule || a.pipe.Setup().Score.Weights == before {
			t.Fatalf("not applied: %+v, %v", list[0], a.pipe.Setup().Score.Weights)
		}
		if _, err := LearnUndo.Do(t.Context(), a, Nothing{}); err != nil || a.pipe.Setup().Score.Weights != before {
			t.Errorf("%v, %v", a.pipe.Setup().Score.Weights, err)
		}
		if err := a.learnBySchedule(t.Context()); err != nil {
			t.Fatal(err)
		}
		list, _ = a.db.Learned()
		if l := state.Applied(list); l != nil || !strings.Contains(list[0].Why, "was undone on") {
			t.Errorf("what was undone by hand came back: %+v", list[0])
		}
	})
}

// Promise: a scheduled learning that would move more than one tier in twenty within a week waits, and says by how much.
func TestLearningThatMovesManyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, a := learner(t, "scoring: {engine: weights}\nlearning: apply\n")
		for i := range 12 { // many comparisons lately, which the learned weights value more
			email := fmt.Sprintf("new%d@new.example", i)
			p.portal.CreateContact(map[string]string{"email": email})
			for k := range 2 {
				p.happened(t, did(time.Now().Add(-time.Duration(30+30*k)*time.Hour), "page_view", email, "/compare/b"))
			}
		}
		time.Sleep(time.Minute)
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := a.learnBySchedule(t.Context()); err != nil {
			t.Fatal(err)
		}
		list, _ := a.db.Learned()
		if len(list) != 1 || list[0].InForce() || !strings.Contains(list[0].Why, "5 % a week is the most") {
			t.Errorf("%+v", list)
		}
	})
}

// Promise: what keeps the schedule from learning until somebody does something is told and fails nothing.
func TestLearningWithoutDeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		a := p.open(t)
		defer a.Close()
		p.provision(t, a)
		if err := a.learnBySchedule(t.Context()); err != nil {
			t.Fatal(err)
		}
		l, err := a.learning()
		if err != nil || l.Note == nil || !strings.Contains(l.Note.Why, "no deal was closed") || !strings.Contains(p.log.String(), "nothing was learned") || scrape(t, a, "intentd_learning_stuck") != "1" {
			t.Errorf("%+v %v", l, err)
		}
		if found := a.examineLearning(a.Config()); len(found) != 1 || found[0].Code != "learn.nothing" {
			t.Errorf("%+v", found)
		}
	})
}

// Promise: auto changes engine by itself once a quarter at most.
func TestAutoChangesEngineOnceAQuarter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		p.write(t, "scoring: {engine: auto}\nlearning: apply\n")
		a := p.open(t)
		defer a.Close()
		put := func(engine string) *state.Learned {
			t.Helper()
			l := state.Learned{At: time.Now(), By: bySchedule, Engine: engine, Weights: []byte(`{"volume":400,"recency":300,"topics":300}`)}
			if engine == "propensity" {
				l.Strengths = "features: [{fact: x}]"
			}
			id, err := a.db.PutLearned(l)
			if err != nil {
				t.Fatal(err)
			}
			l.ID = id
			return &l
		}
		held := func(l *state.Learned) string {
			t.Helper()
			moves := &taught{Lesson: Lesson{Effects: []EngineEffect{{Engine: "weights", People: 100}, {Engine: "propensity", People: 100}}}}
			why, err := a.holdsBack(moves, l)
			if err != nil {
				t.Fatal(err)
			}
			return why
		}
		first := put("formula")
		if why := held(first); why != "" {
			t.Error(why)
		}
		if _, err := a.db.ApplyLearned(first.ID, bySchedule, time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(80 * 24 * time.Hour)
		second := put("propensity")
		if why := held(second); !strings.Contains(why, "from weights to propensity") || !strings.Contains(why, "once a quarter") {
			t.Errorf("%q", why)
		}
		time.Sleep(12 * 24 * time.Hour)
		if why := held(second); why != "" {
			t.Error(why)
		}
	})
}

// Promise: what those alone have whose deal is as good as won is named and not learned from.
func TestLearningLeavesOutWhatGivesTheOutcomeAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2 * 366 * 24 * time.Hour)
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		p.closedDeals(t, 240, "/onboarding/start")
		time.Sleep(time.Minute)
		a := p.open(t)
		defer a.Close()
		p.provision(t, a)
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		l, err := Learn.Do(t.Context(), a, LearnArguments{Span: 400 * 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		named := func(what string) bool {
			return slices.ContainsFunc(l.Suspects, func(s SuspectLesson) bool { return s.Fact == what && s.Why != "" })
		}
		if !named("pages: /onboarding") || named("visits") {
			t.Errorf("suspects %+v", l.Suspects)
		}
		if file, err := LearnExport.Do(t.Context(), a, LearnedNumber{}); err != nil || strings.Contains(file, "/onboarding") {
			t.Errorf("it was learned from: %v\n%s", err, file)
		}
	})
}

// Promise: what is applied is what people are scored by, where the configuration asks for it, and no longer once it is undone; receipts say so and recompute.
func TestAppliedReachesTheScores(t *testing.T) {
	for _, engine := range []string{"weights", "propensity", "auto"} {
		synctest.Test(t, func(t *testing.T) {
			p, a := learner(t, "scoring: {engine: "+engine+"}\n")
			p.portal.CreateContact(map[string]string{"email": "ida@new.example"})
			for k := range 3 {
				p.happened(t, did(time.Now().Add(-time.Duration(30+30*k)*time.Hour), "page_view", "ida@new.example", "/compare/b"))
			}
			scored := func() (string, int) {
				t.Helper()
				time.Sleep(2 * time.Hour)
				if _, err := a.Once(t.Context()); err != nil {
					t.Fatal(err, p.log)
				}
				r, err := Explain.Do(t.Context(), a, Who{Who: "ida@new.example"})
				if err != nil {
					t.Fatal(err)
				}
				if v := r.Verify(); !v.OK() {
					t.Errorf("%+v", v)
				}
				return r.Settings.Engine(), r.Parts.Score
			}
			_, before := scored()
			l, err := Learn.Do(t.Context(), a, LearnArguments{Span: 400 * 24 * time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			applied, err := LearnApply.Do(t.Context(), a, LearnedNumber{})
			if err != nil || strings.Contains(applied.Counts, "no score changes") {
				t.Fatalf("%+v %v", applied, err)
			}
			want := engine
			if engine == "auto" {
				want = engineBy(engine, &state.Learned{Engine: l.Auto.Engine, Weights: []byte("{}"), Strengths: "some"})
			}
			if is, points := scored(); is != want || points == before {
				t.Errorf("%s: scored by %s, %d before and %d after", engine, is, before, points)
			}
			if _, err := LearnUndo.Do(t.Context(), a, Nothing{}); err != nil {
				t.Fatal(err)
			}
			if is, points := scored(); is != "formula" || points > before || points < before-50 { // some hours older
				t.Errorf("%s undone: scored by %s, %d before and %d after", engine, is, before, points)
			}
		})
	}
}

// Promise: reps' verdicts are weighed beside closed deals only where the configuration says so, each with what it judged; it is told how many and how much, and why others were not. They move strengths
// and nothing else, and nothing is learned from them alone.
func TestVerdictsAreWeakLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, a := learner(t, "")
		verdicts := map[string]string{}
		for i := range 24 {
			email := fmt.Sprintf("v%d@v%d.example", i, i)
			id := p.portal.CreateContact(map[string]string{"email": email})
			verdicts[id] = []string{"interested", "not_interested", "wrong_person", "not_now"}[i%4]
			path := "/blog/a"
			if i%4 == 0 {
				path = "/compare/b"
			}
			p.happened(t, did(time.Now().Add(-time.Hour), "page_view", email, path))
		}
		once := func() {
			t.Helper()
			time.Sleep(time.Minute)
			if _, err := a.Once(t.Context()); err != nil {
				t.Fatal(err, p.log)
			}
		}
		once()
		r, err := Explain.Do(t.Context(), a, Who{Who: "nora.quill119@firm119.example"})
		if err != nil {
			t.Fatal(err)
		}
		verdicts[r.Refs[0].ID] = "interested"
		for id, verdict := range verdicts {
			if err := p.portal.UpdateContact(id, map[string]string{"intent_verdict": verdict}, "4711"); err != nil {
				t.Fatal(err)
			}
		}
		once()
		learn := func() *Lesson {
			t.Helper()
			l, err := Learn.Do(t.Context(), a, LearnArguments{Span: 400 * 24 * time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		without := learn()
		if without.Verdicts != nil {
			t.Errorf("not configured, and weighed: %+v", without.Verdicts)
		}
		stopped(t, a)
		p.write(t, topicsOfDeals+"verdicts: {weight: 0.2}\n")
		a = p.open(t)
		with := learn()
		want := &VerdictsLesson{Weight: 0.2, Used: 18, Interested: 6, LeftOut: map[string]int{words.WhyNotNow: 6, whyOnDeal: 1}}
		if fmt.Sprint(with.Verdicts) != fmt.Sprint(want) {
			t.Errorf("%+v, want %+v", with.Verdicts, want)
		}
		if fmt.Sprint(with.Strengths) == fmt.Sprint(without.Strengths) || fmt.Sprint(with.Weights) != fmt.Sprint(without.Weights) || fmt.Sprint(with.Win, with.Loss) != fmt.Sprint(without.Win, without.Loss) ||
			with.People != without.People || with.Judged != without.Judged {
			t.Errorf("with verdicts %+v, without %+v", with, without)
		}
		file, err := LearnExport.Do(t.Context(), a, LearnedNumber{})
		if err != nil || !strings.Contains(file, "verdicts: 18\n") || !strings.Contains(file, "verdict_weight: 0.2\n") {
			t.Errorf("%v\n%.900s", err, file)
		}
		if _, err := Learn.Do(t.Context(), a, LearnArguments{Span: 24 * time.Hour}); err == nil {
			t.Error("without deals something was learned from verdicts")
		}
		stopped(t, a)
	})
}
