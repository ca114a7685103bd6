package score

import "time"

// TierOf is the tier for the parts p of f at now, given the tier shown before, and why.
//
// A hand-raise younger than HandRaiseDays is high whatever the score. Otherwise a tier is entered at its threshold and left
// Margin below it, and high also needs a signal of HighStrength in the window.
func (s *Settings) TierOf(f *Features, p Parts, prev Tier, now time.Time) (Tier, Rule) {
	var raised int64
	at := now.Unix()
	for i := range f.Signals {
		if g := &f.Signals[i]; g.Type == HandRaise && g.Flags&Company == 0 && g.At <= at {
			raised = max(raised, g.At)
		}
	}
	return s.tier(f.ModelTier, &p, raised, prev, at)
}

func (s *Settings) tier(model Tier, p *Parts, raised int64, prev Tier, now int64) (Tier, Rule) {
	if !p.Known {
		return TierUnknown, ByNothing
	}
	if s.TierByModel && model != TierUnknown && p.Signals > 0 {
		return model, ByModel
	}
	strong := p.Base >= s.HighStrength
	switch {
	case p.Score >= s.High && strong:
		return High, ByThreshold
	case raised != 0 && now-raised < int64(s.HandRaiseDays)*day:
		return High, ByHandRaise
	case prev == High && p.Score >= s.High-s.Margin && strong:
		return High, ByHysteresis
	case p.Score >= s.High:
		return Medium, ByStrength
	case p.Score >= s.Medium:
		return Medium, ByThreshold
	case prev >= Medium && p.Score >= s.Medium-s.Margin:
		return Medium, ByHysteresis
	}
	return Low, ByThreshold
}

// TrendAt is the score at now against that of TrendDays before, recomputed. A score that was unknown then counts as 0.
func (s *Settings) TrendAt(f *Features, now time.Time) Trend {
	p := s.At(f, now)
	return s.trend(&p, f, now.Unix())
}

func (s *Settings) trend(p *Parts, f *Features, now int64) Trend {
	if !p.Known {
		return TrendNone
	}
	then := now - int64(s.TrendDays)*day
	t := s.tally(f, then)
	return s.trendOf(p.Score, s.parts(&t, f.ModelInterest, then).Score)
}

func (s *Settings) trendOf(score, before int) Trend {
	switch d := score - before; {
	case d >= s.Surging:
		return Surging
	case d >= s.Rising:
		return Rising
	case d <= -s.Cooling:
		return Cooling
	}
	return Steady
}

// ProductAt is the product that most signals of the window are about, and how strongly somebody leans to it: by the share of
// all signals of the window and the strongest signal about it. Of equals the one with the stronger, then newer signal wins,
// then the one first in the alphabet. Without a signal about any product it is "", InterestNone.
func (s *Settings) ProductAt(f *Features, now time.Time) (product string, interest Interest) {
	return s.product(f, now.Unix())
}

func (s *Settings) product(f *Features, now int64) (string, Interest) {
	type lean struct {
		signals int32
		max     uint8
		newest  int64
	}
	var leans [256]lean
	var used [256]uint8 // products met, in the order met
	met, all, own := 0, 0, false
	for i := range f.Signals {
		g := &f.Signals[i]
		if !s.counts(g, now) {
			continue
		}
		all++
		own = own || g.Flags&Company == 0
		if g.Product == 0 || int(g.Product) > len(f.Products) {
			continue
		}
		l := &leans[g.Product]
		if l.signals == 0 {
			used[met] = g.Product
			met++
		}
		l.signals++
		l.max = max(l.max, g.Strength)
		l.newest = max(l.newest, g.At)
	}
	if !own || met == 0 {
		return "", InterestNone
	}
	best := used[0]
	for _, i := range used[1:met] {
		a, b := &leans[i], &leans[best]
		switch {
		case a.signals != b.signals:
			if a.signals < b.signals {
				continue
			}
		case a.max != b.max:
			if a.max < b.max {
				continue
			}
		case a.newest != b.newest:
			if a.newest < b.newest {
				continue
			}
		case f.Products[i-1] >= f.Products[best-1]:
			continue
		}
		best = i
	}
	l := &leans[best]
	share := func(percent int) bool { return int(l.signals)*100 >= all*percent }
	interest := InterestLow
	switch {
	case share(s.ProductHighShare) && int(l.max) >= max(s.ProductHighStrength, s.ProductMediumStrength):
		interest = InterestHigh
	case share(s.ProductMediumShare) && int(l.max) >= s.ProductMediumStrength:
		interest = InterestMedium
	}
	return f.Products[best-1], interest
}

// StageAt is how far on the way to a decision somebody is by the signals of the window: deciding after a hand-raise, an
// application, or a price or contract page in the last session; comparing after two product or comparison pages over two
// sessions, or any price page; else exploring, and unknown if no signal was ever seen. The last session is that of the
// newest signal that sets recency: opening a mail is no visit.
func (s *Settings) StageAt(f *Features, now time.Time) Stage { return s.stage(f, now.Unix()) }

func (s *Settings) stage(f *Features, now int64) Stage {
	var (
		known, deciding, priced bool
		newest                  int64
		last                    uint16
		compared                int
		firstCompared           uint16
		sessions                bool // compared pages lie in more than one session
	)
	for i := range f.Signals {
		g := &f.Signals[i]
		if g.Flags&Company != 0 || g.At > now {
			continue
		}
		known = true
		if !s.counts(g, now) {
			continue
		}
		if g.Type == HandRaise || g.Flags&Application != 0 {
			deciding = true
		}
		priced = priced || g.Flags&PricePage != 0
		if g.Flags&(ProductPage|Comparison) != 0 {
			if compared == 0 {
				firstCompared = g.Session
			}
			sessions = sessions || g.Session != firstCompared
			compared++
		}
		// Of two sessions that share the newest second the later ordinal is the last, in whatever order they come.
		if g.Flags&NoRecency == 0 && (g.At > newest || g.At == newest && g.Session > last) {
			newest, last = g.At, g.Session
		}
	}
	if !known {
		return StageUnknown
	}
	if deciding {
		return Deciding
	}
	if newest != 0 {
		for i := range f.Signals {
			g := &f.Signals[i]
			if g.Session == last && g.Flags&(PricePage|ContractPage) != 0 && g.Flags&Company == 0 && s.counts(g, now) {
				return Deciding
			}
		}
	}
	if priced || compared >= 2 && sessions {
		return Comparing
	}
	return Exploring
}

// shownStage is the stage a rep sees: the model's word while a signal lies in the window, else that of the rules.
func (s *Settings) shownStage(f *Features, signals int, now int64) Stage {
	if f.ModelStage != StageUnknown && signals > 0 {
		return f.ModelStage
	}
	return s.stage(f, now)
}

// Show works out everything that a CRM shows of f at now. prev is what it shows at present: its tier decides about
// hysteresis, Since is kept while the tier stays, and Topics and Written are handed on for the caller to set.
func (s *Settings) Show(f *Features, prev Shown, now time.Time) (Shown, Parts, Rule) {
	at := now.Unix()
	t := s.tally(f, at)
	p := s.parts(&t, f.ModelInterest, at)
	next := Shown{Known: p.Known, Score: p.Score, Topics: prev.Topics, Written: prev.Written, Since: prev.Since}
	var rule Rule
	next.Tier, rule = s.tier(f.ModelTier, &p, t.raised, prev.Tier, at)
	next.Trend = s.trend(&p, f, at)
	next.Product, next.Interest = s.product(f, at)
	next.Stage = s.shownStage(f, p.Signals, at)
	if next.Tier != prev.Tier || next.Since.IsZero() {
		next.Since = now
	}
	return next, p, rule
}
