package web

import (
	"fmt"
	"strings"
	"time"

	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
)

// curve is the score by day, recomputed from what the receipt rests on, as a drawing of curveWide by curveHigh: as it was, and how it falls if
// nothing new happens.
type curve struct {
	Past, Coming string // the points of two lines, which meet at Now
	Now, Cools   int    // where the receipt's moment and the day of cooling stand; Cools is −1 without one
	Y            int    // where the score of the receipt's moment stands
	Below        int    // the line below which the tier is left; −1 without one
	From, To     time.Time
}

const (
	curveWide, curveHigh = 1000, 200
	curvePast            = 28 // days
	curveLongest         = 92 // days ahead
	curveAfter           = 7  // days beyond the day of cooling
)

// curveOf draws a day every day; nil where there is no score to draw.
func curveOf(r *receipt.Receipt) *curve {
	if !r.Parts.Known {
		return nil
	}
	ahead := curvePast
	cools := r.Forecast.CoolsOn
	if !cools.IsZero() {
		ahead = min(max(int(cools.Sub(r.At).Hours()/24)+1+curveAfter, curveAfter), curveLongest)
	}
	day := func(n int) time.Time { return r.At.AddDate(0, 0, n) }
	c := &curve{Cools: -1, Below: -1, From: day(-curvePast), To: day(ahead)}
	across := func(at time.Time) int { return int(int64(curveWide) * int64(at.Sub(c.From)) / int64(c.To.Sub(c.From))) }
	up := func(tenths int) int { return curveHigh - tenths*curveHigh/1000 }
	var past, coming []string
	for n := -curvePast; n <= ahead; n++ {
		parts := r.Settings.At(&r.Features, day(n))
		if n == 0 {
			parts.Score = r.Parts.Score
		}
		point := fmt.Sprintf("%d,%d", across(day(n)), up(parts.Score))
		if n <= 0 && parts.Known {
			past = append(past, point)
		}
		if n >= 0 {
			coming = append(coming, point)
		}
	}
	c.Past, c.Coming = strings.Join(past, " "), strings.Join(coming, " ")
	c.Now, c.Y = across(r.At), up(r.Parts.Score)
	if !cools.IsZero() && cools.Before(c.To) {
		c.Cools = across(cools)
	}
	if r.Forecast.Below > 0 && r.Tier > score.Low {
		c.Below = up(r.Forecast.Below)
	}
	return c
}
