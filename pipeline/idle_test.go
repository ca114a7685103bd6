package pipeline_test

import (
	"fmt"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/clickstream"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/hubspot"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// settle fills a state with people as a long-lived daemon leaves them: scored, written, nothing queued, due some day.
func settle(tb testing.TB, db *state.DB, people int) {
	tb.Helper()
	now := time.Now()
	f := score.Features{Products: []string{"Credit cards"}}
	for i := range 20 {
		f.Signals = append(f.Signals, score.Signal{At: now.Add(-time.Duration(i*50) * time.Hour).Unix(), Session: uint16(i / 4), Type: score.WebVisit, Strength: 40})
	}
	features := f.Append(nil)
	for from := 0; from < people; from += 5000 {
		page := state.RecordPage{Feed: "fill", Lane: state.Backfill, Rules: &state.IdentityRules{}, Now: now}
		for i := from; i < min(people, from+5000); i++ {
			page.Records = append(page.Records, connectors.Contact{
				Ref: connectors.Ref{CRM: "hubspot", Object: "contacts", ID: fmt.Sprint(200_000_000_000 + i)}, Emails: []string{address(i)}, Modified: now,
			})
		}
		if _, err := db.TakeRecords(page); err != nil {
			tb.Fatal(err)
		}
		entries, err := db.Claim(now, len(page.Records))
		if err != nil || len(entries) != len(page.Records) {
			tb.Fatal(len(entries), err)
		}
		lot := state.Lot{Now: now}
		for k, e := range entries {
			i, record := from+k, &page.Records[k]
			shown := score.Shown{Known: true, Score: i % 1000, Tier: score.Low, Stage: score.Exploring, Written: now, Since: now}
			change := state.RecordChange{Ref: record.Ref, Is: state.Contact{Checked: true}}
			for _, f := range connectors.PersonFields().Fields {
				change.Is.Own.Wrote(f.Number, state.FieldHash(f.Number, fmt.Sprint(i)))
			}
			lot.Settlements = append(lot.Settlements, state.Settlement{
				Entry: e, Outcome: state.Commit, Records: []state.RecordChange{change}, Scored: []state.RecordInputs{{Ref: record.Ref, Inputs: state.InputsHash(record)}},
				Next: &state.Person{Events: uint64(i)*0x9e3779b97f4a7c15 + 1, Extraction: 7, Scoring: 9, Features: features, Shown: shown.Append(nil),
					Sources: []state.SourceCount{{Source: "site", Events: 20}}, Due: now.Add(time.Duration(24+i%2000) * time.Hour)},
			})
		}
		if staged, err := db.StageLot(lot); err != nil || len(staged.Failed) > 0 {
			tb.Fatal(staged, err)
		}
	}
}

// BenchmarkIdlePoll is a poll in which nothing changed, with a million settled people in the state. The daemon's part of it does
// not depend on their number: compare people=1000.
//
//	requests/poll  1
//	cpu-us/poll    processor time of this process, the whole loop of an idle daemon
//	resident-MB    resident memory of this process: heap, runtime and the state's mapped pages that are in use
func BenchmarkIdlePoll(b *testing.B) {
	for _, people := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprintf("people=%d", people), func(b *testing.B) {
			dir := b.TempDir()
			path := filepath.Join(dir, "intentd.db")
			db, err := state.Open(path, state.Options{NoSync: true})
			if err != nil {
				b.Fatal(err)
			}
			settle(b, db, people)
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
			store, err := clickstream.Open(filepath.Join(dir, "events"), clickstream.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			c := startSandbox(b, "hubspot", 1000)
			d := newDaemon(b, dir, store, hubspot.Options{BaseURL: c.url, SearchesPerSecond: 1e6, RateShare: 1, DailyReserve: -1}, nil)
			if _, err := intake.Poll(b.Context(), d.pipe, "hubspot"); err != nil { // starts the cursor at the present
				b.Fatal(err)
			}
			debug.FreeOSMemory()
			before, cpu, n := c.counters(b), connectortest.ProcessorTime(), 0
			for b.Loop() {
				n++
				if f, err := intake.Poll(b.Context(), d.pipe, "hubspot"); err != nil || f.Queued > 0 {
					b.Fatal(f, err)
				}
				if _, err := intake.Listen(b.Context(), d.pipe, "site", 0); err != nil {
					b.Fatal(err)
				}
				if due, err := intake.Due(b.Context(), d.pipe); err != nil || due > 0 {
					b.Fatal(due, err)
				}
			}
			after := c.counters(b)
			b.ReportMetric(float64(after.Requests-before.Requests)/float64(n), "requests/poll")
			b.ReportMetric(float64((connectortest.ProcessorTime()-cpu).Microseconds())/float64(n), "cpu-us/poll")
			b.ReportMetric(float64(residentMemory())/1e6, "resident-MB")
		})
	}
}
