package score

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestTiersAreEnteredAtTheThresholdAndLeftBelowTheMargin(t *testing.T) {
	s := Defaults()
	parts := func(score, base int) Parts { return Parts{Known: true, Score: score, Base: base, Signals: 5} }
	for _, c := range []struct {
		p    Parts
		prev Tier
		tier Tier
		rule Rule
	}{
		{parts(650, 60), Low, High, ByThreshold},
		{parts(649, 60), Low, Medium, ByThreshold},
		{parts(650, 59), Low, Medium, ByStrength},
		{parts(632, 60), High, High, ByHysteresis},
		{parts(620, 60), High, High, ByHysteresis},
		{parts(619, 60), High, Medium, ByThreshold},
		{parts(632, 60), Medium, Medium, ByThreshold},
		{parts(640, 59), High, Medium, ByThreshold},
		{parts(550, 0), Low, Medium, ByThreshold},
		{parts(549, 0), Low, Low, ByThreshold},
		{parts(549, 0), TierUnknown, Low, ByThreshold},
		{parts(520, 0), Medium, Medium, ByHysteresis},
		{parts(520, 0), High, Medium, ByHysteresis},
		{parts(519, 0), Medium, Low, ByThreshold},
		{Parts{}, High, TierUnknown, ByNothing},
	} {
		if tier, rule := s.TierOf(&Features{}, c.p, c.prev, noon); tier != c.tier || rule != c.rule {
			t.Errorf("score %d, base %d after %v: %v by %s, want %v by %s", c.p.Score, c.p.Base, c.prev, tier, rule, c.tier, c.rule)
		}
	}
}

func TestHandRaiseIsHighForSevenDays(t *testing.T) {
	s := Defaults()
	for _, c := range []struct {
		daysAgo float64
		flags   Flag
		tier    Tier
		rule    Rule
	}{
		{0, 0, High, ByHandRaise},
		{6.99, 0, High, ByHandRaise},
		{7, 0, Medium, ByThreshold},
		{1, Company | NoRecency, TierUnknown, ByNothing},
	} {
		f := all(repeat(1, sig(HandRaise, c.daysAgo, c.flags)))
		if tier, rule := s.TierOf(f, s.At(f, noon), TierUnknown, noon); tier != c.tier || rule != c.rule {
			t.Errorf("hand-raise %v days ago: %v by %s, want %v by %s", c.daysAgo, tier, rule, c.tier, c.rule)
		}
	}
	s.HandRaiseDays = 0
	f := all(repeat(1, sig(HandRaise, 0)))
	if tier, _ := s.TierOf(f, s.At(f, noon), TierUnknown, noon); tier != Medium {
		t.Errorf("with the rule off a demo form alone is %v, want medium", tier)
	}
}

// engine: model takes the tier from the model while something lies in the window; the score stays the formula's.
func TestTierByModel(t *testing.T) {
	s := Defaults()
	s.TierByModel = true
	f := all(repeat(1, sig(WebVisit, 0)))
	f.ModelTier = High
	shown, p, rule := s.Show(f, Shown{}, noon)
	if shown.Tier != High || rule != ByModel || FormatTenths(p.Score) != "48.0" {
		t.Errorf("%v by %s at %d, want high by the model at 48.0", shown.Tier, rule, p.Score)
	}
	got := s.Forecast(f, shown, noon, time.UTC)
	if want := time.Date(2027, 2, 17, 0, 0, 0, 0, time.UTC); !got.CoolsOn.Equal(want) || got.Below != 0 {
		t.Errorf("the model's tier cools on %v below %d, want when the last signal leaves, %v", got.CoolsOn, got.Below, want)
	}
	s.TierByModel = false
	if shown, _, _ := s.Show(f, Shown{}, noon); shown.Tier != Low {
		t.Errorf("without engine: model the model's word made the tier %v", shown.Tier)
	}
}

func TestTrend(t *testing.T) {
	s := Defaults()
	for _, c := range []struct {
		name string
		f    *Features
		want Trend
	}{
		{"never seen", &Features{}, TrendNone},
		{"new today", all(repeat(1, sig(WebVisit, 0))), Surging},
		{"back after a pause", all(repeat(1, sig(WebVisit, 40)), repeat(1, sig(WebVisit, 0))), Surging},
		{"a little more", all(repeat(20, sig(WebVisit, 10)), repeat(4, sig(WebVisit, 0))), Rising},
		{"going on", all(repeat(30, sig(WebVisit, 7)), repeat(5, sig(WebVisit, 0))), Steady},
		{"silence", all(repeat(10, sig(WebVisit, 7))), Cooling},
		{"long gone", all(repeat(1, sig(WebVisit, 80))), Steady},
	} {
		if got := s.TrendAt(c.f, noon); got != c.want {
			t.Errorf("%s: %v (%d now, %d before), want %v", c.name, got, s.At(c.f, noon).Score, s.At(c.f, noon.AddDate(0, 0, -7)).Score, c.want)
		}
	}
	for d, want := range map[int]Trend{200: Surging, 199: Rising, 50: Rising, 49: Steady, 0: Steady, -49: Steady, -50: Cooling} {
		if got := s.trendOf(500+d, 500); got != want {
			t.Errorf("a move of %d tenths is %v, want %v", d, got, want)
		}
	}
}

func about(product uint8, g Signal) Signal { g.Product = product; return g }

func TestProductInterest(t *testing.T) {
	s := Defaults()
	products := []string{"Credit cards", "Business loans", "Accounts"}
	for _, c := range []struct {
		name     string
		signals  []Signal
		product  string
		interest Interest
	}{
		{"nothing about a product", []Signal{sig(WebVisit, 0)}, "", InterestNone},
		{"half of the window and a form", []Signal{about(1, sig(FormSubmit, 0)), sig(WebVisit, 0)}, "Credit cards", InterestHigh},
		{"half of the window without a strength of 70", []Signal{about(1, sig(ContentView, 0)), sig(WebVisit, 0)}, "Credit cards", InterestMedium},
		{"a quarter with a price page", []Signal{about(1, sig(ContentView, 0)), sig(WebVisit, 0), sig(WebVisit, 1), sig(WebVisit, 2)}, "Credit cards", InterestMedium},
		{"less than a quarter", []Signal{about(1, sig(FormSubmit, 0)), sig(WebVisit, 0), sig(WebVisit, 1), sig(WebVisit, 2), sig(WebVisit, 3)}, "Credit cards", InterestLow},
		{"all, but page views only", []Signal{about(1, sig(WebVisit, 0)), about(1, sig(WebVisit, 1))}, "Credit cards", InterestLow},
		{"the one most signals are about", []Signal{about(1, sig(FormSubmit, 0)), about(2, sig(WebVisit, 0)), about(2, sig(WebVisit, 1))}, "Business loans", InterestLow},
		{"of equals the stronger", []Signal{about(1, sig(WebVisit, 0)), about(2, sig(ContentView, 1))}, "Business loans", InterestMedium},
		{"of equals the newer", []Signal{about(1, sig(WebVisit, 1)), about(2, sig(WebVisit, 0))}, "Business loans", InterestLow},
		{"of equals the first by name", []Signal{about(1, sig(WebVisit, 0)), about(3, sig(WebVisit, 0))}, "Accounts", InterestLow},
		{"beyond the window", []Signal{about(1, sig(FormSubmit, 90)), sig(WebVisit, 0)}, "", InterestNone},
		{"company-level alone", []Signal{about(1, sig(JobPosting, 0, Company))}, "", InterestNone},
		{"a number beyond the catalogue", []Signal{about(9, sig(FormSubmit, 0))}, "", InterestNone},
	} {
		product, interest := s.ProductAt(&Features{Signals: c.signals, Products: products}, noon)
		if product != c.product || interest != c.interest {
			t.Errorf("%s: %q %q, want %q %q", c.name, product, interest, c.product, c.interest)
		}
	}
}

func TestStageByRules(t *testing.T) {
	s := Defaults()
	for _, c := range []struct {
		name    string
		signals []Signal
		want    Stage
	}{
		{"never seen", nil, StageUnknown},
		{"company-level alone", []Signal{sig(Funding, 0, Company)}, StageUnknown},
		{"page views", []Signal{sig(WebVisit, 0), sig(WebVisit, 3)}, Exploring},
		{"long gone", []Signal{sig(HandRaise, 100)}, Exploring},
		{"two product pages in one session", []Signal{sig(WebVisit, 0, ProductPage), sig(WebVisit, 0, ProductPage)}, Exploring},
		{"two product pages over two sessions", []Signal{sig(WebVisit, 0, ProductPage), sig(WebVisit, 2, ProductPage)}, Comparing},
		{"a product and a comparison page", []Signal{sig(ContentView, 0, Comparison), sig(WebVisit, 2, ProductPage)}, Comparing},
		{"pricing once, then another session", []Signal{sig(ContentView, 3, PricePage), sig(WebVisit, 0)}, Comparing},
		{"pricing in the last session", []Signal{sig(WebVisit, 3), sig(ContentView, 0, PricePage)}, Deciding},
		{"pricing, then only a mail opened", []Signal{sig(ContentView, 3, PricePage), sig(EmailEngage, 0, NoRecency)}, Deciding},
		{"contract in the last session", []Signal{sig(ContentView, 0, ContractPage)}, Deciding},
		{"contract in an earlier session", []Signal{sig(ContentView, 4, ContractPage), sig(WebVisit, 0)}, Exploring},
		{"hand-raise", []Signal{sig(HandRaise, 30), sig(WebVisit, 0)}, Deciding},
		{"application", []Signal{sig(FormSubmit, 30, Application), sig(WebVisit, 0)}, Deciding},
	} {
		if got := s.StageAt(&Features{Signals: c.signals}, noon); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// A model's stage may replace that of the rules, never the score, and not when the window is empty.
func TestModelStage(t *testing.T) {
	s := Defaults()
	f := all(repeat(1, sig(WebVisit, 0)))
	rules, p, _ := s.Show(f, Shown{}, noon)
	f.ModelStage = Deciding
	model, q, _ := s.Show(f, Shown{}, noon)
	if model.Stage != Deciding || rules.Stage != Exploring || p != q {
		t.Errorf("stage %v with the model, %v without; parts %+v and %+v", model.Stage, rules.Stage, q, p)
	}
	if later, _, _ := s.Show(f, model, noon.AddDate(0, 0, 90)); later.Stage != Exploring {
		t.Errorf("with an empty window the stage is %v, want that of the rules", later.Stage)
	}
}

func TestShowKeepsSinceWhileTheTierStays(t *testing.T) {
	s := Defaults()
	f := all(repeat(1, sig(HandRaise, 0)))
	written := noon.Add(-time.Hour)
	first, _, _ := s.Show(f, Shown{Topics: 7, Written: written}, noon)
	if !first.Since.Equal(noon) || first.Topics != 7 || !first.Written.Equal(written) {
		t.Errorf("a new tier: %+v", first)
	}
	if same, _, _ := s.Show(f, first, noon.AddDate(0, 0, 1)); !same.Since.Equal(noon) {
		t.Errorf("the tier stayed but since moved to %v", same.Since)
	}
	if low, _, _ := s.Show(f, first, noon.AddDate(0, 0, 60)); low.Tier != Low || !low.Since.Equal(noon.AddDate(0, 0, 60)) {
		t.Errorf("the tier fell: %+v", low)
	}
}

func TestGate(t *testing.T) {
	s := Defaults()
	old := Shown{Known: true, Score: 600, Tier: Medium, Stage: Exploring, Trend: Steady, Product: "A", Topics: 1, Written: noon.Add(-2 * time.Hour)}
	recent := old
	recent.Written = noon.Add(-20 * time.Minute)
	ahead := old
	ahead.Written = noon.Add(time.Hour)
	with := func(base Shown, change func(*Shown)) Shown { change(&base); return base }
	same := func(*Shown) {}
	score := func(v int) func(*Shown) { return func(s *Shown) { s.Score = v } }
	for _, c := range []struct {
		name   string
		prev   Shown
		change func(*Shown)
		reason string
		ok     bool
		wait   time.Time
	}{
		{"never scored, still unknown", Shown{}, same, "", false, time.Time{}},
		{"first score", Shown{}, func(s *Shown) { s.Known, s.Tier = true, Low }, ReasonFirst, true, time.Time{}},
		{"nothing new", old, same, "", false, time.Time{}},
		{"text alone, interest, since", old, func(s *Shown) { s.Interest, s.Since = InterestHigh, noon }, "", false, time.Time{}},
		{"4.9 points", old, score(649), "", false, time.Time{}},
		{"5 points up", old, score(650), ReasonScore, true, time.Time{}},
		{"5 points down", old, score(550), ReasonScore, true, time.Time{}},
		{"product", old, func(s *Shown) { s.Product = "B" }, ReasonProduct, true, time.Time{}},
		{"stage", old, func(s *Shown) { s.Stage = Comparing }, ReasonStage, true, time.Time{}},
		{"topics", old, func(s *Shown) { s.Topics = 2 }, ReasonTopics, true, time.Time{}},
		{"trend", old, func(s *Shown) { s.Trend = Rising }, ReasonTrend, true, time.Time{}},
		{"tier", old, func(s *Shown) { s.Tier = High }, ReasonTier, true, time.Time{}},
		{"to unknown", old, func(s *Shown) { *s = Shown{Written: s.Written} }, ReasonTier, true, time.Time{}},
		{"back from unknown", Shown{Written: noon.Add(-time.Minute)}, func(s *Shown) { s.Known, s.Tier = true, Low }, ReasonTier, true, time.Time{}},
		{"trend within the hour", recent, func(s *Shown) { s.Trend = Rising }, ReasonTrend, false, noon.Add(40 * time.Minute)},
		{"tier within the hour", recent, func(s *Shown) { s.Tier = High }, ReasonTier, true, time.Time{}},
		{"nothing new within the hour", recent, same, "", false, time.Time{}},
		{"a clock that jumped holds nobody back", ahead, score(500), ReasonScore, true, time.Time{}},
	} {
		reason, wait, ok := s.Material(c.prev, with(c.prev, c.change), noon)
		if reason != c.reason || ok != c.ok || !wait.Equal(c.wait) {
			t.Errorf("%s: %q %v wait %v, want %q %v wait %v", c.name, reason, ok, wait, c.reason, c.ok, c.wait)
		}
	}
}

func TestValidateNamesEverySettingThatIsWrong(t *testing.T) {
	d := Defaults()
	if wrong := d.Validate(); wrong != nil {
		t.Fatalf("the defaults are refused: %v", wrong)
	}
	s := d
	s.Weights.Topics = 301
	s.MaxActivity = 0
	s.TimeConstantDays = 0
	s.Medium = s.High
	s.Strengths[WebVisit] = 101
	got := s.Validate()
	for _, want := range []string{"weights: ", "max_activity: ", "time_constant_days: ", "medium: ", "strengths.web_visit: "} {
		found := false
		for _, line := range got {
			found = found || strings.HasPrefix(line, want)
		}
		if !found {
			t.Errorf("no complaint begins with %q: %v", want, got)
		}
	}
}

func TestHashFollowsEverySetting(t *testing.T) {
	d := Defaults()
	if again := Defaults(); d.Hash() != again.Hash() {
		t.Error("the same settings hash differently")
	}
	seen := map[uint64]string{d.Hash(): "defaults"}
	for name, change := range map[string]func(*Settings){
		"weights":   func(s *Settings) { s.Weights.Volume, s.Weights.Topics = 300, 400 },
		"window":    func(s *Settings) { s.WindowDays = 30 },
		"constant":  func(s *Settings) { s.TimeConstantDays = 21.5 },
		"margin":    func(s *Settings) { s.Margin = 0 },
		"strengths": func(s *Settings) { s.Strengths[Funding]++ },
		"engine":    func(s *Settings) { s.TierByModel = true },
	} {
		s := d
		change(&s)
		if other, ok := seen[s.Hash()]; ok {
			t.Errorf("%s hashes like %s", name, other)
		}
		seen[s.Hash()] = name
	}
}

func TestSettingsAndWordsSurviveJSON(t *testing.T) {
	d := Defaults()
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var back Settings
	if err := json.Unmarshal(b, &back); err != nil || back != d {
		t.Errorf("settings came back as %+v (%v)", back, err)
	}
	for _, word := range []string{`"hand_raise":95`, `"time_constant_days":21`} {
		if !strings.Contains(string(b), word) {
			t.Errorf("%s is not in %s", word, b)
		}
	}
	type words struct {
		Type     Type
		Tier     Tier
		Stage    Stage
		Trend    Trend
		Interest Interest
	}
	in := words{ContentView, High, Deciding, Surging, InterestMedium}
	b, _ = json.Marshal(in)
	if want := `{"Type":"content_view","Tier":"high","Stage":"deciding","Trend":"surging","Interest":"medium"}`; string(b) != want {
		t.Errorf("words are written %s, want %s", b, want)
	}
	var out words
	if err := json.Unmarshal(b, &out); err != nil || out != in {
		t.Errorf("words came back as %+v (%v)", out, err)
	}
	for _, bad := range []string{`{"Type":"visit"}`, `{"Tier":"hot"}`, `{"Stage":"x"}`, `{"Trend":"up"}`, `{"Interest":"x"}`} {
		if err := json.Unmarshal([]byte(bad), &out); err == nil {
			t.Errorf("%s was read without an error", bad)
		}
	}
	if _, ok := ParseType(""); ok {
		t.Error("the empty word is a type")
	}
}
