package journey

import (
	"encoding/json"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline/score"
)

// Product is an entry of the catalogue. Match holds path globs, which begin with "/" or "*" ("/cards/**"), and words or
// phrases ("card", "business loan"), which are looked for in paths and trusted titles as whole words, either number. The name
// itself matches as a phrase, too. Globs go before words, and of several the most telling wins: a longer glob, a phrase that holds
// the other. What names two products all the same is about neither.
type Product struct {
	Name  string   `json:"name"`
	Match []string `json:"match"`
}

// TopicRule says what pages are about. Match is as for Product. All rules that match apply.
type TopicRule struct {
	Match []string `json:"match"`
	Topic string   `json:"topic"`
}

// Rule types events by what they are. All fields that are set must match; the first rule with a Signal or with Ignore that
// matches decides. Rules that only name a Topic add it and go on.
type Rule struct {
	Kind   string `json:"kind,omitempty"`   // Event.Kind, "*" for any part of it
	Event  string `json:"event,omitempty"`  // the event's name: Event.Kind, or property "event", "event_name" or "name"; "*" as above
	URL    string `json:"url,omitempty"`    // path glob, on the hosts whose paths count
	Form   string `json:"form,omitempty"`   // name of the form, "*" as above
	Source string `json:"source,omitempty"` // name of the source
	// Signal is the type to count as; zero leaves the type alone. Ignore keeps the event from counting.
	Signal score.Type `json:"signal,omitempty"`
	Ignore bool       `json:"ignore,omitempty"`
	Key    bool       `json:"key,omitempty"` // with Signal: it shows that somebody is buying, as a price page does
	Topic  string     `json:"topic,omitempty"`
}

// Config says how events become a journey. Start from [Defaults].
type Config struct {
	ScoreWindow  time.Duration `json:"score_window"`  // signals older than this no longer score; they stay in the journey
	RecentWindow time.Duration `json:"recent_window"` // sessions that ended within it are recent, the others history
	SessionGap   time.Duration `json:"session_gap"`   // a longer pause ends a session that has no id of the vendor's
	KeepHistory  time.Duration `json:"keep_history"`  // older events are left out
	// Consented are sources of which everything was consented to that says nothing of consent.
	Consented []string `json:"consented,omitempty"`
	// EventsPerMinute is what a person can do on a site: the events of a minute with more of them, in one source, are dropped.
	EventsPerMinute int `json:"events_per_minute"`
	// MachineLinks links of one mail opened within MachineSeconds are a mail scanner's.
	MachineLinks   int `json:"machine_links"`
	MachineSeconds int `json:"machine_seconds"`
	// SummaryPages is how many signals one step of a page-view counter (connectors.PropCount) is at most.
	SummaryPages int             `json:"summary_pages"`
	Strengths    score.Strengths `json:"strengths"`

	OwnHosts        []string `json:"own_hosts"`         // the customer's hosts; subdomains included
	InternalDomains []string `json:"internal_domains"`  // mail domains of own staff; subdomains included
	InternalIPs     []string `json:"internal_ips"`      // addresses and CIDR prefixes of own staff
	InternalHosts   []string `json:"internal_hosts"`    // host globs of pages that only own staff sees ("staging.*")
	DropQueryParams []string `json:"drop_query_params"` // taken out of every URL; matched whole, in any case

	// Path globs: "*" is any part of one segment, "**" any number of segments, case does not matter; "/a/**" matches /a, too, and
	// /de/a, where the first segment is a language.
	ExcludePaths    []string `json:"exclude_paths"`
	ExcludeHosts    []string `json:"exclude_hosts"` // host globs ("careers.*")
	PricePaths      []string `json:"price_paths"`
	ContractPaths   []string `json:"contract_paths"`
	ComparisonPaths []string `json:"comparison_paths"`
	CaseStudyPaths  []string `json:"case_study_paths"`
	ProductPaths    []string `json:"product_paths"` // besides the globs of Products
	// Sensitive are path globs and words in paths and titles of pages that tell of health, belief, politics, union or sex life: what
	// was done there is dropped.
	Sensitive []string `json:"sensitive"`

	// Words and phrases in the name of a form, or in the path of the page it is on where it has no name; "*" is any part of a word.
	HandRaiseForms   []string `json:"hand_raise_forms"`
	TrialForms       []string `json:"trial_forms"`
	ApplicationForms []string `json:"application_forms"`
	WebinarForms     []string `json:"webinar_forms"`
	NewsletterForms  []string `json:"newsletter_forms"`
	ExcludeForms     []string `json:"exclude_forms"`

	Products []Product        `json:"products"`
	Topics   []TopicRule      `json:"topics"`
	Rules    []Rule           `json:"rules"`
	Identity identity.Options `json:"identity,omitzero"`
	// SiteNames are endings of page titles to strip, besides those that resemble the host ("Pricing - Example Inc").
	SiteNames []string `json:"site_names"`
}

// buildVersion changes whenever the same config and events could give another journey.
const buildVersion = "3"

func (c *Config) hash() uint64 {
	b, err := json.Marshal(c)
	if err != nil { // a Config holds nothing that JSON refuses
		panic(err)
	}
	h := xxhash.New()
	h.Write(b)
	h.WriteString("\x00" + buildVersion + "\x00" + crawlerPatterns + "\x00" + machinePatterns)
	return h.Sum64()
}
