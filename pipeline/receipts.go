package pipeline

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/intentd/intentd/pipeline/receipt"
)

func settingsKey(hash uint64) string { return fmt.Sprintf("scoring/%016x", hash) }

// sealReceipt renders a receipt for storage: its settings, which thousands share, are kept once under their hash. features are
// those of the receipt, encoded.
func (p *Pipeline) sealReceipt(r *receipt.Receipt, settingsHash uint64, features []byte) ([]byte, error) {
	buf := receiptBuffers.Get().(*[]byte)
	defer receiptBuffers.Put(buf)
	*buf = r.Append((*buf)[:0], settingsHash, features)
	return p.db.SealReceipt(*buf), nil
}

var receiptBuffers = sync.Pool{New: func() any { return new([]byte) }}

// receiptSettings are the settings that receipts under the setup refer to.
func (s *Setup) receiptSettings() (map[string][]byte, error) {
	b, err := json.Marshal(&s.Score)
	return map[string][]byte{settingsKey(s.settingsHash): b}, err
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
	r.Probability, _ = r.Settings.Probability(&r.Parts)
	return r, nil
}
