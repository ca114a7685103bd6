package records

import (
	"strings"
)

// An elements chain tells what was clicked and what that stands in, the target first:
//
//	a.btn.primary:attr__class="btn primary"href="/demo"nth-child="1"text="See \"all\" plans";main:nth-child="1"
//
// Elements are joined by ";", attributes are not joined at all. A quotation mark within a value has a backslash before it; nothing else is
// escaped, a backslash neither, so that a value which ends in one swallows what follows up to the next quotation mark.

// element is one element of a chain.
type element struct {
	tag   string
	attrs map[string]string
}

// Bounds of what is read of a chain: it is what a page holds, which may be anything.
const (
	mostElements = 30
	mostAttrs    = 60
	longestValue = 400 // bytes; PostHog's own clients cut texts at that
)

// parseChain reads the first elements of a chain. What does not keep to the form is read as far as it does.
func parseChain(chain string) []element {
	var out []element
	for chain != "" && len(out) < mostElements {
		var e element
		e, chain = parseElement(chain)
		if e.tag != "" || len(e.attrs) > 0 {
			out = append(out, e)
		}
	}
	return out
}

// parseElement reads the first element and returns what follows its ";".
func parseElement(s string) (e element, rest string) {
	head := strings.IndexAny(s, `";`) // the tag and classes, and the name of the first attribute
	if head < 0 {
		head = len(s)
	}
	name := s[:head]
	if i := strings.LastIndexByte(name, ':'); i >= 0 && head < len(s) && s[head] == '"' {
		name = s[:i] // classes may hold colons, names of attributes do not
	}
	e.tag, _, _ = strings.Cut(strings.TrimSuffix(name, ":"), ".")
	e.tag = cut(e.tag)
	s = s[min(len(name), len(s)):]
	for s != "" {
		i := strings.IndexAny(s, `";`)
		if i < 0 {
			return e, ""
		}
		if s[i] == ';' {
			return e, s[i+1:]
		}
		key := strings.TrimSuffix(strings.TrimLeft(s[:i], ":"), "=")
		var value string
		value, s = quoted(s[i+1:])
		if len(e.attrs) < mostAttrs && key != "" {
			if e.attrs == nil {
				e.attrs = map[string]string{}
			}
			e.attrs[cut(key)] = value
		}
	}
	return e, ""
}

// quoted reads a value up to the quotation mark that ends it.
func quoted(s string) (value, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '"':
			i++
		case s[i] == '"':
			return cut(b.String()), s[i+1:]
		}
		if b.Len() <= longestValue {
			b.WriteByte(s[i])
		}
	}
	return cut(b.String()), ""
}

func cut(s string) string {
	if len(s) > longestValue {
		s = s[:longestValue]
	}
	return strings.TrimSpace(strings.ToValidUTF8(s, ""))
}

// named are attributes that say what an element without a text is, the most telling first.
var named = []string{"text", "attr__aria-label", "attr__title", "attr__alt", "attr__placeholder", "attr__value", "attr__name"}

func (e element) name() string {
	for _, key := range named {
		if v := e.attrs[key]; v != "" {
			return v
		}
	}
	return ""
}

// press is what was clicked, changed or sent: its words, its id, where it leads, and the form it stands in.
type press struct{ words, id, href, form string }

func pressed(chain []element) (p press) {
	for i, e := range chain {
		presses := e.tag == "a" || e.tag == "button" || e.tag == "label" // what the target of a click may stand in
		if p.words == "" && (i == 0 || presses) {
			p.words = e.name()
		}
		if p.id == "" && (i == 0 || presses) {
			p.id = choose(e.attrs["attr_id"], e.attrs["attr__id"])
		}
		if p.href == "" && (i == 0 || e.tag == "a") {
			p.href = e.attrs["href"]
		}
		if p.form == "" && e.tag == "form" {
			p.form = choose(e.attrs["attr__name"], e.attrs["attr__aria-label"], e.attrs["attr_id"], e.attrs["attr__action"])
		}
	}
	return p
}
