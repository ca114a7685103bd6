// Package config turns one YAML file, the environment and systemd credentials into a typed [Config], or into a list of
// [Problem]s that names everything that is wrong at once.
//
// Terms: a path is where a value stands in the file ("crms[0].token"); a secret is a value of type [Secret], which never
// prints itself; a warning is a problem that does not keep intentd from starting.
//
// Promises: an unknown key is never ignored; no problem's text holds a secret; a Config that came back without errors needs
// no further checking by its users. The package opens only the config file and the secret files that it names.
package config

import (
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Config is a whole, checked configuration. config.example.yaml tells what each key is for.
type Config struct {
	State       State        `mapstructure:"state"`
	Log         Log          `mapstructure:"log"`
	HTTP        HTTP         `mapstructure:"http"`
	Write       Write        `mapstructure:"write"`
	Text        Text         `mapstructure:"text"`
	CRMs        []CRM        `mapstructure:"crms"`
	Sources     []Source     `mapstructure:"sources"`
	Identity    Identity     `mapstructure:"identity"`
	Clickstream Clickstream  `mapstructure:"clickstream"`
	Model       Model        `mapstructure:"model"`
	Window      Window       `mapstructure:"window"`
	Scoring     Scoring      `mapstructure:"scoring"`
	Verdicts    Verdicts     `mapstructure:"verdicts"`
	Holdout     Holdout      `mapstructure:"holdout"`
	Proof       Proof        `mapstructure:"proof"`
	Fit         Fit          `mapstructure:"fit"`
	Topics      Topics       `mapstructure:"topics"`
	Products    []Product    `mapstructure:"products"`
	Competitors []Competitor `mapstructure:"competitors"`
	Alerts      []Alert      `mapstructure:"alerts"`
	Learning    string       `mapstructure:"learning"` // off | suggest | apply: what becomes of what closed deals teach
	Schedule    Schedule     `mapstructure:"schedule"`
	Privacy     Privacy      `mapstructure:"privacy"`
	Screenshots Screenshots  `mapstructure:"screenshots"`
}

// Competitor is a rival: whom people compare with, and whose own people get no sales step.
type Competitor struct {
	Name    string   `mapstructure:"name"`
	Domains []string `mapstructure:"domains"` // of their mail addresses; subdomains included
}

// State says where the state file is. The control socket stands beside it.
type State struct {
	Path string `mapstructure:"path" kind:"path"`
}

// Log is how intentd logs to standard error.
type Log struct {
	Level  string `mapstructure:"level"`  // debug | info | warn | error
	Format string `mapstructure:"format"` // text | json
}

// HTTP is the listener for health, metrics and the page. An empty Listen turns it off.
type HTTP struct {
	Listen string `mapstructure:"listen"`
	Page   bool   `mapstructure:"page"` // to look at in a browser, for those who sign in
	// Token signs in to the page, beside the one-time links of `intentd page`.
	Token       connectors.Secret `mapstructure:"token"`
	TokenFile   string            `mapstructure:"token_file"`
	TrustHeader TrustHeader       `mapstructure:"trust_header"`
	Hosts       []string          `mapstructure:"hosts"` // names by which browsers ask for the page, beside addresses and localhost
}

// TrustHeader is a header in which a reverse proxy names who has signed in with it.
type TrustHeader struct {
	Name string   `mapstructure:"name"` // "": none
	From []string `mapstructure:"from"` // addresses or ranges of the proxy: from elsewhere the header says nothing
}

// Write says whether, and about whom, anything is written to the CRMs.
type Write struct {
	Mode  string `mapstructure:"mode"` // off | canary | on
	Scope Scope  `mapstructure:"scope"`
	// Interval is the least time between two writes for one person that do not change the tier.
	Interval time.Duration `mapstructure:"interval"`
	// Settle is how long whoever asked for nothing waits before they are looked at; nil: as the CRMs want it.
	Settle *time.Duration `mapstructure:"settle"`
	// Brake is the share of scored people, in percent, whose tier one run may change before writing stops.
	Brake float64 `mapstructure:"brake"`
}

// Scope is who is written to in canary mode: a record that meets any one of the three.
type Scope struct {
	Owner []string `mapstructure:"owner"` // the CRM's ids of owners
	IDs   []string `mapstructure:"ids"`   // record ids, or "crm/object/id"
	List  []Mark   `mapstructure:"list"`
}

// Mark is on everybody whose input property has a value. (The property is a value here, not a key: the reader folds keys to
// lower case.)
type Mark struct {
	CRM      string `mapstructure:"crm"` // of which CRM; "": of any
	Property string `mapstructure:"property"`
	Value    string `mapstructure:"value"`
}

// Text is the language of what reps read, and the time zone of its dates.
type Text struct {
	Language string `mapstructure:"language"` // en | de
	Timezone string `mapstructure:"timezone"` // IANA name
}

// Clickstream is the embedded event store; an empty Dir puts it beside the state file.
type Clickstream struct {
	Dir       string        `mapstructure:"dir" kind:"path"`
	Retention time.Duration `mapstructure:"retention"`
}

// Window is how far a journey reaches back.
type Window struct {
	Score      time.Duration `mapstructure:"score"`
	Recent     time.Duration `mapstructure:"recent"`
	SessionGap time.Duration `mapstructure:"session_gap"`
}

// What scoring.engine may ask for.
const (
	EngineFormula    = "formula"
	EngineWeights    = "weights"    // the formula with learned weights
	EnginePropensity = "propensity" // learned strengths: a sum of points
	EngineModel      = "model"      // the tier by a language model's word
	EngineAuto       = "auto"       // the best that is applied
)

// Engines are all that scoring.engine may ask for.
var Engines = []string{EngineFormula, EngineWeights, EnginePropensity, EngineModel, EngineAuto}

// What learning may be.
const (
	LearningOff     = "off"
	LearningSuggest = "suggest" // what is learned waits until it is applied by hand
	LearningApply   = "apply"   // it is applied where it moves few
)

// Scoring are the settings of the formula, and of what counts.
type Scoring struct {
	Engine           string         `mapstructure:"engine"` // one of Engines
	Weights          Weights        `mapstructure:"weights"`
	Tiers            Tiers          `mapstructure:"tiers"`
	Margin           float64        `mapstructure:"margin"`
	Capacity         Capacity       `mapstructure:"capacity"`
	MaxActivity      int            `mapstructure:"max_activity"`
	TimeConstantDays float64        `mapstructure:"time_constant_days"`
	HalfLifeDays     float64        `mapstructure:"half_life_days"`
	TopicPoints      int            `mapstructure:"topic_points"`
	InterestPoints   int            `mapstructure:"interest_points"`
	HandRaiseDays    int            `mapstructure:"hand_raise_days"`
	HighStrength     int            `mapstructure:"high_strength"` // the former name of evidence.strength
	Evidence         Evidence       `mapstructure:"evidence"`
	TopicBase        *int           `mapstructure:"topic_base"`
	MaterialPoints   float64        `mapstructure:"material_points"`
	Trend            Trend          `mapstructure:"trend"`
	Strengths        map[string]int `mapstructure:"strengths"` // by signal type
	EventsPerMinute  int            `mapstructure:"events_per_minute"`
	Machines         Machines       `mapstructure:"machines"`
	Pages            Pages          `mapstructure:"pages"`
	Forms            Forms          `mapstructure:"forms"`
	Rules            []Rule         `mapstructure:"rules"`
}

// Capacity bounds how many people come into high by their score.
type Capacity struct {
	High  int    `mapstructure:"high"`  // so many; 0: any number
	Per   string `mapstructure:"per"`   // for each: owner
	Every string `mapstructure:"every"` // within: week
}

// Evidence is what a tier asks for besides the score, of the person's own signals.
type Evidence struct {
	Days     int           `mapstructure:"days"`
	KeyDays  int           `mapstructure:"key_days"`
	Key      int           `mapstructure:"key"`
	Strength int           `mapstructure:"strength"`
	Strong   int           `mapstructure:"strong"`
	Apart    time.Duration `mapstructure:"apart"`
	Signals  int           `mapstructure:"signals"`
}

// Machines is the pace of mail scanners: so many links of one mail within so many seconds.
type Machines struct {
	Links   int `mapstructure:"links"`
	Seconds int `mapstructure:"seconds"`
}

// Trend are the points by which a score must differ from the one so many days before.
type Trend struct {
	Days    int     `mapstructure:"days"`
	Surging float64 `mapstructure:"surging"`
	Rising  float64 `mapstructure:"rising"`
	Cooling float64 `mapstructure:"cooling"`
}

// Pages are path globs that say what kind of page it is. A list that is given replaces the built-in one.
type Pages struct {
	Exclude      []string `mapstructure:"exclude"`
	ExcludeHosts []string `mapstructure:"exclude_hosts"` // host globs
	Price        []string `mapstructure:"price"`
	Contract     []string `mapstructure:"contract"`
	Comparison   []string `mapstructure:"comparison"`
	CaseStudy    []string `mapstructure:"case_study"`
	Product      []string `mapstructure:"product"`
	Sensitive    []string `mapstructure:"sensitive"`  // pages about health, belief, politics, union or sex life: dropped; words, too
	SiteNames    []string `mapstructure:"site_names"` // endings of page titles to leave out
}

// Forms are words in the name of a form that say what it is. A list that is given replaces the built-in one.
type Forms struct {
	HandRaise   []string `mapstructure:"hand_raise"`
	Trial       []string `mapstructure:"trial"`
	Application []string `mapstructure:"application"`
	Webinar     []string `mapstructure:"webinar"`
	Newsletter  []string `mapstructure:"newsletter"`
	Exclude     []string `mapstructure:"exclude"`
}

// Weights are the shares of the components: at most three decimals, adding up to 1.
type Weights struct {
	Volume  float64 `mapstructure:"volume"`
	Recency float64 `mapstructure:"recency"`
	Topics  float64 `mapstructure:"topics"`
}

// Tiers are the scores from which a tier begins.
type Tiers struct {
	High   float64 `mapstructure:"high"`
	Medium float64 `mapstructure:"medium"`
}

// Rule says what an event counts as. All of its conditions must hold; the first rule with a signal or ignore that fits decides,
// rules that only name a topic add it.
type Rule struct {
	Kind   string `mapstructure:"kind"`   // event kind; * stands for any part of it, here and in event and form
	Event  string `mapstructure:"event"`  // name of a custom event
	Form   string `mapstructure:"form"`   // name of a form
	URL    string `mapstructure:"url"`    // path glob
	Source string `mapstructure:"source"` // name of a source
	Signal string `mapstructure:"signal"` // a signal type
	Key    bool   `mapstructure:"key"`    // with signal: it shows that somebody is buying, as a price page does
	Ignore bool   `mapstructure:"ignore"` // it never counts
	Topic  string `mapstructure:"topic"`  // what it is about
}

// Verdicts are for how long a rep's verdict sets a person aside; 0: not at all. Weight is what one counts for in learning, beside somebody of a closed deal.
type Verdicts struct {
	NotNow        time.Duration `mapstructure:"not_now"`
	NotInterested time.Duration `mapstructure:"not_interested"`
	WrongPerson   time.Duration `mapstructure:"wrong_person"`
	Weight        float64       `mapstructure:"weight"` // 0 to 0.5; 0: nothing is learned from verdicts
}

// Holdout is the share of newly scored people of whom nothing is written, so that what a score brings can be told.
type Holdout struct {
	Share float64 `mapstructure:"share"` // 0 to 0.5; 0: everybody is written
}

// Proof says of whom the comparison with people held out tells figures.
type Proof struct {
	Teams   []Team `mapstructure:"teams"`
	ByOwner bool   `mapstructure:"by_owner"` // figures of each rep, which in many countries asks for the works council's consent
}

// Team are reps who are told of together: five at least, so that no figure is about one of them.
type Team struct {
	Name   string   `mapstructure:"name"`
	Owners []string `mapstructure:"owners"` // the CRM's ids of owners
}

// Fit grades people by what the CRM says of them. Without rules nobody is graded.
type Fit struct {
	Rules    []FitRule `mapstructure:"rules"`
	Grades   Grades    `mapstructure:"grades"`
	Combined bool      `mapstructure:"combined"` // grade and tier in one field, too
}

// FitRule gives points where all of its conditions on a property hold.
type FitRule struct {
	Property string   `mapstructure:"property"`
	CRM      string   `mapstructure:"crm"`     // of this CRM alone; "": of any
	AnyOf    []string `mapstructure:"any_of"`  // it is one of these, whatever the case
	Matches  []string `mapstructure:"matches"` // it is like one of these: * stands for any part
	Min      *float64 `mapstructure:"min"`     // it is a number, and at least …
	Max      *float64 `mapstructure:"max"`     // … or at most that
	Points   int      `mapstructure:"points"`
}

// Grades are the points from which a grade begins; below C it is D.
type Grades struct {
	A int `mapstructure:"a"`
	B int `mapstructure:"b"`
	C int `mapstructure:"c"`
}

// OwnFields are intentd's fields of a person under the configuration.
func (c *Config) OwnFields() connectors.FieldSet {
	return connectors.PersonFieldsWith(c.AddedFields()...)
}

// AddedFields are those of them that the configuration adds to everybody's.
func (c *Config) AddedFields() (names []string) {
	if len(c.Fit.Rules) > 0 {
		if names = append(names, connectors.FieldFit); c.Fit.Combined {
			names = append(names, connectors.FieldGrade)
		}
	}
	return names
}

// MarkProperties are the properties of a CRM by which canaries and customers are recognised.
func (c *Config) MarkProperties(crm string) (out []string) {
	for _, m := range slices.Concat(c.Write.Scope.List, c.Privacy.CustomerFields) {
		if m.CRM == "" || m.CRM == crm {
			out = append(out, m.Property)
		}
	}
	return out
}

// FitProperties are the properties of a CRM that rules of fit ask for.
func (c *Config) FitProperties(crm string) (out []string) {
	for _, r := range c.Fit.Rules {
		if r.CRM == "" || r.CRM == crm {
			out = append(out, r.Property)
		}
	}
	return out
}

// Topics are what a good or a bad customer reads about.
type Topics struct {
	Win     []string       `mapstructure:"win"`
	Loss    []string       `mapstructure:"loss"`
	Pages   []TopicPage    `mapstructure:"pages"`
	Lexicon []LexiconGroup `mapstructure:"lexicon"`
}

// TopicPage says what the customer's own pages are about.
type TopicPage struct {
	Match []string `mapstructure:"match"` // path globs or words
	Topic string   `mapstructure:"topic"`
}

// LexiconGroup extends the built-in concepts that stand in for the model.
type LexiconGroup struct {
	Names   []string `mapstructure:"names"`   // mean the same
	Related []string `mapstructure:"related"` // match any of the names, but not each other
}

// Product is one entry of the catalogue.
type Product struct {
	Name  string   `mapstructure:"name"`
	Match []string `mapstructure:"match"` // globs ("/cards/**") or words
}

// Schedule are the recurring jobs, as cron lines or durations. An empty line turns a job off.
type Schedule struct {
	Sweep    string `mapstructure:"sweep"`
	Learn    string `mapstructure:"learn"`
	Purge    string `mapstructure:"purge"`
	Timezone string `mapstructure:"timezone"` // "" takes text.timezone
}

// Privacy is what is left out, dropped and forgotten.
type Privacy struct {
	InternalDomains []string `mapstructure:"internal_domains"`  // own staff, by e-mail domain
	InternalIPs     []string `mapstructure:"internal_ips"`      // own offices: addresses or CIDR ranges
	InternalHosts   []string `mapstructure:"internal_hosts"`    // host names of staging and back-office systems
	OwnHosts        []string `mapstructure:"own_hosts"`         // hosts whose titles are trusted and whose URLs may be shown
	Exclude         []string `mapstructure:"exclude"`           // addresses and mail domains of people of whom nothing is kept
	DropQueryParams []string `mapstructure:"drop_query_params"` // beside the built-in ones
	Redact          Redact   `mapstructure:"redact"`
	Customers       []string `mapstructure:"customers"` // life-cycle stages whose visits do not count
	// CustomerFields mark customers by a property that is read, where the CRM has no life-cycle stage.
	CustomerFields []Mark    `mapstructure:"customer_fields"`
	Retention      Retention `mapstructure:"retention"`
}

// Redact says what a model does not get to see, beside e-mail addresses, phone numbers and the person's own names.
type Redact struct {
	KeepEmails bool     `mapstructure:"keep_emails"`
	KeepPhones bool     `mapstructure:"keep_phones"`
	KeepNames  bool     `mapstructure:"keep_names"`
	DropTyped  bool     `mapstructure:"drop_typed"` // leave out all that visitors typed
	Patterns   []string `mapstructure:"patterns"`   // regular expressions
}

// Retention is how long things are kept.
type Retention struct {
	Receipts  time.Duration `mapstructure:"receipts"`  // explanations of written scores
	History   time.Duration `mapstructure:"history"`   // how far back journeys are asked for and texts may look
	Snapshots time.Duration `mapstructure:"snapshots"` // what scores rested on, change by change
}

// Screenshots is the directory of pictures that events may name. Empty: off.
type Screenshots struct {
	Dir string `mapstructure:"dir" kind:"path"`
}

const day = 24 * time.Hour

// Default is the configuration of an empty file.
func Default() *Config {
	return &Config{
		State:    State{Path: "./intentd.db"},
		Log:      Log{Level: "info", Format: "text"},
		HTTP:     HTTP{Listen: "127.0.0.1:8787"},
		Write:    Write{Mode: "on", Brake: 10, Interval: time.Hour},
		Text:     Text{Language: "en", Timezone: "UTC"},
		Identity: Identity{JoinAnonymous: "consented"},
		Clickstream: Clickstream{
			Retention: 400 * day,
		},
		Model: Model{Provider: Rules, Concurrency: 8, DailyBudgetUSD: 5},
		Window: Window{
			Score: 90 * day, Recent: 30 * day, SessionGap: 30 * time.Minute,
		},
		Scoring: Scoring{
			Engine:      "formula",
			Weights:     Weights{Volume: 0.4, Recency: 0.3, Topics: 0.3},
			Tiers:       Tiers{High: 62, Medium: 55},
			Margin:      3,
			Capacity:    Capacity{Per: "owner", Every: "week"},
			MaxActivity: 100, TopicPoints: 15, HandRaiseDays: 7,
			Evidence: Evidence{Days: 30, KeyDays: 14, Key: 2, Strength: 60, Strong: 3, Apart: 12 * time.Hour, Signals: 6}, Machines: Machines{Links: 3, Seconds: 10},
			MaterialPoints: 5, Trend: Trend{Days: 7, Surging: 20, Rising: 5, Cooling: 5}, EventsPerMinute: 60,
		},
		Verdicts: Verdicts{NotNow: 60 * day, NotInterested: 180 * day, WrongPerson: 365 * day},
		Learning: LearningSuggest,
		Fit:      Fit{Grades: Grades{A: 70, B: 45, C: 20}},
		Schedule: Schedule{Sweep: "@weekly", Learn: "0 4 * * 0", Purge: "30 3 * * *"},
		Privacy: Privacy{
			Customers: []string{"customer"},
			Retention: Retention{Receipts: 180 * day, History: 400 * day, Snapshots: 400 * day},
		},
	}
}
