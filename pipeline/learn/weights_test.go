package learn

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/score"
)

var defaults = score.Defaults().Weights

// TestGoldenWeights: r = 0.72, 0.41, 0.58 over 47 deals make 0.45, 0.25, 0.30.
func TestGoldenWeights(t *testing.T) {
	w := Weights{Deals: 47, Correlation: Three[measure.Interval]{fisher(0.72, 47), fisher(0.41, 47), fisher(0.58, 47)}}
	w.learn(defaults)
	if want := (score.Weights{Volume: 450, Recency: 250, Topics: 300}); w.Weights != want {
		t.Errorf("weights %v, want %v", w.Weights, want)
	}
	if w.Confidence != ConfidenceHigh || w.Refused != "" {
		t.Errorf("confidence %q, refused %q", w.Confidence, w.Refused)
	}
	if r := w.Correlation.Recency; math.Abs(r.Low-0.139) > 0.002 || math.Abs(r.High-0.623) > 0.002 {
		t.Errorf("interval of r = 0.41 over 47: %v", r)
	}
}

func parts(volume, recency, topics int) *score.Parts {
	return &score.Parts{Known: true, Volume: score.Part{Component: volume}, Recency: score.Part{Component: recency}, Topics: score.Part{Component: topics}}
}

// TestRefusals: too few deals, deals of one outcome and components that tell nothing keep the defaults, and say why.
func TestRefusals(t *testing.T) {
	deals := func(n int, won func(i int) bool, sign int) (d Deals) {
		for i := range n {
			v := 500
			if won(i) {
				v += sign * 100
			}
			d.Add(parts(v, v, v), won(i))
		}
		return d
	}
	half := func(i int) bool { return i%2 == 0 }
	for _, c := range []struct {
		name string
		d    Deals
		says string
	}{
		{"nine", deals(9, half, 1), "9 closed deals"},
		{"all won", deals(30, func(int) bool { return true }, 1), "all 30 deals were won"},
		{"all lost", deals(30, func(int) bool { return false }, 1), "all 30 deals were lost"},
		{"against", deals(30, half, -1), "no component goes with winning"},
	} {
		if w := c.d.Weights(defaults); w.Weights != defaults || !strings.Contains(w.Refused, c.says) || w.Confidence != ConfidenceNone {
			t.Errorf("%s: %v, %q, %q", c.name, w.Weights, w.Refused, w.Confidence)
		}
	}
	for n, want := range map[int]Confidence{10: ConfidenceLow, 24: ConfidenceLow, 25: ConfidenceMedium, 39: ConfidenceMedium, 40: ConfidenceHigh} {
		d := deals(n, half, 1)
		if w := d.Weights(defaults); w.Confidence != want || w.Refused != "" {
			t.Errorf("%d deals: confidence %q, refused %q", n, w.Confidence, w.Refused)
		}
	}
}

// TestCorrelation is the point-biserial one, Pearson's with winning as 0 and 1.
func TestCorrelation(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var d Deals
	var xs, ys []float64
	for range 200 {
		won := rng.IntN(3) == 0
		x, y := rng.IntN(1000), 0.0
		if won {
			x, y = min(1000, x+300), 1
		}
		d.Add(parts(x, 0, 1000-x), won)
		xs, ys = append(xs, float64(x)), append(ys, y)
	}
	mean := func(v []float64) (m float64) {
		for _, x := range v {
			m += x / float64(len(v))
		}
		return m
	}
	mx, my, xy, xx, yy := mean(xs), mean(ys), 0.0, 0.0, 0.0
	for i := range xs {
		xy += (xs[i] - mx) * (ys[i] - my)
		xx += (xs[i] - mx) * (xs[i] - mx)
		yy += (ys[i] - my) * (ys[i] - my)
	}
	want := xy / math.Sqrt(xx*yy)
	w := d.Weights(defaults)
	if r := w.Correlation; math.Abs(r.Volume.Value-want) > 1e-9 || r.Recency.Value != 0 || math.Abs(r.Topics.Value+want) > 1e-9 {
		t.Errorf("r = %v, want %v, 0 and the opposite", r, want)
	}
}

// TestKnownWeights: deals whose true correlations are known give weights whose limits hold the true ones in at least 90 of 100 seeds; and whatever is learned sums
// to 1 and never leaves the limits.
func TestKnownWeights(t *testing.T) {
	drawn := func(seed uint64, n int) (d Deals) {
		rng := rand.New(rand.NewPCG(seed, 9))
		for range n {
			v, r, p := rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()
			won := rng.Float64() < measure.Logistic(1.2*v+0.3*r+0.6*p)
			at := func(x float64) int { return int(500 + 120*x) }
			d.Add(parts(at(v), at(r), at(p)), won)
		}
		return d
	}
	large := drawn(1<<40, 400_000)
	for i, n := range []int{60, 400} {
		truth := large.Weights(defaults)
		truth.Deals = n // the true correlations, as so many deals would weigh them
		truth.learn(defaults)
		held := [3]int{}
		for seed := range uint64(100) {
			d := drawn(seed+uint64(i)<<20, n)
			w := d.Weights(defaults)
			if sum := w.Weights.Volume + w.Weights.Recency + w.Weights.Topics; sum != 1000 {
				t.Fatalf("weights sum to %d", sum)
			}
			for k, l := range w.Limits.all() {
				if l.Low > l.Value || l.High < l.Value {
					t.Fatalf("component %d: %v is no interval", k, *l)
				}
				if v := truth.Limits.all()[k].Value; l.Low <= v && v <= l.High {
					held[k]++
				}
			}
		}
		if min(held[0], held[1], held[2]) < 90 {
			t.Errorf("%d deals: the limits held the truth in %v of 100 seeds", n, held)
		}
	}
}

// TestHundredths: by the largest remainder, so that they sum to 1.
func TestHundredths(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 10_000 {
		a, b := rng.Float64(), rng.Float64()
		if a > b {
			a, b = b, a
		}
		s := [3]float64{a, b - a, 1 - b}
		w := hundredths(s)
		if w.Volume+w.Recency+w.Topics != 1000 {
			t.Fatalf("%v: %v", s, w)
		}
		for i, got := range []int{w.Volume, w.Recency, w.Topics} {
			if math.Abs(float64(got)/1000-s[i]) > 0.01+1e-9 {
				t.Fatalf("%v became %v", s, w)
			}
		}
	}
}

// TestAgainstWinning: a component that goes against winning keeps what the defaults are still worth, and is never turned round.
func TestAgainstWinning(t *testing.T) {
	w := Weights{Deals: 60, Correlation: Three[measure.Interval]{fisher(0.5, 60), fisher(-0.5, 60), fisher(0.2, 60)}}
	w.learn(defaults)
	if w.Weights.Recency != 120 { // 0.3 · 40/(60+40)
		t.Errorf("recency weighs %d, want 120: %v", w.Weights.Recency, w.Weights)
	}
}
