package pipeline

import (
	"slices"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

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
	read   []score.Read     // all, as snapshots keep them
	place  map[string]int   // of a topic of the present journey in all
	signal map[string]int32 // of an event of it
}

func (t *topicSpans) empty() {
	clear(t.all)
	clear(t.read)
	t.read = t.read[:0]
	clear(t.place)
	clear(t.signal)
	t.all = t.all[:0]
}

// collect adds the topics of a journey from trusted places, with the signals that carry them. What a model names counts only if the
// intent engine found its words in a trusted place of a step it cites.
func (t *topicSpans) collect(j *journey.Journey, named []intent.Topic) {
	clear(t.place)
	clear(t.signal)
	signals := j.Signals
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
	for _, topic := range named {
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
