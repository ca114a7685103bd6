package hubspot

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// journalFile is what one file of the journal tells of this account.
type journalFile struct {
	after, offset string
	published     time.Time
	ids           []string // contacts that something happened to, each once, in order
	lifecycle     string   // what happened to the app last: appInstalled, appUninstalled or ""
	skipped       map[string]int64

	portal string
	seen   map[string]bool
}

// Actions that decide something.
const (
	appInstalled   = "APP_INSTALL"
	appUninstalled = "APP_UNINSTALL"
)

// tellingActions are those that say that a record is not as it was.
var tellingActions = map[string]bool{"CREATE": true, "UPDATE": true, "DELETE": true, "MERGE": true, "RESTORE": true, gdprDelete: true}

const gdprDelete = "GDPR_DELETE"

// Reasons why an entry of the journal tells of nothing here.
const (
	skipAccount    = "another account"
	skipAction     = "an action that is not known"
	skipObject     = "another object"
	skipNobody     = "no record named"
	skipUnreadable = "unreadable"
	skipFailing    = "HubSpot cannot read the record"
)

var (
	errNoPointer = errors.New("an answer without address and offset")
	errNoEvents  = errors.New("a file without a list of events")
	errLongFile  = errors.New("a file that is longer than 64 MiB")
)

// fetch reads the file that a pointer leads to; nil says that the address has ended, and is to be asked for again. Whoever has the address
// may read the file: it is sent without a token and stands in no log.
func (j *journal) fetch(ctx context.Context, to *journalPointer) (*journalFile, error) {
	const op = "read a file of the webhooks journal"
	u, err := url.Parse(to.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && transport.Loopback(u.Hostname())) {
		return nil, j.http.Err(connectors.Transient, op, "", "the journal tells no address that can be read safely")
	}
	portal := ""
	if known := j.c.portal.Load(); known != nil {
		portal = *known
	}
	var f *journalFile
	r := transport.Get(op, u.RequestURI())
	r.Base, r.Anonymous, r.Secret = &url.URL{Scheme: u.Scheme, Host: u.Host}, true, true
	r.Answers = []int{http.StatusForbidden, http.StatusNotFound, http.StatusGone}
	r.Stream = func(body io.Reader) error {
		f = &journalFile{offset: to.Offset, portal: portal, seen: map[string]bool{}, skipped: map[string]int64{}}
		return f.read(&bounded{body, fileBytes})
	}
	resp, err := j.http.Do(ctx, r)
	if resp != nil && (resp.Status == http.StatusForbidden || resp.Status == http.StatusNotFound || resp.Status == http.StatusGone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f.seen = nil
	return f, nil
}

// bounded fails beyond a number of bytes.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongFile
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// read takes a file in as it comes. An event that cannot be read is counted; one that breaks the JSON breaks the file.
func (f *journalFile) read(r io.Reader) error {
	d := json.NewDecoder(r)
	if err := open(d, '{'); err != nil {
		return err
	}
	events := false
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if name == "journalEvents" {
			if err := open(d, '['); err != nil {
				return err
			}
			for events = true; d.More(); {
				var raw json.RawMessage
				if err := d.Decode(&raw); err != nil {
					return err
				}
				f.take(raw)
			}
			if _, err := d.Token(); err != nil {
				return err
			}
			continue
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		if name == "publishedAt" {
			var text string
			json.Unmarshal(raw, &text)
			f.published, _ = parseTime(text)
		}
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if !events {
		return errNoEvents
	}
	return nil
}

func open(d *json.Decoder, with json.Delim) error {
	if t, err := d.Token(); err != nil {
		return err
	} else if t != with {
		return errNoEvents
	}
	return nil
}

// take notes what an event tells. Action and object decide: the words for its type are not documented.
func (f *journalFile) take(raw []byte) {
	var e struct {
		Action   string `json:"action"`
		Portal   any    `json:"portalId"` // ids come as numbers or texts
		Object   string `json:"objectTypeId"`
		ObjectID any    `json:"objectId"`
		Merged   []any  `json:"mergedObjectIds"`
	}
	if json.Unmarshal(raw, &e) != nil {
		f.skipped[skipUnreadable]++
		return
	}
	switch {
	case idText(e.Portal) != f.portal:
		f.skipped[skipAccount]++
		return
	case e.Action == appInstalled || e.Action == appUninstalled:
		f.lifecycle = e.Action
		return
	case !tellingActions[e.Action]:
		f.skipped[skipAction]++
		return
	case e.Object != contactType && !(e.Object == "" && e.Action == gdprDelete):
		f.skipped[skipObject]++
		return
	}
	named := false
	for _, v := range append([]any{e.ObjectID}, e.Merged...) {
		id := idText(v)
		if _, ok := recordID(id); !ok {
			continue
		}
		if named = true; !f.seen[id] {
			f.seen[id] = true
			f.ids = append(f.ids, id)
		}
	}
	if !named {
		f.skipped[skipNobody]++
	}
}
