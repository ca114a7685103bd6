// Package measure says what a score is worth against what came of people: how well it ranks them, whether its probabilities hold, and what the
// top of its list holds. It is arithmetic on a [Tally] and knows nothing of journeys, engines or files.
//
// A row is somebody at a date, with a score and an outcome, won or lost. A higher score says sooner won. Rows of equal score are ties: each measure
// takes the mean over the orders in which they could stand, so that the order of the rows never matters.
//
// Intervals are of 95 %:
//
//   - AUC: DeLong, DeLong and Clarke-Pearson (1988) for the variance, on the logit scale, so that no limit leaves 0 … 1. Where all wins stand above
//     all losses (or below) that variance is nought, and the limit is Newcombe's (2006, method 5).
//   - Shares (win rates, precision): Wilson (1927).
//   - Means (Brier score): normal, by the variance of the rows.
//
// Below [FewWon] wins or losses nothing is said, and below [FewRows] rows no calibration error: it would measure chance.
package measure

import "math"

// What is too few to tell: under these a measure is mostly chance.
const (
	FewWon  = 10   // wins, and losses, for any measure
	FewRows = 2000 // rows for a calibration error: a perfectly calibrated score shows 0.02 to 0.03 on as many
)

// z is the standard normal's 97.5 % quantile.
const z = 1.959963984540054

// Interval is a value with its 95 % limits.
type Interval struct {
	Value, Low, High float64
}

// Wilson is the share k of n with its interval; n of 0 gives 0 with the limits 0 and 1. k may be a fraction, the mean of a tie.
func Wilson(k, n float64) Interval {
	if n <= 0 {
		return Interval{0, 0, 1}
	}
	p := k / n
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(max(0, p*(1-p)/n+z*z/(4*n*n)))
	return Interval{p, min(p, max(0, middle-half)), max(p, min(1, middle+half))}
}
