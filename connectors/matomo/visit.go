package matomo

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/records"
)

var errNoTime = errors.New("no id or no time, or one that cannot be read")

// loose is a text, which Matomo writes as a number where PHP's database driver does, or as null or false where there is none.
type loose string

// UnmarshalJSON implements json.Unmarshaler.
func (l *loose) UnmarshalJSON(b []byte) error {
	var s string
	switch {
	case json.Unmarshal(b, &s) == nil:
	case b[0] == '{' || b[0] == '[' || b[0] == 'n' || b[0] == 'f':
	default:
		s = string(b)
	}
	*l = loose(unsanitised.Replace(s))
	return nil
}

// unsanitised undoes what Matomo does to what it stores (Common::sanitizeInputValue). The last one comes last: it makes the others.
var unsanitised = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#039;", "'", "&amp;", "&")

func (l loose) number() (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSuffix(string(l), ".0"), 10, 64)
	return n, err == nil && n > 0
}

func (l loose) time() (time.Time, bool) {
	n, ok := l.number()
	return time.Unix(n, 0).UTC(), ok
}

// visit is a visit as Live.getLastVisitsDetails tells it.
type visit struct {
	ID        loose   `json:"idVisit"`
	VisitorID loose   `json:"visitorId"`
	UserID    loose   `json:"userId"`
	IP        loose   `json:"visitIp"`
	Referrer  loose   `json:"referrerUrl"`
	Last      loose   `json:"lastActionTimestamp"`
	Actions   actions `json:"actionDetails"`
	Truncated loose   `json:"truncatedActionsCount"`
}

// actions are a list, or an object by number where Matomo has taken some out.
type actions []action

// UnmarshalJSON implements json.Unmarshaler.
func (a *actions) UnmarshalJSON(b []byte) error {
	var list []action
	if json.Unmarshal(b, &list) == nil {
		*a = list
		return nil
	}
	var by map[string]action
	if err := json.Unmarshal(b, &by); err != nil {
		return nil
	}
	*a = nil
	for _, k := range slices.SortedFunc(maps.Keys(by), func(x, y string) int {
		return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y))
	}) {
		*a = append(*a, by[k])
	}
	return nil
}

// action is one of the things done in a visit.
type action struct {
	Type      loose `json:"type"`
	URL       loose `json:"url"`
	Title     loose `json:"pageTitle"`
	Time      loose `json:"timestamp"`
	PageID    loose `json:"pageId"`     // of the action, where it has one
	GoalPage  loose `json:"goalPageId"` // of the action that a goal was reached by
	Category  loose `json:"eventCategory"`
	Action    loose `json:"eventAction"`
	Name      loose `json:"eventName"`
	Value     loose `json:"eventValue"`
	Goal      loose `json:"goalName"`
	GoalID    loose `json:"goalId"`
	Order     loose `json:"orderId"`
	Revenue   loose `json:"revenue"`
	Keyword   loose `json:"siteSearchKeyword"`
	TimeSpent loose `json:"timeSpent"` // seconds
	Content   loose `json:"contentName"`
	Piece     loose `json:"contentPiece"`
	Interact  loose `json:"contentInteraction"`
	Form      loose `json:"formName"`  // of Matomo's form analytics
	Converted loose `json:"converted"` // the form was sent
}

func (v *visit) key() (key, bool) {
	id, ok := v.ID.number()
	last, ok2 := v.Last.time()
	return key{last, id}, ok && ok2
}

// who is who a visit is of: the user id is an address on many sites.
func (v *visit) who() (email, userID string) {
	id := strings.TrimSpace(string(v.UserID))
	if strings.Contains(id, "@") {
		return id, ""
	}
	return "", id
}

// events hands over what was done in a visit, with the number of the action and why it could not be read, if it could not.
func (v *visit) events(source string, each func(i int, e connectors.Event, err error) bool) bool {
	for i := range v.Actions {
		a := &v.Actions[i]
		e := connectors.Event{Source: source, Session: string(v.ID), AnonymousID: string(v.VisitorID), IP: string(v.IP)}
		e.Email, e.UserID = v.who()
		if i == 0 {
			e.Referrer = string(v.Referrer)
		}
		t, ok := a.Time.time()
		if !ok {
			if !each(i, e, errNoTime) {
				return false
			}
			continue
		}
		e.Time, e.ID = t, v.actionID(a)
		a.describe(&e)
		if !each(i, e, nil) {
			return false
		}
	}
	return true
}

// actionID is the same whenever the visit is read again, also after it grew. Goals and orders have no id of their own.
func (v *visit) actionID(a *action) string {
	if a.PageID != "" && a.Type != "goal" {
		return string(v.ID) + "-" + string(a.PageID)
	}
	return records.ContentID(string(v.ID), string(a.Type), string(a.Time), string(a.GoalPage), string(a.GoalID), string(a.Order), string(a.URL), string(a.Content), string(a.Form))
}

// describe says what was done.
func (a *action) describe(e *connectors.Event) {
	set := func(name string, v loose) {
		if v != "" {
			if e.Properties == nil {
				e.Properties = map[string]string{}
			}
			e.Properties[name] = string(v)
		}
	}
	e.URL, e.PageTitle = string(a.URL), string(a.Title)
	switch a.Type {
	case "action", "":
		e.Kind = connectors.KindPageView
		set("seconds", a.TimeSpent)
	case "outlink":
		e.Kind, e.ElementText = connectors.KindClick, string(a.URL)
		set("href", a.URL)
		e.URL = "" // it is where the visitor went, not a page of the site
	case "download":
		e.Kind = connectors.KindDownload
	case "search":
		e.Kind = connectors.KindSearch
		set("query", a.Keyword)
	case "ecommerceOrder":
		e.Kind = connectors.KindPurchase
		set("order", a.Order)
		set("revenue", a.Revenue)
	case "ecommerceAbandonedCart":
		e.Kind = connectors.KindCart
		set("revenue", a.Revenue)
	case "goal":
		e.Kind = named("goal", string(a.Goal))
		set("goal", a.Goal)
		set("revenue", a.Revenue)
	case "event":
		e.Kind = named(string(a.Action), string(a.Category)+" "+string(a.Action), string(a.Action), string(a.Category))
		set("category", a.Category)
		set("action", a.Action)
		set("name", a.Name)
		set("value", a.Value)
		if e.Kind == connectors.KindFormSubmit || e.Kind == connectors.KindFormStart {
			set(connectors.PropForm, a.Name)
		}
	case "form":
		e.Kind = connectors.KindFormStart
		if a.Converted == "1" || a.Converted == "true" {
			e.Kind = connectors.KindFormSubmit
		}
		set(connectors.PropForm, a.Form)
	default: // of a plugin: content, media …
		e.Kind = string(a.Type)
		set("content", a.Content)
		set("piece", a.Piece)
		set("interaction", a.Interact)
	}
}

// named is the kind that the first of the names means that means any, else what it is called.
func named(called string, names ...string) string {
	for _, n := range names {
		if kind, known := connectors.EventKind(n); known {
			return kind
		}
	}
	return called
}
