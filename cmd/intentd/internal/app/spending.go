package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// Spending is what the model was asked over some time and what that cost, by stage and person. What one person's texts cost stands in their
// receipt.
type Spending struct {
	People    int64                       `json:"people"` // who got the model's texts
	Rules     int64                       `json:"rules"`  // who got the rules' because the model failed or the budget was spent
	USD       float64                     `json:"usd"`
	PerPerson PerPerson                   `json:"per_person"` // the mean over People; zeros without any
	Stages    map[string]connectors.Usage `json:"stages"`     // by purpose: stage1, stage2, topics
}

// PerPerson is the mean cost of a person's texts.
type PerPerson struct {
	Tokens float64 `json:"tokens"` // in, out and thought
	USD    float64 `json:"usd"`
}

// spendingOf puts the usage of some days together.
func spendingOf(days ...state.DayUsage) *Spending {
	s := &Spending{Stages: map[string]connectors.Usage{}}
	var sum connectors.Usage
	for i := range days {
		s.People += days[i].People
		s.Rules += days[i].Degraded
		for stage, u := range days[i].Model {
			s.Stages[stage] = s.Stages[stage].Add(u)
			sum = sum.Add(u)
		}
	}
	s.mean(sum)
	return s
}

func (s *Spending) mean(sum connectors.Usage) {
	s.USD = float64(sum.MicroUSD) / 1e6
	if n := float64(s.People); n > 0 {
		s.PerPerson = PerPerson{Tokens: float64(tokens(sum)) / n, USD: s.USD / n}
	}
}

// since is what was spent after before, an earlier moment of the same days.
func (s *Spending) since(before *Spending) *Spending {
	out := &Spending{People: s.People - before.People, Rules: s.Rules - before.Rules, Stages: map[string]connectors.Usage{}}
	var sum connectors.Usage
	for stage, u := range s.Stages {
		b := before.Stages[stage]
		u = u.Add(connectors.Usage{Calls: -b.Calls, In: -b.In, Out: -b.Out, Thoughts: -b.Thoughts, Cached: -b.Cached, MicroUSD: -b.MicroUSD})
		if u != (connectors.Usage{}) {
			out.Stages[stage] = u
			sum = sum.Add(u)
		}
	}
	out.mean(sum)
	return out
}

func tokens(u connectors.Usage) int { return u.In + u.Out + u.Thoughts }

// Lines tell it in words: the whole with what a person cost, then each stage.
func (s *Spending) Lines() []string {
	first := fmt.Sprintf("%d people, %.4f USD", s.People, s.USD)
	if s.People == 1 {
		first = fmt.Sprintf("1 person, %.4f USD", s.USD)
	}
	if s.People > 0 {
		first += fmt.Sprintf(": %.0f tokens and %.4f USD a person", s.PerPerson.Tokens, s.PerPerson.USD)
	}
	if s.Rules > 0 {
		first += fmt.Sprintf("; %d more got the rules' texts because it failed or the budget was spent", s.Rules)
	}
	lines := []string{first}
	for _, stage := range slices.Sorted(maps.Keys(s.Stages)) {
		u := s.Stages[stage]
		calls := "1 call"
		if u.Calls != 1 {
			calls = fmt.Sprintf("%d calls", u.Calls)
		}
		lines = append(lines, fmt.Sprintf("%s: %s, %d tokens in, %d out, %.4f USD", stage, calls, u.In, u.Out+u.Thoughts, float64(u.MicroUSD)/1e6))
	}
	return lines
}

// Meter begins to measure what the model costs: the function that it returns tells what was spent since, nil if that was nothing.
func (a *App) Meter() func() *Spending {
	before := a.spent()
	return func() *Spending {
		now := a.spent()
		if before == nil || now == nil {
			return nil
		}
		if s := now.since(before); s.People+s.Rules > 0 || len(s.Stages) > 0 {
			return s
		}
		return nil
	}
}

// spent is everything spent as far as the state goes back; nil if it cannot be read.
func (a *App) spent() *Spending {
	if a.db.Flush() != nil { // what is on its way
		return nil
	}
	days, err := a.db.UsageDays(1 << 20)
	if err != nil {
		return nil
	}
	return spendingOf(days...)
}

// tellSpending puts into the log what the model cost in a run.
func (a *App) tellSpending(s *Spending) {
	if s != nil {
		a.log.Info("what the model was asked and cost: "+strings.Join(s.Lines(), "; "), "people", s.People, "usd", s.USD, "usd_a_person", s.PerPerson.USD)
	}
}
