package intake

import (
	"context"

	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/state"
)

// Due moves people whose shown score changes by time alone into the queue. It does nothing while the clock is in doubt
// (invariant 13).
func Due(ctx context.Context, p *pipeline.Pipeline) (int, error) {
	if err := p.ClockDoubt(); err != nil {
		return 0, err
	}
	total := 0
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, err := p.DB().EnqueueDue(p.Now(), 1000)
		if err != nil {
			return total, err
		}
		total += n
		if n == 0 {
			return total, nil
		}
		p.Progress()
	}
}

// LetGo has whoever the setup's share holds out no more come again, in the backfill lane: the share was lowered, or the holdout switched off.
func LetGo(ctx context.Context, p *pipeline.Pipeline) (int, error) {
	total := 0
	for after, more := state.PersonID(0), p.DB().Stats().HeldOut > 0; more; {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, last, err := p.DB().LetGo(p.Setup().Holdout, after, 1000, p.Now())
		if err != nil {
			return total, err
		}
		total += n
		after, more = last, last > 0
	}
	return total, nil
}

// Rescan enqueues everybody into the backfill lane: after a change of the config that changes scores or texts. It walks in
// short transactions. One that was interrupted is to be asked for again from the start: who is queued twice is worked on once.
func Rescan(ctx context.Context, p *pipeline.Pipeline, why state.Reason) (int, error) {
	unlock, ok := p.TryLock("rescan")
	if !ok {
		return 0, pipeline.ErrBusy
	}
	defer unlock()
	total := 0
	for after, more := state.PersonID(0), true; more; {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, last, err := p.DB().EnqueueEverybody(after, 1000, why, p.Now())
		if err != nil {
			return total, err
		}
		total += n
		after, more = last, n > 0
	}
	return total, nil
}
