package twostage

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/plain"
	"github.com/intentd/intentd/pipeline/intent/rules"
	"golang.org/x/sync/errgroup"
)

// New makes the engine.
func New(o Options) *Engine {
	if o.Batch <= 0 {
		o.Batch = 16
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 8
	}
	if o.MaxSteps <= 0 {
		o.MaxSteps = 60
	}
	if o.Confirmed <= 0 {
		o.Confirmed = confirmedBy
	}
	if o.Language == "" {
		o.Language = "en"
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Store == nil {
		o.Store = noStore{}
	}
	if o.Fallback == nil {
		o.Fallback = rules.New(rules.Options{Products: o.Products, Hosts: o.Hosts, Language: o.Language})
	}
	t := &Engine{
		o: o, hosts: plain.LowerAll(o.Hosts), rand: &lockedReader{r: o.Rand}, log: o.Logger, rules: o.Fallback, store: o.Store,
		keys:    keyer{secret: o.Secret, prefix: []byte(o.ModelName + "\x00" + stage1Version + "\x00")},
		sayings: keyer{secret: o.Secret, prefix: []byte("said\x00")},
		schema2: stage2Schema(o.Products), flights: map[string]*flight{},
	}
	h := xxhash.New()
	add := func(parts ...string) {
		for _, s := range parts {
			_, _ = h.WriteString(s)
			_, _ = h.Write([]byte{0})
		}
	}
	add(promptVersion, o.ModelName, o.Language, strconv.Itoa(o.MaxSteps))
	add(o.Products...)
	add(t.hosts...)
	for _, b := range []bool{o.Redact.KeepEmails, o.Redact.KeepPhones, o.Redact.KeepNames, o.Redact.DropTyped, o.Screenshots != nil} {
		add(strconv.FormatBool(b))
	}
	for _, p := range o.Redact.Patterns {
		add(p.String())
	}
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, o.Fallback.Version()))
	t.version = h.Sum64()
	return t
}

// Version changes when the answers might: model, prompts, catalogue, hosts, redaction.
func (t *Engine) Version() uint64 { return t.version }

// Infer is InferAll for one.
func (t *Engine) Infer(ctx context.Context, s intent.Subject) (intent.Intent, error) {
	all, err := t.InferAll(ctx, []intent.Subject{s})
	if err != nil {
		return intent.Intent{}, err
	}
	return all[0], nil
}

// InferAll infers a lot of people. Interactions that none of them, nor anybody before, was asked about share stage-1 calls; stage 2 is
// one call a person, so that no hostile journey stands beside another one's. It fails only when ctx has ended.
func (t *Engine) InferAll(ctx context.Context, subjects []intent.Subject) ([]intent.Intent, error) {
	people := make([]*person, len(subjects))
	for i, s := range subjects {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		people[i] = t.prepare(s)
	}
	t.layOut(people)
	for _, last := range []bool{false, true} {
		lot := &lot{t: t, last: last}
		for _, p := range people {
			if !p.done && p.s.Last == last {
				lot.people = append(lot.people, p)
			}
		}
		if err := lot.ask12(ctx); err != nil {
			return nil, err
		}
	}
	out := make([]intent.Intent, len(people))
	for i, p := range people {
		out[i] = p.out
	}
	return out, nil
}

// ask12 takes the people of a lot through both stages.
func (l *lot) ask12(ctx context.Context) error {
	l.stage1(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(l.t.o.Concurrency)
	for _, p := range l.people {
		if p.done {
			continue
		}
		g.Go(func() error {
			l.finish(ctx, p)
			return nil
		})
	}
	_ = g.Wait()
	return ctx.Err()
}

// finish gives p its texts: the model's, or the rules' with the reason.
func (l *lot) finish(ctx context.Context, p *person) {
	t := l.t
	for _, it := range p.steps {
		if t.o.Summarised != nil && it.err == nil && it.result.Action != "" {
			t.o.Summarised(p.s.Journey.Key, it.step.ID, it.result.Action, it.result.Context)
		}
	}
	err := l.readable(p)
	if err == nil {
		if err = l.stopped(); err == nil {
			var in intent.Intent
			if in, err = t.stage2(ctx, p); err == nil {
				in.Usage = p.usage
				p.out, p.done = in, true
				p.kept.Inputs, p.kept.Intent, p.kept.Late = p.inputs, &in, nil
				t.keep(p)
				return
			}
			l.stop(err)
		}
	}
	p.out, p.done = p.rules, true
	p.out.Degraded = reason(err)
	p.out.Usage = p.usage
	if !connectors.Interrupted(err) {
		t.log.Debug("rules texts instead of the model's", "reason", p.out.Degraded)
	}
}

// reason tells a rep's admin why there are no better texts, without a word of the prompt or the answer.
func reason(err error) string {
	var e *connectors.Error
	switch {
	case errors.Is(err, errKept):
		return errKept.Error()
	case errors.Is(err, errBudget):
		return errBudget.Error()
	case errors.Is(err, errUnreadable):
		return errUnreadable.Error()
	case errors.As(err, &e) && e.Kind == connectors.Rejected && e.Code != "":
		return "model answer rejected: " + e.Code
	case connectors.Interrupted(err):
		return "model call interrupted"
	}
	return "model unavailable: " + connectors.KindOf(err).String()
}
