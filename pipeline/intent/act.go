package intent

import (
	"net/url"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/memo"
	"github.com/intentd/intentd/pipeline/score"
)

// Act is what somebody did, as a rep would name it. Receipts carry it as text.
type Act string

// The acts, by how a rep would rank them.
const (
	ActUnsubscribe Act = "unsubscribe" // from our mails
	ActRefuse      Act = "refuse"      // said no
	ActCancel      Act = "cancel"      // cancelled a meeting
	ActMiss        Act = "miss"        // did not come to a meeting
	ActDemo        Act = "demo"
	ActQuote       Act = "quote"
	ActTender      Act = "tender" // RFP
	ActPilot       Act = "pilot"
	ActCallback    Act = "callback"
	ActEnquiry     Act = "enquiry"
	ActMeeting     Act = "meeting"
	ActMet         Act = "met" // came to a meeting
	ActReply       Act = "reply"
	ActTrialAsk    Act = "trial_ask"
	ActApply       Act = "apply" // sent an application
	ActOrder       Act = "order"
	ActSample      Act = "sample"
	ActPublicAsk   Act = "public_ask"
	ActTrial       Act = "trial"    // a trial runs
	ActStuck       Act = "stuck"    // a trial does not get on
	ActInvite      Act = "invite"   // invited colleagues
	ActUse         Act = "use"      // a product event
	ActBegun       Act = "begun"    // a form was begun and not sent
	ActCart        Act = "cart"     // something lies in the cart
	ActCheckout    Act = "checkout" // left on the way to paying
	ActBooking     Act = "booking"  // a booking was begun
	ActOrderPage   Act = "order_page"
	ActTerms       Act = "terms"
	ActCalculate   Act = "calculate"
	ActPrice       Act = "price"
	ActCompare     Act = "compare"
	ActRegister    Act = "register" // for an event
	ActAttend      Act = "attend"
	ActDownload    Act = "download"
	ActForm        Act = "form"
	ActCase        Act = "case"
	ActProduct     Act = "product"
	ActSearch      Act = "search"
	ActRead        Act = "read"
	ActChat        Act = "chat"
	ActNewsletter  Act = "newsletter"
	ActSignUp      Act = "sign_up" // made an account
	ActClick       Act = "click"
	ActVisit       Act = "visit"
	ActMention     Act = "mention"
	ActOpen        Act = "open"
	ActHelp        Act = "help"    // help pages: context
	ActCareers     Act = "careers" // careers pages and applications for a job
	ActJobApply    Act = "job_apply"
	ActPress       Act = "press"
	ActSupply      Act = "supply" // offers something to us
	ActOurQuote    Act = "our_quote"
	ActOurTouch    Act = "our_touch"
	ActNews        Act = "news" // of the company
	actNone        Act = ""
)

// request says that somebody asked for something that waits for an answer.
func (a Act) request() bool {
	switch a {
	case ActDemo, ActQuote, ActTender, ActPilot, ActCallback, ActEnquiry, ActMeeting, ActReply, ActTrialAsk, ActApply, ActOrder, ActPublicAsk:
		return true
	}
	return false
}

// unfinished says that somebody began something and did not end it.
func (a Act) unfinished() bool {
	return a == ActBegun || a == ActCart || a == ActCheckout || a == ActBooking || a == ActTrial || a == ActStuck || a == ActOrderPage
}

// first says that a goes before everything else.
func (a Act) first() bool {
	return a == ActUnsubscribe || a == ActRefuse || a == ActCancel || a == ActMiss
}

// strong says that a may lead a headline although nobody asked for anything.
func (a Act) strong() bool {
	switch a {
	case ActOrderPage, ActTerms, ActCalculate, ActPrice, ActCompare, ActDownload, ActRegister, ActAttend, ActForm, ActSample, ActChat, ActInvite, ActSignUp, ActMet:
		return true
	}
	return false
}

// traits are what is asked of the act of a fact again and again.
type traits struct {
	number                             uint8 // of the act, from 1 on
	first, request, unfinished, strong bool
}

// traitsOf are those of all acts.
var traitsOf = func() map[Act]traits {
	all := map[Act]traits{}
	for _, a := range slices.Concat(reasonOrder, ranked, []Act{ActOpen, ActNews, ActHelp, ActCareers, ActJobApply, ActPress, ActSupply, ActOurQuote, ActOurTouch, actNone}) {
		if _, known := all[a]; !known {
			all[a] = traits{uint8(len(all) + 1), a.first(), a.request(), a.unfinished(), a.strong()}
		}
	}
	return all
}()

// Page says that a consists in reading a page.
func (a Act) Page() bool {
	switch a {
	case ActOrderPage, ActTerms, ActCalculate, ActPrice, ActCompare, ActCase, ActProduct, ActRead, ActVisit:
		return true
	}
	return false
}

// formActs name what a form asks for by the words of its name; the first row that matches decides. Words are whole, in lower case.
var formActs = []struct {
	act     Act
	phrases []string
}{
	{ActUnsubscribe, []string{"unsubscribe", "opt out", "abmelden", "abmeldung", "abbestellen", "désabonner", "darse de baja"}},
	{ActJobApply, []string{"job application", "apply for job", "career", "careers", "bewerbung", "bewerben", "bewerbungsformular", "onlinebewerbung", "stellenbewerbung", "initiativbewerbung", "internship", "praktikum", "vacancy"}},
	{ActPress, []string{"press", "media enquiry", "media inquiry", "media request", "interview", "journalist", "presse", "presseanfrage", "medienanfrage"}},
	{ActSupply, []string{"supplier", "suppliers", "vendor registration", "become a supplier", "lieferant", "lieferanten", "lieferantenanfrage", "fournisseur"}},
	{ActNewsletter, []string{"newsletter", "mailing list", "subscribe", "subscription updates", "news abonnieren"}},
	{ActTender, []string{"rfp", "rfq", "rfi", "request for proposal", "request for proposals", "request for tender", "tender", "tenders", "bid", "invitation to bid", "ausschreibung", "vergabe", "appel d offres"}},
	{ActPilot, []string{"pilot", "pilot project", "proof of concept", "poc", "pilotprojekt", "pilotphase", "piloting"}},
	{ActSample, []string{"sample", "samples", "muster", "musterbestellung", "probe", "échantillon"}},
	{ActDemo, []string{"demo", "demos", "demonstration", "vorführung", "vorfuehrung", "product tour", "démo", "demostración", "test drive", "probefahrt"}},
	{ActQuote, []string{"quote", "quotes", "quotation", "request a quote", "get a quote", "price request", "estimate", "angebot", "angebotsanfrage", "angebot anfordern", "offerte", "preisanfrage", "kostenvoranschlag", "devis", "presupuesto"}},
	{ActCallback, []string{"call back", "callback", "call me", "call me back", "request a call", "rückruf", "rueckruf", "rückrufbitte", "rappel"}},
	{ActMeeting, []string{"book a meeting", "book a call", "schedule", "appointment", "termin", "terminbuchung", "beratungstermin", "consultation", "beratung", "erstgespräch", "viewing", "besichtigung", "tour", "site visit", "show round"}},
	{ActTrialAsk, []string{"trial", "free trial", "test account", "testzugang", "testphase", "testen", "kostenlos testen", "essai"}},
	{ActEnquiry, []string{"enquiry", "inquiry", "enquiries", "anfrage", "contact sales"}},
	{ActRegister, []string{"webinar", "register", "registration", "event", "open day", "workshop", "seminar", "conference", "anmeldung", "tag der offenen tür", "infoabend", "veranstaltung", "inscription"}},
	{ActDownload, []string{"download", "downloads", "guide", "whitepaper", "white paper", "brochure", "ebook", "e book", "checklist", "template", "report", "data sheet", "datasheet", "catalogue", "catalog", "case study", "size guide",
		"leitfaden", "broschüre", "broschuere", "katalog", "vorlage", "datenblatt", "checkliste", "studie", "playbook", "toolkit", "prospekt"}},
	{ActApply, []string{"application", "apply", "antrag", "bewerbung für", "enrolment", "enrollment", "solicitud"}},
	{ActOrder, []string{"order", "order form", "bestellung", "bestellformular", "purchase", "checkout complete"}},
	{ActEnquiry, []string{"contact", "contact us", "contact sales", "talk to sales", "talk to us", "get in touch", "enquiry", "inquiry", "enquiries", "business enquiry", "group enquiry", "request", "kontakt", "kontaktformular", "kontaktanfrage",
		"anfrage", "gruppenanfrage", "sales", "vertrieb", "reservation", "beratung anfragen", "nous contacter", "contacto"}},
}

// kindActs are acts that the kind of an event settles, by its folded name.
var kindActs = map[string]Act{
	"quote_request": ActQuote, "contact_request": ActEnquiry, "sign_up": ActSignUp, "product_use": ActUse,
	"unsubscribe": ActUnsubscribe, "unsubscribed": ActUnsubscribe, "email_unsubscribe": ActUnsubscribe, "email_unsubscribed": ActUnsubscribe, "opt_out": ActUnsubscribe,
	"meeting_cancelled": ActCancel, "meeting_canceled": ActCancel, "call_cancelled": ActCancel, "demo_cancelled": ActCancel, "appointment_cancelled": ActCancel,
	"meeting_missed": ActMiss, "meeting_no_show": ActMiss, "no_show": ActMiss, "call_missed": ActMiss, "missed_meeting": ActMiss,
	"form_start": ActBegun, "form_started": ActBegun, "form_begun": ActBegun, "form_begin": ActBegun, "form_abandoned": ActBegun, "form_abandon": ActBegun, "form_field": ActBegun, "application_started": ActBegun, "application_abandoned": ActBegun,
	"cart": ActCart, "add_to_cart": ActCart, "product_added": ActCart, "cart_add": ActCart, "cart_abandoned": ActCart, "cart_updated": ActCart, "cart_viewed": ActCart, "view_cart": ActCart,
	"checkout": ActCheckout, "checkout_started": ActCheckout, "begin_checkout": ActCheckout, "checkout_step": ActCheckout, "checkout_step_viewed": ActCheckout, "checkout_abandoned": ActCheckout,
	"booking": ActBooking, "booking_started": ActBooking, "booking_abandoned": ActBooking, "booking_begun": ActBooking, "reservation_started": ActBooking,
	"order": ActOrder, "order_completed": ActOrder, "purchase": ActOrder, "order_placed": ActOrder, "booking_completed": ActOrder,
	"invite": ActInvite, "invitation": ActInvite, "user_invited": ActInvite, "team_invited": ActInvite, "colleague_invited": ActInvite, "invite_sent": ActInvite,
	"product_event": ActUse, "feature_used": ActUse, "product_used": ActUse, "app_event": ActUse, "import_failed": ActStuck, "product_error": ActStuck, "trial_stuck": ActStuck,
	"webinar": ActRegister, "webinar_registered": ActRegister, "event_registered": ActRegister, "webinar_attended": ActAttend, "event_attended": ActAttend,
	"chat": ActChat, "chat_started": ActChat, "calculator": ActCalculate, "calculator_used": ActCalculate, "newsletter": ActNewsletter, "newsletter_signup": ActNewsletter,
	"trial": ActTrial, "trial_started": ActTrial, "search": ActSearch, "download": ActDownload, "email_open": ActOpen, "email_click": ActClick, "email_reply": ActReply, "meeting": ActMeeting,
	"meeting_booked": ActMeeting, "demo_request": ActDemo, "social_ask": ActPublicAsk, "social_mention": ActMention, "visit": ActVisit, "job_application": ActJobApply,
	"application": ActApply, "application_submitted": ActApply,
}

// segmentActs name what a page is for by a segment of its path.
var segmentActs = []struct {
	act      Act
	segments map[string]bool
}{
	{ActUnsubscribe, set("unsubscribe abmelden abbestellen")},
	{ActCareers, set("careers career jobs job karriere stellenangebote vacancies jobangebote stellen")},
	{ActPress, set("press presse newsroom")},
	{ActHelp, set("support help hilfe helpcenter help-center faq kb knowledge-base")},
	{ActCheckout, set("checkout kasse payment shipping zahlung versand billing")},
	{ActCart, set("cart basket warenkorb")},
	{ActOrderPage, set("order order-form bestellen bestellung buy kaufen")},
	{ActCalculate, set("calculator rechner kalkulator preisrechner price-calculator roi-calculator configurator konfigurator loan-calculator kreditrechner")},
	{ActTerms, set("contract contracts contract-terms vertrag vertraege konditionen msa")},
	{ActPrice, set("pricing price prices preise plans tarife kosten costs fees gebuehren gebühren rates zinsen konditionen tuition price-list preisliste trade-prices")},
	{ActCompare, set("compare comparison comparisons vs vergleich vergleiche alternatives alternative")},
	{ActCase, set("case-study case-studies customer-stories customer-story success-stories referenzen fallstudien kundenstimmen")},
}

// articleSegments begin the paths of what is written to be read.
var articleSegments = set("blog news article articles magazin magazine ratgeber wissen docs guides resources academy insights stories knowledge")

// fold brings a kind, as trackers spell it, to one spelling.
func fold(kind string) string {
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

// ActOf names what a step was. sig is its signal, nil if it does not count.
func ActOf(st *journey.Step, sig *journey.Signal) Act {
	e := &st.Event
	if st.Context || e.Kind == connectors.KindTeamActivity {
		return ourAct(e)
	}
	if sig != nil && sig.Flags&score.Company != 0 {
		return ActNews
	}
	if e.Kind == connectors.KindPageView && st.Named == "" && (sig == nil || sig.Type == score.WebVisit || sig.Type == score.ContentView) {
		return pageAct(e, sig) // as most are
	}
	kind := fold(e.Kind)
	named := fold(st.Named)
	a := kindActs[named]
	if a == actNone {
		a = kindActs[kind]
	}
	switch a {
	case ActMeeting:
		switch status := strings.ToLower(firstOf(e.Properties["status"], e.Properties["outcome"], e.Properties["meeting_outcome"])); {
		case strings.Contains(status, "cancel") || strings.Contains(status, "abgesagt"):
			return ActCancel
		case strings.Contains(status, "no_show") || strings.Contains(status, "no show") || strings.Contains(status, "missed") || strings.Contains(status, "no-show"):
			return ActMiss
		case strings.Contains(status, "completed") || strings.Contains(status, "held") || strings.Contains(status, "attended") || strings.Contains(status, "stattgefunden"):
			return ActMet
		}
		return a
	case ActRegister:
		if attended(e.Properties) || strings.Contains(named, "attend") || strings.Contains(named, "join") || strings.Contains(named, "watch") {
			return ActAttend
		}
		return a
	case ActUse:
		if stalled(e.Properties) || strings.Contains(named, "fail") || strings.Contains(named, "error") {
			return ActStuck
		}
		return a
	case ActBooking:
		if (named == "" || !strings.Contains(named, "aband") && !strings.Contains(named, "start")) && e.Properties["step"] == "" && e.Properties["value"] == "" && !strings.Contains(strings.ToLower(e.Properties["status"]), "aband") {
			return ActMeeting // an appointment
		}
		return a
	case ActDemo, ActEnquiry, ActQuote:
		if f := formAct(e.Properties[connectors.PropForm]); f.request() && f != ActMeeting {
			return f
		}
		return a
	case ActTrial, ActDownload:
		return a
	case actNone:
	default:
		return a
	}
	if form := e.Properties[connectors.PropForm]; form != "" && kind != connectors.KindPageView && kind != connectors.KindClick && kind != connectors.KindScroll {
		if machineName(form) {
			form = pathOf(e.URL) + " " + e.PageTitle
		}
		return formKind(form, e, sig)
	}
	switch kind {
	case connectors.KindFormSubmit, "hand_raise", "form":
		return formKind(pathOf(e.URL)+" "+e.PageTitle, e, sig)
	case connectors.KindClick, connectors.KindScroll:
		if sig != nil { // it proves its page
			return pageAct(e, sig)
		}
		return actNone
	}
	if sig != nil {
		switch sig.Type {
		case score.HandRaise:
			return ActEnquiry
		case score.FormSubmit:
			return ActForm
		case score.EmailEngage:
			return ActClick
		case score.JobPosting, score.Funding, score.TechChange:
			return ActNews
		}
	}
	if kind == connectors.KindPageView || sig != nil && (sig.Type == score.WebVisit || sig.Type == score.ContentView) || kind == "page" {
		return pageAct(e, sig)
	}
	return actNone
}

// formKind is what a form that was sent asks for.
func formKind(name string, e *connectors.Event, sig *journey.Signal) Act {
	a := formAct(name)
	if state := strings.ToLower(firstOf(e.Properties["status"], e.Properties["state"])); strings.Contains(state, "abandon") || strings.Contains(state, "started") || strings.Contains(state, "begun") {
		return ActBegun
	}
	switch {
	case (a == ActApply || a == actNone) && addressed(e.URL).act == ActCareers && (sig == nil || sig.Type != score.HandRaise):
		return ActJobApply // "Apply for SRE" under /jobs
	case a == ActRegister && attended(e.Properties):
		return ActAttend
	case a == actNone && sig != nil && sig.Type == score.HandRaise:
		return ActEnquiry
	case a == actNone && sig != nil && sig.Flags&score.Application != 0:
		return ActApply
	case a == actNone:
		return ActForm
	case a == ActDownload && sig != nil && sig.Type == score.HandRaise:
		return ActEnquiry
	}
	return a
}

// formAct looks a form's name up in formActs, then by the word that ends a German compound.
func formAct(name string) Act {
	list := words(name)
	w := " " + strings.Join(list, " ") + " "
	if w == "  " {
		return actNone
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
	return actNone
}

// beginnings name acts by the first part of a German word: "Ausschreibungsunterlagen".
var beginnings = []struct {
	end string
	act Act
}{
	{"ausschreibungs", ActTender}, {"angebots", ActQuote}, {"webinar", ActRegister}, {"demotermin", ActDemo}, {"muster", ActSample}, {"rückruf", ActCallback}, {"bewerbungs", ActJobApply}, {"bewerber", ActJobApply}, {"newsletter", ActNewsletter},
	{"probefahrt", ActDemo}, {"testzugang", ActTrialAsk}, {"besichtigungs", ActMeeting}, {"beratungs", ActMeeting},
}

// compounds name acts by the last part of a German word: "Webinaranmeldung", "Mietanfrage".
var compounds = []struct {
	end string
	act Act
}{
	{"newsletteranmeldung", ActNewsletter}, {"newsletter", ActNewsletter}, {"anmeldung", ActRegister}, {"anmeldungs", ActRegister}, {"musterbestellung", ActSample}, {"bestellung", ActOrder}, {"bestell", ActOrder},
	{"bewerbung", ActJobApply}, {"bewerbungs", ActJobApply}, {"angebotsanfrage", ActQuote}, {"preisanfrage", ActQuote}, {"rückruf", ActCallback}, {"presseanfrage", ActPress}, {"lieferantenanfrage", ActSupply},
	{"anfrage", ActEnquiry}, {"kontakt", ActEnquiry}, {"termin", ActMeeting}, {"antrag", ActApply}, {"katalog", ActDownload}, {"leitfaden", ActDownload},
}

// machineName says that a form's name is its builder's, not its owner's: "gform_12", "form-7", "document", an id.
func machineName(form string) bool {
	for _, w := range words(form) {
		if strings.IndexFunc(w, func(r rune) bool { return r >= '0' && r <= '9' }) < 0 && !machineWords[w] {
			return false
		}
	}
	return true
}

var machineWords = set("form forms formular gform wpforms wpcf cf hsform hs hbspt nf ninja gravity elementor typeform jotform mktoform marketo pardot cognito fluent field fields input default main page embed embedded popup modal widget block section new untitled test lead leads submit document documents file files asset assets item data id")

func pageAct(e *connectors.Event, sig *journey.Signal) Act {
	if a := addressed(e.URL).act; a != actNone {
		return a
	}
	if sig != nil {
		switch {
		case sig.Flags&score.PricePage != 0:
			return ActPrice
		case sig.Flags&score.ContractPage != 0:
			return ActTerms
		case sig.Flags&score.Comparison != 0:
			return ActCompare
		case sig.Type == score.ContentView:
			return ActCase
		case sig.Flags&score.ProductPage != 0:
			return ActProduct
		}
	}
	return ActRead
}

// segmentAct is what a page at this path, in lower case, is for; actNone if its segments do not tell.
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
			if row.segments[s] && (i == 0 || row.act != ActHelp && row.act != ActCareers && row.act != ActUnsubscribe && row.act != ActPress) {
				return row.act
			}
			if row.act == ActPrice && strings.HasPrefix(s, "pricing") || row.act == ActCompare && (strings.Contains(s, "-vs-") || strings.HasPrefix(s, "vs-") || strings.HasSuffix(s, "-alternative") || strings.HasSuffix(s, "-alternatives")) {
				return row.act
			}
		}
	}
	return actNone
}

// address is what the address of a page tells by itself.
type address struct {
	path    string
	act     Act    // what it is for, by its segments
	prices  string // what it calls its prices, as priceWord says
	home    bool
	german  bool // of the German part of the site
	webinar bool
}

// addresses are those of pages, which many journeys share.
var addresses memo.Memo[string, *address]

// addressed is what raw tells.
func addressed(raw string) *address {
	return addresses.Of(raw, func() *address {
		var a address
		if u, err := url.Parse(raw); err == nil {
			a.path = u.Path
		}
		low := strings.ToLower(a.path)
		a.act, a.prices, a.home = segmentAct(low), priceWord(a.path), home(raw, a.path)
		a.german = strings.HasPrefix(low, "/de/") || low == "/de"
		a.webinar = strings.Contains(low, "webinar")
		return &a
	})
}

func pathOf(raw string) string { return addressed(raw).path }

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
	w := " " + strings.Join(words(firstOf(e.Properties["title"], e.Properties["subject"], e.Properties["note"], e.ElementText, e.PageTitle)+" "+e.Properties["type"]), " ") + " "
	for _, q := range []string{" quote ", " quotation ", " offer ", " proposal ", " angebot ", " estimate ", " offerte "} {
		if strings.Contains(w, q) {
			return ActOurQuote
		}
	}
	return ActOurTouch
}

func firstOf(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}
