package pipeline

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// Writing. One writer per CRM object drains the journal over all lots: full batches or a short linger, the newest patch of a
// record wins, records of one group (account) are never in two batches at once.

const (
	batchSize    = 200            // patches in one Write call; connectors cut it into what their CRM takes at once
	batchesOut   = 4              // Write calls of one writer under way at once
	patchExpires = 24 * time.Hour // a patch that could not be sent for so long is worked out anew
	stopGrace    = 10 * time.Second
)

// writers are all writers, with the people whose patches they hold.
type writers struct {
	p  *Pipeline
	mu sync.Mutex
	by map[string]*writer // crm/object
	// flights are the claimed people whose patches are under way: the claim ends with the last acknowledgement.
	flights map[state.PersonID]*flight
	// recovered are the patches of earlier runs, by Seq. Entries stay, but for those that a resume voids: a lot may look at the
	// journal of a moment ago.
	recovered map[uint64]bool
	wakeup    chan struct{}
	failed    error // of the state: nothing is sent any more
}

// flight is a person on the way to the CRM.
type flight struct {
	entry   state.Entry
	id      state.PersonID
	retryAt time.Time // what is still owed is tried then; zero: nothing is owed
	left    map[connectors.Ref]bool
}

// writer is the writer of one CRM object.
type writer struct {
	crm, object string
	items       []*state.Pending // in order of staging
	index       map[connectors.Ref]int
	groups      map[string]bool // under way
	refs        map[connectors.Ref]bool
	out         int              // Write calls under way
	oldest      time.Time        // when the first of items came, by the process's clock
	holdUntil   time.Time        // nothing is sent before, after a failure
	bulk        []*state.Pending // of the first sync and mass re-scores, on their way into a bulk job
	bulkSince   time.Time        // when the first of bulk came, by the process's clock
	adrift      []*state.Pending // carried by bulk jobs of an earlier run
	jobs        int              // bulk jobs under way
	failures    int
	told        string // the failure that was logged last, and when
	toldAt      time.Time
}

func newWriters(p *Pipeline) *writers {
	return &writers{p: p, by: map[string]*writer{}, flights: map[state.PersonID]*flight{}, recovered: map[uint64]bool{}, wakeup: make(chan struct{}, 1)}
}

func (w *writers) wake() {
	select {
	case w.wakeup <- struct{}{}:
	default:
	}
}

func (w *writers) writer(crm, object string) *writer {
	k := crm + "/" + object
	x := w.by[k]
	if x == nil {
		x = &writer{crm: crm, object: object, index: map[connectors.Ref]int{}, groups: map[string]bool{}, refs: map[connectors.Ref]bool{}}
		w.by[k] = x
	}
	return x
}

// add takes the journalled patches of one person.
func (w *writers) add(f *flight, pending []*state.Pending) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.left = make(map[connectors.Ref]bool, len(pending))
	for _, pd := range pending {
		f.left[pd.Patch.Ref] = true
		x := w.writer(pd.Patch.CRM, pd.Patch.Object)
		if i, ok := x.index[pd.Patch.Ref]; ok && x.items[i].Person != f.id {
			// The record changed hands, and its former patch is replaced: nobody else will take it off its flight.
			if was := w.flights[x.items[i].Person]; was != nil {
				if delete(was.left, pd.Patch.Ref); len(was.left) == 0 {
					delete(w.flights, was.id)
				}
			}
		}
		if f.entry.Lane == state.Backfill && w.byJob(x) {
			x.gather(pd)
		} else {
			x.push(pd)
		}
	}
	w.flights[f.id] = f
	w.wake()
}

func (x *writer) push(pd *state.Pending) {
	if i, ok := x.index[pd.Patch.Ref]; ok {
		x.items[i] = pd // newest wins
		return
	}
	if len(x.items) == 0 {
		x.oldest = time.Now()
	}
	x.index[pd.Patch.Ref] = len(x.items)
	x.items = append(x.items, pd)
}

// forget drops the patches that wait in memory; their people may be claimed again.
func (w *writers) forget() {
	var free []state.Entry
	// Given back once the lock is: a transaction under way may be waiting for it.
	defer func() { w.p.db.Unclaim(free...) }()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range w.by {
		for _, pd := range slices.Concat(x.items, x.bulk) {
			if f := w.flights[pd.Person]; f != nil {
				delete(w.flights, pd.Person)
				free = append(free, f.entry)
			}
			delete(w.recovered, pd.Seq)
		}
		x.items, x.bulk = nil, nil
		clear(x.index)
	}
}

// holdAny says whether one of the records had, when it was read, a patch of an earlier run under way.
func (w *writers) holdAny(recs []*record) bool {
	for _, r := range recs {
		if r.pending == nil {
			continue
		}
		w.mu.Lock()
		held := w.recovered[r.pending.Seq]
		w.mu.Unlock()
		if held {
			return true
		}
	}
	return false
}

// recover reads what an earlier run journalled and could not finish (invariant 2).
func (w *writers) recover(s *Setup) error {
	for i := range s.CRMs {
		for _, object := range s.CRMs[i].Objects {
			var after uint64
			for {
				var page []*state.Pending
				if err := w.p.db.View(func(tx *state.Tx) (err error) {
					page, err = tx.PendingAll(s.CRMs[i].Name, object, after, 500)
					return err
				}); err != nil {
					return err
				}
				if len(page) == 0 {
					break
				}
				w.mu.Lock()
				x := w.writer(s.CRMs[i].Name, object)
				for _, pd := range page {
					after = pd.Seq
					if pd.Token == voided {
						continue
					}
					w.recovered[pd.Seq] = true
					if pd.Token != "" {
						x.adrift = append(x.adrift, pd) // a bulk job of an earlier run carries it
					} else {
						x.push(pd)
					}
				}
				w.mu.Unlock()
			}
		}
	}
	w.wake()
	return nil
}

// run drives all writers until ctx ends; what is under way then gets a short grace to be acknowledged.
func (w *writers) run(ctx context.Context) error {
	var calls sync.WaitGroup
	grace, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	for {
		w.mu.Lock()
		failed := w.failed
		w.failed = nil
		w.mu.Unlock()
		if failed != nil {
			cancel()
			calls.Wait()
			return failed
		}
		wait := w.launch(grace, &calls)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			stop := time.AfterFunc(stopGrace, cancel)
			calls.Wait()
			stop.Stop()
			return nil
		case <-w.wakeup:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// lookAgain is when a writer looks at the latest, unless woken.
const lookAgain = time.Minute

// launch starts every Write call that is ready, and returns how long to wait before looking again. Waits are measured by
// the process's own clock; only what a CRM demanded until a time is held against the wall clock.
func (w *writers) launch(ctx context.Context, calls *sync.WaitGroup) (wait time.Duration) {
	wait = lookAgain
	if w.p.brake.on() {
		return wait
	}
	now := time.Now()
	sooner := func(d time.Duration) { wait = min(wait, max(d, time.Millisecond)) }
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range w.by {
		crm := w.p.Setup().crm(x.crm)
		if crm == nil || len(x.items)+len(x.bulk)+len(x.adrift) == 0 {
			continue
		}
		if until, err := w.p.health.blocked(x.crm); err != nil {
			sooner(until.Sub(w.p.now()))
			continue
		}
		if now.Before(x.holdUntil) {
			sooner(x.holdUntil.Sub(now))
			continue
		}
		w.launchBulk(ctx, crm, x, calls, sooner)
		for x.out < batchesOut && len(x.items) > 0 {
			if rest := x.oldest.Add(w.p.o.Linger).Sub(now); len(x.items) < batchSize && rest > 0 {
				sooner(rest)
				break
			}
			batch := x.take(now)
			if len(batch) == 0 {
				break // all that is left waits for its group
			}
			x.out++
			calls.Add(1)
			go func() {
				defer calls.Done()
				w.send(ctx, crm, x, batch)
			}()
		}
	}
	return wait
}

// take cuts the next batch: at most batchSize patches, none of a group that is under way in another batch, no record twice.
func (x *writer) take(now time.Time) []*state.Pending {
	batch := make([]*state.Pending, 0, min(batchSize, len(x.items)))
	mine := map[string]bool{}
	rest := make([]*state.Pending, 0, max(0, len(x.items)-batchSize))
	for _, pd := range x.items {
		g := pd.Patch.Group
		if len(batch) >= batchSize || x.refs[pd.Patch.Ref] || g != "" && x.groups[g] && !mine[g] {
			rest = append(rest, pd)
			continue
		}
		if g != "" {
			x.groups[g], mine[g] = true, true
		}
		x.refs[pd.Patch.Ref] = true
		batch = append(batch, pd)
	}
	x.items = rest
	clear(x.index)
	for i, pd := range rest {
		x.index[pd.Patch.Ref] = i
	}
	x.oldest = now
	return batch
}

// send writes one batch and commits what the CRM acknowledged.
func (w *writers) send(ctx context.Context, crm *CRM, x *writer, batch []*state.Pending) {
	fresh, stale, err := w.sift(batch)
	if err == nil {
		err = w.ready(ctx, crm)
	}
	var results []connectors.Result
	if err == nil && len(fresh) > 0 {
		patches := patchesOf(fresh)
		results, err = crm.CRM.Write(ctx, patches)
		if err == nil && len(results) != len(patches) {
			err = errors.New(crm.Name + ": write: not one result per patch")
		}
	}
	again := w.settle(ctx, crm, x, fresh, stale, results, err)

	w.mu.Lock()
	defer w.mu.Unlock()
	x.out--
	for _, pd := range batch {
		delete(x.refs, pd.Patch.Ref)
		delete(x.groups, pd.Patch.Group)
	}
	w.putBack(ctx, x, again)
	w.wake()
	w.p.poke()
}

// ready says whether the CRM may be written at all: the account the state is bound to, properties of our own.
func (w *writers) ready(ctx context.Context, crm *CRM) error {
	if err := w.p.ensureBound(ctx, crm); err != nil {
		return err
	}
	return w.p.ensureFit(ctx, crm)
}

func patchesOf(pending []*state.Pending) []connectors.Patch {
	patches := make([]connectors.Patch, len(pending))
	for i, pd := range pending {
		patches[i] = pd.Patch
	}
	return patches
}

// settle commits what the CRM acknowledged, refused or lost, and returns the patches that are to be sent again.
func (w *writers) settle(ctx context.Context, crm *CRM, x *writer, fresh, stale []*state.Pending, results []connectors.Result, err error) (again []*state.Pending) {
	cause := err
	var done []*state.Pending
	var with []connectors.Result
	for i, pd := range fresh {
		r := connectors.Result{Ref: pd.Patch.Ref, Err: err}
		if i < len(results) {
			r = results[i]
		}
		if r.Err != nil {
			switch connectors.KindOf(r.Err) {
			case connectors.Rejected, connectors.Gone:
			default:
				again = append(again, pd) // it stays journalled
				if cause == nil {
					cause = r.Err
				}
				continue
			}
		}
		done, with = append(done, pd), append(with, r)
	}
	w.p.health.note(crm.Name, cause)
	if len(done) > 0 || len(stale) > 0 {
		if failed := w.commit(crm, done, with, stale); failed != nil {
			w.p.log.Error("acknowledged patches could not be committed; they will be sent again", "crm", crm.Name, "patches", len(done), "error", failed)
			if stateFailed(failed) {
				w.mu.Lock()
				w.failed = failed
				w.mu.Unlock()
			}
			return append(again, done...)
		}
	}
	if len(done) > 0 {
		w.p.health.good("write/"+crm.Name, w.p.now())
		w.p.o.Progress()
	}
	if len(again) > 0 && ctx.Err() == nil && w.worthTelling(x, cause) {
		w.p.log.Warn("patches not written; they stay journalled", "crm", crm.Name, "object", x.object, "patches", len(again), "kind", connectors.KindOf(cause).String(), "error", cause)
	}
	return again
}

// worthTelling says whether a failure is news: another one than the last, or an hour old. It is in status all the while.
func (w *writers) worthTelling(x *writer, cause error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	text, now := "", time.Now()
	if cause != nil {
		text = cause.Error()
	}
	if text == x.told && now.Sub(x.toldAt) < time.Hour {
		return false
	}
	x.told, x.toldAt = text, now
	return true
}

// putBack queues patches that are to be sent again, after a pause that doubles; w.mu is held.
func (w *writers) putBack(ctx context.Context, x *writer, again []*state.Pending) {
	if len(again) == 0 {
		x.failures = 0
		return
	}
	if ctx.Err() != nil {
		return // journalled: the next start sends them
	}
	x.failures++
	hold := backoff(uint8(min(x.failures, 10)-1)) / 30 // 1 s, doubling
	x.holdUntil = time.Now().Add(min(hold, 5*time.Minute))
	for _, pd := range again {
		if _, newer := x.index[pd.Patch.Ref]; !newer {
			pd.Attempts++
			x.push(pd)
		}
	}
}

// sift parts a batch before it is sent: patches that are too old to be true are worked out anew (stale); those that were
// superseded, or whose record was forgotten or merged away since, are not sent at all.
func (w *writers) sift(batch []*state.Pending) (fresh, stale []*state.Pending, err error) {
	now := w.p.now()
	off := w.p.Setup().Write.Mode == WriteOff // switched off since they were staged
	err = w.p.db.View(func(tx *state.Tx) error {
		fresh, stale = make([]*state.Pending, 0, len(batch)), nil
		for _, pd := range batch {
			ok, err := tx.Journalled(pd.Patch.Ref, pd.Seq)
			if err != nil {
				return err
			}
			if !ok || off || now.Sub(pd.Staged) > patchExpires {
				stale = append(stale, pd)
			} else {
				fresh = append(fresh, pd)
			}
		}
		return nil
	})
	if err != nil {
		return batch, nil, err
	}
	return fresh, stale, nil
}

// commit makes true what the CRM acknowledged, record by record (invariant 3), in one transaction.
func (w *writers) commit(crm *CRM, done []*state.Pending, results []connectors.Result, stale []*state.Pending) error {
	now := w.p.now()
	setup := w.p.Setup()
	var delta tierDelta
	var written, dead int64
	err := w.p.db.Update(func(tx *state.Tx) error {
		delta, written, dead = tierDelta{}, 0, 0
		for i, pd := range done {
			r := &results[i]
			switch {
			case r.Err == nil:
				written++
				if err := w.acknowledge(tx, crm, pd, r, now, &delta); err != nil {
					return err
				}
			case connectors.KindOf(r.Err) == connectors.Gone:
				// What became of the record, gather asks: the person comes again.
				if _, err := tx.Ack(pd.Patch.Ref, pd.Seq); err != nil {
					return err
				}
				if err := tx.Enqueue(pd.Person, state.Live, state.ReasonMerge, now); err != nil {
					return err
				}
			default:
				dead++
				if err := w.reject(tx, setup, pd, r.Err, now); err != nil {
					return err
				}
			}
			if err := w.land(tx, pd); err != nil {
				return err
			}
		}
		for _, pd := range stale {
			if ok, err := tx.Ack(pd.Patch.Ref, pd.Seq); err != nil {
				return err
			} else if ok {
				if err := unchecked(tx, pd.Patch.Ref); err != nil {
					return err
				}
				if err := tx.Enqueue(pd.Person, state.Live, state.ReasonAsked, now); err != nil {
					return err
				}
			}
			if err := w.land(tx, pd); err != nil {
				return err
			}
		}
		if written > 0 {
			if err := tx.AddUsage(w.p.day(now), state.Usage{Written: written}); err != nil {
				return err
			}
		}
		return delta.save(tx)
	})
	if err != nil {
		return err
	}
	w.p.counts.note(delta, written, dead)
	w.mu.Lock()
	for _, list := range [][]*state.Pending{done, stale} {
		for _, pd := range list {
			if f := w.flights[pd.Person]; f != nil && len(f.left) == 0 {
				delete(w.flights, pd.Person)
			}
		}
	}
	w.mu.Unlock()
	return nil
}

// acknowledge commits one written patch.
func (w *writers) acknowledge(tx *state.Tx, crm *CRM, pd *state.Pending, r *connectors.Result, now time.Time, delta *tierDelta) error {
	newest, err := tx.Ack(pd.Patch.Ref, pd.Seq)
	if err != nil {
		return err
	}
	rec, ok, err := tx.Contact(pd.Patch.Ref)
	if err != nil {
		return err
	}
	if ok {
		for i, f := range connectors.Fields {
			value, sent := pd.Patch.Fields[f.Name]
			if !sent {
				continue
			}
			if stored, told := r.Stored[f.Name]; told {
				value = stored
			}
			rec.Wrote[i] = state.FieldHash(i, value)
		}
		rec.WroteAt = now
		if newest {
			rec.Seen = pd.Inputs
		}
		if r.Modified.After(rec.Modified) {
			rec.Modified = r.Modified
		}
		if err := tx.PutContact(pd.Patch.Ref, &rec); err != nil {
			return err
		}
		if err := tx.DropDead(pd.Person, pd.Patch.Ref); err != nil {
			return err
		}
	}
	if !newest {
		return nil // superseded: the newer patch commits the person
	}
	return w.conclude(tx, pd, now, delta)
}

// conclude makes a patch's result the person's.
func (w *writers) conclude(tx *state.Tx, pd *state.Pending, now time.Time, delta *tierDelta) error {
	before, ok, err := tx.Person(pd.Person)
	if err != nil || !ok {
		return err // forgotten meanwhile
	}
	if pd.Next != nil {
		was, is := shownOf(&before), shownOf(pd.Next)
		delta.move(was, is)
		if err := applyNext(tx, pd.Person, pd.Next); err != nil {
			return err
		}
		if pd.Score >= 0 && (was.Score != is.Score || was.Tier != is.Tier || was.Written.IsZero()) {
			if err := tx.AddHistory(pd.Person, state.HistoryPoint{At: now, Score: pd.Score, Tier: uint8(is.Tier)}); err != nil {
				return err
			}
		}
	}
	if pd.Receipt != nil {
		return tx.PutReceipt(pd.Person, pd.Staged, pd.Receipt)
	}
	return nil
}

// reject makes a dead letter of a patch the CRM will not take: this record only. The person's result stands; the record
// is tried again when its inputs or the config change.
func (w *writers) reject(tx *state.Tx, setup *Setup, pd *state.Pending, why error, now time.Time) error {
	newest, err := tx.Ack(pd.Patch.Ref, pd.Seq)
	if err != nil || !newest {
		return err
	}
	d := &state.Dead{Person: pd.Person, Ref: pd.Patch.Ref, Op: "write", Message: why.Error(), At: now, First: now, Attempts: 1, Inputs: pd.Inputs, Config: setup.scoringHash}
	if pd.Next != nil {
		d.Config = pd.Next.Scoring // the one it was made under
	}
	var e *connectors.Error
	if errors.As(why, &e) {
		d.Code, d.Op = e.Code, e.Op
		if e.Message != "" {
			d.Message = e.Message
		}
	}
	if err := tx.PutDead(d); err != nil {
		return err
	}
	// Nothing was acknowledged: what rests on an acknowledgement (what the CRM shows) stays as it was.
	person, ok, err := tx.Person(pd.Person)
	if err != nil || !ok || pd.Next == nil {
		return err
	}
	next := *pd.Next
	next.Shown = person.Shown
	return applyNext(tx, pd.Person, &next)
}

// unchecked has the CRM's history asked whose the values in our fields are: a patch that is dropped may have arrived.
func unchecked(tx *state.Tx, ref connectors.Ref) error {
	rec, ok, err := tx.Contact(ref)
	if err != nil || !ok {
		return err
	}
	rec.Checked = false
	return tx.PutContact(ref, &rec)
}

// land notes that one patch of a person is dealt with; the last one ends the claim, in the same transaction.
func (w *writers) land(tx *state.Tx, pd *state.Pending) error {
	w.mu.Lock()
	f := w.flights[pd.Person]
	last := false
	if f != nil {
		delete(f.left, pd.Patch.Ref)
		last = len(f.left) == 0
	}
	w.mu.Unlock()
	if !last {
		return nil
	}
	return settleAfter(tx, f.entry, pd.Next, f.retryAt)
}
