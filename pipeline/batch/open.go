package batch

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/state"
)

// ready says whether a job is to be opened now: enough is collected, or it has waited long enough.
func (b *Jobs) ready() bool {
	v, engine := b.o.Host.Batch()
	b.mu.Lock()
	defer b.mu.Unlock()
	if v == nil || !b.joinable || len(b.collected) == 0 || b.version != engine.Version() || len(b.under) >= jobsOut || b.o.Now().Before(b.pause) {
		return false
	}
	size := 0
	for i := range b.collected {
		size += b.collected[i].bytes
	}
	terms := v.Model.Batching()
	return !v.On || len(b.collected) >= terms.Prompts || size >= terms.Bytes || b.o.Now().Sub(b.since) >= collectFor
}

// open keeps a job of what is collected and opens it. Whether it was opened is sometimes not known: the vendor's list then tells.
func (b *Jobs) open(ctx context.Context) error {
	v, engine := b.o.Host.Batch()
	if v == nil {
		return nil
	}
	job, asks, err := b.fill(v, engine)
	if err != nil || job == nil {
		return err
	}
	if err := b.o.DB.OpenBatch(job); err != nil {
		return err
	}
	prompts := make([]connectors.Prompt, len(asks))
	for i := range asks {
		prompts[i] = asks[i].Prompt
	}
	err = v.Model.Submit(ctx, job.Token, prompts)
	if err == nil {
		b.o.Logger.Info("texts are asked by a job: half the price, some hours later", "job", job.Token, "prompts", len(prompts), "people", len(job.People))
		return nil
	}
	if connectors.KindOf(err) == connectors.Transient {
		return fmt.Errorf("whether job %s was opened is not known yet: %w", job.Token, err)
	}
	b.mu.Lock()
	b.pause = b.o.Now().Add(pauseAfter)
	if until := connectors.Until(err); until.After(b.pause) {
		b.pause = until
	}
	b.mu.Unlock()
	err = fmt.Errorf("open job %s: %w", job.Token, err)
	// Not opened. A limit or a credential is waited out; what the vendor refuses is asked directly.
	if connectors.KindOf(err) == connectors.Rejected {
		b.unanswered(v, engine, job, err)
		return errors.Join(err, b.close(job))
	}
	b.putBack(job, asks)
	return errors.Join(err, b.o.DB.DropBatch(job.Token))
}

// fill makes a job of what is collected, as much as one may hold; nil if nothing is left to be asked.
func (b *Jobs) fill(v *Vendor, engine intent.LaterEngine) (*state.Batch, []collected, error) {
	var raw [8]byte
	rand.Read(raw[:]) // never fails
	b.mu.Lock()
	defer b.mu.Unlock()
	terms := v.Model.Batching()
	job := &state.Batch{Token: "intentd-" + hex.EncodeToString(raw[:]), Opened: b.o.Now(), Version: engine.Version()}
	var asks []collected
	size, taken := 0, 0
	for ; taken < len(b.collected) && len(asks) < terms.Prompts; taken++ {
		a := &b.collected[taken]
		if size += a.bytes; len(asks) > 0 && size > terms.Bytes {
			break
		}
		row := state.BatchAsk{N: len(asks), Purpose: a.Prompt.Purpose, Inputs: a.Inputs, Reserved: a.likely}
		if a.Person != "" {
			id, ok := state.ParsePersonKey(a.Person)
			if alive, err := b.o.DB.HasPerson(id); err != nil {
				return nil, nil, err
			} else if !ok || !alive { // forgotten meanwhile
				v.Ledger.BookLater(connectors.Usage{}, a.likely)
				continue
			}
			row.Person = id
		}
		for _, k := range a.Keys {
			row.Keys = append(row.Keys, []byte(k))
		}
		job.Reserved += a.likely
		job.Asks, asks = append(job.Asks, row), append(asks, *a)
	}
	b.collected = slices.Clone(b.collected[taken:]) // what went is let go
	b.since = b.o.Now()
	for id := range b.people {
		job.People = append(job.People, id)
	}
	// Whoever awaits a prompt of the next job, too, is looked at when this one is in, and waits on.
	clear(b.people)
	if len(asks) == 0 {
		return nil, nil, nil
	}
	b.track(job)
	return job, asks, nil
}

// putBack collects again what a job held that was not opened.
func (b *Jobs) putBack(j *state.Batch, asks []collected) {
	b.leave(j.Token)
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.under, j.Token)
	for i := range asks {
		b.add(asks[i])
	}
	for _, id := range j.People {
		b.people[id] = true
	}
}
