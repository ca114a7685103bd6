package privacy

import (
	"context"

	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/state"
)

// Retain drops what is older than the config keeps: receipts, snapshots and cache entries. Not while the clock is in doubt (invariant 13).
func Retain(ctx context.Context, p *pipeline.Pipeline) error {
	if err := p.ClockDoubt(); err != nil {
		return err
	}
	kept, now := p.Setup().ReceiptsKept, p.Now()
	purge := func(do func() (int, error)) error {
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			if n, err := do(); err != nil || n == 0 {
				return err
			}
		}
	}
	if kept > 0 {
		if err := purge(func() (int, error) { return p.DB().PurgeReceipts(now.Add(-kept), 1000) }); err != nil {
			return err
		}
	}
	if kept := p.Setup().SnapshotsKept; kept > 0 {
		for from := state.PersonID(1); from > 0; {
			if err := ctx.Err(); err != nil {
				return err
			}
			var err error
			if _, from, err = p.DB().PurgeSnapshots(now.Add(-kept), from, 1000); err != nil {
				return err
			}
		}
	}
	for _, cache := range []string{"stage1", "topics"} {
		if err := purge(func() (int, error) { return p.DB().PurgeCache(cache, now, 1000) }); err != nil {
			return err
		}
	}
	return nil
}
