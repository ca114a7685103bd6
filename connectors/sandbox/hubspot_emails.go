package sandbox

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EmailEvent is something that happened to a marketing e-mail.
type EmailEvent struct {
	ID         string // "": made up
	Type       string // SENT, DELIVERED, OPEN, CLICK, BOUNCE, STATUSCHANGE, SPAMREPORT, UNBOUNCE …
	Time       time.Time
	Recipient  string
	Campaign   int64
	URL        string // CLICK
	UserAgent  string
	DeviceType string // COMPUTER, MOBILE, UNKNOWN
	Filtered   bool   // filteredEvent: HubSpot's own reports leave it out
	Obsolete   bool   // a longer open took its place: obsoletedBy
	Status     string // STATUSCHANGE: SUBSCRIBED or UNSUBSCRIBED of all mail of the portal
	Source     string // STATUSCHANGE: SOURCE_RECIPIENT, SOURCE_HUBSPOT_CUSTOMER …
}

// AddEmailEvent files an event of a mail, late or not.
func (h *HubSpot) AddEmailEvent(e EmailEvent) {
	defer h.lock()()
	if e.ID == "" {
		e.ID = h.uuid()
	}
	h.mailings = append(h.mailings, e)
}

// NameCampaign names a campaign that mails are of.
func (h *HubSpot) NameCampaign(id int64, name string) {
	defer h.lock()()
	h.campaigns[id] = name
}

const (
	emailEventPage = 1000
	emailSpan      = 30 * 24 * time.Hour // without a start events of so long are told
	offsetValid    = 10 * time.Minute    // the token of a page is short-lived
	emailApp       = 113
)

type eventIDJSON struct {
	ID      string `json:"id"`
	Created int64  `json:"created"`
}

type emailEventJSON struct {
	ID             string         `json:"id"`
	Created        int64          `json:"created"`
	Type           string         `json:"type"`
	Recipient      string         `json:"recipient,omitempty"`
	PortalID       int64          `json:"portalId"`
	AppID          int            `json:"appId"`
	AppName        string         `json:"appName"`
	Campaign       int64          `json:"emailCampaignId,omitempty"`
	URL            string         `json:"url,omitempty"`
	UserAgent      string         `json:"userAgent,omitempty"`
	DeviceType     string         `json:"deviceType,omitempty"`
	Filtered       *bool          `json:"filteredEvent,omitempty"`
	ObsoletedBy    *eventIDJSON   `json:"obsoletedBy,omitempty"`
	Status         string         `json:"portalSubscriptionStatus,omitempty"`
	Source         string         `json:"source,omitempty"`
	Subscriptions  []any          `json:"subscriptions,omitempty"`
	Browser        map[string]any `json:"browser,omitempty"`
	OpenedDuration int            `json:"duration,omitempty"`
}

func (h *HubSpot) emailJSON(e *EmailEvent) emailEventJSON {
	j := emailEventJSON{
		ID: e.ID, Created: e.Time.UnixMilli(), Type: e.Type, Recipient: e.Recipient, PortalID: h.o.PortalID, AppID: emailApp, AppName: "Batch",
		Campaign: e.Campaign, URL: e.URL, UserAgent: e.UserAgent, DeviceType: e.DeviceType, Status: e.Status, Source: e.Source,
	}
	if e.Type == "OPEN" || e.Type == "CLICK" {
		j.Filtered, j.Browser = &e.Filtered, map[string]any{"name": "unknown", "version": []string{""}}
	}
	if e.Type == "OPEN" {
		j.OpenedDuration = 1229
	}
	if e.Obsolete {
		j.ObsoletedBy = &eventIDJSON{h.uuid(), e.Time.Add(time.Minute).UnixMilli()}
	}
	return j
}

// emailEvents answers the events of mails, newest first. The token of the next page ends with the query that it was given for, and soon.
func (h *HubSpot) emailEvents(c call, _ *hubObject) reply {
	v := c.params()
	number := func(name string, otherwise int64) int64 {
		if !v.Has(name) {
			return otherwise
		}
		n, err := strconv.ParseInt(v.Get(name), 10, 64)
		invalidIf(err != nil, "%s must be a number", name)
		return n
	}
	limit := number("limit", 10)
	invalidIf(limit < 1 || limit > emailEventPage, "limit must be between 1 and %d", emailEventPage)
	from, to := number("startTimestamp", c.now.Add(-emailSpan).UnixMilli()), number("endTimestamp", math.MaxInt64)
	query := fmt.Sprint(from, " ", to, " ", v.Get("eventType"), " ", v.Get("recipient"))
	offset := 0
	if token := v.Get("offset"); token != "" {
		b, err := base64.RawURLEncoding.DecodeString(token)
		part := strings.SplitN(string(b), "|", 3)
		invalidIf(err != nil || len(part) != 3 || part[2] != query, "offset is not valid for this query")
		given, _ := strconv.ParseInt(part[1], 10, 64)
		invalidIf(c.now.UnixMilli()-given > offsetValid.Milliseconds(), "offset has expired")
		offset, _ = strconv.Atoi(part[0])
	}
	var found []*EmailEvent
	for i := range h.mailings {
		e := &h.mailings[i]
		if ms := e.Time.UnixMilli(); ms >= from && ms <= to && (!v.Has("eventType") || e.Type == v.Get("eventType")) && (!v.Has("recipient") || e.Recipient == v.Get("recipient")) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b *EmailEvent) int { return cmp.Or(b.Time.Compare(a.Time), strings.Compare(a.ID, b.ID)) })
	out := struct {
		HasMore bool             `json:"hasMore"`
		Offset  string           `json:"offset"`
		Events  []emailEventJSON `json:"events"`
	}{Events: []emailEventJSON{}}
	end := min(offset+int(limit), len(found))
	for _, e := range found[min(offset, end):end] {
		out.Events = append(out.Events, h.emailJSON(e))
	}
	out.HasMore = len(out.Events) == int(limit) // of a page that is just full it says so, too: the next one is empty
	out.Offset = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d|%d|%s", end, c.now.UnixMilli(), query))
	return jsonReply(http.StatusOK, out)
}

// campaign answers what a campaign is called.
func (h *HubSpot) campaign(c call, _ *hubObject) reply {
	id, _ := strconv.ParseInt(c.rest.at(1), 10, 64)
	name, ok := h.campaigns[id]
	refuseIf(!ok, http.StatusNotFound, "", "No campaign %s", c.rest.at(1))
	return jsonReply(http.StatusOK, map[string]any{"id": id, "appId": emailApp, "appName": "Batch", "name": name, "subject": name})
}
