package fields

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// cleaner is the one place that every text for a CRM passes. What comes out is valid UTF-8 in composed form (NFC), without
// control, bidi and other format characters, without HTML, without e-mail addresses, and without links except to own hosts.
type cleaner struct {
	hosts hosts
}

// longest is how many bytes of a text are looked at: no field holds more, and what strangers write must not cost time.
const longest = 16 << 10

// line cleans a text that must stay on one line: every run of white space becomes one space.
func (c *cleaner) line(s string) string {
	if plain(s) {
		return s
	}
	return c.wash(s)
}

// cut cleans s as line does and shortens it to limit characters (see shorten).
func (c *cleaner) cut(s string, limit int) string { return shorten(c.line(s), limit) }

// plain says that cleaning would change nothing: the fast path for nearly all texts. It may say no too often, never yes.
func plain(s string) bool {
	space := true // as if a space came before: leading ones must go
	for i := 0; i < len(s); i++ {
		b := s[i]
		if b >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			switch {
			case r >= 'À' && r <= 'ſ':
			case r == '–' || r == '…' || r == '“' || r == '”' || r == '„' || r == '’':
			default:
				return false
			}
			i += n - 1
			space = false
			continue
		}
		if b < ' ' || b == 0x7f {
			return false
		}
		switch b {
		case ' ':
			if space {
				return false
			}
			space = true
			continue
		case '<', '>', '&', '@', '\\':
			return false
		case ':':
			if i+1 < len(s) && s[i+1] != ' ' {
				return false // may be a scheme
			}
		case '.':
			if space && i > 0 || i+1 < len(s) && (isLetter(s[i+1]) || s[i+1] >= utf8.RuneSelf) {
				return false // may be a host name
			}
		case ',', ';', '!', '?', ')':
			if space && i > 0 {
				return false // tidied by wash
			}
		case '=', '+', '-':
			if i == 0 {
				return false
			}
		case '(':
			if i+1 < len(s) && (s[i+1] == ')' || s[i+1] == ' ') {
				return false
			}
		}
		space = false
	}
	return !space
}

func (c *cleaner) wash(s string) string {
	if len(s) > longest {
		s = s[:longest]
	}
	s = norm.NFC.String(noTags(decoded(visible(s))))
	return trimFormula(tidy(c.hosts.noLinks(s)))
}

// visible drops control, format, private-use and unassigned characters, turns every space and line break into ' ', and folds the
// full-width twins of ASCII: they look alike and spreadsheets and resolvers read them as such.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return -1
		case r == '\n', r == '\r', r == '\t', r == '\u2028', r == '\u2029', r == '\u0085', r == '\v', r == '\f':
			return ' '
		case r < 0x20, r == 0x7f:
			return -1
		case r < 0x7f:
			return r
		case r >= 0xff01 && r <= 0xff5e:
			return r - 0xfee0
		case r == '\u3002', r == '\uff61':
			return '.'
		case unicode.Is(unicode.Zs, r):
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Variation_Selector):
			return -1
		case !unicode.IsGraphic(r): // unassigned and non-characters
			return -1
		}
		return r
	}, s)
}

// decoded replaces HTML entities by what they stand for, as far as that is visible, and leaves nothing that could be decoded again.
func decoded(s string) string {
	if strings.IndexByte(s, '&') < 0 {
		return s
	}
	s = visible(html.UnescapeString(s))
	if html.UnescapeString(s) != s { // encoded more than once: no honest text is
		s = strings.ReplaceAll(s, "&", " ")
	}
	return strings.ReplaceAll(s, "&#", "& #") // browsers read broken entities that the decoder leaves alone
}

// noTags puts a space in the place of each tag and of each angle bracket that is left.
func noTags(s string) string {
	if strings.IndexByte(s, '<') < 0 && strings.IndexByte(s, '>') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '<':
			if i+1 < len(s) && (isLetter(s[i+1]) || strings.IndexByte("/!?", s[i+1]) >= 0) {
				if end := strings.IndexByte(s[i:], '>'); end >= 0 {
					i += end
				}
			}
			b = append(b, ' ')
		case '>':
			b = append(b, ' ')
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}

// tidy mends what taking out left: double spaces, spaces before punctuation, empty brackets.
func tidy(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ':
			if len(b) == 0 || b[len(b)-1] == ' ' || b[len(b)-1] == '(' {
				continue
			}
		case '.', ',', ';', '!', '?':
			next := i+1 == len(s) || s[i+1] == ' ' // ".NET" and "?x" begin words
			if next && len(b) > 0 && b[len(b)-1] == ' ' {
				b = b[:len(b)-1]
			}
		case ')':
			for len(b) > 0 && b[len(b)-1] == ' ' {
				b = b[:len(b)-1]
			}
			if len(b) > 0 && b[len(b)-1] == '(' {
				if b = b[:len(b)-1]; len(b) == 0 || b[len(b)-1] == ' ' || b[len(b)-1] == '(' {
					continue
				}
				b = append(b, ' ')
				continue
			}
		}
		b = append(b, s[i])
	}
	return strings.TrimRight(string(b), " ")
}

// trimFormula takes off what would make a spreadsheet read the text as a formula.
func trimFormula(s string) string { return strings.TrimLeft(s, "=+-@ ") }
