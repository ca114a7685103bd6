package backtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/intentd/intentd/pipeline/score"
)

// AsOf says of everybody who was active at a past date how many of each tier were won later.
type AsOf struct {
	Date   time.Time      `json:"date"`
	Within int            `json:"within_days"` // after it a deal of theirs was created, which has been won since
	Active int            `json:"active"`
	Won    int            `json:"won"`
	Tiers  map[string]int `json:"tiers"`     // the active by their tier on that day
	WonBy  map[string]int `json:"won_tiers"` // and those of them who were won
}

// Add counts somebody who was active.
func (a *AsOf) Add(set *score.Settings, p *Person) {
	s := p.Snapshot
	tier, _ := set.TierOf(&s.Features, set.At(&s.Features, s.At), score.TierUnknown, s.At)
	if a.Tiers == nil {
		a.Tiers, a.WonBy = map[string]int{}, map[string]int{}
	}
	a.Active++
	a.Tiers[tier.String()]++
	if p.Won {
		a.Won++
		a.WonBy[tier.String()]++
	}
}

func (a *AsOf) lines() []string {
	first := fmt.Sprintf("On %s %s active; of %d of them a deal was created in the %d days after and won since", a.Date.Format("2 Jan 2006"), count(a.Active, "person was", "people were"), a.Won, a.Within)
	if a.Won == 0 {
		return []string{first + "."}
	}
	var each []string
	for tier := score.High; ; tier-- {
		name := tier.String()
		if n := a.WonBy[name]; n > 0 || tier == score.High {
			each = append(each, fmt.Sprintf("%d %s", n, name))
		}
		if tier == score.TierUnknown {
			break
		}
	}
	lines := []string{first + ": on that day " + strings.Join(each, ", ") + "."}
	if high := a.Tiers[score.High.String()]; high > 0 {
		of, all := float64(a.WonBy[score.High.String()])/float64(high), float64(a.Won)/float64(a.Active)
		lines = append(lines, fmt.Sprintf("Of the %d who were high %s were won, of all who were active %s: %.1f times as often.", high, percent(of), percent(all), of/all))
	}
	return lines
}
