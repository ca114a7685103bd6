package crmkit

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Plan is what provisioning would do, in order.
type Plan []Step

// Step is a step of a plan with what carries it out.
type Step struct {
	connectors.FieldStep
	Do func(context.Context) error // nil: nothing is to be done
}

// Refuse is the step of what cannot be done, and why.
func (s Step) Refuse(fix, why string, args ...any) Step {
	s.Action, s.Why, s.Fix = connectors.FieldRefuse, fmt.Sprintf(why, args...), fix
	return s
}

// Found is the step of a property that is there and can be used.
func (s Step) Found(ours bool) Step {
	s.Action = connectors.FieldOK
	if !ours {
		s.Action, s.Why = connectors.FieldAdopt, "it was not made by intentd and is used as it is"
	}
	return s
}

// Lacks is the step of a found property that lacks some of its options, or values, which do adds.
func (s Step) Lacks(what string, missing []string, do func(context.Context) error) Step {
	if len(missing) == 0 {
		return s
	}
	s.Why, s.Do = "it lacks the "+what+" "+strings.Join(missing, ", "), do
	if s.Action == connectors.FieldOK {
		s.Action = connectors.FieldUpdate
	}
	return s
}

// Steps are the steps as they are told.
func (p Plan) Steps() []connectors.FieldStep {
	out := make([]connectors.FieldStep, len(p))
	for i := range p {
		out[i] = p[i].FieldStep
	}
	return out
}

// refusal is the Config error of a plan with steps that cannot be done; nil if it has none.
func (p Plan) refusal(c *transport.Client) error {
	var why, fix []string
	for _, s := range p {
		if s.Action == connectors.FieldRefuse {
			why = append(why, s.Object+" "+s.Field+": "+s.Why)
			fix = append(fix, s.Fix)
		}
	}
	if why == nil {
		return nil
	}
	e := c.Err(connectors.Config, "provision", "", strings.Join(why, "; "))
	e.Fix = strings.Join(slices.Compact(fix), "; ")
	return e
}

// Apply does what a fresh plan says, unless a step of it cannot be done, and judges the outcome by the plan that follows: of what
// somebody made in the meantime, and of what came back as it once was. It returns the steps that were done.
func Apply(ctx context.Context, c *transport.Client, plan func(context.Context) (Plan, error)) ([]connectors.FieldStep, error) {
	p, err := plan(ctx)
	if err == nil {
		err = p.refusal(c)
	}
	if err != nil {
		return nil, err
	}
	var done []connectors.FieldStep
	for _, s := range p {
		if s.Do == nil {
			continue
		}
		if err := s.Do(ctx); err != nil {
			return done, err
		}
		done = append(done, s.FieldStep)
	}
	if len(done) == 0 {
		return nil, nil
	}
	if p, err = plan(ctx); err == nil {
		err = p.refusal(c)
	}
	return done, err
}
