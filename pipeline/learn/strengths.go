package learn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/pipeline/learn/logistic"
	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/score"
)

// Strengths are a learned model: what each feature adds to a score of 0 to 100, and the probability of winning that goes with it. Its score is
// Offset + Σ points, in integer tenths, cut to 0 … 100; points of a feature are round(K · Strength · Scaled value), half away from zero.
type Strengths struct {
	Learned     Origin      `yaml:"learned"`
	Intercept   float64     `yaml:"intercept"` // log-odds of somebody whose features are all nought
	K           float64     `yaml:"k"`         // points for one unit of log-odds
	Offset      int         `yaml:"offset"`    // tenths: what everybody begins with
	Calibration Calibration `yaml:"calibration"`
	Features    []Strength  `yaml:"features"`

	schema *Schema
}

// Origin says what a model was learned from.
type Origin struct {
	People  int       `yaml:"people"`
	Won     int       `yaml:"won"`
	From    time.Time `yaml:"from,omitempty"` // dates of the oldest and newest of them; zero: they had none
	To      time.Time `yaml:"to,omitempty"`
	Formula string    `yaml:"formula"` // version of the formula whose components are features
	// Verdicts of reps that were weak labels beside, and how often each counted.
	Verdicts      int     `yaml:"verdicts,omitempty"`
	VerdictWeight float64 `yaml:"verdict_weight,omitempty"`
}

// Strength is what one feature counts. Its scaled value is (value of the feature)/Spread.
type Strength struct {
	Feature  `yaml:",inline"`
	Strength float64 `yaml:"strength"` // log-odds for one standard deviation
	Low      float64 `yaml:"low"`      // its 95 % limits
	High     float64 `yaml:"high"`
	Prior    float64 `yaml:"prior"`  // what was believed before
	Spread   float64 `yaml:"spread"` // standard deviation
	Usual    float64 `yaml:"usual"`  // mean: it stands for a number that is not known
}

// Calibration maps the model's log-odds to those that came true: A + B·odds. It is found on all people, each told by strengths that were learned from others: in five parts that
// chance makes. Where people have dates its level then goes part of the way to that of the newest people, as far as levels lasted so far: see follow.
type Calibration struct {
	A      float64 `yaml:"a"`
	B      float64 `yaml:"b"`
	People int     `yaml:"people"`          // that it was found on; 0: none, the odds as they are
	Level  float64 `yaml:"level,omitempty"` // what of A follows the newest people
}

// Options say how strengths are learned.
type Options struct {
	Prior *Strengths // a model that was learned elsewhere; nil: the built-in strengths
	// Weights and slope of the prior are those of the formula.
	Weights score.Weights
	// High and Medium are the cuts in tenths, and the shares of people that the formula has above them; shares of 0 take usual ones.
	High, Medium           int
	ShareHigh, ShareMedium float64
	// Weak are labels that are no outcomes, encoded as the rows are, each with how often it counts; nil: none. They move strengths, and nothing else: usual values, spreads, calibration
	// and cuts are those of the outcomes.
	Weak *logistic.Rows
}

// The numbers that learning depends on.
const (
	// precision of the prior: n people of even odds move a strength by n/(n+40), as weights are moved.
	precision = 10
	// odds of the built-in score: so many points more make winning e times as likely.
	pointsPerOdds = 15
	// parts for calibration, with how many won and lost it begins, and beyond how many people it changes nothing
	calibrating     = 5
	enoughCalibrate = 100
	mostCalibrate   = 20_000
	leastSlope      = 0.05 // a probability must rise with the points
	// bounds of K, in points: beyond them a score would be all at its ends, or all alike.
	leastK, mostK = 2, 40
	// shares above the cuts where the formula has none.
	usualHigh, usualMedium = 0.10, 0.30
)

// ErrNothing says that there is no feature to learn from.
var ErrNothing = errors.New("no feature differs between enough people")

// Learn learns from people in order of their dates: rows are what a schema of features encoded, at their dates in Unix seconds (nil: they have none, and the order is chance). It changes rows, and o.Weak.
func Learn(ctx context.Context, features []Feature, rows *logistic.Rows, at []int64, o Options) (*Strengths, error) {
	if len(features) == 0 {
		return nil, ErrNothing
	}
	m := &Strengths{Features: make([]Strength, len(features)), Calibration: Calibration{B: 1}}
	m.Learned = Origin{People: len(rows.Won), Formula: score.Version}
	for _, w := range rows.Won {
		if w {
			m.Learned.Won++
		}
	}
	if n := len(at); n > 0 {
		m.Learned.From, m.Learned.To = time.Unix(at[0], 0).UTC(), time.Unix(at[n-1], 0).UTC()
	}
	for j := range features {
		m.Features[j].Feature = features[j]
		m.Features[j].standardise(rows, j)
		if o.Weak != nil {
			m.Features[j].scale(o.Weak, j)
		}
	}
	m.believe(&o)
	prior := logistic.Prior{Precision: precision, Mean: make([]float64, len(features))}
	for j := range m.Features {
		prior.Mean[j] = m.Features[j].Prior
	}
	if !bothIn(rows.Won, 1) {
		return nil, logistic.ErrOneOutcome // whatever weak labels say
	}
	all, drawn := beside(rows, o.Weak, prior)
	fit, err := logistic.Learn(ctx, all, drawn)
	if err != nil {
		return nil, err
	}
	m.Intercept = fit.Intercept
	for j := range m.Features {
		f := &m.Features[j]
		f.Strength = fit.Coefficients[j]
		f.Low, f.High = f.Strength-1.96*fit.Errors[j], f.Strength+1.96*fit.Errors[j]
		m.Intercept -= f.Strength * f.Usual / f.Spread
	}
	odds := make([]float64, len(rows.Won))
	for i := range odds {
		odds[i] = fit.LogOdds(rows.Row(i))
	}
	told := slices.Clone(odds)
	if err := m.Calibration.find(ctx, rows, o.Weak, prior, told); err != nil {
		return nil, err
	}
	if len(at) > 0 {
		m.Calibration.follow(told, rows.Won)
	}
	m.round()
	m.cut(odds, &o)
	m.schema = NewSchema(features)
	return m, nil
}

// round keeps six digits of each number: a file of them is readable and exact.
func (m *Strengths) round() {
	keep := func(numbers ...*float64) {
		for _, x := range numbers {
			if *x != 0 {
				digits := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(*x))))
				*x = math.Round(*x*digits) / digits
			}
		}
	}
	keep(&m.Intercept, &m.Calibration.A, &m.Calibration.B, &m.Calibration.Level)
	for j := range m.Features {
		f := &m.Features[j]
		keep(&f.Strength, &f.Low, &f.High, &f.Prior, &f.Spread, &f.Usual)
	}
}

func bothIn(won []bool, n int) bool {
	k := 0
	for _, w := range won {
		if w {
			k++
		}
	}
	return k >= n && len(won)-k >= n
}

// standardise makes column j of rows have mean 0 and standard deviation 1.
func (f *Strength) standardise(rows *logistic.Rows, j int) {
	n, mean, squares := 0.0, 0.0, 0.0
	for i := range rows.Won {
		if x := float64(rows.X[i*rows.Width+j]); !math.IsNaN(x) {
			n++
			off := x - mean
			mean += off / n
			squares += off * (x - mean)
		}
	}
	f.Usual, f.Spread = mean, 1
	if squares > 0 {
		f.Spread = math.Sqrt(squares / n)
	}
	f.scale(rows, j)
}

// scale measures column j of rows from the usual value on, by the spread; a number that is not known becomes the usual value.
func (f *Strength) scale(rows *logistic.Rows, j int) {
	for i := range rows.Won {
		x := &rows.X[i*rows.Width+j]
		if math.IsNaN(float64(*x)) {
			*x = 0
		} else {
			*x = float32((float64(*x) - f.Usual) / f.Spread)
		}
	}
}

// believe sets the prior: that of an imported model, else the log-odds that rank as the built-in score does, whose topics are the strength of the strongest signal.
func (m *Strengths) believe(o *Options) {
	for j := range m.Features {
		f := &m.Features[j]
		if o.Prior != nil {
			if k := slices.IndexFunc(o.Prior.Features, func(p Strength) bool { return p.Fact == f.Fact && p.Form == f.Form && p.Level == f.Level }); k >= 0 {
				f.Prior = o.Prior.Features[k].Strength / o.Prior.Features[k].Spread * f.Spread
			}
			continue
		}
		weight := map[string]int{score.FactVolume: o.Weights.Volume, score.FactRecency: o.Weights.Recency, score.FactTopics: o.Weights.Topics}[f.Fact]
		if f.Form == Plain {
			f.Prior = float64(weight) / 1000 / pointsPerOdds * f.Spread
		}
	}
}

// find calibrates on outcomes; weak labels are learned from beside each part, and none is told. Where there are too few to part, or so many that what is learned from them needs none, the odds stay as they are.
// It puts into odds what strengths of others give.
func (c *Calibration) find(ctx context.Context, rows, weak *logistic.Rows, prior logistic.Prior, odds []float64) error {
	if !bothIn(rows.Won, enoughCalibrate) || len(rows.Won) > mostCalibrate {
		return nil
	}
	others := &logistic.Rows{Width: 1}
	for part := range calibrating {
		from, told := &logistic.Rows{Width: rows.Width}, []int{}
		for i, won := range rows.Won {
			if i*7919%10007%calibrating == part { // parts that no order of the rows makes alike
				told = append(told, i)
				continue
			}
			from.X, from.Won = append(from.X, rows.Row(i)...), append(from.Won, won)
		}
		all, drawn := beside(from, weak, prior)
		fit, err := logistic.Learn(ctx, all, drawn)
		if err != nil {
			return fmt.Errorf("calibrate: %w", err)
		}
		for _, i := range told {
			odds[i] = fit.LogOdds(rows.Row(i))
			others.X, others.Won = append(others.X, float32(odds[i])), append(others.Won, rows.Won[i])
		}
	}
	line, err := logistic.Learn(ctx, others, logistic.Prior{Mean: []float64{1}, Precision: precision})
	if err != nil {
		return fmt.Errorf("calibrate: %w", err)
	}
	*c = Calibration{A: line.Intercept, B: max(line.Coefficients[0], leastSlope), People: len(others.Won)}
	return nil
}

// follow moves the level of probabilities towards that of the newest people: as far as levels differ by more than chance, and have lasted. People in order of their dates are parted
// into eras of equal count; of each, how many log-odds it lies above all is its level. Levels are taken for a process that returns to the mean (AR(1)): the level to come is the newest
// one, times the share of its variance that is no chance (empirical Bayes), times how far each level has carried over to the next. A season that came and went carries nothing over.
func (c *Calibration) follow(odds []float64, won []bool) {
	const eras = 5
	if len(won) < eras*leastEra || !bothIn(won, enoughCalibrate) {
		return
	}
	var level, chance [eras]float64
	spread, noise := 0.0, 0.0
	for e := range eras {
		from, to := e*len(won)/eras, (e+1)*len(won)/eras
		level[e], chance[e] = c.levelOf(odds[from:to], won[from:to])
		spread += level[e] * level[e] / eras
		noise += chance[e] / eras
	}
	carried, of := 0.0, 0.0
	for e := range eras - 1 {
		carried += level[e] * level[e+1]
		of += level[e] * level[e]
	}
	if real := spread - noise; real > 0 && carried > 0 {
		c.Level = min(carried/of, 1) * real / (real + chance[eras-1]) * level[eras-1]
		c.A += c.Level
	}
}

// leastEra is how many people an era has at least.
const leastEra = 100

// levelOf is by how many log-odds people were won more often than their probabilities say, with the variance that chance gives it. Half a person of each outcome stands beside, so that
// people of one outcome have a level, too.
func (c *Calibration) levelOf(odds []float64, won []bool) (level, variance float64) {
	for range 30 {
		miss, curve := -measure.Logistic(level)+0.5, 0.25
		for i, w := range won {
			p := measure.Logistic(c.A + c.B*odds[i] + level)
			if miss -= p; w {
				miss++
			}
			curve += p * (1 - p)
		}
		step := miss / curve
		level, variance = level+step, 1/curve
		if math.Abs(step) < 1e-9 {
			break
		}
	}
	return level, variance
}

// cut chooses K and Offset so that the cuts let in the same shares of these people as under the formula. Where that would take a K beyond its bounds, the upper
// cut holds.
func (m *Strengths) cut(odds []float64, o *Options) {
	high, medium := o.ShareHigh, o.ShareMedium
	if high <= 0 {
		high = usualHigh
	}
	if medium <= high {
		medium = max(usualMedium, high+(1-high)/5)
	}
	sorted := slices.Sorted(slices.Values(odds))
	at := func(share float64) float64 {
		k := len(sorted) - max(1, int(math.Round(share*float64(len(sorted)))))
		return sorted[min(max(k, 0), len(sorted)-1)]
	}
	top, middle := at(high), at(medium)
	m.K = math.Round(1000*min(max(float64(o.High-o.Medium)/10/max(top-middle, 1e-9), leastK), mostK)) / 1000
	m.Offset = o.High - int(math.Round(10*m.K*(top-m.Intercept)))
}

// Points are what one feature adds, in tenths.
type Points struct {
	Feature Feature
	Tenths  int
}

// Encode writes what facts make of the features into x, which has room for all of them.
func (m *Strengths) Encode(facts []Fact, x []float32) { m.schema.Encode(facts, x) }

// Width is the number of features.
func (m *Strengths) Width() int { return len(m.Features) }

// Sum is the score of encoded features before it is cut to 0 … 100, in tenths.
func (m *Strengths) Sum(x []float32) int {
	sum := m.Offset
	for j := range m.Features {
		sum += m.points(j, x[j])
	}
	return sum
}

func (m *Strengths) points(j int, x float32) int {
	t := m.term(j)
	return t.Points(x)
}

// term is the j-th feature as the daemon scores by it.
func (m *Strengths) term(j int) score.Term {
	f := &m.Features[j]
	return score.Term{Feature: f.Feature, Slope: m.K * f.Strength / f.Spread, Usual: f.Usual}
}

// Additive is the model as the daemon scores by it. profile are the names of the properties that the daemon keeps: of what features are made of others everybody counts as usual, in
// the offset, for they would all be alike as people of whom the CRM says nothing. It fails, with a sentence, where a feature is made of what the daemon does not keep of people.
func (m *Strengths) Additive(profile []string) (*score.Additive, error) {
	a := &score.Additive{Offset: m.Offset, Intercept: m.Intercept, K: m.K, A: m.Calibration.A, B: m.Calibration.B}
	for j := range m.Features {
		name := m.Features[j].Fact
		if !score.Told(name) {
			return nil, fmt.Errorf("the learned strengths rest on %q, which is not kept of people: learn them without it", name)
		}
		t := m.term(j)
		if property, is := strings.CutPrefix(name, score.FactProfile); is && !slices.Contains(profile, property) {
			usual := t.Points(float32(math.NaN()))
			a.Offset += usual
			a.Intercept += float64(usual) / 10 / m.K
			continue
		}
		a.Terms = append(a.Terms, t)
	}
	return a, nil
}

// Profile are the names of the properties of a CRM's profile that features are made of, each once.
func (m *Strengths) Profile() (names []string) {
	for j := range m.Features {
		if property, is := strings.CutPrefix(m.Features[j].Fact, score.FactProfile); is && !slices.Contains(names, property) {
			names = append(names, property)
		}
	}
	return names
}

// Parts are the points that make the score: those of each feature that adds any, the greatest first, and the clamp, what was cut off to stay within 0 … 100. Offset, points and
// clamp add up to score exactly.
func (m *Strengths) Parts(facts []Fact) (points []Points, clamp, total int) {
	x := make([]float32, len(m.Features))
	m.Encode(facts, x)
	sum := m.Offset
	for j := range m.Features {
		if p := m.points(j, x[j]); p != 0 {
			points = append(points, Points{m.Features[j].Feature, p})
			sum += p
		}
	}
	slices.SortStableFunc(points, func(a, b Points) int { return max(b.Tenths, -b.Tenths) - max(a.Tenths, -a.Tenths) })
	total = min(max(sum, 0), 1000)
	return points, total - sum, total
}

// Probability of winning for a sum of points, in tenths, before it is cut.
func (m *Strengths) Probability(sum float64) float64 {
	odds := m.Intercept + (sum-float64(m.Offset))/10/m.K
	return measure.Logistic(m.Calibration.A + m.Calibration.B*odds)
}

// Strongest are the n features that move a score most, for one standard deviation.
func (m *Strengths) Strongest(n int) []Strength {
	all := slices.Clone(m.Features)
	slices.SortStableFunc(all, func(a, b Strength) int { return cmp.Compare(math.Abs(b.Strength), math.Abs(a.Strength)) })
	return all[:min(n, len(all))]
}
