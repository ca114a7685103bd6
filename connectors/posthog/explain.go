package posthog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/asked"
)

// Explain implements connectors.Explainer.
func (s *Source) Explain(ctx context.Context, q connectors.ExplainQuery) (x connectors.Explanation, err error) {
	apart := &asked.Source{Name: s.Name, Now: s.Now} // the counts of what is told here alone
	var told connectors.Question
	if q.Person == nil {
		told = connectors.Question{What: "who was active", Query: s.activeQuery(false)}
		page, err := s.active(ctx, q.From, apart)
		told.TellPeople(page, err, q.Rows)
	} else {
		told = s.explainJourneys(ctx, q, apart)
	}
	x.Asked = append(x.Asked, told)
	counts := apart.Counts()
	for _, left := range []map[string]int64{counts.LeftOut, counts.Unreadable} {
		for _, why := range slices.Sorted(maps.Keys(left)) {
			x.Note(fmt.Sprintf("%d rows are left out: %s", left[why], why))
		}
	}
	return x, ctx.Err()
}

func (s *Source) explainJourneys(ctx context.Context, q connectors.ExplainQuery, counts *asked.Source) connectors.Question {
	j := s.about([]connectors.Person{*q.Person}, q.Window)
	j.counts = counts
	told := connectors.Question{What: "the journeys query"}
	if j.values == nil {
		told.Failed = "nothing is asked: the person has no address and no id that this source knows"
		return told
	}
	told.Query = j.query()
	for _, name := range slices.Sorted(maps.Keys(j.values)) {
		value := fmt.Sprint(j.values[name])
		if list, ok := j.values[name].([]string); ok {
			value = strings.Join(list, ", ")
		}
		told.Parameters = append(told.Parameters, connectors.Parameter{Name: name, Value: value})
	}
	told.TellEvents(func(yield func(connectors.Event, error) bool) {
		if err := j.run(ctx, func(e connectors.Event) bool { return yield(e, nil) }); err != nil {
			yield(connectors.Event{}, err)
		}
	}, q.Rows)
	return told
}
