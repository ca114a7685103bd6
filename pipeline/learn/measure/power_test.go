package measure

import (
	"math"
	"math/rand/v2"
	"testing"
)

// By hand: p1 = 0.10, p2 = 0.12, halves: (1.96·√(2·0.11·0.89) + 0.8416·√(0.09 + 0.1056))² / 0.02² = 3,841.
func TestHeldOutNeededByHand(t *testing.T) {
	near(t, "needed", HeldOutNeeded(0.12, 0.2, 0.5), 3841, 1)
	for _, nothing := range []float64{HeldOutNeeded(0, 0.2, 0.5), HeldOutNeeded(1, 0.2, 0.5), HeldOutNeeded(0.1, 0.2, 0), HeldOutNeeded(0.1, 0, 0.5)} {
		if !math.IsInf(nothing, 1) {
			t.Errorf("%v people show what no number can", nothing)
		}
	}
}

// As many as are said to be needed show the lift in four of five trials.
func TestHeldOutNeededHasItsPower(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ rate, share float64 }{{0.3, 0.5}, {0.12, 0.2}, {0.3, 0.1}} {
		held := int(HeldOutNeeded(c.rate, 0.2, c.share))
		shown := int(float64(held) * (1 - c.share) / c.share)
		won := func(n int, rate float64) float64 { // a binomial, by the normal: both np are in the hundreds
			return math.Round(float64(n)*rate + math.Sqrt(float64(n)*rate*(1-rate))*r.NormFloat64())
		}
		seen := 0
		for range 2000 {
			a, b := won(held, c.rate/1.2), won(shown, c.rate)
			p := (a + b) / float64(held+shown)
			d := b/float64(shown) - a/float64(held)
			if math.Abs(d) > z*math.Sqrt(p*(1-p)*(1/float64(held)+1/float64(shown))) {
				seen++
			}
		}
		near(t, "power", float64(seen)/2000, 0.8, 0.03)
	}
}

// The example of the source: 56 of 70 against 48 of 80, a difference of 0.2 (0.0524 to 0.3339).
func TestBetween(t *testing.T) {
	d := Between(Wilson(48, 80), Wilson(56, 70))
	near(t, "value", d.Value, 0.2, 1e-9)
	near(t, "low", d.Low, 0.0524, 0.0001)
	near(t, "high", d.High, 0.3339, 0.0001)
}
