package web

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// BenchmarkPagesOfAMillion prints the daemon's own time for a page where it knows a million people: to be below 200 ms each. The CRM is asked
// before it is measured.
func BenchmarkPagesOfAMillion(b *testing.B) {
	const n, lot = 1_000_000, 2000
	w := newWorld(b, "en", "")
	w.cookie = w.page.access.begin("link", time.Now())
	db := w.App.Pipeline().DB()
	rules := w.App.Pipeline().Setup().IdentityRules()
	first, _, err := db.Person(1)
	if err != nil {
		b.Fatal(err)
	}
	shown, err := score.DecodeShown(first.Shown)
	if err != nil {
		b.Fatal(err)
	}
	raw, err := db.LastReceipt(1)
	if err != nil {
		b.Fatal(err)
	}
	receipt := db.SealReceipt(raw)
	rnd := rand.New(rand.NewPCG(1, 2))
	now := time.Now()
	for from := 1000; from < n; from += lot {
		page := state.RecordPage{Feed: "bench", Lane: state.Backfill, Rules: rules, Now: now}
		for i := range lot {
			page.Records = append(page.Records, connectors.Contact{Ref: connectors.Ref{CRM: "hubspot", Object: "contacts", ID: fmt.Sprint(1_000_000 + from + i)}})
		}
		if _, err := db.TakeRecords(page); err != nil {
			b.Fatal(err)
		}
		entries, err := db.Claim(now, lot)
		if err != nil || len(entries) != lot {
			b.Fatal(len(entries), err)
		}
		var out state.Lot
		out.Rules, out.Now = rules, now
		for i, e := range entries {
			next := first
			next.Contacts = []connectors.Ref{page.Records[i].Ref}
			is := shown
			is.Score, is.Tier, is.Trend = rnd.IntN(1001), score.Tier(1+rnd.IntN(3)), score.Steady
			if i == 0 {
				is.Trend = score.Surging // few
			}
			next.Shown, next.Tier = is.Append(nil), state.Tier(is.Tier)+1
			next.Standing = state.Standing{Score: uint16(is.Score), Trend: uint8(is.Trend), Stage: uint8(is.Stage), Evidence: uint8(1 + rnd.IntN(3))}
			s := state.Settlement{Entry: e, Outcome: state.Commit, Next: &next}
			if is.Score > 950 || is.Trend == score.Surging {
				s.Receipt = receipt
			}
			out.Settlements = append(out.Settlements, s)
		}
		if done, err := db.StageLot(out); err != nil || len(done.Failed) > 0 {
			b.Fatal(done, err)
		}
	}
	for _, path := range []string{"/", "/people", "/people?tier=medium", "/people?trend=surging&tier=low", "/person/p1", "/trouble"} {
		b.Run(path, func(b *testing.B) {
			ask := func() {
				r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8787"+path, nil)
				r.AddCookie(&http.Cookie{Name: cookieName, Value: w.cookie})
				rec := httptest.NewRecorder()
				w.Handler().ServeHTTP(rec, r)
				if rec.Code != http.StatusOK {
					b.Fatal(rec.Code, rec.Body)
				}
			}
			ask()
			b.ReportAllocs()
			for b.Loop() {
				ask()
			}
		})
	}
}
