package pipeline

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// Bulk. A CRM that offers it takes the patches of a first sync or a mass re-score as jobs of thousands. The job's token is
// journalled with every patch it carries before anything is uploaded: after a crash the job is followed, neither lost nor
// repeated (invariant 2). Live patches never wait for a job.

const (
	bulkSize     = 2500             // patches of one job: each waits in memory, at about 5 kB
	bulkPatience = 2 * time.Minute  // how long patches wait for a job to fill while the backfill runs
	bulkLookMin  = time.Second      // between two looks at a job, doubling …
	bulkLookMax  = 30 * time.Second // … up to this
	bulkJobs     = 2                // jobs of one writer under way at once
)

// bulkWriter is the named CRM as a bulk writer, nil if it is none.
func (w *writers) bulkWriter(crm string) connectors.BulkWriter {
	c := w.p.Setup().crm(crm)
	if c == nil {
		return nil
	}
	b, _ := c.CRM.(connectors.BulkWriter)
	return b
}

// byJob says whether a patch of the backfill lane should wait for a job: while so many are to come that one is worth it. w.mu is
// held.
func (w *writers) byJob(x *writer) bool {
	b := w.bulkWriter(x.crm)
	if b == nil {
		return false
	}
	return len(x.bulk) > 0 || w.p.db.LaneDepth(state.Backfill) >= b.BulkThreshold()
}

// gather keeps a patch for the next job; w.mu is held.
func (x *writer) gather(pd *state.Pending) {
	if len(x.bulk) == 0 {
		x.bulkSince = time.Now()
	}
	x.bulk = append(x.bulk, pd)
}

// carry notes that records are under way, as those of a Write call are: a forgetting waits until they arrived; w.mu is held.
func (x *writer) carry(pending []*state.Pending) {
	for _, pd := range pending {
		x.refs[pd.Patch.Ref] = true
	}
}

// capacity is how many people may be on their way to the CRMs at once.
func (w *writers) capacity() int {
	for _, c := range w.p.Setup().CRMs {
		if _, ok := c.CRM.(connectors.BulkWriter); ok {
			return maxWaiting + bulkJobs*bulkSize
		}
	}
	return maxWaiting
}

// launchBulk starts a job when it is full, or when no more is coming; too few for a job go the common way. w.mu is held.
func (w *writers) launchBulk(ctx context.Context, crm *CRM, x *writer, calls *sync.WaitGroup, sooner func(time.Duration)) {
	b, ok := crm.CRM.(connectors.BulkWriter)
	if !ok {
		for _, pd := range slices.Concat(x.bulk, x.adrift) {
			x.push(pd) // the config no longer offers jobs
		}
		x.bulk, x.adrift = nil, nil
		return
	}
	for len(x.adrift) > 0 {
		token := x.adrift[0].Token
		var carried, rest []*state.Pending
		for _, pd := range x.adrift {
			if pd.Token == token {
				carried = append(carried, pd)
			} else {
				rest = append(rest, pd)
			}
		}
		x.adrift = rest
		x.jobs++
		x.carry(carried)
		calls.Add(1)
		go func() {
			defer calls.Done()
			results, err := w.follow(ctx, b, token)
			w.landJob(ctx, crm, x, carried, nil, results, err)
		}()
	}
	if len(x.bulk) == 0 || x.jobs >= bulkJobs {
		return
	}
	coming := w.p.db.LaneDepth(state.Backfill) > len(w.flights) // claimed people are counted until they are acknowledged
	if wait := time.Until(x.bulkSince.Add(bulkPatience)); len(x.bulk) < bulkSize && coming && wait > 0 {
		sooner(min(wait, time.Second))
		return
	}
	if len(x.bulk) < min(b.BulkThreshold(), bulkSize) { // what a large backlog left over, or never became
		for _, pd := range x.bulk {
			x.push(pd)
		}
		x.bulk = nil
		return
	}
	n := min(len(x.bulk), bulkSize)
	batch := x.bulk[:n:n]
	x.bulk = slices.Clone(x.bulk[n:])
	x.bulkSince = time.Now()
	x.jobs++
	x.carry(batch)
	calls.Add(1)
	go func() {
		defer calls.Done()
		w.sendBulk(ctx, crm, b, x, batch)
	}()
}

// sendBulk writes one batch as a job.
func (w *writers) sendBulk(ctx context.Context, crm *CRM, b connectors.BulkWriter, x *writer, batch []*state.Pending) {
	fresh, stale, err := w.sift(batch)
	if err == nil {
		err = w.ready(ctx, crm)
	}
	var results []connectors.Result
	if err == nil && len(fresh) > 0 {
		var token string
		if token, err = b.Submit(ctx, x.object); err == nil {
			err = w.mark(fresh, token)
		}
		if err == nil {
			if err = b.Upload(ctx, token, patchesOf(fresh)); err == nil {
				results, err = w.follow(ctx, b, token)
			}
		}
	}
	w.landJob(ctx, crm, x, fresh, stale, results, err)
}

// mark journals which job carries the patches; an empty token says that none does.
func (w *writers) mark(pending []*state.Pending, token string) error {
	return w.p.db.Update(func(tx *state.Tx) error {
		for _, pd := range pending {
			pd.Token = token
			if err := tx.MarkSent(pd.Patch.Ref, pd.Seq, pd.Attempts, token); err != nil {
				return err
			}
		}
		return nil
	})
}

// follow looks at a job until it is done. An error that stops the connector, and an unknown job, end it; others are waited out.
func (w *writers) follow(ctx context.Context, b connectors.BulkWriter, token string) ([]connectors.Result, error) {
	look := bulkLookMin
	for {
		done, results, err := b.Poll(ctx, token)
		if done || err != nil && (connectors.Stops(err) || connectors.KindOf(err) == connectors.Gone) {
			return results, err
		}
		t := time.NewTimer(look)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil, ctx.Err()
		case <-t.C:
		}
		look = min(2*look, bulkLookMax)
	}
}

// landJob settles a job. What the job did not tell of, and all of a job that failed or is unknown, goes the common way: the values
// are absolute, sending them again is harmless.
func (w *writers) landJob(ctx context.Context, crm *CRM, x *writer, fresh, stale []*state.Pending, results []connectors.Result, err error) {
	by := make(map[connectors.Ref]connectors.Result, len(results))
	for _, r := range results {
		by[r.Ref] = r
	}
	untold := err
	if untold == nil || connectors.KindOf(untold) == connectors.Gone {
		untold = &connectors.Error{Kind: connectors.Transient, Op: crm.Name + ": bulk job", Message: "the job does not tell what became of these records"}
	}
	inOrder := make([]connectors.Result, len(fresh))
	for i, pd := range fresh {
		r, told := by[pd.Patch.Ref]
		if !told {
			r = connectors.Result{Ref: pd.Patch.Ref, Err: untold}
		}
		inOrder[i] = r
	}
	again := w.settle(ctx, crm, x, fresh, stale, inOrder, nil)
	if ctx.Err() == nil && len(again) > 0 && !connectors.Stops(err) {
		if merr := w.mark(again, ""); merr != nil {
			w.p.log.Error("patches of an ended bulk job could not be released; the next start follows the job again", "crm", crm.Name, "error", merr)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	x.jobs--
	for _, list := range [][]*state.Pending{fresh, stale} {
		for _, pd := range list {
			delete(x.refs, pd.Patch.Ref)
		}
	}
	switch {
	case ctx.Err() != nil: // journalled with their job: the next start follows it
	case connectors.Stops(err) && len(again) > 0:
		for _, pd := range again {
			if pd.Token != "" {
				x.adrift = append(x.adrift, pd) // the job goes on without us: it is followed once the connector may be asked again
			} else {
				x.push(pd)
			}
		}
	default:
		w.putBack(ctx, x, again)
	}
	w.wake()
	w.p.poke()
}
