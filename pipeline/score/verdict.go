package score

import "time"

// TierOf is the tier for the parts p of f at now, given the tier shown before, and why.
//
// A tier is entered at its threshold and left Margin below it, and asks for evidence that has not aged. A hand-raise younger than
// HandRaiseDays is high whatever score and evidence say. A verdict of the rep that no hand-raise followed makes low.
func (s *Settings) TierOf(f *Features, p Parts, prev Tier, now time.Time) (Tier, Rule) {
	w := s.walk(f, now.Unix())
	return w.tier(&p, prev)
}

func (w *walker) tier(p *Parts, prev Tier) (Tier, Rule) {
	s := w.s
	switch {
	case !p.Known:
		return TierUnknown, ByNothing
	case w.f.SetAside != 0 && w.f.SetAside <= w.now && w.now < w.f.AsideUntil && w.raised <= w.f.SetAside:
		return Low, ByVerdict
	}
	raised := w.within(w.raised, s.HandRaiseDays)
	if model := w.f.ModelTier; s.TierByModel && model != TierUnknown && p.Signals > 0 {
		if raised {
			return High, ByHandRaise
		}
		formula, _ := w.byFormula(p.Score, TierUnknown) // of the moment: no tier is held
		return min(model, formula+1, High), ByModel
	}
	tier, rule := w.byFormula(p.Score, prev)
	if raised && !(tier == High && rule == ByThreshold) {
		return High, ByHandRaise
	}
	return tier, rule
}

// byFormula is the tier that the score asks for, unless the evidence is not enough for it.
func (w *walker) byFormula(score int, prev Tier) (Tier, Rule) {
	tier, rule := w.s.byScore(score, prev, w.s.HighFrom(w.f))
	allowed := w.evidence().Tier()
	switch {
	case allowed < tier:
		return allowed, ByEvidence
	case tier < High && score >= w.s.High && allowed == High:
		return tier, ByCapacity
	}
	return tier, rule
}

// HighFrom is the score, in tenths, from which somebody is high, evidence granted.
func (s *Settings) HighFrom(f *Features) int { return max(s.High, f.Capacity.Cut) }

func (s *Settings) byScore(score int, prev Tier, high int) (Tier, Rule) {
	switch {
	case score >= high:
		return High, ByThreshold
	case prev == High && score >= high-s.Margin:
		return High, ByHysteresis
	case score >= s.Medium:
		return Medium, ByThreshold
	case prev >= Medium && score >= s.Medium-s.Margin:
		return Medium, ByHysteresis
	}
	return Low, ByThreshold
}

// trend is the score p against the one of TrendDays before, then.
func (s *Settings) trend(p, then *Parts) Trend {
	if !p.Known {
		return TrendNone
	}
	if !then.Known {
		return New
	}
	switch d := p.Score - then.Score; {
	case d >= s.Surging:
		return Surging
	case d >= s.Rising:
		return Rising
	case d <= -s.Cooling:
		return Cooling
	}
	return Steady
}

// lean is what the signals of the score window say of one product.
type lean struct {
	signals   int32
	max       uint8
	newest    int64
	requested int64 // newest hand-raise or form about it, 0 if none
}

// before says whether a goes before b: the newer request, then more signals, the stronger, the newer.
func (a *lean) before(b *lean) (yes, equal bool) {
	switch {
	case a.requested != b.requested:
		return a.requested > b.requested, false
	case a.signals != b.signals:
		return a.signals > b.signals, false
	case a.max != b.max:
		return a.max > b.max, false
	}
	return a.newest > b.newest, a.newest == b.newest
}

// product is the product that somebody wants, and how sure that is: by its share of the person's own signals that name exactly one,
// or by a request about it. Without enough of either it is "", InterestNone. Of equals the first in the alphabet wins.
func (w *walker) product() (string, Interest) {
	var leans [256]lean
	var used [256]uint8 // products met, in the order met
	met, named := 0, 0
	for i := w.lo; i < w.hi; i++ {
		g := &w.signals[i]
		if g.Flags&Company != 0 || g.Product == 0 || int(g.Product) > len(w.f.Products) {
			continue
		}
		l := &leans[g.Product]
		if l.signals == 0 {
			used[met] = g.Product
			met++
		}
		named++
		l.signals++
		l.max = max(l.max, g.Strength)
		l.newest = max(l.newest, g.At)
		if g.Type == HandRaise || g.Type == FormSubmit {
			l.requested = max(l.requested, g.At)
		}
	}
	if met == 0 {
		return "", InterestNone
	}
	best := used[0]
	for _, i := range used[1:met] {
		if yes, equal := leans[i].before(&leans[best]); yes || equal && w.f.Products[i-1] < w.f.Products[best-1] {
			best = i
		}
	}
	l := &leans[best]
	share := func(percent int) bool { return int(l.signals)*100 >= named*percent }
	switch {
	case l.requested != 0, l.signals > 1 && share(w.s.ProductHighShare):
		return w.f.Products[best-1], InterestHigh
	case share(w.s.ProductMediumShare):
		return w.f.Products[best-1], InterestMedium
	}
	return "", InterestNone
}

// stage is how far on the way to a decision somebody of a tier is: the model's word while a signal lies in the window, else that of
// the rules. A model makes nobody below medium deciding, and nobody exploring who asked for something within Evidence.Days.
func (w *walker) stage(tier Tier) Stage {
	model := w.f.ModelStage
	switch {
	case model == StageUnknown || w.own == 0,
		model == Deciding && tier < Medium,
		model == Exploring && w.within(w.raised, w.s.Evidence.Days):
		return w.stageByRules(tier)
	}
	return model
}

// stageByRules is deciding after a hand-raise or an application within Evidence.Days, or for price or contract pages in the last
// session of somebody at least medium; comparing after a comparison page, two products or a price page; else exploring; unknown if
// no signal was ever seen. The last session is that of the newest signal that sets recency: opening a mail is no visit.
func (w *walker) stageByRules(tier Tier) Stage {
	if !w.known {
		return StageUnknown
	}
	var (
		newest    int64
		last      uint16
		compared  bool
		product   uint8
		lastDealt bool // the last session has a price or contract page
	)
	for i := w.lo; i < w.hi; i++ {
		g := &w.signals[i]
		if g.Flags&Company != 0 {
			continue
		}
		if (g.Type == HandRaise || g.Flags&Application != 0) && w.within(g.At, w.s.Evidence.Days) {
			return Deciding
		}
		compared = compared || g.Flags&(Comparison|PricePage) != 0 || g.Product != 0 && product != 0 && g.Product != product
		if g.Product != 0 {
			product = g.Product
		}
		// Of two sessions that share the newest second the later ordinal is the last, in whatever order they come.
		if g.Flags&NoRecency == 0 && (g.At > newest || g.At == newest && g.Session > last) {
			newest, last = g.At, g.Session
		}
	}
	for i := w.lo; newest != 0 && i < w.hi; i++ {
		g := &w.signals[i]
		lastDealt = lastDealt || g.Session == last && g.Flags&(PricePage|ContractPage) != 0 && g.Flags&Company == 0
	}
	switch {
	case lastDealt && tier >= Medium:
		return Deciding
	case compared:
		return Comparing
	}
	return Exploring
}
