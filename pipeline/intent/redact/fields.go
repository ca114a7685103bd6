package redact

import (
	"slices"
	"strings"
	"unicode"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent/plain"
)

// TypedFields are the names of the properties that hold what was written, in order, without those that say who wrote it.
func TypedFields(props map[string]string) []string {
	var names []string
	for k, v := range props {
		if structural[k] || strings.TrimSpace(v) == "" {
			continue
		}
		if PersonalField(k) {
			continue
		}
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

// Typing are the kinds whose further properties are what the visitor wrote.
func Typing(kind string) bool {
	switch kind {
	case connectors.KindSearch, connectors.KindChat, connectors.KindEmailReply, connectors.KindMeeting, "hand_raise", "social_ask", "social_mention":
		return true
	}
	return ViaForm(kind)
}

// Labelled are the kinds whose element text is a label of the customer's page. Of any other kind it may be what was typed.
func Labelled(kind string) bool {
	switch kind {
	case connectors.KindPageView, connectors.KindClick, connectors.KindScroll, connectors.KindDwell, connectors.KindVideo, connectors.KindDownload,
		connectors.KindCart, connectors.KindCheckout, connectors.KindPurchase, connectors.KindEmailClick:
		return true
	}
	return ViaForm(kind)
}

// ViaForm are the kinds that a form brings about.
func ViaForm(kind string) bool {
	switch kind {
	case connectors.KindFormStart, connectors.KindFormSubmit, connectors.KindDemoRequest, connectors.KindQuoteRequest, connectors.KindContactRequest,
		connectors.KindTrial, connectors.KindSignUp, connectors.KindWebinar, connectors.KindBooking:
		return true
	}
	return false
}

// personalWords are words of a property's name by which its value says who somebody is, not what they want.
var personalWords = plain.Set(`mail email phone phones telephone telefon tel mobile mobil handy cell fax name firstname lastname fullname surname forename vorname nachname nickname username login
address adresse street strasse straße city stadt ort zip zipcode postal postcode plz birth birthday birthdate dob geburtstag geburtsdatum password passwd passwort secret token iban bic ssn passport
cookie cookies session sessionid gclid fbclid msclkid ip user userid uuid guid utm hash signature unterschrift linkedin twitter gender geschlecht salutation anrede captcha recaptcha csrf nonce honeypot company firma
jobtitle`)

// thingWords beside "name" or "address" make it the name of a thing.
var thingWords = plain.Set("product project campaign event file form page plan programme program course model service feature item site machine produkt projekt kurs datei")

// PersonalField says whether a property's name says that its value tells who somebody is. Names are read by whole words, in whatever way they
// are put together: first_name, firstName, "First name".
func PersonalField(name string) bool {
	w := KeyWords(name)
	for i, x := range w {
		switch {
		case !personalWords[x]:
			continue
		case plain.HasAny(w, "number", "count", "anzahl", "how", "many", "qty", "quantity") && (x == "user" || x == "company" || x == "session" || x == "mobile" || x == "phones"):
			continue
		case (x == "name" || x == "address") && i > 0 && thingWords[w[i-1]]:
			continue
		case x == "company" && len(w) > 1 && !plain.HasAny(w, "name"):
			continue // company_size
		case x == "session" && len(w) > 1 && !plain.HasAny(w, "id", "key", "token"):
			continue
		}
		return true
	}
	return plain.HasAny(w, "card", "karte") && plain.HasAny(w, "number", "no", "nummer", "cvc", "holder") || plain.HasAny(w, "account", "konto", "tax", "customer") && plain.HasAny(w, "number", "no", "nummer", "id") ||
		plain.HasAny(w, "job", "role") && plain.HasAny(w, "title")
}

// KeyWords are the words of a property's name in lower case: snake, kebab, camel and plain.
func KeyWords(name string) []string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		if unicode.IsUpper(r) && lower {
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		b.WriteRune(r)
	}
	return plain.Words(b.String())
}

// Structural are names of properties that trackers add by themselves.
func Structural(name string) bool {
	return structural[name] || trackerFields[strings.ToLower(name)]
}

var trackerFields = plain.Set(`status state step last_step left_at field last_field abandoned_at outcome subject title file url href path referrer device browser os screen language locale timezone currency value total revenue order_id id event event_name
name type category label source medium content variant version platform library button element action date starts_at start_time event_date page success result`)

// structural are properties that are no text of a visitor's.
var structural = map[string]bool{
	connectors.PropCampaign: true, connectors.PropMachine: true, connectors.PropForm: true, connectors.PropCount: true,
	connectors.PropInternal: true, connectors.PropBot: true,
}
