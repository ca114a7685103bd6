package learn

import (
	"math"
	"strconv"
	"strings"
)

// Fact is one thing known of somebody, by name: a word, a number, or how often something was seen.
type Fact struct {
	Name   string
	Word   string  // "" of a number
	Number float64 // of a count 1 or more
	Count  bool    // no fact of this name means that it was never seen; of other facts, that it is not known
}

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
