package batch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// Run opens jobs and takes their answers in, until ctx ends. While it runs people may wait for jobs.
func (b *Jobs) Run(ctx context.Context) {
	b.mu.Lock()
	b.joinable, b.strayLook = true, time.Time{}
	b.mu.Unlock()
	defer b.Join(false)
	for ctx.Err() == nil {
		b.Look(ctx)
		t := time.NewTimer(lookEvery)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// Look takes in what jobs have answered, and opens one if enough is collected and people may wait for it.
func (b *Jobs) Look(ctx context.Context) {
	b.looking.Lock()
	defer b.looking.Unlock()
	b.mu.Lock()
	var jobs []*state.Batch
	for _, j := range b.under {
		jobs = append(jobs, j)
	}
	b.mu.Unlock()
	var failing error
	for _, j := range jobs {
		if err := b.lookAt(ctx, j); err != nil && ctx.Err() == nil {
			failing = errors.Join(failing, err)
		}
	}
	b.dropOutdated()
	for ctx.Err() == nil && b.ready() {
		if err := b.open(ctx); err != nil {
			failing = errors.Join(failing, err)
			break
		}
	}
	b.mu.Lock()
	b.failing = failing
	stays := b.joinable
	b.mu.Unlock()
	if stays {
		b.endStrayWaits()
	}
	if failing != nil {
		b.o.Logger.Warn("jobs at the model's vendor", "error", failing)
	}
}

// lookAt takes in what a job has answered, if it is over.
func (b *Jobs) lookAt(ctx context.Context, j *state.Batch) error {
	v, engine := b.o.Host.Batch()
	if v == nil {
		b.o.Logger.Warn("the config names no model that takes jobs any more: a job lies at its vendor until it expires there, and its texts are asked anew", "job", j.Token)
		return b.close(j)
	}
	if engine.Version() != j.Version {
		return b.end(ctx, v, j) // its answers are to another model's, or another catalogue's, questions
	}
	done, answers, err := v.Model.Poll(ctx, j.Token)
	age := b.o.Now().Sub(j.Opened)
	deadline := v.Model.Batching().Deadline
	switch {
	case connectors.KindOf(err) == connectors.Gone:
		if age < listedBy && len(j.Asks) > 0 {
			return nil // lists lag behind
		}
		return b.close(j)
	case !done && age > deadline:
		late := fmt.Errorf("job %s of %d prompts is not over after %s and is given up: its texts are asked one by one", j.Token, len(j.Asks), deadline)
		b.o.Logger.Error("a job at the model's vendor is given up", "job", j.Token, "prompts", len(j.Asks), "people", len(j.People), "error", errors.Join(late, err))
		b.unanswered(v, engine, j, late)
		return b.end(ctx, v, j)
	case err != nil:
		return fmt.Errorf("look at job %s: %w", j.Token, err)
	case !done:
		return nil
	}
	b.takeAnswers(v, engine, j, answers)
	return b.end(ctx, v, j)
}

// dropOutdated drops what was collected for another model, other prompts or another catalogue: whoever awaits it asks anew.
func (b *Jobs) dropOutdated() {
	v, engine := b.o.Host.Batch()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.collected) == 0 || v != nil && engine.Version() == b.version {
		return
	}
	b.drop(v, func(*collected) bool { return true })
	b.strayLook = time.Time{}
	clear(b.people)
}

// endStrayWaits has people worked on who wait for a job that does not exist: the process ended before it was opened.
func (b *Jobs) endStrayWaits() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.o.Now().Before(b.strayLook) {
		return
	}
	b.strayLook = b.o.Now().Add(Retry)
	still := map[state.PersonID]bool{}
	for id := range b.people {
		still[id] = true
	}
	for _, j := range b.under {
		for _, id := range j.People {
			still[id] = true
		}
	}
	if n, err := b.o.DB.EndWaits(still); err != nil {
		b.o.Logger.Warn("people who wait for a job", "error", err)
	} else if n > 0 {
		b.o.Logger.Info("people waited for a job that was never opened: their texts are asked anew", "people", n)
	}
}
