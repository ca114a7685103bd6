package measure

import (
	"cmp"
	"math"
	"slices"
)

// Tally counts wins and losses by score. It takes 16 bytes for each score that differs, however many rows there are; scores in tenths from 0 to 100 are
// 1,001 at most. The zero Tally is empty. It is not safe for concurrent use.
type Tally struct {
	groups []Group // the first merged of them in order, each score once
	merged int
}

// Group are the rows of one score.
type Group struct {
	Score     float64
	Won, Lost uint32
}

// Rows of the group.
func (g *Group) Rows() float64 { return float64(g.Won) + float64(g.Lost) }

// Add counts a row. A score that is no number counts as the lowest: nothing is known of the person.
func (t *Tally) Add(score float64, won bool) {
	if math.IsNaN(score) {
		score = math.Inf(-1)
	}
	g := Group{Score: score}
	if won {
		g.Won = 1
	} else {
		g.Lost = 1
	}
	if len(t.groups) >= 2*t.merged+4096 {
		t.merge()
	}
	t.groups = append(t.groups, g)
}

// merge puts the groups in order of score, each score once.
func (t *Tally) merge() {
	slices.SortFunc(t.groups, func(a, b Group) int { return cmp.Compare(a.Score, b.Score) })
	out := t.groups[:0]
	for _, g := range t.groups {
		if n := len(out); n > 0 && out[n-1].Score == g.Score {
			out[n-1].Won += g.Won
			out[n-1].Lost += g.Lost
			continue
		}
		out = append(out, g)
	}
	t.groups, t.merged = out, len(out)
}

// Groups are the scores, the lowest first. They are the tally's own: not to be changed, and gone with the next Add.
func (t *Tally) Groups() []Group {
	if t.merged < len(t.groups) {
		t.merge()
	}
	return t.groups
}

// Rows counts the rows and those of them that were won.
func (t *Tally) Rows() (rows, won int) {
	for _, g := range t.groups {
		rows += int(g.Won) + int(g.Lost)
		won += int(g.Won)
	}
	return rows, won
}

// TooFew says that there are too few wins or losses to say anything.
func (t *Tally) TooFew() bool {
	rows, won := t.Rows()
	return won < FewWon || rows-won < FewWon
}

// Share is the share of rows with at least a score.
func (t *Tally) Share(atLeast float64) float64 {
	rows, above := 0.0, 0.0
	for i := range t.groups {
		rows += t.groups[i].Rows()
		if t.groups[i].Score >= atLeast {
			above += t.groups[i].Rows()
		}
	}
	if rows == 0 {
		return 0
	}
	return above / rows
}

// AddGroup counts the rows of a score at once.
func (t *Tally) AddGroup(g Group) { t.groups = append(t.groups, g) }
