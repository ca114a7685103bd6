// Package hubspot connects intentd to one HubSpot portal: it watches contacts, reads and patches them in batches, reads closed
// deals, makes intentd's properties, and offers the engagement HubSpot recorded itself as a source of journeys: summary properties
// with their history, and on Enterprise accounts event occurrences, as a feed.
//
// Terms. A portal is a HubSpot account. A property is a field; its history are its versions, each with the time and author of
// the change. A window is a fixed span of modification time that one poll walks through in order of record id.
//
// Promises:
//   - A poll in which nothing changed costs one request. A change is found however many others share its modification
//     time, while records change during the walk, and when the search index lags by up to Options.Lookback. Within that
//     overlap a change may be told again: dropping what was handled is left to the host's comparison of inputs, which it needs
//     for the echoes of its own writes anyway, and so a cursor stays a few dozen bytes.
//   - What is read is an allow-list of properties; what is written are intentd's own fields alone, and never the verdict. The tasks that
//     a host asks for are the one exception (PutTask).
//   - Every record asked about is answered for, in order: live, archived, merged into another, or erased, which means that
//     HubSpot knows it neither as live, nor as archived, nor as merged; the host waits whether it stays so.
//   - A contact that a sweep told within the last minutes is not read again; before it is written, changes of others are looked for,
//     and a value that a person set since is not overwritten.
//   - One bad row, or one record over which HubSpot fails, never costs its batch; a missing property is told once for all rows, with the command that makes it.
//   - Only properties that intentd made, or was told to adopt, are used; standard ones never.
package hubspot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Object names as they stand in Ref.Object.
const (
	Contacts = "contacts"
	Deals    = "deals"
)

const (
	batchSize        = 100 // inputs of a batch read or update
	historyBatchSize = 50  // inputs of a batch read with history
	searchPageSize   = 200
	searchBodyMax    = 3000 // characters of a search request
	urlQueryMax      = 6000 // characters of a query, well below what a 414 answers
)

// Client is one portal. It is safe for concurrent use.
type Client struct {
	o      Options
	http   *transport.Client
	budget *transport.Budget
	paths  paths
	schema *schema

	location   atomic.Pointer[time.Location] // of the account; nil until it was asked
	portal     atomic.Pointer[string]        // id of the account; nil until it was asked
	screens    atomic.Pointer[string]        // the host of its screens; nil until it was asked
	idle       idleContacts
	sweepCache *sweepCache

	engagement atomic.Bool // it is a source, too
	feed       atomic.Pointer[eventFeed]
	updateMax  atomic.Int64 // inputs of a batch update, as far as HubSpot took them
	noEvents   atomic.Int64 // until when (Unix seconds) event occurrences count as not to be had
	eventTypes atomic.Pointer[eventTypes]
	newcomers  newcomers
	journal    *journal // tells of changes in the place of searches; nil: it does not

	forms       atomic.Pointer[formFeed]
	conversions conversions
	email       atomic.Pointer[emailFeed]
}

var (
	_ connectors.CRM           = (*Client)(nil)
	_ connectors.Account       = (*Client)(nil)
	_ connectors.Sweeper       = (*Client)(nil)
	_ connectors.Authorship    = (*Client)(nil)
	_ connectors.Provisioner   = (*Client)(nil)
	_ connectors.Prober        = (*Client)(nil)
	_ connectors.DealReader    = (*Client)(nil)
	_ connectors.Reporter      = (*Client)(nil)
	_ connectors.Releaser      = (*Client)(nil)
	_ connectors.SyncEstimator = (*Client)(nil)
	_ connectors.ChangesReader = (*Client)(nil)
	_ connectors.OwnerReader   = (*Client)(nil)
	_ connectors.OwnerNamer    = (*Client)(nil)
	_ connectors.RecordLinker  = (*Client)(nil)
)

// New is a client for the portal that o describes. It makes no request. Its errors are of kind Config and hold no secret.
func New(o Options) (*Client, error) {
	if o.Name == "" {
		o.Name = "hubspot"
	}
	if e := crmkit.CheckName(o.Name); e != nil {
		return nil, e
	}
	if o.BaseURL == "" {
		o.BaseURL = "https://api.hubapi.com"
	}
	base, err := transport.ParseBase(o.BaseURL)
	if err != nil {
		return nil, crmkit.ConfigError(o.Name, "base_url: "+err.Error(), "set base_url to https://api.hubapi.com or leave it out")
	}
	if o.APIVersion == "" {
		o.APIVersion = "2026-09"
	}
	p, ok := pathsOf(o.APIVersion)
	if !ok {
		return nil, crmkit.ConfigError(o.Name, fmt.Sprintf("api_version %q is neither a date such as 2026-09 nor v3", o.APIVersion), "set api_version to \"2026-09\"")
	}
	if e := o.setLimits(); e != nil {
		return nil, e
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, e := newSchema(o)
	if e != nil {
		return nil, e
	}
	c := &Client{o: o, paths: p, schema: s, sweepCache: newSweepCache()}
	c.updateMax.Store(batchSize)
	tokens, redactor, e := c.credentials()
	if e != nil {
		return nil, e
	}
	dayLimit := int64(leastDailyLimit)
	if o.OAuth != nil {
		dayLimit = 0 // OAuth apps are told no daily limit
	}
	c.budget = transport.NewBudget(transport.BudgetOptions{
		Connector: o.Name,
		Share:     o.RateShare,
		Reserve:   o.DailyReserve,
		Window:    transport.Limit{Calls: max(int(leastWindowLimit*o.RateShare), 1), Per: 10 * time.Second},
		Shared:    true,
		Buckets:   map[string]transport.Limit{searchBucket: transport.PerSecond(o.SearchesPerSecond), journalBucket: transport.PerSecond(journalPerSecond)},
		DayLimit:  dayLimit,
		Day:       func(now time.Time) (string, time.Time) { return transport.DayIn(now, c.timeZone()) },
		Ledger:    o.Ledger,
		Now:       o.Now,
	})
	c.http = transport.New(transport.Options{
		Name: o.Name, Base: base, HTTP: o.HTTP, Tokens: tokens, Budget: c.budget, Redactor: redactor,
		Classify: c.classify, Learn: learn, Refuse: c.refuse, Now: o.Now, Logger: o.Logger,
	})
	if o.Journal != nil {
		if c.journal, e = c.newJournal(*o.Journal, redactor); e != nil {
			return nil, e
		}
	}
	return c, nil
}

// The least that any plan grants (Free and Starter), assumed until an answer's headers tell more.
const (
	leastWindowLimit = 100
	leastDailyLimit  = 250_000
	accountSearches  = 5 // searches per second of a whole account
	searchBucket     = "search"
	journalBucket    = "journal" // of the app's own limits; whether its calls count in the account's day is not documented, so they do here
)

func (o *Options) setLimits() *connectors.Error {
	o.SearchesPerSecond = cmp.Or(o.SearchesPerSecond, 4)
	o.RateShare = cmp.Or(o.RateShare, 0.8)
	o.Lookback = cmp.Or(o.Lookback, 5*time.Minute)
	o.WriteConcurrency = cmp.Or(o.WriteConcurrency, 4)
	o.ReadConcurrency = cmp.Or(o.ReadConcurrency, 4)
	o.Poll = cmp.Or(o.Poll, time.Minute)
	o.SweepEvery = cmp.Or(o.SweepEvery, 7*24*time.Hour)
	switch {
	case o.DailyReserve == 0:
		o.DailyReserve = 0.2
	case o.DailyReserve < 0:
		o.DailyReserve = 0
	}
	switch {
	case !(o.SearchesPerSecond > 0 && (o.SearchesPerSecond <= accountSearches || o.standIn())):
		return crmkit.ConfigError(o.Name, "searches_per_second lies outside 0 to 5, the allowance of the whole account", "set searches_per_second to 4")
	case !(o.RateShare > 0 && o.RateShare <= 1):
		return crmkit.ConfigError(o.Name, "rate_share lies outside 0 to 1", "set rate_share to 0.8")
	case !(o.DailyReserve < 1):
		return crmkit.ConfigError(o.Name, "daily_reserve lies outside 0 to 1", "set daily_reserve to 0.2")
	case o.Lookback < 0:
		return crmkit.ConfigError(o.Name, "lookback is negative", "set lookback to 5m")
	}
	return nil
}

// standIn says whether the base URL is on this machine: a sandbox, which may have no limits at all.
func (o *Options) standIn() bool {
	u, err := url.Parse(o.BaseURL)
	return err == nil && transport.Loopback(u.Hostname())
}

// timeZone is the account's, in which its daily quota turns; UTC until Account was asked.
func (c *Client) timeZone() *time.Location {
	if l := c.location.Load(); l != nil {
		return l
	}
	return time.UTC
}

func (c *Client) err(kind connectors.Kind, op, format string, args ...any) *connectors.Error {
	return c.http.Err(kind, op, "", fmt.Sprintf(format, args...))
}

// Release ends every wait: see connectors.Releaser.
func (c *Client) Release() {
	c.http.Release()
	if c.journal != nil {
		c.journal.http.Release()
		c.journal.released.Store(c.journal.uninstalled.Load())
	}
}

// Report is the connector's present condition, that of the journal included.
func (c *Client) Report() connectors.Report {
	r := c.http.Report()
	if c.journal != nil {
		j := c.journal.http.Report()
		r.Calls, r.Retries, r.RateLimited = r.Calls+j.Calls, r.Retries+j.Retries, r.RateLimited+j.RateLimited
		r.BytesSent, r.BytesReceived = r.BytesSent+j.BytesSent, r.BytesReceived+j.BytesReceived
		r.LastError = cmp.Or(r.LastError, j.LastError)
	}
	return r
}

// learn reads the limit headers, which most answers carry and search answers never do.
func learn(h http.Header) transport.Observed {
	get := func(name string) int64 {
		n, err := strconv.ParseInt(strings.TrimSpace(h.Get(name)), 10, 64)
		if err != nil || n < 0 {
			return -1
		}
		return n
	}
	o := transport.Unobserved
	o.Max, o.Remaining = get("X-HubSpot-RateLimit-Max"), get("X-HubSpot-RateLimit-Remaining")
	if ms := get("X-HubSpot-RateLimit-Interval-Milliseconds"); ms > 0 && ms <= 3_600_000 {
		o.Per = time.Duration(ms) * time.Millisecond
	}
	o.DayMax, o.DayRemaining = get("X-HubSpot-RateLimit-Daily"), get("X-HubSpot-RateLimit-Daily-Remaining")
	return o
}

func (c *Client) ref(id string) connectors.Ref {
	return connectors.Ref{CRM: c.o.Name, Object: Contacts, ID: id}
}

// numericIDs are the distinct record ids of refs, in order. Ids that are no numbers name nothing in HubSpot and are left out;
// a ref of another CRM or object is the host's mistake.
func (c *Client) numericIDs(op string, refs []connectors.Ref) ([]string, error) {
	ids := make([]string, 0, len(refs))
	seen := make(map[string]bool, len(refs))
	for _, r := range refs {
		if r.CRM != c.o.Name || r.Object != Contacts {
			return nil, c.err(connectors.Config, op, "%s is no contact of this portal", r)
		}
		if _, ok := recordID(r.ID); ok && !seen[r.ID] {
			seen[r.ID] = true
			ids = append(ids, r.ID)
		}
	}
	return ids, nil
}

// recordID is id as the number it is: ids grow longer over time and must not be compared as text.
func recordID(id string) (uint64, bool) {
	if id == "" || id[0] == '0' || id[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseUint(id, 10, 64)
	return n, err == nil
}

// doPage makes a call whose answer is a page of records. One without a list of results, or with a record that has no id, is no
// answer: taking it for an empty page would lose what it should have told.
func doPage(ctx context.Context, c *Client, r transport.Request) (*page, *transport.Response, error) {
	var v *page
	r.Decode = func(a *transport.Response) error {
		var err error
		if v, err = decodePage(a.Body); err != nil {
			return err
		}
		if v.Results == nil {
			return errors.New("no list of results")
		}
		for i := range v.Results {
			if _, ok := recordID(v.Results[i].ID); !ok {
				return errors.New("a record without an id")
			}
		}
		return nil
	}
	a, err := c.http.Do(ctx, r)
	if err != nil {
		return nil, a, err
	}
	return v, a, nil
}

func chunks[T any](s []T, n int) [][]T { return slices.Collect(slices.Chunk(s, n)) }
