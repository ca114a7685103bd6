package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What people do in the portal, from Go: reps edit, records merge and vanish, visitors leave traces. Read-only properties
// may be set here, since it is HubSpot itself that sets them.

// ErrNotFound is told of an id that names no live record.
var ErrNotFound = errors.New("sandbox: no such record")

// CreateContact adds a contact and returns its id. createdate and lastmodifieddate may be given. It panics on a property or
// value that the portal does not take and on an address another contact has: the caller's mistake.
func (h *HubSpot) CreateContact(props map[string]string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return formatID(h.contacts.recs[h.seed(h.contacts, props)].id)
}

// CreateContacts adds n contacts; gen makes the i-th one's properties and must not call the portal.
func (h *HubSpot) CreateContacts(n int, gen func(i int) map[string]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range n {
		h.seed(h.contacts, gen(i))
	}
}

func (h *HubSpot) seed(t *objects, props map[string]string) uint32 {
	changes, err := t.prepare(props)
	if err != nil {
		panic(err)
	}
	ord, c := h.create(t, changes, byImport, h.nowMs())
	if c != nil {
		panic(fmt.Errorf("sandbox: %s already has the address of the new contact", formatID(c.id)))
	}
	return ord
}

// UpdateContact sets properties of a live contact. by is the id of the user who did it, "" for another integration (and, of
// read-only properties, HubSpot itself).
func (h *HubSpot) UpdateContact(id string, props map[string]string, by string) error {
	return h.UpdateMany([]string{id}, props, by)
}

// UpdateMany sets the same properties of many contacts as a bulk job does: all get one modification time. It stops at the
// first id that names no live contact.
func (h *HubSpot) UpdateMany(ids []string, props map[string]string, by string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.edit(h.contacts, ids, props, by)
}

func (h *HubSpot) edit(t *objects, ids []string, props map[string]string, by string) error {
	changes, err := t.prepare(props)
	if err != nil {
		return err
	}
	who := func(prop int) author {
		if p := t.list[prop]; p.readOnly {
			return author{source: p.source}
		}
		return author{source: byIntegration}
	}
	if by != "" {
		user, err := strconv.ParseInt(by, 10, 64)
		if err != nil || user < 0 {
			return fmt.Errorf("sandbox: %q is no user id", by)
		}
		who = func(int) author { return author{byUser, user} }
	}
	now := h.nowMs()
	for _, id := range ids {
		ord, ok := t.live(id)
		if !ok {
			return fmt.Errorf("%w: %s %s", ErrNotFound, t.singular, id)
		}
		if c := h.clash(t, changes, int64(ord)); c != nil {
			return fmt.Errorf("sandbox: contact %d already has the address", c.id)
		}
		h.apply(t, ord, slices.Clone(changes), who, now)
	}
	return nil
}

// Contact returns all properties of a live contact that have a value. An id that was merged away is not followed.
func (h *HubSpot) Contact(id string) (props map[string]string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ord, ok := h.contacts.live(id)
	if !ok {
		return nil, false
	}
	return h.contacts.properties(ord), true
}

// Deal returns all properties of a live deal that have a value.
func (h *HubSpot) Deal(id string) (props map[string]string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ord, ok := h.deals.live(id)
	if !ok {
		return nil, false
	}
	return h.deals.properties(ord), true
}

func (t *objects) properties(ord uint32) map[string]string {
	r := &t.recs[ord]
	props := map[string]string{
		"hs_object_id": formatID(r.id), "createdate": string(appendInstant(nil, r.created)), t.modified: string(appendInstant(nil, r.modified)),
	}
	for cells := r.values; cells != ""; {
		p, _, v, rest := nextCell(cells)
		if !t.list[p].archived {
			props[t.list[p].name] = v
		}
		cells = rest
	}
	return props
}

// ContactByEmail is the live contact with an address, primary or additional.
func (h *HubSpot) ContactByEmail(email string) (id string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ord, ok := h.emails[strings.ToLower(email)]
	if !ok {
		return "", false
	}
	return formatID(h.contacts.recs[ord].id), true
}

// ContactIDs are the ids of all live contacts, ascending as numbers.
func (h *HubSpot) ContactIDs() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.contacts.liveIDs()
}

func (t *objects) liveIDs() []string {
	ids := make([]string, 0, len(t.ids))
	for i := range t.recs {
		if t.recs[i].state == alive {
			ids = append(ids, formatID(t.recs[i].id))
		}
	}
	return ids
}

// Content is the value of the given properties, of all with a value where none are given, for every live contact by id: to
// compare two runs. Empty values are left out, and of all properties those that tell when something happened to a record.
func (h *HubSpot) Content(props ...string) map[string]map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.contacts
	out := make(map[string]map[string]string, len(t.recs))
	for i := range t.recs {
		r := &t.recs[i]
		if r.state != alive {
			continue
		}
		all := t.properties(uint32(i))
		if len(props) == 0 {
			delete(all, "createdate")
			delete(all, t.modified)
		} else {
			maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(props, name) })
		}
		out[formatID(r.id)] = all
	}
	return out
}

// Patches tells what the API wrote, by the id of the contact written to.
func (h *HubSpot) Patches() map[string]PatchCount {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.contacts
	out := make(map[string]PatchCount, h.tally.patched)
	for i := range t.recs {
		r := &t.recs[i]
		if r.writes == 0 {
			continue
		}
		c := PatchCount{Writes: int(r.writes), Properties: make(map[string]int, len(r.wrote))}
		for _, w := range r.wrote {
			c.Properties[t.list[w.prop].name] = int(w.n)
		}
		out[formatID(r.id)] = c
	}
	return out
}

// CreateDeal adds a deal with contacts on it and returns its id. Where they are not given, hs_is_closed and hs_is_closed_won
// follow from dealstage. The contacts' num_associated_deals moves, as in HubSpot. It panics as CreateContact does.
func (h *HubSpot) CreateDeal(props map[string]string, contactIDs ...string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := h.deals.recs[h.seed(h.deals, props)].id
	for _, c := range contactIDs {
		ord, ok := h.contacts.live(c)
		if !ok {
			panic(fmt.Errorf("%w: contact %s", ErrNotFound, c))
		}
		h.associate(id, ord)
	}
	return formatID(id)
}

// associate puts a live contact on a deal.
func (h *HubSpot) associate(deal int64, contact uint32) {
	t := h.contacts
	id := t.recs[contact].id
	h.link(deal, id)
	n := change{t.byName["num_associated_deals"].number, strconv.AppendInt(nil, int64(len(t.linked[id])), 10)}
	h.apply(t, contact, []change{n}, func(int) author { return author{source: byCalculation} }, h.nowMs())
}

// UpdateDeal sets properties of a live deal, as UpdateContact does.
func (h *HubSpot) UpdateDeal(id string, props map[string]string, by string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.edit(h.deals, []string{id}, props, by)
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
	h.mu.Lock()
	defer h.mu.Unlock()
	ord, ok := h.contacts.follow(contactID)
	if !ok {
		panic(fmt.Errorf("%w: contact %s", ErrNotFound, contactID))
	}
	if o.ID == "" {
		o.ID = h.uuid()
	}
	id := h.contacts.recs[ord].id
	list := h.occurrences[id]
	at, _ := slices.BinarySearchFunc(list, o, func(x, y Occurrence) int {
		return cmp.Or(x.Time.Compare(y.Time), strings.Compare(x.ID, y.ID))
	})
	h.occurrences[id] = slices.Insert(list, at, o)
}

// Rule is a validation rule of the portal's admin: a record whose property When has the value Is needs a value in Require.
// Writes over the 2026-09 paths keep it, older paths do not.
type Rule struct{ When, Is, Require string }

// AddRule makes the portal keep a rule for contacts.
func (h *HubSpot) AddRule(r Rule) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rules = append(h.rules, r)
}

// Define adds a property of the portal's own to an object ("contacts" or "deals"), as a person would in the settings. Options
// are for enumerations.
func (h *HubSpot) Define(object, name, typ, fieldType string, options ...string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.table(object)
	if t == nil {
		return fmt.Errorf("sandbox: no object %q", object)
	}
	if _, there := t.byName[name]; there {
		return fmt.Errorf("sandbox: property %q exists", name)
	}
	if !slices.Contains(fieldTypes[typ], fieldType) {
		return fmt.Errorf("sandbox: a %s is no %s", fieldType, typ)
	}
	now := h.nowMs()
	p := &property{name: name, label: name, typ: typ, fieldType: fieldType, group: t.groups[0].name, displayOrder: -1, created: now, updated: now}
	for i, v := range options {
		p.options = append(p.options, option{Label: v, Value: v, DisplayOrder: i})
	}
	t.define(p)
	return nil
}
