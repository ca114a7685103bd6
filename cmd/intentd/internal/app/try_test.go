package app

import (
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors/gemini/geminitest"
	"github.com/intentd/intentd/connectors/jsonl"
)

// With a model each step that it looked at has its summary, and the texts are the model's.
func TestTryWithAModel(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	read, err := jsonl.ReadJourney(strings.NewReader(`[{"page":"/pricing"},{"page":"/demo","action":"submit","element":"Request a demo","email":"a@b.example"}]`), now)
	if err != nil {
		t.Fatal(err)
	}
	read.Events[0].Email = "a@b.example"
	got, err := Try(t.Context(), read, TryOptions{Model: "gemini", GeminiKey: "key", Now: now, HTTP: &geminitest.Server{Key: "key"}})
	if err != nil {
		t.Fatal(err)
	}
	p := got.People[0]
	if in := p.Receipt.Intent; in.Degraded != "" || in.Engine != got.Model || in.Usage.Calls != 2 {
		t.Errorf("by %q, degraded %q, usage %+v", in.Engine, in.Degraded, in.Usage)
	}
	for _, s := range p.Steps {
		if s.Summary == "" {
			t.Errorf("no summary: %+v", s)
		}
	}
}

// Promise: what is told of a company counts for each of its people beside a signal of their own, sets no recency and is no evidence; alone it
// gives no score. Where nobody is of the company it is counted.
func TestTryWithCompanyNews(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	read, err := jsonl.ReadJourney(strings.NewReader(`{"time":"2026-11-20T10:00:00Z","kind":"page_view","url":"https://www.example.com/pricing","email":"dana@acme.test"}
{"time":"2026-11-27T10:00:00Z","kind":"funding","company_domain":"Acme.test","page_title":"Acme raises Series B"}
{"time":"2026-11-27T11:00:00Z","kind":"social_ask","company_domain":"acme.test"}
{"time":"2026-11-27T12:00:00Z","kind":"page_view","company_domain":"acme.test","url":"https://www.example.com/pricing"}
{"time":"2026-11-20T10:00:00Z","kind":"scroll","email":"eli@acme.test","url":"https://www.example.com/careers"}
{"time":"2026-11-27T10:00:00Z","kind":"funding","company_domain":"rival.test"}
{"time":"2026-11-27T10:00:00Z","kind":"funding","company_domain":"gmail.com"}
`), now)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Try(t.Context(), read, TryOptions{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.People) != 2 || got.Strange != 1 || len(read.Unreadable) != 1 {
		t.Fatalf("%d people, %d events of other companies, %d unreadable; want 2, 1, and that of a provider of mailboxes", len(got.People), got.Strange, len(read.Unreadable))
	}
	dana, eli := got.People[0].Receipt, got.People[1].Receipt
	if p := dana.Parts; p.Signals != 3 || p.Base != 90 || p.Days != 8 || dana.Tier.String() != "medium" {
		t.Errorf("Dana has %d signals, the strongest %d, the newest %d days ago, and is %s", p.Signals, p.Base, p.Days, dana.Tier)
	}
	if eli.Parts.Known {
		t.Errorf("Eli, who did nothing that counts, has a score of %v", eli.Parts.Score)
	}
}
