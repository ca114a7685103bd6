package pipeline

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// comeBack settles a subject who is to be worked on again.
func comeBack(lane state.Lane, at time.Time, why state.Reason) *state.Settlement {
	return &state.Settlement{Outcome: state.Return, Lane: lane, At: at, Why: why}
}

// retryLater puts a subject into the retry lane, because a record or a source could not be read.
func (l *lot) retryLater(s *subject, err error) *state.Settlement {
	at, why := l.now.Add(state.Backoff(s.entry.Attempts)), state.ReasonRetry
	if until := connectors.Until(err); until.After(at) {
		at, why = until, why|state.ReasonWaits
	}
	return l.withChanges(s, comeBack(s.entry.RetryLane(), at, why))
}

// withChanges adds to a settlement what the lot changed in what is known of the records, and the rep's verdict.
func (l *lot) withChanges(s *subject, out *state.Settlement) *state.Settlement {
	for _, r := range s.recs {
		if r.dirty {
			out.Records = append(out.Records, state.RecordChange{Ref: r.ref, Was: r.was, Is: r.state})
		}
	}
	out.Withdrawn, out.Drawn, out.LetGo = s.withdrawn(), s.drawn, s.letGo
	if s.verdict.anew {
		out.Verdict = &state.VerdictAt{Verdict: s.person.Verdict, At: s.verdict.at}
		if s.verdict.changed && out.Withdrawn.IsZero() { // after a withdrawal nothing of before is kept
			out.Verdict.Judged = l.judged(s)
		}
	}
	return out
}

// withScored adds to a settlement the inputs that the present result rests on, and the identifiers that are the person's now.
func (l *lot) withScored(s *subject, out *state.Settlement) *state.Settlement {
	for _, r := range s.recs {
		if r.read && r.contact.State == connectors.Live && r.state.Scored != r.inputs {
			out.Scored = append(out.Scored, state.RecordInputs{Ref: r.ref, Inputs: r.inputs})
		}
	}
	out.Identities = l.identified(s)
	return out
}

// textOrder is by how much somebody with a score, in tenths, is put off among those whom model texts are owed, so that higher scores come
// first and, after all of them, those who go last: the lane goes by time. It is at most 200 seconds; 100 is about what a first sync of tens
// of thousands takes.
func textOrder(score int, last bool) time.Duration {
	order := time.Duration(1000-score) * 100 * time.Millisecond
	if last {
		order += 100 * time.Second
	}
	return order
}

// goesLast says whether a day's budget bounds what models cost and nothing that they say can change the subject's tier, while under these
// settings they may change that of others.
func (l *lot) goesLast(s *subject) bool {
	topics := l.s.Topics.Configured()
	return l.s.BudgetSpent != nil && l.s.Score.ByModel(topics) && !l.s.Score.Open(&s.inputs.features, s.shown.Tier, topics, l.now)
}

func nextMidnight(t time.Time, loc *time.Location) time.Time {
	if loc == nil {
		loc = time.UTC
	}
	y, m, d := t.In(loc).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, loc)
}
