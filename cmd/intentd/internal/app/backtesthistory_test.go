package app

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors/sandbox"
)

// Promise: where the daemon ran at the date, a backtest goes by what it knew then, not by what sources tell of then today; of who came later the journey is rebuilt. How many of each it says.
func TestBacktestGoesByWhatWasKnownThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2 * 366 * 24 * time.Hour)
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now, Scopes: []string{"crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read", "crm.schemas.contacts.write", "crm.objects.deals.read"}})
		created := time.Now().AddDate(0, 2, 0) // to come
		contacts, props, events := fiveDeals(created)
		time.Sleep(time.Until(created.Add(-30 * time.Hour)))
		id := map[string]string{}
		for _, emails := range contacts {
			for _, email := range emails {
				id[email] = p.portal.CreateContact(map[string]string{"email": email})
			}
		}
		id["gil@seven.example"] = p.portal.CreateContact(map[string]string{"email": "gil@seven.example"})
		p.happened(t, events...)
		p.happened(t, did(created.Add(-50*time.Hour), "page_view", "gil@seven.example", "/about"))
		a := p.open(t)
		defer a.Close()
		p.provision(t, a)
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatal(err, p.log)
		}
		p.happened(t, did(created.Add(-60*time.Hour), "demo_request", "gil@seven.example", "/demo")) // told too late
		id["fay@six.example"] = p.portal.CreateContact(map[string]string{"email": "fay@six.example"})
		p.happened(t, did(created.Add(-70*time.Hour), "demo_request", "fay@six.example", "/demo"))
		time.Sleep(time.Until(created))
		for i := range contacts {
			var on []string
			for _, email := range contacts[i] {
				on = append(on, id[email])
			}
			p.portal.CreateDeal(props[i], on...)
		}
		p.portal.CreateDeal(props[0], id["fay@six.example"])
		p.portal.CreateDeal(props[0], id["gil@seven.example"])
		time.Sleep(40 * 24 * time.Hour) // they are closed
		run := func(change func(*BacktestOptions)) *BacktestOf {
			t.Helper()
			r, err := p.backtest(t, p.portal.Transport(), change)
			if err != nil {
				t.Fatal(err, p.log)
			}
			return r
		}
		rebuilt := run(func(*BacktestOptions) {})
		if slices.ContainsFunc(rebuilt.Remarks, func(s string) bool { return strings.Contains(s, "snapshots") }) {
			t.Errorf("%q", rebuilt.Remarks)
		}
		kept := run(func(o *BacktestOptions) { o.History = a })
		want := "5 of 6 as the daemon knew them then, by its snapshots; 1 by their journeys, rebuilt as of the date"
		if !slices.Contains(kept.Remarks, want) {
			t.Errorf("%q, want %q", kept.Remarks, want)
		}
		if rebuilt.Deals.High != 4 || kept.Deals.High != 3 || kept.Deals.Best["low"] != 1 || kept.Deals.Won != 5 {
			t.Errorf("with what was told too late %+v, by what was known then %+v", rebuilt.Deals, kept.Deals)
		}
	})
}
