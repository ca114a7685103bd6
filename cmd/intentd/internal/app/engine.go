package app

import (
	"fmt"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/score"
)

// Learned is what was learned from outcomes and is applied; what is nil was not learned.
type Learned struct {
	Weights   *score.Weights
	Strengths *learn.Strengths
	Engine    string // the engine that did best out of time: auto takes propensity only where it is that
}

// settings are the numbers that scores are worked out by: those of the configuration, and what was learned in their place where its engine asks for that. What is asked for and
// not learned yet leaves the formula.
func (b *builder) settings() (score.Settings, error) {
	s := scoreSettings(b.cfg)
	asked := b.cfg.Scoring.Engine
	told := b.a.o.Learned
	if told == nil && b.a.db != nil {
		told = b.a.learned
	}
	if told == nil || asked != config.EngineWeights && asked != config.EnginePropensity && asked != config.EngineAuto {
		return s, nil
	}
	l, err := told()
	if err != nil {
		return s, fmt.Errorf("what was learned: %w", err)
	}
	strengths := asked == config.EnginePropensity || asked == config.EngineAuto && l.Engine == config.EnginePropensity
	if strengths && l.Strengths != nil {
		if s.Additive, err = l.Strengths.Additive(); err != nil {
			b.a.log.Error("the applied strengths cannot be scored by, so that the formula goes on", "error", err)
			s.Additive = nil
		}
		return s, nil
	}
	if l.Weights != nil && asked != config.EnginePropensity {
		s.Weights, s.Learned = *l.Weights, true
	}
	return s, nil
}

// Relearn puts what is applied of what was learned in force, as a changed configuration is: scores follow by what is stored, and no model is asked.
func (a *App) Relearn() error {
	a.reload.Lock()
	defer a.reload.Unlock()
	return a.swap(a.Config())
}
