package records

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/intentd/intentd/connectors"
)

// record is one JSON object of a tracker.
type record map[string]any

// at is what stands at a path of keys; nil if nothing does.
func (r record) at(path ...string) any {
	var v any = map[string]any(r)
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

func (r record) has(key string) bool { _, ok := r[key]; return ok }

// under is the object at a path, empty if there is none.
func (r record) under(path ...string) record {
	m, _ := r.at(path...).(map[string]any)
	return m
}

// first is the first text among several keys.
func (r record) first(keys ...string) string {
	for _, k := range keys {
		if s := scalar(r[k]); s != "" {
			return s
		}
	}
	return ""
}

// scalar is a text, number or boolean as text; "" for anything else.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// properties are the members as texts; what is nested stays JSON.
func (r record) properties(except ...string) map[string]string {
	out := map[string]string{}
	for k, v := range r {
		if slices.Contains(except, k) {
			continue
		}
		if s := scalar(v); s != "" {
			out[k] = s
		} else if v != nil && v != "" {
			if b, err := json.Marshal(v); err == nil {
				out[k] = string(b)
			}
		}
	}
	return out
}

// tracker is a system whose own records are read as they are, known by their keys. The keys are those of its documentation.
type tracker struct {
	name string
	is   func(r record) bool
	read func(r record, e *connectors.Event) (at string)
}

// trackers in the order in which they are tried.
var trackers = []tracker{
	{"GA4", func(r record) bool {
		return r.has("event_name") && r.has("event_timestamp") && (r.has("event_params") || r.has("user_pseudo_id"))
	}, readGA4},
	{"Snowplow", func(r record) bool {
		return (r.has("event_name") || r.has("event")) && (r.has("collector_tstamp") || r.has("derived_tstamp") || r.has("dvce_created_tstamp"))
	}, readSnowplow},
	{"Amplitude", func(r record) bool {
		return r.has("event_type") && (r.has("event_properties") || r.has("amplitude_id") || r.has("device_id") && r.has("event_time"))
	}, readAmplitude},
	{"PostHog", func(r record) bool { return r.has("event") && r.has("distinct_id") }, readPostHog},
	{"Mixpanel", func(r record) bool {
		p := r.under("properties")
		return r.has("event") && p.has("time") && (p.has("distinct_id") || p.has("$insert_id") || p.has("$device_id"))
	}, readMixpanel},
	{"Segment or RudderStack", func(r record) bool {
		return segmentType(r) && (r.has("messageId") || r.has("anonymousId") || r.has("userId") || r.has("context"))
	}, readSegment},
}

// Read reads a tracker's record, one JSON object, into e, which it empties before. at is when it happened, as it was written. ok is false
// if no tracker is known by its keys: e is then as it was.
func Read(text string, e *connectors.Event) (at string, ok bool) {
	r, ok := parse(text)
	if !ok {
		return "", false
	}
	for _, t := range trackers {
		if t.is(r) {
			return read(r, t.read, e), true
		}
	}
	return "", false
}

func parse(text string) (r record, ok bool) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return r, dec.Decode(&r) == nil && r != nil
}

func read(r record, by func(r record, e *connectors.Event) (at string), e *connectors.Event) (at string) {
	*e = connectors.Event{}
	at = by(r, e)
	maps.DeleteFunc(e.Properties, func(_, v string) bool { return v == "" })
	if len(e.Properties) == 0 {
		e.Properties = nil
	}
	return at
}

// Sent are the times of a record that a client sent: when it happened and when it was sent, both by the client's clock and as they were
// written, "" where they are not told.
type Sent struct{ Happened, Sent string }

// Segment reads a record of the Segment specification as clients send it: kind is the type that the address says (page, track …), ""
// leaves it to the record. ok is false if text is no such record.
func Segment(text, kind string, e *connectors.Event) (times Sent, ok bool) {
	r, ok := parse(text)
	if !ok {
		return times, false
	}
	if kind != "" {
		r["type"] = kind
	}
	if !segmentType(r) {
		return times, false
	}
	read(r, readSegment, e)
	return Sent{r.first("originalTimestamp", "timestamp"), scalar(r["sentAt"])}, true
}

func segmentType(r record) bool {
	switch scalar(r["type"]) {
	case "page", "screen", "track", "identify", "group", "alias":
		return true
	}
	return false
}

// readSegment reads the common fields of the Segment specification, which RudderStack's events have as well.
func readSegment(r record, e *connectors.Event) string {
	context := r.under("context")
	page, traits := context.under("page"), r.under("traits")
	properties := r.under("properties")
	e.ID, e.AnonymousID, e.UserID = scalar(r["messageId"]), scalar(r["anonymousId"]), scalar(r["userId"])
	e.ElementText, e.ElementID = properties.first("element_text"), properties.first("element_id")
	e.Properties = properties.properties("url", "title", "referrer", "path", "search", "element_text", "element_id")
	switch kind := scalar(r["type"]); kind {
	case "track":
		e.Kind = r.first("event", "event_text")
	case "page", "screen":
		e.Kind = connectors.KindPageView
	default:
		e.Kind = connectors.KindIdentify
		if kind == "alias" && e.AnonymousID == "" {
			e.AnonymousID = scalar(r["previousId"])
		}
	}
	e.Email, e.Phone = traits.first("email"), traits.first("phone")
	if of := context.under("traits"); e.Email == "" {
		e.Email, e.Phone = of.first("email"), of.first("phone")
	}
	e.URL = choose(properties.first("url"), page.first("url"))
	e.PageTitle = choose(properties.first("title"), page.first("title"), scalar(r["name"]))
	e.Referrer = choose(properties.first("referrer"), page.first("referrer"))
	e.UserAgent, e.IP = scalar(context["userAgent"]), scalar(context["ip"])
	e.Session = choose(scalar(context["sessionId"]), scalar(context["session_id"]))
	if campaign := context.under("campaign"); campaign.first("name") != "" {
		set(e, connectors.PropCampaign, campaign.first("name"))
	}
	set(e, connectors.PropForm, properties.first("form", "form_name", "formName", "form_title", "form_id", "formId"))
	e.Consent = consentTo(context.under("consent", "categoryPreferences"))
	e.Received, _ = ParseTime(r.first("receivedAt", "received_at"))
	return r.first("timestamp", "originalTimestamp", "sentAt", "receivedAt")
}

// consentTo is what preferences by purpose say of analytics: one no is a no, whatever else is allowed.
func consentTo(preferences record) (consent string) {
	for purpose, given := range preferences {
		switch {
		case !strings.Contains(strings.ToLower(purpose), "analytics"):
		case given == false:
			return "denied"
		case given == true:
			consent = "granted"
		}
	}
	return consent
}

// readMixpanel reads a line of the raw export.
func readMixpanel(r record, e *connectors.Event) string {
	p := r.under("properties")
	e.Kind = scalar(r["event"])
	who := p.first("distinct_id")
	e.UserID, e.AnonymousID = p.first("$user_id"), strings.TrimPrefix(p.first("$device_id"), "$device:")
	if device, anonymous := strings.CutPrefix(who, "$device:"); anonymous || e.UserID == "" && deviceID(who) {
		e.AnonymousID = choose(e.AnonymousID, device)
	} else if e.UserID == "" && who != e.AnonymousID {
		e.UserID = who
	}
	switch alias := p.first("alias"); { // who is who: a library's id and the one that the site gave
	case e.Kind == "$identify" && p.has("$identified_id"):
		e.UserID, e.AnonymousID = p.first("$identified_id"), strings.TrimPrefix(p.first("$anon_id"), "$device:")
	case e.Kind == "$create_alias" && alias != "" && e.UserID == "":
		e.UserID = alias
	case e.Kind == "$create_alias" && e.AnonymousID == "":
		e.AnonymousID = alias
	}
	e.ID = choose(p.first("$insert_id"), ContentID(e.Kind, who, p.first("time"), p.first("current_url_path")))
	e.Email = p.first("$email")
	e.URL = p.first("$current_url", "current_url")
	if host := p.first("current_domain"); e.URL == "" && host != "" {
		e.URL = choose(strings.TrimSuffix(p.first("current_url_protocol"), ":"), "https") + "://" + host + p.first("current_url_path") + p.first("current_url_search")
	}
	e.PageTitle, e.Referrer, e.ElementText = p.first("current_page_title", "$title"), p.first("$referrer"), p.first("$el_text")
	e.ElementID, e.Session, e.IP = p.first("$el_id"), p.first("$session_id"), p.first("ip")
	e.Properties = plain(p, "time", "distinct_id", "current_page_title", "current_domain", "current_url_path", "current_url_search", "current_url_protocol", "current_url")
	set(e, connectors.PropCampaign, p.first("utm_campaign"))
	if e.Kind == "$mp_submit" {
		set(e, connectors.PropForm, choose(p.under("$target").first("$attr-name", "$attr-id"), e.ElementID))
	}
	e.Received, _ = ParseTime(p.first("mp_processing_time_ms"))
	return p.first("time")
}

// readAmplitude reads a line of the raw export.
func readAmplitude(r record, e *connectors.Event) string {
	p := r.under("event_properties")
	e.Kind, e.UserID, e.AnonymousID = scalar(r["event_type"]), scalar(r["user_id"]), scalar(r["device_id"])
	e.ID = r.first("$insert_id", "uuid", "insert_id")
	if s := scalar(r["session_id"]); s != "" && s != "-1" {
		e.Session = e.AnonymousID + "." + s
	}
	user := r.under("user_properties")
	e.Email = choose(user.first("email", "Email", "$email"), user.under("$set").first("email", "Email"), user.under("$setOnce").first("email", "Email"))
	e.URL, e.PageTitle = p.first("[Amplitude] Page Location", "[Amplitude] Page URL", "url"), p.first("[Amplitude] Page Title", "title")
	e.ElementText, e.ElementID, e.Referrer = p.first("[Amplitude] Element Text"), p.first("[Amplitude] Element ID"), p.first("[Amplitude] Previous Page Location", "referrer")
	e.IP = scalar(r["ip_address"])
	e.Properties = p.properties("url", "title", "referrer")
	maps.DeleteFunc(e.Properties, func(k, _ string) bool { return strings.HasPrefix(k, "[Amplitude] ") })
	set(e, connectors.PropForm, p.first("form", "form_name", "[Amplitude] Form Name", "[Amplitude] Form ID"))
	set(e, "file", p.first("file", "file_name", "[Amplitude] File Name"))
	set(e, connectors.PropCampaign, p.first("utm_campaign"))
	e.Received, _ = ParseTime(r.first("server_upload_time", "server_received_time"))
	return r.first("event_time", "client_event_time", "time")
}

// readGA4 reads a row of GA4's BigQuery export. Rows have no id, and their later columns are rewritten for days: the id is made of
// what stays.
func readGA4(r record, e *connectors.Event) string {
	p := record{}
	list, _ := r["event_params"].([]any)
	for _, x := range list {
		param, _ := x.(map[string]any)
		for _, v := range record(param).under("value") {
			if s := scalar(v); s != "" {
				p[scalar(param["key"])] = s
			}
		}
	}
	device, session := scalar(r["user_pseudo_id"]), p.first("ga_session_id")
	e.Kind, e.UserID, e.AnonymousID = scalar(r["event_name"]), scalar(r["user_id"]), device
	e.ID = ContentID(device, e.UserID, e.Kind, scalar(r["event_timestamp"]), scalar(r["event_bundle_sequence_id"]), scalar(r["batch_event_index"]), p.first("page_location"))
	if session != "" {
		e.Session = choose(device, e.UserID) + "." + session
	}
	e.URL, e.PageTitle, e.Referrer = p.first("page_location"), p.first("page_title"), p.first("page_referrer")
	e.ElementText, e.ElementID = p.first("link_text"), p.first("link_id", "element_id")
	e.Properties = p.properties("page_location", "page_title", "page_referrer", "ga_session_id", "ga_session_number", "link_text", "link_id", "engaged_session_event", "session_engaged", "entrances", "batch_event_index", "batch_page_id", "batch_ordering_id", "ignore_referrer")
	set(e, connectors.PropForm, p.first("form_name", "form_id"))
	set(e, connectors.PropCampaign, choose(p.first("campaign"), r.under("collected_traffic_source").first("manual_campaign_name")))
	if strings.EqualFold(r.under("privacy_info").first("analytics_storage"), "no") {
		e.Consent = "denied"
	}
	return scalar(r["event_timestamp"])
}

// readSnowplow reads a row of atomic.events as JSON, as the loaders and the analytics SDKs write it.
func readSnowplow(r record, e *connectors.Event) string {
	e.ID, e.UserID, e.AnonymousID = scalar(r["event_id"]), scalar(r["user_id"]), r.first("domain_userid", "network_userid")
	e.Kind = r.first("event_name", "event")
	switch e.Kind {
	case "event", "struct", "se":
		e.Kind = r.first("se_action", "se_category")
	}
	e.Properties = map[string]string{}
	for _, k := range []string{"se_category", "se_action", "se_label", "se_property", "se_value", "app_id"} {
		set(e, k, scalar(r[k]))
	}
	for k, v := range r { // at most one: the event's own fields
		m, ok := v.(map[string]any)
		if !ok || !strings.HasPrefix(k, "unstruct_event_") {
			continue
		}
		own := record(m)
		maps.Copy(e.Properties, own.properties("elementContent", "elementId"))
		e.ElementText, e.ElementID = own.first("elementContent", "label"), own.first("elementId", "id")
		set(e, connectors.PropForm, own.first("formId", "form_id"))
	}
	set(e, connectors.PropCampaign, scalar(r["mkt_campaign"]))
	e.Session, e.URL, e.PageTitle, e.Referrer = scalar(r["domain_sessionid"]), scalar(r["page_url"]), scalar(r["page_title"]), scalar(r["page_referrer"])
	e.UserAgent, e.IP = scalar(r["useragent"]), scalar(r["user_ipaddress"])
	e.Received, _ = ParseTime(r.first("load_tstamp", "collector_tstamp"))
	return r.first("derived_tstamp", "collector_tstamp", "dvce_created_tstamp")
}

// plain are the properties that a tracker did not add by itself: their names have no "$".
func plain(p record, except ...string) map[string]string {
	out := p.properties(except...)
	maps.DeleteFunc(out, func(k, _ string) bool { return strings.HasPrefix(k, "$") || strings.HasPrefix(k, "mp_") })
	return out
}

func set(e *connectors.Event, key, value string) {
	if value == "" {
		return
	}
	if e.Properties == nil {
		e.Properties = map[string]string{}
	}
	e.Properties[key] = value
}

func choose(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// deviceID says whether an id is one that a library made up: a UUID, or Mixpanel's five groups of hexadecimal digits.
func deviceID(s string) bool { return madeUp.MatchString(s) }

var madeUp = regexp.MustCompile(`(?i)^[0-9a-f]{8,16}(-[0-9a-f]{4,16}){4}$`)

// ContentID is an id made of what an event is known by.
func ContentID(parts ...string) string {
	return "l" + strconv.FormatUint(xxhash.Sum64String(strings.Join(parts, "\x00")), 36)
}
