package app

import (
	"context"
	"fmt"
	"time"

	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/score"
)

var snapshotsAt = operation("snapshots_at", func(a *App, _ context.Context, asked []operate.AskedSnapshot) (*operate.KeptSnapshots, error) {
	return operate.SnapshotsAt(a.pipe, asked)
})

// behind is how much newer than a snapshot something in a rebuilt journey is where the daemon did not follow at the time.
const behind = 24 * time.Hour

// recall puts what the daemon kept of a moment in the place of what was rebuilt for it, where it ran then: that is what was known, whatever sources tell of the moment today.
func (b *dealBacktest) recall(ctx context.Context, cases []outcomeCase, made []backtest.Person) error {
	if b.o.History == nil {
		return nil
	}
	asked := make([]operate.AskedSnapshot, len(cases))
	for i := range cases {
		asked[i] = operate.AskedSnapshot{Ref: cases[i].who.Contact.Ref, At: made[i].Snapshot.At}
	}
	kept, err := snapshotsAt.Do(ctx, b.o.History, asked)
	if err != nil {
		return fmt.Errorf("what the daemon kept of then: %w", err)
	}
	set := scoreSettings(b.cfg)
	for i := range made {
		body := kept.Snapshots[i].Body
		if body == nil {
			continue
		}
		snap, err := score.DecodeSnapshot(body)
		if err != nil {
			continue // of a later release
		}
		if !snap.Features.Whole {
			continue // of before visits and names of pages were kept: facts would be missing beside those who were rebuilt
		}
		s := made[i].Snapshot
		if n := len(s.Features.Signals); n > 0 && s.Features.Signals[n-1].At > kept.Snapshots[i].Since.Add(behind).Unix() {
			continue
		}
		was, known := kept.Settings[snap.Settings]
		if !known {
			was = set
		}
		s.Features = b.setup.Restate(ctx, &snap, &was)
		b.recalled[s] = true
		if n := len(s.Features.Signals); s.Steps == 0 && n > 0 { // no source tells of it any more
			first, last := time.Unix(s.Features.Signals[0].At, 0).UTC(), time.Unix(s.Features.Signals[n-1].At, 0).UTC()
			s.Steps, s.Last = n, last
			made[i].ActiveDays = daysBefore(s.At, last)
			if b.begins.IsZero() || first.Before(b.begins) {
				b.begins = first
			}
		}
	}
	return nil
}

// tellRecalled says how many of the people are as they were known then, and how many as they were rebuilt.
func (b *dealBacktest) tellRecalled(people []backtest.Person) {
	if b.o.History == nil {
		return
	}
	kept := 0
	for i := range people {
		if b.recalled[people[i].Snapshot] {
			kept++
		}
	}
	b.remarks = append(b.remarks, fmt.Sprintf("%d of %d as the daemon knew them then, by its snapshots; %d by their journeys, rebuilt as of the date", kept, len(people), len(people)-kept))
}
