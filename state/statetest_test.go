package state_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
	"github.com/intentd/intentd/state/engine"
	"github.com/intentd/intentd/state/engine/bolt"
	"github.com/intentd/intentd/state/engine/counting"
	"github.com/intentd/intentd/state/statetest"
)

func TestUseCasesOverBolt(t *testing.T) {
	runSuite(t, func(path string) (*state.DB, error) { return state.Open(path, state.Options{NoSync: true}) })
}

// runSuite runs the suite over states that open makes of a file.
func runSuite(t *testing.T, open func(path string) (*state.DB, error)) {
	at := func(t *testing.T, path string) *state.DB {
		t.Helper()
		db, err := open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	statetest.Run(t, statetest.Engine{
		Open:   func(t *testing.T) *state.DB { return at(t, filepath.Join(t.TempDir(), "state.db")) },
		Reopen: func(t *testing.T, closed *state.DB) *state.DB { return at(t, closed.Path()) },
	})
}

// farState is a state over an engine that counts.
func farState(path string, levels func(n int)) (*state.DB, *counting.Engine, error) {
	e, err := bolt.Open(path, bolt.Options{Buckets: state.Buckets(), LockTimeout: time.Second, NoSync: true})
	if err != nil {
		return nil, nil, err
	}
	far := &counting.Engine{Engine: e, Levels: levels}
	db, err := state.New(far, state.Options{})
	return db, far, err
}

// readsNothing are methods that read nothing by themselves, or a tenant's state as a whole: for that there are no levels.
var readsNothing = []string{"AddUsageLater", "Alive", "Backup", "BackupFile", "BatchAnsweredLater", "CacheLater", "Compact", "CountHour", "CountIntake", "DeadCount", "DrawHoldout", "DueCount", "Hours", "JournalDepth", "KeepAnswerLater", "LaneDepth", "NoteRun", "OwnFields",
	"OpenReceipt", "Path", "SealReceipt", "Secret", "SetSettingLater", "Sizes", "Stats", "Tenant", "Wake"}

func methods(v any) (names []string) {
	for t, i := reflect.TypeOf(v), 0; i < t.NumMethod(); i++ {
		names = append(names, t.Method(i).Name)
	}
	return names
}

// levels are how many levels a use case may read, where it may read more than four: those in which people may merge.
var levels = map[string]int{"TakeRecords": 6, "TakeSwept": 6, "StageLot": 6}

// Each use case reads by levels and commits once, whatever it is about.
func TestUseCasesReadByLevels(t *testing.T) {
	var mu sync.Mutex
	most := map[string]int{}
	note := func(n int) {
		name := useCase()
		mu.Lock()
		defer mu.Unlock()
		most[name] = max(most[name], n)
	}
	runSuite(t, func(path string) (*state.DB, error) {
		db, _, err := farState(path, note)
		return db, err
	})
	for name, n := range most {
		bound := 4
		if b, ok := levels[name]; ok {
			bound = b
		}
		if n > bound {
			t.Errorf("%s reads %d levels, at most %d are allowed", name, n, bound)
		}
	}
	// None may be forgotten by the suite.
	for _, name := range methods(&state.DB{}) {
		if _, ok := most[name]; !ok && !slices.Contains(readsNothing, name) {
			t.Errorf("the suite never uses %s", name)
		}
	}
	t.Logf("levels: %v", most)
}

// useCase is the method of the state that is under way.
func useCase() (name string) {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if _, method, ok := strings.Cut(f.Function, "state.(*DB)."); ok {
			name, _, _ = strings.Cut(method, ".")
		}
	}
	return name
}

// A page or a lot of a hundred costs as many round trips as one of one, and one commit.
func TestAHundredCostAsManyRoundTripsAsOne(t *testing.T) {
	db, far, err := farState(filepath.Join(t.TempDir(), "state.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if db.Tenant() != engine.Default {
		t.Errorf("tenant %q", db.Tenant())
	}
	now := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	rules := &state.IdentityRules{CRMs: []string{"crm"}}
	costs := func(what string, fetches int, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(what, err)
		}
		if f, c := far.Counts(); f > fetches || c != 1 {
			t.Errorf("%s: %d round trips and %d commits, want at most %d and one", what, f, c, fetches)
		}
	}
	far.Counts()
	page := state.RecordPage{Feed: "poll", Next: connectors.Cursor("1"), Rules: rules, Now: now, Lane: state.Live}
	for i := range 100 {
		page.Records = append(page.Records, connectors.Contact{Ref: connectors.Ref{CRM: "crm", Object: "contacts", ID: fmt.Sprint(i)}, Emails: []string{fmt.Sprint(i, "@x.example")}})
	}
	_, err = db.TakeRecords(page)
	costs("take a page of new records", 4, err)
	page.Next = connectors.Cursor("2")
	_, err = db.TakeRecords(page)
	costs("take the page again", 4, err)
	entries, err := db.Claim(now, 100)
	if f, c := far.Counts(); err != nil || len(entries) != 100 || f > 1 || c != 0 {
		t.Errorf("%d claimed in %d round trips, %v", len(entries), f, err)
	}
	lot := state.Lot{Rules: rules, Now: now}
	var answers []state.Answer
	for i, e := range entries {
		next := &state.Person{Shown: []byte("shown"), Due: now.Add(time.Hour)}
		p := &state.Pending{Person: e.Person, Staged: now, Patch: connectors.Patch{Ref: page.Records[i].Ref, Fields: map[string]string{"x": "y"}}, Next: next, Receipt: []byte("{}"), Score: 1}
		lot.Settlements = append(lot.Settlements, state.Settlement{Entry: e, Outcome: state.Stage, Next: next, Patches: []*state.Pending{p}})
		answers = append(answers, state.Answer{Ref: p.Patch.Ref})
	}
	_, err = db.StageLot(lot)
	costs("stage a lot", 4, err)
	for i := range answers {
		answers[i].Seq = lot.Settlements[i].Patches[0].Seq
	}
	sum, err := db.Acknowledge(answers, 1, "2026-11-21", now)
	costs("acknowledge it", 4, err)
	if sum.Written != 100 {
		t.Errorf("%+v", sum)
	}
	seen := state.ActivityPage{Source: "site", Feed: "listen", Next: connectors.Cursor("1"), Rules: rules, Now: now}
	for i := range 100 {
		seen.People = append(seen.People, connectors.Person{Emails: page.Records[i].Emails, UserIDs: []string{fmt.Sprint("u", i)}})
	}
	_, err = db.TakeActive(seen)
	costs("take a page of activity", 4, err)
	_, err = db.EnqueueDue(now.Add(2*time.Hour), 100)
	costs("queue who is due", 4, err)
	if err := db.Verify(); err != nil {
		t.Error(err)
	}
}
