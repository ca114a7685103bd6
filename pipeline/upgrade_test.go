package pipeline_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/operate"
)

// before is what the CRM of testdata/before held when the process that wrote its state was killed. That release is commit 95d62ed: record
// 1 was written and a person holds its headline, 2 was refused, the patch of 3 waits, and those of 100 to 102 are carried by job-1.
type before struct {
	Contacts map[string]*connectors.Contact
	Jobs     map[string][]connectors.Patch
	Human    map[string][]string
	Now      time.Time
}

func openBefore(t *testing.T) (*world, *bulkCRM) {
	t.Helper()
	raw, err := os.ReadFile("testdata/before/crm.json")
	if err != nil {
		t.Fatal(err)
	}
	var crm before
	if err := json.Unmarshal(raw, &crm); err != nil {
		t.Fatal(err)
	}
	packed, err := os.Open("testdata/before/state.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	db, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	w, b := newBulkWorld(t, 0)
	w.setup.Engine = w.setup.Rules
	b.from = 2
	for _, id := range []string{"1", "2", "3", "100", "101", "102"} { // what they did, as it was done
		w.buyer(id)
	}
	w.clock.t = crm.Now
	w.crm.contacts, w.crm.human, b.jobs, w.crm.feed = crm.Contacts, crm.Human, crm.Jobs, slices.Repeat([]string{"1"}, 40) // further than the cursor of then
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.path, db, 0o600); err != nil {
		t.Fatal(err)
	}
	w.open()
	return w, b
}

func TestInvariant10AStateOfTheReleaseBeforeFinishesWhatItBegan(t *testing.T) {
	w, b := openBefore(t)
	if err := w.db.Verify(); err != nil {
		t.Fatal(err)
	}
	if st := w.db.Stats(); st.Journal != 4 || st.Dead != 1 || st.Held != 1 {
		t.Fatalf("opened: %+v", st)
	}
	w.once()
	if brake := operate.StatusOf(w.p).Brake; brake != "" {
		if !strings.HasPrefix(brake, "formula") {
			t.Fatal(brake)
		}
		if _, err := operate.Resume(w.p); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // the refused one comes again by itself
		w.once()
		w.clock.advance(25 * time.Hour)
	}
	for _, id := range []string{"1", "2", "3", "100", "101", "102"} {
		if got := w.crm.ours(id)[connectors.FieldTier]; got != "high" {
			t.Errorf("record %s has tier %q", id, got)
		}
	}
	if got := w.crm.ours("1")[connectors.FieldHeadline]; got != "Call Anna" {
		t.Errorf("the headline that a person holds became %q", got)
	}
	if w.db.JournalDepth() != 0 || w.db.DeadCount() != 0 {
		t.Errorf("%d patches and %d dead letters are left", w.db.JournalDepth(), w.db.DeadCount())
	}
	writes := map[string]int{}
	for _, p := range w.crm.writes {
		if p.Fields[connectors.FieldTier] != "" { // a first write, not a daily date
			writes[p.ID]++
		}
	}
	for id, n := range writes {
		if n > 1 {
			t.Errorf("record %s was sent %d times", id, n)
		}
	}
	if b.uploads != 0 {
		t.Errorf("%d jobs were made where one was under way", b.uploads)
	}
	if err := w.db.Verify(); err != nil {
		t.Error(err)
	}
}
