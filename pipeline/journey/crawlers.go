package journey

import (
	_ "embed"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// crawlerPatterns is the list of crawler-user-agents, MIT licence, see crawlers.LICENSE.
//
//go:embed crawlers.txt
var crawlerPatterns string

// crawlers tells user agents of crawlers. Nearly all of the patterns stand for a few plain strings: they are found by the
// three bytes they begin with. The others stay regular expressions.
type crawlers struct {
	literals map[[3]byte][]literal
	others   []*regexp.Regexp
}

// literal is a plain string, possibly anchored.
type literal struct {
	text       string
	start, end bool
}

var loadCrawlers = sync.OnceValue(func() *crawlers {
	c := &crawlers{literals: map[[3]byte][]literal{}}
	for line := range strings.Lines(crawlerPatterns + "\n" + machinePatterns) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		re, err := syntax.Parse(line, syntax.Perl)
		if err != nil {
			panic("journey: crawlers.txt, machines.txt: " + err.Error())
		}
		ls := expand(re)
		if len(ls) == 0 || slices.ContainsFunc(ls, func(l literal) bool { return len(l.text) < 3 }) {
			c.others = append(c.others, regexp.MustCompile(line))
			continue
		}
		for _, l := range ls {
			key := [3]byte{l.text[0], l.text[1], l.text[2]}
			c.literals[key] = append(c.literals[key], l)
		}
	}
	return c
})

// alternatives is how many plain strings a pattern may stand for.
const alternatives = 16

// expand lists the plain strings that re stands for, none if they are not few.
func expand(re *syntax.Regexp) []literal {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return []literal{{text: string(re.Rune)}}
		}
		if len(re.Rune) == 1 { // what [wW] is read as
			out := []literal{{text: string(re.Rune[0])}}
			for r := unicode.SimpleFold(re.Rune[0]); r != re.Rune[0]; r = unicode.SimpleFold(r) {
				out = append(out, literal{text: string(r)})
			}
			return out
		}
	case syntax.OpBeginText:
		return []literal{{start: true}}
	case syntax.OpEndText:
		return []literal{{end: true}}
	case syntax.OpCapture:
		return expand(re.Sub[0])
	case syntax.OpCharClass:
		var out []literal
		for i := 0; i < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				if len(out) == alternatives {
					return nil
				}
				out = append(out, literal{text: string(r)})
			}
		}
		return out
	case syntax.OpAlternate:
		var out []literal
		for _, sub := range re.Sub {
			ls := expand(sub)
			if len(ls) == 0 {
				return nil
			}
			out = append(out, ls...)
		}
		return out
	case syntax.OpConcat:
		out := []literal{{}}
		for _, sub := range re.Sub {
			tails := expand(sub)
			var longer []literal
			for _, a := range out {
				for _, b := range tails {
					if a.end || b.start && a.text != "" || len(longer) == alternatives {
						return nil // an anchor in the middle, or too many
					}
					longer = append(longer, literal{a.text + b.text, a.start || b.start, b.end})
				}
			}
			out = longer
		}
		return out
	}
	return nil
}

func (c *crawlers) match(agent string) bool {
	for i := 0; i+3 <= len(agent); i++ {
		for _, l := range c.literals[[3]byte{agent[i], agent[i+1], agent[i+2]}] {
			if l.start && i != 0 || !strings.HasPrefix(agent[i:], l.text) || l.end && i+len(l.text) != len(agent) {
				continue
			}
			return true
		}
	}
	return slices.ContainsFunc(c.others, func(re *regexp.Regexp) bool { return re.MatchString(agent) })
}

// machinePatterns are further user agents, beside those of crawlers.txt.
//
//go:embed machines.txt
var machinePatterns string
