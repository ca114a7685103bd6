// Package salesforce connects intentd to one Salesforce org: it watches leads and contacts, reads and patches them in sObject
// collections or bulk jobs, reads closed opportunities, makes intentd's fields and the permission sets that show them, and offers
// the org's activities as a source of journeys.
//
// Terms. An org is a customer's Salesforce. SystemModstamp is when a record last changed, in whole seconds. The keyset is a position
// in the order of stamp and id; the watermark is the time up to which every commit is known to be visible. Describe tells which
// fields the integration user may see.
//
// Promises:
//   - A poll in which nothing changed costs one request per object. A change is found however many others share its stamp, while
//     records change during the walk, when its transaction was longer than any lookback, as far as Salesforce's watermark knows
//     of it, and when it was committed up to Options.Lookback late even if not. What a poll told, and the host has stored, is
//     dropped when the lookback meets it again.
//   - Every page is a query of its own from the keyset on, so that no query locator outlives a session.
//   - What is read is an allow-list of fields that describe confirms; a hidden or missing one is left out and found by Probe.
//     What is written are intentd's own fields alone, never the verdict, and never a new record.
//   - Every record asked about is answered for, in order: live, in the bin, merged or converted into another, or deleted.
//   - One bad row never costs its batch, also where a trigger fails the whole transaction for it, and neither does the number of rows
//     that an org's automation bears. Rows of one account are never in two batches at once, within a Write and across them.
//   - How a bulk job ended, or what is not told of it, never stops the connector.
//   - Only fields that intentd made, or was told to adopt, are used; standard ones never.
package salesforce

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Object names as they stand in Ref.Object.
const (
	Lead        = "Lead"
	Contact     = "Contact"
	Opportunity = "Opportunity"
)

const (
	pageSize       = 2000  // records of a query's answer, and of a poll's or sweep's page per object
	readSize       = 2000  // ids of a collection that is read
	batchSize      = 200   // rows of a collection that is written
	longestURI     = 16000 // bytes of path and query, a little below what Salesforce answers with 414
	describeFor    = 12 * time.Hour
	recheckLimit   = 15 * time.Minute // after which a spent day is asked about again: calls come free all the time
	mostCallsAtOne = 25               // long calls that Salesforce grants an org at once
)

// Client is one org. It is safe for concurrent use.
type Client struct {
	o       Options
	login   *url.URL
	http    *transport.Client
	tokens  *transport.Tokens
	budget  *transport.Budget
	data    string // the path of the API version
	objects map[string]*object
	order   []string // of the objects
	account *object  // what person accounts are written as

	who    atomic.Pointer[identity] // of the running user; nil until a token was fetched
	org    atomic.Pointer[url.URL]  // where the org is; nil until a token was fetched
	told   told                     // what polls told lately
	groups groups                   // accounts whose records are being written
	idle   idleRecords
	users  users // who edited intentd's fields

	tracked tracked // since when fields are

	persons personAccounts
}

var (
	_ connectors.CRM           = (*Client)(nil)
	_ connectors.Account       = (*Client)(nil)
	_ connectors.Sweeper       = (*Client)(nil)
	_ connectors.SyncEstimator = (*Client)(nil)
	_ connectors.IDNormaliser  = (*Client)(nil)
	_ connectors.Authorship    = (*Client)(nil)
	_ connectors.Provisioner   = (*Client)(nil)
	_ connectors.Prober        = (*Client)(nil)
	_ connectors.DealReader    = (*Client)(nil)
	_ connectors.BulkWriter    = (*Client)(nil)
	_ connectors.BulkAborter   = (*Client)(nil)
	_ connectors.Reporter      = (*Client)(nil)
)

var versionForm = regexp.MustCompile(`^[1-9][0-9]{1,2}\.0$`)

// New is a client for the org that o describes. It makes no request. Its errors are of kind Config and hold no secret.
func New(o Options) (*Client, error) {
	if o.Name == "" {
		o.Name = "salesforce"
	}
	if e := crmkit.CheckName(o.Name); e != nil {
		return nil, e
	}
	if o.LoginURL == "" {
		o.LoginURL = productionLogin
	}
	if o.APIVersion == "" {
		o.APIVersion = "67.0"
	}
	if !versionForm.MatchString(o.APIVersion) {
		return nil, crmkit.ConfigError(o.Name, fmt.Sprintf("api_version %q is no version such as 67.0", o.APIVersion), "set api_version to \"67.0\"")
	}
	if len(o.Objects) == 0 {
		o.Objects = []string{Lead, Contact}
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
	c := &Client{o: o, data: "/services/data/v" + o.APIVersion, objects: map[string]*object{}, account: describable("Account")}
	base, err := transport.ParseBase(o.LoginURL)
	if err != nil {
		return nil, crmkit.ConfigError(o.Name, "login_url: "+err.Error(), "set login_url to "+productionLogin)
	}
	c.login = base
	if o.InstanceURL != "" {
		if base, err = transport.ParseBase(o.InstanceURL); err != nil {
			return nil, crmkit.ConfigError(o.Name, "instance_url: "+err.Error(), "set instance_url to the org's My Domain, such as https://example.my.salesforce.com")
		}
	}
	for _, name := range o.Objects {
		obj, e := newObject(o, name)
		if e != nil {
			return nil, e
		}
		if c.objects[obj.name] == nil {
			c.objects[obj.name] = obj
			c.order = append(c.order, obj.name)
		}
	}
	slices.Sort(c.order)
	slices.Reverse(c.order) // leads first: a conversion is told before its contact
	redactor := transport.NewRedactor(o.Auth.ClientSecret, o.Auth.RefreshToken)
	fetch, e := c.grants(redactor)
	if e != nil {
		return nil, e
	}
	c.tokens = transport.NewTokens(fetch, o.Now)
	c.budget = transport.NewBudget(transport.BudgetOptions{
		Connector: o.Name, Reserve: 1 - o.DailyShare, Recheck: recheckLimit, Ledger: o.Ledger, Now: o.Now,
	})
	c.http = transport.New(transport.Options{
		Name: o.Name, Base: base, HTTP: o.HTTP, Tokens: c.tokens, Budget: c.budget, Redactor: redactor, Classify: c.classify, Learn: learn,
		InFlight: o.CallsInFlight, Timeout: 2 * time.Minute, // a query may take that long
		// By default any update runs the org's assignment rules and gives leads away.
		Prepare: func(r *http.Request) { r.Header.Set("Sforce-Auto-Assign", "FALSE") },
		Now:     o.Now, Logger: o.Logger,
	})
	return c, nil
}

func (o *Options) setLimits() *connectors.Error {
	o.Lookback = cmp.Or(o.Lookback, 10*time.Minute)
	o.DailyShare = cmp.Or(o.DailyShare, 0.8)
	o.Poll = cmp.Or(o.Poll, 5*time.Minute)
	o.SweepEvery = cmp.Or(o.SweepEvery, 7*24*time.Hour)
	o.WriteConcurrency = cmp.Or(o.WriteConcurrency, 4)
	o.CallsInFlight = cmp.Or(o.CallsInFlight, 10)
	o.BulkThreshold = cmp.Or(o.BulkThreshold, 2000)
	switch {
	case o.Lookback < 0:
		return crmkit.ConfigError(o.Name, "lookback is negative", "set lookback to 10m")
	case !(o.DailyShare > 0 && o.DailyShare <= 1):
		return crmkit.ConfigError(o.Name, "daily_share lies outside 0 to 1", "set daily_share to 0.8")
	case o.WriteConcurrency < 1 || o.BulkThreshold < 1:
		return crmkit.ConfigError(o.Name, "a negative limit", "leave write_concurrency and bulk_threshold out")
	case o.CallsInFlight < 1 || o.CallsInFlight > mostCallsAtOne:
		return crmkit.ConfigError(o.Name, "calls_in_flight lies outside 1 to 25, what an org may have at once", "set calls_in_flight to 10")
	}
	return nil
}

func (c *Client) err(kind connectors.Kind, op, format string, args ...any) *connectors.Error {
	return c.http.Err(kind, op, "", fmt.Sprintf(format, args...))
}

// Release ends every wait: see connectors.Releaser.
func (c *Client) Release() { c.http.Release() }

// Report is the connector's present condition.
func (c *Client) Report() connectors.Report { return c.http.Report() }

var usage = regexp.MustCompile(`(per-app-)?api-usage\s*=\s*(\d+)\s*/\s*(\d+)`)

// learn reads the limit header: "api-usage=18/5000; per-app-api-usage=17/250(appName=x)". Of the two limits the one that is
// nearer to its end counts.
func learn(h http.Header) transport.Observed {
	o := transport.Unobserved
	for _, m := range usage.FindAllStringSubmatch(h.Get("Sforce-Limit-Info"), 4) {
		used, err := strconv.ParseInt(m[2], 10, 64)
		limit, err2 := strconv.ParseInt(m[3], 10, 64)
		if err != nil || err2 != nil || limit <= 0 {
			continue
		}
		left := max(limit-used, 0)
		if o.DayMax < 0 || float64(left)/float64(limit) < float64(o.DayRemaining)/float64(o.DayMax) {
			o.DayMax, o.DayRemaining = limit, left
		}
	}
	return o
}

func (c *Client) ref(object, id string) connectors.Ref {
	return connectors.Ref{CRM: c.o.Name, Object: object, ID: id}
}

// present is the time by Salesforce's clock; it asks for it if no answer has told it yet.
func (c *Client) present(ctx context.Context) (time.Time, error) {
	if now, known := c.http.ServerNow(); known {
		return now, nil
	}
	if _, err := c.http.Do(ctx, transport.Get("read the limits", c.data+"/limits")); err != nil {
		return time.Time{}, err
	}
	now, _ := c.http.ServerNow()
	return now, nil
}
