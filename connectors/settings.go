package connectors

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Settings are the keys of one connector in the configuration: a pointer to a struct of the connector's own, which holds the
// defaults. Its fields carry mapstructure tags. Before Check the host has
//
//   - read the section into it; unknown keys and wrong shapes are told by then,
//   - filled each field X of type [Secret] with key x from x itself, from the file that x_file names (a field XFile of type string),
//     from the environment or from a systemd credential,
//   - made the values of x_file, and of fields tagged kind:"path", relative to the configuration file.
type Settings interface {
	// Check tells what is wrong with the values. It makes no request and opens no file but those that the values name.
	Check(c *Check)
}

// A CRMType is what the configuration knows as a type of CRM.
type CRMType struct {
	Poll     string             // default schedule of polls
	Settle   time.Duration      // how long somebody who asked for nothing waits unless the configuration says: writes are dear to it
	Settings func() CRMSettings // with the defaults
}

// A SourceType is what the configuration knows as a type of source.
type SourceType struct {
	Poll     string
	Settings func() Settings // a SourceSettings
}

// PolledBy is settings of a CRM or source whose usual schedule hangs on what they say: one that bills by what is read is polled less often, and one
// whose usual schedule is below ten seconds may be given any.
type PolledBy interface {
	// PollBy is the schedule in the place of the type's; "" keeps that.
	PollBy() string
}

// A ModelType is what the configuration knows as a provider of models.
type ModelType struct {
	Name     string // of the model that is asked unless the configuration names another
	Settings func() ModelSettings
	// Priced says what is wrong with the name of a model, and the fix: one without a price, built in or among own, would have no
	// budget. "" if nothing.
	Priced func(model string, own ModelPrices) (message, fix string)
}

// CRMSettings are the settings of a CRM.
type CRMSettings interface {
	Settings
	// OwnSources names the sources that Connect will return for a CRM called name.
	OwnSources(name string) []string
	// Connect makes the CRM. It makes no request.
	Connect(h CRMHost) (Connection, error)
}

// SourceSettings are the settings of a source.
type SourceSettings interface {
	Settings
	// Open makes the source. It makes no request.
	Open(h Host) (Origin, error)
}

// Keeper is settings of a connector whose system goes on holding something about a person whom intentd has forgotten.
type Keeper interface {
	// Keeps says what it holds, where, and what removes it: the part of a sentence behind the connector's name.
	Keeps() string
}

// Discloser is settings of a connector that say with whom it deals and in what, for the record of processing that intentd prints of
// its configuration.
type Discloser interface{ Disclose() Disclosure }

// Disclosure is where a connector's system is and what is read there, in the system's own names, which need no translation.
type Disclosure struct {
	At    string // a host, a path or a command; never a secret
	Local bool   // it is on this machine
	Way   Way
	Reads []string // properties or fields; nil: events, with the keys of event files
	Feeds []string // of a CRM's own, that are copied besides: forms, email
	// Property is a CRM's name of one of intentd's fields, unless the configuration gives another.
	Property func(field string) string
}

// Way is how a connector comes by what it reads.
type Way string

// The ways.
const (
	Asked    Way = "asked"    // about people: their addresses and ids go there
	Taken    Way = "taken"    // as a whole: nobody's address or id goes there
	Received Way = "received" // it is sent here
)

// HostOf is the host of a URL, for a Disclosure; "" if it has none. What else the URL holds may be a secret.
func HostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}

// ModelSettings are the settings of a model.
type ModelSettings interface {
	Settings
	// Open makes the model. It makes no request.
	Open(h ModelHost) (Model, error)
}

// Host is what intentd gives every connector that it makes.
type Host struct {
	Name   string            // as configured
	Poll   time.Duration     // how often it is polled, for estimates; 0: never
	HTTP   http.RoundTripper // nil: one of the connector's own
	Now    func() time.Time
	Logger *slog.Logger
	Ledger Ledger
	Tokens TokenStore
}

// CRMHost is a Host with what the configuration says of every CRM alike.
type CRMHost struct {
	Host
	SweepEvery time.Duration     // how often the whole CRM is walked, for estimates; 0: never
	Fields     map[string]string // intentd's field → property; those not named keep the connector's default, "" is not written
	Adopt      bool              // use existing properties of the right type
	Inputs     []string          // further properties to read, beside those of the connector's own settings
	Own        FieldSet          // intentd's fields in this CRM; none: PersonFields
}

// OwnFields are intentd's fields in this CRM.
func (h CRMHost) OwnFields() FieldSet {
	if h.Own.Fields == nil {
		return PersonFields()
	}
	return h.Own
}

// FieldNames are the properties of all of intentd's fields: those given, else the connector's default.
func (h CRMHost) FieldNames(byDefault func(field string) string) map[string]string {
	names := map[string]string{}
	own := h.OwnFields()
	for _, f := range own.Fields {
		names[f.Name] = byDefault(f.Name)
	}
	for field, property := range h.Fields {
		if _, there := own.Named(field); there {
			names[field] = property
		}
	}
	return names
}

// Thinking says how much a model thinks before it answers, by what it is asked: minimal, low, medium or high, or a number of tokens; ""
// leaves it to the model. Stage 1 describes single steps, which asks for little; stage 2 draws the conclusion. In the configuration one
// text stands for both.
type Thinking struct {
	Stage1 string `mapstructure:"stage1"` // and everything else but stage 2
	Stage2 string `mapstructure:"stage2"`
}

// For is the level for a prompt's purpose.
func (t Thinking) For(purpose string) string {
	if purpose == "stage2" {
		return t.Stage2
	}
	return t.Stage1
}

// FromText implements FromText.
func (t *Thinking) FromText(text string) error {
	t.Stage1, t.Stage2 = text, text
	return nil
}

// Check adds the problem of a level to the section that holds them under key.
func (t Thinking) Check(c *Check, key string) {
	for _, at := range []struct{ key, level string }{{key + ".stage1", t.Stage1}, {key + ".stage2", t.Stage2}} {
		if t.Stage1 == t.Stage2 { // most likely one text for both
			at.key = key
		}
		if _, err := strconv.ParseUint(at.level, 10, 31); at.level != "" && err != nil && !c.OneOf(at.key, at.level, "minimal", "low", "medium", "high") {
			return
		}
	}
}

// FromText is settings that may also be written as one text. An error says what the text means to be, for a problem's message.
type FromText interface{ FromText(text string) error }

// ModelHost is a Host with what the configuration says of every model alike.
type ModelHost struct {
	Host
	Model       string // its name by the vendor
	Concurrency int    // calls at once
	Prices      ModelPrices
}

// ModelPrices are prices that the configuration states: a list, or the word free.
type ModelPrices []ModelPrice

// AnyModel stands for every model that has no price of its own.
const AnyModel = "*"

// FromText implements FromText: free is a price of nothing for every model, for one that runs on the own machine.
func (p *ModelPrices) FromText(text string) error {
	if text != "free" {
		return errors.New("write free, or a list of prices: [{model: NAME, in: 0.30, out: 2.50}]")
	}
	*p = ModelPrices{{Model: AnyModel}}
	return nil
}

// ModelPrice is the price of a model, in US dollars per million tokens. (The model's name is a value, not a key: the reader of the
// configuration folds keys to lower case.)
type ModelPrice struct {
	Model string  `mapstructure:"model"`
	In    float64 `mapstructure:"in"`
	Out   float64 `mapstructure:"out"`
	// Cached is the price of input read from the vendor's cache; 0 takes that of input.
	Cached float64 `mapstructure:"cached"`
}

// Connection is a CRM that was made from its settings.
type Connection struct {
	CRM     CRM
	Objects []string          // whose records it reads and writes
	Fields  map[string]string // intentd's field → property, complete
	Reserve float64           // share of a day's calls that is left to others, 0 to 1
	Lot     int               // records that it reads and writes in one call
	Sources []Origin          // what the CRM itself knows of what people did
	// SourcePoll is the schedule of Sources; "": that of the CRM.
	SourcePoll string
}

// Origin is where events come from: a Source, a Feed or a Receiver, one of the three.
type Origin struct {
	Name     string
	Source   Source
	Feed     Feed
	Receiver Receiver
	// Answer, where set, makes the source that answers for Feed out of the store it is taken into. (the store itself)
	Answer func(store EventStore) Source
}

// EventStore keeps the events of a feed and is asked for them like any source.
type EventStore interface {
	Source
	Forgetter
	Withdrawer
	IntakeReporter
	Compact(ctx context.Context) error
}

// Ledger keeps over restarts what a connector may still ask of its vendor.
type Ledger interface {
	// DailyCalls is how many calls a connector made on a day ("2026-11-20", as the vendor counts days); AddCalls adds n to them.
	DailyCalls(connector, day string) int64
	AddCalls(connector, day string, n int64)
	// SetExhausted keeps until when a connector makes no calls, because the vendor said that its day is used up: a restart does not ask
	// again at once. The zero time says that it may.
	SetExhausted(connector string, until time.Time)
	ExhaustedUntil(connector string) time.Time
}

// TokenStore keeps one refresh token per name over restarts. Load returns "" where none was saved.
type TokenStore interface {
	Load(name string) (token string, err error)
	Save(name, token string) error
}

// Estimator is a model that can tell in advance what a prompt would cost, in millionths of a US dollar.
type Estimator interface {
	Estimate(p Prompt) int64
}
