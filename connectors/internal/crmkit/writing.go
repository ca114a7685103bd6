package crmkit

import (
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Writing is the account of one Write call: what became of each patch. It is safe for concurrent use as long as each index is
// told of by one goroutine at a time.
type Writing struct {
	Op      string // what is being done, as errors tell it
	Patches []connectors.Patch

	c       *transport.Client
	results []connectors.Result
	told    []bool
}

// NewWriting begins the account of writing patches through a client.
func NewWriting(c *transport.Client, op string, patches []connectors.Patch) *Writing {
	w := &Writing{Op: op, Patches: patches, c: c, results: make([]connectors.Result, len(patches)), told: make([]bool, len(patches))}
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
	e := w.c.Err(connectors.Gone, w.Op, "", "no such record")
	e.State = connectors.Deleted
	w.Reject(at, e)
}

// Translate is what the patch at an index sets, by property, each value as to writes it. It says false where nothing is to be sent: what
// cannot be is told to be Rejected, and what need not be as done. The rep's own fields are left out, whatever the patch says.
func Translate[V any](w *Writing, at int, s *Schema, to func(connectors.FieldType, string) (V, error)) (map[string]V, bool) {
	fields := w.Patches[at].Fields
	set := make(map[string]V, len(fields))
	for name, v := range fields {
		f := s.Own[name]
		if f == nil {
			w.Reject(at, w.c.Err(connectors.Rejected, w.Op, "", fmt.Sprintf("intentd has no field %q", name)))
			return nil, false
		}
		if f.RepEdits {
			continue
		}
		value, err := to(f.Type, v)
		if err != nil {
			w.Reject(at, w.c.Err(connectors.Rejected, w.Op, "", fmt.Sprintf("field %s: %v", name, err)))
			return nil, false
		}
		set[f.Property] = value
	}
	if len(set) == 0 {
		w.Tell(at, connectors.Result{})
	}
	return set, len(set) > 0
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
