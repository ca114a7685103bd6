package hubspot

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// subscription is what an app asked to be told of, on the wire.
type subscription struct {
	Type       string      `json:"subscriptionType"`
	Portal     json.Number `json:"portalId,omitempty"` // may come as a text
	Object     string      `json:"objectTypeId,omitempty"`
	EventType  string      `json:"eventTypeId,omitempty"`
	Actions    []string    `json:"actions,omitempty"`
	Properties []string    `json:"properties,omitempty"`
	ObjectIDs  *[]int64    `json:"objectIds,omitempty"`
}

// Ids of the events in an app's life.
const (
	installEvent   = "4-1909196"
	uninstallEvent = "4-1916193"
)

const subscriptionOfObject = "OBJECT"

// same says whether two subscriptions are about the same: HubSpot then keeps one of them.
func (s subscription) same(o subscription) bool {
	return s.Type == o.Type && s.EventType == o.EventType && (s.EventType != "" || s.Portal == o.Portal && s.Object == o.Object)
}

// covers says whether s tells all that o asks for.
func (s subscription) covers(o subscription) bool {
	within := func(all, some []string) bool {
		return !slices.ContainsFunc(some, func(x string) bool { return !slices.Contains(all, x) })
	}
	return within(s.Actions, o.Actions) && within(s.Properties, o.Properties)
}

// subscriptions are those that the journal needs: changes of the properties that are read, but for those that intentd writes, so that its
// own writes are not told to it; erasures; and the app's own life. portal is a number in JSON.
func (c *Client) subscriptions(portal json.Number) []subscription {
	object := subscription{Type: subscriptionOfObject, Portal: portal, Object: contactType, Actions: []string{"CREATE", "UPDATE", "DELETE", "MERGE", "RESTORE"}}
	for _, name := range c.schema.read {
		if !c.writes(name) {
			object.Properties = append(object.Properties, name)
		}
	}
	return []subscription{
		object,
		{Type: "GDPR_PRIVACY_DELETION", Portal: portal, Object: contactType, Actions: []string{gdprDelete}},
		{Type: "APP_LIFECYCLE_EVENT", EventType: uninstallEvent},
		{Type: "APP_LIFECYCLE_EVENT", EventType: installEvent},
	}
}

// writes says whether intentd sets a property: all of its own but the rep's verdict.
func (c *Client) writes(property string) bool {
	r := c.schema.Roles[property]
	return r != nil && r.Part == crmkit.Owned && r.Own.Name != connectors.FieldVerdict
}

// subscribe makes sure of the subscriptions, once a day and where anew says so. HubSpot keeps one for each account and object, whose
// properties another POST replaces: those that others of the app asked for stay in it. The portal is known.
func (j *journal) subscribe(ctx context.Context, anew bool) error {
	j.mu.Lock()
	fresh := !j.subscribed.IsZero() && j.c.o.Now().Sub(j.subscribed).Abs() < subscriptionsFor
	j.mu.Unlock()
	if fresh && !anew {
		return nil
	}
	have, err := j.subscriptions(ctx)
	if err != nil {
		return err
	}
	var refused []string
	posted := false
	wanted := j.c.subscriptions(json.Number(*j.c.portal.Load()))
	for _, want := range wanted {
		if i := slices.IndexFunc(have, want.same); i >= 0 {
			if !anew && have[i].covers(want) && !slices.ContainsFunc(have[i].Properties, j.c.writes) {
				continue
			}
			for _, name := range have[i].Properties {
				if !j.c.writes(name) && !slices.Contains(want.Properties, name) {
					want.Properties = append(want.Properties, name)
				}
			}
		}
		taken, err := j.post(ctx, want)
		if err != nil {
			return err
		}
		if posted = true; !taken {
			refused = append(refused, strings.TrimSpace(want.Type+" "+want.EventType))
		}
	}
	if posted {
		if have, err = j.subscriptions(ctx); err != nil {
			return err
		}
		if i := slices.IndexFunc(have, wanted[0].same); i < 0 || !have[i].covers(wanted[0]) {
			return j.http.Err(connectors.Transient, "subscribe to changes of contacts", "", "HubSpot did not keep the subscription as it was sent")
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.subscribed, j.refused = j.c.o.Now(), refused
	return nil
}

// subscriptions are all of the app.
func (j *journal) subscriptions(ctx context.Context) ([]subscription, error) {
	r := transport.Get("read the subscriptions of the app", j.c.paths.subscriptions())
	r.Bucket = journalBucket
	v, _, err := transport.Do[struct {
		Results []subscription `json:"results"`
	}](ctx, j.http, r)
	if err != nil {
		return nil, err
	}
	return v.Results, nil
}

// post makes a subscription. Those that only hasten what a sweep finds, too, may be refused: it says false then.
func (j *journal) post(ctx context.Context, s subscription) (taken bool, err error) {
	send := func(answers ...int) (*transport.Response, error) {
		r := transport.Post("subscribe to "+s.Type, j.c.paths.subscriptions(), transport.Encode(s))
		r.Bucket, r.Answers = journalBucket, answers
		return j.http.Do(ctx, r)
	}
	if s.Type != subscriptionOfObject {
		resp, err := send(http.StatusBadRequest, http.StatusConflict) // a conflict: it is there
		return err == nil && resp.Status != http.StatusBadRequest, err
	}
	resp, err := send(http.StatusBadRequest)
	if err == nil && resp.Status == http.StatusBadRequest {
		s.ObjectIDs = &[]int64{} // documented as required, and left out by everybody
		resp, err = send()
	}
	if err != nil && resp != nil && resp.Status == http.StatusForbidden && !parseFailure(resp.Body).has(codeMissingScopes) {
		e := *err.(*connectors.Error)
		e.Fix = "install the app in the account that the token belongs to"
		return false, &e
	}
	return err == nil, err
}
