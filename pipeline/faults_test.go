package pipeline_test

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/state"
)

// quota stops the CRM's writes for a while, so that patches wait.
func (w *world) quota(d time.Duration) {
	w.crm.failWrite = &connectors.Error{Kind: connectors.Quota, Op: "write", Until: w.clock.now().Add(d)}
}

func (w *world) personOf(who string) (p state.Person) {
	w.t.Helper()
	p, _, err := w.db.Person(w.idOf(who))
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// idOf is whom a name, address or record names.
func (w *world) idOf(who string) state.PersonID {
	w.t.Helper()
	id, err := w.p.Find(who)
	if err != nil || id == 0 {
		w.t.Fatalf("%s: %v", who, err)
	}
	return id
}

// waits has a person's patch wait in the journal.
func waits(t *testing.T) *world {
	w := newWorld(t).start()
	w.buyer("1")
	w.once()
	w.clock.advance(20 * 24 * time.Hour)
	w.quota(time.Hour)
	_ = w.tryOnce()
	if w.db.JournalDepth() != 1 {
		t.Fatal("the test is no test: no patch waits")
	}
	return w
}

func TestInvariant4AVerdictSetWhileAPatchWaitsIsRead(t *testing.T) {
	w := waits(t)
	w.crm.put("1", "", func(c *connectors.Contact) { c.Ours[connectors.FieldVerdict] = "not_interested" })
	if _, err := intake.Poll(t.Context(), w.p, "crm"); err == nil {
		t.Log("polled during the quota stop")
	}
	w.clock.advance(2 * time.Hour)
	w.crm.failWrite = nil
	w.once()
	if got := w.personOf("crm/contacts/1").Verdict; got != "not_interested" {
		t.Errorf("the CRM says not_interested, the state %q", got)
	}
}

func TestInvariant4AnEditMadeWhileAPatchWaitsIsNotWrittenOver(t *testing.T) {
	for _, by := range []string{"a person", "an import"} {
		t.Run(by, func(t *testing.T) {
			w := waits(t)
			if by == "a person" {
				w.crm.put("1", "", func(c *connectors.Contact) { c.Ours[connectors.FieldHeadline] = "Call Anna" })
			} else {
				w.crm.overwrite("1", connectors.FieldHeadline, "Call Anna")
			}
			w.clock.advance(2 * time.Hour)
			if _, err := intake.Poll(t.Context(), w.p, "crm"); err != nil {
				t.Fatal(err)
			}
			w.crm.failWrite = nil
			w.once()
			got := w.crm.ours("1")[connectors.FieldHeadline]
			if held := by == "a person"; held != (got == "Call Anna") {
				t.Errorf("edited by %s: the headline is %q", by, got)
			}
			if n := w.db.Stats().Held; (n == 1) != (by == "a person") {
				t.Errorf("edited by %s: %d records are held", by, n)
			}
		})
	}
}

func TestInvariant4WhatNoPersonOverwroteIsWrittenOver(t *testing.T) {
	w := newWorld(t).start()
	w.buyer("1")
	w.once()
	right := w.crm.ours("1")[connectors.FieldScore]
	w.crm.overwrite("1", connectors.FieldScore, "54.0")
	w.once()
	if got := w.crm.ours("1")[connectors.FieldScore]; got != right {
		t.Errorf("a sync set 54.0; it reads %q now, want %q", got, right)
	}
	n := w.crm.writeCount()
	w.once()
	if w.crm.writeCount() != n {
		t.Error("written again without need")
	}
}

func TestACRMThatTheConfigDoesNotNameForAWhile(t *testing.T) {
	w := newWorld(t).start()
	w.buyer("1")
	w.once()
	full := *w.setup
	without := full
	without.CRMs = []pipeline.CRM{{Name: "other", Type: "fake", CRM: newFakeCRM("other", w.clock.now), Objects: []string{"contacts"}, Fields: full.CRMs[0].Fields}}
	w.p.Swap(&without)
	for range 30 {
		w.clock.advance(24 * time.Hour)
		w.once()
	}
	w.p.Swap(&full)
	w.clock.advance(60 * 24 * time.Hour)
	w.once()
	w.clock.advance(2 * time.Hour)
	w.once()
	if got := w.crm.ours("1")[connectors.FieldTier]; got == "high" {
		t.Errorf("90 days without a sign of life, and the tier is %q", got)
	}
}

func TestPatchesOfACRMThatComesBackAreSentWithoutARestart(t *testing.T) {
	w := waits(t)
	full := *w.setup
	without := full
	without.CRMs = []pipeline.CRM{{Name: "other", Type: "fake", CRM: newFakeCRM("other", w.clock.now), Objects: []string{"contacts"}, Fields: full.CRMs[0].Fields}}
	w.setup = &without
	w.reopen()
	w.crm.failWrite = nil
	w.clock.advance(2 * time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.p.Run(ctx) }()
	w.p.Swap(&full)
	for deadline := time.Now().Add(10 * time.Second); w.db.JournalDepth() > 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := w.db.JournalDepth(); n != 0 {
		t.Errorf("%d patches wait for a restart", n)
	}
}

// Every way back into the queue has a pause: a record that reads live while its write says gone is not written for ever.
func TestARecordThatReadsLiveWhileItsWriteSaysGone(t *testing.T) {
	w := newWorld(t).start()
	w.buyer("1")
	w.crm.rejects["1"] = &connectors.Error{Kind: connectors.Gone, Op: "write", State: connectors.Deleted}
	w.once()
	if n := w.crm.writeCount(); n > 2 {
		t.Errorf("%d Write calls in one run", n)
	}
	for range 24 {
		w.clock.advance(time.Hour)
		w.once()
	}
	if n := w.crm.writeCount(); n < 3 || n > 12 {
		t.Errorf("%d Write calls in a day: want a few, ever more rarely", n)
	}
	delete(w.crm.rejects, "1")
	w.clock.advance(25 * time.Hour)
	w.once()
	if w.crm.ours("1")[connectors.FieldTier] == "" || w.db.DeadCount() != 0 {
		t.Error("not written once the CRM takes it, or still a dead letter")
	}
}

// stuckBulk takes jobs whose outcome can never be read, or that never end.
type stuckBulk struct {
	*bulkCRM
	err   error
	polls atomic.Int64
}

func (b *stuckBulk) Poll(context.Context, string) (bool, []connectors.Result, error) {
	b.polls.Add(1)
	return false, nil, b.err
}

func TestABulkJobThatCannotBePolledOrNeverEndsGivesItsPatchesBack(t *testing.T) {
	for name, failure := range map[string]error{
		"refused":     &connectors.Error{Kind: connectors.Rejected, Op: "poll", Code: "TOO_LARGE", Message: "the answer is larger than 96 MiB"},
		"never ends":  nil,
		"unreachable": &connectors.Error{Kind: connectors.Transient, Op: "poll", Message: "HTTP 502"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, b := newBulkWorld(t, 40)
				sb := &stuckBulk{bulkCRM: b, err: failure}
				w.setup.CRMs[0].CRM = sb
				w.setup.Engine = w.setup.Rules
				w.p.Swap(w.setup)
				ctx, cancel := context.WithTimeout(t.Context(), 12*time.Hour)
				defer cancel()
				_, err := operate.Once(ctx, w.p)
				w.allHigh(40)
				if w.db.JournalDepth() != 0 || sb.polls.Load() > 5000 {
					t.Errorf("%v; journal %d, %d polls", err, w.db.JournalDepth(), sb.polls.Load())
				}
				w.db.Close()
			})
		})
	}
}

func TestARefusedPatchIsTriedAgain(t *testing.T) {
	refused := &connectors.Error{Kind: connectors.Rejected, Op: "write", Code: "RULE", Message: "a validation rule says no"}
	start := func(t *testing.T) (*world, string) {
		w := newWorld(t).start()
		email := w.buyer("1")
		w.crm.rejects["1"] = refused
		w.once()
		if w.db.DeadCount() != 1 || len(w.crm.ours("1")) != 0 {
			t.Fatal("the test is no test: it was not refused")
		}
		delete(w.crm.rejects, "1")
		return w, email
	}
	written := func(t *testing.T, w *world) {
		t.Helper()
		w.once()
		if w.crm.ours("1")[connectors.FieldTier] != "high" || w.db.DeadCount() != 0 {
			t.Errorf("not written: %v, %d dead letters", w.crm.ours("1"), w.db.DeadCount())
		}
	}
	t.Run("when something else would be written", func(t *testing.T) {
		w, email := start(t)
		w.clock.advance(time.Minute)
		w.site.add(email, demoRequest(w.clock.now()), view("/cards/black", "Black card", w.clock.now()))
		written(t, w)
	})
	t.Run("when the record was edited", func(t *testing.T) {
		w, _ := start(t)
		w.clock.advance(time.Minute)
		w.crm.put("1", "", nil)
		written(t, w)
	})
	t.Run("in any case by and by", func(t *testing.T) {
		w, _ := start(t)
		w.clock.advance(time.Minute)
		w.once()
		if w.db.DeadCount() != 1 {
			t.Fatal("tried again without a reason")
		}
		w.clock.advance(time.Hour)
		written(t, w)
	})
	t.Run("a wrong one is not tried for ever", func(t *testing.T) {
		w, _ := start(t)
		w.crm.rejects["1"] = refused
		n := w.crm.writeCount()
		for range 48 {
			w.clock.advance(time.Hour)
			w.once()
		}
		if tries := w.crm.writeCount() - n; tries < 3 || tries > 8 {
			t.Errorf("%d tries in two days", tries)
		}
	})
}

// Those that were refused before go in calls of their own.
func TestRetriedPatchesDoNotShareABatchWithTheRight(t *testing.T) {
	w := newWorld(t).start()
	w.buyer("1")
	w.crm.rejects["1"] = &connectors.Error{Kind: connectors.Rejected, Op: "write", Message: "no"}
	w.once()
	mixed := false
	w.crm.onWrite = func(patches []connectors.Patch) {
		for _, p := range patches {
			mixed = mixed || p.ID == "1" && len(patches) > 1
		}
	}
	w.clock.advance(time.Hour)
	for i := range 10 {
		w.buyer(fmt.Sprint(100 + i))
	}
	w.once()
	if mixed {
		t.Error("one that is still wrong halves the batches of the right")
	}
}

func TestInvariant9OneDamagedPersonDoesNotEndTheDaemon(t *testing.T) {
	w := newWorld(t).start()
	for i := range 5 {
		w.buyer(fmt.Sprint(100 + i))
	}
	w.quota(time.Hour)
	_ = w.tryOnce()
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := bbolt.Open(w.path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Update(func(tx *bbolt.Tx) error {
		k, v := tx.Bucket([]byte("people")).Cursor().First()
		return tx.Bucket([]byte("people")).Put(bytes.Clone(k), append(bytes.Clone(v), 0xff))
	}); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	w.crm.failWrite = nil
	w.clock.advance(2 * time.Hour)
	w.open()
	_ = w.tryOnce()
	if n := w.db.JournalDepth(); n != 0 {
		t.Fatalf("%d patches are never committed for the sake of one", n)
	}
	n := w.crm.writeCount()
	w.reopen()
	_ = w.tryOnce()
	if w.crm.writeCount() != n {
		t.Error("a restart writes the others' patches again")
	}
	if w.db.DeadCount() == 0 {
		t.Error("nothing tells of the person who cannot be read")
	}
}

// Resume lets go whoever waits for a time that a connector named.
func TestResumeEndsTheWaitForATimeThatAConnectorNamed(t *testing.T) {
	w := newWorld(t).start()
	w.secondCRM()
	w.p.Swap(w.setup)
	w.buyer("1")
	if _, err := intake.Poll(t.Context(), w.p, "crm"); err != nil {
		t.Fatal(err)
	}
	w.crm.failRead = &connectors.Error{Kind: connectors.Quota, Op: "read", Until: w.clock.now().Add(12 * time.Hour)}
	_ = w.tryOnce()
	w.crm.failRead = nil
	if _, err := operate.Resume(w.p); err != nil {
		t.Fatal(err)
	}
	w.once()
	if w.crm.ours("1")[connectors.FieldTier] != "high" {
		t.Error("after the resume they still wait for midnight")
	}
}
