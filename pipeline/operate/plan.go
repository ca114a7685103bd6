package operate

import (
	"context"
	"fmt"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/state"
)

// Plan is what a run would do.
type Plan struct {
	pipeline.Preview
	FirstSync []FirstSyncPlan `json:"first_sync,omitempty"`
	Note      string          `json:"note"`
}

// FirstSyncPlan estimates the first sync of a CRM from its count and a sample.
type FirstSyncPlan struct {
	CRM     string  `json:"crm"`
	Records int     `json:"records"`
	Sample  int     `json:"sample"`
	Writes  int     `json:"writes"` // records that would be written, by the share of the sample
	Calls   int     `json:"calls"`  // of the CRM's API: sweep, reads and writes
	USD     float64 `json:"usd"`    // model cost at USDPerPerson for people with a signal; 0 with the rules provider
	Days    float64 `json:"days"`   // by the CRM's daily limit and the model's daily budget
}

// PlanOptions bound a dry run.
type PlanOptions struct {
	Limit        int             // people at most (default 50)
	Who          string          // only this person
	USDPerPerson float64         // what a person with a signal costs the model; 0 where the provider is rules
	DailyUSD     float64         // the model's daily budget; 0: unbounded
	CallsPerDay  float64         // what the CRM allows us a day; 0: unknown
	Setup        *pipeline.Setup // the config to plan under; nil: the one in force
}

// PlanOf runs people through the pipeline without keeping, writing or paying for anything: texts are the rules'. Without
// state it looks at the first records of every CRM instead and estimates the first sync.
func PlanOf(ctx context.Context, p *pipeline.Pipeline, o PlanOptions) (*Plan, error) {
	if o.Limit <= 0 {
		o.Limit = 50
	}
	plan := &Plan{Preview: pipeline.Preview{Changes: []pipeline.Change{}}, Note: "dry run: nothing was written or kept, no model was asked; texts are those of the rules"}
	s := o.Setup
	if s == nil {
		s = p.Setup()
	}
	entries, err := toPreview(p, o)
	if err != nil {
		return nil, err
	}
	if len(entries) > 0 {
		preview, err := p.Preview(ctx, s, entries)
		if err != nil {
			return nil, err
		}
		plan.Add(preview)
	}
	for i := range s.CRMs {
		if !intake.NeedsFirstSync(p, s.CRMs[i].Name) || o.Who != "" && len(entries) > 0 {
			continue
		}
		if err := previewFirstSync(ctx, p, s, &s.CRMs[i], o, plan); err != nil {
			return nil, err
		}
	}
	if b := p.Brake(); b.On {
		plan.Note += "; writing waits for a resume: " + b.Why
	}
	if o.Who != "" && plan.Looked == 0 {
		return nil, pipeline.ErrUnknownPerson
	}
	return plan, nil
}

// toPreview are whom a preview looks at, as they would be claimed.
func toPreview(p *pipeline.Pipeline, o PlanOptions) (entries []state.Entry, err error) {
	if o.Who != "" {
		id, err := p.Find(o.Who)
		if id != 0 {
			entries = append(entries, state.Entry{Person: id, Reason: state.ReasonAsked})
		}
		return entries, err
	}
	ids, err := p.DB().People(0, o.Limit)
	for _, id := range ids {
		entries = append(entries, state.Entry{Person: id, Reason: state.ReasonInputs})
	}
	return entries, err
}

// previewFirstSync takes the first page of a sweep as a sample. Nothing of it is kept: not even the cursor.
func previewFirstSync(ctx context.Context, p *pipeline.Pipeline, s *pipeline.Setup, c *pipeline.CRM, o PlanOptions, plan *Plan) error {
	sweeper, ok := c.CRM.(connectors.Sweeper)
	if !ok {
		return nil
	}
	a, ok := c.CRM.(connectors.Account)
	if ok {
		if _, err := a.Account(ctx); err != nil {
			return err
		}
	}
	total, err := sweeper.Count(ctx)
	if err != nil {
		return fmt.Errorf("count the records of %s: %w", c.Name, err)
	}
	page, err := sweeper.Sweep(ctx, nil)
	if err != nil {
		return fmt.Errorf("sample the records of %s: %w", c.Name, err)
	}
	var sample []connectors.Contact
	for _, item := range page.Items[:min(len(page.Items), o.Limit)] {
		if o.Who != "" && item.ID != o.Who && item.Ref.String() != o.Who && !slices.Contains(item.Emails, s.Identity.Email(o.Who)) {
			continue
		}
		if item.State == connectors.Live {
			sample = append(sample, item)
		}
	}
	preview, err := p.PreviewRecords(ctx, s, c, sample)
	if err != nil {
		return err
	}
	plan.Add(preview)
	if o.Who != "" {
		return nil
	}
	f := FirstSyncPlan{CRM: c.Name, Records: total, Sample: preview.Looked}
	if preview.Looked > 0 {
		share := float64(len(preview.Changes)) / float64(preview.Looked)
		f.Writes = int(share * float64(total))
		f.Calls = (total+99)/100*2 + (f.Writes+99)/100
		if e, ok := c.CRM.(connectors.SyncEstimator); ok {
			f.Calls = e.FirstSyncCalls(total, f.Writes)
		}
		f.USD = o.USDPerPerson * float64(f.Writes)
		if o.CallsPerDay > 0 {
			f.Days = float64(f.Calls) / o.CallsPerDay
		}
		if o.DailyUSD > 0 {
			f.Days = max(f.Days, f.USD/o.DailyUSD)
		}
	}
	plan.FirstSync = append(plan.FirstSync, f)
	return nil
}
