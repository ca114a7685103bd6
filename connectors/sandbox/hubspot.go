package sandbox

import (
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
	SearchLag time.Duration // how long a write stays unseen by search
	Unlimited bool          // no rate limits, for benchmarks; headers then state very large ones
	// FoldErrors answers partly failed batches on the 2026-09 paths with 200 instead of 207.
	FoldErrors bool
	Now        func() time.Time // nil: time.Now
	Seed       uint64           // correlation ids and access tokens follow it
	History    int              // versions kept of a property; 0: 20, negative: none but the present value
}

// OAuthClient is the app that may fetch access tokens.
type OAuthClient struct {
	ClientID, ClientSecret, RefreshToken string
	TTL                                  time.Duration // of an access token; 0: 30 minutes
}

// Limits of a portal's tier: requests per 10 s of one app, and per day of the account.
const (
	starterBurst, starterDay           = 100, 250_000
	professionalBurst, professionalDay = 190, 625_000
	enterpriseBurst, enterpriseDay     = 190, 1_000_000
	oauthBurst                         = 110
	searchesPerSecond                  = 5
	noLimit                            = 1_000_000_000 // what the headers of an unlimited portal state
)

// binDays is how long archived records can be restored.
const binDays = 90

// objects are the records of one kind with their definitions.
type objects struct {
	table
	*schema
	lastID  int64
	nextID  func(last int64) int64
	typeID  string            // of the object: 0-1
	linkTo  int               // type of its association with the other object
	linked  map[int64][]int64 // ids of associated records of the other object
	deletes map[int64]bool    // archived or erased: there may be something to find with archived=true
}

// HubSpot is a portal. It is safe for concurrent use.
type HubSpot struct {
	desk
	o           HubSpotOptions
	loc         *time.Location
	contacts    *objects
	deals       *objects
	emails      map[string]uint32 // primary and additional addresses of live contacts
	occurrences map[int64][]Occurrence
	rules       []Rule
	tokens      map[string]time.Time // issued access tokens with their end
	serial      uint64               // of correlation ids, tokens and event ids
	burst       *rolling
	searches    *rolling
	day         *daily
	limited     int // 429s given: every second one carries Retry-After
	cells       slots
	shownProps  []*property // scratch of renderWritten
	match, also []uint64    // scratch of search
}

// NewHubSpot makes an empty portal.
func NewHubSpot(o HubSpotOptions) *HubSpot {
	if o.PortalID == 0 {
		o.PortalID = 146000001
	}
	if o.Token == "" {
		o.Token = "pat-na1-sandbox"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.History == 0 {
		o.History = 20
	}
	if o.TimeZone == "" {
		o.TimeZone = "Europe/Berlin"
	}
	loc, err := time.LoadLocation(o.TimeZone)
	if err != nil {
		loc, o.TimeZone = time.UTC, "UTC"
	}
	burst, day := professionalBurst, professionalDay
	switch o.Tier {
	case "starter":
		burst, day = starterBurst, starterDay
	case "enterprise":
		burst, day = enterpriseBurst, enterpriseDay
	}
	if o.OAuth != nil {
		client := *o.OAuth
		if client.TTL == 0 {
			client.TTL = 30 * time.Minute
		}
		o.OAuth, burst = &client, oauthBurst
	}
	born := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	h := &HubSpot{
		o: o, loc: loc,
		contacts: &objects{schema: contactSchema(born), nextID: nextContactID, typeID: "0-1", linkTo: 4},
		deals:    &objects{schema: dealSchema(born), nextID: nextDealID, typeID: "0-3", linkTo: 3},
		emails:   map[string]uint32{}, occurrences: map[int64][]Occurrence{}, tokens: map[string]time.Time{},
		burst: newRolling(burst, 10*time.Second), searches: newRolling(searchesPerSecond, time.Second),
		day: &daily{max: day, loc: loc},
	}
	for _, t := range []*objects{h.contacts, h.deals} {
		t.lag = o.SearchLag
		t.linked = map[int64][]int64{}
		t.deletes = map[int64]bool{}
	}
	h.desk.now = o.Now
	h.desk.vendor = h
	return h
}

// Ids grow in length, as they did over HubSpot's years: from one digit through fifty-steps to twelve digits.
func nextContactID(last int64) int64 {
	switch {
	case last == 0:
		return 1
	case last == 20_001:
		return 151_000_000_051
	}
	return last + 50
}

func nextDealID(last int64) int64 {
	switch last {
	case 0:
		return 9
	case 120:
		return 38_000_000_007
	}
	return last + 1
}

func (h *HubSpot) nowMs() int64 { return h.o.Now().UnixMilli() }

func formatID(id int64) string { return strconv.FormatInt(id, 10) }

func parseID(s string) (int64, bool) {
	if s == "" || len(s) > 18 || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	id, err := strconv.ParseInt(s, 10, 64)
	return id, err == nil
}

// live is a live record by its present id.
func (t *objects) live(id string) (uint32, bool) {
	n, ok := parseID(id)
	if !ok {
		return 0, false
	}
	ord, ok := t.find(n)
	return ord, ok && t.recs[ord].state == alive
}

// follow is the live record that an id leads to, through merges.
func (t *objects) follow(id string) (uint32, bool) {
	n, ok := parseID(id)
	for ok {
		var ord uint32
		if ord, ok = t.find(n); !ok {
			break
		}
		r := &t.recs[ord]
		if r.state != merged {
			return ord, r.state == alive
		}
		n = r.into
	}
	return 0, false
}

// inBin is an archived record that can still be restored.
func (t *objects) inBin(ord uint32, now int64) bool {
	r := &t.recs[ord]
	return r.state == archived && now-r.archivedAt < binDays*dayMs
}

// prepare checks values from Go, where read-only properties may be set too.
func (s *schema) prepare(props map[string]string) ([]change, error) {
	names := make([]string, 0, len(props))
	for n := range props {
		names = append(names, n)
	}
	slices.Sort(names)
	changes := make([]change, 0, len(names))
	for _, n := range names {
		p, ok := s.property(n)
		if !ok {
			return nil, fmt.Errorf("sandbox: %s: %w", s.object, unknownProperty(n))
		}
		v, bad := p.check([]byte(props[n]))
		if bad != nil {
			return nil, fmt.Errorf("sandbox: %s: %w", s.object, bad)
		}
		changes = append(changes, change{p.number, v})
	}
	return changes, nil
}

// create adds a record. Changes may set its creation and modification times.
func (h *HubSpot) create(t *objects, changes []change, origin uint8, now int64) (uint32, *conflict) {
	if c := h.clash(t, changes, -1); c != nil {
		return 0, c
	}
	changes = h.derive(t, changes, true)
	t.lastID = t.nextID(t.lastID)
	r := record{id: t.lastID, created: now, modified: now, origin: origin}
	cells := t.scratch[:0]
	for i, c := range changes {
		p := t.list[c.prop]
		switch p.meaning {
		case isID:
			continue
		case isCreated, isModified:
			if ms, ok := parseTime(string(c.value)); ok && p.meaning == isCreated {
				r.created = ms
			} else if ok {
				r.modified = ms
			}
			continue
		}
		again := slices.ContainsFunc(changes[i+1:], func(later change) bool { return later.prop == c.prop })
		if len(c.value) > 0 && !again {
			cells = appendCell(cells, c.prop, false, c.value)
		}
	}
	t.scratch = cells
	r.values = string(cells)
	ord := t.add(r, now)
	if t == h.contacts {
		h.readdress(ord, "", r.values)
	}
	return ord, nil
}

// derive adds to a deal's changes what HubSpot works out from its stage.
func (h *HubSpot) derive(t *objects, changes []change, fresh bool) []change {
	if t != h.deals {
		return changes
	}
	has := func(name string) (value string, ok bool) {
		n := t.byName[name].number
		i := slices.IndexFunc(changes, func(c change) bool { return c.prop == n })
		if i < 0 {
			return "", false
		}
		return string(changes[i].value), true
	}
	stage, moved := has("dealstage")
	if !moved && !fresh {
		return changes
	}
	set := func(name string, is bool) {
		if _, given := has(name); !given {
			changes = append(changes, change{t.byName[name].number, strconv.AppendBool(nil, is)})
		}
	}
	set("hs_is_closed", stage == "closedwon" || stage == "closedlost")
	set("hs_is_closed_won", stage == "closedwon")
	return changes
}

// conflict is a unique value that another record has.
type conflict struct {
	id    int64
	email string
}

// addresses are the positions of the properties that hold e-mail addresses.
func (h *HubSpot) addresses() (email, more int) {
	return h.contacts.byName["email"].number, h.contacts.byName["hs_additional_emails"].number
}

// clash looks for another contact with an address that changes would set; self < 0 is a new one.
func (h *HubSpot) clash(t *objects, changes []change, self int64) *conflict {
	if t != h.contacts {
		return nil
	}
	email, _ := h.addresses()
	for _, c := range changes {
		if c.prop != email || len(c.value) == 0 {
			continue
		}
		if ord, ok := h.emails[string(c.value)]; ok && int64(ord) != self {
			return &conflict{t.recs[ord].id, string(c.value)}
		}
	}
	return nil
}

// readdress keeps the index of addresses: was and is are a contact's cells before and after.
func (h *HubSpot) readdress(ord uint32, was, is string) {
	email, more := h.addresses()
	each := func(cells string, f func(a string)) {
		if a, _ := cell(cells, email); a != "" {
			f(a)
		}
		if list, _ := cell(cells, more); list != "" {
			for a := range strings.SplitSeq(list, ";") {
				f(strings.ToLower(a))
			}
		}
	}
	each(was, func(a string) {
		if h.emails[a] == ord {
			delete(h.emails, a)
		}
	})
	each(is, func(a string) {
		if _, taken := h.emails[a]; !taken {
			h.emails[strings.Clone(a)] = ord
		}
	})
}

// apply writes checked changes to a live record.
func (h *HubSpot) apply(t *objects, ord uint32, changes []change, by func(prop int) author, now int64) {
	r := &t.recs[ord]
	was := r.values
	changes = h.derive(t, changes, false)
	special := func(c change) bool {
		m := t.list[c.prop].meaning
		return m != plain && m != isEmail
	}
	if slices.ContainsFunc(changes, special) {
		for _, c := range changes {
			if ms, ok := parseTime(string(c.value)); ok && t.list[c.prop].meaning == isCreated {
				r.created = ms
			}
		}
		changes = slices.DeleteFunc(slices.Clone(changes), special)
	}
	t.set(ord, changes, by, now, len(t.list), h.o.History)
	if t == h.contacts {
		email, more := h.addresses()
		if slices.ContainsFunc(changes, func(c change) bool { return c.prop == email || c.prop == more }) {
			h.readdress(ord, was, r.values)
		}
	}
}
