package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/state"
)

// Change is one record of a dry run: field by field what the CRM holds and what would be written.
type Change struct {
	Ref    connectors.Ref `json:"ref"`
	Person string         `json:"person"`
	Name   string         `json:"name"` // first and last name as the CRM has them
	Reason string         `json:"reason"`
	Fields []FieldChange  `json:"fields"`
	Held   []string       `json:"held,omitempty"` // a human's: left alone

	Receipt *receipt.Receipt `json:"receipt,omitempty"`
}

// FieldChange is one field: canonical and CRM name, old and new value.
type FieldChange struct {
	Field    string `json:"field"`
	Property string `json:"property"`
	Old      string `json:"old"`
	New      string `json:"new"`
}

// Plan is what a run would do.
type Plan struct {
	Changes   []Change        `json:"changes"`
	Unchanged int             `json:"unchanged"` // people looked at of whom nothing would be written
	Looked    int             `json:"looked"`
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
	Limit        int     // people at most (default 50)
	Who          string  // only this person
	USDPerPerson float64 // what a person with a signal costs the model; 0 where the provider is rules
	DailyUSD     float64 // the model's daily budget; 0: unbounded
	CallsPerDay  float64 // what the CRM allows us a day; 0: unknown
	Setup        *Setup  // the config to plan under; nil: the one in force
}

// Preview runs people through the pipeline without keeping, writing or paying for anything: texts are the rules'. Without
// state it looks at the first records of every CRM instead and estimates the first sync.
func (p *Pipeline) Preview(ctx context.Context, o PlanOptions) (*Plan, error) {
	if o.Limit <= 0 {
		o.Limit = 50
	}
	plan := &Plan{Changes: []Change{}, Note: "dry run: nothing was written or kept, no model was asked; texts are those of the rules"}
	s := p.Setup()
	if o.Setup != nil {
		s = o.Setup.prepare()
	}
	s = s.dry()
	entries, err := p.toPreview(o)
	if err != nil {
		return nil, err
	}
	if len(entries) > 0 {
		l := &lot{p: p, s: s, now: p.now(), dry: true}
		if err := l.preview(ctx, entries); err != nil {
			return nil, err
		}
		l.changes(plan)
	}
	for i := range s.CRMs {
		if !p.NeedsFirstSync(s.CRMs[i].Name) || o.Who != "" && len(entries) > 0 {
			continue
		}
		if err := p.previewFirstSync(ctx, s, &s.CRMs[i], o, plan); err != nil {
			return nil, err
		}
	}
	if b := p.brake.state(); b.On {
		plan.Note += "; writing waits for a resume: " + b.Why
	}
	if o.Who != "" && plan.Looked == 0 {
		return nil, ErrUnknownPerson
	}
	return plan, nil
}

// toPreview are whom a preview looks at, as they would be claimed.
func (p *Pipeline) toPreview(o PlanOptions) (entries []state.Entry, err error) {
	if o.Who != "" {
		id, err := p.Find(o.Who)
		if id != 0 {
			entries = append(entries, state.Entry{Person: id, Reason: state.ReasonAsked})
		}
		return entries, err
	}
	ids, err := p.db.People(0, o.Limit)
	for _, id := range ids {
		entries = append(entries, state.Entry{Person: id, Reason: state.ReasonInputs})
	}
	return entries, err
}

// dry is the setup for a dry run: its topics are matched without the model.
func (s *Setup) dry() *Setup {
	out := *s
	out.Topics = s.Topics.Offline()
	return &out
}

func (l *lot) preview(ctx context.Context, entries []state.Entry) error {
	if err := l.load(ctx, entries); err != nil {
		return err
	}
	if err := l.gatherRecords(ctx); err != nil {
		return err
	}
	return l.previewRest(ctx)
}

func (l *lot) previewRest(ctx context.Context) error {
	l.followStates()
	if err := l.identify(ctx); err != nil {
		return err
	}
	l.gatherJourneys(ctx)
	l.stitch()
	if err := l.infer(ctx); err != nil {
		return err
	}
	l.score(ctx)
	return ctx.Err()
}

// changes tells what the lot would write.
func (l *lot) changes(plan *Plan) {
	for _, s := range l.subjects {
		plan.Looked++
		wrote := false
		if s.settled == nil && s.result != nil {
			for _, r := range s.recs {
				patch, reason := l.patchFor(s, r)
				if reason == "" {
					continue
				}
				c := Change{Ref: r.ref, Person: s.key, Reason: reason, Held: s.result.receipt.Held, Receipt: &s.result.receipt}
				c.Name = r.contact.Profile.FirstName + " " + r.contact.Profile.LastName
				for _, f := range connectors.Fields {
					value, ok := patch.Fields[f.Name]
					if !ok || value == r.contact.Ours[f.Name] {
						continue
					}
					c.Fields = append(c.Fields, FieldChange{Field: f.Name, Property: r.crm.Fields[f.Name], Old: r.contact.Ours[f.Name], New: value})
				}
				if len(c.Fields) > 0 {
					plan.Changes = append(plan.Changes, c)
					wrote = true
				}
			}
		}
		if !wrote {
			plan.Unchanged++
		}
	}
}

// previewFirstSync takes the first page of a sweep as a sample. Nothing of it is kept: not even the cursor.
func (p *Pipeline) previewFirstSync(ctx context.Context, s *Setup, c *CRM, o PlanOptions, plan *Plan) error {
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
	sample := page.Items[:min(len(page.Items), o.Limit)]
	l := &lot{p: p, s: s, now: p.now(), dry: true}
	for i := range sample {
		item := &sample[i]
		if o.Who != "" && item.ID != o.Who && item.Ref.String() != o.Who && !slices.Contains(item.Emails, s.Identity.Email(o.Who)) {
			continue
		}
		if item.State != connectors.Live {
			continue
		}
		sub := &subject{key: state.PersonID(i + 1).Key(), entry: state.Entry{Reason: state.ReasonNew}}
		sub.recs = []*record{{ref: item.Ref, crm: c, contact: *item, inputs: state.InputsHash(item), read: true, state: state.Contact{Checked: true}}}
		sub.recs[0].adopt()
		l.subjects = append(l.subjects, sub)
	}
	if err := l.previewRest(ctx); err != nil {
		return err
	}
	before, looked := len(plan.Changes), plan.Looked
	l.changes(plan)
	if o.Who != "" {
		return nil
	}
	seen := plan.Looked - looked
	f := FirstSyncPlan{CRM: c.Name, Records: total, Sample: seen}
	if seen > 0 {
		share := float64(len(plan.Changes)-before) / float64(seen)
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
