package intent

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sync/errgroup"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

// TwoStageOptions configure the engine with a model.
type TwoStageOptions struct {
	Model     connectors.Model
	ModelName string // enters cache keys, hashes and Intent.Engine
	Store     Store  // nil: nothing is kept and no budget asked
	// Secret keys the shared cache. Without one there is no shared cache.
	Secret   []byte
	Products []string // the configured catalogue
	Hosts    []string // the customer's own hosts
	Language string   // en | de, where the subject names none
	Redact   Redact
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
	Fallback *Rules // default: NewRules with the same products, hosts and language
	// Summarised, where set, is told every stage-1 summary: of which person, of which step of the journey, what they did and what was on
	// the screen. It may be called by several goroutines at once.
	Summarised func(person, step, summary string, context []string)
}

// TwoStage is the engine with a model. Safe for concurrent use.
type TwoStage struct {
	o       TwoStageOptions
	hosts   []string
	rand    io.Reader
	log     *slog.Logger
	rules   *Rules
	store   Store
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

// NewTwoStage makes the engine.
func NewTwoStage(o TwoStageOptions) *TwoStage {
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
		o.Fallback = NewRules(RulesOptions{Products: o.Products, Hosts: o.Hosts, Language: o.Language})
	}
	t := &TwoStage{
		o: o, hosts: lowerAll(o.Hosts), rand: &lockedReader{r: o.Rand}, log: o.Logger, rules: o.Fallback, store: o.Store,
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
func (t *TwoStage) Version() uint64 { return t.version }

// Infer is InferAll for one.
func (t *TwoStage) Infer(ctx context.Context, s Subject) (Intent, error) {
	all, err := t.InferAll(ctx, []Subject{s})
	if err != nil {
		return Intent{}, err
	}
	return all[0], nil
}

// person is a subject on its way.
type person struct {
	s        Subject
	language string
	loc      *time.Location
	rules    Intent
	inputs   uint64
	keeping  sync.Mutex // of kept and refusals, while calls of the person's own are under way
	kept     kept
	refusals int   // calls of the person's own words that were refused …
	refusal  error // … the last with this
	steps    []*interaction
	older    string
	usage    connectors.Usage
	out      Intent
	done     bool
}

// kept is what the store holds for one person.
type kept struct {
	Inputs uint64              `json:"inputs,omitempty"` // hash of what Intent rests on
	Intent *Intent             `json:"intent,omitempty"`
	Own    map[string]stageOne `json:"own,omitempty"` // stage-1 summaries that are the person's alone, by base64 of their key
	Late   *late               `json:"late,omitempty"`
}

// InferAll infers a lot of people. Interactions that none of them, nor anybody before, was asked about share stage-1 calls; stage 2 is
// one call a person, so that no hostile journey stands beside another one's. It fails only when ctx has ended.
func (t *TwoStage) InferAll(ctx context.Context, subjects []Subject) ([]Intent, error) {
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
	out := make([]Intent, len(people))
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

// prepare decides whether a model is needed at all, and makes the interactions if so.
func (t *TwoStage) prepare(s Subject) *person {
	p := &person{s: s, language: s.Language, loc: s.Location}
	if p.language == "" {
		p.language = t.o.Language
	}
	if p.loc == nil {
		p.loc = time.UTC
	}
	p.rules = t.rules.note(s)
	if s.Journey == nil || !worthAsking(s.Journey) {
		p.out, p.done = p.rules, true
		return p
	}
	h := xxhash.New()
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], t.version)
	binary.LittleEndian.PutUint64(b[8:], s.Journey.Hash)
	_, _ = h.Write(b[:])
	_, _ = h.WriteString(p.language + "\x00" + p.loc.String())
	p.inputs = h.Sum64()
	if raw, ok := t.store.Answer(s.Journey.Key, t.version); ok {
		if json.Unmarshal(raw, &p.kept) != nil {
			p.kept = kept{}
		}
	}
	if p.kept.Intent != nil && p.kept.Inputs == p.inputs && s.Journey.Hash != 0 {
		p.out, p.done = *p.kept.Intent, true
	}
	return p
}

// layOut makes the interactions of those who need a model. What all of them say of pages is noted first: what several of one lot say alike is
// nobody's alone, and asked once.
func (t *TwoStage) layOut(people []*person) {
	for _, p := range people {
		if p.done {
			continue
		}
		for i := range p.s.Journey.Sessions {
			for _, st := range own(p.s.Journey.Sessions[i].Steps) {
				if _, ruled := known(st); !ruled {
					t.confirmed(p.s.Journey.Key, st)
				}
			}
		}
	}
	for _, p := range people {
		if !p.done {
			t.interactions(p)
		}
	}
}

// worthAsking: some signal is the person's own and more than an opened e-mail.
func worthAsking(j *journey.Journey) bool {
	for i := range j.Sessions {
		for k := range j.Sessions[i].Steps {
			st := &j.Sessions[i].Steps[k]
			if st.Signal < 0 || st.Signal >= len(j.Signals) || st.Context || st.Event.Kind == connectors.KindEmailOpen {
				continue
			}
			if _, counted := count(st); !counted && j.Signals[st.Signal].Flags&score.Company == 0 {
				return true
			}
		}
	}
	return false
}

// interactions lays out the newest steps for stage 1.
func (t *TwoStage) interactions(p *person) {
	j := p.s.Journey
	red := t.o.Redact.of(p.s.Profile.FirstName, p.s.Profile.LastName)
	signal := func(st *journey.Step) *journey.Signal {
		if st == nil || st.Signal < 0 || st.Signal >= len(j.Signals) {
			return nil
		}
		return &j.Signals[st.Signal]
	}
	var left []*journey.Step
	for si := len(j.Sessions) - 1; si >= 0; si-- {
		steps := own(j.Sessions[si].Steps)
		for k := len(steps) - 1; k >= 0; k-- {
			st := steps[k]
			if len(p.steps) >= t.o.MaxSteps {
				left = append(left, st)
				continue
			}
			it := &interaction{step: st, session: si}
			it.result, it.ruled = known(st)
			if it.known = it.ruled; !it.known {
				var before, after *journey.Step
				if k > 0 {
					before = steps[k-1]
				}
				if k+1 < len(steps) {
					after = steps[k+1]
				}
				own := !t.confirmed(j.Key, st)
				it.content, it.private = look(st, t.neighbour(j.Key, before), t.neighbour(j.Key, after), signal, &red)
				it.private = it.private || own
				t.picture(it)
				it.key = t.keys.key(it.content.encode())
			}
			p.steps = append(p.steps, it)
		}
	}
	slices.Reverse(p.steps)
	p.older = older(left, p.loc)
}

// neighbour is a step that another one is shown beside. What nobody else has said of its page does not ride along.
func (t *TwoStage) neighbour(person string, st *journey.Step) *journey.Step {
	if st == nil || !st.Trusted || t.confirmed(person, st) {
		return st
	}
	plain := *st
	plain.Trusted = false
	return &plain
}

// own are a session's steps by the person themselves, without those that repeat the one before.
func own(steps []journey.Step) []*journey.Step {
	out := make([]*journey.Step, 0, len(steps))
	for i := range steps {
		st := &steps[i]
		if st.Context {
			continue
		}
		if n := len(out); n > 0 && st.Signal < 0 && same(out[n-1], st) {
			continue
		}
		out = append(out, st)
	}
	return out
}

func same(a, b *journey.Step) bool {
	x, y := &a.Event, &b.Event
	return x.Kind == y.Kind && x.URL == y.URL && x.PageTitle == y.PageTitle && x.ElementText == y.ElementText &&
		x.ElementID == y.ElementID && len(x.Properties) == 0 && len(y.Properties) == 0 && y.Screenshot == ""
}

// picture attaches the step's screenshot where the config allows one.
func (t *TwoStage) picture(it *interaction) {
	e := &it.step.Event
	if t.o.Screenshots == nil || e.Screenshot == "" || !slices.Contains(t.o.ScreenshotSources, e.Source) {
		return
	}
	img, err := screenshot(t.o.Screenshots, e.Screenshot)
	if err != nil {
		t.log.Debug("screenshot left out", "error", err)
		return
	}
	it.image, it.private = img, true // a picture may show anything
	it.content.Screenshot = pictureName(img)
}

// errBudget says that the day's budget does not allow a call, errKept that what is left of it is not for people who go last.
var (
	errBudget = errors.New("daily model budget spent")
	errKept   = fmt.Errorf("%w, but for people whose tier the model can change", errBudget)
)

// call asks the model within the budget; last: for people who go last.
func (t *TwoStage) call(ctx context.Context, prompt connectors.Prompt, last bool) (connectors.Completion, error) {
	var estimate int64
	if e, ok := t.o.Model.(Estimator); ok {
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
			var in Intent
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

func (t *TwoStage) keep(p *person) {
	if raw, err := json.Marshal(&p.kept); err == nil {
		t.store.KeepAnswer(p.s.Journey.Key, t.version, raw)
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

// noStore keeps nothing.
type noStore struct{}

func (noStore) Cached([]byte) ([]byte, bool)          { return nil, false }
func (noStore) Cache(_, _ []byte)                     {}
func (noStore) Answer(string, uint64) ([]byte, bool)  { return nil, false }
func (noStore) KeepAnswer(string, uint64, []byte)     {}
func (noStore) Reserve(int64, bool) bool              { return true }
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
