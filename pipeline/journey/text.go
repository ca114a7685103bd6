package journey

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Greatest lengths of cleaned texts, in bytes of UTF-8. What a page title or a URL says is said by then.
const (
	maxURL        = 2000
	maxTitle      = 300
	maxText       = 200
	maxID         = 128
	maxName       = 64
	maxValue      = 500
	maxProperties = 50
	maxAgent      = 400
)

// clean makes s one line of at most limit bytes: control and format characters (bidi overrides, zero-width joiners, tags)
// and private-use characters are dropped, runs of white space become one space, broken UTF-8 goes.
func clean(s string, limit int) string {
	if plain(s, limit) {
		return s
	}
	var b strings.Builder
	b.Grow(min(len(s), limit))
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = b.Len() > 0
			continue
		}
		if r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs) {
			continue
		}
		n := utf8.RuneLen(r)
		if space {
			n++
		}
		if b.Len()+n > limit {
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plain says that clean would give s back: printable ASCII without double, leading or trailing spaces.
func plain(s string, limit int) bool {
	if len(s) > limit {
		return false
	}
	space := true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ':
			if space {
				return false
			}
			space = true
		case c < ' ' || c > '~':
			return false
		default:
			space = false
		}
	}
	return len(s) == 0 || !space
}

// cut shortens s to at most limit bytes at a character's border.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
