package sandbox

import (
	"cmp"
	"fmt"
	"maps"
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

// AddOccurrence files an event under a contact, whatever the portal's tier.
func (h *HubSpot) AddOccurrence(contactID string, o Occurrence) {
	defer h.lock()()
	r := h.contacts.follow(contactID)
	if r == nil {
		panic(fmt.Errorf("%w: contact %s", ErrNotFound, contactID))
	}
	if o.ID == "" {
		o.ID = h.uuid()
	}
	list := h.occurrences[r]
	at, _ := slices.BinarySearchFunc(list, o, func(x, y Occurrence) int {
		return cmp.Or(x.Time.Compare(y.Time), strings.Compare(x.ID, y.ID))
	})
	h.occurrences[r] = slices.Insert(list, at, o)
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
	at         int64             // ms
}

// eventTypes answers which types of event there are.
func (h *HubSpot) eventTypes(call, *hubObject) reply {
	h.needEnterprise()
	types := map[string]bool{}
	for _, list := range h.occurrences {
		for _, o := range list {
			types[o.Type] = true
		}
	}
	return jsonReply(http.StatusOK, map[string]any{"eventTypes": append([]string{}, slices.Sorted(maps.Keys(types))...)})
}

// needEnterprise refuses event occurrences to other portals.
func (h *HubSpot) needEnterprise() {
	if h.o.Tier != "enterprise" {
		panic(refuse(http.StatusForbidden, "", "This account does not have access to event occurrences, which need an Enterprise subscription."))
	}
}

// events answers event occurrences: newest first, unless sort says otherwise.
func (h *HubSpot) events(c call, _ *hubObject) reply {
	h.needEnterprise()
	v := c.params()
	contacts := h.whoseEvents(v)
	limit, offset := page(v, 100, maxEventPage)
	after, before := int64(0), int64(1<<62)
	for name, to := range map[string]*int64{"occurredAfter": &after, "occurredBefore": &before} {
		if s := v.Get(name); s != "" {
			ms, ok := parseTime(s)
			if !ok {
				panic(invalid("%s %q is not a time", name, s))
			}
			*to = ms
		}
	}
	all := []occurrenceJSON{}
	for _, r := range contacts {
		for _, o := range h.occurrences[r] {
			if ms := o.Time.UnixMilli(); ms > after && ms < before && (!v.Has("eventType") || o.Type == v.Get("eventType")) {
				all = append(all, occurrenceJSON{o.ID, o.Type, r.id, "CONTACT", instant(ms), o.Properties, ms})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b occurrenceJSON) int { return cmp.Compare(a.at, b.at) })
	if v.Get("sort") != "occurredAt" {
		slices.Reverse(all)
	}
	all = all[min(offset, len(all)):]
	out := results[occurrenceJSON]{Results: all[:min(limit, len(all))]}
	if len(all) > limit {
		next := strconv.Itoa(offset + limit)
		out.Paging = &paging{&pageAfter{next, c.link(next)}}
	}
	return jsonReply(http.StatusOK, out)
}

// whoseEvents are the contacts whose events a call asks for.
func (h *HubSpot) whoseEvents(v url.Values) []*record {
	var r *record
	switch {
	case h.object(strings.ToLower(v.Get("objectType"))) != h.contacts:
		panic(invalid("objectType %q is not supported", v.Get("objectType")))
	case v.Has("objectId"):
		r = h.contacts.follow(v.Get("objectId"))
	case v.Has("objectProperty.email"):
		r = h.emails[strings.ToLower(v.Get("objectProperty.email"))]
	case v.Has("eventType"):
		return h.contacts.recs
	default:
		panic(invalid("objectId, objectProperty or eventType is required"))
	}
	if r == nil {
		return nil
	}
	return []*record{r}
}

// page reads limit and after where after counts results.
func page(v url.Values, limit, most int) (n, offset int) {
	for name, to := range map[string]*int{"limit": &limit, "after": &offset} {
		if s := v.Get(name); s != "" {
			n, err := strconv.Atoi(s)
			if err != nil || n < 0 {
				panic(invalid("%s must be a number", name))
			}
			*to = n
		}
	}
	if limit < 1 || limit > most {
		panic(invalid("limit must be between 1 and %d", most))
	}
	return limit, offset
}
