package receipt

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var now = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

// dataflow is the worked example: 15 signals, the strongest an e-mail click, the newest five days old, two semantic matches, 64.4.
func dataflow() *Receipt {
	s := score.Defaults()
	r := &Receipt{
		Person: "4711", At: now, Formula: score.Version, Settings: s, Reason: score.ReasonScore,
		Previous: score.Shown{Known: true, Score: 571, Tier: score.Medium, Since: now.AddDate(0, 0, -9), Written: now.AddDate(0, 0, -2)},
		Refs:     []connectors.Ref{{CRM: "hubspot", Object: "contacts", ID: "101"}, {CRM: "salesforce", Object: "Lead", ID: "00QAB000001"}},
		Filtered: journey.Filtered{Duplicates: 2, Bots: 31, Excluded: 4},
	}
	add := func(daysAgo int, typ score.Type, product uint8, l SignalLine) {
		r.Features.Signals = append(r.Features.Signals, score.Signal{At: now.AddDate(0, 0, -daysAgo).Unix(), Type: typ, Strength: s.Strengths[typ], Product: product})
		r.Signals = append(r.Signals, l)
	}
	add(120, score.ContentView, 0, SignalLine{EventID: "e01", Source: "site", Kind: connectors.KindPageView, Object: "/pricing", Title: "Pricing"})
	for i := range 14 {
		add(9, score.WebVisit, uint8(i%2), SignalLine{EventID: "e" + string(rune('a'+i)), Source: "site", Kind: connectors.KindPageView, Object: "/docs/api",
			Title: "API documentation"})
	}
	add(5, score.EmailEngage, 0, SignalLine{EventID: "e99", Source: "hubspot", Kind: connectors.KindEmailClick, Object: "campaign: Integration news"})
	last := now.AddDate(0, 0, -5).Unix()
	r.Features.Products = []string{"Larkfield CRM"}
	r.Features.Topics = []score.Topic{{Name: "CRM", Points: 3, Last: last}, {Name: "sales enablement", Points: 3, Last: last}}
	r.Topics = []TopicLine{
		{Journey: "CRM integration", Configured: "CRM", Win: true, How: "model", Points: 3, Events: []string{"ea", "eb"}, Counted: true},
		{Journey: "sales automation", Configured: "sales enablement", Win: true, How: "model", Points: 3, Events: []string{"e99"}, Counted: true},
		{Journey: "CRM rollout", Configured: "CRM", Win: true, How: "lexicon", Points: 3, Events: []string{"ea"}},
	}
	r.Cited = []CitedLine{{EventID: "c1", Source: "site", Kind: connectors.KindClick, Time: now.AddDate(0, 0, -9)}}
	r.Intent = intent.Intent{
		Headline: intent.Sentence{Text: "Evaluates the API for a CRM integration", Cites: []string{"ea", "eb"}},
		Sentences: []intent.Sentence{
			{Text: "Read the API documentation and the integration pages in several visits between 10 and 12 Nov, with an eye on importing existing data.", Cites: []string{"ea", "c1"}},
			{Text: "Clicked through from the integration news on 16 Nov.", Cites: []string{"e99"}},
		},
		NextStep: intent.Sentence{Text: "Offer a technical call about the import.", Cites: []string{"ea"}},
		Engine:   "gemini-3.5-flash-lite", Prompt: "2026-11/1",
		Usage: connectors.Usage{Calls: 4, In: 5120, Out: 610, Cached: 1024, MicroUSD: 3061},
	}
	shown, parts, rule := s.Show(&r.Features, r.Previous, now)
	r.Parts, r.Rule, r.Tier, r.Stage, r.Trend, r.Product, r.Interest = parts, rule, shown.Tier, shown.Stage, shown.Trend, shown.Product, shown.Interest
	r.Forecast = s.Forecast(&r.Features, shown, now, time.UTC)
	r.Written = map[string]string{connectors.FieldScore: "64.4", connectors.FieldTier: "medium", connectors.FieldHeadline: "Evaluates the API for a CRM integration",
		connectors.FieldReasons: "Volume 24.0 of 40 (15 signals in 90 days) + recency 23.6 of 30 (last signal 16 Nov) + topics 16.8 of 30 = 64.4.\nMedium from 55; high from 65.",
		connectors.FieldProduct: ""}
	return r
}

// marked is the same person with everything wrong that can be: stale, degraded, held, a rule that is not the threshold.
func marked() *Receipt {
	r := dataflow()
	r.Features.Signals[15].Type, r.Features.Signals[15].Strength = score.HandRaise, 95
	r.Signals[15] = SignalLine{EventID: "e99", Source: "site", Kind: connectors.KindDemoRequest, Object: "form: Book a demo", Title: "Book a demo"}
	r.Features.Signals = r.Features.Signals[14:]
	r.Signals = r.Signals[14:]
	r.Features.Topics, r.Topics, r.Cited = nil, nil, nil
	r.Previous = score.Shown{}
	r.Reason = score.ReasonFirst
	r.Stale, r.Provisional = []string{"app"}, true
	r.Degraded = []string{"the model's budget for the day is spent", "topics matched by the lexicon"}
	r.Held = []string{connectors.FieldSummary, connectors.FieldHeadline}
	r.Intent.Sentences[0].Cites = nil
	r.Intent.Headline.Cites = []string{"gone"}
	r.Intent.NextStep = intent.Sentence{}
	r.Intent.Usage = connectors.Usage{}
	r.Written, r.Filtered = nil, journey.Filtered{}
	return shownAnew(r)
}

// aside is the first one after a rep said not now; lifted has asked for a demo since.
func aside() *Receipt {
	r := dataflow()
	r.Verdict, r.Reason = "not_now", score.ReasonVerdict
	r.Features.SetAside = now.AddDate(0, 0, -1).Unix()
	r.Features.AsideUntil = now.AddDate(0, 0, 59).Unix()
	return shownAnew(r)
}

func lifted() *Receipt {
	r := aside()
	r.Features.Signals = append(r.Features.Signals, score.Signal{At: now.Unix(), Type: score.HandRaise, Strength: 95})
	r.Signals = append(r.Signals, SignalLine{EventID: "e100", Source: "site", Kind: connectors.KindDemoRequest, Object: "form: Book a demo"})
	return shownAnew(r)
}

func shownAnew(r *Receipt) *Receipt {
	shown, parts, rule := r.Settings.Show(&r.Features, r.Previous, now)
	r.Parts, r.Rule, r.Tier, r.Stage, r.Trend = parts, rule, shown.Tier, shown.Stage, shown.Trend
	r.Forecast = r.Settings.Forecast(&r.Features, shown, now, time.UTC)
	return r
}

func unknown() *Receipt {
	s := score.Defaults()
	r := &Receipt{Person: "12", At: now, Formula: score.Version, Settings: s, Rule: score.ByNothing, Parts: score.Parts{Days: -1},
		Filtered: journey.Filtered{Excluded: 12}}
	return r
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		name string
		r    *Receipt
	}{{"dataflow", dataflow()}, {"marked", marked()}, {"aside", aside()}, {"lifted", lifted()}, {"unknown", unknown()}} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := c.r.Text(&b, TextOptions{Location: time.UTC, Width: 110}); err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.Split(b.String(), "\n") {
				if n := utf8.RuneCountInString(line); n > 110 {
					t.Errorf("%d columns: %s", n, line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Errorf("ends in spaces: %q", line)
				}
			}
			path := filepath.Join("testdata", c.name+".golden")
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
		})
	}
}

// A receipt stored and read again recomputes offline to the very same parts: 64.4 for the worked example.
func TestRecomputesAfterStorage(t *testing.T) {
	for _, r := range []*Receipt{dataflow(), marked(), unknown()} {
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var again Receipt
		if err := json.Unmarshal(data, &again); err != nil {
			t.Fatal(err)
		}
		p, err := again.Recompute()
		if err != nil || p != r.Parts {
			t.Errorf("%+v, %v; want %+v", p, err, r.Parts)
		}
		if !reflect.DeepEqual(again.Features.Signals, r.Features.Signals) || again.Settings != r.Settings {
			t.Error("storing changed what the score is computed from")
		}
	}
	if p, _ := dataflow().Recompute(); score.FormatTenths(p.Score) != "64.4" || p.Signals != 15 {
		t.Errorf("the worked example gives %+v", p)
	}
}

func TestRecomputeRefuses(t *testing.T) {
	old := dataflow()
	old.Formula = "0"
	short := dataflow()
	short.Signals = short.Signals[1:]
	for _, r := range []*Receipt{old, short} {
		if _, err := r.Recompute(); err == nil {
			t.Error("recomputed")
		}
		if v := r.Verify(); v.OK() || v.Err == nil {
			t.Error("verified")
		}
	}
}

// Verify finds each thing that could be wrong, and nothing where nothing is.
func TestVerify(t *testing.T) {
	if v := dataflow().Verify(); !v.OK() || v.Uncited != 0 {
		t.Errorf("a good receipt: %+v", v)
	}
	for _, c := range []struct {
		name  string
		spoil func(*Receipt)
		bad   func(Verification) bool
	}{
		{"another score", func(r *Receipt) { r.Parts.Score++ }, func(v Verification) bool { return !v.Same && !v.Adds }},
		{"another part", func(r *Receipt) { r.Parts.Volume.Component++ }, func(v Verification) bool { return !v.Same && v.Adds }},
		{"another tier", func(r *Receipt) { r.Tier = score.High }, func(v Verification) bool { return !v.Same }},
		{"another rule", func(r *Receipt) { r.Rule = score.ByHandRaise }, func(v Verification) bool { return !v.Same }},
		{"a signal less", func(r *Receipt) { r.Features.Signals, r.Signals = r.Features.Signals[2:], r.Signals[2:] }, func(v Verification) bool { return !v.Same }},
		{"settings changed", func(r *Receipt) { r.Settings.MaxActivity = 50 }, func(v Verification) bool { return !v.Same }},
		{"cites nothing known", func(r *Receipt) { r.Intent.Sentences[0].Cites = []string{"nowhere", "nowhere"} },
			func(v Verification) bool { return len(v.Missing) == 1 && v.Missing[0] == "nowhere" }},
		{"cites a click without a line", func(r *Receipt) { r.Cited = nil }, func(v Verification) bool { return len(v.Missing) == 1 }},
		{"topic cites nothing known", func(r *Receipt) { r.Topics[0].Events = []string{"nowhere"} }, func(v Verification) bool { return len(v.Missing) == 1 }},
	} {
		r := dataflow()
		c.spoil(r)
		if v := r.Verify(); v.OK() || !c.bad(v) {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
	r := dataflow()
	r.Intent.NextStep.Cites = nil
	if v := r.Verify(); v.Uncited != 1 {
		t.Errorf("uncited: %+v", v)
	}
}

// The window of the receipt is that of the formula: as many signals count here as there, and the points of its topics are in the bonus.
func TestCountsAsTheFormulaDoes(t *testing.T) {
	for daysAgo := range 100 {
		r := dataflow()
		r.At = now.AddDate(0, 0, daysAgo)
		parts, err := r.Recompute()
		if err != nil {
			t.Fatal(err)
		}
		n, sum, strongest := 0, 0, 0
		for i := range r.Signals {
			if r.Counts(i) {
				n++
			}
		}
		for _, topic := range r.Scoring() {
			sum += int(topic.Points)
		}
		if i := r.strongest(); i >= 0 {
			strongest = r.Features.Signals[i].Worth(r.At.Unix())
		}
		if n != parts.Signals || sum != parts.Bonus || strongest != parts.Base {
			t.Errorf("after %d days: %d signals, %d points, strongest %d; the formula has %+v", daysAgo, n, sum, strongest, parts)
		}
	}
}

func TestLinesOfAJourney(t *testing.T) {
	event := func(id, kind string) connectors.Event {
		return connectors.Event{ID: id, Source: "site", Kind: kind, Time: now}
	}
	j := &journey.Journey{
		Signals: []journey.Signal{{EventID: "e1", Object: "/pricing", Title: "Pricing"}, {EventID: "e3", Object: "form: Book a demo"}, {EventID: "e3", Object: "form: Book a demo"}},
		Sessions: []journey.Session{
			{Steps: []journey.Step{{Event: event("e1", connectors.KindPageView), Signal: 0}, {Event: event("e2", connectors.KindClick), Signal: -1}}},
			{Steps: []journey.Step{{Event: event("e3", connectors.KindDemoRequest), Signal: 1}, {Event: event("e4", connectors.KindScroll), Signal: -1}}},
		},
	}
	want := []SignalLine{
		{EventID: "e1", Source: "site", Kind: connectors.KindPageView, Object: "/pricing", Title: "Pricing", Act: act.Read},
		{EventID: "e3", Source: "site", Kind: connectors.KindDemoRequest, Object: "form: Book a demo", Act: act.Demo},
		{EventID: "e3", Source: "site", Kind: connectors.KindDemoRequest, Object: "form: Book a demo", Act: act.Demo},
	}
	if got := SignalLines(j); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	in := &intent.Intent{Headline: intent.Sentence{Text: "x", Cites: []string{"e2", "e3", "e2", "nowhere"}}}
	if got := CitedLines(j, in); !reflect.DeepEqual(got, []CitedLine{{EventID: "e2", Source: "site", Kind: connectors.KindClick, Time: now}}) {
		t.Errorf("%+v", got)
	}
}

// What a stranger typed cannot steer the terminal of whoever asks for the explanation.
func TestTextIsOnlyShown(t *testing.T) {
	attack := "\x1b[2J\x1b]0;owned\x07\u202eevil\r\nSCORE 100"
	r := dataflow()
	r.Signals[1].Object, r.Signals[2].Title, r.Topics[0].Journey, r.Intent.Sentences[0].Text = attack, attack, attack, attack
	r.Degraded, r.Features.Topics[0].Name, r.Signals[3].EventID = []string{attack}, attack, attack
	r.Written[connectors.FieldHeadline] = attack
	var b bytes.Buffer
	if err := r.Text(&b, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\x07\r\u202e") {
		t.Errorf("%q", b.String())
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if strings.HasPrefix(line, "SCORE 100") {
			t.Error("a line of its own was forged")
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	r := dataflow()
	b.ReportAllocs()
	for b.Loop() {
		if v := r.Verify(); !v.OK() {
			b.Fatal(v)
		}
	}
}

// The page shows the next step that the CRM shows: the one of the tier, and what has become of the texts since.
func TestTextsOfTheTierAndTheDay(t *testing.T) {
	r := dataflow()
	holds := func(want, not string) {
		t.Helper()
		var b bytes.Buffer
		if err := r.Text(&b, TextOptions{Location: time.UTC, Width: 110}); err != nil {
			t.Fatal(err)
		}
		_, texts, _ := strings.Cut(b.String(), "TEXTS")
		texts, _, _ = strings.Cut(texts, "FORECAST")
		if !strings.Contains(texts, want) || strings.Contains(texts, not) {
			t.Errorf("want %q, not %q:\n%s", want, not, texts)
		}
	}
	r.Intent.NextLow = intent.Sentence{Text: "No action yet.", Cites: []string{"ea"}}
	holds("Offer a technical call", "No action yet")
	r.Tier = score.Low
	holds("No action yet", "Offer a technical call")
	r.Intent.Later = []intent.Later{{From: now, Headline: intent.Sentence{Text: "Read about the API in November", Cites: []string{"ea"}}}}
	holds("Read about the API in November", "Evaluates the API")
}
