package journey

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline/memo"
	"github.com/intentd/intentd/pipeline/score"
)

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

// compiled is what a config's lists tell kinds of pages, forms and people by.
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
	k := compiler{Config: c}
	k.bounds()
	k.pages()
	k.out.forms = c.formWords(k.phrases)
	k.products()
	k.topics()
	k.rules()
	k.internal()
	for _, s := range c.SiteNames {
		if name := letters(s); name != "" {
			k.out.siteNames = append(k.out.siteNames, name)
		}
	}
	if len(k.problems) > 0 {
		return nil, fmt.Errorf("journey: %w", errors.Join(k.problems...))
	}
	return &k.out, nil
}

// compiler is a config that is being compiled, and what was found wrong with it.
type compiler struct {
	*Config
	out      compiled
	problems []error
}

func (k *compiler) wrong(format string, args ...any) {
	k.problems = append(k.problems, fmt.Errorf(format, args...))
}

// bounds checks numbers and times.
func (k *compiler) bounds() {
	for _, d := range []struct {
		name string
		v    time.Duration
	}{{"score_window", k.ScoreWindow}, {"recent_window", k.RecentWindow}, {"session_gap", k.SessionGap}, {"keep_history", k.KeepHistory}} {
		if d.v <= 0 {
			k.wrong("%s: %v is not above 0", d.name, d.v)
		}
	}
	if k.KeepHistory < k.ScoreWindow {
		k.wrong("keep_history: %v is shorter than score_window, %v", k.KeepHistory, k.ScoreWindow)
	}
	for _, n := range []struct {
		name     string
		v, above int
	}{{"events_per_minute", k.EventsPerMinute, 0}, {"machine_links", k.MachineLinks, 1}, {"machine_seconds", k.MachineSeconds, 0}, {"summary_pages", k.SummaryPages, 0}} {
		if n.v <= n.above {
			k.wrong("%s: %d is not above %d", n.name, n.v, n.above)
		}
	}
	for t := score.HandRaise; int(t) < len(k.Strengths); t++ {
		if k.Strengths[t] > 100 {
			k.wrong("strengths.%v: %d is not between 0 and 100", t, k.Strengths[t])
		}
	}
}

// pages compiles what pages are told apart by.
func (k *compiler) pages() {
	for _, l := range []struct {
		name string
		in   []string
		out  *globs
	}{{"exclude_paths", k.ExcludePaths, &k.out.exclude}, {"price_paths", k.PricePaths, &k.out.price}, {"contract_paths", k.ContractPaths, &k.out.contract},
		{"comparison_paths", k.ComparisonPaths, &k.out.comparison}, {"case_study_paths", k.CaseStudyPaths, &k.out.caseStudy}, {"product_paths", k.ProductPaths, &k.out.product}} {
		for i, s := range l.in {
			g, err := compileGlob(s)
			if err != nil {
				k.wrong("%s[%d]: %w", l.name, i, err)
				continue
			}
			*l.out = append(*l.out, g)
		}
	}
	k.out.excludeHosts = lower(k.ExcludeHosts)
	var err error
	if k.out.sensitive, err = compileMatch(k.Sensitive); err != nil {
		k.wrong("sensitive: %w", err)
	}
}

// phrases compiles the list of a key.
func (k *compiler) phrases(name string, list []string) (ps []phrase) {
	for i, s := range list {
		p := newPhrase(s)
		if len(p) == 0 {
			k.wrong("%s[%d]: %q has no word to look for", name, i, s)
			continue
		}
		ps = append(ps, p)
	}
	return ps
}

func (k *compiler) products() {
	if len(k.Products) > 255 {
		k.wrong("products: %d are more than the 255 a score can tell apart", len(k.Products))
	}
	seen := map[string]bool{}
	for i, p := range k.Products {
		if strings.TrimSpace(p.Name) == "" {
			k.wrong("products[%d]: no name", i)
			continue
		}
		if seen[strings.ToLower(p.Name)] {
			k.wrong("products[%d]: %q is there twice", i, p.Name)
		}
		seen[strings.ToLower(p.Name)] = true
		m, err := compileMatch(p.Match)
		if err != nil {
			k.wrong("products[%d].match: %w", i, err)
		}
		if name := newPhrase(p.Name); len(name) > 0 {
			m.phrases = append(m.phrases, name)
		}
		k.out.products = append(k.out.products, m)
		k.out.product = append(k.out.product, m.paths...)
	}
}

func (k *compiler) topics() {
	for i, t := range k.Topics {
		m, err := compileMatch(t.Match)
		switch {
		case err != nil:
			k.wrong("topics[%d].match: %w", i, err)
		case strings.TrimSpace(t.Topic) == "" || len(t.Match) == 0:
			k.wrong("topics[%d]: it needs a topic and something to match", i)
		}
		k.out.topics = append(k.out.topics, m)
	}
}

func (k *compiler) rules() {
	for i, r := range k.Rules {
		var g globs
		if r.URL != "" {
			one, err := compileGlob(r.URL)
			if err != nil {
				k.wrong("rules[%d].url: %w", i, err)
			}
			g = globs{one}
		}
		k.out.ruleURLs = append(k.out.ruleURLs, g)
		switch {
		case r.Kind == "" && r.Event == "" && r.URL == "" && r.Form == "" && r.Source == "":
			k.wrong("rules[%d]: nothing to match; set kind, event, url, form or source", i)
		case r.Signal > score.SocialMention:
			k.wrong("rules[%d]: no signal type %d", i, r.Signal)
		case r.Ignore && r.Signal != 0:
			k.wrong("rules[%d]: it cannot both ignore and count", i)
		case !r.Ignore && r.Signal == 0 && r.Topic == "":
			k.wrong("rules[%d]: nothing to do; set signal, ignore or topic", i)
		}
	}
}

// internal compiles what tells own staff.
func (k *compiler) internal() {
	k.out.internalHosts = lower(k.InternalHosts)
	for i, s := range k.InternalIPs {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(s); err == nil {
				p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
			}
		}
		if err != nil {
			k.wrong("internal_ips[%d]: %q is no address and no prefix like 192.0.2.0/24", i, s)
			continue
		}
		k.out.ips = append(k.out.ips, p.Masked())
	}
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
