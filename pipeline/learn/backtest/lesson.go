package backtest

import (
	"context"

	"github.com/intentd/intentd/pipeline/learn"
)

// Lesson is what all people together teach, the newest too: for use. What the like of it is worth says the [Result] of a backtest, in which it is learned from the older alone.
type Lesson struct {
	People, Won int
	Weights     *learn.Weights // nil where nobody has components
	Win, Loss   []learn.Topic
	Strengths   *learn.Strengths // nil: Unlearned says why
	Unlearned   string
	Suspects    []Suspect
}

// Learn learns from everybody of p, as [Run] does from the older. It fails with ErrOneOutcome or when ctx has ended.
func Learn(ctx context.Context, p *Population, prior *learn.Strengths) (*Lesson, error) {
	r := newRun(ctx, p, maxLearned, everybody())
	survey, err := r.look()
	if err != nil {
		return nil, err
	}
	if err := r.strengths(survey, prior); err != nil {
		return nil, err
	}
	l := &Lesson{People: r.result.People, Won: r.result.Won, Strengths: r.result.Strengths, Unlearned: r.result.Unlearned, Suspects: r.result.Suspects}
	if r.parted {
		w := r.deals.weights(p.Settings.Weights)
		l.Weights = &w
	}
	l.Win, l.Loss = r.deals.learnTopics()
	return l, ctx.Err()
}
