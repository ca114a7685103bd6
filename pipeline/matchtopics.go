package pipeline

import (
	"context"
	"slices"
	"strings"

	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/topics"
)

// matchTopics matches the topics of all people of the lot in one go.
func (l *lot) matchTopics(ctx context.Context, open []*subject) {
	t := &l.room.topics
	ends := make([]int, len(open)) // of each subject's spans in t.all
	for i, s := range open {
		if s.journey != nil { // otherwise the topics of the last receipt stand
			t.collect(s.journey, s.inputs.intent.Topics)
		}
		ends[i] = len(t.all)
	}
	if len(t.all) == 0 {
		return
	}
	for i := range t.all { // as they stand now: matching moves them
		t.read = append(t.read, score.Read{Name: t.all[i].name, First: t.all[i].first, Last: t.all[i].last})
	}
	clear(t.place)
	var names []string
	for i := range t.all {
		name := t.all[i].name
		if _, seen := t.place[name]; !seen {
			t.place[name] = len(names)
			names = append(names, name)
		}
	}
	slices.Sort(names)
	matches, degraded, _ := l.s.Topics.Match(ctx, names)
	by := map[string][]topics.Match{}
	for _, m := range matches {
		by[m.Journey] = append(by[m.Journey], m)
	}
	end := 0
	for i, s := range open {
		spans := t.all[end:ends[i]]
		s.inputs.read = t.read[end:ends[i]]
		end = ends[i]
		if len(spans) == 0 {
			continue
		}
		b := s.inputs
		if degraded != "" {
			if last := l.lastReceipt(s); last != nil && len(last.Degraded) == 0 && s.person.Events == b.events {
				b.features.Topics, b.topics = last.Features.Topics, last.Topics
				continue // invariant 8
			}
			b.degraded = append(b.degraded, degraded)
		}
		spans = slices.DeleteFunc(spans, func(sp topicSpan) bool { return len(by[sp.name]) == 0 })
		slices.SortFunc(spans, func(a, b topicSpan) int { return strings.Compare(a.name, b.name) })
		var mine []topics.Match
		when := make(map[string]topics.Span, len(spans))
		for k := range spans {
			mine = append(mine, by[spans[k].name]...)
			when[spans[k].name] = topics.Span{First: spans[k].first, Last: spans[k].last}
		}
		var counted []bool
		b.features.Topics, counted = topics.Count(mine, when)
		next := 0
		for k := range spans {
			events := spans[k].eventIDs(s.journey)
			for range by[spans[k].name] {
				m := &mine[next]
				b.topics = append(b.topics, receipt.TopicLine{
					Journey: m.Journey, Configured: m.Configured, Win: m.Win, How: m.How, Points: m.Points, Events: events, Counted: counted[next],
				})
				next++
			}
		}
	}
}
