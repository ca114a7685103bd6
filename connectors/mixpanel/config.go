package mixpanel

import (
	"cmp"
	"net/url"
	"time"

	"golang.org/x/time/rate"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/spool"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Type is a source of a Mixpanel project's raw export.
var Type = connectors.SourceType{Poll: "@every 1h", Settings: func() connectors.Settings {
	return &Config{Region: "us", Back: 90 * day, Reread: 5 * day, Profiles: true}
}}

const day = 24 * time.Hour

// Config are the keys of a source of type mixpanel.
type Config struct {
	ProjectID  string            `mapstructure:"project_id"`
	Username   string            `mapstructure:"username"` // of a service account
	Secret     connectors.Secret `mapstructure:"secret"`
	SecretFile string            `mapstructure:"secret_file"`
	Region     string            `mapstructure:"region"`   // us, eu or in: where the project's data lie
	BaseURL    string            `mapstructure:"base_url"` // in place of Mixpanel's own hosts
	Timezone   string            `mapstructure:"timezone"` // of a project made before 2023; "": UTC
	Back       time.Duration     `mapstructure:"back"`     // how far back the first pass begins
	Reread     time.Duration     `mapstructure:"reread"`   // what is read again once a day
	Profiles   bool              `mapstructure:"profiles"` // e-mail addresses are read from profiles once a day
	TempDir    string            `mapstructure:"temp_dir" kind:"path"`
}

// hosts are where an account's region answers exports and queries.
var hosts = map[string][2]string{
	"us": {"https://data.mixpanel.com", "https://mixpanel.com"},
	"eu": {"https://data-eu.mixpanel.com", "https://eu.mixpanel.com"},
	"in": {"https://data-in.mixpanel.com", "https://in.mixpanel.com"},
}

// Check implements connectors.Settings.
func (o *Config) Check(c *connectors.Check) {
	c.Required("project_id", o.ProjectID, "write the project's id, which stands in Settings, Project Details")
	c.Required("username", o.Username, "write the user name of a service account (Organization Settings, Service Accounts)")
	c.Secret("secret", o.Secret, "the secret of the service account", "write secret_file: /etc/intentd/mixpanel_secret")
	c.OneOf("region", o.Region, "us", "eu", "in")
	if o.BaseURL != "" {
		c.URL("base_url", o.BaseURL)
	}
	if _, err := time.LoadLocation(o.Timezone); err != nil {
		c.Add("timezone", connectors.Quoted(o.Timezone)+" is not known", "write the project's time zone as the list of IANA has it, for example US/Pacific")
	}
	c.Span("back", o.Back, day, 3650*day)
	c.Span("reread", o.Reread, day, 30*day)
	spool.CheckDir(c, o.TempDir)
}

// Disclose implements connectors.Discloser.
func (o *Config) Disclose() connectors.Disclosure {
	return connectors.Disclosure{At: connectors.HostOf(o.data()), Way: connectors.Taken}
}

// Keeps implements connectors.Keeper.
func (o *Config) Keeps() string {
	return "Mixpanel's project " + o.ProjectID + " is only read: delete the person there (GDPR API, or Data Management)"
}

func (o *Config) data() string  { return cmp.Or(o.BaseURL, hosts[o.Region][0]) }
func (o *Config) query() string { return cmp.Or(o.BaseURL, hosts[o.Region][1]) }

// Open implements connectors.SourceSettings.
func (o *Config) Open(h connectors.Host) (connectors.Origin, error) {
	f, err := o.open(h)
	if err != nil {
		return connectors.Origin{}, err
	}
	return connectors.Origin{Name: h.Name, Feed: f}, nil
}

func (o *Config) open(h connectors.Host) (*Feed, error) {
	data, err := transport.ParseBase(o.data())
	if err != nil {
		return nil, err
	}
	query, err := transport.ParseBase(o.query())
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(o.Timezone)
	if err != nil {
		return nil, err
	}
	now := h.Now
	if now == nil {
		now = time.Now
	}
	pace := rate.NewLimiter(callsPerSecond, 1)
	return &Feed{
		name: h.Name, o: *o, zone: zone, now: now, poll: h.Poll, most: pageEvents, deep: day, query: query,
		client: newClient(o, h, data, pace), pace: pace,
	}, nil
}

// callsPerSecond is Mixpanel's limit of both APIs.
const callsPerSecond = 3

// newClient is the client of both APIs.
func newClient(o *Config, h connectors.Host, data *url.URL, pace *rate.Limiter) *transport.Client {
	hourly := transport.Limit{Calls: 60, Per: time.Hour}
	round := h.HTTP
	if round == nil {
		round = transport.NewRoundTripper()
	}
	return transport.New(transport.Options{
		Name: h.Name, Base: data, HTTP: paced{round, pace}, Now: h.Now, Logger: h.Logger, Redactor: transport.NewRedactor(o.Secret.Reveal()), Classify: classify,
		Timeout: time.Hour, Tries: 3, FirstWait: 2 * time.Second, Prepare: transport.Basic(o.Username, o.Secret.Reveal()),
		Budget: transport.NewBudget(transport.BudgetOptions{Connector: h.Name, Window: hourly, Buckets: map[string]transport.Limit{queries: hourly}, Ledger: h.Ledger, Now: h.Now}),
	})
}
