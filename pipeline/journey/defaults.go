package journey

import (
	"time"

	"github.com/intentd/intentd/pipeline/score"
)

const days = 24 * time.Hour

// Defaults is the configuration before an admin changes anything. Its lists speak English and German, with the best-known
// words of French and Spanish.
func Defaults() Config {
	return Config{
		ScoreWindow:     90 * days,
		RecentWindow:    30 * days,
		SessionGap:      30 * time.Minute,
		KeepHistory:     400 * days,
		EventsPerMinute: 60,
		MachineLinks:    3,
		MachineSeconds:  10,
		SummaryPages:    5,
		Strengths:       score.Defaults().Strengths,
		DropQueryParams: []string{"token", "access_token", "refresh_token", "id_token", "auth", "authorization", "code", "key", "api_key",
			"apikey", "secret", "password", "passwd", "pwd", "pass", "otp", "session", "session_id", "sid", "jsessionid", "phpsessid", "sig",
			"signature", "email", "e-mail", "mail", "user", "username", "login", "name", "firstname", "first_name", "lastname", "last_name",
			"phone", "tel", "mobile", "iban", "gclid", "fbclid", "msclkid", "_hsenc", "_hsmi", "mc_eid", "mkt_tok"},
		// Only what a site begins with, or a whole host: /security/sso and /solutions/help-desk are about the product.
		ExcludePaths: first("careers", "career", "jobs", "job", "vacancies", "open-positions", "karriere", "stellen", "stellenangebote", "offene-stellen", "jobangebote", "emploi", "empleo",
			"login", "log-in", "signin", "sign-in", "logout", "log-out", "sign-out", "kundenlogin", "wp-login", "wp-admin", "sso", "auth", "oauth", "account", "my-account", "password",
			"password-reset", "reset-password", "forgot-password", "passwort-vergessen", "anmelden", "einloggen", "mein-konto", "konto",
			"support", "help", "helpcenter", "help-center", "customer-support", "customer-service", "kundenservice", "kundensupport", "kundendienst", "hilfe", "aide", "ayuda", "knowledge-base", "kb",
			"legal", "privacy", "privacy-policy", "terms", "terms-of-service", "terms-of-use", "terms-and-conditions", "terms-conditions", "privacy-notice", "legal-notice", "cookies", "cookie-policy", "cookie-richtlinie",
			"gdpr", "imprint", "impressum", "datenschutz", "datenschutzerklaerung", "nutzungsbedingungen", "rechtliches", "agb", "mentions-legales", "politique-de-confidentialite", "cgu", "cgv", "aviso-legal", "politica-de-privacidad",
			"unsubscribe", "preferences", "email-preferences", "subscription-preferences", "abmelden", "abbestellen", "404"),
		ExcludeHosts: []string{"careers.*", "jobs.*", "karriere.*", "stellen.*", "support.*", "help.*", "helpdesk.*", "hilfe.*", "login.*", "auth.*", "sso.*", "accounts.*", "status.*"},
		PricePaths: anywhere("pricing*", "price", "prices", "price-list", "*-prices", "*-pricing", "plans", "plans-and-*", "*-and-plans", "subscription-plans", "cost", "costs", "rates", "fees", "tuition*",
			"preis", "preise", "preisliste", "preisuebersicht", "preismodell*", "preise-*", "*-preise", "*preise", "tarife", "tarife-*", "*-tarife", "kosten", "kosten-und-*", "konditionen", "gebuehren", "zinsen", "tarifs", "*-tarifs", "prix", "*-prix", "precios", "*-precios", "tarifas"),
		ContractPaths: anywhere("contract", "contracts", "contract-terms", "terms-of-contract", "order", "order-form", "cart", "basket", "shopping-cart", "shopping-bag", "checkout", "buy", "buy-now", "purchase",
			"shipping", "delivery-options", "payment", "billing", "quote", "*-quote", "quote-request", "rfq", "request-for-quote", "request-for-quotation", "msa", "calculator", "*-calculator", "calculators", "configurator", "*-configurator",
			"vertrag", "vertraege", "vertragsbedingungen", "warenkorb", "einkaufswagen", "kasse", "bestellen", "bestellung", "angebot", "angebot-*", "angebotsanfrage", "offerte", "kaufen", "versand", "versandkosten", "zahlung", "bezahlung",
			"rechner", "*rechner", "konfigurator", "*konfigurator", "panier", "commande", "paiement", "livraison", "devis", "*-devis", "calculateur", "presupuesto", "carrito", "pedido", "pago", "envio", "calculadora"),
		ComparisonPaths: anywhere("compare", "compare-*", "comparison", "comparisons", "comparison-*", "*-comparison", "vs", "versus", "vs-*", "*-vs-*", "*-versus-*", "alternatives", "alternative", "*-alternative", "*-alternatives", "alternatives-to-*",
			"vergleich", "vergleiche", "*vergleich", "vergleich-*", "comparatif", "comparativa"),
		CaseStudyPaths: anywhere("case-study", "case-studies", "customer-stories", "customer-story", "success-stories", "success-story", "*-success-stories", "*-success-story", "customers", "testimonials", "referenz", "referenzen", "fallstudie", "fallstudien", "kunden", "kundenstimmen", "kundengeschichten", "kundenreferenzen", "erfolgsgeschichten", "anwenderberichte", "praxisbeispiele",
			"cas-clients", "cas-client", "etudes-de-cas", "temoignages", "casos-de-exito", "casos-de-estudio"),
		ProductPaths: anywhere("product", "products", "features", "solutions", "platform", "produkt", "produkte", "loesungen"),
		Sensitive: []string{"pregnancy", "pregnant", "fertility", "abortion", "hiv", "cancer", "depression", "addiction", "mental health", "mental illness", "disability", "sexual*", "lgbt*", "transgender",
			"religion", "religious", "church", "mosque", "synagogue", "trade union", "union membership", "party membership", "ethnicity",
			"schwangerschaft*", "abtreibung", "krebserkrankung*", "krebsvorsorge", "depressionen", "suchtberatung", "suchterkrankung*", "psychotherapie", "psychische*", "behinderung", "krankheit", "religioes*", "kirche",
			"kirchensteuer", "gewerkschaft*", "parteimitglied*"},
		HandRaiseForms: []string{"demo", "demonstration", "*demo", "demoanfrage", "demotermin", "vorfuehrung", "produktvorfuehrung",
			"quote", "quotation", "rfq", "rfp", "rfi", "tender", "invitation to tender", "proposal", "estimate", "pricing request", "price request", "request pricing", "request price", "get pricing",
			"contact sales", "talk to sales", "speak to sales", "sales team", "sales enquiry", "sales inquiry", "talk to us", "talk to our team", "let s talk", "talk to an expert", "speak to an expert", "speak with an expert", "speak to us", "request a call", "arrange a call", "call me", "call you", "request call", "callback", "call back",
			"book a meeting", "book a call", "schedule a call", "schedule a meeting", "meeting", "appointment", "consultation", "discovery call", "strategy session", "booking request", "site visit", "evaluation kit", "intro call", "introductory call", "strategy call", "get a price", "talk to a human", "speak to a human", "talk to a specialist", "speak to a specialist", "speak with a specialist", "pilot", "pilot*", "proof of concept", "poc",
			"contact", "contact us", "get in touch", "message us", "write to us", "enquiry", "enquire", "inquiry", "inquire", "talk to our", "speak to our", "speak with our", "ask a question", "request information", "request more information", "request info", "request more info",
			"kontakt*", "anfrage", "anfrage*", "mehr informationen anfordern", "informationen anfordern", "schreiben sie uns", "nachricht an uns", "ihre nachricht", "sprechen sie mit", "rufen sie uns", "anfragen", "*anfrage", "angebot", "angebots*", "preisangebot", "preisanfrage", "angebotsanfrage", "preisauskunft", "leistungsverzeichnis", "vorfuehr*", "probefahrt*", "offerte", "offertanfrage", "kostenvoranschlag", "ausschreibung*", "rueckruf*", "beratung*", "erstgespraech", "wir rufen sie zurueck", "rufen sie mich", "teststellung", "vertrieb", "vertrieb kontaktieren", "termin", "terminanfrage", "terminbuchung", "terminvereinbarung", "terminwunsch",
			"devis", "rendez vous", "rappel", "rappele", "etre rappele", "llamame", "contactez*", "demande", "demande de demo", "presupuesto", "cotizacion", "demostracion", "oferta", "que me llamen", "cita", "contacto", "contactar", "contacta", "nous contacter", "hablar con", "agendar", "llamada", "consulta", "solicitud"},
		TrialForms: []string{"trial", "free trial", "test drive", "sandbox access", "sign up", "signup", "create account", "create an account", "create your account", "create my account", "open an account", "open account", "=register", "=registration", "try it free", "try for free", "try it for free", "start for free", "get started", "testen", "testphase", "testzugang", "testaccount", "testkonto", "testversion", "probezugang", "probemonat",
			"registrieren", "essai", "konto erstellen", "konto eroeffnen", "creer un compte", "crear cuenta", "crear una cuenta", "essai gratuit", "prueba", "prueba gratuita"},
		ApplicationForms: []string{"application", "apply", "order", "purchase", "checkout", "enrol", "enroll", "enrolment", "enrollment", "antrag", "*antrag", "bestellung", "bestellen", "bestellformular", "immatrikulation", "einschreibung", "commande", "commander", "pedido"},
		WebinarForms: []string{"webinar", "webinar*", "webcast", "event registration", "event sign up", "open day", "masterclass", "roundtable", "round table", "seminar registration", "conference registration", "tag der offenen tuer", "infotag", "infoabend", "veranstaltungsanmeldung",
			"seminaranmeldung", "veranstaltung*", "event anmeldung", "zum event anmelden", "workshop registration", "messeanmeldung", "webinaire"},
		NewsletterForms: []string{"newsletter", "newsletter*", "mailing list", "update signup", "update sign up", "news signup", "infoletter", "novedad*", "email update", "blog update", "product update", "weekly digest", "stay in touch", "sign up for update", "get update", "get notified", "stay updated", "stay up to date", "stay informed", "keep me posted", "keep me updated", "keep me informed", "email sign up", "email signup", "join our list", "subscribe", "blog subscription", "email subscription", "infomail", "infobrief", "rundbrief", "rundmail", "auf dem laufenden", "abonnez vous", "abonnieren", "infolettre", "lettre d information",
			"boletin", "suscribirse", "suscribete", "suscribirme", "suscripcion"},
		ExcludeForms: []string{"unsubscribe*", "opt out", "login", "*login", "log in", "sign in", "password", "passwort*", "cookie", "feedback", "survey", "umfrage", "abmelden", "abmeldung", "abbestellen", "einloggen", "anmelden", "connexion", "iniciar sesion", "se desabonner", "se desinscrire", "darse de baja",
			"email preference", "communication preference", "manage preference", "my preference", "preference center", "preference centre", "was this helpful", "rate this", "rate our", "bewertung", "bewertungen", "avis client", "encuesta", "enquete de satisfaction", "kundenbefragung", "befragung", "cancelar suscripcion", "desinscription", "mot de passe", "contrasena", "kundenzufriedenheit*", "zufriedenheitsumfrage", "=search", "site search", "search form", "searchform", "searchbox", "search box", "suchfeld", "blog comment", "=suche", "suchformular", "=comment", "comment form", "commentform", "leave a comment", "post a comment", "kommentar*",
			"job", "job application", "job*", "career", "career*", "vacancy", "open position", "talent pool", "recruitment", "recruiting", "speculative application", "apply for this role", "apply for this job", "apply for this position", "upload your cv", "upload cv", "=cv", "submit your resume", "upload resume", "=resume", "lebenslauf*", "internship*", "graduate programme", "praktikum", "praktikums*", "ausbildung*", "stellenbewerbung", "emploi", "bewerbung", "bewerb*", "karriere*", "stellenanzeige", "stellenangebot", "initiativbewerbung", "candidature", "postuler", "empleo", "enviar curriculum", "trabaja con nosotros", "candidater", "bolsa de trabajo", "talent community", "graduate application",
			"support", "support ticket", "support*", "=ticket", "help request", "get help", "technical help", "customer service", "help desk ticket", "help desk", "open a ticket", "help center", "help centre", "service ticket", "service desk", "servicefall*", "serviceauftrag*", "product registration", "produktregistrierung", "repair request", "feature request", "schaden", "schadens*", "maengel*", "=sav", "reklamieren", "reclamacion*", "submit a ticket", "create a ticket", "service request", "report a problem", "report an issue", "report a fault", "bug report", "report a bug", "kundendienst*", "technische hilfe", "hilfe", "soporte", "atencion al cliente", "queja", "reclamacion", "service client", "service apres vente", "assistance technique", "demande d assistance", "reclamation", "complaint", "beschwerde*", "reklamation*", "stoerung*", "serviceanfrage", "kundenservice", "rechnungsanfrage",
			"=press", "=media", "pr contact", "pr enquiry", "pr inquiry", "pressebereich", "medienanfrage", "medienkontakt", "press contact", "press enquiry", "press inquiry", "press request", "press office", "press team", "press form", "press kit", "press interview", "press accreditation", "contact press", "media enquiry", "media inquiry", "media request", "media contact",
			"media relation", "journalist", "interview", "presse", "presseanfrage", "pressekontakt", "pressestelle", "pressemitteilung", "presseverteiler", "akkreditierung", "prensa",
			"partner", "partner*", "vertriebspartner*", "partenariat", "handelspartner*", "wiederverkaeufer*", "reseller*", "distributor*", "franchise*", "revendeur*", "distributeur*", "distribuidor*", "reseller application", "affiliate", "supplier", "supplier*", "partenaire", "hazte socio", "hazte distribuidor", "haendler werden", "haendleranfrage", "haendlerregistrierung", "vendor registration", "vendor onboarding", "vendor application", "vendor portal", "vendor form", "become a vendor", "lieferant", "lieferant*", "zulieferer*", "fournisseur", "proveedor*",
			"media kit", "investor*", "sponsor*", "donation", "spende*", "donate", "gewinnspiel*", "verlosung*", "prize draw", "sweepstake", "giveaway", "contest entry", "warranty*", "rma", "return request", "retoure*", "reparatur*", "garantie*",
			"=return", "widerruf*", "alumni*", "privacy request", "data request", "data deletion", "gdpr*", "dsgvo*", "datenschutz*", "datenauskunft*", "data subject", "auskunftsersuchen", "widerspruch*", "cancel account", "cancel my account", "account deletion", "delete account", "delete my account", "compliance report", "delete my data", "kuendigung*", "kuendigen", "cancellation", "cancel my subscription", "cancel subscription", "cancel contract", "cancel my contract", "resiliation", "whistleblow*", "hinweisgeber*",
			"change of address", "address change", "update billing", "adressaenderung", "zaehlerstand*", "speaker application", "call for speaker", "call for paper", "guest post", "write for us"},
	}
}
