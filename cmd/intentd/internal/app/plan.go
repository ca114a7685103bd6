package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/operate"
)

// PlanArguments bound a dry run.
type PlanArguments struct {
	Limit int    `json:"limit"`
	Who   string `json:"who,omitempty"`
	File  File   `json:"file"`
}

// Plan shows field by field what would be written, and before a first sync what it would take.
var Plan = operation("plan", (*App).plan)

func (a *App) plan(ctx context.Context, arg PlanArguments) (*operate.Plan, error) {
	u, err := a.underFile(arg.File, nil)
	if err != nil {
		return nil, err
	}
	defer u.end()
	made, cfg := u.made, u.cfg
	o := operate.PlanOptions{Limit: arg.Limit, Who: arg.Who, Setup: made.setup}
	if made.model != nil {
		o.USDPerPerson = a.perPerson(made)
		o.DailyUSD = cfg.Model.DailyBudgetUSD
	}
	for name, c := range operate.StatusOf(a.pipe).Connectors {
		if crm := a.pipe.Setup().CRMs; len(crm) > 0 && crm[0].Name == name && c.Report.DailyLimit > 0 {
			o.CallsPerDay = float64(c.Report.DailyLimit) * (1 - made.reserve)
		}
	}
	var without []string
	for _, src := range made.setup.Sources {
		// The event store is a copy of what feeds tell: to fill it changes nothing that a plan promises to leave alone.
		for more := src.Take != nil; more; {
			var err error
			if more, err = src.Take(ctx); err != nil {
				without = append(without, fmt.Sprintf("%s (%v)", src.Name, err)) // a plan without them says more than none
				break
			}
		}
	}
	p, err := operate.PlanOf(ctx, a.pipe, o)
	if err == nil && len(without) > 0 {
		p.Note += "; without what is new from " + strings.Join(without, ", ")
	}
	if err == nil && u.edited {
		p.Note += "; planned under " + arg.File.Path + " as it is now, which differs from what the daemon runs under until it is reloaded"
	}
	if err == nil {
		for _, f := range a.examineHoldout(ctx, made.setup, cfg.Holdout.Share) {
			p.Note += "\nholdout: " + f.Message
		}
	}
	return p, err
}

// What a person costs before any was inferred: one call of stage 2, and half a call of stage 1, whose answers people of one site
// share. Lengths are those of the benchmark that the README quotes ("What it costs"), rounded up. Once people were inferred, their
// real mean takes its place.
const (
	typicalPromptBytes  = 5200
	typicalAnswerTokens = 300
	typicalStage1Calls  = 0.5
)

// perPerson is the cost of one person's texts in US dollars: the mean of the last days, else an estimate by the price list.
func (a *App) perPerson(made *built) float64 {
	var people, micro int64
	days, _ := a.db.UsageDays(7)
	for _, d := range days {
		people += d.People
		for _, u := range d.Model {
			micro += u.MicroUSD
		}
	}
	if people >= 20 {
		return float64(micro) / 1e6 / float64(people)
	}
	e, ok := made.model.(connectors.Estimator)
	if !ok {
		return 0
	}
	call := e.Estimate(connectors.Prompt{User: strings.Repeat("x", typicalPromptBytes), MaxTokens: typicalAnswerTokens})
	usd := (1 + typicalStage1Calls) * float64(call) / 1e6
	if b := made.setup.Batch; b != nil && b.On { // a first sync is asked by jobs
		usd *= b.Model.Batching().Share
	}
	return usd
}

// today is the name of the present day in the usage of the state.
func (a *App) today(loc *time.Location) string { return a.o.Now().In(loc).Format(time.DateOnly) }
