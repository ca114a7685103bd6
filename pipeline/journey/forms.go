package journey

import (
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
)

// formKind is what a form is for.
type formKind uint8

const (
	formOther    formKind = iota // asks something that no list knows
	formExcluded                 // log-in, unsubscription, support, press, careers, partners, suppliers
	formNewsletter
	formWebinar
	formRequest // demo, quote, RFP, pilot, call-back, contact, enquiry
	formTrial
	formApplication
	formMaterial // something to read
)

// Some words are of another weight than the rest of their list, whoever wrote it.
var (
	// contactWords ask for an answer, whatever it is about: "press enquiry" is none to sales, "press demo" is.
	contactWords = []string{"contact", "contact us", "contact form", "get in touch", "message us", "write to us", "enquiry", "enquire", "inquiry", "inquire",
		"kontakt", "kontakt*", "anfrage", "anfragen", "anfrage*", "*anfrage", "contactez*", "contacto", "contactar", "contacta", "nous contacter", "demande", "consulta", "solicitud",
		"talk to our", "speak to our", "speak with our", "ask a question", "request information", "request more information", "request info", "request more info", "mehr informationen anfordern", "informationen anfordern",
		"schreiben sie uns", "nachricht an uns", "ihre nachricht", "sprechen sie mit", "rufen sie uns", "hablar con"}
	// neverWords are of forms that are no request whatever else they are called.
	neverWords = []string{"unsubscribe*", "login", "*login", "se desabonner", "se desinscrire", "darse de baja", "email preference", "communication preference", "manage preference", "my preference", "preference center", "preference centre", "log in", "sign in", "password", "passwort*", "cookie", "feedback", "survey", "umfrage", "abmelden", "abmeldung", "abbestellen", "einloggen", "opt out", "cancelar suscripcion", "desinscription", "mot de passe", "contrasena",
		"job application", "bewerbung", "bewerb*", "candidature", "praktikum", "praktikums*", "lebenslauf*"}
	// materialWords name something to read: asking for it is not asking for an answer.
	materialWords = []string{"whitepaper", "white paper", "e book", "ebook", "guide", "leitfaden", "brochure", "broschuere*", "prospekt", "catalogue", "catalog", "katalog*", "checklist", "checkliste", "template", "vorlage*",
		"report", "study", "studie", "data sheet", "datasheet", "datenblatt", "download", "infographic", "case study", "fallstudie", "livre blanc", "guia", "sample chapter", "infomaterial", "informationsmaterial"}
)

// subjectWords are what software and services are about: a form on contact centres asks for no contact.
var subjectWords = []string{"contact center", "contact centre", "contact management", "call center", "call centre", "quote management", "quotation software", "proposal management", "proposal software", "tender management", "appointment scheduling", "appointment software", "meeting room",
	"meeting management", "angebotserstellung", "angebotssoftware", "angebotsmanagement", "kontaktverwaltung", "kontaktmanagement", "kontaktpflege", "terminplanung", "ausschreibungsmanagement"}

// formWords are the lists of a config, compiled: the first that matches decides, in the order of the fields.
type formWords struct {
	never, newsletter, webinar, request, excluded, trial, application, contact, material, subject []phrase
}

func (c *Config) formWords(compile func(name string, list []string) []phrase) (f formWords) {
	split := func(name string, list, apart []string) (these, those []phrase) {
		for _, p := range compile(name, list) {
			if slices.ContainsFunc(apart, func(w string) bool { return slices.Equal(newPhrase(w), p) }) {
				those = append(those, p)
			} else {
				these = append(these, p)
			}
		}
		return these, those
	}
	f.request, f.contact = split("hand_raise_forms", c.HandRaiseForms, contactWords)
	f.excluded, f.never = split("exclude_forms", c.ExcludeForms, neverWords)
	f.newsletter = compile("newsletter_forms", c.NewsletterForms)
	f.webinar = compile("webinar_forms", c.WebinarForms)
	f.trial = compile("trial_forms", c.TrialForms)
	f.application = compile("application_forms", c.ApplicationForms)
	f.material, f.subject = phrases(materialWords), phrases(subjectWords)
	return f
}

// kind is what a form of this name is for.
func (f *formWords) kind(name []string) formKind {
	for _, p := range f.subject {
		for i := 0; i+len(p) <= len(name); i++ {
			if p.in(name[i : i+len(p)]) {
				name = slices.Delete(slices.Clone(name), i, i+len(p))
			}
		}
	}
	switch {
	case anyIn(f.never, name):
		return formExcluded
	case anyIn(f.newsletter, name):
		return formNewsletter
	case anyIn(f.webinar, name):
		return formWebinar
	case anyIn(f.request, name) && !f.begins(name):
		return formRequest
	case anyIn(f.excluded, name):
		return formExcluded
	case anyIn(f.trial, name):
		return formTrial
	case anyIn(f.application, name) && !f.begins(name):
		return formApplication
	case anyIn(f.material, name):
		return formMaterial
	case anyIn(f.contact, name):
		return formRequest
	}
	return formOther
}

// begins says whether the name begins with what there is to read: "Guide: how to ask for a quote" asks for none.
func (f *formWords) begins(name []string) bool {
	return slices.ContainsFunc(f.material, func(p phrase) bool { return len(p) <= len(name) && p.in(name[:len(p)]) })
}

// formName splits a form's name into words, "ContactSalesForm" too.
func formName(name string) []string { return words(connectors.Fold(name)) }

// KnowsForm says whether a list has a word for a form of this name, or a rule names it; one that nothing knows counts as form_submit.
func (b *Builder) KnowsForm(name string) bool {
	named := func(r Rule) bool { return r.Form != "" && r.fitsForm(name) }
	return b.c.forms.kind(formName(name)) != formOther || slices.ContainsFunc(b.config.Rules, named)
}

// form says what a form that was sent is worth, by its own name; one without a name by the event's, or by the path of its page. A page that does not
// count excludes all forms but a request that says so itself.
func (b *Builder) form(d decision, it *item, p *page) decision {
	name := clean(it.ev.Properties[connectors.PropForm], maxText)
	text := formName(name)
	if name == "" {
		if text = p.words; below(afterLanguage(p.segs), readingPlaces) {
			text = nil // what an article is about, its forms need not be
		}
		if own := formName(it.ev.Kind); b.c.forms.kind(own) != formOther { // "Support Form Submitted"
			text = own
		}
	}
	kind := b.c.forms.kind(text)
	if kind == formExcluded && anyIn(b.c.forms.contact, text) && !anyIn(b.c.forms.never, text) && b.productNamed(text) != 0 {
		kind = formRequest // a press of the catalogue is no newspaper
	}
	switch {
	case kind == formExcluded && anyIn(footer().unsubscribeTexts, text):
		return decision{why: WhyUnsubscribed}
	case kind == formExcluded:
		return decision{why: WhyForm}
	case p.excluded && (kind != formRequest || name == ""):
		return decision{why: WhyExcluded}
	}
	d.typ = score.FormSubmit
	switch kind {
	case formOther:
		d.unknown = name
	case formTrial:
		return b.trial(b.named(d, it, p, "form: ", name), it)
	case formNewsletter:
		d.typ = score.EmailEngage
	case formRequest:
		d.typ = score.HandRaise
	case formApplication:
		d.flags |= score.Key | score.Application
	}
	return b.named(d, it, p, "form: ", name)
}
