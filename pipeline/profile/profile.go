// Package profile makes words of what a CRM says of somebody, for strengths that are learned from them: industry, size, title, source.
//
// Promises: a value is the same word whenever and wherever it is read, so that what was learned fits what is scored; nothing that was learned changes what a value becomes. An
// exact number, or a text without end, is never kept: numbers fall into fixed bands, and words are cut.
package profile

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/intentd/intentd/pipeline/score"
)

// maxWord bounds a word, in bytes.
const maxWord = 40

// bands are the words of numbers, each from its least number on.
var bands = []struct {
	from float64
	word string
}{
	{math.Inf(-1), "below 1"}, {1, "1 to 9"}, {10, "10 to 49"}, {50, "50 to 199"}, {200, "200 to 999"}, {1e3, "1,000 to 9,999"}, {1e4, "10,000 to 99,999"},
	{1e5, "100,000 to 999,999"}, {1e6, "1 to 9 million"}, {1e7, "10 to 99 million"}, {1e8, "100 million and more"},
}

// Name is what a property is called in what is learned: "Lead.Industry" and "industry" are one, whichever record says it.
func Name(property string) string {
	name := strings.ToLower(strings.TrimSpace(property))
	if _, field, dotted := strings.Cut(name, "."); dotted {
		return field
	}
	return name
}

// Word is what a value is learned and scored by: in lower case, with single spaces for underscores and blanks, cut to 40 bytes; of a number its band; "" of what says nothing, and of
// an address, which would name somebody.
func Word(value string) string {
	v := strings.Join(strings.Fields(strings.ReplaceAll(strings.ToLower(strings.ToValidUTF8(value, "")), "_", " ")), " ")
	switch v {
	case "", "-", "n/a", "na", "none", "null", "unknown":
		return ""
	}
	if strings.Contains(v, "@") {
		return ""
	}
	if x, err := strconv.ParseFloat(v, 64); err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) {
		return band(x)
	}
	if len(v) > maxWord {
		end := maxWord
		for !utf8.RuneStart(v[end]) {
			end--
		}
		v = strings.TrimSpace(v[:end])
	}
	return v
}

func band(x float64) (word string) {
	for _, b := range bands {
		if x >= b.from {
			word = b.word
		}
	}
	return word
}

// Add puts what a property's value says among words, which are ordered by name. Of several values of one name the first that says something counts.
func Add(words []score.Word, property, value string) []score.Word {
	w := score.Word{Name: Name(property), Word: Word(value)}
	at, said := slices.BinarySearchFunc(words, w.Name, func(have score.Word, name string) int { return cmp.Compare(have.Name, name) })
	if w.Word == "" || said {
		return words
	}
	return slices.Insert(words, at, w)
}
