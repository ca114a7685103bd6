package pipeline

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/receipt"
)

func settingsKey(hash uint64) string { return fmt.Sprintf("scoring/%016x", hash) }

// sealReceipt renders a receipt for storage: its settings, which thousands share, are kept once under their hash. features are
// those of the receipt, encoded.
func (l *lot) sealReceipt(r *receipt.Receipt, features []byte) ([]byte, error) {
	buf := receiptBuffers.Get().(*[]byte)
	defer receiptBuffers.Put(buf)
	*buf = r.Append((*buf)[:0], l.settingsHash(), features)
	return l.p.db.SealReceipt(*buf), nil
}

var receiptBuffers = sync.Pool{New: func() any { return new([]byte) }}

func (l *lot) settingsHash() uint64 { return l.s.settingsHash }

// receiptSettings are the settings that the lot's receipts refer to.
func (l *lot) receiptSettings() (map[string][]byte, error) {
	b, err := json.Marshal(&l.s.Score)
	return map[string][]byte{settingsKey(l.settingsHash()): b}, err
}

// OpenReceipt reads what sealReceipt made.
func (p *Pipeline) OpenReceipt(raw []byte) (*receipt.Receipt, error) {
	r, hash, err := receipt.Decode(raw)
	if err != nil {
		return nil, err
	}
	settings, err := p.db.Setting(settingsKey(hash))
	if err != nil {
		return nil, err
	}
	if len(settings) > 0 {
		if err := json.Unmarshal(settings, &r.Settings); err != nil {
			return nil, fmt.Errorf("decode receipt of %s: settings: %w", r.Person, err)
		}
	}
	return r, nil
}

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
