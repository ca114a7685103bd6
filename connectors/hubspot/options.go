package hubspot

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Options say how to reach one portal and what to read and write there. Zero values mean the default in parentheses.
type Options struct {
	Name    string // as configured: Ref.CRM ("hubspot")
	BaseURL string // ("https://api.hubapi.com"); https, except for loopback addresses
	// Token is a static bearer token, that of a service key; OAuth is the alternative. Exactly one is given.
	Token string
	// TokenFile is the file that Token was read from. It is read again when HubSpot refuses the token: it may have been rotated.
	// A new one must belong to the same portal. (none)
	TokenFile  string
	OAuth      *OAuth
	Journal    *JournalOptions // tells of changes in the place of searches (nil: it does not)
	APIVersion string          // "2026-09" or "v3" ("2026-09")

	SearchesPerSecond float64       // of the 5 the whole account may make (4)
	RateShare         float64       // share of the 10-second limit that intentd uses, 0 < share ≤ 1 (0.8)
	DailyReserve      float64       // share of the daily limit left to the portal's other users, 0 ≤ reserve < 1 (0.2; negative: none)
	Lookback          time.Duration // how far each poll reaches back over the last, for the search index lags (5 min)

	// Fields maps canonical field names to properties; those not named keep their default, intent_ and the canonical name.
	Fields map[string]string
	// Own are intentd's fields here; none: connectors.PersonFields.
	Own connectors.FieldSet
	// Adopt lets existing properties that intentd did not make be used, if their type is right.
	Adopt bool
	// Deals says that the host reads deals, so that Probe asks for the scope they need. (false)
	Deals bool
	// Inputs are further properties to read into Contact.Fields.
	Inputs []string

	WriteConcurrency int // batches in flight per Write call (4)
	ReadConcurrency  int // batches in flight per Read or Journeys call (4)

	// Poll and SweepEvery are how often the host polls and sweeps: for the cost that Probe reports (1 min, 7 days).
	Poll, SweepEvery time.Duration

	HTTP   http.RoundTripper // (a transport of its own)
	Now    func() time.Time  // wall clock (time.Now)
	Ledger connectors.Ledger // where the day's calls are kept over restarts (none)
	Logger *slog.Logger      // (silent)
}

// OAuth holds the credentials of an OAuth app's installation.
type OAuth struct{ ClientID, ClientSecret, RefreshToken string }

// EngagementOptions say how HubSpot's own engagement is read as a source.
type EngagementOptions struct {
	Name string // Event.Source (the client's name and "-engagement")
	// Occurrences is the store that Client.Events is taken into under the same name: it tells single page views and custom events,
	// which Enterprise accounts have. (none)
	Occurrences connectors.EventStore
}

// own are intentd's fields here.
func (o *Options) own() connectors.FieldSet {
	if o.Own.Fields == nil {
		return connectors.PersonFields()
	}
	return o.Own
}
