package topics

import (
	"slices"
	"strings"
)

// lexiconVersion changes with the built-in groups and the way they are read.
const lexiconVersion = "1"

// lexicon knows which topics name the same business concept and which concepts are near each other.
type lexicon struct {
	concept map[string]string // normalised name → concept, which is the first name of its group
	related map[[2]string]bool
}

func newLexicon(more []Group) *lexicon {
	l := &lexicon{concept: map[string]string{}, related: map[[2]string]bool{}}
	// The groups of the config come last and add to the built-in ones: a name that is known stays the concept it is.
	all := append(slices.Clone(builtin), more...)
	heads := make([]string, len(all))
	for i, g := range all {
		head := ""
		for _, n := range g.Names {
			k := Normal(n)
			if known, ok := l.concept[k]; ok {
				head = known
				break
			}
			if head == "" {
				head = k
			}
		}
		heads[i] = head
		for _, n := range g.Names {
			if k := Normal(n); k != "" && l.concept[k] == "" {
				l.concept[k] = head
			}
		}
	}
	for i, g := range all {
		for _, n := range g.Related {
			k := Normal(n)
			if k == "" || heads[i] == "" {
				continue
			}
			near, ok := l.concept[k]
			if !ok {
				near = k
				l.concept[k] = k
			}
			l.related[[2]string{heads[i], near}] = true
			l.related[[2]string{near, heads[i]}] = true
		}
	}
	return l
}

// general words say what sort of thing is meant, not which: "CRM software" and "CRM integration" are about CRM. Words that
// name a field of their own (automation, management, security, documentation) are not among them.
var (
	generalTails = set("software", "platform", "tool", "tooling", "system", "solution", "suite", "app", "application", "service", "provider", "vendor",
		"integration", "implementation", "rollout", "onboarding", "adoption", "consulting", "consultant", "training", "strategy", "roadmap", "basic",
		"comparison", "review", "pricing", "price", "cost", "demo", "trial", "guide", "checklist", "ebook", "whitepaper", "webinar", "case study",
		"best practice", "use case", "overview", "introduction", "explained", "trend", "tip", "example", "benefit", "feature", "for business", "for enterprise",
		"for startup", "for small business", "for sme", "for smb", "and", "or", "einführung", "lösung", "vergleich", "anbieter", "beratung", "kosten", "preis")
	generalHeads = set("a", "an", "the", "our", "your", "best", "top", "new", "modern", "complete", "ultimate", "definitive", "practical", "enterprise grade",
		"what is", "what are", "why", "how to", "how to choose", "how to select", "how to buy", "choosing", "selecting", "choose", "select", "buying", "evaluating", "comparing",
		"guide to", "introduction to", "intro to", "getting started with", "overview of", "state of", "future of", "benefit of", "cost of", "buyer guide to", "der", "die", "das")
)

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[Normal(w)] = true
	}
	return m
}

// core takes general words off both ends, as long as something remains.
func core(norm string) string {
	w := strings.Fields(norm)
	for again := true; again; {
		again = false
		for n := min(3, len(w)-1); n > 0; n-- {
			if generalHeads[strings.Join(w[:n], " ")] {
				w, again = w[n:], true
				break
			}
		}
		for n := min(3, len(w)-1); n > 0; n-- {
			if generalTails[strings.Join(w[len(w)-n:], " ")] {
				w, again = w[:len(w)-n], true
				break
			}
		}
	}
	return strings.Join(w, " ")
}

// concepts are what a normalised topic stands for: the concepts of its name and of its core. A core that the lexicon does not
// know is a concept of its own.
func (l *lexicon) concepts(norm string) []string {
	var out []string
	if c, ok := l.concept[norm]; ok {
		out = append(out, c)
	}
	c := core(norm)
	if known, ok := l.concept[c]; ok {
		c = known
	}
	if !slices.Contains(out, c) {
		out = append(out, c)
	}
	return out
}

// match says whether two topics stand for one concept or for two that are near each other.
func (l *lexicon) match(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y || l.related[[2]string{x, y}] {
				return true
			}
		}
	}
	return false
}
