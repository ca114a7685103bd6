package pipeline

import (
	"slices"

	"github.com/intentd/intentd/pipeline/score"
)

// snapshot is what the subject's score rests on, as it is kept in their history; nil where nothing of it has changed since the last result, or there never was
// anything. Time alone changes nothing of it. features are those of the result, encoded.
func (l *lot) snapshot(s *subject, features []byte) ([]byte, error) {
	b, r := s.inputs, &s.result.receipt
	same := string(features) == string(s.person.Features)
	switch {
	case same && (s.journey == nil || s.person.Scoring == l.scoringHash() && s.result.shown.Topics == s.shown.Topics),
		len(b.features.Signals) == 0 && (same || len(s.person.Features) == 0):
		return nil, nil
	}
	read := b.read
	if s.journey == nil { // what they read is what the last snapshot says
		kept, err := l.p.db.SnapshotsOf(s.id)
		if err != nil {
			return nil, err
		}
		if n := len(kept); n > 0 {
			if last, err := score.DecodeSnapshot(kept[n-1].Body); err == nil {
				read = last.Read
			}
		}
	}
	read = append(l.room.read[:0], read...)
	for _, t := range b.intent.Topics {
		if i := slices.IndexFunc(read, func(have score.Read) bool { return have.Name == t.Name }); i >= 0 {
			read[i].Shown = true
		} else {
			read = append(read, score.Read{Name: t.Name, Shown: true})
		}
	}
	snap := score.Snapshot{Formula: r.Formula, Settings: l.s.settingsHash, Previous: s.shown.Tier, Tier: r.Tier, Rule: r.Rule, Read: read, Features: b.features}
	l.room.read = read
	from := len(l.room.bytes)
	l.room.bytes = snap.Append(l.room.bytes, features)
	return slices.Clip(l.room.bytes[from:]), nil
}
