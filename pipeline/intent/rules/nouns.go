package rules

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/intentd/intentd/pipeline/intent/plain"
)

// nouns translate what people count, English to German, in the plural. What is not in the list is shown as it was typed: in another
// language's text within quotation marks.
var nouns = map[string]string{
	"users": "Nutzer", "seats": "Plätze", "licences": "Lizenzen", "licenses": "Lizenzen", "people": "Personen", "persons": "Personen",
	"employees": "Mitarbeitende", "staff": "Mitarbeitende", "colleagues": "Kolleginnen und Kollegen", "agents": "Agenten", "reps": "Vertriebsleute",
	"members": "Mitglieder", "participants": "Teilnehmende", "guests": "Gäste", "adults": "Erwachsene", "children": "Kinder", "pupils": "Schüler", "students": "Studierende",
	"teachers": "Lehrkräfte", "carers": "Pflegekräfte", "nurses": "Pflegekräfte", "patients": "Patienten", "beds": "Betten", "homes": "Häuser", "rooms": "Zimmer", "nights": "Nächte",
	"sites": "Standorte", "locations": "Standorte", "branches": "Filialen", "stores": "Filialen", "shops": "Läden", "cafés": "Cafés", "cafes": "Cafés", "restaurants": "Restaurants",
	"hotels": "Hotels", "offices": "Büros", "plants": "Werke", "warehouses": "Lager", "countries": "Länder", "schools": "Schulen", "machines": "Maschinen", "pumps": "Pumpen",
	"devices": "Geräte", "units": "Stück", "pieces": "Stück", "presses": "Pressen", "lines": "Linien", "vehicles": "Fahrzeuge", "vans": "Transporter", "trucks": "Lkw", "cars": "Autos",
	"drivers": "Fahrer", "cards": "Karten", "accounts": "Konten", "parcels": "Pakete", "pallets": "Paletten", "orders": "Bestellungen", "invoices": "Rechnungen", "customers": "Kunden",
	"contacts": "Kontakte", "records": "Datensätze", "tickets": "Tickets", "calls": "Anrufe", "tonnes": "Tonnen", "tons": "Tonnen", "litres": "Liter", "laptops": "Notebooks",
	"desks": "Schreibtische", "chairs": "Stühle", "panels": "Module", "modules": "Module", "doors": "Türen", "windows": "Fenster", "robots": "Roboter", "sensors": "Sensoren",
	"cameras": "Kameras", "servers": "Server", "months": "Monate", "years": "Jahre", "weeks": "Wochen", "days": "Tage", "month": "Monat", "year": "Jahr", "week": "Woche", "day": "Tag", "volunteers": "Freiwillige",
	"press lines": "Pressenlinien", "infusion pumps": "Infusionspumpen", "test drives": "Probefahrten", "solar panels": "Solarmodule", "delivery vans": "Lieferwagen", "electric vans": "E-Transporter", "hotel rooms": "Hotelzimmer", "team members": "Teammitglieder", "teams": "Teams", "departments": "Abteilungen", "clinics": "Kliniken", "practices": "Praxen", "sqm": "qm", "languages": "Sprachen", "pages": "Seiten", "words": "Wörter", "endpoints": "Endgeräte", "brokers": "Makler", "recruiters": "Recruiter", "developers": "Entwickler", "engineers": "Ingenieure", "depots": "Depots", "lifts": "Aufzüge", "elevators": "Aufzüge",
	"buildings": "Gebäude", "flats": "Wohnungen", "houses": "Häuser", "towns": "Städte", "learners": "Lernende", "trainees": "Auszubildende", "doctors": "Ärzte", "dentists": "Zahnärzte", "lawyers": "Anwälte", "consultants": "Berater", "technicians": "Techniker", "workers": "Arbeiter", "freelancers": "Freiberufler",
	"workstations": "Arbeitsplätze", "workplaces": "Arbeitsplätze", "phones": "Telefone", "tablets": "Tablets", "screens": "Bildschirme", "printers": "Drucker", "bikes": "Fahrräder", "buses": "Busse", "trailers": "Anhänger", "excavators": "Bagger", "forklifts": "Gabelstapler", "tables": "Tische", "lamps": "Leuchten",
	"bottles": "Flaschen", "boxes": "Kartons", "bags": "Beutel", "labels": "Etiketten", "copies": "Exemplare", "books": "Bücher", "kits": "Sets", "sets": "Sets", "parts": "Teile", "spare parts": "Ersatzteile", "tiles": "Fliesen", "halls": "Hallen", "floors": "Etagen", "classrooms": "Klassenräume", "classes": "Klassen",
	"projects": "Projekte", "websites": "Websites", "domains": "Domains", "mailboxes": "Postfächer", "leads": "Leads", "deals": "Abschlüsse", "campaigns": "Kampagnen", "forms": "Formulare", "documents": "Dokumente", "contracts": "Verträge", "claims": "Schäden", "policies": "Policen", "shipments": "Sendungen", "stops": "Stopps",
	"gates": "Tore", "dishwashers": "Spülmaschinen", "ovens": "Öfen", "fridges": "Kühlschränke", "treadmills": "Laufbänder", "hires": "Einstellungen", "visitors": "Besucher", "passengers": "Fahrgäste", "travellers": "Reisende", "families": "Familien", "households": "Haushalte", "clients": "Mandanten", "apartments": "Wohnungen", "samples": "Muster",
}

// nounsBack are nouns from German to English.
var nounsBack = backToEnglish()

// backToEnglish gives a German noun the same English one at every start: a text must not change by itself.
func backToEnglish() map[string]string {
	m := map[string]string{
		"mitarbeiter": "employees", "mitarbeiterinnen": "employees", "mitarbeitern": "employees", "arbeitsplätze": "seats", "anwender": "users", "benutzer": "users", "nutzern": "users",
		"pflegekräfte": "carers", "schülerinnen": "pupils", "fahrzeuge": "vehicles", "filialen": "stores", "standorten": "sites", "pressenlinien": "press lines", "infusionspumpen": "infusion pumps",
		"leute": "people", "plätzen": "seats", "teilnehmer": "participants", "kollegen": "colleagues", "häusern": "homes", "lizenz": "licences", "stück": "pieces", "cafés": "cafés",
	}
	for _, en := range slices.Sorted(maps.Keys(nouns)) {
		m[strings.ToLower(nouns[en])] = cmp.Or(m[strings.ToLower(nouns[en])], en)
	}
	m["filialen"], m["lizenzen"], m["personen"], m["mitarbeitende"], m["standorte"] = "stores", "licences", "people", "employees", "sites"
	m["monat"], m["jahr"], m["woche"], m["tag"] = "month", "year", "week", "day"
	return m
}

// durations are units of time, which are terms and no quantities.
var durations = map[string]string{
	"months": "m", "years": "y", "weeks": "w", "days": "d", "hours": "h", "month": "m", "year": "y", "week": "w", "day": "d", "minutes": "h",
	"monate": "m", "jahre": "y", "wochen": "w", "tage": "d", "stunden": "h", "monat": "m", "jahr": "y", "woche": "w", "tag": "d", "monaten": "m", "jahren": "y", "tagen": "d", "wochen.": "w",
	"nights": "d", "nächte": "d", "monatlich": "m",
}

// preps translate what joins a quantity to what it is spread over.
var (
	prepsDE = map[string]string{"for": "für", "in": "in", "across": "an", "at": "an", "on": "auf", "per": "pro", "a": "pro"}
	prepsEN = map[string]string{"für": "for", "in": "in", "an": "at", "auf": "on", "pro": "per", "je": "per", "im": "in"}
)

// numbersDE are spelled-out numbers.
var (
	numbersDE = map[string]string{"two": "zwei", "three": "drei", "four": "vier", "five": "fünf", "six": "sechs", "seven": "sieben", "eight": "acht", "nine": "neun", "ten": "zehn", "eleven": "elf", "twelve": "zwölf",
		"twenty": "zwanzig", "thirty": "dreißig", "hundred": "hundert", "second": "zweite", "third": "dritte", "another": "weitere"}
	numbersEN = func() map[string]string {
		m := map[string]string{"zweite": "second", "zweiter": "second", "zweites": "second", "zweiten": "second", "dritte": "third", "dritten": "third", "weitere": "another", "weiteren": "another"}
		for en, de := range numbersDE {
			if _, ok := m[de]; !ok {
				m[de] = en
			}
		}
		return m
	}()
)

// extras are additions to a request that a rep would ask about, by the words people use: English name, German name.
var extraWords = []struct {
	en, de string
	words  []string
}{
	{"service", "Service", []string{"service contract", "service", "maintenance", "maintenance contract", "wartung", "wartungsvertrag", "servicevertrag"}},
	{"installation", "Montage", []string{"installation", "montage", "aufbau", "fitting"}},
	{"training", "Schulung", []string{"training", "schulung", "onboarding"}},
	{"automation", "Automatisierung", []string{"automation", "automatisierung"}},
	{"migration", "Datenübernahme", []string{"migration", "data migration", "datenübernahme", "datenmigration"}},
	{"single sign-on", "Single Sign-on", []string{"sso", "single sign-on", "saml"}},
	{"an API", "eine API", []string{"api", "api access", "schnittstelle", "schnittstellen"}},
	{"express delivery", "Expresslieferung", []string{"express", "express delivery", "expresslieferung"}},
	{"leasing", "Leasing", []string{"leasing", "lease"}},
	{"financing", "Finanzierung", []string{"financing", "finanzierung"}},
	{"insurance", "Versicherung", []string{"insurance", "versicherung"}},
	{"catering", "Verpflegung", []string{"catering", "full board", "verpflegung", "vollpension"}},
}

// extraOf names the addition that s is, "" if it is none; the name is the English one, which is its key.
func extraOf(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	for _, p := range []string{"with ", "incl. ", "including ", "inkl. ", "mit ", "and ", "plus ", "und "} {
		s = strings.TrimPrefix(s, p)
	}
	for _, e := range extraWords {
		for _, w := range e.words {
			if s == w {
				return e.en
			}
		}
	}
	return ""
}

// symbols of units are the same in both languages.
var symbols = plain.Set("qm m2 sqm kwh mwh gwh kw mw kwp kg t g l ml hl gb tb mb km m m² m³ ha")

// purposes are words by which somebody says what a date is for.
var purposes = map[string]string{}

func init() {
	for what, words := range map[string]string{
		"start":    "live go-live golive start starts starting started starten startet gestartet launch kick-off kickoff rollout roll-out running ready place produktivstart einführung loslegen produktiv beginnen beginn inbetriebnahme begin beginning",
		"bids":     "bids bid tender tenders proposals proposal submission submit submissions deadline abgabe angebotsfrist gebote abgabefrist einreichung frist closing",
		"delivery": "delivery deliver delivered ship shipped lieferung geliefert liefern liefertermin installed installation",
		"opening":  "opening opens open eröffnung eröffnen eröffnet",
		"decide":   "decide decides decision deciding entscheidung entscheiden entscheid",
		"ends":     "ends end expires expire expires expired expiry expiring runs endet ausläuft läuft kündigung laufzeit vertragsende",
		"renews":   "renewal renew renews renewed verlängerung verlängert",
		"visit":    "visit tour besuch besichtigung",
		"move":     "move moving umzug einzug",
	} {
		for _, w := range strings.Fields(words) {
			purposes[w] = what
		}
	}
}

func purpose(words []string) string {
	for _, w := range words {
		if p := purposes[strings.ToLower(w)]; p != "" {
			return p
		}
	}
	return ""
}

// purposeAfter reads what a date is for where that follows it: "bis 1. März produktiv".
func purposeAfter(t []string) string {
	for i, w := range t {
		if i > 2 {
			break
		}
		if p := purposes[strings.ToLower(w)]; p != "" {
			return p
		}
	}
	return ""
}
