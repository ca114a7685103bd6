package fields

import (
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
)

// No sentence ends in a date: an abbreviated month would end it twice.
var german = language{
	months:   [13]string{"", "Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."},
	date:     "{d}. {m}",
	dateYear: "{d}. {m} {y}",
	decimal:  ',',
	and:      " und ",

	tiers: [...]string{"unbekannt", "niedrig", "mittel", "hoch"},
	Tiers: [...]string{"Unbekannt", "Niedrig", "Mittel", "Hoch"},
	kinds: map[string]noun{
		connectors.KindDemoRequest: {"Demo-Anfrage", "Demo-Anfragen"},
		connectors.KindMeeting:     {"gebuchter Termin", "gebuchte Termine"},
		connectors.KindEmailReply:  {"E-Mail-Antwort", "E-Mail-Antworten"},
		connectors.KindEmailClick:  {"E-Mail-Klick", "E-Mail-Klicks"},
		connectors.KindEmailOpen:   {"geöffnete E-Mail", "geöffnete E-Mails"},
		connectors.KindDownload:    {"Download", "Downloads"},
		connectors.KindTrial:       {"Testzugang", "Testzugänge"},
		connectors.KindVisit:       {"Besuch", "Besuche"},
	},
	types: [...]noun{
		score.HandRaise:     {"Kontaktanfrage", "Kontaktanfragen"},
		score.SocialAsk:     {"öffentliche Frage nach einem Produkt", "öffentliche Fragen nach einem Produkt"},
		score.TechChange:    {"Wechsel von Werkzeugen", "Wechsel von Werkzeugen"},
		score.JobPosting:    {"Stellenanzeige der Firma", "Stellenanzeigen der Firma"},
		score.Funding:       {"Finanzierungsmeldung der Firma", "Finanzierungsmeldungen der Firma"},
		score.FormSubmit:    {"Formular", "Formulare"},
		score.ContentView:   {"wichtige Seite", "wichtige Seiten"},
		score.EmailEngage:   {"E-Mail-Reaktion", "E-Mail-Reaktionen"},
		score.WebVisit:      {"Seitenaufruf", "Seitenaufrufe"},
		score.SocialMention: {"öffentliche Erwähnung", "öffentliche Erwähnungen"},
	},
	pages: pages{
		price:      noun{"Aufruf der Preisseite", "Aufrufe der Preisseite"},
		contract:   noun{"Aufruf der Vertragsseite", "Aufrufe der Vertragsseite"},
		comparison: noun{"Aufruf einer Vergleichsseite", "Aufrufe von Vergleichsseiten"},
		product:    noun{"Aufruf einer Produktseite", "Aufrufe von Produktseiten"},
	},
	raised: map[string]string{
		connectors.KindDemoRequest: "eine Demo angefragt",
		connectors.KindMeeting:     "einen Termin gebucht",
		connectors.KindEmailReply:  "auf eine E-Mail geantwortet",
		connectors.KindTrial:       "einen Test begonnen",
		"":                         "um Kontakt gebeten",
	},

	lead:       "Zuletzt am {date}: {what}.",
	nothing:    "Bisher keine Aktivität, die zählt.",
	nextStep:   "Nächster Schritt: {text}",
	stays:      "Bleibt {tier} bis {date}, wenn nichts Neues geschieht.",
	cold:       "Zuletzt gesehen am {date}; in den {days} Tagen vor dieser Bewertung hat nichts gezählt.",
	stale:      "Nicht vollständig: keine Daten von {sources}; dies beruht auf dem, was vorher bekannt war.",
	degraded:   "Vorläufig, wird nachgeholt: {reasons}.",
	opensOnly:  "Bisher nur geöffnete E-Mails; das sagt wenig.",
	countedAre: "Gezählt: {list}.",

	volume:      "Menge {points} von {of} ({why})",
	recency:     " + Aktualität {points} von {of} ({why})",
	topics:      " + Themen {points} von {of} ({why})",
	sum:         " = {score}.",
	signals:     noun{"{n} Signal", "{n} Signale"},
	inDays:      "{signals} in {days} Tagen",
	noSignals:   "kein Signal in {days} Tagen",
	lastSignal:  "letztes Signal am {date}",
	neverRecent: "noch kein Besuch, Formular oder Klick",
	heldTo:      "zusammen höchstens {points}",
	interest:    "Produktinteresse {points}",
	rules: map[score.Rule]string{
		score.ByHysteresis: "{score}: {tier}, bis der Wert unter {below} fällt.",
		score.ByHandRaise:  "{Tier}, weil die Person am {date} {raised} hat; das zählt {days} Tage.",
		score.ByStrength:   "{Tier}: Der Wert reicht für hoch, aber nichts davon ist stark genug (Preisseite, Formular, Anfrage).",
		score.ByEvidence:   "{Tier}: Der Wert reicht für mehr, aber der Beleg dafür fehlt noch.",
		score.ByVerdict:    "{Tier}, weil das Team die Person zurückgestellt hat.",
		score.ByModel:      "{Tier} nach der Lesart des Sprachmodells; der Wert ist der der Formel.",
		score.ByNothing:    "Kein Wert: Bisher hat nichts gezählt.",
	},
	threshold: [...]string{
		score.TierUnknown: "",
		score.Low:         "Niedrig: mittel ab {medium}, hoch ab {high}.",
		score.Medium:      "Mittel ab {medium}, hoch ab {high}.",
		score.High:        "Hoch ab {high}.",
	},
}
