package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/fields"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// score turns every open subject's score inputs into a score, a tier, a forecast, a receipt and field values.
func (l *lot) score(ctx context.Context) {
	open := l.open()
	for _, s := range open {
		if s.journey != nil {
			s.inputs.cited = receipt.CitedLines(s.journey, &s.inputs.intent)
		}
	}
	l.matchTopics(ctx, open)
	for _, s := range open {
		l.scoreSubject(s)
		if s.journey != nil {
			l.s.Journey.Release(s.journey) // nobody asks for its steps from here on
		}
	}
}

// scoreSubject computes what would be shown of a subject, says whether it differs materially from what is shown, and explains it in a receipt.
func (l *lot) scoreSubject(s *subject) {
	b := s.inputs
	set := &l.s.Score
	b.features.ModelInterest, b.features.ModelTier = b.intent.Interest, b.intent.Tier
	if b.intent.Engine != "" && b.intent.Degraded == "" {
		b.features.ModelStage = b.intent.Stage
	}
	b.features.SetAside, b.features.AsideUntil = l.aside(s)
	next, parts, rule := set.Show(&b.features, s.shown, l.now)
	next.Topics = topicsHash(b.intent.Topics)

	graded, combined := s.fit(l.s.Fit), l.s.Fit != nil && l.s.Fit.Combined
	r := l.room.results.take()
	var news bool
	news, r.regraded = l.fitIsNews(s, map[string]string{connectors.FieldFit: graded.Grade, connectors.FieldGrade: graded.Shown(next.Tier, combined)})
	r.shown, r.parts = next, parts
	reason, wait, ok := set.Material(s.shown, next, l.now)
	switch {
	case ok:
		r.reason = reason
	case !next.Known:
	case l.letsGo(s):
		r.reason = "held out no more"
	case l.verdictIsNews(s):
		r.reason = score.ReasonVerdict
	case s.shown.Known && news:
		r.reason = score.ReasonFit
	case b.upgraded:
		r.reason = "better texts"
	case s.entry.Reason&state.ReasonAsked != 0 && s.shown.Known:
		r.reason = "asked for"
	default:
		r.wait = wait
	}
	r.receipt = receipt.Receipt{
		Person: s.key, At: l.now.UTC().Truncate(time.Second), Formula: score.Version, Settings: *set, Parts: parts, Points: set.PointsAt(&b.features, l.now.Unix()), Features: b.features,
		Signals: b.signals, Cited: b.cited, Topics: b.topics, Tier: next.Tier, Rule: rule, Previous: s.shown, Stage: next.Stage, Trend: next.Trend,
		Product: next.Product, Interest: next.Interest, Intent: b.intent, Filtered: b.filtered, LeftOut: b.leftOut, Verdict: s.person.Verdict, Fit: graded, Graded: l.s.Fit != nil, Combined: combined, Provisional: b.rulesText, Stale: s.stale, Degraded: b.degraded, Reason: r.reason,
	}
	r.receipt.Probability, _ = set.Probability(&parts)
	shows := next
	if r.reason == "" {
		shows = s.shown // what the CRM goes on showing
	}
	r.receipt.Forecast = set.Forecast(&b.features, shows, l.now, l.s.Fields.Location)
	switch {
	case r.reason != "" || !next.Known:
	case !r.wait.IsZero():
		r.receipt.Reason = "not written yet: " + reason + " changed, and the next write may go at " + r.wait.UTC().Format("15:04 UTC")
	default:
		r.receipt.Reason = "not written: nothing material changed"
	}
	for _, rec := range s.recs {
		r.receipt.Refs = append(r.receipt.Refs, rec.ref)
		for _, f := range rec.crm.OwnFields().Fields {
			if rec.state.Own.At(f.Number).Held && !slices.Contains(r.receipt.Held, f.Name) {
				r.receipt.Held = append(r.receipt.Held, f.Name)
			}
		}
	}
	if next.Known || s.shown.Known {
		r.values = fields.Render(&r.receipt, l.s.Fields)
		for _, rec := range s.recs {
			for _, f := range rec.crm.OwnFields().Fields {
				if _, rendered := r.values[f.Name]; !rendered && !f.RepEdits {
					r.values[f.Name] = "" // a field of an earlier configuration: it would age
				}
			}
		}
	}
	s.result = r
}

// topicsHash is that of the set of topics shown, whatever their order; 0 for none.
func topicsHash(ts []intent.Topic) uint64 {
	var sum uint64
	for _, t := range ts {
		sum += xxhash.Sum64String(t.Name)
	}
	return sum
}
