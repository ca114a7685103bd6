package fields

import (
	"strings"
	"unicode"
)

// shorten cuts s to limit characters at a word, with "…" in the place of the rest. Characters are counted as UTF-16 counts them: where a
// CRM counts otherwise, it counts fewer.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	if limit < 1 {
		return ""
	}
	count, word, hard := 0, 0, 0
	for i, r := range s {
		if r == ' ' || r == '\n' {
			word = i
		}
		if !unicode.Is(unicode.M, r) {
			hard = i // never between a letter and its marks
		}
		width := 1
		if r > 0xffff {
			width = 2
		}
		if count+width <= limit-1 {
			count += width
			continue
		}
		if fits(s[i:], limit-count) {
			return s
		}
		// At a word's end, unless that wastes half of the room; half a link would lead somewhere else.
		if word > 0 && word >= hard/2 || strings.Contains(s[word:hard], "://") {
			return strings.TrimRight(s[:word], " \n,;:–-(") + "…"
		}
		return s[:hard] + "…"
	}
	return s
}

// fits says whether s has at most n UTF-16 units.
func fits(s string, n int) bool {
	for _, r := range s {
		if n--; r > 0xffff {
			n--
		}
		if n < 0 {
			return false
		}
	}
	return true
}

// units counts characters as UTF-16 does.
func units(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}
