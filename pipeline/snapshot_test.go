package pipeline_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/privacy"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/topics"
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
	if first > 250 || each > 90 {
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
