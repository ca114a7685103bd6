package warehouse

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/asked"
)

// row is one row of an answer: the text of each column, "" where it is null. It is valid until the next one.
type row struct {
	columns []string // in lower case: some warehouses fold names to upper
	values  []string
}

func (r row) get(column string) string {
	for i, c := range r.columns {
		if c == column {
			return r.values[i]
		}
	}
	return ""
}

var (
	errNoTime   = errors.New("no time, or one that cannot be read")
	errNoCursor = errors.New("no cursor_time, or one that cannot be read")
)

// position is where a row stands among those that came in.
func (r row) position() (asked.Row, error) {
	t, err := parseTime(r.get("cursor_time"))
	if err != nil {
		return asked.Row{}, errNoCursor
	}
	return asked.Row{Time: t, ID: r.get("cursor_id")}, nil
}

// person reads a row of the active query.
func (r row) person() connectors.Person {
	one := func(column string) []string {
		if v := strings.TrimSpace(r.get(column)); v != "" {
			return []string{v}
		}
		return nil
	}
	return connectors.Person{Emails: one("email"), Phones: one("phone"), UserIDs: one("user_id"), AnonymousIDs: one("anonymous_id")}
}

// event reads a row of the journeys or the events query. A row without an id gets one of its content, so that it is the same event next time.
func (r row) event(source string) (e connectors.Event, err error) {
	e.Source = source
	for i, column := range r.columns {
		v := r.values[i]
		if v == "" {
			continue
		}
		switch column {
		case "cursor_time", "cursor_id", "person_email", "person_user_id":
		case "event_id":
			e.ID = v
		case "time":
			if e.Time, err = parseTime(v); err != nil {
				return e, errNoTime
			}
		case "received":
			e.Received, _ = parseTime(v)
		case "kind":
			e.Kind = v
		case "email":
			e.Email = v
		case "phone":
			e.Phone = v
		case "user_id":
			e.UserID = v
		case "anonymous_id":
			e.AnonymousID = v
		case "session_id":
			e.Session = v
		case "url":
			e.URL = v
		case "page_title":
			e.PageTitle = v
		case "element_text":
			e.ElementText = v
		case "element_id":
			e.ElementID = v
		case "referrer":
			e.Referrer = v
		case "user_agent":
			e.UserAgent = v
		case "ip":
			e.IP = v
		case "consent":
			e.Consent = v
		case "properties":
			e.Properties = properties(v, e.Properties)
		default:
			e.Properties = set(e.Properties, column, v)
		}
	}
	if e.Time.IsZero() {
		return e, errNoTime
	}
	if e.ID == "" {
		sum := sha256.Sum256([]byte(strings.Join(r.values, "\x00")))
		e.ID = hex.EncodeToString(sum[:12])
	}
	return e, nil
}

// properties reads an object of JSON; texts, numbers and truths of its first level become properties of the event.
func properties(text string, into map[string]string) map[string]string {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &object) != nil {
		return into
	}
	for k, raw := range object {
		var s string
		switch {
		case json.Unmarshal(raw, &s) == nil:
		case raw[0] == '{' || raw[0] == '[' || string(raw) == "null":
			continue
		default:
			s = string(raw)
		}
		if s != "" {
			into = set(into, k, s)
		}
	}
	return into
}

func set(m map[string]string, k, v string) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	m[k] = v
	return m
}

// layouts are the forms of times that the dialects write, beside numbers. A time without a zone is in UTC.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z07", "2006-01-02 15:04:05.999999999 Z0700",
	"2006-01-02 15:04:05.999999999 MST", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02",
}

// parseTime reads a time as any of the dialects writes it: a text, or a number of seconds, milli-, micro- or nanoseconds since 1970, told
// apart by size (each unit's range is the years 1973 to 5138 of the coarser one).
func parseTime(v string) (time.Time, error) {
	v = strings.TrimSpace(v)
	for _, layout := range layouts {
		if t, err := time.Parse(layout, v); err == nil {
			return t.UTC(), nil
		}
	}
	whole, fraction, _ := strings.Cut(v, ".")
	if n, err := strconv.ParseInt(whole, 10, 64); err == nil && n > 0 && !strings.ContainsAny(fraction, "eE") {
		switch {
		case n < 1e11:
			nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
			return time.Unix(n, nanos).UTC(), nil
		case n < 1e14:
			return time.UnixMilli(n).UTC(), nil
		case n < 1e17:
			return time.UnixMicro(n).UTC(), nil
		}
		return time.Unix(0, n).UTC(), nil
	}
	if f, err := strconv.ParseFloat(v, 64); err == nil && f > 0 && f < 1e11 { // 1.795E9, as BigQuery writes seconds
		return time.UnixMicro(int64(math.Round(f * 1e6))).UTC(), nil
	}
	return time.Time{}, errNoTime
}
