package score

import (
	"math"
	"time"
)

const day = 24 * 60 * 60 // seconds

// tally is what the components need to know of the signals at one moment.
type tally struct {
	known   bool  // a signal of the person's own was seen, at whatever age
	own     int   // the person's own signals in the window
	company int   // company-level signals in the window
	ownMax  uint8 // strongest of each
	compMax uint8
	newest  int64 // newest signal that sets recency, 0 if none
	raised  int64 // newest hand-raise, 0 if none
	bonus   int   // sum of topic points, unbounded
}

// add counts g, which is not later than the moment asked about; in says that it lies in the window.
func (t *tally) add(g *Signal, in bool) {
	if g.Flags&Company != 0 {
		if in {
			t.company++
			t.compMax = max(t.compMax, g.Strength)
		}
		return
	}
	t.known = true
	if g.Flags&NoRecency == 0 {
		t.newest = max(t.newest, g.At)
	}
	if g.Type == HandRaise {
		t.raised = max(t.raised, g.At)
	}
	if in {
		t.own++
		t.ownMax = max(t.ownMax, g.Strength)
	}
}

// signals is n of the volume formula. Company-level signals count only beside one of the person's own in the window.
func (t *tally) signals() int {
	if t.own == 0 {
		return 0
	}
	return t.own + t.company
}

// counts says whether g is one of the signals of the window that ends at now.
func (s *Settings) counts(g *Signal, now int64) bool {
	return g.At <= now && now-g.At < int64(s.WindowDays)*day
}

// carried says whether the topic is carried by a signal of the window that ends at now.
func (s *Settings) carried(t *Topic, now int64) bool {
	first := t.First
	if first == 0 {
		first = t.Last
	}
	return first <= now && now-t.Last < int64(s.WindowDays)*day
}

func (s *Settings) tally(f *Features, now int64) tally {
	var t tally
	for i := range f.Signals {
		if g := &f.Signals[i]; g.At <= now {
			t.add(g, s.counts(g, now))
		}
	}
	for i := range f.Topics {
		if s.carried(&f.Topics[i], now) {
			t.bonus += int(f.Topics[i].Points)
		}
	}
	return t
}

// At is the score of f at now with its parts. It allocates nothing and takes signals in any order.
func (s *Settings) At(f *Features, now time.Time) Parts {
	t := s.tally(f, now.Unix())
	return s.parts(&t, f.ModelInterest, now.Unix())
}

func (s *Settings) parts(t *tally, interest Interest, now int64) Parts {
	p := Parts{Days: -1}
	if !t.known {
		return p
	}
	p.Known = true
	p.Signals = t.signals()
	p.Newest = t.newest
	if t.newest != 0 {
		p.Days = int(max(0, now-t.newest) / day)
	}
	if p.Signals > 0 {
		p.Base = int(t.ownMax)
		if t.company > 0 {
			p.Base = int(max(t.ownMax, t.compMax))
		}
		p.Bonus = min(max(t.bonus, -s.TopicPoints), s.TopicPoints)
		switch interest {
		case InterestHigh:
			p.Interest = s.InterestPoints
		case InterestMedium:
			p.Interest = divide(s.InterestPoints, 2)
		}
	}
	p.Volume = part(s.Weights.Volume, s.volume(p.Signals))
	p.Recency = part(s.Weights.Recency, s.recency(p.Days))
	p.Topics = part(s.Weights.Topics, 10*min(max(p.Base+p.Bonus+p.Interest, 0), 100))
	p.Score = p.Volume.Contribution + p.Recency.Contribution + p.Topics.Contribution
	return p
}

// volume is 100·ln(1+n) / ln(1+MaxActivity), at most 100, in tenths.
func (s *Settings) volume(n int) int {
	if n >= s.MaxActivity {
		return 1000
	}
	return Tenths(100 * math.Log1p(float64(n)) / math.Log1p(float64(s.MaxActivity)))
}

// recency is 100·e^(−days/TimeConstantDays) in tenths; nothing if no signal ever set it (days < 0).
func (s *Settings) recency(days int) int {
	if days < 0 {
		return 0
	}
	return Tenths(100 * math.Exp(-float64(days)/s.TimeConstantDays))
}

func part(weight, component int) Part {
	return Part{Component: component, Weight: weight, Contribution: divide(weight*component, 1000)}
}
