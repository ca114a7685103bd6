package statetest

import (
	"errors"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

var batches = []promise{
	{"an answer of a job is taken in and paid for once, and nobody waits for what was answered", func(s *suite) {
		ann, bob := s.waits("1"), s.waits("2")
		if has := must[bool](s)(s.db.HasPerson(ann)); !has {
			s.Error("ann is not known")
		}
		job := &state.Batch{Token: "job-1", Opened: now, Reserved: 30, People: []state.PersonID{ann}, Asks: []state.BatchAsk{
			{N: 1, Purpose: "stage2", Person: ann, Reserved: 10}, {N: 2, Purpose: "stage2", Person: bob, Reserved: 20},
		}}
		if err := errors.Join(s.db.OpenBatch(job), s.db.JoinBatch("job-1", []state.PersonID{bob})); err != nil {
			s.Fatal(err)
		}
		s.reopen()
		used := connectors.Usage{Calls: 1, MicroUSD: 7}
		for range 2 {
			s.db.BatchAnsweredLater("job-1", job.Asks[0], "2026-11-20", used)
		}
		if err := s.db.Flush(); err != nil {
			s.Fatal(err)
		}
		if u := must[state.Usage](s)(s.db.Usage("2026-11-20")); u.Model["stage2"] != used {
			s.Errorf("booked %+v, want %+v once", u.Model["stage2"], used)
		}
		kept := must[[]*state.Batch](s)(s.db.Batches())
		if len(kept) != 1 || len(kept[0].Asks) != 1 || kept[0].Asks[0].N != 2 || len(kept[0].People) != 2 {
			s.Fatalf("kept %+v", kept)
		}
		if err := errors.Join(s.db.EndBatchWait("job-1"), s.db.DropBatch("job-1")); err != nil {
			s.Fatal(err)
		}
		if got := s.claim(now, 9); len(got) != 2 {
			s.Errorf("%d are worked on, want both", len(got))
		}
		if kept := must[[]*state.Batch](s)(s.db.Batches()); len(kept) != 0 {
			s.Errorf("still kept: %+v", kept)
		}
		s.verify()
	}},
	{"a job says nothing of somebody forgotten, and who waits for no job is worked on", func(s *suite) {
		ann, bob := s.waits("1"), s.waits("2")
		if err := s.db.OpenBatch(&state.Batch{Token: "job-1", Opened: now, People: []state.PersonID{ann, bob}, Asks: []state.BatchAsk{
			{N: 1, Purpose: "stage2", Person: ann, Inputs: 5}, {N: 2, Purpose: "stage2", Person: bob},
		}}); err != nil {
			s.Fatal(err)
		}
		if of := must[[]string](s)(s.db.BatchesOf(ann)); len(of) != 1 || of[0] != "job-1" {
			s.Errorf("ann's jobs: %v", of)
		}
		if err := s.db.VoidBatches(ann); err != nil {
			s.Fatal(err)
		}
		if of := must[[]string](s)(s.db.BatchesOf(ann)); len(of) != 0 {
			s.Errorf("ann's jobs: %v", of)
		}
		kept := must[[]*state.Batch](s)(s.db.Batches())
		if len(kept) != 1 || len(kept[0].People) != 1 || !kept[0].Asks[0].Void || kept[0].Asks[0].Inputs != 0 {
			s.Errorf("kept %+v", kept[0])
		}
		if n := must[int](s)(s.db.EndWaits(map[state.PersonID]bool{bob: true})); n != 1 {
			s.Errorf("%d no longer wait, want ann alone", n)
		}
		if got := s.claim(now, 9); len(got) != 1 || got[0].Person != ann {
			s.Errorf("claimed %v, want ann", got)
		}
		s.verify()
	}},
}

// waits is a person who waits a day for a job.
func (s *suite) waits(record string) state.PersonID {
	s.Helper()
	id, _ := s.person(record)
	if err := s.db.Ask(id, now); err != nil {
		s.Fatal(err)
	}
	for _, e := range s.claim(now, 9) {
		if e.Person != id {
			continue
		}
		if _, err := s.db.StageLot(state.Lot{Now: now, Settlements: []state.Settlement{
			{Entry: e, Outcome: state.Return, Lane: state.Backfill, At: after(24 * time.Hour), Why: state.ReasonText | state.ReasonBatch},
		}}); err != nil {
			s.Fatal(err)
		}
	}
	return id
}
