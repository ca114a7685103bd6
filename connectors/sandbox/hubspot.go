package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// HubSpotOptions say what portal to imitate. The zero value is a Professional portal in Berlin with a fixed token.
type HubSpotOptions struct {
	PortalID  int64         // 0: 146000001
	TimeZone  string        // IANA name; "": Europe/Berlin. UTC where the zone is not known
	Tier      string        // starter, professional (also "") or enterprise: decides limits and event occurrences
	Token     string        // static bearer token; "": pat-na1-sandbox. Not used with OAuth
	Scopes    []string      // nil: all
	OAuth     *OAuthClient  // tokens come from the token endpoint and expire
	App       *JournalApp   // an app that may read the webhooks journal; nil: none
	SearchLag time.Duration // how long a write stays unseen by search
	Unlimited bool          // no rate limits, for benchmarks; headers then state very large ones
	// FoldErrors answers partly failed batches on the 2026-09 paths with 200 instead of 207.
	FoldErrors bool
	Now        func() time.Time // nil: time.Now
	History    int              // versions kept of a property; 0: 20, negative: none but the present value
}

// OAuthClient is the app that may fetch access tokens.
type OAuthClient struct {
	ClientID, ClientSecret, RefreshToken string
	TTL                                  time.Duration // of an access token; 0: 30 minutes
}

// tiers are the limits of a portal: requests per 10 s of one app, and per day of the account.
var tiers = map[string]struct{ burst, day int }{"starter": {100, 250_000}, "professional": {190, 625_000}, "enterprise": {190, 1_000_000}}

const (
	oauthBurst        = 110
	searchesPerSecond = 5
	noLimit           = 1_000_000_000 // what the headers of an unlimited portal state
)

// hubObject is the records of one kind with their definitions.
type hubObject struct {
	table
	schema
	lastID int64
	steps  idSteps
	linkTo int // type of its association with the other object
	other  *hubObject
}

// HubSpot is a portal. It is safe for concurrent use.
type HubSpot struct {
	desk
	o           HubSpotOptions
	loc         *time.Location
	contacts    *hubObject
	deals       *hubObject
	emails      map[string]*record // who last had an address: see holder
	occurrences []filed
	forms       []*Form
	submissions []sent
	mailings    []EmailEvent
	campaigns   map[int64]string
	owners      map[string]hubOwner // by id
	tasks       []HubSpotTask
	rules       []Rule
	tokens      map[string]time.Time // issued access tokens with their end
	burst       *rolling
	searches    *rolling
	day         *daily
	app         *hubApp // nil: none
	serves      []endpoint[call, *hubObject]
	limited     int // 429s given: every second one carries Retry-After
}

// NewHubSpot makes an empty portal.
func NewHubSpot(o HubSpotOptions) *HubSpot {
	o.PortalID = cmp.Or(o.PortalID, 146000001)
	o.Token = cmp.Or(o.Token, "pat-na1-sandbox")
	o.History = cmp.Or(o.History, 20)
	o.TimeZone = cmp.Or(o.TimeZone, "Europe/Berlin")
	if o.Now == nil {
		o.Now = time.Now
	}
	loc, err := time.LoadLocation(o.TimeZone)
	if err != nil {
		loc, o.TimeZone = time.UTC, "UTC"
	}
	tier := tiers[cmp.Or(o.Tier, "professional")]
	if o.OAuth != nil {
		client := *o.OAuth
		client.TTL = cmp.Or(client.TTL, 30*time.Minute)
		o.OAuth, tier.burst = &client, oauthBurst
	}
	h := &HubSpot{
		o: o, loc: loc,
		contacts: &hubObject{schema: contactSchema(), steps: idSteps{first: 1, step: 50, last: 20_001, then: 151_000_000_051}, linkTo: 4},
		deals:    &hubObject{schema: dealSchema(), steps: idSteps{first: 9, step: 1, last: 120, then: 38_000_000_007}, linkTo: 3},
		emails:   map[string]*record{}, tokens: map[string]time.Time{}, campaigns: map[int64]string{},
		burst: &rolling{max: tier.burst, span: 10 * time.Second}, searches: &rolling{max: searchesPerSecond, span: time.Second},
		day: &daily{max: tier.day, loc: loc},
	}
	if o.Unlimited {
		h.burst.max, h.searches.max, h.day.max = noLimit, noLimit, noLimit
	}
	h.contacts.other, h.deals.other = h.deals, h.contacts
	if o.App != nil {
		h.app = newHubApp(*o.App)
	}
	h.serves = h.endpoints()
	h.desk.open(h, o.Now)
	return h
}

// idSteps is how ids grow: from the first by steps to the last of the short ones, and from then on among the long ones, as they did over
// HubSpot's years.
type idSteps struct{ first, step, last, then int64 }

func (s idSteps) after(id int64) int64 {
	switch id {
	case 0:
		return s.first
	case s.last:
		return s.then
	}
	return id + s.step
}

func (h *HubSpot) nowMs() int64 { return h.o.Now().UnixMilli() }

func formatID(id int64) string { return strconv.FormatInt(id, 10) }

// named is a live record by its present id, nil if there is none.
func (o *hubObject) named(id string) *record {
	if r := o.byID[id]; r != nil && r.live() {
		return r
	}
	return nil
}

// follow is the live record that an id leads to, through merges.
func (o *hubObject) follow(id string) *record {
	if r := o.byID[id].heir(); r != nil && r.live() {
		return r
	}
	return nil
}

// binDays is how long archived records can be restored.
const binDays = 90

// inBin says whether a record is archived and can still be restored.
func (r *record) inBin(now int64) bool {
	return r.gone != 0 && !r.purged && r.into == nil && now-r.gone < binDays*dayMs
}

// add makes a record, which has no values yet.
func (h *HubSpot) add(o *hubObject, r *record, now int64) *record {
	o.lastID = o.steps.after(o.lastID)
	r.id, r.number = formatID(o.lastID), o.lastID
	if h.o.SearchLag > 0 {
		r.before = []*record{{until: now + h.o.SearchLag.Milliseconds(), purged: true}}
	}
	o.table.add(r)
	return r
}

// create adds a record with checked values, which may set its creation and modification times.
func (h *HubSpot) create(o *hubObject, values changes, origin string, now int64) *record {
	r := h.add(o, &record{created: now, modified: now, origin: origin}, now)
	o.derive(values)
	for name, v := range values {
		switch p := o.byName[name]; p.meaning {
		case isCreated:
			r.created = timeOr(v, now)
		case isModified:
			r.modified = timeOr(v, now)
		case plain, isEmail:
			r.set(p.number, v)
		}
	}
	h.enlist(o, r)
	h.changed("CREATE", o, r, func(int) string { return "" }, values, now)
	return r
}

// apply writes checked values to a live record. What an integration cannot set is HubSpot's own doing.
func (h *HubSpot) apply(o *hubObject, r *record, values changes, by author, now int64) {
	r.remember(now, h.o.SearchLag.Milliseconds())
	o.derive(values)
	if by.source != byMerge { // the journal tells of a merge as one
		h.changed("UPDATE", o, r, r.value, values, now)
	}
	for name, v := range values {
		p, who := o.byName[name], by
		if by.source == byIntegration && p.readOnly() {
			who.source = p.source
		}
		switch p.meaning {
		case isCreated:
			r.created = timeOr(v, r.created)
		case plain, isEmail:
			r.write(p.number, v, now, who, h.o.History)
		}
	}
	r.modified = now
	h.enlist(o, r)
}

// derive adds what HubSpot works out from a deal's stage.
func (o *hubObject) derive(values changes) {
	if stage, moved := values["dealstage"]; moved && o.singular == "deal" {
		values.also("hs_is_closed", strconv.FormatBool(stage == "closedwon" || stage == "closedlost"))
		values.also("hs_is_closed_won", strconv.FormatBool(stage == "closedwon"))
	}
}

// clash is another contact with the address that changes would set.
func (h *HubSpot) clash(o *hubObject, values changes, self *record) *record {
	if other := h.holder(values["email"]); o == h.contacts && other != self {
		return other
	}
	return nil
}

// needUnique stops what would give a contact the address of another one.
func (h *HubSpot) needUnique(o *hubObject, values changes, self *record) {
	if other := h.clash(o, values, self); other != nil {
		problemIf(true, "contact %s already has the address", other.id)
	}
}

// addresses are a contact's addresses, the primary one first.
func (h *HubSpot) addresses(r *record) []string {
	all := r.value(h.contacts.byName["email"].number) + ";" + r.value(h.contacts.byName["hs_additional_emails"].number)
	return strings.FieldsFunc(strings.ToLower(all), func(c rune) bool { return c == ';' })
}

// holder is the live contact with an address, nil if there is none.
func (h *HubSpot) holder(address string) *record {
	address = strings.ToLower(address)
	if r := h.emails[address]; r != nil && r.live() && slices.Contains(h.addresses(r), address) {
		return r
	}
	return nil
}

// enlist lets a contact be found by the addresses that no other one has.
func (h *HubSpot) enlist(o *hubObject, r *record) {
	if o != h.contacts {
		return
	}
	for _, a := range h.addresses(r) {
		if h.holder(a) == nil {
			h.emails[a] = r
		}
	}
}

// What people do in the portal, from Go: reps edit, visitors leave traces. Read-only properties may be set here, since it is
// HubSpot itself that sets them.

// CreateContact adds a contact and returns its id. createdate and lastmodifieddate may be given. It panics on a property or
// value that the portal does not take and on an address another contact has: the caller's mistake.
func (h *HubSpot) CreateContact(props map[string]string) string {
	defer h.lock()()
	return h.seed(h.contacts, props).id
}

// CreateContacts adds n contacts; gen makes the i-th one's properties and must not call the portal.
func (h *HubSpot) CreateContacts(n int, gen func(i int) map[string]string) {
	defer h.lock()()
	for i := range n {
		h.seed(h.contacts, gen(i))
	}
}

func (h *HubSpot) seed(o *hubObject, props map[string]string) *record {
	values := o.prepare(props)
	h.needUnique(o, values, nil)
	return h.create(o, values, byImport, h.nowMs())
}

// prepare checks values from Go, where read-only properties may be set too.
func (o *hubObject) prepare(props map[string]string) changes {
	values := make(map[string]*string, len(props))
	for n, v := range props {
		values[n] = &v
	}
	known, bad := o.understand(values, true)
	for _, v := range bad {
		panic(fmt.Errorf("sandbox: %s: %s", o.plural, v.Message))
	}
	return known
}

// UpdateContact sets properties of a live contact. by is the id of the user who did it, "" for another integration (and, of
// read-only properties, HubSpot itself). It panics on a property or value that the portal does not take: the caller's mistake.
func (h *HubSpot) UpdateContact(id string, props map[string]string, by string) error {
	return h.UpdateMany([]string{id}, props, by)
}

// UpdateMany sets the same properties of many contacts as a bulk job does: all get one modification time. It stops at the
// first id that names no live contact.
func (h *HubSpot) UpdateMany(ids []string, props map[string]string, by string) error {
	return h.try(func() { h.edit(h.contacts, ids, props, by, h.nowMs()) })
}

// UpdateDeal sets properties of a live deal, as UpdateContact does.
func (h *HubSpot) UpdateDeal(id string, props map[string]string, by string) error {
	return h.try(func() { h.edit(h.deals, []string{id}, props, by, h.nowMs()) })
}

func (h *HubSpot) edit(o *hubObject, ids []string, props map[string]string, by string, now int64) {
	values := o.prepare(props)
	who := author{source: byIntegration}
	if by != "" {
		user, err := strconv.ParseInt(by, 10, 64)
		problemIf(err != nil, "%q is no user id", by)
		who = author{byUser, user}
	}
	for _, id := range ids {
		r := found(o.named(id), o.singular, id)
		h.needUnique(o, values, r)
		h.apply(o, r, values, who, now)
	}
}

// Contact returns all properties of a live contact that have a value. An id that was merged away is not followed.
func (h *HubSpot) Contact(id string) (props map[string]string, ok bool) {
	err := h.try(func() { props = h.contacts.properties(found(h.contacts.named(id), "contact", id)) })
	return props, err == nil
}

func (o *hubObject) properties(r *record) map[string]string {
	props := map[string]string{"hs_object_id": r.id, "createdate": instant(r.created), o.modified: instant(r.modified)}
	for _, c := range r.cells {
		if p := o.list[c.field]; !p.Archived {
			props[p.Name] = c.text
		}
	}
	return props
}

// ContactByEmail is the live contact with an address, primary or additional.
func (h *HubSpot) ContactByEmail(email string) (id string, ok bool) {
	err := h.try(func() { id = found(h.holder(email), "contact", email).id })
	return id, err == nil
}

// ContactIDs are the ids of all live contacts, ascending as numbers.
func (h *HubSpot) ContactIDs() []string {
	defer h.lock()()
	return h.contacts.ids()
}

// Content is the value of the given properties, of all with a value where none are given, for every live contact by id: to
// compare two runs. Empty values are left out, and of all properties those that tell when something happened to a record.
func (h *HubSpot) Content(props ...string) map[string]map[string]string {
	defer h.lock()()
	return h.contacts.content(h.contacts.properties, props, "createdate", h.contacts.modified)
}

// Writes tells how many updates the API applied to each contact, by id; those it did not write to are left out.
func (h *HubSpot) Writes() map[string]int {
	defer h.lock()()
	return h.contacts.writes()
}

// Rule is a validation rule of the portal's admin: a record whose property When has the value Is needs a value in Require.
// Writes over the 2026-09 paths keep it, older paths do not.
type Rule struct{ When, Is, Require string }

// AddRule makes the portal keep a rule for contacts.
func (h *HubSpot) AddRule(r Rule) {
	defer h.lock()()
	h.rules = append(h.rules, r)
}
