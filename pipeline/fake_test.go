package pipeline_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/fields"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/rules"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/topics"
	"github.com/intentd/intentd/state"
)

// fakeCRM is a CRM of which a test knows and decides everything. It keeps a feed of changes in order.
type fakeCRM struct {
	mu        sync.Mutex
	name      string
	account   string
	now       func() time.Time
	contacts  map[string]*connectors.Contact
	feed      []string             // ids in order of change
	human     map[string][]string  // id → fields last set by a human
	verdictAt map[string]time.Time // id → what the history tells of its verdict
	writes    []connectors.Patch   // every patch ever received, in order
	seq       int

	failRead, failWrite, failChanges error
	rejects                          map[string]error // by id
	onWrite                          func(patches []connectors.Patch)
	dropAnswer                       bool // apply, then fail as if the answer was lost
	skew                             time.Duration
	skewAt                           time.Time
}

func newFakeCRM(name string, now func() time.Time) *fakeCRM {
	return &fakeCRM{name: name, account: "portal-1", now: now, contacts: map[string]*connectors.Contact{}, human: map[string][]string{}, rejects: map[string]error{}}
}

func (f *fakeCRM) ref(id string) connectors.Ref {
	return connectors.Ref{CRM: f.name, Object: "contacts", ID: id}
}

// put creates or changes a record and tells the feed.
func (f *fakeCRM) put(id, email string, change func(c *connectors.Contact)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.contacts[id]
	if c == nil {
		c = &connectors.Contact{Ref: f.ref(id), Ours: map[string]string{}, Fields: map[string]string{}, Created: f.now()}
		if email != "" {
			c.Emails = []string{email}
		}
		f.contacts[id] = c
	}
	if change != nil {
		before := maps.Clone(c.Ours)
		change(c)
		for name, v := range c.Ours { // whoever changes a record by hand is a person
			if before[name] != v && !slices.Contains(f.human[id], name) {
				f.human[id] = append(f.human[id], name)
			}
		}
	}
	f.touch(c)
}

// overwrite sets one of our fields as a sync or an import does: no person's edit.
func (f *fakeCRM) overwrite(id, field, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.contacts[id].Ours[field] = value
	f.touch(f.contacts[id])
}

func (f *fakeCRM) touch(c *connectors.Contact) {
	f.seq++
	c.Modified = f.now().Add(time.Duration(f.seq) * time.Millisecond)
	f.feed = append(f.feed, c.ID)
}

func (f *fakeCRM) copyOf(id string) connectors.Contact {
	c := f.contacts[id]
	if c == nil {
		return connectors.Contact{Ref: f.ref(id), State: connectors.Erased}
	}
	out := *c
	out.Ours, out.Fields = maps.Clone(c.Ours), maps.Clone(c.Fields)
	return out
}

func (f *fakeCRM) ours(id string) map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.contacts[id].Ours)
}

func (f *fakeCRM) writeCount() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.writes)
}

func (f *fakeCRM) Changes(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Contact], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failChanges != nil {
		return connectors.Page[connectors.Contact]{}, f.failChanges
	}
	if from == nil {
		return connectors.Page[connectors.Contact]{Next: connectors.Cursor(strconv.Itoa(len(f.feed)))}, nil
	}
	at, err := strconv.Atoi(string(from))
	if err != nil {
		return connectors.Page[connectors.Contact]{}, err
	}
	end := min(at+50, len(f.feed))
	var p connectors.Page[connectors.Contact]
	for _, id := range f.feed[at:end] {
		if c := f.contacts[id]; c != nil && c.State == connectors.Live {
			p.Items = append(p.Items, f.copyOf(id))
		}
	}
	p.Next, p.More = connectors.Cursor(strconv.Itoa(end)), end < len(f.feed)
	return p, nil
}

func (f *fakeCRM) Read(ctx context.Context, refs []connectors.Ref) ([]connectors.Contact, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failRead != nil {
		return nil, f.failRead
	}
	out := make([]connectors.Contact, len(refs))
	for i, r := range refs {
		out[i] = f.copyOf(r.ID)
	}
	return out, nil
}

func (f *fakeCRM) Write(ctx context.Context, patches []connectors.Patch) ([]connectors.Result, error) {
	if f.onWrite != nil {
		f.onWrite(patches)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]connectors.Result, len(patches))
	if f.failWrite != nil {
		for i := range out {
			out[i] = connectors.Result{Ref: patches[i].Ref, Err: f.failWrite}
		}
		return out, f.failWrite
	}
	for i, p := range patches {
		f.writes = append(f.writes, p)
		out[i].Ref = p.Ref
		if err := f.rejects[p.ID]; err != nil {
			out[i].Err = err
			continue
		}
		c := f.contacts[p.ID]
		if c == nil || c.State != connectors.Live {
			out[i].Err = &connectors.Error{Kind: connectors.Gone, Op: "write", State: connectors.Erased}
			continue
		}
		out[i].Stored = map[string]string{}
		for k, v := range p.Fields {
			f.human[p.ID] = slices.DeleteFunc(f.human[p.ID], func(name string) bool { return name == k })
			if v == "" {
				delete(c.Ours, k)
			} else {
				c.Ours[k] = v
			}
			out[i].Stored[k] = v
		}
		f.touch(c)
		out[i].Modified = c.Modified
	}
	if f.dropAnswer {
		err := &connectors.Error{Kind: connectors.Transient, Op: "write", Message: "connection reset"}
		for i := range out {
			out[i] = connectors.Result{Ref: patches[i].Ref, Err: err}
		}
		return out, err
	}
	return out, nil
}

func (f *fakeCRM) Account(context.Context) (connectors.AccountInfo, error) {
	return connectors.AccountInfo{ID: f.account, Location: time.UTC, ServerTime: f.now()}, nil
}

func (f *fakeCRM) Sweep(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Contact], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := slices.Sorted(maps.Keys(f.contacts))
	var p connectors.Page[connectors.Contact]
	for _, id := range ids {
		if id > string(from) && f.contacts[id].State == connectors.Live {
			p.Items = append(p.Items, f.copyOf(id))
			p.Next = connectors.Cursor(id)
			if len(p.Items) == 50 {
				p.More = true
				return p, nil
			}
		}
	}
	return p, nil
}

func (f *fakeCRM) Count(context.Context) (int, error) { return len(f.contacts), nil }

func (f *fakeCRM) HumanEdited(ctx context.Context, refs []connectors.Ref) (map[connectors.Ref]connectors.Edits, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[connectors.Ref]connectors.Edits{}
	for _, r := range refs {
		out[r] = connectors.Edits{Fields: f.human[r.ID], VerdictAt: f.verdictAt[r.ID]}
	}
	return out, nil
}

func (f *fakeCRM) Report() connectors.Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	return connectors.Report{DailyLimit: -1, DailyRemaining: -1, Skew: f.skew, SkewAt: f.skewAt}
}

// fakeSource holds events by e-mail address.
type fakeSource struct {
	mu     sync.Mutex
	name   string
	events map[string][]connectors.Event
	active []connectors.Person
	fail   error
	asked  int
}

func newFakeSource(name string) *fakeSource {
	return &fakeSource{name: name, events: map[string][]connectors.Event{}}
}

func (f *fakeSource) add(email string, events ...connectors.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range events {
		e.Source, e.Email = f.name, email
		if e.ID == "" {
			e.ID = fmt.Sprintf("%s-%d", email, len(f.events[email]))
		}
		f.events[email] = append(f.events[email], e)
	}
	f.active = append(f.active, connectors.Person{Emails: []string{email}})
}

func (f *fakeSource) Active(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Person], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return connectors.Page[connectors.Person]{}, f.fail
	}
	at, _ := strconv.Atoi(string(from))
	return connectors.Page[connectors.Person]{Items: slices.Clone(f.active[at:]), Next: connectors.Cursor(strconv.Itoa(len(f.active)))}, nil
}

func (f *fakeSource) Journeys(ctx context.Context, people []connectors.Person, w connectors.Window) iter.Seq2[connectors.Event, error] {
	return func(yield func(connectors.Event, error) bool) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.asked++
		if f.fail != nil {
			yield(connectors.Event{}, f.fail)
			return
		}
		for _, p := range people {
			for _, email := range p.Emails {
				for _, e := range f.events[email] {
					if !w.Contains(e.Time) {
						continue
					}
					e.Person = p.Key
					if !yield(e, nil) {
						return
					}
				}
			}
		}
	}
}

func (f *fakeSource) Forget(ctx context.Context, p connectors.Person) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, e := range p.Emails {
		n += len(f.events[e])
		delete(f.events, e)
	}
	return n, nil
}

// countingEngine is the rules engine, counting how often it is asked, and degraded when told so.
type countingEngine struct {
	intent.Engine
	calls    atomic.Int64
	degraded atomic.Value // string
	version  atomic.Uint64
}

func (c *countingEngine) Infer(ctx context.Context, s intent.Subject) (intent.Intent, error) {
	c.calls.Add(1)
	in, err := c.Engine.Infer(ctx, s)
	in.Engine = "counting"
	if d, _ := c.degraded.Load().(string); d != "" {
		in.Degraded, in.Engine = d, "rules"
	}
	return in, err
}

func (c *countingEngine) Version() uint64 { return c.Engine.Version() + 1 + c.version.Load() }

// world is a pipeline with its surroundings.
type world struct {
	t      testing.TB
	clock  *fakeClock
	db     *state.DB
	path   string
	crm    *fakeCRM
	site   *fakeSource
	engine *countingEngine
	setup  *pipeline.Setup

	jobWait time.Duration
	p       *pipeline.Pipeline
}

// fakeClock is a clock that moves when told.
type fakeClock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// secondCRM is another CRM of the setup, named other.
func (w *world) secondCRM() *fakeCRM {
	other := newFakeCRM("other", w.clock.now)
	w.setup.CRMs = append(w.setup.CRMs, pipeline.CRM{Name: "other", CRM: other, Objects: []string{"contacts"}, Fields: w.setup.CRMs[0].Fields})
	return other
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, clock: &fakeClock{t: noon}, path: filepath.Join(t.TempDir(), "intentd.db")}
	w.crm = newFakeCRM("crm", w.clock.now)
	w.site = newFakeSource("site")
	jc := journey.Defaults()
	jc.Identity.JoinAnonymous = identity.JoinAlways
	jc.OwnHosts = []string{"www.shop.example"}
	jc.Products = []journey.Product{{Name: "Credit cards", Match: []string{"/cards/**"}}}
	b, err := journey.NewBuilder(jc)
	if err != nil {
		t.Fatal(err)
	}
	engine := rules.New(rules.Options{Products: []string{"Credit cards"}})
	w.engine = &countingEngine{Engine: engine}
	all := map[string]string{}
	for _, f := range connectors.PersonFields().Fields {
		all[f.Name] = "intent_" + f.Name
	}
	w.setup = &pipeline.Setup{
		CRMs:    []pipeline.CRM{{Name: "crm", Type: "fake", CRM: w.crm, Objects: []string{"contacts"}, Fields: all}},
		Sources: []pipeline.Source{{Name: "site", Source: w.site}},
		Journey: b, Score: score.Defaults(), Topics: topics.New(topics.Config{Win: []string{"credit cards"}, LexiconOnly: true}),
		Engine: w.engine, Rules: engine, Fields: fields.Options{Language: "en", Location: time.UTC, OwnHosts: jc.OwnHosts},
		History: 400 * 24 * time.Hour, Customers: []string{"customer"},
		Verdicts: pipeline.Verdicts{"not_now": 60 * 24 * time.Hour, "not_interested": 180 * 24 * time.Hour, "wrong_person": 365 * 24 * time.Hour},
		Write:    pipeline.Write{Mode: pipeline.WriteOn}, BrakeShare: 0.1,
	}
	w.open()
	return w
}

// open opens the state and makes a pipeline over it, as a start of the process does.
func (w *world) open() {
	w.t.Helper()
	db, err := state.Open(w.path, state.Options{Now: w.clock.now, NoSync: true})
	if err != nil {
		w.t.Fatal(err)
	}
	w.db = db
	w.t.Cleanup(func() { db.Close() })
	var log *slog.Logger
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	if w.p, err = pipeline.New(pipeline.Options{DB: db, Now: w.clock.now, Logger: log, LotSize: 50, Lots: 2, Linger: time.Nanosecond, JobWait: w.jobWait}, w.setup); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) reopen() {
	w.t.Helper()
	if err := w.db.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

// once runs everything that is to be done and expects no failure.
func (w *world) once() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	if _, err := operate.Once(ctx, w.p); err != nil {
		w.t.Fatal(err)
	}
}

// tryOnce runs everything and returns the failure.
func (w *world) tryOnce() error {
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	_, err := operate.Once(ctx, w.p)
	return err
}

// start does the first poll and sweep of an empty CRM, so that what comes later comes by polling.
func (w *world) start() *world {
	w.once()
	return w
}

func view(url, title string, at time.Time) connectors.Event {
	return connectors.Event{Time: at, Received: at, Kind: connectors.KindPageView, URL: "https://www.shop.example" + url, PageTitle: title}
}

func demoRequest(at time.Time) connectors.Event {
	return connectors.Event{Time: at, Received: at, Kind: connectors.KindDemoRequest, URL: "https://www.shop.example/demo", PageTitle: "Request a demo"}
}

// buyer puts somebody into the CRM who asked for a demo and read three pages.
func (w *world) buyer(id string) string {
	email := "buyer" + id + "@acme.example"
	at := w.clock.now().Add(-2 * time.Hour)
	w.crm.put(id, email, nil)
	w.site.add(email, demoRequest(at), view("/cards/gold", "Gold card", at.Add(time.Minute)), view("/pricing", "Pricing", at.Add(2*time.Minute)), view("/cards/compare", "Compare cards", at.Add(3*time.Minute)))
	return email
}

// touchOnly bumps a record's modification time.
func (f *fakeCRM) touchOnly(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.touch(f.contacts[id])
}
