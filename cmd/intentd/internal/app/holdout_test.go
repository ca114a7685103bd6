package app

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/learn/proof"
)

// readers puts people into the portal who read prices just now.
func (p *place) readers(t *testing.T, name string, n int) (ids []string) {
	t.Helper()
	for i := range n {
		email := fmt.Sprintf("%s%d@%s%d.example", name, i, name, i)
		ids = append(ids, p.portal.CreateContact(map[string]string{"email": email}))
		p.happened(t, did(time.Now().Add(-time.Minute), "page_view", email, "/pricing"), did(time.Now(), "page_view", email, "/pricing/plans"))
	}
	return ids
}

// round opens an app under the file as it is, lets it do what there is, and tells its status and how many of the records show a score.
func (p *place) round(t *testing.T, ids []string) (s Status, shown int) {
	t.Helper()
	time.Sleep(time.Minute)
	a := p.open(t)
	defer a.Close()
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err, p.log)
	}
	s, err := StatusOf.Do(t.Context(), a, Nothing{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if p.score(t, id) != "" {
			shown++
		}
	}
	return s, shown
}

// Promise: a holdout begins only where it can show something within a year, and says so; until then, and where it cannot, everybody is written.
func TestAHoldoutIsWeighedBeforeItBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2 * 366 * 24 * time.Hour)
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now, Scopes: []string{"crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read", "crm.schemas.contacts.write", "crm.objects.deals.read"}})
		p.write(t, "holdout: {share: 0.5}\n")
		a := p.open(t)
		p.provision(t, a)
		a.Close()
		first := p.readers(t, "first", 4)
		s, shown := p.round(t, first)
		if ready := time.Now().Add(35 * 24 * time.Hour).UTC().Format("2 Jan 2006"); shown != 4 || s.Holdout == nil || s.Holdout.Runs || s.HeldOut != 0 || !strings.Contains(s.Holdout.Why, "is known from "+ready) {
			t.Errorf("at first %d of 4 are shown; %+v", shown, s.Holdout)
		}
		time.Sleep(40 * 24 * time.Hour)
		second := p.readers(t, "second", 6)
		p.portal.CreateDeal(map[string]string{"dealname": "One", "dealstage": "closedwon", "createdate": time.Now().Format(time.RFC3339), "closedate": time.Now().Format(time.RFC3339)}, second[0], p.portal.CreateContact(map[string]string{"email": "unscored@nobody.example"}))
		if _, shown = p.round(t, second); shown != 6 {
			t.Errorf("%d of 6 are shown before it is known", shown)
		}
		time.Sleep(8 * 24 * time.Hour)
		s, _ = p.round(t, nil)
		w := s.Holdout
		if newMonth, won := 6*30.4/41, 1/12.0; w == nil || w.Runs || math.Abs(w.NewMonth-newMonth) > 0.2 || math.Abs(w.WinRate-won/newMonth) > 0.002 || !strings.Contains(w.Why, "beyond 12 months it does not begin") {
			t.Errorf("weighed %+v, want %.2f people a month and %.4f of them won", w, newMonth, won/newMonth)
		}
		if s.HeldOut != 0 || !strings.Contains(p.log.String(), "the holdout does not begin") {
			t.Errorf("%d are held out; the log says %s", s.HeldOut, p.log)
		}
		a = p.open(t)
		found, err := Examine.Do(t.Context(), a, File{})
		if text := fmt.Sprint(found); err != nil || !strings.Contains(text, "holdout.refused") {
			t.Errorf("the doctor says %v, %v", found, err)
		}
		// One that can goes on over restarts, until it is switched off.
		b, _ := json.Marshal(proof.Weighed{Share: 0.5, Runs: true, At: time.Now()})
		if err := a.db.SetSetting(holdoutKey, b); err != nil {
			t.Fatal(err)
		}
		a.Close()
		third := p.readers(t, "third", 12)
		s, shown = p.round(t, third)
		if s.HeldOut == 0 || shown == 0 || s.HeldOut+shown != 12 || !s.Holdout.Runs {
			t.Errorf("%d held out, %d of 12 shown", s.HeldOut, shown)
		}
		if _, shown = p.round(t, append(first, second...)); shown != 10 {
			t.Errorf("of those written before %d of 10 are shown", shown)
		}
		p.write(t, "")
		if s, shown = p.round(t, third); s.HeldOut != 0 || shown != 12 || s.Holdout != nil {
			t.Errorf("switched off, %d are held out and %d of 12 shown", s.HeldOut, shown)
		}
	})
}
