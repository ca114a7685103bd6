package table

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Words that say what came of somebody.
var (
	wonWords = map[string]bool{"1": true, "true": true, "yes": true, "y": true, "t": true, "won": true, "win": true, "closedwon": true, "converted": true, "customer": true,
		"success": true, "positive": true, "purchased": true, "ja": true, "gewonnen": true}
	lostWords = map[string]bool{"0": true, "false": true, "no": true, "n": true, "f": true, "lost": true, "loss": true, "closedlost": true, "notconverted": true,
		"unqualified": true, "disqualified": true, "failure": true, "negative": true, "nein": true, "verloren": true}
)

// outcome reads a cell; ok is false where it says neither.
func outcome(cell string) (won, ok bool) {
	if len(cell) == 1 { // the usual ones at once
		switch cell[0] {
		case '1':
			return true, true
		case '0':
			return false, true
		}
	}
	word := strings.TrimSuffix(strings.TrimSpace(cell), ".0")
	word = folded(word)
	return wonWords[word], wonWords[word] || lostWords[word]
}

// folded are the letters and digits of a text in lower case: names of columns are compared so.
func folded(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// layouts of dates that say one thing only; those with slashes are in slashed.
var layouts = []string{time.DateOnly, time.RFC3339, time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05-07:00", "2006-01-02 15:04:05 MST", "2006-01", "02.01.2006", "2.1.2006", "02.01.2006 15:04",
	"2006/01/02", "20060102", "Jan 2, 2006", "2 Jan 2006", "02-Jan-2006", "2006-01-02T15:04:05.000Z"}

// slashed are layouts that people read in two ways: the month first, and the day first.
var slashed = [2][]string{
	{"1/2/2006", "1/2/2006 15:04", "1/2/2006 15:04:05", "1/2/2006 3:04 PM", "1/2/06"},
	{"2/1/2006", "2/1/2006 15:04", "2/1/2006 15:04:05", "2/1/2006 3:04 PM", "2/1/06"},
}

// dates reads the dates of one column, in UTC where they name no zone. The layout met last is tried first.
type dates struct {
	last     string
	dayFirst bool
}

func (d *dates) read(cell string) (time.Time, bool) {
	cell = strings.TrimSpace(cell)
	if cell == "" {
		return time.Time{}, false
	}
	try := func(layout string) (time.Time, bool) {
		t, err := time.Parse(layout, cell)
		if err != nil {
			return time.Time{}, false
		}
		d.last = layout
		return t.UTC(), true
	}
	if d.last != "" {
		if t, ok := try(d.last); ok {
			return t, true
		}
	}
	if n, err := strconv.ParseInt(cell, 10, 64); err == nil && len(cell) >= 9 {
		for n > 1e11 { // milliseconds and finer
			n /= 1000
		}
		return time.Unix(n, 0).UTC(), true
	}
	first := 0
	if d.dayFirst {
		first = 1
	}
	for _, list := range [][]string{layouts, slashed[first]} {
		for _, layout := range list {
			if t, ok := try(layout); ok {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// halves are the first two numbers of a date with slashes.
func halves(cell string) (a, b int, ok bool) {
	one, rest, found := strings.Cut(strings.TrimSpace(cell), "/")
	two, _, more := strings.Cut(rest, "/")
	a, err := strconv.Atoi(one)
	b, err2 := strconv.Atoi(two)
	return a, b, found && more && err == nil && err2 == nil && len(one) <= 2
}
