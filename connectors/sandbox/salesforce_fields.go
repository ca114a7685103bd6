package sandbox

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Types of fields, as describe tells them.
const (
	orgIDType   = "id"
	orgRef      = "reference"
	orgString   = "string"
	orgText     = "textarea"
	orgEmail    = "email"
	orgPhone    = "phone"
	orgURL      = "url"
	orgPick     = "picklist"
	orgBool     = "boolean"
	orgDouble   = "double"
	orgInt      = "int"
	orgCurrency = "currency"
	orgPercent  = "percent"
	orgDate     = "date"
	orgDateTime = "datetime"
	orgComplex  = "complexvalue" // of the Tooling API alone
)

// orgField is a field of an object. Values are kept as canonical text: numbers without needless digits, date-times as the API
// writes them, booleans as "true" or nothing, ids with 18 characters; "" is null.
type orgField struct {
	Name, Label, Help string
	Type              string
	num               int // place among the object's fields
	Length            int // characters
	Precision, Scale  int // digits in all, digits after the point
	options           []orgOption
	Restricted        bool
	RefTo             []string
	Relation          string // name of the way to the parent: Owner
	Default           string // given to new records that have none
	Required          bool
	ReadOnly          bool // set by the org alone
	CreateOnly        bool
	custom            bool
	removed           bool
	tracked           bool // its changes are kept in the object's history

	// Where it is not kept with the record's values.
	calc func(r *record) string
	time func(r *record) int64 // of system times, in ms

	// Field-level security of the running user: see salesforce_security.go.
	readable, editable bool
	granted            fieldRight
	withheld           bool
}

type orgOption struct{ value, label string }

// long says that the field holds a text that cannot be filtered or sorted by.
func (f *orgField) long() bool { return f.Type == orgText && f.Length > 255 || f.Type == orgComplex }

func (f *orgField) isID() bool { return f.Type == orgIDType || f.Type == orgRef }

func (f *orgField) numeric() bool {
	return f.Type == orgDouble || f.Type == orgInt || f.Type == orgCurrency || f.Type == orgPercent
}

// quoted says that SOQL writes the field's values as strings.
func (f *orgField) quoted() bool {
	return !f.numeric() && f.Type != orgBool && f.Type != orgDate && f.Type != orgDateTime
}

// misreading is the code of a value that cannot be of the field's type; in a JSON body it fails the whole request.
const misreading = "JSON_PARSER_ERROR"

func (e *orgFault) misread() bool { return e != nil && e.code == misreading }

// wireTime is how the API writes date-times: always UTC, always whole seconds.
const wireTime = "2006-01-02T15:04:05.000+0000"

func formatWireTime(ms int64) string { return time.Unix(ms/1000, 0).UTC().Format(wireTime) }

// parseWireTime reads a date-time as the API takes it.
func parseWireTime(text string) (time.Time, bool) {
	if len(text) < len("2006-01-02T15:04:05Z") || text[10] != 'T' {
		return time.Time{}, false
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func (f *orgField) misreadIf(when bool, text string) {
	badRequestIf(when, misreading, "Cannot deserialize instance of %s from VALUE_STRING value %s or request may be missing a required field", f.Type, text)
}

// canon is the canonical form of a value given as text.
func (f *orgField) canon(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	badIf := func(when bool, code, format string, args ...any) {
		if when {
			panic(badRow(code, f.Label+": "+fmt.Sprintf(format, args...), f.Name))
		}
	}
	switch {
	case f.Type == orgBool:
		lower := strings.ToLower(text)
		f.misreadIf(!slices.Contains([]string{"true", "1", "false", "0"}, lower), text)
		return yes(lower == "true" || lower == "1")
	case f.numeric():
		return f.canonNumber(text)
	case f.Type == orgDate:
		_, err := time.Parse(time.DateOnly, text)
		f.misreadIf(err != nil, text)
	case f.Type == orgDateTime:
		t, ok := parseWireTime(text)
		f.misreadIf(!ok || t.Year() < 1700 || t.Year() > 4000, text)
		return formatWireTime(t.UnixMilli())
	case f.isID():
		id, ok := longID(text)
		badIf(!ok, "MALFORMED_ID", "id value of incorrect type: %s", text)
		return id
	}
	badIf(f.Restricted && !f.offers(text), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value for restricted picklist field: %s", text)
	badIf(f.Length > 0 && len(text) > f.Length && utf8.RuneCountInString(text) > f.Length, "STRING_TOO_LONG", "data value too large: %s (max length=%d)", text, f.Length)
	badIf(f.Type == orgEmail && !plausibleEmail(text), "INVALID_EMAIL_ADDRESS", "invalid email address: %s", text)
	return text
}

// canonNumber rounds to the field's scale, half away from zero.
func (f *orgField) canonNumber(text string) string {
	v, err := strconv.ParseFloat(text, 64)
	f.misreadIf(err != nil || math.IsNaN(v) || math.IsInf(v, 0), text)
	p := math.Pow10(f.Scale)
	if r := math.Round(v*p) / p; !math.IsInf(r, 0) {
		v = r + 0 // no negative zero
	}
	badRowIf(f.Precision > 0 && math.Abs(v) >= math.Pow10(f.Precision-f.Scale), "NUMBER_OUTSIDE_VALID_RANGE", f.Label+": value outside of valid range on numeric field: "+text, f.Name)
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func (f *orgField) offers(value string) bool {
	return slices.ContainsFunc(f.options, func(o orgOption) bool { return o.value == value })
}

func plausibleEmail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-3 && strings.IndexByte(s[at:], '.') > 1 && !strings.HasSuffix(s, ".") && !strings.ContainsAny(s, " \t\r\n,;<>")
}

// appendTo appends a value as JSON.
func (f *orgField) appendTo(b []byte, v string) []byte {
	switch {
	case f.Type == orgBool:
		return strconv.AppendBool(b, v != "")
	case v != "" && f.numeric() && f.Type != orgInt && !strings.Contains(v, "."):
		return append(append(b, v...), ".0"...)
	case v != "" && (f.numeric() || f.Type == orgComplex):
		return append(b, v...)
	}
	return appendValue(b, v)
}

// plain is a value as CSV and Go see it.
func (f *orgField) plain(v string) string {
	if f.Type == orgBool && v == "" {
		return "false"
	}
	return v
}
