package app

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/operate"
)

// Promise: what comes often and no rule covers is listed with its counts, a page only if several people saw it; a rule that names it ends that.
func TestSuggest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		a := p.open(t)
		p.provision(t, a)
		for n := range 4 {
			mail := fmt.Sprintf("p%d@one.example", n)
			p.portal.CreateContact(map[string]string{"email": mail})
			p.visit(t, fmt.Sprintf("a%d", n), mail, connectors.KindPageView, "/industries/logistics")
			p.visit(t, fmt.Sprintf("b%d", n), mail, connectors.KindPageView, "/pricing")
			p.visit(t, fmt.Sprintf("c%d", n), mail, "xylophone_tuned", "/studio")
		}
		p.visit(t, "d1", "p1@one.example", connectors.KindPageView, "/of/one/person")
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := Suggest.Do(t.Context(), a, Nothing{})
		want := []operate.Uncovered{{Unruled: learn.Unruled{Kind: "xylophone_tuned", Source: "site"}, Times: 4}, {Unruled: learn.Unruled{URL: "/industries/logistics"}, Times: 4, People: 4}}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
		stopped(t, a)
		p.write(t, "scoring: {rules: [{kind: \"xylophone*\", signal: content_view}, {url: /industries/**, signal: content_view}]}\n")
		a = p.open(t)
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := Suggest.Do(t.Context(), a, Nothing{}); err != nil || len(got) > 0 {
			t.Errorf("with rules: %+v, %v", got, err)
		}
		stopped(t, a)
	})
}

// Promise: once closed deals are known, it is told of each thing how many people of won deals did it before their deal was created, and how many of all; nothing that fewer than three did is
// kept, and nobody is in what is kept.
func TestSuggestTellsTheShareAmongWonDeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, a := learner(t, "")
		sent := func(at time.Time, form, email string) string {
			return strings.Replace(did(at, "form_submit", email, "/f"), "}", fmt.Sprintf(`,"properties":{"form":%q}}`, form), 1)
		}
		var lines []string
		for i := range 120 { // of even numbers the deal was won; see closedDeals
			created := time.Now().AddDate(0, 0, -30-300*(120-i)/120)
			email := fmt.Sprintf("nora.quill%d@firm%d.example", i, i)
			if i%2 == 0 && i < 40 || i == 1 {
				lines = append(lines, did(created.Add(-50*time.Hour), "xylophone_tuned", email, "/studio"), sent(created.Add(-51*time.Hour), "gform 12", email))
			}
			if i == 3 {
				lines = append(lines, did(created.Add(-50*time.Hour), "zither_tuned", email, "/studio"))
			}
			lines = append(lines, did(created.Add(-10*time.Hour), "zither_tuned", email, "/studio")) // the day before: too late
		}
		p.happened(t, lines...)
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatal(err, p.log)
		}
		suggest := func() map[learn.Unruled]*learn.Share {
			t.Helper()
			found, err := Suggest.Do(t.Context(), a, Nothing{})
			if err != nil {
				t.Fatal(err)
			}
			of := map[learn.Unruled]*learn.Share{}
			for _, u := range found {
				of[u.Unruled] = u.Deals
			}
			return of
		}
		xylophone, zither, form, page := learn.Unruled{Kind: "xylophone_tuned", Source: "site"}, learn.Unruled{Kind: "zither_tuned", Source: "site"}, learn.Unruled{Form: "gform 12"}, learn.Unruled{URL: "/about"}
		for u, deals := range suggest() {
			if deals != nil {
				t.Errorf("no deals are known, and of %v it is told %+v", u, deals)
			}
		}
		if _, err := Learn.Do(t.Context(), a, LearnArguments{Span: 400 * 24 * time.Hour}); err != nil {
			t.Fatal(err)
		}
		of := suggest()
		for u, want := range map[learn.Unruled][4]int{xylophone: {20, 21, 60, 120}, form: {20, 21, 60, 120}, zither: {0, 0, 60, 120}, page: {12, 24, 60, 120}} {
			if s := of[u]; s == nil || [4]int{s.Won, s.People, s.OfWon, s.OfPeople} != want || s.At.IsZero() || s.Since.IsZero() {
				t.Errorf("%v: %+v, want %v", u, s, want)
			}
		}
		kept, err := a.db.Setting(dealSharesKey)
		if err != nil || strings.Contains(string(kept), "zither") || strings.Contains(string(kept), "@") || !strings.Contains(string(kept), "xylophone") {
			t.Errorf("%s, %v", kept, err)
		}
	})
}
