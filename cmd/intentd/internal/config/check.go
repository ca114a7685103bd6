package config

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path"
	"path/filepath"
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
	c.required("state.path", cfg.State.Path, "name the state file, for example /var/lib/intentd/intentd.db")
	c.oneOf("log.level", cfg.Log.Level, "debug", "info", "warn", "error")
	c.oneOf("log.format", cfg.Log.Format, "text", "json")
	c.listen("http.listen", cfg.HTTP.Listen)
	c.write(cfg)
	c.oneOf("text.language", cfg.Text.Language, "en", "de")
	zone := c.zone("text.timezone", cfg.Text.Timezone)
	c.connectors(cfg)
	c.atLeast("clickstream.retention", cfg.Clickstream.Retention, day)
	c.model(&cfg.Model)
	c.window(cfg)
	c.scoring(&cfg.Scoring)
	c.topics(&cfg.Topics)
	c.products(cfg.Products)
	c.competitors(cfg.Competitors)
	if cfg.Schedule.Timezone != "" {
		zone = c.zone("schedule.timezone", cfg.Schedule.Timezone)
	}
	c.cron("schedule.sweep", cfg.Schedule.Sweep, zone)
	c.cron("schedule.learn", cfg.Schedule.Learn, zone)
	c.cron("schedule.purge", cfg.Schedule.Purge, zone)
	c.privacy(cfg)
	if dir := cfg.Screenshots.Dir; dir != "" {
		if info, err := os.Stat(dir); err != nil {
			c.add("screenshots.dir", "cannot open "+dir+": "+reason(err), "create the directory, or leave the value empty to do without pictures")
		} else if !info.IsDir() {
			c.add("screenshots.dir", dir+" is not a directory", "name the directory that holds the pictures")
		}
	}
}

func (c *checker) write(cfg *Config) {
	w := cfg.Write
	c.oneOf("write.mode", w.Mode, "off", "canary", "on")
	if w.Mode == "canary" && len(w.Scope.Owner) == 0 && len(w.Scope.IDs) == 0 && len(w.Scope.List) == 0 {
		c.add("write.scope", "canary mode without a scope would write nobody", "name owner, ids or list below write.scope, or set write.mode to off")
	}
	for i, l := range w.Scope.List {
		at := fmt.Sprintf("write.scope.list[%d]", i)
		c.required(at+".property", l.Property, "name the CRM property that marks the people of the canary")
		c.required(at+".value", l.Value, "write the value that marks them")
	}
	c.span("write.interval", w.Interval, 0, 7*day)
	c.between("write.brake", w.Brake, 0, 100, "write the share in percent; 0 switches the brake off")
}

func (c *checker) connectors(cfg *Config) {
	if len(cfg.CRMs) == 0 && !c.told("crms") {
		c.add("crms", "no CRM is configured", "add an entry with name, type and token_file below crms")
	}
	names := map[string]string{"model": "the section model"}
	for i := range cfg.CRMs {
		crm := &cfg.CRMs[i]
		at := fmt.Sprintf("crms[%d]", i)
		c.name(at+".name", crm.Name, names)
		if o, ok := crm.Options.(*HubSpot); ok && o.Engagement != "off" && crm.Name != "" {
			names[crm.Name+"-engagement"] = at + " for its own engagement"
		}
		if o, ok := crm.Options.(*Salesforce); ok && o.Activities && crm.Name != "" {
			names[crm.Name+"-activities"] = at + " for its own activities"
		}
		c.cron(at+".poll", crm.Poll, time.UTC)
		c.fields(at+".fields", crm.Fields)
		if t, ok := typeNamed(crmTypes, crm.Type); ok && crm.Options != nil {
			c.resolveSecrets(at, crm.Name, crm.Options)
			if o, ok := crm.Options.(*Salesforce); ok {
				c.resolveSecrets(at+".auth", crm.Name, &o.Auth)
			}
			t.check(c, at, crm.Options)
		}
	}
	for i := range cfg.Sources {
		src := &cfg.Sources[i]
		at := fmt.Sprintf("sources[%d]", i)
		c.name(at+".name", src.Name, names)
		c.cron(at+".poll", src.Poll, time.UTC)
		if t, ok := typeNamed(sourceTypes, src.Type); ok && src.Options != nil {
			c.resolveSecrets(at, src.Name, src.Options)
			t.check(c, at, src.Options)
		}
	}
}

var connectorName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,30}$`)

func (c *checker) name(at, name string, seen map[string]string) {
	switch first, twice := seen[name]; {
	case name == "":
		c.add(at, "missing", "give it a short name: it marks its records in the state, so keep it for good")
	case !connectorName.MatchString(name):
		c.add(at, strconv.Quote(cutText(name))+" cannot be a name", "use lower-case letters, digits, - and _, beginning with a letter")
	case twice:
		c.add(at, "the name "+name+" is taken by "+first, "give each CRM and each source a name of its own")
	default:
		seen[name] = at
	}
}

func (c *checker) fields(at string, fields map[string]string) {
	var known []string
	for _, f := range connectors.Fields {
		known = append(known, f.Name)
	}
	byProperty := map[string]string{}
	for _, name := range sortedKeys(fields) {
		property := fields[name]
		if !slices.Contains(known, name) {
			c.add(join(at, name), "intentd has no field of that name", suggest(name, known))
			continue
		}
		if other, twice := byProperty[property]; twice && property != "" {
			c.add(join(at, name), "the property "+property+" already holds "+other, "give each field a property of its own")
		}
		byProperty[property] = name
	}
}

func (c *checker) hubspot(at string, o *HubSpot) {
	c.url(at+".base_url", o.BaseURL)
	missing := func(key string, s Secret) bool { return s.IsZero() && !c.told(at+"."+key) && !c.unset[at+"."+key] }
	switch {
	case o.ClientID == "":
		if missing("token", o.Token) {
			c.add(at+".token", "the access token is missing", "write token_file: /etc/intentd/hubspot_token, or token: ${HUBSPOT_TOKEN}")
		}
	case !o.Token.IsZero():
		c.add(at+".client_id", "both a token and an OAuth app are given", "keep token, or client_id with client_secret and refresh_token")
	default:
		if missing("client_secret", o.ClientSecret) {
			c.add(at+".client_secret", "the OAuth app's secret is missing", "write client_secret_file: /etc/intentd/hubspot_client_secret")
		}
		if missing("refresh_token", o.RefreshToken) {
			c.add(at+".refresh_token", "the OAuth app's refresh token is missing", "write refresh_token_file: /etc/intentd/hubspot_refresh_token")
		}
	}
	if o.APIVersion != "v3" && !regexp.MustCompile(`^20\d\d-(0[1-9]|1[0-2])$`).MatchString(o.APIVersion) {
		c.add(at+".api_version", strconv.Quote(cutText(o.APIVersion))+" is no API version", `write "2026-09" (in quotes) or v3`)
	}
	c.between(at+".searches_per_second", o.SearchesPerSecond, 0.1, 5, "5 is the whole account's allowance; 4 leaves one for others")
	c.between(at+".rate_share", o.RateShare, 0.01, 1, "write the share of the 10-second limit, such as 0.8")
	c.between(at+".daily_reserve", o.DailyReserve, 0, 0.95, "write the share of the day's calls left to others, such as 0.2")
	c.oneOf(at+".engagement", o.Engagement, "events", "summaries", "off")
	c.span(at+".lookback", o.Lookback, 10*time.Second, day)
	if slices.Contains(o.Inputs, "") {
		c.add(at+".inputs", "holds an empty name", "name properties of the CRM")
	}
}

func (c *checker) salesforce(at string, o *Salesforce) {
	c.url(at+".login_url", o.LoginURL)
	if o.InstanceURL != "" {
		c.url(at+".instance_url", o.InstanceURL)
	}
	a := at + ".auth"
	if c.oneOf(a+".flow", o.Auth.Flow, "jwt", "client_credentials", "refresh_token") {
		c.required(a+".client_id", o.Auth.ClientID, "write the consumer key of the external client app")
		secret := func(key string, s Secret, what string) {
			if s.IsZero() && !c.told(a+"."+key) && !c.unset[a+"."+key] {
				c.add(a+"."+key, what+" is missing", "write "+key+"_file: /etc/intentd/salesforce_"+key)
			}
		}
		switch o.Auth.Flow {
		case "jwt":
			c.required(a+".username", o.Auth.Username, "write the user name that intentd acts as")
			secret("key", o.Auth.Key, "the private key of the app's certificate")
		case "client_credentials":
			secret("client_secret", o.Auth.ClientSecret, "the consumer secret")
			if !c.told(at + ".instance_url") {
				c.required(at+".instance_url", o.InstanceURL, "write the org's My Domain, such as https://example.my.salesforce.com: login hosts do not take client credentials")
			}
		case "refresh_token":
			secret("refresh_token", o.Auth.RefreshToken, "the refresh token")
		}
	}
	if !regexp.MustCompile(`^[1-9]\d\.0$`).MatchString(o.APIVersion) {
		c.add(at+".api_version", strconv.Quote(cutText(o.APIVersion))+" is no API version", `write "67.0" (in quotes)`)
	}
	if len(o.Objects) == 0 {
		c.add(at+".objects", "names no object", "write [Lead, Contact], or one of them")
	}
	for i, object := range o.Objects {
		c.oneOf(fmt.Sprintf("%s.objects[%d]", at, i), object, "Lead", "Contact")
	}
	c.between(at+".daily_share", o.DailyShare, 0.01, 1, "write the share of the org's daily calls at which intentd stops, such as 0.8")
	c.whole(at+".bulk_threshold", o.BulkThreshold, 1, 1_000_000, "write from how many records on a bulk job is used, such as 2000")
	c.span(at+".lookback", o.Lookback, time.Minute, day)
	if slices.Contains(o.Inputs, "") {
		c.add(at+".inputs", "holds an empty name", "name fields of the CRM")
	}
}

func (c *checker) jsonl(at string, o *JSONL) {
	if !c.required(at+".path", o.Path, "name a file of JSON lines, a directory of them, or a pattern such as events/*.jsonl") {
		return
	}
	found, err := filepath.Glob(o.Path)
	switch {
	case err != nil:
		c.add(at+".path", strconv.Quote(cutText(o.Path))+" is no pattern of file names", "* stands for any part of a name; close each [")
	case len(found) == 0:
		c.warn(at+".path", "there is nothing at "+o.Path, "create it, or correct the path; the source stays empty until then")
	}
}

func (c *checker) model(m *Model) {
	if !c.oneOf("model.provider", m.Provider, "rules", "gemini") {
		return
	}
	c.between("model.daily_budget_usd", m.DailyBudgetUSD, 0, 1e6, "write US dollars a day; 0 makes no call")
	c.whole("model.concurrency", m.Concurrency, 1, 256, "write how many calls may run at once, such as 8")
	c.whole("model.requests_per_minute", m.RequestsPerMinute, 0, 1e6, "write requests a minute; 0: as many as the vendor lets through")
	c.span("model.timeout", m.Timeout, time.Second, time.Hour)
	if m.Temperature != nil {
		c.between("model.temperature", *m.Temperature, 0, 2, "leave it out unless you have a reason")
	}
	if _, err := strconv.ParseUint(m.Thinking, 10, 31); m.Thinking != "" && err != nil {
		c.oneOf("model.thinking", m.Thinking, "minimal", "low", "medium", "high")
	}
	if m.BaseURL != "" {
		c.url("model.base_url", m.BaseURL)
	}
	seen := map[string]bool{}
	for i, p := range m.Prices {
		at := fmt.Sprintf("model.prices[%d]", i)
		if c.required(at+".model", p.Model, "name the model the price is of") && seen[p.Model] {
			c.add(at+".model", "a price of "+p.Model+" is given twice", "keep one of the two")
		}
		seen[p.Model] = true
		c.between(at+".in", p.In, 0, 1e4, "write US dollars per million tokens")
		c.between(at+".out", p.Out, 0, 1e4, "write US dollars per million tokens")
		c.between(at+".cached", p.Cached, 0, 1e4, "write US dollars per million tokens")
	}
	if m.Provider != "gemini" {
		return
	}
	c.required("model.name", m.Name, "write for example gemini-3.5-flash-lite")
	c.resolveSecrets("model", "model", m)
	vertex := m.Vertex != Vertex{}
	switch {
	case vertex:
		c.required("model.vertex.project", m.Vertex.Project, "name the Google Cloud project")
		c.required("model.vertex.location", m.Vertex.Location, "name the region, for example europe-west4")
		if !m.APIKey.IsZero() {
			c.add("model.api_key", "an API key and vertex exclude each other", "remove one of the two")
		}
	case m.APIKey.IsZero() && !c.told("model.api_key") && !c.unset["model.api_key"]:
		c.add("model.api_key", "the API key is missing", "write api_key_file: /etc/intentd/gemini_key or api_key: ${GEMINI_API_KEY}; provider: rules needs none")
	}
}

func (c *checker) window(cfg *Config) {
	w := cfg.Window
	if c.span("window.score", w.Score, day, 3650*day) && w.Score%day != 0 {
		c.add("window.score", "is not a number of whole days", "write for example 90d")
	}
	if c.span("window.recent", w.Recent, time.Hour, 3650*day) && w.Recent > w.Score && !c.told("window.score") {
		c.add("window.recent", "is longer than window.score", "make it at most as long")
	}
	c.span("window.session_gap", w.SessionGap, time.Minute, day)
	for _, kept := range []struct {
		path string
		d    time.Duration
	}{{"clickstream.retention", cfg.Clickstream.Retention}, {"privacy.retention.history", cfg.Privacy.Retention.History}} {
		if kept.d < w.Score && kept.d >= day && !c.told("window.score") {
			c.add(kept.path, "journeys would end before the score window (window.score) does", "make it at least as long as that window")
		}
	}
}

func (c *checker) scoring(s *Scoring) {
	c.oneOf("scoring.engine", s.Engine, "formula", "model")
	sum, ok := 0, true
	for _, w := range []struct {
		key   string
		value float64
	}{{"volume", s.Weights.Volume}, {"recency", s.Weights.Recency}, {"topics", s.Weights.Topics}} {
		at := "scoring.weights." + w.key
		ok = c.between(at, w.value, 0, 1, "write a share from 0 to 1") && ok
		if t := math.Round(w.value * 1000); math.Abs(t-w.value*1000) > 1e-6 && ok {
			ok = false
			c.add(at, "has more than three decimals", "round it to thousandths")
		}
		sum += int(math.Round(min(max(w.value, 0), 1) * 1000))
	}
	if ok && sum != 1000 {
		c.add("scoring.weights", fmt.Sprintf("add up to %.3f, not to 1", float64(sum)/1000), "give volume, recency and topics so that they add up to 1")
	}
	if c.score("scoring.tiers.high", s.Tiers.High) && c.score("scoring.tiers.medium", s.Tiers.Medium) && s.Tiers.Medium >= s.Tiers.High {
		c.add("scoring.tiers", "medium does not begin below high", "write for example high: 62 and medium: 55")
	}
	if c.score("scoring.margin", s.Margin) && s.Margin >= s.Tiers.High-s.Tiers.Medium && s.Tiers.High > s.Tiers.Medium {
		c.add("scoring.margin", "reaches from one tier into the next", "make it smaller than the distance of the tiers")
	}
	c.whole("scoring.max_activity", s.MaxActivity, 1, 1e6, "write how many signals make a volume of 100")
	decay := func(key string, v float64) {
		if c.has("scoring."+key) || v != 0 {
			c.between("scoring."+key, v, 0.1, 3650, "write days, such as 21")
		}
	}
	decay("time_constant_days", s.TimeConstantDays)
	decay("half_life_days", s.HalfLifeDays)
	if s.TimeConstantDays != 0 && s.HalfLifeDays != 0 {
		c.add("scoring.half_life_days", "both a half-life and a time constant are given", "keep one: a half-life of 14.56 days is a time constant of 21")
	}
	c.whole("scoring.topic_points", s.TopicPoints, 0, 100, "write points, such as 15")
	c.whole("scoring.interest_points", s.InterestPoints, 0, 100, "write points; 0 keeps the model's reading out of the score")
	c.whole("scoring.hand_raise_days", s.HandRaiseDays, 0, 365, "write days; 0 switches the rule off")
	c.evidence(s)
	c.score("scoring.material_points", s.MaterialPoints)
	c.whole("scoring.trend.days", s.Trend.Days, 1, 365, "write days, such as 7")
	c.score("scoring.trend.surging", s.Trend.Surging)
	c.score("scoring.trend.cooling", s.Trend.Cooling)
	if c.score("scoring.trend.rising", s.Trend.Rising) && s.Trend.Rising > s.Trend.Surging {
		c.add("scoring.trend.rising", "is more than surging", "make it smaller than trend.surging")
	}
	c.whole("scoring.machines.links", s.Machines.Links, 2, 1000, "write how many links of one mail a person does not open that fast, such as 3")
	c.whole("scoring.machines.seconds", s.Machines.Seconds, 1, 3600, "write seconds, such as 10")
	c.whole("scoring.events_per_minute", s.EventsPerMinute, 1, 1e6, "write how many events a minute are still human, such as 60")
	for _, name := range sortedKeys(s.Strengths) {
		at := "scoring.strengths." + name
		if !slices.Contains(signalTypes, name) {
			c.add(at, "there is no signal of that type", suggest(name, signalTypes))
			continue
		}
		c.whole(at, s.Strengths[name], 0, 100, "write a strength from 0 to 100")
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
			c.required(fmt.Sprintf("scoring.%s[%d]", key, i), w, "remove the entry, or write a word")
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
		c.warn("scoring.high_strength", "is now called "+strength, "write scoring.evidence: {strength: "+strconv.Itoa(s.HighStrength)+"}")
		if !c.has(strength) {
			s.Evidence.Strength = s.HighStrength
		}
	}
	e := &s.Evidence
	c.whole("scoring.evidence.days", e.Days, 1, 365, "write days, such as 30")
	c.whole("scoring.evidence.key_days", e.KeyDays, 1, 365, "write days, such as 14")
	c.whole("scoring.evidence.key", e.Key, 1, 100, "write how many key signals make a buyer, such as 2")
	c.whole(strength, e.Strength, 0, 100, "write a strength from 0 to 100")
	c.whole("scoring.evidence.strong", e.Strong, 1, 100, "write how many strong signals make a buyer beside a key signal, such as 3")
	c.span("scoring.evidence.apart", e.Apart, 0, 365*day)
	c.whole("scoring.evidence.signals", e.Signals, 1, 1000, "write how many signals are enough for medium, such as 6")
	if s.TopicBase != nil {
		c.whole("scoring.topic_base", *s.TopicBase, 1, 100, "write a strength from 1 to 100, or null for that of the strongest signal")
	}
}

func (c *checker) rule(at string, r Rule) {
	if r.Kind == "" && r.Event == "" && r.Form == "" && r.URL == "" && r.Source == "" {
		c.add(at, "has no condition and would fit every event", "add kind, event, form, url or source")
	}
	if r.Signal == "" && !r.Ignore && r.Topic == "" {
		c.add(at, "does nothing", "add signal, ignore: true or topic")
	}
	if r.Key && r.Signal == "" {
		c.add(at+".key", "stands without a signal", "add signal: it says what is key")
	}
	if r.Signal != "" {
		c.oneOf(at+".signal", r.Signal, signalTypes...)
		if r.Ignore {
			c.add(at, "both names a signal and ignores the event", "keep one of the two")
		}
	}
	if r.URL != "" {
		c.glob(at+".url", r.URL)
	}
}

func (c *checker) topics(t *Topics) {
	seen := map[string]string{}
	for _, side := range []struct {
		key    string
		topics []string
	}{{"topics.win", t.Win}, {"topics.loss", t.Loss}} {
		for i, topic := range side.topics {
			at := fmt.Sprintf("%s[%d]", side.key, i)
			folded := strings.ToLower(strings.TrimSpace(topic))
			if !c.required(at, folded, "name a topic, or remove the entry") {
				continue
			}
			if first, twice := seen[folded]; twice {
				c.add(at, "the topic stands at "+first+" already", "keep one of the two")
			}
			seen[folded] = at
		}
	}
	for i, p := range t.Pages {
		at := fmt.Sprintf("topics.pages[%d]", i)
		c.matches(at+".match", p.Match)
		c.required(at+".topic", p.Topic, "name what these pages are about")
	}
	for i, g := range t.Lexicon {
		at := fmt.Sprintf("topics.lexicon[%d]", i)
		if len(g.Names) == 0 {
			c.add(at+".names", "missing", "list names that mean the same")
		} else if len(g.Names) == 1 && len(g.Related) == 0 {
			c.add(at, "says nothing: one name without relations", "add further names, or related ones")
		}
		if slices.Contains(g.Names, "") || slices.Contains(g.Related, "") {
			c.add(at, "holds an empty name", "remove it")
		}
	}
}

// maxProducts is what a signal's one-byte product index can tell apart.
const maxProducts = 255

func (c *checker) products(ps []Product) {
	if len(ps) > maxProducts {
		c.add("products", fmt.Sprintf("%d products are more than %d", len(ps), maxProducts), "group them")
	}
	seen := map[string]bool{}
	for i, p := range ps {
		at := fmt.Sprintf("products[%d]", i)
		if c.required(at+".name", p.Name, "write the name reps know it by") {
			if seen[strings.ToLower(p.Name)] {
				c.add(at+".name", "the product "+p.Name+" stands there twice", "put all matches under one entry")
			}
			seen[strings.ToLower(p.Name)] = true
		}
		c.matches(at+".match", p.Match)
	}
}

func (c *checker) competitors(rivals []Competitor) {
	for i, r := range rivals {
		at := fmt.Sprintf("competitors[%d]", i)
		c.required(at+".name", r.Name, "write the name people know them by")
		for k, d := range r.Domains {
			if !hostLike(strings.TrimPrefix(d, "@")) {
				c.add(fmt.Sprintf("%s.domains[%d]", at, k), strconv.Quote(cutText(d))+" is no domain", "write for example example.com")
			}
		}
	}
}

func (c *checker) privacy(cfg *Config) {
	p := &cfg.Privacy
	for i, d := range p.InternalDomains {
		if !hostLike(strings.TrimPrefix(d, "@")) {
			c.add(fmt.Sprintf("privacy.internal_domains[%d]", i), strconv.Quote(cutText(d))+" is no domain", "write for example example.com")
		}
	}
	for _, list := range []struct {
		key   string
		hosts []string
	}{{"internal_hosts", p.InternalHosts}, {"own_hosts", p.OwnHosts}} {
		key, hosts := list.key, list.hosts
		for i, h := range hosts {
			if !hostLike(strings.ReplaceAll(h, "*", "x")) {
				c.add(fmt.Sprintf("privacy.%s[%d]", key, i), strconv.Quote(cutText(h))+" is no host name", "write the host alone, for example www.example.com")
			}
		}
	}
	for i, ip := range p.InternalIPs {
		_, err1 := netip.ParseAddr(ip)
		_, err2 := netip.ParsePrefix(ip)
		if err1 != nil && err2 != nil {
			c.add(fmt.Sprintf("privacy.internal_ips[%d]", i), strconv.Quote(cutText(ip))+" is neither an address nor a range", "write for example 203.0.113.0/24")
		}
	}
	for i, re := range p.Redact.Patterns {
		at := fmt.Sprintf("privacy.redact.patterns[%d]", i)
		if rx, err := regexp.Compile(re); err != nil {
			c.add(at, "is no regular expression: "+strings.TrimPrefix(err.Error(), "error parsing regexp: "), "use Go's syntax, in single quotes")
		} else if rx.MatchString("") {
			c.add(at, "fits the empty text and would redact everything", "make it fit what is to be hidden only")
		}
	}
	if len(p.OwnHosts) == 0 {
		c.warn("privacy.own_hosts", "no own host is named: no page title is trusted and no URL is shown to reps", "name the hosts of your web site")
	}
	c.span("privacy.retention.receipts", p.Retention.Receipts, day, 3650*day)
	c.span("privacy.retention.history", p.Retention.History, day, 3650*day)
}

// The checks below add one problem and report whether the value is right.

func (c *checker) required(at, value, fix string) bool {
	if strings.TrimSpace(value) != "" {
		return true
	}
	if !c.told(at) {
		c.add(at, "missing", fix)
	}
	return false
}

func (c *checker) oneOf(at, value string, allowed ...string) bool {
	if slices.Contains(allowed, value) {
		return true
	}
	if !c.told(at) {
		c.add(at, strconv.Quote(cutText(value))+" is not known here", suggest(value, allowed))
	}
	return false
}

func (c *checker) between(at string, v, low, high float64, fix string) bool {
	if v >= low && v <= high {
		return true
	}
	if !c.told(at) {
		number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
		c.add(at, number(v)+" is not between "+number(low)+" and "+number(high), fix)
	}
	return false
}

func (c *checker) whole(at string, v, low, high int, fix string) bool {
	return c.between(at, float64(v), float64(low), float64(high), fix)
}

func (c *checker) score(at string, v float64) bool {
	if !c.between(at, v, 0, 100, "write points from 0 to 100") {
		return false
	}
	if math.Abs(math.Round(v*10)-v*10) > 1e-6 {
		c.add(at, "has more than one decimal", "round it to tenths")
		return false
	}
	return true
}

func (c *checker) span(at string, d, low, high time.Duration) bool {
	if d >= low && d <= high {
		return true
	}
	if !c.told(at) {
		c.add(at, fmt.Sprintf("is not between %s and %s", FormatDuration(low), FormatDuration(high)), "write for example 30m, 12h or 90d")
	}
	return false
}

func (c *checker) atLeast(at string, d, low time.Duration) bool { return c.span(at, d, low, 36500*day) }

func (c *checker) zone(at, name string) *time.Location {
	if loc, err := time.LoadLocation(name); err == nil && name != "Local" {
		return loc
	}
	c.add(at, strconv.Quote(cutText(name))+" is no time zone", "write an IANA name such as Europe/Berlin or UTC")
	return time.UTC
}

func (c *checker) cron(at, spec string, loc *time.Location) {
	if spec == "" || c.told(at) {
		return
	}
	s, err := ParseSchedule(spec, loc)
	if err != nil {
		c.add(at, "no schedule: "+err.Error(), `write "@every 5m", "@daily" or five cron fields such as "0 4 * * 0" (minute hour day month weekday)`)
		return
	}
	if every, ok := s.(cron.ConstantDelaySchedule); ok && every.Delay < 10*time.Second {
		c.add(at, "comes round more often than every 10 seconds", `write for example "@every 1m"`)
	}
}

func (c *checker) listen(at, addr string) {
	if addr == "" {
		return
	}
	host, port, err := net.SplitHostPort(addr)
	if _, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil {
		c.add(at, strconv.Quote(cutText(addr))+" is no address to listen on", "write host:port, for example 127.0.0.1:8787")
		return
	}
	if ip, err := netip.ParseAddr(host); host == "" || (err == nil && ip.IsUnspecified()) {
		c.warn(at, "metrics and health are open to the network", "listen on 127.0.0.1, or on an address that only the monitoring reaches")
	}
}

func (c *checker) url(at, raw string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		c.add(at, "is no URL of a server", "write for example https://api.example.com")
	case u.User != nil:
		c.add(at, "holds a user name or password", "remove it: credentials have keys of their own")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		c.add(at, "would send the secret unencrypted", "write https://")
	case u.RawQuery != "" || u.Fragment != "":
		c.add(at, "holds a query or fragment", "end it with the host or path")
	}
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.IsLoopback())
}

func (c *checker) matches(at string, globs []string) {
	if len(globs) == 0 && !c.told(at) {
		c.add(at, "missing", `list path globs such as "/cards/**", or words`)
	}
	for i, g := range globs {
		item := fmt.Sprintf("%s[%d]", at, i)
		if strings.HasPrefix(g, "/") {
			c.glob(item, g)
		} else {
			c.required(item, g, "write a word or a path glob")
		}
	}
}

func (c *checker) glob(at, g string) {
	if !strings.HasPrefix(g, "/") {
		c.add(at, strconv.Quote(cutText(g))+" does not begin with /", "write the path without the host, for example /pricing/**")
		return
	}
	if _, err := path.Match(g, "/"); err != nil {
		c.add(at, strconv.Quote(cutText(g))+" is no path glob", "* stands for one segment, ** for any number")
	}
}

// hostLike says whether s could be a host or domain name.
func hostLike(s string) bool {
	return len(s) > 0 && len(s) <= 253 && hostPattern.MatchString(s)
}

var hostPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// ParseSchedule reads a cron line of five fields, a descriptor ("@daily", "@every 5m", where a day may be written as 1d) or a
// bare duration. Calendar times are those of loc.
func ParseSchedule(spec string, loc *time.Location) (cron.Schedule, error) {
	spec = strings.TrimSpace(spec)
	if every, ok := strings.CutPrefix(spec, "@every "); ok || durationPart.MatchString(spec) {
		if !ok {
			every = spec
		}
		if d, err := ParseDuration(every); err == nil {
			if d < time.Second {
				return nil, fmt.Errorf("%q is less than a second", spec)
			}
			return cron.Every(d), nil
		} else if ok {
			return nil, err
		}
	}
	if strings.HasPrefix(spec, "TZ=") || strings.HasPrefix(spec, "CRON_TZ=") {
		return nil, fmt.Errorf("%q names a time zone: write it as schedule.timezone", cutText(spec))
	}
	s, err := cron.ParseStandard(spec)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", cutText(spec), err)
	}
	if calendar, ok := s.(*cron.SpecSchedule); ok {
		calendar.Location = loc
		if calendar.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
			return nil, fmt.Errorf("%q never comes", cutText(spec))
		}
	}
	return s, nil
}

// FormatDuration is d as ParseDuration reads it: "90d", "30m0s".
func FormatDuration(d time.Duration) string {
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return d.String()
}

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
