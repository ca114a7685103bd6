package pipeline_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/fields"
	"github.com/intentd/intentd/pipeline/intent/rules"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/topics"
	"github.com/intentd/intentd/state"
	"github.com/klauspost/compress/s2"
)

var newDictionary = flag.String("new-dictionary", "", "write a dictionary made of receipts of today to this file")

// Receipts are half of what the state keeps of a person. Sealed they take less than half of what they are packed; when the texts have moved
// away from the dictionary it is time for another one (see package state), which -new-dictionary makes: of receipts of other people than
// those that are looked at here, each chosen for what it saves in the rest.
func TestReceiptsAreSealedSmall(t *testing.T) {
	packed, sealed, n := 0, 0, 0
	var db *state.DB
	for _, lang := range []string{"en", "de"} {
		for _, b := range generatedReceipts(t, 2, 100, lang) {
			packed, sealed, n = packed+len(b), sealed+len(db.SealReceipt(b)), n+1
		}
	}
	t.Logf("%d bytes packed, %d sealed", packed/n, sealed/n)
	if sealed > packed*9/20 {
		t.Errorf("a receipt of %d bytes takes %d sealed, want at most 45 %%", packed/n, sealed/n)
	}
	if *newDictionary == "" {
		return
	}
	chosen := append(generatedReceipts(t, 1, 150, "en"), generatedReceipts(t, 1, 150, "de")...)
	var dictionary []byte
	for len(dictionary) < 24<<10 {
		best, least := []byte(nil), 1<<60
		for i := 0; i < len(chosen); i += 2 {
			try := append(append([]byte{}, chosen[i]...), dictionary...)
			size, d, room := 0, s2.MakeDict(try, nil), make([]byte, 1<<16)
			for k := 0; k < len(chosen); k += 3 {
				size += len(d.Encode(room, chosen[k]))
			}
			if size < least {
				best, least = try, size
			}
		}
		dictionary = best
	}
	if err := os.WriteFile(*newDictionary, dictionary, 0o644); err != nil {
		t.Fatal(err)
	}
}

// generatedReceipts are packed receipts of n people with 1 to 30 events, of texts in a language.
func generatedReceipts(t *testing.T, seed uint64, n int, lang string) (out [][]byte) {
	r := rand.New(rand.NewPCG(seed, 7))
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	jc := journey.Defaults()
	jc.OwnHosts = []string{"www.example.com"}
	jc.Products = []journey.Product{{Name: "Product", Match: []string{"/products/**"}}, {Name: "Service", Match: []string{"/services/**"}}}
	b, err := journey.NewBuilder(jc)
	if err != nil {
		t.Fatal(err)
	}
	engine := rules.New(rules.Options{Products: []string{"Product", "Service"}, Hosts: jc.OwnHosts})
	setup := &pipeline.Setup{
		Journey: b, Score: score.Defaults(), Topics: topics.New(topics.Config{Win: []string{"product", "integration"}, LexiconOnly: true}),
		Engine: engine, Rules: engine, Fields: fields.Options{Language: lang, Location: time.UTC, OwnHosts: jc.OwnHosts}, History: 400 * 24 * time.Hour,
	}
	pages := map[string][][2]string{
		"en": {{"/pricing", "Pricing"}, {"/compare", "How we compare"}, {"/products/a", "Product"}, {"/services/b", "Service"}, {"/blog/integration", "Integration guide"}, {"/blog/security", "Security"}, {"/blog/automation", "Automation for teams"}, {"/customers/story", "Customer story"}, {"/", "Home"}, {"/contact", "Contact us"}, {"/contract", "Contract terms"}, {"/webinars/reporting", "Webinar: Reporting"}, {"/guides/reporting", "Guide: Reporting"}, {"/order", "Order"}, {"/calculator", "Price calculator"}},
		"de": {{"/preise", "Preise"}, {"/vergleich", "Vergleich"}, {"/products/a", "Product"}, {"/services/b", "Service"}, {"/blog/integration", "Integration"}, {"/blog/sicherheit", "Sicherheit"}, {"/ratgeber/planung", "Leitfaden Planung"}, {"/referenzen/kunde", "Referenz"}, {"/", "Startseite"}, {"/kontakt", "Kontakt"}, {"/konditionen", "Konditionen"}, {"/webinare/planung", "Webinar: Planung"}, {"/bestellung", "Bestellung"}, {"/rechner", "Preisrechner"}},
	}[lang]
	forms := map[string][]string{"en": {"Request a demo", "Contact us", "Newsletter", "Get a quote", "Webinar registration", "Download guide", "Free trial"}, "de": {"Demo anfragen", "Kontakt", "Newsletter", "Angebot anfordern", "Webinaranmeldung", "Leitfaden herunterladen", "Testzugang"}}[lang]
	var people []pipeline.Trial
	for i := range n {
		key := "p" + fmt.Sprint(r.IntN(1e6))
		email := key + "@customer.example"
		var evs []connectors.Event
		at := now
		for range 1 + r.IntN(30) {
			at = at.Add(-time.Duration(r.IntN(5*24*60)) * time.Minute)
			p := pages[r.IntN(len(pages))]
			e := connectors.Event{
				ID: fmt.Sprintf("%x", r.Uint64()), Source: pick("site", "segment", "posthog"), Time: at, Received: at, Kind: connectors.KindPageView,
				Email: email, URL: "https://www.example.com" + p[0], PageTitle: p[1],
			}
			switch r.IntN(14) {
			case 0:
				e.Kind, e.Properties = connectors.KindFormSubmit, map[string]string{connectors.PropForm: forms[r.IntN(len(forms))]}
			case 1:
				e.Kind, e.URL, e.PageTitle = pick(connectors.KindEmailClick, connectors.KindEmailOpen, connectors.KindEmailReply, connectors.KindMeeting, connectors.KindDownload), "", ""
			}
			evs = append(evs, e)
		}
		c := connectors.Contact{Ref: connectors.Ref{CRM: "hubspot", Object: "contacts", ID: fmt.Sprint(r.IntN(1e6))}, Emails: []string{email}, Profile: connectors.Profile{FirstName: "Person", Company: "Company"}}
		if i%2 == 1 {
			c.Ref = connectors.Ref{CRM: "salesforce", Object: pick("Lead", "Contact"), ID: fmt.Sprintf("00Q%012d", r.IntN(1e6))}
		}
		people = append(people, pipeline.Trial{Key: key, IDs: []identity.ID{{Kind: identity.Email, Value: email}}, Contact: c, Events: evs})
	}
	tried, err := pipeline.Try(t.Context(), setup, people, now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tried {
		rc := &tried[i].Receipt
		rc.Refs = []connectors.Ref{people[i].Contact.Ref}
		rc.Provisional = false
		out = append(out, rc.Append(nil, 0x1122334455667788, rc.Features.Append(nil)))
	}
	return out
}
