package connectors

import "testing"

// State keeps what it knows of a field under its number: none may change, nor be used twice.
func TestNumbersOfFieldsStay(t *testing.T) {
	was := []string{FieldScore, FieldTier, FieldTierSince, FieldHeadline, FieldSummary, FieldReasons, FieldProduct, FieldInterest, FieldTopics,
		FieldStage, FieldTrend, FieldCoolsOn, FieldLastSignalAt, FieldScoredAt, FieldVerdict}
	set := PersonFields()
	for n, name := range was {
		if f, ok := set.Numbered(n); !ok || f.Name != name {
			t.Errorf("number %d is %q, was %q", n, f.Name, name)
		}
	}
	seen := map[int]string{}
	for _, f := range set.Fields {
		if other, twice := seen[f.Number]; twice {
			t.Errorf("%s and %s have the number %d", other, f.Name, f.Number)
		}
		seen[f.Number] = f.Name
		if g, ok := set.Named(f.Name); !ok || g.Number != f.Number {
			t.Errorf("%s is found as %+v", f.Name, g)
		}
	}
}
