package measure

import "math"

// Between is how far the share b lies above the share a, each with its Wilson limits, of independent groups: Newcombe, Statistics in Medicine 17 (1998),
// 873–890, method 10.
func Between(a, b Interval) Interval {
	d := b.Value - a.Value
	return Interval{d, d - math.Hypot(b.Value-b.Low, a.High-a.Value), d + math.Hypot(b.High-b.Value, a.Value-a.Low)}
}
