package rules

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/intent/plain"
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

// object puts the thing's own name into {o} and {l}.
func (n *note) object(f *fact, a *ask, v *slots) {
	l := n.l
	switch f.act {
	case act.Download, act.Register, act.Attend, act.Form:
		v['o'] = n.named(f)
	case act.Enquiry, act.Search, act.Miss, act.Cancel, act.Meeting, act.Callback:
		if r := n.newestRequest(); r != nil && f.act.First() && r.ask.any && !r.ask.hostile {
			a = r.ask
			if !a.owns || f.act != act.Enquiry {
				v['q'] = n.quantities(a)
			}
		}
		if a.place != "" {
			v['o'] = a.place
		}
	case act.Pilot:
		if g := n.earlier(f); g != nil {
			v['F'] = n.lang("first", "zuerst")
		}
	case act.Begun:
		v['o'], v['y'] = n.formName(f)
	case act.Order:
		if f.item != "" && !strings.EqualFold(f.item, v['p']) {
			v['o'] = n.itemName(f.item)
		}
	case act.Cart, act.Checkout:
		if v['p'] != "" && (f.item == "" || strings.EqualFold(f.item, v['p'])) {
			v['o'] = v['p']
		} else if f.item != "" {
			v['o'] = n.itemName(f.item)
		}
		if v['o'] != "" && !l.german && startsName(v['o']) && v['o'] == v['p'] {
			v['o'] = article(v['o'])
		}
	case act.Booking:
		v['o'] = cmp.Or(f.item, a.place)
		if s := n.newest(act.Search); s != nil && (v['o'] == "" || v['q'] == "") {
			if v['o'] == "" {
				v['o'] = s.ask.place
			}
			v['q'] = n.quantities(s.ask)
		}
	case act.Stuck, act.Use:
		v['o'] = f.item
		if l.german && f.item != "" {
			v['o'] = n.place(f.item, false)
		}
		v['O'] = unarticled(v['o'])
	}
	if len(f.subjects) > 0 && v['l'] == "" {
		v['l'] = n.subjectList(f.subjects[:min(len(f.subjects), 3)])
		if v['o'] == "" && f.act == act.Read && n.onlyPage(f) {
			v['o'] = v['l']
		}
	}
	if v['l'] != "" && l.german {
		v[slotOnSubjects] = "zum Thema " + v['l']
		if len(f.subjects) > 1 {
			v[slotOnSubjects] = "zu den Themen " + v['l']
		}
		if f.act == act.Read && n.onlyPage(f) {
			v[slotOnlyPage] = v[slotOnSubjects]
		}
	}
	if !f.date.zero() {
		v['e'] = l.date(f.date, n.now)
	}
	if f.act == act.Meeting {
		v['M'] = "Meeting"
		if l.german {
			v['M'] = "Termin"
		}
		if strings.Contains(strings.ToLower(f.title), "demo") {
			v['M'] = "Demo"
		}
	}
	if f.act == act.Open && f.count > 1 {
		v['n'] = l.number(f.count)
	} else if f.act == act.Open {
		v['n'] = ""
	}
	if !n.any(func(g *fact) bool { return g.act.Page() || g.act.Strong() }) {
		v[slotNothingMore] = n.lang("; nothing more", ", sonst nichts")
	}
	if f.act == act.Invite {
		v['n'] = n.colleagues(f.count)
	}
	if f.act == act.Trial {
		if g := n.newest(act.Invite); g != nil {
			v['i'] = n.colleagues(g.count) + " invited"
			if l.german {
				v['i'] = n.colleagues(g.count) + " eingeladen"
			}
		} else if g := n.newest(act.Use); g != nil {
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
	if f.act == act.Read && f.summary > 1 {
		v['v'] = l.number(f.summary) + n.lang(" pages read", " Seiten gelesen")
	}
	if f.act == act.Visit && f.summary > 1 {
		v['v'] = l.number(f.summary) + " visits"
		if l.german {
			v['v'] = l.number(f.summary) + " Besuche"
		}
	}
}

// demo is what a demo is called in the trade.
func (n *note) demo(f *fact) string {
	if w := " " + strings.Join(plain.Words(f.title), " ") + " "; strings.Contains(w, " test drive ") || strings.Contains(w, " probefahrt ") {
		return n.lang("test drive", "Probefahrt")
	}
	return n.lang("demo", "Demo")
}

// called is what f is called once something newer leads: "demo request".
func (n *note) called(f *fact) string {
	if f.act == act.Demo {
		return n.lang(n.demo(f)+" request", n.demo(f)+"-Anfrage")
	}
	return n.l.was[f.act]
}

var pricesGerman = map[string]string{"rates": "Zinsen", "fees": "Gebühren", "trade prices": "Händlerpreise"}

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
	if len(f.subjects) > 0 && (f.act == act.Register || f.act == act.Attend) && kind != "" && (!strings.EqualFold(f.subjects[0], f.title) || rest == f.title) {
		if l.german {
			return cmp.Or(docTypes[kind], upperFirst(kind)) + " " + n.subjectList(f.subjects[:1])
		}
		return "the " + kind + " on " + n.subjectList(f.subjects[:1])
	}
	product := n.productName(f.product)
	if rest = strings.TrimSpace(dropped(rest, []string{product})); rest == "" && kind != "" && product != "" && f.act == act.Download {
		return n.lang("the "+kind+" of "+product, cmp.Or(docTypes[kind], upperFirst(kind))+" zu "+product)
	}
	if l.german {
		switch {
		case kind != "" && rest == "":
			return cmp.Or(docTypes[kind], upperFirst(kind))
		case f.german:
			return l.quotedUnless(f.title, first)
		case kind != "" && first:
			return cmp.Or(docTypes[kind], upperFirst(kind)) + " " + l.quoted(strings.Trim(rest, " :–-"))
		case f.title != "":
			return l.quoted(f.title)
		case f.act == act.Register || f.act == act.Attend:
			return "Veranstaltung"
		}
		return map[act.Act]string{act.Download: "Datei", act.Form: ""}[f.act]
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
	case f.act == act.Register || f.act == act.Attend:
		return "an event"
	case f.act == act.Download:
		return "a download"
	}
	return ""
}

// eventKind is what kind of event somebody came to, by its name.
func (n *note) eventKind(f *fact) string {
	if f.act != act.Register && f.act != act.Attend {
		return ""
	}
	w := plain.Words(f.title)
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

// formName is a form that was begun, and what it asks for: "the demo form", "the demo".
func (n *note) formName(f *fact) (form, wants string) {
	l := n.l
	name := cmp.Or(f.item, f.title)
	product := n.productName(f.product)
	switch a := act.OfForm(name); {
	case a == act.Demo && l.german:
		return "Demo-Formular", "Demo"
	case a == act.Demo:
		return "demo form", "the demo"
	case a == act.Quote && l.german:
		return "Angebotsformular", "Angebot"
	case a == act.Quote:
		return "quote form", "the quote"
	case a == act.TrialAsk && l.german:
		return "Formular für den Testzugang", ""
	case a == act.TrialAsk:
		return "trial form", "the trial"
	case a == act.Enquiry && l.german:
		return "Kontaktformular", ""
	case a == act.Enquiry:
		return "contact form", ""
	case a == act.Apply || strings.Contains(strings.ToLower(name), "appl") || strings.Contains(strings.ToLower(name), "bewerb"):
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

// said notes which parts of f the headline holds, so that the summary goes on from there.
func said(text string, f *fact, v *slots) {
	for _, k := range "qtbaxpkL" {
		if v[k] != "" && strings.Contains(text, v[k]) {
			f.said += string(k)
		}
	}
}

func tell(facts ...*fact) {
	for _, f := range facts {
		f.told = true
	}
}

// silentSince is what follows an aged request: since when nothing came.
func (n *note) silentSince(f *fact, cites *[]string) string {
	last := f
	for i := range n.facts {
		if g := &n.facts[i]; g.colleague == "" && g.at > last.at && g.act != act.Open && g.act != act.Help && g.act != act.OurQuote && g.act != act.OurTouch && g.act != act.Careers && g.act != act.News {
			last = g
		}
	}
	since := n.lang("nothing since", "seither nichts")
	if f.act.Request() {
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
		if g == f || g.colleague != "" || g.at > f.at || n.l.was[g.act] == "" || !g.act.Request() && g.act != act.Register && g.act != act.Attend && g.act != act.Sample && g.act != act.Trial && g.act != act.Met {
			continue
		}
		*cites = append(*cites, g.cites[0])
		tell(g)
		if n.l.german {
			return " nach " + n.called(g) + " vom " + n.day(g.at)
		}
		return " after the " + n.called(g) + " of " + n.day(g.at)
	}
	if n.colleague() == nil && (f.act == act.Price || f.act == act.Terms || f.act == act.Compare) {
		n.noRequest = true
		return ", " + n.l.noRequest
	}
	return ""
}

// say fills v with what there is to say of f.
func (n *note) say(f *fact, v *slots) {
	l := n.l
	v['d'], v['p'] = n.dates(f), n.productName(f.product)
	v[slotOn] = n.on(f, v['d'])
	if v['d'] == "" {
		v['d'] = n.day(f.at)
	}
	if f.act == act.Trial || f.act == act.Use || f.act == act.Invite || f.act == act.Open || f.act == act.Visit || f.act == act.Click || f.act == act.Stuck {
		v['d'] = n.day(f.at)
	}
	if f.act == act.Trial || f.act == act.Stuck {
		v['d'] = n.day(f.first)
	}
	a := f.ask
	if a.hostile {
		a = &nothing
	}
	if !a.owns || f.act != act.Enquiry && f.act != act.Reply {
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
	if f.act == act.Register && v['p'] == "" {
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
	if f.act == act.Demo {
		v['D'] = n.demo(f)
		if v['D'] != "demo" && v['D'] != "Demo" {
			v['T'] = "" // the day they wish for is that of the drive
		}
	}
	if v['t'] == "" && a.soon {
		v['t'] = n.lang("as soon as possible", "so bald wie möglich")
	}
	if f.act == act.Apply {
		v['t'] = strings.NewReplacer("live by ", "start in ", "Start bis ", "Start ").Replace(v['t'])
	}
	if f.act == act.Refuse && !f.form {
		v['y'] = n.lang("reply of ", "Antwort vom ")
	}
	if f.act == act.Use {
		v['M'] = n.lang("product", "das Produkt")
		if n.newest(act.Trial) != nil {
			v['M'] = n.lang("trial", "den Test")
		}
	}
	v['L'], v['C'] = a.link, a.chosen
	if v['C'] == "" && a.chose {
		v['C'] = n.lang("another provider", "einen anderen Anbieter")
	}
	v['w'] = n.place(f.where, f.field)
	v['W'] = unarticled(v['w'])
	if f.act == act.Price {
		v['r'] = n.lang(f.item, pricesGerman[f.item])
		if v['r'] == "" {
			v['r'] = n.lang("prices", "Preise")
		}
	}
	v['n'] = l.number(f.count)
	n.object(f, a, v)
}

// what names a page act for "back again".
func (n *note) what(f *fact) string {
	v := n.slots(f)
	name := map[act.Act][2]string{act.Price: {v['r'], v['r']}, act.Terms: {"contract terms", "Konditionen"}, act.Compare: {"a comparison", "Vergleich"}, act.OrderPage: {"the order page", "Bestellseite"}, act.Calculate: {"the price calculator", "Preisrechner"}, act.Case: {"a case study", "Fallstudie"}}[f.act]
	s := name[0]
	if n.l.german {
		s = name[1]
	}
	switch {
	case s != "" && v['p'] != "" && f.act == act.Price && !n.l.german:
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

// answered says that our quote waits while they read on.
func (n *note) answered(answer, page *fact) string {
	v := n.slots(page)
	v['d'] = n.day(page.at)
	if n.l.german {
		return "Unser Angebot liegt seit " + n.day(answer.at) + " vor; " + map[act.Act]string{act.Terms: "Konditionen", act.Price: "Preise", act.Compare: "Vergleich", act.OrderPage: "Bestellseite", act.Calculate: "Rechner"}[page.act] + " am " + n.day(page.at) + " gelesen"
	}
	return "Has our quote since " + n.day(answer.at) + "; " + map[act.Act]string{act.Terms: "read the contract terms", act.Price: "read the prices", act.Compare: "read a comparison", act.OrderPage: "opened the order page", act.Calculate: "worked out a price"}[page.act] + " on " + n.day(page.at)
}
