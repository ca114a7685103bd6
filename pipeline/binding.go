package pipeline

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// bindings remember what was found of the CRMs in this process: it is asked once, not before every call.
type bindings struct {
	db       *state.DB
	bound    sync.Map // CRM name → account id
	writable sync.Map // names of CRMs whose properties may be written
}

// ensureBound checks once a process that the credentials belong to the account this state is bound to, and binds new state
// (invariant 4). Another account is refused: its records have other ids, and nothing of it may be written.
func (b *bindings) ensureBound(ctx context.Context, c *CRM) error {
	if _, ok := b.bound.Load(c.Name); ok {
		return nil
	}
	a, ok := c.CRM.(connectors.Account)
	if !ok {
		b.bound.Store(c.Name, "")
		return nil
	}
	info, err := a.Account(ctx)
	if err != nil {
		return err
	}
	if info.ID == "" {
		return &connectors.Error{Kind: connectors.Transient, Op: c.Name + ": find out which account this is", Message: "the answer names none"}
	}
	have, err := b.db.Binding(c.Name)
	if err != nil {
		return err
	}
	if have != "" && have != info.ID {
		return &connectors.Error{Kind: connectors.Config, Op: c.Name, Code: "other_account",
			Message: fmt.Sprintf("this state is bound to account %s, but the credentials belong to account %s: nothing was read or written", have, info.ID),
			Fix:     "use the credentials of account " + have + ", or another state.path for account " + info.ID}
	}
	if have == "" {
		if err := b.db.Bind(c.Name, info.ID); err != nil {
			return err
		}
	}
	b.bound.Store(c.Name, info.ID)
	return nil
}

// ensureWritable checks once a process, and again after every change of the config, that what is about to be written are properties of
// intentd's own, all of them there (invariant 4): a CRM takes a value for any property it knows.
func (b *bindings) ensureWritable(ctx context.Context, c *CRM) error {
	if _, ok := b.writable.Load(c.Name); ok {
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
	b.writable.Store(c.Name, true)
	return nil
}
