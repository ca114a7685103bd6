package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"unicode/utf8"
)

// badJSON is the answer to a body that is not what was expected.
func (h *HubSpot) badJSON(err error) reply {
	var s *syntaxError
	if errors.As(err, &s) {
		return h.invalid("%s", s.Error())
	}
	var at *json.UnmarshalTypeError
	if errors.As(err, &at) {
		return h.invalid("Invalid input JSON on line 1, column %d: Cannot deserialize value of type `%s` from %s", at.Offset, at.Type, at.Value)
	}
	return h.invalid("Invalid input JSON on line 1, column 1: %s", err)
}

// input is one row of a write.
type input struct {
	id, trace, idProperty string
	changes               []change
	bad                   []*badValue
	links                 []string // ids of records to associate
	hasID, hasProps       bool
}

// inputs reads the body of a batch write. The changes' values lie in the body.
func (h *HubSpot) inputs(c call, t *objects) ([]input, error) {
	if !utf8.Valid(c.body) {
		return nil, &syntaxError{1, 1, "Invalid UTF-8"}
	}
	var in []input
	r := &jsonReader{b: c.body}
	arena := make([]change, 0, 512)
	r.object(func(key []byte) {
		if string(key) != "inputs" {
			r.skip()
			return
		}
		r.array(func() {
			var one input
			one, arena = h.input(r, t, arena)
			in = append(in, one)
		})
	})
	r.end()
	return in, r.err
}

// input reads one row. Changes come out of arena, so that a batch costs few allocations.
func (h *HubSpot) input(r *jsonReader, t *objects, arena []change) (input, []change) {
	var in input
	r.object(func(key []byte) {
		switch string(key) {
		case "id":
			in.id, in.hasID = string(r.str()), true
		case "idProperty":
			if r.peek() == 'n' {
				r.skip()
				return
			}
			in.idProperty = string(r.str())
		case "objectWriteTraceId":
			in.trace = string(r.str())
		case "associations":
			in.links = readLinks(r)
		case "properties":
			in.hasProps = true
			from := len(arena)
			r.object(func(key []byte) {
				value := r.str()
				if r.err != nil {
					return
				}
				p, ok := t.byName[string(key)]
				if !ok || p.archived {
					in.bad = append(in.bad, unknownProperty(string(key)))
					return
				}
				if p.readOnly {
					in.bad = append(in.bad, &badValue{p.name, "READ_ONLY_VALUE", fmt.Sprintf("%q is a read only property; its value cannot be set.", p.name)})
					return
				}
				v, bad := p.check(value)
				if bad != nil {
					in.bad = append(in.bad, bad)
					return
				}
				arena = append(arena, change{p.number, v})
			})
			in.changes = arena[from:len(arena):len(arena)]
		default:
			r.skip()
		}
	})
	return in, arena
}

// readLinks reads the associations of a new record; their types are taken as said.
func readLinks(r *jsonReader) (ids []string) {
	r.array(func() {
		r.object(func(key []byte) {
			if string(key) != "to" {
				r.skip()
				return
			}
			r.object(func(key []byte) {
				if string(key) != "id" {
					r.skip()
					return
				}
				ids = append(ids, string(r.str()))
			})
		})
	})
	return ids
}

// badValues is the 400 to values that do not go.
func (h *HubSpot) badValues(bad []*badValue) reply {
	return h.failed(http.StatusBadRequest, failure{message: badMessage(bad), category: "VALIDATION_ERROR", details: badDetails(bad)})
}

func badMessage(bad []*badValue) string {
	b := []byte("Property values were not valid: [")
	for i, v := range bad {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(append(b, `{"isValid":false,"message":`...), v.message)
		b = appendQuoted(append(b, `,"error":`...), v.code)
		b = append(appendQuoted(append(b, `,"name":`...), v.name), '}')
	}
	return string(append(b, ']'))
}

func badDetails(bad []*badValue) []detail {
	details := make([]detail, len(bad))
	for i, v := range bad {
		details[i] = detail{v.message, v.code, []contextValue{{"propertyName", []string{v.name}}}}
	}
	return details
}

// broken are the validation rules a contact would not keep after changes; cells are its present values.
func (h *HubSpot) broken(c call, t *objects, cells string, changes []change) []*badValue {
	if t != h.contacts || c.dated != "2026-09" {
		return nil
	}
	var bad []*badValue
	after := func(name string) string {
		p, ok := t.property(name)
		if !ok {
			return ""
		}
		for _, c := range slices.Backward(changes) {
			if c.prop == p.number {
				return string(c.value)
			}
		}
		v, _ := cell(cells, p.number)
		return v
	}
	for _, r := range h.rules {
		if after(r.When) == r.Is && after(r.Require) == "" {
			bad = append(bad, &badValue{r.Require, "MISSING_CONDITIONAL_REQUIRED_PROPERTY", fmt.Sprintf("Property %q is required when %q is %q", r.Require, r.When, r.Is)})
		}
	}
	return bad
}

// single reads the body of a write of one record.
func (h *HubSpot) single(c call, t *objects) (input, reply, bool) {
	if !utf8.Valid(c.body) {
		return input{}, h.badJSON(&syntaxError{1, 1, "Invalid UTF-8"}), false
	}
	r := &jsonReader{b: c.body}
	x, _ := h.input(r, t, nil)
	r.end()
	switch {
	case r.err != nil:
		return x, h.badJSON(r.err), false
	case !x.hasProps:
		return x, h.invalid("Invalid input JSON on line 1, column 1: Cannot build SimplePublicObjectInput, some of required attributes are not set [properties]"), false
	case len(x.bad) > 0:
		return x, h.badValues(x.bad), false
	}
	return x, reply{}, true
}
