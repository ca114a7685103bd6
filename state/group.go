package state

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/intentd/intentd/state/engine"
)

// Group commit. Whoever calls update while nobody commits leads: it runs its function and those of all who queued, in one
// transaction with one fsync, then hands the lead to the first who queued meanwhile. Nobody waits for company, and there is no
// background goroutine: under load groups form by themselves, out of what arrives while the disk is busy.

// lost counts later updates that nobody waits for and that are gone. The group's mutex is held.
func (g *group) lost(n int, err error) {
	g.laterFailed += int64(n)
	g.laterError = err.Error()
}

const (
	laterDelay   = 50 * time.Millisecond // leaves as much for the commit itself, to keep the promised 100
	laterRetry   = time.Second           // after a commit that failed
	laterAtOnce  = 1024                  // waiting functions from which on no time is lost
	laterAtMost  = 65536                 // waiting functions kept while commits fail
	maxGroupSize = 512                   // calls in one transaction, which is held in memory until it is written
)

// update runs fn in a write transaction and returns once that is on disk. Concurrent calls share transactions, in the order they came. fn
// runs once, unless the engine has to fetch first what it reads: then it runs again from the start, for itself. If it fails, what it
// changed is taken back and its error is returned; the others of its group go on. If the commit fails, nothing of the group is kept and
// every caller gets the error: what fn did outside tx holds only without one.
func (db *DB) update(fn func(*txn) error) error { return db.call(fn, false) }

// updateOf is what fn finds out in an update, once that is on disk. It comes out as a result, so that nothing stays of a run that the engine had run again.
func updateOf[T any](db *DB, fn func(*txn) (T, error)) (found T, err error) {
	err = db.update(func(tx *txn) (err error) { found, err = fn(tx); return err })
	return found, err
}

func (db *DB) call(fn func(*txn) error, closing bool) error {
	if db.o.ReadOnly {
		return fail(ErrReadOnly, nil, "state file %s was opened read-only and cannot be changed", db.Path())
	}
	c := &call{fn: fn, done: make(chan bool, 1)}
	g := &db.group
	g.mu.Lock()
	if g.closed && !closing {
		g.mu.Unlock()
		return ErrClosed
	}
	g.calls = append(g.calls, c)
	waits := g.leading
	g.leading = true
	g.mu.Unlock()
	if !waits || <-c.done {
		db.lead(c)
	}
	if c.panic != nil {
		panic(c.panic)
	}
	return c.err
}

// lead commits one group, which holds self, and hands on.
func (db *DB) lead(self *call) {
	g := &db.group
	g.mu.Lock()
	n := min(len(g.calls), maxGroupSize)
	calls := g.calls[:n:n]
	g.calls = append([]*call(nil), g.calls[n:]...)
	later := g.later
	g.later = nil
	g.mu.Unlock()

	failed := db.commit(calls, later)

	g.mu.Lock()
	if failed != nil { // nobody waits for these: they get another chance
		g.later = append(later, g.later...)
		if over := len(g.later) - laterAtMost; over > 0 {
			g.later = g.later[over:]
			g.lost(over, failed)
		}
		if len(g.later) > 0 && !g.closed {
			db.schedule(laterRetry)
		}
	}
	var next *call
	if len(g.calls) > 0 {
		next = g.calls[0]
	} else {
		g.leading = false
	}
	g.mu.Unlock()

	if next != nil {
		next.done <- true
	}
	for _, c := range calls {
		if c != self {
			c.done <- false
		}
	}
}

// commit runs calls and later in one transaction. Each call has its own error afterwards; the result is what kept the
// transaction as a whole from the disk.
func (db *DB) commit(calls []*call, later []func(*txn) error) error {
	db.writing.Lock()
	defer db.writing.Unlock()

	pending := make([]*call, 0, len(calls)+len(later))
	pending = append(pending, calls...)
	for _, fn := range later {
		pending = append(pending, &call{fn: fn})
	}
	var tx *txn
	err := db.e.Update(func(e engine.Tx) error {
		tx = db.newTx(e)
		tx.w.scratch = db.scratch
		for _, c := range pending {
			db.try(c, tx)
		}
		if tx.w.counts.equal(&db.counts) {
			return nil
		}
		return tx.put(bMeta, countsKey, tx.w.counts.encode())
	})
	if err != nil {
		for _, c := range pending {
			if c.err == nil {
				c.err = err
			}
		}
		// An engine may fail after the new state has become the visible one: believe it.
		if db.view(db.load) == nil {
			db.queue.rewind()
		}
		return err
	}
	for _, c := range pending {
		if c.err != nil && c.done == nil {
			db.group.mu.Lock()
			db.group.lost(1, c.err)
			db.group.mu.Unlock()
		}
	}
	if tx.w.ops == 0 {
		return nil
	}
	db.commits.Add(1)
	for _, c := range pending {
		if c.err == nil {
			db.calls.Add(1)
		}
	}
	db.publish(tx.w)
	return nil
}

// try runs one call. If it fails, what it changed is taken back, without harm to the others; a panic of its own goes back to the
// goroutine it came from. It runs again as long as the engine has to fetch first what it reads.
func (db *DB) try(c *call, tx *txn) {
	start := tx.w.savepoint()
	defer func() {
		if p := recover(); p != nil {
			bug := &panicked{p, debug.Stack()}
			if c.err = bug; c.done != nil {
				c.panic = bug
			}
		}
		if c.err != nil {
			tx.w.restore(start)
		}
	}()
	c.err = engine.Change(tx.e, func() error {
		tx.w.restore(start) // what an attempt in vain left
		return c.fn(tx)
	})
}

// panicked carries a panic from the goroutine that led a group to the one whose function it was.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string {
	return fmt.Sprintf("state: an update panicked: %v\n\n%s", p.value, p.stack)
}

func (p *panicked) Unwrap() error {
	err, _ := p.value.(error)
	return err
}

// maxScratch is what is kept of the scratch between transactions.
const maxScratch = 256 << 10

// publish takes over what w brought, now that it is on disk.
func (db *DB) publish(w *write) {
	if db.scratch = w.scratch; cap(db.scratch) > maxScratch {
		db.scratch = nil
	}
	if len(w.names) > 0 {
		db.names.publish(w.names)
	}
	db.countsMu.Lock()
	db.counts = w.counts
	db.countsMu.Unlock()
	db.queue.publish(&w.queue)
}

// updateLater has fn run with the next group, at the latest 50 ms from now, and returns at once. For what may be lost with the
// last 100 ms: caches, usage, answers. An error of fn concerns no other caller: it is counted, and the last one shown, in Stats. If
// a commit fails it is tried again with the next. After Close it does nothing.
func (db *DB) updateLater(fn func(*txn) error) {
	g := &db.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || db.o.ReadOnly {
		return
	}
	g.later = append(g.later, fn)
	switch len(g.later) {
	case 1:
		db.schedule(laterDelay)
	case laterAtOnce:
		db.schedule(0)
	}
}

// schedule makes sure that somebody leads within d. The group's mutex is held.
func (db *DB) schedule(d time.Duration) {
	g := &db.group
	if g.timer != nil && g.timer.Stop() {
		g.running.Done()
	}
	g.running.Add(1)
	g.timer = time.AfterFunc(d, func() {
		defer g.running.Done()
		_ = db.call(func(*txn) error { return nil }, true) // its group takes what waits
	})
}

// Flush returns when everything given to updateLater before is on disk, bar functions that failed by themselves, or with the error
// of the commit that kept it from there.
func (db *DB) Flush() error { return db.flush(false) }

func (db *DB) flush(closing bool) error {
	if db.o.ReadOnly {
		return nil
	}
	// Groups form in the order of calls and each takes all that waits: this call's group, or one before it, has it.
	return db.call(func(*txn) error { return nil }, closing)
}

// finish stops taking calls and flushes. first is false if that was done before.
func (db *DB) finish() (first bool, err error) {
	g := &db.group
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return false, nil
	}
	g.closed = true
	if g.timer != nil && g.timer.Stop() {
		g.running.Done()
	}
	g.mu.Unlock()
	err = db.flush(true)
	g.running.Wait()
	return true, err
}
