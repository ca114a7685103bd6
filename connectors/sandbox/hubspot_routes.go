package sandbox

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// longestURI is the longest path and query answered, in bytes; beyond it is a 414. HubSpot does not document its own.
const longestURI = 8192

// call is a request with what its path says: either generation of paths leads to the same call.
type call struct {
	*request
	api   string // objects, properties, associations, account-info, owners, events, forms, submissions, email-events, email-campaigns, oauth
	dated string // version of a date-based path, "" for v3 and v4
	rest  path   // the api and what stands behind its version
	now   time.Time
}

// objectVersions are the date-based versions of objects, properties, account-info, the journal and the token; the other APIs have only
// 2026-03.
var objectVersions = []string{"2026-03", "2026-09"}

// journalAPIs are those of the webhooks journal, which an app calls under a token of its own.
var journalAPIs = []string{"journal", "journal-local", "subscriptions"}

// parse reads a path. Unknown ones have no api.
func parse(q *request) call {
	c := call{request: q}
	s := segments(q.path)
	at := s.at
	take := func(api, dated string, n int) {
		c.api, c.dated, c.rest = api, dated, append(path{api}, s[n:]...)
	}
	switch {
	case at(0) == "crm" && at(1) == "v3" && (at(2) == "objects" || at(2) == "properties"):
		take(at(2), "", 3)
	case at(0) == "crm" && (at(1) == "objects" || at(1) == "properties") && slices.Contains(objectVersions, at(2)):
		take(at(1), at(2), 3)
	case at(0) == "crm" && at(1) == "v4" && (at(2) == "associations" || at(2) == "objects" && at(5) == "associations"):
		take(at(2), "", 3)
	case at(0) == "crm" && at(1) == "associations" && at(2) == "2026-03":
		take("associations", at(2), 3)
	case at(0) == "crm" && (at(1) == "v3" && at(2) == "owners" || at(1) == "owners" && at(2) == "2026-03"):
		take("owners", strings.TrimPrefix(at(2), "owners"), 3)
	case at(0) == "account-info" && (at(1) == "v3" || slices.Contains(objectVersions, at(1))):
		take("account-info", strings.TrimPrefix(at(1), "v3"), 2)
	case at(0) == "events" && (at(1) == "v3" && at(2) == "events" || at(1) == "event-occurrences" && at(2) == "2026-03"):
		take("events", strings.TrimPrefix(at(2), "events"), 3)
	case at(0) == "webhooks-journal" && slices.Contains(objectVersions, at(2)) && slices.Contains(journalAPIs, at(1)):
		take(at(1), at(2), 3)
	case at(0) == "journal-files":
		take(at(0), "", 1)
	case at(0) == "marketing" && at(1) == "v3" && at(2) == "forms":
		take("forms", "", 3)
	case at(0) == "form-integrations" && at(1) == "v1" && at(2) == "submissions" && at(3) == "forms":
		take("submissions", "", 4)
	case at(0) == "email" && at(1) == "public" && at(2) == "v1" && (at(3) == "events" || at(3) == "campaigns"):
		take("email-"+at(3), "", 4)
	case at(0) == "oauth" && (at(1) == "v1" || slices.Contains(objectVersions, at(1))) && at(2) == "token":
		take("oauth", strings.TrimPrefix(at(1), "v1"), 2)
	}
	return c
}

// endpoints are what a portal answers, by API and the path behind its version.
func (h *HubSpot) endpoints() []endpoint[call, *hubObject] {
	var journals []endpoint[call, *hubObject]
	for _, j := range []string{"journal", "journal-local"} {
		journals = append(journals, []endpoint[call, *hubObject]{
			{"GET", j + "/earliest", h.earliest},
			{"GET", j + "/latest", h.latest},
			{"GET", j + "/offset/{offset}/next", h.next},
			{"GET", j + "/batch/earliest/{n}", h.batchEarliest},
			{"GET", j + "/batch/latest/{n}", h.batchLatest},
			{"GET", j + "/batch/{offset}/next/{n}", h.batchNext},
			{"POST", j + "/batch/read", h.pointersAgain},
		}...)
	}
	return append(journals, []endpoint[call, *hubObject]{
		{"GET", "journal-files/{name}", h.file},
		{"GET", "subscriptions", h.listSubscriptions},
		{"POST", "subscriptions", h.subscribe},
		{"DELETE", "subscriptions/portals/{id}", h.endSubscriptions},
		{"GET", "subscriptions/{id}", h.readSubscription},
		{"DELETE", "subscriptions/{id}", h.endSubscription},

		{"POST", "oauth/token", h.token},
		{"GET", "account-info/details", h.account},

		{"POST", "objects/tasks", h.createTask},
		{"POST", "objects/tasks/batch/read", h.readTasks},
		{"POST", "associations/contacts/tasks/batch/read", h.tasksOf},

		{"GET", "objects/{object}", h.list},
		{"POST", "objects/{object}", h.createOne},
		{"POST", "objects/{object}/search", h.search},
		{"POST", "objects/{object}/merge", h.mergeCall},
		{"POST", "objects/{object}/gdpr-delete", h.eraseCall},
		{"POST", "objects/{object}/batch/read", h.batchRead},
		{"POST", "objects/{object}/batch/update", h.batchUpdate},
		{"POST", "objects/{object}/batch/create", h.batchCreate},
		{"GET", "objects/{object}/{id}", h.readOne},
		{"PATCH", "objects/{object}/{id}", h.updateOne},
		{"DELETE", "objects/{object}/{id}", h.archiveOne},

		{"GET", "objects/{object}/{id}/associations/{to}", h.recordAssociations},
		{"POST", "associations/{object}/{to}/batch/read", h.associations},

		{"GET", "properties/{object}", h.listProperties},
		{"POST", "properties/{object}", h.postProperty},
		{"POST", "properties/{object}/batch/read", h.readProperties},
		{"POST", "properties/{object}/batch/create", h.createProperties},
		{"GET", "properties/{object}/groups", h.listGroups},
		{"POST", "properties/{object}/groups", h.createGroup},
		{"GET", "properties/{object}/groups/{name}", h.readGroup},
		{"DELETE", "properties/{object}/groups/{name}", h.archiveGroup},
		{"GET", "properties/{object}/{name}", h.readProperty},
		{"PATCH", "properties/{object}/{name}", h.changeProperty},
		{"DELETE", "properties/{object}/{name}", h.archiveProperty},

		{"GET", "owners", h.listOwners},
		{"GET", "owners/{id}", h.readOwner},

		{"GET", "events", h.events},
		{"GET", "events/event-types", h.eventTypes},

		{"GET", "forms", h.listForms},
		{"GET", "submissions/{form}", h.listSubmissions},
		{"GET", "email-events", h.emailEvents},
		{"GET", "email-campaigns/{id}", h.campaign},
	}...)
}

// route names a request whatever its generation of paths: "POST contacts/batch/update", "GET contacts/{id}", "GET events".
func (h *HubSpot) route(q *request) string {
	c := parse(q)
	e, name, _ := find(h.serves, q.method, c.rest)
	if e == nil {
		return q.method + " unknown"
	}
	if o := h.object(name); o != nil {
		name = o.plural
	}
	return strings.Replace(e.named(name), " objects/", " ", 1)
}

// object is an object by any of its names.
func (h *HubSpot) object(name string) *hubObject {
	switch name {
	case "contacts", "contact", "CONTACT", "0-1":
		return h.contacts
	case "deals", "deal", "DEAL", "0-3":
		return h.deals
	}
	return nil
}

// answer is what the portal says to a request.
func (h *HubSpot) answer(q *request) (rep reply) {
	c := parse(q)
	c.now = h.o.Now()
	switch {
	case q.uri > longestURI:
		return htmlReply(http.StatusRequestURITooLong)
	case q.malformed():
		return textReply(530, "text/plain; charset=UTF-8", "error code: 1016")
	}
	search, telling := c.rest.fits("objects/{object}/search"), false // telling: the answer tells the limits
	bad := caught[failure](func() {
		switch {
		case c.api == "oauth":
		case c.api == "journal-files" && h.app != nil: // whoever has an address may read
		case slices.Contains(journalAPIs, c.api):
			h.admitApp(c)
		default:
			h.authorize(c)
			telling = !search
			h.admit(c, search)
		}
		rep = h.serve(c)
	})
	if bad != nil {
		rep = h.refused(*bad)
	}
	if telling {
		rep.header = h.limits(rep.header, c.now)
	}
	return rep
}

// serve answers an authorised request within the limits. An endpoint refuses by panicking with its *failure, before anything
// has changed.
func (h *HubSpot) serve(c call) reply {
	e, object, pathIs := find(h.serves, c.method, c.rest)
	stopIf(e == nil && pathIs, notAllowed)
	stopIf(e == nil, noResource)
	stopIf(len(c.body) > 0 && c.method != http.MethodGet && c.api != "oauth" && !c.isKind("application/json"), wrongMedia)
	o := h.object(object)
	if o == nil && object != "" {
		panic(noObject(object))
	}
	return e.answer(c, o)
}

// admit refuses a request beyond the rate limits.
func (h *HubSpot) admit(c call, search bool) {
	policy, window := "TEN_SECONDLY_ROLLING", h.burst
	if search {
		policy, window = "SECONDLY", h.searches
	}
	wait, ok := window.allow(c.now)
	if ok && h.day.allow(c.now) {
		return
	}
	if ok {
		policy = "DAILY"
	} else if h.limited++; h.limited%2 != 0 {
		wait = 0 // not always sent
	}
	h.tooMany(policy, wait)
}

// tooMany refuses a request beyond a limit. The answer tells how long to wait unless that is 0.
func (h *HubSpot) tooMany(policy string, wait time.Duration) {
	bad := &failure{}
	if wait > 0 {
		bad.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(wait.Seconds())))}}
	}
	bad.limit(policy)
	h.tally.RateLimited[policy]++
	panic(bad)
}

// limit makes a failure tell of a limit.
func (f *failure) limit(policy string) {
	f.status, f.Message = http.StatusTooManyRequests, "You have reached your "+strings.ToLower(policy)+" limit."
	f.ErrorType, f.PolicyName = "RATE_LIMIT", policy
}

// limits adds the headers that all answers but those to searches carry.
func (h *HubSpot) limits(header http.Header, now time.Time) http.Header {
	if header == nil {
		header = make(http.Header, 8)
	}
	set := func(name string, n int) { header["X-Hubspot-Ratelimit-"+name] = []string{strconv.Itoa(n)} }
	set("Max", h.burst.max)
	set("Remaining", h.burst.max-h.burst.used(now))
	set("Interval-Milliseconds", 10_000)
	if h.o.OAuth == nil {
		set("Daily", h.day.max)
		set("Daily-Remaining", h.day.max-h.day.usedOn(now))
	}
	return header
}

// failure is an error answer. Empty fields are left out, as HubSpot leaves out any of its own.
type failure struct {
	status        int
	header        http.Header
	Status        string              `json:"status"`
	Message       string              `json:"message"`
	ErrorType     string              `json:"errorType,omitempty"`
	CorrelationID string              `json:"correlationId"`
	PolicyName    string              `json:"policyName,omitempty"`
	Errors        []detail            `json:"errors,omitempty"`
	Context       map[string][]string `json:"context,omitempty"`
	Links         map[string]string   `json:"links,omitempty"`
	Category      string              `json:"category,omitempty"`
	SubCategory   string              `json:"subCategory,omitempty"`
}

// detail is an entry of errors.
type detail struct {
	Message string              `json:"message"`
	Code    string              `json:"code,omitempty"`
	Context map[string][]string `json:"context,omitempty"`
}

var (
	notAllowed = &failure{status: http.StatusMethodNotAllowed, Message: "Method Not Allowed"}
	noResource = &failure{status: http.StatusNotFound, Message: "resource not found"}
	wrongMedia = &failure{status: http.StatusUnsupportedMediaType, Message: "Unsupported Media Type"}
)

func (h *HubSpot) refused(f failure) reply {
	f.Status, f.CorrelationID = cmp.Or(f.Status, "error"), h.uuid()
	return reply{status: f.status, header: f.header, body: marshal(f)}
}

// noObject is the answer to names of objects that the portal does not have.
func noObject(name string) *failure {
	return refuse(http.StatusBadRequest, "VALIDATION_ERROR", "Unable to infer object type from: %s", name)
}

// refuseIf, invalidIf and lackingIf end a call with a refusal when there is cause.
func refuseIf(when bool, status int, category, format string, args ...any) {
	if when {
		panic(refuse(status, category, format, args...))
	}
}

func invalidIf(when bool, format string, args ...any) {
	refuseIf(when, http.StatusBadRequest, "VALIDATION_ERROR", format, args...)
}

func lackingIf(when bool, what string, attributes ...string) {
	invalidIf(when, "Invalid input JSON on line 1, column 1: Cannot build %s, some of required attributes are not set [%s]", what, strings.Join(attributes, ", "))
}

func refuse(status int, category, format string, args ...any) *failure {
	return &failure{status: status, Category: category, Message: fmt.Sprintf(format, args...)}
}

// read decodes a call's body.
func (c call) read(into any) {
	err := decode(c.body, into)
	invalidIf(err != nil, "Invalid input JSON %s", err)
}

// isKind says whether a request's body is said to be of a media type.
func (q *request) isKind(kind string) bool {
	given, _, _ := strings.Cut(q.header.Get("Content-Type"), ";")
	return strings.TrimSpace(given) == kind
}

func (h *HubSpot) begin(*request) time.Duration { return 0 }
func (h *HubSpot) end(*request)                 {}

// refusal is a 429 under a policy, or an injected status.
func (h *HubSpot) refusal(status int, policy string) reply {
	f := failure{status: status, Message: cmp.Or(http.StatusText(status), "error")}
	switch {
	case policy != "":
		f.limit(policy)
	case status == http.StatusLocked:
		f.Message = "The resource is locked by another operation. Try again in a few seconds."
	case status == 477:
		f.Message, f.Category = "This account is being migrated between data hosting locations.", "MIGRATION_IN_PROGRESS"
	case status == http.StatusUnauthorized:
		f = *unauthenticated
	case status == http.StatusForbidden:
		f = *missingScopes("crm.objects.contacts.read")
	}
	return h.refused(f)
}

// uuid is a made-up identifier in the form of a UUID.
func (h *HubSpot) uuid() string {
	a, b := h.random.Uint64(), h.random.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

// link is where a page of the same request goes on.
func (c call) link(after string) string {
	v := c.params()
	v.Set("after", after)
	return (&url.URL{Scheme: "https", Host: "api.hubapi.com", Path: c.path, RawQuery: v.Encode()}).String()
}
