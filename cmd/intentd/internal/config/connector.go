package config

import "time"

// CRM is one CRM to watch and write to. Options is a *HubSpot, by Type.
type CRM struct {
	Name    string            `mapstructure:"name"`
	Type    string            `mapstructure:"type"`
	Poll    string            `mapstructure:"poll"`
	Fields  map[string]string `mapstructure:"fields"` // canonical field → property of the CRM; unnamed ones keep their default
	Adopt   bool              `mapstructure:"adopt"`  // take over existing properties of the right type
	Options any               `mapstructure:"-"`
	Rest    map[string]any    `mapstructure:",remain"` // the keys of Options, before they are read
}

// Source is one journey source. Options is a *JSONL, by Type.
type Source struct {
	Name    string         `mapstructure:"name"`
	Type    string         `mapstructure:"type"`
	Poll    string         `mapstructure:"poll"`
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
