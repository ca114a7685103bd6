package identity

import "strings"

// Where a placeholder stands: as an id, as the name part of an address, or as both.
const (
	asID = 1 << iota
	asMailbox
)

// placeholders are what systems and people write where they know nobody, in lower case. Names that people bear (Nan, Na) stand for
// nobody as ids only. This list is the only one: further values go into identity.block of the configuration.
var placeholders = map[string]uint8{
	// what programs print for no value
	"null": asID | asMailbox, "nil": asID, "none": asID | asMailbox, "nan": asID, "n/a": asID, "na": asID, "#n/a": asID,
	"undefined": asID | asMailbox, "void": asID, "empty": asID, "blank": asID, "missing": asID, "true": asID, "false": asID,
	"not set": asID, "not_set": asID, "notset": asID, "not provided": asID, "not available": asID, "[object object]": asID,
	"object": asID, "\\n": asID, "-1": asID, "no": asID, "yes": asID, "default": asID, "error": asID, "invalid": asID | asMailbox,
	// nobody in particular
	"anonymous": asID | asMailbox, "anon": asID | asMailbox, "guest": asID | asMailbox, "guestuser": asID | asMailbox, "unknown": asID | asMailbox,
	"nobody": asID | asMailbox, "noone": asID, "visitor": asID | asMailbox, "user": asID | asMailbox, "username": asID, "unidentified": asID,
	"logged out": asID, "logged_out": asID, "loggedout": asID, "logged-out": asID, "not logged in": asID, "optout": asID, "opt-out": asID, "opt out": asID, "opt_out": asID,
	// names of fields, and of values that were taken out
	"id": asID, "uid": asID, "uuid": asID, "guid": asID, "userid": asID, "user_id": asID, "user id": asID, "anonymousid": asID, "anonymous_id": asID,
	"distinct_id": asID, "client_id": asID, "email": asID | asMailbox, "e-mail": asID, "phone": asID, "redacted": asID | asMailbox, "removed": asID | asMailbox, "deleted": asID | asMailbox,
	"hidden": asID, "masked": asID, "placeholder": asID | asMailbox, "example": asID | asMailbox,
	// tests
	"test": asID | asMailbox, "tester": asID | asMailbox, "testing": asID | asMailbox, "testuser": asID | asMailbox, "test user": asID, "test_user": asID, "test-user": asID,
	"dummy": asID | asMailbox, "fake": asID | asMailbox, "foo": asID | asMailbox, "bar": asID, "asdf": asID | asMailbox, "xxx": asID | asMailbox, "abc": asID, "tbd": asID, "todo": asID,
	// machines that send and never read
	"noreply": asMailbox, "no-reply": asMailbox, "no_reply": asMailbox, "no.reply": asMailbox, "donotreply": asMailbox, "do-not-reply": asMailbox,
	"do_not_reply": asMailbox, "mailer-daemon": asMailbox, "postmaster": asMailbox, "nomail": asMailbox, "noemail": asMailbox, "no-email": asMailbox,
}

const longestPlaceholder = len("not available")

// placeholder says whether an id without spaces around it stands for nobody: "" and zeros, a word of the list in any case and
// brackets, a UUID of one digit, a template that nobody filled in.
func placeholder(s string) bool {
	if len(s) <= longestPlaceholder+4 {
		low := strings.ToLower(s)
		if placeholders[low]&asID != 0 || placeholders[strings.Trim(low, "()[]{}<>$%# ")]&asID != 0 {
			return true
		}
	}
	if strings.Trim(s, "0-.+?_*#/ ") == "" {
		return true
	}
	if len(s) == 36 && s[0] == s[1] && isUUID(s) && strings.Trim(s, s[:1]+"-") == "" {
		return true
	}
	return strings.ContainsAny(s, "{[<") && (strings.Contains(s, "{{") || strings.Contains(s, "${") || strings.HasPrefix(s, "<%") || strings.Contains(s, "[object "))
}

// isUUID says whether s has the form 8-4-4-4-12 of hexadecimal digits.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
			continue
		}
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// guest says whether a user id is one that shops and apps number their guests with ("guest_4711"): a visit, not an account.
func guest(s string) bool {
	if !strings.ContainsAny(s[:min(1, len(s))], "gGaAvV") {
		return false
	}
	word := strings.TrimRight(strings.ToLower(s), "0123456789abcdef-_:.# ")
	return word == "guest" || word == "anon" || word == "anonymous" || word == "visitor"
}

// nobodysMailbox says whether the name part of an address stands for nobody.
func nobodysMailbox(local string) bool {
	name, _, _ := strings.Cut(local, "+")
	return placeholders[name]&asMailbox != 0 || strings.Trim(local, "0-._") == ""
}

// sharedMailboxes are names of mailboxes that several people of a company read, in the languages of Europe's customers.
var sharedMailboxes = wordSet(`
	info infos information informations office mail email post contact contacts contactus kontakt hello hallo welcome
	team all everyone everybody staff company group general main central zentrale reception empfang sekretariat secretariat secretary
	sales vertrieb verkauf ventas comercial commercial commerciale vendas vendite vente ventes verkoop sprzedaz salg myynti forsaljning
	marketing press presse prensa media news newsletter events event social community partner partners partnerships
	support help helpdesk service services customerservice customercare customersuccess kundenservice kundendienst care feedback
	admin administrator administration verwaltung administracion administratie webmaster hostmaster root it edv sysadmin security abuse privacy datenschutz legal recht compliance dpo gdpr
	accounts account accounting accountspayable billing invoice invoices invoicing finance financial buchhaltung rechnung rechnungen faktura fakturace compta comptabilite contabilidad contabilita amministrazione
	hr people jobs job career careers recruiting recruitment bewerbung bewerbungen karriere personal talent
	order orders bestellung bestellungen purchasing purchase procurement einkauf compras achats acquisti shop store booking bookings reservation reservations reservierung
	enquiry enquiries inquiry inquiries anfrage anfragen request requests export logistics logistik dispatch versand warehouse lager
	contacto contato contatto accueil direction ufficio biuro kancelaria kundenbetreuung buero bureau toimisto receptie receptionist ask faq demo trial signup
`)

func wordSet(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(text) {
		set[w] = true
	}
	return set
}

// sharedMailbox says whether an address in its one form is one that several people read (info@, sales@, office.berlin@ is not): its
// name is a word of the list, alone or with further words of it, numbers and country codes ("sales-team", "info2", "info.de").
func sharedMailbox(address string) bool {
	local, _, ok := strings.Cut(address, "@")
	if !ok {
		return false
	}
	local, _, _ = strings.Cut(local, "+")
	if local == "" {
		return false
	}
	for i, word := range strings.FieldsFunc(local, func(r rune) bool { return r == '.' || r == '-' || r == '_' }) {
		word = strings.TrimRight(word, "0123456789")
		if !sharedMailboxes[word] && (i == 0 || len(word) > 2) {
			return false
		}
	}
	return true
}
