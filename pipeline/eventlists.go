package pipeline

import (
	"sync"

	"github.com/intentd/intentd/connectors"
)

// eventLists are the events of people on their way into journeys, used again: they are the largest thing a lot holds.
var eventLists = sync.Pool{New: func() any { l := make([]connectors.Event, 0, 32); return &l }}

// maxPooled is how large a list may be to be kept: one huge journey must not keep its memory.
const maxPooled = 512

func (s *subject) addEvent(e connectors.Event) {
	if s.events == nil {
		s.events = eventLists.Get().(*[]connectors.Event)
	}
	*s.events = append(*s.events, e)
}

func (s *subject) takeEvents() []connectors.Event {
	if s.events == nil {
		return nil
	}
	return *s.events
}

func (s *subject) dropEvents() {
	if s.events == nil {
		return
	}
	if cap(*s.events) <= maxPooled {
		clear(*s.events)
		*s.events = (*s.events)[:0]
		eventLists.Put(s.events)
	}
	s.events = nil
}
