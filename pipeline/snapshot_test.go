package pipeline_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/privacy"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/topics"
	"github.com/intentd/intentd/state"
)

// Each change of what a score rests on leaves a snapshot, and each gives the score of its time again; what changes nothing leaves none.
func TestEachChangeLeavesASnapshot(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	then := map[time.Time]int{} // score by time
	note := func() { then[w.clock.now().Truncate(time.Second)] = receiptOf(t, w, email).Parts.Score }
	note()
	for i := range 3 {
		w.clock.advance(5 * oneDay)
		w.once() // nothing new
		w.site.add(email, view(fmt.Sprintf("/pricing/%d", i), "Pricing", w.clock.now().Add(-time.Minute)))
		w.once()
		note()
	}
	held, err := privacy.Export(t.Context(), w.p, email)
	if err != nil || len(held.Snapshots) != 4 {
		t.Fatalf("%d snapshots, %v", len(held.Snapshots), err)
	}
	set := w.p.Setup().Score
	for _, s := range held.Snapshots {
		shown, _, rule := set.Show(&s.Features, score.Shown{Tier: s.Previous}, s.At)
		if shown.Score != then[s.At] {
			t.Errorf("of %v it gives %d again, it was %d", s.At, shown.Score, then[s.At])
		}
		if s.Settings != set.Hash() || s.Formula != score.Version || shown.Tier != s.Tier || rule != s.Rule {
			t.Errorf("%+v gives %v by %v", s, shown.Tier, rule)
		}
		if len(s.Read) == 0 {
			t.Errorf("of %v nothing says what they read about", s.At)
		}
	}
	w.p.Setup().SnapshotsKept = 7 * oneDay
	if err := privacy.Retain(t.Context(), w.p); err != nil {
		t.Fatal(err)
	}
	if kept, _ := w.db.SnapshotsOf(w.idOf(email)); len(kept) != 3 { // that of ten days ago held until five days ago
		t.Errorf("%d snapshots are left after a week", len(kept))
	}
	id := w.idOf(email)
	if _, err := privacy.Forget(t.Context(), w.p, email, false); err != nil {
		t.Fatal(err)
	}
	if kept, err := w.db.SnapshotsOf(id); len(kept) > 0 || err != nil {
		t.Errorf("%d snapshots of somebody forgotten, %v", len(kept), err)
	}
}

// A snapshot costs few bytes beside those before it: sixty visits of up to three pages, each a change.
func TestSnapshotsAreSmall(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	first := bytesOfSnapshots(t, w)
	const visits = 60
	for i := range visits {
		w.clock.advance(20 * time.Hour)
		for k := range 1 + i%3 {
			page := []string{"/pricing", "/features/routing", "/customers/acme", "/docs/api", "/compare/other"}[(i+k)%5]
			w.site.add(email, view(page, "Page "+page, w.clock.now().Add(time.Duration(k-4)*time.Minute)))
		}
		w.once()
	}
	kept, err := w.db.SnapshotsOf(w.idOf(email))
	if err != nil || len(kept) != visits+1 {
		t.Fatalf("%d snapshots, %v", len(kept), err)
	}
	plain := 0
	for _, s := range kept {
		plain += len(s.Body)
	}
	each := (bytesOfSnapshots(t, w) - first) / visits
	t.Logf("the first takes %d bytes, each further one %d of %d", first, each, plain/len(kept))
	if first > 250 || each > 130 { // of about 700 bytes of features: visits and the names of pages are among them
		t.Errorf("the first takes %d bytes, each further one %d", first, each)
	}
}

// bytesOfSnapshots are those that the state's engine stores.
func bytesOfSnapshots(t *testing.T, w *world) int {
	t.Helper()
	sizes, err := w.db.Sizes()
	if err != nil {
		t.Fatal(err)
	}
	return int(sizes["snapshots"].Used)
}

// What a score was at a past moment is told under the settings of then and of now: weights, thresholds, strengths and topics; of before anything is kept, since when it is.
func TestExplainAtAPastMoment(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	begin := w.clock.now()
	before := receiptOf(t, w, email)
	w.clock.advance(10 * oneDay)
	w.site.add(email, view("/pricing/new", "Pricing", w.clock.now().Add(-time.Minute)))
	w.once()
	if _, err := operate.ExplainAt(t.Context(), w.p, email, begin.Add(-time.Hour)); err == nil || !strings.Contains(err.Error(), "is kept since 20 Nov 2026 12:00 UTC only") {
		t.Errorf("of before: %v", err)
	}
	s := w.p.Setup()
	s.Score.Weights = score.Weights{Volume: 500, Recency: 300, Topics: 200}
	s.Score.High, s.Score.Medium = 990, 980
	s.Score.HandRaiseDays = 0
	for i := range s.Score.Strengths {
		s.Score.Strengths[i] = 10
	}
	s.Topics = topics.New(topics.Config{Win: []string{"nothing they read about"}, LexiconOnly: true})
	then, err := operate.ExplainAt(t.Context(), w.p, email, begin.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if then.Was == nil || then.Was.Parts != before.Parts || then.Was.Tier != before.Tier || then.Was.Rule != before.Rule || then.Formula != score.Version || !then.Since.Equal(begin) {
		t.Errorf("then %+v, the receipt of then %+v by %s", then.Was, before.Parts, before.Rule)
	}
	if now := then.Now; now.Tier != score.Low || now.Parts.Base != 10 || now.Parts.Bonus != 0 || now.Parts.Volume.Component != before.Parts.Volume.Component || now.Parts.Volume.Weight != 500 {
		t.Errorf("under other settings %+v, %s", now.Parts, now.Tier)
	}
	if then.Shown == nil || then.Shown.Score != before.Parts.Score {
		t.Errorf("the CRM showed %+v", then.Shown)
	}
}

// BenchmarkSnapshots prints what it takes to keep snapshots and to work everybody's past scores out again under other settings: the time, the bytes of a snapshot in the state, and
// the most memory that is held, which does not grow with their number.
func BenchmarkSnapshots(b *testing.B) {
	for _, people := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(people*100), func(b *testing.B) {
			db, err := state.Open(filepath.Join(b.TempDir(), "state.db"), state.Options{NoSync: true})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			begin := time.Now()
			keepSnapshots(b, db, people, 100)
			kept := time.Since(begin)
			sizes, err := db.Sizes()
			if err != nil {
				b.Fatal(err)
			}
			var peak, scored uint64
			for b.Loop() {
				scored = 0
				set := score.Defaults()
				set.Weights = score.Weights{Volume: 300, Recency: 300, Topics: 400}
				for from := state.PersonID(1); from > 0; {
					var list []state.PersonSnapshots
					if list, from, err = db.SnapshotsFrom(from, 100); err != nil {
						b.Fatal(err)
					}
					for _, p := range list {
						for _, s := range p.Snapshots {
							snap, err := score.DecodeSnapshot(s.Body)
							if err != nil {
								b.Fatal(err)
							}
							if shown, _, _ := set.Show(&snap.Features, score.Shown{Tier: snap.Previous}, s.At); shown.Known {
								scored++
							}
						}
					}
					if from%1000 == 1 {
						runtime.GC() // what is held, not what is left lying about
						var m runtime.MemStats
						runtime.ReadMemStats(&m)
						peak = max(peak, m.HeapAlloc)
					}
				}
			}
			if scored != uint64(people)*100 {
				b.Fatalf("%d of %d scored", scored, people*100)
			}
			b.ReportMetric(float64(scored)*float64(b.N)/b.Elapsed().Seconds(), "snapshots/s")
			b.ReportMetric(kept.Seconds()*1e6/float64(scored), "us/kept")
			b.ReportMetric(float64(sizes["snapshots"].Used)/float64(scored), "bytes/snapshot")
			b.ReportMetric(float64(peak)/(1<<20), "MB-held")
		})
	}
}

// keepSnapshots has people of whom each was seen so many times, a day apart, in lots as the daemon makes them.
func keepSnapshots(b *testing.B, db *state.DB, people, each int) {
	b.Helper()
	start := time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)
	rules := &state.IdentityRules{CRMs: []string{"crm"}}
	page := state.RecordPage{Feed: "poll", Next: connectors.Cursor("1"), Rules: rules, Now: start, Lane: state.Live}
	for i := range people {
		page.Records = append(page.Records, connectors.Contact{Ref: connectors.Ref{CRM: "crm", Object: "contacts", ID: fmt.Sprint(i + 1)}})
	}
	if _, err := db.TakeRecords(page); err != nil {
		b.Fatal(err)
	}
	read := []string{"CRM integration", "sales automation", "API documentation", "pricing", "onboarding"}
	for n := range each {
		at := start.AddDate(0, 0, n)
		for from := 0; from < people; from += 500 {
			lot := state.Lot{Rules: rules, Now: at}
			for i := from; i < min(from+500, people); i++ {
				f := score.Features{Topics: []score.Topic{{Name: "CRM", Points: 3, First: start.Unix(), Last: at.Unix()}}}
				for k := max(0, n-20); k <= n; k++ {
					g := score.Signal{At: start.AddDate(0, 0, k).Unix() - int64(i%3600), Session: uint16(k), Type: score.WebVisit, Strength: 40}
					if (i+k)%4 == 0 {
						g.Type, g.Strength, g.Flags = score.ContentView, 60, score.PricePage|score.Key
					}
					f.Signals = append(f.Signals, g)
				}
				snap := score.Snapshot{Formula: score.Version, Settings: 7, Tier: score.Medium, Rule: score.ByThreshold, Features: f}
				for _, name := range read[:1+(i+n/20)%len(read)] {
					snap.Read = append(snap.Read, score.Read{Name: name, First: start.Unix(), Last: at.Unix() - int64(i%3600)})
				}
				lot.Settlements = append(lot.Settlements, state.Settlement{Entry: state.Entry{Person: state.PersonID(i + 1)}, Outcome: state.Commit, Snapshot: snap.Append(nil, f.Append(nil))})
			}
			if done, err := db.StageLot(lot); err != nil || len(done.Failed) > 0 {
				b.Fatal(done.Failed, err)
			}
		}
	}
}
