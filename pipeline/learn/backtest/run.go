package backtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/learn/logistic"
	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/score"
)

// maxLearned bounds how many people strengths are learned from: a sample of them, drawn by chance, says as much.
const maxLearned = 50_000

// ErrOneOutcome says that all people have the same outcome: its text says which.
var ErrOneOutcome = errors.New("one outcome only")

// run is one backtest under way.
type run struct {
	ctx     context.Context
	p       *Population
	most    int // people that strengths are learned from
	split   Split
	deals   deals
	formula measure.Tally // of the training part
	parted  bool          // the people have components
	drawn   float64       // the share of the training part that strengths are learned from
	result  *Result
}

// Run sets the engines beside each other. prior is a model that was learned elsewhere; nil: the built-in strengths. It fails with ErrOneOutcome or when ctx has ended.
func Run(ctx context.Context, p *Population, prior *learn.Strengths) (*Result, error) {
	return runWith(ctx, p, prior, maxLearned)
}

func runWith(ctx context.Context, p *Population, prior *learn.Strengths, most int) (*Result, error) {
	r := newRun(ctx, p, most, splitAt(p))
	survey, err := r.look()
	if (p.Deals != nil || p.AsOf != nil) && errors.Is(err, ErrOneOutcome) {
		// What is known of the deals is told all the same.
		r.result.Unlearned = fmt.Sprintf("of %s with a journey before %d won, and that needs won and lost ones", count(r.result.People, "person", "people"), r.result.Won)
		return r.result, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	engines := []*engine{}
	if r.parted {
		engines = append(engines, bySettings(Formula, p.Settings))
		w := r.deals.weights(p.Settings.Weights)
		r.result.Weights = &w
		if w.Refused == "" {
			set := p.Settings
			set.Weights = w.Weights
			engines = append(engines, bySettings(Weights, set))
		}
	}
	if err := r.strengths(survey, prior); err != nil {
		return nil, err
	}
	if m := r.result.Strengths; m != nil {
		engines = append(engines, byStrengths(m, p.Settings))
	}
	if p.Given != "" {
		engines = append(engines, given(p.Given, p.Settings))
	}
	engines = append(engines, baselines(p.Baseline)...)
	if err := r.judge(engines); err != nil {
		return nil, err
	}
	r.result.choose()
	return r.result, ctx.Err()
}

func newRun(ctx context.Context, p *Population, most int, split Split) *run {
	return &run{ctx: ctx, p: p, most: most, split: split, result: &Result{LeftOut: p.LeftOut, Remarks: p.Remarks, Profile: p.Profile, Deals: p.Deals, AsOf: p.AsOf}}
}

// each goes through the people of one part, or of both; it stops when the context ends.
func (r *run) each(do func(s *standing, i int, judged bool)) {
	s := &standing{}
	i := 0
	for who := range r.p.People() {
		s.Person = who
		s.facts = r.facts(who, s.facts[:0])
		if who.Snapshot != nil {
			s.parts = r.p.Settings.At(&who.Snapshot.Features, who.Snapshot.At)
		} else {
			s.parts, _ = components(s.facts, r.p.Settings.Weights)
		}
		do(s, i, r.split.judged(who, i))
		if i++; i%1024 == 0 && r.ctx.Err() != nil {
			return
		}
	}
}

// facts are those of a person; into has room for them.
func (r *run) facts(who *Person, into []learn.Fact) []learn.Fact {
	if who.Snapshot == nil {
		return who.Facts
	}
	return who.Snapshot.Facts(&r.p.Settings, into)
}

// look counts the people and their facts.
func (r *run) look() (*learn.Survey, error) {
	won := 0
	i := 0
	for who := range r.p.People() {
		r.split.count(r.split.judged(who, i), who.Won)
		if i++; who.Won {
			won++
		}
	}
	r.result.People, r.result.Won, r.result.Split = i, won, r.split
	if won == 0 || won == i {
		which := "lost"
		if won > 0 {
			which = "won"
		}
		return nil, fmt.Errorf("%w: the %s left were all %s, and a backtest needs both%s", ErrOneOutcome, count(i, "person", "people"), which, told(r.p.LeftOut, " (left out: ", ")"))
	}
	r.drawn = min(1, float64(r.most)/float64(max(r.split.Learned, 1)))
	survey := &learn.Survey{}
	var ahead lead
	r.each(func(s *standing, i int, judged bool) {
		if s.Won && s.Snapshot != nil {
			ahead.add(&r.p.Settings, s.Person)
		}
		if judged {
			return
		}
		if s.parts.Known {
			r.parted = true
		}
		if s.parts.Known || s.Snapshot != nil {
			r.deals.add(s)
			r.formula.Add(float64(s.parts.Score), s.Won)
		}
		if r.inSample(i) {
			survey.Add(s.facts, s.Won)
		}
	})
	if r.p.Journeys && r.p.Deals == nil && r.p.AsOf == nil {
		r.result.Ahead = ahead.told()
	}
	return survey, r.ctx.Err()
}

func (r *run) inSample(i int) bool { return r.drawn >= 1 || chance(uint64(i)+1<<40) < r.drawn }

// strengths learns the model, or says why not.
func (r *run) strengths(survey *learn.Survey, prior *learn.Strengths) error {
	without := slices.Clone(r.p.Without)
	for _, s := range survey.Suspects() {
		if slices.Contains(without, s.Name) {
			continue
		}
		trusted := slices.Contains(r.p.Trusted, s.Name)
		r.result.Suspects = append(r.result.Suspects, Suspect{s, trusted})
		if !trusted {
			without = append(without, s.Name)
		}
	}
	features := survey.Features(without)
	if r.p.Kept {
		features = slices.DeleteFunc(features, func(f learn.Feature) bool { return !score.Told(f.Fact) })
	}
	if !r.p.Journeys { // of journeys these are rare pages and forms, and many
		r.result.Unused = survey.Unused(features, without)
	}
	schema := learn.NewSchema(features)
	rows := &logistic.Rows{Width: len(features)}
	var at []int64
	x := make([]float32, len(features))
	r.each(func(s *standing, i int, judged bool) {
		if judged || !r.inSample(i) {
			return
		}
		schema.Encode(s.facts, x)
		rows.X = append(rows.X, x...)
		rows.Won = append(rows.Won, s.Won)
		when := int64(chance(uint64(i)+1<<41) * (1 << 53)) // without dates chance orders them: the order of a file may be anything
		if r.split.ByTime {
			when = s.At.Unix()
		}
		at = append(at, when)
	})
	if err := r.ctx.Err(); err != nil {
		return err
	}
	sort.Stable(&inOrder{rows, at, x})
	if !r.split.ByTime {
		at = nil
	}
	o := learn.Options{Prior: prior, Weights: r.p.Settings.Weights, High: r.p.Settings.High, Medium: r.p.Settings.Medium}
	if r.parted {
		o.ShareHigh, o.ShareMedium = r.formula.Share(float64(o.High)), r.formula.Share(float64(o.Medium))
		r.result.NobodyHigh = o.ShareHigh == 0
	}
	o.Weak = r.weak(schema, len(rows.Won))
	m, err := learn.Learn(r.ctx, features, rows, at, o)
	switch {
	case errors.Is(err, learn.ErrNothing), errors.Is(err, logistic.ErrOneOutcome):
		r.result.Unlearned = err.Error()
		return nil
	case err != nil:
		return err
	}
	if w := o.Weak; w != nil {
		m.Learned.Verdicts, m.Learned.VerdictWeight = len(w.Won), w.Times[0]
	}
	r.result.Strengths = m
	return nil
}

// mostWeak bounds how many weak labels are learned from.
const mostWeak = 20_000

// weak are the weak labels of before the people judged on, beside so many rows with outcomes; nil: there are none. Where chance parts the people nothing says what came before.
func (r *run) weak(schema *learn.Schema, beside int) *logistic.Rows {
	if r.p.Weak == nil || r.p.WeakTimes <= 0 || !r.split.ByTime {
		return nil
	}
	rows := &logistic.Rows{Width: len(schema.Features)}
	x := make([]float32, rows.Width)
	var facts []learn.Fact
	for who := range r.p.Weak() {
		if len(rows.Won) == mostWeak || r.ctx.Err() != nil {
			break
		}
		if r.split.judged(who, 0) {
			continue
		}
		facts = r.facts(who, facts[:0])
		schema.Encode(facts, x)
		rows.X, rows.Won = append(rows.X, x...), append(rows.Won, who.Won)
	}
	n := len(rows.Won)
	if n == 0 {
		return nil
	}
	times := min(r.p.WeakTimes, float64(beside)/float64(n))
	for range n {
		rows.Times = append(rows.Times, times)
	}
	return rows
}

// inOrder sorts rows with what orders them.
type inOrder struct {
	rows *logistic.Rows
	at   []int64
	swap []float32
}

func (b *inOrder) Len() int           { return len(b.at) }
func (b *inOrder) Less(i, j int) bool { return b.at[i] < b.at[j] }
func (b *inOrder) Swap(i, j int) {
	b.at[i], b.at[j] = b.at[j], b.at[i]
	b.rows.Won[i], b.rows.Won[j] = b.rows.Won[j], b.rows.Won[i]
	copy(b.swap, b.rows.Row(i))
	copy(b.rows.Row(i), b.rows.Row(j))
	copy(b.rows.Row(j), b.swap)
}

// judge measures the engines on the people of whom nothing was learned.
func (r *run) judge(engines []*engine) error {
	width := 0
	if m := r.result.Strengths; m != nil {
		width = m.Width()
	}
	x := make([]float32, width)
	if len(engines) == 0 {
		return nil
	}
	main := mainOf(engines, r.p.Given)
	r.result.Main = main.name
	r.each(func(s *standing, i int, judged bool) {
		s.x = x
		ours := 0.0
		if judged {
			ours = main.score(s)
		}
		for _, e := range engines {
			if !judged && e.odds != nil {
				continue
			}
			points := e.score(s)
			if !judged {
				e.training.Add(points, s.Won)
				continue
			}
			e.judged.Add(points, s.Won)
			if e != main {
				e.against.Add(points, ours, s.Won)
			}
			if e.tier == nil {
				continue
			}
			t := &e.tiers[e.tier(s, points)]
			t.rows++
			if s.Won {
				t.won++
			}
		}
	})
	for _, e := range engines {
		if r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		if e.baseline && len(e.judged.Groups()) < 2 {
			continue // nobody has what it goes by: it is no list
		}
		if e.name == r.p.Given && !outOfHundred(&e.judged) {
			e.tier = nil
		}
		of, err := e.mapped(r.ctx)
		if err != nil && !errors.Is(err, logistic.ErrOneOutcome) {
			return err
		}
		r.result.Engines = append(r.result.Engines, e.report(of))
	}
	return nil
}

// mainOf is the engine that the others are set against: the formula, else the team's own score, else the first.
func mainOf(engines []*engine, given string) *engine {
	for _, name := range []string{Formula, given} {
		if i := slices.IndexFunc(engines, func(e *engine) bool { return e.name == name }); i >= 0 {
			return engines[i]
		}
	}
	return engines[0]
}

// outOfHundred says whether scores are points of 0 to 100.
func outOfHundred(t *measure.Tally) bool {
	groups := slices.DeleteFunc(slices.Clone(t.Groups()), func(g measure.Group) bool { return math.IsInf(g.Score, 0) })
	return len(groups) > 0 && groups[0].Score >= 0 && groups[len(groups)-1].Score <= 100 && groups[len(groups)-1].Score > 1
}

// report measures; of is the probability that goes with a score, nil if none could be fitted.
func (e *engine) report(of func(float64) float64) Report {
	t := &e.judged
	rep := Report{Name: e.name, Baseline: e.baseline, TooFew: t.TooFew() || of == nil}
	rep.Rows, rep.Won = t.Rows()
	if e.tier != nil {
		for tier := score.High; ; tier-- {
			if n := e.tiers[tier]; n.rows > 0 || tier != score.TierUnknown {
				rep.Tiers = append(rep.Tiers, Tier{tier, n.rows, float64(n.rows) / float64(max(rep.Rows, 1)), measure.Wilson(float64(n.won), float64(n.rows))})
			}
			if tier == score.TierUnknown {
				break
			}
		}
	}
	if rep.TooFew {
		return rep
	}
	rep.AUC, rep.Brier = t.AUC(), t.Brier(of)
	if d, ok := e.against.Difference(); ok {
		rep.Against = &d
	}
	rep.ECE, rep.ECEKnown = t.ECE(of)
	rep.Bins, rep.ROC = t.Bins(10, of), t.ROC(100)
	for i, share := range Heads {
		rep.Tops[i] = t.Top(share)
	}
	return rep
}
