package crmkit

import (
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/intentd/intentd/connectors"
)

// Writing is the account of one Write call: what became of each patch. It is safe for concurrent use as long as each index is
// told of by one goroutine at a time.
type Writing struct {
	Op      string // what is being done, as errors tell it
	Patches []connectors.Patch

	crm     string
	results []connectors.Result
	told    []bool
}

// NewWriting begins the account of writing patches to a CRM of that name.
func NewWriting(crm, op string, patches []connectors.Patch) *Writing {
	w := &Writing{Op: op, Patches: patches, crm: crm, results: make([]connectors.Result, len(patches)), told: make([]bool, len(patches))}
	for i := range patches {
		w.results[i].Ref = patches[i].Ref
	}
	return w
}

// Tell notes what became of the patch at an index, whose Ref the result gets.
func (w *Writing) Tell(at int, r connectors.Result) {
	r.Ref = w.Patches[at].Ref
	w.results[at], w.told[at] = r, true
}

// Reject notes that the patch at an index was not applied, and why.
func (w *Writing) Reject(at int, err error) { w.Tell(at, connectors.Result{Err: err}) }

// Told says whether it is told what became of the patch at an index.
func (w *Writing) Told(at int) bool { return w.told[at] }

// NoRecord notes that the id of the patch at an index cannot be any record's.
func (w *Writing) NoRecord(at int) {
	w.Reject(at, &connectors.Error{Kind: connectors.Gone, Op: w.crm + ": " + w.Op, State: connectors.Deleted, Message: "no such record"})
}

// End is what Write returns. Patches of which nothing was told failed with failed, what ended the call early; nil: nothing did.
func (w *Writing) End(failed error) ([]connectors.Result, error) {
	if failed != nil {
		for i := range w.results {
			if !w.told[i] {
				w.results[i].Err = failed
			}
		}
	}
	return w.results, failed
}

// Rounds parts rows into the first of each record, the second of each, and so on, each in order: a batch must not name a record
// twice, and the newest row has to come last.
func Rounds[R any](rows []R, record func(R) string) [][]R {
	var rounds [][]R
	nth := make(map[string]int, len(rows))
	for _, r := range rows {
		id := record(r)
		n := nth[id]
		nth[id]++
		if n == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[n] = append(rounds[n], r)
	}
	return rounds
}

// InLanes sends batches, as many lanes at once as wide says; the batches of a lane go one after the other. After the first error,
// which it returns, no further batch begins; those in flight come to their end, so that every acknowledgement is told.
func InLanes[B any](lanes [][]B, wide int, send func(B) error) error {
	var mu sync.Mutex
	var failed error
	stopped := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return failed != nil
	}
	g := new(errgroup.Group)
	g.SetLimit(wide)
	for _, lane := range lanes {
		g.Go(func() error {
			for _, batch := range lane {
				if stopped() {
					return nil
				}
				if err := send(batch); err != nil {
					mu.Lock()
					if failed == nil {
						failed = err
					}
					mu.Unlock()
				}
			}
			return nil
		})
	}
	g.Wait()
	return failed
}
