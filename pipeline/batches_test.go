package pipeline_test

import (
	"net/http"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/gemini"
	"github.com/intentd/intentd/connectors/gemini/geminitest"
	"github.com/intentd/intentd/pipeline/batch"
	"github.com/intentd/intentd/pipeline/intent/twostage"
	"github.com/intentd/intentd/pipeline/ledger"
	"github.com/intentd/intentd/pipeline/privacy"
)

// jobWorld is a world whose backfill is asked by jobs of a stand-in.
type jobWorld struct {
	*world
	vendor *geminitest.Server
	direct atomic.Int64 // prompts asked one by one
	losing atomic.Bool  // requests that open a job are lost on the way there
	budget int64
	people []string
}

func (w *jobWorld) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, ":generateContent") {
		w.direct.Add(1)
	}
	if w.losing.Load() && strings.HasSuffix(req.URL.Path, ":batchGenerateContent") {
		return nil, http.ErrHandlerTimeout
	}
	return w.vendor.RoundTrip(req)
}

// begin has the process start: with the configured model, and people who may wait for jobs.
func (w *jobWorld) begin() {
	w.t.Helper()
	ledger, err := ledger.New(w.db, w.clock.now, time.UTC, w.budget)
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := gemini.New(gemini.Options{Model: "gemini-3.5-flash-lite", APIKey: "k", HTTP: w, Now: w.clock.now, Retries: -1})
	if err != nil {
		w.t.Fatal(err)
	}
	w.setup.Engine = twostage.New(twostage.Options{
		Model: m, ModelName: "flash", Store: ledger, Secret: []byte("secret"), Products: []string{"Credit cards"}, Hosts: []string{"www.shop.example"},
	})
	w.setup.Batch = &batch.Vendor{Model: m, On: true, Ledger: ledger}
	w.p.Swap(w.setup)
	w.p.Batches().Join(true)
}

func newJobWorld(t *testing.T) *jobWorld {
	w := &jobWorld{world: newWorld(t), vendor: &geminitest.Server{}, budget: 5_000_000}
	w.begin()
	for _, id := range []string{"1", "2", "3"} {
		email, asks := w.buyer(id), demoRequest(w.clock.now().Add(-time.Hour))
		asks.Properties = map[string]string{"message": "We need " + id + "0 cards by March."} // nobody else's
		w.site.add(email, asks)
		w.people = append(w.people, email)
	}
	w.once() // a first sync: rules texts
	return w
}

// turn is what a quarter of an hour brings.
func (w *jobWorld) turn(n int) {
	w.t.Helper()
	for range n {
		w.clock.advance(15 * time.Minute)
		w.once()
	}
}

func (w *jobWorld) engines() (out []string) {
	for _, email := range w.people {
		out = append(out, receiptOf(w.t.(*testing.T), w.world, email).Intent.Engine)
	}
	return out
}

func (w *jobWorld) allHaveModelTexts(people ...string) {
	w.t.Helper()
	for i, e := range w.engines() {
		if e != "flash" {
			w.t.Errorf("%s has texts of %s", w.people[i], e)
		}
	}
	if jobs, _, files := w.vendor.Jobs(); len(jobs)+files > 0 {
		w.t.Errorf("%d jobs and %d files are left at the vendor's", len(jobs), files)
	}
	if b := w.p.Batches().Status(); b.Jobs+b.Prompts+b.Waiting > 0 {
		w.t.Errorf("still under way: %+v", b)
	}
}

// A first sync is written with rules texts; the model's come by jobs at half the price, one for each stage, and nothing is asked one by one.
// `once` opens none.
func TestTextsOfTheBackfillComeByJobs(t *testing.T) {
	for name, files := range map[string]bool{"answers in the job": false, "answers in a file": true} {
		t.Run(name, func(t *testing.T) {
			w := newJobWorld(t)
			w.vendor.SetBatches(geminitest.Batches{Files: files})
			if n := w.crm.writeCount(); n != 3 {
				t.Fatalf("%d records written at first", n)
			}
			for _, e := range w.engines() {
				if e != "rules" {
					t.Fatalf("first texts of %s", e)
				}
			}
			w.turn(8)
			w.allHaveModelTexts()
			if _, opened, _ := w.vendor.Jobs(); opened != 2 || w.direct.Load() != 0 {
				t.Errorf("%d jobs, %d prompts one by one", opened, w.direct.Load())
			}
			u := w.vendor.Usage()
			full := 0.30*float64(u.In) + 2.50*float64(u.Out)
			spent, _ := w.setup.Batch.Ledger.SpentToday()
			if s := float64(spent); s < full/2 || s > full/2+10 {
				t.Errorf("spent %v of %v", s, full)
			}
			n := w.crm.writeCount()
			if w.turn(2); w.crm.writeCount() != n {
				t.Error("written again for nothing")
			}
		})
	}
}

// Without a process that stays, nobody waits for a job.
func TestOnceOpensNoJob(t *testing.T) {
	w := newJobWorld(t)
	w.p.Batches().Join(false)
	w.clock.advance(2 * time.Hour)
	w.once()
	w.allHaveModelTexts()
	if _, opened, _ := w.vendor.Jobs(); opened != 0 {
		t.Errorf("%d jobs", opened)
	}
}

// A kill between a job's opening and the word of it costs nothing: the job is found by its token.
func TestAJobIsPaidOnceThoughTheProcessDies(t *testing.T) {
	smooth := newJobWorld(t)
	smooth.turn(8)
	w := newJobWorld(t)
	w.vendor.SetBatches(geminitest.Batches{Refuse: geminitest.Internal, PageSize: 1})
	w.turn(2) // opened, and not known of
	if _, opened, _ := w.vendor.Jobs(); opened != 1 {
		t.Fatalf("%d jobs", opened)
	}
	w.reopen()
	w.begin()
	w.turn(8)
	w.allHaveModelTexts()
	if got, want := w.vendor.Usage().Calls, smooth.vendor.Usage().Calls; got != want || want == 0 {
		t.Errorf("%d prompts were paid, without the kill %d", got, want)
	}
	if w.direct.Load() != 0 {
		t.Errorf("%d prompts one by one", w.direct.Load())
	}
}

// A job that was kept and never opened holds nobody: they are in another one soon. Neither does what was only gathered when the process died.
func TestAJobThatWasNeverOpenedHoldsNobody(t *testing.T) {
	w := newJobWorld(t)
	w.losing.Store(true)
	w.turn(2)
	w.losing.Store(false)
	w.reopen()
	w.begin()
	w.turn(1)
	w.reopen() // while their prompts are gathered anew
	w.begin()
	w.turn(11)
	w.allHaveModelTexts()
	if w.direct.Load() != 0 {
		t.Errorf("%d prompts one by one", w.direct.Load())
	}
}

// A job that does not end gives its people back, and says so.
func TestAJobPastItsDeadlineGivesItsPeopleBack(t *testing.T) {
	w := newJobWorld(t)
	w.vendor.SetBatches(geminitest.Batches{Looks: -1})
	w.turn(2)
	if b := w.p.Batches().Status(); b.Jobs != 1 || b.Waiting != 3 {
		t.Fatalf("%+v", b)
	}
	w.clock.advance(25 * time.Hour)
	w.once()
	w.turn(1)
	if b := w.p.Batches().Status(); b.GivenUp != 1 || b.Error == "" || b.Why != b.Error || b.LastGivenUp.IsZero() {
		t.Errorf("%+v", b)
	}
	w.vendor.SetBatches(geminitest.Batches{})
	w.turn(8)
	w.allHaveModelTexts()
	if w.direct.Load() == 0 {
		t.Error("nothing was asked one by one")
	}
}

// What a job leaves unanswered is asked one by one, and nothing else.
func TestALostAnswerIsAskedDirectly(t *testing.T) {
	w := newJobWorld(t)
	w.vendor.SetBatches(geminitest.Batches{Lost: "demo_request"})
	w.turn(11)
	w.allHaveModelTexts()
	if w.direct.Load() == 0 {
		t.Error("nothing was asked one by one")
	}
	if b := w.p.Batches().Status(); b.GivenUp != 1 || !strings.Contains(b.Why, "unanswered") || b.Error != "" {
		t.Errorf("a job that answered most is told as %+v", b)
	}
}

// Whoever is forgotten is in no job any more, here or at the vendor's; the others get their texts.
func TestForgetVoidsJobs(t *testing.T) {
	w := newJobWorld(t)
	w.vendor.SetBatches(geminitest.Batches{Looks: -1})
	w.turn(2)
	if jobs, _, _ := w.vendor.Jobs(); len(jobs) != 1 {
		t.Fatalf("jobs %v", jobs)
	}
	if _, err := privacy.Forget(t.Context(), w.p, w.people[0], false); err != nil {
		t.Fatal(err)
	}
	if jobs, _, _ := w.vendor.Jobs(); len(jobs) != 0 {
		t.Errorf("the vendor still holds %v", jobs)
	}
	w.people = w.people[1:]
	w.vendor.SetBatches(geminitest.Batches{})
	w.vendor.Reset()
	w.turn(11)
	w.allHaveModelTexts()
	if n := w.vendor.Purposes()["stage2"]; n != 2 {
		t.Errorf("%d journeys were asked about", n)
	}
}

// What jobs under way will cost is reserved over a restart, and leaves a part of the budget to the day's own.
func TestJobsKeepWithinTheBudgetOverARestart(t *testing.T) {
	w := newJobWorld(t)
	w.vendor.SetBatches(geminitest.Batches{Looks: -1})
	w.turn(2)
	jobs, err := w.db.Batches()
	if err != nil || len(jobs) != 1 {
		t.Fatal(jobs, err)
	}
	w.reopen()
	w.budget = 2 * jobs[0].Reserved
	w.begin()
	l, tenth := w.setup.Batch.Ledger, jobs[0].Reserved/10
	if l.ReserveLater(7 * tenth) {
		t.Error("a job under way is not counted")
	}
	if !l.ReserveLater(5*tenth) || !l.Reserve(4*tenth, false) {
		t.Error("jobs took all of the budget")
	}
}

// What was reserved for prompts that nobody sends any more is free again.
func TestForgetFreesWhatWasReserved(t *testing.T) {
	w := newJobWorld(t)
	w.turn(1)
	if b := w.p.Batches().Status(); b.Waiting == 0 || b.Jobs > 0 {
		t.Fatalf("nothing is gathered yet, or it was sent: %+v", b)
	}
	l := w.setup.Batch.Ledger
	free := func() int64 { // room for one more prompt
		return int64(sort.Search(int(w.budget), func(n int) bool {
			if !l.ReserveLater(int64(n) + 1) {
				return true
			}
			l.BookLater(connectors.Usage{}, int64(n)+1)
			return false
		}))
	}
	before := free()
	if _, err := privacy.Forget(t.Context(), w.p, w.people[0], false); err != nil {
		t.Fatal(err)
	}
	if after := free(); after <= before {
		t.Errorf("room for %d micro USD before and %d after: the budget still holds what somebody's prompt would have cost who is forgotten", before, after)
	}
}
