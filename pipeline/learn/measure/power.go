package measure

import "math"

// power80 is the standard normal's 80 % quantile.
const power80 = 0.8416212335729143

// HeldOutNeeded is how many people must be held out so that a lift of their rate among those shown (0.2: a fifth more) is seen with a power of 80 %
// at a two-sided level of 5 %, where so large a share of all is held out. rate is the rate among those shown, as of today, when everybody is. It is +Inf
// where no number is enough: a rate of 0 or 1, a share that leaves one side empty.
//
// The formula is that of two proportions in groups of unequal size, by the normal approximation without continuity correction: Fleiss, Levin and Paik,
// Statistical Methods for Rates and Proportions, 3rd edition (2003), chapter 4. With n held out, r·n shown, p1 and p2 their rates and p their weighted mean,
//
//	n = (z(97.5 %)·√((r+1)·p·(1−p)) + z(80 %)·√(r·p1·(1−p1) + p2·(1−p2)))² / (r·(p2−p1)²)
func HeldOutNeeded(rate, lift, share float64) float64 {
	if rate <= 0 || rate >= 1 || lift <= 0 || share <= 0 || share >= 1 {
		return math.Inf(1)
	}
	r := (1 - share) / share
	p1, p2 := rate/(1+lift), rate
	p := (p1 + r*p2) / (r + 1)
	root := z*math.Sqrt((r+1)*p*(1-p)) + power80*math.Sqrt(r*p1*(1-p1)+p2*(1-p2))
	return math.Ceil(root * root / (r * (p2 - p1) * (p2 - p1)))
}
