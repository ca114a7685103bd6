package pipeline_test

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/state"
)

// bulkCRM is a fakeCRM that takes jobs. A job's rows are applied when it is looked at.
type bulkCRM struct {
	*fakeCRM
	bm       sync.Mutex
	jobs     map[string][]connectors.Patch // nil rows: opened, not uploaded
	applied  map[string][]connectors.Result
	uploads  int
	from     int          // BulkThreshold
	size     int          // BulkSize, 2000 if it is not said
	slow     bool         // no job ends
	largest  int          // rows of the largest job
	onUpload func() error // before the rows arrive
	onTaken  func()       // after they arrived
}

func (b *bulkCRM) Submit(context.Context, string) (string, error) {
	b.bm.Lock()
	defer b.bm.Unlock()
	token := fmt.Sprintf("job-%d", len(b.jobs)+1)
	b.jobs[token] = nil
	return token, nil
}

func (b *bulkCRM) Upload(ctx context.Context, token string, patches []connectors.Patch) error {
	if b.onUpload != nil {
		if err := b.onUpload(); err != nil {
			return err
		}
	}
	b.bm.Lock()
	b.jobs[token] = patches
	b.uploads++
	b.largest = max(b.largest, len(patches))
	b.bm.Unlock()
	if b.onTaken != nil {
		b.onTaken()
	}
	return ctx.Err()
}

func (b *bulkCRM) Poll(ctx context.Context, token string) (bool, []connectors.Result, error) {
	b.bm.Lock()
	defer b.bm.Unlock()
	rows, known := b.jobs[token]
	if !known || rows == nil {
		return true, nil, &connectors.Error{Kind: connectors.Gone, Op: "poll " + token, Message: "never uploaded"}
	}
	if b.slow {
		return false, nil, nil
	}
	if b.applied[token] == nil {
		results, err := b.fakeCRM.Write(ctx, rows)
		if err != nil {
			return false, nil, err
		}
		b.applied[token] = results
	}
	return true, b.applied[token], nil
}

func (b *bulkCRM) BulkThreshold() int { return b.from }

func (b *bulkCRM) BulkSize() int { return cmp.Or(b.size, 2000) }

func newBulkWorld(t *testing.T, people int) (*world, *bulkCRM) {
	w := newWorld(t)
	b := &bulkCRM{fakeCRM: w.crm, jobs: map[string][]connectors.Patch{}, applied: map[string][]connectors.Result{}, from: 5}
	w.setup.CRMs[0].CRM = b
	for i := range people {
		w.buyer(fmt.Sprint(100 + i))
	}
	return w, b
}

func (w *world) allHigh(people int) {
	w.t.Helper()
	for i := range people {
		if got := w.crm.ours(fmt.Sprint(100 + i))[connectors.FieldTier]; got != "high" {
			w.t.Fatalf("record %d has tier %q", 100+i, got)
		}
	}
}

func TestFirstSyncGoesByJobAndLivePatchesDoNot(t *testing.T) {
	w, b := newBulkWorld(t, 40)
	w.setup.Engine = w.setup.Rules
	w.once()
	w.allHigh(40)
	if b.uploads == 0 {
		t.Fatal("a first sync of 40 people, 5 being enough for a job, made none")
	}
	if w.db.JournalDepth() != 0 {
		t.Fatal("patches are left in the journal")
	}
	jobs := b.uploads
	w.buyer("7")
	w.once()
	if b.uploads != jobs || w.crm.ours("7")[connectors.FieldTier] != "high" {
		t.Fatal("a live patch went by job, or not at all")
	}
}

func TestInvariant2BulkJobsSurviveACrash(t *testing.T) {
	for _, c := range []struct {
		name  string
		crash func(b *bulkCRM, die func())
	}{
		{"after the token was journalled, before the upload", func(b *bulkCRM, die func()) {
			b.onUpload = func() error { die(); return context.Canceled }
		}},
		{"after the upload, before it was followed", func(b *bulkCRM, die func()) { b.onTaken = die }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, b := newBulkWorld(t, 40)
			w.setup.Engine = w.setup.Rules
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			c.crash(b, func() {
				// As a killed process: nothing of what comes back is noticed any more.
				w.db.Close()
				cancel()
			})
			_, _ = operate.Once(ctx, w.p)
			b.onUpload, b.onTaken = nil, nil
			w.open()
			var carried int
			rows, _, _, err := w.db.Rows("crm", "contacts", 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				if r.Token != "" {
					carried++
				}
			}
			if carried == 0 {
				t.Fatal("no patch names the job that carries it")
			}
			w.once()
			w.allHigh(40)
			writes := map[string]int{}
			for _, p := range w.crm.writes {
				writes[p.ID]++
			}
			for id, n := range writes {
				if n != 1 {
					t.Errorf("record %s was written %d times", id, n)
				}
			}
			if w.db.JournalDepth() != 0 {
				t.Fatal("patches are left in the journal")
			}
		})
	}
}

// TestAThresholdAboveTheSizeOfAJobStillMakesJobs: it says from how many records on jobs are worth it, not how large one is.
func TestAThresholdAboveTheSizeOfAJobStillMakesJobs(t *testing.T) {
	const people, full = 2200, 2000
	w, b := newBulkWorld(t, people)
	b.from, b.size = full+100, full
	w.setup.Engine = w.setup.Rules
	w.once()
	w.allHigh(people)
	if b.uploads == 0 {
		t.Fatalf("%d people, jobs from %d on: none was made", people, b.from)
	}
}

// Jobs are as large as the CRM says, which its estimate of a first sync's calls counts with.
func TestJobsAreAsLargeAsTheCRMSays(t *testing.T) {
	const people, full = 500, 200
	w, b := newBulkWorld(t, people)
	b.size = full
	w.setup.Engine = w.setup.Rules
	w.once()
	w.allHigh(people)
	if b.largest != full { // the last ones may be smaller: no more was coming
		t.Errorf("%d people by %d jobs of at most %d, want jobs of %d", people, b.uploads, b.largest, full)
	}
}

// slowBulk is done with a job at the second look only, so that more wait than there is room for.
type slowBulk struct {
	*bulkCRM
	looked sync.Map
}

func (b *slowBulk) Poll(ctx context.Context, token string) (bool, []connectors.Result, error) {
	if _, again := b.looked.LoadOrStore(token, true); !again {
		return false, nil, nil
	}
	return b.bulkCRM.Poll(ctx, token)
}

// TestOnceByJobsLeavesNobodyWaiting: a first sync larger than what may be on its way at once ends with everybody written.
func TestOnceByJobsLeavesNobodyWaiting(t *testing.T) {
	const people = 7000
	w, b := newBulkWorld(t, people)
	w.setup.CRMs[0].CRM = &slowBulk{bulkCRM: b}
	w.setup.Engine = w.setup.Rules
	w.once()
	written := map[string]int{}
	for i, p := range w.crm.writes {
		if first, twice := written[p.ID]; twice {
			t.Fatalf("record %s was write %d and is write %d of %d again: %v, then %v", p.ID, first, i, len(w.crm.writes), w.crm.writes[first].Fields, p.Fields)
		}
		written[p.ID] = i
	}
	if st := w.db.Stats(); st.Journal != 0 || st.Queue != [state.Lanes]int{} || len(written) != people {
		t.Errorf("%d of %d written; journal %d, queue %v", len(written), people, st.Journal, st.Queue)
	}
	if b.uploads < 3 {
		t.Errorf("the test is no test: %d jobs", b.uploads)
	}
}

// A round waits for a job of a CRM for a while only; the next process follows it, and every record is written once.
func TestDrainWaitsForAJobForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newBulkWorld(t, 40)
		w.setup.Engine = w.setup.Rules
		b.slow, w.jobWait = true, 2*time.Minute
		w.reopen()
		began := time.Now()
		if _, err := operate.Once(t.Context(), w.p); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 2*time.Minute || took > 5*time.Minute {
			t.Errorf("the round took %s", took)
		}
		if n := w.db.JournalDepth(); n != 40 {
			t.Errorf("%d patches are journalled", n)
		}
		b.slow, w.jobWait = false, 0
		w.reopen()
		w.once()
		w.allHigh(40)
		if n := w.db.JournalDepth(); n != 0 || len(w.crm.writes) != 40 {
			t.Errorf("%d patches are left, %d records were written", n, len(w.crm.writes))
		}
	})
}
