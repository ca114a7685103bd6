package deliver

import (
	"context"
	"time"

	"github.com/intentd/intentd/connectors"
)

const (
	stopGrace = 10 * time.Second // for calls under way when the sender is to stop
	lookAgain = time.Minute      // a sender looks at the latest then, unless woken
)

// run is the sender's whole life.
func (s *sender) run(ctx context.Context) error {
	ioCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer close(s.done)
	defer cancel()
	s.takeTarget()
	for {
		wait := s.look(ioCtx)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return s.finish(cancel)
		case m := <-s.inbox:
			m.take(s)
			s.drainInbox()
		case <-s.wake:
			s.takeTarget()
		case <-timer.C:
		}
		timer.Stop()
		if s.failed != nil {
			cancel()
			return s.finish(cancel)
		}
	}
}

// drainInbox takes what else has come: deciding is done once for all of it.
func (s *sender) drainInbox() {
	for {
		select {
		case m := <-s.inbox:
			m.take(s)
		default:
			return
		}
	}
}

// finish waits for what is under way, for a moment; the answers that come are committed, the rest stays journalled.
func (s *sender) finish(cancel func()) error {
	stop := time.AfterFunc(stopGrace, cancel)
	defer stop.Stop()
	for _, o := range s.objects {
		for _, j := range o.jobs {
			if j.unwatch != nil {
				j.unwatch() // the next start looks at it again
			}
		}
	}
	ended := make(chan struct{})
	go func() { s.beside.Wait(); close(ended) }()
	for {
		select {
		case m := <-s.inbox:
			m.take(s)
		case <-ended:
			s.drainInbox()
			return s.failed
		}
	}
}

// takeTarget takes up the target of now. More may wait in the journal than was read.
func (s *sender) takeTarget() {
	s.target = *s.next.Load()
	for _, o := range s.objects {
		o.whole, o.outdated = false, o.reading
	}
	for _, name := range s.target.Objects {
		if s.objects[name] == nil {
			s.objects[name] = &object{name: name, byRef: map[connectors.Ref]*row{}, sent: map[connectors.Ref]uint64{}, groups: map[string]bool{}, jobs: map[string]*job{}}
		}
	}
	s.noteBeginning()
}

// look starts whatever can be started and returns how long there is nothing to do. Waits go by the process's own clock; only what
// a CRM demanded until a time is held against the wall clock.
func (s *sender) look(ctx context.Context) (wait time.Duration) {
	wait = lookAgain
	sooner := func(d time.Duration) { wait = min(wait, max(d, time.Millisecond)) }
	for _, o := range s.objects {
		s.readOn(o)
	}
	s.publish()
	if s.o.Host.Halted() {
		return wait
	}
	if until, err := s.o.Host.Blocked(s.name); err != nil {
		sooner(until.Sub(s.o.Now()))
		return wait
	}
	now := time.Now()
	for _, o := range s.objects {
		if now.Before(o.paused) {
			sooner(o.paused.Sub(now))
			continue
		}
		s.lookAtJobs(ctx, o, now, sooner)
		s.sendBatches(ctx, o, now, sooner)
	}
	s.publish()
	return wait
}
