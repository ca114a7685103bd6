// Package connectortest holds the conformance suites that every connector passes: one behaviour, whatever the vendor.
//
// A suite knows no vendor. It works on a harness that the connector's own test provides: a CRM in a box that the suite can
// change behind the connector's back, make fail, and look into. Every case runs in a testing/synctest bubble of its own, so
// that limits, lags and quotas of hours cost nothing; a harness must not open sockets. What the tests of several connectors
// need besides, such as answers made by hand and faults of a sandbox, is here as well.
package connectortest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
)

// CRMHarness is one CRM with a connector for it, made for one case.
type CRMHarness interface {
	// Connect makes a connector as a restarted daemon would: it shares nothing with those made before.
	Connect(t *testing.T) connectors.CRM
	// Figures are what the suite must know of the vendor.
	Figures() CRMFigures

	// Create makes records with one modification time. Their inputs differ.
	Create(t *testing.T, n int) []connectors.Ref
	// Change sets the job title of records, as a user of the CRM does, all at one time.
	Change(t *testing.T, refs []connectors.Ref, jobTitle string)
	// SetOwn sets one of intentd's fields to a canonical value, as a user of the CRM does.
	SetOwn(t *testing.T, ref connectors.Ref, field, value string)
	// Own are intentd's fields of a live record as the CRM has them, canonical, without empty ones.
	Own(t *testing.T, ref connectors.Ref) map[string]string
	// Foreign are all other values of a live record, without modification stamps.
	Foreign(t *testing.T, ref connectors.Ref) map[string]string
	Merge(t *testing.T, winner, loser connectors.Ref) (survivor connectors.Ref)
	Archive(t *testing.T, ref connectors.Ref)
	Erase(t *testing.T, ref connectors.Ref)

	// Resist makes the CRM refuse every update of the record by a rule of its admin.
	Resist(t *testing.T, ref connectors.Ref)
	// Unprovision takes intentd's field out of the CRM.
	Unprovision(t *testing.T, field string)
	// Revoke ends the credentials.
	Revoke(t *testing.T)
	// Fail makes the next requests of a sort fail.
	Fail(t *testing.T, f Failure)

	// Requests is how many requests the CRM met so far, Limited how many of them it refused because of its limits.
	Requests() int64
	Limited() int64
	// Secrets are texts that no error may hold.
	Secrets() []string
}

// CRMFigures are a vendor's sizes.
type CRMFigures struct {
	Page         int           // records a page of Changes holds at most
	Batch        int           // patches of one request
	QueryCap     int           // records one query can page through; 0: no cap
	Lag          time.Duration // how long a change may stay unseen by the feed
	Lookback     time.Duration // how far the connector reaches back
	IdleRequests int64         // requests of a poll that finds nothing
	Title        string        // the property that Change sets, whose history the CRM keeps
}

// Requests of a sort, for faults.
type Requests uint8

const (
	AnyRequest Requests = iota
	FeedRequests
	ReadRequests
	WriteRequests
)

// FailureKind is how a request fails.
type FailureKind uint8

const (
	Unavailable FailureKind = iota + 1 // 503
	WebPage                            // a proxy's page in place of an answer
	Broken                             // the connection breaks before an answer
	Cut                                // it breaks in the middle of one
	LostAnswer                         // the request takes effect, its answer is lost
	Throttled                          // too many requests: wait a few seconds
	DayUsedUp                          // the day's quota is used up
)

// Failure says what goes wrong how many times (0: once).
type Failure struct {
	On    Requests
	Kind  FailureKind
	Times int
}

// CRM runs the conformance suite on the connector and CRM that make sets up. A connector that also implements Sweeper,
// Provisioner, Prober or Historian is held to their promises too.
func CRM(t *testing.T, make func(t *testing.T) CRMHarness) {
	for _, group := range [][]crmCase{feedCases, readCases, writeCases, failureCases, lifeCases} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				if c.long && testing.Short() {
					t.Skip("long")
				}
				synctest.Test(t, func(t *testing.T) { c.run(t, make(t)) })
			})
		}
	}
}

type crmCase struct {
	name string // the promise it keeps
	long bool
	run  func(t *testing.T, h CRMHarness)
}
