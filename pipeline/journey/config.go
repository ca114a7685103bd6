package journey

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline/memo"
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

// A matcher of one kind of page or text, compiled.
type compiled struct {
	exclude, price, contract, comparison, caseStudy, product globs
	excludeHosts, internalHosts                              []string
	sensitive                                                matcher
	products                                                 []matcher
	topics                                                   []matcher
	forms                                                    formWords
	ips                                                      []netip.Prefix
	ruleURLs                                                 []globs
	siteNames                                                []string
}

// matcher is the Match list of a product or topic.
type matcher struct {
	paths   globs
	phrases []phrase
}

func compileMatch(match []string) (matcher, error) {
	var m matcher
	for _, s := range match {
		s = strings.TrimSpace(s)
		if strings.HasPrefix(s, "/") || strings.HasPrefix(s, "*") {
			g, err := compileGlob(s)
			if err != nil {
				return m, err
			}
			m.paths = append(m.paths, g)
			continue
		}
		p := newPhrase(s)
		if len(p) == 0 {
			return m, fmt.Errorf("%q has no word to look for", s)
		}
		m.phrases = append(m.phrases, p)
	}
	return m, nil
}

// compile checks c and reports everything that is wrong with it at once, each problem beginning with its JSON path.
func (c *Config) compile() (*compiled, error) {
	var (
		out      compiled
		problems []error
	)
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, d := range []struct {
		name string
		v    time.Duration
	}{{"score_window", c.ScoreWindow}, {"recent_window", c.RecentWindow}, {"session_gap", c.SessionGap}, {"keep_history", c.KeepHistory}} {
		if d.v <= 0 {
			wrong("%s: %v is not above 0", d.name, d.v)
		}
	}
	if c.KeepHistory < c.ScoreWindow {
		wrong("keep_history: %v is shorter than score_window, %v", c.KeepHistory, c.ScoreWindow)
	}
	if c.EventsPerMinute < 1 {
		wrong("events_per_minute: %d is not above 0", c.EventsPerMinute)
	}
	if c.MachineLinks < 2 {
		wrong("machine_links: %d is not above 1", c.MachineLinks)
	}
	if c.MachineSeconds < 1 {
		wrong("machine_seconds: %d is not above 0", c.MachineSeconds)
	}
	if c.SummaryPages < 1 {
		wrong("summary_pages: %d is not above 0", c.SummaryPages)
	}
	for t := score.HandRaise; int(t) < len(c.Strengths); t++ {
		if c.Strengths[t] > 100 {
			wrong("strengths.%v: %d is not between 0 and 100", t, c.Strengths[t])
		}
	}
	for _, l := range []struct {
		name string
		in   []string
		out  *globs
	}{{"exclude_paths", c.ExcludePaths, &out.exclude}, {"price_paths", c.PricePaths, &out.price}, {"contract_paths", c.ContractPaths, &out.contract},
		{"comparison_paths", c.ComparisonPaths, &out.comparison}, {"case_study_paths", c.CaseStudyPaths, &out.caseStudy}, {"product_paths", c.ProductPaths, &out.product}} {
		for i, s := range l.in {
			g, err := compileGlob(s)
			if err != nil {
				wrong("%s[%d]: %w", l.name, i, err)
				continue
			}
			*l.out = append(*l.out, g)
		}
	}
	out.forms = c.formWords(func(name string, list []string) (ps []phrase) {
		for i, s := range list {
			p := newPhrase(s)
			if len(p) == 0 {
				wrong("%s[%d]: %q has no word to look for", name, i, s)
				continue
			}
			ps = append(ps, p)
		}
		return ps
	})
	var err error
	if out.sensitive, err = compileMatch(c.Sensitive); err != nil {
		wrong("sensitive: %w", err)
	}
	out.excludeHosts, out.internalHosts = lower(c.ExcludeHosts), lower(c.InternalHosts)
	if len(c.Products) > 255 {
		wrong("products: %d are more than the 255 a score can tell apart", len(c.Products))
	}
	seen := map[string]bool{}
	for i, p := range c.Products {
		if strings.TrimSpace(p.Name) == "" {
			wrong("products[%d]: no name", i)
			continue
		}
		if seen[strings.ToLower(p.Name)] {
			wrong("products[%d]: %q is there twice", i, p.Name)
		}
		seen[strings.ToLower(p.Name)] = true
		m, err := compileMatch(p.Match)
		if err != nil {
			wrong("products[%d].match: %w", i, err)
		}
		if name := newPhrase(p.Name); len(name) > 0 {
			m.phrases = append(m.phrases, name)
		}
		out.products = append(out.products, m)
		out.product = append(out.product, m.paths...)
	}
	for i, t := range c.Topics {
		m, err := compileMatch(t.Match)
		switch {
		case err != nil:
			wrong("topics[%d].match: %w", i, err)
		case strings.TrimSpace(t.Topic) == "" || len(t.Match) == 0:
			wrong("topics[%d]: it needs a topic and something to match", i)
		}
		out.topics = append(out.topics, m)
	}
	for i, r := range c.Rules {
		var g globs
		if r.URL != "" {
			one, err := compileGlob(r.URL)
			if err != nil {
				wrong("rules[%d].url: %w", i, err)
			}
			g = globs{one}
		}
		out.ruleURLs = append(out.ruleURLs, g)
		switch {
		case r.Kind == "" && r.Event == "" && r.URL == "" && r.Form == "" && r.Source == "":
			wrong("rules[%d]: nothing to match; set kind, event, url, form or source", i)
		case r.Signal > score.SocialMention:
			wrong("rules[%d]: no signal type %d", i, r.Signal)
		case r.Ignore && r.Signal != 0:
			wrong("rules[%d]: it cannot both ignore and count", i)
		case !r.Ignore && r.Signal == 0 && r.Topic == "":
			wrong("rules[%d]: nothing to do; set signal, ignore or topic", i)
		}
	}
	for i, s := range c.InternalIPs {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(s); err == nil {
				p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
			}
		}
		if err != nil {
			wrong("internal_ips[%d]: %q is no address and no prefix like 192.0.2.0/24", i, s)
			continue
		}
		out.ips = append(out.ips, p.Masked())
	}
	for _, s := range c.SiteNames {
		if k := letters(s); k != "" {
			out.siteNames = append(out.siteNames, k)
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("journey: %w", errors.Join(problems...))
	}
	return &out, nil
}

func lower(in []string) []string {
	out := make([]string, 0, len(in))
	for _, s := range in {
		if s = strings.Trim(strings.ToLower(strings.TrimSpace(s)), "."); s != "" {
			out = append(out, s)
		}
	}
	return out
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

// Builder builds journeys by one config. It is safe for concurrent use.
type Builder struct {
	config   Config
	c        *compiled
	version  uint64
	own      []string // hosts given as the customer's
	trusted  []string // hosts whose titles are trusted: own, else the mail domains of own staff
	staff    []string
	drop     map[string]bool
	products []string
	crawlers *crawlers
	rules    *identity.Rules
	agents   memo.Memo[string, agent]
	kinds    memo.Memo[string, string]
	pages    memo.Memo[pageKey, *page]
	scratch  sync.Pool
	steps    sync.Pool // of *[]Step
}

func (c *Config) formWords(compile func(name string, list []string) []phrase) (f formWords) {
	split := func(name string, list, apart []string) (these, those []phrase) {
		for _, p := range compile(name, list) {
			if slices.ContainsFunc(apart, func(w string) bool { return slices.Equal(newPhrase(w), p) }) {
				those = append(those, p)
			} else {
				these = append(these, p)
			}
		}
		return these, those
	}
	f.request, f.contact = split("hand_raise_forms", c.HandRaiseForms, contactWords)
	f.excluded, f.never = split("exclude_forms", c.ExcludeForms, neverWords)
	f.newsletter = compile("newsletter_forms", c.NewsletterForms)
	f.webinar = compile("webinar_forms", c.WebinarForms)
	f.trial = compile("trial_forms", c.TrialForms)
	f.application = compile("application_forms", c.ApplicationForms)
	f.material, f.subject = phrases(materialWords), phrases(subjectWords)
	return f
}

func (r *Rule) fitsForm(name string) bool { return fits(r.Form, name) }
