package salesforce

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Type is Salesforce in the configuration.
var Type = connectors.CRMType{Poll: "@every 5m", Settle: 5 * time.Minute, Settings: func() connectors.CRMSettings {
	return &Config{
		LoginURL: "https://login.salesforce.com", APIVersion: "67.0", Auth: AuthConfig{Flow: JWT}, Objects: []string{"Lead", "Contact"},
		Lookback: 10 * time.Minute, DailyShare: 0.8, BulkThreshold: 2000, Activities: true,
	}
}}

// Config are the keys of a CRM of type salesforce.
type Config struct {
	LoginURL      string        `mapstructure:"login_url"`
	InstanceURL   string        `mapstructure:"instance_url"` // the org's My Domain
	Auth          AuthConfig    `mapstructure:"auth"`
	APIVersion    string        `mapstructure:"api_version"`
	Objects       []string      `mapstructure:"objects"`
	Lookback      time.Duration `mapstructure:"lookback"`
	DailyShare    float64       `mapstructure:"daily_share"` // of the org's daily calls, whoever made them, at which intentd stops
	BulkThreshold int           `mapstructure:"bulk_threshold"`
	Inputs        []string      `mapstructure:"inputs"`
	Activities    bool          `mapstructure:"activities"` // replies, meetings and campaign responses as a source
}

// AuthConfig are the keys of a CRM's auth: the credentials of an external client app.
type AuthConfig struct {
	Flow             string            `mapstructure:"flow"` // jwt | client_credentials | refresh_token
	ClientID         string            `mapstructure:"client_id"`
	ClientSecret     connectors.Secret `mapstructure:"client_secret"`
	ClientSecretFile string            `mapstructure:"client_secret_file"`
	Username         string            `mapstructure:"username"`
	Key              connectors.Secret `mapstructure:"key"` // RSA private key, PEM
	KeyFile          string            `mapstructure:"key_file"`
	RefreshToken     connectors.Secret `mapstructure:"refresh_token"`
	RefreshTokenFile string            `mapstructure:"refresh_token_file"`
}

var versionPattern = regexp.MustCompile(`^[1-9]\d\.0$`)

// Check implements connectors.Settings.
func (o *Config) Check(c *connectors.Check) {
	c.URL("login_url", o.LoginURL)
	if o.InstanceURL != "" {
		c.URL("instance_url", o.InstanceURL)
	}
	o.checkAuth(c, c.In("auth"))
	if !versionPattern.MatchString(o.APIVersion) {
		c.Add("api_version", connectors.Quoted(o.APIVersion)+" is no API version", `write "67.0" (in quotes)`)
	}
	if len(o.Objects) == 0 {
		c.Add("objects", "names no object", "write [Lead, Contact], or one of them")
	}
	for i, object := range o.Objects {
		c.OneOf(fmt.Sprintf("objects[%d]", i), object, "Lead", "Contact")
	}
	c.Between("daily_share", o.DailyShare, 0.01, 1, "write the share of the org's daily calls at which intentd stops, such as 0.8")
	c.Whole("bulk_threshold", o.BulkThreshold, 1, 1_000_000, "write from how many records on a bulk job is used, such as 2000")
	c.Span("lookback", o.Lookback, time.Minute, 24*time.Hour)
	c.Names("inputs", o.Inputs, "name fields of the CRM")
}

func (o *Config) checkAuth(c, auth *connectors.Check) {
	a := &o.Auth
	if !auth.OneOf("flow", a.Flow, JWT, ClientCredentials, RefreshToken) {
		return
	}
	auth.Required("client_id", a.ClientID, "write the consumer key of the external client app")
	secret := func(key string, s connectors.Secret, what string) {
		auth.Secret(key, s, what, "write "+key+"_file: /etc/intentd/salesforce_"+key)
	}
	switch a.Flow {
	case JWT:
		auth.Required("username", a.Username, "write the user name that intentd acts as")
		secret("key", a.Key, "the private key of the app's certificate")
	case ClientCredentials:
		secret("client_secret", a.ClientSecret, "the consumer secret")
		if u, err := transport.ParseBase(o.LoginURL); err == nil && loginHost(u) { // a My Domain as login_url serves as well
			c.Required("instance_url", o.InstanceURL, "write the org's My Domain, such as https://example.my.salesforce.com: login hosts do not take client credentials")
		}
	case RefreshToken:
		secret("refresh_token", a.RefreshToken, "the refresh token")
	}
}

// OwnSources implements connectors.CRMSettings: the org's activities, unless they are off.
func (o *Config) OwnSources(name string) []string {
	if !o.Activities {
		return nil
	}
	return []string{name + "-activities"}
}

// Connect implements connectors.CRMSettings.
func (o *Config) Connect(h connectors.CRMHost) (connectors.Connection, error) {
	names := h.FieldNames(DefaultField)
	client, err := New(Options{
		Name: h.Name, LoginURL: o.LoginURL, InstanceURL: o.InstanceURL, APIVersion: o.APIVersion, Objects: o.Objects,
		Auth: Auth{
			Flow: o.Auth.Flow, ClientID: o.Auth.ClientID, ClientSecret: o.Auth.ClientSecret.Reveal(), Username: o.Auth.Username,
			Key: o.Auth.Key.Reveal(), RefreshToken: o.Auth.RefreshToken.Reveal(),
		},
		Tokens: h.Tokens, Lookback: o.Lookback, DailyShare: o.DailyShare, BulkThreshold: o.BulkThreshold,
		Fields: names, Own: h.OwnFields(), Adopt: h.Adopt, Inputs: slices.Concat(o.Inputs, h.Inputs), Poll: h.Poll, SweepEvery: h.SweepEvery,
		HTTP: h.HTTP, Now: h.Now, Ledger: h.Ledger, Logger: h.Logger,
	})
	if err != nil {
		return connectors.Connection{}, err
	}
	made := connectors.Connection{CRM: client, Objects: o.Objects, Fields: names, Reserve: 1 - o.DailyShare, Lot: 200}
	for _, name := range o.OwnSources(h.Name) {
		made.Sources = append(made.Sources, connectors.Origin{Name: name, Source: client.Activities(ActivityOptions{Name: name})})
	}
	return made, nil
}

// Disclose implements connectors.Discloser.
func (o *Config) Disclose() connectors.Disclosure {
	d := connectors.Disclosure{At: connectors.HostOf(cmp.Or(o.InstanceURL, o.LoginURL)), Way: connectors.Asked, Property: defaultName}
	for object, fields := range identityFields {
		if !slices.ContainsFunc(o.Objects, func(name string) bool { return strings.EqualFold(name, object) }) {
			continue
		}
		for _, field := range slices.Concat(slices.Collect(maps.Keys(fields)), standardInputs[object]) {
			d.Reads = append(d.Reads, object+"."+field)
		}
	}
	d.Reads = append(d.Reads, o.Inputs...)
	slices.Sort(d.Reads)
	return d
}

// Keeps implements connectors.Keeper.
func (o *Config) Keeps() string {
	return "field history, where it is tracked for intentd's fields, keeps earlier values for 18 months or longer, and until the record itself is erased"
}
