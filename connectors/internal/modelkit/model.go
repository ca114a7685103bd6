package modelkit

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Options of a model. Defaults stand in parentheses.
type Options struct {
	Name        string // of the connector, for errors
	Model       string
	Price       Price
	Concurrency int           // calls at once (8)
	RPM         int           // requests a minute; 0: as many as the vendor lets through
	Retries     int           // repetitions of a failed request (3); below 0: none
	Timeout     time.Duration // of one request (1 min)
	MaxWait     time.Duration // longest wait for a limit within a call (90 s)
	HTTP        http.RoundTripper
	Jitter      func() float64 // in [0, 1), spreads retries (math/rand)
	Now         func() time.Time
	// Wait is how long the vendor says to wait, of an answer 429 or 503; 0 where it does not say.
	Wait func(status int, header http.Header, body []byte) time.Duration
	// Settings names the settings that are wrong where every prompt is refused.
	Settings string
}

// complete fills in the defaults.
func (o *Options) complete() {
	if o.Concurrency <= 0 {
		o.Concurrency = 8
	}
	if o.Retries == 0 {
		o.Retries = 3
	}
	o.Retries = max(o.Retries, 0)
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	if o.MaxWait <= 0 {
		o.MaxWait = 90 * time.Second
	}
	if o.HTTP == nil {
		o.HTTP = Transport(o.Concurrency)
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Transport is Go's own, with a connection for each of so many calls at once.
func Transport(concurrency int) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = max(concurrency, 8)
	return t
}

// Model is one model of a vendor's. Safe for concurrent use.
type Model struct {
	o     Options
	gate  *gate
	slots chan struct{}
	// Ask sends one prompt, by the Client, and gives the vendor's errors their kinds; a reply that came has none. It is set once, by the
	// vendor's package.
	Ask func(ctx context.Context, op string, p connectors.Prompt) (Reply, *connectors.Error)
}

// New makes a model that cannot ask yet. It makes no request.
func New(o Options) *Model {
	o.complete()
	m := &Model{o: o, slots: make(chan struct{}, o.Concurrency)}
	m.gate = newGate(&m.o)
	return m
}

// Generate asks once. See the package's promises for its errors.
func (m *Model) Generate(ctx context.Context, p connectors.Prompt) (connectors.Completion, error) {
	out := connectors.Completion{Model: m.o.Model}
	op := m.o.Name + ": " + p.Purpose
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
	case <-ctx.Done():
		return out, &connectors.Error{Kind: connectors.Transient, Op: op, Err: ctx.Err()}
	}
	if err := m.gate.refused(op); err != nil {
		return out, err
	}
	r, e := m.Ask(ctx, op, p)
	if e != nil {
		if quotes(e.Message, p.User) {
			e.Message = "the vendor's message repeats part of the prompt and is left out"
		}
		if e.Kind == connectors.Rejected && m.gate.refusedPrompt() {
			var u connectors.Usage
			e, u = m.askWhetherAll(ctx, op, e)
			out.Usage = out.Usage.Add(u)
		}
		return out, m.gate.failed(e)
	}
	out.Usage = m.usage(r, p)
	raw, e := answer(op, r, p)
	if e != nil {
		_ = m.gate.failed(e)
		m.gate.unusableAnswer(e)
		return out, e
	}
	m.gate.answered()
	out.JSON = raw
	return out, nil
}

// Trial is a prompt that holds nobody's text, asks for next to nothing, and is right as every prompt is.
var Trial = connectors.Prompt{
	Purpose: "trial", System: "You answer in JSON.", User: `Answer {"ok": true}.`,
	Schema: json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}`), MaxTokens: 2048, // thinking counts towards it
}

// askWhetherAll tries the trial prompt, after several prompts were refused in a row. If that is refused, too, the settings are wrong;
// otherwise the refusals concern the prompts.
func (m *Model) askWhetherAll(ctx context.Context, op string, refused *connectors.Error) (*connectors.Error, connectors.Usage) {
	r, e := m.Ask(ctx, op, Trial)
	if e == nil {
		m.gate.promptsAreFine()
		return refused, m.usage(r, Trial)
	}
	if e.Kind == connectors.Rejected {
		e.Kind, e.Fix = connectors.Config, "check "+m.o.Settings
		return e, connectors.Usage{}
	}
	return refused, connectors.Usage{}
}

// Report is the connector's present condition.
func (m *Model) Report() connectors.Report { return m.gate.report() }

// Release ends every wait: see connectors.Releaser.
func (m *Model) Release() { m.gate.release() }

// Probed lets calls through again that a bad key or setting held back: a probe went well.
func (m *Model) Probed() { m.gate.cleared() }
