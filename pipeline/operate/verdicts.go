package operate

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/verdicts"
	"github.com/intentd/intentd/state"
)

// verdictPage is how many verdicts are read at once.
const verdictPage = 500

// Verdicts reports how far reps and score agree, by the verdicts since a time; zero: all that are kept.
func Verdicts(ctx context.Context, p *pipeline.Pipeline, since time.Time) (*verdicts.Report, error) {
	r := verdicts.NewReport(since)
	for from, more := state.PersonID(0), true; more; more = from != 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if from, err = eachVerdict(p, from, func(v *verdicts.Verdict) error { r.Add(v); return nil }); err != nil {
			return nil, err
		}
	}
	r.Close()
	return r, nil
}

// NewestVerdicts calls do with the newest verdict on each person.
func NewestVerdicts(ctx context.Context, p *pipeline.Pipeline, do func(*verdicts.Verdict)) error {
	var last *verdicts.Verdict
	for from, more := state.PersonID(0), true; more; more = from != 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if from, err = eachVerdict(p, from, func(v *verdicts.Verdict) error {
			if last != nil && last.Person != v.Person {
				do(last)
			}
			newer := *v
			last = &newer
			return nil
		}); err != nil {
			return err
		}
	}
	if last != nil {
		do(last)
	}
	return nil
}

// Labels are a part of the labelled set that the verdicts make.
type Labels struct {
	Lines   []byte         `json:"lines"` // JSON lines
	Written int            `json:"written"`
	Next    state.PersonID `json:"next"` // where the next part begins; 0: this was the last
}

// VerdictLabels writes verdicts since a time as a labelled set, a part at a time. Facts are worked out from what was kept with each verdict, by the present settings.
func VerdictLabels(p *pipeline.Pipeline, since time.Time, from state.PersonID) (Labels, error) {
	var lines bytes.Buffer
	out := verdicts.NewLabels(&lines)
	set := p.Setup().Score
	next, err := eachVerdict(p, from, func(v *verdicts.Verdict) error {
		if v.At.Before(since) {
			return nil
		}
		return out.Add(v, &set)
	})
	return Labels{lines.Bytes(), out.Written, next}, err
}

// eachVerdict goes through a page of verdicts, and says from whom to go on; 0 at the end.
func eachVerdict(p *pipeline.Pipeline, from state.PersonID, do func(*verdicts.Verdict) error) (next state.PersonID, err error) {
	people, next, err := p.DB().VerdictsFrom(from, verdictPage)
	if err != nil {
		return 0, fmt.Errorf("read verdicts: %w", err)
	}
	for _, on := range people {
		for _, said := range on.Verdicts {
			v := verdicts.Verdict{Person: on.Person.Key(), Verdict: said.Verdict, At: said.At}
			if len(said.Judged) > 0 {
				if v.Judged, err = verdicts.Decode(said.Judged); err != nil {
					return 0, err
				}
			}
			if err := do(&v); err != nil {
				return 0, err
			}
		}
	}
	return next, nil
}
