package pipeline

import (
	"cmp"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// verdictField is the field in which a CRM has the rep's verdict; false if it has none.
func (c *CRM) verdictField() (connectors.Field, bool) {
	for _, f := range c.OwnFields().Fields {
		if f.RepEdits && c.Fields[f.Name] != "" {
			return f, true
		}
	}
	return connectors.Field{}, false
}

// noticeVerdict reads what reps say of a person. Of several records the one that was changed last speaks; where one was emptied, another
// that still says something does.
//
// A verdict counts from when its CRM's history says, where that was asked; else from when it was noticed, or from the record's last change
// where that is earlier: it cannot be younger.
func (l *lot) noticeVerdict(s *subject) {
	said, at, changed := "", time.Time{}, false
	others := "" // what records say that were not changed
	for _, r := range s.recs {
		f, ok := r.crm.verdictField()
		switch {
		case !ok:
			continue
		case !r.read:
			if r.state.Own.At(f.Number).Wrote != 0 {
				others = s.person.Verdict // as far as anybody knows
			}
			continue
		case r.contact.State != connectors.Live:
			continue
		}
		value, h := r.contact.Ours[f.Name], uint32(0)
		if value != "" {
			h = state.FieldHash(f.Number, value)
		}
		if r.state.Own.At(f.Number).Wrote == h {
			if others == "" || value == s.person.Verdict {
				others = value
			}
			continue
		}
		r.state.Own.Wrote(f.Number, h)
		r.dirty, changed = true, true
		if moment := r.verdictSince(l.now); said == "" || value != "" && moment.After(at) {
			said, at = value, moment
		}
	}
	said = cmp.Or(said, others)
	switch {
	case changed && said != s.person.Verdict:
		s.person.Verdict, s.verdict.at, s.verdict.anew, s.verdict.changed = said, at, true, true
	case s.person.Verdict != "" && s.verdict.at.IsZero():
		s.verdict.at, s.verdict.anew = l.now, true // nobody noted when it was first read
	}
}

// verdictSince is since when the record's verdict is as it is, as far as anybody can tell now.
func (r *record) verdictSince(now time.Time) time.Time {
	for _, at := range []time.Time{r.verdictAt, r.contact.Modified} {
		if !at.IsZero() && at.Before(now) {
			return at
		}
	}
	return now
}

// aside is the span in which the rep's verdict sets the subject aside, as of now.
func (l *lot) aside(s *subject) (from, until int64) {
	return l.s.Verdicts.aside(s.person.Verdict, s.verdict.at, l.now)
}

// verdictIsNews says whether the rep's verdict decides otherwise than in the last result.
func (l *lot) verdictIsNews(s *subject) bool {
	from, until := l.aside(s)
	wasFrom, wasUntil := score.StoredAside(s.person.Features)
	return from != wasFrom || until != wasUntil
}
