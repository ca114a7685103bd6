package pipeline

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/intentd/intentd/state"
)

// Run works until ctx ends: lots from the queue, patches from the journal. It returns nil when ctx ended it, and an error
// when the state failed: the CRM is then not written any more.
func (p *Pipeline) Run(ctx context.Context) error { return p.work(ctx, false) }

// Drain works until nothing is left that can be done now.
func (p *Pipeline) Drain(ctx context.Context) error { return p.work(ctx, true) }

func (p *Pipeline) work(ctx context.Context, drain bool) error {
	unlock, ok := p.locks.try("work")
	if !ok {
		return ErrBusy
	}
	defer unlock()
	if err := p.checkFormula(ctx); err != nil {
		return err
	}
	if err := p.db.WakeLetters(p.now()); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// Delivery outlives the lots: what a lot staged while stopping is still sent, and journalled in any case.
	delivering, stopDelivery := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDelivery()

	p.delivery.Aim(p.Setup().targets())
	g, ctx := errgroup.WithContext(ctx)
	begun, delivered := make(chan struct{}), make(chan error, 1)
	go func() {
		err := p.delivery.Run(delivering, func() { close(begun) })
		if err != nil {
			stop() // no lot may go on for patches that nobody can commit
		}
		delivered <- err
	}()
	<-begun
	if drain {
		p.batches.Look(ctx) // what is in is taken; nothing new is opened
	} else {
		g.Go(func() error { p.batches.Run(ctx); return nil })
	}
	for range p.o.Lots {
		g.Go(func() error { return p.worker(ctx, drain) })
	}
	err := g.Wait()
	stopDelivery()
	if derr := <-delivered; err == nil {
		err = derr
	}
	if ferr := p.db.Flush(); err == nil {
		err = ferr
	}
	return err
}

// idleLook is how often an idle worker looks by itself; it is woken by whatever enqueues.
const (
	idleLook  = time.Second
	firstLook = 5 * time.Millisecond
)

func (p *Pipeline) worker(ctx context.Context, drain bool) error {
	pause := firstLook
	for {
		if ctx.Err() != nil {
			return nil
		}
		var entries []state.Entry
		if doubt := p.clock.doubt(p.Setup()); doubt != nil {
			p.health.Note("clock", doubt)
		} else if !p.brake.on() && !p.stopped() {
			p.health.Note("clock", nil)
			p.busy.Add(1)
			var err error
			if entries, err = p.db.Claim(p.now(), p.o.LotSize); err != nil {
				p.busy.Add(-1)
				return err
			}
			if len(entries) > 0 {
				pause = firstLook
				err = p.process(ctx, entries)
				p.busy.Add(-1)
				switch {
				case err == nil || ctx.Err() != nil:
				case state.Failed(err):
					return err
				default:
					p.log.Warn("a lot failed and is tried again", "people", len(entries), "error", err)
					p.waitForWork(ctx, time.Second)
				}
				continue
			}
			p.busy.Add(-1)
		}
		if drain && p.drained(ctx) {
			return nil
		}
		if drain { // how long the others take nobody knows
			pause = min(2*pause, idleLook)
		} else {
			pause = idleLook
		}
		p.waitForWork(ctx, pause)
	}
}

// waitForWork waits for work, at most for d.
func (p *Pipeline) waitForWork(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-p.db.Wake():
	case <-p.changed:
	}
}

// drained says whether nothing can be done now: no lot under way, nothing claimable, no patch that could be sent.
func (p *Pipeline) drained(ctx context.Context) bool {
	if p.busy.Load() > 0 {
		return false
	}
	if p.brake.on() {
		return true
	}
	if !p.delivery.Idle(ctx) { // asked first: what it says of the room for more is then of now
		return false
	}
	if next, ok := p.db.NextReady(p.now()); ok && !next.After(p.now()) && !p.stopped() && p.clock.doubt(p.Setup()) == nil {
		return false
	}
	return p.busy.Load() == 0
}

// process takes a lot of claimed entries through. The error is for what concerns the whole lot; what concerns one person is
// settled with that person (invariant 9).
//
// A lot that fails as a whole is taken in halves until those who make it fail are found: they become dead letters and are tried
// again by and by. The error then concerns the state or the end of ctx.
func (p *Pipeline) process(ctx context.Context, entries []state.Entry) error {
	err := p.attempt(ctx, entries)
	if err == nil {
		p.o.Progress()
		return nil
	}
	// A damaged record is one person's matter; if it is the file that is damaged, setting them aside fails, too.
	if ctx.Err() != nil || state.Failed(err) {
		p.db.Unclaim(entries...)
		return err
	}
	if len(entries) > 1 {
		p.log.Warn("a lot failed and is tried in halves", "people", len(entries), "error", err)
		half := len(entries) / 2
		if err := p.process(ctx, entries[:half]); err != nil {
			p.db.Unclaim(entries[half:]...)
			return err
		}
		return p.process(ctx, entries[half:])
	}
	p.log.Error("a person cannot be worked on and is set aside", "person", entries[0].Person.Key(), "error", err)
	if err := p.db.SetAside(entries[0], err, p.Setup().scoringHash, p.now()); err != nil {
		p.db.Unclaim(entries...)
		return err
	}
	return nil
}

// attempt takes a lot through once. A panic is an error of that lot, not the end of the process.
func (p *Pipeline) attempt(ctx context.Context, entries []state.Entry) (err error) {
	defer func() {
		if v := recover(); v != nil {
			p.log.Error("a lot panicked", "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	l := &lot{p: p, s: p.Setup(), now: p.now(), room: rooms.Get().(*room)}
	err = l.run(ctx, entries)
	l.room.leave()
	return err
}

func (l *lot) run(ctx context.Context, entries []state.Entry) error {
	if err := l.load(ctx, entries); err != nil {
		return err
	}
	if err := l.gatherRecords(ctx); err != nil {
		return err
	}
	l.checkRecordStates()
	if err := l.identify(ctx); err != nil {
		return err
	}
	l.gatherJourneys(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	l.stitch(ctx)
	if err := l.infer(ctx); err != nil {
		return err
	}
	l.score(ctx)
	l.holdOut()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.stage(); err != nil {
		return err
	}
	return l.voidWithdrawn(ctx)
}
