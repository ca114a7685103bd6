package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/state"
)

// Bounds of what the schedule may apply by itself.
const (
	learnSpan = 365 * 24 * time.Hour // of closed deals
	mostMoved = 0.05                 // of the people scored, in a week
	aWeek     = 7 * 24 * time.Hour
	aQuarter  = 91 * 24 * time.Hour // between two changes of engine under auto
)

// Learning is how learning stands.
type Learning struct {
	Waits   *LearnedLine `json:"waits,omitempty"`    // the newest that was learned, where it is newer than what is in force
	InForce *LearnedLine `json:"in_force,omitempty"` // nil: the configuration's own settings
	Note    *LearnNote   `json:"note,omitempty"`     // why the last scheduled run learned nothing
}

// LearnNote is why a scheduled run learned nothing.
type LearnNote struct {
	At  time.Time `json:"at"`
	Why string    `json:"why"`
}

const learnNoteKey = "learn/note"

// learning is how it stands, the evidence left out. It is looked at once after each change: what is kept is large.
func (a *App) learning() (*Learning, error) {
	l := a.taught.Load()
	if l == nil {
		var err error
		if l, err = a.lookAtLearning(); err != nil {
			return nil, err
		}
		a.taught.Store(l)
	}
	if l.InForce == nil {
		return l, nil
	}
	now, line := *l, *l.InForce // what it goes by is kept, the configuration may change
	line.Gone, now.InForce = a.gone(&line), &line
	return &now, nil
}

// gone are the properties that something in force goes by and no learning_profile names any more.
func (a *App) gone(l *LearnedLine) []string {
	if !l.InForce || a.pipe.Setup().Score.Additive == nil {
		return nil
	}
	return without(l.Profile, a.Config().ProfileNames())
}

func (a *App) lookAtLearning() (*Learning, error) {
	l := &Learning{}
	list, err := a.db.Learned()
	if err != nil {
		return nil, err
	}
	short := func(of, inForce *state.Learned) *LearnedLine {
		line := lineOf(of, inForce)
		line.Evidence = nil
		return &line
	}
	now := state.Applied(list)
	if now != nil {
		l.InForce = short(now, now)
	}
	for i := range list {
		if list[i].By != byImport {
			if list[i].Applied.IsZero() && (now == nil || list[i].ID > now.ID) {
				l.Waits = short(&list[i], nil)
			}
			break
		}
	}
	if text, err := a.db.Setting(learnNoteKey); err == nil && text != nil {
		note := &LearnNote{}
		if json.Unmarshal(text, note) == nil {
			l.Note = note
		}
	}
	return l, nil
}

// learnBySchedule learns as the configuration's schedule asks. It keeps a suggestion; with learning: apply it puts it in force, where that moves few. What keeps it from learning
// until somebody does something about it (no scope to read deals, too few of them) is noted and no failure; what passes by itself is one.
func (a *App) learnBySchedule(ctx context.Context) error {
	if err := a.pipe.ClockDoubt(); err != nil {
		return err
	}
	t, kept, err := a.learn(ctx, LearnArguments{Span: learnSpan}, bySchedule)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && passes(err):
		return err
	case err != nil:
		return a.noteLearning(err.Error())
	case kept.ID == 0:
		return a.noteLearning(t.nothing())
	}
	defer a.taught.Store(nil)
	if err := a.db.SetSetting(learnNoteKey, nil); err != nil || kept.InForce() {
		return err
	}
	why := "learning is suggest"
	if a.Config().Learning == config.LearningApply {
		if why, err = a.holdsBack(t, &kept); err != nil {
			return err
		}
	}
	if why == "" {
		_, err := a.apply(kept.ID, bySchedule)
		return err
	}
	a.log.Info("something was learned and waits: intentd learn history, then intentd learn apply", "number", kept.ID, "deals", t.Deals, "why", why)
	return a.db.ExplainLearned(kept.ID, why)
}

// passes says that a connector failed in a way that passes by itself.
func passes(err error) bool {
	var e *connectors.Error
	return errors.As(err, &e) && (e.Kind == connectors.Transient || e.Kind == connectors.RateLimited || e.Kind == connectors.Quota)
}

// noteLearning keeps and logs why nothing was learned, once for each reason.
func (a *App) noteLearning(why string) error {
	if l, err := a.learning(); err == nil && (l.Note == nil || l.Note.Why != why) {
		a.log.Warn("nothing was learned from closed deals", "why", why, "fix", "do what it says, or set learning: off")
	}
	defer a.taught.Store(nil)
	text, err := json.Marshal(LearnNote{a.o.Now().UTC(), why})
	if err != nil {
		return err
	}
	return a.db.SetSetting(learnNoteKey, text)
}

// nothing says why there is nothing to apply.
func (t *taught) nothing() string {
	if t.Weights != nil && t.Weights.Refused != "" {
		return t.Weights.Refused
	}
	return t.Unlearned
}

// engineBy is the engine that scores would be worked out by if something learned were in force.
func engineBy(asked string, l *state.Learned) string {
	switch {
	case asked == config.EngineAuto && l.Engine == backtest.Propensity && l.Strengths != "":
		return backtest.Propensity
	case asked == config.EngineAuto && l.Weights != nil:
		return backtest.Weights
	case asked == config.EngineAuto:
		return backtest.Formula
	}
	return asked
}

// holdsBack says why something learned is not put in force without being asked: it would move the tiers of too many within a week, or change the engine again within a quarter.
// "": it may be.
func (a *App) holdsBack(t *taught, l *state.Learned) (why string, err error) {
	list, err := a.db.Learned()
	if err != nil {
		return "", err
	}
	now, asked := a.o.Now(), a.Config().Scoring.Engine
	engine := engineBy(asked, l)
	if undone := undoneLast(list); undone != nil {
		return fmt.Sprintf("number %d was undone on %s: apply one by hand, then learning goes on by itself", undone.ID, undone.Undone.UTC().Format("2 Jan 2006")), nil
	}
	if asked == config.EngineAuto {
		was := backtest.Formula
		if at := state.Applied(list); at != nil {
			was = engineBy(asked, at)
		}
		if last := lastChange(asked, list); engine != was && !last.IsZero() && now.Sub(last) < aQuarter {
			return fmt.Sprintf("engine auto would change from %s to %s, and changed last on %s: once a quarter is the most", was, engine, last.UTC().Format("2 Jan 2006")), nil
		}
	}
	share, known := t.moves(engine)
	if !known {
		return "it cannot be told how many tiers engine " + engine + " would move", nil
	}
	if engine == backtest.Formula || engine == config.EngineModel {
		return "", nil // nothing moves
	}
	before := 0.0
	for i := range list {
		if o := &list[i]; o.AppliedBy == bySchedule && now.Sub(o.Applied) < aWeek {
			var e Lesson
			if json.Unmarshal(o.Evidence, &e) == nil {
				moved, _ := e.moves(engineBy(asked, o))
				before += moved
			}
		}
	}
	if share+before > mostMoved {
		also := ""
		if before > 0 {
			also = fmt.Sprintf(", after %.1f %% this week", 100*before)
		}
		return fmt.Sprintf("%.1f %% of the people scored would change tier%s: %.0f %% a week is the most that is applied without being asked", 100*share, also, 100*mostMoved), nil
	}
	return "", nil
}

// moves is the share of the people scored whose tier an engine would change; 0 for the formula, and where nobody has a score.
func (l *Lesson) moves(engine string) (share float64, known bool) {
	if engine == backtest.Formula || engine == config.EngineModel || len(l.Effects) == 0 && l.Weights != nil && l.Weights.Refused == "" {
		return 0, true
	}
	for _, e := range l.Effects {
		if e.Engine == engine {
			return float64(e.Changed) / float64(max(e.People, 1)), true
		}
	}
	return 0, false
}

// undoneLast is what was undone after everything else had been put in force; nil: nothing.
func undoneLast(list []state.Learned) (last *state.Learned) {
	for i := range list {
		if l := &list[i]; l.Turn > 0 && (last == nil || l.Turn > last.Turn) {
			last = l
		}
	}
	if last == nil || last.InForce() {
		return nil
	}
	return last
}

// lastChange is when auto took another engine last by something that was put in force; zero: never.
func lastChange(asked string, list []state.Learned) (last time.Time) {
	was := backtest.Formula
	for turn := uint64(1); ; turn++ {
		var l *state.Learned
		most := uint64(0)
		for i := range list {
			most = max(most, list[i].Turn)
			if list[i].Turn == turn {
				l = &list[i]
			}
		}
		if turn > most {
			return last
		}
		if l == nil {
			continue // was let go, or put in force again later
		}
		if is := engineBy(asked, l); is != was {
			was, last = is, l.Applied
		}
	}
}
