package evaluate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/journey"
)

// Text is all that a rep reads of an intent, a sentence a line; "" where nothing is written.
func Text(in *intent.Intent) string {
	var lines []string
	for _, s := range slices.Concat([]intent.Sentence{in.Headline}, in.Sentences, []intent.Sentence{in.NextStep}) {
		if s.Text != "" {
			lines = append(lines, s.Text)
		}
	}
	return strings.Join(lines, "\n")
}

// Statements are the clauses of a text, each with the citations of its sentence. The next step states nothing.
func Statements(in *intent.Intent) []intent.Sentence {
	var out []intent.Sentence
	for _, s := range append([]intent.Sentence{in.Headline}, in.Sentences...) {
		if s.Text == "" {
			continue
		}
		for _, clause := range strings.Split(s.Text, "; ") {
			out = append(out, intent.Sentence{Text: clause, Cites: s.Cites})
		}
	}
	return out
}

// States says whether text states the fact: all of its parts, each in one of its wordings.
func States(text, fact string) bool {
	text = strings.ToLower(text)
	for _, part := range strings.Split(fact, " + ") {
		if !slices.ContainsFunc(strings.Split(part, " / "), func(w string) bool { return said(text, strings.ToLower(strings.TrimSpace(w))) }) {
			return false
		}
	}
	return true
}

// Touches says whether text states a part of the fact.
func Touches(text, fact string) bool {
	return slices.ContainsFunc(strings.Split(fact, " + "), func(part string) bool { return States(text, part) })
}

// said finds w at the border of words; an ending may follow.
func said(text, w string) bool {
	for from := 0; w != ""; {
		i := strings.Index(text[from:], w)
		if i < 0 {
			return false
		}
		at := from + i
		end := at + len(w)
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[end:])
		if (at == 0 || !unicode.IsLetter(before) && !unicode.IsNumber(before)) && (end == len(text) || !unicode.IsNumber(after)) {
			return true
		}
		from = at + 1
	}
	return false
}

var (
	numbers  = regexp.MustCompile(`\d[\d.,]*\d|\d`)
	daysOf   = regexp.MustCompile(`(\d{1,2})\.? (Jan|Feb|Mar|März|Apr|May|Mai|June?|Juni?|July?|Juli?|Aug|Sept?|Oct|Okt|Nov|Dec|Dez)`)
	properly = regexp.MustCompile(`[a-zäöü,:(] ([A-Z][a-z]+(?: [A-Z][a-z]+)*)`)
	plain    = strings.NewReplacer(".", "", ",", "")
)

// Unshown is the first day, number or (in English by rules, whose own words with a capital are known) name of a statement that stands in no
// step it cites; "" if all do.
func (s *Set) Unshown(st intent.Sentence, j *journey.Journey, c *Journey, names bool) string {
	have := strings.ToLower(s.evidence(st.Cites, j, c))
	for _, d := range daysOf.FindAllStringSubmatch(st.Text, -1) {
		if !strings.Contains(have, d[1]) {
			return d[0]
		}
	}
	for _, n := range numbers.FindAllString(st.Text, -1) {
		if !strings.Contains(plain.Replace(have), plain.Replace(n)) {
			return n
		}
	}
	if !names || c.Lang == "de" {
		return "" // every noun has a capital
	}
	for _, name := range properly.FindAllStringSubmatch(st.Text, -1) {
		for _, w := range strings.Fields(name[1]) {
			if !ours[w] && !strings.Contains(have, strings.ToLower(w)) {
				return w
			}
		}
	}
	return ""
}

// evidence is all that the cited steps show, with what the CRM and the catalogue know.
func (s *Set) evidence(cites []string, j *journey.Journey, c *Journey) string {
	var b strings.Builder
	for _, session := range j.Sessions {
		for i := range session.Steps {
			e := &session.Steps[i].Event
			if slices.Contains(cites, e.ID) {
				fmt.Fprintln(&b, e.PageTitle, e.URL, e.ElementText, e.Properties, e.Time.Format("2 Jan"), e.Time.Day())
			}
		}
	}
	fmt.Fprintln(&b, j.Products, c.Profile, c.Told)
	if v := s.Vendors[c.Vendor]; v != nil {
		fmt.Fprintln(&b, v.Rivals)
	}
	return b.String()
}

// ours are words with a capital that are the rules' own.
var ours = map[string]bool{"Customer": true, "Student": true, "Journalist": true, "Supplier": true, "Competitor": true}
