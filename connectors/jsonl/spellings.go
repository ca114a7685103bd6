package jsonl

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/jsonscan"
)

// spellings are other names of our own keys, as connectors.Fold writes them, by which a line in nobody's format is read.
var spellings = map[string]string{
	"timestamp": "time", "ts": "time", "event_time": "time", "occurred_at": "time", "created_at": "time", "datetime": "time", "date_time": "time", "event_timestamp": "time",
	"original_timestamp": "time", "logged_at": "time", "happened_at": "time", "created": "time", "date": "time", "when": "time", "received_at": "time",
	"event": "kind", "event_name": "kind", "event_type": "kind", "type": "kind", "action": "kind", "activity": "kind", "event_kind": "kind", "activity_type": "kind", "name": "kind",
	"email_address": "email", "mail": "email", "e_mail": "email", "user_email": "email", "contact_email": "email", "mail_address": "email", "customer_email": "email", "lead_email": "email",
	"email_addr": "email", "e_mail_address": "email", "work_email": "email", "business_email": "email", "person_email": "email", "recipient": "email",
	"phone_number": "phone", "mobile": "phone", "telephone": "phone", "tel": "phone", "mobile_phone": "phone",
	"userid": "user_id", "uid": "user_id", "customer_id": "user_id", "external_id": "user_id", "member_id": "user_id",
	"anonymousid": "anonymous_id", "visitor_id": "anonymous_id", "device_id": "anonymous_id", "client_id": "anonymous_id", "cookie_id": "anonymous_id", "anon_id": "anonymous_id",
	"sessionid": "session_id", "session": "session_id", "visit_id": "session_id",
	"page_url": "url", "href": "url", "link": "url", "page_location": "url", "current_url": "url", "uri": "url", "context_page_url": "url",
	"title": "page_title", "page_name": "page_title", "context_page_title": "page_title",
	"referer": "referrer", "page_referrer": "referrer", "context_page_referrer": "referrer",
	"button_text": "element_text", "link_text": "element_text", "text": "element_text",
	"useragent": "user_agent", "context_user_agent": "user_agent", "ip_address": "ip", "client_ip": "ip", "context_ip": "ip",
	"event_id": "id", "message_id": "id", "uuid": "id", "insert_id": "id",
}

// respell moves what stands under another name of a key to where it belongs, the keys of the line in their order. With only
// addresses given nothing else is moved: a line in our own format means its other keys as properties.
func (d *decoder) respell(e *connectors.Event, at *jsonscan.Value, onlyAddress bool) {
	for i := 0; i < len(d.extra); i++ {
		x := d.extra[i]
		key := connectors.Fold(x.key)
		if own := spellings[key]; own != "" {
			key = own
		}
		switch field := fieldOf(e, key); {
		case onlyAddress && key != "email" && key != "phone":
			continue
		case key == "time" && at.Kind == jsonscan.None && x.Kind != jsonscan.Nested:
			*at = x.Value
		case field != nil && *field == "" && x.Kind != jsonscan.Nested:
			if key == "email" && !strings.Contains(x.Text, "@") {
				continue
			}
			*field = x.Text
		default:
			continue
		}
		delete(e.Properties, x.key)
		d.extra = slices.Delete(d.extra, i, i+1)
		i--
	}
}

// addressKey is the key, as far as it is fit to be told, under which an address stands that was not read as one.
func (d *decoder) addressKey(e *connectors.Event) string {
	for _, k := range slices.Sorted(maps.Keys(e.Properties)) {
		if v := e.Properties[k]; len(v) < 255 && addressForm.MatchString(v) && plainKey.MatchString(k) {
			return k
		}
	}
	return ""
}

var (
	addressForm = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)
	plainKey    = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$.-]{0,39}$`)
)
