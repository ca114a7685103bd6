package backtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/score"
)

// Deals says of a CRM's closed deals how early the formula had one of their people high, before the deal was created.
type Deals struct {
	Since      time.Time      `json:"since"` // when the oldest of them may have been closed
	Won        int            `json:"won"`
	Lost       int            `json:"lost"`
	High       int            `json:"high"`        // of the won: one of their people was high on some day of the 90 before the deal was created
	MedianDays int            `json:"median_days"` // from the first such day to the day it was created
	Never      int            `json:"never"`       // of the won: their people did something, and none was ever high
	NoTrace    int            `json:"no_trace"`    // of the won: nobody is known to have done anything before
	Best       map[string]int `json:"best"`        // the won by the best tier that one of their people had, or NoTrace
	// Worth are the sums of their amounts, as the CRM holds them, whatever the currency; nil where no deal says what it is worth.
	Worth map[string]float64 `json:"worth,omitempty"`

	days []int
}

// NoTrace stands in the place of a tier for deals of whose people nothing is known.
const NoTrace = "no trace"

// Add counts a deal with what was known of its people a day before it was created.
func (d *Deals) Add(set *score.Settings, won bool, worth float64, people []*learn.Snapshot) {
	if !won {
		d.Lost++
		return
	}
	d.Won++
	best, days, known := score.TierUnknown, 0, false
	for _, s := range people {
		if s.Steps == 0 {
			continue
		}
		known = true
		tier, ahead := bestOf(set, s)
		if tier == score.High {
			days = max(days, ahead)
		}
		best = max(best, tier)
	}
	name := best.String()
	switch {
	case !known:
		d.NoTrace++
		name = NoTrace
	case best == score.High:
		d.High++
		d.days = append(d.days, days)
		slices.Sort(d.days)
		d.MedianDays = d.days[len(d.days)/2]
	default:
		d.Never++
	}
	if d.Best == nil {
		d.Best = map[string]int{}
	}
	d.Best[name]++
	if worth != 0 && d.Worth == nil {
		d.Worth = map[string]float64{}
	}
	if worth != 0 {
		d.Worth[name] += worth
	}
}

// lines say it: how many were high and how early, and what they were worth.
func (d *Deals) lines() []string {
	if d.Won == 0 {
		return []string{fmt.Sprintf("Of no deal that was won since %s it can be told how early it was seen.", d.Since.Format("2 Jan 2006"))}
	}
	first := fmt.Sprintf("Of %s won since %s, %d (%s) had somebody high before the deal was created", count(d.Won, "deal", "deals"), d.Since.Format("2 Jan 2006"), d.High, percent(float64(d.High)/float64(d.Won)))
	if d.High > 0 {
		first += fmt.Sprintf(", half of them at least %s before", count(d.MedianDays, "day", "days"))
	}
	lines := []string{first + fmt.Sprintf("; %d never had, and %d left no trace.", d.Never, d.NoTrace)}
	if d.Worth == nil {
		return lines
	}
	all, parts := 0.0, []string{}
	for _, w := range d.Worth {
		all += w
	}
	for _, name := range []string{score.High.String(), score.Medium.String(), score.Low.String(), score.TierUnknown.String(), NoTrace} {
		if n := d.Best[name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %.0f (%s of it, %s)", name, d.Worth[name], percent(d.Worth[name]/max(all, 1e-9)), count(n, "deal", "deals")))
		}
	}
	return append(lines, fmt.Sprintf("They were worth %.0f, by the best tier before: %s.", all, strings.Join(parts, "; ")))
}
