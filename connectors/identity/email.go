package identity

import (
	"net/url"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// email is the one form of an address, "" if s holds none or one that identifies nobody: lower case, NFC, the domain in ASCII. It
// reads addresses as they really arrive: mailto: links, angle brackets with a display name, quotes, trailing signs, %40, invisible
// characters. More than one address is none: it cannot be told whose it is.
func email(s string) string {
	if len(s) > 8*maxLength { // display names and links have their bounds
		return ""
	}
	address, plain := s, isPlain(s)
	if !plain {
		address = bare(s)
	}
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at == len(address)-1 {
		return ""
	}
	local, domain := address[:at], domainOf(address[at+1:])
	if !plain {
		local = strings.Trim(local, `"`)
	}
	if local == "" || domain == "" || strings.IndexByte(local, '@') >= 0 || !plain && strings.ContainsAny(local, " ,;:<>()[]\"\\|") || nobodysMailbox(local) {
		return ""
	}
	if !plain || len(local)+1+len(domain) != len(address) {
		address = local + "@" + domain
	}
	return address
}

// isPlain says whether s is written in lower-case letters, digits and the commonest signs, as nearly all addresses are: there is
// nothing to take off it.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '@', c == '-', c == '_':
		case c == '.' && i > 0 && i < len(s)-1:
		default:
			return false
		}
	}
	return true
}

// bare takes everything off an address that does not belong to it.
func bare(s string) string {
	s = visible(s)
	if !strings.Contains(s, "@") && strings.Contains(s, "%") {
		if decoded, err := url.PathUnescape(s); err == nil {
			s = visible(decoded)
		}
	}
	// What stands in angle brackets is the address, what stands before them a name: "Dana W" <dana@x.example>.
	if open := strings.LastIndexByte(s, '<'); open >= 0 {
		inner, _, _ := strings.Cut(s[open+1:], ">")
		if strings.ContainsAny(inner, "@%") && strings.Count(s, "<") == 1 {
			s = inner
		}
	}
	s = trimSigns(s)
	if i := strings.IndexByte(s, ':'); i >= 0 && strings.EqualFold(s[:i], "mailto") {
		s, _, _ = strings.Cut(s[i+1:], "?")
		s, _, _ = strings.Cut(s, "|") // chat programs: <mailto:a@x.example|a@x.example>
		if decoded, err := url.PathUnescape(s); err == nil {
			s = decoded
		}
		s = trimSigns(visible(s))
	}
	// A comment behind the address: dana@x.example (Dana W).
	if address, comment, ok := strings.Cut(s, " ("); ok && strings.Contains(address, "@") && !strings.Contains(comment, "@") {
		s = trimSigns(address)
	}
	return norm.NFC.String(strings.ToLower(s)) // lower case may take the form apart again
}

// trimSigns takes off the signs and brackets that text puts around an address.
func trimSigns(s string) string {
	s = strings.TrimLeft(s, " <([{,;:."+quotes)
	return strings.TrimRight(s, " >)]},;:.!?"+quotes)
}

// lookUp maps domains as the DNS is asked for them. Underscores and the like are left to the mail servers that take them.
var lookUp = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

// domainOf is the one form of a mail domain, "" if it cannot be one.
func domainOf(s string) string {
	s = strings.TrimRight(s, ".")
	if !plainASCII(s) || strings.Contains(s, "xn--") {
		ascii, err := lookUp.ToASCII(s)
		if err != nil {
			return ""
		}
		s = ascii
	}
	if s == "" || s[0] == '.' || strings.Contains(s, "..") {
		return ""
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '.', c == '-', c == '_':
		default:
			return ""
		}
	}
	return s
}

// Address is the address that a user or anonymous id has the form of, "" if it has none: one @ between a name and a domain with a dot and a top level of letters. It
// is stricter than email, since other ids may hold an @, too.
func Address(id string) string {
	if !strings.ContainsAny(id, "@%") {
		return ""
	}
	address := email(id)
	dot := strings.LastIndexByte(address, '.')
	if dot < strings.IndexByte(address, '@') || len(address)-dot < 3 {
		return ""
	}
	top := address[dot+1:]
	if !strings.HasPrefix(top, "xn--") && strings.ContainsAny(top, "0123456789-_") {
		return ""
	}
	return address
}

// Within says whether a domain is another one, or below it.
func Within(domain, of string) bool {
	return domain == of || len(domain) > len(of) && strings.HasSuffix(domain, of) && domain[len(domain)-len(of)-1] == '.'
}
