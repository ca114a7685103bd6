package config

import "time"

// CRM is one CRM to watch and write to. Options is a *HubSpot or *Salesforce, by Type.
type CRM struct {
	Name     string            `mapstructure:"name"`
	Type     string            `mapstructure:"type"`
	Poll     string            `mapstructure:"poll"`
	Fields   map[string]string `mapstructure:"fields"`   // canonical field → property of the CRM; unnamed ones keep their default
	Adopt    bool              `mapstructure:"adopt"`    // take over existing properties of the right type
	Identify []IdentifyBy      `mapstructure:"identify"` // properties that hold user or anonymous ids
	Options  any               `mapstructure:"-"`
	Rest     map[string]any    `mapstructure:",remain"` // the keys of Options, before they are read
}

// Source is one journey source. Options is a *JSONL, by Type.
type Source struct {
	Name    string         `mapstructure:"name"`
	Type    string         `mapstructure:"type"`
	Poll    string         `mapstructure:"poll"`
	IDs     string         `mapstructure:"ids"` // the space of its user and anonymous ids; "": its name
	Options any            `mapstructure:"-"`
	Rest    map[string]any `mapstructure:",remain"`
}

// HubSpot are the keys of a CRM of type hubspot.
type HubSpot struct {
	BaseURL           string        `mapstructure:"base_url"`
	Token             Secret        `mapstructure:"token"`
	TokenFile         string        `mapstructure:"token_file"`
	ClientID          string        `mapstructure:"client_id"` // of an OAuth app, instead of a token
	ClientSecret      Secret        `mapstructure:"client_secret"`
	ClientSecretFile  string        `mapstructure:"client_secret_file"`
	RefreshToken      Secret        `mapstructure:"refresh_token"`
	RefreshTokenFile  string        `mapstructure:"refresh_token_file"`
	APIVersion        string        `mapstructure:"api_version"`
	SearchesPerSecond float64       `mapstructure:"searches_per_second"`
	RateShare         float64       `mapstructure:"rate_share"`
	DailyReserve      float64       `mapstructure:"daily_reserve"`
	Lookback          time.Duration `mapstructure:"lookback"`
	Inputs            []string      `mapstructure:"inputs"`     // further properties that are read
	Engagement        string        `mapstructure:"engagement"` // events | summaries | off: HubSpot's own record of what people did, as a source
}

// Salesforce are the keys of a CRM of type salesforce.
type Salesforce struct {
	LoginURL      string         `mapstructure:"login_url"`
	InstanceURL   string         `mapstructure:"instance_url"` // the org's My Domain
	Auth          SalesforceAuth `mapstructure:"auth"`
	APIVersion    string         `mapstructure:"api_version"`
	Objects       []string       `mapstructure:"objects"`
	Lookback      time.Duration  `mapstructure:"lookback"`
	DailyShare    float64        `mapstructure:"daily_share"` // of the org's daily calls, whoever made them, at which intentd stops
	BulkThreshold int            `mapstructure:"bulk_threshold"`
	Inputs        []string       `mapstructure:"inputs"`
	Activities    bool           `mapstructure:"activities"` // replies, meetings and campaign responses as a source
}

// SalesforceAuth are the credentials of an external client app.
type SalesforceAuth struct {
	Flow             string `mapstructure:"flow"` // jwt | client_credentials | refresh_token
	ClientID         string `mapstructure:"client_id"`
	ClientSecret     Secret `mapstructure:"client_secret"`
	ClientSecretFile string `mapstructure:"client_secret_file"`
	Username         string `mapstructure:"username"`
	Key              Secret `mapstructure:"key"` // RSA private key, PEM
	KeyFile          string `mapstructure:"key_file"`
	RefreshToken     Secret `mapstructure:"refresh_token"`
	RefreshTokenFile string `mapstructure:"refresh_token_file"`
}

// JSONL are the keys of a source of type jsonl.
type JSONL struct {
	Path string `mapstructure:"path"` // a file, a directory or a pattern of names
}

// A connectorType tells how the keys of one type of connector are read and checked.
type connectorType struct {
	name     string
	poll     string     // default
	defaults func() any // a pointer to a struct of mapstructure tags
	check    func(c *checker, at string, options any)
}

var crmTypes = []connectorType{
	{
		name: "hubspot", poll: "@every 1m",
		defaults: func() any {
			return &HubSpot{
				BaseURL: "https://api.hubapi.com", APIVersion: "2026-09",
				SearchesPerSecond: 4, RateShare: 0.8, DailyReserve: 0.2, Lookback: 5 * time.Minute, Engagement: "events",
			}
		},
		check: func(c *checker, at string, options any) { c.hubspot(at, options.(*HubSpot)) },
	},
	{
		name: "salesforce", poll: "@every 5m",
		defaults: func() any {
			return &Salesforce{
				LoginURL: "https://login.salesforce.com", APIVersion: "67.0", Auth: SalesforceAuth{Flow: "jwt"}, Objects: []string{"Lead", "Contact"},
				Lookback: 10 * time.Minute, DailyShare: 0.8, BulkThreshold: 2000, Activities: true,
			}
		},
		check: func(c *checker, at string, options any) { c.salesforce(at, options.(*Salesforce)) },
	},
}

var sourceTypes = []connectorType{
	{
		name: "jsonl", poll: "@every 1m",
		defaults: func() any { return &JSONL{} },
		check:    func(c *checker, at string, options any) { c.jsonl(at, options.(*JSONL)) },
	},
}

func typeNamed(types []connectorType, name string) (connectorType, bool) {
	for _, t := range types {
		if t.name == name {
			return t, true
		}
	}
	return connectorType{}, false
}

func typeNames(types []connectorType) []string {
	var names []string
	for _, t := range types {
		names = append(names, t.name)
	}
	return names
}
