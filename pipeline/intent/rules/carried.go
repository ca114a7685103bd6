package rules

import (
	"cmp"
	"strings"
	"unicode"

	"github.com/intentd/intentd/pipeline/intent/plain"
)

// carried writes q in the language of the text: as typed where that is the language it was typed in, word by word where all words are
// known, else as typed within quotation marks.
func (q quantity) carried(typedGerman, german bool) string {
	switch {
	case q.item && !german && strings.HasSuffix(q.noun, "s"):
		return q.number + " " + q.noun
	case q.item:
		return regroup(q.number, german) + " × " + q.noun
	}
	if lower := strings.ToLower(q.noun); nounsBack[lower] != "" && nouns[lower] == "" {
		typedGerman = true // too short a text to tell
	}
	if typedGerman {
		q.noun = nominative(q.noun, q.dative)
	}
	if typedGerman == german {
		return q.fixed(german)
	}
	t := translation{german: german, words: nouns, numbers: numbersDE, preps: prepsDE}
	if typedGerman {
		t.words, t.numbers, t.preps = nounsBack, numbersEN, prepsEN
	}
	number := strings.ToLower(q.number)
	if n, ok := t.numbers[number]; ok {
		number = n
	} else if spelledNumbers[number] || ordinals[number] {
		return "„" + q.typed(typedGerman) + "“"
	} else {
		number = regroup(q.number, german)
	}
	if q.more {
		number += moreOf[german]
	}
	t.whole(q.noun)
	noun, known := t.all(strings.Fields(t.noun))
	out := number + noun
	if of, ok := team(q.rest, german); ok && known {
		return out + " " + of
	}
	over := t.over(out, strings.Fields(q.rest))
	if known {
		return out + over
	}
	typed := t.noun
	if over == "" {
		typed = strings.TrimSpace(typed + " " + q.rest)
	}
	if german {
		return number + " „" + typed + "“" + over
	}
	return number + " “" + typed + "”" + over
}

// nominative is a German noun in the plural's first case: it may have been typed in the dative, or small in a field's name.
func nominative(noun string, dative bool) string {
	known := func(s string) bool { return nounsBack[strings.ToLower(s)] != "" }
	if dative && (strings.HasSuffix(noun, "ern") || strings.HasSuffix(noun, "eln")) && !known(noun) {
		noun = strings.TrimSuffix(noun, "n")
	}
	if strings.ToLower(noun) == noun && known(noun) {
		noun = upperFirst(noun)
	}
	if base := strings.TrimSuffix(noun, "n"); base != noun && known(base) && (dative || !known(noun)) {
		noun = base
	}
	return noun
}

// translation carries the words of a quantity from one language into the other.
type translation struct {
	german                bool // what they are carried into
	words, numbers, preps map[string]string
	noun                  string            // of the quantity; carried already where it is known as a whole
	parts                 map[string]string // its words then
}

// whole carries a noun phrase that is known as a whole, around the models' names that stand in it.
func (t *translation) whole(noun string) {
	t.noun = noun
	models, phrase := modelsApart(noun)
	whole := t.words[phrase]
	if whole == "" {
		return
	}
	t.parts = map[string]string{strings.ToLower(whole): whole}
	for _, w := range strings.Fields(whole) {
		t.parts[strings.ToLower(w)] = w
	}
	switch {
	case models == "":
		t.noun = whole
	case t.german:
		t.noun = whole + " " + models
	case whole == "pieces":
		t.noun = models
	default:
		t.noun = models + " " + whole
	}
}

// word carries one word, and says whether it could: names, models and symbols are the same in both languages.
func (t *translation) word(w string) (string, bool) {
	lower := strings.ToLower(w)
	if n := cmp.Or(t.parts[lower], t.words[lower]); n != "" {
		return n, true
	}
	return w, tailNoun(w) || strings.ToUpper(w) == w && len(w) > 1 || symbols[lower] || w == t.noun && strings.ContainsFunc(w[min(1, len(w)):], unicode.IsUpper)
}

// all carries several, each behind a blank, and says whether it could carry each.
func (t *translation) all(words []string) (text string, known bool) {
	known = true
	for _, w := range words {
		n, ok := t.word(w)
		known = known && ok
		text += " " + n
	}
	return text, known
}

// over is what goes on behind text: what the quantity is spread over, "" where it would be half translated.
func (t *translation) over(text string, rest []string) string {
	out, bent := text, false
	for i, w := range rest {
		lower := strings.ToLower(w)
		switch {
		case i == 0 && t.preps[lower] != "":
			w = t.preps[lower]
		case isNumber(w):
			w = regroup(w, t.german)
		case t.numbers[lower] != "":
			w = t.numbers[lower]
		default:
			n, known := t.word(w)
			town := rest[0] == "in" && len(rest) == 2 && startsName(w)
			if !known && !town {
				return ""
			}
			w = n
			bent = t.german && i == len(rest)-1 && rest[0] != "for" && rest[0] != "per" && rest[0] != "a"
		}
		out += " " + w
	}
	if bent {
		out = dative(out)
	}
	return out[len(text):]
}

// scope says that q tells whom or where something is for.
func (q quantity) scope() bool {
	w := plain.Words(q.noun)
	if len(w) == 0 || q.item || q.second {
		return false
	}
	last := w[len(w)-1]
	return scopes[last] || strings.HasSuffix(last, "zimmern") || strings.HasSuffix(last, "zimmer") || scopes[strings.TrimSuffix(last, "n")]
}

// scopes are nouns of those whom or where something is for, rather than of the thing wanted.
var scopes = plain.Set(`people persons employees staff colleagues members participants guests adults children pupils students teachers carers nurses patients beds homes rooms sites locations branches stores shops cafés cafes restaurants hotels offices
plants warehouses countries schools drivers agents reps team teams departments clinics practices apartments buildings flats houses towns learners trainees doctors dentists lawyers consultants technicians workers freelancers developers engineers brokers
recruiters classrooms classes projects visitors passengers travellers families households clients customers
personen mitarbeiter mitarbeitende mitarbeiterinnen kolleginnen mitglieder teilnehmende teilnehmer gäste erwachsene kinder schüler studierende lehrkräfte pflegekräfte patienten betten häuser zimmer standorte filialen läden restaurants hotels büros werke
lager länder schulen fahrer kliniken praxen wohnungen gebäude städte lernende ärzte berater techniker entwickler klassen abnahmestellen haushalte leute vertriebsleute`)

func (q quantity) fixed(german bool) string {
	s := q.typed(german)
	if !q.second {
		return s
	}
	switch strings.ToLower(q.number) {
	case "second", "third":
		return "a " + s
	}
	return s
}

// regroup changes the marks of a number between the languages: 500,000 and 500.000, 1.2 and 1,2.
func regroup(n string, german bool) string {
	if lo, hi, ok := strings.Cut(n, "–"); ok {
		return regroup(lo, german) + "–" + regroup(hi, german)
	}
	marks := strings.NewReplacer(",", ".", ".", ",")
	if !strings.ContainsAny(n, ".,") {
		return n
	}
	comma := strings.LastIndexByte(n, ',') > strings.LastIndexByte(n, '.')
	last := max(strings.LastIndexByte(n, ','), strings.LastIndexByte(n, '.'))
	thousands := len(n)-last == 4
	if comma && thousands == german || !comma && thousands != german {
		return marks.Replace(n) // 500,000 for German; 1,2 for English; 1.2 for German; 500.000 for English
	}
	return n
}

// grouped sets the marks of a number of thousands that was written without them.
func grouped(n string) string {
	if len(n) < 4 || len(n) > 9 || strings.ContainsFunc(n, func(r rune) bool { return r < '0' || r > '9' }) {
		return n
	}
	for i := len(n) - 3; i > 0; i -= 3 {
		n = n[:i] + "," + n[i:]
	}
	return n
}

// text writes an amount: EUR 1.2m, 1,2 Mio. EUR.
func (m money) text(german bool) string {
	n := regroup(grouped(strings.TrimSuffix(strings.TrimSuffix(m.amount, ".00"), ",00")), german)
	if german {
		switch m.unit {
		case "m":
			n += " Mio."
		case "k":
			n += " Tsd."
		}
		n += " " + m.currency
		switch {
		case m.person:
			n += " pro Person"
		case m.each:
			n += " je Einheit"
		case m.monthly:
			n += " im Monat"
		}
		if m.most {
			n = "höchstens " + n
		}
		return n
	}
	n = m.currency + " " + n + m.unit
	switch {
	case m.each:
		n += " each"
	case m.monthly:
		n += " a month"
	}
	if m.most {
		n = "at most " + n
	}
	return n
}

// modelsApart parts the models' names of a noun phrase from its words.
func modelsApart(noun string) (models, phrase string) {
	var m, p []string
	for _, w := range strings.Fields(noun) {
		if tailNoun(w) {
			m = append(m, w)
		} else {
			p = append(p, strings.ToLower(w))
		}
	}
	return strings.Join(m, " "), strings.Join(p, " ")
}

// dative brings the last word of a German quantity into the dative plural.
func dative(s string) string {
	if s == "" || strings.HasSuffix(s, "“") || strings.ContainsAny(s[len(s)-1:], "ns0123456789") || strings.HasPrefix(s, "ein ") {
		return s
	}
	if strings.HasSuffix(s, "e") || strings.HasSuffix(s, "er") || strings.HasSuffix(s, "el") {
		return s + "n"
	}
	return s
}

// ofNouns are counted of a product: "600 seats of Flow".
var ofNouns = plain.Set("users seats licences licenses units pieces accounts copies nutzer anwender lizenzen stück plätze")

// team is rest in the other language, where it names a team.
func team(rest string, german bool) (string, bool) {
	for _, pair := range teams {
		if !german && strings.EqualFold(rest, pair[1]) {
			return pair[0], true
		} else if german && strings.EqualFold(rest, pair[0]) {
			return pair[1], true
		}
	}
	return "", false
}

// teams are those a quantity of people is of, English and German.
var teams = [][2]string{
	{"in sales", "im Vertrieb"}, {"in the field", "im Außendienst"}, {"in marketing", "im Marketing"}, {"in support", "im Support"}, {"in service", "im Service"}, {"in finance", "in der Finanzabteilung"}, {"in accounting", "in der Buchhaltung"},
	{"in purchasing", "im Einkauf"}, {"in procurement", "im Einkauf"}, {"in production", "in der Produktion"}, {"in logistics", "in der Logistik"}, {"in operations", "im Betrieb"}, {"in development", "in der Entwicklung"}, {"in engineering", "in der Entwicklung"},
	{"in administration", "in der Verwaltung"}, {"in care", "in der Pflege"}, {"in total", "insgesamt"},
}
