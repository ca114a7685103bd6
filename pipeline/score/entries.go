package score

import (
	"math"
	"time"
)

// entriesBefore is how long before a span its first day's standing is worked out from: by then nothing older holds anybody in high.
const entriesBefore = 60

// Entries tells when somebody would have come into high by their score between two moments, whatever high begins at: for each time enter is
// called with the scores, in tenths, of which they would have come in from every one above the first and up to the second. They would have left by the same rules, Margin below. A
// hand-raise is no entry by score: while it makes high, and until the score falls below what then holds, they are in from anywhere. The
// settings and features are those of today; where high begins for their owner does not matter.
func (s *Settings) Entries(f *Features, from, to time.Time, enter func(above, upTo int)) {
	if len(f.Signals) == 0 {
		return
	}
	g := *f
	g.Capacity = Capacity{}
	first := sorted(g.Signals)[0].At
	w := s.walk(&g, max(first, from.Unix()-entriesBefore*day))
	in := 0 // from every score up to this one they are in
	for {
		p := w.parts()
		switch tier, rule := w.tier(&p, High); {
		case rule == ByHandRaise || tier == High && w.within(w.raised, s.HandRaiseDays):
			in = math.MaxInt
		case rule == ByVerdict || w.evidence().Tier() < High:
			in = 0
		default:
			if p.Score > in && p.Score >= s.High && w.now >= from.Unix() {
				enter(max(in, s.High-1), p.Score)
			}
			in = max(p.Score, min(in, p.Score+s.Margin))
		}
		at := w.next()
		if at > to.Unix() {
			return
		}
		w.advance(at)
	}
}

// Intake counts entries into high by the score that high would begin at.
type Intake [1002]int // the change of the number at each score, in tenths

// Add counts one entry, as Entries tells it.
func (n *Intake) Add(above, upTo int) {
	n[above+1]++
	n[upTo+1]--
}

// Cut is the lowest score from s.High on, in tenths, that would have let in at most so many; 100 where even that lets in more.
func (n *Intake) Cut(s *Settings, most int) int {
	sum := 0
	for at, change := range n[:1000] {
		if sum += change; at >= s.High && sum <= most {
			return at
		}
	}
	return 1000
}

// Entries is how many would have come in had high begun at a score, in tenths.
func (n *Intake) Entries(high int) (sum int) {
	for _, change := range n[:high+1] {
		sum += change
	}
	return sum
}
