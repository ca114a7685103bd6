package rules

import (
	"strconv"
	"strings"
)

// when is a date as somebody typed it: a day, a month, a quarter. What they left out is 0.
type when struct {
	day, month, year, quarter int
	until                     int    // last day of "10 to 17 Feb"
	part                      string // "end" or "mid" of the month
	full                      bool   // the month was spelled out
}

func (w when) zero() bool { return w.month == 0 && w.quarter == 0 }

// monthNames are the months as people write them, in English and German, in lower case without a point.
var monthNames = func() map[string]int {
	m := map[string]int{}
	for i, names := range [12]string{
		"jan january januar jänner", "feb february februar", "mar march märz maerz mär mrz", "apr april", "may mai", "jun june juni", "jul july juli",
		"aug august", "sep sept september", "oct okt october oktober", "nov november", "dec dez december dezember",
	} {
		for _, n := range strings.Fields(names) {
			m[n] = i + 1
		}
	}
	return m
}()

// dateAt reads the date that begins at token i of t and says how many tokens it takes; 0 if there is none.
func dateAt(t []string, i int) (w when, n int) {
	at := func(k int) string {
		if k < len(t) {
			return strings.ToLower(t[k])
		}
		return ""
	}
	start := i
	switch at(i) {
	case "end", "ende", "late":
		w.part, i = "end", i+1
	case "mid", "middle", "mitte":
		w.part, i = "mid", i+1
	case "early", "beginning", "anfang", "start":
		w.part, i = "early", i+1
	}
	if w.part != "" && at(i) == "of" {
		i++
	}
	head, tail, dashed := strings.Cut(at(i), "-") // "mid-January"
	if dashed && monthNames[tail] > 0 && (head == "mid" || head == "end" || head == "early") {
		return when{part: head, month: monthNames[tail], full: len(tail) > 3}, i - start + 1
	}
	if w, ok := numericDate(at(i)); ok {
		return w, i - start + 1
	}
	if q, ok := strings.CutPrefix(at(i), "q"); ok && len(q) == 1 && q[0] >= '1' && q[0] <= '4' {
		w.quarter = int(q[0] - '0')
		return withYear(w, t, i+1, start)
	}
	if d := dayNumber(at(i)); d > 0 {
		k := i + 1
		if sep := at(k); sep == "to" || sep == "-" || sep == "–" || sep == "bis" || sep == "until" {
			if u := dayNumber(at(k + 1)); u > 0 && monthNamed(at(k+2)) > 0 {
				w.until, k = u, k+2
			}
		}
		if at(k) == "of" {
			k++
		}
		if m := monthNamed(at(k)); m > 0 {
			w.day, w.month, w.full = d, m, spelled(at(k))
			return withYear(w, t, k+1, start)
		}
		return when{}, 0
	}
	m := monthNamed(at(i))
	if m == 0 {
		return when{}, 0
	}
	w.month, w.full = m, spelled(at(i))
	if d := dayNumber(at(i + 1)); d > 0 && w.part == "" && !strings.HasPrefix(at(i+1), "0") && monthNamed(at(i+2)) == 0 && len(at(i+1)) <= 4 {
		w.day = d
		return withYear(w, t, i+2, start)
	}
	return withYear(w, t, i+1, start)
}

func withYear(w when, t []string, k, start int) (when, int) {
	if k < len(t) && len(t[k]) == 4 && (strings.HasPrefix(t[k], "20")) {
		if y, err := strconv.Atoi(t[k]); err == nil {
			w.year = y
			k++
		}
	}
	return w, k - start
}

func monthNamed(s string) int { return monthNames[strings.TrimSuffix(s, ".")] }
func spelled(s string) bool {
	return len(strings.TrimSuffix(s, ".")) > 4 || s == "may" || s == "mai" || s == "june" || s == "july"
}
func dayNumber(s string) int {
	s = strings.TrimSuffix(s, ".")
	for _, end := range []string{"st", "nd", "rd", "th"} {
		s = strings.TrimSuffix(s, end)
	}
	if len(s) == 0 || len(s) > 2 {
		return 0
	}
	d, err := strconv.Atoi(s)
	if err != nil || d < 1 || d > 31 {
		return 0
	}
	return d
}

// numericDate reads 2027-01-15, 15.01.2027, 15.1. and 15/01/2027 (day first, unless that cannot be).
func numericDate(s string) (when, bool) {
	cut := func(r rune) bool { return r == '.' || r == '/' || r == '-' }
	s, _, _ = strings.Cut(s, "t") // of an ISO time
	p := strings.FieldsFunc(s, cut)
	if len(p) < 2 || len(p) > 3 || len(p) == 2 && !strings.HasSuffix(s, ".") && strings.Count(s, "/") != 1 {
		return when{}, false
	}
	var n [3]int
	for i, x := range p {
		v, err := strconv.Atoi(x)
		if err != nil || v < 1 {
			return when{}, false
		}
		n[i] = v
	}
	w := when{day: n[0], month: n[1], year: n[2]}
	if n[0] > 1900 {
		w = when{day: n[2], month: n[1], year: n[0]}
	}
	if w.year > 0 && w.year < 100 {
		w.year += 2000
	}
	if w.month > 12 && w.day <= 12 {
		w.day, w.month = w.month, w.day
	}
	if w.month > 12 || w.day > 31 || w.year != 0 && (w.year < 2000 || w.year > 2100) {
		return when{}, false
	}
	return w, true
}
