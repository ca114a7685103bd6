package matomo

import (
	"net/url"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Type is a source that asks Matomo.
var Type = connectors.SourceType{Poll: "@every 5m", Settings: func() connectors.Settings {
	return &Config{VisitsPerCall: 1000, CallsPerMinute: 60, Timeout: time.Minute, Lookback: 10 * time.Minute, Back: 90 * day}
}}

const day = 24 * time.Hour

// Config are the keys of a source of type matomo.
type Config struct {
	BaseURL        string            `mapstructure:"base_url"` // where Matomo's pages are, without index.php
	SiteID         string            `mapstructure:"site_id"`
	Token          connectors.Secret `mapstructure:"token"` // token_auth of a user who may view the site
	TokenFile      string            `mapstructure:"token_file"`
	VisitsPerCall  int               `mapstructure:"visits_per_call"` // of one answer; more are asked for by further calls
	CallsPerMinute int               `mapstructure:"calls_per_minute"`
	Timeout        time.Duration     `mapstructure:"timeout"`  // of one call
	Lookback       time.Duration     `mapstructure:"lookback"` // how late a visit may show with an earlier last action
	Back           time.Duration     `mapstructure:"back"`     // how far back the first pass begins, and how far back-dated visits are looked for
}

// Check implements connectors.Settings.
func (o *Config) Check(c *connectors.Check) {
	if c.Required("base_url", o.BaseURL, "write the address of Matomo's pages, for example https://matomo.example.com") {
		c.PrivateURL("base_url", o.BaseURL)
	}
	if c.Required("site_id", o.SiteID, "write the website's ID, a number (Matomo: Administration → Websites → Manage)") && strings.Trim(o.SiteID, "0123456789") != "" {
		c.Add("site_id", connectors.Quoted(o.SiteID)+" is no number", "write one website's ID; further ones are sources of their own")
	}
	c.Secret("token", o.Token, "the token_auth of a Matomo user", "make one for a user who may only view the site (Matomo: Administration → Personal → Security → Auth tokens) and write token_file: /etc/intentd/matomo_token")
	c.Whole("visits_per_call", o.VisitsPerCall, 10, 5000, "1000 fit most servers")
	c.Whole("calls_per_minute", o.CallsPerMinute, 1, 6000, "60 spare most servers")
	c.Span("timeout", o.Timeout, time.Second, 10*time.Minute)
	c.Span("lookback", o.Lookback, 0, day)
	c.Span("back", o.Back, day, 3650*day)
}

// Keeps implements connectors.Keeper.
func (o *Config) Keeps() string {
	return "Matomo is only read: delete the person's visits there (Administration → Privacy → GDPR tools)"
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
	base, err := url.Parse(strings.TrimSuffix(strings.TrimRight(o.BaseURL, "/"), "/index.php"))
	if err != nil {
		return nil, err
	}
	s := &Source{o: *o}
	s.Of(h, transport.Options{
		Base: base, Timeout: o.Timeout, MaxBytes: 256 << 20, Tries: 3, InFlight: 2,
		Redactor: transport.NewRedactor(o.Token.Reveal()), Classify: classify,
		Budget: transport.NewBudget(transport.BudgetOptions{Connector: h.Name, Ledger: h.Ledger, Now: h.Now, Window: transport.Limit{Calls: o.CallsPerMinute, Per: time.Minute}}),
	})
	return s, nil
}

// Disclose implements connectors.Discloser.
func (o *Config) Disclose() connectors.Disclosure {
	return connectors.Disclosure{At: connectors.HostOf(o.BaseURL), Way: connectors.Asked}
}
