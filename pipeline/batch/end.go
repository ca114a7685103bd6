package batch

import (
	"context"
	"fmt"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// end lets people go on, deletes what lies at the vendor's, and forgets the job. What cannot be deleted now is deleted at a later look.
func (b *Jobs) end(ctx context.Context, v *Vendor, j *state.Batch) error {
	if err := b.endWait(j); err != nil {
		return err
	}
	if err := v.Model.Discard(ctx, j.Token); err != nil {
		return fmt.Errorf("delete job %s at the vendor's: %w", j.Token, err)
	}
	return b.close(j)
}

// close forgets a job of which nothing lies at the vendor's, and lets go on who waits for it.
func (b *Jobs) close(j *state.Batch) error {
	if err := b.endWait(j); err != nil {
		return err
	}
	b.mu.Lock()
	delete(b.under, j.Token)
	b.mu.Unlock()
	return b.o.DB.DropBatch(j.Token)
}

// endWait has whoever waits for a job worked on, once its answers are kept. What it was asked and did not answer may be asked again.
func (b *Jobs) endWait(j *state.Batch) error {
	if err := b.o.DB.Flush(); err != nil {
		return err
	}
	b.leave(j.Token)
	if v, _ := b.o.Host.Batch(); v != nil {
		for i := range j.Asks {
			v.Ledger.BookLater(connectors.Usage{}, j.Asks[i].Reserved)
		}
	}
	if err := b.o.DB.EndBatchWait(j.Token); err != nil {
		return err
	}
	b.mu.Lock()
	j.Asks, j.People = nil, nil
	b.mu.Unlock()
	b.o.Host.Wake()
	return nil
}

// leave has nobody join a job any more, which is over.
func (b *Jobs) leave(token string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, of := range b.awaited {
		if of == token {
			delete(b.awaited, name)
		}
	}
}

// Void takes somebody who is forgotten out of all jobs: what is collected is dropped, answers to come are thrown away, and jobs that hold
// their prompts are ended and deleted at the vendor's. Whoever else was in them is asked about anew.
func (b *Jobs) Void(ctx context.Context, id state.PersonID) error {
	if id == 0 {
		return nil
	}
	b.looking.Lock()
	defer b.looking.Unlock()
	tokens, err := b.o.DB.BatchesOf(id)
	if err != nil {
		return err
	}
	v, _ := b.o.Host.Batch()
	for _, token := range tokens {
		b.mu.Lock()
		j := b.under[token]
		b.mu.Unlock()
		if j == nil {
			continue
		}
		if v == nil {
			b.o.Logger.Warn("a job at a model's vendor holds somebody who is forgotten, and the config no longer names that model: it lies there until it expires", "job", token)
		} else if err := b.end(ctx, v, j); err != nil {
			return err
		}
	}
	b.mu.Lock()
	delete(b.people, id)
	b.drop(v, func(g *collected) bool { return g.Person == id.Key() })
	for _, j := range b.under {
		for i := range j.Asks {
			if j.Asks[i].Person == id {
				j.Asks[i] = state.BatchAsk{N: j.Asks[i].N, Purpose: j.Asks[i].Purpose, Reserved: j.Asks[i].Reserved, Void: true}
			}
		}
	}
	b.mu.Unlock()
	return b.o.DB.VoidBatches(id)
}
