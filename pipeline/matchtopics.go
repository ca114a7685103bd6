package pipeline

import (
	"context"
	"slices"
	"strings"

	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/topics"
)

// matchTopics matches the topics of all people of the lot in one go.
func (l *lot) matchTopics(ctx context.Context, open []*subject) {
	t := &l.room.topics
	ends := make([]int, len(open)) // of each subject's spans in t.all
	for i, s := range open {
		if s.journey != nil { // otherwise the topics of the last receipt stand
			t.collect(s)
		}
		ends[i] = len(t.all)
	}
	if len(t.all) == 0 {
		return
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

// topicSpan is where a topic of a journey stands.
type topicSpan struct {
	name        string
	first, last int64
	signals     [5]int32 // the first that carry it
	n           int
}

func (sp *topicSpan) eventIDs(j *journey.Journey) []string {
	ids := make([]string, sp.n)
	for i := range ids {
		ids[i] = j.Signals[sp.signals[i]].EventID
	}
	return ids
}

// topicSpans are the topics of a lot's journeys, person by person.
type topicSpans struct {
	all    []topicSpan
	place  map[string]int   // of a topic of the present journey in all
	signal map[string]int32 // of an event of it
}

func (t *topicSpans) empty() {
	clear(t.all)
	clear(t.place)
	clear(t.signal)
	t.all = t.all[:0]
}

// collect adds the topics of s from trusted places, with the signals that carry them. What a model names counts only if the
// intent engine found its words in a trusted place of a step it cites.
func (t *topicSpans) collect(s *subject) {
	clear(t.place)
	clear(t.signal)
	signals := s.journey.Signals
	add := func(name string, signal int32) {
		g := &signals[signal]
		i, ok := t.place[name]
		if !ok {
			i = len(t.all)
			t.place[name] = i
			t.all = append(t.all, topicSpan{name: name, first: g.At, last: g.At})
		}
		sp := &t.all[i]
		sp.first, sp.last = min(sp.first, g.At), max(sp.last, g.At)
		if sp.n == len(sp.signals) || slices.ContainsFunc(sp.signals[:sp.n], func(k int32) bool { return signals[k].EventID == g.EventID }) {
			return
		}
		sp.signals[sp.n] = signal
		sp.n++
	}
	for i := range signals {
		t.signal[signals[i].EventID] = int32(i)
		for _, name := range signals[i].Topics {
			add(name, int32(i))
		}
	}
	for _, topic := range s.inputs.intent.Topics {
		if !topic.Trusted {
			continue
		}
		for _, c := range topic.Cites {
			if signal, ok := t.signal[c]; ok {
				add(topic.Name, signal)
			}
		}
	}
}
