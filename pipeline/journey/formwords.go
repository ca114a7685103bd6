package journey

import (
	"slices"

	"github.com/intentd/intentd/connectors"
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

// subjectWords are what software and services are about: a form on contact centres asks for no contact.
var subjectWords = []string{"contact center", "contact centre", "contact management", "call center", "call centre", "quote management", "quotation software", "proposal management", "proposal software", "tender management", "appointment scheduling", "appointment software", "meeting room",
	"meeting management", "angebotserstellung", "angebotssoftware", "angebotsmanagement", "kontaktverwaltung", "kontaktmanagement", "kontaktpflege", "terminplanung", "ausschreibungsmanagement"}

// formWords are the lists of a config, compiled: the first that matches decides, in the order of the fields.
type formWords struct {
	never, newsletter, webinar, request, excluded, trial, application, contact, material, subject []phrase
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
