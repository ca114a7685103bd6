package warehouse

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Type is a source that asks a SQL database or warehouse.
var Type = connectors.SourceType{Poll: "@every 5m", Settings: func() connectors.Settings {
	return &Config{PeoplePerQuery: 500, MaxRows: 200_000, Timeout: time.Minute, Lookback: 10 * time.Minute, Back: 90 * 24 * time.Hour, DailyBytes: 100e9, DailyCredits: 5}
}}

// Config are the keys of a source of type warehouse.
type Config struct {
	Dialect        string            `mapstructure:"dialect"` // postgres, redshift, clickhouse, bigquery or snowflake
	Mode           string            `mapstructure:"mode"`    // ask or take; "": what suits the dialect
	URL            connectors.Secret `mapstructure:"url"`     // it holds a password; BigQuery's and Snowflake's own address if empty
	URLFile        string            `mapstructure:"url_file"`
	User           string            `mapstructure:"user"` // ClickHouse, unless the URL names them; Snowflake: the login name
	Password       connectors.Secret `mapstructure:"password"`
	PasswordFile   string            `mapstructure:"password_file"`
	Schema         string            `mapstructure:"schema"` // where names without a schema are looked for; of ClickHouse the database
	Preset         string            `mapstructure:"preset"` // queries for a schema that is known; active and journeys replace them
	Active         string            `mapstructure:"active"`
	Journeys       string            `mapstructure:"journeys"`
	Events         string            `mapstructure:"events"` // in their place with mode: take
	PeoplePerQuery int               `mapstructure:"people_per_query"`
	MaxRows        int               `mapstructure:"max_rows"` // of one query; more are asked for by halves of the people
	Timeout        time.Duration     `mapstructure:"timeout"`  // of one query, kept by the server
	Lookback       time.Duration     `mapstructure:"lookback"` // how late a row may come in with an earlier position

	Project    string            `mapstructure:"project"`  // BigQuery: who is billed
	Location   string            `mapstructure:"location"` // BigQuery: where the data lie, if it does not find out
	Key        connectors.Secret `mapstructure:"key"`      // BigQuery: of a service account, as JSON, default credentials if empty; Snowflake: RSA, as PEM
	KeyFile    string            `mapstructure:"key_file"`
	DailyBytes int64             `mapstructure:"daily_bytes"` // BigQuery: what a day's queries may read

	Account      string  `mapstructure:"account"`       // Snowflake: as its host is named, ORGANIZATION-ACCOUNT
	Warehouse    string  `mapstructure:"warehouse"`     // Snowflake: which computes
	Role         string  `mapstructure:"role"`          // Snowflake: the user's default if empty
	Database     string  `mapstructure:"database"`      // Snowflake: where schemas without a database are looked for
	DailyCredits float64 `mapstructure:"daily_credits"` // Snowflake: for how much a day may keep the warehouse awake

	Back   time.Duration `mapstructure:"back"`   // mode: take: how far back the first pass begins
	Reread time.Duration `mapstructure:"reread"` // mode: take, BigQuery and Snowflake: what is read again once a day; 0: what the preset needs
}

// Rows of one query that is asked in pages.
const (
	pageRows = 1000   // of people
	feedRows = 10_000 // of events
)

var dialects = []string{"postgres", "redshift", "clickhouse", "bigquery", "snowflake"}

const (
	modeAsk  = "ask"  // a Source: the database is asked about people
	modeTake = "take" // a Feed: every event is read once
)

// billed says that the dialect is paid by what a query reads, or by the time for which it is awake: lots of people must not scan.
func (o *Config) billed() bool { return o.Dialect == "bigquery" || o.Dialect == "snowflake" }

func (o *Config) mode() string {
	switch {
	case o.Mode != "":
		return o.Mode
	case o.billed():
		return modeTake
	}
	return modeAsk
}

// PollBy implements connectors.PolledBy.
func (o *Config) PollBy() string {
	if o.billed() {
		return "@every 1h"
	}
	return ""
}

// Check implements connectors.Settings.
func (o *Config) Check(c *connectors.Check) {
	if c.Required("dialect", o.Dialect, "write one of "+strings.Join(dialects, ", ")) {
		c.OneOf("dialect", o.Dialect, dialects...)
	}
	if o.billed() {
		o.checkBilled(c)
	} else if c.Secret("url", o.URL, "the URL of the database", "write url_file: /etc/intentd/warehouse_url, with a user who can only read") {
		o.checkURL(c)
	}
	if o.Mode != "" {
		c.OneOf("mode", o.Mode, modeAsk, modeTake)
	}
	c.Whole("people_per_query", o.PeoplePerQuery, 1, 10_000, "500 fit most databases")
	c.Whole("max_rows", o.MaxRows, 1000, 10_000_000, "200000 fit most machines")
	c.Span("timeout", o.Timeout, time.Second, time.Hour)
	c.Span("lookback", o.Lookback, 0, 7*24*time.Hour)
	c.Span("back", o.Back, 24*time.Hour, 3650*24*time.Hour)
	c.Span("reread", o.Reread, 0, 30*24*time.Hour)
	queries := o.queries()
	if o.Preset != "" && c.OneOf("preset", o.Preset, presetNames()...) && o.Dialect != "" && !presetFor(queries) {
		c.Add("preset", fmt.Sprintf("%s has no queries for %s with mode: %s", o.Preset, o.Dialect, o.mode()), "give the queries yourself")
	}
	for _, q := range queries {
		if !c.Required(q.key, q.text, "write the query, or name a preset: "+strings.Join(presetNames(), ", ")) {
			continue
		}
		s, err := parse(q.text, q.allowed...)
		if err != nil {
			c.Add(q.key, err.Error(), "write only these names behind a colon; a colon in a text goes in quotes")
			continue
		}
		for _, p := range q.allowed {
			if !s.uses(p) && required(p) {
				c.Add(q.key, "does not use :"+paramNames[p], "without it the query would read the whole table each time")
			}
		}
	}
}

// required says whether a query makes no sense without a parameter. A table may lack user or anonymous ids, or even addresses.
func required(p param) bool {
	return p == paramSince || p == paramLimit || p == paramFrom
}

func (o *Config) checkBilled(c *connectors.Check) {
	if o.Dialect == "snowflake" {
		o.checkSnowflake(c)
	} else {
		o.checkBigquery(c)
	}
	if u := o.URL.Reveal(); u != "" {
		c.PrivateURL("url", u)
	}
	if o.mode() == modeAsk {
		c.Warn("mode", "with ask every lot of people reads the whole window of the table, and is paid for", "leave it out: each row is then read once")
	}
}

func (o *Config) checkBigquery(c *connectors.Check) {
	c.Required("project", o.Project, "write the id of the project that is billed for the queries")
	if o.Preset != "" {
		c.Required("schema", o.Schema, "write the dataset, for example analytics_123456789")
	}
	if strings.ContainsAny(o.Schema, "`;") {
		c.Add("schema", "is no name of a dataset", "write dataset, or project.dataset")
	}
	if o.DailyBytes < 1e9 {
		c.Add("daily_bytes", fmt.Sprintf("is %d", o.DailyBytes), "write at least 1000000000 (1 GB); 100000000000 is the default")
	}
}

func (o *Config) checkSnowflake(c *connectors.Check) {
	if c.Required("account", o.Account, "write the account as its host names it, for example acme-prod or xy12345.eu-central-1") && strings.ContainsAny(o.Account, "/:") {
		c.Add("account", "is no name of an account", "write what stands before .snowflakecomputing.com")
	}
	c.Required("user", o.User, "write the login name of a user of type SERVICE")
	if c.Secret("key", o.Key, "the user's private key", "write key_file: /etc/intentd/snowflake_key.p8") {
		if _, err := transport.ParseRSAKey(o.Key.Reveal()); err != nil {
			c.Add("key", "is "+err.Error(), "write it without a password: openssl pkcs8 -topk8 -nocrypt -in rsa_key.p8")
		}
	}
	c.Required("warehouse", o.Warehouse, "write the warehouse that computes; the smallest is enough")
	if o.Preset != "" {
		c.Required("database", o.Database, "write the database that holds the schema")
		c.Required("schema", o.Schema, "write the schema that holds the tables")
	}
	c.Between("daily_credits", o.DailyCredits, 0.1, 1e5, "write credits a day; 5 is the default")
	for _, q := range o.queries() {
		if q.text != "" && !reads(q.text) {
			c.Add(q.key, "is no query that only reads", "begin it with SELECT or WITH: Snowflake knows no sessions that can only read")
		}
	}
}

func (o *Config) checkURL(c *connectors.Check) {
	u, err := url.Parse(o.URL.Reveal())
	want, example := []string{"postgres", "postgresql"}, "postgres://reader:…@db.example.com:5432/events"
	if o.Dialect == "clickhouse" {
		want, example = []string{"http", "https"}, "https://clickhouse.example.com:8443"
	}
	switch {
	case err != nil || u.Host == "" && u.Query().Get("host") == "":
		c.Add("url", "is no URL of a database", "write for example "+example)
	case u.Scheme != want[0] && u.Scheme != want[1]:
		c.Add("url", "begins with "+connectors.Quoted(u.Scheme+"://"), "write for example "+example)
	case u.Scheme == "http":
		bare := *u
		bare.User, bare.RawQuery = nil, ""
		c.PrivateURL("url", bare.String())
	}
}

// Disclose implements connectors.Discloser.
func (o *Config) Disclose() connectors.Disclosure {
	d := connectors.Disclosure{At: connectors.HostOf(o.URL.Reveal()), Way: connectors.Asked}
	if d.At == "" && o.Dialect == "snowflake" {
		d.At = connectors.HostOf(o.snowflakeHost())
	}
	if d.At == "" {
		d.At = o.Dialect + " " + o.Project
	}
	if o.mode() == modeTake {
		d.Way = connectors.Taken
	}
	return d
}

// Keeps implements connectors.Keeper.
func (o *Config) Keeps() string {
	return "the tables of the warehouse are only read: delete the person's rows there"
}

// query is one of the admin's queries, or a preset's.
type query struct {
	key, text string
	allowed   []param
}

// queries are those that the mode needs.
func (o *Config) queries() []query {
	var out []query
	switch {
	case o.mode() == modeAsk:
		out = []query{{"active", o.Active, activeParams}, {"journeys", o.Journeys, journeyParams}}
	case o.billed():
		out = []query{{"events", o.Events, windowParams}}
	default:
		out = []query{{"events", o.Events, activeParams}}
	}
	for i := range out {
		if out[i].text == "" {
			out[i].text = preset(o.Preset, o.Dialect, out[i].key, o.Schema)
		}
	}
	return out
}

var (
	activeParams  = []param{paramSince, paramSinceID, paramLimit}
	journeyParams = []param{paramEmails, paramUserIDs, paramAnonymousIDs, paramDomains, paramFrom, paramTo}
	windowParams  = []param{paramFrom, paramTo}
)

// Open implements connectors.SourceSettings.
func (o *Config) Open(h connectors.Host) (connectors.Origin, error) {
	if o.mode() == modeTake {
		f, err := o.openFeed(h)
		if err != nil {
			return connectors.Origin{}, err
		}
		return connectors.Origin{Name: h.Name, Feed: f}, nil
	}
	s, err := o.open(h)
	if err != nil {
		return connectors.Origin{}, err
	}
	return connectors.Origin{Name: h.Name, Source: s}, nil
}

func (o *Config) open(h connectors.Host) (*Source, error) {
	e, statements, err := o.engine(h)
	if err != nil {
		return nil, err
	}
	return &Source{
		name: h.Name, engine: e, active: ordered{e, statements[0], pageRows, o.Lookback}, journeys: statements[1],
		perQuery: o.PeoplePerQuery, maxRows: o.MaxRows, now: clock(h),
	}, nil
}

func (o *Config) openFeed(h connectors.Host) (*Feed, error) {
	e, statements, err := o.engine(h)
	if err != nil {
		return nil, err
	}
	like := habitOf(o.Preset, o.Dialect)
	f := &Feed{name: h.Name, engine: e, lookback: max(o.Lookback, like.late), back: o.Back, poll: h.Poll, now: clock(h)}
	if keeps, ok := e.(keeper); ok {
		f.windows = &windows{engine: keeps, query: statements[0], reread: cmp.Or(o.Reread, like.reread), edge: like.edge, page: feedRows}
	} else {
		f.rows = ordered{e, statements[0], feedRows, o.Lookback}
	}
	return f, nil
}

func clock(h connectors.Host) func() time.Time {
	if h.Now != nil {
		return h.Now
	}
	return time.Now
}

// engine makes the dialect's engine, and reads the queries of the mode.
func (o *Config) engine(h connectors.Host) (engine, []statement, error) {
	var statements []statement
	for _, q := range o.queries() {
		s, err := parse(q.text, q.allowed...)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", q.key, err)
		}
		statements = append(statements, s)
	}
	var e engine
	var err error
	switch o.Dialect {
	case "clickhouse":
		e, err = newClickhouse(*o, h)
	case "bigquery":
		e, err = newBigquery(*o, h)
	case "snowflake":
		if e, err = newSnowflake(*o, h); err != nil {
			return nil, nil, err
		}
	default:
		e, err = newPostgres(o.URL.Reveal(), o.Timeout, o.Schema, o.Dialect == "postgres")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("url: %w", err)
	}
	return e, statements, nil
}
