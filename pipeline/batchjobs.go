package pipeline

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/state"
)

// Batches tells how the jobs at the model's vendor stand.
func (p *Pipeline) Batches() BatchStatus {
	b := &p.batches
	b.mu.Lock()
	defer b.mu.Unlock()
	out := BatchStatus{Jobs: len(b.jobs), Waiting: len(b.people), GivenUp: b.givenUp.n, LastGivenUp: b.givenUp.last}
	for _, j := range b.jobs {
		out.Prompts += len(j.Asks)
		out.Waiting += len(j.People)
		if out.Oldest.IsZero() || j.Opened.Before(out.Oldest) {
			out.Oldest = j.Opened
		}
	}
	if b.givenUp.why != nil {
		out.Why = b.givenUp.why.Error()
	}
	switch {
	case b.failing != nil:
		out.Error = b.failing.Error()
	case b.givenUp.whole && p.now().Sub(b.givenUp.last) < batchStray:
		out.Error = out.Why
	}
	return out
}

// followBatches opens jobs and takes their answers in, until ctx ends.
func (p *Pipeline) followBatches(ctx context.Context) {
	b := &p.batches
	b.mu.Lock()
	b.open, b.stray = true, time.Time{}
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.open = false
		b.mu.Unlock()
	}()
	for ctx.Err() == nil {
		p.lookAtBatches(ctx)
		t := time.NewTimer(batchLook)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// lookAtBatches takes in what jobs have answered, and opens one if enough is gathered and new ones may be opened.
func (p *Pipeline) lookAtBatches(ctx context.Context) {
	b := &p.batches
	b.looking.Lock()
	defer b.looking.Unlock()
	b.mu.Lock()
	var jobs []*state.Batch
	for _, j := range b.jobs {
		jobs = append(jobs, j)
	}
	b.mu.Unlock()
	var failing error
	for _, j := range jobs {
		if err := p.lookAtBatch(ctx, j); err != nil && ctx.Err() == nil {
			failing = errors.Join(failing, err)
		}
	}
	p.dropOutdated()
	for ctx.Err() == nil && p.batchReady() {
		if err := p.openBatch(ctx); err != nil {
			failing = errors.Join(failing, err)
			break
		}
	}
	b.mu.Lock()
	b.failing = failing
	open := b.open
	b.mu.Unlock()
	if open {
		p.endStrayWaits()
	}
	if failing != nil {
		p.log.Warn("jobs at the model's vendor", "error", failing)
	}
}

// dropOutdated drops what was gathered for another model, other prompts or another catalogue: whoever waits for it asks anew.
func (p *Pipeline) dropOutdated() {
	s, b := p.Setup(), &p.batches
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.asks) == 0 || s.Batch != nil && s.Engine.Version() == b.version {
		return
	}
	b.drop(s.Batch, func(*gathered) bool { return true })
	b.stray = time.Time{}
	clear(b.people)
}

// endStrayWaits has people worked on who wait for a job that does not exist: the process ended before it was opened.
func (p *Pipeline) endStrayWaits() {
	b := &p.batches
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.now().Before(b.stray) {
		return
	}
	b.stray = p.now().Add(batchStray)
	still := map[state.PersonID]bool{}
	for id := range b.people {
		still[id] = true
	}
	for _, j := range b.jobs {
		for _, id := range j.People {
			still[id] = true
		}
	}
	if n, err := p.db.EndWaits(still); err != nil {
		p.log.Warn("people who wait for a job", "error", err)
	} else if n > 0 {
		p.log.Info("people waited for a job that was never opened: their texts are asked anew", "people", n)
	}
}

// batchReady says whether a job is to be opened now: enough is gathered, or it has waited long enough.
func (p *Pipeline) batchReady() bool {
	s, b := p.Setup(), &p.batches
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.Batch == nil || !b.open || len(b.asks) == 0 || b.version != s.Engine.Version() || len(b.jobs) >= batchesOut || p.now().Before(b.pause) {
		return false
	}
	size := 0
	for i := range b.asks {
		size += b.asks[i].bytes
	}
	terms := s.Batch.Model.Batching()
	return !s.Batch.On || len(b.asks) >= terms.Prompts || size >= terms.Bytes || p.now().Sub(b.since) >= batchGather
}

// openBatch keeps a job of what is gathered and opens it. Whether it was opened is sometimes not known: the vendor's list then tells.
func (p *Pipeline) openBatch(ctx context.Context) error {
	s, b := p.Setup(), &p.batches
	job, asks, err := p.takeGathered(s)
	if err != nil || job == nil {
		return err
	}
	if err := p.db.OpenBatch(job); err != nil {
		return err
	}
	prompts := make([]connectors.Prompt, len(asks))
	for i := range asks {
		prompts[i] = asks[i].Prompt
	}
	err = s.Batch.Model.Submit(ctx, job.Token, prompts)
	if err == nil {
		p.log.Info("texts are asked by a job: half the price, some hours later", "job", job.Token, "prompts", len(prompts), "people", len(job.People))
		return nil
	}
	if connectors.KindOf(err) == connectors.Transient {
		return fmt.Errorf("whether job %s was opened is not known yet: %w", job.Token, err)
	}
	b.mu.Lock()
	b.pause = p.now().Add(batchPause)
	if until := connectors.Until(err); until.After(b.pause) {
		b.pause = until
	}
	b.mu.Unlock()
	err = fmt.Errorf("open job %s: %w", job.Token, err)
	// Not opened. A limit or a credential is waited out; what the vendor refuses is asked directly.
	if connectors.KindOf(err) == connectors.Rejected {
		p.unanswered(s, job, err)
		return errors.Join(err, p.closeBatch(job))
	}
	b.putBack(job, asks)
	return errors.Join(err, p.db.DropBatch(job.Token))
}

// takeGathered makes a job of what is gathered, as much as one may hold.
func (p *Pipeline) takeGathered(s *Setup) (*state.Batch, []gathered, error) {
	var raw [8]byte
	rand.Read(raw[:]) // never fails
	b := &p.batches
	b.mu.Lock()
	defer b.mu.Unlock()
	terms := s.Batch.Model.Batching()
	job := &state.Batch{Token: "intentd-" + hex.EncodeToString(raw[:]), Opened: p.now(), Version: s.Engine.Version()}
	var asks []gathered
	size, taken := 0, 0
	for ; taken < len(b.asks) && len(asks) < terms.Prompts; taken++ {
		a := &b.asks[taken]
		if size += a.bytes; len(asks) > 0 && size > terms.Bytes {
			break
		}
		row := state.BatchAsk{N: len(asks), Purpose: a.Prompt.Purpose, Inputs: a.Inputs, Reserved: a.likely}
		if a.Person != "" {
			id, ok := state.ParsePersonKey(a.Person)
			if alive, err := p.db.HasPerson(id); err != nil {
				return nil, nil, err
			} else if !ok || !alive { // forgotten meanwhile
				s.Batch.Ledger.BookLater(connectors.Usage{}, a.likely)
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
	b.asks = slices.Clone(b.asks[taken:]) // what went is let go
	b.since = p.now()
	for id := range b.people {
		job.People = append(job.People, id)
	}
	// Whoever waits for a prompt of the next job, too, is looked at when this one is in, and waits on.
	clear(b.people)
	if len(asks) == 0 {
		return nil, nil, nil
	}
	b.follow(job)
	return job, asks, nil
}

// lookAtBatch takes in what a job has answered, if it is over.
func (p *Pipeline) lookAtBatch(ctx context.Context, j *state.Batch) error {
	s := p.Setup()
	later, ok := s.Engine.(intent.LaterEngine)
	if s.Batch == nil || !ok {
		p.log.Warn("the config names no model that takes jobs any more: a job lies at its vendor until it expires there, and its texts are asked anew", "job", j.Token)
		return p.closeBatch(j)
	}
	if later.Version() != j.Version {
		return p.endBatch(ctx, s, j) // its answers are to another model's, or another catalogue's, questions
	}
	done, answers, err := s.Batch.Model.Poll(ctx, j.Token)
	age := p.now().Sub(j.Opened)
	switch {
	case connectors.KindOf(err) == connectors.Gone:
		if age < batchFound && len(j.Asks) > 0 {
			return nil // lists lag behind
		}
		return p.closeBatch(j)
	case !done && age > s.Batch.Model.Batching().Deadline:
		late := fmt.Errorf("job %s of %d prompts is not over after %s and is given up: its texts are asked one by one", j.Token, len(j.Asks), s.Batch.Model.Batching().Deadline)
		p.log.Error("a job at the model's vendor is given up", "job", j.Token, "prompts", len(j.Asks), "people", len(j.People), "error", errors.Join(late, err))
		p.unanswered(s, j, late)
		return p.endBatch(ctx, s, j)
	case err != nil:
		return fmt.Errorf("look at job %s: %w", j.Token, err)
	case !done:
		return nil
	}
	p.takeAnswers(s, later, j, answers)
	return p.endBatch(ctx, s, j)
}

// takeAnswers keeps a job's answers, one by one.
func (p *Pipeline) takeAnswers(s *Setup, later intent.LaterEngine, j *state.Batch, answers []connectors.BatchAnswer) {
	rows, asked, lost := map[int]*state.BatchAsk{}, len(j.Asks), 0
	for i := range j.Asks {
		rows[j.Asks[i].N] = &j.Asks[i]
	}
	for i := range answers {
		a := &answers[i]
		row := rows[a.Prompt]
		if row == nil {
			continue
		}
		delete(rows, a.Prompt)
		if a.Err != nil && connectors.KindOf(a.Err) != connectors.Rejected { // a refusal is an answer
			lost++
		}
		p.answered(s, later, j, row, a.Completion, a.Err)
	}
	lost += len(rows)
	defer p.settledAsks(j)
	for _, row := range rows {
		p.answered(s, later, j, row, connectors.Completion{}, errors.New("the job did not answer this prompt"))
	}
	p.log.Info("a job at the model's vendor is in", "job", j.Token, "answers", len(answers), "missing", lost, "people", len(j.People))
	if lost > 0 {
		p.batches.giveUp(p.now(), fmt.Errorf("job %s left %d of %d prompts unanswered: they are asked one by one", j.Token, lost, asked), false)
	}
	p.o.Progress()
}

// answered keeps one answer and takes its prompt off the job.
func (p *Pipeline) answered(s *Setup, later intent.LaterEngine, j *state.Batch, row *state.BatchAsk, c connectors.Completion, err error) {
	if !row.Void {
		a := askOf(row)
		later.Answered(&a, c, err)
	}
	s.Batch.Ledger.BookLater(c.Usage, row.Reserved)
	p.db.BatchAnsweredLater(j.Token, *row, p.day(p.now()), c.Usage)
}

// unanswered has all that a job was asked be asked directly.
func (p *Pipeline) unanswered(s *Setup, j *state.Batch, why error) {
	if later, ok := s.Engine.(intent.LaterEngine); ok {
		for i := range j.Asks {
			p.answered(s, later, j, &j.Asks[i], connectors.Completion{}, why)
		}
	}
	p.settledAsks(j)
	p.batches.giveUp(p.now(), why, true)
}

// settledAsks notes that nothing that a job was asked is open any more.
func (p *Pipeline) settledAsks(j *state.Batch) {
	p.batches.mu.Lock()
	defer p.batches.mu.Unlock()
	j.Asks = nil
}

// endBatch lets people go on, deletes what lies at the vendor, and forgets the job. What cannot be deleted now is deleted at a later look.
func (p *Pipeline) endBatch(ctx context.Context, s *Setup, j *state.Batch) error {
	if err := p.endWait(s, j); err != nil {
		return err
	}
	if err := s.Batch.Model.Discard(ctx, j.Token); err != nil {
		return fmt.Errorf("delete job %s at the vendor's: %w", j.Token, err)
	}
	return p.closeBatch(j)
}

// endWait has whoever waits for a job worked on, once its answers are kept. What it was not asked of is open again.
func (p *Pipeline) endWait(s *Setup, j *state.Batch) error {
	if err := p.db.Flush(); err != nil {
		return err
	}
	p.batches.leave(j.Token)
	if s.Batch != nil {
		for i := range j.Asks {
			s.Batch.Ledger.BookLater(connectors.Usage{}, j.Asks[i].Reserved)
		}
	}
	if err := p.db.EndBatchWait(j.Token); err != nil {
		return err
	}
	p.batches.mu.Lock()
	j.Asks, j.People = nil, nil
	p.batches.mu.Unlock()
	p.Wake()
	return nil
}

// closeBatch forgets a job and lets go on who waits for it.
func (p *Pipeline) closeBatch(j *state.Batch) error {
	if err := p.endWait(p.Setup(), j); err != nil {
		return err
	}
	p.batches.mu.Lock()
	delete(p.batches.jobs, j.Token)
	p.batches.mu.Unlock()
	return p.db.DropBatch(j.Token)
}

// VoidBatches takes somebody who is forgotten out of all jobs: what is gathered is dropped, answers to come are thrown away, and jobs that hold
// their prompts are ended and deleted at the vendor's. Whoever else was in them is asked anew.
func (p *Pipeline) VoidBatches(ctx context.Context, id state.PersonID) error {
	if id == 0 {
		return nil
	}
	b := &p.batches
	b.looking.Lock()
	defer b.looking.Unlock()
	tokens, err := p.db.BatchesOf(id)
	if err != nil {
		return err
	}
	s := p.Setup()
	for _, token := range tokens {
		b.mu.Lock()
		j := b.jobs[token]
		b.mu.Unlock()
		if j == nil {
			continue
		}
		if s.Batch == nil {
			p.log.Warn("a job at a model's vendor holds somebody who is forgotten, and the config no longer names that model: it lies there until it expires", "job", token)
		} else if err := p.endBatch(ctx, s, j); err != nil {
			return err
		}
	}
	b.mu.Lock()
	delete(b.people, id)
	b.drop(s.Batch, func(g *gathered) bool { return g.Person == id.Key() })
	for _, j := range b.jobs {
		for i := range j.Asks {
			if j.Asks[i].Person == id {
				j.Asks[i] = state.BatchAsk{N: j.Asks[i].N, Purpose: j.Asks[i].Purpose, Reserved: j.Asks[i].Reserved, Void: true}
			}
		}
	}
	b.mu.Unlock()
	return p.db.VoidBatches(id)
}
