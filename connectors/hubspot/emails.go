package hubspot

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// emailFeed are the events of the portal's marketing e-mails as a feed: delivered, opened, clicked, bounced, unsubscribed.
//
// A pass walks through time in windows, each newest first: of a day where much happened, of up to thirty where one page held all. The token of a page is short-lived: where HubSpot does not
// take it any more, the window is begun anew, and what is told again keeps its id.
type emailFeed struct {
	c       *Client
	o       FeedOptions
	refusal refusal

	mu        sync.Mutex
	campaigns map[string]string // name by id
}

// Email is the feed. It shares the client's limits. A pass costs one request and one per further 1,000 events, once an hour those of the
// last day again, and one per campaign that was not met before.
func (c *Client) Email(o FeedOptions) connectors.Feed {
	o.complete(c.o.Name + "-" + feedEmail)
	f := &emailFeed{c: c, o: o, campaigns: map[string]string{}}
	c.email.Store(f)
	return f
}

const (
	emailPage     = 1000
	emailWindow   = 24 * time.Hour
	emailWidest   = 30 * 24 * time.Hour
	emailOverlap  = 15 * time.Minute // what is filed a little late
	emailDeep     = 24 * time.Hour   // what servers deliver, or report, later
	emailDeepPass = time.Hour
)

// emailAt is a position in the feed, and its cursor's JSON. Times are Unix milliseconds by HubSpot's clock.
type emailAt struct {
	Version int               `json:"v"`
	Feed    string            `json:"f"`
	Done    int64             `json:"d,omitempty"` // what happened until then was taken
	Deep    int64             `json:"h,omitempty"` // the end of the last pass that began a day before
	From    int64             `json:"s,omitempty"` // of the window
	To      int64             `json:"to,omitempty"`
	Until   int64             `json:"u,omitempty"` // the end of the pass; 0 between passes
	After   string            `json:"a,omitempty"` // the page of the window
	Again   bool              `json:"x,omitempty"` // its pages were begun anew
	Intake  connectors.Intake `json:"in,omitzero"`
}

// Take implements connectors.Feed.
func (f *emailFeed) Take(ctx context.Context, from connectors.Cursor) (p connectors.Page[connectors.Event], err error) {
	at := emailAt{}
	if from != nil {
		if err := f.c.readCursor(feedEmail, from, &at); err != nil {
			return p, err
		}
	}
	at.Version, at.Feed = cursorVersion, feedEmail
	if f.refusal.holds(f.c.o.Now()) {
		p.Next = transport.Encode(at)
		return p, ctx.Err()
	}
	if at.Until == 0 {
		f.begin(&at)
	}
	got, err := f.page(ctx, &at)
	switch {
	case err != nil:
		return p, err
	case got.refused:
	case got.stale:
		p.More = f.c.anew(&at.After, &at.Again, "marketing e-mail events")
	case got.after != "":
		at.After, at.Again, p.More = got.after, at.Again && at.After == "", true
	default:
		p.More = at.next()
	}
	p.Items, p.Next = got.events, transport.Encode(at)
	return p, nil
}

// begin begins a pass.
func (f *emailFeed) begin(at *emailAt) {
	now, _ := f.c.http.ServerNow()
	at.Until = now.UnixMilli()
	at.Intake.LatestRead, at.Intake.LatestUnreadable = 0, 0
	switch {
	case at.Done == 0:
		at.From = now.Add(-f.o.Back).UnixMilli()
	case at.Until-at.Deep >= emailDeepPass.Milliseconds():
		at.From = at.Done - emailDeep.Milliseconds()
	default:
		at.From = at.Done - emailOverlap.Milliseconds()
	}
	at.To = min(at.From+emailWindow.Milliseconds(), at.Until)
}

// next is the next window of the pass; false ends it.
func (at *emailAt) next() bool {
	wide := emailWindow.Milliseconds()
	if at.After == "" { // one page held all of it
		wide = min(2*max(at.To-at.From, wide), emailWidest.Milliseconds())
	}
	at.After, at.Again = "", false
	if at.To < at.Until {
		at.From, at.To = at.To, min(at.To+wide, at.Until)
		return true
	}
	if at.Done == 0 || at.Until-at.Deep >= emailDeepPass.Milliseconds() {
		at.Deep = at.Until
	}
	at.Done = max(at.Until, at.Done)
	at.From, at.To, at.Until = 0, 0, 0
	return false
}

// emailEvent is an event on the wire.
type emailEvent struct {
	ID         string `json:"id"`
	Created    int64  `json:"created"`
	Type       string `json:"type"`
	Recipient  string `json:"recipient"`
	Campaign   int64  `json:"emailCampaignId"`
	App        int64  `json:"appId"`
	URL        string `json:"url"`
	Referrer   string `json:"referer"`
	UserAgent  string `json:"userAgent"`
	DeviceType string `json:"deviceType"`
	Filtered   bool   `json:"filteredEvent"`
	Browser    struct {
		Type string `json:"type"`
	} `json:"browser"`
	Obsolete *struct{} `json:"obsoletedBy"`

	// Of a change of status.
	Status        string `json:"portalSubscriptionStatus"`
	Source        string `json:"source"`
	Bounced       bool   `json:"bounced"`
	Subscriptions []struct {
		Status string `json:"status"`
	} `json:"subscriptions"`
}

type emailEventPage struct {
	events         []connectors.Event
	after          string
	stale, refused bool
}

func (f *emailFeed) request(from, to int64, limit int) transport.Request {
	r := transport.Get("read e-mail events", f.c.paths.emailEvents())
	r.Query = url.Values{"startTimestamp": {strconv.FormatInt(from, 10)}, "endTimestamp": {strconv.FormatInt(to, 10)}, "limit": {strconv.Itoa(limit)}}
	return r
}

// page asks for a page of the window.
func (f *emailFeed) page(ctx context.Context, at *emailAt) (got emailEventPage, err error) {
	r := f.request(at.From, at.To, emailPage)
	r.Answers = slices.Clone(unavailable)
	if at.After != "" {
		r.Query.Set("offset", at.After)
		r.Answers = append(r.Answers, http.StatusBadRequest)
	}
	v, resp, err := transport.Do[struct {
		HasMore bool         `json:"hasMore"`
		Offset  string       `json:"offset"`
		Events  []emailEvent `json:"events"`
	}](ctx, f.c.http, r)
	switch {
	case err != nil:
		return got, err
	case resp.Status == http.StatusBadRequest:
		got.stale = true
		return got, nil
	case resp.Status != http.StatusOK:
		f.c.refused(&f.refusal, "marketing e-mail events", "content", resp)
		got.refused = true
		return got, nil
	}
	if v.HasMore && v.Offset != at.After {
		got.after = v.Offset
	}
	for i := range v.Events {
		e := &v.Events[i]
		at.Intake.Read++
		at.Intake.LatestRead++
		kind, why := e.kind()
		if why != "" {
			if e.Created > at.Done { // else it was counted
				at.Intake.CountLeftOut(why, 1)
			}
			continue
		}
		name, err := f.campaign(ctx, e)
		if err != nil {
			return emailEventPage{}, err
		}
		got.events = append(got.events, e.event(f.o.Name, kind, name))
	}
	return got, nil
}

// Why events of mails are left out.
const (
	leftOutObsolete = "an event of a mail that a later one replaces"
	leftOutSending  = "a step of sending a mail, of which nobody knows"
	leftOutStatus   = "a change of subscriptions that was not the recipient's own"
)

// kind is what an event says, or why it is left out.
func (e *emailEvent) kind() (kind, why string) {
	switch {
	case e.ID == "" || e.Recipient == "":
		return "", connectors.LeftOutNobody
	case e.Obsolete != nil:
		return "", leftOutObsolete
	}
	switch e.Type {
	case "DELIVERED":
		return connectors.KindEmailDelivered, ""
	case "OPEN":
		return connectors.KindEmailOpen, ""
	case "CLICK":
		return connectors.KindEmailClick, ""
	case "BOUNCE":
		return connectors.KindBounce, ""
	case "SPAMREPORT", "UNSUBSCRIBED":
		return connectors.KindUnsubscribe, ""
	case "STATUSCHANGE":
		return e.subscribed()
	}
	return "", leftOutSending
}

// subscribed is what a change of subscriptions says: who leaves one leaves, whoever entered it; who joins one must have done so themselves.
func (e *emailEvent) subscribed() (kind, why string) {
	has := func(status string) bool {
		if e.Status != "" {
			return e.Status == status
		}
		for _, s := range e.Subscriptions {
			if s.Status == status {
				return true
			}
		}
		return false
	}
	switch {
	case e.Bounced || e.Source == "SOURCE_BOUNCE":
		return connectors.KindBounce, ""
	case has("UNSUBSCRIBED"):
		return connectors.KindUnsubscribe, ""
	case has("SUBSCRIBED") && e.Source == "SOURCE_RECIPIENT":
		return connectors.KindNewsletter, ""
	}
	return "", leftOutStatus
}

// event is e as an event of a kind, of a campaign of that name.
func (e *emailEvent) event(source, kind, campaign string) connectors.Event {
	out := connectors.Event{
		ID: "mail:" + e.ID, Source: source, Time: time.UnixMilli(e.Created).UTC(), Kind: kind, Email: e.Recipient,
		URL: e.URL, Referrer: e.Referrer, UserAgent: e.UserAgent, Properties: map[string]string{},
	}
	for name, v := range map[string]string{connectors.PropCampaign: campaign, "device_type": e.DeviceType, "browser_type": e.Browser.Type} {
		if v != "" {
			out.Properties[name] = v
		}
	}
	if e.Filtered { // HubSpot's own reports leave it out: a machine, or own staff
		out.Properties[connectors.PropMachine] = "true"
	}
	return out
}

// campaign is the name of an event's campaign, "mail 123" where HubSpot does not tell it.
func (f *emailFeed) campaign(ctx context.Context, e *emailEvent) (string, error) {
	if e.Campaign == 0 {
		return "", nil
	}
	id := strconv.FormatInt(e.Campaign, 10)
	f.mu.Lock()
	name := f.campaigns[id]
	f.mu.Unlock()
	if name != "" {
		return name, nil
	}
	r := transport.Get("read the name of a campaign", f.c.paths.emailCampaign(id))
	r.Query = url.Values{"appId": {strconv.FormatInt(e.App, 10)}}
	r.Answers = append([]int{http.StatusBadRequest}, unavailable...)
	v, resp, err := transport.Do[struct {
		Name    string `json:"name"`
		Subject string `json:"subject"`
	}](ctx, f.c.http, r)
	if err != nil {
		return "", err
	}
	name = "mail " + id
	if resp.Status == http.StatusOK {
		name = cmp.Or(v.Name, v.Subject, name)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.campaigns[id] = name
	return name, nil
}

// Intake implements connectors.IntakeReader.
func (f *emailFeed) Intake(at connectors.Cursor) (connectors.Intake, error) {
	var p emailAt
	if at == nil {
		return p.Intake, nil
	}
	err := f.c.readCursor(feedEmail, at, &p)
	return p.Intake, err
}
