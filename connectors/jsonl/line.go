package jsonl

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/clickstream"
	"github.com/intentd/intentd/connectors/internal/jsonscan"
	"github.com/intentd/intentd/connectors/internal/records"
)

// Reasons why a line is broken. They are all that is told of a line's content.
const (
	reasonSyntax     = "not a JSON object"
	reasonTooLong    = "longer than 1 MiB"
	reasonNoTime     = "no time"
	reasonTime       = "time is neither RFC 3339 nor a Unix time of this century"
	reasonNoKind     = "no kind"
	reasonIdentifier = "no usable e-mail, phone, user_id, anonymous_id or company_domain"
	reasonGzip       = "damaged gzip data: the rest of the file is unreadable"
	reasonUnfinished = "the last line is not finished"
)

// pair is a property that stood at the top of the line.
type pair struct {
	key string
	jsonscan.Value
}

// decoder reads lines. It may be used again and again, by one goroutine.
type decoder struct {
	p     jsonscan.Scanner
	extra []pair
}

// event reads the object that text begins with into e, which must be zero, and returns its length, 0 if there is no whole object, and
// why it is broken, "" if it is not. The texts of e share the memory of text. An object that has not our own keys is read as the
// record of a tracker, or by other names of the keys.
func (d *decoder) event(text string, e *connectors.Event) (length int, reason string) {
	var at jsonscan.Value
	if !d.object(text, e, &at) {
		return 0, reasonSyntax
	}
	length = d.p.Offset()
	text = text[:length]
	if at.Kind == jsonscan.None || e.Kind == "" {
		if at, ok := records.Read(text, e); ok {
			return length, complete(text, e, at)
		}
		d.respell(e, &at, false)
	} else if e.Email == "" && len(d.extra) > 0 {
		d.respell(e, &at, true)
	}
	switch at.Kind {
	case jsonscan.None, jsonscan.Null:
		return length, reasonNoTime
	case jsonscan.String, jsonscan.Number:
		t, ok := records.ParseTime(at.Text)
		if !ok {
			return length, reasonTime
		}
		e.Time = t
	default:
		return length, reasonTime
	}
	if reason = finishEvent(text, e); reason == reasonIdentifier {
		if key := d.addressKey(e); key != "" {
			reason += "; an address stands under the key " + key
		}
	}
	return length, reason
}

// Lines reads lines of event files that come from somewhere else. It may be used again and again, by one goroutine.
type Lines struct{ d decoder }

// Event reads a line that holds one event into e, of which all but the source must be zero, and says why it cannot: "" if it can.
func (l *Lines) Event(line string, e *connectors.Event) (reason string) {
	if len(line) > maxLine {
		return reasonTooLong
	}
	length, reason := l.d.event(line, e)
	if reason == "" && strings.TrimSpace(line[length:]) != "" {
		return reasonSyntax
	}
	return reason
}

// complete adds the time to a tracker's record, cleans it and says what it lacks.
func complete(text string, e *connectors.Event, at string) (reason string) {
	var ok bool
	if at == "" {
		return reasonNoTime
	}
	if e.Time, ok = records.ParseTime(at); !ok {
		return reasonTime
	}
	return finishEvent(text, e)
}

// finishEvent cleans what was read of an object, and says what it lacks.
func finishEvent(text string, e *connectors.Event) (reason string) {
	if e.Kind = strings.TrimSpace(e.Kind); e.Kind == "" {
		return reasonNoKind
	}
	if !clickstream.Clean(e) {
		return reasonIdentifier
	}
	e.Consent = records.Consent(e.Consent)
	if !plainFile(e.Screenshot) {
		e.Screenshot = ""
	}
	if e.ID == "" {
		e.ID = "l" + strconv.FormatUint(xxhash.Sum64String(text), 36)
	}
	return ""
}

// object reads the fields of the object that line begins with, and stands behind it; false if it is none.
func (d *decoder) object(line string, e *connectors.Event, at *jsonscan.Value) bool {
	p := &d.p
	p.Reset(line)
	d.extra = d.extra[:0]
	if p.Next() != '{' {
		return false
	}
	err := p.Object(func(key string) (err error) {
		if key == "properties" && p.Next() == '{' {
			d.dropExtra(key)
			e.Properties, err = flat(p)
			return err
		}
		v, err := p.Value()
		if key == "properties" {
			e.Properties = nil
		}
		d.set(e, key, v, at)
		return err
	})
	if err != nil {
		return false
	}
	for _, x := range d.extra {
		if e.Properties == nil {
			e.Properties = make(map[string]string, len(d.extra))
		}
		if _, taken := e.Properties[x.key]; !taken {
			e.Properties[x.key] = x.Text
		}
	}
	return true
}

// flat reads an object into texts; what is nested stays JSON, and null is as good as absent.
func flat(p *jsonscan.Scanner) (map[string]string, error) {
	var m map[string]string
	err := p.Object(func(key string) error {
		v, err := p.Value()
		if m == nil {
			m = map[string]string{}
		}
		if v.Kind == jsonscan.Null {
			delete(m, key)
		} else {
			m[key] = v.Text
		}
		return err
	})
	return m, err
}

// set puts one value where its key belongs. The last of several equal keys counts, as everywhere in Go.
func (d *decoder) set(e *connectors.Event, key string, v jsonscan.Value, at *jsonscan.Value) {
	if key == "time" {
		*at = v
		return
	}
	d.dropExtra(key)
	field := fieldOf(e, key)
	if field != nil {
		*field = ""
	}
	switch {
	case v.Kind == jsonscan.Null:
	case field != nil && v.Kind != jsonscan.Nested:
		*field = v.Text
	default: // an unknown key, or an object or array where a text is wanted
		d.extra = append(d.extra, pair{key, v})
	}
}

func (d *decoder) dropExtra(key string) {
	for i := range d.extra {
		if d.extra[i].key == key {
			d.extra = append(d.extra[:i], d.extra[i+1:]...)
			return
		}
	}
}

func fieldOf(e *connectors.Event, key string) *string {
	switch key {
	case "id":
		return &e.ID
	case "kind":
		return &e.Kind
	case "email":
		return &e.Email
	case "phone":
		return &e.Phone
	case "user_id":
		return &e.UserID
	case "anonymous_id":
		return &e.AnonymousID
	case "session_id":
		return &e.Session
	case "url":
		return &e.URL
	case "page_title":
		return &e.PageTitle
	case "element_text":
		return &e.ElementText
	case "element_id":
		return &e.ElementID
	case "referrer":
		return &e.Referrer
	case "user_agent":
		return &e.UserAgent
	case "ip":
		return &e.IP
	case "consent":
		return &e.Consent
	case "screenshot":
		return &e.Screenshot
	}
	return nil
}

// plainFile says whether s names a file without leaving its directory.
func plainFile(s string) bool {
	return s != "" && s[0] != '.' && filepath.Base(s) == s && !strings.ContainsAny(s, "/\\:\x00") && len(s) <= 255
}
