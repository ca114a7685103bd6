package app

import (
	"context"
	"time"

	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/state"
)

// ScoresArguments choose changes of scores, those of some people at a time.
type ScoresArguments struct {
	Since time.Time      `json:"since"`
	Until time.Time      `json:"until,omitzero"`
	From  state.PersonID `json:"from"`
}

// scoresAtOnce is of how many people changes are asked for at once: neither side holds more.
const scoresAtOnce = 500

var scores = operation("scores", func(a *App, _ context.Context, arg ScoresArguments) (*operate.ScoreChanges, error) {
	return operate.ChangesSince(a.pipe, arg.Since, arg.Until, arg.From, scoresAtOnce)
})

// Scores calls each with the changes of scores from one time to before another, people by people, until it fails. A zero until is no end.
func Scores(ctx context.Context, t Target, since, until time.Time, each func(*operate.ScoreChange) error) error {
	for from := state.PersonID(1); from > 0; {
		part, err := scores.Do(ctx, t, ScoresArguments{since, until, from})
		if err != nil {
			return err
		}
		for i := range part.Changes {
			if err := each(&part.Changes[i]); err != nil {
				return err
			}
		}
		from = part.Next
	}
	return nil
}
