package hubspot

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Type is HubSpot in the configuration.
var Type = connectors.CRMType{Poll: "@every 1m", Settings: func() connectors.CRMSettings {
	return &Config{
		BaseURL: "https://api.hubapi.com", APIVersion: "2026-09",
		SearchesPerSecond: 4, RateShare: 0.8, DailyReserve: 0.2, Lookback: 5 * time.Minute, Engagement: "events",
		Changes: bySearch, Journal: "account",
	}
}}

// Config are the keys of a CRM of type hubspot.
type Config struct {
	BaseURL           string            `mapstructure:"base_url"`
	Token             connectors.Secret `mapstructure:"token"`
	TokenFile         string            `mapstructure:"token_file"`
	ClientID          string            `mapstructure:"client_id"` // of an OAuth app, instead of a token; the journal's app beside it
	ClientSecret      connectors.Secret `mapstructure:"client_secret"`
	ClientSecretFile  string            `mapstructure:"client_secret_file"`
	RefreshToken      connectors.Secret `mapstructure:"refresh_token"`
	RefreshTokenFile  string            `mapstructure:"refresh_token_file"`
	APIVersion        string            `mapstructure:"api_version"`
	SearchesPerSecond float64           `mapstructure:"searches_per_second"`
	RateShare         float64           `mapstructure:"rate_share"`
	DailyReserve      float64           `mapstructure:"daily_reserve"`
	Lookback          time.Duration     `mapstructure:"lookback"`
	Changes           string            `mapstructure:"changes"`    // search | journal: how changed contacts are found
	Journal           string            `mapstructure:"journal"`    // account | app: whose journal is read
	Inputs            []string          `mapstructure:"inputs"`     // further properties that are read
	Engagement        string            `mapstructure:"engagement"` // events | summaries | off: HubSpot's own record of what people did, as a source
	Feeds             []string          `mapstructure:"feeds"`      // forms, email: what is taken in whole besides
}

const (
	bySearch  = "search"
	byJournal = "journal"

	journalPoll = "@every 5s"
	sourcesPoll = "@every 1m" // engagement asks HubSpot for each type of event, however changes are found
)

// PollBy implements connectors.PolledBy: a look into the journal is cheap and meets no index that lags.
func (o *Config) PollBy() string {
	if o.Changes == byJournal {
		return journalPoll
	}
	return ""
}

// Check implements connectors.Settings.
func (o *Config) Check(c *connectors.Check) {
	c.URL("base_url", o.BaseURL)
	c.OneOf("changes", o.Changes, bySearch, byJournal)
	c.OneOf("journal", o.Journal, "account", "app")
	switch {
	case o.Changes == byJournal:
		o.checkJournal(c)
	case o.ClientID == "":
		c.Secret("token", o.Token, "the access token", "write token_file: /etc/intentd/hubspot_token, or token: ${HUBSPOT_TOKEN}")
	case !o.Token.IsZero():
		c.Add("client_id", "both a token and an OAuth app are given", "keep token, or client_id with client_secret and refresh_token")
	default:
		c.Secret("client_secret", o.ClientSecret, "the OAuth app's secret", "write client_secret_file: /etc/intentd/hubspot_client_secret")
		c.Secret("refresh_token", o.RefreshToken, "the OAuth app's refresh token", "write refresh_token_file: /etc/intentd/hubspot_refresh_token")
	}
	if _, ok := pathsOf(o.APIVersion); !ok {
		c.Add("api_version", connectors.Quoted(o.APIVersion)+" is no API version", `write "2026-09" (in quotes) or v3`)
	}
	c.Between("searches_per_second", o.SearchesPerSecond, 0.1, 5, "5 is the whole account's allowance; 4 leaves one for others")
	c.Between("rate_share", o.RateShare, 0.01, 1, "write the share of the 10-second limit, such as 0.8")
	c.Between("daily_reserve", o.DailyReserve, 0, 0.95, "write the share of the day's calls left to others, such as 0.2")
	c.OneOf("engagement", o.Engagement, "events", "summaries", "off")
	for i, name := range o.Feeds {
		at := fmt.Sprintf("feeds[%d]", i)
		if c.OneOf(at, name, feedForms, feedEmail) && slices.Contains(o.Feeds[:i], name) {
			c.Add(at, connectors.Quoted(name)+" is named twice", "take one of the two out")
		}
	}
	c.Span("lookback", o.Lookback, 10*time.Second, 24*time.Hour)
	c.Names("inputs", o.Inputs, "name properties of the CRM")
}

// checkJournal asks for the app, and for one of the credentials that read contacts.
func (o *Config) checkJournal(c *connectors.Check) {
	c.Required("client_id", o.ClientID, "name the app that is installed in the account: a service key alone has no webhooks journal (docs/hubspot-journal.md)")
	c.Secret("client_secret", o.ClientSecret, "the app's secret", "write client_secret_file: /etc/intentd/hubspot_client_secret")
	if o.RefreshToken.IsZero() {
		c.Secret("token", o.Token, "the access token, or the app's refresh token,", "write token_file: /etc/intentd/hubspot_token, or refresh_token_file")
	} else if !o.Token.IsZero() {
		c.Add("token", "both an access token and a refresh token are given", "keep one of them: it reads contacts, which the app's own token cannot")
	}
}

// OwnSources implements connectors.CRMSettings: the portal's engagement data, unless it is off, and its feeds.
func (o *Config) OwnSources(name string) (own []string) {
	if o.Engagement != "off" {
		own = append(own, name+"-engagement")
	}
	for _, feed := range o.Feeds {
		own = append(own, name+"-"+feed)
	}
	return own
}

// Connect implements connectors.CRMSettings.
func (o *Config) Connect(h connectors.CRMHost) (connectors.Connection, error) {
	names := h.FieldNames(DefaultProperty)
	options := Options{
		Name: h.Name, BaseURL: o.BaseURL, Token: o.Token.Reveal(), TokenFile: o.TokenFile, APIVersion: o.APIVersion,
		SearchesPerSecond: o.SearchesPerSecond, RateShare: o.RateShare, DailyReserve: o.DailyReserve, Lookback: o.Lookback,
		Fields: names, Own: h.OwnFields(), Adopt: h.Adopt, Inputs: slices.Concat(o.Inputs, h.Inputs), Poll: h.Poll, SweepEvery: h.SweepEvery,
		HTTP: h.HTTP, Now: h.Now, Ledger: h.Ledger, Logger: h.Logger,
	}
	if o.DailyReserve == 0 {
		options.DailyReserve = -1 // the word of Options for none
	}
	if o.Changes == byJournal {
		options.Journal = &JournalOptions{ClientID: o.ClientID, ClientSecret: o.ClientSecret.Reveal(), Global: o.Journal == "app"}
	}
	if o.ClientID != "" && o.Token.IsZero() {
		options.OAuth = &OAuth{ClientID: o.ClientID, ClientSecret: o.ClientSecret.Reveal(), RefreshToken: o.RefreshToken.Reveal()}
	}
	client, err := New(options)
	if err != nil {
		return connectors.Connection{}, err
	}
	made := connectors.Connection{CRM: client, Objects: []string{Contacts}, Fields: names, Reserve: o.DailyReserve, Lot: 100}
	if o.Changes == byJournal && h.Poll < time.Minute {
		made.SourcePoll = sourcesPoll
	}
	if name := h.Name + "-engagement"; o.Engagement == "events" {
		made.Sources = append(made.Sources, connectors.Origin{Name: name, Feed: client.Events(EventsOptions{Name: name}), Answer: func(store connectors.EventStore) connectors.Source {
			return client.Engagement(EngagementOptions{Name: name, Occurrences: store})
		}})
	} else if o.Engagement != "off" {
		made.Sources = append(made.Sources, connectors.Origin{Name: name, Source: client.Engagement(EngagementOptions{Name: name})})
	}
	for _, feed := range o.Feeds {
		own := connectors.Origin{Name: h.Name + "-" + feed}
		switch feed {
		case feedForms:
			own.Feed = client.Forms(FeedOptions{Name: own.Name})
		case feedEmail:
			own.Feed = client.Email(FeedOptions{Name: own.Name})
		}
		made.Sources = append(made.Sources, own)
	}
	return made, nil
}

// Disclose implements connectors.Discloser.
func (o *Config) Disclose() connectors.Disclosure {
	reads := slices.Concat(slices.Collect(maps.Keys(identity)), inputs, o.Inputs)
	slices.Sort(reads)
	return connectors.Disclosure{At: connectors.HostOf(o.BaseURL), Way: connectors.Asked, Reads: slices.Compact(reads), Feeds: o.Feeds, Property: DefaultProperty}
}

// Keeps implements connectors.Keeper.
func (o *Config) Keeps() string {
	return "the history of each property keeps earlier values of intentd's fields until the contact itself is deleted for good (Delete permanently, GDPR)"
}
