package salesforce

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Options say how to reach one org and what to read and write there. Zero values mean the default in parentheses.
type Options struct {
	Name string // as configured: Ref.CRM ("salesforce")
	// LoginURL is where tokens come from ("https://login.salesforce.com"; "https://test.salesforce.com" for a sandbox org).
	LoginURL string
	// InstanceURL is the org's My Domain, such as https://example.my.salesforce.com (what the token answer tells). Client
	// credentials need it, for the login hosts do not take them.
	InstanceURL string
	Auth        Auth
	// Tokens keeps a rotated refresh token over restarts (none: it is lost with the process).
	Tokens     connectors.TokenStore
	APIVersion string   // ("67.0")
	Objects    []string // Lead, Contact (both)

	// Fields maps canonical field names to API names; those not named keep their default: Intent_Score__c and so on.
	Fields map[string]string
	// Own are intentd's fields here; none: connectors.PersonFields.
	Own connectors.FieldSet
	// Inputs are further fields to read into Contact.Fields: Field__c of every object that has it, or Lead.Field__c of one.
	Inputs []string
	// Adopt lets existing fields that intentd did not make be used, if their type is right.
	Adopt bool

	Lookback   time.Duration // how far each poll reaches back for rows that were committed late (10 min)
	DailyShare float64       // of the org's daily calls, whoever made them, at which intentd stops (0.8)
	// Poll and SweepEvery are how often the host polls and sweeps: for the cost that Probe reports (5 min, 7 days).
	Poll, SweepEvery time.Duration
	WriteConcurrency int // collections in flight per Write call (4)
	CallsInFlight    int // of all calls; Salesforce grants an org 25 long ones (10)
	BulkThreshold    int // patches of an object from which the host should use a bulk job (2000)

	HTTP   http.RoundTripper // (a transport of its own)
	Now    func() time.Time  // wall clock (time.Now)
	Ledger connectors.Ledger // where the day's calls are kept over restarts (none)
	Logger *slog.Logger      // (silent)
}

// Flows of Auth.
const (
	JWT               = "jwt"
	ClientCredentials = "client_credentials"
	RefreshToken      = "refresh_token"
)

// Auth holds the credentials of an external client app.
type Auth struct {
	Flow                   string // JWT, ClientCredentials or RefreshToken (JWT)
	ClientID, ClientSecret string // consumer key and secret; JWT needs no secret
	Username               string // JWT: whom to act as
	Key                    string // JWT: the RSA private key of the app's certificate, PEM
	RefreshToken           string
}

// ActivityOptions say how the org's activities are read as a source.
type ActivityOptions struct {
	Name string // Event.Source (the client's name and "-activities")
}

// DefaultField is the API name of one of intentd's fields unless the options name another: tier_since, Intent_Tier_Since__c.
func DefaultField(canonical string) string { return defaultName(canonical) }

// own are intentd's fields here.
func (o *Options) own() connectors.FieldSet {
	if o.Own.Fields == nil {
		return connectors.PersonFields()
	}
	return o.Own
}
