package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
)

// health knows which connectors stand and which are stopped. It is told of every outcome and decides by kind alone.
type health struct {
	now func() time.Time
	mu  sync.Mutex
	by  map[string]*condition
	// goods are the moments of the last good poll, listen, sweep and write by name ("poll/hubspot").
	goods map[string]time.Time
	kept  map[string]time.Time // when a run was last written to the state
}

// condition is that of one connector.
type condition struct {
	err      error
	kind     connectors.Kind
	since    time.Time // of the first failure in a row
	until    time.Time // nothing is asked before
	failures int
	lastGood time.Time
	events   time.Time // a source: when it last yielded an event
}

func newHealth(now func() time.Time) *health {
	return &health{now: now, by: map[string]*condition{}, goods: map[string]time.Time{}, kept: map[string]time.Time{}}
}

// stopFor is how long a connector rests after an error of a kind that stops it and names no time.
const stopFor = 5 * time.Minute

func (h *health) of(name string) *condition {
	c := h.by[name]
	if c == nil {
		c = &condition{}
		h.by[name] = c
	}
	return c
}

// note tells how a call to a connector went.
func (h *health) note(name string, err error) {
	if err != nil && (errors.Is(err, context.Canceled) || errors.Is(err, ErrBusy)) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.of(name)
	now := h.now()
	if err == nil {
		c.err, c.kind, c.failures, c.until, c.since = nil, 0, 0, time.Time{}, time.Time{}
		c.lastGood = now
		return
	}
	c.err, c.kind = err, connectors.KindOf(err)
	if c.failures == 0 {
		c.since = now
	}
	c.failures++
	switch c.kind {
	case connectors.Quota, connectors.Auth, connectors.Config:
		c.until = now.Add(stopFor)
	case connectors.RateLimited:
		c.until = now.Add(time.Second)
	}
	if until := connectors.Until(err); until.After(c.until) {
		c.until = until
	}
}

// blocked returns the error that stops a connector and until when, or nil.
func (h *health) blocked(name string) (time.Time, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.by[name]
	if c == nil || c.err == nil || !h.now().Before(c.until) {
		return time.Time{}, nil
	}
	return c.until, c.err
}

// down says whether the last call of a source failed.
func (h *health) down(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.by[name]
	return c != nil && c.err != nil
}

// sawEvents notes that a source yielded events for somebody.
func (h *health) sawEvents(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.of(name).events = h.now()
}

// alive says whether a source has yielded events for anybody after a moment.
func (h *health) alive(name string, since time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.by[name]
	return c != nil && c.err == nil && c.events.After(since)
}

func (h *health) good(name string, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.goods[name] = at
}

// worthKeeping says whether an idle run should be written to the state again: every ten minutes.
func (h *health) worthKeeping(name string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.Sub(h.kept[name]) < 10*time.Minute {
		return false
	}
	h.kept[name] = now
	return true
}

// reset gives every stopped connector another chance: the config changed, or an admin said so.
func (h *health) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.by {
		c.until = time.Time{}
	}
}

func (s *Setup) crm(name string) *CRM {
	for i := range s.CRMs {
		if s.CRMs[i].Name == name {
			return &s.CRMs[i]
		}
	}
	return nil
}

func (s *Setup) source(name string) *Source {
	for i := range s.Sources {
		if s.Sources[i].Name == name {
			return &s.Sources[i]
		}
	}
	return nil
}

func (p *Pipeline) source(name string) *Source { return p.Setup().source(name) }

// crm is the named CRM, bound to the account the state belongs to.
func (p *Pipeline) crm(ctx context.Context, name string) (*CRM, error) {
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

// read is CRM.Read with its outcome noted.
func (p *Pipeline) read(ctx context.Context, c *CRM, refs []connectors.Ref) ([]connectors.Contact, error) {
	if until, err := p.health.blocked(c.Name); err != nil {
		return nil, &connectors.Error{Kind: connectors.KindOf(err), Op: c.Name + ": waits", Until: until, Err: err}
	}
	if err := p.ensureBound(ctx, c); err != nil {
		p.health.note(c.Name, err)
		return nil, err
	}
	contacts, err := c.CRM.Read(ctx, refs)
	p.health.note(c.Name, unlessRejected(err))
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
	if until, err := p.health.blocked(src.Name); err != nil {
		return fmt.Errorf("%s: waits until %s: %w", src.Name, until.UTC().Format(time.RFC3339), err)
	}
	any := false
	for e, err := range src.Source.Journeys(ctx, people, w) {
		if err != nil {
			p.health.note(src.Name, unlessRejected(err))
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
	p.health.note(src.Name, nil)
	if any {
		p.health.sawEvents(src.Name)
	}
	return nil
}
