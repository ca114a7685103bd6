package learn

import "math"

// Schema makes numbers of facts. It is safe for concurrent use.
type Schema struct {
	Features []Feature
	at       map[string][]int32 // by fact, which features are made of it
	rest     []float32          // what somebody has of whom no fact is known
}

// NewSchema is that of features.
func NewSchema(features []Feature) *Schema {
	s := &Schema{Features: features, at: map[string][]int32{}, rest: make([]float32, len(features))}
	for i, f := range features {
		s.at[f.Fact] = append(s.at[f.Fact], int32(i))
		if f.Form == Unknown || f.Form == Zero && f.Count {
			s.rest[i] = 1
		}
		if !f.Count && (f.Form == Plain || f.Form == Log) {
			s.rest[i] = float32(math.NaN()) // not known: the mean of those who are
		}
	}
	return s
}

// Encode writes what the facts make of each feature into x; NaN where a number is not known.
func (s *Schema) Encode(facts []Fact, x []float32) {
	copy(x, s.rest)
	for i := range facts {
		f := &facts[i]
		number := f.Number
		if f.Untold() {
			for _, k := range s.at[f.Name] {
				x[k] = float32(math.NaN())
			}
			continue
		}
		if f.Word != "" {
			number = math.NaN()
		}
		for _, k := range s.at[f.Name] {
			x[k] = s.Features[k].Of(f.Word, number)
		}
	}
}
