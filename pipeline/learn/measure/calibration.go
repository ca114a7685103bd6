package measure

import "math"

// Logistic is 1/(1+e^−x).
func Logistic(x float64) float64 {
	if x < 0 {
		e := math.Exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-x))
}

// Brier is the mean square of outcome less probability, where of says the probability of a score: 0 is perfect, and the base rate for everybody gives p·(1−p).
func (t *Tally) Brier(of func(score float64) float64) Interval {
	n, sum, squares := 0.0, 0.0, 0.0
	for _, g := range t.Groups() {
		p := of(g.Score)
		won, lost := (1-p)*(1-p), p*p
		n += g.Rows()
		sum += float64(g.Won)*won + float64(g.Lost)*lost
		squares += float64(g.Won)*won*won + float64(g.Lost)*lost*lost
	}
	if n < 2 {
		return Interval{0, 0, 1}
	}
	mean := sum / n
	half := z * math.Sqrt(max(0, squares/n-mean*mean)/(n-1))
	return Interval{mean, max(0, mean-half), min(1, mean+half)}
}

// Bin is a part of the rows, those of neighbouring probabilities.
type Bin struct {
	Rows      float64
	From, To  float64  // scores
	Predicted float64  // the mean probability
	Won       Interval // the share that was won
}

// Bins parts the rows into so many of equal count, the lowest scores first, where of says the probability of a score. A tie that reaches over a border is parted
// with its win rate.
func (t *Tally) Bins(bins int, of func(score float64) float64) []Bin {
	rows, _ := t.Rows()
	if rows == 0 {
		return nil
	}
	size := float64(rows) / float64(bins)
	out := make([]Bin, 0, bins)
	b, won, predicted := Bin{From: math.NaN()}, 0.0, 0.0
	for _, g := range t.Groups() {
		for left := g.Rows(); left > 1e-9; {
			take := min(left, size-b.Rows)
			if math.IsNaN(b.From) {
				b.From = g.Score
			}
			b.Rows += take
			b.To = g.Score
			won += take * float64(g.Won) / g.Rows()
			predicted += take * of(g.Score)
			if left -= take; size-b.Rows < 1e-6 && len(out) < bins-1 {
				out = append(out, b.closed(won, predicted))
				b, won, predicted = Bin{From: math.NaN()}, 0, 0
			}
			if take <= 0 {
				break // what additions round off
			}
		}
	}
	return append(out, b.closed(won, predicted))
}

func (b Bin) closed(won, predicted float64) Bin {
	b.Won = Wilson(won, b.Rows)
	b.Predicted = predicted / max(b.Rows, 1e-9)
	return b
}

// ECE is the calibration error: the mean distance between probability and win rate over ten bins of equal count. ok is false on fewer than FewRows rows.
func (t *Tally) ECE(of func(score float64) float64) (ece float64, ok bool) {
	rows, _ := t.Rows()
	for _, b := range t.Bins(10, of) {
		ece += b.Rows / float64(rows) * math.Abs(b.Predicted-b.Won.Value)
	}
	return ece, rows >= FewRows
}
