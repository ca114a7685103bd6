package pipeline

import (
	"time"

	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/verdicts"
)

// judged is the score that the subject's verdict was about, encoded: what the CRM showed when it was given, also where a patch waits or another score was
// written since. nil: nothing was shown, or nothing tells any more.
func (l *lot) judged(s *subject) []byte {
	if j := l.judgedReceipt(s); j != nil {
		return j.Append(nil)
	}
	if !s.shown.Known || s.person.Features == nil || s.shown.Written.After(s.verdict.at) {
		return nil
	}
	f, err := score.DecodeFeatures(s.person.Features)
	if err != nil {
		return nil
	}
	j := verdicts.Judged{At: s.shown.Written, Score: s.shown.Score, Tier: s.shown.Tier, Features: f, Engine: l.s.Score.Engine()}
	parts := l.s.Score.At(&f, j.At)
	j.Parts = verdicts.PartsOf(&parts)
	return j.Append(nil)
}

// judgedReceipt reads it from the receipt of then. A receipt of a result that was not written says what went on being shown.
func (l *lot) judgedReceipt(s *subject) *verdicts.Judged {
	at := s.verdict.at
	for _, r := range s.recs {
		// The last patch still waited when the verdict was given: it was acknowledged later. Where our own write has moved the record's stamp since, the queue knows: what
		// brought the person here came before the acknowledgement.
		waited := r.was.WroteAt.After(at) || s.entry.Since.Before(r.was.WroteAt)
		if before := s.shown.Written.Add(-time.Millisecond); waited && before.Before(at) {
			at = before
		}
	}
	raw, err := l.p.db.ReceiptAsOf(s.id, at)
	if err != nil || raw == nil {
		return nil
	}
	r, err := l.p.OpenReceipt(raw)
	if err != nil {
		return nil
	}
	j := &verdicts.Judged{At: r.At.Truncate(time.Second), Score: r.Parts.Score, Tier: r.Tier, Rule: r.Rule, Features: r.Features, Engine: r.Settings.Engine(), Parts: verdicts.PartsOf(&r.Parts)}
	if len(r.Written) == 0 {
		if !r.Previous.Known {
			return nil
		}
		j.Score, j.Tier = r.Previous.Score, r.Previous.Tier
	}
	return j
}
