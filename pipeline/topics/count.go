package topics

import (
	"cmp"
	"slices"

	"github.com/intentd/intentd/pipeline/score"
)

// Span is when a topic was first and last carried by a signal, in Unix seconds.
type Span struct{ First, Last int64 }

// Count turns the matches of one journey into what scores. seen tells, by journey topic, when signals carried it; topics
// that none carried do not score. Each configured topic counts once, for its strongest match, and lives as long as any
// match of it. A journey's topic that matches on both sides counts as loss. counted[i] says whether matches[i] is the one that
// counts for its configured topic. The order of matches changes nothing.
func Count(matches []Match, seen map[string]Span) (scored []score.Topic, counted []bool) {
	counted = make([]bool, len(matches))
	losing := map[string]bool{}
	for _, m := range matches {
		if _, ok := seen[m.Journey]; ok && !m.Win {
			losing[m.Journey] = true
		}
	}
	best := map[string]int{}  // configured topic → index of its strongest match
	place := map[string]int{} // configured topic → index into scored
	for i, m := range matches {
		span, ok := seen[m.Journey]
		if !ok || m.Win && losing[m.Journey] {
			continue
		}
		at, met := place[m.Configured]
		if !met {
			place[m.Configured] = len(scored)
			best[m.Configured] = i
			scored = append(scored, score.Topic{Name: m.Configured, Points: int8(m.Points), First: span.First, Last: span.Last})
			continue
		}
		t := &scored[at]
		t.First, t.Last = min(t.First, span.First), max(t.Last, span.Last)
		if stronger(m, matches[best[m.Configured]], seen) {
			best[m.Configured] = i
			t.Points = int8(m.Points)
		}
	}
	for _, i := range best {
		counted[i] = true
	}
	sortTopics(scored)
	return scored, counted
}

// stronger says whether a is to count rather than b, which matches the same configured topic: a loss before a win, then more
// points, then the newer, then the first by name.
func stronger(a, b Match, seen map[string]Span) bool {
	if a.Win != b.Win {
		return b.Win
	}
	return cmp.Or(cmp.Compare(abs(b.Points), abs(a.Points)), cmp.Compare(seen[b.Journey].Last, seen[a.Journey].Last), cmp.Compare(a.Journey, b.Journey)) < 0
}

func abs(n int) int { return max(n, -n) }

// sortTopics orders by name: what is stored must not depend on the order in which matches came.
func sortTopics(ts []score.Topic) {
	slices.SortFunc(ts, func(a, b score.Topic) int { return cmp.Compare(a.Name, b.Name) })
}
