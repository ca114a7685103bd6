package rules

import (
	"strings"
	"unicode"

	"github.com/intentd/intentd/pipeline/intent/plain"
)

// carried writes q in the language of the text: as typed where that is the language it was typed in, word by word where all words are
// known, else as typed within quotation marks.
func (q quantity) carried(typedGerman, german bool) (text string) {
	if q.item && !german && strings.HasSuffix(q.noun, "s") {
		return q.number + " " + q.noun
	}
	if q.item {
		return regroup(q.number, german) + " × " + q.noun
	}
	if !typedGerman && nounsBack[strings.ToLower(q.noun)] != "" && nouns[strings.ToLower(q.noun)] == "" {
		typedGerman = true // too short a text to tell
	}
	if q.dative && typedGerman && (strings.HasSuffix(q.noun, "ern") || strings.HasSuffix(q.noun, "eln")) && nounsBack[strings.ToLower(q.noun)] == "" {
		q.noun = strings.TrimSuffix(q.noun, "n")
	}
	if typedGerman && strings.ToLower(q.noun) == q.noun && nounsBack[q.noun] != "" {
		q.noun = upperFirst(q.noun) // by a field's name
	}
	if typedGerman {
		if base := strings.TrimSuffix(q.noun, "n"); base != q.noun && nounsBack[strings.ToLower(base)] != "" && (q.dative || nounsBack[strings.ToLower(q.noun)] == "") {
			q.noun = base // typed in the dative
		}
	}
	if typedGerman == german {
		return q.fixed(german)
	}
	numbers, words, preps := numbersDE, nouns, prepsDE
	if typedGerman {
		numbers, words, preps = numbersEN, nounsBack, prepsEN
	}
	number := strings.ToLower(q.number)
	if n, ok := numbers[number]; ok {
		number = n
	} else if spelledNumbers[number] || ordinals[number] {
		return "„" + q.typed(typedGerman) + "“"
	} else {
		number = regroup(q.number, german)
	}
	out := number
	if q.more {
		out += moreOf[german]
	}
	if models, phrase := modelsApart(q.noun); words[phrase] != "" {
		q.noun = words[phrase]
		words = map[string]string{strings.ToLower(q.noun): q.noun}
		for _, w := range strings.Fields(q.noun) {
			words[strings.ToLower(w)] = w
		}
		if models != "" && german {
			q.noun += " " + models
		} else if models != "" && q.noun == "pieces" {
			q.noun = models
		} else if models != "" {
			q.noun = models + " " + q.noun
		}
		for k, v := range map[bool]map[string]string{false: nouns, true: nounsBack}[typedGerman] {
			if words[k] == "" {
				words[k] = v
			}
		}
	}
	translate := func(w string) (string, bool) {
		if n, ok := words[strings.ToLower(w)]; ok {
			return n, true
		}
		return w, tailNoun(w) || strings.ToUpper(w) == w && len(w) > 1 || symbols[strings.ToLower(w)] || w == q.noun && strings.ContainsFunc(w[min(1, len(w)):], unicode.IsUpper)
	}
	ok := true
	for _, w := range strings.Fields(q.noun) {
		n, known := translate(w)
		ok = ok && known
		out += " " + n
	}
	if of, known := team(q.rest, german); known && ok {
		return out + " " + of
	}
	rest := strings.Fields(q.rest)
	bent, restOK, whole := false, true, out
	for i, w := range rest {
		switch {
		case i == 0 && preps[strings.ToLower(w)] != "":
			w = preps[strings.ToLower(w)]
		case isNumber(w):
			w = regroup(w, german)
		case numbers[strings.ToLower(w)] != "":
			w = numbers[strings.ToLower(w)]
		default:
			n, known := translate(w)
			if place := rest[0] == "in" && len(rest) == 2 && startsName(w); place && !known {
				known = true // a town
			}
			restOK = restOK && known
			w = n
			bent = german && i == len(rest)-1 && rest[0] != "for" && rest[0] != "per" && rest[0] != "a"
		}
		out += " " + w
	}
	if bent {
		out = dative(out)
	}
	if !restOK {
		out = whole // what they are spread over is left out rather than half translated
	}
	if !ok {
		words := strings.TrimSpace(q.noun + " " + q.rest)
		if tail, found := strings.CutPrefix(out, whole); found && tail != "" {
			words = q.noun
			defer func() { text += tail }()
		}
		if q.more {
			number += moreOf[german]
		}
		if german {
			return number + " „" + words + "“"
		}
		return number + " “" + words + "”"
	}
	return out
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
