package app

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/receipt"
)

// Promise: a form of HubSpot's, taken in as a feed, counts under its own name, confirms who a browser says to be, and is asked for as soon
// as a poll tells that it was sent.
func TestFormsOfHubSpotAreTakenIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		p.crm = ", engagement: off, feeds: [forms, email]"
		p.withCollector(t, "127.0.0.1:0")
		ada := p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
		form := p.portal.AddForm(sandbox.Form{Name: "Request a demo"})
		for i := range 20 {
			p.portal.AddForm(sandbox.Form{Name: fmt.Sprint("Other ", i)})
		}
		a := p.open(t)
		p.provision(t, a)
		a.work(t.Context())
		time.Sleep(2 * time.Minute)
		web := a.InletHandler("web")
		send(t, web, siteKey, pricing)
		send(t, web, siteKey, identified)
		time.Sleep(2 * time.Minute)
		if got := p.score(t, ada); got != "" {
			t.Fatalf("scored %s by what nobody confirmed", got)
		}
		before := p.portal.Counters().Calls("GET submissions/{form}")
		p.portal.Submit(form, sandbox.Submission{ID: "s1", PageURL: "https://www.example.com/demo", Values: map[string]string{"email": "Ada@One.example", "message": "secret words"}})
		time.Sleep(70 * time.Second)
		r, err := Explain.Do(t.Context(), a, Who{Who: "ada@one.example"})
		if err != nil {
			t.Fatal(err, p.log)
		}
		got := []string{}
		for _, s := range r.Signals {
			got = append(got, s.Source+" "+s.EventID+" "+s.Object)
		}
		slices.Sort(got)
		if want := []string{"hubspot-forms form:s1 form: Request a demo", "web m1 /pricing"}; !slices.Equal(got, want) || len(r.Proposals) != 0 || p.score(t, ada) == "" {
			t.Errorf("signals %q, proposals %v\n%s", got, r.Proposals, p.log)
		}
		if n := p.portal.Counters().Calls("GET submissions/{form}") - before; n > 2 {
			t.Errorf("%d forms were asked for when one was sent", n)
		}
		held, err := Export.Do(t.Context(), a, Who{Who: "ada@one.example"})
		if err != nil || strings.Contains(fmt.Sprint(held), "secret words") || !strings.Contains(fmt.Sprint(held), "Request a demo") {
			t.Errorf("what is held: %+v, %v", held, err)
		}
		if _, err := Forget.Do(t.Context(), a, Who{Who: "ada@one.example"}); err != nil {
			t.Fatal(err)
		}
		if n, err := a.made.store.Stats(); err != nil || n.Events != 0 {
			t.Errorf("after forgetting the store holds %+v, %v", n, err)
		}
		stopped(t, a)
	})
}

// Promise: links of a mail that a gateway opens as soon as it is delivered count for nothing, nor does what HubSpot itself marks; what a
// person clicked later does, and an unsubscription is no signal.
func TestMailsOfHubSpotAreTakenIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		p.crm = ", engagement: off, feeds: [email]"
		p.write(t, "")
		ada := p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
		bob := p.portal.CreateContact(map[string]string{"email": "bob@two.example"})
		p.portal.NameCampaign(7, "Autumn offer")
		a := p.open(t)
		p.provision(t, a)
		a.work(t.Context())
		time.Sleep(2 * time.Minute)
		mail := func(id, kind, to, path string, change ...func(*sandbox.EmailEvent)) {
			e := sandbox.EmailEvent{ID: id, Type: kind, Time: time.Now(), Recipient: to, Campaign: 7}
			if path != "" {
				e.URL = "https://www.example.com" + path
			}
			for _, ch := range change {
				ch(&e)
			}
			p.portal.AddEmailEvent(e)
		}
		for _, to := range []string{"ada@one.example", "bob@two.example"} {
			mail("d-"+to, "DELIVERED", to, "")
		}
		time.Sleep(time.Second)
		mail("g1", "CLICK", "ada@one.example", "/pricing")
		mail("g2", "CLICK", "ada@one.example", "/demo")
		mail("g3", "CLICK", "bob@two.example", "/pricing")
		mail("o1", "OPEN", "bob@two.example", "", func(e *sandbox.EmailEvent) { e.Filtered = true })
		mail("u1", "STATUSCHANGE", "bob@two.example", "", func(e *sandbox.EmailEvent) { e.Status, e.Source = "UNSUBSCRIBED", "SOURCE_RECIPIENT" })
		time.Sleep(5 * time.Minute)
		if p.score(t, ada) != "" || p.score(t, bob) != "" {
			t.Errorf("scored by a gateway: %s, %s", p.score(t, ada), p.score(t, bob))
		}
		mail("c1", "CLICK", "ada@one.example", "/pricing")
		time.Sleep(5 * time.Minute)
		r, err := Explain.Do(t.Context(), a, Who{Who: "ada@one.example"})
		if err != nil || len(r.Signals) != 1 || r.Signals[0].EventID != "mail:c1" || r.Signals[0].Object != "mail click: Autumn offer" || r.Filtered.Machines < 2 {
			t.Errorf("%v\n%+v\n%s", err, r, p.log)
		}
		stopped(t, a)
	})
}

// Promise: whom a server names, and by the journal who sends a form of HubSpot's, is in the CRM within 5 s at the median, with the form under
// its own name; by a search a minute it waits for the poll. By a clock that stands while the machine works: it shows what is waited for.
func TestTimeFromIdentifyToCRM(t *testing.T) {
	for _, by := range []string{"an identify by a server", "a form of HubSpot's, changes: journal", "a form of HubSpot's, changes: search"} {
		t.Run(by, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				app := journalApp
				p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now, App: &app, SearchLag: 5 * time.Second})
				p.withJournal(t)
				if !strings.HasSuffix(by, "journal") {
					p.crm = ""
				}
				p.crm += ", engagement: off, feeds: [forms]" // the form counts by the feed alone
				p.withCollector(t, "127.0.0.1:0")
				form := p.portal.AddForm(sandbox.Form{Name: "Request a demo"})
				ids := p.somebody(40)
				a := p.open(t)
				p.provision(t, a)
				a.work(t.Context())
				time.Sleep(5 * time.Minute)
				web := a.InletHandler("web")
				random := rand.New(rand.NewPCG(1, 2))
				var took []time.Duration
				for i, id := range ids {
					time.Sleep(time.Duration(random.Int64N(int64(90 * time.Second))))
					email := fmt.Sprintf("p%d@one%d.example", i, i)
					if by == "an identify by a server" {
						send(t, web, siteKey, fmt.Sprintf(`{"type":"page","messageId":"v%d","anonymousId":"v%d","context":{"page":{"url":"https://www.example.com/pricing"},"consent":{"categoryPreferences":{"analytics":true}}}}`, i, i))
						send(t, web, serverKey, fmt.Sprintf(`{"type":"identify","messageId":"i%d","userId":"u%d","anonymousId":"v%d","traits":{"email":%q}}`, i, i, i, email))
					} else {
						p.portal.Submit(form, sandbox.Submission{PageURL: "https://www.example.com/demo", Values: map[string]string{"email": email}})
					}
					took = append(took, p.until(t, id))
				}
				median, text := spread(took)
				t.Logf("%s → score in the CRM: %s", by, text)
				if most := 5 * time.Second; median > most && !strings.HasSuffix(by, "search") || median > time.Minute+most {
					t.Errorf("too late\n%s", p.log)
				}
				stopped(t, a)
			})
		})
	}
}

// Promise: a CRM's property that denies consent erases what was recorded and what was made of it, keeps the record, is counted and told; the
// other records go on. What comes while it denies is not kept; what comes once it grants counts, and of before nothing comes back, whatever
// a source still tells.
func TestConsentOfACRMProperty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		if err := p.portal.Define("contacts", "basis", "string", "text"); err != nil {
			t.Fatal(err)
		}
		p.crm = `, consent: {property: basis, granted: [Consent], denied: [Withdrawn]}`
		p.withCollector(t, "127.0.0.1:0")
		ada := p.portal.CreateContact(map[string]string{"email": "ada@one.example", "firstname": "Ada", "basis": "Consent"})
		bob := p.portal.CreateContact(map[string]string{"email": "bob@one.example"})
		carol := p.portal.CreateContact(map[string]string{"email": "carol@two.example", "basis": "Consent"}) // of whom HubSpot's counters alone tell
		a := p.open(t)
		p.provision(t, a)
		a.work(t.Context())
		time.Sleep(2 * time.Minute)
		web := a.InletHandler("web")
		// No word of consent in the visitor's page: the record's grants it.
		send(t, web, siteKey, strings.Replace(pricing, `,"consent":{"categoryPreferences":{"analytics":true}}`, "", 1))
		send(t, web, serverKey, `{"type":"identify","messageId":"m2","userId":"42","anonymousId":"v1","traits":{"email":"ada@one.example"}}`)
		p.visit(t, "a1", "ada@one.example", "form_submit", "/contact")
		p.visit(t, "b1", "bob@one.example", "form_submit", "/contact")
		counter := strconv.FormatInt(time.Now().UnixMilli(), 10) // HubSpot's own, which is in no store and is told for ever
		set := func(props map[string]string) {
			t.Helper()
			if err := p.portal.UpdateMany([]string{ada, carol}, props, ""); err != nil {
				t.Fatal(err)
			}
		}
		set(map[string]string{"hs_sales_email_last_replied": counter})
		time.Sleep(2 * time.Minute)
		signals := func() (ids []string) {
			r, err := Explain.Do(t.Context(), a, Who{Who: "ada@one.example"})
			if err != nil {
				return nil
			}
			for _, s := range r.Signals {
				ids = append(ids, s.EventID)
			}
			slices.Sort(ids)
			return ids
		}
		if got := signals(); len(got) != 3 || p.score(t, bob) == "" || p.score(t, carol) == "" {
			t.Errorf("signals %v to begin with\n%s", got, p.log)
		}
		set(map[string]string{"basis": "Consent;withdrawn "})
		for range 3 { // what comes while it is denied does not stay either
			time.Sleep(5 * time.Minute)
			props, _ := p.portal.Contact(ada)
			if props["intent_score"] != "" || props["intent_tier"] != "unknown" || props["firstname"] != "Ada" || p.score(t, bob) == "" {
				t.Errorf("the CRM shows %v\n%s", props, p.log)
			}
			held, err := Export.Do(t.Context(), a, Who{Who: "ada@one.example"})
			if err != nil || len(held.Records) != 1 {
				t.Fatal(held, err)
			}
			notes := 0
			for _, e := range held.Events {
				switch {
				case e.Withdraws() && e.Properties["withdrawn_by"] == "hubspot: basis":
					notes++
				case e.Properties["summary"] != "true":
					t.Errorf("still held: %+v", e)
				}
			}
			if notes == 0 {
				t.Error("nothing keeps that the consent was withdrawn")
			}
			for _, r := range held.Receipts {
				if len(r.Signals) > 0 {
					t.Errorf("a receipt of before is kept: %+v", r)
				}
			}
			r, err := Explain.Do(t.Context(), a, Who{Who: "ada@one.example"})
			var text strings.Builder
			if err == nil {
				err = r.Text(&text, receipt.TextOptions{})
			}
			if err != nil || !strings.Contains(text.String(), "consent denied in the CRM") {
				t.Errorf("explain does not tell why nothing counts: %v\n%s", err, text.String())
			}
			p.visit(t, fmt.Sprint("later", time.Now().Unix()), "ada@one.example", "page_view", "/pricing")
		}
		time.Sleep(5 * time.Minute)
		if st, err := StatusOf.Do(t.Context(), a, Nothing{}); err != nil || st.Withdrew == 0 || st.Filtered.NoConsent == 0 {
			t.Errorf("status: %+v, %v", st.Withdrew, err)
		}
		set(map[string]string{"basis": "Consent"})
		time.Sleep(5 * time.Minute)
		if p.score(t, ada) != "" || p.score(t, carol) != "" {
			t.Errorf("scored %s, %s by what was withdrawn: %v\n%s", p.score(t, ada), p.score(t, carol), signals(), p.log)
		}
		p.visit(t, "a9", "ada@one.example", "form_submit", "/contact")
		time.Sleep(5 * time.Minute)
		if got := signals(); !slices.Equal(got, []string{"a9"}) || p.score(t, ada) == "" {
			t.Errorf("signals %v once consent is granted again\n%s", got, p.log)
		}
		stopped(t, a)
	})
}
