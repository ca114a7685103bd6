package pipeline

import (
	"context"
	"time"

	"github.com/intentd/intentd/pipeline/batch"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/state"
)

// awaitTexts settles those of the subjects whose texts come by a job of the model's vendor, and returns the others.
func (l *lot) awaitTexts(ctx context.Context, engine intent.Engine, subjects []*subject) (direct []*subject, err error) {
	later, ok := engine.(intent.LaterEngine)
	if !ok {
		return subjects, nil
	}
	var candidates []*subject
	var in []intent.Subject
	var people []state.PersonID
	for _, s := range subjects {
		if !l.byBatch(s) {
			direct = append(direct, s)
			continue
		}
		candidates, in, people = append(candidates, s), append(in, l.asSubject(s)), append(people, s.id)
	}
	if len(candidates) == 0 {
		return direct, nil
	}
	places, err := l.p.batches.Await(ctx, l.s.Batch, later, in, people)
	if err != nil {
		return nil, err
	}
	for i, s := range candidates {
		var at time.Time
		why := state.ReasonText
		switch places[i] {
		case batch.Direct:
			direct = append(direct, s)
			continue
		case batch.Joined: // they come when the job is in, and in any case when it must be over
			at, why = l.now.Add(l.s.Batch.Patience()), why|state.ReasonBatch
		case batch.NoRoom:
			at = l.now.Add(batch.Retry + textOrder(s.shown.Score, l.goesLast(s)))
		case batch.NoBudget:
			at = nextMidnight(l.now, l.s.Fields.Location).Add(textOrder(s.shown.Score, l.goesLast(s)))
		}
		s.settled = l.withChanges(s, comeBack(state.Backfill, at, why))
		l.s.Journey.Release(s.journey)
	}
	return direct, nil
}

// byBatch says whether a subject's texts come by a job.
func (l *lot) byBatch(s *subject) bool {
	return !l.dry && l.s.Batch != nil && l.s.Batch.On && s.entry.Lane == state.Backfill && l.p.batches.Joinable()
}
