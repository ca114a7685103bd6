package learn

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/score"
)

// How many deals weights are learned from.
const (
	fewDeals    = 10 // fewer teach nothing
	mediumDeals = 25
	highDeals   = 40 // as many weigh as much as the defaults
)

// Confidence is how far learned weights may be trusted, by the number of deals.
type Confidence string

const (
	ConfidenceNone   Confidence = ""
	ConfidenceLow    Confidence = "low"    // 10 to 24 deals
	ConfidenceMedium Confidence = "medium" // 25 to 39
	ConfidenceHigh   Confidence = "high"   // 40 and more
)

func confidenceOf(deals int) Confidence {
	switch {
	case deals >= highDeals:
		return ConfidenceHigh
	case deals >= mediumDeals:
		return ConfidenceMedium
	case deals >= fewDeals:
		return ConfidenceLow
	}
	return ConfidenceNone
}

// Three holds something of each component, in this order.
type Three[T any] struct{ Volume, Recency, Topics T }

func (t *Three[T]) all() [3]*T { return [3]*T{&t.Volume, &t.Recency, &t.Topics} }

// Deals sums up closed deals for learning weights, in memory that does not grow with them. The zero value is empty.
type Deals struct {
	N, Won int
	sums   Three[moments]
}

// moments are sums of a component over all deals and over the won ones, by Welford: no cancellation, however many.
type moments struct {
	n, mean, squares float64
	won, wonSum      float64
}

func (m *moments) add(x float64, won bool) {
	m.n++
	off := x - m.mean
	m.mean += off / m.n
	m.squares += off * (x - m.mean)
	if won {
		m.won++
		m.wonSum += x
	}
}

// correlation is the point-biserial correlation with winning; nought where one of the two never varies.
func (m *moments) correlation() float64 {
	if m.won == 0 || m.won == m.n || m.squares <= 0 {
		return 0
	}
	sd := math.Sqrt(m.squares / m.n)
	won := m.wonSum / m.won
	lost := (m.mean*m.n - m.wonSum) / (m.n - m.won)
	return min(1, max(-1, (won-lost)/sd*math.Sqrt(m.won*(m.n-m.won))/m.n))
}

// Add counts a deal with the components of its people's score before it.
func (d *Deals) Add(p *score.Parts, won bool) {
	d.N++
	if won {
		d.Won++
	}
	d.sums.Volume.add(float64(p.Volume.Component), won)
	d.sums.Recency.add(float64(p.Recency.Component), won)
	d.sums.Topics.add(float64(p.Topics.Component), won)
}

// Weights are what deals teach about the weights of the components.
type Weights struct {
	Weights     score.Weights           // in thousandths, hundredths as a rule; the defaults where Refused says why
	Limits      Three[measure.Interval] // of each weight, 0 to 1: what the limits of the correlations allow, all at their worst for it
	Correlation Three[measure.Interval] // of each component with winning, −1 to 1, limits by Fisher's transformation
	Deals, Won  int
	Confidence  Confidence
	Refused     string // why nothing was learned, as a sentence; "" if something was
}

// Weights learns: target_i = default_i·max(0, r_i), scaled to sum to 1; w = (1−λ)·default + λ·target with λ = n/(n+40).
func (d *Deals) Weights(defaults score.Weights) Weights {
	w := Weights{Weights: defaults, Deals: d.N, Won: d.Won}
	switch {
	case d.N < fewDeals:
		w.Refused = fmt.Sprintf("%d closed deals are too few to learn from: %d are needed", d.N, fewDeals)
		return w
	case d.Won == 0:
		w.Refused = fmt.Sprintf("all %d deals were lost: there is nothing to tell them apart from", d.N)
		return w
	case d.Won == d.N:
		w.Refused = fmt.Sprintf("all %d deals were won: there is nothing to tell them apart from", d.N)
		return w
	}
	r := w.Correlation.all()
	for i, m := range d.sums.all() {
		*r[i] = fisher(m.correlation(), d.N)
	}
	return w.learn(defaults)
}

// learn fills in what follows from the correlations and the number of deals.
func (w *Weights) learn(defaults score.Weights) Weights {
	r := [3]float64{w.Correlation.Volume.Value, w.Correlation.Recency.Value, w.Correlation.Topics.Value}
	if max(r[0], r[1], r[2]) <= 0 {
		w.Refused = "no component goes with winning: the defaults stay"
		return *w
	}
	w.Confidence = confidenceOf(w.Deals)
	exact := shrunk(r, w.Deals, defaults)
	w.Weights = hundredths(exact)
	limits := w.Limits.all()
	for i := range r {
		low, high := r, r
		for k, c := range w.Correlation.all() {
			if k == i {
				low[k], high[k] = c.Low, c.High
			} else {
				low[k], high[k] = c.High, c.Low
			}
		}
		*limits[i] = measure.Interval{Value: exact[i], Low: shrunk(low, w.Deals, defaults)[i], High: shrunk(high, w.Deals, defaults)[i]}
	}
	return *w
}

// shrunk are the exact weights for correlations over n deals.
func shrunk(r [3]float64, n int, defaults score.Weights) (w [3]float64) {
	base := [3]float64{float64(defaults.Volume) / 1000, float64(defaults.Recency) / 1000, float64(defaults.Topics) / 1000}
	sum := 0.0
	for i := range w {
		w[i] = base[i] * max(0, r[i])
		sum += w[i]
	}
	lambda := float64(n) / float64(n+highDeals)
	if sum == 0 {
		return base
	}
	for i := range w {
		w[i] = (1-lambda)*base[i] + lambda*w[i]/sum
	}
	return w
}

// fisher is the correlation r over n rows with its interval.
func fisher(r float64, n int) measure.Interval {
	if n <= 3 || math.Abs(r) >= 1 {
		return measure.Interval{Value: r, Low: -1, High: 1}
	}
	half := 1.959963984540054 / math.Sqrt(float64(n-3))
	return measure.Interval{Value: r, Low: math.Tanh(math.Atanh(r) - half), High: math.Tanh(math.Atanh(r) + half)}
}

// hundredths rounds shares that sum to 1 by the largest remainder, so that they still do; of equal remainders the first gains.
func hundredths(share [3]float64) score.Weights {
	var whole [3]int
	left := 100
	for i, s := range share {
		whole[i] = int(math.Floor(s*100 + 1e-9))
		left -= whole[i]
	}
	order := []int{0, 1, 2}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(share[b]*100-float64(whole[b]), share[a]*100-float64(whole[a]))
	})
	for _, i := range order[:max(0, min(left, 3))] {
		whole[i]++
	}
	return score.Weights{Volume: 10 * whole[0], Recency: 10 * whole[1], Topics: 10 * whole[2]}
}
