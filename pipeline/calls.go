package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Read asks a CRM for records and notes how it went. A CRM that is stopped is not asked.
func (p *Pipeline) Read(ctx context.Context, c *CRM, refs []connectors.Ref) ([]connectors.Contact, error) {
	if until, err := p.health.Blocked(c.Name); err != nil {
		return nil, &connectors.Error{Kind: connectors.KindOf(err), Op: c.Name + ": waits", Until: until, Err: err}
	}
	if err := p.ensureBound(ctx, c); err != nil {
		p.health.Note(c.Name, err)
		return nil, err
	}
	contacts, err := c.CRM.Read(ctx, refs)
	p.health.Note(c.Name, unlessRejected(err))
	return contacts, err
}

// unlessRejected is what an error about people says of the connector: one that refuses somebody stands.
func unlessRejected(err error) error {
	if connectors.KindOf(err) == connectors.Rejected {
		return nil
	}
	return err
}

// journeys asks one source for the events of many people and deals them out. A source that is stopped is not asked.
func (p *Pipeline) journeys(ctx context.Context, src *Source, people []connectors.Person, w connectors.Window, by map[string]*subject) error {
	if until, err := p.health.Blocked(src.Name); err != nil {
		return fmt.Errorf("%s: waits until %s: %w", src.Name, until.UTC().Format(time.RFC3339), err)
	}
	any := false
	for e, err := range src.Source.Journeys(ctx, people, w) {
		if err != nil {
			p.health.Note(src.Name, unlessRejected(err))
			return err
		}
		s := by[e.Person]
		if s == nil {
			continue
		}
		if e.Source == "" {
			e.Source = src.Name
		}
		s.addEvent(e)
		any = true
	}
	p.health.Note(src.Name, nil)
	if any {
		p.health.sawEvents(src.Name)
	}
	return nil
}
