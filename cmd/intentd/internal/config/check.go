package config

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/robfig/cron/v3"
)

// signalTypes are the names of SCORING's signal types, as strengths and rules use them.
var signalTypes = []string{"hand_raise", "social_ask", "tech_change", "job_posting", "funding", "form_submit", "content_view", "email_engage", "web_visit", "social_mention"}

// check looks at every section of what was read.
func (c *checker) check(cfg *Config) {
	c.paths("", reflect.ValueOf(cfg).Elem())
	c.Required("state.path", cfg.State.Path, "name the state file, for example /var/lib/intentd/intentd.db")
	c.OneOf("log.level", cfg.Log.Level, "debug", "info", "warn", "error")
	c.OneOf("log.format", cfg.Log.Format, "text", "json")
	c.http(&cfg.HTTP)
	c.write(cfg)
	c.OneOf("text.language", cfg.Text.Language, "en", "de")
	zone := c.zone("text.timezone", cfg.Text.Timezone)
	c.connectors(cfg)
	c.identity(cfg)
	c.consent(cfg)
	c.atLeast("clickstream.retention", cfg.Clickstream.Retention, day)
	c.window(cfg)
	c.scoring(&cfg.Scoring)
	for key, d := range map[string]time.Duration{"not_now": cfg.Verdicts.NotNow, "not_interested": cfg.Verdicts.NotInterested, "wrong_person": cfg.Verdicts.WrongPerson} {
		c.Span("verdicts."+key, d, 0, 3650*day)
	}
	c.Between("verdicts.weight", cfg.Verdicts.Weight, 0, 0.5, "write what a verdict counts for beside a closed deal, such as 0.2; 0 learns nothing from verdicts")
	c.Between("holdout.share", cfg.Holdout.Share, 0, 0.5, "write a share of the people, such as 0.05; 0 holds nobody out")
	c.OneOf("learning", cfg.Learning, LearningOff, LearningSuggest, LearningApply)
	c.learningProfile(cfg)
	c.proof(&cfg.Proof)
	c.fit(cfg)
	c.topics(&cfg.Topics)
	c.products(cfg.Products)
	c.competitors(cfg.Competitors)
	c.alerts(cfg)
	if cfg.Schedule.Timezone != "" {
		zone = c.zone("schedule.timezone", cfg.Schedule.Timezone)
	}
	c.cron("schedule.sweep", cfg.Schedule.Sweep, zone)
	c.cron("schedule.learn", cfg.Schedule.Learn, zone)
	c.cron("schedule.purge", cfg.Schedule.Purge, zone)
	c.privacy(cfg)
	if dir := cfg.Screenshots.Dir; dir != "" {
		if info, err := os.Stat(dir); err != nil {
			c.Add("screenshots.dir", "cannot open "+dir+": "+reason(err), "create the directory, or leave the value empty to do without pictures")
		} else if !info.IsDir() {
			c.Add("screenshots.dir", dir+" is not a directory", "name the directory that holds the pictures")
		}
	}
}

// marks checks marks of people.
func (c *checker) marks(cfg *Config, list string, marks []Mark, whom string) {
	for i, m := range marks {
		at := fmt.Sprintf("%s[%d]", list, i)
		c.Required(at+".property", m.Property, "name the CRM property that marks "+whom)
		c.Required(at+".value", m.Value, "write the value that marks them")
		c.knownCRM(cfg, at+".crm", m.CRM)
	}
}

// knownCRM checks the name of a CRM; "" is any.
func (c *checker) knownCRM(cfg *Config, at, name string) {
	if name != "" && !slices.ContainsFunc(cfg.CRMs, func(crm CRM) bool { return crm.Name == name }) {
		c.Add(at, "there is no CRM "+connectors.Quoted(name), "name one of crms, or leave it out for any")
	}
}

func (c *checker) write(cfg *Config) {
	w := cfg.Write
	c.OneOf("write.mode", w.Mode, "off", "canary", "on")
	if w.Mode == "canary" && len(w.Scope.Owner) == 0 && len(w.Scope.IDs) == 0 && len(w.Scope.List) == 0 {
		c.Add("write.scope", "canary mode without a scope would write nobody", "name owner, ids or list below write.scope, or set write.mode to off")
	}
	c.marks(cfg, "write.scope.list", w.Scope.List, "the people of the canary")
	c.Span("write.interval", w.Interval, 0, 7*day)
	if w.Settle != nil {
		c.Span("write.settle", *w.Settle, 0, time.Hour)
	}
	c.Between("write.brake", w.Brake, 0, 100, "write the share in percent; 0 switches the brake off")
}

func (c *checker) window(cfg *Config) {
	w := cfg.Window
	if c.Span("window.score", w.Score, day, 3650*day) && w.Score%day != 0 {
		c.Add("window.score", "is not a number of whole days", "write for example 90d")
	}
	if c.Span("window.recent", w.Recent, time.Hour, 3650*day) && w.Recent > w.Score && !c.Told("window.score") {
		c.Add("window.recent", "is longer than window.score", "make it at most as long")
	}
	c.Span("window.session_gap", w.SessionGap, time.Minute, day)
	for _, kept := range []struct {
		path string
		d    time.Duration
	}{{"clickstream.retention", cfg.Clickstream.Retention}, {"privacy.retention.history", cfg.Privacy.Retention.History}} {
		if kept.d < w.Score && kept.d >= day && !c.Told("window.score") {
			c.Add(kept.path, "journeys would end before the score window (window.score) does", "make it at least as long as that window")
		}
	}
}

func (c *checker) scoring(s *Scoring) {
	c.OneOf("scoring.engine", s.Engine, Engines...)
	sum, ok := 0, true
	for _, w := range []struct {
		key   string
		value float64
	}{{"volume", s.Weights.Volume}, {"recency", s.Weights.Recency}, {"topics", s.Weights.Topics}} {
		at := "scoring.weights." + w.key
		ok = c.Between(at, w.value, 0, 1, "write a share from 0 to 1") && ok
		if t := math.Round(w.value * 1000); math.Abs(t-w.value*1000) > 1e-6 && ok {
			ok = false
			c.Add(at, "has more than three decimals", "round it to thousandths")
		}
		sum += int(math.Round(min(max(w.value, 0), 1) * 1000))
	}
	if ok && sum != 1000 {
		c.Add("scoring.weights", fmt.Sprintf("add up to %.3f, not to 1", float64(sum)/1000), "give volume, recency and topics so that they add up to 1")
	}
	if c.score("scoring.tiers.high", s.Tiers.High) && c.score("scoring.tiers.medium", s.Tiers.Medium) && s.Tiers.Medium >= s.Tiers.High {
		c.Add("scoring.tiers", "medium does not begin below high", "write for example high: 62 and medium: 55")
	}
	if c.score("scoring.margin", s.Margin) && s.Margin >= s.Tiers.High-s.Tiers.Medium && s.Tiers.High > s.Tiers.Medium {
		c.Add("scoring.margin", "reaches from one tier into the next", "make it smaller than the distance of the tiers")
	}
	if c.Whole("scoring.capacity.high", s.Capacity.High, 0, 10000, "write how many people an owner can take a week, such as 15; 0 for any number") && s.Capacity.High > 0 && s.Engine == EngineModel {
		c.Add("scoring.capacity.high", "raises the score that high begins at, and with engine: model the tier is the model's word", "write 0, or another scoring.engine")
	}
	c.OneOf("scoring.capacity.per", s.Capacity.Per, "owner")
	c.OneOf("scoring.capacity.every", s.Capacity.Every, "week")
	c.Whole("scoring.max_activity", s.MaxActivity, 1, 1e6, "write how many signals make a volume of 100")
	decay := func(key string, v float64) {
		if c.has("scoring."+key) || v != 0 {
			c.Between("scoring."+key, v, 0.1, 3650, "write days, such as 21")
		}
	}
	decay("time_constant_days", s.TimeConstantDays)
	decay("half_life_days", s.HalfLifeDays)
	if s.TimeConstantDays != 0 && s.HalfLifeDays != 0 {
		c.Add("scoring.half_life_days", "both a half-life and a time constant are given", "keep one: a half-life of 14.56 days is a time constant of 21")
	}
	c.Whole("scoring.topic_points", s.TopicPoints, 0, 100, "write points, such as 15")
	c.Whole("scoring.interest_points", s.InterestPoints, 0, 100, "write points; 0 keeps the model's reading out of the score")
	c.Whole("scoring.hand_raise_days", s.HandRaiseDays, 0, 365, "write days; 0 switches the rule off")
	c.evidence(s)
	c.score("scoring.material_points", s.MaterialPoints)
	c.Whole("scoring.trend.days", s.Trend.Days, 1, 365, "write days, such as 7")
	c.score("scoring.trend.surging", s.Trend.Surging)
	c.score("scoring.trend.cooling", s.Trend.Cooling)
	if c.score("scoring.trend.rising", s.Trend.Rising) && s.Trend.Rising > s.Trend.Surging {
		c.Add("scoring.trend.rising", "is more than surging", "make it smaller than trend.surging")
	}
	c.Whole("scoring.machines.links", s.Machines.Links, 2, 1000, "write how many links of one mail a person does not open that fast, such as 3")
	c.Whole("scoring.machines.seconds", s.Machines.Seconds, 1, 3600, "write seconds, such as 10")
	c.Whole("scoring.events_per_minute", s.EventsPerMinute, 1, 1e6, "write how many events a minute are still human, such as 60")
	for _, name := range sortedKeys(s.Strengths) {
		at := "scoring.strengths." + name
		if !slices.Contains(signalTypes, name) {
			c.Add(at, "there is no signal of that type", connectors.Suggest(name, signalTypes))
			continue
		}
		c.Whole(at, s.Strengths[name], 0, 100, "write a strength from 0 to 100")
	}
	lists := map[string][]string{"exclude": s.Pages.Exclude, "price": s.Pages.Price, "contract": s.Pages.Contract,
		"comparison": s.Pages.Comparison, "case_study": s.Pages.CaseStudy, "product": s.Pages.Product}
	for _, key := range sortedKeys(lists) {
		for i, g := range lists[key] {
			c.glob(fmt.Sprintf("scoring.pages.%s[%d]", key, i), g)
		}
	}
	words := map[string][]string{"pages.exclude_hosts": s.Pages.ExcludeHosts, "pages.site_names": s.Pages.SiteNames, "pages.sensitive": s.Pages.Sensitive, "forms.hand_raise": s.Forms.HandRaise,
		"forms.trial": s.Forms.Trial, "forms.application": s.Forms.Application, "forms.webinar": s.Forms.Webinar, "forms.newsletter": s.Forms.Newsletter, "forms.exclude": s.Forms.Exclude}
	for _, key := range sortedKeys(words) {
		for i, w := range words[key] {
			c.Required(fmt.Sprintf("scoring.%s[%d]", key, i), w, "remove the entry, or write a word")
		}
	}
	for i, r := range s.Rules {
		c.rule(fmt.Sprintf("scoring.rules[%d]", i), r)
	}
}

// evidence checks what the tiers ask for besides the score. The former name of one of it is read, with a warning.
func (c *checker) evidence(s *Scoring) {
	const strength = "scoring.evidence.strength"
	if c.has("scoring.high_strength") {
		c.Warn("scoring.high_strength", "is now called "+strength, "write scoring.evidence: {strength: "+strconv.Itoa(s.HighStrength)+"}")
		if !c.has(strength) {
			s.Evidence.Strength = s.HighStrength
		}
	}
	e := &s.Evidence
	c.Whole("scoring.evidence.days", e.Days, 1, 365, "write days, such as 30")
	c.Whole("scoring.evidence.key_days", e.KeyDays, 1, 365, "write days, such as 14")
	c.Whole("scoring.evidence.key", e.Key, 1, 100, "write how many key signals make a buyer, such as 2")
	c.Whole(strength, e.Strength, 0, 100, "write a strength from 0 to 100")
	c.Whole("scoring.evidence.strong", e.Strong, 1, 100, "write how many strong signals make a buyer beside a key signal, such as 3")
	c.Span("scoring.evidence.apart", e.Apart, 0, 365*day)
	c.Whole("scoring.evidence.signals", e.Signals, 1, 1000, "write how many signals are enough for medium, such as 6")
	if s.TopicBase != nil {
		c.Whole("scoring.topic_base", *s.TopicBase, 1, 100, "write a strength from 1 to 100, or null for that of the strongest signal")
	}
}

func (c *checker) rule(at string, r Rule) {
	if r.Kind == "" && r.Event == "" && r.Form == "" && r.URL == "" && r.Source == "" {
		c.Add(at, "has no condition and would fit every event", "add kind, event, form, url or source")
	}
	if r.Signal == "" && !r.Ignore && r.Topic == "" {
		c.Add(at, "does nothing", "add signal, ignore: true or topic")
	}
	if r.Key && r.Signal == "" {
		c.Add(at+".key", "stands without a signal", "add signal: it says what is key")
	}
	if r.Signal != "" {
		c.OneOf(at+".signal", r.Signal, signalTypes...)
		if r.Ignore {
			c.Add(at, "both names a signal and ignores the event", "keep one of the two")
		}
	}
	if r.URL != "" {
		c.glob(at+".url", r.URL)
	}
}

func (c *checker) proof(p *Proof) {
	seen := map[string]bool{}
	for i, team := range p.Teams {
		at := fmt.Sprintf("proof.teams[%d]", i)
		if c.Required(at+".name", team.Name, "give the team a name"); seen[team.Name] {
			c.Add(at+".name", "is the name of a team above, too", "give each team a name of its own")
		}
		seen[team.Name] = true
		owners := slices.Clone(team.Owners)
		slices.Sort(owners)
		if n := len(slices.Compact(owners)); n < leastReps {
			c.Add(at+".owners", fmt.Sprintf("names %d reps: figures of fewer than %d would be about one of them", n, leastReps), "name five at least, or leave the team out")
		}
	}
}

// leastReps is how many reps a team has at least.
const leastReps = 5

func (c *checker) topics(t *Topics) {
	seen := map[string]string{}
	for _, side := range []struct {
		key    string
		topics []string
	}{{"topics.win", t.Win}, {"topics.loss", t.Loss}} {
		for i, topic := range side.topics {
			at := fmt.Sprintf("%s[%d]", side.key, i)
			folded := strings.ToLower(strings.TrimSpace(topic))
			if !c.Required(at, folded, "name a topic, or remove the entry") {
				continue
			}
			if first, twice := seen[folded]; twice {
				c.Add(at, "the topic stands at "+first+" already", "keep one of the two")
			}
			seen[folded] = at
		}
	}
	for i, p := range t.Pages {
		at := fmt.Sprintf("topics.pages[%d]", i)
		c.matches(at+".match", p.Match)
		c.Required(at+".topic", p.Topic, "name what these pages are about")
	}
	for i, g := range t.Lexicon {
		at := fmt.Sprintf("topics.lexicon[%d]", i)
		if len(g.Names) == 0 {
			c.Add(at+".names", "missing", "list names that mean the same")
		} else if len(g.Names) == 1 && len(g.Related) == 0 {
			c.Add(at, "says nothing: one name without relations", "add further names, or related ones")
		}
		if slices.Contains(g.Names, "") || slices.Contains(g.Related, "") {
			c.Add(at, "holds an empty name", "remove it")
		}
	}
}

// maxProducts is what a signal's one-byte product index can tell apart.
const maxProducts = 255

func (c *checker) products(ps []Product) {
	if len(ps) > maxProducts {
		c.Add("products", fmt.Sprintf("%d products are more than %d", len(ps), maxProducts), "group them")
	}
	seen := map[string]bool{}
	for i, p := range ps {
		at := fmt.Sprintf("products[%d]", i)
		if c.Required(at+".name", p.Name, "write the name reps know it by") {
			if seen[strings.ToLower(p.Name)] {
				c.Add(at+".name", "the product "+p.Name+" stands there twice", "put all matches under one entry")
			}
			seen[strings.ToLower(p.Name)] = true
		}
		c.matches(at+".match", p.Match)
	}
}

func (c *checker) competitors(rivals []Competitor) {
	for i, r := range rivals {
		at := fmt.Sprintf("competitors[%d]", i)
		c.Required(at+".name", r.Name, "write the name people know them by")
		for k, d := range r.Domains {
			if !hostLike(strings.TrimPrefix(d, "@")) {
				c.Add(fmt.Sprintf("%s.domains[%d]", at, k), connectors.Quoted(d)+" is no domain", "write for example example.com")
			}
		}
	}
}

func (c *checker) privacy(cfg *Config) {
	p := &cfg.Privacy
	c.marks(cfg, "privacy.customer_fields", p.CustomerFields, "customers")
	for i, e := range p.Exclude {
		_, domain, isAddress := strings.Cut(e, "@")
		if !isAddress {
			domain = e
		}
		if !hostLike(domain) {
			c.Add(fmt.Sprintf("privacy.exclude[%d]", i), "is neither an address nor a domain", "write for example dana@example.com, or example.com for everybody there")
		}
	}
	for i, d := range p.InternalDomains {
		if !hostLike(strings.TrimPrefix(d, "@")) {
			c.Add(fmt.Sprintf("privacy.internal_domains[%d]", i), connectors.Quoted(d)+" is no domain", "write for example example.com")
		}
	}
	for _, list := range []struct {
		key   string
		hosts []string
	}{{"internal_hosts", p.InternalHosts}, {"own_hosts", p.OwnHosts}} {
		key, hosts := list.key, list.hosts
		for i, h := range hosts {
			if !hostLike(strings.ReplaceAll(h, "*", "x")) {
				c.Add(fmt.Sprintf("privacy.%s[%d]", key, i), connectors.Quoted(h)+" is no host name", "write the host alone, for example www.example.com")
			}
		}
	}
	c.ranges("privacy.internal_ips", p.InternalIPs)
	for i, re := range p.Redact.Patterns {
		at := fmt.Sprintf("privacy.redact.patterns[%d]", i)
		if rx, err := regexp.Compile(re); err != nil {
			c.Add(at, "is no regular expression: "+strings.TrimPrefix(err.Error(), "error parsing regexp: "), "use Go's syntax, in single quotes")
		} else if rx.MatchString("") {
			c.Add(at, "fits the empty text and would redact everything", "make it fit what is to be hidden only")
		}
	}
	if len(p.OwnHosts) == 0 {
		c.Warn("privacy.own_hosts", "no own host is named: no page title is trusted and no URL is shown to reps", "name the hosts of your web site")
	}
	c.Span("privacy.retention.receipts", p.Retention.Receipts, day, 3650*day)
	c.Span("privacy.retention.history", p.Retention.History, day, 3650*day)
	c.Span("privacy.retention.snapshots", p.Retention.Snapshots, day, 3650*day)
}

// The checks below add one problem and report whether the value is right.

func (c *checker) score(at string, v float64) bool {
	if !c.Between(at, v, 0, 100, "write points from 0 to 100") {
		return false
	}
	if math.Abs(math.Round(v*10)-v*10) > 1e-6 {
		c.Add(at, "has more than one decimal", "round it to tenths")
		return false
	}
	return true
}

func (c *checker) atLeast(at string, d, low time.Duration) bool { return c.Span(at, d, low, 36500*day) }

func (c *checker) zone(at, name string) *time.Location {
	if loc, err := time.LoadLocation(name); err == nil && name != "Local" {
		return loc
	}
	c.Add(at, connectors.Quoted(name)+" is no time zone", "write an IANA name such as Europe/Berlin or UTC")
	return time.UTC
}

func (c *checker) cron(at, spec string, loc *time.Location) { c.schedule(at, spec, loc, oftenEnough) }

// oftenEnough is the least time between two rounds of a job.
const oftenEnough = 10 * time.Second

// poll checks how often a connector is polled. One that is polled more often than others by its nature may be told any interval.
func (c *checker) poll(at, spec string, settings connectors.Settings) {
	least := oftenEnough
	if usual, err := ParseSchedule(pollOf(settings, ""), time.UTC); err == nil {
		if every, ok := usual.(cron.ConstantDelaySchedule); ok && every.Delay < least {
			least = time.Second
		}
	}
	c.schedule(at, spec, time.UTC, least)
}

func (c *checker) schedule(at, spec string, loc *time.Location, least time.Duration) {
	if spec == "" || c.Told(at) {
		return
	}
	s, err := ParseSchedule(spec, loc)
	if err != nil {
		c.Add(at, "no schedule: "+err.Error(), `write "@every 5m", "@daily" or five cron fields such as "0 4 * * 0" (minute hour day month weekday)`)
		return
	}
	if every, ok := s.(cron.ConstantDelaySchedule); ok && every.Delay < least {
		c.Add(at, "comes round more often than every 10 seconds", `write for example "@every 1m"`)
	}
}

// ranges checks a list of addresses and ranges of them.
func (c *checker) ranges(at string, list []string) {
	for i, ip := range list {
		_, err1 := netip.ParseAddr(ip)
		_, err2 := netip.ParsePrefix(ip)
		if err1 != nil && err2 != nil {
			c.Add(fmt.Sprintf("%s[%d]", at, i), connectors.Quoted(ip)+" is neither an address nor a range", "write for example 203.0.113.0/24")
		}
	}
}

// shortestToken is the least length of a token that nobody guesses.
const shortestToken = 24

// http looks at the listener and at who may see the page.
func (c *checker) http(h *HTTP) {
	c.listen("http.listen", h.Listen)
	c.secrets("http", "http", reflect.ValueOf(h).Elem())
	if h.Page && h.Listen == "" {
		c.Add("http.page", "the page needs an address", "name one in http.listen, for example 127.0.0.1:8787")
	}
	if t := h.Token.Reveal(); t != "" && len(t) < shortestToken {
		c.Add("http.token", fmt.Sprintf("has %d characters, which can be guessed", len(t)), "make one of at least 24, for example by openssl rand -hex 24")
	}
	c.ranges("http.trust_header.from", h.TrustHeader.From)
	switch name := h.TrustHeader.Name; {
	case name == "" && len(h.TrustHeader.From) > 0:
		c.Add("http.trust_header.name", "missing", "name the header in which the proxy says who signed in, for example X-Forwarded-User")
	case name != "" && len(h.TrustHeader.From) == 0:
		c.Add("http.trust_header.from", "missing: anybody could send the header", "list the addresses of the proxy, for example 127.0.0.1")
	case name != "" && !headerName.MatchString(name):
		c.Add("http.trust_header.name", connectors.Quoted(name)+" is no name of a header", "write for example X-Forwarded-User")
	}
	for i, host := range h.Hosts {
		if host == "" || strings.ContainsAny(host, ":/ ") {
			c.Add(fmt.Sprintf("http.hosts[%d]", i), connectors.Quoted(host)+" is no host name", "write the name alone, for example intentd.example.com")
		}
	}
}

var headerName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

func (c *checker) listen(at, addr string) {
	if addr == "" {
		return
	}
	host, port, err := net.SplitHostPort(addr)
	if _, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil {
		c.Add(at, connectors.Quoted(addr)+" is no address to listen on", "write host:port, for example 127.0.0.1:8787")
		return
	}
	if ip, err := netip.ParseAddr(host); host == "" || (err == nil && ip.IsUnspecified()) {
		c.Warn(at, "metrics and health are open to the network", "listen on 127.0.0.1, or on an address that only the monitoring reaches")
	}
}

func (c *checker) matches(at string, globs []string) {
	if len(globs) == 0 && !c.Told(at) {
		c.Add(at, "missing", `list path globs such as "/cards/**", or words`)
	}
	for i, g := range globs {
		item := fmt.Sprintf("%s[%d]", at, i)
		if strings.HasPrefix(g, "/") {
			c.glob(item, g)
		} else {
			c.Required(item, g, "write a word or a path glob")
		}
	}
}

func (c *checker) glob(at, g string) {
	if !strings.HasPrefix(g, "/") {
		c.Add(at, connectors.Quoted(g)+" does not begin with /", "write the path without the host, for example /pricing/**")
		return
	}
	if _, err := path.Match(g, "/"); err != nil {
		c.Add(at, connectors.Quoted(g)+" is no path glob", "* stands for one segment, ** for any number")
	}
}

// hostLike says whether s could be a host or domain name.
func hostLike(s string) bool {
	return len(s) > 0 && len(s) <= 253 && hostPattern.MatchString(s)
}

var hostPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// SocketPath is where the control socket of a state file stands.
func (c *Config) SocketPath() string {
	return filepath.Join(filepath.Dir(c.State.Path), strings.TrimSuffix(filepath.Base(c.State.Path), ".db")+".sock")
}

// ClickstreamDir is the directory of the event store: beside the state file unless it is named.
func (c *Config) ClickstreamDir() string {
	if c.Clickstream.Dir != "" {
		return c.Clickstream.Dir
	}
	return strings.TrimSuffix(c.State.Path, ".db") + ".events"
}

// Location is the time zone of texts. The name was checked when the configuration was read.
func (t Text) Location() *time.Location { return location(t.Timezone) }

// JobsLocation is the time zone of the schedule.
func (c *Config) JobsLocation() *time.Location {
	if c.Schedule.Timezone != "" {
		return location(c.Schedule.Timezone)
	}
	return c.Text.Location()
}

func location(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return loc
}

// Decay is the time constant of recency in days: as given, or half-life divided by ln 2, or 21.
func (s Scoring) Decay() float64 {
	switch {
	case s.HalfLifeDays > 0:
		return s.HalfLifeDays / math.Ln2
	case s.TimeConstantDays > 0:
		return s.TimeConstantDays
	}
	return 21
}
