package learn

import (
	"slices"

	"github.com/intentd/intentd/pipeline/learn/logistic"
)

// beside puts weak rows behind others, with a feature of their own as the last: what weak labels say more or less often than outcomes is its alone, and moves no chance of
// winning. It is drawn towards nought as the others are. Without weak rows nothing changes.
func beside(rows, weak *logistic.Rows, prior logistic.Prior) (*logistic.Rows, logistic.Prior) {
	if weak == nil {
		return rows, prior
	}
	both := &logistic.Rows{Width: rows.Width + 1, Won: slices.Concat(rows.Won, weak.Won)}
	both.X = make([]float32, 0, both.Width*len(both.Won))
	for i := range rows.Won {
		both.X, both.Times = append(append(both.X, rows.Row(i)...), 0), append(both.Times, 1)
	}
	for i := range weak.Won {
		both.X, both.Times = append(append(both.X, weak.Row(i)...), 1), append(both.Times, weak.Times[i])
	}
	prior.Mean = append(slices.Clone(prior.Mean), 0)
	return both, prior
}
