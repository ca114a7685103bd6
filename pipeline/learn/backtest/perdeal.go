package backtest

import (
	"maps"
	"slices"

	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/score"
)

// deals gathers what is learned by deal: the parts of whoever of its people scores highest, and the topics of them all. Who is on no deal is one by themselves.
type deals struct {
	alone learn.Deals
	by    map[string]*dealSum
}

type dealSum struct {
	best   score.Parts
	topics []string
	won    bool
}

func (d *deals) add(s *standing) {
	if s.Deal == "" {
		d.alone.Add(&s.parts, s.Won)
		return
	}
	if d.by == nil {
		d.by = map[string]*dealSum{}
	}
	sum := d.by[s.Deal]
	if sum == nil {
		sum = &dealSum{best: s.parts, won: s.Won}
		d.by[s.Deal] = sum
	}
	if s.parts.Score > sum.best.Score {
		sum.best = s.parts
	}
	if s.Snapshot != nil {
		sum.topics = append(sum.topics, s.Snapshot.Topics...)
	}
}

// each goes through the deals in the same order each time.
func (d *deals) each(do func(*dealSum)) {
	for _, name := range slices.Sorted(maps.Keys(d.by)) {
		do(d.by[name])
	}
}

func (d *deals) weights(defaults score.Weights) learn.Weights {
	all := d.alone
	d.each(func(sum *dealSum) { all.Add(&sum.best, sum.won) })
	return all.Weights(defaults)
}

func (d *deals) learnTopics() (win, loss []learn.Topic) {
	var t learn.Topics
	d.each(func(sum *dealSum) {
		slices.Sort(sum.topics)
		t.Add(slices.Compact(sum.topics), sum.won)
	})
	return t.Learn()
}
