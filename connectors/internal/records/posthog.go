package records

import (
	"strings"

	"github.com/intentd/intentd/connectors"
)

// PostHog reads an event of PostHog's, under the names of its exports, into e, which it empties before.
func PostHog(event map[string]any, e *connectors.Event) { read(event, readPostHog, e) }

// readPostHog reads an event as PostHog's exports have it. posthog-js writes the device's id as distinct_id until somebody is
// identified, and the device's id beside it.
func readPostHog(r record, e *connectors.Event) string {
	p := r.under("properties")
	e.ID, e.Kind = r.first("uuid", "id"), scalar(r["event"])
	who, device := scalar(r["distinct_id"]), p.first("$device_id", "$anon_distinct_id")
	switch {
	case device != "" && who != device, p.first("$user_id") != "", scalar(p["$is_identified"]) == "true", strings.HasPrefix(e.Kind, "$identify"):
		e.UserID, e.AnonymousID = choose(p.first("$user_id"), who), device
	case device != "", p.first("$session_id", "$current_url") != "", deviceID(who):
		e.AnonymousID = choose(device, who)
	default:
		e.UserID = who // a server's library
	}
	e.Email = choose(p.under("$set").first("email"), p.under("$set_once").first("email"), r.under("person_properties").first("email"), r.under("person", "properties").first("email"))
	if p.has("alias") && strings.Contains(e.Kind, "alias") {
		e.UserID, e.AnonymousID = who, scalar(p["alias"])
	}
	e.Session, e.URL, e.PageTitle = scalar(p["$session_id"]), p.first("$current_url"), p.first("title", "$title")
	e.Referrer, e.IP, e.UserAgent = p.first("$referrer"), choose(scalar(r["ip"]), p.first("$ip")), p.first("$raw_user_agent", "$user_agent")
	e.ElementText = p.first("$el_text")
	e.Properties = plain(p, "title", "token", "distinct_id")
	if chain := choose(scalar(r["elements_chain"]), p.first("$elements_chain")); chain != "" {
		it := pressed(parseChain(chain))
		e.ElementText, e.ElementID = choose(e.ElementText, it.words), it.id
		set(e, "href", it.href)
		set(e, connectors.PropForm, it.form)
	}
	if e.Kind == "$autocapture" {
		switch p.first("$event_type") {
		case "submit":
			e.Kind, e.ElementText = connectors.KindFormSubmit, ""
		case "change":
			e.Kind = connectors.KindFormStart
		default:
			e.Kind = connectors.KindClick
		}
	}
	set(e, connectors.PropCampaign, p.first("utm_campaign"))
	if scalar(p["$virt_is_bot"]) == "true" || p.first("$browser_type") == "bot" {
		set(e, connectors.PropBot, "true")
	}
	e.Received, _ = ParseTime(r.first("created_at", "inserted_at", "_inserted_at"))
	return choose(scalar(r["timestamp"]), scalar(r["created_at"]))
}
