package pipeline

import (
	"maps"
	"slices"
	"time"

	"github.com/intentd/intentd/state"
)

// alertFresh is how old the newest signal of somebody may be who is told of: a batch of the night before still counts, what a new source
// knows of the past does not.
const alertFresh = 72 * time.Hour

// alertsFor are the channels that tell of the tier that the subject enters by a new signal, to be journalled with the patch; or why none
// does, though one would.
func (l *lot) alertsFor(s *subject) (channels []string, why Untold) {
	r := s.result
	if r.reason == "" && !s.letGo || r.shown.Tier <= s.shown.Tier && s.shown.Known && !s.letGo {
		return nil, ""
	}
	for _, a := range l.s.Alerts {
		if slices.Contains(a.Tiers, r.shown.Tier) {
			channels = append(channels, a.Channel)
		}
	}
	if channels == nil {
		return nil, ""
	}
	var newest time.Time
	if signals := r.receipt.Features.Signals; len(signals) > 0 {
		newest = time.Unix(signals[len(signals)-1].At, 0)
	}
	switch {
	case s.held:
		return nil, UntoldHeldOut
	case !s.shown.Known && (s.entry.Lane == state.Backfill || l.firstSync(s)):
		return nil, UntoldFirstSync
	case s.entry.Lane == state.Backfill:
		return nil, UntoldBackfill
	case newest.Before(l.now.Add(-alertFresh)), s.inputs.events == s.person.Events && !newest.After(s.shown.Written):
		return nil, UntoldOld
	}
	return channels, ""
}

// firstSync says whether a CRM of the subject is being met for the first time.
func (l *lot) firstSync(s *subject) bool {
	return slices.ContainsFunc(s.recs, func(r *record) bool {
		last, err := l.p.db.LastSweep(r.ref.CRM)
		return err != nil || last.IsZero()
	})
}

// AlertsLeftOut is how many people entered a tier and were told to nobody since start, by the reason.
func (p *Pipeline) AlertsLeftOut() map[Untold]int64 {
	p.counts.mu.Lock()
	defer p.counts.mu.Unlock()
	return maps.Clone(p.counts.alertsLeftOut)
}
