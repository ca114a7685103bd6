package learn

import (
	"math"
	"strconv"
	"strings"

	"github.com/intentd/intentd/pipeline/score"
)

// Fact, Feature and Form are those that the daemon scores by.
type (
	Fact    = score.Fact
	Feature = score.Feature
	Form    = score.Form
)

// The forms of features.
const (
	Plain   = score.Plain
	Log     = score.Log
	Zero    = score.Zero
	Is      = score.Is
	Unknown = score.Unknown
)

// ParseFact reads the value of a table's cell: a number where it is one, else a word. ok is false for a cell that says nothing.
func ParseFact(name, cell string) (f Fact, ok bool) {
	cell = strings.TrimSpace(cell)
	if len(cell) <= 4 {
		switch strings.ToLower(cell) {
		case "", "null", "none", "nan", "n/a", "na", "-":
			return Fact{}, false
		}
	}
	if x, err := strconv.ParseFloat(cell, 64); err == nil && !math.IsInf(x, 0) && !math.IsNaN(x) {
		return Fact{Name: name, Number: x}, true
	}
	return Fact{Name: name, Word: cell}, true
}
