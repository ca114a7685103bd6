package rules

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/intentd/intentd/pipeline/intent/plain"
)

// quantity is "40 users", "8 machines for 3 cafés": numbers and nouns as typed.
type quantity struct {
	dative bool // typed in the German dative
	number string
	noun   string
	rest   string // "for 3 cafés"
	second bool   // "second P4": one more
	more   bool   // "two more languages"
	item   bool   // noun is a thing's own name
}

func (q quantity) zero() bool { return q.number == "" }

func (q quantity) typed(german bool) string {
	s := q.number + " " + q.noun
	if q.more {
		s = q.number + moreOf[german] + " " + q.noun
	}
	if q.rest != "" {
		s += " " + q.rest
	}
	return s
}

// moreOf says, in German or not, that something is wanted beside what there is.
var moreOf = map[bool]string{false: " more", true: " weitere"}

// money is an amount as typed, its currency as a code or sign.
type money struct {
	currency, amount string
	unit             string // m, k: million, thousand
	each, most       bool
	person           bool // each is a person
	monthly          bool
}

// deadline is a date with what it is for.
type deadline struct {
	when
	what string // start, bids, delivery, opening, decide, ends, visit; "" if it does not say
	prep string // by, in, on, from
}

// order puts the first day before the last.
func (d deadline) order() string {
	return map[string]string{"to": "2", "from": "1"}[d.prep]
}

// tokens are the words of s with their inner hyphens, points and commas.
func tokens(s string) []string {
	s = moneyRange.ReplaceAllString(s, "$1$2-$4")
	s = rangeOfMoney.ReplaceAllString(s, "$1-$2 $3")
	for _, sign := range []string{"€", "$", "£"} {
		s = strings.ReplaceAll(s, sign, " "+sign+" ")
	}
	f := strings.Fields(s)
	out := f[:0]
	for _, w := range f {
		w = strings.Trim(w, "“”\"'’‘„()*!?:;,")
		if len(w) > 1 && strings.HasSuffix(w, ".") && !digitByte(w[len(w)-2]) && monthNamed(strings.ToLower(w)) == 0 && !abbreviations[strings.ToLower(strings.TrimSuffix(w, "."))] {
			w = strings.TrimSuffix(w, ".")
		}
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}

// moneyRange is "€10k – €20k", which is read as one amount.
var moneyRange = regexp.MustCompile(`([€$£]|EUR |USD |GBP |CHF )(\d[\d.,]*k?) ?[–-] ?(€|\$|£|EUR |USD |GBP |CHF )?(\d[\d.,]*k?)`)

// rangeOfMoney is "80.000 bis 100.000 EUR".
var rangeOfMoney = regexp.MustCompile(`(\d[\d.,]*k?) ?(?:–|-|to|bis) ?(\d[\d.,]*k?) ?(EUR|USD|GBP|CHF|Euro|€)`)

var abbreviations = plain.Set("approx ca max min no nr mio mrd st e.g i.e z.b bzw inkl incl")

// currencies by their code, sign or name.
func currencyOf(s string) string {
	switch strings.ToLower(strings.TrimSuffix(s, ".")) {
	case "eur", "€", "euro", "euros":
		return "EUR"
	case "usd", "$", "dollar", "dollars":
		return "USD"
	case "gbp", "£", "pounds":
		return "GBP"
	case "chf", "franken", "francs":
		return "CHF"
	case "sek", "nok", "dkk", "pln", "czk", "jpy", "cad", "aud":
		return strings.ToUpper(s)
	}
	return ""
}

// moneyAt reads an amount with its currency before or behind it.
func moneyAt(t []string, i int) (m money, n int) {
	k := i
	if c := currencyOf(t[k]); c != "" && k+1 < len(t) {
		m.currency = c
		k++
	}
	amount, unit := t[k], ""
	for _, u := range []string{"mio", "m", "k"} {
		if rest, ok := strings.CutSuffix(strings.ToLower(strings.TrimSuffix(amount, ".")), u); ok && isNumber(rest) {
			amount, unit = rest, u[:1]
			break
		}
	}
	if lo, hi, ok := strings.Cut(strings.ReplaceAll(strings.ReplaceAll(t[k], "–", "-"), "k", ""), "-"); ok && isNumber(lo) && isNumber(hi) {
		amount, unit = lo+"–"+hi, map[bool]string{true: "k"}[strings.Contains(t[k], "k")]
	} else if !isNumber(amount) || strings.Count(amount, ".") > 1 && !strings.Contains(amount, ",") && m.currency == "" {
		return money{}, 0
	}
	m.amount, m.unit = strings.TrimSuffix(amount, "."), unit
	k++
	if k < len(t) && m.unit == "" {
		switch strings.ToLower(strings.TrimSuffix(t[k], ".")) {
		case "million", "millions", "mio", "millionen", "m":
			m.unit = "m"
			k++
		case "thousand", "tausend", "k", "tsd":
			m.unit = "k"
			k++
		}
	}
	if m.currency == "" {
		if k >= len(t) || currencyOf(t[k]) == "" {
			return money{}, 0
		}
		m.currency = currencyOf(t[k])
		k++
	}
	return m, k - i
}

// spelledNumbers are numbers that people spell out. Ordinals mean one more.
var spelledNumbers = plain.Set("two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred dozen zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig hundert")

var ordinals = plain.Set("second third another zweite zweiter zweites zweiten dritte dritten weitere weiteren")

// measures tell how large one thing is.
var measures = plain.Set("m cm mm t kg kw kva zoll inch gb tb v")

var units = plain.Set("% percent prozent am pm uhr clock")

// quantityAt reads a number with its noun: at most four words, up to a word that cannot belong to it.
func quantityAt(t []string, i int) (q quantity, n int) {
	num := strings.ToLower(t[i])
	joined, spelled := "", false
	switch {
	case ordinals[num]:
		q.second = true
	case spelledNumbers[num]:
		spelled = true
	case isNumber(num):
		if len(num) == 4 && strings.HasPrefix(num, "20") && !strings.ContainsAny(num, ".,") {
			return q, 0 // a year
		}
	default:
		lo, hi, ok := strings.Cut(strings.ReplaceAll(num, "–", "-"), "-")
		switch {
		case ok && isNumber(lo) && isNumber(hi): // 20-30
		case ok && isNumber(lo) && hi != "" && letters(hi): // 45-seat
			joined = hi
		case strings.HasSuffix(num, "+") && isNumber(strings.TrimSuffix(num, "+")):
		default:
			return q, 0
		}
	}
	if joined != "" {
		return q, 0
	}
	if q.number = t[i]; spelled {
		q.number = num // at the start of a sentence
	}
	k := i + 1
	switch next := strings.ToLower(tokenAt(t, k)); next {
	case "x":
		k++
	case "more", "additional", "further", "weitere", "zusätzliche":
		q.more = true
		k++
	}
	var noun []string
	for k < len(t) && len(noun) < 4 && (nounWord(t[k]) || purposes[strings.ToLower(t[k])] != "" && nounWord(tokenAt(t, k+1))) {
		if _, n := dateAt(t, k); n > 0 && !strings.EqualFold(t[k], "mar") {
			break
		}
		noun = append(noun, t[k])
		k++
		if last := strings.ToLower(noun[len(noun)-1]); k < len(t) && (symbols[last] || nouns[last] != "" && !tailNoun(t[k])) {
			break // a known noun ends it, unless a model's name follows
		}
	}
	if len(noun) == 0 {
		return quantity{}, 0
	}
	if q.second && !slices.ContainsFunc(noun, func(w string) bool { r, _ := utf8.DecodeRuneInString(w); return unicode.IsUpper(r) }) {
		return quantity{}, 0 // "second thoughts"
	}
	q.noun = strings.Join(noun, " ")
	if streets[strings.ToLower(noun[len(noun)-1])] {
		return quantity{}, 0 // an address
	}
	if units[strings.ToLower(q.noun)] || i > 0 && measures[strings.ToLower(q.noun)] && (strings.EqualFold(t[i-1], "with") || strings.EqualFold(t[i-1], "mit") || nounWord(t[i-1])) {
		return quantity{}, 0 // of a thing that was named before: "Arbeitsbühne mit 16 m"
	}
	rest := k
	switch at := strings.ToLower(tokenAt(t, k)); at {
	case "for", "in", "across", "at", "on", "für", "auf", "an", "im", "per", "a", "pro", "je", "und", "and":
		if r, m := restAt(t, k, at); m > 0 {
			q.rest, rest = r, k+m
		}
	}
	return q, rest - i
}

func tokenAt(t []string, k int) string {
	if k < len(t) {
		return t[k]
	}
	return ""
}

// restAt reads what a quantity is spread over: "for 3 cafés", "per month", "im Außendienst".
func restAt(t []string, k int, prep string) (string, int) {
	next := tokenAt(t, k+1)
	if next == "" {
		return "", 0
	}
	switch prep {
	case "per", "a", "pro", "je":
		if durations[strings.ToLower(next)] != "" {
			return t[k] + " " + next, 2
		}
		return "", 0
	case "und", "and":
		return "", 0
	}
	lower := strings.ToLower(next)
	if isNumber(lower) || spelledNumbers[lower] {
		noun, second := tokenAt(t, k+2), tokenAt(t, k+3)
		if !nounWord(noun) || monthNamed(strings.ToLower(noun)) > 0 || durations[strings.ToLower(noun)] != "" {
			return "", 0
		}
		if nouns[strings.ToLower(noun)] == "" && nounsBack[strings.ToLower(noun)] == "" && nounWord(second) && strings.HasSuffix(second, "s") && k+4 >= len(t) {
			return t[k] + " " + next + " " + noun + " " + second, 4
		}
		return t[k] + " " + next + " " + noun, 3
	}
	after := strings.ToLower(tokenAt(t, k+2))
	if (prep == "in" || prep == "im") && nounWord(next) && monthNamed(lower) == 0 && purposes[lower] == "" && (after == "" || after == "and" || after == "und") {
		if q, _ := dateAt(t, k+1); q.zero() {
			return t[k] + " " + next, 2
		}
	}
	return "", 0
}

// tailNoun says whether w may follow a noun as a model's name: "Pressenlinien P4".
func tailNoun(w string) bool {
	r, _ := utf8.DecodeRuneInString(w)
	return unicode.IsUpper(r) && strings.ContainsFunc(w, unicode.IsDigit)
}

var streets = plain.Set("street st road rd avenue ave lane drive boulevard square straße strasse str weg allee gasse")

// nounWord says whether w may belong to what is counted.
func nounWord(w string) bool {
	if w == "" || len(w) > 30 || noNoun[strings.ToLower(w)] || purposes[strings.ToLower(w)] != "" {
		return false
	}
	letter := false
	for _, r := range w {
		switch {
		case unicode.IsLetter(r):
			letter = true
		case unicode.IsDigit(r), r == '-', r == '’', r == '\'', r == '&', r == '/':
		default:
			return false
		}
	}
	return letter && currencyOf(w) == ""
}

// noNoun are words that end a noun phrase.
var noNoun = plain.Set(`for in on at by with of to from and or but the a an this that these those we i you they our your their is are was were be will would should can
could may want wants need needs use uses using have has who which where when how about as if so than then per each every more less max min until before after since because
please within without around over under both all also not no into via currently today soon later next last running working live across up
für in an auf am im bei bis mit von zu zum zur aus und oder aber der die das den dem des ein eine einen wir ich sie unser unsere ihr ist sind war waren wird werden soll sollen
kann können möchten möchte brauchen benötigen nutzen haben hat wer wie wo wenn als pro je mehr weniger seit vor nach über unter auch nicht kein keine derzeit aktuell heute bald ab
suchen wollen planen arbeiten verteilt insgesamt sowie gern gerne bitte
replied liked rate score ignore previous instructions`)
