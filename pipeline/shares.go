package pipeline

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/intentd/intentd/pipeline/score"
)

// The share of high among scored people is noted once a day and kept for a while, so that it is seen when it leaves its own past: a page that
// began to count, a tracker that tells things twice, or a market that woke up. Reps learn to overlook a tier that everybody is in.

// Share is how many of the scored people were high on a day.
type Share struct {
	Day    string `json:"day"` // 2026-11-21, in the time zone of texts
	High   int    `json:"high"`
	Scored int    `json:"scored"`
	Config uint64 `json:"config"` // hash of the scoring config: under another one it is another measure
}

func (s Share) value() float64 { return float64(s.High) / float64(s.Scored) }

// Drift is how the newest share stands against its past.
type Drift struct {
	Share   float64 `json:"share"`
	Median  float64 `json:"median"` // of the preceding days
	Bound   float64 `json:"bound"`  // how far from it is still usual
	Days    int     `json:"days"`   // that the median is of
	Drifted bool    `json:"drifted"`
}

const (
	sharesKept   = 90  // days
	driftDays    = 28  // whose median is compared with …
	driftFrom    = 14  // … once there are so many of them
	driftScored  = 100 // scored people below which a share says little
	driftSigmas  = 3
	driftLeast   = 0.2    // of the median: less is nothing to act on
	madToSigma   = 1.4826 // the deviation of a normal distribution, from the median of absolute deviations
	sharesKey    = "shares"
	driftMessage = "the share of high has left its own past"
)

// DriftOf compares the newest of the shares, which are in order, with the median of the days before it, up to 28 under the same config; false
// while there are fewer than 14, or people are too few. It has drifted where it is further from the median than three standard deviations, and than a fifth of it. The
// deviation is the larger of what chance gives for so many people, √(m(1−m)/n), and of what those days themselves show, 1.4826 times their
// median absolute deviation.
func DriftOf(shares []Share) (Drift, bool) {
	if len(shares) == 0 {
		return Drift{}, false
	}
	newest := shares[len(shares)-1]
	var past []float64
	for _, s := range slices.Backward(shares[:len(shares)-1]) {
		if s.Config != newest.Config || len(past) == driftDays {
			break
		}
		past = append(past, s.value())
	}
	if len(past) < driftFrom || newest.Scored < driftScored {
		return Drift{}, false
	}
	m := median(past)
	away := make([]float64, len(past))
	for i, v := range past {
		away[i] = math.Abs(v - m)
	}
	n := float64(newest.Scored)
	chance := max(m, 1/n) // of nobody so far: one is no wonder
	sigma := max(math.Sqrt(chance*(1-chance)/n), madToSigma*median(away))
	d := Drift{Share: newest.value(), Median: m, Bound: max(driftSigmas*sigma, driftLeast*m), Days: len(past)}
	d.Drifted = math.Abs(d.Share-m) > d.Bound
	return d, true
}

func median(of []float64) float64 {
	s := slices.Sorted(slices.Values(of))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// String tells it in words.
func (d Drift) String() string {
	text := fmt.Sprintf("%.1f %% of the scored people are high; the median of the %d days before is %.1f %%", 100*d.Share, d.Days, 100*d.Median)
	if d.Drifted {
		text += fmt.Sprintf(", and up to %.1f points from it is usual", 100*d.Bound)
	}
	return text
}

// Shares are those kept, in order.
func (p *Pipeline) Shares() ([]Share, error) {
	v, err := p.db.Setting(sharesKey)
	if err != nil || len(v) == 0 {
		return nil, err
	}
	var kept []Share
	if err := json.Unmarshal(v, &kept); err != nil {
		return nil, fmt.Errorf("pipeline: what is kept of the share of high: %w", err)
	}
	return kept, nil
}

// NoteShare keeps the share of today, once a day, and says in the log if it has drifted.
func (p *Pipeline) NoteShare() error {
	if err := p.ClockDoubt(); err != nil {
		return err
	}
	shares, err := p.Shares()
	if err != nil {
		return err
	}
	today := Share{Day: p.day(p.now()), Config: p.Setup().scoringHash}
	tiers := p.db.Stats().Tiers
	for tier := score.Low; tier <= score.High; tier++ {
		today.Scored += tiers[tier+1]
	}
	today.High = tiers[score.High+1]
	if n := len(shares); today.Scored == 0 || n > 0 && shares[n-1].Day >= today.Day {
		return nil
	}
	shares = append(shares, today)
	shares = shares[max(0, len(shares)-sharesKept):]
	if d, ok := DriftOf(shares); ok && d.Drifted {
		p.log.Warn(driftMessage+": "+d.String(), "share", d.Share, "median", d.Median, "bound", d.Bound)
	}
	v, err := json.Marshal(shares)
	if err != nil {
		return err
	}
	return p.db.SetSetting(sharesKey, v)
}
