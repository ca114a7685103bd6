package deliver

import (
	"context"
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// sendBatches starts every call that is ready.
func (s *sender) sendBatches(ctx context.Context, o *object, now time.Time, sooner func(time.Duration)) {
	for _, alone := range [...]bool{false, true} {
		for o.calls < callsOut && len(o.rows) > 0 {
			if len(o.rows) < batchSize {
				if wait := o.oldest.Add(s.linger(o)).Sub(now); wait > 0 {
					sooner(wait)
					return
				}
			}
			batch, next := o.nextBatch(now, alone)
			if !next.IsZero() {
				sooner(next.Sub(now))
			}
			if len(batch) == 0 {
				break
			}
			o.oldest = now
			o.calls++
			target := s.target
			s.background(func() message { return s.send(ctx, o, target, batch) })
		}
	}
}

// linger is how long a batch of the object may wait to fill.
func (s *sender) linger(o *object) time.Duration {
	if !o.whole || s.o.Host.Coming() {
		return max(s.o.Linger, comingLinger)
	}
	return s.o.Linger
}

// callEnd is what became of one Write call.
type callEnd struct {
	o     *object
	batch []*row
	again []*row // to be sent again: the CRM has not answered for them
	each  bool   // they failed each by itself; otherwise the call failed
	cause error
	state error // the answers could not be committed
}

// send writes one batch and commits what the CRM answered. It runs beside the sender.
func (s *sender) send(ctx context.Context, o *object, target Target, batch []*row) message {
	m := callEnd{o: o, batch: batch}
	rows := make([]state.Row, len(batch))
	for i, r := range batch {
		rows[i] = r.Row
	}
	patches, sendable, err := s.o.DB.Patches(rows)
	if err != nil {
		m.state, m.again = err, batch
		return m
	}
	var out []connectors.Patch
	var of []*row
	var dropped []state.Row
	now := s.o.Now()
	for i, r := range batch {
		switch {
		case !sendable[i]:
		case target.Off || now.Sub(r.Staged) > expires:
			dropped = append(dropped, r.Row)
		default:
			out, of = append(out, patches[i]), append(of, r)
		}
	}
	if len(dropped) > 0 {
		if m.state = s.o.DB.Discard(dropped, now); m.state != nil {
			m.again = batch
			return m
		}
	}
	if len(out) == 0 {
		return m
	}
	var results []connectors.Result
	if err = s.o.Host.Ready(ctx, s.name); err == nil {
		results, err = target.CRM.Write(ctx, out)
		if err == nil && len(results) != len(out) {
			err = fmt.Errorf("%s: write: %d results for %d patches", s.name, len(results), len(out))
		}
	}
	m.cause = err
	var answers []state.Answer
	for i, r := range of {
		result := connectors.Result{Ref: r.Ref, Err: err}
		if i < len(results) {
			result = results[i]
		}
		if final(result.Err) {
			answers = append(answers, state.Answer{Ref: r.Ref, Seq: r.Seq, Stored: result.Stored, Modified: result.Modified, Err: result.Err})
			continue
		}
		m.again = append(m.again, r)
		if m.cause == nil {
			m.cause, m.each = result.Err, true
		}
	}
	s.o.Host.Note(s.name, err)
	if m.state = s.acknowledge(answers); m.state != nil {
		m.again = of
	}
	return m
}

func (m callEnd) take(s *sender) {
	o := m.o
	o.calls--
	for _, r := range m.batch {
		delete(o.sent, r.Ref)
		delete(o.groups, r.Group)
	}
	now := time.Now()
	switch {
	case m.state != nil:
		s.stateFailed(o, m.state)
	case len(m.again) == 0:
		if m.cause == nil {
			o.failures = 0
		}
	case m.each: // the call went well but for these records
		o.failures = 0
		for _, r := range m.again {
			r.attempts++
			r.notBefore = now.Add(pause(r.attempts))
		}
	default:
		o.failures++
		o.paused = now.Add(pause(o.failures))
	}
	for _, r := range m.again {
		o.push(r)
	}
	s.logFailure(o, len(m.again), m.cause)
}
