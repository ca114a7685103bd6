package sandbox

import (
	"fmt"
	"maps"
	"net/mail"
	"regexp"
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

// property is the definition of a property, as it is told. Its number is its place in the schema and never changes.
type property struct {
	definition
	number  int
	meaning meaning
	source  string // of values HubSpot itself sets
}

// definition is a property definition on the wire.
type definition struct {
	UpdatedAt       string       `json:"updatedAt,omitempty"`
	CreatedAt       string       `json:"createdAt,omitempty"`
	ArchivedAt      string       `json:"archivedAt,omitempty"`
	Name            string       `json:"name"`
	Label           string       `json:"label"`
	Type            string       `json:"type"`
	FieldType       string       `json:"fieldType"`
	Description     string       `json:"description"`
	GroupName       string       `json:"groupName"`
	Options         []option     `json:"options"`
	DisplayOrder    int          `json:"displayOrder"`
	Calculated      bool         `json:"calculated"`
	ExternalOptions bool         `json:"externalOptions"` // they live elsewhere: any value goes
	Archived        bool         `json:"archived"`
	HasUniqueValue  bool         `json:"hasUniqueValue"`
	Hidden          bool         `json:"hidden"`
	HubspotDefined  bool         `json:"hubspotDefined,omitempty"`
	FormField       bool         `json:"formField"`
	DataSensitivity string       `json:"dataSensitivity"`
	Modification    modification `json:"modificationMetadata"`
}

type modification struct {
	Archivable         bool `json:"archivable"`
	ReadOnlyDefinition bool `json:"readOnlyDefinition"`
	ReadOnlyOptions    bool `json:"readOnlyOptions"`
	ReadOnlyValue      bool `json:"readOnlyValue"`
}

// option is one choice of an enumeration.
type option struct {
	Label        string `json:"label"`
	Value        string `json:"value"`
	Description  string `json:"description,omitempty"`
	DisplayOrder *int   `json:"displayOrder"` // must be sent, as Hidden
	Hidden       *bool  `json:"hidden"`
}

// value is a record's value of a property.
func (p *property) value(r *record) string {
	switch p.meaning {
	case isID:
		return r.id
	case isCreated:
		return instant(r.created)
	case isModified:
		return instant(r.modified)
	}
	return r.value(p.number)
}

func (p *property) readOnly() bool { return p.Modification.ReadOnlyValue }

// optionsOf are options that are labelled with their values.
func optionsOf(values []string) []option {
	list := make([]option, len(values))
	for i, v := range values {
		list[i] = option{Label: v, Value: v, DisplayOrder: &i, Hidden: new(bool)}
	}
	return list
}

// offers says whether an enumeration has an option.
func (p *property) offers(value string) bool {
	return slices.ContainsFunc(p.Options, func(o option) bool { return o.Value == value })
}

// group is a group of properties, as it is told.
type group struct {
	Name         string `json:"name"`
	Label        string `json:"label"`
	DisplayOrder int    `json:"displayOrder"`
	Archived     bool   `json:"archived"`
	defined      bool   // by HubSpot
}

// schema is the property definitions of one object.
type schema struct {
	plural, singular string // contacts, contact
	list             []*property
	byName           map[string]*property
	groups           []*group
	defaults         []string // properties that reads return when none are asked for
	modified         string   // name of the modification time
}

func (s *schema) define(p *property) *property {
	p.number = len(s.list)
	p.DataSensitivity = "non_sensitive"
	if p.Options == nil {
		p.Options = []option{}
	}
	s.list = append(s.list, p)
	s.byName[p.Name] = p
	return p
}

// property is a definition that is not archived.
func (s *schema) property(name string) (*property, bool) {
	p, ok := s.byName[name]
	return p, ok && !p.Archived
}

func (s *schema) group(name string) *group {
	for _, g := range s.groups {
		if g.Name == name {
			return g
		}
	}
	return nil
}

// resolve turns asked-for names into properties ordered by name, with those that are always there. Unknown ones are left out
// silently, as HubSpot does.
func (s *schema) resolve(names []string, always bool) []*property {
	if always {
		if len(names) == 0 {
			names = s.defaults
		}
		names = append(slices.Clip(names), "createdate", s.modified, "hs_object_id")
	}
	set := map[string]*property{}
	for _, list := range names {
		for n := range strings.SplitSeq(list, ",") {
			if p, ok := s.property(strings.TrimSpace(n)); ok {
				set[p.Name] = p
			}
		}
	}
	return slices.SortedFunc(maps.Values(set), func(a, b *property) int { return strings.Compare(a.Name, b.Name) })
}

// badValue is a value a property does not take, with HubSpot's code and words.
type badValue struct {
	IsValid bool   `json:"isValid"`
	Message string `json:"message"`
	Code    string `json:"error"`
	Name    string `json:"name"`
}

// unfit tells of a value that does not go.
func unfit(code, name, format string, args ...any) *badValue {
	return &badValue{false, fmt.Sprintf(format, args...), code, name}
}

// unfitIf refuses a value when there is cause.
func unfitIf(when bool, code, name, format string, args ...any) {
	if when {
		panic(unfit(code, name, format, args...))
	}
}

// decimal is a number as HubSpot takes it: without an exponent.
var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// check is the canonical form of a value. An empty value clears and always goes.
func (p *property) check(value string) string {
	if value == "" {
		return ""
	}
	if p.meaning == isEmail {
		lower := strings.ToLower(strings.TrimSpace(value))
		a, err := mail.ParseAddress(lower)
		unfitIf(err != nil || a.Address != lower || !strings.Contains(lower[strings.LastIndexByte(lower, '@'):], "."), "INVALID_EMAIL", p.Name, "Email address %s is invalid", value)
		return lower
	}
	switch p.Type {
	case "number":
		unfitIf(!decimal.MatchString(value), "INVALID_INTEGER", p.Name, "%s was not a valid number.", value)
	case "bool":
		unfitIf(value != "true" && value != "false", "INVALID_OPTION", p.Name, "%s was not one of the allowed options: [true, false]", value)
	case "enumeration":
		values := []string{value}
		if p.FieldType == "checkbox" {
			values = strings.Split(strings.Trim(value, ";"), ";")
		}
		for _, v := range values {
			if !p.ExternalOptions && !p.offers(v) {
				panic(unfit("INVALID_OPTION", p.Name, "%s was not one of the allowed options: %s", v, p.optionList()))
			}
		}
	case "date", "datetime":
		ms, ok := parseTime(value)
		unfitIf(!ok, "INVALID_DATE", p.Name, "%s was not a valid date.", value)
		if p.Type == "datetime" {
			return instant(ms)
		}
		day := time.UnixMilli(ms).UTC()
		unfitIf(ms%dayMs != 0, "INVALID_DATE", p.Name, "%s is at %s, not midnight!", value, day.Format("15:04:05.000 UTC"))
		return day.Format(time.DateOnly)
	default:
		unfitIf(len(value) > maxText && utf8.RuneCountInString(value) > maxText, "INVALID_LENGTH", p.Name, "The value of property %q is longer than %d characters.", p.Name, maxText)
	}
	return value
}

func (p *property) optionList() string {
	var values []string
	for _, o := range p.Options {
		values = append(values, o.Value)
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

// timeOr is a time, otherwise where there is none.
func timeOr(s string, otherwise int64) int64 {
	if ms, ok := parseTime(s); ok {
		return ms
	}
	return otherwise
}

// instant is a time as HubSpot writes it: UTC, a fraction of three digits unless it is zero.
func instant(ms int64) string {
	t := time.UnixMilli(ms).UTC()
	if ms%1000 == 0 {
		return t.Format("2006-01-02T15:04:05Z")
	}
	return t.Format("2006-01-02T15:04:05.000Z")
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

// Define adds a property of the portal's own to an object ("contacts" or "deals"), as a person would in the settings. Options
// are for enumerations.
func (h *HubSpot) Define(object, name, typ, fieldType string, options ...string) error {
	return h.try(func() {
		o := h.object(object)
		problemIf(o == nil, "no object %q", object)
		d := definition{Name: name, Label: name, Type: typ, FieldType: fieldType, GroupName: o.groups[0].Name, DisplayOrder: -1, Options: optionsOf(options)}
		if bad := caught[failure](func() { o.createProperty(d, h.nowMs()) }); bad != nil {
			problemIf(true, "define %s: %s", name, bad.Message)
		}
	})
}
