package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/learn/table"
)

// Why people in the CRM are not among those who were active.
const (
	whyIdle    = "people in the CRM who were not active at the date"
	whyInADeal = "people who were on a deal before the date already"
)

// maxEverybody bounds how many records are gone through.
const maxEverybody = 50_000

// everybody makes a population of all who were active at a date: won are those who are on a deal that was created within a time after it and has been won since. Who was on a
// closed deal that was created before is left out: what became of them is no news.
func (b *dealBacktest) everybody(ctx context.Context) (*backtest.Population, error) {
	won, before := map[connectors.Ref]bool{}, map[connectors.Ref]bool{}
	end := b.o.AsOf.Add(b.o.Within)
	for i := range b.deals {
		d := &b.deals[i]
		for _, ref := range d.Contacts {
			switch {
			case !d.Created.After(b.o.AsOf):
				before[ref] = true
			case d.Won && !d.Created.After(end):
				won[ref] = true
			}
		}
	}
	lot := []connectors.Contact{}
	flush := func() error {
		if len(lot) == 0 {
			return nil
		}
		err := b.activeOf(ctx, lot, won)
		lot = lot[:0]
		return err
	}
	err := b.sweep(ctx, func(crm *pipeline.CRM, c *connectors.Contact) error {
		switch {
		case c.State != connectors.Live:
		case before[c.Ref]:
			b.leftOut[whyInADeal]++
		case crm.Consent.Of(c) == journey.ConsentDenied:
			b.leftOut[whyDenied]++
		default:
			if lot = append(lot, *c); len(lot) == peopleAtOnce {
				return flush()
			}
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return nil, err
	}
	if len(b.people) == 0 {
		return nil, fmt.Errorf("nobody in the CRM was active on %s%s: see by intentd explain --source NAME EMAIL what a source answers of somebody", b.o.AsOf.Format(time.DateOnly), byReason(b.leftOut))
	}
	set := scoreSettings(b.cfg)
	told := &backtest.AsOf{Date: b.o.AsOf, Within: int(b.o.Within.Hours() / 24)}
	for i := range b.people {
		told.Add(&set, &b.people[i])
	}
	b.tellRecalled(b.people)
	if named := b.counts.Named(); named != nil {
		b.remarks = append(b.remarks, "steps that count for nothing: "+strings.Join(named, ", "))
	}
	return &backtest.Population{
		People:   backtest.Each(b.people),
		Settings: set, Journeys: true, Kept: true, AsOf: told, Baseline: [3]bool{true, true, true}, LeftOut: b.leftOut, Remarks: b.remarks, Trusted: b.o.Columns.Trusted,
		Profile: backtest.KnownOf(b.people, b.cfg.ProfileNames()),
	}, nil
}

// sweep goes through the records of the CRMs whose deals were read.
func (b *dealBacktest) sweep(ctx context.Context, do func(*pipeline.CRM, *connectors.Contact) error) error {
	looked := 0
	for i := range b.setup.CRMs {
		crm := &b.setup.CRMs[i]
		s, ok := crm.CRM.(connectors.Sweeper)
		if _, deals := crm.CRM.(connectors.DealReader); !ok || !deals || b.o.CRM != "" && b.o.CRM != crm.Name {
			continue
		}
		var cursor connectors.Cursor
		for more := true; more; {
			b.tell("%d people of %s looked at, %d of them active at the date", looked, crm.Name, len(b.people))
			page, err := s.Sweep(ctx, cursor)
			if err != nil {
				return err
			}
			for k := range page.Items {
				if looked++; looked > maxEverybody {
					b.remarks = append(b.remarks, fmt.Sprintf("%s holds more people than the %d that were looked at", crm.Name, maxEverybody))
					return nil
				}
				if err := do(crm, &page.Items[k]); err != nil {
					return err
				}
			}
			cursor, more = page.Next, page.More
		}
	}
	if looked == 0 {
		return errors.New("there is nobody in the CRM that the token can see")
	}
	return nil
}

// activeOf keeps those of a lot who did something in the window of the score before the date, as they were known then.
func (b *dealBacktest) activeOf(ctx context.Context, lot []connectors.Contact, won map[connectors.Ref]bool) error {
	at := b.o.AsOf
	trials, err := b.a.pipe.Past(ctx, b.setup, lot, connectors.Window{From: at.Add(-b.setup.History), To: at.Add(time.Second)})
	if err != nil {
		return err
	}
	var cases []outcomeCase
	for i := range trials {
		past := b.knownAt(&trials[i], at)
		if len(past.Events) > 0 {
			cases = append(cases, outcomeCase{past, &table.Outcome{Won: won[lot[i].Ref], At: at.Add(before)}})
		} else {
			b.leftOut[whyIdle]++
		}
	}
	made, filtered, err := snapshots(ctx, b.setup, cases, learn.Profile, func(past *pipeline.Trial, _ time.Time) pipeline.Trial { return *past }, nil)
	if err != nil {
		return err
	}
	b.counts.Add(filtered)
	if err := b.recall(ctx, cases, made); err != nil {
		return err
	}
	if err := b.profiles(ctx, cases, made); err != nil {
		return err
	}
	for i := range made {
		if s := made[i].Snapshot; s.Steps > 0 && at.Sub(s.Last) <= b.cfg.Window.Score {
			b.people = append(b.people, made[i])
		} else {
			b.leftOut[whyIdle]++
		}
	}
	return nil
}
