package fields

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// hosts are the customer's own, in lower case: links to them and to hosts below them may stay.
type hosts []string

// noLinks takes out e-mail addresses and links to foreign hosts. A bare domain name loses its last labels ("rival.com" → "rival"): a
// rep still reads what it was about, and no CRM makes a link of it.
func (h hosts) noLinks(s string) string {
	if !strings.ContainsAny(s, ":.@\\") {
		return s
	}
	var b strings.Builder
	for s != "" {
		word, rest := s, ""
		if i := strings.IndexByte(s, ' '); i >= 0 {
			word, rest = s[:i], s[i+1:]
		}
		h.word(&b, word)
		b.WriteByte(' ')
		s = rest
	}
	return b.String()
}

// word writes what may stay of one word. What goes leaves a space, so that its neighbours never join into something new.
func (h hosts) word(b *strings.Builder, w string) {
	from := scheme(w)
	if a, to := address(w); to > 0 && (from < 0 || a < from) {
		h.word(b, w[:a])
		b.WriteByte(' ')
		h.word(b, w[to:])
		return
	}
	if from >= 0 {
		h.word(b, w[:from])
		link := linkIn(w[from:])
		if own := h.own(link); own != "" {
			b.WriteString(own)
		} else {
			b.WriteByte(' ')
		}
		b.WriteString(w[from+len(link):])
		return
	}
	if strings.IndexByte(w, '.') < 0 {
		b.WriteString(w)
		return
	}
	h.names(b, w)
}

// linkIn is the link that w begins with: without the punctuation after it, and without a bracket that was opened before it.
func linkIn(w string) string {
	for {
		link := strings.TrimRight(w, ".,;:!?\"'“”’»*_]}")
		if strings.HasSuffix(link, ")") && strings.Count(link, "(") < strings.Count(link, ")") {
			link = link[:len(link)-1]
		}
		if link == w {
			return link
		}
		w = link
	}
}

// address finds the first e-mail address in w; to is 0 if there is none.
func address(w string) (from, to int) {
	for at := 1; at < len(w)-1; at++ {
		if w[at] != '@' || !isAddress(w[at-1]) || !isHostByte(w[at+1]) {
			continue
		}
		for from = at; from > 0 && isAddress(w[from-1]); from-- {
		}
		for to = at + 1; to < len(w) && (isHostByte(w[to]) || w[to] == '.' || w[to] == '@'); to++ {
		}
		return from, to
	}
	return 0, 0
}

// scheme finds where a link with an explicit scheme starts in w, −1 if there is none.
func scheme(w string) int {
	for i := 1; i < len(w); i++ {
		if w[i] != ':' {
			continue
		}
		from := i
		for from > 0 && isScheme(w[from-1]) {
			from--
		}
		if from == i {
			continue
		}
		if after := w[i+1:]; len(after) > 1 && strings.IndexByte(`/\`, after[0]) >= 0 && strings.IndexByte(`/\`, after[1]) >= 0 {
			return from
		}
		switch strings.ToLower(w[from:i]) {
		case "javascript", "data", "mailto", "tel", "sms", "file", "vbscript", "http", "https", "ftp", "callto", "skype":
			return from
		}
	}
	return -1
}

// own returns a link to one of the customer's own hosts as far as it is harmless (without query and fragment, which may carry data
// of others or a redirect), or "".
func (h hosts) own(link string) string {
	rest, ok := strings.CutPrefix(link, "https://")
	if !ok {
		if rest, ok = strings.CutPrefix(link, "http://"); !ok {
			return ""
		}
	}
	end := 0
	for end < len(rest) && (isHostByte(rest[end]) || rest[end] == '.') {
		end++
	}
	if !h.ownHost(rest[:end]) || end < len(rest) && strings.IndexByte("/?#", rest[end]) < 0 {
		return ""
	}
	if i := strings.IndexAny(link, "?#\\@"); i >= 0 {
		link = link[:i]
	}
	return link
}

func (h hosts) ownHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, h := range h {
		if host == h || strings.HasSuffix(host, h) && host[len(host)-len(h)-1] == '.' {
			return true
		}
	}
	return false
}

// names copies w and disarms each bare domain name in it; with a path or port behind it, the name goes altogether.
func (h hosts) names(b *strings.Builder, w string) {
	for w != "" {
		n := strings.IndexFunc(w, isHostRune)
		if n < 0 {
			b.WriteString(w)
			return
		}
		for n < len(w) && (w[n] == '.' || w[n] == '-') {
			n++
		}
		b.WriteString(w[:n])
		w = w[n:]
		if n = strings.IndexFunc(w, func(r rune) bool { return !isHostRune(r) }); n < 0 {
			n = len(w)
		}
		if i := strings.Index(w[:n], ".."); i >= 0 {
			n = i
		}
		name := strings.TrimRight(w[:n], ".-")
		for dot := strings.LastIndexByte(name, '.'); dot >= 0 && name[dot+1] >= '0' && name[dot+1] <= '9'; dot = strings.LastIndexByte(name, '.') {
			name = strings.TrimRight(name[:dot], ".-") // no domain ends in a number: look before it
		}
		tail := w[len(name):n]
		w = w[n:]
		suffix := publicSuffix(name)
		www := beginsWWW(strings.ToLower(name))
		switch {
		case h.ownHost(name) || suffix == "" && !www:
			b.WriteString(name)
			b.WriteString(tail)
		case www || tail == "" && w != "" && (w[0] == '/' || w[0] == ':' && len(w) > 1):
			b.WriteByte(' ')
			return
		default:
			b.WriteString(strings.ReplaceAll(name[:len(name)-len(suffix)-1], ".", " "))
			b.WriteString(tail)
		}
	}
}

// beginsWWW says whether a link may be made of "www." somewhere in name: behind no letter or digit, as programs see it that know ASCII only.
func beginsWWW(name string) bool {
	for from := 0; ; from++ {
		i := strings.Index(name[from:], "www.")
		if i < 0 {
			return false
		}
		if from += i; from == 0 || !isLetter(name[from-1]) && (name[from-1] < '0' || name[from-1] > '9') {
			return true
		}
	}
}

// publicSuffix returns the part of name under which the public registers domains ("co.uk"), "" if name is no such domain.
func publicSuffix(name string) string {
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 || dot == len(name)-1 {
		return ""
	}
	if last := name[dot+1:]; last[0] <= '9' || len(last) < 2 {
		return ""
	}
	ascii, err := idna.ToASCII(strings.ToLower(name))
	if err != nil { // no name that resolves, but its end may still be made a link
		if ascii, err = idna.ToASCII("x" + strings.ToLower(name[dot:])); err != nil {
			return ""
		}
	}
	// Does the top-level domain exist? Asked of any name in it: the list also knows names below it that only some register under.
	if _, icann := publicsuffix.PublicSuffix("x" + ascii[strings.LastIndexByte(ascii, '.'):]); !icann {
		return ""
	}
	suffix, _ := publicsuffix.PublicSuffix(ascii)
	if suffix == ascii {
		suffix = ascii[strings.LastIndexByte(ascii, '.')+1:]
	}
	// The suffix in the spelling of name: as many labels.
	from := len(name)
	for range strings.Count(suffix, ".") + 1 {
		from = strings.LastIndexByte(name[:from], '.')
	}
	return name[from+1:]
}

// isScheme holds for what a link's scheme is made of.
func isScheme(b byte) bool {
	return isLetter(b) || b >= '0' && b <= '9' || b == '+' || b == '-' || b == '.'
}

func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

func isHostByte(b byte) bool {
	return isLetter(b) || b >= '0' && b <= '9' || b == '-' || b >= utf8.RuneSelf
}

func isHostRune(r rune) bool {
	return r == '.' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// isAddress holds for what may stand before the @ of an address.
func isAddress(b byte) bool { return isHostByte(b) || strings.IndexByte(".!#$%&'*/=?^_`{|}~+", b) >= 0 }
