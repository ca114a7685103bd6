package journey

import (
	"errors"
	"strings"

	"github.com/intentd/intentd/connectors/identity"
)

// glob is a path pattern by segments: "*" within a segment, "**" for any number of segments. Lower case.
type glob []string

type globs []glob

func compileGlob(s string) (glob, error) {
	s = plainPath(strings.TrimSpace(s))
	if s == "" {
		return nil, errors.New("an empty pattern matches nothing")
	}
	s = strings.Trim(s, "/")
	if s == "" {
		return glob{}, nil // the home page
	}
	if len(s) > 512 {
		return nil, errors.New("the pattern is longer than 512 characters")
	}
	var g glob
	for seg := range strings.SplitSeq(s, "/") {
		if seg == "**" && len(g) > 0 && g[len(g)-1] == "**" {
			continue // the same, and keeps matching fast
		}
		g = append(g, seg)
	}
	return g, nil
}

// literal is how much of g is no wildcard.
func (g glob) literal() int {
	n := 0
	for _, seg := range g {
		n += len(seg) - strings.Count(seg, "*")
	}
	return n
}

// match reports whether one of gs matches the path that segs are the lower-case segments of.
func (gs globs) match(segs []string) bool {
	for _, g := range gs {
		if g.match(segs) {
			return true
		}
	}
	return false
}

// match says whether the pattern stands for segs: "**" is any number of segments.
func (g glob) match(segs []string) bool {
	return walk(len(g), len(segs), func(i int) bool { return g[i] == "**" }, func(i, j int) bool { return wildcard(g[i], segs[j]) })
}

// wildcard matches s against a pattern in which "*" stands for any number of bytes.
func wildcard(pattern, s string) bool {
	return walk(len(pattern), len(s), func(i int) bool { return pattern[i] == '*' }, func(i, j int) bool { return pattern[i] == s[j] })
}

// walk matches n places against a pattern of m with one point of return: only the last star ever needs another try.
func walk(m, n int, star func(i int) bool, fits func(i, j int) bool) bool {
	i, j := 0, 0
	last, from := -1, 0
	for j < n {
		switch {
		case i < m && star(i):
			last, from = i, j
			i++
		case i < m && fits(i, j):
			i++
			j++
		case last >= 0:
			from++
			i, j = last+1, from
		default:
			return false
		}
	}
	for i < m && star(i) {
		i++
	}
	return i == m
}

func matchHost(patterns []string, host string) bool {
	for _, p := range patterns {
		if wildcard(p, host) {
			return true
		}
	}
	return false
}

func withinAny(host string, domains []string) bool {
	for _, d := range domains {
		if identity.Within(host, d) {
			return true
		}
	}
	return false
}

// plainPath writes a path or pattern in the one way of those that mean the same to a reader: "Case_Studies", "case studies".
func plainPath(s string) string {
	return hyphens.Replace(plainLetters.Replace(strings.ToLower(s)))
}

var hyphens = strings.NewReplacer("_", "-", " ", "-")

// anywhere are globs for pages whose path has one of names as a segment.
func anywhere(names ...string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "/**/" + n + "/**"
	}
	return out
}

// first are globs for pages whose path begins with one of names.
func first(names ...string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "/" + n + "/**"
	}
	return out
}

// plainLetters writes umlauts and accents as those do who have none on their keyboard.
var plainLetters = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "a\u0308", "ae", "o\u0308", "oe", "u\u0308", "ue",
	"é", "e", "è", "e", "ê", "e", "á", "a", "à", "a", "â", "a", "å", "a", "í", "i", "î", "i", "ó", "o", "ô", "o", "ú", "u", "û", "u", "ñ", "n", "ç", "c")

func fits(pattern, s string) bool { return wildcard(strings.ToLower(pattern), strings.ToLower(s)) }
