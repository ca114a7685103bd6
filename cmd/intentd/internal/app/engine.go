package app

import (
	"fmt"
	"slices"

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
	told := b.a.applied()
	if told == nil || asked != config.EngineWeights && asked != config.EnginePropensity && asked != config.EngineAuto {
		return s, nil
	}
	l, err := told()
	if err != nil {
		return s, fmt.Errorf("what was learned: %w", err)
	}
	strengths := asked == config.EnginePropensity || asked == config.EngineAuto && l.Engine == config.EnginePropensity
	if strengths && l.Strengths != nil {
		kept := b.cfg.ProfileNames()
		if s.Additive, err = l.Strengths.Additive(kept); err != nil {
			b.a.log.Error("the applied strengths cannot be scored by, so that the formula goes on", "error", err)
			s.Additive = nil
		} else if gone := without(l.Strengths.Profile(), kept); gone != nil {
			b.a.log.Warn("the applied strengths go by properties that no learning_profile names any more: everybody counts there as people do on average, until strengths are learned anew", "properties", gone)
		}
		return s, nil
	}
	if l.Weights != nil && asked != config.EnginePropensity {
		s.Weights, s.Learned = *l.Weights, true
	}
	return s, nil
}

// applied tells what was learned and is applied; nil without a state.
func (a *App) applied() func() (Learned, error) {
	if a.o.Learned != nil || a.db == nil {
		return a.o.Learned
	}
	return a.learned
}

// without are the names that are not among others.
func without(names, others []string) (left []string) {
	for _, name := range names {
		if !slices.Contains(others, name) {
			left = append(left, name)
		}
	}
	return left
}

// Relearn puts what is applied of what was learned in force, as a changed configuration is: scores follow by what is stored, and no model is asked.
func (a *App) Relearn() error {
	a.reload.Lock()
	defer a.reload.Unlock()
	return a.swap(a.Config())
}
