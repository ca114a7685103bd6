package hubspot

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// record is a contact or deal on the wire. Properties and history are kept as they came, for most are looked at once. What is
// read out of them shares their memory: a few kilobytes per record that live as long as any of its values.
type record struct {
	ID         string
	Properties string // a JSON object
	History    string // a JSON object of lists of versions
	CreatedAt  string
	UpdatedAt  string
	Archived   bool
}

// version is one value a property had.
type version struct {
	Value, Timestamp, SourceType, SourceID, UserID string
}

// page is a page of records, of a search, a list or a batch.
type page struct {
	Total   int
	Results []record // nil if the answer has no such list
	After   string   // where the next page begins
	Status  string
	Errors  []failure
}

var errNotJSON = errors.New("not the JSON that was asked for")

// decodePage reads a page in one go: encoding/json would walk through each property four times.
func decodePage(b []byte) (*page, error) {
	v := new(page)
	f := flat{s: string(b)}
	err := f.object(func(name string) error {
		switch name {
		case "results":
			v.Results = []record{}
			return f.list(func() error {
				r, err := f.record()
				v.Results = append(v.Results, r)
				return err
			})
		case "total":
			text, err := f.text()
			v.Total, _ = strconv.Atoi(text)
			return err
		case "status":
			text, err := f.text()
			v.Status = text
			return err
		case "paging":
			var p paging
			raw, err := f.raw()
			if err == nil {
				err = unmarshal([]byte(raw), &p)
			}
			v.After = p.Next.After
			return err
		case "errors":
			raw, err := f.raw()
			if err != nil {
				return err
			}
			return lenient(json.Unmarshal([]byte(raw), &v.Errors))
		}
		_, err := f.raw()
		return err
	})
	if err != nil {
		return nil, err
	}
	if f.space(); f.i != len(f.s) {
		return nil, errNotJSON
	}
	return v, nil
}

// record reads a record. Its properties are copied out of the page, which may go.
func (f *flat) record() (r record, err error) {
	err = f.object(func(name string) error {
		switch name {
		case "id":
			r.ID, err = f.text()
			r.ID = strings.Clone(r.ID)
		case "properties":
			r.Properties, err = f.raw()
			r.Properties = strings.Clone(r.Properties)
		case "propertiesWithHistory":
			r.History, err = f.raw()
			r.History = strings.Clone(r.History)
		case "createdAt":
			r.CreatedAt, err = f.text()
		case "updatedAt":
			r.UpdatedAt, err = f.text()
		case "archived":
			var text string
			text, err = f.text()
			r.Archived = text == "true"
		default:
			_, err = f.raw()
		}
		return err
	})
	return r, err
}

// versions are a record's history by property; what cannot be read is left out.
func (r *record) versions() map[string][]version {
	out := map[string][]version{}
	f := flat{s: r.History}
	f.object(func(name string) error {
		var list []version
		err := f.list(func() error {
			var v version
			raw, err := f.raw()
			eachProperty(raw, func(key, value string) {
				switch key {
				case "value":
					v.Value = value
				case "timestamp":
					v.Timestamp = value
				case "sourceType":
					v.SourceType = value
				case "sourceId":
					v.SourceID = value
				case "updatedByUserId":
					v.UserID = value
				}
			})
			list = append(list, v)
			return err
		})
		out[name] = list
		return err
	})
	return out
}

type paging struct {
	Next struct {
		After string `json:"after"`
	} `json:"next"`
}

// unmarshal reads an answer. A field of an unexpected type is left out rather than failing the answer; anything that is not
// an object is no answer.
func unmarshal(b []byte, v any) error {
	if b = bytes.TrimSpace(b); len(b) == 0 || b[0] != '{' {
		return errNotJSON
	}
	return lenient(json.Unmarshal(b, v))
}

func lenient(err error) error {
	if mismatch := (*json.UnmarshalTypeError)(nil); errors.As(err, &mismatch) {
		return nil
	}
	return err
}

// eachProperty calls f with the name and value of every property of a flat object. A null is "", a value that is no string
// stands as it is written, and an object or list is left out. It stops at what is no JSON.
func eachProperty(raw string, f func(name, value string)) {
	p := flat{s: raw}
	p.object(func(name string) error {
		if p.space(); p.i < len(p.s) && (p.s[p.i] == '{' || p.s[p.i] == '[') {
			_, err := p.raw()
			return err
		}
		value, err := p.text()
		if err == nil {
			f(name, value)
		}
		return err
	})
}

// flat reads JSON from left to right. It checks structure, not the spelling of numbers and literals.
type flat struct {
	s string
	i int
}

func (p *flat) space() {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\n' || p.s[p.i] == '\t' || p.s[p.i] == '\r') {
		p.i++
	}
}

// next passes over c and the space before it.
func (p *flat) next(c byte) bool {
	p.space()
	if p.i >= len(p.s) || p.s[p.i] != c {
		return false
	}
	p.i++
	return true
}

// object calls member with the name of each member; it must read the value. A null is an empty object.
func (p *flat) object(member func(name string) error) error {
	if !p.next('{') {
		return p.null()
	}
	if p.next('}') {
		return nil
	}
	for {
		name, err := p.str()
		if err != nil {
			return err
		}
		if !p.next(':') {
			return errNotJSON
		}
		if err := member(name); err != nil {
			return err
		}
		if p.next('}') {
			return nil
		}
		if !p.next(',') {
			return errNotJSON
		}
	}
}

// list calls element at the beginning of each element; it must read it. A null is an empty list.
func (p *flat) list(element func() error) error {
	if !p.next('[') {
		return p.null()
	}
	if p.next(']') {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if p.next(']') {
			return nil
		}
		if !p.next(',') {
			return errNotJSON
		}
	}
}

func (p *flat) null() error {
	if strings.HasPrefix(p.s[p.i:], "null") {
		p.i += len("null")
		return nil
	}
	return errNotJSON
}

// str reads a string.
func (p *flat) str() (string, error) {
	start, end, escaped := p.quoted()
	if end < 0 {
		return "", errNotJSON
	}
	s := p.s[start:end]
	if !escaped && utf8.ValidString(s) {
		return s, nil
	}
	var text string
	err := json.Unmarshal([]byte(p.s[start-1:end+1]), &text)
	return text, err
}

// quoted passes over a string and tells where its inside lies; end is −1 if there is none.
func (p *flat) quoted() (start, end int, escaped bool) {
	p.space()
	if p.i >= len(p.s) || p.s[p.i] != '"' {
		return 0, -1, false
	}
	start = p.i + 1
	for i := start; ; {
		j := strings.IndexByte(p.s[i:], '"')
		if j < 0 {
			return 0, -1, false
		}
		if !escaped {
			escaped = strings.IndexByte(p.s[i:i+j], '\\') >= 0
		}
		j += i
		slashes := 0
		for k := j - 1; k >= start && p.s[k] == '\\'; k-- {
			slashes++
		}
		if slashes%2 == 0 {
			p.i = j + 1
			return start, j, escaped
		}
		i = j + 1
	}
}

// text reads a string, or a number or literal as it is written; null is "".
func (p *flat) text() (string, error) {
	p.space()
	if p.i < len(p.s) && p.s[p.i] == '"' {
		return p.str()
	}
	start := p.i
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
		case '{', '[', '"', ':':
			return "", errNotJSON
		default:
			p.i++
			continue
		}
		break
	}
	switch s := p.s[start:p.i]; s {
	case "":
		return "", errNotJSON
	case "null":
		return "", nil
	default:
		return s, nil
	}
}

// raw passes over a value and returns it as it stands.
func (p *flat) raw() (string, error) {
	p.space()
	start := p.i
	for depth := 0; p.i < len(p.s); {
		switch p.s[p.i] {
		case '"':
			if _, end, _ := p.quoted(); end < 0 {
				return "", errNotJSON
			}
		case '{', '[':
			depth++
			p.i++
		case '}', ']':
			if depth--; depth < 0 {
				return "", errNotJSON
			}
			p.i++
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return "", errNotJSON
			}
			p.i++
		default:
			if depth == 0 {
				_, err := p.text()
				return p.s[start:p.i], err
			}
			p.i++
		}
		if depth == 0 {
			return p.s[start:p.i], nil
		}
	}
	return "", errNotJSON
}

// batchRead is the body of a batch read.
type batchRead struct {
	Properties []string `json:"properties"`
	History    []string `json:"propertiesWithHistory,omitempty"`
	Inputs     []idOnly `json:"inputs"`
}

type idOnly struct {
	ID string `json:"id"`
}

func idInputs(ids []string) []idOnly {
	in := make([]idOnly, len(ids))
	for i, id := range ids {
		in[i].ID = id
	}
	return in
}

// encode is v as JSON. It panics for nothing this package hands it.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("hubspot: encode: " + err.Error()) // strings, numbers and lists of them always encode
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// splitList takes HubSpot's lists apart: values between semicolons.
func splitList(s string) []string {
	if s == "" {
		return nil
	}
	parts := strings.Split(s, ";")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return slices.DeleteFunc(parts, func(p string) bool { return p == "" })
}
