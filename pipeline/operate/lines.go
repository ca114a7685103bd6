package operate

import (
	"fmt"
	"sort"

	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// Histogram is how many people there are of each score, and what other lines of the tiers would make of them: from counters, so that no person
// is read. Evidence is as of when each person was last looked at, at most a day ago; what else decides (a request of these days, a rep's verdict, a
// model's word, the margin of who is in a tier) is as it is. Lines and scores are in tenths.
type Histogram struct {
	People int         `json:"people"` // who have a score
	Tiers  TierCounts  `json:"tiers"`
	Bars   []ScoreBar  `json:"bars"` // by whole point: those of 62.0 to 62.9 are in the bar of 62
	Lines  Lines       `json:"lines"`
	Then   *UnderLines `json:"then,omitempty"` // with the lines that were asked for

	// HighAt, BecomeAt and UpAt are, by where a line lies (0 to 1000), how many would be high with that line, how many of them are not now, and
	// how many would be medium or high with that line of medium: what every pair of lines does follows from them.
	HighAt   []int `json:"high_at,omitempty"`
	BecomeAt []int `json:"become_at,omitempty"`
	UpAt     []int `json:"up_at,omitempty"`
}

// TierCounts is how many people are of each tier.
type TierCounts struct {
	High   int `json:"high"`
	Medium int `json:"medium"`
	Low    int `json:"low"`
}

// ScoreBar is how many people of each tier have a score of so many whole points.
type ScoreBar struct {
	Score int `json:"score"` // in points
	TierCounts
}

// Lines are where tiers begin, in tenths.
type Lines struct {
	High   int `json:"high,omitempty"`
	Medium int `json:"medium,omitempty"`
}

// UnderLines is what other lines would do at once.
type UnderLines struct {
	Lines  Lines      `json:"lines"`
	Tiers  TierCounts `json:"tiers"`
	Become int        `json:"become_high"`
	Leave  int        `json:"leave_high"`
}

// mostTenths is the highest score.
const mostTenths = 1000

// HistogramOf counts people by score. Lines that are zero are those in force.
func HistogramOf(p *pipeline.Pipeline, then Lines) (*Histogram, error) {
	counts, err := p.DB().ScoreCounts()
	if err != nil {
		return nil, err
	}
	set := &p.Setup().Score
	h := &Histogram{Lines: Lines{set.High, set.Medium}, Bars: make([]ScoreBar, mostTenths/10+1), HighAt: make([]int, mostTenths+1), BecomeAt: make([]int, mostTenths+1), UpAt: make([]int, mostTenths+1)}
	for i := range h.Bars {
		h.Bars[i].Score = i
	}
	for _, c := range counts {
		if tier := tierOf(c.Tier); tier > score.TierUnknown {
			h.add(set, c, tier)
		}
	}
	for _, at := range [][]int{h.HighAt, h.BecomeAt, h.UpAt} {
		for i := mostTenths - 1; i >= 0; i-- {
			at[i] += at[i+1]
		}
	}
	if then == (Lines{}) {
		return h, nil
	}
	if then.High == 0 {
		then.High = set.High
	}
	if then.Medium == 0 {
		then.Medium = set.Medium
	}
	if then.Medium < 1 || then.Medium >= then.High || then.High > mostTenths {
		return nil, fmt.Errorf("the lines are to be between 0 and 100, medium's below high's: medium %s, high %s", score.FormatTenths(then.Medium), score.FormatTenths(then.High))
	}
	h.Then = h.then(then)
	return h, nil
}

func tierOf(t state.Tier) score.Tier {
	if t == 0 {
		return score.TierUnknown
	}
	return score.Tier(t - 1)
}

// add counts people of one tier, class and score. What they are with another line is what package score says; the highest line with which they are
// high is looked for, since with each lower one they are, too.
func (h *Histogram) add(set *score.Settings, c state.ScoreCount, tier score.Tier) {
	h.People += c.People
	bar := &h.Bars[min(int(c.Score)/10, mostTenths/10)]
	for _, counts := range []*TierCounts{&h.Tiers, &bar.TierCounts} {
		switch tier {
		case score.High:
			counts.High += c.People
		case score.Medium:
			counts.Medium += c.People
		default:
			counts.Low += c.People
		}
	}
	is := func(with score.Settings) score.Tier {
		return with.TierOfClass(score.Class(c.Evidence), int(c.Score), tier)
	}
	with := *set
	highest := func(reached func(line int) bool) int { // −1: with none
		return sort.Search(mostTenths+1, func(line int) bool { return !reached(line) }) - 1
	}
	if line := highest(func(line int) bool {
		with.High, with.Medium = line, min(set.Medium, line)
		return is(with) == score.High
	}); line >= 0 {
		h.HighAt[line] += c.People
		if tier != score.High {
			h.BecomeAt[line] += c.People
		}
	}
	if line := highest(func(line int) bool { with.High, with.Medium = 2*mostTenths, line; return is(with) >= score.Medium }); line >= 0 {
		h.UpAt[line] += c.People
	}
}

func (h *Histogram) then(l Lines) *UnderLines {
	t := &UnderLines{Lines: l, Become: h.BecomeAt[l.High]}
	t.Tiers.High = h.HighAt[l.High]
	t.Tiers.Medium = h.UpAt[l.Medium] - t.Tiers.High
	t.Tiers.Low = h.People - h.UpAt[l.Medium]
	t.Leave = h.Tiers.High - (t.Tiers.High - t.Become)
	return t
}
