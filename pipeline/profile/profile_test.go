package profile

import (
	"slices"
	"strings"
	"testing"

	"github.com/intentd/intentd/pipeline/score"
)

// Promise: a value is one word, whatever its case and spelling; a number is a band, and what says nothing or names somebody is no word.
func TestWord(t *testing.T) {
	for value, want := range map[string]string{
		"COMPUTER_SOFTWARE": "computer software", "  Retail \t Trade ": "retail trade", "": "", "N/A": "", "Unknown": "", "jo@firm.example": "",
		"0": "below 1", "-3": "below 1", "9.5": "1 to 9", "10": "10 to 49", "199": "50 to 199", "1000.0": "1,000 to 9,999", "2.5e8": "100 million and more", "NaN": "nan",
		strings.Repeat("a", 39) + "é": strings.Repeat("a", 39), "a\xffb": "ab",
	} {
		if got := Word(value); got != want {
			t.Errorf("%q is %q, want %q", value, got, want)
		}
	}
}

// Promise: words are ordered by name, each name once, and the first record that says something counts.
func TestAdd(t *testing.T) {
	var words []score.Word
	for _, said := range [][2]string{{"jobtitle", "CFO"}, {"Lead.Industry", ""}, {"Contact.Industry", "Banking"}, {"industry", "Retail"}, {"annualrevenue", "12000000"}} {
		words = Add(words, said[0], said[1])
	}
	if want := []score.Word{{Name: "annualrevenue", Word: "10 to 99 million"}, {Name: "industry", Word: "banking"}, {Name: "jobtitle", Word: "cfo"}}; !slices.Equal(words, want) {
		t.Errorf("%v, want %v", words, want)
	}
}
