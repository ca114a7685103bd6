package web

import (
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
)

// Promise: an owner is shown by name, on the list and on the person's page, and asked for once in five minutes; one whom the CRM does not know any
// more is shown by id.
func TestOwnersAreNamed(t *testing.T) {
	w := newWorld(t, "en", "")
	w.signIn()
	w.portal.SetOwnerNamed("77", "ana@two.example", "Ana", "Pereira")
	for who, owner := range map[string]string{"ada": "77", "ben": "88"} {
		id, _ := w.portal.ContactByEmail(who + "@one.example")
		if err := w.portal.UpdateContact(id, map[string]string{"hubspot_owner_id": owner}, "1"); err != nil {
			t.Fatal(err)
		}
	}
	calls := func() int64 {
		st, err := app.StatusOf.Do(t.Context(), w.App, app.Nothing{})
		if err != nil {
			t.Fatal(err)
		}
		return st.Connectors["hubspot"].Report.Calls
	}
	before := calls()
	for range 2 {
		if page := w.get("/people"); !strings.Contains(page, ">Ana Pereira</a>") || !strings.Contains(page, `class="id" href="/people?owner=88">88</a>`) {
			t.Fatal(page)
		}
	}
	if page := w.get("/person/p1"); !strings.Contains(page, `<dd id="owner">Ana Pereira</dd>`) || !strings.Contains(page, "<h1>Ada Lovelace</h1>") {
		t.Error(page)
	}
	if n := calls() - before; n != 2 {
		t.Errorf("%d calls, want one for people and one for owners", n)
	}
	w.later = 6 * time.Minute
	w.get("/people")
	if n := calls() - before; n != 4 {
		t.Errorf("%d calls after six minutes, want two more", n)
	}
}

// Promise: a verdict is on the person's page with since when and until when it counts.
func TestVerdictOnThePage(t *testing.T) {
	w := newWorld(t, "en", "")
	w.signIn()
	id, _ := w.portal.ContactByEmail("ada@one.example")
	if err := w.portal.UpdateContact(id, map[string]string{"intent_verdict": "not_now"}, "1"); err != nil {
		t.Fatal(err)
	}
	w.later = 2 * time.Minute
	if _, err := w.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	today := time.Now()
	want := "not now <small>since " + today.UTC().Format("2 Jan 2006") + ", counts until " + today.UTC().AddDate(0, 0, 60).Format("2 Jan 2006")
	if page := w.get("/person/p1"); !strings.Contains(page, want) {
		t.Errorf("no %q on\n%s", want, page)
	}
}
