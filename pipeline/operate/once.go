package operate

import (
	"context"
	"fmt"

	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/privacy"
)

// Once polls, sweeps where a first sync is due, listens, looks for due people and works until nothing is left. It goes on past
// a connector that fails and returns all failures joined.
func Once(ctx context.Context, p *pipeline.Pipeline) (intake.Found, error) {
	var sum intake.Found
	var failures []error
	note := func(f intake.Found, err error) {
		sum.Add(f.Taken)
		sum.Pages += f.Pages
		if err != nil {
			failures = append(failures, err)
		}
	}
	s := p.Setup()
	if _, err := privacy.ResumeErasures(ctx, p); err != nil {
		failures = append(failures, err)
	}
	for i := range s.CRMs {
		name := s.CRMs[i].Name
		note(intake.Poll(ctx, p, name))
		if intake.NeedsFirstSync(p, name) {
			note(intake.Sweep(ctx, p, name))
		}
	}
	for i := range s.Sources {
		note(intake.Listen(ctx, p, s.Sources[i].Name, 0))
	}
	if _, err := intake.Due(ctx, p); err != nil {
		failures = append(failures, err)
	}
	if err := p.Drain(ctx); err != nil {
		failures = append(failures, err)
	}
	for i := range s.CRMs {
		if _, err := p.Health().Blocked(s.CRMs[i].Name); err != nil {
			failures = append(failures, err)
		}
	}
	return sum, joinDistinct(failures)
}

// joinDistinct joins errors, each text once.
func joinDistinct(errs []error) error {
	var out []error
	seen := map[string]bool{}
	for _, err := range errs {
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			out = append(out, err)
		}
	}
	switch len(out) {
	case 0:
		return nil
	case 1:
		return out[0]
	}
	return &Failures{Errors: out}
}

// Failures are several independent failures of one run.
type Failures struct{ Errors []error }

func (f *Failures) Error() string {
	s := fmt.Sprintf("%d failures:", len(f.Errors))
	for _, err := range f.Errors {
		s += "\n  " + err.Error()
	}
	return s
}

func (f *Failures) Unwrap() []error { return f.Errors }
