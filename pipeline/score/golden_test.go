package score

import (
	"math"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 19, 12, 0, 0, 0, time.UTC)

// sig is a signal of a type, so many days before noon, in the session of its day, with default strength.
func sig(t Type, daysAgo float64, flags ...Flag) Signal {
	d := Defaults()
	g := Signal{At: noon.Unix() - int64(daysAgo*day), Session: uint16(1000 - daysAgo), Type: t, Strength: d.Strengths[t]}
	for _, f := range flags {
		g.Flags |= f
	}
	return g
}

func repeat(n int, g Signal) []Signal {
	out := make([]Signal, n)
	for i := range out {
		out[i] = g
		out[i].At -= int64(i)
	}
	return out
}

func all(groups ...[]Signal) *Features {
	var f Features
	for _, g := range groups {
		f.Signals = append(f.Signals, g...)
	}
	return &f
}

// The table of the volume component: 100·ln(1+n)/ln(101), in tenths.
func TestVolumeTable(t *testing.T) {
	s := Defaults()
	for n, want := range map[int]string{0: "0.0", 1: "15.0", 5: "38.8", 10: "52.0", 15: "60.1", 25: "70.6", 50: "85.2", 100: "100.0", 500: "100.0"} {
		p := s.At(all(repeat(n, sig(WebVisit, 0))), noon)
		if got := FormatTenths(p.Volume.Component); got != want || p.Signals != n {
			t.Errorf("volume of %d signals: %s from %d, want %s", n, got, p.Signals, want)
		}
	}
}

// The table of the recency component: 100·e^(−d/21), in tenths.
func TestRecencyTable(t *testing.T) {
	s := Defaults()
	for d, want := range map[int]string{0: "100.0", 3: "86.7", 5: "78.8", 7: "71.7", 14: "51.3", 21: "36.8", 30: "24.0", 42: "13.5", 60: "5.7", 90: "1.4"} {
		p := s.At(all(repeat(1, sig(WebVisit, float64(d)))), noon)
		if got := FormatTenths(p.Recency.Component); got != want || p.Days != d {
			t.Errorf("recency after %d days: %s for %d, want %s", d, got, p.Days, want)
		}
	}
}

func TestRecencyCountsWholeDays(t *testing.T) {
	s := Defaults()
	for _, c := range []struct {
		age  time.Duration
		want int
	}{{0, 0}, {24*time.Hour - time.Second, 0}, {24 * time.Hour, 1}, {48*time.Hour - time.Second, 1}, {7 * 24 * time.Hour, 7}} {
		if p := s.At(&Features{Signals: []Signal{{At: noon.Add(-c.age).Unix(), Type: WebVisit, Strength: 40}}}, noon); p.Days != c.want {
			t.Errorf("age %v is %d whole days, want %d", c.age, p.Days, c.want)
		}
	}
}

// The time constant is 21 days; the half-life of the same curve is 14.56 days, and either may be given.
func TestHalfLifeAndTimeConstant(t *testing.T) {
	s := Defaults()
	if h := s.HalfLife(); h < 14.55 || h > 14.57 {
		t.Errorf("half-life of the default curve is %v days, want 14.56", h)
	}
	s.TimeConstantDays = 7 / math.Ln2
	if p := s.At(all(repeat(1, sig(WebVisit, 7))), noon); p.Recency.Component != 500 {
		t.Errorf("recency after one half-life is %d tenths, want 500", p.Recency.Component)
	}
}

// dataFlow is the worked example: 15 signals, the strongest an e-mail click (50), the newest 5 days old.
func dataFlow(topics ...Topic) *Features {
	f := all(repeat(9, sig(WebVisit, 5)), repeat(1, sig(EmailEngage, 6)), repeat(5, sig(WebVisit, 12)))
	f.Topics = topics
	return f
}

func near(points int8, daysAgo float64) Topic {
	at := noon.Unix() - int64(daysAgo*day)
	return Topic{Name: "topic", Points: points, First: at, Last: at}
}

func TestDataFlow(t *testing.T) {
	s := Defaults()
	for _, c := range []struct {
		name                           string
		f                              *Features
		volume, recency, topics, total string
		component                      int
	}{
		{"two semantic matches", dataFlow(near(3, 5), near(3, 12)), "24.0", "23.6", "16.8", "64.4", 560},
		{"exact matcher alone", dataFlow(), "24.0", "23.6", "15.0", "62.6", 500},
	} {
		p := s.At(c.f, noon)
		got := [4]string{FormatTenths(p.Volume.Contribution), FormatTenths(p.Recency.Contribution), FormatTenths(p.Topics.Contribution), FormatTenths(p.Score)}
		if want := [4]string{c.volume, c.recency, c.topics, c.total}; got != want || p.Topics.Component != c.component {
			t.Errorf("%s: %v with topics at %d tenths, want %v at %d", c.name, got, p.Topics.Component, want, c.component)
		}
		if tier, rule := s.TierOf(c.f, p, TierUnknown, noon); tier != Medium || rule != ByEvidence {
			t.Errorf("%s: %v by %s, want medium: over the threshold, without the evidence", c.name, tier, rule)
		}
	}
}

func TestTypicalPeople(t *testing.T) {
	s := Defaults()
	for _, c := range []struct {
		name  string
		f     *Features
		score string
		tier  Tier
		rule  Rule
	}{
		{"one page view today", all(repeat(1, sig(WebVisit, 0))), "48.0", Low, ByThreshold},
		{"demo form today", all(repeat(1, sig(HandRaise, 0))), "64.5", High, ByThreshold},
		{"demo form and three page views today", all(repeat(1, sig(HandRaise, 0)), repeat(3, sig(WebVisit, 0))), "72.5", High, ByThreshold},
		{"eight signals over three days, two pricing views", all(repeat(2, sig(ContentView, 0, PricePage, Key)), repeat(3, sig(WebVisit, 1)), repeat(3, sig(WebVisit, 2))), "67.0", High, ByThreshold},
		{"eight, one of them pricing and two case studies", all(repeat(1, sig(ContentView, 0, PricePage, Key)), repeat(2, sig(ContentView, 1)), repeat(5, sig(WebVisit, 2))), "67.0", High, ByThreshold},
		{"eight, three of them case studies", all(repeat(3, sig(ContentView, 0)), repeat(5, sig(WebVisit, 2))), "67.0", Medium, ByEvidence},
		{"forty page views over several visits two weeks ago", all(repeat(20, sig(WebVisit, 14)), repeat(20, sig(WebVisit, 14.9))), "59.6", Medium, ByThreshold},
		{"DataFlow", dataFlow(near(3, 5), near(3, 12)), "64.4", Medium, ByEvidence},
		{"brochure form and three page views", all(repeat(1, sig(FormSubmit, 0)), repeat(3, sig(WebVisit, 0))), "65.0", Medium, ByEvidence},
		{"one visit of six plain pages", all(repeat(6, sig(WebVisit, 0))), "58.9", Medium, ByThreshold},
		{"one visit of five plain pages", all(repeat(5, sig(WebVisit, 0))), "57.5", Low, ByEvidence},
		{"demo form 29 days ago", all(repeat(1, sig(HandRaise, 29))), "42.0", Low, ByThreshold},
		{"ten e-mail opens only", all(repeat(10, sig(EmailEngage, 0, NoRecency))), "35.8", Low, ByThreshold},
	} {
		p := s.At(c.f, noon)
		tier, rule := s.TierOf(c.f, p, TierUnknown, noon)
		if got := FormatTenths(p.Score); got != c.score || tier != c.tier || rule != c.rule {
			t.Errorf("%s: %s %v by %s, want %s %v by %s", c.name, got, tier, rule, c.score, c.tier, c.rule)
		}
	}
}

// The source's own example in its own words: e-mails opened, page views, form fills; with the base fixed at 50 it gives the same.
func TestFixedTopicBase(t *testing.T) {
	s := Defaults()
	s.TopicBase = 50
	f := all(repeat(1, sig(FormSubmit, 12)), repeat(5, sig(EmailEngage, 6, NoRecency)), repeat(9, sig(WebVisit, 5)))
	f.Topics = []Topic{near(3, 5), near(3, 12)}
	if p := s.At(f, noon); FormatTenths(p.Score) != "64.4" || p.Base != 50 {
		t.Errorf("%s on a base of %d, want 64.4 on 50", FormatTenths(p.Score), p.Base)
	}
	if p := s.At(all(repeat(1, sig(WebVisit, 89))), noon); p.Base != 50 {
		t.Errorf("a page view of 89 days ago has the base %d, want 50 at any age within the window", p.Base)
	}
	if p := s.At(all(repeat(1, sig(WebVisit, 90))), noon); p.Base != 0 {
		t.Errorf("beyond the window the base is %d, want 0", p.Base)
	}
}

// The base of topics: the strongest signal at its strength for 30 days, then 2 less a day, never less than 40 or its own.
func TestTopicBaseFades(t *testing.T) {
	s := Defaults()
	for _, c := range []struct {
		f    *Features
		want int
	}{
		{all(repeat(1, sig(HandRaise, 0))), 95},
		{all(repeat(1, sig(HandRaise, 29.99))), 95},
		{all(repeat(1, sig(HandRaise, 30))), 95},
		{all(repeat(1, sig(HandRaise, 30.99))), 95},
		{all(repeat(1, sig(HandRaise, 31))), 93},
		{all(repeat(1, sig(HandRaise, 50))), 55},
		{all(repeat(1, sig(HandRaise, 57))), 41},
		{all(repeat(1, sig(HandRaise, 58))), 40},
		{all(repeat(1, sig(HandRaise, 89))), 40},
		{all(repeat(1, sig(SocialMention, 89))), 30},
		{all(repeat(1, sig(HandRaise, 50)), repeat(1, sig(ContentView, 0))), 60},
		{all(repeat(1, sig(HandRaise, 40)), repeat(1, sig(ContentView, 0))), 75},
		{all(repeat(1, sig(HandRaise, 87)), repeat(1, sig(EmailEngage, 25, NoRecency))), 50},
		{all(repeat(1, sig(WebVisit, 0)), repeat(1, sig(Funding, 40, Company, NoRecency))), 55},
	} {
		if p := s.At(c.f, noon); p.Base != c.want {
			t.Errorf("%+v: base %d, want %d", c.f.Signals, p.Base, c.want)
		}
	}
}

// "No data" and "cold" are different facts.
func TestUnknownIsNotCold(t *testing.T) {
	s := Defaults()
	for name, f := range map[string]*Features{
		"nothing":                   {},
		"company-level alone":       all(repeat(3, sig(Funding, 0, Company, NoRecency))),
		"a signal yet to come":      {Signals: []Signal{{At: noon.Unix() + 1, Type: WebVisit, Strength: 40}}},
		"topics without any signal": {Topics: []Topic{near(5, 0)}},
	} {
		shown, p, rule := s.Show(f, Shown{}, noon)
		if p.Known || p.Score != 0 || shown.Tier != TierUnknown || shown.Stage != StageUnknown || shown.Trend != TrendNone || rule != ByNothing {
			t.Errorf("%s: %+v %+v by %s, want no score and tier unknown", name, shown, p, rule)
		}
	}
	f := all(repeat(5, sig(HandRaise, 90)), repeat(2, sig(Funding, 1, Company, NoRecency)))
	f.Topics = []Topic{near(5, 95)}
	shown, p, _ := s.Show(f, Shown{}, noon)
	if !p.Known || p.Volume.Contribution != 0 || p.Topics.Contribution != 0 || p.Bonus != 0 || p.Score != 4 || shown.Tier != Low || shown.Stage != Exploring {
		t.Errorf("signals only beyond the window: %+v %+v, want volume and topics 0, recency 1.4, low", shown, p)
	}
}

func TestWindowHoldsAgesBelowNinetyDays(t *testing.T) {
	s := Defaults()
	for age, want := range map[int64]int{0: 1, 90*day - 1: 1, 90 * day: 0} {
		if p := s.At(&Features{Signals: []Signal{{At: noon.Unix() - age, Type: WebVisit, Strength: 40}}}, noon); p.Signals != want {
			t.Errorf("a signal %d s old counts %d times, want %d", age, p.Signals, want)
		}
	}
}

// Company-level signals add volume and topics beside a signal of the person's own, and never recency.
func TestCompanySignalsOnlyBesideOwn(t *testing.T) {
	s := Defaults()
	f := all(repeat(2, sig(Funding, 0, Company, NoRecency)), repeat(1, sig(WebVisit, 10)))
	p := s.At(f, noon)
	if p.Signals != 3 || p.Base != 75 || p.Days != 10 {
		t.Errorf("funding beside a visit: %d signals, base %d, %d days; want 3, 75, 10", p.Signals, p.Base, p.Days)
	}
	// Even a company-level signal that is not marked sets no recency.
	f = all(repeat(2, sig(Funding, 0, Company)), repeat(1, sig(WebVisit, 10)))
	if p := s.At(f, noon); p.Days != 10 {
		t.Errorf("a company-level signal set recency: %d days, want 10", p.Days)
	}
}

func TestTopicBonusIsBoundedAndLeavesWithItsSignal(t *testing.T) {
	s := Defaults()
	for _, c := range []struct {
		name   string
		topics []Topic
		bonus  int
	}{
		{"exact and semantic", []Topic{near(5, 0), near(3, 0)}, 8},
		{"four exact wins", []Topic{near(5, 0), near(5, 0), near(5, 0), near(5, 0)}, 15},
		{"two exact losses", []Topic{near(-10, 0), near(-10, 0)}, -15},
		{"bounded as a sum, not one by one", []Topic{near(5, 0), near(5, 0), near(5, 0), near(5, 0), near(-10, 0)}, 10},
		{"seen 89 days ago", []Topic{near(5, 89)}, 5},
		{"seen 90 days ago", []Topic{near(5, 90)}, 0},
		{"yet to come", []Topic{near(5, -1)}, 0},
		{"without First", []Topic{{Name: "topic", Points: 5, Last: noon.Unix()}}, 5},
	} {
		f := all(repeat(1, sig(WebVisit, 0)))
		f.Topics = c.topics
		if p := s.At(f, noon); p.Bonus != c.bonus || p.Topics.Component != 400+10*c.bonus {
			t.Errorf("%s: bonus %d on %d tenths, want %d", c.name, p.Bonus, p.Topics.Component, c.bonus)
		}
	}
}

// The model's reading of interest moves nothing unless interest_points allows it, and then no more than that.
func TestModelInterestMovesNothingByDefault(t *testing.T) {
	s := Defaults()
	f := all(repeat(3, sig(WebVisit, 0)))
	plain := s.At(f, noon).Score
	f.ModelInterest = InterestHigh
	if got := s.At(f, noon).Score; got != plain {
		t.Errorf("a model's high interest moved the score from %d to %d by default", plain, got)
	}
	s.InterestPoints = 5
	for interest, want := range map[Interest]int{InterestNone: 0, InterestLow: 0, InterestMedium: 3, InterestHigh: 5} {
		f.ModelInterest = interest
		if p := s.At(f, noon); p.Interest != want || p.Topics.Component != 400+10*want {
			t.Errorf("interest %q gives %d points, want %d", interest, p.Interest, want)
		}
	}
}

func TestRoundingIsHalfAwayFromZero(t *testing.T) {
	for x, want := range map[float64]int{14.25: 143, -14.25: -143, 14.24: 142, 0.05: 1, -0.05: -1, 0: 0} {
		if got := Tenths(x); got != want {
			t.Errorf("Tenths(%v) = %d, want %d", x, got, want)
		}
	}
	for _, c := range [][3]int{{15, 10, 2}, {-15, 10, -2}, {14, 10, 1}, {-14, 10, -1}, {5, 2, 3}, {0, 7, 0}} {
		if got := divide(c[0], c[1]); got != c[2] {
			t.Errorf("%d/%d = %d, want %d", c[0], c[1], got, c[2])
		}
	}
	for v, want := range map[int]string{644: "64.4", 1000: "100.0", 0: "0.0", 5: "0.5", -15: "-1.5", -5: "-0.5"} {
		if got := FormatTenths(v); got != want {
			t.Errorf("FormatTenths(%d) = %q, want %q", v, got, want)
		}
	}
}
