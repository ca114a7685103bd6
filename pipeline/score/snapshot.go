package score

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// Snapshot is what somebody's score rested on from a moment on: enough to work it out again, and to ask what it would have been under other settings.
// When that was stands beside it.
type Snapshot struct {
	Formula  string   `json:"formula"`  // Version of then
	Settings uint64   `json:"settings"` // Settings.Hash of then
	Previous Tier     `json:"previous"` // the tier shown before: what hysteresis went by
	Tier     Tier     `json:"tier"`     // the tier worked out
	Rule     Rule     `json:"rule"`     // why
	Read     []Read   `json:"read"`     // what they read about, by name
	Features Features `json:"features"`
}

// Read is a topic of a journey, whether a configured one matches it or not.
type Read struct {
	Name  string `json:"name"`
	Shown bool   `json:"shown"` // among the topics that the CRM shows
	// When signals carried it first and last, from a place that is trusted, in Unix seconds; zeros: none did, so that it never scores.
	First int64 `json:"first,omitempty"`
	Last  int64 `json:"last,omitempty"`
}

const (
	snapshotVersion = 1
	// maxRead bounds the topics of a snapshot: those shown, and the newest others.
	maxRead = 32
)

// Marks of a stored topic.
const (
	readShown = 1 << iota
	readTrusted
)

func (t *Read) marks() (m uint8) {
	if t.Shown {
		m |= readShown
	}
	if t.Last != 0 {
		m |= readTrusted
	}
	return m
}

// rules are numbered by their place: more may follow, none may move.
var rules = [...]Rule{ByThreshold, ByHysteresis, ByHandRaise, ByEvidence, ByVerdict, ByModel, ByNothing, ByStrength}

// Append writes s behind b, features being s.Features as their own Append wrote them. Of more than 32 topics the oldest of those that are not shown are left out.
func (s *Snapshot) Append(b, features []byte) []byte {
	b = append(b, snapshotVersion)
	b = appendString(b, s.Formula)
	b = binary.LittleEndian.AppendUint64(b, s.Settings)
	b = append(b, uint8(s.Previous)&3|uint8(s.Tier)&3<<2, uint8(slices.Index(rules[:], s.Rule)+1))
	read := s.Read
	if len(read) > maxRead {
		read = slices.Clone(read)
		slices.SortStableFunc(read, func(a, b Read) int {
			return cmp.Or(cmp.Compare(b.marks()&readShown, a.marks()&readShown), cmp.Compare(b.Last, a.Last))
		})
		read = read[:maxRead]
	}
	near := s.Features.newest()
	b = binary.AppendUvarint(b, uint64(len(read)))
	for i := range read {
		t := &read[i]
		b = append(appendString(b, t.Name), t.marks())
		if t.Last != 0 {
			b = binary.AppendVarint(b, t.Last-near)
			b = binary.AppendVarint(b, t.First-t.Last)
		}
	}
	return append(b, features...)
}

// DecodeSnapshot reads what Append wrote, of this and every earlier version.
func DecodeSnapshot(b []byte) (Snapshot, error) {
	r := reader{b: b}
	if v := r.byte(); r.err == nil && v != snapshotVersion {
		return Snapshot{}, fmt.Errorf("score: a stored snapshot has version %d, this release reads version %d", v, snapshotVersion)
	}
	s := Snapshot{Formula: r.string(), Settings: r.uint64()}
	tiers := r.byte()
	s.Previous, s.Tier = Tier(tiers&3), Tier(tiers>>2&3)
	if n := int(r.byte()); n > len(rules) {
		r.fail("an unknown rule")
	} else if n > 0 {
		s.Rule = rules[n-1]
	}
	if n := r.count(2); n > 0 {
		s.Read = make([]Read, n)
	}
	trusted := make([]bool, len(s.Read))
	for i := range s.Read {
		t := &s.Read[i]
		t.Name = r.string()
		marks := r.byte()
		t.Shown, trusted[i] = marks&readShown != 0, marks&readTrusted != 0
		if trusted[i] { // told from the newest signal on, which follows
			t.Last = r.varint()
			t.First = t.Last + r.varint()
		}
	}
	if r.err != nil {
		return Snapshot{}, fmt.Errorf("score: stored snapshot: %w", r.err)
	}
	var err error
	if s.Features, err = DecodeFeatures(r.b); err != nil {
		return Snapshot{}, err
	}
	near := s.Features.newest()
	for i := range s.Read {
		if t := &s.Read[i]; trusted[i] {
			t.Last, t.First = t.Last+near, t.First+near
		}
	}
	return s, nil
}

// Restate puts the strengths of other settings into features that were made under the ones of was. A strength that is not that of its type came from a rule of the
// configuration, and stays.
func (f *Features) Restate(was, now *Settings) {
	for i := range f.Signals {
		g := &f.Signals[i]
		if int(g.Type) < len(was.Strengths) && g.Strength == was.Strengths[g.Type] {
			g.Strength = now.Strengths[g.Type]
		}
	}
}

// newest is when the newest signal came, in Unix seconds; 0 without one.
func (f *Features) newest() int64 {
	if n := len(f.Signals); n > 0 {
		return f.Signals[n-1].At
	}
	return 0
}
