package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

type row struct {
	score float64
	won   bool
}

func tallied(rows []row) *Tally {
	t := &Tally{}
	for _, r := range rows {
		t.Add(r.score, r.won)
	}
	return t
}

// population draws n rows: wins are normal about shift, losses about nought, so that the AUC is Φ(shift/√2). Scores are rounded to a grid where it is above 0.
func population(seed uint64, n int, base, shift, grid float64) []row {
	rng := rand.New(rand.NewPCG(seed, 7))
	rows := make([]row, n)
	for i := range rows {
		r := &rows[i]
		r.won = rng.Float64() < base
		r.score = rng.NormFloat64()
		if r.won {
			r.score += shift
		}
		if grid > 0 {
			r.score = math.Round(r.score/grid) * grid
		}
	}
	return rows
}

func near(t *testing.T, what string, got, want, by float64) {
	t.Helper()
	if !(math.Abs(got-want) <= by) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestAUCByPairs: the AUC is the share of pairs that stand right, ties counting half, and the order of the rows is nothing.
func TestAUCByPairs(t *testing.T) {
	for seed := range uint64(50) {
		rows := population(seed, 60, 0.4, 0.8, 0.5)
		right, pairs := 0.0, 0.0
		for _, a := range rows {
			for _, b := range rows {
				if a.won && !b.won {
					pairs++
					if a.score > b.score {
						right++
					} else if a.score == b.score {
						right += 0.5
					}
				}
			}
		}
		got := tallied(rows).AUC()
		near(t, "AUC", got.Value, right/pairs, 1e-12)
		if got.Low < 0 || got.High > 1 || got.Low > got.Value || got.High < got.Value {
			t.Errorf("seed %d: %v is no interval", seed, got)
		}
		slices.Reverse(rows)
		if back := tallied(rows).AUC(); back != got {
			t.Errorf("seed %d: %v in one order, %v in the other", seed, got, back)
		}
		for i := range rows {
			rows[i].won = !rows[i].won
		}
		near(t, "AUC of the opposite", tallied(rows).AUC().Value, 1-got.Value, 1e-12)
	}
}

// TestAUCCovers: on populations of known truth the interval holds the true value in at least 90 of 100 seeds, with and without ties, few wins and many.
func TestAUCCovers(t *testing.T) {
	for _, c := range []struct {
		name             string
		n                int
		base, shift, tie float64
	}{
		{"even", 400, 0.5, 0.8, 0}, {"rare", 800, 0.05, 0.7, 0}, {"weak", 400, 0.3, 0.1, 0}, {"strong", 200, 0.3, 2.5, 0}, {"few", 60, 0.3, 1, 0},
	} {
		truth := 0.5 * math.Erfc(-c.shift/2)
		covered := 0
		for seed := range uint64(100) {
			if i := tallied(population(seed, c.n, c.base, c.shift, c.tie)).AUC(); i.Low <= truth && truth <= i.High {
				covered++
			}
		}
		if covered < 90 {
			t.Errorf("%s: the interval held the true %.3f in %d of 100 seeds", c.name, truth, covered)
		}
	}
	// With ties the truth is that of the rounded scores: a large draw gives it.
	truth := tallied(population(999, 2_000_000, 0.3, 0.8, 1)).AUC().Value
	covered := 0
	for seed := range uint64(100) {
		if i := tallied(population(seed, 400, 0.3, 0.8, 1)).AUC(); i.Low <= truth && truth <= i.High {
			covered++
		}
	}
	if covered < 90 {
		t.Errorf("tied scores: the interval held the true %.3f in %d of 100 seeds", truth, covered)
	}
}

// TestPerfectIsNotCertain: that ten wins stand above ten losses does not say that they always will.
func TestPerfectIsNotCertain(t *testing.T) {
	var rows []row
	for i := range 20 {
		rows = append(rows, row{float64(i), i >= 10})
	}
	got := tallied(rows).AUC()
	if got.Value != 1 || got.High != 1 || got.Low > 0.95 || got.Low < 0.7 {
		t.Errorf("AUC of ten above ten: %v", got)
	}
	if got := tallied(rows[:10]).AUC(); got != (Interval{0.5, 0, 1}) {
		t.Errorf("AUC without wins: %v", got)
	}
}

// TestTallyForgetsNothing: rows come out as they went in, whatever was merged on the way, and take memory by distinct scores.
func TestTallyForgetsNothing(t *testing.T) {
	rows := population(3, 100_000, 0.2, 1, 0.1)
	tally := tallied(rows)
	won := 0
	for _, r := range rows {
		if r.won {
			won++
		}
	}
	if n, w := tally.Rows(); n != len(rows) || w != won {
		t.Errorf("%d rows, %d won; want %d and %d", n, w, len(rows), won)
	}
	if c := cap(tally.groups); c > 20_000 {
		t.Errorf("%d groups of memory for %d scores", c, len(tally.Groups()))
	}
	tally.Add(math.NaN(), false)
	if g := tally.Groups()[0]; !math.IsInf(g.Score, -1) || g.Lost != 1 {
		t.Errorf("a score that is no number stands as %v", g)
	}
}

// TestBrierAndBins against the sums over rows.
func TestBrierAndBins(t *testing.T) {
	rows := population(5, 5000, 0.3, 1, 0.25)
	of := func(s float64) float64 { return Logistic(s - 1) }
	sum := 0.0
	for _, r := range rows {
		y := 0.0
		if r.won {
			y = 1
		}
		sum += (y - of(r.score)) * (y - of(r.score))
	}
	tally := tallied(rows)
	got := tally.Brier(of)
	near(t, "Brier", got.Value, sum/5000, 1e-9)
	if got.Low >= got.Value || got.High <= got.Value {
		t.Errorf("Brier's interval: %v", got)
	}
	bins := tally.Bins(10, of)
	if len(bins) != 10 {
		t.Fatalf("%d bins", len(bins))
	}
	n, won := 0.0, 0.0
	for i, b := range bins {
		near(t, "rows of a bin", b.Rows, 500, 1e-3)
		n += b.Rows
		won += b.Rows * b.Won.Value
		if i > 0 && b.Predicted < bins[i-1].Predicted {
			t.Errorf("bin %d predicts less than the one below", i)
		}
	}
	_, all := tally.Rows()
	near(t, "rows", n, 5000, 1e-6)
	near(t, "wins", won, float64(all), 1e-6)
}

// TestECE is small where the probabilities are true, large where they are not, and silent on few rows. 0.021 is what a perfect model shows on 2,772 rows.
func TestECE(t *testing.T) {
	mean := 0.0
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		tally := &Tally{}
		for range 2772 {
			p := rng.Float64()
			tally.Add(p, rng.Float64() < p)
		}
		ece, ok := tally.ECE(func(s float64) float64 { return s })
		if !ok {
			t.Fatal("2,772 rows are said to be too few")
		}
		mean += ece / 50
		if off, _ := tally.ECE(func(s float64) float64 { return s / 2 }); off < 0.2 {
			t.Errorf("half of the truth is off by %v only", off)
		}
	}
	near(t, "mean ECE of a perfect model", mean, 0.021, 0.004)
	if _, ok := tallied(population(1, FewRows-1, 0.5, 1, 0)).ECE(Logistic); ok {
		t.Error("an ECE on 1,999 rows")
	}
}

// TestTop: precision, lift and recall of the head, with a tie that reaches over the cut counted by its mean.
func TestTop(t *testing.T) {
	tally := &Tally{}
	for i := range 100 {
		tally.Add(math.Min(float64(i), 95), i >= 90) // the ten wins are 90 … 99; 95 … 99 are tied at 95
	}
	top := tally.Top(0.1)
	near(t, "precision", top.Precision.Value, 1, 1e-12)
	near(t, "lift", top.Lift.Value, 10, 1e-12)
	near(t, "recall", top.Recall, 1, 1e-12)
	near(t, "recall of 2 %", tally.Top(0.02).Recall, 0.2, 1e-12)
	all := tally.Top(1)
	near(t, "lift of all", all.Lift.Value, 1, 1e-12)
	near(t, "cut of 5 %", tally.Cut(0.05), 95, 0)
	near(t, "cut of 10 %", tally.Cut(0.1), 90, 0)
	near(t, "share above 90", tally.Share(90), 0.1, 1e-12)
}

// TestWilson against the published values of Newcombe (1998, table I): 81 of 263, 15 of 148, 0 of 20, 1 of 29.
func TestWilson(t *testing.T) {
	for _, c := range []struct{ k, n, low, high float64 }{
		{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718},
	} {
		got := Wilson(c.k, c.n)
		near(t, "low", got.Low, c.low, 5e-5)
		near(t, "high", got.High, c.high, 5e-5)
	}
}

// TestROC is a curve that rises from corner to corner, and the area below it is the AUC.
func TestROC(t *testing.T) {
	tally := tallied(population(11, 3000, 0.3, 1, 0))
	curve := tally.ROC(3000 * 4)
	area := 0.0
	for i := 1; i < len(curve); i++ {
		a, b := curve[i-1], curve[i]
		if b.X < a.X-1e-9 || b.Y < a.Y-1e-9 {
			t.Fatalf("the curve falls at %d", i)
		}
		area += (b.X - a.X) * (a.Y + b.Y) / 2
	}
	near(t, "area", area, tally.AUC().Value, 1e-6)
	if n := len(tally.ROC(100)); n > 102 {
		t.Errorf("%d points", n)
	}
}

// two draws people with two scores that share most of what they know; the second knows a little more.
func two(seed uint64, n int, more float64) (p *Pairs, a, b *Tally) {
	rng := rand.New(rand.NewPCG(seed, 17))
	p, a, b = &Pairs{}, &Tally{}, &Tally{}
	for range n {
		won := rng.Float64() < 0.3
		known := rng.NormFloat64()
		extra := rng.NormFloat64()
		if won {
			known++
			extra++
		}
		x, y := math.Round(10*known)/10, math.Round(10*(known+more*extra))/10
		p.Add(y, x, won)
		a.Add(y, won)
		b.Add(x, won)
	}
	return p, a, b
}

// TestDifference: it is that of the two AUCs; its limits hold the true one in at least 90 of 100 seeds, and are far narrower than those of two groups of people would be.
func TestDifference(t *testing.T) {
	_, a, b := two(1<<40, 2_000_000, 0.3)
	truth := a.AUC().Value - b.AUC().Value
	held := 0
	for seed := range uint64(100) {
		p, a, b := two(seed, 500, 0.3)
		d, ok := p.Difference()
		if x, y := a.AUC(), b.AUC(); !ok || math.Abs(d.Value-(x.Value-y.Value)) > 1e-9 || d.High-d.Low > (x.High-x.Low)/1.5 {
			t.Fatalf("seed %d: %v, %v; AUCs %v and %v", seed, d, ok, x, y)
		}
		if d.Low <= truth && truth <= d.High {
			held++
		}
	}
	if held < 90 {
		t.Errorf("the limits held the true %.3f in %d of 100 seeds", truth, held)
	}
	p, _, _ := two(1, 500, 0)
	if d, ok := p.Difference(); !ok || d.Value != 0 || d.Low != 0 || d.High != 0 {
		t.Errorf("of the same score: %v", d)
	}
	if _, ok := (&Pairs{}).Difference(); ok {
		t.Error("a difference of nobody")
	}
	many := &Pairs{}
	for i := range 2 * maxPairs {
		many.Add(float64(i), 0, i%2 == 0)
	}
	if _, ok := many.Difference(); ok || len(many.groups) > 0 {
		t.Error("more pairs were kept than there is room for")
	}
}
