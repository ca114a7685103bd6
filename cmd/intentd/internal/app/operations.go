package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/disclosure"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/alert"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/learn/proof"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/privacy"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/verdicts"
	"github.com/intentd/intentd/state"
)

// Operation is something an admin can ask of a Target. Arguments and results cross the control socket as JSON.
type Operation[Arguments, Result any] struct {
	name string
	run  func(*App, context.Context, Arguments) (Result, error)
}

// Do carries the operation out.
func (o Operation[Arguments, Result]) Do(ctx context.Context, t Target, arguments Arguments) (Result, error) {
	var result Result
	err := t.call(ctx, o.name, arguments, &result)
	return result, err
}

var operations = map[string]func(*App, context.Context, []byte) (any, error){}

func operation[Arguments, Result any](name string, run func(*App, context.Context, Arguments) (Result, error)) Operation[Arguments, Result] {
	operations[name] = func(a *App, ctx context.Context, raw []byte) (any, error) {
		var arguments Arguments
		if err := json.Unmarshal(raw, &arguments); err != nil {
			return nil, fmt.Errorf("%s: cannot read the arguments: %w", name, err)
		}
		return run(a, ctx, arguments)
	}
	return Operation[Arguments, Result]{name, run}
}

func (a *App) perform(ctx context.Context, name string, arguments []byte) (any, error) {
	run, ok := operations[name]
	if !ok {
		return nil, fmt.Errorf("this intentd knows no operation %q", name)
	}
	result, err := run(a, ctx, arguments)
	var asked Who
	if errors.Is(err, pipeline.ErrUnknownPerson) && json.Unmarshal(arguments, &asked) == nil {
		err = fmt.Errorf("%w: nobody goes by %q; use another address of theirs or the id of their record, and look at intentd status whether the first sync has met everybody", err, asked.Who)
	}
	return result, err
}

// call implements Target, through the same JSON as the socket: what works here works there.
func (a *App) call(ctx context.Context, name string, arguments, result any) error {
	in, err := json.Marshal(arguments)
	if err != nil {
		return err
	}
	v, err := a.perform(ctx, name, in)
	if err != nil {
		return err
	}
	out, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, result)
}

// Nothing is the arguments or the result of an operation that needs none.
type Nothing struct{}

// Who names a person: an e-mail address, a record or its id, or a person key.
type Who struct {
	Who     string `json:"who"`
	KeepCRM bool   `json:"keep_crm,omitempty"` // forget: leave the CRM's fields as they are
}

// SourceQuestion asks what a source tells of a person, or, of nobody, who was active.
type SourceQuestion struct {
	Source string `json:"source"`
	Who    string `json:"who,omitempty"`
}

// MomentQuestion asks what was known of a person at a moment.
type MomentQuestion struct {
	Who string    `json:"who"`
	At  time.Time `json:"at"`
}

// PrivacyArguments choose a document of [disclosure.Languages].
type PrivacyArguments struct {
	Language string `json:"language"`
}

// Letters chooses dead letters: those of a record, or all.
type Letters struct {
	Ref string `json:"ref"`
}

// DeadLetter is a dead letter as admins see it.
type DeadLetter struct {
	Ref      string    `json:"ref"` // "" where it concerns the person as a whole
	Code     string    `json:"code,omitempty"`
	Message  string    `json:"message"`
	Op       string    `json:"op"`
	First    time.Time `json:"first"`
	At       time.Time `json:"at"`
	Attempts int       `json:"attempts"`
	Name     string    `json:"name,omitempty"` // as the CRM has it now; "" where it could not be asked
	Fix      string    `json:"fix"`
}

// Status is the whole condition of an intentd.
type Status struct {
	Version string           `json:"version"`
	Running bool             `json:"running"` // false: read from the state file, no daemon runs
	Started time.Time        `json:"started,omitzero"`
	Health  Health           `json:"health"`
	Reload  string           `json:"reload_refused,omitempty"`
	Jobs    []jobState       `json:"jobs,omitempty"`
	Spent   float64          `json:"model_spent_usd_today"`
	Budget  float64          `json:"model_budget_usd"`
	Model   string           `json:"model_refuses,omitempty"` // why the model gives no texts
	Usage   []state.DayUsage `json:"usage,omitempty"`         // the newest days first
	Held    HeldFields       `json:"held"`
	Holdout *proof.Weighed   `json:"holdout,omitempty"` // whether the holdout runs, where one is configured
	Sync    *Sync            `json:"sync,omitempty"`    // how far the first sync is, while it lasts
	Texts   *Texts           `json:"texts,omitempty"`
	Alerts  *alert.Status    `json:"alerts,omitempty"` // where channels are configured, or alerts wait
	// Learning is how learning from closed deals stands.
	Learning *Learning `json:"learning,omitempty"`
	operate.Status
}

// HeldFields are records of which a person holds fields of intentd's, so that these are not updated.
type HeldFields struct {
	Records int            `json:"records"`
	Fields  map[string]int `json:"fields,omitempty"` // records by field
}

// Texts says how the model's texts come, where there is a model.
type Texts struct {
	Today   int64   `json:"today"`   // people inferred today
	Rules   int64   `json:"rules"`   // people who got the rules' texts today because it failed
	Waiting int     `json:"waiting"` // people in the backfill lane: with rules texts, or none yet
	Days    float64 `json:"days"`    // how long those take by the day's budget; 0: unbounded

	Jobs bool `json:"jobs"` // they are asked by jobs of the model's vendor

	Spending *Spending `json:"spending,omitempty"` // today's
}

// Coming says of those who wait when the model's texts come, on one line.
func (t *Texts) Coming() string {
	pace := "as fast as the model answers"
	if t.Jobs {
		pace = "by jobs of the vendor, some hours later"
	}
	if t.Days >= 1 {
		pace = fmt.Sprintf("within about %.0f days by the day's budget", t.Days)
	}
	return "show the rules' texts until the model's come, highest scores first, " + pace
}

// The operations.
var (
	StatusOf = operation("status", (*App).status)
	Explain  = operation("explain", func(a *App, ctx context.Context, w Who) (*receipt.Receipt, error) {
		return operate.Explain(ctx, a.pipe, w.Who)
	})
	ExplainAt = operation("explain_at", func(a *App, ctx context.Context, q MomentQuestion) (*operate.Then, error) {
		return operate.ExplainAt(ctx, a.pipe, q.Who, q.At)
	})
	ExplainSource = operation("explain_source", func(a *App, ctx context.Context, q SourceQuestion) (*pipeline.Told, error) {
		return operate.ExplainSource(ctx, a.pipe, q.Source, q.Who)
	})
	DeadList  = operation("dead_list", (*App).deadList)
	DeadRetry = operation("dead_retry", (*App).deadRetry)
	DeadDrop  = operation("dead_drop", (*App).deadDrop)
	Pause     = operation("pause", func(a *App, _ context.Context, _ Nothing) (Nothing, error) { return Nothing{}, operate.Pause(a.pipe) })
	Resume    = operation("resume", func(a *App, _ context.Context, _ Nothing) (operate.Resumed, error) { return operate.Resume(a.pipe) })
	Forget    = operation("forget", (*App).forget)
	Release   = operation("release", (*App).release)
	Export    = operation("export", func(a *App, ctx context.Context, w Who) (*privacy.PersonData, error) {
		return privacy.Export(ctx, a.pipe, w.Who)
	})
	Privacy = operation("privacy", func(a *App, _ context.Context, arg PrivacyArguments) (string, error) {
		return disclosure.Document(a.Config(), a.o.Path, arg.Language)
	})
	Suggest = operation("suggest", func(a *App, ctx context.Context, _ Nothing) ([]operate.Uncovered, error) {
		deals, err := a.dealShares()
		if err != nil {
			return nil, err
		}
		return operate.Suggest(ctx, a.pipe, deals)
	})
	Verdicts = operation("verdicts", func(a *App, ctx context.Context, arg VerdictArguments) (*verdicts.Report, error) {
		return operate.Verdicts(ctx, a.pipe, arg.Since)
	})
	VerdictLabels = operation("verdict_labels", func(a *App, _ context.Context, arg VerdictArguments) (operate.Labels, error) {
		return operate.VerdictLabels(a.pipe, arg.Since, arg.From)
	})
	Compact = operation("compact", (*App).compact)
	Rescan  = operation("rescan", func(a *App, ctx context.Context, arg RescanArguments) (int, error) {
		why := state.ReasonConfig
		if arg.Texts {
			why |= state.ReasonText
		}
		return intake.Rescan(ctx, a.pipe, why)
	})
)

// VerdictArguments choose verdicts.
type VerdictArguments struct {
	Since time.Time      `json:"since,omitzero"`
	From  state.PersonID `json:"from,omitempty"` // of labels: where the part begins
}

// RescanArguments say whether the model's texts are asked for anew, too.
type RescanArguments struct {
	Texts bool `json:"texts"`
}

func (a *App) status(ctx context.Context, _ Nothing) (Status, error) {
	a.mu.Lock()
	made, ledger, sched, watch := a.made, a.made.ledger, a.sched, a.watch
	a.mu.Unlock()
	s := Status{Version: a.o.Version, Running: a.ready.Load(), Health: a.Health(), Status: operate.StatusOf(a.pipe)}
	if sched != nil {
		s.Jobs = sched.state()
		s.Started = a.started
	}
	if why := a.reloadErr.Load(); why != nil {
		s.Reload = *why
	}
	if err := watch.trouble(a.o.Now()); err != nil {
		s.Model = err.Error()
	}
	spent, budget := ledger.SpentToday()
	s.Spent, s.Budget = float64(spent)/1e6, float64(budget)/1e6
	var err error
	if s.Usage, err = a.db.UsageDays(7); err != nil {
		return s, err
	}
	if w := a.weighed(); a.Config().Holdout.Share > 0 {
		s.Holdout = &w
	}
	told, err := a.teller.Status()
	if err != nil {
		return s, err
	}
	if len(told.Channels)+told.Waiting+told.Dead > 0 {
		s.Alerts, s.Dead = &told, s.Dead+told.Dead
	}
	s.Sync = a.sync.progress(s.Status)
	s.Texts = a.texts(made, s)
	if s.Learning, err = a.learning(); err != nil {
		return s, err
	}
	s.Held, err = a.heldFields(ctx)
	return s, err
}

// texts says how the model's texts come; nil without a model.
func (a *App) texts(made *built, s Status) *Texts {
	if made.model == nil {
		return nil
	}
	t := &Texts{Jobs: made.setup.Batch != nil && made.setup.Batch.On, Waiting: s.Queue[operate.LaneName(state.Backfill)].Depth}
	if len(s.Usage) > 0 && s.Usage[0].Day == a.today(a.Config().Text.Location()) {
		t.Today, t.Rules = s.Usage[0].People, s.Usage[0].Degraded
		t.Spending = spendingOf(s.Usage[0])
	}
	if s.Budget > 0 {
		t.Days = float64(t.Waiting) * a.perPerson(made) / s.Budget
	}
	return t
}

// heldFields are those that were counted last; without a daemon, which counts every hour, they are counted now.
func (a *App) heldFields(ctx context.Context) (HeldFields, error) {
	if h := a.held.Load(); h != nil {
		return *h, nil
	}
	return a.countHeld(ctx)
}

func (a *App) countHeld(ctx context.Context) (HeldFields, error) {
	var h HeldFields
	var err error
	if a.db.Stats().Held > 0 { // a count that the state keeps: only by field everybody is looked at
		h.Fields, h.Records, err = operate.HeldFields(ctx, a.pipe)
	}
	if err == nil {
		a.held.Store(&h)
	}
	return h, err
}

// ReleaseArguments say whose held fields are let go, and which.
type ReleaseArguments struct {
	Who   string `json:"who"`   // "": everybody's
	Field string `json:"field"` // a canonical name; "": all
}

func (a *App) release(ctx context.Context, arg ReleaseArguments) (operate.Released, error) {
	done, err := operate.Release(ctx, a.pipe, arg.Who, arg.Field)
	if err == nil {
		_, err = a.countHeld(ctx)
	}
	return done, err
}

// Forgotten is what a forgetting did, and what it cannot reach.
type Forgotten struct {
	*privacy.Erased
	Kept []string `json:"kept_elsewhere,omitempty"`
}

func (a *App) forget(ctx context.Context, w Who) (Forgotten, error) {
	a.known.forget()
	erased, err := privacy.Forget(ctx, a.pipe, w.Who, w.KeepCRM)
	f := Forgotten{Erased: erased}
	cfg := a.Config()
	keeps := func(name string, settings connectors.Settings) {
		if k, ok := settings.(connectors.Keeper); ok {
			f.Kept = append(f.Kept, name+": "+k.Keeps())
		}
	}
	for _, crm := range cfg.CRMs {
		keeps(crm.Name, crm.Settings)
	}
	for _, src := range cfg.Sources {
		keeps(src.Name, src.Settings)
	}
	return f, err
}

// shownLetters is how many dead letters are listed at most, namedLetters of how many records the CRM is asked for the name.
const (
	shownLetters = 1000
	namedLetters = 200
)

func (a *App) deadList(ctx context.Context, _ Nothing) ([]DeadLetter, error) {
	letters, err := operate.DeadLetters(a.pipe, shownLetters)
	out := []DeadLetter{}
	var refs []connectors.Ref
	for _, d := range letters {
		l := DeadLetter{Code: d.Code, Message: d.Message, Op: d.Op, First: d.First, At: d.At, Attempts: d.Attempts}
		if d.Ref.IsZero() {
			l.Fix = "report this: the rest of the journey is worked out without this person"
		} else {
			l.Ref = d.Ref.String()
			l.Fix = "correct the record or the rule in the CRM; then it goes by itself, or at once after: intentd dead retry " + l.Ref
			refs = append(refs, d.Ref)
		}
		out = append(out, l)
	}
	untold, aerr := a.teller.Dead(nil)
	for i := range untold {
		out, refs = append(out, letterOf(&untold[i])), append(refs, untold[i].Ref)
	}
	err = cmp.Or(err, aerr)
	names := a.names(ctx, refs[:min(len(refs), namedLetters)])
	for i := range out {
		out[i].Name = names[out[i].Ref]
	}
	return out, err
}

func (a *App) deadRetry(_ context.Context, l Letters) (int, error) {
	n, err := operate.RetryDead(a.pipe, l.Ref)
	if err != nil {
		return n, err
	}
	untold, err := a.teller.Retry(a.alertRefs(l.Ref))
	return n + untold, err
}

func (a *App) deadDrop(_ context.Context, l Letters) (int, error) {
	n, err := operate.DropDead(a.pipe, l.Ref)
	if err != nil {
		return n, err
	}
	untold, err := a.teller.Drop(a.alertRefs(l.Ref))
	return n + untold, err
}

// names are the people's names as the CRMs have them now, by record. A CRM that cannot be asked gives none.
func (a *App) names(ctx context.Context, refs []connectors.Ref) map[string]string {
	names := map[string]string{}
	for _, crm := range a.pipe.Setup().CRMs {
		var own []connectors.Ref
		for _, ref := range refs {
			if ref.CRM == crm.Name {
				own = append(own, ref)
			}
		}
		if len(own) == 0 {
			continue
		}
		contacts, err := crm.CRM.Read(ctx, own)
		if err != nil {
			continue
		}
		for i, c := range contacts {
			name := strings.TrimSpace(c.Profile.FirstName + " " + c.Profile.LastName)
			if name == "" && len(c.Emails) > 0 {
				name = c.Emails[0]
			}
			names[own[i].String()] = name
		}
	}
	return names
}

// Compacted is how much a compaction freed: of the state file and, where there is one, of the event store.
type Compacted struct {
	Before       int64 `json:"bytes_before"`
	After        int64 `json:"bytes_after"`
	EventsBefore int64 `json:"events_bytes_before,omitempty"`
	EventsAfter  int64 `json:"events_bytes_after,omitempty"`
}

func (a *App) compact(ctx context.Context, _ Nothing) (Compacted, error) {
	c := Compacted{Before: a.db.Stats().FileBytes}
	if err := a.db.Compact(); err != nil {
		return c, err
	}
	c.After = a.db.Stats().FileBytes
	store := a.eventStore()
	if store == nil {
		return c, nil
	}
	before, err := store.Stats()
	if err != nil {
		return c, err
	}
	if err := store.Compact(ctx); err != nil {
		return c, err
	}
	after, err := store.Stats()
	c.EventsBefore, c.EventsAfter = before.Bytes, after.Bytes
	return c, err
}

// Once does what a daemon would do now and returns when nothing is left that can be done: polls, listens, the first sync of each
// CRM, then the queue. It goes on past a connector that fails and returns all failures joined.
func (a *App) Once(ctx context.Context) (intake.Found, error) {
	if err := a.room(); err != nil {
		return intake.Found{}, err
	}
	a.followConfig(ctx)
	a.sync.begin(a)
	spent := a.Meter()
	late := operate.Nightly(ctx, a.pipe)
	found, err := operate.Once(ctx, a.pipe)
	a.tellSpending(spent())
	if err == nil {
		err = late
	}
	return found, errors.Join(err, a.teller.Round(ctx))
}

// Waiting is what is left to do, on one line.
func (a *App) Waiting(ctx context.Context) string {
	a.sync.count(ctx, a)
	st := operate.StatusOf(a.pipe)
	if s := a.sync.progress(st); s != nil {
		return s.String()
	}
	var parts []string
	for _, lane := range []string{"live", "retry", "due", "backfill"} {
		if n := st.Queue[lane].Depth; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, lane))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nobody"}
	}
	return fmt.Sprintf("waiting: %s; written: %d; on their way: %d; dead letters: %d", strings.Join(parts, ", "), st.Written, st.Journal, st.Dead)
}
