package rules

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/intent/plain"
)

// A subject is what a page is about, as a noun phrase that a rep can talk about. It is read off the title, else off the path, and is
// left empty rather than guessed.

// subjectWords bound a subject: longer ones are titles.
const subjectWords = 4

// subjects are what a page with this title at this address is about: none, one, or a thing and a place ("Family hotels", "Madeira").
// drop are names that are no subject: products and the vendor's own.
func subjects(title, raw string, drop []string) []string {
	path := act.PathOf(raw)
	if act.AddressOf(raw).Home {
		return nil
	}
	if brand := brandOf(raw); brand != "" {
		drop = append(slices.Clone(drop), brand)
	}
	if title != "" {
		if got, settled := titleSubjects(title, drop); settled || len(got) > 0 {
			return got
		}
	}
	if s := pathSubject(path, drop); s != "" {
		return []string{s}
	}
	return nil
}

func brandOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return ""
	}
	labels := strings.Split(strings.TrimPrefix(u.Hostname(), "www."), ".")
	if len(labels) < 2 {
		return ""
	}
	if n := len(labels); n > 2 && len(labels[n-2]) <= 3 { // co.uk
		return labels[n-3]
	}
	return labels[len(labels)-2]
}

var (
	// noSubject are words which, alone or at the front of a title, make it a page of the site rather than a subject.
	noSubject = plain.Set(`home homepage startseite welcome willkommen pricing prices price plans preise preisliste tarife kosten fees cost costs contact kontakt about über ueber impressum imprint
privacy datenschutz agb terms legal cookies login log sign signup anmelden registrieren register account konto dashboard cart basket warenkorb checkout kasse payment bestellen order 404 error fehler
careers career jobs karriere newsletter unsubscribe abmelden thank thanks danke search suche sitemap untitled blog news press presse overview übersicht resources ressourcen support help hilfe
demo trial quote index page seite calculator rechner products produkte solutions lösungen features funktionen customers kunden referenzen partners partner team company unternehmen faq events webinars
documentation docs services leistungen dienstleistungen specifications specification specs spezifikationen industries branchen download downloads shop webinar whitepaper comparison vergleich apply book angebot anfrage benefits vorteile enquiry`)
	// callsToAction begin titles that ask for something.
	callsToAction = plain.Set(`get try start book buy request learn discover download see join meet watch talk ask claim save sign subscribe find explore choose compare jetzt entdecken kaufen testen kostenlos anfordern
vereinbaren lernen erfahren holen sichern your my our mein meine ihr ihre unser unsere vergleichen`)
	// germanCalls end German titles that ask for something.
	germanCalls = plain.Set("buchen vereinbaren anfordern bestellen anfragen herunterladen downloaden kaufen testen anmelden registrieren einholen berechnen konfigurieren ausfüllen anschauen ansehen starten abonnieren sichern")
	// kindsOfPage stand before a colon, or before the subject itself, and are no part of it.
	kindsOfPage = plain.Set(`webinar guide whitepaper blog article news case study studie fallstudie story success customer checklist checkliste template templates vorlage vorlagen leitfaden ratgeber report ebook podcast
video tutorial free kostenlose kostenloser kostenlos kostenloses brochure broschüre broschuere data sheet datasheet datenblatt white paper e-book product produkt press presse event workshop
seminar infoabend how-to help hilfe docs faq interview playbook toolkit solution solutions on-demand series serie category kategorie buyer's buyer’s buyers sample samples muster size`)
	// mayBegin are those of noSubject that may also begin a subject: "Press automation".
	mayBegin = plain.Set("customers customer price cost team product press search support help order company events partner service page features error enquiry")
	// leadingKinds are those that stand before their subject without a colon: "Leitfaden Exportfinanzierung".
	leadingKinds = plain.Set("leitfaden ratgeber checkliste checklist guide brochure broschüre webinar whitepaper datenblatt katalog")
	articles     = plain.Set("a an the your our my its their der die das den dem ein eine einen einem einer ihr ihre ihren unser unsere sein seine deine dein this these more better best new neue")
	// enders cut what follows from a subject.
	enders = plain.Set("without that which who from with when where while ohne dass welche wenn mit to and-how so but how")
	// frames begin questions.
	frames    = plain.Set("how what why when which who where is are can does do wie was warum wann welche welcher wer wo ist sind kann so should")
	ownership = plain.Set("its their your the his her sein seine seinen ihr ihre ihren ihrer seiner")
	// frameVerbs stand between what is asked about and the rest.
	frameVerbs = plain.Set("miss fail matter matters work works cost costs make makes need needs take takes mean means help helps is are do does should can will scheitern kosten bringt bringen braucht brauchen bedeutet funktioniert kostet bedeuten taugt hilft helfen gehört lohnt lohnen sich ist sind")
)

// lexicon are subjects whose words differ from those of the page. Keys are folded words.
var lexicon = map[string][2]string{ // English, German
	"sso":               {"Single sign-on", "Single Sign-on"},
	"single sign on":    {"Single sign-on", "Single Sign-on"},
	"api":               {"API", "API"},
	"api documentation": {"API", "API"},
	"mfa":               {"Multi-factor sign-in", "Mehrfaktor-Anmeldung"},
	"gdpr":              {"Data protection", "Datenschutz"},
	"dsgvo":             {"Data protection", "Datenschutz"},
	"forecast":          {"Forecasting", "Forecasting"},
	"data residency":    {"Data location", "Speicherort der Daten"},
	"replacing":         {"Replacing spreadsheets", "Ablösung von Tabellen"},
}

// titleSubjects reads a title. settled says that the title tells that there is no subject: the path is not asked.
func titleSubjects(title string, drop []string) (found []string, settled bool) {
	for _, mark := range []string{" | ", " – ", " — ", " · ", " - "} {
		if i := strings.Index(title, mark); i > 0 {
			title = title[:i]
		}
	}
	title = strings.TrimSpace(strings.NewReplacer("“", "", "”", "", "„", "", "\"", "", "?", "", "!", "").Replace(title))
	for i := strings.IndexByte(title, '('); i > 0; i = strings.IndexByte(title, '(') {
		title = strings.TrimSpace(title[:i])
	}
	low := " " + strings.Join(plain.Words(title), " ") + " "
	if strings.Contains(low, " comparison ") || strings.Contains(low, " vergleich ") || strings.Contains(low, " compared ") || strings.Contains(low, " vs ") || strings.Contains(low, " versus ") ||
		strings.Contains(low, " alternative ") || strings.HasPrefix(low, " compare ") || strings.Contains(low, " oder ") || strings.Contains(low, " or ") && strings.Contains(title, ":") {
		return comparisonSubject(low), true
	}
	left, right, colon := strings.Cut(title, ": ")
	switch {
	case colon && allIn(plain.Words(left), kindsOfPage):
		title = right
	case colon && (allIn(plain.Words(right), noSubject) || len(plain.Words(left)) > 0):
		if dropped(left, drop) == "" {
			title = right
		} else {
			title = left
		}
	}
	w := strings.Fields(title)
	if colon && (strings.Contains(low, " case study ") || strings.Contains(low, " fallstudie ") || strings.Contains(low, " customer story ")) && len(w) > 0 && !frames[strings.ToLower(w[0])] {
		return nil, true // a customer's name
	}
	for len(w) > 1 && leadingKinds[strings.ToLower(strings.Trim(w[0], ":,"))] {
		w = w[1:]
	}
	if len(w) == 0 {
		return nil, true
	}
	first := strings.ToLower(strings.Trim(w[0], ":,.’'"))
	if callsToAction[first] || noSubject[first] && (len(w) == 1 || !mayBegin[first]) {
		return nil, true
	}
	if last := strings.ToLower(w[len(w)-1]); len(w) > 1 && len(w) <= 4 && germanCalls[last] {
		return nil, true // "Termin buchen"
	}
	if frames[first] && !strings.EqualFold(first, "how") && len(w) > 1 && strings.EqualFold(w[1], "to") {
		return nil, true // "Where to buy"
	}
	if frames[first] {
		w = askedAbout(w)
	} else {
		for i := 1; i < len(w); i++ {
			word := strings.ToLower(strings.Trim(w[i], ",.:"))
			if enders[word] || strings.HasSuffix(w[i-1], ",") || (word == "and" || word == "und") && i+1 < len(w) && frames[strings.ToLower(w[i+1])] {
				w = w[:i]
				break
			}
		}
	}
	got := nouned(w, drop)
	if caseStudy := strings.Contains(low, " case study ") || strings.Contains(low, " fallstudie "); caseStudy && len(got) == 0 {
		return nil, true // its path holds a customer's name
	}
	return got, len(got) == 0 && (allIn(plain.Words(title), noSubject) || dropped(title, drop) == "")
}

// comparisonSubject is what a comparison is about, where the lexicon knows it.
func comparisonSubject(low string) []string {
	switch {
	case strings.Contains(low, " spreadsheet") || strings.Contains(low, " excel "):
		return []string{"Replacing spreadsheets"}
	case strings.Contains(low, " tabellen "):
		return []string{"Ablösung von Tabellen"}
	case strings.Contains(low, " old crm ") || strings.Contains(low, " legacy crm "):
		return []string{"CRM migration"}
	}
	return nil
}

// askedAbout takes the thing asked about out of a question.
func askedAbout(w []string) []string {
	if strings.EqualFold(w[0], "how") && len(w) > 2 && strings.EqualFold(w[1], "to") {
		w = w[3:] // the verb goes, too
	} else {
		for i := len(w) - 2; i > 0; i-- {
			if ownership[strings.ToLower(w[i])] && i >= 2 {
				return w[i+1:]
			}
		}
		if strings.EqualFold(w[0], "how") || strings.EqualFold(w[0], "wie") {
			return nil // what somebody did, not a thing
		}
		w = w[1:]
		if len(w) > 1 && (strings.EqualFold(w[0], "makes") || strings.EqualFold(w[0], "macht")) && len(w) > 3 {
			w = w[1 : len(w)-1]
			if articles[strings.ToLower(w[0])] && (strings.EqualFold(w[0], "a") || strings.EqualFold(w[0], "an")) {
				w = append(slices.Clone(w[1:len(w)-1]), plural(w[len(w)-1]))
			}
			return w
		}
	}
	for len(w) > 0 && (articles[strings.ToLower(w[0])] || frameVerbs[strings.ToLower(w[0])]) {
		w = w[1:]
	}
	for i := 1; i < len(w); i++ {
		if frameVerbs[strings.ToLower(strings.Trim(w[i], ","))] || enders[strings.ToLower(w[i])] || strings.HasSuffix(w[i-1], ",") {
			return w[:i]
		}
	}
	return w
}

func plural(w string) string {
	if strings.HasSuffix(w, "s") {
		return w
	}
	return w + "s"
}

// nouned makes subjects of the words left: without names, numbers and articles, split at the place where it is in.
func nouned(w []string, drop []string) []string {
	s := dropped(strings.Join(w, " "), drop)
	w = strings.Fields(s)
	var out []string
	for i, x := range w {
		x = strings.Trim(x, ",.:;")
		if i > 0 && measures[strings.ToLower(x)] && yearOrCount(w[i-1]) {
			continue // "90 kg"
		}
		if x == "" || i == 0 && articles[strings.ToLower(x)] || strings.EqualFold(x, "your") || strings.EqualFold(x, "our") || strings.EqualFold(x, "ihre") || yearOrCount(x) && !(i == len(w)-1 && len(w) == 2 && startsName(w[0]) && len(x) < 4) {
			continue
		}
		out = append(out, x)
	}
	for len(out) > 0 && dangling(out[len(out)-1]) {
		out = out[:len(out)-1]
	}
	for len(out) > 0 && dangling(out[0]) {
		out = out[1:]
	}
	for i := 1; i < len(out)-1; i++ {
		switch strings.ToLower(out[i]) {
		case "for", "für":
			if i >= 2 {
				return nouned(out[:i], nil)
			}
		case "in":
			place := strings.Join(out[i+1:], " ")
			if r, _ := utf8.DecodeRuneInString(place); i >= 1 && unicode.IsUpper(r) && len(out)-i-1 <= 2 && !strings.ContainsFunc(place, unicode.IsDigit) {
				return append(nouned(out[:i], nil), place)
			}
			return nouned(out[:i], nil)
		}
	}
	s = strings.Join(out, " ")
	if known, ok := lexicon[foldSubject(s)]; ok {
		return []string{known[0]}
	}
	if len(out) == 0 || len(out) > subjectWords || len(out) == 1 && noSubject[strings.ToLower(out[0])] || allIn(plain.Words(s), noSubject) || utf8.RuneCountInString(s) < 3 && strings.ToUpper(s) != s || utf8.RuneCountInString(s) > 48 {
		return nil
	}
	return []string{upperFirst(s)}
}

func dangling(w string) bool {
	switch strings.ToLower(w) {
	case "in", "of", "for", "and", "the", "with", "from", "to", "at", "on", "by", "von", "für", "und", "mit", "im", "bei", "zu", "zum", "zur", "der", "die", "das", "together", "or", "oder", "a":
		return true
	}
	return false
}

// dropped takes names out of s as whole words, in any case.
func dropped(s string, names []string) string {
	for _, name := range names {
		if name == "" {
			continue
		}
		for from := 0; ; {
			i := strings.Index(strings.ToLower(s[from:]), strings.ToLower(name))
			if i < 0 {
				break
			}
			i += from
			if end := i + len(name); end <= len(s) && plain.WordEdge(s, i, end) {
				s = s[:i] + s[end:]
			} else {
				from = i + 1
			}
			if from >= len(s) {
				break
			}
		}
	}
	return strings.Join(strings.Fields(s), " ")
}

func allIn(w []string, in map[string]bool) bool {
	for _, x := range w {
		if !in[x] && !articles[x] && !frames[x] && x != "and" && x != "und" {
			return false
		}
	}
	return true
}

// pathSubject is the last part of a path that names something.
func pathSubject(path string, drop []string) string {
	parts := strings.Split(strings.ToLower(path), "/")
	for i := len(parts) - 1; i > 0; i-- {
		p := parts[i]
		if ext := strings.LastIndexByte(p, '.'); ext > 0 {
			p = p[:ext]
		}
		if p == "" || p == "index" || len(p) == 2 {
			continue
		}
		w := plain.Words(p)
		if len(w) == 1 && (noSubject[w[0]] || kindsOfPage[w[0]] || callsToAction[w[0]]) || len(w) == 0 {
			return ""
		}
		if got := nouned(w, drop); len(got) > 0 && strings.IndexFunc(p, unicode.IsDigit) < 0 {
			return got[0]
		}
		return ""
	}
	return ""
}

// translated is a subject in the language of the text, where the lexicon knows it.
func translated(s string, german bool) string {
	if t, ok := translations[german][s]; ok {
		return t
	}
	return s
}

// translations are the lexicon's subjects: English by German, and German (true) by English.
var translations = func() map[bool]map[string]string {
	en, de := map[string]string{}, map[string]string{}
	for _, pair := range lexicon {
		en[pair[1]], de[pair[0]] = pair[0], pair[1]
	}
	return map[bool]map[string]string{false: en, true: de}
}()
