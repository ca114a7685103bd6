package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/learn/proof"
	"github.com/intentd/intentd/pipeline/learn/report"
)

// Promise: the proof sets people shown beside people held out, by what the CRM tells of deals and of the own team.
func TestProofOverACRM(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2 * 366 * 24 * time.Hour)
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now, Scopes: []string{"crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read", "crm.schemas.contacts.write", "crm.objects.deals.read"}})
		p.write(t, "holdout: {share: 0.5}\nproof: {teams: [{name: Inbound, owners: ['10', '11', '12', '13', '14']}]}\n")
		a := p.open(t)
		p.provision(t, a)
		b, _ := json.Marshal(proof.Weighed{Share: 0.5, Runs: true, At: time.Now(), Why: "so many months"})
		if err := a.db.SetSetting(holdoutKey, b); err != nil {
			t.Fatal(err)
		}
		a.Close()
		ids := p.readers(t, "reader", 30)
		for i, id := range ids {
			if err := p.portal.UpdateContact(id, map[string]string{"hubspot_owner_id": fmt.Sprint(10 + i%5)}, ""); err != nil {
				t.Fatal(err)
			}
		}
		s, shown := p.round(t, ids)
		if s.HeldOut == 0 || s.HeldOut+shown != 30 {
			t.Fatalf("%d held out, %d shown", s.HeldOut, shown)
		}
		time.Sleep(24 * time.Hour)
		now := time.Now().UTC().Format(time.RFC3339)
		for _, id := range ids { // whoever is shown is called and wins
			if p.score(t, id) == "" {
				continue
			}
			if err := p.portal.UpdateContact(id, map[string]string{"notes_last_contacted": now}, ""); err != nil {
				t.Fatal(err)
			}
			p.portal.CreateDeal(map[string]string{"dealname": "One", "dealstage": "closedwon", "createdate": now, "closedate": now}, id)
		}
		time.Sleep(time.Hour)
		a = p.open(t)
		defer a.Close()
		writes := len(p.portal.Writes())
		r, err := Proof.Do(t.Context(), a, ProofArguments{})
		if err != nil {
			t.Fatal(err, p.log)
		}
		var in *proof.Row
		for i := range r.Periods[0].Groups[0].Rows {
			if row := &r.Periods[0].Groups[0].Rows[i]; row.Shown.People > 0 {
				in = row
			}
		}
		if in == nil || in.Shown.People != shown || in.Shown.Won != shown || in.HeldOut.People != s.HeldOut || in.HeldOut.Won != 0 || r.Shown != shown || r.HeldOut != s.HeldOut {
			t.Fatalf("%d shown and %d held out: %+v", shown, s.HeldOut, r)
		}
		if touch := in.Shown.Touch; touch == nil || touch.Touched != shown || *touch.Median < 0.9 || *touch.Median > 1.1 || in.HeldOut.Touch.Touched != 0 {
			t.Errorf("touched: %+v, held out %+v", touch, in.HeldOut.Touch)
		}
		if g := r.Periods[0].Groups; len(g) != 2 || g[1].Name != "Inbound" || g[1].Reps != 5 {
			t.Errorf("groups %+v", g)
		}
		if len(p.portal.Writes()) != writes {
			t.Error("the proof wrote something")
		}
		var page bytes.Buffer
		if err := report.WriteProof(&page, r); err != nil || !strings.Contains(page.String(), "<svg") || strings.Contains(page.String(), "http://") && !strings.Contains(page.String(), "www.w3.org") {
			t.Errorf("page: %v\n%s", err, page.String())
		}
		if _, err := Proof.Do(t.Context(), a, ProofArguments{Month: "2099-01"}); err == nil {
			t.Error("a month to come")
		}
		if _, err := Proof.Do(t.Context(), a, ProofArguments{Month: "2001-01"}); err != nil {
			t.Error(err)
		}
	})
}
