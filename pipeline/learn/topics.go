package learn

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/intentd/intentd/pipeline/learn/measure"
)

// Topics counts closed deals by what their people read about. The zero value is empty.
type Topics struct {
	deals tally
	by    map[string]*tally
}

// Add counts a deal with the topics of its people, each once.
func (t *Topics) Add(topics []string, won bool) {
	if t.by == nil {
		t.by = map[string]*tally{}
	}
	t.deals.add(won)
	for _, name := range topics {
		w := t.by[name]
		if w == nil {
			w = &tally{}
			t.by[name] = w
		}
		w.add(won)
	}
}

// Topic is one that won deals have more often than others do, or less often.
type Topic struct {
	Name       string
	Deals, Won int              // whose people read about it
	Rate       measure.Interval // the share of them that was won
}

// Learn is what deals teach about topics: those read about in at least ten deals whose win rate lies above that of all deals by its 95 % limits, and those whose lies below,
// the commonest first. Of twenty topics that say nothing one may be among them by chance.
func (t *Topics) Learn() (win, loss []Topic) {
	all := float64(t.deals.won) / float64(max(t.deals.rows, 1))
	for _, name := range slices.Sorted(maps.Keys(t.by)) {
		w := t.by[name]
		topic := Topic{name, w.rows, w.won, measure.Wilson(float64(w.won), float64(w.rows))}
		switch {
		case w.rows < fewDeals:
		case topic.Rate.Low > all:
			win = append(win, topic)
		case topic.Rate.High < all:
			loss = append(loss, topic)
		}
	}
	for _, list := range [][]Topic{win, loss} {
		slices.SortStableFunc(list, func(a, b Topic) int {
			return cmp.Or(cmp.Compare(b.Deals, a.Deals), strings.Compare(a.Name, b.Name))
		})
	}
	return win, loss
}
