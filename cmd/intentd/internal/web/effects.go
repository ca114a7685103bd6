package web

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/pipeline/learn/backtest"
)

// effectsView is what a configuration would do.
type effectsView struct {
	Text     string // as it was sent
	Error    string
	Problems []problemRow
	Effect   *app.Effect
	Lede     string
	Tiers    []string
	Matrix   []matrixRow
	Learned  *learnedView
	Gone     string // properties that the strengths in force go by and no learning_profile names any more
}

// learnedView is what closed deals taught last.
type learnedView struct {
	*app.Lesson
	Number  int64
	InForce bool
	Engines []engineRow
}

// engineRow is what an engine was worth on later people; no AUC: too few to tell.
type engineRow struct{ Name, AUC, Low, High, Brier string }

// problemRow is a mistake in what was sent.
type problemRow struct {
	config.Problem
	Hidden bool // its message may hold a value of the environment
}

// matrixRow are people of one tier, by the tier that they would have.
type matrixRow struct {
	Tier  string
	Cells []matrixCell
}

// matrixCell is how many would go from a tier to another.
type matrixCell struct {
	Then   string
	People int
	Move   string // same, up, down or none
}

var tiers = []string{"high", "medium", "low", "unknown"}

func (p *Page) effects(w http.ResponseWriter, r *http.Request, _ guest) {
	p.showEffects(w, r, http.StatusOK, effectsView{Lede: p.tongue().say("e.lede")})
}

// showEffects answers with the view and, below it, the newest of what was learned.
func (p *Page) showEffects(w http.ResponseWriter, r *http.Request, code int, v effectsView) {
	list, err := app.LearnHistory.Do(r.Context(), p.app, app.Nothing{})
	if err != nil && v.Error == "" {
		v.Error = err.Error()
	}
	if i := slices.IndexFunc(list, func(l app.LearnedLine) bool { return l.Evidence != nil }); i >= 0 {
		v.Learned = p.learned(&list[i])
	}
	for i := range list {
		v.Gone += strings.Join(list[i].Gone, ", ") // of the one in force
	}
	p.show(w, r, code, "effects", v)
}

func (p *Page) learned(l *app.LearnedLine) *learnedView {
	v := &learnedView{Lesson: l.Evidence, Number: int64(l.Number), InForce: l.InForce}
	t := p.tongue()
	three := func(x float64) string { return t.decimal(strconv.FormatFloat(x, 'f', 3, 64)) }
	for _, e := range l.Evidence.Engines {
		row := engineRow{Name: backtest.Title(e.Name)}
		if e.AUC != nil {
			row.AUC, row.Low, row.High, row.Brier = three(e.AUC.Value), three(e.AUC.Low), three(e.AUC.High), three(e.Brier.Value)
		}
		v.Engines = append(v.Engines, row)
	}
	return v
}

func (p *Page) tryEffects(w http.ResponseWriter, r *http.Request, g guest) {
	t := p.tongue()
	v := effectsView{Lede: t.say("e.lede")}
	code := http.StatusOK
	var err error
	if v.Text, err = sentConfig(r); err == nil && strings.TrimSpace(v.Text) == "" {
		err = errors.New(t.say("e.empty"))
	}
	if err == nil {
		err = p.compare(r, &v)
	}
	switch {
	case err != nil:
		code, v.Error = http.StatusUnprocessableEntity, err.Error()
	case len(v.Problems) > 0:
		code, v.Lede = http.StatusUnprocessableEntity, t.say("e.problems")
	default:
		v.Lede = p.effectLede(v.Effect)
		v.Tiers, v.Matrix = tiers, matrix(v.Effect)
		var named []string
		for _, s := range v.Effect.Samples {
			named = append(named, s.Ref)
		}
		if len(named) > 0 {
			p.app.Logger().Info("the page named people whom a configuration would move", "records", named, "by", g.by)
		}
	}
	p.showEffects(w, r, code, v)
}

// compare fills in what the text would do, or its mistakes.
func (p *Page) compare(r *http.Request, v *effectsView) error {
	file, err := p.app.Beside(v.Text)
	if err != nil {
		return err
	}
	problems, err := app.Check.Do(r.Context(), p.app, file)
	if err != nil {
		return err
	}
	if problems.Err() == nil {
		v.Effect, err = app.PlanAgainst.Do(r.Context(), p.app, app.EffectArguments{Against: file})
		return err
	}
	for _, problem := range problems {
		if !problem.Warning {
			v.Problems = append(v.Problems, problemRow{problem, telling(v.Text, problem)})
		}
	}
	return nil
}

// telling says that a problem's words may hold a value of the environment: whoever looks at the page need not be who may read that.
func telling(text string, problem config.Problem) bool {
	lines := strings.Split(text, "\n")
	if n := problem.Line; n > 0 && n <= len(lines) && strings.Contains(lines[n-1], "$") {
		return true
	}
	found := false
	os.Expand(text, func(variable string) string {
		value := strings.TrimSpace(os.Getenv(variable))
		found = found || value != "" && strings.Contains(problem.Message+problem.Fix, value[:min(len(value), 6)])
		return ""
	})
	return found
}

// sentConfig is the file that was picked, else what was pasted.
func sentConfig(r *http.Request) (string, error) {
	file, _, err := r.FormFile("file")
	if err != nil {
		return r.PostFormValue("text"), nil
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if len(text) == 0 && err == nil { // a browser sends an empty file where none was picked
		return r.PostFormValue("text"), nil
	}
	return string(text), err
}

func (p *Page) effectLede(e *app.Effect) string {
	t := p.tongue()
	switch {
	case e.People == 0:
		return t.say("e.nobody")
	case e.Changed == 0 && e.Scores == 0:
		return t.say("e.same")
	}
	return t.say("e.some", e.Changed, e.People)
}

func matrix(e *app.Effect) []matrixRow {
	counts := map[[2]string]int{}
	for _, c := range e.Matrix {
		counts[[2]string{c.Tier, c.Then}] = c.People
	}
	var rows []matrixRow
	for i, was := range tiers {
		row := matrixRow{Tier: was}
		for k, then := range tiers {
			c := matrixCell{Then: then, People: counts[[2]string{was, then}], Move: "none"}
			switch {
			case i == k:
				c.Move = "same"
			case c.People > 0 && k < i:
				c.Move = "up"
			case c.People > 0:
				c.Move = "down"
			}
			row.Cells = append(row.Cells, c)
		}
		rows = append(rows, row)
	}
	return rows
}
