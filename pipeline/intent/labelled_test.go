package intent_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/fields"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
)

// today is the day of all labelled journeys.
var today = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

type vendor struct {
	Host     string            `yaml:"host"`
	Products []journey.Product `yaml:"products"`
	Rivals   []intent.Rival    `yaml:"rivals"`
	Topics   []struct {
		Match []string `yaml:"match"`
		Topic string   `yaml:"topic"`
		De    string   `yaml:"de"`
	} `yaml:"topics"`
}

// labelled is a journey with what its text must hold.
type labelled struct {
	Name     string `yaml:"name"`
	Vendor   string `yaml:"vendor"`
	Customer bool   `yaml:"customer"`
	Domain   string `yaml:"domain"`
	Told     string `yaml:"told"`
	Lang     string `yaml:"lang"`
	Profile  struct {
		First, Last, Company, Title, Lifecycle string
	} `yaml:"profile"`
	Events  []happening       `yaml:"events"`
	Company []happening       `yaml:"company"`
	Facts   []string          `yaml:"facts"`
	Never   []string          `yaml:"never"`
	Want    map[string]wanted `yaml:"want"`
}

type wanted struct {
	Head, Next, Topics, Product string
	Says                        []string
}

type happening struct {
	ID      string            `yaml:"id"`
	At      string            `yaml:"at"`
	Kind    string            `yaml:"kind"`
	URL     string            `yaml:"url"`
	Title   string            `yaml:"title"`
	Element string            `yaml:"element"`
	Email   string            `yaml:"email"`
	Props   map[string]string `yaml:"props"`
}

// UnmarshalYAML also reads the short form: "day | kind | path | title | property=value; …".
func (h *happening) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		type plain happening
		return n.Decode((*plain)(h))
	}
	p := strings.Split(n.Value, "|")
	if len(p) < 2 || len(p) > 5 {
		return fmt.Errorf("line %d: %q is no event", n.Line, n.Value)
	}
	p = append(p, "", "", "")
	h.At, h.Kind, h.URL, h.Title = strings.TrimSpace(p[0]), strings.TrimSpace(p[1]), strings.TrimSpace(p[2]), strings.TrimSpace(p[3])
	for _, pair := range strings.Split(p[4], ";") {
		if k, v, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
			if h.Props == nil {
				h.Props = map[string]string{}
			}
			h.Props[k] = v
		}
	}
	return nil
}

func load(t testing.TB, file string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func moment(t testing.TB, s string) time.Time {
	t.Helper()
	for layout, year := range map[string]string{"2 Jan 15:04 2006": " 2026", "2 Jan 2006 15:04": ""} {
		if at, err := time.Parse(layout, s+year); err == nil {
			return at
		}
	}
	at, err := time.Parse("2 Jan 15:04 2006", s+" 10:00 2026")
	if err != nil {
		if at, err = time.Parse("2 Jan 2006 15:04", s+" 10:00"); err != nil {
			t.Fatal(err)
		}
	}
	return at
}

func (h *happening) event(t testing.TB, v *vendor, k int) connectors.Event {
	e := connectors.Event{ID: h.ID, Source: "site", Time: moment(t, h.At), Kind: h.Kind, PageTitle: h.Title, ElementText: h.Element, Email: "person@customer.example", Properties: h.Props}
	if e.ID == "" {
		e.ID = fmt.Sprintf("e%d", k+1)
	}
	if h.Email != "" {
		e.Email = "other@customer.example"
	}
	if h.URL != "" {
		e.URL = "https://" + v.Host + h.URL
	}
	return e
}

// infer takes a labelled journey through the journey builder and the rules.
func (c *labelled) infer(t testing.TB, vendors map[string]*vendor, lang string) (intent.Intent, *journey.Journey) {
	t.Helper()
	v := vendors[c.Vendor]
	if v == nil {
		t.Fatalf("%s: no vendor %q", c.Name, c.Vendor)
	}
	jc := journey.Defaults()
	jc.OwnHosts = []string{v.Host}
	jc.Products = v.Products
	var names, topics []string
	for _, p := range v.Products {
		names = append(names, p.Name)
	}
	for _, r := range v.Topics {
		name := r.Topic
		if lang == "de" && r.De != "" {
			name = r.De
		}
		jc.Topics = append(jc.Topics, journey.TopicRule{Match: r.Match, Topic: name})
		topics = append(topics, name)
	}
	b, err := journey.NewBuilder(jc)
	if err != nil {
		t.Fatal(err)
	}
	in := journey.Input{Person: connectors.Person{Key: "p", Emails: []string{"person@customer.example"}}, Customer: c.Customer, Now: today}
	for k := range c.Events {
		in.Events = append(in.Events, c.Events[k].event(t, v, k))
	}
	for k := range c.Company {
		in.Company = append(in.Company, c.Company[k].event(t, v, 100+k))
	}
	j := b.Build(in)
	s := intent.Subject{Journey: j, Now: today, Language: lang, Location: time.UTC, Customer: c.Customer, Domain: c.Domain,
		Profile: connectors.Profile{FirstName: c.Profile.First, LastName: c.Profile.Last, Company: c.Profile.Company, JobTitle: c.Profile.Title, Lifecycle: c.Profile.Lifecycle}}
	if c.Told != "" {
		s.Told = moment(t, c.Told)
	}
	out, err := intent.NewRules(intent.RulesOptions{Products: names, Hosts: []string{v.Host}, Topics: topics, Rivals: v.Rivals}).Infer(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return out, j
}

// shown is what a rep reads of an intent, with the events it rests on.
func shown(in intent.Intent) string {
	var b strings.Builder
	line := func(name string, s intent.Sentence) {
		if s.Text != "" {
			fmt.Fprintf(&b, "%-5s %s %v\n", name, s.Text, s.Cites)
		}
	}
	line("H", in.Headline)
	for _, s := range in.Sentences {
		line("S", s)
	}
	line("→", in.NextStep)
	line("→low", in.NextLow)
	for _, l := range in.Later {
		fmt.Fprintf(&b, "from  %s\n", l.From.Format("2 Jan 2006"))
		line("  H", l.Headline)
		line("  →", l.NextStep)
	}
	var topics []string
	for _, t := range in.Topics {
		topics = append(topics, t.Name)
	}
	fmt.Fprintf(&b, "%-5s %s · product %s\n", "T", strings.Join(topics, "; "), in.Product)
	for _, m := range in.Marks {
		fmt.Fprintf(&b, "%-5s %s\n", "mark", m.What)
	}
	return b.String()
}

// concluded is what the score says of the journey: the reasons field, stage and product.
func concluded(in intent.Intent, j *journey.Journey, lang string) string {
	r := receipt.Receipt{At: today, Settings: score.Defaults(), Features: j.Features(), Signals: receipt.SignalLines(j), Intent: in}
	next, parts, rule := r.Settings.Show(&r.Features, score.Shown{}, today)
	r.Parts, r.Rule, r.Tier, r.Stage, r.Product, r.Interest = parts, rule, next.Tier, next.Stage, next.Product, next.Interest
	v := fields.Render(&r, fields.Options{Language: lang, Location: time.UTC})
	return "R     " + strings.ReplaceAll(v[connectors.FieldReasons], "\n", "\n      ") + "\n      " +
		v[connectors.FieldStage] + ", " + firstOf(v[connectors.FieldProduct], "no product") + " " + v[connectors.FieldInterest] + "\n"
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// The thirty situations that the texts were designed by are stated with their facts, in both languages, and change on purpose only.
func TestThirty(t *testing.T) {
	var vendors map[string]*vendor
	load(t, "vendors.yaml", &vendors)
	var cases []labelled
	load(t, "thirty.yaml", &cases)
	var all strings.Builder
	for i := range cases {
		for _, lang := range []string{"en", "de"} {
			in, j := cases[i].infer(t, vendors, lang)
			fmt.Fprintf(&all, "%s (%s)\n%s%s\n", cases[i].Name, lang, shown(in), concluded(in, j, lang))
		}
	}
	golden(t, "thirty.golden", all.String())
}

var update = flag.Bool("rewrite", false, "rewrite the golden files of the labelled journeys")

func golden(t *testing.T, file, got string) {
	t.Helper()
	file = filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("run with -rewrite if this is meant:\n%s", got)
	}
}
