// Package plain holds what may stand in a text that a rep reads, and how words are compared: one line without markup, foreign links or dates
// relative to the day it was written on.
package plain

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text makes s one line of plain text of at most limit characters: no control or format characters (Unicode Cc, Cf), no angle
// brackets, no run of spaces, nothing in front that a spreadsheet takes for a formula. Clean ASCII comes back as it is, without a
// copy.
func Text(s string, limit int) string {
	if isText(s) && len(s) <= limit {
		return s
	}
	var b strings.Builder
	b.Grow(min(len(s), 4*limit))
	n, space := 0, true
	for _, r := range s {
		if r == '<' || r == '>' || r == utf8.RuneError || r == 0x2028 || r == 0x2029 || r == 0x85 || r < ' ' || r == 0x7f || unicode.IsSpace(r) {
			r = ' '
		} else if r >= 0x80 && (unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Variation_Selector) || !unicode.IsGraphic(r)) {
			continue
		}
		if r == ' ' {
			if space {
				continue
			}
			space = true
		} else {
			if n == 0 && strings.ContainsRune("=+-@＝＋－＠", r) {
				continue
			}
			space = false
		}
		if n == limit {
			return cutAtWord(b.String())
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimRight(b.String(), " ")
}

// isText is the fast path of Text: printable ASCII with single spaces inside.
func isText(s string) bool {
	if s == "" {
		return true
	}
	if c := s[0]; c == '=' || c == '+' || c == '-' || c == '@' || c == ' ' || s[len(s)-1] == ' ' {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' || c >= 0x7f || c == '<' || c == '>' || c == ' ' && s[i+1] == ' ' {
			return false
		}
	}
	return true
}

// cutAtWord shortens what was cut in the middle to its last whole word, where that costs less than half of it.
func cutAtWord(s string) string {
	if i := strings.LastIndexByte(s, ' '); i > len(s)/2 {
		s = s[:i]
	}
	return strings.TrimRight(s, " ,;:–-") + "…"
}

// fileEndings are last labels that look like a domain's and are none: no top-level domain has these names.
var fileEndings = map[string]bool{
	"js": true, "pdf": true, "csv": true, "xls": true, "xlsx": true, "docx": true, "pptx": true, "html": true, "htm": true,
	"json": true, "xml": true, "yaml": true, "yml": true, "txt": true, "png": true, "jpg": true, "exe": true,
}

// dots are what resolvers take for a point.
var dots = strings.NewReplacer("。", ".", "．", ".", "｡", ".")

// HasLink says whether s holds something a CRM or a reader would take for a link or an address beyond the customer's own hosts:
// a scheme, a domain name, an e-mail address. It would rather see one too many.
func HasLink(s string, own []string) bool {
	if !strings.ContainsAny(s, ".:@\\。．｡/") {
		return false
	}
	lower := strings.ToLower(s)
	for _, scheme := range []string{"javascript:", "data:", "mailto:", "tel:", "sms:", "file:", "vbscript:", "callto:"} {
		if strings.Contains(lower, scheme) {
			return true
		}
	}
	for _, w := range strings.FieldsFunc(lower, func(r rune) bool {
		return !(unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || strings.ContainsRune(".-@:/_。．｡", r))
	}) {
		w = dots.Replace(w)
		if at := strings.IndexByte(w, '@'); at > 0 && at < len(w)-1 {
			return true
		}
		scheme := false
		if i := strings.Index(w, "://"); i >= 0 {
			if p := w[:i]; p != "http" && p != "https" {
				return true
			}
			w, scheme = w[i+3:], true
		} else if strings.HasPrefix(w, "//") {
			w, scheme = w[2:], true
		}
		for _, part := range strings.Split(w, "/") {
			host := strings.Trim(part, ".-:_")
			if i := strings.IndexByte(host, ':'); i >= 0 {
				host = host[:i]
			}
			if !LooksLikeHost(host) && !(scheme && host != "") {
				if scheme {
					return true
				}
				continue
			}
			if !ownHost(host, own) {
				return true
			}
			break // the rest is a path of an own host
		}
	}
	return false
}

func LooksLikeHost(w string) bool {
	dot := strings.LastIndexByte(w, '.')
	if dot <= 0 || dot >= len(w)-2 {
		return false
	}
	last := w[dot+1:]
	if fileEndings[last] {
		return false
	}
	for _, r := range last {
		if !unicode.IsLetter(r) && r != '-' {
			return false
		}
	}
	return true
}

func ownHost(host string, own []string) bool {
	for _, h := range own {
		if host == h || strings.HasSuffix(host, h) && host[len(host)-len(h)-1] == '.' {
			return true
		}
	}
	return false
}

// relativeWords are what a text must not say, because it is read on another day than it was written on. Matched as whole words.
var relativeWords = []string{
	"yesterday", "today", "tomorrow", "tonight", "ago", "recently", "lately", "just now", "right now", "currently",
	"last week", "last month", "last year", "last night", "this week", "this month", "this year", "this morning", "next week", "next month",
	"past week", "past month", "past days", "past few days", "last few days", "the other day",
	"gestern", "heute", "morgen", "vorgestern", "kürzlich", "neulich", "soeben", "vorhin", "derzeit", "momentan",
	"letzte woche", "letzten monat", "letztes jahr", "letzter woche", "diese woche", "dieser woche", "diesen monat", "nächste woche", "nächsten monat",
	"vor kurzem", "vor einer woche", "vor einem tag", "vor einem monat", "in den letzten tagen",
}

// IsRelative says whether s speaks of time relative to the day it is read on.
func IsRelative(s string) bool {
	w := " " + strings.Join(Words(s), " ") + " "
	for _, r := range relativeWords {
		if strings.Contains(w, " "+r+" ") {
			return true
		}
	}
	// "vor 3 Tagen", "vor zwei Wochen"
	for _, unit := range []string{" tagen ", " wochen ", " monaten ", " stunden ", " minuten "} {
		if i := strings.Index(w, unit); i > 0 {
			if j := strings.LastIndex(w[:i], " vor "); j >= 0 && strings.Count(w[j+5:i], " ") == 0 {
				return true
			}
		}
	}
	return false
}

// Words are the letters-and-digits runs of s, in lower case.
func Words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
}

// Stem takes the English plural off a word, so that "card" stands where "cards" does.
func Stem(w string) string {
	switch {
	case len(w) > 4 && strings.HasSuffix(w, "ies"):
		return w[:len(w)-3] + "y"
	case len(w) > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is"):
		return w[:len(w)-1]
	}
	return w
}

// Stripped is s without control and format characters, cut to limit bytes at a character: how untrusted text enters a prompt.
func Stripped(s string, limit int) string {
	clean := true
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			clean = false
			break
		}
	}
	if !clean {
		s = strings.Map(func(r rune) rune {
			switch {
			case r == '\n' || r == '\t' || r == '\r' || r == 0x2028 || r == 0x2029:
				return ' '
			case r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
				return -1
			}
			return r
		}, s)
	}
	s = strings.TrimSpace(s)
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return strings.TrimSpace(s[:limit])
}

func Set(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

func HasAny(words []string, of ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(of, w) })
}

func LowerAll(s []string) []string {
	out := make([]string, len(s))
	for i := range s {
		out[i] = strings.ToLower(strings.TrimSpace(s[i]))
	}
	return out
}

func WordEdge(s string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:from])
	after, _ := utf8.DecodeRuneInString(s[to:])
	return (from == 0 || !unicode.IsLetter(before)) && (to == len(s) || !unicode.IsLetter(after))
}
