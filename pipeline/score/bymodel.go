package score

import "time"

// ByModel says whether the words of a model can move any tier under s: it names the tier, its interest counts, or topics that it names may.
// topics says whether topics are configured at all.
func (s *Settings) ByModel(topics bool) bool {
	return s.TierByModel || s.InterestPoints > 0 || topics && s.TopicPoints > 0
}

// Open says whether what a model says of f can still decide the tier at now, given the tier shown before: the least and the most that it can
// say lead to different ones. The tier grows with the score and with the model's word, so that nothing in between needs to be tried.
func (s *Settings) Open(f *Features, prev Tier, topics bool, now time.Time) bool {
	said := func(interest Interest, tier Tier, points int) Tier {
		g := *f
		g.ModelInterest, g.ModelTier = interest, tier
		if topics {
			g.Topics = []Topic{{Points: int8(points), Last: now.Unix()}}
		}
		w := s.walk(&g, now.Unix())
		p := w.parts()
		tier, _ = w.tier(&p, prev)
		return tier
	}
	return said(InterestNone, Low, -s.TopicPoints) != said(InterestHigh, High, s.TopicPoints)
}
