// Package proof says what showing a score brings: it sets people of whom it was shown beside people held out. It is arithmetic over what the caller read:
// who drew which side and when, their tiers, what reps did and which deals were won.
package proof

import (
	"fmt"
	"math"
	"time"

	"github.com/intentd/intentd/pipeline/learn/measure"
)

const (
	// Lift is what a holdout is to be able to show: so much more won among those shown.
	Lift = 0.2
	// MaxMonths is for how long it may last at most.
	MaxMonths = 12
)

// Weighed says whether a holdout can show anything in a portal.
type Weighed struct {
	At       time.Time `json:"at"`
	Share    float64   `json:"share"`
	NewMonth float64   `json:"new_per_month"` // people who are first scored in a month; 0: not known yet
	WinRate  float64   `json:"win_rate"`      // of them, on a deal that is won
	HeldOut  float64   `json:"held_out"`      // people to be held out; 0: no number is enough
	Months   float64   `json:"months"`        // until so many are; 0: never
	Runs     bool      `json:"runs"`
	Why      string    `json:"why"` // in a sentence
}

// Weigh says for how many months a share must be held out to show a lift of a fifth, where so many people a month are first scored and so many people
// on won deals a month are among them, and refuses beyond a year.
func Weigh(share, newMonth, wonMonth float64, at time.Time) Weighed {
	w := Weighed{At: at, Share: share, NewMonth: newMonth}
	if newMonth > 0 {
		w.WinRate = min(wonMonth/newMonth, 1)
	}
	months := func(share float64) float64 { return measure.HeldOutNeeded(w.WinRate, Lift, share) / (share * newMonth) }
	of := fmt.Sprintf("%.0f people a month are first scored, and %.1f %% of them win", newMonth, 100*w.WinRate)
	m := months(share)
	if math.IsInf(m, 0) || math.IsNaN(m) {
		w.Why = of + ": no share can show what a score brings"
		return w
	}
	w.HeldOut, w.Months = measure.HeldOutNeeded(w.WinRate, Lift, share), m
	w.Runs = m <= MaxMonths
	w.Why = fmt.Sprintf("%s: to show a lift of %.0f %% (power 80 %%, level 5 %%) %.0f people must be held out, at a share of %g in %.1f months, and then as long as deals take", of, 100*Lift, w.HeldOut, share, m)
	if w.Runs {
		return w
	}
	w.Why += fmt.Sprintf("; beyond %d months it does not begin", MaxMonths)
	for more := 0.05; more <= 0.5; more += 0.05 {
		if m := months(more); more > share && m <= MaxMonths {
			w.Why += fmt.Sprintf(", a share of %.2f would take %.1f", more, m)
			return w
		}
	}
	w.Why += ", and half of all would take more, too"
	return w
}
