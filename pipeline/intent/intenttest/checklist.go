// Package intenttest holds what every text for a rep must keep to, whoever wrote it: tests ask it of texts by rules and by models alike.
package intenttest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Text is what a rep reads of one person.
type Text struct {
	Headline string
	Reasons  []string // the summary's sentences
	Next     string
	Topics   []string
	Products []string // the catalogue: no product is a topic
	German   bool
}

// Lengths, in characters: what can be read in ten seconds.
const (
	HeadlineMax = 110
	SummaryMax  = 400
	ReasonsMax  = 3
	TopicsMax   = 5
)

// Faults are what is wrong with t, in words; none if it may be shown.
func (t *Text) Faults() (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if n := utf8.RuneCountInString(t.Headline); n > HeadlineMax {
		fault("headline of %d characters", n)
	}
	summary := strings.TrimSpace(strings.Join(t.Reasons, " ") + "\n" + map[bool]string{false: "Next step: ", true: "Nächster Schritt: "}[t.German] + t.Next)
	if n := utf8.RuneCountInString(summary); n > SummaryMax {
		fault("summary of %d characters", n)
	}
	clauses := t.clauses()
	if len(clauses) > ReasonsMax {
		fault("%d reasons", len(clauses))
	}
	if t.Next == "" || sentenceEnd.MatchString(t.Next) {
		fault("not one action: %q", t.Next)
	}
	for i, c := range clauses {
		if holdsAll(t.Headline, c) {
			fault("the headline has it already: %q", c)
		}
		for _, d := range clauses[:i] {
			if holdsAll(d, c) || holdsAll(c, d) {
				fault("said twice: %q, %q", d, c)
			}
		}
	}
	all := t.Headline + "\n" + summary
	for what, re := range never {
		if m := re.FindString(all); m != "" {
			fault("%s: %q", what, m)
		}
	}
	for what, re := range map[bool]map[string]*regexp.Regexp{false: english, true: german}[t.German] {
		if m := re.FindString(quoted.ReplaceAllString(all, "“”")); m != "" {
			fault("%s: %q", what, m)
		}
	}
	if strings.ContainsAny(strings.TrimSpace(t.Headline), "\n…") || strings.Contains(all, "…") {
		fault("cut")
	}
	return append(faults, t.offTopic()...)
}

// quoted is a name as it was found, in whatever language.
var quoted = regexp.MustCompile(`[“„][^”“]*[”“]`)

// sentenceEnd is where a sentence ends and another begins; the point of a date ends none.
var sentenceEnd = regexp.MustCompile(`\pL{2}[.?!] \p{Lu}`)

func (t *Text) clauses() (out []string) {
	for _, s := range t.Reasons {
		for _, c := range strings.Split(s, "; ") {
			out = append(out, strings.TrimRight(c, "."))
		}
	}
	return out
}

var never = map[string]*regexp.Regexp{
	"jargon":                regexp.MustCompile(`(?i)\b(signals?|sessions?|engagement|key pages?|page views?|leans to|utm_\w+|touchpoints?|neigt zu|seitenaufrufe?)\b`),
	"an e-mail address":     regexp.MustCompile(`\S@\S`),
	"a telephone number":    regexp.MustCompile(`\+\d[\d /-]{7,}\d|\b0\d{2,5}[ /-]?\d{4,}`),
	"a link":                regexp.MustCompile(`(?i)https?:|www\.`),
	"a slot":                regexp.MustCompile(`[{}\[\]]`),
	"spacing":               regexp.MustCompile(`  | [,;.)]|\( |\(\)|\.\.|,,|;;`),
	"a relative date":       regexp.MustCompile(`(?i)\b(today|yesterday|last week|days ago|recently|heute|gestern|vorgestern|kürzlich|vor \d+ tagen)\b`),
	"a tracker's name":      regexp.MustCompile(`(?i)\b\w+_\w+\b|\b(undefined|null|gform|wpforms|untitled)\b`),
	"a special category":    regexp.MustCompile(`(?i)\b(diabet\w*|cancer|krebs|pregnan\w*|schwanger\w*|depress\w*|hiv|church|kirche|muslim\w*|jewish|catholic|katholisch|trade union|gewerkschaft|gay|lesbian|schwul|lesbisch|therapy|therapie)\b`),
	"a home page or basket": regexp.MustCompile(`(?i)\b(home ?page|startseite|404|page not found|seite nicht gefunden|my account|mein konto)\b`),
}

var english = map[string]*regexp.Regexp{
	"number":  regexp.MustCompile(`(?i)\b(one|1) (users|people|pages|visits|colleagues|seats|mails|downloads|links|case studies|pieces)\b|\b(two|three|four|five|[2-9]|[1-9]\d+) (user|page|visit|colleague|seat|mail|download|link|case study|piece|vehicle|site)\b`),
	"article": regexp.MustCompile(`\ba [AEIOaeio][a-z]|\ban [BCDFGJKLMNPQRSTVWXYZbcdfgjklmnpqrstvwxyz][a-z]|\b(a|an|the) (a|an|the)\b`),
	"tense":   regexp.MustCompile(`(?i)\b(had|has) (ask|book|take|took|left|began|compare|read the) |\b(wants|checks) [^.;\n]* since\b`),
	"guessed": regexp.MustCompile(`(?i)\b(he|she|his|her)\b`),
	"quotes":  regexp.MustCompile(`"`),
	"German":  regexp.MustCompile(`\b(und|für|mit|bei|zum|zur|Anfrage|Angebot)\b`),
}

var german = map[string]*regexp.Regexp{
	"number":  regexp.MustCompile(`\b(ein|eine|1) (Nutzer eingeladen|Personen|Seiten|Besuche|Mails|Dateien|Links|Fallstudien)\b|\b(zwei|drei|vier|fünf|[2-9]|[1-9]\d+) (Person|Seite|Besuch|Mail|Datei|Fallstudie|Standort|Fahrzeug)\b`),
	"article": regexp.MustCompile(`\b(bei dem|zu dem|zu der|von dem|in dem|an dem)\b|\b(der der|das das|dem dem|den den)\b|\ban an\b`),
	"point":   regexp.MustCompile(`\b(Mai|Juni|Juli|März)\. [a-zäöü]`),
	"guessed": regexp.MustCompile(`\b(er|ihm|ihn|seine|seinen)\b`),
	"quotes":  regexp.MustCompile(`"`),
	"English": regexp.MustCompile(`(?i)\b(on|and|the|with|for) \d|\b(asked|read|took|wants)\b|\b\d[\d,.]* (users|seats|people)\b`),
}

// holdsAll says that text has every word of the clause that carries meaning, with its dates, in whatever form.
func holdsAll(text, clause string) bool {
	have := content(text)
	want := content(clause)
	if len(want) < 2 {
		return false
	}
	for _, w := range want {
		if !slices.Contains(have, w) {
			return false
		}
	}
	return true
}

var word = regexp.MustCompile(`[\pL\pN]+`)

// empty are words that say nothing of their own beside a fact and its date.
var empty = map[string]bool{}

func init() {
	for _, w := range strings.Fields(`a an the on of for in at to by and with had has asked asks wants read reads checked checks looked looks was is our us it as well last since from no
der die das den dem ein eine am im an bei zu zum von vom für mit und über hat angesehen gelesen informiert angefragt anfrage möchte bittet um sich vom seit auch`) {
		empty[w] = true
	}
}

func content(s string) (out []string) {
	for _, w := range word.FindAllString(strings.ToLower(s), -1) {
		if !empty[w] {
			out = append(out, strings.TrimSuffix(w, "s"))
		}
	}
	return out
}

// noTopic are words of which alone no subject consists.
var noTopic = regexp.MustCompile(`(?i)^(home|start(seite)?|pricing|prices?|preise|tarife|contact( us)?|kontakt|demo|cart|warenkorb|checkout|kasse|login|account|konto|careers?|jobs|karriere|newsletter|press|presse|imprint|impressum|privacy|datenschutz|about( us)?|über uns|error|fehler|404|thank you|danke|services|leistungen|products?|produkte|(termin|demo) (buchen|vereinbaren))$`)

func (t *Text) offTopic() (faults []string) {
	if len(t.Topics) > TopicsMax {
		faults = append(faults, fmt.Sprintf("%d topics", len(t.Topics)))
	}
	seen := map[string]bool{}
	for _, topic := range t.Topics {
		fold := strings.Join(content(topic), " ")
		switch {
		case noTopic.MatchString(topic):
			faults = append(faults, fmt.Sprintf("no subject: %q", topic))
		case len(strings.Fields(topic)) > 4 || strings.ContainsAny(topic, "|–—:?!…/"):
			faults = append(faults, fmt.Sprintf("a title for a topic: %q", topic))
		case seen[fold]:
			faults = append(faults, fmt.Sprintf("a topic twice: %q", topic))
		case slices.ContainsFunc(t.Products, func(p string) bool { return strings.EqualFold(p, topic) }):
			faults = append(faults, fmt.Sprintf("a product for a topic: %q", topic))
		}
		seen[fold] = true
	}
	return faults
}
