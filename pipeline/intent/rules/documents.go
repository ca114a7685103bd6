package rules

import (
	"maps"
	"slices"
	"strings"
)

// docTypes are what a download may be, English to German.
var docTypes = map[string]string{
	"guide": "Leitfaden", "brochure": "Broschüre", "checklist": "Checkliste", "template": "Vorlage", "templates": "Vorlagen", "whitepaper": "Whitepaper", "report": "Bericht", "data sheet": "Datenblatt", "datasheet": "Datenblatt",
	"catalogue": "Katalog", "catalog": "Katalog", "study": "Studie", "price list": "Preisliste", "size guide": "Größentabelle", "ebook": "E-Book", "case study": "Fallstudie", "handbook": "Handbuch", "playbook": "Playbook", "toolkit": "Toolkit",
	"spreadsheet": "Tabelle", "webinar": "Webinar", "open day": "Tag der offenen Tür", "workshop": "Workshop", "seminar": "Seminar", "conference": "Konferenz", "course": "Kurs", "calculator": "Rechner", "manual": "Handbuch", "certificate": "Zertifikat",
}

// docWords are all of docTypes in lower case, with the English word that each stands for.
var docWords = func() map[string]string {
	words := map[string]string{}
	for _, en := range slices.Sorted(maps.Keys(docTypes)) {
		if de := strings.ToLower(docTypes[en]); words[de] == "" {
			words[de] = en
		}
		words[en] = en
	}
	return words
}()

// docKind takes what a thing is out of its name: at the front ("Guide: export finance"), else at the end ("Cold e-mail templates").
func docKind(title string) (kind, rest string, first bool) {
	t := strings.TrimSpace(strings.NewReplacer("“", "", "”", "", "„", "", "\"", "").Replace(title))
	if i := strings.LastIndexByte(t, ' '); i > 0 && yearOrCount(t[i+1:]) && len(t)-i == 5 {
		t = t[:i] // of the year
	}
	low := strings.ToLower(t)
	for _, p := range []string{"free ", "the ", "download ", "our "} {
		if strings.HasPrefix(low, p) {
			t, low = t[len(p):], low[len(p):]
		}
	}
	for _, end := range []string{" registration", " sign-up", " signup", " form", " download", " recording"} {
		if strings.HasSuffix(low, end) {
			t = t[:len(t)-len(end)]
			low = strings.ToLower(t)
		}
	}
	matched := ""
	for w, en := range docWords {
		switch {
		case low == w:
			return en, "", true
		case strings.HasPrefix(low, w+" ") || strings.HasPrefix(low, w+":"):
			if !first || len(w) > len(matched) {
				kind, matched, rest, first = en, w, strings.TrimLeft(t[len(w):], " :"), true
			}
		case strings.HasSuffix(low, " "+w) && !first && len(w) > len(matched):
			kind, matched, rest = en, w, strings.TrimSpace(t[:len(t)-len(w)])
		}
	}
	for _, p := range []string{"on ", "to ", "for ", "zu ", "zur ", "zum ", "about "} {
		rest = strings.TrimPrefix(rest, p)
	}
	return kind, rest, first
}
