package pipeline

import (
	"context"
	"fmt"
	"strings"

	"github.com/intentd/intentd/connectors"
)

func (s *Setup) crm(name string) *CRM {
	for i := range s.CRMs {
		if s.CRMs[i].Name == name {
			return &s.CRMs[i]
		}
	}
	return nil
}

// Source is the source of a name, nil if none is configured.
func (s *Setup) Source(name string) *Source {
	for i := range s.Sources {
		if s.Sources[i].Name == name {
			return &s.Sources[i]
		}
	}
	return nil
}

// CRM is the named CRM, bound to the account the state belongs to.
func (p *Pipeline) CRM(ctx context.Context, name string) (*CRM, error) {
	c := p.Setup().crm(name)
	if c == nil {
		return nil, &connectors.Error{Kind: connectors.Config, Op: "use " + name, Message: "no CRM of that name is configured"}
	}
	return c, p.ensureBound(ctx, c)
}

// ensureBound checks once a process that the credentials belong to the account this state is bound to, and binds new state
// (invariant 4). Another account is refused: its records have other ids, and nothing of it may be written.
func (p *Pipeline) ensureBound(ctx context.Context, c *CRM) error {
	if _, ok := p.bound.Load(c.Name); ok {
		return nil
	}
	a, ok := c.CRM.(connectors.Account)
	if !ok {
		p.bound.Store(c.Name, "")
		return nil
	}
	info, err := a.Account(ctx)
	if err != nil {
		return err
	}
	if info.ID == "" {
		return &connectors.Error{Kind: connectors.Transient, Op: c.Name + ": find out which account this is", Message: "the answer names none"}
	}
	have, err := p.db.Binding(c.Name)
	if err != nil {
		return err
	}
	if have != "" && have != info.ID {
		return &connectors.Error{Kind: connectors.Config, Op: c.Name, Code: "other_account",
			Message: fmt.Sprintf("this state is bound to account %s, but the credentials belong to account %s: nothing was read or written", have, info.ID),
			Fix:     "use the credentials of account " + have + ", or another state.path for account " + info.ID}
	}
	if have == "" {
		if err := p.db.Bind(c.Name, info.ID); err != nil {
			return err
		}
	}
	p.bound.Store(c.Name, info.ID)
	return nil
}

// Writable says whether a CRM may be written: the account is the one the state is bound to, and the properties are intentd's own
// (invariant 4).
func (p *Pipeline) Writable(ctx context.Context, c *CRM) error {
	if err := p.ensureBound(ctx, c); err != nil {
		return err
	}
	return p.ensureFit(ctx, c)
}

// ensureFit checks once a process, and again after every change of the config, that what is about to be written are properties of
// intentd's own, all of them there (invariant 4): a CRM takes a value for any property it knows.
func (p *Pipeline) ensureFit(ctx context.Context, c *CRM) error {
	if _, ok := p.fit.Load(c.Name); ok {
		return nil
	}
	if prov, ok := c.CRM.(connectors.Provisioner); ok {
		steps, err := prov.Plan(ctx)
		if err != nil {
			return err
		}
		var refused, missing []string
		fix := ""
		for _, s := range steps {
			switch {
			case s.Action == connectors.FieldRefuse:
				refused = append(refused, s.Field+": "+s.Why)
				fix = s.Fix
			case s.Action == connectors.FieldCreate && s.Field != "":
				missing = append(missing, s.Property)
			}
		}
		switch {
		case len(refused) > 0:
			return &connectors.Error{Kind: connectors.Config, Op: c.Name + ": write", Code: "property_refused",
				Message: "nothing was written: " + strings.Join(refused, "; "), Fix: fix}
		case len(missing) > 0:
			return &connectors.Error{Kind: connectors.Config, Op: c.Name + ": write", Code: "property_missing",
				Message: "nothing was written: these properties do not exist: " + strings.Join(missing, ", "), Fix: "run `intentd provision --apply`, then `intentd resume`"}
		}
	}
	p.fit.Store(c.Name, true)
	return nil
}
