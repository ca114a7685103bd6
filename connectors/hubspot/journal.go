package hubspot

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// JournalOptions name the app whose webhooks journal tells of changes, in the place of searches.
type JournalOptions struct {
	ClientID, ClientSecret string
	Global                 bool // read the journal of all accounts of the app, not that of this one (false)
}

// journal follows the webhooks journal: files of changes in the order of their publication, each behind an offset. It tells of changes
// without the lag and the limits of the search, and keeps them for three days.
//
// An entry says only that something happened to a record: what the record is like a batch read tells, and so neither the order of
// entries of different records nor their times decide anything. The offset moves once a whole file was told; one that a crash cuts short is
// told again, which the host's comparison of inputs makes harmless.
//
// Where the offset is not known any more, the journal goes on from its earliest file. If that leaves a hole, a search by modification time
// closes it; what was deleted meanwhile, the next sweep finds.
type journal struct {
	c        *Client
	o        JournalOptions
	http     *transport.Client // under the app's own token, which reads no records
	name     string            // which of the two journals
	released atomic.Bool       // an admin said that the cause of a stop is gone

	mu         sync.Mutex
	file       *journalFile // being told
	subscribed time.Time    // when the subscriptions were last seen to be in order
	refused    []string     // what of them HubSpot does not take

	uninstalled atomic.Bool
}

// Names of the two journals, as in their paths. Whether their offsets mean the same is not documented.
const (
	journalOfAccount = "journal-local"
	journalOfApp     = "journal"
)

const (
	journalFeed      = "journal"
	journalKept      = 72 * time.Hour
	journalPage      = 1000            // records of a page: the longest files have ten times as many
	caughtUpEvery    = time.Minute     // how exactly a cursor tells when the journal was last read to its end
	journalLate      = 12 * time.Hour  // unread for so long, it is trouble
	journalPerSecond = 25              // of the 100 an app may make
	subscriptionsFor = 24 * time.Hour  // how long subscriptions are taken as they were
	fileTries        = 3               // addresses of one file that are asked for
	fileBytes        = int64(64 << 20) // of a file; HubSpot's own bound is 5 MB
)

// newJournal is the journal that o names. redactor is that of the client: it is told every token.
func (c *Client) newJournal(o JournalOptions, redactor *transport.Redactor) (*journal, *connectors.Error) {
	if o.ClientID == "" || o.ClientSecret == "" {
		return nil, crmkit.ConfigError(c.o.Name, "the webhooks journal needs an app, which a service key is not", "set client_id and client_secret_file of an app that is installed in the account")
	}
	j := &journal{c: c, o: o, name: journalOfAccount}
	if o.Global {
		j.name = journalOfApp
	}
	redactor.AddToken(o.ClientSecret)
	base, _ := transport.ParseBase(c.o.BaseURL)
	j.http = transport.New(transport.Options{
		Name: c.o.Name, Base: base, HTTP: c.o.HTTP, Tokens: transport.NewTokens(j.appToken, c.o.Now), Redactor: redactor,
		Budget: c.budget, Classify: c.classify, Now: c.o.Now, Logger: c.o.Logger,
	})
	return j, nil
}

// changes is Client.Changes by the journal. A page costs a request where nothing is new, otherwise two and the batch reads of its records.
func (j *journal) changes(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Contact], error) {
	var p connectors.Page[connectors.Contact]
	at, begun, err := j.position(from)
	if err != nil {
		return p, err
	}
	if j.c.portal.Load() == nil { // whose entries are ours?
		if _, err := j.c.Account(ctx); err != nil {
			return p, err
		}
	}
	if at.Removed != 0 && j.released.Swap(false) {
		if err := j.subscribe(ctx, true); err != nil {
			return p, err
		}
		j.installed(&at)
	}
	if at.Removed == 0 {
		// Before anything is read: nothing is recorded without a subscription, and nothing for the time before it.
		if err := j.subscribe(ctx, false); err != nil {
			return p, err
		}
	}
	j.uninstalled.Store(at.Removed != 0)
	switch {
	case !begun:
		err = j.begin(ctx, &at)
		p.More = at.Walk != nil
	case at.Removed == 0 && at.Walk != nil:
		p.Items, err = j.closeGap(ctx, &at)
		p.More = true
	default:
		p.Items, p.More, err = j.nextPage(ctx, &at)
	}
	if err != nil {
		return connectors.Page[connectors.Contact]{}, err
	}
	p.Next = at.cursor()
	j.c.told(p.Items)
	return p, nil
}

// begin starts at the latest file: what lies before it the first sweep tells, which comes after.
func (j *journal) begin(ctx context.Context, at *journalAt) error {
	latest, now, err := j.pointer(ctx, "/latest")
	if err != nil {
		return err
	}
	if latest != nil {
		at.Offset = latest.Offset
	}
	if at.Walk == nil {
		at.CaughtUp = now.UnixMilli()
	}
	return nil
}

// closeGap makes one search of a walk through the time that the journal does not tell of any more.
func (j *journal) closeGap(ctx context.Context, at *journalAt) ([]connectors.Contact, error) {
	items, next, more, err := j.c.walkOn(ctx, *at.Walk)
	if err != nil {
		return nil, err
	}
	if at.Walk = &next; !more {
		at.Walk, at.CaughtUp = nil, next.Since
	}
	return items, nil
}

// nextPage tells the next records of the next file.
func (j *journal) nextPage(ctx context.Context, at *journalAt) ([]connectors.Contact, bool, error) {
	f, err := j.nextFile(ctx, at)
	switch {
	case err != nil:
		return nil, false, err
	case f == nil && at.Removed != 0:
		return nil, false, j.removed()
	case f == nil:
		return nil, at.Walk != nil, nil
	}
	if at.File != f.offset {
		at.File, at.Told = f.offset, 0
	}
	ids := f.ids
	if at.Removed != 0 || f.lifecycle == appUninstalled {
		ids = nil // the account is not ours to read; what the file tells of it the search tells once it is again
	}
	ids = ids[min(at.Told, len(ids)):]
	page := ids[:min(journalPage, len(ids))]
	items, err := j.read(ctx, page, at)
	if err != nil {
		return nil, false, err
	}
	if at.Told += len(page); len(page) == len(ids) {
		j.finish(at, f)
	}
	return items, true, nil
}

// read reads contacts that changed. One over which HubSpot fails is told as gone: the host asks by itself what became of it, and has to do
// with that record alone.
func (j *journal) read(ctx context.Context, ids []string, at *journalAt) ([]connectors.Contact, error) {
	items, err := j.c.readChanged(ctx, ids)
	if len(ids) == 1 && connectors.KindOf(err) == connectors.Transient && ctx.Err() == nil {
		// Beside another one it shows whether it is the record or HubSpot.
		other := "1"
		if ids[0] == other {
			other = "2"
		}
		if _, both := j.c.readChanged(ctx, []string{ids[0], other}); connectors.KindOf(both) == connectors.Rejected {
			at.Skipped = addCounts(at.Skipped, map[string]int64{skipFailing: 1})
			return []connectors.Contact{{Ref: j.c.ref(ids[0]), State: connectors.Deleted}}, nil
		}
	}
	if connectors.KindOf(err) != connectors.Rejected || len(ids) == 1 {
		return items, err
	}
	first, err := j.read(ctx, ids[:len(ids)/2], at)
	if err != nil {
		return nil, err
	}
	second, err := j.read(ctx, ids[len(ids)/2:], at)
	return append(first, second...), err
}

// finish moves the position behind a file.
func (j *journal) finish(at *journalAt, f *journalFile) {
	at.Offset, at.File, at.Told = f.offset, "", 0
	if !f.published.IsZero() {
		at.Published = f.published.UnixMilli()
	}
	at.Skipped = addCounts(at.Skipped, f.skipped)
	switch {
	case f.lifecycle == appUninstalled && at.Removed == 0:
		now, _ := j.c.http.ServerNow()
		at.Removed, at.Walk = now.UnixMilli(), nil
		j.uninstalled.Store(true)
	case f.lifecycle == appInstalled: // also where it was away in between only
		j.installed(at)
		j.forgetSubscriptions()
	}
	j.keep(nil)
}

// installed goes on after the app came back: nothing was recorded meanwhile.
func (j *journal) installed(at *journalAt) {
	at.Removed = 0
	at.Walk = &walk{Feed: Contacts, Since: at.CaughtUp}
	j.uninstalled.Store(false)
}

// removed is the error of an account without the app.
func (j *journal) removed() *connectors.Error {
	e := j.http.Err(connectors.Auth, "follow the webhooks journal", "APP_UNINSTALL", "the app was uninstalled from the account: nothing is read or written there, and all that is known of it is kept")
	e.Fix = "install the app again; `intentd resume` goes on if HubSpot does not tell of it"
	return e
}

// gap goes on from the earliest file, because the offset is not known any more and the end was last reached longer ago than the journal
// is kept. A search comes first.
func (j *journal) gap(at *journalAt, now time.Time) {
	at.Offset, at.File, at.Told = "", "", 0
	at.Gaps++
	at.GapFrom, at.GapTo = at.CaughtUp, now.UnixMilli()
	at.Walk = &walk{Feed: Contacts, Since: at.CaughtUp}
	j.c.o.Logger.Warn("the webhooks journal does not reach back to where it was read last: a search tells what changed since, and the next sweep what was deleted",
		"connector", j.c.o.Name, "since", time.UnixMilli(at.CaughtUp).UTC().Format(time.RFC3339))
}

// nextFile is the file after the position, nil where there is none or, at the end of a gap, a search comes first.
func (j *journal) nextFile(ctx context.Context, at *journalAt) (*journalFile, error) {
	if f := j.kept(at); f != nil {
		return f, nil
	}
	if at.Journal != j.name { // its offsets are not those of the other one
		at.Journal, at.Offset, at.File, at.Told = j.name, "", "", 0
	}
	if now, _ := j.c.http.ServerNow(); at.Offset == "" && at.longAgo(now) {
		j.gap(at, now)
		return nil, nil
	}
	for range fileTries {
		path := "/earliest"
		if at.Offset != "" {
			path = "/offset/" + escape(at.Offset) + "/next"
		}
		next, now, err := j.pointer(ctx, path)
		if err != nil && !unknownOffset(err) {
			return nil, err
		}
		if unknownOffset(err) {
			// Either there was nothing for three days, or it is gone, or this is no journal at all.
			latest, now, err := j.pointer(ctx, "/latest")
			switch {
			case err != nil:
				return nil, err
			case latest != nil && latest.Offset == at.Offset:
			case at.longAgo(now):
				j.gap(at, now)
				return nil, nil
			case latest != nil:
				at.Offset = "" // nothing is lost: the earliest file reaches back behind the moment at which all was told
				continue
			default:
				at.Offset = ""
			}
			next = nil
		}
		if next == nil {
			at.caughtUp(now)
			return nil, nil
		}
		f, err := j.fetch(ctx, next)
		if err != nil {
			return nil, err
		}
		if f != nil {
			f.after = at.Offset
			j.keep(f)
			return f, nil
		}
	}
	return nil, j.http.Err(connectors.Transient, "read the webhooks journal", "", "the address of a file had ended each time before it was read")
}

// keep holds a file until it was told whole.
func (j *journal) keep(f *journalFile) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.file = f
}

// kept is the file of which the position has told a part.
func (j *journal) kept(at *journalAt) *journalFile {
	j.mu.Lock()
	defer j.mu.Unlock()
	if f := j.file; f != nil && f.after == at.Offset && f.offset == at.File {
		return f
	}
	return nil
}

// journalPointer is what the journal says of a file: its address, which is a secret, and its offset.
type journalPointer struct {
	URL    string `json:"url"`
	Offset string `json:"currentOffset"`
}

// unknownOffset says whether an error is the answer to an offset that the journal does not know.
func unknownOffset(err error) bool { return err == errUnknownOffset }

var errUnknownOffset = connectors.Errorf(connectors.Config, "go on in the webhooks journal", "the offset is not known any more")

// pointer asks for one, nil if there is none, and tells the time by HubSpot's clock.
func (j *journal) pointer(ctx context.Context, path string) (*journalPointer, time.Time, error) {
	var v *journalPointer
	r := transport.Get("read the webhooks journal", j.c.paths.journal(j.name, path))
	if portal := j.c.portal.Load(); j.name == journalOfAccount && portal != nil {
		r.Query = map[string][]string{"installPortalId": {*portal}}
	}
	r.Bucket, r.Answers = journalBucket, []int{http.StatusNotFound}
	r.Decode = func(a *transport.Response) error {
		v = nil
		if a.Status == http.StatusNoContent {
			return nil
		}
		v = new(journalPointer)
		if err := transport.Unmarshal(a.Body, v); err != nil {
			return err
		}
		if v.URL == "" || v.Offset == "" {
			return errNoPointer
		}
		return nil
	}
	resp, err := j.http.Do(ctx, r)
	if err != nil {
		return nil, time.Time{}, err
	}
	now := resp.Date
	if now.IsZero() {
		now, _ = j.c.http.ServerNow()
	}
	if resp.Status == http.StatusNotFound {
		if path == "/latest" || path == "/earliest" {
			return nil, now, j.c.notFound(r.Op)
		}
		return nil, now, errUnknownOffset
	}
	return v, now, nil
}

// readChanged reads contacts that changed. None is answered from a sweep's page, and a patch on its way finds out that they did.
func (c *Client) readChanged(ctx context.Context, ids []string) ([]connectors.Contact, error) {
	refs := make([]connectors.Ref, len(ids))
	for i, id := range ids {
		n, _ := recordID(id)
		c.sweepCache.changed(n, time.Time{})
		refs[i] = c.ref(id)
	}
	return c.read(ctx, refs, true)
}

// refuse keeps the client from an account without the app: it asks whose it is, and nothing else.
func (c *Client) refuse(r *transport.Request) *connectors.Error {
	if c.journal == nil || !c.journal.uninstalled.Load() || r.Anonymous || r.Path == c.paths.account() {
		return nil
	}
	return c.journal.removed()
}

// forgetSubscriptions has them looked at again.
func (j *journal) forgetSubscriptions() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.subscribed = time.Time{}
}

// lacks is what of the subscriptions HubSpot did not take.
func (j *journal) lacks() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.refused)
}
