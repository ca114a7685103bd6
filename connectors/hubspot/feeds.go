package hubspot

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// What the portal tells of all people at once, besides event occurrences: the forms they sent and the marketing e-mails they were sent.
// Both are told newest first and by when something happened. So a pass begins some time before the end of the last one, from time to time
// much earlier, for what was filed late; what is told again keeps its id.

// FeedOptions say how one of these is taken in.
type FeedOptions struct {
	Name string        // Event.Source
	Back time.Duration // how far back the first pass begins (90 days)
}

func (o *FeedOptions) complete(name string) {
	if o.Name == "" {
		o.Name = name
	}
	if o.Back <= 0 {
		o.Back = 90 * 24 * time.Hour
	}
}

// Feeds by the name that the configuration has for them.
const (
	feedForms = "forms"
	feedEmail = "email"
)

// refusal is that HubSpot does not tell a portal's feed: it is said once and asked for again a day later.
type refusal struct {
	until atomic.Int64 // Unix seconds
	told  atomic.Bool
}

const refusedFor = 24 * time.Hour

func (r *refusal) holds(now time.Time) bool { return now.Unix() < r.until.Load() }

// refused notes an answer that refuses what, and says it the first time.
func (c *Client) refused(r *refusal, what, scope string, answer *transport.Response) {
	r.until.Store(c.o.Now().Add(refusedFor).Unix())
	if !r.told.Swap(true) {
		c.o.Logger.Warn("HubSpot does not tell "+what+": intentd goes on without and asks again once a day", "crm", c.o.Name, "status", answer.Status, "fix", feedFix(scope, answer))
	}
}

// feedFix is what gives access to a feed.
func feedFix(scope string, answer *transport.Response) string {
	if told := parseFailure(answer.Body).all("requiredGranularScopes"); len(told) > 0 {
		scope = strings.Join(told, ", ")
	}
	return "add the scope " + scope + " to the service key or app; where the account has no such data, take it out of feeds"
}

// unavailable are statuses by which HubSpot refuses a feed to a portal: no scope, or no such product.
var unavailable = []int{http.StatusForbidden, http.StatusNotFound}

// anew begins the pages of a feed anew whose next one HubSpot does not know any more, and says whether to go on at once: where they are
// refused one after another the next poll does.
func (c *Client) anew(after *string, again *bool, what string) (now bool) {
	now = !*again
	if *after, *again = "", true; !now {
		c.o.Logger.Warn("HubSpot refuses the next page of what it told itself: its pages are begun anew with each poll", "crm", c.o.Name, "feed", what)
	}
	return now
}

// conversions remembers who sent a form lately, as polls tell it: those forms are asked for at once, the others hourly.
type conversions struct {
	mu      sync.Mutex
	waiting []conversion
	seen    map[string]time.Time // by contact and time
}

// conversion is that a contact sent a form.
type conversion struct {
	event string // HubSpot's name for it: the page's title, a colon, the form's name
	at    time.Time
}

const (
	conversionFor  = time.Hour        // older ones the hourly pass has told
	conversionWait = 15 * time.Minute // for which the form is asked again until it tells the submission
	conversionsMax = 1000
)

// note notes contacts of a poll that sent a form, and says whether there are any.
func (n *conversions) note(contacts []connectors.Contact, now time.Time) (any bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range contacts {
		at, ok := parseTime(contacts[i].Fields["recent_conversion_date"])
		if !ok || now.Sub(at) > conversionFor {
			continue
		}
		key := contacts[i].ID + " " + contacts[i].Fields["recent_conversion_date"]
		if _, again := n.seen[key]; again || len(n.waiting) >= conversionsMax {
			continue
		}
		if n.seen == nil {
			n.seen = map[string]time.Time{}
		}
		for k, t := range n.seen {
			if now.Sub(t) > conversionFor {
				delete(n.seen, k)
			}
		}
		n.seen[key] = at
		n.waiting = append(n.waiting, conversion{event: contacts[i].Fields["recent_conversion_event_name"], at: at})
		any = true
	}
	return any
}

// take are those that wait; give puts back those of which the form has told nothing yet.
func (n *conversions) take() []conversion {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := n.waiting
	n.waiting = nil
	return out
}

func (n *conversions) give(back []conversion) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting = append(back, n.waiting...)
}

// told takes note of contacts that a poll tells: of some a feed has more to say.
func (c *Client) told(contacts []connectors.Contact) {
	now := c.o.Now()
	c.newcomers.note(contacts, now)
	if f := c.forms.Load(); f != nil && c.conversions.note(contacts, now) {
		if wake := f.wake.Load(); wake != nil {
			(*wake)()
		}
	}
}

// probeFeeds finds out whether HubSpot tells the feeds that are configured, and how many calls they cost on an idle day.
func (c *Client) probeFeeds(ctx context.Context, p *crmkit.Probe) (calls int64) {
	if f := c.forms.Load(); f != nil {
		r := f.listRequest(false, "")
		if c.feedTold(ctx, p, r, feedForms, "form submissions") {
			if forms, ok, err := f.forms(ctx, false); err != nil {
				p.Failed(err, findUndetermined, "the forms could not be listed")
			} else if ok {
				n := int64(formsPassesADay * (len(forms) + 1 + len(forms)/formsListPage))
				calls += n
				p.OK(findFeeds, "submissions of %d forms are taken in: %d calls a day, and one for a form whenever somebody sent it", len(forms), n)
			}
		}
	}
	if f := c.email.Load(); f != nil {
		now, _ := c.http.ServerNow()
		if c.feedTold(ctx, p, f.request(now.Add(-time.Hour).UnixMilli(), now.UnixMilli(), 1), "content", "marketing e-mail events") {
			_, polls := c.polls()
			calls += int64(polls)
			p.OK(findFeeds, "marketing e-mail events are taken in: a call a poll and one per 1,000 events; those of the last day again every hour")
		}
	}
	return calls
}

// feedTold asks once for what a feed needs, and notes the scope that is missing.
func (c *Client) feedTold(ctx context.Context, p *crmkit.Probe, r transport.Request, scope, what string) bool {
	r.Answers = unavailable
	answer, err := c.http.Do(ctx, r)
	switch {
	case err != nil:
		p.Failed(err, findUndetermined, what+" could not be checked")
	case slices.Contains(unavailable, answer.Status):
		p.Add(findScope, connectors.Warning, feedFix(scope, answer), "HubSpot does not tell %s: intentd goes on without", what)
	default:
		return true
	}
	return false
}
