// Package redact takes out of the text of events who somebody is (addresses, numbers, names), and says which of an event's properties a
// visitor wrote, which tell who wrote them, and which a tracker added by itself.
package redact

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/intentd/intentd/pipeline/intent/plain"
)

// Options says what is taken out of the text of events before a model sees it. The zero value takes out e-mail addresses, phone
// numbers and the person's own names. What is kept by choice makes an interaction private: it never enters the shared cache.
type Options struct {
	KeepEmails, KeepPhones, KeepNames bool
	// DropTyped leaves out altogether what visitors typed (form fields, searches, messages).
	DropTyped bool
	// Patterns are further expressions to take out.
	Patterns []*regexp.Regexp
}

// Redactor is Redact for one person.
type Redactor struct {
	Options
	names []string // lower case, two characters and more
}

func (r Options) For(names ...string) Redactor {
	red := Redactor{Options: r}
	for _, n := range names {
		for _, part := range strings.FieldsFunc(strings.ToLower(n), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsMark(c) }) {
			if utf8.RuneCountInString(part) >= 2 {
				red.names = append(red.names, part)
			}
		}
	}
	return red
}

// Clean redacts s. personal says that something personal was found and kept because the config says so.
func (r *Redactor) Clean(s string) (out string, personal bool) {
	if s == "" {
		return "", false
	}
	if strings.IndexByte(s, '@') >= 0 || strings.Contains(s, "%40") {
		c := redactEmails(s)
		if c != s && r.KeepEmails {
			personal = true
		} else {
			s = c
		}
	}
	if digits(s) >= 7 {
		c := redactPhones(s)
		if c != s && r.KeepPhones {
			personal = true
		} else {
			s = c
		}
	}
	if len(r.names) > 0 {
		c := r.Names(s)
		if c != s && r.KeepNames {
			personal = true
		} else {
			s = c
		}
	}
	for _, p := range r.Patterns {
		s = p.ReplaceAllString(s, "[redacted]")
	}
	return s, personal
}

func digits(s string) (n int) {
	for i := 0; i < len(s); i++ {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	return n
}

// redactEmails replaces every run that holds an @ (or its escape) between address characters.
func redactEmails(s string) string {
	s = strings.ReplaceAll(s, "%40", "@")
	var b strings.Builder
	for s != "" {
		at := strings.IndexByte(s, '@')
		if at < 0 {
			b.WriteString(s)
			break
		}
		from, to := at, at+1
		for from > 0 && addressByte(s[from-1]) {
			from--
		}
		for to < len(s) && addressByte(s[to]) {
			to++
		}
		if from == at || to == at+1 {
			b.WriteString(s[:at+1])
			s = s[at+1:]
			continue
		}
		b.WriteString(s[:from])
		b.WriteString("[e-mail]")
		s = s[to:]
	}
	return b.String()
}

func addressByte(c byte) bool {
	return c >= 0x80 || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._%+-'@", c) >= 0
}

// redactPhones replaces runs of at least 7 digits with only the marks between them that phone numbers are written with. Dates in ISO
// form are let stand.
func redactPhones(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if !(s[i] >= '0' && s[i] <= '9' || s[i] == '+' || s[i] == '(') {
			b.WriteByte(s[i])
			i++
			continue
		}
		end, n, last := i, 0, i
		for end < len(s) && (s[end] >= '0' && s[end] <= '9' || strings.IndexByte("+()-./ ", s[end]) >= 0) {
			if s[end] == '.' && end+1 < len(s) && s[end+1] == ' ' {
				break // the end of a sentence
			}
			if s[end] >= '0' && s[end] <= '9' {
				n++
				last = end + 1
			}
			end++
		}
		switch {
		case n >= 7 && !isoDate.MatchString(s[i:last]):
			b.WriteString("[phone]")
		case last > i:
			b.WriteString(s[i:last])
		default:
			last = i + 1
			b.WriteByte(s[i])
		}
		i = last
	}
	return b.String()
}

var isoDate = regexp.MustCompile(`^(?:(?:19|20)\d\d[-./]?(?:0\d|1[0-2])[-./]?(?:[0-2]\d|3[01])|(?:[0-2]?\d|3[01])[-./] ?(?:0?\d|1[0-2])[-./] ?(?:19|20)\d\d)(?:[ /.-]\d{1,2})?$`)

// Names replaces whole words that are one of the person's names.
func (r *Redactor) Names(s string) string {
	lower := strings.ToLower(s)
	if len(lower) != len(s) { // a letter changed its length with its case: positions would not agree
		s = lower
	}
	for _, n := range r.names {
		from := 0
		for {
			i := strings.Index(lower[from:], n)
			if i < 0 {
				break
			}
			i += from
			end := i + len(n)
			if plain.WordEdge(lower, i, end) {
				s = s[:i] + "[name]" + s[end:]
				lower = lower[:i] + "[name]" + lower[end:]
				end = i + len("[name]")
			}
			from = end
		}
	}
	return s
}

// MayName says that Names may change text. lower is the text in lower case.
func (r *Redactor) MayName(text, lower string) bool {
	return len(r.names) > 0 && len(lower) != len(text) || slices.ContainsFunc(r.names, func(name string) bool { return strings.Contains(lower, name) })
}
