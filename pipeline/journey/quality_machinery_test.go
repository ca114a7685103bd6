package journey_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/intentd/intentd/connectors"
)

// The world of machinery: a German manufacturer, its site walked from page to page, told in the words of a tag manager; mails come
// from a tool that says when they were delivered. Most who buy take months and let their engineers read; some replace what is broken and ask
// on their first visit; some send a tender. Nearly all ask by a form, by mail or by telephone, and a telephone tells nothing.

// machineryMixes differ in how many of the engineers whose firm buys nothing price what they read about, and whether competitors look.
var machineryMixes = []mix{
	machineryMix("machinery, kind", 0, 0, 0.85, 0.85),
	machineryMix("machinery, curious engineers", 0.1, 1, 0.65, 0.85),
	machineryMix("machinery, hard engineers", 0.5, 1, 0.38, 0.85),
}

func machineryMix(name string, pricing, competitors, precision, recall float64) mix {
	return mix{name, map[string]float64{
		buyer: 5, "searcher": 40, "engineer": 12, "customer": 12, "list": 14, "job seeker": 8, "supplier": 4, "student": 3, "press": 1, "competitor": competitors,
	}, map[string]func(*lead){
		buyer: (*lead).project, "searcher": (*lead).searcher, "engineer": func(l *lead) { l.engineer(l.between(0, 60), 60, pricing) }, "student": func(l *lead) { l.engineer(l.between(0, 100), 10, pricing) },
		"customer": (*lead).serviced, "list": (*lead).listed, "job seeker": (*lead).applicant, "supplier": (*lead).supplier, "press": (*lead).press, "competitor": (*lead).competitor,
	}, "werk.example", 3, nil, precision, recall}
}

// ways are where one goes from a page of the machine builder's site; the number says how often, beside others.
var ways = map[string][]string{
	"/":                         {"/produkte/", "/produkte/", "/unternehmen", "/branchen/Getraenke", "/aktuelles", "/de/referenzen"},
	"/produkte/":                {"/produkte/pumpen", "/produkte/ventile", "/produkte/pumpen", "/"},
	"/produkte/pumpen":          {"/produkte/pumpen/p400", "/produkte/pumpen/p400/technische-daten", "/produkte/", "/branchen/Getraenke"},
	"/produkte/ventile":         {"/produkte/ventile/v2", "/produkte/", "/wissen/ventilarten"},
	"/produkte/pumpen/p400":     {"/produkte/pumpen/p400/technische-daten", "/referenzen/brauerei", "/produkte/pumpen", "/service"},
	"/produkte/ventile/v2":      {"/produkte/ventile/v2/technische-daten", "/produkte/ventile"},
	"/branchen/Getraenke":       {"/Referenzen/Brauerei/", "/produkte/pumpen", "/produkte/pumpen/p400"},
	"/referenzen/brauerei":      {"/referenzen/molkerei", "/produkte/pumpen/p400"},
	"/wissen/ventilarten":       {"/wissen/preise-von-pumpen", "/wissen/pumpenkennlinie", "/produkte/ventile"},
	"/wissen/pumpenkennlinie":   {"/wissen/ventilarten", "/wissen/preise-von-pumpen", "/produkte/pumpen"},
	"/wissen/preise-von-pumpen": {"/wissen/pumpenkennlinie"},
}

// walk is a visit of n pages or fewer, each a way from the one before, with what a tag manager tells beside: scrolls, clicks.
func (l *lead) walk(day float64, n int, page string) {
	session := fmt.Sprint("s", int(day*1000))
	for i := range n {
		l.at(day, "page_view", page, "session", session)
		l.events[len(l.events)-1].Session = session
		day += math.Exp(3+l.r.NormFloat64()) / 86400
		if l.chance(0.5) {
			l.at(day-5.0/86400, []string{"scroll", "gtm.linkClick", "user_engagement"}[l.r.IntN(3)], page)
			l.events[len(l.events)-1].Session = session
		}
		next := ways[page]
		if len(next) == 0 || i == n-1 {
			return
		}
		page = next[l.r.IntN(len(next))]
	}
}

// entries are where people come in.
func (l *lead) entry(pages ...string) string { return pages[l.r.IntN(len(pages))] }

// engineer reads technical data for some weeks, takes sheets, and prices it in a share of cases.
func (l *lead) engineer(begin, span, pricing float64) {
	for day := begin; day < begin+span && day < simulated; day += l.r.ExpFloat64() * span / 5 {
		l.walk(day, 2+l.r.IntN(6), l.entry("/", "/produkte/pumpen", "/wissen/pumpenkennlinie", "/produkte/pumpen/p400?utm_source=google"))
		if l.chance(0.3) {
			l.at(day+0.01, "file_download", "/produkte/pumpen/p400/technische-daten", "file_name", "P400_Datenblatt.pdf")
		}
	}
	if !l.chance(pricing) {
		return
	}
	day := l.between(begin, begin+span)
	l.at(day, "page_view", "/konfigurator/pumpen")
	if l.prices {
		l.at(day+0.002, "page_view", "/preise-und-lieferzeiten")
	}
}

// project is a firm that buys.
func (l *lead) project() {
	l.decides = l.between(45, simulated-3)
	asks := l.decides - l.between(1, 20)
	switch {
	case l.chance(0.6):
		begin := max(0, asks-l.between(15, 45))
		l.engineer(begin, asks-begin, 0.7)
	case l.chance(0.6): // something broke
		l.walk(asks-0.02, 3, "/produkte/pumpen")
	default: // a tender
		l.walk(asks-1, 4, "/")
		l.at(asks-0.99, "page_view", "/agb")
	}
	switch way := l.r.Float64(); {
	case way < 0.6:
		l.at(asks, "form_submit", "/kontakt/", connectors.PropForm, l.entry("Angebotsanfrage P400", "Kontaktformular", "Rückrufbitte", "Anfrage Ventile V2", "Ausschreibung senden", "Beratungstermin"))
	case way < 0.75:
		l.at(asks, "Email Replied", "", "subject", "AW: Unser Angebot")
	case way < 0.85:
		l.at(asks, "Termin gebucht", "")
	}
}

func (l *lead) searcher() {
	for range 1 + l.r.IntN(2) {
		l.walk(l.between(0, simulated), 1+l.r.IntN(4), l.entry("/wissen/ventilarten", "/wissen/pumpenkennlinie", "/wissen/preise-von-pumpen", "/", "/produkte/ventile"))
	}
	if l.chance(0.1) {
		l.at(l.between(0, simulated), "form_submit", "/", connectors.PropForm, l.entry("Newsletter-Anmeldung", "Suche", "Cookie-Einstellungen"))
	}
}

// serviced has a machine already. The CRM does not know that of all.
func (l *lead) serviced() {
	l.customer = l.chance(0.85)
	for range 2 + l.r.IntN(5) {
		day := l.between(0, simulated)
		l.at(day, "page_view", l.entry("/kundenservice/wartung", "/hilfe/handbuecher", "/kundenlogin", "/produkte/pumpen/p400", "/mein-konto/bestellungen"))
		if l.chance(0.4) {
			l.at(day+0.01, "form_submit", "/kundenservice", connectors.PropForm, l.entry("Serviceanfrage", "Störungsmeldung", "Kundendienst kontaktieren", "Reklamation", "Rücksendung/Retoure anmelden", "Technischer Support"))
		}
	}
	if l.chance(0.2) {
		l.walk(l.between(0, simulated), 4, "/produkte/")
	}
}

// listed gets mails. Half of them sit behind a gateway that opens all links when the mail comes; some are away, some leave.
func (l *lead) listed() {
	gateway := l.chance(0.5)
	for day := l.between(0, 15); day < simulated; day += l.between(8, 16) {
		camp, second := "infobrief-"+strconv.Itoa(int(day)), 1.0/86400
		l.at(day, "email_delivered", "", connectors.PropCampaign, camp)
		if gateway {
			links := slices.Clone([]string{"/preise-und-lieferzeiten", "/produkte/pumpen/p400", "/referenzen/brauerei", "/abmelden"}[l.r.IntN(3):])
			for i, path := range links {
				click := day + float64(2+i*l.r.IntN(3))*second
				l.at(click, "email_clicked", path, connectors.PropCampaign, camp)
				l.at(click+second, "page_view", path+"?utm_medium=email&utm_campaign="+camp)
			}
		}
		switch way := l.r.Float64(); {
		case way < 0.3:
			l.at(day+l.between(0.01, 0.8), "email_opened", "", connectors.PropCampaign, camp)
		case way < 0.4:
			read := day + l.between(0.05, 0.8)
			l.at(read, "email_clicked", "/aktuelles", connectors.PropCampaign, camp)
			l.walk(read+second, 2, "/aktuelles")
		case way < 0.45:
			l.at(day+0.001, "email_replied", "", "subject", l.entry("Automatische Antwort: Infobrief", "Abwesenheitsnotiz", "Ich bin im Urlaub bis 14.", "Unzustellbar: Infobrief"))
		case way < 0.48:
			l.at(day+0.3, "email_clicked", "/newsletter-abmelden", connectors.PropCampaign, camp)
			return
		}
	}
}

func (l *lead) applicant() {
	day := l.between(0, simulated-10)
	for i := range 4 {
		l.at(day+float64(i)*0.002, "page_view", l.entry("/karriere", "/karriere/stellen/konstrukteur", "/unternehmen", "/"))
	}
	l.at(day+0.02, "form_submit", "/karriere/bewerben", connectors.PropForm, l.entry("Bewerbung", "Initiativbewerbung", "Bewerbungsformular", "Praktikumsanfrage", ""))
}

func (l *lead) supplier() {
	day := l.between(0, simulated-10)
	l.walk(day, 4, "/")
	l.at(day+0.02, "form_submit", "/einkauf", connectors.PropForm, l.entry("Lieferantenanfrage", "Lieferantenselbstauskunft", "Lieferant werden", "Supplier enquiry"))
}

func (l *lead) press() {
	day := l.between(0, simulated)
	l.walk(day, 3, "/aktuelles")
	l.at(day+0.01, "form_submit", "/presse", connectors.PropForm, l.entry("Presseanfrage", "Pressekontakt", "Presseverteiler"))
}

// competitor looks at everything, again and again.
func (l *lead) competitor() {
	for range 3 + l.r.IntN(4) {
		day := l.between(0, simulated)
		l.walk(day, 6, "/produkte/")
		l.at(day+0.01, "page_view", "/konfigurator/pumpen")
		if l.prices {
			l.at(day+0.011, "page_view", "/preise-und-lieferzeiten")
		}
	}
}
