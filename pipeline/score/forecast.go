package score

import (
	"math"
	"slices"
	"time"
)

// Forecast says when what is shown changes if nothing new happens. shown is what the CRM shows (or is about to).
//
// Due is the first moment after now at which the gate would let a write pass: the tier changes, the score has drifted
// MaterialPoints from the one shown, the trend, the stage or the product changes (against what they are at now), or a topic
// leaves the window. A signal that leaves the window is looked at like any other step of time, and is due only if one of
// these follows from it: other wake-ups would find nothing to write. What differs from shown already now is due at the next
// step, never at once, so that a write held back cannot make a loop. CoolsOn is the calendar day in loc, as midnight UTC, on
// which the tier first falls below the one shown. Below is the threshold of that tier less Margin, also where the tier is
// held by a rule for the time being.
//
// The arithmetic is exact: between two steps (a whole day of the newest signal, a signal or topic entering or leaving the
// window, a hand-raise growing old, each of them again TrendDays later) nothing can change, so only steps are computed.
func (s *Settings) Forecast(f *Features, shown Shown, now time.Time, loc *time.Location) Forecast {
	var out Forecast
	if !s.TierByModel {
		switch shown.Tier {
		case High:
			out.Below = s.High - s.Margin
		case Medium:
			out.Below = s.Medium - s.Margin
		}
	}
	signals := f.Signals
	if !slices.IsSortedFunc(signals, byTime) {
		signals = slices.Clone(signals)
		slices.SortStableFunc(signals, byTime)
	}
	var (
		at      = now.Unix()
		lag     = int64(s.TrendDays) * day
		present = walker{s: s, f: f, signals: signals}
		past    = walker{s: s, f: f, signals: signals}
	)
	present.advance(at)
	past.advance(at - lag)
	product, _ := s.product(f, at)
	stage := s.shownStage(f, present.t.signals(), at)
	due, cools := false, shown.Tier <= Low
	for !due || !cools {
		next := present.next()
		if !due {
			if t := past.next(); t < never {
				next = min(next, t+lag)
			}
		}
		if next == never {
			break
		}
		at = next
		moved := present.advance(at)
		p := present.parts()
		tier, _ := s.tier(f.ModelTier, &p, present.t.raised, shown.Tier, at)
		if !cools && tier < shown.Tier {
			cools = true
			if loc == nil {
				loc = time.UTC
			}
			y, m, d := time.Unix(at, 0).In(loc).Date()
			out.CoolsOn = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		}
		if due {
			continue
		}
		past.advance(at - lag)
		before := past.parts()
		trend := TrendNone
		if p.Known {
			trend = s.trendOf(p.Score, before.Score)
		}
		due = tier != shown.Tier || p.Known != shown.Known || s.drifted(shown.Score, p.Score) || trend != shown.Trend || moved&topicLeft != 0
		if !due && moved&productMoved != 0 {
			name, _ := s.product(f, at)
			due = name != product
		}
		if !due && moved&stageMoved != 0 {
			due = s.shownStage(f, present.t.signals(), at) != stage
		}
		if due {
			out.Due = time.Unix(at, 0).UTC()
		}
	}
	return out
}

func byTime(a, b Signal) int {
	switch {
	case a.At < b.At:
		return -1
	case a.At > b.At:
		return 1
	}
	return 0
}

const never = math.MaxInt64

// What a step of a walker touched.
const (
	productMoved = 1 << iota // the product of the window may be another one
	stageMoved               // so may the stage by rules
	topicLeft
)

const stageFlags = PricePage | ContractPage | ProductPage | Comparison | Application

// walker moves forward through time over sorted signals and keeps the tally of the window that ends at its moment.
type walker struct {
	s       *Settings
	f       *Features
	signals []Signal
	lo, hi  int // signals[lo:hi] lie in the window
	now     int64
	started bool
	t       tally
	window  int64 // seconds
	cached  Parts // the last parts computed
	fresh   bool  // cached still holds, but for recency
}

// advance moves to now, which is not before where the walker stands.
func (w *walker) advance(now int64) (moved int) {
	w.window = int64(w.s.WindowDays) * day
	for ; w.hi < len(w.signals) && w.signals[w.hi].At <= now; w.hi++ {
		w.t.add(&w.signals[w.hi], true)
		moved |= productMoved | stageMoved
		w.fresh = false
	}
	spent := false
	for ; w.lo < w.hi && now-w.signals[w.lo].At >= w.window; w.lo++ {
		g := &w.signals[w.lo]
		if g.Flags&Company != 0 {
			w.t.company--
		} else {
			w.t.own--
		}
		spent = spent || g.Strength >= w.t.ownMax || g.Strength >= w.t.compMax
		if g.Product != 0 || w.t.own == 0 {
			moved |= productMoved
		}
		if g.Type == HandRaise || g.Flags&stageFlags != 0 || w.t.own == 0 {
			moved |= stageMoved
		}
		w.fresh = false
	}
	if spent {
		w.t.ownMax, w.t.compMax = 0, 0
		for i := range w.signals[w.lo:w.hi] {
			if g := &w.signals[w.lo+i]; g.Flags&Company != 0 {
				w.t.compMax = max(w.t.compMax, g.Strength)
			} else {
				w.t.ownMax = max(w.t.ownMax, g.Strength)
			}
		}
	}
	bonus := 0
	for i := range w.f.Topics {
		t := &w.f.Topics[i]
		is := w.s.carried(t, now)
		if is {
			bonus += int(t.Points)
		} else if w.started && w.s.carried(t, w.now) {
			moved |= topicLeft
		}
	}
	if bonus != w.t.bonus {
		w.t.bonus, w.fresh = bonus, false
	}
	w.now, w.started = now, true
	return moved
}

// next is the next moment at which anything can change, never if there is none.
func (w *walker) next() int64 {
	next := int64(never)
	at := func(t int64) {
		if t > w.now && t < next {
			next = t
		}
	}
	if w.hi < len(w.signals) {
		at(w.signals[w.hi].At)
	}
	if w.lo < w.hi {
		at(w.signals[w.lo].At + w.window)
	}
	if w.t.newest != 0 {
		if d := (w.now - w.t.newest) / day; w.s.recency(int(d)) > 0 {
			at(w.t.newest + (d+1)*day)
		}
	}
	if w.t.raised != 0 {
		at(w.t.raised + int64(w.s.HandRaiseDays)*day)
	}
	for i := range w.f.Topics {
		t := &w.f.Topics[i]
		at(t.First)
		at(t.Last)
		at(t.Last + w.window)
	}
	return next
}

// parts is what Settings.At gives at the walker's moment. Logarithm and exponential are computed only when their input moved.
func (w *walker) parts() Parts {
	if !w.fresh {
		w.cached = w.s.parts(&w.t, w.f.ModelInterest, w.now)
		w.fresh = true
		return w.cached
	}
	if p := &w.cached; p.Newest != 0 {
		if days := int(max(0, w.now-p.Newest) / day); days != p.Days {
			p.Days = days
			p.Score -= p.Recency.Contribution
			p.Recency = part(p.Recency.Weight, w.s.recency(days))
			p.Score += p.Recency.Contribution
		}
	}
	return w.cached
}
