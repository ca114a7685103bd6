package sandbox

import (
	"net/http"
	"slices"
	"strconv"
)

// subscription is what an app asked to be told of.
type subscription struct {
	ID               int64    `json:"id"`
	AppID            int64    `json:"appId"`
	SubscriptionType string   `json:"subscriptionType"`
	PortalID         int64    `json:"portalId,omitempty"`
	ObjectTypeID     string   `json:"objectTypeId,omitempty"`
	EventTypeID      string   `json:"eventTypeId,omitempty"`
	Actions          []string `json:"actions,omitempty"`
	Properties       []string `json:"properties,omitempty"`
	ObjectIDs        []int64  `json:"objectIds,omitempty"`
	CreatedAt        string   `json:"createdAt"`
	UpdatedAt        string   `json:"updatedAt"`
}

// Ids of the events in an app's life.
const (
	installEvent   = "4-1909196"
	uninstallEvent = "4-1916193"
)

// subscribable are the actions of each type of subscription.
var subscribable = map[string][]string{
	"OBJECT":                {"CREATE", "UPDATE", "DELETE", "MERGE", "RESTORE"},
	"ASSOCIATION":           {"ASSOCIATION_ADDED", "ASSOCIATION_REMOVED"},
	"GDPR_PRIVACY_DELETION": {"GDPR_DELETE"},
}

// subscribed says whether the app asked for an event.
func (a *hubApp) subscribed(e journalled) bool {
	lifecycle := map[string]string{"APP_INSTALL": installEvent, "APP_UNINSTALL": uninstallEvent}[e.Action]
	return slices.ContainsFunc(a.subscriptions, func(s *subscription) bool {
		if lifecycle != "" {
			return s.EventTypeID == lifecycle
		}
		return s.ObjectTypeID == e.ObjectTypeID && slices.Contains(s.Actions, e.Action)
	})
}

// wants says whether the app asked for the changes of a property.
func (a *hubApp) wants(objectType, property string) bool {
	return slices.ContainsFunc(a.subscriptions, func(s *subscription) bool {
		return s.SubscriptionType == "OBJECT" && s.ObjectTypeID == objectType && slices.Contains(s.Properties, property)
	})
}

// end ends the subscriptions of an account.
func (a *hubApp) end(portal int64) {
	a.subscriptions = slices.DeleteFunc(a.subscriptions, func(s *subscription) bool { return s.PortalID == portal })
}

func (h *HubSpot) listSubscriptions(call, *hubObject) reply {
	return jsonReply(http.StatusOK, members{{"results", append([]*subscription{}, h.app.subscriptions...)}})
}

// subscribe makes a subscription. One for the same account, type and object takes the place of the one before, under its id.
func (h *HubSpot) subscribe(c call, _ *hubObject) reply {
	a, now := h.app, instant(c.now.UnixMilli())
	var in subscription
	c.read(&in)
	in.AppID, in.CreatedAt, in.UpdatedAt = a.ID, now, now
	if in.SubscriptionType == "APP_LIFECYCLE_EVENT" {
		invalidIf(in.EventTypeID != installEvent && in.EventTypeID != uninstallEvent, "unknown event type %q", in.EventTypeID)
		in = subscription{AppID: in.AppID, SubscriptionType: in.SubscriptionType, EventTypeID: in.EventTypeID, CreatedAt: now, UpdatedAt: now}
		there := slices.ContainsFunc(a.subscriptions, func(s *subscription) bool { return s.EventTypeID == in.EventTypeID })
		refuseIf(there, http.StatusConflict, "CONFLICT", "The app is subscribed to %s already", in.EventTypeID)
	} else {
		h.checkSubscription(in)
		for _, s := range a.subscriptions {
			if s.PortalID == in.PortalID && s.SubscriptionType == in.SubscriptionType && s.ObjectTypeID == in.ObjectTypeID {
				in.ID, in.CreatedAt = s.ID, s.CreatedAt
				*s = in
				return jsonReply(http.StatusOK, s)
			}
		}
	}
	a.lastID++
	in.ID = 30 + a.lastID
	a.subscriptions = append(a.subscriptions, &in)
	return jsonReply(http.StatusOK, &in)
}

func (h *HubSpot) checkSubscription(in subscription) {
	allowed, known := subscribable[in.SubscriptionType]
	invalidIf(!known, "unknown subscription type %q", in.SubscriptionType)
	refuseIf(in.PortalID != h.o.PortalID || h.app.removed, http.StatusForbidden, "INVALID_INSTALL", "The app is not installed in account %d", in.PortalID)
	lackingIf(in.ObjectTypeID == "" || len(in.Actions) == 0, "SubscriptionUpsertRequest", "objectTypeId", "actions")
	lackingIf(in.SubscriptionType == "OBJECT" && in.Properties == nil, "ObjectSubscriptionUpsertRequest", "properties")
	for _, action := range in.Actions {
		invalidIf(!slices.Contains(allowed, action), "%s is no action of %s", action, in.SubscriptionType)
	}
}

// numbered is the place of the subscription that a call's path names.
func (h *HubSpot) numbered(c call) int {
	id, _ := strconv.ParseInt(c.rest[1], 10, 64)
	i := slices.IndexFunc(h.app.subscriptions, func(s *subscription) bool { return s.ID == id })
	refuseIf(i < 0, http.StatusNotFound, "OBJECT_NOT_FOUND", "No subscription %s", c.rest[1])
	return i
}

func (h *HubSpot) readSubscription(c call, _ *hubObject) reply {
	return jsonReply(http.StatusOK, h.app.subscriptions[h.numbered(c)])
}

func (h *HubSpot) endSubscription(c call, _ *hubObject) reply {
	i := h.numbered(c)
	h.app.subscriptions = slices.Delete(h.app.subscriptions, i, i+1)
	return reply{status: http.StatusNoContent}
}

func (h *HubSpot) endSubscriptions(c call, _ *hubObject) reply {
	id, _ := strconv.ParseInt(c.rest[2], 10, 64)
	h.app.end(id)
	return reply{status: http.StatusNoContent}
}

// Subscriptions are the properties that the app asked for, by type of object.
func (h *HubSpot) Subscriptions() map[string][]string {
	defer h.lock()()
	out := map[string][]string{}
	for _, s := range h.app.subscriptions {
		if s.SubscriptionType == "OBJECT" {
			out[s.ObjectTypeID] = slices.Clone(s.Properties)
		}
	}
	return out
}
