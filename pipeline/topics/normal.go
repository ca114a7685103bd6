package topics

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// longest is how many bytes of a topic are looked at.
const longest = 200

// Normal makes equal what exact matching takes for equal: compatible characters, case, white space, punctuation and
// plurals. "+" and "#" stay, since "C++" and "C#" are not "C"; "&" is "and".
func Normal(s string) string {
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "")
	}
	if !ascii(s) {
		s = cases.Fold().String(norm.NFKC.String(s))
	}
	var b strings.Builder
	b.Grow(len(s))
	start := 0
	word := func() {
		if w := b.String()[start:]; w != "" {
			short := singular(w)
			if short != w {
				head := b.String()[:start]
				b.Reset()
				b.WriteString(head)
				b.WriteString(short)
			}
			b.WriteByte(' ')
			start = b.Len()
		}
	}
	for _, r := range s {
		switch {
		case r >= 'A' && r <= 'Z':
			b.WriteByte(byte(r) + 'a' - 'A')
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r), (r == '+' || r == '#') && b.Len() > start:
			b.WriteRune(r)
		case r == '&':
			word()
			b.WriteString("and")
			word()
		case r == '\'' || r == '’': // "buyer's guide"
		default:
			word()
		}
	}
	word()
	return strings.TrimSuffix(b.String(), " ")
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// singular takes an English plural ending off. It need not be right, only the same on both sides of a comparison, and it
// may not make equal what is not: words of three letters and fewer (AWS, SaaS apart) stay as they are.
func singular(w string) string {
	n := len(w)
	switch {
	case n <= 3 || w == "saas" || w == "paas" || w == "iaas" || w == "devops" || w == "sales" || w == "news" || w == "analytics" || w == "kubernetes" || w == "series":
		return w
	case n > 4 && strings.HasSuffix(w, "ies"):
		return w[:n-3] + "y"
	case n > 4 && (strings.HasSuffix(w, "sses") || strings.HasSuffix(w, "xes") || strings.HasSuffix(w, "ches") || strings.HasSuffix(w, "shes")):
		return w[:n-2]
	case strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is"):
		return w[:n-1]
	}
	return w
}
