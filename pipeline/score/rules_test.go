package score

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// enough is evidence for high that adds nothing else: the score comes from the parts given.
func enough() *Features { return all(repeat(2, sig(ContentView, 0, PricePage, Key))) }

func TestTiersAreEnteredAtTheThresholdAndLeftBelowTheMargin(t *testing.T) {
	s := Defaults()
	high, medium, low := enough(), all(repeat(1, sig(FormSubmit, 0))), all(repeat(1, sig(WebVisit, 0)))
	for _, c := range []struct {
		score int
		f     *Features
		prev  Tier
		tier  Tier
		rule  Rule
	}{
		{620, high, Low, High, ByThreshold},
		{619, high, Low, Medium, ByThreshold},
		{620, medium, Low, Medium, ByEvidence},
		{620, low, Low, Low, ByEvidence},
		{602, high, High, High, ByHysteresis},
		{590, high, High, High, ByHysteresis},
		{589, high, High, Medium, ByThreshold},
		{602, high, Medium, Medium, ByThreshold},
		{602, medium, High, Medium, ByEvidence},
		{602, low, High, Low, ByEvidence},
		{550, medium, Low, Medium, ByThreshold},
		{550, low, Low, Low, ByEvidence},
		{549, medium, Low, Low, ByThreshold},
		{549, medium, TierUnknown, Low, ByThreshold},
		{520, medium, Medium, Medium, ByHysteresis},
		{520, low, Medium, Low, ByEvidence},
		{520, high, High, Medium, ByHysteresis},
		{519, high, Medium, Low, ByThreshold},
	} {
		p := Parts{Known: true, Score: c.score, Signals: 5}
		if tier, rule := s.TierOf(c.f, p, c.prev, noon); tier != c.tier || rule != c.rule {
			t.Errorf("score %d after %v: %v by %s, want %v by %s", c.score, c.prev, tier, rule, c.tier, c.rule)
		}
	}
	if tier, rule := s.TierOf(&Features{}, Parts{}, High, noon); tier != TierUnknown || rule != ByNothing {
		t.Errorf("nothing seen: %v by %s", tier, rule)
	}
}

// What the tiers ask for besides the score, kind by kind, and that it ages out to the second.
func TestEvidence(t *testing.T) {
	s := Defaults()
	second := 1.0 / day
	page, key, study := sig(WebVisit, 0), sig(ContentView, 0, PricePage, Key), sig(ContentView, 0)
	ago := func(days float64, g Signal) Signal { g.At -= int64(days * day); return g }
	for _, c := range []struct {
		name    string
		signals []Signal
		want    EvidenceKind
	}{
		{"nothing", nil, EvidenceNone},
		{"a request", []Signal{sig(HandRaise, 30-second)}, EvidenceHandRaise},
		{"a request of 30 days ago", []Signal{sig(HandRaise, 30)}, EvidenceNone},
		{"two key signals", []Signal{ago(14-second, key), ago(30-second, key)}, EvidenceKeys},
		{"two key signals, none within 14 days", []Signal{ago(14, key), ago(20, key)}, EvidenceStrong},
		{"two key signals, one of them 30 days ago", []Signal{ago(2, key), ago(30, key)}, EvidenceStrong},
		{"a key signal and two case studies", []Signal{key, ago(1, study), ago(29, study)}, EvidenceKeyStrong},
		{"three case studies", []Signal{study, ago(1, study), ago(2, study)}, EvidenceStrong},
		{"a trial and two downloads", []Signal{ago(3, sig(FormSubmit, 0, Key)), sig(FormSubmit, 1), sig(FormSubmit, 20)}, EvidenceKeyStrong},
		{"a case study", []Signal{ago(29, study)}, EvidenceStrong},
		{"a case study of 30 days ago", []Signal{ago(30, study)}, EvidenceNone},
		{"two visits, 12 hours apart", []Signal{page, ago(0.5, page)}, EvidenceApart},
		{"two visits, not quite", []Signal{page, ago(0.5-second, page)}, EvidenceNone},
		{"a mail click and its visit", []Signal{sig(EmailEngage, 0), page}, EvidenceNone},
		{"mail opens on many days", []Signal{sig(EmailEngage, 0, NoRecency), sig(EmailEngage, 3, NoRecency), page}, EvidenceNone},
		{"six pages in one visit", repeat(6, page), EvidenceSignals},
		{"five pages in one visit", repeat(5, page), EvidenceNone},
		{"six pages, one of them 30 days ago", append(repeat(5, ago(29.9, page)), ago(30, page)), EvidenceNone},
		{"company-level signals only beside a page", append(repeat(9, sig(Funding, 0, Company, NoRecency)), page), EvidenceNone},
		{"company-level key signals", append(repeat(3, sig(ContentView, 0, Company, PricePage, Key)), page), EvidenceNone},
		{"yet to come", []Signal{page, ago(-1, key), ago(-1, key)}, EvidenceNone},
	} {
		kind, signals := s.EvidenceAt(&Features{Signals: c.signals}, noon)
		if kind != c.want || kind != EvidenceNone && len(signals) == 0 {
			t.Errorf("%s: %q by %v, want %q", c.name, kind, signals, c.want)
		}
	}
	kind, signals := s.EvidenceAt(&Features{Signals: []Signal{ago(40, key), ago(3, study), page, ago(1, key), ago(2, study)}}, noon)
	if kind != EvidenceKeyStrong || len(signals) != 3 || signals[0] != 3 || signals[1] != 4 || signals[2] != 1 {
		t.Errorf("%q by %v, want the three strong ones, newest first", kind, signals)
	}
}

// Evidence that ages ends the tier on the day it does, margin or not, and the forecast knows that day.
func TestAgeingEvidenceEndsTheTier(t *testing.T) {
	s := Defaults()
	f := all(repeat(2, sig(ContentView, 10, PricePage, Key)), repeat(30, sig(WebVisit, 0)))
	shown, _, _ := s.Show(f, Shown{}, noon)
	if shown.Tier != High {
		t.Fatalf("%v, want high", shown.Tier)
	}
	if got, want := s.Forecast(f, shown, noon, time.UTC).CoolsOn, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("cools on %v, want %v", got, want)
	}
	later, p, rule := s.Show(f, shown, noon.AddDate(0, 0, 4))
	if later.Tier != Medium || rule != ByEvidence || p.Score < s.High-s.Margin {
		t.Errorf("%v by %s at %d, want medium by evidence within the margin", later.Tier, rule, p.Score)
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
		{0, 0, High, ByThreshold},
		{2, 0, High, ByHandRaise},
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
	f := all(repeat(1, sig(HandRaise, 2)))
	if tier, _ := s.TierOf(f, s.At(f, noon), TierUnknown, noon); tier != Medium {
		t.Errorf("with the rule off a demo form of two days ago is %v, want medium", tier)
	}
}

// A rep's verdict makes low until it ends; a request after it counts again, one before it does not.
func TestVerdictSetsAside(t *testing.T) {
	s := Defaults()
	for _, c := range []struct {
		name   string
		raised float64
		aside  float64 // days ago
		days   int64
		tier   Tier
		rule   Rule
	}{
		{"after the request", 3, 1, 60, Low, ByVerdict},
		{"before the request", 1, 3, 60, High, ByThreshold},
		{"run out", 3, 2, 2, High, ByHandRaise},
		{"yet to come", 3, -1, 60, High, ByHandRaise},
	} {
		f := all(repeat(1, sig(HandRaise, c.raised)))
		f.SetAside = noon.Unix() - int64(c.aside*day)
		f.AsideUntil = f.SetAside + c.days*day
		if tier, rule := s.TierOf(f, s.At(f, noon), High, noon); tier != c.tier || rule != c.rule {
			t.Errorf("a verdict %s: %v by %s, want %v by %s", c.name, tier, rule, c.tier, c.rule)
		}
	}
}

// When the time of a verdict is over somebody is looked at, whatever becomes of the tier: what was said of it is not true any more.
func TestTheEndOfAVerdictIsDue(t *testing.T) {
	s := Defaults()
	f := all(repeat(1, sig(WebVisit, 200)))
	f.SetAside, f.AsideUntil = noon.Unix()-day, noon.Unix()+9*day
	shown, _, rule := s.Show(f, Shown{}, noon)
	if due := s.Forecast(f, shown, noon, nil).Due; rule != ByVerdict || shown.Tier != Low || due.Unix() != f.AsideUntil {
		t.Errorf("%v by %s is due %v, want the end of the verdict", shown.Tier, rule, due)
	}
	if from, until := StoredAside(f.Append(nil)); from != f.SetAside || until != f.AsideUntil {
		t.Errorf("stored as from %d until %d", from, until)
	}
	f.SetAside, f.AsideUntil = 0, 0
	if from, until := StoredAside(f.Append(nil)); from != 0 || until != 0 {
		t.Errorf("stored as from %d until %d, want nothing", from, until)
	}
	if from, until := StoredAside(nil); from != 0 || until != 0 {
		t.Errorf("nobody's is from %d until %d", from, until)
	}
}

// engine: model shows the lower of the model's word and one step above the formula's tier; the score stays the formula's.
func TestTierByModel(t *testing.T) {
	s := Defaults()
	s.TierByModel = true
	page, buyer := all(repeat(1, sig(WebVisit, 0))), all(repeat(2, sig(ContentView, 0, PricePage, Key)), repeat(6, sig(WebVisit, 0)))
	asked := all(repeat(1, sig(HandRaise, 3)))
	for _, c := range []struct {
		f    *Features
		word Tier
		tier Tier
		rule Rule
	}{
		{page, High, Medium, ByModel}, {page, Medium, Medium, ByModel}, {page, Low, Low, ByModel}, {page, TierUnknown, Low, ByThreshold},
		{buyer, High, High, ByModel}, {buyer, Medium, Medium, ByModel}, {buyer, Low, Low, ByModel},
		{asked, Low, High, ByHandRaise},
	} {
		f := *c.f
		f.ModelTier = c.word
		shown, p, rule := s.Show(&f, Shown{Tier: High}, noon)
		if shown.Tier != c.tier || rule != c.rule || p != s.At(c.f, noon) {
			t.Errorf("the formula at %d, the model's %v: %v by %s, want %v by %s", p.Score, c.word, shown.Tier, rule, c.tier, c.rule)
		}
	}
	page.ModelTier = High
	shown, _, _ := s.Show(page, Shown{}, noon)
	got := s.Forecast(page, shown, noon, time.UTC)
	if want := time.Date(2027, 2, 17, 0, 0, 0, 0, time.UTC); !got.CoolsOn.Equal(want) || got.Below != 0 {
		t.Errorf("the model's tier cools on %v below %d, want when the last signal leaves, %v", got.CoolsOn, got.Below, want)
	}
	s.TierByModel = false
	if shown, _, _ := s.Show(page, Shown{}, noon); shown.Tier != Low {
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
		{"first seen today", all(repeat(1, sig(WebVisit, 0))), New},
		{"first seen within the week", all(repeat(9, sig(WebVisit, 6.99))), New},
		{"identified today, anonymous before", all(repeat(1, sig(WebVisit, 8)), repeat(1, sig(WebVisit, 0))), Steady},
		{"back after a pause", all(repeat(1, sig(WebVisit, 40)), repeat(1, sig(WebVisit, 0))), Surging},
		{"a little more", all(repeat(20, sig(WebVisit, 10)), repeat(4, sig(WebVisit, 0))), Rising},
		{"going on", all(repeat(30, sig(WebVisit, 7)), repeat(5, sig(WebVisit, 0))), Steady},
		{"silence", all(repeat(10, sig(WebVisit, 7))), Cooling},
		{"long gone", all(repeat(1, sig(WebVisit, 80))), Steady},
	} {
		if got, _, _ := s.Show(c.f, Shown{}, noon); got.Trend != c.want {
			t.Errorf("%s: %v (%d now, %d before), want %v", c.name, got.Trend, got.Score, s.At(c.f, noon.AddDate(0, 0, -7)).Score, c.want)
		}
	}
	for d, want := range map[int]Trend{200: Surging, 199: Rising, 50: Rising, 49: Steady, 0: Steady, -49: Steady, -50: Cooling} {
		if got := s.trend(&Parts{Known: true, Score: 500 + d}, &Parts{Known: true, Score: 500}); got != want {
			t.Errorf("a move of %d tenths is %v, want %v", d, got, want)
		}
	}
}

func about(product uint8, g Signal) Signal { g.Product = product; return g }

func TestProductInterest(t *testing.T) {
	s := Defaults()
	products := []string{"Credit cards", "Business loans", "Accounts"}
	page := func(product uint8, daysAgo float64) Signal { return about(product, sig(WebVisit, daysAgo)) }
	for _, c := range []struct {
		name     string
		signals  []Signal
		product  string
		interest Interest
	}{
		{"nothing about a product", []Signal{sig(WebVisit, 0)}, "", InterestNone},
		{"two pages, and others that name none", []Signal{page(1, 0), page(1, 1), sig(WebVisit, 0), sig(ContentView, 0), sig(WebVisit, 2)}, "Credit cards", InterestHigh},
		{"one page alone", []Signal{page(1, 0)}, "Credit cards", InterestMedium},
		{"three of five", []Signal{page(1, 0), page(1, 1), page(1, 2), page(2, 0), page(3, 0)}, "Credit cards", InterestHigh},
		{"half of them", []Signal{page(1, 1), page(1, 2), page(2, 0), page(2, 3)}, "Business loans", InterestMedium},
		{"a third of them", []Signal{page(1, 0), page(2, 0), page(3, 0)}, "", InterestNone},
		{"settled by a form", []Signal{about(1, sig(FormSubmit, 9)), page(2, 0), page(2, 1), page(2, 2)}, "Credit cards", InterestHigh},
		{"settled by a request", []Signal{about(1, sig(HandRaise, 9)), page(2, 0), page(2, 1)}, "Credit cards", InterestHigh},
		{"of two settled the newer", []Signal{about(1, sig(HandRaise, 9)), about(2, sig(FormSubmit, 1)), page(1, 0), page(1, 0)}, "Business loans", InterestHigh},
		{"of equals the stronger", []Signal{page(1, 0), about(2, sig(ContentView, 1))}, "Business loans", InterestMedium},
		{"of equals the newer", []Signal{page(1, 1), page(2, 0)}, "Business loans", InterestMedium},
		{"of equals the first by name", []Signal{page(1, 0), page(3, 0)}, "Accounts", InterestMedium},
		{"beyond the window", []Signal{about(1, sig(FormSubmit, 90)), sig(WebVisit, 0)}, "", InterestNone},
		{"company-level", []Signal{about(1, sig(JobPosting, 0, Company)), sig(WebVisit, 0)}, "", InterestNone},
		{"a number beyond the catalogue", []Signal{about(9, sig(FormSubmit, 0))}, "", InterestNone},
	} {
		shown, _, _ := s.Show(&Features{Signals: c.signals, Products: products}, Shown{}, noon)
		if shown.Product != c.product || shown.Interest != c.interest {
			t.Errorf("%s: %q %q, want %q %q", c.name, shown.Product, shown.Interest, c.product, c.interest)
		}
	}
}

func TestStageByRules(t *testing.T) {
	s := Defaults()
	price, contract := sig(ContentView, 0, PricePage, Key), sig(ContentView, 0, ContractPage, Key)
	ago := func(days float64, g Signal) Signal { g.At -= int64(days * day); g.Session -= uint16(days); return g }
	busy := func(more ...Signal) []Signal { return append(repeat(9, sig(WebVisit, 20)), more...) } // enough for medium
	for _, c := range []struct {
		name    string
		signals []Signal
		want    Stage
	}{
		{"never seen", nil, StageUnknown},
		{"company-level alone", []Signal{sig(Funding, 0, Company)}, StageUnknown},
		{"page views", []Signal{sig(WebVisit, 0), sig(WebVisit, 3)}, Exploring},
		{"long gone", []Signal{sig(HandRaise, 100)}, Exploring},
		{"pages of one product", []Signal{about(1, sig(WebVisit, 0)), about(1, sig(WebVisit, 2))}, Exploring},
		{"pages of two products", []Signal{about(1, sig(WebVisit, 0)), about(2, sig(WebVisit, 0))}, Comparing},
		{"a comparison page", []Signal{sig(ContentView, 0, Comparison)}, Comparing},
		{"pricing once, then another session", busy(ago(3, price), sig(WebVisit, 0)), Comparing},
		{"pricing in the last session", busy(price), Deciding},
		{"pricing in the last session of somebody low", []Signal{price}, Comparing},
		{"pricing, then only a mail opened", busy(ago(3, price), sig(EmailEngage, 0, NoRecency)), Deciding},
		{"contract in the last session", busy(contract), Deciding},
		{"contract in an earlier session", busy(ago(4, contract), sig(WebVisit, 0)), Exploring},
		{"hand-raise of somebody low", []Signal{sig(HandRaise, 29)}, Deciding},
		{"hand-raise of 30 days ago", []Signal{sig(HandRaise, 30), sig(WebVisit, 0)}, Exploring},
		{"application", []Signal{sig(FormSubmit, 29, Application, Key), sig(WebVisit, 0)}, Deciding},
		{"trial", []Signal{sig(FormSubmit, 3, Key), sig(WebVisit, 0)}, Exploring},
	} {
		f := &Features{Signals: c.signals, Products: []string{"A", "B"}}
		if got, _, _ := s.Show(f, Shown{}, noon); got.Stage != c.want {
			t.Errorf("%s: %v at %d, %v; want %v", c.name, got.Stage, got.Score, got.Tier, c.want)
		}
	}
}

// A model's stage may replace that of the rules, never the score, and not when the window is empty. It makes nobody below medium
// deciding, and nobody exploring who asked for something lately.
func TestModelStage(t *testing.T) {
	s := Defaults()
	page, busy := all(repeat(1, sig(WebVisit, 0))), all(repeat(9, sig(WebVisit, 0)))
	for _, c := range []struct {
		name string
		f    *Features
		word Stage
		want Stage
	}{
		{"comparing", page, Comparing, Comparing},
		{"deciding, low", page, Deciding, Exploring},
		{"deciding, medium", busy, Deciding, Deciding},
		{"exploring after a request", all(repeat(1, sig(HandRaise, 29))), Exploring, Deciding},
		{"exploring after an old request", all(repeat(1, sig(HandRaise, 30)), repeat(1, sig(ContentView, 0, Comparison, Key))), Exploring, Exploring},
	} {
		_, p, _ := s.Show(c.f, Shown{}, noon)
		f := *c.f
		f.ModelStage = c.word
		model, q, _ := s.Show(&f, Shown{}, noon)
		if model.Stage != c.want || p != q {
			t.Errorf("%s: %v, want %v; parts %+v and %+v", c.name, model.Stage, c.want, q, p)
		}
	}
	page.ModelStage = Comparing
	if later, _, _ := s.Show(page, Shown{}, noon.AddDate(0, 0, 90)); later.Stage != Exploring {
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
		{"trend within the hour, by a request since", recent, func(s *Shown) { s.Trend, s.Raised = Rising, noon.Unix()-60 }, ReasonTrend, true, time.Time{}},
		{"trend within the hour, by a request before", recent, func(s *Shown) { s.Trend, s.Raised = Rising, noon.Unix()-7200 }, ReasonTrend, false, noon.Add(40 * time.Minute)},
		{"a request alone", recent, func(s *Shown) { s.Raised = noon.Unix() - 60 }, "", false, time.Time{}},
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
	s.Evidence.Signals = 0
	got := s.Validate()
	for _, want := range []string{"weights: ", "max_activity: ", "time_constant_days: ", "medium: ", "strengths.web_visit: ", "evidence.signals: "} {
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
		"evidence":  func(s *Settings) { s.Evidence.Apart++ },
		"base":      func(s *Settings) { s.TopicBase = 50 },
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
	in := words{ContentView, High, Deciding, New, InterestMedium}
	b, _ = json.Marshal(in)
	if want := `{"Type":"content_view","Tier":"high","Stage":"deciding","Trend":"new","Interest":"medium"}`; string(b) != want {
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
