package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/learn/proof"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// ProofArguments choose the month.
type ProofArguments struct {
	Month string `json:"month"` // as 2026-11; "": the one that runs
}

// Proof compares people of whom the score is shown with people held out: who was won, and how soon the own team dealt with them. It reads records,
// closed deals and what CRMs know of the own team, and keeps nothing.
var Proof = operation("proof", (*App).proof)

// comparison is a proof under way.
type comparison struct {
	a      *App
	people []proof.Person
	at     map[state.PersonID]int   // a person's place among people
	refs   map[connectors.Ref][]int // whose records they are
	since  time.Time                // when the first of them drew
	o      proof.Options
	mixed  int
	notes  []string
}

func (a *App) proof(ctx context.Context, arg ProofArguments) (*proof.Result, error) {
	cfg := a.Config()
	now := a.o.Now().In(cfg.Text.Location())
	c := &comparison{a: a, at: map[state.PersonID]int{}, refs: map[connectors.Ref][]int{}, since: now, o: proof.Options{Now: now, ByOwner: cfg.Proof.ByOwner, Teams: map[string][]string{}}}
	for _, team := range cfg.Proof.Teams {
		c.o.Teams[team.Name] = team.Owners
	}
	c.o.Month = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	if arg.Month != "" {
		var err error
		if c.o.Month, err = time.ParseInLocation("2006-01", arg.Month, now.Location()); err != nil || c.o.Month.After(now) {
			return nil, fmt.Errorf("--month %s: write a month that has begun, such as %s", arg.Month, now.Format("2006-01"))
		}
	}
	if err := c.load(ctx); err != nil {
		return nil, err
	}
	if len(c.people) > 0 {
		for _, step := range []func(context.Context) error{c.owners, c.deals, c.touches} {
			if err := step(ctx); err != nil {
				return nil, err
			}
		}
	}
	c.o.Since = c.since.In(now.Location())
	r := proof.Of(c.people, c.o)
	if c.mixed > 0 {
		c.notes = append(c.notes, fmt.Sprintf("%s left out: merged of people of both sides, or of somebody shown before", connectors.Counted(c.mixed, "person")))
	}
	if w := a.weighed(); cfg.Holdout.Share > 0 && !w.Runs {
		c.notes = append(c.notes, "no holdout runs: "+cmp.Or(w.Why, "it was not weighed yet"))
	} else if cfg.Holdout.Share > 0 {
		c.notes = append(c.notes, w.Why)
	}
	r.Remarks = c.notes
	return r, nil
}

// load takes everybody who is compared from the state.
func (c *comparison) load(ctx context.Context) error {
	for after, more := state.PersonID(0), true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		page, last, err := c.a.db.ComparedFrom(after, 1000)
		if err != nil {
			return err
		}
		for _, p := range page {
			if p.Arm.Mixed {
				c.mixed++
				continue
			}
			person := proof.Person{Held: p.Arm.Held, LetGo: p.Arm.Held && !p.HeldOut, Entered: map[score.Tier]time.Time{}}
			for _, h := range p.History {
				if tier := score.Tier(h.Tier); person.Entered[tier].IsZero() {
					person.Entered[tier] = h.At
				}
			}
			if p.Arm.Since.Before(c.since) {
				c.since = p.Arm.Since
			}
			for _, ref := range p.Contacts {
				c.refs[ref] = append(c.refs[ref], len(c.people))
			}
			c.at[p.Person] = len(c.people)
			c.people = append(c.people, person)
		}
		after, more = last, last > 0
	}
	return nil
}

// of are the records of a CRM.
func (c *comparison) of(crm string) (refs []connectors.Ref) {
	for ref := range c.refs {
		if ref.CRM == crm {
			refs = append(refs, ref)
		}
	}
	slices.SortFunc(refs, func(a, b connectors.Ref) int { return cmp.Compare(a.String(), b.String()) })
	return refs
}

// owners reads whose people they are: of several records the first with an owner says it.
func (c *comparison) owners(ctx context.Context) error {
	setup := c.a.pipe.Setup()
	for i := range setup.CRMs {
		crm := &setup.CRMs[i]
		for lot := range slices.Chunk(c.of(crm.Name), readAtOnce) {
			contacts, err := c.a.pipe.Read(ctx, crm, lot)
			if err != nil {
				return err
			}
			for k := range contacts {
				for _, at := range c.refs[lot[k]] {
					c.people[at].Owner = cmp.Or(c.people[at].Owner, contacts[k].Owner)
				}
			}
		}
	}
	return nil
}

// deals reads which were won since.
func (c *comparison) deals(ctx context.Context) error {
	setup := c.a.pipe.Setup()
	for i := range setup.CRMs {
		crm := &setup.CRMs[i]
		reader, ok := crm.CRM.(connectors.DealReader)
		if !ok {
			c.notes = append(c.notes, crm.Name+" tells of no deals")
			continue
		}
		deals, cut, err := closedDeals(ctx, reader, c.since, c.o.Now, maxDealsBeside, nil)
		if err != nil {
			return err
		}
		if cut {
			c.notes = append(c.notes, fmt.Sprintf("%s has more closed deals than the %d that were read", crm.Name, maxDealsBeside))
		}
		for _, d := range deals {
			for _, ref := range d.Contacts {
				if !d.Won {
					continue
				}
				id, err := c.a.db.Find(state.Lookup{Refs: []connectors.Ref{ref}}, setup.IdentityRules()) // the record may live on in another one
				if err != nil {
					return err
				}
				if at, ok := c.at[id]; ok {
					c.people[at].Won = append(c.people[at].Won, d.Closed)
				}
			}
		}
	}
	return nil
}

// touches reads when the own team dealt with them.
func (c *comparison) touches(ctx context.Context) error {
	setup := c.a.pipe.Setup()
	for i := range setup.CRMs {
		crm := &setup.CRMs[i]
		reader, ok := crm.CRM.(connectors.TouchReader)
		if !ok {
			c.notes = append(c.notes, crm.Name+" does not tell what the own team did")
			continue
		}
		c.o.Touches = true
		for lot := range slices.Chunk(c.of(crm.Name), readAtOnce) {
			touched, err := reader.Touches(ctx, lot, c.since)
			if err != nil {
				return fmt.Errorf("%s: %w", crm.Name, err)
			}
			for ref, times := range touched {
				for _, at := range c.refs[ref] {
					c.people[at].Touches = append(c.people[at].Touches, times...)
				}
			}
		}
	}
	for i := range c.people {
		slices.SortFunc(c.people[i].Touches, time.Time.Compare)
	}
	return nil
}
