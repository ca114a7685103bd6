package score

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
)

// A snapshot comes back as it was, gives the same score again, and what is cut off or of a later version is refused.
func TestASnapshotComesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 61))
	for range 300 {
		f := randomFeatures(r, 30, 60)
		set := randomSettings(r)
		features := f.Append(nil)
		stored, err := DecodeFeatures(features) // products that no signal is about are left out
		if err != nil {
			t.Fatal(err)
		}
		s := Snapshot{Formula: Version, Settings: set.Hash(), Previous: Tier(r.IntN(4)), Tier: High, Rule: rules[r.IntN(len(rules))], Features: stored}
		for i := range r.IntN(5) {
			read := Read{Name: fmt.Sprint("topic ", i), Shown: r.IntN(2) == 0}
			if r.IntN(2) == 0 {
				read.First, read.Last = noon.Unix()-9*day, noon.Unix()-int64(r.IntN(9))*day
			}
			s.Read = append(s.Read, read)
		}
		b := s.Append(nil, features)
		got, err := DecodeSnapshot(b)
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Fatalf("came back as %+v, want %+v (%v)", got, s, err)
		}
		before, _, _ := set.Show(f, Shown{Tier: s.Previous}, noon)
		again, _, _ := set.Show(&got.Features, Shown{Tier: got.Previous}, noon)
		if before != again {
			t.Fatalf("scores %+v, was %+v", again, before)
		}
		for n := range b {
			if _, err := DecodeSnapshot(b[:n]); err == nil {
				t.Fatalf("the first %d of %d bytes are read", n, len(b))
			}
		}
	}
	if _, err := DecodeSnapshot([]byte{snapshotVersion + 1}); err == nil {
		t.Error("a later version is read")
	}
}

// Of many topics those shown are kept, and the newest others.
func TestASnapshotKeepsTheTopicsThatMatter(t *testing.T) {
	f := Features{Signals: []Signal{{At: noon.Unix(), Type: WebVisit, Strength: 40}}}
	s := Snapshot{Features: f, Read: []Read{{Name: "shown", Shown: true}}}
	for i := range 40 {
		s.Read = append(s.Read, Read{Name: fmt.Sprint(i), First: int64(i + 1), Last: int64(i + 1)})
	}
	got, err := DecodeSnapshot(s.Append(nil, f.Append(nil)))
	if err != nil || len(got.Read) != maxRead || got.Read[0].Name != "shown" || got.Read[1] != (Read{Name: "39", First: 40, Last: 40}) {
		t.Errorf("%+v, %v", got.Read, err)
	}
	if len(s.Read) != 41 || s.Read[1].Name != "0" {
		t.Error("the caller's list was changed")
	}
}
