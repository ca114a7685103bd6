package rules

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/intentd/intentd/pipeline/intent/plain"
	"github.com/intentd/intentd/pipeline/memo"
)

func runes(s string) int { return utf8.RuneCountInString(s) }

// upperFirst makes the first letter a capital.
func upperFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || unicode.ToUpper(r) == r && r != utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// lowerFirst makes the first letter small, unless the word is an acronym or a name in itself.
func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	next, _ := utf8.DecodeRuneInString(s[n:])
	if n == 0 || unicode.ToLower(r) == r && r != utf8.RuneError || unicode.IsUpper(next) || unicode.IsDigit(next) || properWord(s) {
		return s
	}
	return string(unicode.ToLower(r)) + s[n:]
}

// properWord says that s may be a name of one word, such as a place: it has a capital and not the ending of a common noun.
func properWord(s string) bool {
	if strings.Contains(s, " ") {
		return false
	}
	low := strings.ToLower(s)
	for _, end := range []string{"ing", "s", "ion", "ment", "ity", "ance", "ence", "ics", "ship", "ware", "ty", "cy", "ry", "gy", "al", "er", "or", "age", "desk", "flow"} {
		if strings.HasSuffix(low, end) {
			return false
		}
	}
	return true
}

func startsName(s string) bool { return s != "" && unicode.IsUpper([]rune(s)[0]) }

func titled(s string) string {
	w := strings.Fields(s)
	for i := range w {
		w[i] = upperFirst(w[i])
	}
	return strings.Join(w, " ")
}

// foldSubject is what two spellings of a subject have in common: case, hyphens, singular and plural.
func foldSubject(s string) string {
	w := plain.Words(s)
	for i := range w {
		w[i] = plain.Stem(w[i])
	}
	return strings.Join(w, " ")
}

func digitByte(b byte) bool { return b >= '0' && b <= '9' }

// isNumber says whether s is a number as written: digits with points and commas inside.
func isNumber(s string) bool {
	if s == "" || !digitByte(s[0]) || len(s) > 12 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !digitByte(s[i]) && (s[i] != '.' && s[i] != ',' || i == len(s)-1) {
			return false
		}
	}
	return true
}

func yearOrCount(x string) bool {
	return len(x) > 0 && digitByte(x[0]) && isNumber(x)
}

func letters(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
}

// germanTitle says whether a title is German, by its letters or its words.
func germanTitle(title string) bool {
	return germanTitles.Of(title, func() bool { return readsGerman(title) })
}

var germanTitles memo.Memo[string, bool]

func readsGerman(title string) bool {
	if strings.ContainsAny(title, "äöüßÄÖÜ") {
		return true
	}
	for _, w := range plain.Words(title) {
		switch w {
		case "und", "für", "mit", "der", "die", "das", "von", "im", "leitfaden", "vergleich", "angebot", "kontakt", "preise", "anfrage", "anfordern", "ein", "eine", "termin", "tabellen", "ausschreibung", "muster", "katalog", "vorlage", "bewerbung", "anmeldung", "finanzierung", "beratung":
			return true
		}
		if strings.HasSuffix(w, "ung") || strings.HasSuffix(w, "ungen") || strings.HasSuffix(w, "maschinen") || strings.HasSuffix(w, "pumpen") || strings.HasSuffix(w, "keit") {
			return true
		}
	}
	return false
}

// germanText says whether s was typed in German, by its small words.
func germanText(s string) bool {
	de, en := 0, 0
	for _, w := range plain.Words(s) {
		switch w {
		case "wir", "für", "bis", "und", "mit", "der", "die", "das", "ein", "eine", "möchten", "brauchen", "benötigen", "im", "zum", "ab", "suchen", "ist", "sind", "bitte", "unser", "unsere", "ablösen", "nutzer", "über", "ich", "wollen", "angebot", "zwei", "personen", "mitarbeiter":
			de++
		case "we", "the", "for", "by", "and", "with", "our", "want", "need", "are", "is", "to", "of", "please", "users", "people", "looking", "would", "like", "from":
			en++
		}
	}
	return de > en
}

func article(s string) string {
	if strings.ContainsRune("AEIOU", []rune(s)[0]) {
		return "an " + s
	}
	return "a " + s
}

// unarticled is s without its article.
func unarticled(s string) string {
	for _, a := range []string{"the ", "der ", "dem ", "den "} {
		s = strings.TrimPrefix(s, a)
	}
	return s
}

// finished is parts joined to a sentence, with a capital and an end.
func finished(parts ...string) string {
	var room [512]byte
	b := room[:0]
	for _, p := range parts {
		if len(b) == 0 && p != "" {
			first, n := utf8.DecodeRuneInString(p)
			b, p = utf8.AppendRune(b, unicode.ToUpper(first)), p[n:]
		}
		b = append(b, p...)
	}
	if len(b) > 0 && strings.IndexByte(".?!", b[len(b)-1]) < 0 {
		b = append(b, '.') // a date that ends in a point takes the sentence's
	}
	return string(b)
}

// ended closes a sentence; a date that ends in a point takes the sentence's.
func ended(s string) string {
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "!") {
		return s
	}
	return s + "."
}
