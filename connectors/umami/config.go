package umami

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Type is a source that asks Umami.
var Type = connectors.SourceType{Poll: "@every 5m", Settings: func() connectors.Settings {
	return &Config{CallsPerSecond: 3, EventData: true, Timeout: time.Minute, Lookback: day, Back: 90 * day}
}}

const day = 24 * time.Hour

// cloud is where Umami's own service answers those who have an API key, by https://umami.is/docs/cloud/api-key.
const cloud = "https://api.umami.is/v1"

// Config are the keys of a source of type umami.
type Config struct {
	BaseURL        string            `mapstructure:"base_url"` // of an Umami of one's own; its service's if empty
	WebsiteID      string            `mapstructure:"website_id"`
	APIKey         connectors.Secret `mapstructure:"api_key"` // of Umami's service
	APIKeyFile     string            `mapstructure:"api_key_file"`
	Username       string            `mapstructure:"username"` // of an Umami of one's own
	Password       connectors.Secret `mapstructure:"password"`
	PasswordFile   string            `mapstructure:"password_file"`
	EventData      bool              `mapstructure:"event_data"`       // the properties of the site's own events, for a call more
	CallsPerSecond float64           `mapstructure:"calls_per_second"` // Umami's service allows 50 in 15 seconds
	Timeout        time.Duration     `mapstructure:"timeout"`          // of one call
	Lookback       time.Duration     `mapstructure:"lookback"`         // how far back each poll lists who was active
	Back           time.Duration     `mapstructure:"back"`             // how far back the first pass begins
}

var uuid = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Check implements connectors.Settings.
func (o *Config) Check(c *connectors.Check) {
	if c.Required("website_id", o.WebsiteID, "write the website's ID (Umami: Settings → Websites → Edit)") && !uuid.MatchString(o.WebsiteID) {
		c.Add("website_id", connectors.Quoted(o.WebsiteID)+" is no website's ID", "write the ID that Umami shows under Settings → Websites → Edit: 32 hexadecimal digits with hyphens")
	}
	if o.BaseURL != "" {
		c.PrivateURL("base_url", o.BaseURL)
	}
	switch {
	case o.service():
		c.Secret("api_key", o.APIKey, "the API key of Umami's service", "make one (Umami Cloud: Settings → API keys) and write api_key_file: /etc/intentd/umami_key; an Umami of your own has base_url, username and password_file")
	case !o.APIKey.IsZero():
		c.Add("api_key", "is given beside the address of an Umami of your own, which knows none", "write username and password_file, or leave base_url out for Umami's service")
	default:
		c.Required("username", o.Username, "write the name of a user who may view the website (Umami: Settings → Users, role View only)")
		c.Secret("password", o.Password, "the password of that user", "write password_file: /etc/intentd/umami_password")
	}
	c.Between("calls_per_second", o.CallsPerSecond, 0.1, 100, "3 is what Umami's service allows")
	c.Span("timeout", o.Timeout, time.Second, 10*time.Minute)
	c.Span("lookback", o.Lookback, time.Minute, 90*day)
	c.Span("back", o.Back, day, 3650*day)
}

// service says whether Umami's own service is asked.
func (o *Config) service() bool {
	return o.BaseURL == "" || strings.HasPrefix(o.BaseURL, "https://api.umami.is")
}

// Keeps implements connectors.Keeper.
func (o *Config) Keeps() string {
	return "Umami is only read, and deletes nobody by themselves: its tables session, session_data, website_event and event_data hold them"
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
	address, api := strings.TrimSuffix(strings.TrimRight(o.BaseURL, "/"), "/api"), "/api"
	if o.service() {
		address, api = cloud, ""
	}
	base, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	s := &Source{o: *o, api: api, website: api + "/websites/" + o.WebsiteID}
	client := transport.Options{
		Base: base, Timeout: o.Timeout, MaxBytes: 256 << 20, Tries: 3, InFlight: 3, Redactor: transport.NewRedactor(o.APIKey.Reveal(), o.Password.Reveal()), Classify: classify,
		Budget: transport.NewBudget(transport.BudgetOptions{Connector: h.Name, Ledger: h.Ledger, Now: h.Now,
			Window: transport.Limit{Calls: max(1, int(15*o.CallsPerSecond)), Per: 15 * time.Second}}),
	}
	if key := o.APIKey.Reveal(); key != "" {
		client.Prepare = func(r *http.Request) { r.Header.Set("x-umami-api-key", key) }
	} else {
		client.Tokens = transport.NewTokens(s.signIn, h.Now)
	}
	s.Of(h, client)
	return s, nil
}

// signIn fetches a token of the user's.
func (s *Source) signIn(ctx context.Context) (transport.Grant, error) {
	r := transport.Post("sign in", s.api+"/auth/login", transport.Encode(map[string]string{"username": s.o.Username, "password": s.o.Password.Reveal()}))
	r.Anonymous = true
	got, _, err := transport.Do[struct {
		Token string `json:"token"`
	}](ctx, s.HTTP, r)
	if err != nil {
		return transport.Grant{}, err
	}
	return transport.Grant{Token: got.Token}, nil
}

// Disclose implements connectors.Discloser.
func (o *Config) Disclose() connectors.Disclosure {
	d := connectors.Disclosure{At: "api.umami.is", Way: connectors.Asked}
	if o.BaseURL != "" {
		d.At = connectors.HostOf(o.BaseURL)
	}
	return d
}
