package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// Who had something learned or applied.
const (
	byCommand  = "command"
	bySchedule = "schedule"
	byImport   = "import"
)

// LearnArguments say what is learned from.
type LearnArguments struct {
	Span time.Duration `json:"span"` // how far back deals may have been closed
	CRM  string        `json:"crm"`  // whose; "": of every CRM
}

// LearnedNumber names something that was learned; 0: the newest suggestion, or, to export, what is applied.
type LearnedNumber struct {
	Number uint64 `json:"number"`
}

// The operations of what is learned.
var (
	Learn = operation("learn", func(a *App, ctx context.Context, arg LearnArguments) (*Lesson, error) {
		t, _, err := a.learn(ctx, arg, byCommand)
		if err != nil {
			return nil, err
		}
		return &t.Lesson, nil
	})
	LearnApply   = operation("learn_apply", (*App).learnApply)
	LearnUndo    = operation("learn_undo", (*App).learnUndo)
	LearnHistory = operation("learn_history", (*App).learnHistory)
	LearnExport  = operation("learn_export", (*App).learnExport)
	LearnImport  = operation("learn_import", (*App).learnImport)
)

// LearnAside learns without a state, as a backtest goes over closed deals: nothing is kept, and nobody's score is there to change.
func LearnAside(ctx context.Context, o BacktestOptions) (*Lesson, error) {
	p, err := dealsOf(ctx, o.Config, o)
	if err != nil {
		return nil, err
	}
	t, err := teach(ctx, p, nil)
	if err != nil {
		return nil, err
	}
	t.finish(time.Now(), scoreSettings(o.Config).Weights, builtIn)
	t.configured(&o.Config.Topics)
	return &t.Lesson, nil
}

// builtIn is what strengths begin with where nothing was imported.
const builtIn = "the built-in strengths"

func (t *taught) finish(now time.Time, before score.Weights, prior string) {
	t.At, t.Prior = now.UTC(), prior
	if t.Weights != nil {
		t.Weights.Before = sharesOf(before)
	}
}

// learn learns from the closed deals of the CRMs, by the state's own event store, and keeps what came of it as a suggestion.
func (a *App) learn(ctx context.Context, arg LearnArguments, by string) (*taught, state.Learned, error) {
	done, ok := a.pipe.TryLock("learn")
	if !ok {
		return nil, state.Learned{}, errors.New("another learning is under way: wait for it, intentd learn history shows it")
	}
	defer done()
	prior, named, err := a.prior()
	if err != nil {
		return nil, state.Learned{}, err
	}
	cfg := a.Config()
	a.mu.Lock()
	setup := *a.made.setup
	a.mu.Unlock()
	setup.Engine, setup.Topics = setup.Rules, setup.Topics.Offline() // texts are not looked at, and no model is asked
	b := &dealBacktest{o: BacktestOptions{Span: arg.Span, CRM: arg.CRM, History: a}, a: a, cfg: cfg, setup: &setup, now: a.o.Now(), leftOut: map[string]int{}, snaps: map[string][]*learn.Snapshot{}, recalled: map[*learn.Snapshot]bool{}, fed: true}
	p, err := b.make(ctx)
	if err != nil {
		return nil, state.Learned{}, err
	}
	if err := a.keepDealShares(&b.shares, p.Deals.Since); err != nil {
		return nil, state.Learned{}, err
	}
	told, err := a.withVerdicts(ctx, p, b)
	if err != nil {
		return nil, state.Learned{}, err
	}
	t, err := teach(ctx, p, prior)
	if err != nil {
		return nil, state.Learned{}, err
	}
	if err := told(t); err != nil {
		return nil, state.Learned{}, err
	}
	t.finish(a.o.Now(), a.pipe.Setup().Score.Weights, named)
	t.configured(&cfg.Topics)
	if err := a.effects(ctx, t); err != nil {
		return nil, state.Learned{}, err
	}
	kept, ok, err := t.kept(by)
	if err != nil || !ok {
		return t, kept, err
	}
	if by == bySchedule {
		if same, err := a.learnedBefore(&kept); err != nil || same != nil {
			if same != nil {
				t.Number, kept = same.ID, *same
			}
			return t, kept, err
		}
	}
	if kept.ID, err = a.db.PutLearned(kept); err != nil {
		return nil, kept, err
	}
	a.taught.Store(nil)
	t.Number = kept.ID
	return t, kept, nil
}

// learnedBefore is the newest that is kept, where it says the same: nothing new was closed meanwhile.
func (a *App) learnedBefore(l *state.Learned) (*state.Learned, error) {
	list, err := a.db.Learned()
	for i := range list {
		if o := &list[i]; o.By != byImport {
			if string(o.Weights) == string(l.Weights) && o.Strengths == l.Strengths && o.Engine == l.Engine {
				return o, err
			}
			break
		}
	}
	return nil, err
}

// prior is the model that was imported last, with its name; nil where none was, or one without coefficients.
func (a *App) prior() (*learn.Strengths, string, error) {
	list, err := a.db.Learned()
	if err != nil {
		return nil, "", err
	}
	for _, l := range list {
		if l.By == byImport {
			if l.Strengths == "" {
				break
			}
			m, err := learn.ReadStrengths([]byte(l.Strengths))
			return m, fmt.Sprintf("what was imported on %s (number %d)", l.At.Format(time.DateOnly), l.ID), err
		}
	}
	return nil, builtIn, nil
}

// effects are what the engines would do to the tiers that CRMs show, as plan --against tells it of a change of the configuration.
func (a *App) effects(ctx context.Context, t *taught) error {
	set := scoreSettings(a.Config())
	set.TierByModel = false
	under := func(name string, set score.Settings) error {
		next := *a.pipe.Setup()
		next.Score = set
		e, err := operate.TiersUnder(ctx, a.pipe, &next)
		if err == nil && e.People > 0 {
			t.Effects = append(t.Effects, EngineEffect{name, e.People, e.Changed, e.Matrix})
		}
		return err
	}
	if t.weights != nil {
		with := set
		with.Weights, with.Learned = *t.weights, true
		if err := under(config.EngineWeights, with); err != nil {
			return err
		}
	}
	if t.strengths == nil {
		return nil
	}
	additive, err := t.strengths.Additive(a.Config().ProfileNames())
	if err != nil {
		return err
	}
	with := set
	with.Additive = additive
	return under(config.EnginePropensity, with)
}

// LearnedLine is one of what is kept, for a list.
type LearnedLine struct {
	Number   uint64    `json:"number"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Engine   string    `json:"engine,omitempty"` // that auto takes by it
	Deals    int       `json:"deals,omitempty"`
	Won      int       `json:"won,omitempty"`
	Weights  string    `json:"weights,omitempty"`
	Features int       `json:"features,omitempty"` // that have a strength
	Profile  []string  `json:"profile,omitempty"`  // properties of the CRM that strengths go by
	Gone     []string  `json:"gone,omitempty"`     // of what is in force: those that no learning_profile names any more, where everybody counts as usual
	Why      string    `json:"why,omitempty"`      // it was not applied by itself
	Applied  time.Time `json:"applied,omitzero"`
	ByWhom   string    `json:"applied_by,omitempty"`
	Undone   time.Time `json:"undone,omitzero"`
	InForce  bool      `json:"in_force"`
	Counts   string    `json:"counts,omitempty"` // what scoring.engine makes of it, once it is applied
	Evidence *Lesson   `json:"evidence,omitempty"`
}

// number is the line's; 0 of none.
func (l *LearnedLine) number() float64 {
	if l == nil {
		return 0
	}
	return float64(l.Number)
}

// lineOf sums one up.
func lineOf(l *state.Learned, inForce *state.Learned) LearnedLine {
	line := LearnedLine{Number: l.ID, At: l.At, By: l.By, Engine: l.Engine, Why: l.Why, Applied: l.Applied, ByWhom: l.AppliedBy, Undone: l.Undone, InForce: inForce != nil && inForce.ID == l.ID}
	var w score.Weights
	if l.Weights != nil && json.Unmarshal(l.Weights, &w) == nil {
		line.Weights = fmt.Sprintf("volume %.2f, recency %.2f, topics %.2f", float64(w.Volume)/1000, float64(w.Recency)/1000, float64(w.Topics)/1000)
	}
	if m, err := learn.ReadStrengths([]byte(l.Strengths)); err == nil {
		line.Features, line.Profile = m.Width(), m.Profile()
	}
	var e Lesson
	if l.Evidence != nil && json.Unmarshal(l.Evidence, &e) == nil {
		e.Number = l.ID
		line.Evidence, line.Deals, line.Won = &e, e.Deals, e.Won
	}
	return line
}

func (a *App) learnHistory(context.Context, Nothing) ([]LearnedLine, error) {
	list, err := a.db.Learned()
	out := []LearnedLine{}
	inForce := state.Applied(list)
	for i := range list {
		line := lineOf(&list[i], inForce)
		line.Gone = a.gone(&line)
		out = append(out, line)
	}
	return out, err
}

// errNothingLearned is told where there is nothing to apply or to export.
var errNothingLearned = errors.New("nothing was learned yet that could be taken: intentd learn learns from the closed deals of the CRM")

// pick is the one of a number; of 0 the first that fits.
func (a *App) pick(number uint64, fits func(l *state.Learned) bool) (*state.Learned, error) {
	list, err := a.db.Learned()
	if err != nil {
		return nil, err
	}
	for i := range list {
		if l := &list[i]; l.ID == number || number == 0 && fits(l) {
			return l, nil
		}
	}
	if number != 0 {
		return nil, fmt.Errorf("nothing that was learned has the number %d: intentd learn history lists what is kept", number)
	}
	return nil, errNothingLearned
}

func (a *App) learnApply(_ context.Context, arg LearnedNumber) (LearnedLine, error) {
	l, err := a.pick(arg.Number, func(l *state.Learned) bool { return l.By != byImport })
	if err != nil {
		return LearnedLine{}, err
	}
	return a.apply(l.ID, byCommand)
}

// apply puts something learned in force and says so in the log.
func (a *App) apply(id uint64, by string) (LearnedLine, error) {
	l, err := a.db.ApplyLearned(id, by, a.o.Now())
	if err != nil {
		return LearnedLine{}, err
	}
	a.taught.Store(nil)
	line := lineOf(&l, &l)
	line.Counts = counts(a.Config().Scoring.Engine, &l)
	a.log.Info("what was learned is applied", "number", l.ID, "by", by, "deals", line.Deals, "weights", line.Weights, "strengths", line.Features, "engine", l.Engine)
	return line, a.Relearn()
}

// counts says what an engine makes of something that is applied.
func counts(engine string, l *state.Learned) string {
	switch engine {
	case config.EngineWeights:
		if l.Weights == nil {
			return "scoring.engine is weights, and none were learned: the configuration's stay"
		}
		return "scoring.engine is weights: scores follow now"
	case "propensity":
		if l.Strengths == "" {
			return "scoring.engine is propensity, and no strengths were learned: the formula stays"
		}
		return "scoring.engine is propensity: scores follow now"
	case config.EngineAuto:
		return "scoring.engine is auto, which takes " + engineBy(engine, l) + " by it"
	}
	return "scoring.engine is " + engine + ": no score changes until it is weights, propensity or auto; intentd plan --against shows what that would do"
}

func (a *App) learnUndo(context.Context, Nothing) (LearnedLine, error) {
	l, err := a.db.UndoLearned(a.o.Now())
	if errors.Is(err, state.ErrNotApplied) {
		return LearnedLine{}, errors.New("nothing that was learned is applied: the settings are those of the configuration")
	}
	if err != nil {
		return LearnedLine{}, err
	}
	a.taught.Store(nil)
	a.log.Info("what was learned is undone", "number", l.ID)
	return lineOf(&l, nil), a.Relearn()
}

// learned is what is applied of what the state keeps, for the scores.
func (a *App) learned() (l Learned, err error) {
	list, err := a.db.Learned()
	now := state.Applied(list)
	if err != nil || now == nil {
		return l, err
	}
	l.Engine = now.Engine
	if now.Weights != nil {
		l.Weights = &score.Weights{}
		if err := json.Unmarshal(now.Weights, l.Weights); err != nil {
			return l, fmt.Errorf("the weights of number %d: %w", now.ID, err)
		}
	}
	if now.Strengths != "" {
		if l.Strengths, err = learn.ReadStrengths([]byte(now.Strengths)); err != nil {
			return l, fmt.Errorf("number %d: %w", now.ID, err)
		}
	}
	return l, nil
}

func (a *App) learnExport(_ context.Context, arg LearnedNumber) (string, error) {
	list, err := a.db.Learned()
	if err != nil {
		return "", err
	}
	number := arg.Number
	if l := state.Applied(list); number == 0 && l != nil && l.Strengths != "" {
		number = l.ID
	}
	l, err := a.pick(number, func(l *state.Learned) bool { return l.Strengths != "" })
	switch {
	case err != nil:
		return "", err
	case l.Strengths == "":
		return "", fmt.Errorf("number %d has no coefficients: only weights were learned then", l.ID)
	}
	return l.Strengths, nil
}

// learnImport keeps the coefficients of another learning as what the next one begins with; without any, the next begins with the built-in strengths again.
func (a *App) learnImport(_ context.Context, f File) (LearnedLine, error) {
	l := state.Learned{At: a.o.Now(), By: byImport}
	if strings.TrimSpace(f.Text) != "" {
		if _, err := learn.ReadStrengths([]byte(f.Text)); err != nil {
			return LearnedLine{}, err
		}
		l.Strengths = f.Text
	}
	defer a.taught.Store(nil)
	var err error
	l.ID, err = a.db.PutLearned(l)
	return lineOf(&l, nil), err
}
