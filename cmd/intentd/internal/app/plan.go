package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
)

// PlanArguments bound a dry run.
type PlanArguments struct {
	Limit int    `json:"limit"`
	Who   string `json:"who,omitempty"`
}

// Plan shows field by field what would be written, and before a first sync what it would take.
var Plan = operation("plan", (*App).plan)

func (a *App) plan(ctx context.Context, arg PlanArguments) (*pipeline.Plan, error) {
	a.mu.Lock()
	made, cfg := a.made, a.cfg
	a.mu.Unlock()
	o := pipeline.PlanOptions{Limit: arg.Limit, Who: arg.Who}
	if made.model != nil {
		o.USDPerPerson = a.perPerson(made)
		o.DailyUSD = cfg.Model.DailyBudgetUSD
	}
	for name, c := range a.pipe.Status().Connectors {
		if crm := a.pipe.Setup().CRMs; len(crm) > 0 && crm[0].Name == name && c.Report.DailyLimit > 0 {
			o.CallsPerDay = float64(c.Report.DailyLimit) * (1 - made.reserve)
		}
	}
	for _, src := range made.setup.Sources {
		// The event store is a copy of what feeds tell: to fill it changes nothing that a plan promises to leave alone.
		for more := src.Take != nil; more; {
			var err error
			if more, err = src.Take(ctx); err != nil {
				return nil, fmt.Errorf("take in the events of %s: %w", src.Name, err)
			}
		}
	}
	return a.pipe.Preview(ctx, o)
}

// What a person costs before any was inferred: a journey of two stage-1 calls and one of stage 2, at the lengths of prompts
// that a dozen interactions make. Once people were inferred, their real mean takes its place.
const (
	typicalStage1Bytes = 9000
	typicalStage2Bytes = 5000
	typicalStage1Calls = 2
)

// perPerson is the cost of one person's texts in US dollars: the mean of the last days, else an estimate by the price list.
func (a *App) perPerson(made *built) float64 {
	var people, micro int64
	days, _ := a.pipe.Usage(7)
	for _, d := range days {
		people += d.People
		for _, u := range d.Model {
			micro += u.MicroUSD
		}
	}
	if people >= 20 {
		return float64(micro) / 1e6 / float64(people)
	}
	prompt := func(n int) connectors.Prompt { return connectors.Prompt{User: strings.Repeat("x", n)} }
	return float64(typicalStage1Calls*made.model.Estimate(prompt(typicalStage1Bytes))+made.model.Estimate(prompt(typicalStage2Bytes))) / 1e6
}

// today is the name of the present day in the usage of the state.
func (a *App) today(loc *time.Location) string { return a.o.Now().In(loc).Format(time.DateOnly) }
