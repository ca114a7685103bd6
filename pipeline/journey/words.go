package journey

import (
	"strings"
	"unicode"
)

// phrase is a run of words to look for: as words gives them, "*" standing for any part of one: German compounds have no end.
type phrase []string

// An "=" in front stands for the whole of a text: "=press" is a form for journalists, "press lines" are machines.
func newPhrase(s string) phrase {
	whole := strings.HasPrefix(s, "=")
	p := phrase(fold(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '*' }))
	if whole && len(p) > 0 {
		return append(phrase{"="}, p...)
	}
	return p
}

// words splits s at everything that is neither letter nor digit and brings each word to lower case, plain letters and the singular.
func words(s string) []string {
	return fold(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func fold(s string, between func(rune) bool) []string {
	out := strings.FieldsFunc(plainLetters.Replace(strings.ToLower(s)), between)
	for i, w := range out {
		out[i] = singular(w)
	}
	return out
}

// singular takes the English plural ending off. It need not be right, only the same on both sides of a comparison.
func singular(w string) string {
	switch {
	case len(w) > 4 && strings.HasSuffix(w, "ies"):
		return w[:len(w)-3] + "y"
	case len(w) > 4 && (strings.HasSuffix(w, "sses") || strings.HasSuffix(w, "xes") || strings.HasSuffix(w, "ches") || strings.HasSuffix(w, "shes")):
		return w[:len(w)-2]
	case len(w) > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is"):
		return w[:len(w)-1]
	}
	return w
}

// in says whether p stands in text as whole words in a row.
func (p phrase) in(text []string) bool {
	if len(p) > 0 && p[0] == "=" {
		return len(p)-1 == len(text) && p[1:].in(text)
	}
	for i := 0; i+len(p) <= len(text); i++ {
		j := 0
		for j < len(p) && wildcard(p[j], text[i+j]) {
			j++
		}
		if j == len(p) {
			return true
		}
	}
	return false
}

func anyIn(ps []phrase, text []string) bool {
	for _, p := range ps {
		if p.in(text) {
			return true
		}
	}
	return false
}

// wholly says whether text is one of ps and nothing more.
func wholly(ps []phrase, text []string) bool {
	for _, p := range ps {
		if len(p) == len(text) && p.in(text) {
			return true
		}
	}
	return false
}

// letters is s in lower case without anything but letters and digits: what brand names are compared by.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}
