package learn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"

	"go.yaml.in/yaml/v3"
)

// fileHead stands above the coefficients in their file.
const fileHead = `# Learned strengths: what each thing adds to the score. points = round(k × strength × value / spread), in tenths, and score = offset + points, cut to 0 … 100.
# "value" of form log is ln(1 + number), of form none and unknown 1 or 0, of form is 1 where the word is the level. low and high are 95 % limits of the strength.
# It may be used as the prior of another learning: intentd learn import FILE, or intentd backtest --prior FILE. No person is in it.
`

// Write writes the model as a file that people can read and ReadStrengths can.
func (m *Strengths) Write(w io.Writer) error {
	if _, err := io.WriteString(w, fileHead); err != nil {
		return err
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(m); err != nil {
		return err
	}
	return e.Close()
}

// ReadStrengths reads what Write wrote. It refuses what no model could be, with a sentence.
func ReadStrengths(b []byte) (*Strengths, error) {
	m := &Strengths{}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("these are no coefficients: %w", err)
	}
	if len(m.Features) == 0 {
		return nil, errors.New("these are no coefficients: there is no feature in them")
	}
	for _, v := range [...]float64{m.Intercept, m.K, m.Calibration.A, m.Calibration.B} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, errors.New("a coefficient is no number")
		}
	}
	features := make([]Feature, len(m.Features))
	for i := range m.Features {
		f := &m.Features[i]
		switch f.Form {
		case Plain, Log, Zero, Is, Unknown:
		default:
			return nil, fmt.Errorf("%s: there is no form %q", f.Fact, f.Form)
		}
		if !(f.Spread > 0) || math.IsInf(f.Spread, 0) || !(math.Abs(f.Strength) < 1e6) || !(math.Abs(f.Usual) < 1e12) {
			return nil, fmt.Errorf("%s: strength, spread or usual is no number that can be used", f.Feature)
		}
		features[i] = f.Feature
	}
	m.schema = NewSchema(features)
	return m, nil
}
