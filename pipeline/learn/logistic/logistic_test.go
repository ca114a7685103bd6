package logistic

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/intentd/intentd/pipeline/learn/measure"
)

var truth = []float64{1, -0.5, 0, 0.25}

// drawn are n rows whose log-odds are −1 + truth·x.
func drawn(seed uint64, n int) *Rows {
	rng := rand.New(rand.NewPCG(seed, 3))
	r := &Rows{Width: len(truth)}
	for range n {
		odds := -1.0
		for _, b := range truth {
			x := rng.NormFloat64()
			odds += b * x
			r.X = append(r.X, float32(x))
		}
		r.Won = append(r.Won, rng.Float64() < measure.Logistic(odds))
	}
	return r
}

// TestKnownStrengths: what generated the rows is found within the stated interval, in about 95 of 100 seeds for each coefficient.
func TestKnownStrengths(t *testing.T) {
	held := make([]int, len(truth))
	for seed := range uint64(100) {
		fit, err := Learn(t.Context(), drawn(seed, 2000), Prior{Precision: 1})
		if err != nil {
			t.Fatal(err)
		}
		for j, b := range truth {
			if math.Abs(fit.Coefficients[j]-b) <= 1.96*fit.Errors[j] {
				held[j]++
			}
		}
	}
	for j, n := range held {
		if n < 90 {
			t.Errorf("coefficient %d: the interval held the truth in %d of 100 seeds", j, n)
		}
	}
}

// TestPriorFades: ten rows move little, five hundred decide.
func TestPriorFades(t *testing.T) {
	prior := Prior{Mean: []float64{-1, 0, 0, 0}, Precision: 10} // the opposite of what the rows say of the first
	moved := func(n int) float64 {
		mean := 0.0
		for seed := range uint64(20) {
			fit, err := Learn(t.Context(), drawn(seed+1000, n), prior)
			if errors.Is(err, ErrOneOutcome) {
				mean -= 1.0 / 20
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			mean += fit.Coefficients[0] / 20
		}
		return mean
	}
	if few := moved(10); few > -0.6 {
		t.Errorf("ten rows moved the coefficient from -1 to %.2f", few)
	}
	if many := moved(500); many < 0.6 {
		t.Errorf("five hundred rows brought the coefficient to %.2f only, the truth is 1", many)
	}
}

// TestRefusals: one outcome is nothing to learn from, perfectly parted rows are no infinite certainty, and an ended context ends it.
func TestRefusals(t *testing.T) {
	if _, err := Learn(t.Context(), &Rows{Width: 1, X: []float32{1, 2}, Won: []bool{true, true}}, Prior{Precision: 1}); !errors.Is(err, ErrOneOutcome) {
		t.Errorf("one outcome: %v", err)
	}
	parted := &Rows{Width: 1}
	for i := range 40 {
		parted.X, parted.Won = append(parted.X, float32(i)/20-1), append(parted.Won, i >= 20)
	}
	fit, err := Learn(t.Context(), parted, Prior{Precision: 10})
	if err != nil || fit.Coefficients[0] <= 0 || fit.Coefficients[0] > 5 {
		t.Errorf("perfectly parted rows: %v, %v", fit, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Learn(ctx, drawn(1, 100), Prior{Precision: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}
