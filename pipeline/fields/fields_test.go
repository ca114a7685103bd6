package fields

import (
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

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// What reps read changes on purpose only.
func TestGolden(t *testing.T) {
	for _, p := range people() {
		t.Run(p.name, func(t *testing.T) {
			v := Render(p.receipt, options(p.lang))
			var b strings.Builder
			for _, f := range connectors.PersonFields().Fields {
				if value, ok := v[f.Name]; ok {
					fmt.Fprintf(&b, "%s\n", f.Name)
					if value != "" {
						fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(value, "\n", "\n    "))
					}
				}
			}
			path := filepath.Join("testdata", p.name+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := b.String(); got != string(want) {
				t.Errorf("run with -update if this is meant:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// Every field but the rep's verdict gets a value of its type, in its length, of its options.
func TestValuesFitTheirFields(t *testing.T) {
	for _, p := range people() {
		v := Render(p.receipt, options(p.lang))
		if len(v) != len(connectors.PersonFields().Fields)-1 {
			t.Errorf("%s: %d values", p.name, len(v))
		}
		for _, f := range connectors.PersonFields().Fields {
			value, ok := v[f.Name]
			if f.RepEdits {
				if ok {
					t.Errorf("%s: writes the rep's own %s", p.name, f.Name)
				}
				continue
			}
			if !ok {
				t.Errorf("%s: %s is missing", p.name, f.Name)
			}
			if value == "" {
				continue
			}
			var err error
			switch f.Type {
			case connectors.TypeNumber:
				if !regexp.MustCompile(`^\d{1,3}\.\d$`).MatchString(value) {
					err = fmt.Errorf("no number")
				}
			case connectors.TypeEnum:
				if !slices.ContainsFunc(f.Options, func(o connectors.Option) bool { return o.Value == value }) {
					err = fmt.Errorf("no option")
				}
			case connectors.TypeDate:
				_, err = time.Parse(time.DateOnly, value)
			case connectors.TypeDateTime:
				var at time.Time
				at, err = time.Parse(time.RFC3339, value)
				if err == nil && at.Location() != time.UTC {
					err = fmt.Errorf("not in UTC")
				}
			default:
				if units(value) > f.Length {
					err = fmt.Errorf("%d characters", units(value))
				}
				if f.Type == connectors.TypeText && strings.Contains(value, "\n") {
					err = fmt.Errorf("several lines")
				}
			}
			if err != nil {
				t.Errorf("%s: %s = %q: %v", p.name, f.Name, value, err)
			}
		}
	}
}

// The parts in the reasons add up to the score that is written, in print.
func TestReasonsAddUp(t *testing.T) {
	sum := regexp.MustCompile(`(?m)^\D*(\d+)[.,](\d)/\d+ \+ \D*(\d+)[.,](\d)/\d+ \+ \D*(\d+)[.,](\d)/\d+ = (\d+)[.,](\d), `)
	checked := 0
	for _, p := range people() {
		v := Render(p.receipt, options(p.lang))
		if v[connectors.FieldScore] == "" {
			continue
		}
		m := sum.FindStringSubmatch(v[connectors.FieldReasons])
		if m == nil {
			t.Errorf("%s: no sum in %q", p.name, v[connectors.FieldReasons])
			continue
		}
		tenths := func(i int) (n int) {
			fmt.Sscanf(m[i]+m[i+1], "%d", &n)
			return n
		}
		if tenths(1)+tenths(3)+tenths(5) != tenths(7) || v[connectors.FieldScore] != m[7]+"."+m[8] {
			t.Errorf("%s: %q does not add up to %s", p.name, m[0], v[connectors.FieldScore])
		}
		checked++
	}
	if checked < 12 {
		t.Errorf("only %d sums checked", checked)
	}
}

// Texts carry absolute dates: what is true today must be true next week.
func TestNoRelativeDates(t *testing.T) {
	relative := regexp.MustCompile(`(?i)\b(ago|today|yesterday|tomorrow|last week|heute|gestern|morgen|vor \d+ Tagen|letzte Woche)\b`)
	for _, p := range people() {
		if p.name == "uncited" {
			continue // its engine says "tomorrow", in a sentence that is not shown
		}
		for f, v := range Render(p.receipt, options(p.lang)) {
			if m := relative.FindString(v); m != "" {
				t.Errorf("%s: %s says %q", p.name, f, m)
			}
		}
	}
}

// A sentence that cites nothing is never shown.
func TestUncitedSentencesAreNotShown(t *testing.T) {
	for _, p := range people() {
		if p.name != "uncited" {
			continue
		}
		all := fmt.Sprint(Render(p.receipt, options("en")))
		if strings.Contains(all, "surely") || strings.Contains(all, "million") {
			t.Errorf("shown: %s", all)
		}
		if !strings.Contains(all, "Read the pricing page on 20 Nov.") {
			t.Errorf("the cited sentence is gone: %s", all)
		}
		return
	}
	t.Fatal("nobody to check")
}

// Hostile text in any place of a receipt leaves nothing behind that a CRM, a spreadsheet or a rep could follow.
func TestHostileTextEverywhere(t *testing.T) {
	attack := "=cmd|' /C calc'!A0 <img src=x onerror=alert(1)> https://evil.com/a javascript:alert(1) evil.com/pay boss@evil.com \u202e\u0000\ufeff&#x3c;b&#x3e; \xff@x"
	s := intent.Sentence{Text: attack, Cites: []string{"ea"}}
	r := build(score.Shown{}, []score.Topic{{Name: attack, Points: 3}}, intent.Intent{
		Headline: s, Sentences: []intent.Sentence{s, s}, NextStep: s, Product: attack, Topics: []intent.Topic{{Name: attack, Cites: []string{"ea"}}},
	}, did{1, score.ContentView, 0, "page_view", attack, 1})
	r.Topics = []receipt.TopicLine{{Journey: attack, Configured: attack, Counted: true}}
	r.Signals[0].Title, r.Signals[0].Kind = attack, attack
	r.Stale, r.Degraded, r.Product = []string{attack}, []string{attack}, attack
	for _, lang := range []string{"en", "de"} {
		for f, v := range Render(r, options(lang)) {
			if bad := unsafe(v); bad != "" {
				t.Errorf("%s %s: %s in %q", lang, f, bad, v)
			}
		}
	}
}

// Two renderings of one receipt are equal to the byte: a difference would be written to the CRM again.
func TestSameReceiptSameBytes(t *testing.T) {
	for _, p := range people() {
		if a, b := Render(p.receipt, options(p.lang)), Render(p.receipt, options(p.lang)); !reflect.DeepEqual(a, b) {
			t.Errorf("%s: %v, then %v", p.name, a, b)
		}
	}
}

// Rendering changes neither the receipt nor the options.
func TestRenderOnlyReads(t *testing.T) {
	r := people()[0].receipt
	before := fmt.Sprintf("%+v", *r)
	hosts := []string{"WWW.Larkfield.Example"}
	o := Options{OwnHosts: hosts}
	Render(r, o)
	if fmt.Sprintf("%+v", *r) != before || hosts[0] != "WWW.Larkfield.Example" {
		t.Error("changed by rendering")
	}
}

// The date of cools_on is the day in the configured zone, and the tier's date stays that on which it was entered.
func TestDatesFollowTheZone(t *testing.T) {
	r := people()[0].receipt
	r.Forecast.CoolsOn = time.Date(2026, 12, 2, 0, 0, 0, 0, berlin) // still 1 December in UTC
	v := Render(r, options("en"))
	if v[connectors.FieldCoolsOn] != "2026-12-02" || strings.Contains(v[connectors.FieldSummary], "2 Dec") {
		t.Errorf("cools on %s, summary %q", v[connectors.FieldCoolsOn], v[connectors.FieldSummary])
	}
	if want := now.Add(-days(9)).Format(time.RFC3339); v[connectors.FieldTierSince] != want {
		t.Errorf("tier since %s, want %s", v[connectors.FieldTierSince], want)
	}
	r.Tier = score.High
	if v := Render(r, options("en")); v[connectors.FieldTierSince] != now.Format(time.RFC3339) {
		t.Errorf("a new tier since %s", v[connectors.FieldTierSince])
	}
}

// Where a CRM's field is shorter, the engine's sentences give way and the frame stays.
func TestShortFieldsKeepTheFrame(t *testing.T) {
	r := people()[0].receipt
	r.Intent.Sentences = []intent.Sentence{say(strings.Repeat("They read one page after the other. ", 200), "ea")}
	for _, limit := range []int{0, 1, 40, 160, 255, 1000, 4000} {
		o := options("en")
		o.Lengths = map[string]int{connectors.FieldSummary: limit, connectors.FieldReasons: limit, connectors.FieldHeadline: limit, connectors.FieldTopics: limit}
		v := Render(r, o)
		for f := range o.Lengths {
			if n := units(v[f]); n > limit {
				t.Errorf("%s: %d characters of %d", f, n, limit)
			}
		}
		if s := v[connectors.FieldSummary]; limit >= 160 && !strings.Contains(s, "Next step: Call") {
			t.Errorf("limit %d lost the frame: %q", limit, s)
		}
	}
}

// Both languages say everything, and fill in the same things.
func TestLanguagesAreComplete(t *testing.T) {
	holes := regexp.MustCompile(`\{\w+\}`)
	var walk func(path string, a, b reflect.Value)
	walk = func(path string, a, b reflect.Value) {
		switch a.Kind() {
		case reflect.String:
			x, y := holes.FindAllString(a.String(), -1), holes.FindAllString(b.String(), -1)
			slices.Sort(x)
			slices.Sort(y)
			if !slices.Equal(slices.Compact(x), slices.Compact(y)) {
				t.Errorf("%s: %q and %q fill in different things", path, a, b)
			}
			if (a.String() == "") != (b.String() == "") && path != "language.dayEnd" {
				t.Errorf("%s: said in one language only: %q, %q", path, a, b)
			}
		case reflect.Struct:
			for i := range a.NumField() {
				walk(path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
			}
		case reflect.Array:
			for i := range a.Len() {
				walk(fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i))
			}
		case reflect.Map:
			if a.Len() != b.Len() {
				t.Errorf("%s: %d and %d entries", path, a.Len(), b.Len())
			}
			for _, k := range a.MapKeys() {
				if !b.MapIndex(k).IsValid() {
					t.Errorf("%s: %v is missing", path, k)
					continue
				}
				walk(fmt.Sprintf("%s[%v]", path, k), a.MapIndex(k), b.MapIndex(k))
			}
		case reflect.Uint8:
		default:
			t.Fatalf("%s: cannot check a %s", path, a.Kind())
		}
	}
	walk("language", reflect.ValueOf(english), reflect.ValueOf(german))
	for name, l := range map[string]*language{"en": &english, "de": &german} {
		for typ := score.HandRaise; typ <= score.SocialMention; typ++ {
			if n := l.acts[l.types[typ]]; n.one == "" || n.days == "" || n.many == "" {
				t.Errorf("%s: no words for %s", name, typ)
			}
		}
		for _, rule := range []score.Rule{score.ByHysteresis, score.ByEvidence, score.ByVerdict, score.ByStrength, score.ByModel, score.ByNothing} {
			if l.rules[rule] == "" {
				t.Errorf("%s: no sentence for the rule %s", name, rule)
			}
		}
	}
}

// One person is rendered in well under 20 µs.
func BenchmarkRender(b *testing.B) {
	r := build(score.Shown{}, []score.Topic{{Name: "CRM", Points: 5}, {Name: "sales enablement", Points: 3}}, told,
		append(repeat(30, did{3, score.WebVisit, 0, connectors.KindPageView, "/blog", 0}), did{1, score.HandRaise, 0, connectors.KindDemoRequest, "form: Book a demo", 1})...)
	for _, lang := range []string{"en", "de"} {
		b.Run(lang, func(b *testing.B) {
			o := options(lang)
			b.ReportAllocs()
			for b.Loop() {
				Render(r, o)
			}
		})
	}
}
