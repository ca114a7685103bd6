package operate

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// ScoreChange is a change of what the CRM shows of a record, acknowledged by it. Scores are points, 0 to 100; what it changed from is nil or unknown of the first that is kept.
type ScoreChange struct {
	At        time.Time   `json:"at"`
	Person    string      `json:"person"` // the same for all records of somebody
	CRM       string      `json:"crm"`
	Object    string      `json:"object"`
	ID        string      `json:"id"`
	ScoreFrom *float64    `json:"score_from"`
	Score     float64     `json:"score"`
	TierFrom  score.Tier  `json:"tier_from"`
	Tier      score.Tier  `json:"tier"`
	TrendFrom score.Trend `json:"trend_from"`
	Trend     score.Trend `json:"trend"`
	Reason    string      `json:"reason"` // the gate's word; "" where a release before wrote it
}

// ScoreChanges are the changes of a part of the people.
type ScoreChanges struct {
	Changes []ScoreChange  `json:"changes"`
	Next    state.PersonID `json:"next"` // whom to go on from; 0: that was all
}

// ChangesSince are the changes of scores from one time to before another, of up to n people from one on: person by person, each in the order of time. A zero until is no end.
func ChangesSince(p *pipeline.Pipeline, since, until time.Time, from state.PersonID, n int) (*ScoreChanges, error) {
	people, next, err := p.DB().HistoriesFrom(from, n)
	if err != nil {
		return nil, err
	}
	out := &ScoreChanges{Changes: []ScoreChange{}, Next: next}
	for i := range people {
		h := &people[i]
		for k := range h.Points {
			if at := h.Points[k].At; at.Before(since) || !until.IsZero() && !at.Before(until) {
				continue
			}
			for _, ref := range h.Contacts {
				out.Changes = append(out.Changes, changeOf(h, k, ref))
			}
		}
	}
	return out, nil
}

// changeOf is a person's k-th change as one of their records shows it.
func changeOf(h *state.PersonHistory, k int, ref connectors.Ref) ScoreChange {
	p := &h.Points[k]
	c := ScoreChange{At: p.At, Person: h.Person.Key(), CRM: ref.CRM, Object: ref.Object, ID: ref.ID,
		Score: float64(p.Score) / 10, Tier: score.Tier(p.Tier), Trend: score.Trend(p.Trend), Reason: p.Reason}
	if k > 0 {
		before := &h.Points[k-1]
		was := float64(before.Score) / 10
		c.ScoreFrom, c.TierFrom, c.TrendFrom = &was, score.Tier(before.Tier), score.Trend(before.Trend)
	}
	return c
}
