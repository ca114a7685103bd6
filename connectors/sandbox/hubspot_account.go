package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// account answers /account-info/…: who the portal is, and what is used of its day.
func (h *HubSpot) account(c call) reply {
	if c.method != http.MethodGet {
		return h.notAllowed()
	}
	switch strings.Join(c.rest, "/") {
	case "details":
		_, offset := c.now.In(h.loc).Zone()
		return ok(http.StatusOK, struct {
			PortalID              int64    `json:"portalId"`
			AccountType           string   `json:"accountType"`
			TimeZone              string   `json:"timeZone"`
			CompanyCurrency       string   `json:"companyCurrency"`
			AdditionalCurrencies  []string `json:"additionalCurrencies"`
			UTCOffset             string   `json:"utcOffset"`
			UTCOffsetMilliseconds int      `json:"utcOffsetMilliseconds"`
			UIDomain              string   `json:"uiDomain"`
			DataHostingLocation   string   `json:"dataHostingLocation"`
		}{h.o.PortalID, "STANDARD", h.o.TimeZone, "EUR", []string{}, c.now.In(h.loc).Format("-07:00"), offset * 1000, "app.hubspot.com", "na1"})
	case "api-usage/daily/private-apps":
		limit, used := noLimit, 0
		h.day.turn(c.now)
		if !h.o.Unlimited {
			limit, used = h.day.max, h.day.used
		}
		type usage struct {
			Name         string `json:"name"`
			UsageLimit   int    `json:"usageLimit"`
			CurrentUsage int    `json:"currentUsage"`
			CollectedAt  string `json:"collectedAt"`
			FetchStatus  string `json:"fetchStatus"`
			ResetsAt     string `json:"resetsAt"`
		}
		stamp := func(t time.Time) string { return string(appendInstant(nil, t.UnixMilli())) }
		return ok(http.StatusOK, results[usage]{[]usage{{"private-apps-api-calls-daily", limit, used, stamp(c.now), "SUCCESS", stamp(h.day.resets(c.now))}}})
	}
	return h.failed(http.StatusNotFound, failure{message: "resource not found"})
}

// maxEventPage is how many event occurrences a page may hold.
const maxEventPage = 1000

// occurrenceJSON is an event occurrence on the wire.
type occurrenceJSON struct {
	ID         string            `json:"id"`
	EventType  string            `json:"eventType"`
	ObjectID   string            `json:"objectId"`
	ObjectType string            `json:"objectType"`
	OccurredAt string            `json:"occurredAt"`
	Properties map[string]string `json:"properties"`
}

// events answers event occurrences, which Enterprise portals have alone: newest first, unless sort says otherwise.
func (h *HubSpot) events(c call) reply {
	if c.method != http.MethodGet {
		return h.notAllowed()
	}
	if h.o.Tier != "enterprise" {
		return h.failed(http.StatusForbidden, failure{message: "This account does not have access to event occurrences, which need an Enterprise subscription."})
	}
	v := c.params()
	if t := h.table(strings.ToLower(v.Get("objectType"))); t != h.contacts {
		return h.invalid("objectType %q is not supported", v.Get("objectType"))
	}
	var ids []int64
	switch {
	case v.Has("objectId"):
		if ord, ok := h.contacts.follow(v.Get("objectId")); ok {
			ids = append(ids, h.contacts.recs[ord].id)
		}
	case v.Has("objectProperty.email"):
		if ord, ok := h.emails[strings.ToLower(v.Get("objectProperty.email"))]; ok {
			ids = append(ids, h.contacts.recs[ord].id)
		}
	case v.Has("eventType"):
		for id := range h.occurrences {
			ids = append(ids, id)
		}
		slices.Sort(ids)
	default:
		return h.invalid("objectId, objectProperty or eventType is required")
	}
	limit, offset := 100, 0
	for _, p := range []struct {
		name string
		to   *int
	}{{"limit", &limit}, {"after", &offset}} {
		if s := v.Get(p.name); s != "" {
			n, err := strconv.Atoi(s)
			if err != nil || n < 0 {
				return h.invalid("%s must be a number", p.name)
			}
			*p.to = n
		}
	}
	if limit < 1 || limit > maxEventPage {
		return h.invalid("limit must be between 1 and %d", maxEventPage)
	}
	var after, before time.Time
	for _, p := range []struct {
		name string
		to   *time.Time
	}{{"occurredAfter", &after}, {"occurredBefore", &before}} {
		if s := v.Get(p.name); s != "" {
			ms, ok := parseTime(s)
			if !ok {
				return h.invalid("%s %q is not a time", p.name, s)
			}
			*p.to = time.UnixMilli(ms)
		}
	}
	type found struct {
		Occurrence
		contact int64
	}
	var all []found
	for _, id := range ids {
		for _, o := range h.occurrences[id] {
			if v.Has("eventType") && o.Type != v.Get("eventType") || !after.IsZero() && !o.Time.After(after) || !before.IsZero() && !o.Time.Before(before) {
				continue
			}
			all = append(all, found{o, id})
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return a.Time.Compare(b.Time) })
	if v.Get("sort") != "occurredAt" {
		slices.Reverse(all)
	}
	page := all[min(offset, len(all)):]
	more := len(page) > limit
	page = page[:min(limit, len(page))]
	out := struct {
		Results []occurrenceJSON `json:"results"`
		Paging  any              `json:"paging,omitempty"`
	}{Results: make([]occurrenceJSON, 0, len(page))}
	for _, o := range page {
		out.Results = append(out.Results, occurrenceJSON{o.ID, o.Type, formatID(o.contact), "CONTACT", string(appendInstant(nil, o.Time.UnixMilli())), o.Properties})
	}
	if more {
		next := strconv.Itoa(offset + limit)
		out.Paging = map[string]any{"next": map[string]string{"after": next, "link": c.link(next)}}
	}
	return ok(http.StatusOK, out)
}
