package pipeline

import (
	"context"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/state"
)

// awaitTexts settles those of the subjects whose texts come by a job, and returns the others.
func (l *lot) awaitTexts(ctx context.Context, engine intent.Engine, subjects []*subject) (rest []*subject, err error) {
	later, ok := engine.(intent.LaterEngine)
	if !ok {
		return subjects, nil
	}
	var candidates []*subject
	for _, s := range subjects {
		if l.byBatch(s) {
			candidates = append(candidates, s)
		} else {
			rest = append(rest, s)
		}
	}
	if len(candidates) == 0 {
		return rest, nil
	}
	in := make([]intent.Subject, len(candidates))
	for i, s := range candidates {
		in[i] = l.asSubject(s)
	}
	b := &l.p.batches
	b.mu.Lock()
	defer b.mu.Unlock()
	asks, awaited, err := later.Asks(ctx, in, func(name string) bool { _, ok := b.under[name]; return ok })
	if err != nil {
		return nil, err
	}
	room := l.gather(asks)
	joined := map[string][]state.PersonID{}
	for i, s := range candidates {
		if len(awaited[i]) == 0 {
			rest = append(rest, s)
			continue
		}
		// They come again once the job is in, and in any case when it must be over.
		s.settled = l.noticed(s, comeBack(state.Backfill, l.now.Add(l.s.Batch.Model.Batching().Deadline+batchStray), state.ReasonText|state.ReasonBatch))
		token, found := "", false
		for _, name := range awaited[i] {
			if of, ok := b.under[name]; ok && (!found || of == "") {
				token, found = of, true
			}
		}
		switch {
		case !found: // no room, or no budget: tomorrow
			at := nextMidnight(l.now, l.s.Fields.Location)
			if room {
				at = l.now.Add(batchStray)
			}
			s.settled = l.noticed(s, comeBack(state.Backfill, at.Add(textOrder(s.shown.Score)), state.ReasonText))
		case token == "":
			b.people[s.id] = true
		default:
			joined[token] = append(joined[token], s.id)
		}
		l.s.Journey.Release(s.journey)
	}
	for token, people := range joined {
		b.jobs[token].People = append(b.jobs[token].People, people...)
		if err := l.p.db.JoinBatch(token, people); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// byBatch says whether a subject's texts are asked by a job.
func (l *lot) byBatch(s *subject) bool {
	if l.dry || l.s.Batch == nil || !l.s.Batch.On || s.entry.Lane != state.Backfill {
		return false
	}
	b := &l.p.batches
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

// gather takes prompts up for the next job, as far as there is room and budget; b.mu is held. It says whether the budget had room for all
// that was looked at: what was left out then waits for a job to end.
func (l *lot) gather(asks []intent.Ask) (budgeted bool) {
	b, set := &l.p.batches, l.s.Batch
	terms := set.Model.Batching()
	if len(b.asks) > 0 && b.version != l.s.Engine.Version() {
		return true // those of the engine before are dropped soon
	}
	for i := range asks {
		a := &asks[i]
		if len(b.asks) >= 2*terms.Prompts || len(b.jobs) >= batchesOut {
			return true
		}
		likely := a.Likely(func(p connectors.Prompt) int64 { return estimate(set.Model, p) }, terms.Share)
		if !set.Ledger.ReserveLater(likely) {
			return false
		}
		if len(b.asks) == 0 {
			b.since, b.version = l.now, l.s.Engine.Version()
		}
		b.await(gathered{*a, likely, promptBytes(&a.Prompt)})
	}
	return true
}
