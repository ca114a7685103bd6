package score

import (
	"encoding/hex"
	"testing"
)

// What the release before stored is read, and who has no profile is stored byte for byte as that release did: a record grows only where a profile is kept (invariant 10).
func TestFeaturesWithoutAProfileAreStoredAsBefore(t *testing.T) {
	f := Features{Whole: true, Objects: []string{"pages: /pricing"}, Signals: []Signal{{At: noon.Unix(), Type: ContentView, Strength: 60, Flags: PricePage | Key, Object: 1}},
		Visits: []Visit{{At: noon.Unix() - 60, Length: 60, Dwell: 90, Steps: 2, Pages: 1}}}
	if got := hex.EncodeToString(f.Append(nil)); got != beforeProfiles {
		t.Errorf("stored as %s, was %s", got, beforeProfiles)
	}
	b, _ := hex.DecodeString(beforeProfiles)
	if back, err := DecodeFeatures(b); err != nil || !back.Whole || back.Profile != nil || len(back.Visits) != 1 {
		t.Errorf("read as %+v, %v", back, err)
	}
}

// A word of the profile gives its points whenever it is asked for, and stands among the parts; of whom the CRM says nothing the strength of "unknown" counts instead. It makes
// nobody known who was never seen.
func TestAProfileScores(t *testing.T) {
	s := Defaults()
	s.Additive = &Additive{Offset: 300, K: 10, B: 1, Terms: []Term{
		{Feature: Feature{Fact: FactProfile + "industry", Form: Is, Level: "retail"}, Slope: 7},
		{Feature: Feature{Fact: FactProfile + "industry", Form: Unknown}, Slope: -4},
	}}
	if wrong := s.Additive.Validate(); wrong != nil {
		t.Fatal(wrong)
	}
	for _, c := range []struct {
		profile []Word
		want    int
	}{
		{[]Word{{"industry", "retail"}}, 370},
		{[]Word{{"industry", "banking"}}, 300},
		{[]Word{{"size", "retail"}}, 260},
		{nil, 260},
	} {
		f := Features{Profile: c.profile, Signals: []Signal{{At: noon.Unix() - day, Type: WebVisit, Strength: 40}}}
		p := s.At(&f, noon)
		sum := p.Offset
		for _, points := range s.PointsAt(&f, noon.Unix()) {
			sum += points.Tenths
		}
		if p.Score != c.want || sum != c.want {
			t.Errorf("%v: the score is %d and its parts add up to %d, want %d", c.profile, p.Score, sum, c.want)
		}
	}
	if p := s.At(&Features{Profile: []Word{{"industry", "retail"}}}, noon); p.Known {
		t.Errorf("somebody who was never seen has the score %d", p.Score)
	}
}

// Written by the release before profiles.
const beforeProfiles = "030001278093f7af0d840000010f70616765733a202f70726963696e6701018892f7af0d783c0201"
