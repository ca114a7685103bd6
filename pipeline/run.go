package pipeline

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/intentd/intentd/connectors"
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
	if err := p.followFormula(ctx); err != nil {
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
		p.lookAtBatches(ctx) // what is in is taken; nothing new is opened
	} else {
		g.Go(func() error { p.followBatches(ctx); return nil })
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
					p.rest(ctx, time.Second)
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
		p.rest(ctx, pause)
	}
}

// rest waits for a moment, for work, or for the end.
func (p *Pipeline) rest(ctx context.Context, d time.Duration) {
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

// stopped says whether no CRM can be worked for at present: claiming people would only send them away again.
func (p *Pipeline) stopped() bool {
	for _, c := range p.Setup().CRMs {
		if _, err := p.health.Blocked(c.Name); err == nil && p.delivery.Room(c.Name) {
			return false
		}
	}
	return true
}

// keyedLocks keep jobs of one name apart.
type keyedLocks struct {
	mu   sync.Mutex
	held map[string]bool
}

func (k *keyedLocks) try(name string) (unlock func(), ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held[name] {
		return nil, false
	}
	if k.held == nil {
		k.held = map[string]bool{}
	}
	k.held[name] = true
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.held, name)
	}, true
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func appendNew(list, more []string) []string {
	for _, v := range more {
		if v != "" && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// domainOf is the domain of an e-mail address, in lower case.
func domainOf(email string) string {
	_, domain, _ := strings.Cut(strings.ToLower(email), "@")
	return domain
}

// isCustomer says whether a record is an existing customer's, by its life-cycle stage or by a field that marks them.
func (s *Setup) isCustomer(c *connectors.Contact) bool {
	if l := c.Profile.Lifecycle; l != "" && slices.Contains(s.Customers, strings.ToLower(l)) {
		return true
	}
	for property, value := range s.CustomerFields {
		if v := c.Fields[property]; v != "" && strings.EqualFold(v, value) {
			return true
		}
	}
	return false
}
