package sandbox

import (
	"cmp"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// account answers who the portal is.
func (h *HubSpot) account(c call, _ *hubObject) reply {
	_, offset := c.now.In(h.loc).Zone()
	return jsonReply(http.StatusOK, map[string]any{
		"portalId": h.o.PortalID, "accountType": "STANDARD", "timeZone": h.o.TimeZone, "companyCurrency": "EUR", "additionalCurrencies": []string{},
		"utcOffset": c.now.In(h.loc).Format("-07:00"), "utcOffsetMilliseconds": offset * 1000, "uiDomain": "app.hubspot.com", "dataHostingLocation": "na1",
	})
}

// Occurrence is one event of a contact's journey, as HubSpot tells it to Enterprise portals.
type Occurrence struct {
	ID         string // "": made up
	Type       string // e_visited_page …
	Time       time.Time
	Properties map[string]string // hs_url, hs_title, hs_referrer, hs_userAgent …
}

// filed is an event of a contact.
type filed struct {
	contact *record
	Occurrence
}

// AddOccurrence files an event under a contact, whatever the portal's tier.
func (h *HubSpot) AddOccurrence(contactID string, o Occurrence) {
	defer h.lock()()
	r := found(h.contacts.follow(contactID), "contact", contactID)
	if o.ID == "" {
		o.ID = h.uuid()
	}
	h.occurrences = append(h.occurrences, filed{r, o})
}

// maxEventPage is how many event occurrences a page may hold.
const maxEventPage = 1000

// eventTypes answers which types of event there are.
func (h *HubSpot) eventTypes(call, *hubObject) reply {
	h.needEnterprise()
	types := []string{}
	for _, e := range h.occurrences {
		types = append(types, e.Type)
	}
	slices.Sort(types)
	return jsonReply(http.StatusOK, map[string]any{"eventTypes": slices.Compact(types)})
}

// needEnterprise refuses event occurrences to other portals.
func (h *HubSpot) needEnterprise() {
	refuseIf(h.o.Tier != "enterprise", http.StatusForbidden, "", "This account does not have access to event occurrences, which need an Enterprise subscription.")
}

// events answers the event occurrences of one type of all contacts, newest first.
func (h *HubSpot) events(c call, _ *hubObject) reply {
	h.needEnterprise()
	v := c.params()
	invalidIf(h.object(strings.ToLower(v.Get("objectType"))) != h.contacts || v.Get("eventType") == "" || v.Has("objectId") || v.Has("sort"), "the sandbox tells event occurrences of contacts by eventType, newest first")
	limit, offset := page(v, 100, maxEventPage)
	when := func(name string, otherwise int64) int64 {
		if !v.Has(name) {
			return otherwise
		}
		ms, ok := parseTime(v.Get(name))
		invalidIf(!ok, "%s %q is not a time", name, v.Get(name))
		return ms
	}
	after, before := when("occurredAfter", 0), when("occurredBefore", math.MaxInt64)
	found := slices.DeleteFunc(slices.Clone(h.occurrences), func(e filed) bool {
		ms := e.Time.UnixMilli()
		return e.Type != v.Get("eventType") || ms <= after || ms >= before
	})
	slices.SortStableFunc(found, func(a, b filed) int { return cmp.Or(b.Time.Compare(a.Time), strings.Compare(b.ID, a.ID)) })
	out, next := pageFrom(found, offset, limit, func(e filed) members {
		return members{
			{"id", e.ID}, {"eventType", e.Type}, {"objectId", e.contact.heir().id}, {"objectType", "CONTACT"}, {"occurredAt", instant(e.Time.UnixMilli())}, {"properties", e.Properties},
		}
	})
	return jsonReply(http.StatusOK, listed(out, next, c.link(next)))
}

// page reads limit and after where after counts results.
func page(v url.Values, limit, most int) (n, offset int) {
	for name, to := range map[string]*int{"limit": &limit, "after": &offset} {
		if s := v.Get(name); s != "" {
			n, err := strconv.Atoi(s)
			invalidIf(err != nil || n < 0, "%s must be a number", name)
			*to = n
		}
	}
	invalidIf(limit < 1 || limit > most, "limit must be between 1 and %d", most)
	return limit, offset
}
