package score

import (
	"slices"
	"time"
)

// EvidenceKind says what of the person's own signals a tier rests on.
type EvidenceKind string

const (
	EvidenceNone      EvidenceKind = ""
	EvidenceHandRaise EvidenceKind = "hand_raise"     // high: a request within Evidence.Days
	EvidenceKeys      EvidenceKind = "keys"           // high: several key signals, one of them lately
	EvidenceKeyStrong EvidenceKind = "key_and_strong" // high: a key signal lately, among several strong ones
	EvidenceStrong    EvidenceKind = "strong"         // medium: a strong signal
	EvidenceApart     EvidenceKind = "apart"          // medium: signals on different occasions
	EvidenceSignals   EvidenceKind = "signals"        // medium: many signals
)

// Tier is the highest tier that evidence of the kind allows.
func (k EvidenceKind) Tier() Tier {
	switch k {
	case EvidenceHandRaise, EvidenceKeys, EvidenceKeyStrong:
		return High
	case EvidenceStrong, EvidenceApart, EvidenceSignals:
		return Medium
	}
	return Low
}

// evidence is the best there is at the walker's moment.
func (w *walker) evidence() EvidenceKind {
	e := &w.s.Evidence
	late := w.within(w.key, e.KeyDays)
	switch {
	case w.within(w.raised, e.Days):
		return EvidenceHandRaise
	case late && w.keys >= e.Key:
		return EvidenceKeys
	case late && w.strong >= e.Strong:
		return EvidenceKeyStrong
	case w.strong > 0:
		return EvidenceStrong
	case w.recent > 1 && w.newest-w.signals[w.first].At >= int64(e.Apart):
		return EvidenceApart
	case w.recent >= e.Signals:
		return EvidenceSignals
	}
	return EvidenceNone
}

// EvidenceAt is the best evidence that f holds at now, and which of f.Signals make it, newest first.
func (s *Settings) EvidenceAt(f *Features, now time.Time) (kind EvidenceKind, signals []int) {
	w := s.walk(f, now.Unix())
	kind = w.evidence()
	var is func(*Signal) bool
	switch kind {
	case EvidenceNone:
		return kind, nil
	case EvidenceHandRaise:
		is = func(g *Signal) bool { return g.Type == HandRaise }
	case EvidenceKeys:
		is = func(g *Signal) bool { return g.Flags&Key != 0 }
	case EvidenceKeyStrong, EvidenceStrong:
		is = func(g *Signal) bool {
			return int(g.Strength) >= s.Evidence.Strength || kind == EvidenceKeyStrong && g.Flags&Key != 0
		}
	default:
		is = func(g *Signal) bool { return g.Flags&NoRecency == 0 }
	}
	for i := range f.Signals {
		if g := &f.Signals[i]; g.At <= w.now && w.within(g.At, s.Evidence.Days) && g.Flags&Company == 0 && is(g) {
			signals = append(signals, i)
		}
	}
	slices.SortStableFunc(signals, func(a, b int) int { return byTime(f.Signals[b], f.Signals[a]) })
	return kind, signals
}
