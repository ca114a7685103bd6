package sandbox

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// JournalApp is the app whose webhooks journal the portal keeps: changes that the app subscribed to, as files in the order of their
// publication. It is read under a token of the app itself, which reads no records; the portal's own token reads no journal.
type JournalApp struct {
	ID                     int64 // 0: 936515
	ClientID, ClientSecret string
	Scopes                 []string      // nil: all
	TokenTTL               time.Duration // of an access token; 0: 30 minutes
	Lag                    time.Duration // from a change's second to its publication; 0: 1 s, for the true one is not documented
	FileRecords            int           // entries of a file; 0: 10,000
	URLTTL                 time.Duration // of the address of a file; 0: 5 minutes
	Retention              time.Duration // 0: three days
}

// Requests a second that an app may make.
const (
	journalPerSecond       = 100
	subscriptionsPerSecond = 50
)

// hubApp is an app with its journal.
type hubApp struct {
	JournalApp
	tokens        map[string]appToken
	subscriptions []*subscription
	lastID        int64                 // of a subscription
	global, local journalFiles          // of all accounts, and of this one: each counts by offsets of its own
	addresses     map[string]signedFile // by signature
	removed       bool                  // from the account
	reads, writes *rolling
}

type appToken struct {
	end    time.Time
	scopes []string
}

// journalFiles are the entries of a journal: those that are not published yet, and files.
type journalFiles struct {
	name    string
	pending []journalEntry
	files   []journalFile // oldest first
}

// journalEntry is one event as the journal tells it.
type journalEntry struct {
	at   int64 // ms
	body []byte
}

type journalFile struct {
	offset    string
	published time.Time
	body      []byte
}

type signedFile struct {
	body  []byte
	until time.Time
}

func newHubApp(o JournalApp) *hubApp {
	o.ID = cmp.Or(o.ID, 936515)
	o.TokenTTL, o.Lag, o.URLTTL = cmp.Or(o.TokenTTL, 30*time.Minute), cmp.Or(o.Lag, time.Second), cmp.Or(o.URLTTL, 5*time.Minute)
	o.FileRecords, o.Retention = cmp.Or(o.FileRecords, 10_000), cmp.Or(o.Retention, 72*time.Hour)
	return &hubApp{
		JournalApp: o, tokens: map[string]appToken{}, addresses: map[string]signedFile{},
		global: journalFiles{name: "journal"}, local: journalFiles{name: "journal-local"},
		reads: &rolling{max: journalPerSecond, span: time.Second}, writes: &rolling{max: subscriptionsPerSecond, span: time.Second},
	}
}

// journalled is an entry as it stands in a file.
type journalled struct {
	Type            string             `json:"type"`
	PortalID        int64              `json:"portalId"`
	OccurredAt      string             `json:"occurredAt"`
	Action          string             `json:"action"`
	ObjectTypeID    string             `json:"objectTypeId,omitempty"`
	ObjectID        any                `json:"objectId,omitempty"`
	PropertyChanges map[string]*string `json:"propertyChanges,omitempty"`
	MergedObjectIDs []int64            `json:"mergedObjectIds,omitempty"`
}

// enter writes an event into the journal if the app subscribed to it. Ids come as numbers and, of every third entry, as texts.
func (h *HubSpot) enter(e journalled, now int64) {
	if h.app == nil || !h.app.subscribed(e) {
		return
	}
	e.PortalID, e.OccurredAt = h.o.PortalID, instant(now)
	if id, ok := e.ObjectID.(int64); ok && id%3 == 0 {
		e.ObjectID = formatID(id)
	}
	h.app.put(journalEntry{now, marshal(e)}, true)
}

func (a *hubApp) put(e journalEntry, own bool) {
	a.global.pending = append(a.global.pending, e)
	if own {
		a.local.pending = append(a.local.pending, e)
	}
}

// happened tells the journal what was done to a record.
func (h *HubSpot) happened(action string, o *hubObject, r *record, now int64, merged ...*record) {
	if h.app == nil {
		return
	}
	e := journalled{Type: "crmObject", Action: action, ObjectTypeID: o.typeID(), ObjectID: r.number}
	for _, m := range merged {
		e.MergedObjectIDs = append(e.MergedObjectIDs, m.number)
	}
	h.enter(e, now)
}

// changed tells the journal of values that were set: only of those that the app subscribed to, and that are others than before.
func (h *HubSpot) changed(action string, o *hubObject, r *record, before func(number int) string, values changes, now int64) {
	if h.app == nil {
		return
	}
	told := map[string]*string{}
	for name, v := range values {
		if p := o.byName[name]; !h.app.wants(o.typeID(), name) || before(p.number) == v {
			continue
		}
		if v == "" {
			told[name] = nil
		} else {
			told[name] = &v
		}
	}
	if len(told) > 0 || action == "CREATE" {
		h.enter(journalled{Type: "crmObject", Action: action, ObjectTypeID: o.typeID(), ObjectID: r.number, PropertyChanges: told}, now)
	}
}

func (o *hubObject) typeID() string {
	if o.singular == "deal" {
		return "0-3"
	}
	return "0-1"
}

// publish makes files of what is due, and drops those that are too old. The events of a second share a file, as far as they fit.
func (h *HubSpot) publish(j *journalFiles, now time.Time) {
	a := h.app
	for len(j.pending) > 0 {
		second := j.pending[0].at / 1000
		published := time.UnixMilli((second + 1) * 1000).Add(a.Lag)
		if published.After(now) {
			break
		}
		n := 0
		for n < len(j.pending) && n < a.FileRecords && j.pending[n].at/1000 <= second {
			n++
		}
		f := journalFile{offset: h.uuid(), published: published}
		var b bytes.Buffer
		fmt.Fprintf(&b, `{"offset":%q,"publishedAt":%q,"journalEvents":[`, f.offset, instant(published.UnixMilli()))
		for i, e := range j.pending[:n] {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(e.body)
		}
		b.WriteString("]}")
		f.body = b.Bytes()
		j.files, j.pending = append(j.files, f), j.pending[n:]
	}
	j.files = slices.DeleteFunc(j.files, func(f journalFile) bool { return now.Sub(f.published) >= a.Retention })
}

// journal is the one that a call's path names. That of one account wants to know whose.
func (h *HubSpot) journal(c call) *journalFiles {
	j := &h.app.global
	if c.api == "journal-local" {
		j = &h.app.local
		id := c.params().Get("installPortalId")
		refuseIf(id != "" && id != formatID(h.o.PortalID), http.StatusForbidden, "INVALID_INSTALL", "The app is not installed in account %s", id)
	}
	h.publish(j, c.now)
	return j
}

func (j *journalFiles) at(offset string) int {
	i := slices.IndexFunc(j.files, func(f journalFile) bool { return f.offset == offset })
	refuseIf(i < 0, http.StatusNotFound, "OBJECT_NOT_FOUND", "No journal entry found for the offset")
	return i
}

var nothingNewer = reply{status: http.StatusNoContent}

// pointer is what a journal says of a file.
type pointer struct {
	URL           string `json:"url"`
	ExpiresAt     string `json:"expiresAt"`
	CurrentOffset string `json:"currentOffset"`
}

// point signs an address of a file for a while.
func (h *HubSpot) point(c call, f journalFile) pointer {
	a, until := h.app, c.now.Add(h.app.URLTTL)
	for s, old := range a.addresses {
		if !c.now.Before(old.until.Add(time.Hour)) {
			delete(a.addresses, s)
		}
	}
	signature := h.secret(40)
	a.addresses[signature] = signedFile{f.body, until}
	base := "https://journal-files.sandbox.example"
	if strings.HasPrefix(c.base, "http://") { // a sandbox behind a socket serves its files itself
		base = c.base
	}
	return pointer{fmt.Sprintf("%s/journal-files/%s.json?sig=%s", base, f.offset, signature), until.UTC().Format(time.RFC3339), f.offset}
}

func (h *HubSpot) pointTo(c call, files []journalFile) reply {
	if len(files) == 0 {
		return nothingNewer
	}
	return jsonReply(http.StatusOK, h.point(c, files[0]))
}

func (h *HubSpot) earliest(c call, _ *hubObject) reply { return h.pointTo(c, h.journal(c).files) }

func (h *HubSpot) latest(c call, _ *hubObject) reply {
	files := h.journal(c).files
	return h.pointTo(c, files[max(len(files)-1, 0):])
}

func (h *HubSpot) next(c call, _ *hubObject) reply {
	j := h.journal(c)
	return h.pointTo(c, j.files[j.at(c.rest[2])+1:])
}

// pointers answers with a batch of them.
func (h *HubSpot) pointers(c call, files []journalFile) reply {
	now := instant(c.now.UnixMilli())
	list := []pointer{}
	for _, f := range files {
		list = append(list, h.point(c, f))
	}
	return jsonReply(http.StatusOK, map[string]any{"status": "COMPLETE", "startedAt": now, "completedAt": now, "results": list})
}

func (c call) count(part string) int {
	n, err := strconv.Atoi(part)
	invalidIf(err != nil || n < 1 || n > 100, "maxCount must lie between 1 and 100")
	return n
}

func (h *HubSpot) batchEarliest(c call, _ *hubObject) reply {
	files := h.journal(c).files
	return h.pointers(c, files[:min(c.count(c.rest[3]), len(files))])
}

func (h *HubSpot) batchLatest(c call, _ *hubObject) reply {
	files := h.journal(c).files
	return h.pointers(c, files[max(len(files)-c.count(c.rest[3]), 0):])
}

func (h *HubSpot) batchNext(c call, _ *hubObject) reply {
	j := h.journal(c)
	files := j.files[j.at(c.rest[2])+1:]
	return h.pointers(c, files[:min(c.count(c.rest[4]), len(files))])
}

// pointersAgain answers for offsets that were told before.
func (h *HubSpot) pointersAgain(c call, _ *hubObject) reply {
	var in struct{ Inputs []string }
	c.read(&in)
	batchSize(len(in.Inputs), maxBatch)
	j := h.journal(c)
	found, missing := []pointer{}, []string{}
	for _, offset := range in.Inputs {
		if i := slices.IndexFunc(j.files, func(f journalFile) bool { return f.offset == offset }); i >= 0 {
			found = append(found, h.point(c, j.files[i]))
		} else {
			missing = append(missing, offset)
		}
	}
	body := map[string]any{"status": "COMPLETE", "results": found}
	if len(missing) == 0 {
		return jsonReply(http.StatusOK, body)
	}
	body["numErrors"] = 1
	body["errors"] = []any{map[string]any{"status": "error", "category": "OBJECT_NOT_FOUND", "message": "Some offsets were not found", "context": map[string][]string{"offsets": missing}}}
	return jsonReply(http.StatusMultiStatus, body)
}

// file answers at a signed address, as file stores do: in XML where it refuses, and refusing who comes with a token besides.
func (h *HubSpot) file(c call, _ *hubObject) reply {
	refuse := func(status int, code string) reply {
		return reply{status: status, header: http.Header{"Content-Type": {"application/xml"}}, body: []byte(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>` + code + `</Code></Error>`)}
	}
	if c.header.Get("Authorization") != "" {
		return refuse(http.StatusBadRequest, "InvalidArgument")
	}
	f, known := h.app.addresses[c.params().Get("sig")]
	if !known || !c.now.Before(f.until) {
		return refuse(http.StatusForbidden, "AccessDenied")
	}
	return reply{status: http.StatusOK, body: f.body}
}

// admitApp refuses calls of the app without a token for them, or beyond its limits.
func (h *HubSpot) admitApp(c call) {
	if h.app == nil {
		panic(noResource)
	}
	token, _ := strings.CutPrefix(c.header.Get("Authorization"), "Bearer ")
	need := "developer.webhooks_journal.read"
	window := h.app.reads
	if c.api == "subscriptions" {
		window = h.app.writes
		if need = "developer.webhooks_journal.subscriptions.write"; c.method == http.MethodGet {
			need = "developer.webhooks_journal.subscriptions.read"
		}
	}
	t, ok := h.app.tokens[token]
	switch {
	case !ok && token == h.o.Token: // a token of the account is none of the app
		panic(missingScopes(need))
	case !ok || !c.now.Before(t.end):
		panic(unauthenticated)
	case !slices.Contains(t.scopes, need):
		panic(missingScopes(need))
	}
	if wait, ok := window.allow(c.now); !ok && !h.o.Unlimited {
		h.tooMany("SECONDLY", wait)
	}
}

// appToken gives the app a token with those of the scopes asked for that it has.
func (h *HubSpot) appToken(c call, asked string) reply {
	a, t := h.app, appToken{end: c.now.Add(h.app.TokenTTL)}
	for _, s := range strings.Fields(asked) {
		if a.Scopes == nil || slices.Contains(a.Scopes, s) {
			t.scopes = append(t.scopes, s)
		}
	}
	token := "A" + h.secret(320)
	a.tokens[token] = t
	return jsonReply(http.StatusOK, map[string]any{"token_type": "bearer", "access_token": token, "expires_in": int(a.TokenTTL.Seconds())})
}

// What happens to an app and its journal, from Go.

// Uninstall takes the app out of the account: its subscriptions there end, and the journal tells of it if the app asked for that.
func (h *HubSpot) Uninstall() {
	defer h.lock()()
	h.enter(journalled{Type: "app_lifecycle_event", Action: "APP_UNINSTALL"}, h.nowMs())
	h.app.end(h.o.PortalID)
	h.app.removed = true
}

// Install puts the app back.
func (h *HubSpot) Install() {
	defer h.lock()()
	h.app.removed = false
	h.enter(journalled{Type: "app_lifecycle_event", Action: "APP_INSTALL"}, h.nowMs())
}

// Journal puts an event into the journal as it stands, of another account if own is false: what an app meets that nobody foresaw.
func (h *HubSpot) Journal(event string, own bool) {
	defer h.lock()()
	h.app.put(journalEntry{h.nowMs(), []byte(event)}, own)
}

// ExpireJournal drops all that was published so far, as if three days had passed.
func (h *HubSpot) ExpireJournal() {
	defer h.lock()()
	for _, j := range []*journalFiles{&h.app.global, &h.app.local} {
		h.publish(j, h.o.Now())
		j.files = nil
	}
}

// ExpireJournalAddresses ends all addresses of files told so far.
func (h *HubSpot) ExpireJournalAddresses() {
	defer h.lock()()
	clear(h.app.addresses)
}

// ExpireAppTokens ends all tokens of the app.
func (h *HubSpot) ExpireAppTokens() {
	defer h.lock()()
	clear(h.app.tokens)
}
