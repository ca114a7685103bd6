package twostage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/redact"
	"github.com/intentd/intentd/pipeline/intent/rules"
)

// Options configure the engine with a model.
type Options struct {
	Model     connectors.Model
	ModelName string       // enters cache keys, hashes and Intent.Engine
	Store     intent.Store // nil: nothing is kept and no budget asked
	// Secret keys the shared cache. Without one there is no shared cache.
	Secret   []byte
	Products []string // the configured catalogue
	Hosts    []string // the customer's own hosts
	Language string   // en | de, where the subject names none
	Redact   redact.Options
	// Batch is how many interactions share a stage-1 call; default 16. Each call pays the instructions anew, and a longer one puts more at
	// stake when it fails: beyond that the instructions are under a tenth of the call.
	Batch int
	// Concurrency bounds the calls of one InferAll; default 8. The model may bound them further.
	Concurrency int
	// Screenshots is the directory of pictures, nil: off. Only events of ScreenshotSources, which read local files, may name one.
	Screenshots       *os.Root
	ScreenshotSources []string
	// Confirmed is how many people must have said the same of a page before it counts as the page's own word and is shared; default 3, 1 believes
	// everybody at once.
	Confirmed int
	// MaxSteps caps the steps of a journey that are inferred, the newest first; default 60. Older ones are told by counts.
	MaxSteps int
	// Rand is where prompt markers are drawn from; default crypto/rand.
	Rand     io.Reader
	Logger   *slog.Logger
	Fallback *rules.Engine // default: New with the same products, hosts and language
	// Summarised, where set, is told every stage-1 summary: of which person, of which step of the journey, what they did and what was on
	// the screen. It may be called by several goroutines at once.
	Summarised func(person, step, summary string, context []string)
}

// Engine is the engine with a model. Safe for concurrent use.
type Engine struct {
	o       Options
	hosts   []string
	rand    io.Reader
	log     *slog.Logger
	rules   *rules.Engine
	store   intent.Store
	keys    keyer // of stage-1 summaries
	sayings keyer // of what people's browsers said of pages: they outlive a change of prompts
	schema2 json.RawMessage
	version uint64

	mu      sync.Mutex
	flights map[string]*flight // interactions in a call, by key

	saying   sync.Mutex // one note of what somebody said at a time
	amending sync.Mutex // one answer of a job at a time
}

// flight is a call that answers an interaction, for all who wait for it.
type flight struct {
	done   chan struct{}
	result stageOne
	err    error
}

// kept is what the store holds for one person.
type kept struct {
	Inputs uint64              `json:"inputs,omitempty"` // hash of what Intent rests on
	Intent *intent.Intent      `json:"intent,omitempty"`
	Own    map[string]stageOne `json:"own,omitempty"` // stage-1 summaries that are the person's alone, by base64 of their key
	Late   *late               `json:"late,omitempty"`
}

// late is a stage-2 answer that came by a job, not yet held against the steps.
type late struct {
	Inputs uint64           `json:"inputs"`
	JSON   json.RawMessage  `json:"json,omitempty"` // nil: the job brought none
	Usage  connectors.Usage `json:"usage"`
}

// person is a subject on its way.
type person struct {
	s        intent.Subject
	language string
	loc      *time.Location
	rules    intent.Intent
	inputs   uint64
	keeping  sync.Mutex // of kept and refusals, while calls of the person's own are under way
	kept     kept
	refusals int   // calls of the person's own words that were refused …
	refusal  error // … the last with this
	steps    []*interaction
	older    string
	usage    connectors.Usage
	out      intent.Intent
	done     bool
}

func (t *Engine) keep(p *person) {
	if raw, err := json.Marshal(&p.kept); err == nil {
		t.store.KeepAnswer(p.s.Journey.Key, t.version, raw)
	}
}

// call asks the model within the budget; last: for people who go last.
func (t *Engine) call(ctx context.Context, prompt connectors.Prompt, last bool) (connectors.Completion, error) {
	var estimate int64
	if e, ok := t.o.Model.(intent.Estimator); ok {
		estimate = e.Estimate(prompt)
	}
	if !t.store.Reserve(estimate, last) {
		if last {
			return connectors.Completion{}, errKept
		}
		return connectors.Completion{}, errBudget
	}
	c, err := t.o.Model.Generate(ctx, prompt)
	t.store.Spend(prompt.Purpose, c.Usage, estimate)
	return c, err
}

// errBudget says that the day's budget does not allow a call, errKept that what is left of it is not for people who go last.
var (
	errBudget = errors.New("daily model budget spent")
	errKept   = fmt.Errorf("%w, but for people whose tier the model can change", errBudget)
)

// noStore keeps nothing.
type noStore struct{}

func (noStore) Cached([]byte) ([]byte, bool) { return nil, false }

func (noStore) Cache(_, _ []byte) {}

func (noStore) Answer(string, uint64) ([]byte, bool) { return nil, false }

func (noStore) KeepAnswer(string, uint64, []byte) {}

func (noStore) Reserve(int64, bool) bool { return true }

func (noStore) Spend(string, connectors.Usage, int64) {}

// lockedReader lets concurrent calls draw from one source.
type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return io.ReadFull(l.r, p)
}
