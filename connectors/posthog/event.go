package posthog

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/records"
)

// Columns of an event, in the order in which eventColumns selects them.
const (
	colTime = iota
	colID
	colEvent
	colCreated
	colDistinct
	colPerson
	colEmail
	colPhone
	colSession
	colURL
	colTitle
	colReferrer
	colAgent
	colIP
	colEventType
	colText
	colChain
	colIdentified
	colDevice
	colFormer
	colBrowserType
	colScreen
	colConsent
	colBot
	colProperties
	columns
)

// eventColumns are the columns of an event, as texts. Whole properties are asked for of a site's own events only: those of PostHog's fill
// kilobytes each.
func (s *Source) eventColumns() []string {
	property := func(name string) string {
		if name == "" {
			return "''"
		}
		return "toString(properties.`" + name + "`)"
	}
	person := func(name string) string {
		if name == "" {
			return "''"
		}
		return "toString(person.properties.`" + name + "`)"
	}
	bot := "toString(`$virt_bot_name`)"
	if s.noBots.Load() {
		bot = "''"
	}
	return []string{
		colTime: "toString(" + happened + ")", colID: "toString(uuid)", colEvent: "event", colCreated: "toString(" + created + ")", colDistinct: "distinct_id", colPerson: "toString(person_id)",
		colEmail: person(s.o.EmailProperty), colPhone: person(s.o.PhoneProperty), colSession: "toString(`$session_id`)",
		colURL: property("$current_url"), colTitle: "toString(coalesce(properties.`title`, properties.`$title`))", colReferrer: property("$referrer"), colAgent: property("$raw_user_agent"), colIP: property("$ip"),
		colEventType: property("$event_type"), colText: property("$el_text"), colChain: "substring(elements_chain, 1, 10000)", colIdentified: property("$is_identified"), colDevice: property("$device_id"),
		colFormer: "toString(coalesce(properties.`$anon_distinct_id`, properties.`alias`))", colBrowserType: property("$browser_type"), colScreen: property("$screen_name"),
		colConsent: property(s.o.ConsentProperty), colBot: bot, colProperties: "if(startsWith(event, '$'), '', toString(properties))",
	}
}

// propertyColumns are those that PostHog takes from the JSON of properties, with the name of the event's property.
var propertyColumns = map[int]string{
	colURL: "$current_url", colTitle: "title", colReferrer: "$referrer", colAgent: "$raw_user_agent", colIP: "$ip", colEventType: "$event_type", colText: "$el_text",
	colBrowserType: "$browser_type", colEmail: "", colPhone: "", colIdentified: "", colDevice: "", colFormer: "", colScreen: "", colConsent: "",
}

// unescaped is the text of a property. PostHog cuts the quotation marks off its JSON and leaves the rest as it is: a quotation mark within comes
// as \" and a backslash as two.
func unescaped(v string) string {
	var s string
	if strings.Contains(v, `\`) && json.Unmarshal([]byte(`"`+v+`"`), &s) == nil {
		return s
	}
	return v
}

var (
	errShort  = errors.New("a row with too few columns")
	errNoTime = errors.New("no time, or one that cannot be read")
)

// readEvent reads the columns of an event. person is PostHog's id of the person.
func readEvent(source string, c []string) (e connectors.Event, person string, err error) {
	if len(c) < columns {
		return e, "", errShort
	}
	for i := range propertyColumns {
		c[i] = unescaped(c[i])
	}
	if e.Time, err = instant(c[colTime]); err != nil {
		return e, "", err
	}
	var own map[string]any
	d := json.NewDecoder(strings.NewReader(c[colProperties]))
	d.UseNumber()
	if d.Decode(&own) != nil || own == nil {
		own = map[string]any{}
	}
	for column, name := range propertyColumns {
		if name != "" && c[column] != "" {
			own[name] = c[column]
		}
	}
	at := e.Time
	records.PostHog(map[string]any{"uuid": c[colID], "event": c[colEvent], "distinct_id": c[colDistinct], "elements_chain": c[colChain], "properties": own}, &e)
	e.Time, e.Source, e.Session, e.Consent, e.Phone = at, source, c[colSession], records.Consent(c[colConsent]), c[colPhone]
	e.Received, _ = instant(c[colCreated])
	w := identifiers(c[colEvent], c[colDistinct], c[colEmail], c[colIdentified], c[colDevice])
	e.Email, e.UserID, e.AnonymousID = w.email, w.userID, w.anonymousID
	if former(c[colEvent]) {
		e.AnonymousID = c[colFormer]
	}
	finish(&e, c)
	return e, c[colPerson], nil
}

// finish puts what PostHog tells beside an event into it.
func finish(e *connectors.Event, c []string) {
	if e.Referrer == "$direct" {
		e.Referrer = ""
	}
	if c[colBot] != "" {
		if e.Properties == nil {
			e.Properties = map[string]string{}
		}
		e.Properties[connectors.PropBot] = "true"
	}
	if c[colEvent] == "$opt_in" {
		e.Consent = "granted"
	}
	if c[colEvent] == "$screen" && e.PageTitle == "" {
		e.PageTitle = c[colScreen]
	}
	if kind, known := connectors.EventKind(e.Kind); known && strings.HasPrefix(e.Kind, "$") {
		e.Kind = kind
	}
}

// who is who an event is of, by its identifiers.
type who struct{ email, userID, anonymousID string }

// identifiers reads what a distinct id is: an address, the application's own id, or what PostHog's client gave a visitor it did not know.
func identifiers(event, distinct, email, identified, device string) (w who) {
	w.email = strings.TrimSpace(email)
	switch {
	case identified == "false", distinct == device && event != "$identify":
		w.anonymousID = distinct
	case strings.Contains(distinct, "@"):
		if w.email == "" {
			w.email = distinct
		}
	default:
		w.userID = distinct
	}
	return w
}

// former says whether an event names what the visitor was called before.
func former(event string) bool { return event == "$identify" || event == "$create_alias" }

// instant reads milliseconds since 1970.
func instant(ms string) (time.Time, error) {
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}, errNoTime
	}
	return time.UnixMilli(n).UTC(), nil
}
