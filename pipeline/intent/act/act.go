// Package act names what somebody did by a step of a journey: asked for a quote, read prices, left a cart. A step's kind, its form's name, its
// page's address and its signal decide, in this order; what trackers, forms and shops call the same thing is one act.
package act

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent/plain"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/memo"
	"github.com/intentd/intentd/pipeline/score"
)

// Act is what somebody did, as a rep would name it. Receipts carry it as text.
type Act string

// The acts, by how a rep would rank them.
const (
	Unsubscribe Act = "unsubscribe" // from our mails
	Refuse      Act = "refuse"      // said no
	Cancel      Act = "cancel"      // cancelled a meeting
	Miss        Act = "miss"        // did not come to a meeting
	Demo        Act = "demo"
	Quote       Act = "quote"
	Tender      Act = "tender" // RFP
	Pilot       Act = "pilot"
	Callback    Act = "callback"
	Enquiry     Act = "enquiry"
	Meeting     Act = "meeting"
	Met         Act = "met" // came to a meeting
	Reply       Act = "reply"
	TrialAsk    Act = "trial_ask"
	Apply       Act = "apply" // sent an application
	Order       Act = "order"
	Sample      Act = "sample"
	PublicAsk   Act = "public_ask"
	Trial       Act = "trial"    // a trial runs
	Stuck       Act = "stuck"    // a trial does not get on
	Invite      Act = "invite"   // invited colleagues
	Use         Act = "use"      // a product event
	Begun       Act = "begun"    // a form was begun and not sent
	Cart        Act = "cart"     // something lies in the cart
	Checkout    Act = "checkout" // left on the way to paying
	Booking     Act = "booking"  // a booking was begun
	OrderPage   Act = "order_page"
	Terms       Act = "terms"
	Calculate   Act = "calculate"
	Price       Act = "price"
	Compare     Act = "compare"
	Register    Act = "register" // for an event
	Attend      Act = "attend"
	Download    Act = "download"
	Form        Act = "form"
	Case        Act = "case"
	Product     Act = "product"
	Search      Act = "search"
	Read        Act = "read"
	Chat        Act = "chat"
	Newsletter  Act = "newsletter"
	SignUp      Act = "sign_up" // made an account
	Click       Act = "click"
	Visit       Act = "visit"
	Mention     Act = "mention"
	Open        Act = "open"
	Help        Act = "help"    // help pages: context
	Careers     Act = "careers" // careers pages and applications for a job
	JobApply    Act = "job_apply"
	Press       Act = "press"
	Supply      Act = "supply" // offers something to us
	OurQuote    Act = "our_quote"
	OurTouch    Act = "our_touch"
	News        Act = "news" // of the company
	None        Act = ""
)

// Request says that somebody asked for something that waits for an answer.
func (a Act) Request() bool {
	switch a {
	case Demo, Quote, Tender, Pilot, Callback, Enquiry, Meeting, Reply, TrialAsk, Apply, Order, PublicAsk:
		return true
	}
	return false
}

// Unfinished says that somebody began something and did not end it.
func (a Act) Unfinished() bool {
	return a == Begun || a == Cart || a == Checkout || a == Booking || a == Trial || a == Stuck || a == OrderPage
}

// First says that a goes before everything else.
func (a Act) First() bool {
	return a == Unsubscribe || a == Refuse || a == Cancel || a == Miss
}

// Strong says that a may lead a headline although nobody asked for anything.
func (a Act) Strong() bool {
	switch a {
	case OrderPage, Terms, Calculate, Price, Compare, Download, Register, Attend, Form, Sample, Chat, Invite, SignUp, Met:
		return true
	}
	return false
}

// Traits are what is asked of the act of a fact again and again.
type Traits struct{ First, Request, Unfinished, Strong bool }

// TraitsOf are those of a.
func TraitsOf(a Act) Traits { return Traits{a.First(), a.Request(), a.Unfinished(), a.Strong()} }

// Page says that a consists in reading a page.
func (a Act) Page() bool {
	switch a {
	case OrderPage, Terms, Calculate, Price, Compare, Case, Product, Read, Visit:
		return true
	}
	return false
}

// formActs name what a form asks for by the words of its name; the first row that matches decides. Words are whole, in lower case.
var formActs = []struct {
	act     Act
	phrases []string
}{
	{Unsubscribe, []string{"unsubscribe", "opt out", "abmelden", "abmeldung", "abbestellen", "désabonner", "darse de baja"}},
	{JobApply, []string{"job application", "apply for job", "career", "careers", "bewerbung", "bewerben", "bewerbungsformular", "onlinebewerbung", "stellenbewerbung", "initiativbewerbung", "internship", "praktikum", "vacancy"}},
	{Press, []string{"press", "media enquiry", "media inquiry", "media request", "interview", "journalist", "presse", "presseanfrage", "medienanfrage"}},
	{Supply, []string{"supplier", "suppliers", "vendor registration", "become a supplier", "lieferant", "lieferanten", "lieferantenanfrage", "fournisseur"}},
	{Newsletter, []string{"newsletter", "mailing list", "subscribe", "subscription updates", "news abonnieren"}},
	{Tender, []string{"rfp", "rfq", "rfi", "request for proposal", "request for proposals", "request for tender", "tender", "tenders", "bid", "invitation to bid", "ausschreibung", "vergabe", "appel d offres"}},
	{Pilot, []string{"pilot", "pilot project", "proof of concept", "poc", "pilotprojekt", "pilotphase", "piloting"}},
	{Sample, []string{"sample", "samples", "muster", "musterbestellung", "probe", "échantillon"}},
	{Demo, []string{"demo", "demos", "demonstration", "vorführung", "vorfuehrung", "product tour", "démo", "demostración", "test drive", "probefahrt"}},
	{Quote, []string{"quote", "quotes", "quotation", "request a quote", "get a quote", "price request", "estimate", "angebot", "angebotsanfrage", "angebot anfordern", "offerte", "preisanfrage", "kostenvoranschlag", "devis", "presupuesto"}},
	{Callback, []string{"call back", "callback", "call me", "call me back", "request a call", "rückruf", "rueckruf", "rückrufbitte", "rappel"}},
	{Meeting, []string{"book a meeting", "book a call", "schedule", "appointment", "termin", "terminbuchung", "beratungstermin", "consultation", "beratung", "erstgespräch", "viewing", "besichtigung", "tour", "site visit", "show round"}},
	{TrialAsk, []string{"trial", "free trial", "test account", "testzugang", "testphase", "testen", "kostenlos testen", "essai"}},
	{Enquiry, []string{"enquiry", "inquiry", "enquiries", "anfrage", "contact sales"}},
	{Register, []string{"webinar", "register", "registration", "event", "open day", "workshop", "seminar", "conference", "anmeldung", "tag der offenen tür", "infoabend", "veranstaltung", "inscription"}},
	{Download, []string{"download", "downloads", "guide", "whitepaper", "white paper", "brochure", "ebook", "e book", "checklist", "template", "report", "data sheet", "datasheet", "catalogue", "catalog", "case study", "size guide",
		"leitfaden", "broschüre", "broschuere", "katalog", "vorlage", "datenblatt", "checkliste", "studie", "playbook", "toolkit", "prospekt"}},
	{Apply, []string{"application", "apply", "antrag", "bewerbung für", "enrolment", "enrollment", "solicitud"}},
	{Order, []string{"order", "order form", "bestellung", "bestellformular", "purchase", "checkout complete"}},
	{Enquiry, []string{"contact", "contact us", "contact sales", "talk to sales", "talk to us", "get in touch", "enquiry", "inquiry", "enquiries", "business enquiry", "group enquiry", "request", "kontakt", "kontaktformular", "kontaktanfrage",
		"anfrage", "gruppenanfrage", "sales", "vertrieb", "reservation", "beratung anfragen", "nous contacter", "contacto"}},
}

// kindActs are acts that the kind of an event settles, by its folded name.
var kindActs = map[string]Act{
	"quote_request": Quote, "contact_request": Enquiry, "sign_up": SignUp, "product_use": Use,
	"unsubscribe": Unsubscribe, "unsubscribed": Unsubscribe, "email_unsubscribe": Unsubscribe, "email_unsubscribed": Unsubscribe, "opt_out": Unsubscribe,
	"meeting_cancelled": Cancel, "meeting_canceled": Cancel, "call_cancelled": Cancel, "demo_cancelled": Cancel, "appointment_cancelled": Cancel,
	"meeting_missed": Miss, "meeting_no_show": Miss, "no_show": Miss, "call_missed": Miss, "missed_meeting": Miss,
	"form_start": Begun, "form_started": Begun, "form_begun": Begun, "form_begin": Begun, "form_abandoned": Begun, "form_abandon": Begun, "form_field": Begun, "application_started": Begun, "application_abandoned": Begun,
	"cart": Cart, "add_to_cart": Cart, "product_added": Cart, "cart_add": Cart, "cart_abandoned": Cart, "cart_updated": Cart, "cart_viewed": Cart, "view_cart": Cart,
	"checkout": Checkout, "checkout_started": Checkout, "begin_checkout": Checkout, "checkout_step": Checkout, "checkout_step_viewed": Checkout, "checkout_abandoned": Checkout,
	"booking": Booking, "booking_started": Booking, "booking_abandoned": Booking, "booking_begun": Booking, "reservation_started": Booking,
	"order": Order, "order_completed": Order, "purchase": Order, "order_placed": Order, "booking_completed": Order,
	"invite": Invite, "invitation": Invite, "user_invited": Invite, "team_invited": Invite, "colleague_invited": Invite, "invite_sent": Invite,
	"product_event": Use, "feature_used": Use, "product_used": Use, "app_event": Use, "import_failed": Stuck, "product_error": Stuck, "trial_stuck": Stuck,
	"webinar": Register, "webinar_registered": Register, "event_registered": Register, "webinar_attended": Attend, "event_attended": Attend,
	"chat": Chat, "chat_started": Chat, "calculator": Calculate, "calculator_used": Calculate, "newsletter": Newsletter, "newsletter_signup": Newsletter,
	"trial": Trial, "trial_started": Trial, "search": Search, "download": Download, "email_open": Open, "email_click": Click, "email_reply": Reply, "meeting": Meeting,
	"meeting_booked": Meeting, "demo_request": Demo, "social_ask": PublicAsk, "social_mention": Mention, "visit": Visit, "job_application": JobApply,
	"application": Apply, "application_submitted": Apply,
}

// segmentActs name what a page is for by a segment of its path.
var segmentActs = []struct {
	act      Act
	segments map[string]bool
}{
	{Unsubscribe, plain.Set("unsubscribe abmelden abbestellen")},
	{Careers, plain.Set("careers career jobs job karriere stellenangebote vacancies jobangebote stellen")},
	{Press, plain.Set("press presse newsroom")},
	{Help, plain.Set("support help hilfe helpcenter help-center faq kb knowledge-base")},
	{Checkout, plain.Set("checkout kasse payment shipping zahlung versand billing")},
	{Cart, plain.Set("cart basket warenkorb")},
	{OrderPage, plain.Set("order order-form bestellen bestellung buy kaufen")},
	{Calculate, plain.Set("calculator rechner kalkulator preisrechner price-calculator roi-calculator configurator konfigurator loan-calculator kreditrechner")},
	{Terms, plain.Set("contract contracts contract-terms vertrag vertraege konditionen msa")},
	{Price, plain.Set("pricing price prices preise plans tarife kosten costs fees gebuehren gebühren rates zinsen konditionen tuition price-list preisliste trade-prices")},
	{Compare, plain.Set("compare comparison comparisons vs vergleich vergleiche alternatives alternative")},
	{Case, plain.Set("case-study case-studies customer-stories customer-story success-stories referenzen fallstudien kundenstimmen")},
}

// articleSegments begin the paths of what is written to be read.
var articleSegments = plain.Set("blog news article articles magazin magazine ratgeber wissen docs guides resources academy insights stories knowledge")

// Fold brings a kind, as trackers spell it, to one spelling.
func Fold(kind string) string {
	if strings.IndexFunc(kind, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }) < 0 {
		return kind
	}
	var b strings.Builder
	lower := false
	for _, r := range strings.TrimPrefix(kind, "$") {
		switch {
		case r >= 'A' && r <= 'Z':
			if lower {
				b.WriteByte('_')
			}
			b.WriteRune(r + 'a' - 'A')
			lower = false
		case r == ' ' || r == '-' || r == '.' || r == ':' || r == '/':
			b.WriteByte('_')
			lower = false
		default:
			b.WriteRune(r)
			lower = r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
		}
	}
	return b.String()
}

// Of names what a step was. sig is its signal, nil if it does not count.
func Of(st *journey.Step, sig *journey.Signal) Act {
	e := &st.Event
	if st.Context || e.Kind == connectors.KindTeamActivity {
		return ourAct(e)
	}
	if sig != nil && sig.Flags&score.Company != 0 {
		return News
	}
	if e.Kind == connectors.KindPageView && st.Named == "" && (sig == nil || sig.Type == score.WebVisit || sig.Type == score.ContentView) {
		return pageAct(e, sig) // as most are
	}
	kind := Fold(e.Kind)
	named := Fold(st.Named)
	a := kindActs[named]
	if a == None {
		a = kindActs[kind]
	}
	switch a {
	case Meeting:
		switch status := strings.ToLower(cmp.Or(e.Properties["status"], e.Properties["outcome"], e.Properties["meeting_outcome"])); {
		case strings.Contains(status, "cancel") || strings.Contains(status, "abgesagt"):
			return Cancel
		case strings.Contains(status, "no_show") || strings.Contains(status, "no show") || strings.Contains(status, "missed") || strings.Contains(status, "no-show"):
			return Miss
		case strings.Contains(status, "completed") || strings.Contains(status, "held") || strings.Contains(status, "attended") || strings.Contains(status, "stattgefunden"):
			return Met
		}
		return a
	case Register:
		if attended(e.Properties) || strings.Contains(named, "attend") || strings.Contains(named, "join") || strings.Contains(named, "watch") {
			return Attend
		}
		return a
	case Use:
		if stalled(e.Properties) || strings.Contains(named, "fail") || strings.Contains(named, "error") {
			return Stuck
		}
		return a
	case Booking:
		if (named == "" || !strings.Contains(named, "aband") && !strings.Contains(named, "start")) && e.Properties["step"] == "" && e.Properties["value"] == "" && !strings.Contains(strings.ToLower(e.Properties["status"]), "aband") {
			return Meeting // an appointment
		}
		return a
	case Demo, Enquiry, Quote:
		if f := OfForm(e.Properties[connectors.PropForm]); f.Request() && f != Meeting {
			return f
		}
		return a
	case Trial, Download:
		return a
	case None:
	default:
		return a
	}
	if form := e.Properties[connectors.PropForm]; form != "" && kind != connectors.KindPageView && kind != connectors.KindClick && kind != connectors.KindScroll {
		if MachineName(form) {
			form = PathOf(e.URL) + " " + e.PageTitle
		}
		return formKind(form, e, sig)
	}
	switch kind {
	case connectors.KindFormSubmit, "hand_raise", "form":
		return formKind(PathOf(e.URL)+" "+e.PageTitle, e, sig)
	case connectors.KindClick, connectors.KindScroll:
		if sig != nil { // it proves its page
			return pageAct(e, sig)
		}
		return None
	}
	if sig != nil {
		switch sig.Type {
		case score.HandRaise:
			return Enquiry
		case score.FormSubmit:
			return Form
		case score.EmailEngage:
			return Click
		case score.JobPosting, score.Funding, score.TechChange:
			return News
		}
	}
	if kind == connectors.KindPageView || sig != nil && (sig.Type == score.WebVisit || sig.Type == score.ContentView) || kind == "page" {
		return pageAct(e, sig)
	}
	return None
}

// formKind is what a form that was sent asks for.
func formKind(name string, e *connectors.Event, sig *journey.Signal) Act {
	a := OfForm(name)
	if state := strings.ToLower(cmp.Or(e.Properties["status"], e.Properties["state"])); strings.Contains(state, "abandon") || strings.Contains(state, "started") || strings.Contains(state, "begun") {
		return Begun
	}
	switch {
	case (a == Apply || a == None) && AddressOf(e.URL).act == Careers && (sig == nil || sig.Type != score.HandRaise):
		return JobApply // "Apply for SRE" under /jobs
	case a == Register && attended(e.Properties):
		return Attend
	case a == None && sig != nil && sig.Type == score.HandRaise:
		return Enquiry
	case a == None && sig != nil && sig.Flags&score.Application != 0:
		return Apply
	case a == None:
		return Form
	case a == Download && sig != nil && sig.Type == score.HandRaise:
		return Enquiry
	}
	return a
}

// OfForm looks a form's name up in formActs, then by the word that ends a German compound.
func OfForm(name string) Act {
	list := plain.Words(name)
	w := " " + strings.Join(list, " ") + " "
	if w == "  " {
		return None
	}
	for _, row := range formActs {
		for _, p := range row.phrases {
			if strings.Contains(w, " "+p+" ") {
				return row.act
			}
		}
	}
	for _, word := range list {
		for _, c := range beginnings {
			if strings.HasPrefix(word, c.end) && len(word) > len(c.end)+3 {
				return c.act
			}
		}
		for _, c := range compounds {
			if strings.HasSuffix(strings.TrimSuffix(word, "formular"), c.end) {
				return c.act
			}
		}
	}
	return None
}

// beginnings name acts by the first part of a German word: "Ausschreibungsunterlagen".
var beginnings = []struct {
	end string
	act Act
}{
	{"ausschreibungs", Tender}, {"angebots", Quote}, {"webinar", Register}, {"demotermin", Demo}, {"muster", Sample}, {"rückruf", Callback}, {"bewerbungs", JobApply}, {"bewerber", JobApply}, {"newsletter", Newsletter},
	{"probefahrt", Demo}, {"testzugang", TrialAsk}, {"besichtigungs", Meeting}, {"beratungs", Meeting},
}

// compounds name acts by the last part of a German word: "Webinaranmeldung", "Mietanfrage".
var compounds = []struct {
	end string
	act Act
}{
	{"newsletteranmeldung", Newsletter}, {"newsletter", Newsletter}, {"anmeldung", Register}, {"anmeldungs", Register}, {"musterbestellung", Sample}, {"bestellung", Order}, {"bestell", Order},
	{"bewerbung", JobApply}, {"bewerbungs", JobApply}, {"angebotsanfrage", Quote}, {"preisanfrage", Quote}, {"rückruf", Callback}, {"presseanfrage", Press}, {"lieferantenanfrage", Supply},
	{"anfrage", Enquiry}, {"kontakt", Enquiry}, {"termin", Meeting}, {"antrag", Apply}, {"katalog", Download}, {"leitfaden", Download},
}

// MachineName says that a form's name is its builder's, not its owner's: "gform_12", "form-7", "document", an id.
func MachineName(form string) bool {
	for _, w := range plain.Words(form) {
		if strings.IndexFunc(w, func(r rune) bool { return r >= '0' && r <= '9' }) < 0 && !machineWords[w] {
			return false
		}
	}
	return true
}

var machineWords = plain.Set("form forms formular gform wpforms wpcf cf hsform hs hbspt nf ninja gravity elementor typeform jotform mktoform marketo pardot cognito fluent field fields input default main page embed embedded popup modal widget block section new untitled test lead leads submit document documents file files asset assets item data id")

func pageAct(e *connectors.Event, sig *journey.Signal) Act {
	if a := AddressOf(e.URL).act; a != None {
		return a
	}
	if sig != nil {
		switch {
		case sig.Flags&score.PricePage != 0:
			return Price
		case sig.Flags&score.ContractPage != 0:
			return Terms
		case sig.Flags&score.Comparison != 0:
			return Compare
		case sig.Type == score.ContentView:
			return Case
		case sig.Flags&score.ProductPage != 0:
			return Product
		}
	}
	return Read
}

// segmentAct is what a page at this path, in lower case, is for; None if its segments do not tell.
func segmentAct(path string) Act {
	segments := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	for i, s := range segments {
		segments[i] = strings.TrimSuffix(strings.TrimSuffix(s, ".html"), ".php")
	}
	for _, row := range segmentActs {
		if len(segments) > 1 && articleSegments[segments[0]] {
			break // an article about prices is no price page
		}
		for i, s := range segments {
			if row.segments[s] && (i == 0 || row.act != Help && row.act != Careers && row.act != Unsubscribe && row.act != Press) {
				return row.act
			}
			if row.act == Price && strings.HasPrefix(s, "pricing") || row.act == Compare && (strings.Contains(s, "-vs-") || strings.HasPrefix(s, "vs-") || strings.HasSuffix(s, "-alternative") || strings.HasSuffix(s, "-alternatives")) {
				return row.act
			}
		}
	}
	return None
}

// Address is what the address of a page tells by itself.
type Address struct {
	path    string
	act     Act    // what it is for, by its segments
	Prices  string // what it calls its prices, as priceWord says
	Home    bool
	German  bool // of the German part of the site
	Webinar bool
}

// addresses are those of pages, which many journeys share.
var addresses memo.Memo[string, *Address]

// AddressOf is what raw tells.
func AddressOf(raw string) *Address {
	return addresses.Of(raw, func() *Address {
		var a Address
		if u, err := url.Parse(raw); err == nil {
			a.path = u.Path
		}
		low := strings.ToLower(a.path)
		a.act, a.Prices, a.Home = segmentAct(low), priceWord(a.path), home(raw, a.path)
		a.German = strings.HasPrefix(low, "/de/") || low == "/de"
		a.Webinar = strings.Contains(low, "webinar")
		return &a
	})
}

func PathOf(raw string) string { return AddressOf(raw).path }

// attended says that somebody came, rather than signing up.
func attended(props map[string]string) bool {
	for _, k := range []string{"status", "attended", "attendance", "event", "event_name", "name", "action"} {
		if v := strings.ToLower(props[k]); strings.Contains(v, "attended") || strings.Contains(v, "teilgenommen") || k == "attended" && (v == "true" || v == "yes") {
			return true
		}
	}
	return false
}

// stalled says that a product event is one of getting stuck.
func stalled(props map[string]string) bool {
	for _, k := range []string{"status", "result", "outcome", "state", "event", "name", "action"} {
		v := strings.ToLower(props[k])
		for _, w := range []string{"stopped", "failed", "error", "stuck", "aborted", "abandoned", "abgebrochen", "fehler"} {
			if strings.Contains(v, w) {
				return true
			}
		}
	}
	return false
}

// ourAct is what the own team did: a quote that waits for a reply, or any other touch.
func ourAct(e *connectors.Event) Act {
	w := " " + strings.Join(plain.Words(cmp.Or(e.Properties["title"], e.Properties["subject"], e.Properties["note"], e.ElementText, e.PageTitle)+" "+e.Properties["type"]), " ") + " "
	for _, q := range []string{" quote ", " quotation ", " offer ", " proposal ", " angebot ", " estimate ", " offerte "} {
		if strings.Contains(w, q) {
			return OurQuote
		}
	}
	return OurTouch
}

// priceWord is what a page calls its prices, by its path: English, the key of the German word.
func priceWord(path string) string {
	w := plain.Words(path)
	switch {
	case plain.HasAny(w, "rates", "zinsen"):
		return "rates"
	case plain.HasAny(w, "fees", "tuition", "gebuehren", "gebühren", "studiengebuehren"):
		return "fees"
	case plain.HasAny(w, "trade", "haendler", "händler") && plain.HasAny(w, "price", "prices", "preise"):
		return "trade prices"
	}
	return "prices"
}

// home says whether path is the home page, of a language's part of the site as well.
func home(raw, path string) bool {
	if raw == "" {
		return false
	}
	p := strings.Trim(strings.ToLower(path), "/")
	p = strings.TrimSuffix(strings.TrimSuffix(p, "index.html"), "/")
	return p == "" || len(p) == 2 || len(p) == 5 && p[2] == '-' || p == "home" || p == "start"
}

// Counted reads PropCount: how many a summary property counted in one step.
func Counted(st *journey.Step) (n int, counted bool) {
	if len(st.Event.Properties) == 0 || Fold(st.Event.Kind) == "invite" {
		return 1, false
	}
	s, ok := st.Event.Properties[connectors.PropCount]
	if !ok {
		return 1, false
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1_000_000 {
		return 1, false
	}
	return n, true
}

// EventID is the id that a step is cited by: its event's own, where there is one.
func EventID(st *journey.Step) string {
	if st.Event.ID != "" {
		return st.Event.ID
	}
	return st.ID
}
