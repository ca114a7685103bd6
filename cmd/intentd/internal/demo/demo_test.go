package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/hubspot"
	"github.com/intentd/intentd/connectors/jsonl"
	"github.com/intentd/intentd/pipeline/fields"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/intenttest"
	"github.com/intentd/intentd/pipeline/intent/rules"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/topics"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var now = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

// places makes the files that a configuration names.
func places(t testing.TB, dir string) Settings {
	t.Helper()
	dir = filepath.Join(t.TempDir(), dir)
	if err := os.MkdirAll(filepath.Join(dir, "events"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("pat-na1-sandbox"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Settings{State: filepath.Join(dir, "intentd.db"), Clickstream: filepath.Join(dir, "store"), Events: filepath.Join(dir, "events"),
		CRM: "http://127.0.0.1:40001", TokenFile: filepath.Join(dir, "token")}
}

// The demo's configuration is one that intentd accepts without a remark, wherever its files are.
func TestConfigIsAccepted(t *testing.T) {
	awkward := places(t, `a "b": {c} #é`)
	awkward.Listen, awkward.Language, awkward.Timezone = "127.0.0.1:8787", "de", "Europe/Berlin"
	for _, s := range []Settings{places(t, "demo"), awkward} {
		cfg, problems := config.Parse([]byte(ConfigYAML(s)), app.Types)
		for _, p := range problems {
			t.Errorf("%+v", p)
		}
		if cfg == nil {
			t.Fatal("no config")
		}
		if cfg.State.Path != s.State || cfg.CRMs[0].Settings.(*hubspot.Config).BaseURL != s.CRM || cfg.HTTP.Listen != s.Listen ||
			cfg.Sources[0].Settings.(*jsonl.Config).Path != s.Events || cfg.Sources[0].Name != Source {
			t.Errorf("%+v", cfg)
		}
	}
}

// outcome is one person as the pipeline sees them.
type outcome struct {
	contact  Contact
	receipt  *receipt.Receipt
	journey  *journey.Journey
	values   map[string]string
	filtered journey.Filtered
}

// run takes the population through the real journey, topics, rules, score and fields packages, by the demo's own configuration.
func run(t testing.TB, at time.Time) map[string]outcome { return runIn(t, at, "en") }

func runIn(t testing.TB, at time.Time, lang string) map[string]outcome {
	t.Helper()
	cfg, problems := config.Parse([]byte(ConfigYAML(places(t, "demo"))), app.Types)
	if cfg == nil {
		t.Fatal(problems)
	}
	jc := journey.Defaults()
	jc.OwnHosts, jc.InternalDomains = cfg.Privacy.OwnHosts, cfg.Privacy.InternalDomains
	var names, named []string
	for _, p := range cfg.Products {
		jc.Products = append(jc.Products, journey.Product{Name: p.Name, Match: p.Match})
		names = append(names, p.Name)
	}
	for _, p := range cfg.Topics.Pages {
		jc.Topics = append(jc.Topics, journey.TopicRule{Match: p.Match, Topic: p.Topic})
		named = append(named, p.Topic)
	}
	builder, err := journey.NewBuilder(jc)
	if err != nil {
		t.Fatal(err)
	}
	matcher := topics.New(topics.Config{Win: cfg.Topics.Win, Loss: cfg.Topics.Loss, LexiconOnly: true})
	engine := rules.New(rules.Options{Products: names, Hosts: cfg.Privacy.OwnHosts, Topics: named})
	settings := score.Defaults()

	p := People(at)
	out := map[string]outcome{}
	for _, c := range p.Contacts {
		person := connectors.Person{Key: c.Key, Emails: []string{c.Properties["email"]}}
		if slices.ContainsFunc(p.Merges, func(m Merge) bool { return m.Loser == c.Key }) {
			continue
		}
		for _, m := range p.Merges {
			if m.Winner == c.Key {
				i := slices.IndexFunc(p.Contacts, func(x Contact) bool { return x.Key == m.Loser })
				person.Emails = append(person.Emails, p.Contacts[i].Properties["email"])
			}
		}
		person.AnonymousIDs = linked(p.Events, person.Emails)
		var events []connectors.Event
		for _, e := range p.Events {
			if slices.Contains(person.Emails, e.Email) || e.Email == "" && slices.Contains(person.AnonymousIDs, e.AnonymousID) {
				events = append(events, e)
			}
		}
		j := builder.Build(journey.Input{Person: person, Customer: c.Properties["lifecyclestage"] == "customer", Events: events, Now: at})
		in, err := engine.Infer(context.Background(), intent.Subject{Journey: j, Now: at, Language: lang, Location: time.UTC, Customer: c.Properties["lifecyclestage"] == "customer", Profile: connectors.Profile{
			FirstName: c.Properties["firstname"], LastName: c.Properties["lastname"], JobTitle: c.Properties["jobtitle"], Company: c.Properties["company"], Lifecycle: c.Properties["lifecyclestage"]}})
		if err != nil {
			t.Fatal(err)
		}
		r := &receipt.Receipt{Person: c.Key, At: at, Formula: score.Version, Settings: settings, Features: j.Features(), Signals: receipt.SignalLines(j),
			Intent: in, Cited: receipt.CitedLines(j, &in), Filtered: j.Filtered, Reason: score.ReasonFirst, Refs: []connectors.Ref{{CRM: "hubspot", Object: "contacts", ID: "1"}}}
		span := map[string]topics.Span{}
		where := map[string][]string{}
		var read []string
		for _, g := range j.Signals {
			for _, name := range g.Topics {
				s, ok := span[name]
				if !ok {
					s.First = g.At
					read = append(read, name)
				}
				s.First, s.Last = min(s.First, g.At), max(s.Last, g.At)
				span[name] = s
				if len(where[name]) < 5 {
					where[name] = append(where[name], g.EventID)
				}
			}
		}
		slices.Sort(read)
		matches, _, _ := matcher.Match(context.Background(), read)
		scored, counted := topics.Count(matches, span)
		r.Features.Topics = scored
		for i, m := range matches {
			r.Topics = append(r.Topics, receipt.TopicLine{Journey: m.Journey, Configured: m.Configured, Win: m.Win, How: m.How, Points: m.Points, Events: where[m.Journey], Counted: counted[i]})
		}
		shown, parts, rule := settings.Show(&r.Features, score.Shown{}, at)
		r.Parts, r.Rule, r.Tier, r.Stage, r.Trend, r.Product, r.Interest = parts, rule, shown.Tier, shown.Stage, shown.Trend, shown.Product, shown.Interest
		r.Forecast = settings.Forecast(&r.Features, shown, at, time.UTC)
		o := outcome{contact: c, receipt: r, journey: j, filtered: j.Filtered}
		if parts.Known {
			o.values = fields.Render(r, fields.Options{Language: lang, Location: time.UTC, OwnHosts: cfg.Privacy.OwnHosts})
			r.Written = o.values
		}
		out[c.Key] = o
	}
	return out
}

// linked are the browsers that were seen with one of the addresses.
func linked(events []connectors.Event, emails []string) (ids []string) {
	for _, e := range events {
		if e.AnonymousID != "" && slices.Contains(emails, e.Email) && !slices.Contains(ids, e.AnonymousID) {
			ids = append(ids, e.AnonymousID)
		}
	}
	return ids
}

// expected is what must come of everybody: tier, and the rule where it matters.
var expected = map[string]struct {
	tier score.Tier
	rule score.Rule
}{
	"whitlock":   {score.High, score.ByThreshold},
	"menon":      {score.High, score.ByThreshold},
	"solheim":    {score.High, score.ByThreshold},
	"albers":     {score.High, score.ByThreshold},
	"oyelaran":   {score.High, score.ByThreshold},
	"marchetti":  {score.High, score.ByHandRaise},
	"nandakumar": {score.High, score.ByThreshold},

	"brannigan": {score.Medium, score.ByThreshold},
	"petrova":   {score.Medium, score.ByEvidence},
	"demir":     {score.Medium, score.ByEvidence},
	"kruger":    {score.Medium, score.ByThreshold},
	"ferreira":  {score.Medium, score.ByEvidence},
	"adler":     {score.Medium, score.ByThreshold},
	"liu":       {score.Medium, score.ByThreshold},
	"holm":      {score.Medium, score.ByEvidence},
	"rival":     {score.Medium, score.ByThreshold},

	"okafor": {score.Low, ""}, "hansen": {score.Low, ""}, "kowalski": {score.Low, ""}, "dubois": {score.Low, ""}, "weiss": {score.Low, ""},
	"silva": {score.Low, ""}, "moreau": {score.Low, ""}, "nakamura": {score.Low, ""}, "lindqvist": {score.Low, ""}, "rahman": {score.Low, ""},
	"ibrahim": {score.Low, ""}, "fischer": {score.Low, ""}, "costa": {score.Low, ""}, "injection": {score.Low, ""},

	"novak": {}, "gateway": {}, "robot": {}, "crawler": {}, "burst": {}, "staff-1": {}, "staff-2": {}, "customer-1": {}, "customer-2": {}, "customer-3": {},
	"noconsent": {}, "silent-1": {}, "silent-2": {},
	"vandenberg": {}, // HubSpot alone knows of her, and no HubSpot takes part here
}

// Every kind of person comes out as meant, at any time of the day and year.
func TestOutcomes(t *testing.T) {
	for _, at := range []time.Time{now, time.Date(2027, 1, 1, 0, 0, 5, 0, time.UTC), time.Date(2028, 2, 29, 23, 59, 59, 0, time.UTC)} {
		got := run(t, at)
		for key, o := range got {
			want, ok := expected[key]
			if !ok {
				t.Errorf("%s: nobody says what must come of them", key)
				continue
			}
			if o.receipt.Tier != want.tier || want.rule != "" && o.receipt.Rule != want.rule || want.tier == score.TierUnknown && o.receipt.Parts.Known {
				t.Errorf("%s: %s %s by %s, want %s %s (%d signals, base %d, bonus %d, %d days)", key, score.FormatTenths(o.receipt.Parts.Score), o.receipt.Tier,
					o.receipt.Rule, want.tier, want.rule, o.receipt.Parts.Signals, o.receipt.Parts.Base, o.receipt.Parts.Bonus, o.receipt.Parts.Days)
			}
		}
		if len(got) != len(expected) {
			t.Errorf("%d people, %d expected", len(got), len(expected))
		}
	}
}

// Every receipt of the demo recomputes, and every sentence in it rests on events that exist.
func TestReceiptsVerify(t *testing.T) {
	for key, o := range run(t, now) {
		if v := o.receipt.Verify(); !v.OK() {
			t.Errorf("%s: %+v", key, v)
		}
	}
}

// engines are the settings of each engine that a score can come from.
func engines() []score.Settings {
	weights, model, propensity := score.Defaults(), score.Defaults(), score.Defaults()
	weights.Weights, weights.Learned = score.Weights{Volume: 450, Recency: 250, Topics: 300}, true
	model.TierByModel = true
	term := func(fact string, form score.Form, slope float64) score.Term {
		return score.Term{Feature: score.Feature{Fact: fact, Form: form}, Slope: slope, Usual: 1}
	}
	stage := term(score.FactStage, score.Is, 4.4)
	stage.Level = "deciding"
	propensity.Additive = &score.Additive{Offset: 204, K: 12, B: 1, Intercept: -1, Terms: []score.Term{term(score.FactRecency, score.Plain, 0.21), term(score.FactVolume, score.Plain, 0.17),
		term("signals: hand_raise", score.Log, 17.7), term("signals: hand_raise", score.Zero, -3.1), term("pages: price", score.Log, 8.3), term("pages: /pricing", score.Zero, -2.2), term(score.FactVisits, score.Log, 3.3),
		term(score.FactSinceFirst, score.Log, -1.3), term(score.FactSinceForm, score.Log, -1.1), term(score.FactMinutes, score.Log, 2.7), stage}}
	return []score.Settings{score.Defaults(), weights, model, propensity}
}

// Promise: under every engine each receipt of the demo recomputes to its score, as it is stored and read again, its parts add up, and the reasons that a rep reads say that score.
func TestReceiptsVerifyUnderEveryEngine(t *testing.T) {
	for _, set := range engines() {
		stored, err := json.Marshal(&set)
		if err != nil {
			t.Fatal(err)
		}
		scores := map[int]bool{}
		for key, o := range run(t, now) {
			r := o.receipt
			r.Settings, r.Features.ModelTier = set, score.High
			shown, parts, rule := set.Show(&r.Features, score.Shown{}, now)
			r.Parts, r.Points, r.Rule, r.Tier, r.Stage, r.Trend = parts, set.PointsAt(&r.Features, now.Unix()), rule, shown.Tier, shown.Stage, shown.Trend
			read, _, err := receipt.Decode(r.Append(nil, 1, r.Features.Append(nil)))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(stored, &read.Settings); err != nil {
				t.Fatal(err)
			}
			if v := read.Verify(); !v.OK() {
				t.Errorf("engine %s, %s: %+v, %+v", set.Engine(), key, v, read.Parts)
			}
			scores[parts.Score] = true
			for _, lang := range []string{"en", "de"} {
				said := fields.Render(read, fields.Options{Language: lang, Location: time.UTC})[connectors.FieldReasons]
				if want := strings.Replace(score.FormatTenths(parts.Score), ".", map[string]string{"en": ".", "de": ","}[lang], 1); parts.Known && !strings.Contains(said, "= "+want) {
					t.Errorf("engine %s, %s: the score is %s, the reasons %q", set.Engine(), key, want, said)
				}
			}
		}
		if len(scores) < 15 {
			t.Errorf("engine %s: only %d scores", set.Engine(), len(scores))
		}
	}
}

// What each special person is there to show.
func TestSpecialPeople(t *testing.T) {
	got := run(t, now)
	f := func(key string) journey.Filtered { return got[key].filtered }
	for _, c := range []struct {
		what string
		ok   bool
	}{
		{"bots are filtered", f("robot").Bots > 0 && f("crawler").Bots == 6 && f("burst").Bots == 90},
		{"staff is filtered", f("staff-1").Internal == 7 && f("staff-2").Internal == 2},
		{"customers do not count", f("customer-1").Customer > 0},
		{"careers pages do not count", f("novak").Excluded == 5},
		{"withheld consent is kept", f("noconsent").NoConsent == 3},
		{"repeated deliveries are dropped", f("nakamura").Duplicates == 3},
		{"the anonymous past joins", len(got["whitlock"].journey.Sessions) >= 5 && got["whitlock"].receipt.Features.Signals[0].At < now.AddDate(0, 0, -19).Unix()},
		{"the merged record's past joins", got["nandakumar"].receipt.Features.Signals[0].At < now.AddDate(0, 0, -33).Unix()},
		{"a machine's opens do not count", len(got["costa"].journey.Signals) == 1},
		{"the rule made it high, not the score", got["marchetti"].receipt.Parts.Score < 620},
		{"the score was high, not the tier", got["holm"].receipt.Parts.Score >= 620},
		{"cold is not unknown", got["weiss"].receipt.Parts.Known && got["weiss"].receipt.Parts.Signals == 0},
		{"German texts come through", strings.Contains(fmt.Sprint(got["albers"].receipt.Signals), "Demo anfragen")},
	} {
		if !c.ok {
			t.Errorf("not so: %s", c.what)
		}
	}
}

// The person who tries to talk the model into a score gets what the same visit without a word would get (invariant 7), and nothing
// they wrote reaches a rep.
func TestHostileTextMovesNothing(t *testing.T) {
	o := run(t, now)["injection"]
	if p := o.receipt.Parts; p.Bonus != 0 || p.Base != 50 || p.Signals != 2 {
		t.Errorf("%+v", p)
	}
	for f, v := range o.values {
		if strings.Contains(v, "growth-hacks") || strings.Contains(strings.ToLower(v), "ignore all") || strings.Contains(v, "HYPERLINK") || strings.Contains(v, "score 100") {
			t.Errorf("%s shows %q", f, v)
		}
	}
}

// The population is about 40 people; buyers have a history worth reading, the others little.
func TestPopulationIsBelievable(t *testing.T) {
	p := People(now)
	if len(p.Contacts) < 40 || len(p.Contacts) > 50 {
		t.Errorf("%d contacts", len(p.Contacts))
	}
	got := run(t, now)
	buyers := 0
	for key, o := range got {
		events := 0
		for _, s := range o.journey.Sessions {
			events += len(s.Steps)
		}
		if o.contact.Role == "buyer" && key != "marchetti" {
			buyers++
			if events < 24 || events > 40 {
				t.Errorf("%s: %d events", key, events)
			}
		}
	}
	if buyers != 6 {
		t.Errorf("%d buyers", buyers)
	}
	// Nobody real: every host is reserved, every number is set aside for fiction.
	host := regexp.MustCompile(`(?i)[a-z0-9-]+(\.[a-z0-9-]+)*\.(com|org|net|de|io|uk|example)\b`)
	for _, h := range host.FindAllString(string(populationYAML)+configTemplate, -1) {
		if !strings.HasSuffix(h, ".example") {
			t.Errorf("%s is no reserved name", h)
		}
	}
	for _, c := range p.Contacts {
		if phone := c.Properties["phone"]; phone != "" && !regexp.MustCompile(`^(\+1 \d{3} 555 01\d\d|\+44 20 7946 0\d{3}|\+49 30 23125 \d{3})$`).MatchString(phone) {
			t.Errorf("%s is a number somebody could have", phone)
		}
	}
}

// Events are the same for the same moment, lie before it, are ordered and have ids of their own (delivered twice apart).
func TestEventsAreFreshAndDeterministic(t *testing.T) {
	p := People(now)
	if !reflect.DeepEqual(p, People(now)) {
		t.Error("two populations of one moment differ")
	}
	later := People(now.Add(time.Hour))
	ids := map[string]int{}
	for i, e := range p.Events {
		ids[e.ID]++
		if e.Time.After(now) || i > 0 && e.Time.Before(p.Events[i-1].Time) {
			t.Errorf("%s at %s is out of order", e.ID, e.Time)
		}
		if !later.Events[i].Time.Equal(e.Time.Add(time.Hour)) {
			t.Errorf("%s does not move with now", e.ID)
		}
		if e.Kind == connectors.KindPageView && (e.URL == "" || e.PageTitle == "" || e.Session == "") {
			t.Errorf("incomplete: %+v", e)
		}
	}
	twice := 0
	for id, n := range ids {
		if n > 2 {
			t.Errorf("%s came %d times", id, n)
		}
		if n == 2 {
			twice++
		}
	}
	if twice != 3 {
		t.Errorf("%d events were delivered twice", twice)
	}
}

// HubSpot's own summary is filled only where the site's source knows nothing: what both tell would count twice.
func TestNothingIsToldTwice(t *testing.T) {
	p := People(now)
	found := 0
	for _, c := range p.Contacts {
		for name := range c.Properties {
			if !strings.HasPrefix(name, "hs_analytics_") && !strings.HasPrefix(name, "hs_email_") && !strings.Contains(name, "conversion") {
				continue
			}
			found++
			if slices.ContainsFunc(p.Events, func(e connectors.Event) bool { return e.Email == c.Properties["email"] }) {
				t.Errorf("%s has events and %s", c.Key, name)
			}
		}
		if c.Key == "vandenberg" && c.Properties["hs_analytics_last_timestamp"] != "2026-11-15T07:30:00.000Z" {
			t.Errorf("%v", c.Properties)
		}
	}
	if found == 0 {
		t.Error("nobody is known to HubSpot only")
	}
}

func TestWriteJSONL(t *testing.T) {
	p := People(now)
	var b bytes.Buffer
	if err := p.WriteJSONL(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != len(p.Events) {
		t.Fatalf("%d lines of %d events", len(lines), len(p.Events))
	}
	for i, l := range lines {
		var got struct {
			ID, Kind, Email, URL string
			SessionID            string `json:"session_id"`
			PageTitle            string `json:"page_title"`
			Time                 time.Time
			Properties           map[string]string
		}
		if err := json.Unmarshal([]byte(l), &got); err != nil {
			t.Fatal(err)
		}
		e := p.Events[i]
		if got.ID != e.ID || got.Kind != e.Kind || got.Email != e.Email || got.URL != e.URL || got.SessionID != e.Session || got.PageTitle != e.PageTitle ||
			!got.Time.Equal(e.Time) || !reflect.DeepEqual(got.Properties, e.Properties) {
			t.Errorf("%s is not %+v", l, e)
		}
	}
}

// What the demo prints fits a terminal of 120 columns and changes on purpose only.
func TestPrint(t *testing.T) {
	got := run(t, now)
	var sum journey.Filtered
	leads := People(now).Leads(func(email string) (map[string]string, bool) {
		for _, o := range got {
			if o.contact.Properties["email"] != email {
				continue
			}
			props := map[string]string{}
			for k, v := range o.contact.Properties {
				props[k] = v
			}
			for k, v := range o.values {
				props[property+k] = v
			}
			return props, true
		}
		return nil, false
	})
	for _, o := range got {
		f := o.filtered
		sum.Bots += f.Bots
		sum.Internal += f.Internal
		sum.Customer += f.Customer
		sum.Duplicates += f.Duplicates
		sum.Excluded += f.Excluded
		sum.NoConsent += f.NoConsent
		sum.Outside += f.Outside
	}
	var b bytes.Buffer
	if err := Print(&b, leads, PrintOptions{Filtered: sum, Receipt: got["whitlock"].receipt, Of: "Dana Whitlock"}); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if n := utf8.RuneCountInString(line); n > 120 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	path := filepath.Join("testdata", "demo.golden")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("run with -update if this is meant:\n%s", b.String())
	}
}

// Leads are ranked by tier, then score as a number.
func TestRank(t *testing.T) {
	lead := func(name, tier, score string) Lead {
		return Lead{Name: name, Values: map[string]string{connectors.FieldTier: tier, connectors.FieldScore: score}}
	}
	ranked, rest := rank([]Lead{lead("a", "low", "9.9"), lead("b", "medium", "72.0"), lead("c", "high", "64.5"), lead("d", "high", "100"), lead("e", "", ""), lead("f", "low", "48.0")})
	var order []string
	for _, l := range ranked {
		order = append(order, l.Name)
	}
	if got := strings.Join(order, ""); got != "dcbfa" || len(rest) != 1 {
		t.Errorf("%s, %d without a score", got, len(rest))
	}
}

// A name that somebody typed into a form cannot steer the terminal.
func TestPrintIsOnlyShown(t *testing.T) {
	var b bytes.Buffer
	l := Lead{Name: "\x1b[2Jx", Company: "a\u202eb\r\n", Values: map[string]string{connectors.FieldScore: "50.0", connectors.FieldTier: "high", connectors.FieldHeadline: "h\x07", connectors.FieldReasons: "a\nb\x1b"}}
	if err := Print(&b, []Lead{l}, PrintOptions{}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\x07\r\u202e") {
		t.Errorf("%q", b.String())
	}
}

// Every text of the demo keeps to the checklist, in both languages, on the day and once it has grown old.
func TestChecklist(t *testing.T) {
	for _, lang := range []string{"en", "de"} {
		for key, o := range runIn(t, now, lang) {
			if o.receipt == nil || o.receipt.Intent.Headline.Text == "" {
				continue
			}
			in := &o.receipt.Intent
			at := []time.Time{now}
			for _, l := range in.Later {
				at = append(at, l.From)
			}
			for _, when := range at {
				headline, sentences, next := in.At(when, o.receipt.Tier)
				text := intenttest.Text{Headline: headline.Text, Next: next.Text, Products: o.receipt.Features.Products, German: lang == "de"}
				for _, s := range sentences {
					text.Reasons = append(text.Reasons, s.Text)
				}
				for _, topic := range in.Topics {
					text.Topics = append(text.Topics, topic.Name)
				}
				for _, fault := range text.Faults() {
					t.Errorf("%s (%s, %s): %s\n%+v", key, lang, when.Format("2 Jan 2006"), fault, text)
				}
				for _, name := range []string{o.contact.Properties["firstname"], o.contact.Properties["lastname"]} {
					if len(name) > 3 && strings.Contains(text.Headline+strings.Join(text.Reasons, " ")+text.Next, name) {
						t.Errorf("%s (%s): %q is named: %+v", key, lang, name, text)
					}
				}
			}
		}
	}
}

// docs/texts.md shows what a rep reads of everybody in the demo, in both languages: to be read line by line when texts change.
func TestTextsDocument(t *testing.T) {
	en, de := runIn(t, now, "en"), runIn(t, now, "de")
	var b strings.Builder
	b.WriteString("# What a rep reads\n\nThe people of `intentd demo` as of 21 Nov 2026, texts by rules, English and German. Made by `go test ./cmd/intentd/internal/demo -run TextsDocument -update`.\n")
	for _, p := range story().People {
		o := en[p.Key]
		fmt.Fprintf(&b, "\n## %s\n\n", strings.Join(slices.DeleteFunc([]string{p.Name, p.Title, p.Company}, func(s string) bool { return s == "" }), ", "))
		if o.values == nil {
			fmt.Fprintf(&b, "Nothing is written: %s.\n", p.Role)
			continue
		}
		for _, v := range []map[string]string{o.values, de[p.Key].values} {
			fmt.Fprintf(&b, "- **%s**\n", v[connectors.FieldHeadline])
			for _, f := range []string{connectors.FieldSummary, connectors.FieldReasons, connectors.FieldTopics} {
				if v[f] != "" {
					fmt.Fprintf(&b, "  - %s\n", strings.ReplaceAll(v[f], "\n", "<br>"))
				}
			}
			if n := utf8.RuneCountInString(v[connectors.FieldHeadline]); n > 110 {
				t.Errorf("%s: a headline of %d characters", p.Key, n)
			}
			if n := utf8.RuneCountInString(v[connectors.FieldSummary]); n > 400 {
				t.Errorf("%s: a summary of %d characters", p.Key, n)
			}
		}
	}
	path := filepath.Join("..", "..", "..", "..", "docs", "texts.md")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Error("docs/texts.md is not what the demo says: run with -update if this is meant")
	}
}
