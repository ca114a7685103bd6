package score

import "slices"

// walker stands at a moment and knows what components, tiers and stage need of the signals up to it. It moves forward only, so that
// a forecast walks through time once.
type walker struct {
	s       *Settings
	f       *Features
	signals []Signal // f.Signals in order of time
	now     int64

	lo, hi  int   // signals[lo:hi] lie in the score window
	known   bool  // a signal of the person's own was seen, at whatever age
	own     int   // the person's own signals in the score window
	company int   // company-level signals in the score window
	newest  int64 // newest signal that sets recency, 0 if none
	raised  int64 // newest hand-raise of the person's own, 0 if none
	bonus   int   // sum of topic points, unbounded
	top     peaks // the signals of the score window that can be its strongest, now or later

	// Evidence is of the person's own signals.
	near   int   // signals[near:hi] lie within Evidence.Days
	first  int   // of those the oldest that sets recency; hi if none
	keys   int   // key signals among them
	strong int   // strong signals among them
	recent int   // signals among them that set recency
	key    int64 // newest key signal, 0 if none

	volume, recency struct{ of, is int } // the components computed last: a logarithm and an exponential are dear

	habits *habits // what a learned model asks for; nil under the formula
}

// walk stands at now.
func (s *Settings) walk(f *Features, now int64) walker {
	w := walker{s: s, f: f, signals: sorted(f.Signals), now: now - 1}
	w.volume.of, w.recency.of = -1, -2
	if s.Additive != nil {
		plan := s.Additive.planned()
		w.habits = &habits{slots: plan.slots, count: make([]int32, len(plan.slots))}
	}
	w.advance(now)
	return w
}

func sorted(signals []Signal) []Signal {
	if !slices.IsSortedFunc(signals, byTime) {
		signals = slices.Clone(signals)
		slices.SortStableFunc(signals, byTime)
	}
	return signals
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

// What a step of a walker touched.
const (
	productMoved = 1 << iota // the product of the window may be another one
	stageMoved               // so may the stage by rules
	topicLeft
)

// advance moves to now, which is later than where the walker stands.
func (w *walker) advance(now int64) (moved int) {
	for ; w.hi < len(w.signals) && w.signals[w.hi].At <= now; w.hi++ {
		w.add(w.hi)
		moved |= productMoved | stageMoved
	}
	for h := w.habits; h != nil && h.visit < len(w.f.Visits) && w.f.Visits[h.visit].At <= now; {
		h.begin(w.f)
	}
	for window := int64(w.s.WindowDays) * day; w.lo < w.hi && now-w.signals[w.lo].At >= window; w.lo++ {
		if w.signals[w.lo].Flags&Company != 0 {
			w.company--
		} else {
			w.own--
		}
		w.top.leave(w.lo)
		moved |= productMoved | stageMoved
	}
	for days := int64(w.s.Evidence.Days) * day; w.near < w.hi && now-w.signals[w.near].At >= days; w.near++ {
		w.count(&w.signals[w.near], -1)
		moved |= stageMoved
	}
	for w.first = max(w.first, w.near); w.first < w.hi && w.signals[w.first].Flags&(Company|NoRecency) != 0; w.first++ {
	}
	w.bonus = 0
	for i := range w.f.Topics {
		t := &w.f.Topics[i]
		if w.s.carried(t, now) {
			w.bonus += int(t.Points)
		} else if w.s.carried(t, w.now) {
			moved |= topicLeft
		}
	}
	w.now = now
	return moved
}

// add takes in the signal at i, the newest so far.
func (w *walker) add(i int) {
	g := &w.signals[i]
	w.top.enter(w.signals, i)
	if w.habits != nil {
		w.habits.note(w.f, g)
	}
	if g.Flags&Company != 0 {
		w.company++
		return
	}
	w.known = true
	w.own++
	if g.Flags&NoRecency == 0 {
		w.newest = max(w.newest, g.At)
	}
	if g.Type == HandRaise {
		w.raised = max(w.raised, g.At)
	}
	if g.Flags&Key != 0 {
		w.key = max(w.key, g.At)
	}
	w.count(g, 1)
}

// count adds g to what the evidence counts, n times.
func (w *walker) count(g *Signal, n int) {
	if g.Flags&Company != 0 {
		return
	}
	if g.Flags&Key != 0 {
		w.keys += n
	}
	if int(g.Strength) >= w.s.Evidence.Strength {
		w.strong += n
	}
	if g.Flags&NoRecency == 0 {
		w.recent += n
	}
}

// within says whether something that happened at a moment is younger than so many days; at 0 nothing happened.
func (w *walker) within(at int64, days int) bool { return at != 0 && w.now-at < int64(days)*day }

// next is the next moment at which anything can change, never if there is none.
func (w *walker) next() int64 {
	next := min(w.nextScore(), w.nextEvidence())
	at := func(t int64) {
		if t > w.now {
			next = min(next, t)
		}
	}
	if w.f.SetAside != 0 {
		at(w.f.SetAside)
		at(w.f.AsideUntil)
	}
	return next
}

// nextEvidence is the next moment at which evidence ages.
func (w *walker) nextEvidence() int64 {
	next := int64(never)
	at := func(t int64) {
		if t > w.now {
			next = min(next, t)
		}
	}
	if w.near < w.hi {
		at(w.signals[w.near].At + int64(w.s.Evidence.Days)*day)
	}
	if w.raised != 0 {
		at(w.raised + int64(w.s.HandRaiseDays)*day)
	}
	if w.key != 0 {
		at(w.key + int64(w.s.Evidence.KeyDays)*day)
	}
	return next
}

// nextScore is the next moment at which the score can change.
func (w *walker) nextScore() int64 {
	next := int64(never)
	if w.habits != nil {
		plan := &w.s.Additive.plan
		next = plan.next(w.habits, w.f, w.now)
		if plan.staged { // evidence decides the tier, and that the stage
			next = min(next, w.nextEvidence())
		}
	}
	at := func(t int64) {
		if t > w.now {
			next = min(next, t)
		}
	}
	window := int64(w.s.WindowDays) * day
	if w.hi < len(w.signals) {
		at(w.signals[w.hi].At)
	}
	if w.lo < w.hi {
		at(w.signals[w.lo].At + window)
	}
	if w.newest != 0 {
		if d := (w.now - w.newest) / day; w.recencyAfter(int(d)) > 0 {
			at(w.newest + (d+1)*day)
		}
	}
	for _, i := range w.top.all() {
		g := &w.signals[i]
		if d := (w.now - g.At) / day; g.Worth(w.now) > min(int(g.Strength), lasting) {
			at(g.At + (max(d, fullDays)+1)*day)
		}
	}
	for i := range w.f.Topics {
		t := &w.f.Topics[i]
		at(t.First)
		at(t.Last)
		at(t.Last + window)
	}
	return next
}

// carried says whether the topic is carried by a signal of the window that ends at now.
func (s *Settings) carried(t *Topic, now int64) bool {
	first := t.First
	if first == 0 {
		first = t.Last
	}
	return first <= now && now-t.Last < int64(s.WindowDays)*day
}

// A signal is worth its strength for fullDays, then fading points less a day, but never less than lasting; weaker ones keep their own.
const (
	fullDays = 30
	fading   = 2
	lasting  = 40
)

// Worth is what g counts as the base of topics at now, in Unix seconds: points, 0 to 100.
func (g *Signal) Worth(now int64) int {
	strength := int(min(g.Strength, 100))
	old := int((now-g.At)/day) - fullDays
	return max(strength-fading*max(old, 0), min(strength, lasting))
}

// base is what the strongest signal of the score window is worth.
func (w *walker) base() int {
	if w.s.TopicBase > 0 {
		return w.s.TopicBase
	}
	base := 0
	for _, i := range w.top.all() {
		base = max(base, w.signals[i].Worth(w.now))
	}
	return base
}

// peaks are the signals of a window that no later one is as strong as: what is worth most at any time is among them. They stand in
// order of time, each weaker than the one before.
type peaks struct {
	at       [101]int32 // one for every strength
	from, to int
}

func (p *peaks) all() []int32 { return p.at[p.from:p.to] }

func (p *peaks) enter(signals []Signal, i int) {
	for p.to > p.from && min(signals[p.at[p.to-1]].Strength, 100) <= min(signals[i].Strength, 100) {
		p.to--
	}
	if p.to == len(p.at) {
		p.to = copy(p.at[:], p.all())
		p.from = 0
	}
	p.at[p.to] = int32(i)
	p.to++
}

// leave takes out the signal at i, the oldest.
func (p *peaks) leave(i int) {
	if p.from < p.to && int(p.at[p.from]) == i {
		p.from++
	}
}

// recencyAfter is the component of recency when the newest signal is so many days old.
func (w *walker) recencyAfter(days int) int {
	if w.recency.of != days {
		w.recency.of, w.recency.is = days, w.s.recency(days)
	}
	return w.recency.is
}
