package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline/operate"
)

// Promise: the ranked list and the lines say what the operation says, which the command prints as JSON.
func TestPeopleAreThoseOfTheOperation(t *testing.T) {
	w := newCrowd(t, "de", "", "Ada", "Ben", "Cleo", "Dan", "Eve", "Fay")
	w.signIn()
	page := w.get("/people?high=95.5&medium=90")
	found, err := app.People.Do(t.Context(), w.App, app.PeopleArguments{Lines: operate.Lines{High: 955, Medium: 900}})
	if err != nil || len(found.People) != 6 || found.Unnamed != "" {
		t.Fatalf("%+v %v", found, err)
	}
	rows := regexp.MustCompile(`(?s)<tr data-person="([^"]+)">.*?<data class="score" value="(\d+)">`).FindAllStringSubmatch(page, -1)
	if len(rows) != len(found.People) {
		t.Fatalf("%d rows, the operation lists %d", len(rows), len(found.People))
	}
	for i, p := range found.People {
		if n, _ := strconv.Atoi(rows[i][2]); rows[i][1] != p.Person || n != p.Score || !strings.Contains(page, ">"+p.Name+"<") || p.Name == "" || !strings.Contains(page, p.Headline) || len(p.Why) == 0 {
			t.Errorf("row %d is %q, the operation says %+v", i, rows[i][1:], p)
		}
	}
	then := found.Histogram.Then
	if got := number(t, page, `id="become"`); got != int64(then.Become) || then.Tiers == found.Histogram.Tiers {
		t.Errorf("%d become high, the operation says %+v after %+v", got, then, found.Histogram.Tiers)
	}
	if got := number(t, page, `id="then-high"`); got != int64(then.Tiers.High) {
		t.Errorf("%d are high then, the operation says %d", got, then.Tiers.High)
	}
	some := found.People[0].Tier
	if only := w.get("/people?tier=" + some); strings.Count(only, "<tr data-person=") != strings.Count(page, `"tier `+some+`"`) {
		t.Errorf("the filter of %s lists others", some)
	}
	if resp := w.ask("GET", "/people?tier=hot", nil, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookieName, Value: w.cookie}) }); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a tier that there is not: %s", resp.Status)
	}
}

// Promise: names are one call for a page, kept for five minutes, and gone with whoever is forgotten; looks are logged by key.
func TestNamesAreReadOnceInFiveMinutes(t *testing.T) {
	w := newWorld(t, "en", "")
	w.signIn()
	calls := func() int64 {
		st, err := app.StatusOf.Do(t.Context(), w.App, app.Nothing{})
		if err != nil {
			t.Fatal(err)
		}
		return st.Connectors["hubspot"].Report.Calls
	}
	costs := func(what string, want int64) {
		t.Helper()
		was := calls()
		if page := w.get("/people"); !strings.Contains(page, "Lovelace") {
			t.Errorf("%s: no names", what)
		}
		if got := calls() - was; got != want {
			t.Errorf("%s: %d calls, want %d", what, got, want)
		}
	}
	w.later = 10 * time.Minute // what the sweep told is not at hand any more
	costs("at first", 1)
	costs("again", 0)
	w.later += knownLonger
	costs("later", 1)
	if log := w.log.String(); !strings.Contains(log, `people="p1 p2 p3"`) || strings.Contains(log, "Lovelace") {
		t.Errorf("the log says\n%s", log)
	}
	if _, err := app.Forget.Do(t.Context(), w.App, app.Who{Who: "p3", KeepCRM: true}); err != nil {
		t.Fatal(err)
	}
	if page := w.get("/people"); strings.Contains(page, "Cleo") || !strings.Contains(page, "Ada") {
		t.Error("who was forgotten is listed")
	}
}

// Promise: a name is looked for by the CRM's own search, in one call, and found people are listed; nothing of it stands in an address or in the log.
func TestPeopleAreFoundByName(t *testing.T) {
	w := newWorld(t, "en", "")
	w.signIn()
	w.later = 10 * time.Minute // what was written a moment ago the search does not find yet
	calls := func() int64 {
		st, err := app.StatusOf.Do(t.Context(), w.App, app.Nothing{})
		if err != nil {
			t.Fatal(err)
		}
		return st.Connectors["hubspot"].Report.Calls
	}
	was := calls()
	resp := w.post("/person", url.Values{"who": {"ben lovelace"}})
	page := body(t, resp)
	if resp.StatusCode != http.StatusOK || !strings.Contains(page, `<tr data-person="p2">`) || strings.Count(page, "<tr data-person=") != 1 || !strings.Contains(page, "Ben Lovelace") {
		t.Errorf("%s\n%s", resp.Status, page)
	}
	if n := calls() - was; n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
	if found, err := app.PeopleNamed.Do(t.Context(), w.App, app.Named{Name: "Lovelace"}); err != nil || len(found.People) != 3 || found.People[0].Headline == "" {
		t.Errorf("%+v %v", found, err)
	}
	if resp := w.post("/person", url.Values{"who": {"Charles Babbage"}}); resp.StatusCode != http.StatusNotFound {
		t.Errorf("somebody unknown: %s", resp.Status)
	}
	if log := w.log.String(); !strings.Contains(log, "people=p2") || strings.Contains(strings.ToLower(log), "lovelace") {
		t.Errorf("the log says\n%s", log)
	}
}

const knownLonger = 5*time.Minute + time.Second

// Promise: however many people are below one point, the bars of the others keep their height; their number is told.
func TestThoseBelowOnePointAreANumber(t *testing.T) {
	w := newWorld(t, "en", "")
	w.signIn()
	arg := app.PeopleArguments{Every: true, Lines: operate.Lines{High: 620, Medium: 550}}
	found, err := app.People.Do(t.Context(), w.App, arg)
	if err != nil {
		t.Fatal(err)
	}
	before := w.page.peopleView(found, arg.PeopleQuery)
	found.Histogram.Bars[0].Low += 5000
	after := w.page.peopleView(found, arg.PeopleQuery)
	if before.Still != 0 || after.Still != 5000 || before.Most == 0 || after.Most != before.Most || len(after.Bars) != 100 || after.Bars[0].Score != 1 || after.Bars[0].X != 10 {
		t.Errorf("%d in no bar before and %d after, at most %d and %d in one, %d bars from %+v", before.Still, after.Still, before.Most, after.Most, len(after.Bars), after.Bars[0])
	}
	if strings.Contains(w.get("/people"), "in no bar") {
		t.Error("nobody is told of as in no bar")
	}
}
