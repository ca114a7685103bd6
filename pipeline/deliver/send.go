package deliver

import (
	"context"
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// sent is what became of one Write call.
type sent struct {
	o     *object
	batch []*row
	again []*row // to be sent again: the CRM has not answered for them
	each  bool   // they failed each by itself; otherwise the call failed
	cause error
	state error // the answers could not be committed
}

// send writes one batch and commits what the CRM answered. It runs beside the sender.
func (c *sender) send(ctx context.Context, o *object, target Target, batch []*row) message {
	m := sent{o: o, batch: batch}
	rows := make([]state.Row, len(batch))
	for i, r := range batch {
		rows[i] = r.Row
	}
	patches, sendable, err := c.o.DB.Patches(rows)
	if err != nil {
		m.state, m.again = err, batch
		return m
	}
	var out []connectors.Patch
	var of []*row
	var stale []state.Row
	now := c.o.Now()
	for i, r := range batch {
		switch {
		case !sendable[i]:
		case target.Off || now.Sub(r.Staged) > expires:
			stale = append(stale, r.Row)
		default:
			out, of = append(out, patches[i]), append(of, r)
		}
	}
	if len(stale) > 0 {
		if m.state = c.o.DB.Discard(stale, now); m.state != nil {
			m.again = batch
			return m
		}
	}
	if len(out) == 0 {
		return m
	}
	var results []connectors.Result
	if err = c.o.Host.Ready(ctx, c.name); err == nil {
		results, err = target.CRM.Write(ctx, out)
		if err == nil && len(results) != len(out) {
			err = fmt.Errorf("%s: write: %d results for %d patches", c.name, len(results), len(out))
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
	c.o.Host.Note(c.name, err)
	if m.state = c.acknowledge(answers); m.state != nil {
		m.again = of
	}
	return m
}

// final says whether a result settles its patch: taken, refused or gone. Anything else is tried again.
func final(err error) bool {
	switch connectors.KindOf(err) {
	case 0, connectors.Rejected, connectors.Gone:
		return true
	}
	return false
}

// acknowledge commits answers.
func (c *sender) acknowledge(answers []state.Answer) error {
	if len(answers) == 0 {
		return nil
	}
	now := c.o.Now()
	sum, err := c.o.DB.Acknowledge(answers, c.o.Host.Config(), c.o.Host.Day(now), now)
	if err != nil {
		c.o.Logger.Error("answers of the CRM could not be committed; their patches will be sent again", "crm", c.name, "patches", len(answers), "error", err)
		return err
	}
	if sum.Damaged > 0 {
		c.o.Logger.Error("what is kept of some people cannot be read; their patches are given up and they are dead letters", "crm", c.name, "people", sum.Damaged)
	}
	c.o.Host.Wrote(c.name, sum)
	return nil
}

func (m sent) take(c *sender) {
	o := m.o
	o.calls--
	for _, r := range m.batch {
		delete(o.sent, r.Ref)
		delete(o.groups, r.Group)
	}
	now := time.Now()
	switch {
	case m.state != nil:
		c.stateFailed(o, m.state)
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
	c.logFailure(o, len(m.again), m.cause)
}

// pause is how long to wait after so many failures in a row: 1 s, doubling, at most 5 min.
func pause(failures int) time.Duration {
	return min(time.Second<<min(failures-1, 10), 5*time.Minute)
}

// logFailure logs patches that were not written if that is news: another failure than the last, or an hour old. It is in status all the while.
func (c *sender) logFailure(o *object, patches int, cause error) {
	if patches == 0 || cause == nil || connectors.Interrupted(cause) {
		return
	}
	now := time.Now()
	if text := cause.Error(); text != o.logged || now.Sub(o.loggedAt) >= time.Hour {
		o.logged, o.loggedAt = text, now
		c.o.Logger.Warn("patches not written; they stay journalled", "crm", c.name, "object", o.name, "patches", patches, "kind", connectors.KindOf(cause).String(), "error", cause)
	}
}
