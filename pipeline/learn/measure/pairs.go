package measure

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// maxPairs bounds the memory of Pairs: 24 bytes for each pair of scores that differs.
const maxPairs = 400_000

// Pairs counts wins and losses by two scores of the same people, to tell whether one ranks them better: two AUCs of the same people differ by chance far less than their own limits say.
// The zero value is empty.
type Pairs struct {
	groups []pair
	merged int
	full   bool
}

type pair struct {
	a, b      float64
	won, lost uint32
}

// Add counts somebody with both scores; as in a Tally a score that is no number stands lowest.
func (p *Pairs) Add(a, b float64, won bool) {
	if p.full {
		return
	}
	if len(p.groups) >= 2*p.merged+4096 {
		if p.merge(); p.merged > maxPairs {
			*p = Pairs{full: true}
			return
		}
	}
	low := func(x float64) float64 {
		if math.IsNaN(x) {
			return math.Inf(-1)
		}
		return x
	}
	g := pair{a: low(a), b: low(b)}
	if won {
		g.won = 1
	} else {
		g.lost = 1
	}
	p.groups = append(p.groups, g)
}

func (p *Pairs) merge() {
	slices.SortFunc(p.groups, func(x, y pair) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) })
	out := p.groups[:0]
	for _, g := range p.groups {
		if n := len(out); n > 0 && out[n-1].a == g.a && out[n-1].b == g.b {
			out[n-1].won += g.won
			out[n-1].lost += g.lost
			continue
		}
		out = append(out, g)
	}
	p.groups, p.merged = out, len(out)
}

// Difference is the AUC of the first score less that of the second, with its interval by DeLong for scores of the same people. ok is false where there were too few people, or too many different
// pairs to keep.
func (p *Pairs) Difference() (d Interval, ok bool) {
	p.merge()
	var a, b Tally
	for _, g := range p.groups {
		a.AddGroup(Group{g.a, g.won, g.lost})
		b.AddGroup(Group{g.b, g.won, g.lost})
	}
	if p.full || a.TooFew() {
		return Interval{}, false
	}
	first, second := a.places(), b.places()
	d.Value = first.auc - second.auc
	ofWon, ofLost := 0.0, 0.0
	for _, g := range p.groups {
		x, y := first.of(g.a), second.of(g.b)
		under, over := x.under-y.under-d.Value, x.over-y.over-d.Value
		ofWon += float64(g.won) * under * under
		ofLost += float64(g.lost) * over * over
	}
	m, n := first.won, first.lost
	half := z * math.Sqrt(ofWon/(m-1)/m+ofLost/(n-1)/n)
	d.Low, d.High = d.Value-half, d.Value+half
	return d, true
}

// places are the AUC of a tally and how each score stands: the share of the lost below it and of the won above it, ties half.
type places struct {
	auc, won, lost float64
	scores         []Group
	at             []place
}

type place struct{ under, over float64 }

func (t *Tally) places() *places {
	p := &places{scores: t.Groups()}
	rows, won := t.Rows()
	p.won, p.lost = float64(won), float64(rows-won)
	below, above := 0.0, p.won
	for _, g := range p.scores {
		above -= float64(g.Won)
		at := place{(below + float64(g.Lost)/2) / p.lost, (above + float64(g.Won)/2) / p.won}
		p.at = append(p.at, at)
		p.auc += float64(g.Won) * at.under / p.won
		below += float64(g.Lost)
	}
	return p
}

func (p *places) of(score float64) place {
	return p.at[sort.Search(len(p.scores), func(i int) bool { return p.scores[i].Score >= score })]
}
