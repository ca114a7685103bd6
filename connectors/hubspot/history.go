package hubspot

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// trace is a summary property whose changes tell of something the prospect did.
type trace struct {
	property string
	kind     string
	// A counter counts; other traces hold the time of the last occurrence themselves.
	counter bool
	at      string // counters: the property with the time of the last occurrence
	url     string // the property with the page it happened on
	form    string // the property with the name of the form
	id      string // part of the event's id
}

var traces = []trace{
	{property: "hs_analytics_num_page_views", kind: connectors.KindPageView, counter: true, at: "hs_analytics_last_timestamp", url: "hs_analytics_last_url", id: "views"},
	{property: "hs_analytics_num_visits", kind: connectors.KindVisit, counter: true, at: "hs_analytics_last_visit_timestamp", id: "visits"},
	{property: "hs_analytics_num_event_completions", kind: "event_completion", counter: true, id: "completions"},
	{property: "hs_email_open", kind: connectors.KindEmailOpen, counter: true, at: "hs_email_last_open_date", id: "opens"},
	{property: "hs_email_click", kind: connectors.KindEmailClick, counter: true, at: "hs_email_last_click_date", id: "clicks"},
	{property: "hs_sales_email_last_opened", kind: connectors.KindEmailOpen, id: "sales-open"},
	{property: "hs_sales_email_last_clicked", kind: connectors.KindEmailClick, id: "sales-click"},
	{property: "hs_sales_email_last_replied", kind: connectors.KindEmailReply, id: "sales-reply"},
	{property: "engagements_last_meeting_booked", kind: connectors.KindMeeting, id: "meeting"},
	// The first and the most recent conversion may be the same one: they share an id.
	{property: "recent_conversion_date", kind: connectors.KindFormSubmit, form: "recent_conversion_event_name", id: "form"},
	{property: "first_conversion_date", kind: connectors.KindFormSubmit, id: "form"},
}

// tracked are the properties that journeys are made of.
var tracked = func() []string {
	var names []string
	for _, t := range traces {
		for _, name := range []string{t.property, t.at, t.url, t.form} {
			if name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}()

const (
	// sameWrite is how far apart HubSpot stamps properties that it updates for one occurrence.
	sameWrite = time.Minute
	// fullHistory is the number of versions from which a history may have lost its beginning.
	fullHistory = 20
)

// stamped is a version with its time.
type stamped struct {
	version
	time time.Time
}

// history is a contact's tracked properties: what they are now and what they were, oldest first.
type history struct {
	now  map[string]string
	past map[string][]stamped
}

// journey makes events of a contact's history. Their ids rest on the contact, the trace and a time that later reads repeat.
func journey(r *record, w connectors.Window) []connectors.Event {
	h := history{now: map[string]string{}, past: map[string][]stamped{}}
	transport.EachProperty(r.Properties, func(name, v string) {
		if v != "" {
			h.now[name] = v
		}
	})
	for name, versions := range r.versions() {
		list := make([]stamped, 0, len(versions))
		for _, v := range versions {
			if at, ok := parseTime(v.Timestamp); ok {
				list = append(list, stamped{v, at})
			}
		}
		slices.SortStableFunc(list, func(a, b stamped) int { return a.time.Compare(b.time) })
		h.past[name] = list
	}
	var events []connectors.Event
	seen := map[string]bool{}
	for i := range traces {
		t := &traces[i]
		emit := func(e connectors.Event, stamp time.Time) {
			e.Kind = t.kind
			if e.Properties == nil {
				e.Properties = map[string]string{}
			}
			e.Properties[connectors.PropSummary] = "true"
			e.ID = r.ID + ":" + t.id + ":" + strconv.FormatInt(stamp.UnixMilli(), 10)
			if !seen[e.ID] && w.Contains(e.Time) {
				seen[e.ID] = true
				events = append(events, e)
			}
		}
		if t.counter {
			h.counted(t, emit)
		} else {
			h.timed(t, emit)
		}
	}
	return events
}

// counted tells of each step that a counter took.
func (h *history) counted(t *trace, emit func(connectors.Event, time.Time)) {
	past := h.past[t.property]
	if len(past) == 0 {
		// No history: the summary alone proves one occurrence, the last.
		if n := count(h.now[t.property]); n > 0 {
			if at, ok := parseTime(h.now[t.at]); ok {
				emit(connectors.Event{Time: at, URL: h.now[t.url]}, at)
			}
		}
		return
	}
	before := int64(0)
	for i, v := range past {
		n := count(v.Value)
		step := n - before
		before = n
		if step <= 0 {
			continue
		}
		if i == 0 && len(past) >= fullHistory {
			step = 1 // what came before it is lost, so that only its last step is known
		}
		if t.kind == connectors.KindVisit && h.steppedAt("hs_analytics_num_page_views", v.time) {
			continue // its page views tell of it
		}
		at, exact := h.occurred(t, v)
		if v.merged() && !exact {
			continue // a sum that a merge made: when it happened nobody knows
		}
		e := connectors.Event{Time: at, Received: v.time, Properties: map[string]string{connectors.PropCount: strconv.FormatInt(step, 10)}}
		if t.url != "" {
			e.URL = h.then(t.url, v.time)
		}
		emit(e, v.time)
	}
}

// timed tells of each time that a property held.
func (h *history) timed(t *trace, emit func(connectors.Event, time.Time)) {
	past := h.past[t.property]
	if len(past) == 0 {
		if at, ok := parseTime(h.now[t.property]); ok {
			emit(formEvent(at, time.Time{}, h.now[t.form]), at)
		}
		return
	}
	for _, v := range past {
		stamp, ok := parseTime(v.Value)
		if !ok {
			continue
		}
		at := stamp
		if at.After(v.time.Add(sameWrite)) {
			at = v.time // a meeting's date, when what counts is that it was booked
		}
		form := ""
		if t.form != "" {
			form = h.then(t.form, v.time)
		}
		emit(formEvent(at, v.time, form), stamp)
	}
}

func formEvent(at, received time.Time, form string) connectors.Event {
	e := connectors.Event{Time: at, Received: received}
	if form != "" {
		e.Properties = map[string]string{connectors.PropForm: form}
	}
	return e
}

// occurred is when a counter's step happened: by the property with the time of the last occurrence if the same write set it,
// else when HubSpot counted it.
func (h *history) occurred(t *trace, v stamped) (at time.Time, exact bool) {
	if t.at == "" {
		return v.time, false
	}
	last, ok := h.inForce(t.at, v.time)
	if !ok || last.time.Before(v.time.Add(-sameWrite)) {
		return v.time, false
	}
	at, ok = parseTime(last.Value)
	if !ok || at.After(v.time.Add(sameWrite)) {
		return v.time, false
	}
	return at, true
}

// inForce is the version of a property that a write at t left behind.
func (h *history) inForce(property string, t time.Time) (stamped, bool) {
	past := h.past[property]
	for i := len(past) - 1; i >= 0; i-- {
		if !past[i].time.After(t.Add(sameWrite)) {
			return past[i], true
		}
	}
	return stamped{}, false
}

// then is the value of a property as a write at t left it; its present value where there is no history.
func (h *history) then(property string, t time.Time) string {
	if v, ok := h.inForce(property, t); ok {
		return v.Value
	}
	if len(h.past[property]) == 0 {
		return h.now[property]
	}
	return ""
}

func (h *history) steppedAt(property string, t time.Time) bool {
	return slices.ContainsFunc(h.past[property], func(v stamped) bool { return v.time.Sub(t).Abs() <= sameWrite })
}

func (v version) merged() bool { return strings.HasPrefix(strings.ToUpper(v.SourceType), "MERGE") }

// count reads a counter; HubSpot writes whole numbers, now and then with a fraction of zero.
func count(s string) int64 {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(f > 0) || f > 1e12 {
		return 0
	}
	return int64(f)
}
