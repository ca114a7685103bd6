package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxLength bounds an identifier in bytes; RFC 5321 allows 254 for an address.
const maxLength = 254

// visible takes out what nobody sees or types: format characters (zero-width spaces and joiners, marks of direction, soft hyphens),
// control characters and broken bytes. Spaces of all kinds become plain ones and are trimmed; the rest is brought into NFC.
func visible(s string) string {
	if plainASCII(s) {
		return strings.TrimSpace(s)
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.Is(unicode.Z, r):
			return ' '
		case r == utf8.RuneError || unicode.In(r, unicode.Cf, unicode.Cc, unicode.Co, unicode.Cs, unicode.Variation_Selector):
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(norm.NFC.String(s))
}

// plainASCII says whether s holds nothing but ASCII without control characters, as nearly all identifiers do.
func plainASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// quotes are the signs that stand around a value and never belong to it.
const quotes = "\"'`´“”„‟‘’‚‛«»‹›"

// plainID is the one form of a user or anonymous id, "" for a placeholder. Its case is kept, except in a UUID.
func plainID(s string) string {
	if len(s) > 4*maxLength {
		return ""
	}
	if s = visible(s); s != "" && !(letterOrDigit(s[0]) && letterOrDigit(s[len(s)-1])) {
		s = strings.Trim(s, quotes+" ")
	}
	if placeholder(s) {
		return ""
	}
	if isUUID(s) {
		return strings.ToLower(s)
	}
	return s
}

func letterOrDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
