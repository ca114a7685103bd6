package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/amplitude"
	"github.com/intentd/intentd/connectors/clickstream"
	"github.com/intentd/intentd/connectors/collector"
	"github.com/intentd/intentd/connectors/exec"
	"github.com/intentd/intentd/connectors/gemini"
	"github.com/intentd/intentd/connectors/hubspot"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/connectors/jsonl"
	"github.com/intentd/intentd/connectors/matomo"
	"github.com/intentd/intentd/connectors/mixpanel"
	"github.com/intentd/intentd/connectors/openai"
	"github.com/intentd/intentd/connectors/posthog"
	"github.com/intentd/intentd/connectors/s3"
	"github.com/intentd/intentd/connectors/salesforce"
	"github.com/intentd/intentd/connectors/umami"
	"github.com/intentd/intentd/connectors/warehouse"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/alert"
	"github.com/intentd/intentd/pipeline/batch"
	"github.com/intentd/intentd/pipeline/fields"
	"github.com/intentd/intentd/pipeline/fit"
	"github.com/intentd/intentd/pipeline/intent/redact"
	"github.com/intentd/intentd/pipeline/intent/rules"
	"github.com/intentd/intentd/pipeline/intent/twostage"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/ledger"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/topics"
)

// Types are the connectors there are: a new one is its own package, a line here, and its part of config.example.yaml.
var Types = config.Types{
	CRMs: map[string]connectors.CRMType{
		"hubspot":    hubspot.Type,
		"salesforce": salesforce.Type,
	},
	Sources: map[string]connectors.SourceType{
		"amplitude": amplitude.Type,
		"collector": collector.Type,
		"exec":      exec.Type,
		"jsonl":     jsonl.Type,
		"matomo":    matomo.Type,
		"mixpanel":  mixpanel.Type,
		"posthog":   posthog.Type,
		"s3":        s3.Type,
		"umami":     umami.Type,
		"warehouse": warehouse.Type,
	},
	Models: map[string]connectors.ModelType{
		"gemini": gemini.Type,
		"openai": openai.Type,
	},
}

// built is all that one configuration became.
type built struct {
	setup    *pipeline.Setup
	ledger   *ledger.Ledger
	model    connectors.Model // nil with provider rules
	reserve  float64          // share of a day's CRM calls that is left to others
	lot      int              // how many people go through together: what a CRM reads and writes in one call, so that none is half used
	sources  []polled
	inlets   map[string]inlet   // by the source that is sent its events
	channels []alert.Channel    // that tell of people who enter a tier
	wakers   map[string]bool    // sources that say when there is something to take
	store    *clickstream.Store // nil without a source that fills it; one for the life of the app
	open     []io.Closer        // of this and of earlier configurations: lots in flight may still use them
	version  string
}

// polled is a source with its schedule.
type polled struct{ name, poll string }

// builder turns a configuration into a setup.
type builder struct {
	*built
	a      *App
	cfg    *config.Config
	beside *config.Config // the one it is compared with: what fit goes by there is read, too; nil: none

	summarised func(person, step, summary string, context []string) // told each stage-1 summary; nil: nobody asks
}

// build makes everything that cfg names; from the configuration before it takes what stays open. Its CRMs are asked for what the rules of fit of beside go by, too, if that is not nil. It touches no network.
func (a *App) build(cfg *config.Config, before *built, beside *config.Config) (*built, error) {
	b := &builder{a: a, cfg: cfg, beside: beside, built: &built{setup: &pipeline.Setup{}, inlets: map[string]inlet{}, wakers: map[string]bool{}}}
	if before != nil {
		b.store, b.open = before.store, slices.Clone(before.open)
	}
	kept := len(b.open)
	if err := b.all(); err != nil {
		for _, c := range b.open[kept:] {
			err = errors.Join(err, c.Close())
		}
		return nil, err
	}
	return b.built, nil
}

func (b *builder) all() error {
	cfg := b.cfg
	budget := int64(math.Round(cfg.Model.DailyBudgetUSD * 1e6))
	if cfg.Model.Provider == config.Rules {
		budget = 0
	}
	if err := b.a.db.Flush(); err != nil { // the ledger before this one may have bookings on their way
		return err
	}
	var err error
	if b.ledger, err = ledger.New(b.a.db, b.a.o.Now, cfg.Text.Location(), budget); err != nil {
		return err
	}
	if b.setup.Identity, err = identity.New(cfg.IdentityOptions()); err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	for _, crm := range cfg.CRMs {
		if err := b.crm(crm); err != nil {
			return fmt.Errorf("crm %s: %w", crm.Name, err)
		}
	}
	for _, src := range cfg.Sources {
		if err := b.source(src); err != nil {
			return fmt.Errorf("source %s: %w", src.Name, err)
		}
	}
	if err := b.reading(); err != nil {
		return err
	}
	if err := b.alerts(); err != nil {
		return err
	}
	s := b.setup
	s.Write = pipeline.Write{Mode: pipeline.WriteMode(cfg.Write.Mode), Owners: cfg.Write.Scope.Owner, IDs: cfg.Write.Scope.IDs, Lists: map[string]string{}}
	for _, l := range cfg.Write.Scope.List {
		s.Write.Lists[l.Property] = l.Value
	}
	s.Settle = settleOf(cfg)
	for _, e := range cfg.Privacy.Exclude {
		e = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(e), "@"))
		s.Exclude = append(s.Exclude, cmp.Or(s.Identity.Email(e), e))
	}
	s.BrakeShare, s.Holdout = cfg.Write.Brake/100, b.a.holdoutShare(cfg.Holdout.Share)
	s.Capacity = cfg.Scoring.Capacity.High
	s.ReceiptsKept, s.SnapshotsKept = cfg.Privacy.Retention.Receipts, cfg.Privacy.Retention.Snapshots
	if budget > 0 {
		s.BudgetSpent = b.ledger.Used
	}
	if b.store != nil {
		b.store.SetIdentity(s.Identity)
	}
	b.version = fmt.Sprintf("%x %x %x %x %s %s %v %v", s.Journey.Version(), s.Score.Hash(), s.Topics.Version(), s.Engine.Version(),
		cfg.Text.Language, cfg.Text.Timezone, cfg.Privacy.OwnHosts, s.Verdicts)
	if len(s.Exclude) > 0 {
		b.version += fmt.Sprintf(" %q", s.Exclude)
	}
	if s.Capacity > 0 {
		b.version += fmt.Sprintf(" capacity %d", s.Capacity)
	}
	if h := s.Fit.Hash(); h != 0 {
		b.version += fmt.Sprintf(" fit %x", h)
	}
	for i := range s.CRMs {
		if by := s.CRMs[i].Consent; by.Property != "" {
			b.version += fmt.Sprintf(" %s %q", s.CRMs[i].Name, by)
		}
		if of := s.CRMs[i].Profile; len(of) > 0 {
			b.version += fmt.Sprintf(" %s profile %q", s.CRMs[i].Name, of)
		}
	}
	return nil
}

// settleOf is how long whoever asked for nothing waits: as configured, else the longest that one of the CRMs wants.
func settleOf(cfg *config.Config) (settle time.Duration) {
	if cfg.Write.Settle != nil {
		return *cfg.Write.Settle
	}
	for _, c := range cfg.CRMs {
		settle = max(settle, Types.CRMs[c.Type].Settle)
	}
	return settle
}

// reading is all that lies between events and field values: what counts, what it is worth, and who reads it.
func (b *builder) reading() (err error) {
	cfg, s := b.cfg, b.setup
	if s.Score, err = b.settings(); err != nil {
		return err
	}
	s.Fit = fitOf(cfg)
	s.Verdicts = pipeline.Verdicts{"not_now": cfg.Verdicts.NotNow, "not_interested": cfg.Verdicts.NotInterested, "wrong_person": cfg.Verdicts.WrongPerson}
	if problems := s.Score.Validate(); len(problems) > 0 {
		return fmt.Errorf("scoring: %s", strings.Join(problems, "; "))
	}
	if s.Journey, err = journey.NewBuilder(journeyConfig(cfg, s.Score.Strengths)); err != nil {
		return fmt.Errorf("what counts as a signal: %w", err)
	}
	if err := b.engines(); err != nil {
		return err
	}
	s.Fields = fields.Options{Language: cfg.Text.Language, Location: cfg.Text.Location(), OwnHosts: cfg.Privacy.OwnHosts}
	for _, c := range cfg.Privacy.Customers {
		s.Customers = append(s.Customers, strings.ToLower(c))
	}
	s.CustomerFields = map[string]string{}
	for _, f := range cfg.Privacy.CustomerFields {
		s.CustomerFields[f.Property] = f.Value
	}
	s.History = cfg.Privacy.Retention.History
	return nil
}

// fitOf are the rules by which people are graded; nil if there are none.
func fitOf(cfg *config.Config) *fit.Config {
	if len(cfg.Fit.Rules) == 0 {
		return nil
	}
	f := &fit.Config{A: cfg.Fit.Grades.A, B: cfg.Fit.Grades.B, C: cfg.Fit.Grades.C, Combined: cfg.Fit.Combined}
	for _, r := range cfg.Fit.Rules {
		f.Rules = append(f.Rules, fit.Rule(r))
	}
	return f
}

// host is what every connector is given.
func (b *builder) host(name, poll string) connectors.Host {
	return connectors.Host{Name: name, Poll: b.every(poll), HTTP: b.a.o.HTTP, Now: b.a.o.Now, Logger: b.a.log, Ledger: b.ledger, Tokens: ledger.NewTokens(b.a.db)}
}

func (b *builder) crm(c config.CRM) error {
	made, err := c.Settings.Connect(connectors.CRMHost{
		Host: b.host(c.Name, c.Poll), SweepEvery: b.every(b.cfg.Schedule.Sweep), Fields: c.Fields, Adopt: c.Adopt, Inputs: b.inputs(c), Own: b.ownFields(),
	})
	if err != nil {
		return err
	}
	b.setup.CRMs = append(b.setup.CRMs, pipeline.CRM{Name: c.Name, Type: c.Type, CRM: made.CRM, Objects: made.Objects, Own: b.ownFields(), Fields: made.Fields, Identify: b.identify(c), Consent: pipeline.ConsentBy(c.Consent), Profile: c.LearningProfile})
	b.reserve, b.lot = max(b.reserve, made.Reserve), max(b.lot, made.Lot)
	for _, own := range made.Sources {
		if err := b.addOrigin(own, cmp.Or(made.SourcePoll, c.Poll)); err != nil {
			return err
		}
	}
	return nil
}

// identify are the properties that hold ids.
func (b *builder) identify(c config.CRM) (out []pipeline.IdentifyBy) {
	for _, by := range c.Identify {
		kind, _ := identity.ParseKind(by.As)
		out = append(out, pipeline.IdentifyBy{Property: by.Property, Kind: kind, Space: b.cfg.SpaceOf(by)})
	}
	return out
}

func (b *builder) source(c config.Source) error {
	switch settings := c.Settings.(type) {
	case *jsonl.Config:
		feed := jsonl.New(jsonl.Options{Name: c.Name, Path: settings.Path, Now: b.a.o.Now, Logger: b.a.log})
		return b.addOrigin(connectors.Origin{Name: c.Name, Feed: feed}, c.Poll)
	case connectors.SourceSettings:
		made, err := settings.Open(b.host(c.Name, c.Poll))
		if err != nil {
			return err
		}
		return b.addOrigin(made, c.Poll)
	}
	return fmt.Errorf("a source of type %s cannot be opened", c.Type)
}

// inputs are the properties that hold ids, the one that tells of consent, those by which canaries and customers are recognised, and those of the rules of fit and of what is learned from.
func (b *builder) inputs(c config.CRM) []string {
	var inputs []string
	for _, by := range c.Identify {
		if !slices.Contains(inputs, by.Property) {
			inputs = append(inputs, by.Property)
		}
	}
	if by := c.Consent.Property; by != "" && !slices.Contains(inputs, by) {
		inputs = append(inputs, by)
	}
	for _, l := range slices.Concat(b.cfg.Write.Scope.List, b.cfg.Privacy.CustomerFields) {
		if !slices.Contains(inputs, l.Property) {
			inputs = append(inputs, l.Property)
		}
	}
	also := slices.Concat(b.cfg.FitProperties(c.Name), c.LearningProfile)
	if b.beside != nil {
		also = append(also, b.beside.FitProperties(c.Name)...)
	}
	for _, property := range also {
		if !slices.Contains(inputs, property) {
			inputs = append(inputs, property)
		}
	}
	return inputs
}

// addOrigin makes a source of an origin. A feed is taken into the event store, which answers for it.
func (b *builder) addOrigin(from connectors.Origin, poll string) error {
	source := pipeline.Source{Name: from.Name, Source: from.Source}
	if c, ok := from.Source.(io.Closer); ok {
		b.open = append(b.open, c)
	}
	if c, ok := from.Feed.(io.Closer); ok {
		b.open = append(b.open, c)
	}
	if from.Feed != nil {
		store, err := b.clickstream()
		if err != nil {
			return err
		}
		fed := store.Fed(from.Name, from.Feed)
		source.Source, source.Take = fed, fed.Take
		if w, ok := from.Feed.(connectors.Waker); ok {
			b.wakers[from.Name] = true
			w.OnNews(func() { b.a.heard.from(from.Name) })
		}
		if from.Answer != nil {
			source.Source = from.Answer(fed)
		}
	}
	if from.Receiver != nil {
		store, err := b.clickstream()
		if err != nil {
			return err
		}
		inbox := store.Inbox(from.Name, from.Receiver)
		source.Source = inbox
		b.inlets[from.Name] = inlet{from.Receiver.Address(), from.Receiver.Handler(inbox)}
	}
	b.setup.Sources = append(b.setup.Sources, source)
	b.sources = append(b.sources, polled{from.Name, poll})
	return nil
}

// every is the time between two runs of a schedule, for estimates.
func (b *builder) every(spec string) time.Duration {
	s, err := config.ParseSchedule(spec, b.cfg.JobsLocation())
	if spec == "" || err != nil {
		return 0
	}
	first := s.Next(b.a.o.Now())
	return s.Next(first).Sub(first)
}

// clickstream is the event store, opened when the first source needs it.
func (b *builder) clickstream() (*clickstream.Store, error) {
	if b.store != nil {
		return b.store, nil
	}
	internal, err := internalIP(b.cfg.Privacy.InternalIPs)
	if err != nil {
		return nil, err
	}
	store, err := clickstream.Open(b.cfg.ClickstreamDir(), clickstream.Options{Retention: b.cfg.Clickstream.Retention, Internal: internal, Identity: b.setup.Identity, Active: b.a.heard.from, Now: b.a.o.Now, Logger: b.a.log})
	if err != nil {
		return nil, err
	}
	b.store = store
	b.open = append(b.open, store)
	return store, nil
}

// internalIP tells own staff by address: the store never keeps one, so that it must know at once.
func internalIP(ranges []string) (func(string) bool, error) {
	var prefixes []netip.Prefix
	for _, r := range ranges {
		p, err := netip.ParsePrefix(r)
		if err != nil {
			ip, err := netip.ParseAddr(r)
			if err != nil {
				return nil, fmt.Errorf("privacy.internal_ips: %w", err)
			}
			p = netip.PrefixFrom(ip, ip.BitLen())
		}
		prefixes = append(prefixes, p.Masked())
	}
	return func(s string) bool {
		ip, err := netip.ParseAddr(s)
		return err == nil && slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
	}, nil
}

// engines makes the model, the topic matcher and both readers of intent.
func (b *builder) engines() error {
	cfg := b.cfg
	var products []string
	for _, p := range cfg.Products {
		products = append(products, p.Name)
	}
	var secret []byte
	if b.a.db != nil {
		secret = b.a.db.Secret()
	}
	named := []string{}
	for _, p := range cfg.Topics.Pages {
		named = append(named, p.Topic)
	}
	var rivals []rules.Rival
	for _, c := range cfg.Competitors {
		rivals = append(rivals, rules.Rival{Name: c.Name, Domains: c.Domains})
	}
	engine := rules.New(rules.Options{Products: products, Topics: named, Rivals: rivals, Hosts: cfg.Privacy.OwnHosts, Language: cfg.Text.Language, Window: cfg.Window.Score})
	b.setup.Rules, b.setup.Engine = engine, engine
	match := topics.Config{Win: cfg.Topics.Win, Loss: cfg.Topics.Loss, LexiconOnly: true, Secret: secret, Now: b.a.o.Now}
	for _, g := range cfg.Topics.Lexicon {
		match.Groups = append(match.Groups, topics.Group{Names: g.Names, Related: g.Related})
	}
	if cfg.Model.Settings != nil {
		model, err := b.opened()
		if err != nil {
			return err
		}
		match.Model, match.ModelName, match.LexiconOnly = model, cfg.Model.Name, false
		two := twostage.Options{
			Model: model, ModelName: cfg.Model.Name, Products: products, Hosts: cfg.Privacy.OwnHosts, Language: cfg.Text.Language,
			Concurrency: cfg.Model.Concurrency, Logger: b.a.log, Fallback: engine, Secret: secret,
		}
		if b.ledger != nil {
			match.Model, match.Cache, two.Store = b.ledger.Within(model), b.ledger.TopicCache(), b.ledger
		}
		r := cfg.Privacy.Redact
		two.Redact = redact.Options{KeepEmails: r.KeepEmails, KeepPhones: r.KeepPhones, KeepNames: r.KeepNames, DropTyped: r.DropTyped}
		for _, p := range r.Patterns {
			re, err := regexp.Compile(p)
			if err != nil {
				return fmt.Errorf("privacy.redact.patterns: %w", err)
			}
			two.Redact.Patterns = append(two.Redact.Patterns, re)
		}
		if cfg.Screenshots.Dir != "" {
			if two.Screenshots, err = os.OpenRoot(cfg.Screenshots.Dir); err != nil {
				return fmt.Errorf("screenshots.dir: %w", err)
			}
			b.open = append(b.open, two.Screenshots)
			for _, src := range cfg.Sources {
				if src.Type == "jsonl" { // pictures come from local files only
					two.ScreenshotSources = append(two.ScreenshotSources, src.Name)
				}
			}
		}
		two.Summarised = b.summarised
		b.setup.Engine = twostage.New(two)
		if m, ok := model.(connectors.Batcher); ok && m.Batching() != nil {
			b.setup.Batch = &batch.Vendor{Model: m, On: cfg.Model.Batch, Ledger: b.ledger}
		} else if cfg.Model.Batch {
			b.a.log.Warn("model.batch is set and this provider takes no jobs: texts are asked one by one, at the full price", "provider", cfg.Model.Provider)
		}
	}
	b.setup.Topics = topics.New(match)
	return nil
}

// opened is the config's model, opened once.
func (b *builder) opened() (connectors.Model, error) {
	if b.model != nil {
		return b.model, nil
	}
	m := b.cfg.Model
	model, err := m.Settings.Open(connectors.ModelHost{Host: b.host("", ""), Model: m.Name, Concurrency: m.Concurrency, Prices: m.Prices})
	if err == nil {
		b.model = model
	}
	return model, err
}

// scoreSettings are the numbers of the formula: the configuration's points in tenths, its shares in thousandths.
func scoreSettings(cfg *config.Config) score.Settings {
	c := cfg.Scoring
	tenths := func(points float64) int { return int(math.Round(points * 10)) }
	thousandths := func(share float64) int { return int(math.Round(share * 1000)) }
	s := score.Defaults()
	s.Weights = score.Weights{Volume: thousandths(c.Weights.Volume), Recency: thousandths(c.Weights.Recency), Topics: thousandths(c.Weights.Topics)}
	s.MaxActivity = c.MaxActivity
	s.WindowDays = int(cfg.Window.Score / (24 * time.Hour))
	s.TimeConstantDays = c.Decay()
	s.TopicPoints, s.InterestPoints = c.TopicPoints, c.InterestPoints
	s.High, s.Medium, s.Margin = tenths(c.Tiers.High), tenths(c.Tiers.Medium), tenths(c.Margin)
	e := c.Evidence
	s.Evidence = score.EvidenceSettings{Days: e.Days, KeyDays: e.KeyDays, Key: e.Key, Strength: e.Strength, Strong: e.Strong, Apart: int(e.Apart.Seconds()), Signals: e.Signals}
	s.HandRaiseDays = c.HandRaiseDays
	if c.TopicBase != nil {
		s.TopicBase = *c.TopicBase
	}
	s.WriteInterval = int(cfg.Write.Interval.Seconds())
	s.MaterialPoints = tenths(c.MaterialPoints)
	s.TrendDays, s.Surging, s.Rising, s.Cooling = c.Trend.Days, tenths(c.Trend.Surging), tenths(c.Trend.Rising), tenths(c.Trend.Cooling)
	s.TierByModel = c.Engine == config.EngineModel
	for name, strength := range c.Strengths {
		if t, ok := score.ParseType(name); ok {
			s.Strengths[t] = uint8(strength)
		}
	}
	return s
}

// journeyConfig says what counts: the built-in lists, and in their place those that the configuration gives.
func journeyConfig(cfg *config.Config, strengths score.Strengths) journey.Config {
	c := journey.Defaults()
	replace := func(list *[]string, given []string) {
		if given != nil {
			*list = given
		}
	}
	c.ScoreWindow, c.RecentWindow, c.SessionGap, c.KeepHistory = cfg.Window.Score, cfg.Window.Recent, cfg.Window.SessionGap, cfg.Privacy.Retention.History
	c.EventsPerMinute, c.Strengths = cfg.Scoring.EventsPerMinute, strengths
	c.MachineLinks, c.MachineSeconds = cfg.Scoring.Machines.Links, cfg.Scoring.Machines.Seconds
	c.OwnHosts, c.InternalDomains, c.InternalHosts, c.InternalIPs = cfg.Privacy.OwnHosts, cfg.Privacy.InternalDomains, cfg.Privacy.InternalHosts, cfg.Privacy.InternalIPs
	for _, p := range cfg.Privacy.DropQueryParams {
		if !slices.Contains(c.DropQueryParams, strings.ToLower(p)) {
			c.DropQueryParams = append(c.DropQueryParams, p)
		}
	}
	c.Identity, c.Consented = cfg.IdentityOptions(), cfg.ConsentedSources()
	p, f := cfg.Scoring.Pages, cfg.Scoring.Forms
	replace(&c.ExcludePaths, p.Exclude)
	replace(&c.ExcludeHosts, p.ExcludeHosts)
	replace(&c.PricePaths, p.Price)
	replace(&c.ContractPaths, p.Contract)
	replace(&c.ComparisonPaths, p.Comparison)
	replace(&c.CaseStudyPaths, p.CaseStudy)
	replace(&c.ProductPaths, p.Product)
	replace(&c.Sensitive, p.Sensitive)
	replace(&c.SiteNames, p.SiteNames)
	replace(&c.HandRaiseForms, f.HandRaise)
	replace(&c.TrialForms, f.Trial)
	replace(&c.ApplicationForms, f.Application)
	replace(&c.WebinarForms, f.Webinar)
	replace(&c.NewsletterForms, f.Newsletter)
	replace(&c.ExcludeForms, f.Exclude)
	for _, product := range cfg.Products {
		c.Products = append(c.Products, journey.Product{Name: product.Name, Match: product.Match})
	}
	for _, page := range cfg.Topics.Pages {
		c.Topics = append(c.Topics, journey.TopicRule{Match: page.Match, Topic: page.Topic})
	}
	for _, r := range cfg.Scoring.Rules {
		signal, _ := score.ParseType(r.Signal)
		c.Rules = append(c.Rules, journey.Rule{Kind: r.Kind, Event: r.Event, URL: r.URL, Form: r.Form, Source: r.Source, Signal: signal, Key: r.Key, Ignore: r.Ignore, Topic: r.Topic})
	}
	return c
}

// purge drops events that have outlived their retention, what forgotten people left in free pages, and those pages when they are many.
func (b *built) purge(ctx context.Context, now time.Time) error {
	if b.store == nil {
		return nil
	}
	if _, _, err := b.store.Prune(ctx, now); err != nil {
		return err
	}
	s, err := b.store.Stats()
	if err != nil {
		return err
	}
	pays := s.Leftovers
	if !pays {
		if pays, err = b.store.Sparse(); err != nil {
			return err
		}
	}
	if !pays {
		return nil
	}
	return b.store.Compact(ctx)
}

func (b *built) close() error {
	var errs []error
	for _, c := range slices.Backward(b.open) {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
