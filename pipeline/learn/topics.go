package learn

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/topics"
)

// Topics counts closed deals by what their people read about. Names that exact matching takes for equal are one topic. The zero value is empty.
type Topics struct {
	deals tally
	by    map[string]*readTopic // by its normal name
}

// readTopic is a topic with the deals whose people read about it.
type readTopic struct {
	tally
	name string   // as it was read first
	of   []uint64 // the deals, one bit each
}

// Add counts a deal with the topics of its people, each once.
func (t *Topics) Add(read []string, won bool) {
	if t.by == nil {
		t.by = map[string]*readTopic{}
	}
	deal := t.deals.rows
	t.deals.add(won)
	for _, name := range read {
		normal := topics.Normal(name)
		w := t.by[normal]
		if w == nil {
			w = &readTopic{name: name}
			t.by[normal] = w
		}
		for len(w.of) <= deal/64 {
			w.of = append(w.of, 0)
		}
		if bit := uint64(1) << (deal % 64); w.of[deal/64]&bit == 0 {
			w.of[deal/64] |= bit
			w.add(won)
		}
	}
}

// Topic is one that won deals have more often than others do, or less often.
type Topic struct {
	Name       string
	Alike      []string         // others that the same deals read about, no more and no fewer: deals cannot tell which of them it is. By the alphabet
	Deals, Won int              // whose people read about it
	Rate       measure.Interval // the share of them that was won
}

// Learn is what deals teach about topics: those read about in at least ten deals whose win rate lies above that of all deals by its 95 % limits, and those whose lies below,
// the commonest first. Several that the very same deals read about are one. Of twenty topics that say nothing one may be among them by chance.
func (t *Topics) Learn() (win, loss []Topic) {
	all := float64(t.deals.won) / float64(max(t.deals.rows, 1))
	var found []*readTopic
	for _, name := range slices.Sorted(maps.Keys(t.by)) {
		if w := t.by[name]; w.rows >= fewDeals {
			found = append(found, w)
		}
	}
	slices.SortStableFunc(found, func(a, b *readTopic) int {
		return cmp.Or(cmp.Compare(b.rows, a.rows), slices.Compare(a.of, b.of), strings.Compare(a.name, b.name))
	})
	for i, w := range found {
		list := &win
		rate := measure.Wilson(float64(w.won), float64(w.rows))
		switch {
		case rate.Low > all:
		case rate.High < all:
			list = &loss
		default:
			continue
		}
		if i > 0 && slices.Equal(found[i-1].of, w.of) {
			same := &(*list)[len(*list)-1]
			same.Alike = append(same.Alike, w.name)
			continue
		}
		*list = append(*list, Topic{Name: w.name, Deals: w.rows, Won: w.won, Rate: rate})
	}
	for _, list := range [][]Topic{win, loss} {
		slices.SortStableFunc(list, func(a, b Topic) int {
			return cmp.Or(cmp.Compare(b.Deals, a.Deals), strings.Compare(a.Name, b.Name))
		})
	}
	return win, loss
}
