package pipeline

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// storedReceipt is a receipt as the state keeps it: its settings, which thousands share, are kept once under their hash; its
// features in the compact form of package score. The outer fields take the place of the receipt's own in JSON.
type storedReceipt struct {
	*receipt.Receipt
	Settings uint64 `json:"settings"`
	Features []byte `json:"features"`
}

func settingsKey(hash uint64) string { return fmt.Sprintf("scoring/%016x", hash) }

// sealReceipt renders a receipt for storage. features are those of the receipt, encoded.
func (l *lot) sealReceipt(r *receipt.Receipt, features []byte) ([]byte, error) {
	raw, err := json.Marshal(&storedReceipt{Receipt: r, Settings: l.settingsHash(), Features: features})
	if err != nil {
		return nil, fmt.Errorf("receipt of %s: %w", r.Person, err)
	}
	return l.p.db.SealReceipt(raw), nil
}

func (l *lot) settingsHash() uint64 { return l.s.settingsHash }

// keepSettings stores the settings that the lot's receipts refer to, once a process.
func (l *lot) keepSettings(tx *state.Tx) error {
	key := settingsKey(l.settingsHash())
	if len(tx.Setting(key)) > 0 {
		return nil
	}
	b, err := json.Marshal(&l.s.Score)
	if err != nil {
		return err
	}
	return tx.SetSetting(key, b)
}

// openReceipt reads what sealReceipt made.
func openReceipt(tx *state.Tx, raw []byte) (*receipt.Receipt, error) {
	s := storedReceipt{Receipt: new(receipt.Receipt)}
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("decode receipt: %w", err)
	}
	var err error
	if s.Receipt.Features, err = score.DecodeFeatures(s.Features); err != nil {
		return nil, fmt.Errorf("decode receipt of %s: %w", s.Person, err)
	}
	if b := tx.Setting(settingsKey(s.Settings)); len(b) > 0 {
		if err := json.Unmarshal(b, &s.Receipt.Settings); err != nil {
			return nil, fmt.Errorf("decode receipt of %s: settings: %w", s.Person, err)
		}
	}
	return s.Receipt, nil
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
