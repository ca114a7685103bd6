package amplitude

import (
	"cmp"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/spool"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Type is a source of an Amplitude project's export.
var Type = connectors.SourceType{Poll: "@every 1h", Settings: func() connectors.Settings {
	return &Config{Region: "us", Back: 90 * day, Settle: 2*time.Hour + 10*time.Minute, Reread: day}
}}

const day = 24 * time.Hour

// Config are the keys of a source of type amplitude.
type Config struct {
	APIKey        string            `mapstructure:"api_key"`
	SecretKey     connectors.Secret `mapstructure:"secret_key"`
	SecretKeyFile string            `mapstructure:"secret_key_file"`
	Region        string            `mapstructure:"region"`   // us or eu
	BaseURL       string            `mapstructure:"base_url"` // in place of Amplitude's own host
	Back          time.Duration     `mapstructure:"back"`     // how far back the first pass begins
	Settle        time.Duration     `mapstructure:"settle"`   // how long after its end an hour is ready
	Reread        time.Duration     `mapstructure:"reread"`   // what is read again once a day; 0: nothing
	TempDir       string            `mapstructure:"temp_dir" kind:"path"`
}

var hosts = map[string]string{"us": "https://amplitude.com", "eu": "https://analytics.eu.amplitude.com"}

// Check implements connectors.Settings.
func (o *Config) Check(c *connectors.Check) {
	c.Required("api_key", o.APIKey, "write the project's API key (Organization settings, Projects)")
	c.Secret("secret_key", o.SecretKey, "the project's secret key", "write secret_key_file: /etc/intentd/amplitude_secret")
	c.OneOf("region", o.Region, "us", "eu")
	if o.BaseURL != "" {
		c.URL("base_url", o.BaseURL)
	}
	c.Span("back", o.Back, time.Hour, 365*day) // the API's own bound of a range
	c.Span("settle", o.Settle, 2*time.Hour, 2*day)
	c.Span("reread", o.Reread, 0, 30*day)
	spool.CheckDir(c, o.TempDir)
}

// Disclose implements connectors.Discloser.
func (o *Config) Disclose() connectors.Disclosure {
	return connectors.Disclosure{At: connectors.HostOf(o.base()), Way: connectors.Taken}
}

// Keeps implements connectors.Keeper.
func (o *Config) Keeps() string {
	return "Amplitude's project is only read: delete the person there (User Privacy API)"
}

func (o *Config) base() string { return cmp.Or(o.BaseURL, hosts[o.Region]) }

// Open implements connectors.SourceSettings.
func (o *Config) Open(h connectors.Host) (connectors.Origin, error) {
	f, err := o.open(h)
	if err != nil {
		return connectors.Origin{}, err
	}
	return connectors.Origin{Name: h.Name, Feed: f}, nil
}

func (o *Config) open(h connectors.Host) (*Feed, error) {
	base, err := transport.ParseBase(o.base())
	if err != nil {
		return nil, err
	}
	f := &Feed{name: h.Name, o: *o, now: h.Now, poll: h.Poll, most: pageEvents}
	if f.now == nil {
		f.now = time.Now
	}
	f.client = transport.New(transport.Options{
		Name: h.Name, Base: base, HTTP: h.HTTP, Now: h.Now, Logger: h.Logger, Redactor: transport.NewRedactor(o.SecretKey.Reveal(), o.APIKey), Classify: classify,
		Timeout: time.Hour, Tries: 3, FirstWait: 2 * time.Second, Prepare: transport.Basic(o.APIKey, o.SecretKey.Reveal()),
		Budget: transport.NewBudget(transport.BudgetOptions{Connector: h.Name, Ledger: h.Ledger, Now: h.Now}),
	})
	return f, nil
}
