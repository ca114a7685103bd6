package intent

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Lengths, in characters.
const (
	headlineMax = 110
	summaryMax  = 400
	reasonsMax  = 3
)

// slots are what there is to say of f: worked out once, told in a text for each age.
func (n *note) slots(f *fact) slots {
	if f.slots == nil {
		if n.saying == len(n.filled) {
			n.filled = append(n.filled, new(slots))
		}
		f.slots = n.filled[n.saying]
		n.saying++
		n.say(f, f.slots)
	}
	return *f.slots
}

// say fills v with what there is to say of f.
func (n *note) say(f *fact, v *slots) {
	l := n.l
	v['d'], v['p'] = n.dates(f), n.productName(f.product)
	v[slotOn] = n.on(f, v['d'])
	if v['d'] == "" {
		v['d'] = n.day(f.at)
	}
	if f.act == ActTrial || f.act == ActUse || f.act == ActInvite || f.act == ActOpen || f.act == ActVisit || f.act == ActClick || f.act == ActStuck {
		v['d'] = n.day(f.at)
	}
	if f.act == ActTrial || f.act == ActStuck {
		v['d'] = n.day(f.first)
	}
	a := f.ask
	if a.hostile {
		a = &nothing
	}
	if !a.owns || f.act != ActEnquiry && f.act != ActReply {
		v['q'] = n.quantities(a) // "we manage 320 flats" asks for none: the summary tells it
	}
	v[slotDative] = v['q']
	if len(a.quantities) > 0 && v['q'] != "" {
		if a.quantities[0].scope() {
			v['g'] = v['q']
		}
	}
	if l.german {
		v[slotDative] = dative(v['q'])
	}
	if v['p'] == "" && a.item != "" {
		v['p'] = n.itemName(a.item)
	}
	if v['p'] != "" && v['q'] != "" && strings.Contains(" "+foldSubject(v['q'])+" ", " "+foldSubject(v['p'])+" ") {
		v['p'] = ""
	}
	if v['p'] != "" && len(a.quantities) > 0 && ofNouns[strings.ToLower(a.quantities[0].noun)] {
		v['S'] = v['p']
	} else {
		v['B'] = v['p']
	}
	if f.act == ActRegister && v['p'] == "" {
		v['p'] = n.productName(uint8(n.product()))
	}
	if !strings.ContainsAny(v['p'], " -") {
		v['P'] = v['p']
	}
	v['t'], v['T'] = n.deadlines(a)
	if len(a.money) > 0 {
		v['b'] = a.money[0].text(l.german)
		if a.budget {
			v['b'] = "budget " + v['b']
			if l.german {
				v['b'] = "Budget " + a.money[0].text(true)
			}
		}
	}
	if f.price.amount != "" {
		v['b'] = f.price.text(l.german)
	}
	if !a.term.zero() {
		v['k'] = "over " + a.term.carried(a.german, false)
		if l.german {
			v['k'] = "über " + a.term.carried(a.german, true)
		}
	}
	if len(a.extras) > 0 {
		v['a'] = n.extras(a)
	}
	if f.rival != "" {
		v['x'] = f.rival
		switch {
		case leavable[strings.ToLower(f.rival)]:
			v['x'] = n.leaving(strings.ToLower(f.rival))
		case noun(f.rival):
			v['x'] = n.lang(lowerFirst(f.rival), upperFirst(f.rival))
		}
	}
	if f.act == ActDemo {
		v['D'] = n.demo(f)
		if v['D'] != "demo" && v['D'] != "Demo" {
			v['T'] = "" // the day they wish for is that of the drive
		}
	}
	if v['t'] == "" && a.soon {
		v['t'] = n.lang("as soon as possible", "so bald wie möglich")
	}
	if f.act == ActApply {
		v['t'] = strings.NewReplacer("live by ", "start in ", "Start bis ", "Start ").Replace(v['t'])
	}
	if f.act == ActRefuse && !f.form {
		v['y'] = n.lang("reply of ", "Antwort vom ")
	}
	if f.act == ActUse {
		v['M'] = n.lang("product", "das Produkt")
		if n.newest(ActTrial) != nil {
			v['M'] = n.lang("trial", "den Test")
		}
	}
	v['L'], v['C'] = a.link, a.chosen
	if v['C'] == "" && a.chose {
		v['C'] = n.lang("another provider", "einen anderen Anbieter")
	}
	v['w'] = n.place(f.where, f.field)
	v['W'] = unarticled(v['w'])
	if f.act == ActPrice {
		v['r'] = n.lang(f.item, pricesGerman[f.item])
		if v['r'] == "" {
			v['r'] = n.lang("prices", "Preise")
		}
	}
	v['n'] = l.number(f.count)
	n.object(f, a, v)
}

// demo is what a demo is called in the trade.
func (n *note) demo(f *fact) string {
	if w := " " + strings.Join(words(f.title), " ") + " "; strings.Contains(w, " test drive ") || strings.Contains(w, " probefahrt ") {
		return n.lang("test drive", "Probefahrt")
	}
	return n.lang("demo", "Demo")
}

// called is what f is called once something newer leads: "demo request".
func (n *note) called(f *fact) string {
	if f.act == ActDemo {
		return n.lang(n.demo(f)+" request", n.demo(f)+"-Anfrage")
	}
	return n.l.was[f.act]
}

var pricesGerman = map[string]string{"rates": "Zinsen", "fees": "Gebühren", "trade prices": "Händlerpreise"}

// noun says whether a rival is a thing rather than a name: "Spreadsheets", "factoring".
func noun(s string) bool {
	return leavable[strings.ToLower(s)] || strings.HasSuffix(strings.ToLower(s), "ing")
}

// object puts the thing's own name into {o} and {l}.
func (n *note) object(f *fact, a *ask, v *slots) {
	l := n.l
	switch f.act {
	case ActDownload, ActRegister, ActAttend, ActForm:
		v['o'] = n.named(f)
	case ActEnquiry, ActSearch, ActMiss, ActCancel, ActMeeting, ActCallback:
		if r := n.newestRequest(); r != nil && f.act.first() && r.ask.any && !r.ask.hostile {
			a = r.ask
			if !a.owns || f.act != ActEnquiry {
				v['q'] = n.quantities(a)
			}
		}
		if a.place != "" {
			v['o'] = a.place
		}
	case ActPilot:
		if g := n.earlier(f); g != nil {
			v['F'] = n.lang("first", "zuerst")
		}
	case ActBegun:
		v['o'], v['y'] = n.formName(f)
	case ActOrder:
		if f.item != "" && !strings.EqualFold(f.item, v['p']) {
			v['o'] = n.itemName(f.item)
		}
	case ActCart, ActCheckout:
		if v['p'] != "" && (f.item == "" || strings.EqualFold(f.item, v['p'])) {
			v['o'] = v['p']
		} else if f.item != "" {
			v['o'] = n.itemName(f.item)
		}
		if v['o'] != "" && !l.german && startsName(v['o']) && v['o'] == v['p'] {
			v['o'] = article(v['o'])
		}
	case ActBooking:
		v['o'] = firstOf(f.item, a.place)
		if s := n.newest(ActSearch); s != nil && (v['o'] == "" || v['q'] == "") {
			if v['o'] == "" {
				v['o'] = s.ask.place
			}
			v['q'] = n.quantities(s.ask)
		}
	case ActStuck, ActUse:
		v['o'] = f.item
		if l.german && f.item != "" {
			v['o'] = n.place(f.item, false)
		}
		v['O'] = unarticled(v['o'])
	}
	if len(f.subjects) > 0 && v['l'] == "" {
		v['l'] = n.subjectList(f.subjects[:min(len(f.subjects), 3)])
		if v['o'] == "" && f.act == ActRead && n.onlyPage(f) {
			v['o'] = v['l']
		}
	}
	if v['l'] != "" && l.german {
		v[slotOnSubjects] = "zum Thema " + v['l']
		if len(f.subjects) > 1 {
			v[slotOnSubjects] = "zu den Themen " + v['l']
		}
		if f.act == ActRead && n.onlyPage(f) {
			v[slotOnlyPage] = v[slotOnSubjects]
		}
	}
	if !f.date.zero() {
		v['e'] = l.date(f.date, n.now)
	}
	if f.act == ActMeeting {
		v['M'] = "Meeting"
		if l.german {
			v['M'] = "Termin"
		}
		if strings.Contains(strings.ToLower(f.title), "demo") {
			v['M'] = "Demo"
		}
	}
	if f.act == ActOpen && f.count > 1 {
		v['n'] = l.number(f.count)
	} else if f.act == ActOpen {
		v['n'] = ""
	}
	if !n.any(func(g *fact) bool { return g.act.Page() || g.act.strong() }) {
		v[slotNothingMore] = n.lang("; nothing more", ", sonst nichts")
	}
	if f.act == ActInvite {
		v['n'] = n.colleagues(f.count)
	}
	if f.act == ActTrial {
		if g := n.newest(ActInvite); g != nil {
			v['i'] = n.colleagues(g.count) + " invited"
			if l.german {
				v['i'] = n.colleagues(g.count) + " eingeladen"
			}
		} else if g := n.newest(ActUse); g != nil {
			v['i'] = n.lang("last used on ", "zuletzt genutzt am ") + n.day(g.at)
		}
	}
	v['m'] = "which model it is to be"
	if l.german {
		v['m'] = "das Modell"
	}
	if f.product > 0 || v['q'] == "" || v['T'] == "" || v['g'] != "" {
		v['m'] = ""
	}
	if f.act == ActRead && f.summary > 1 {
		v['v'] = l.number(f.summary) + n.lang(" pages read", " Seiten gelesen")
	}
	if f.act == ActVisit && f.summary > 1 {
		v['v'] = l.number(f.summary) + " visits"
		if l.german {
			v['v'] = l.number(f.summary) + " Besuche"
		}
	}
}

// onlyPage says that f is the only page that was ever read.
func (n *note) onlyPage(f *fact) bool {
	return f.count == 1 && !n.any(func(g *fact) bool { return g.act.Page() && g.cites[0] != f.cites[0] })
}

func (n *note) colleagues(k int) string {
	if n.l.german {
		if k == 1 {
			return "ein weiterer Nutzer"
		}
		return n.l.number(k) + " weitere Nutzer"
	}
	if k == 1 {
		return "one colleague"
	}
	return n.l.number(k) + " colleagues"
}

// unarticled is s without its article.
func unarticled(s string) string {
	for _, a := range []string{"the ", "der ", "dem ", "den "} {
		s = strings.TrimPrefix(s, a)
	}
	return s
}

func startsName(s string) bool { return s != "" && unicode.IsUpper([]rune(s)[0]) }

func article(s string) string {
	if strings.ContainsRune("AEIOU", []rune(s)[0]) {
		return "an " + s
	}
	return "a " + s
}

func (n *note) itemName(s string) string {
	if n.l.german && !germanTitle(s) && !startsName(s) {
		return n.l.quoted(s)
	}
	return s
}

// subjectList writes subjects within a sentence.
func (n *note) subjectList(s []string) string {
	out := make([]string, 0, len(s))
	for _, x := range s {
		out = append(out, n.l.within.Of(x, func() string { return n.l.subject(x) }))
	}
	return n.l.list(out)
}

func (l *tongue) subject(s string) string {
	s = translated(s, l.german)
	switch {
	case l.german && !germanTitle(s) && !same2(s):
		return l.quoted(s)
	case !l.german && germanTitle(s):
		return l.quoted(s)
	case !l.german && strings.HasPrefix(s, "First "):
		return "a " + lowerFirst(s)
	case !l.german && !strings.ContainsFunc(s, unicode.IsDigit): // else a model
		return lowerFirst(s)
	}
	return s
}

// same2 says that a subject needs no quotation marks in German: a name, an acronym, a word of one piece.
func same2(s string) bool {
	return !strings.Contains(s, " ") || s == "Single Sign-on" || s == "Speicherort der Daten" || strings.ToUpper(s) == s
}

// place is where something was left, with its article where it is a field.
func (n *note) place(where string, field bool) string {
	w := strings.ToLower(where)
	if w == "" {
		return ""
	}
	if n.l.german {
		if de, ok := n.l.left[w]; ok {
			return de
		}
		if germanTitle(where) || startsName(where) && !strings.Contains(where, " ") {
			return where
		}
		return n.l.quoted(where)
	}
	if startsName(where) && strings.ToUpper(where) == where {
		return where
	}
	if w == "phone" {
		w = "phone number"
	}
	if en := leftEnglish[w]; en != "" {
		w = en
	}
	if field && !strings.HasSuffix(w, "s") {
		return "the " + w
	}
	return w
}

// leftEnglish are names of steps and fields of German forms.
var leftEnglish = map[string]string{
	"telefonnummer": "phone number", "telefon": "phone number", "zahlung": "payment", "bezahlung": "payment", "lieferung": "delivery", "versand": "shipping", "referenzen": "references", "adresse": "address", "lieferadresse": "delivery address",
	"unterlagen": "documents", "kontaktimport": "contact import", "firmengröße": "company size", "steuernummer": "tax number", "kontaktdaten": "contact details", "angaben": "details", "datenimport": "data import",
}

// quantities are up to three of what was typed.
func (n *note) quantities(a *ask) string {
	var out []string
	for _, q := range a.quantities {
		out = append(out, q.carried(a.german, n.l.german))
	}
	if n.l.german && len(out) > 1 {
		return strings.Join(out, ", ")
	}
	return strings.Join(out, ", ")
}

func (n *note) extras(a *ask) string {
	out := slices.Clone(a.extras)
	if n.l.german {
		for i := range out {
			out[i] = extraGerman(out[i])
		}
	}
	return n.l.list(out)
}

// deadlines are what was typed about time, and the date alone of the first.
func (n *note) deadlines(a *ask) (all, first string) {
	var out []string
	for _, d := range a.dates {
		out = append(out, n.l.deadline(d, n.now))
	}
	if len(out) == 0 {
		return "", ""
	}
	d := a.dates[0]
	first = n.l.date(d.when, n.now)
	switch d.what {
	case "start":
		if n.l.german {
			first = "den Start " + strings.TrimPrefix(out[0], "Start ")
		} else if d.day > 0 {
			first = "a start on " + first
		} else {
			first = "a start in " + first
		}
	case "opening":
		prep := n.lang(" on ", " am ")
		if d.day == 0 {
			prep = n.lang(" in ", " im ")
		}
		first = n.lang("the opening", "die Eröffnung") + prep + first
	case "delivery":
		first = "delivery by " + first
		if n.l.german {
			first = "die Lieferung bis " + n.l.date(d.when, n.now)
		}
	case "decide", "ends", "renews", "bids", "visit":
		first = ""
	default:
		if d.day == 0 {
			first = ""
		} else if n.l.german {
			first = "den Termin " + first
		}
	}
	return strings.Join(out[:min(len(out), 2)], ", "), first
}

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

// named is the name of a file, an event or a form as it stands in a sentence: "the guide on export finance", "the open day".
func (n *note) named(f *fact) string {
	kind, rest, first := docKind(f.title)
	l := n.l
	if kind == "" {
		kind = n.eventKind(f)
	}
	if kind != "" && rest == "" && !first {
		rest = f.title // the address told the kind
	}
	if len(f.subjects) > 0 && (f.act == ActRegister || f.act == ActAttend) && kind != "" && (!strings.EqualFold(f.subjects[0], f.title) || rest == f.title) {
		if l.german {
			return firstOf(docTypes[kind], upperFirst(kind)) + " " + n.subjectList(f.subjects[:1])
		}
		return "the " + kind + " on " + n.subjectList(f.subjects[:1])
	}
	product := n.productName(f.product)
	if rest = strings.TrimSpace(dropped(rest, []string{product})); rest == "" && kind != "" && product != "" && f.act == ActDownload {
		return n.lang("the "+kind+" of "+product, firstOf(docTypes[kind], upperFirst(kind))+" zu "+product)
	}
	if l.german {
		switch {
		case kind != "" && rest == "":
			return firstOf(docTypes[kind], upperFirst(kind))
		case f.german:
			return l.quotedUnless(f.title, first)
		case kind != "" && first:
			return firstOf(docTypes[kind], upperFirst(kind)) + " " + l.quoted(strings.Trim(rest, " :–-"))
		case f.title != "":
			return l.quoted(f.title)
		case f.act == ActRegister || f.act == ActAttend:
			return "Veranstaltung"
		}
		return map[Act]string{ActDownload: "Datei", ActForm: ""}[f.act]
	}
	rest = strings.Trim(rest, " :–-")
	switch {
	case f.german && f.title != "":
		return l.quoted(f.title)
	case kind != "" && rest == "":
		return "the " + kind
	case kind != "" && first && len(strings.Fields(rest)) <= 5:
		if strings.Contains(strings.ToLower(f.title), kind+" for ") {
			return "the " + kind + " for " + lowerFirst(rest)
		}
		return "the " + kind + " on " + lowerFirst(rest)
	case kind != "" && len(strings.Fields(f.title)) <= 6 && !first:
		return "the " + lowerFirst(strings.TrimPrefix(dropped(f.title, nil), "The "))
	case f.title != "":
		return l.quoted(f.title)
	case f.act == ActRegister || f.act == ActAttend:
		return "an event"
	case f.act == ActDownload:
		return "a download"
	}
	return ""
}

// eventKind is what kind of event somebody came to, by its name.
func (n *note) eventKind(f *fact) string {
	if f.act != ActRegister && f.act != ActAttend {
		return ""
	}
	w := words(f.title)
	for _, k := range []string{"webinar", "workshop", "seminar", "conference", "course"} {
		if slices.Contains(w, k) || f.kind == k {
			return k
		}
	}
	return ""
}

func (l *tongue) quotedUnless(s string, plain bool) string {
	if plain {
		return s
	}
	return l.quoted(s)
}

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

// formName is a form that was begun, and what it asks for: "the demo form", "the demo".
func (n *note) formName(f *fact) (form, wants string) {
	l := n.l
	name := firstOf(f.item, f.title)
	product := n.productName(f.product)
	switch a := formAct(name); {
	case a == ActDemo && l.german:
		return "Demo-Formular", "Demo"
	case a == ActDemo:
		return "demo form", "the demo"
	case a == ActQuote && l.german:
		return "Angebotsformular", "Angebot"
	case a == ActQuote:
		return "quote form", "the quote"
	case a == ActTrialAsk && l.german:
		return "Formular für den Testzugang", ""
	case a == ActTrialAsk:
		return "trial form", "the trial"
	case a == ActEnquiry && l.german:
		return "Kontaktformular", ""
	case a == ActEnquiry:
		return "contact form", ""
	case a == ActApply || strings.Contains(strings.ToLower(name), "appl") || strings.Contains(strings.ToLower(name), "bewerb"):
		if l.german {
			if product != "" {
				return product + "-Bewerbung", ""
			}
			return "Antrag", ""
		}
		if product != "" {
			return product + " application", ""
		}
		return "application", ""
	}
	if name == "" || l.german && !germanTitle(name) {
		if l.german {
			return "Formular", ""
		}
		return "form", ""
	}
	if l.german {
		return "Formular " + l.quoted(name), ""
	}
	return "form " + l.quoted(name), ""
}

// headline states the leading fact in its form.
func (n *note) headline(f *fact, as form, class Class) Sentence {
	l, v := n.l, n.slots(f)
	h := l.heads[f.act]
	limit := headlineMax
	prefix := ""
	if class == ClassCustomer {
		prefix = l.classes[ClassCustomer]
		limit -= runes(prefix) - 3
	}
	cites := f.newestCites()
	template, age := h.fresh, n.days(f.at)
	switch {
	case f.act == ActTrial && n.alive(f):
	case (f.act.request() || f.act == ActSample || f.act.unfinished() || f.act.strong() || f.act == ActProduct) && age >= goneDays && h.gone != "":
		template = h.gone
	case age >= oldDays && h.old != "":
		template = h.old
	case f.act == ActRegister && n.ahead(f.date):
	case age >= freshDays && h.aged != "":
		template = h.aged
		v['s'] = n.silentSince(f, &cites)
	}
	if r := n.newestRequest(); f.act.first() && r != nil {
		cites = append(cites[:min(len(cites), 2)], r.cites...)
	}
	var beside []Act
	switch f.act {
	case ActStuck:
		beside = []Act{ActTrial}
	case ActTrial:
		beside = []Act{ActInvite, ActUse}
	}
	for _, also := range beside {
		if g := n.newest(also); g != nil {
			cites = append(cites, g.newestCite()[0])
			if v['i'] != "" || f.act == ActStuck {
				tell(g)
			}
		}
	}
	switch {
	case class == ClassCustomer && f.ask.cancels:
		template = l.cancels
	case f.act == ActReply && f.ask.later:
		template = l.later
		if v['t'] != "" {
			v['U'] = n.l.date(f.ask.dates[len(f.ask.dates)-1].when, n.now)
		}
	}
	tail := ""
	switch as {
	case formAnswered:
		answer := n.answeredBy(f)
		page := n.readAfter(answer)
		text := n.answered(answer, page)
		tell(answer, page)
		return n.headed(prefix, text, append(page.newestCites(), answer.cites...), class)
	case formBack:
		v['s'], v['d'] = n.day(n.before), n.day(n.after)
		v['o'] = n.what(f)
		tell(f)
		return n.headed(prefix, fill(l.back, &v, limit), append(cites, n.citesAt(n.before)...), class)
	case formBoth:
		a, b := n.twoProducts()
		v['p'] = l.list([]string{n.productName(a), n.productName(b)})
		last := n.newestOwn()
		v['d'] = n.day(last.at)
		template := l.both
		if n.any(func(g *fact) bool { return g.names(n.productName(a)) && g.names(n.productName(b)) }) {
			template = l.together
		}
		return n.headed(prefix, fill(template, &v, limit), append(last.newestCites(), n.pricesOf(a, b)...), class)
	case formWeighs:
		c, x := n.newest(ActCalculate), n.newest(ActCompare)
		cv := n.slots(c)
		cv['x'] = n.slots(x)['x']
		tell(c, x)
		c.said, f.said, n.noRequest = c.said+"b", f.said+"b", false
		return n.headed(prefix, fill(l.weighs, &cv, limit), append(c.newestCites(), x.cites...), class)
	case formFirst:
		prefix, limit = l.first+"{o}", limit-runes(l.first)
		tail = ""
	}
	if as == formPlain && strings.Contains(template, "{tail}") {
		tail = n.tail(f, &cites)
	}
	v[slotTail] = tail
	if f.ask.hostile {
		v[slotTail] = ""
	}
	text := fill(template, &v, limit)
	if text == "" {
		text = fill(template, &slots{'d': v['d'], 's': v['s'], 'o': v['o'], 'l': v['l']}, headlineMax)
	}
	if as == formFirst {
		text = lowerFirst(text)
	}
	tell(f)
	said(text, f, &v)
	if as != formFirst {
		if c := n.colleague(); c != nil && !f.act.request() {
			if add := n.colleagueTail(c); runes(text)+runes(add) <= limit {
				text += add
				cites = append(cites, c.cites...)
				tell(c)
			}
		}
	}
	return n.headed(prefix, text, cites, class)
}

func (n *note) headed(prefix, text string, cites []string, class Class) Sentence {
	if prefix != "" {
		if class == ClassCustomer {
			text = lowerFirstIn(n.l, text)
		}
		text = strings.Replace(prefix, "{o}", text, 1)
	}
	return sentence(text, cites...)
}

// lowerFirstIn makes the first letter small where the language writes verbs small after a colon.
func lowerFirstIn(l *tongue, s string) string {
	if !l.german {
		return lowerFirst(s)
	}
	for _, verb := range []string{"Möchte", "Bittet", "Hat", "Informiert", "Vergleicht", "Rechnet", "Liest", "Sieht", "Wägt", "Am", "Nutzt", "Öffnet"} {
		if strings.HasPrefix(s, verb+" ") {
			return lowerFirst(s)
		}
	}
	return s
}

// said notes which parts of f the headline holds, so that the summary goes on from there.
func said(text string, f *fact, v *slots) {
	for _, k := range "qtbaxpkL" {
		if v[k] != "" && strings.Contains(text, v[k]) {
			f.said += string(k)
		}
	}
}

// holds says that the headline holds the slot k of f.
func (f *fact) holds(k byte) bool { return strings.IndexByte(f.said, k) >= 0 }

func tell(facts ...*fact) {
	for _, f := range facts {
		f.told = true
	}
}

// silentSince is what follows an aged request: since when nothing came.
func (n *note) silentSince(f *fact, cites *[]string) string {
	last := f
	for i := range n.facts {
		if g := &n.facts[i]; g.colleague == "" && g.at > last.at && g.act != ActOpen && g.act != ActHelp && g.act != ActOurQuote && g.act != ActOurTouch && g.act != ActCareers && g.act != ActNews {
			last = g
		}
	}
	since := n.lang("nothing since", "seither nichts")
	if f.act.request() {
		since = n.lang("silent since", "seither keine Reaktion")
	}
	if n.sameDay(last.at, f.at) {
		return since
	}
	*cites = append(*cites, last.newestCite()[0])
	day := n.day(last.at)
	switch {
	case n.days(last.at) < 7:
		return n.lang("last seen on "+day, "zuletzt aktiv am "+day)
	case n.l.german:
		return "seit " + day + " nichts mehr"
	}
	return since + " " + day
}

// tail adds to a page that leads what came before it: the request that grew old, the webinar, or that there is no request.
func (n *note) tail(f *fact, cites *[]string) string {
	for i := len(n.facts) - 1; i >= 0; i-- {
		g := &n.facts[i]
		if g == f || g.colleague != "" || g.at > f.at || n.l.was[g.act] == "" || !g.act.request() && g.act != ActRegister && g.act != ActAttend && g.act != ActSample && g.act != ActTrial && g.act != ActMet {
			continue
		}
		*cites = append(*cites, g.cites[0])
		tell(g)
		if n.l.german {
			return " nach " + n.called(g) + " vom " + n.day(g.at)
		}
		return " after the " + n.called(g) + " of " + n.day(g.at)
	}
	if n.colleague() == nil && (f.act == ActPrice || f.act == ActTerms || f.act == ActCompare) {
		n.noRequest = true
		return ", " + n.l.noRequest
	}
	return ""
}

// ahead says that a date that somebody registered for is still to come.
func (n *note) ahead(w when) bool {
	if w.zero() || w.day == 0 {
		return false
	}
	year := w.year
	if year == 0 {
		year = n.s.Now.Year()
	}
	return time.Date(year, time.Month(w.month), w.day, 23, 0, 0, 0, n.loc).After(n.age)
}

// answered says that our quote waits while they read on.
func (n *note) answered(answer, page *fact) string {
	v := n.slots(page)
	v['d'] = n.day(page.at)
	if n.l.german {
		return "Unser Angebot liegt seit " + n.day(answer.at) + " vor; " + map[Act]string{ActTerms: "Konditionen", ActPrice: "Preise", ActCompare: "Vergleich", ActOrderPage: "Bestellseite", ActCalculate: "Rechner"}[page.act] + " am " + n.day(page.at) + " gelesen"
	}
	return "Has our quote since " + n.day(answer.at) + "; " + map[Act]string{ActTerms: "read the contract terms", ActPrice: "read the prices", ActCompare: "read a comparison", ActOrderPage: "opened the order page", ActCalculate: "worked out a price"}[page.act] + " on " + n.day(page.at)
}

// what names a page act for "back again".
func (n *note) what(f *fact) string {
	v := n.slots(f)
	name := map[Act][2]string{ActPrice: {v['r'], v['r']}, ActTerms: {"contract terms", "Konditionen"}, ActCompare: {"a comparison", "Vergleich"}, ActOrderPage: {"the order page", "Bestellseite"}, ActCalculate: {"the price calculator", "Preisrechner"}, ActCase: {"a case study", "Fallstudie"}}[f.act]
	s := name[0]
	if n.l.german {
		s = name[1]
	}
	switch {
	case s != "" && v['p'] != "" && f.act == ActPrice && !n.l.german:
		return v['p'] + " " + s
	case s != "":
		return s
	case v['p'] != "":
		return v['p']
	case v['l'] != "":
		return v['l']
	case v['o'] != "":
		return v['o']
	}
	if n.l.german {
		return "Website besucht"
	}
	return "visited the site"
}

func (n *note) citesAt(at int64) []string {
	for i := range n.facts {
		if f := &n.facts[i]; f.at == at || slices.Contains(f.days, at) {
			return f.cites[:1]
		}
	}
	return nil
}

func (n *note) pricesOf(a, b uint8) (cites []string) {
	for i := range n.facts {
		if f := &n.facts[i]; f.act == ActPrice && (f.product == a || f.product == b) {
			cites = append(cites, f.cites[0])
		}
	}
	return cites
}

// alive says that a trial is still in use, or has days left.
func (n *note) alive(f *fact) bool {
	return n.ahead(f.date) || n.any(func(g *fact) bool { return (g.act == ActUse || g.act == ActInvite) && n.days(g.at) < freshDays })
}

// names says that the title of f names something.
func (f *fact) names(s string) bool {
	return strings.Contains(" "+foldSubject(f.title)+" ", " "+foldSubject(s)+" ")
}

// colleague is the newest request of somebody else of the company.
func (n *note) colleague() *fact {
	for i := len(n.facts) - 1; i >= 0; i-- {
		if n.facts[i].colleague != "" {
			return &n.facts[i]
		}
	}
	return nil
}

func (n *note) colleagueTail(c *fact) string {
	name := c.colleague
	if n.l.german {
		if name == "?" {
			name = "jemand"
		}
		return "; " + name + " (selbe Firma): " + n.called(c) + " vom " + n.day(c.at)
	}
	asked := map[Act]string{ActDemo: "asked for a demo", ActQuote: "asked for a quote", ActTender: "invited bids", ActPilot: "asked for a pilot", ActMeeting: "booked a meeting", ActTrialAsk: "asked for a trial"}[c.act]
	if asked == "" {
		asked = "sent an enquiry"
	}
	if name == "?" {
		return "; a colleague " + asked + " on " + n.day(c.at)
	}
	return "; colleague " + name + " " + asked + " on " + n.day(c.at)
}
