package sandbox

import (
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxText is the longest text value, in characters. HubSpot documents 65,536 for notes and nothing for contacts.
const maxText = 65536

// maxCustom is how many properties of the portal's own an object may have.
const maxCustom = 1000

// meaning marks properties whose value is a part of the record itself.
type meaning uint8

const (
	plain meaning = iota
	isID
	isCreated
	isModified
	isEmail
)

// option is one choice of an enumeration, in HubSpot's spelling.
type option struct {
	Label        string `json:"label"`
	Value        string `json:"value"`
	Description  string `json:"description,omitempty"`
	DisplayOrder int    `json:"displayOrder"`
	Hidden       bool   `json:"hidden"`
}

// property is the definition of a property. Its number is its place in the schema and never changes.
type property struct {
	number                                            int
	name, label, description, typ, fieldType, group   string
	options                                           []option
	displayOrder                                      int
	defined, readOnly, calculated, hidden, form, uniq bool // defined: by HubSpot
	external                                          bool // options live elsewhere: any value goes
	archived                                          bool
	created, updated, archivedAt                      int64 // ms
	meaning                                           meaning
	source                                            uint8  // of values HubSpot itself sets
	key                                               []byte // `"name":`
	allowed                                           map[string]bool
}

func (p *property) setOptions(o []option) {
	p.options = o
	p.allowed = nil
	if p.typ == "enumeration" || p.typ == "bool" {
		p.allowed = make(map[string]bool, len(o))
		for _, x := range o {
			p.allowed[x.Value] = true
		}
	}
}

// numeric says whether values are compared as numbers or times rather than as text.
func (p *property) numeric() bool { return p.typ == "number" || p.typ == "date" || p.typ == "datetime" }

type group struct {
	name, label  string
	displayOrder int
	defined      bool
	archived     bool
}

// schema is the property definitions of one object.
type schema struct {
	object   string // plural: contacts
	singular string // contact
	list     []*property
	byName   map[string]*property
	groups   []*group
	defaults []string // properties that reads return when none are asked for
	fixed    []string // properties that reads always return
	modified string   // name of the modification time
}

func (s *schema) define(p *property) *property {
	p.number = len(s.list)
	p.key = append(appendQuoted(nil, p.name), ':')
	p.setOptions(p.options)
	s.list = append(s.list, p)
	s.byName[p.name] = p
	return p
}

// property is a definition that is not archived.
func (s *schema) property(name string) (*property, bool) {
	p, ok := s.byName[name]
	return p, ok && !p.archived
}

func (s *schema) group(name string) *group {
	for _, g := range s.groups {
		if g.name == name && !g.archived {
			return g
		}
	}
	return nil
}

// custom counts the portal's own live properties.
func (s *schema) custom() int {
	n := 0
	for _, p := range s.list {
		if !p.defined && !p.archived {
			n++
		}
	}
	return n
}

// resolve turns asked-for names into properties ordered by name. Unknown ones are left out silently, as HubSpot does.
func (s *schema) resolve(names []string, always bool) []*property {
	set := map[string]*property{}
	add := func(names []string) {
		for _, n := range names {
			for n := range strings.SplitSeq(n, ",") {
				if p, ok := s.property(strings.TrimSpace(n)); ok {
					set[p.name] = p
				}
			}
		}
	}
	add(names)
	if always {
		if len(names) == 0 {
			add(s.defaults)
		}
		add(s.fixed)
	}
	return slices.SortedFunc(maps.Values(set), func(a, b *property) int { return strings.Compare(a.name, b.name) })
}

// badValue is a value a property does not take, with HubSpot's code and words.
type badValue struct{ name, code, message string }

func (b *badValue) Error() string { return b.message }

func unknownProperty(name string) *badValue {
	return &badValue{name, "PROPERTY_DOESNT_EXIST", fmt.Sprintf("Property %q does not exist", name)}
}

// check is the canonical form of a value, or what is wrong with it. An empty value clears and always goes.
func (p *property) check(value []byte) ([]byte, *badValue) {
	bad := func(code, format string, args ...any) ([]byte, *badValue) {
		return nil, &badValue{p.name, code, fmt.Sprintf(format, args...)}
	}
	if len(value) == 0 {
		return value, nil
	}
	if p.meaning == isEmail {
		lower := strings.ToLower(strings.TrimSpace(string(value)))
		if a, err := mail.ParseAddress(lower); err != nil || a.Address != lower || !strings.Contains(lower[strings.LastIndexByte(lower, '@'):], ".") {
			return bad("INVALID_EMAIL", "Email address %s is invalid", value)
		}
		return []byte(lower), nil
	}
	switch p.typ {
	case "number":
		if decimalLength(value, false) != len(value) {
			return bad("INVALID_INTEGER", "%s was not a valid number.", value)
		}
	case "bool":
		if v := string(value); v != "true" && v != "false" {
			return bad("INVALID_OPTION", "%s was not one of the allowed options: [true, false]", value)
		}
	case "enumeration":
		if p.external {
			break
		}
		if p.fieldType != "checkbox" {
			if !p.allowed[string(value)] {
				return bad("INVALID_OPTION", "%s was not one of the allowed options: %s", value, p.optionList())
			}
			break
		}
		for v := range strings.SplitSeq(strings.Trim(string(value), ";"), ";") {
			if !p.allowed[v] {
				return bad("INVALID_OPTION", "%s was not one of the allowed options: %s", v, p.optionList())
			}
		}
	case "date":
		ms, ok := parseTime(string(value))
		if !ok {
			return bad("INVALID_DATE", "%s was not a valid date.", value)
		}
		if ms%dayMs != 0 {
			return bad("INVALID_DATE", "%s is at %s, not midnight!", value, time.UnixMilli(ms).UTC().Format("15:04:05.000 UTC"))
		}
		return time.UnixMilli(ms).UTC().AppendFormat(nil, time.DateOnly), nil
	case "datetime":
		ms, ok := parseTime(string(value))
		if !ok {
			return bad("INVALID_DATE", "%s was not a valid date.", value)
		}
		return appendInstant(nil, ms), nil
	default:
		if len(value) > maxText && utf8.RuneCount(value) > maxText {
			return bad("INVALID_LENGTH", "The value of property %q is longer than %d characters.", p.name, maxText)
		}
	}
	return value, nil
}

func (p *property) optionList() string {
	values := make([]string, len(p.options))
	for i, o := range p.options {
		values[i] = o.Value
	}
	return "[" + strings.Join(values, ", ") + "]"
}

const dayMs = int64(24 * time.Hour / time.Millisecond)

// parseTime reads what HubSpot takes for a time: ms since 1970, an ISO 8601 instant or a date.
func parseTime(s string) (ms int64, ok bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		const limit = 253402300799999 // the end of year 9999
		return n, n > -limit && n <= limit
	}
	if len(s) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, s)
		return t.UnixMilli(), err == nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UnixMilli(), err == nil && t.Year() >= 1 && t.Year() <= 9999
}

// appendInstant writes ms as HubSpot does: UTC, a fraction of three digits unless it is zero.
func appendInstant(dst []byte, ms int64) []byte {
	t := time.UnixMilli(ms).UTC()
	if ms%1000 == 0 {
		return t.AppendFormat(dst, "2006-01-02T15:04:05Z")
	}
	return t.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}

// fieldTypes are the pairs of type and fieldType that HubSpot takes.
var fieldTypes = map[string][]string{
	"bool":         {"booleancheckbox", "calculation_equation"},
	"date":         {"date"},
	"datetime":     {"date"},
	"enumeration":  {"booleancheckbox", "calculation_equation", "checkbox", "radio", "select"},
	"number":       {"calculation_equation", "number"},
	"phone_number": {"phonenumber"},
	"string":       {"calculation_equation", "file", "html", "phonenumber", "text", "textarea"},
}
