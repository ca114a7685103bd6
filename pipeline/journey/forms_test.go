package journey

import (
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
)

// Forms by their names, in the languages that the lists speak.
func TestForms(t *testing.T) {
	b := builder(t)
	for want, names := range map[string][]string{
		"hand_raise": {"Enquiry", "General inquiry", "Sales enquiry", "Send us your RFP", "RFQ", "Pilot request", "Request a quote", "Get a Quote", "request-quote-form", "Book a demo", "Demo", "Live demo request", "ContactSalesForm", "demo_request_form", "Let's talk", "Have us call you", "Wir rufen Sie zurück", "Request a call back", "Callback",
			"Contact sales", "Contact us", "Get in touch", "Proof of concept", "Invitation to tender", "Schedule a call", "Sign up for a demo", "Quote for two press lines", "Support plan: request a quote", "Partner management demo",
			"Rückruf anfordern", "Rueckruf", "Anfrage", "Angebotsanfrage", "Angebot anfordern", "Angebot für Pressen", "Kontaktformular", "Kontakt", "Demoanfrage", "Preisanfrage", "Ausschreibung", "Beratungstermin vereinbaren", "Pilotprojekt anfragen", "Gruppenanfrage",
			"Demande de devis", "Contactez-nous", "Solicitar presupuesto", "Contacto"},
		"email_engage":    {"Newsletter sign-up", "Newsletter", "Newsletter-Anmeldung", "Newsletteranmeldung", "Subscribe", "Mailing list", "Blog updates", "Infobrief abonnieren", "Boletín"},
		"form_submit":     {"E-book", "Whitepaper: contact centres compared", "Brochure", "Guide: how to ask for a quote", "Checklist download", "Webinar registration", "Demo webinar", "Zum Webinar anmelden", "Open day", "Fabric samples", "Leitfaden Kontaktpflege", "Katalog anfordern"},
		"key form_submit": {"Free trial", "Start your trial", "Testphase starten", "Testzugang", "Create an account", "Sign up", "Application", "Loan application", "Order form", "Bestellung", "Kreditantrag", "Apply now"},
		"": {"Press contact", "Press enquiry", "Contact the press office", "Media enquiry", "Press", "pressContact", "Medienanfrage", "Internship application", "Customer service", "Presseanfrage", "Pressekontakt", "Lieferantenportal", "Lieferantenanfrage", "Supplier registration", "Become a vendor", "Support", "Support ticket", "Support enquiry", "Supportanfrage", "Careers", "Career contact",
			"Job application", "Bewerbung", "Bewerbungsformular", "Initiativbewerbung", "Partner enquiry", "Partner werden", "Partnership contact", "Unsubscribe", "Login", "Newsletter abmelden", "Feedback", "Passwort vergessen", "Beschwerde", "GDPR data request"},
	} {
		for _, name := range names {
			j := build(b, ev(0, connectors.KindFormSubmit, "https://example.com/blog/1", prop(connectors.PropForm, name)))
			got := ""
			if len(j.Signals) == 1 {
				g := &j.Signals[0]
				got = g.Type.String()
				if g.Flags&score.Key != 0 {
					got = "key " + got
				}
				if g.Title != name || g.Object != "form: "+name {
					t.Errorf("%q is called %q, %q", name, g.Title, g.Object)
				}
			}
			if got != want {
				t.Errorf("%q is %q, want %q", name, got, want)
			}
		}
	}
}

// The page that a form stands on never takes its name's place, and excludes no request that says so itself.
func TestFormsAndTheirPages(t *testing.T) {
	form := func(path, name string) *Journey {
		e := ev(0, connectors.KindFormSubmit, "https://example.com"+path, func(e *connectors.Event) { e.PageTitle = "Prices of credit cards | Example" })
		if name != "" {
			prop(connectors.PropForm, name)(&e)
		}
		return build(builder(t), e)
	}
	if g := form("/pricing", "Enquiry").Signals[0]; g.Title != "Enquiry" || g.Type != score.HandRaise {
		t.Errorf("a named form is called %q, %v", g.Title, g.Type)
	}
	if g := form("/request-demo", "").Signals[0]; g.Title != "" || g.Object != "form: /request-demo" || g.Type != score.HandRaise {
		t.Errorf("a form without a name is called %q, %q, %v", g.Title, g.Object, g.Type)
	}
	for _, path := range []string{"/blog/how-to-get-a-quote", "/de/wissen/angebot-einholen", "/solutions/contact-center"} {
		if g := form(path, "").Signals[0]; g.Type != score.FormSubmit {
			t.Errorf("a form without a name on %s is %v", path, g.Type)
		}
	}
	if g := form("/demo", "Whitepaper").Signals[0]; g.Type != score.FormSubmit {
		t.Errorf("a whitepaper on the demo page is %v", g.Type)
	}
	if j := form("/support", "Request a quote"); len(j.Signals) != 1 {
		t.Errorf("a quote asked for on a support page: %v", j.LeftOut)
	}
	if j := form("/support", "Leave a note"); len(j.Signals) != 0 {
		t.Errorf("%q", told(j))
	}
	if got := whys(form("/x", "Newsletter abmelden"))[0]; got != WhyUnsubscribed {
		t.Errorf("an unsubscription by a form is told as %q", got)
	}
	press := builder(t, func(c *Config) { c.Products = []Product{{Name: "Presse P4", Match: []string{"P4"}}} })
	if j := build(press, ev(0, connectors.KindFormSubmit, "", prop(connectors.PropForm, "Anfrage zur Presse P4"))); len(j.Signals) != 1 || j.Signals[0].Type != score.HandRaise {
		t.Errorf("an enquiry about a press of the catalogue: %q", told(j))
	}
	if j := form("/x", "Xylophone 3"); len(j.UnknownForms) != 1 || len(j.Signals) != 1 {
		t.Errorf("a form that no list knows: %q, %q", j.UnknownForms, told(j))
	}
	ruled := builder(t, func(c *Config) {
		c.Rules = []Rule{{Form: "xylo*", Signal: score.FormSubmit}, {URL: "/music/**", Signal: score.FormSubmit}}
	})
	for _, c := range []connectors.Event{ev(0, connectors.KindFormSubmit, "", prop(connectors.PropForm, "Xylophone 3")), ev(0, connectors.KindFormSubmit, "https://www.example.com/music/a", prop(connectors.PropForm, "Harp"))} {
		if j := build(ruled, c); len(j.UnknownForms) != 0 || len(j.Signals) != 1 {
			t.Errorf("a form that a rule knows: %q, %q", j.UnknownForms, told(j))
		}
	}
	if !ruled.KnowsForm("XYLOPHONE") || ruled.KnowsForm("Harp") {
		t.Error("a form is known by a rule that names it")
	}
	if b := builder(t); b.KnowsForm("Xylophone 3") || !b.KnowsForm("Enquiry") || !b.KnowsForm("Support") || !b.KnowsForm("Brochure") {
		t.Error("a form is known by a word of a list, and only by one")
	}
}

// A form or request names its product itself; a page that names two is about neither, unless one name holds the other.
func TestProducts(t *testing.T) {
	b := builder(t, func(c *Config) {
		c.Products = []Product{{Name: "Flow", Match: []string{"/flow/**"}}, {Name: "Flow Enterprise", Match: []string{"/flow/enterprise/**"}}, {Name: "Payroll"}, {Name: "Shift Planner"}}
	})
	for _, c := range []struct {
		event connectors.Event
		want  uint8
	}{
		{view(0, "/flow/reports"), 1}, {view(0, "/flow/enterprise/sso"), 2}, {view(0, "/blog/flow-enterprise-rollout"), 2}, {view(0, "/payroll-and-shift-planner"), 0}, {view(0, "/shift-planner"), 4}, {view(0, "/blog"), 0},
		{ev(0, connectors.KindFormSubmit, "https://example.com/contact", prop(connectors.PropForm, "Demo of Payroll")), 3},
		{ev(0, connectors.KindQuoteRequest, "https://example.com/contact", prop("product", "Shift Planner")), 4},
		{ev(0, connectors.KindCart, "", prop("product_name", "payroll")), 3},
	} {
		if j := build(b, c.event); j.Signals[0].Product != c.want {
			t.Errorf("%s is about %d, want %d", c.event.ID, j.Signals[0].Product, c.want)
		}
	}
}

// The source's own journey: a click, a scroll and a click on one page, no view of it told. It is one page view.
func TestClicksAloneAreOnePageView(t *testing.T) {
	step := func(seconds float64, kind, element string, change func(*connectors.Event)) connectors.Event {
		return ev(0, kind, "", at(seconds), text(element), change)
	}
	for name, page := range map[string]func(*connectors.Event){
		"by its address": func(e *connectors.Event) { e.URL = "https://example.com/cards" },
		"by its title":   func(e *connectors.Event) { e.PageTitle = "Cards" },
		"by nothing":     func(*connectors.Event) {},
	} {
		j := build(builder(t), step(0, connectors.KindClick, "Cards", page), step(4, connectors.KindScroll, "", page), step(20, connectors.KindClick, "Know more", page))
		if len(j.Signals) != 1 || j.Signals[0].Type != score.WebVisit || whys(j)[0] != "" || whys(j)[2] != WhyStep {
			t.Errorf("known %s: %q, %q", name, told(j), whys(j))
		}
	}
	j := build(builder(t), view(0, "/cards", at(0)), step(4, connectors.KindClick, "Know more", func(*connectors.Event) {}))
	if len(j.Signals) != 1 {
		t.Errorf("a click without a page beside a page view: %q", told(j))
	}
}

// A trial counts once a day, however many events tell of it: one act is one key signal.
func TestTrialsCountOnce(t *testing.T) {
	d := 24 * time.Hour
	j := build(builder(t), ev(3*d, connectors.KindFormSubmit, "https://example.com/signup", prop(connectors.PropForm, "Sign up")), ev(3*d-time.Minute, "Signed Up", "https://example.com/welcome"),
		ev(3*d-2*time.Minute, "Trial Started", "", func(e *connectors.Event) { e.Source = "server" }), ev(d, "Trial Started", ""))
	if len(j.Signals) != 2 || j.Signals[0].Flags&j.Signals[1].Flags&score.Key == 0 {
		t.Errorf("%q, want the trial of each day, both key", told(j))
	}
}

// A form that nothing names counts, unless something beside it names it: a tracker's own "form_submit" is no second act.
func TestFormsToldTwice(t *testing.T) {
	form := func(seconds float64, kind, path, name string) connectors.Event {
		e := ev(0, kind, "https://example.com"+path, at(seconds))
		if name != "" {
			prop(connectors.PropForm, name)(&e)
		}
		return e
	}
	for _, c := range []struct {
		name   string
		events []connectors.Event
		want   int
	}{
		{"alone", []connectors.Event{form(0, "form_submit", "/blog/1", "")}, 1},
		{"beside a newsletter's", []connectors.Event{form(0, "form_submit", "/blog/1", ""), form(1, "Newsletter Subscribed", "/blog/1", "")}, 1},
		{"beside a named one that counts for nothing", []connectors.Event{form(0, "form_submit", "/x", ""), form(1, "form_submit", "/x", "Support ticket")}, 0},
		{"a lead beside a demo", []connectors.Event{form(0, "Demo Requested", "/x", ""), form(2, "generate_lead", "/x", "")}, 1},
		{"on another page", []connectors.Event{form(0, "form_submit", "/x", ""), form(1, "form_submit", "/y", "Newsletter")}, 2},
		{"five minutes later", []connectors.Event{form(0, "form_submit", "/x", ""), form(300, "form_submit", "/x", "Newsletter")}, 2},
		{"one whose page says that it is a request", []connectors.Event{form(0, "form_submit", "/request-demo", ""), form(1, "form_submit", "/request-demo", "Xylophone 3")}, 2},
	} {
		if j := build(builder(t), c.events...); len(j.Signals) != c.want {
			t.Errorf("%s: %q, want %d signals", c.name, told(j), c.want)
		}
	}
}

// A rule's page is key only if the rule says so.
func TestRulesAndKeys(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		want bool
	}{{Rule{URL: "/pricing/**", Signal: score.ContentView}, false}, {Rule{URL: "/pricing/**", Signal: score.ContentView, Key: true}, true}, {Rule{URL: "/pricing/**", Topic: "prices"}, true}} {
		j := build(builder(t, func(x *Config) { x.Rules = []Rule{c.rule} }), view(0, "/pricing"))
		if got := j.Signals[0].Flags&score.Key != 0; got != c.want {
			t.Errorf("%+v: key %v, want %v", c.rule, got, c.want)
		}
	}
}
