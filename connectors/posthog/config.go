package posthog

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Type is a source that asks PostHog.
var Type = connectors.SourceType{Poll: "@every 5m", Settings: func() connectors.Settings {
	return &Config{
		EmailProperty: "email", PeoplePerQuery: 500, MaxRows: mostRows, QueriesPerHour: 120, Timeout: time.Minute, Lookback: 10 * time.Minute,
		Late: 30 * day, Back: 90 * day,
	}
}}

const day = 24 * time.Hour

// mostRows is what one query may return, by https://posthog.com/docs/api/queries.
const mostRows = 50_000

// Config are the keys of a source of type posthog.
type Config struct {
	BaseURL         string            `mapstructure:"base_url"` // where people sign in, not where events are sent
	ProjectID       string            `mapstructure:"project_id"`
	Token           connectors.Secret `mapstructure:"token"` // a personal API key with the scope query:read
	TokenFile       string            `mapstructure:"token_file"`
	EmailProperty   string            `mapstructure:"email_property"`   // of persons
	PhoneProperty   string            `mapstructure:"phone_property"`   // of persons; "": none
	ConsentProperty string            `mapstructure:"consent_property"` // of events: granted or denied, or a truth; "": events say nothing of it
	PeoplePerQuery  int               `mapstructure:"people_per_query"`
	MaxRows         int               `mapstructure:"max_rows"`         // of one answer; more are asked for by further calls
	QueriesPerHour  int               `mapstructure:"queries_per_hour"` // PostHog allows a project 120, or 2400 where it says so
	Timeout         time.Duration     `mapstructure:"timeout"`          // of one call
	Lookback        time.Duration     `mapstructure:"lookback"`         // how late an event may show with an earlier time of intake
	Late            time.Duration     `mapstructure:"late"`             // how long before its intake an event may have happened, for a poll to find it
	Back            time.Duration     `mapstructure:"back"`             // how far back the first pass begins
}

// propertyName is what may stand as a property in a query, in backticks.
var propertyName = regexp.MustCompile("^[^`\\\\\x00-\x1f{}]{1,200}$")

// Check implements connectors.Settings.
func (o *Config) Check(c *connectors.Check) {
	if c.Required("base_url", o.BaseURL, "write https://eu.posthog.com, https://us.posthog.com, or where your own PostHog is") && c.PrivateURL("base_url", o.BaseURL) {
		if u, err := url.Parse(o.BaseURL); err == nil && strings.HasSuffix(u.Hostname(), ".i.posthog.com") {
			c.Add("base_url", "is where events are sent, which answers no queries", "write https://"+strings.Replace(u.Hostname(), ".i.", ".", 1))
		}
	}
	if c.Required("project_id", o.ProjectID, "write the number from PostHog's Settings → Project → General") && strings.Trim(o.ProjectID, "0123456789") != "" {
		c.Add("project_id", connectors.Quoted(o.ProjectID)+" is no number", "write the project's ID from PostHog's Settings → Project → General, not its key")
	}
	if c.Secret("token", o.Token, "PostHog's personal API key", "make one with the scope query:read (Settings → Personal API keys) and write token_file: /etc/intentd/posthog_token") &&
		strings.HasPrefix(o.Token.Reveal(), "phc_") {
		c.Add("token", "is a project's key, which can only send events", "make a personal API key with the scope query:read (Settings → Personal API keys); it begins with phx_")
	}
	for _, p := range []struct{ key, name string }{{"email_property", o.EmailProperty}, {"phone_property", o.PhoneProperty}, {"consent_property", o.ConsentProperty}} {
		if p.name != "" && !propertyName.MatchString(p.name) {
			c.Add(p.key, connectors.Quoted(p.name)+" is no name of a property", "write the name as PostHog shows it, for example email")
		}
	}
	c.Required("email_property", o.EmailProperty, "write the property of persons that holds the address, for example email")
	c.Whole("people_per_query", o.PeoplePerQuery, 1, 2000, "500 fit most projects")
	c.Whole("max_rows", o.MaxRows, 100, mostRows, "PostHog returns 50000 at most")
	c.Whole("queries_per_hour", o.QueriesPerHour, 10, 2400, "120 is what every project is allowed")
	c.Span("timeout", o.Timeout, time.Second, 10*time.Minute)
	c.Span("lookback", o.Lookback, 0, day)
	c.Span("late", o.Late, time.Hour, 365*day)
	c.Span("back", o.Back, day, 3650*day)
}

// Keeps implements connectors.Keeper.
func (o *Config) Keeps() string {
	return "PostHog is only read: delete the person there (Persons → the person → Delete person, with their events)"
}

// Open implements connectors.SourceSettings.
func (o *Config) Open(h connectors.Host) (connectors.Origin, error) {
	s, err := o.open(h)
	if err != nil {
		return connectors.Origin{}, err
	}
	return connectors.Origin{Name: h.Name, Source: s}, nil
}

func (o *Config) open(h connectors.Host) (*Source, error) {
	base, err := url.Parse(strings.TrimRight(o.BaseURL, "/"))
	if err != nil {
		return nil, err
	}
	s := &Source{o: *o}
	s.Of(h, transport.Options{
		Base: base, Timeout: o.Timeout, MaxBytes: 256 << 20, Tries: 3, InFlight: 3,
		Tokens: transport.StaticToken(o.Token.Reveal()), Redactor: transport.NewRedactor(o.Token.Reveal()), Classify: classify,
		Budget: transport.NewBudget(transport.BudgetOptions{
			Connector: h.Name, Ledger: h.Ledger, Now: h.Now, Window: transport.Limit{Calls: o.QueriesPerHour, Per: time.Hour},
		}),
	})
	return s, nil
}

// Disclose implements connectors.Discloser.
func (o *Config) Disclose() connectors.Disclosure {
	return connectors.Disclosure{At: connectors.HostOf(o.BaseURL), Way: connectors.Asked}
}
