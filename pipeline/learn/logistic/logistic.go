// Package logistic fits a logistic regression that is drawn towards prior coefficients: with few rows it says what the prior says, with many what
// the rows say.
package logistic

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"

	"github.com/intentd/intentd/pipeline/learn/measure"
)

// Rows are what is learned from, row by row.
type Rows struct {
	Width int       // features of a row
	X     []float32 // Width values a row; standardised, or the prior draws them unequally
	Won   []bool
	Times []float64 // how often each row stands for itself; nil: once
}

// times is how often row i counts.
func (r *Rows) times(i int) float64 {
	if r.Times == nil {
		return 1
	}
	return r.Times[i]
}

// Row is that of number i.
func (r *Rows) Row(i int) []float32 { return r.X[i*r.Width : (i+1)*r.Width] }

// Prior is what is believed before any row is seen.
type Prior struct {
	Mean []float64 // of each coefficient; nil: nought
	// Precision is how strongly each coefficient is drawn to its mean: so many as rows of even odds weigh a quarter each, 10 is as much as 40 rows.
	Precision float64
}

// Fit is a fitted model: the log-odds of winning are Intercept + Σ Coefficients·x.
type Fit struct {
	Intercept    float64
	Coefficients []float64
	Errors       []float64 // standard error of each, by the curvature at the maximum
}

// ErrOneOutcome says that there is nothing to tell apart.
var ErrOneOutcome = errors.New("all rows have one outcome")

// Learn is the most likely model. The intercept has no prior. It fails with ErrOneOutcome, when ctx has ended, or where no maximum was found.
func Learn(ctx context.Context, rows *Rows, prior Prior) (*Fit, error) {
	n, won := 0.0, 0.0
	for i, w := range rows.Won {
		n += rows.times(i)
		if w {
			won += rows.times(i)
		}
	}
	if won == 0 || won == n {
		return nil, ErrOneOutcome
	}
	mean := prior.Mean
	if mean == nil {
		mean = make([]float64, rows.Width)
	}
	start := make([]float64, rows.Width+1) // the intercept comes last
	copy(start, mean)
	start[rows.Width] = math.Log(won / (n - won))
	loss := func(gradient, at []float64) float64 {
		sum := 0.0
		for j := range gradient {
			gradient[j] = 0
		}
		for i, won := range rows.Won {
			x := rows.Row(i)
			odds := logOdds(x, at)
			miss := measure.Logistic(odds)
			if won {
				odds, miss = -odds, miss-1
			}
			times := rows.times(i)
			sum += times * softplus(odds)
			miss *= times
			for j, v := range x {
				gradient[j] += miss * float64(v)
			}
			gradient[rows.Width] += miss
		}
		for j, m := range mean {
			off := at[j] - m
			sum += prior.Precision / 2 * off * off
			gradient[j] += prior.Precision * off
		}
		floats.Scale(1/n, gradient)
		return sum / n
	}
	found, err := minimise(ctx, start, loss)
	if err != nil {
		return nil, fmt.Errorf("logistic regression on %d rows: %w", len(rows.Won), err)
	}
	fit := &Fit{Intercept: found[rows.Width], Coefficients: found[:rows.Width]}
	fit.Errors, err = standardErrors(rows, found, prior.Precision)
	return fit, err
}

// LogOdds of a row.
func (f *Fit) LogOdds(x []float32) float64 {
	sum := f.Intercept
	for j, v := range x {
		sum += f.Coefficients[j] * float64(v)
	}
	return sum
}

// logOdds of a row under coefficients with the intercept last.
func logOdds(x []float32, at []float64) float64 {
	sum := at[len(x)]
	for j, v := range x {
		sum += at[j] * float64(v)
	}
	return sum
}

// softplus is ln(1+e^x).
func softplus(x float64) float64 {
	if x > 30 {
		return x
	}
	return math.Log1p(math.Exp(x))
}

// minimise finds the lowest point of a convex function that writes its gradient. Function and gradient come from one pass over the rows: it is remembered
// for the place asked last.
func minimise(ctx context.Context, start []float64, loss func(gradient, at []float64) float64) ([]float64, error) {
	place, slope := make([]float64, len(start)), make([]float64, len(start))
	value := math.NaN()
	at := func(x []float64) {
		if math.IsNaN(value) || !floats.Equal(x, place) {
			copy(place, x)
			value = loss(slope, x)
		}
	}
	p := optimize.Problem{
		Func:   func(x []float64) float64 { at(x); return value },
		Grad:   func(g, x []float64) { at(x); copy(g, slope) },
		Status: func() (optimize.Status, error) { return optimize.NotTerminated, ctx.Err() },
	}
	settings := &optimize.Settings{
		GradientThreshold: 1e-7, MajorIterations: 500,
		Converger: &optimize.FunctionConverge{Relative: 1e-11, Absolute: 1e-13, Iterations: 5},
	}
	found, err := optimize.Minimize(p, start, settings, &optimize.LBFGS{})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// At the bottom a line search may find no lower point within what numbers resolve: the gradient says whether that is the bottom.
	if err != nil && (found == nil || floats.Norm(found.Gradient, math.Inf(1)) > 1e-4) {
		return nil, err
	}
	return found.X, nil
}

// standardErrors are the roots of the diagonal of the inverse of the curvature.
func standardErrors(rows *Rows, at []float64, precision float64) ([]float64, error) {
	d := rows.Width + 1
	curve := make([]float64, d*d)
	x := make([]float64, d)
	x[rows.Width] = 1
	for i := range rows.Won {
		row := rows.Row(i)
		p := measure.Logistic(logOdds(row, at))
		weight := rows.times(i) * p * (1 - p)
		for j, v := range row {
			x[j] = float64(v)
		}
		for j, v := range x {
			if v == 0 {
				continue
			}
			floats.AddScaled(curve[j*d+j:(j+1)*d], weight*v, x[j:])
		}
	}
	for j := range rows.Width {
		curve[j*d+j] += precision
	}
	curve[d*d-1] += 1e-9 // all at one end: no curvature is left
	var chol mat.Cholesky
	if !chol.Factorize(mat.NewSymDense(d, curve)) {
		return nil, errors.New("logistic regression: the features say the same twice; leave some out")
	}
	var inverse mat.SymDense
	if err := chol.InverseTo(&inverse); err != nil && !errors.As(err, new(mat.Condition)) {
		return nil, fmt.Errorf("logistic regression: %w", err)
	}
	out := make([]float64, rows.Width)
	for j := range out {
		out[j] = math.Sqrt(inverse.At(j, j))
	}
	return out, nil
}
