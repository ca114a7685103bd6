package pipeline

import (
	"context"

	"github.com/intentd/intentd/connectors"
)

// Read asks a CRM for records and notes how it went. A CRM that is stopped is not asked: the error says until when.
func (p *Pipeline) Read(ctx context.Context, c *CRM, refs []connectors.Ref) ([]connectors.Contact, error) {
	if until, err := p.health.Blocked(c.Name); err != nil {
		return nil, &connectors.Error{Kind: connectors.KindOf(err), Op: c.Name + ": waits", Until: until, Err: err}
	}
	if err := p.bindings.ensureBound(ctx, c); err != nil {
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
