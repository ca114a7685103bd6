package clickstream

import (
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/intentd/intentd/connectors"
)

// idKind is the type of an identifier. The order is the priority: an event is stored under its first one, and on a
// conflict the later one gives way.
type idKind byte

const (
	kindUserID idKind = iota + 1
	kindEmail
	kindPhone
	kindAnonymousID
)

func (k idKind) String() string {
	switch k {
	case kindUserID:
		return "user_id"
	case kindEmail:
		return "email"
	case kindPhone:
		return "phone"
	}
	return "anonymous_id"
}

// maxIdentifier bounds the length of an identifier in bytes; RFC 5321 allows 254 for an address.
const maxIdentifier = 254

// identifier is one way of naming somebody.
type identifier struct {
	kind  idKind
	value string
}

// node is the identifier's place in the segments. Two identifiers may share one by chance; readers compare the texts too.
func (id identifier) node() uint64 {
	var d xxhash.Digest
	d.ResetWithSeed(uint64(id.kind))
	d.WriteString(id.value)
	return d.Sum64()
}

// key is the identifier's key in the main file.
func (id identifier) key() []byte {
	return append([]byte{byte(id.kind)}, id.value...)
}

// Clean brings the identifiers of e into the form they are stored and looked up in (trimmed, e-mail in lower case, phone
// as digits with an optional plus) and empties those that identify nobody: placeholders such as "null", "anonymous" or
// zeros, e-mails without a domain, texts over 254 bytes. It says whether any is left; an event without one cannot be stored.
func Clean(e *connectors.Event) bool {
	e.UserID = cleanID(e.UserID)
	e.AnonymousID = cleanID(e.AnonymousID)
	e.Email = cleanEmail(e.Email)
	e.Phone = cleanPhone(e.Phone)
	return e.UserID != "" || e.AnonymousID != "" || e.Email != "" || e.Phone != ""
}

// owner is the identifier that e is stored under: its strongest. e is clean.
func owner(e *connectors.Event) identifier {
	switch {
	case e.UserID != "":
		return identifier{kindUserID, e.UserID}
	case e.Email != "":
		return identifier{kindEmail, e.Email}
	case e.Phone != "":
		return identifier{kindPhone, e.Phone}
	}
	return identifier{kindAnonymousID, e.AnonymousID}
}

func cleanID(s string) string {
	s = strings.TrimSpace(s)
	if blocked(s) || len(s) > maxIdentifier {
		return ""
	}
	return s
}

func cleanEmail(s string) string {
	if s = cleanID(s); s == "" {
		return ""
	}
	s = strings.ToLower(s)
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || strings.ContainsAny(s, " \t\r\n") || blocked(s[:at]) {
		return ""
	}
	return s
}

func cleanPhone(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || blocked(s) || len(s) > 64 {
		return ""
	}
	digits := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits = append(digits, c)
		case c == '+' && len(digits) == 0:
			digits = append(digits, c)
		case strings.IndexByte(" ()-./", c) >= 0 || c == '\t':
		default:
			return "" // an extension or a word: not one line that belongs to one person
		}
	}
	phone := string(digits)
	if rest, ok := strings.CutPrefix(phone, "00"); ok {
		phone = "+" + rest
	}
	// E.164 allows 15 digits; fewer than 5 are an extension.
	if n := len(strings.TrimPrefix(phone, "+")); n < 5 || n > 15 || blocked(strings.TrimPrefix(phone, "+")) {
		return ""
	}
	return phone
}

// blocked says whether a value is a placeholder that many people share.
func blocked(s string) bool {
	if len(s) <= len("undefined") {
		switch strings.ToLower(s) {
		case "-1", "nil", "n/a", "nan", "null", "none", "guest", "unknown", "undefined", "anonymous", "(none)":
			return true
		}
	}
	return strings.Trim(s, "0-") == "" // the empty one, too
}
