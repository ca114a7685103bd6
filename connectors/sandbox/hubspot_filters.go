package sandbox

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// plan is a filter group made ready: bounds the table can answer by itself, and the clauses that are left.
type plan struct {
	times  window
	ids    window // of record ids
	only   []uint32
	narrow bool // only the records in only come into question
	rest   []clause
}

// clause is one condition on one property.
type clause struct {
	p        *property
	operator string
	text     []string // lower case where the property's type ignores case
	number   []float64
}

var everything = window{math.MinInt64, math.MaxInt64}

// plan makes a filter group ready.
func (h *HubSpot) plan(t *objects, filters []filterBody) (plan, error) {
	p := plan{times: everything, ids: everything}
	for _, f := range filters {
		c, err := t.clause(f)
		if err != nil {
			return p, err
		}
		switch c.p.meaning {
		case isModified:
			if p.times.narrow(c) {
				continue
			}
		case isID:
			if c.operator == "IN" || c.operator == "EQ" {
				var only []uint32
				for _, n := range c.number {
					if ord, ok := t.find(int64(n)); ok {
						only = append(only, ord)
					}
				}
				p.among(only)
				continue
			}
			if p.ids.narrow(c) {
				continue
			}
		case isEmail:
			if c.operator == "IN" || c.operator == "EQ" {
				var only []uint32
				for _, a := range c.text {
					if ord, ok := h.emails[a]; ok && t == h.contacts {
						only = append(only, ord)
					}
				}
				for ord := range t.behind { // search may still show an address the record has lost
					only = append(only, ord)
				}
				p.among(only)
			}
		}
		p.rest = append(p.rest, c)
	}
	return p, nil
}

// among leaves only records that are in only.
func (p *plan) among(only []uint32) {
	if p.narrow {
		only = slices.DeleteFunc(only, func(o uint32) bool { return !slices.Contains(p.only, o) })
	}
	p.only, p.narrow = only, true
}

// narrow takes a comparison of whole numbers into the window, if it is one.
func (w *window) narrow(c clause) bool {
	switch c.operator {
	case "EQ":
		w.from, w.to = max(w.from, int64(c.number[0])), min(w.to, int64(c.number[0]))
	case "GTE":
		w.from = max(w.from, ceil(c.number[0]))
	case "GT":
		w.from = max(w.from, floor(c.number[0])+1)
	case "LTE":
		w.to = min(w.to, floor(c.number[0]))
	case "LT":
		w.to = min(w.to, ceil(c.number[0])-1)
	case "BETWEEN":
		w.from, w.to = max(w.from, ceil(c.number[0])), min(w.to, floor(c.number[1]))
	default:
		return false
	}
	return true
}

func ceil(x float64) int64  { return int64(math.Ceil(x)) }
func floor(x float64) int64 { return int64(math.Floor(x)) }

// operators and how many operands each takes; -1 is a list.
var operators = map[string]int{
	"EQ": 1, "NEQ": 1, "LT": 1, "LTE": 1, "GT": 1, "GTE": 1, "BETWEEN": 2, "IN": -1, "NOT_IN": -1,
	"HAS_PROPERTY": 0, "NOT_HAS_PROPERTY": 0, "CONTAINS_TOKEN": 1, "NOT_CONTAINS_TOKEN": 1,
}

// clause reads a filter.
func (t *objects) clause(f filterBody) (clause, error) {
	c := clause{operator: f.Operator}
	p, ok := t.property(f.PropertyName)
	if !ok {
		return c, fmt.Errorf("property %q does not exist", f.PropertyName)
	}
	c.p = p
	operands, ok := operators[f.Operator]
	if !ok {
		return c, fmt.Errorf("unknown operator %q", f.Operator)
	}
	switch operands {
	case 0:
		return c, nil
	case -1:
		if len(f.Values) == 0 {
			return c, fmt.Errorf("operator %s on %q needs values", f.Operator, p.name)
		}
		c.text = f.Values
	case 1:
		if f.Value == nil || *f.Value == "" {
			return c, fmt.Errorf("operator %s on %q needs a value", f.Operator, p.name)
		}
		c.text = []string{*f.Value}
	case 2:
		if f.Value == nil || f.HighValue == nil {
			return c, fmt.Errorf("operator BETWEEN on %q needs value and highValue", p.name)
		}
		c.text = []string{*f.Value, *f.HighValue}
	}
	if p.numeric() && !strings.HasSuffix(f.Operator, "CONTAINS_TOKEN") {
		for _, s := range c.text {
			n, ok := p.comparable(s)
			if !ok {
				return c, fmt.Errorf("%q is not a value that %q can be compared with", s, p.name)
			}
			c.number = append(c.number, n)
		}
		return c, nil
	}
	// Comparison of texts ignores case, but lists are compared with lower-case values as they are, and options exactly.
	if p.typ != "enumeration" && operands > 0 {
		c.text = slices.Clone(c.text)
		for i := range c.text {
			c.text[i] = strings.ToLower(c.text[i])
		}
	}
	return c, nil
}

// comparable is a value of a number or a time as a number.
func (p *property) comparable(s string) (float64, bool) {
	if p.typ == "number" {
		n, err := strconv.ParseFloat(s, 64)
		return n, err == nil && !math.IsNaN(n) && math.Abs(n) < 1<<62
	}
	ms, ok := parseTime(s)
	return float64(ms), ok
}

// shownValue is a record's value of a property as search sees it.
func (t *objects) shownValue(p *property, ord uint32) string {
	values, modified := t.asShown(ord)
	switch p.meaning {
	case isID:
		return formatID(t.recs[ord].id)
	case isCreated:
		return string(appendInstant(nil, t.recs[ord].created))
	case isModified:
		return string(appendInstant(nil, modified))
	}
	v, _ := cell(values, p.number)
	return v
}

// shownNumber is a record's value of a number or a time.
func (t *objects) shownNumber(p *property, ord uint32) (float64, bool) {
	switch p.meaning {
	case isID:
		return float64(t.recs[ord].id), true
	case isCreated:
		return float64(t.recs[ord].created), true
	case isModified:
		_, modified := t.asShown(ord)
		return float64(modified), true
	}
	v := t.shownValue(p, ord)
	if v == "" {
		return 0, false
	}
	return p.comparable(v)
}

// holds says whether a record meets a clause.
func (t *objects) holds(c *clause, ord uint32) bool {
	if c.operator == "query" {
		for _, name := range []string{"email", "firstname", "lastname", "company", "phone", "hs_additional_emails", "dealname"} {
			if p, ok := t.property(name); ok && strings.Contains(strings.ToLower(t.shownValue(p, ord)), c.text[0]) {
				return true
			}
		}
		return false
	}
	if len(c.number) > 0 {
		n, ok := t.shownNumber(c.p, ord)
		if !ok {
			return c.operator == "NEQ" || c.operator == "NOT_IN"
		}
		return compares(c.operator, n, c.number)
	}
	v := t.shownValue(c.p, ord)
	switch c.operator {
	case "HAS_PROPERTY":
		return v != ""
	case "NOT_HAS_PROPERTY":
		return v == ""
	}
	if v == "" {
		return c.operator == "NEQ" || c.operator == "NOT_IN" || c.operator == "NOT_CONTAINS_TOKEN"
	}
	if c.p.typ != "enumeration" {
		v = strings.ToLower(v)
	}
	switch c.operator {
	case "CONTAINS_TOKEN":
		return hasToken(v, c.text[0])
	case "NOT_CONTAINS_TOKEN":
		return !hasToken(v, c.text[0])
	}
	if c.p.fieldType == "checkbox" && strings.Contains(v, ";") {
		any := slices.ContainsFunc(strings.Split(v, ";"), func(one string) bool { return slices.Contains(c.text, one) })
		switch c.operator {
		case "EQ", "IN":
			return any
		case "NEQ", "NOT_IN":
			return !any
		}
	}
	return compares(c.operator, v, c.text)
}

func compares[T cmp.Ordered](operator string, v T, with []T) bool {
	switch operator {
	case "EQ":
		return v == with[0]
	case "NEQ":
		return v != with[0]
	case "LT":
		return v < with[0]
	case "LTE":
		return v <= with[0]
	case "GT":
		return v > with[0]
	case "GTE":
		return v >= with[0]
	case "BETWEEN":
		return v >= with[0] && v <= with[1]
	case "IN":
		return slices.Contains(with, v)
	case "NOT_IN":
		return !slices.Contains(with, v)
	}
	return false
}

// hasToken says whether a text has a word, or words in a row, or with * a word or the whole text of a form. Both are in
// lower case unless case matters.
func hasToken(text, pattern string) bool {
	if strings.Contains(pattern, "*") {
		return glob(text, pattern) || slices.ContainsFunc(words(text), func(w string) bool { return glob(w, pattern) })
	}
	have, want := words(text), words(pattern)
	if len(want) == 0 {
		return false
	}
	for i := 0; i+len(want) <= len(have); i++ {
		if slices.Equal(have[i:i+len(want)], want) {
			return true
		}
	}
	return false
}

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// glob matches a whole text with a pattern in which * stands for anything.
func glob(text, pattern string) bool {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	if last == 0 {
		return rest == ""
	}
	for _, p := range parts[1:last] {
		_, after, found := strings.Cut(rest, p)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[last])
}
