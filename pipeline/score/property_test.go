package score

import (
	"cmp"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// randomFeatures makes up to n signals at multiples of step around noon, some of them later than it.
func randomFeatures(r *rand.Rand, n int, step int64) *Features {
	f := &Features{Products: []string{"A", "B", "C"}}
	base := noon.Unix() / step * step
	at := func() int64 { return base - (r.Int64N(120*day/step)-3*day/step)*step }
	for range r.IntN(n + 1) {
		g := Signal{At: at(), Session: uint16(r.IntN(6)), Type: Type(1 + r.IntN(10)), Strength: uint8(r.IntN(101)), Product: uint8(r.IntN(4))}
		if r.IntN(3) == 0 {
			g.Flags = Flag(1 << r.IntN(8))
		}
		f.Signals = append(f.Signals, g)
	}
	slices.SortFunc(f.Signals, byTime)
	for range r.IntN(4) {
		a, b := at(), at()
		t := Topic{Name: string(rune('a' + r.IntN(26))), Points: []int8{5, 3, -10, -7}[r.IntN(4)], First: min(a, b), Last: max(a, b)}
		if r.IntN(3) == 0 {
			t.First = 0
		}
		f.Topics = append(f.Topics, t)
	}
	if f.Whole = r.IntN(4) > 0; f.Whole {
		f.Objects = []string{"pages: /pricing", "form: demo"}
		for i := range f.Signals {
			f.Signals[i].Object = uint16(r.IntN(3))
		}
		for range r.IntN(6) {
			length := r.Int64N(2) * step
			f.Visits = append(f.Visits, Visit{At: at(), Length: length, Dwell: length + r.Int64N(600), Steps: 1 + r.IntN(20), Pages: r.IntN(9)})
		}
		slices.SortFunc(f.Visits, func(a, b Visit) int { return cmp.Compare(a.At, b.At) })
	}
	if r.IntN(3) == 0 {
		f.Profile = []Word{{"industry", []string{"retail", "other"}[r.IntN(2)]}, {"size", "50 to 199"}}[r.IntN(2):]
	}
	if r.IntN(3) == 0 {
		f.ModelInterest, f.ModelTier, f.ModelStage = Interest(r.IntN(4)), Tier(r.IntN(4)), Stage(r.IntN(4))
	}
	if r.IntN(5) == 0 {
		f.SetAside = at()
		f.AsideUntil = f.SetAside + r.Int64N(60)*day/step*step
	}
	if r.IntN(4) == 0 {
		f.Capacity = Capacity{Owners: [][]string{{}, {"hubspot/7"}, {"hubspot/7", "salesforce/005"}}[r.IntN(3)]}
		if r.IntN(3) > 0 {
			f.Capacity.Cut, f.Capacity.Since = 600+r.IntN(401), at()
		}
	}
	return f
}

// randomModel has terms of every fact and form.
func randomModel(r *rand.Rand) *Additive {
	a := &Additive{Offset: r.IntN(600), Intercept: r.Float64() - 2, K: 1 + 20*r.Float64(), B: 1}
	for _, name := range [...]string{FactVolume, FactRecency, FactTopics, FactVisits, FactSteps, FactPageViews, FactDaysActive, FactMinutes, FactSinceStep, FactSinceFirst, FactSinceForm,
		FactStage, "signals: form_submit", "signals: web_visit", "pages: key", "pages: /pricing", "form: demo", "pages: /unseen", FactProfile + "industry"} {
		form := []Form{Plain, Log, Zero, Is, Unknown}[r.IntN(5)]
		if name == FactStage {
			form = Is
		}
		if r.IntN(3) > 0 {
			slope := 10 * (r.Float64() - 0.4)
			if form == Plain {
				slope /= 20
			}
			a.Terms = append(a.Terms, Term{Feature: Feature{Fact: name, Form: form, Level: []string{"exploring", "comparing", "deciding", "retail"}[r.IntN(4)]}, Slope: slope, Usual: r.Float64()})
		}
	}
	return a
}

func randomSettings(r *rand.Rand) Settings {
	s := Defaults()
	if r.IntN(4) == 0 {
		s.Additive = randomModel(r)
	}
	if r.IntN(2) == 0 {
		return s
	}
	s.Weights.Volume = r.IntN(1001)
	s.Weights.Recency = r.IntN(1001 - s.Weights.Volume)
	s.Weights.Topics = 1000 - s.Weights.Volume - s.Weights.Recency
	s.MaxActivity = 1 + r.IntN(200)
	s.WindowDays = 1 + r.IntN(100)
	s.TimeConstantDays = 1 + r.Float64()*30
	s.InterestPoints = r.IntN(20)
	s.Margin = r.IntN(60)
	s.HandRaiseDays = r.IntN(20)
	s.TrendDays = 1 + r.IntN(14)
	s.MaterialPoints = 1 + r.IntN(150)
	s.TierByModel = r.IntN(4) == 0
	s.TopicBase = max(0, r.IntN(200)-100)
	s.Evidence = EvidenceSettings{Days: 1 + r.IntN(100), KeyDays: 1 + r.IntN(30), Key: 1 + r.IntN(3), Strength: r.IntN(101), Strong: 1 + r.IntN(4), Apart: r.IntN(4 * day), Signals: 1 + r.IntN(8)}
	return s
}

// 0 ≤ score ≤ 100, and the parts a rep reads add up exactly to it.
func TestPropertyPartsAddUpWithinBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 20000 {
		s, f := randomSettings(r), randomFeatures(r, 30, 1)
		if wrong := s.Validate(); wrong != nil {
			t.Fatal(wrong)
		}
		p := s.At(f, noon)
		if p.Score != p.Sum() || p.Score < 0 || p.Score > 1000 {
			t.Fatalf("parts do not add up within 0 to 100: %+v", p)
		}
		for _, part := range []Part{p.Volume, p.Recency, p.Topics} {
			if part.Component < 0 || part.Component > 1000 || part.Contribution != divide(part.Weight*part.Component, 1000) {
				t.Fatalf("a part is not round(weight × component): %+v", part)
			}
		}
		points := 0
		for _, term := range s.PointsAt(f, noon.Unix()) {
			points += term.Tenths
		}
		if points != p.Points {
			t.Fatalf("the points of the terms are %d, those of the parts %+v", points, p)
		}
		if !p.Known && p != (Parts{Days: -1}) {
			t.Fatalf("an unknown person has parts: %+v", p)
		}
	}
}

func TestPropertyOrderDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 5000 {
		s, f := randomSettings(r), randomFeatures(r, 20, 1800)
		want, parts, rule := s.Show(f, Shown{}, noon)
		forecast := s.Forecast(f, want, noon, time.UTC)
		r.Shuffle(len(f.Signals), func(i, j int) { f.Signals[i], f.Signals[j] = f.Signals[j], f.Signals[i] })
		r.Shuffle(len(f.Topics), func(i, j int) { f.Topics[i], f.Topics[j] = f.Topics[j], f.Topics[i] })
		got, gotParts, gotRule := s.Show(f, Shown{}, noon)
		if got != want || gotParts != parts || gotRule != rule {
			t.Fatalf("another order of the same signals shows %+v, want %+v", got, want)
		}
		if again := s.Forecast(f, want, noon, time.UTC); again != forecast {
			t.Fatalf("another order of the same signals forecasts %+v, want %+v", again, forecast)
		}
	}
}

func TestPropertyMoreActivityNeverLowersAScore(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 10000 {
		s, f := randomSettings(r), randomFeatures(r, 20, 1)
		s.Additive = nil // more may well speak against a purchase there
		before := s.At(f, noon)
		tier, _ := s.TierOf(f, before, Low, noon)
		more := Signal{At: noon.Unix() - r.Int64N(100*day), Session: uint16(r.IntN(9)), Type: Type(1 + r.IntN(10)), Strength: uint8(r.IntN(101)), Flags: Flag(r.IntN(256))}
		f.Signals = append(f.Signals, more)
		after := s.At(f, noon)
		if after.Score < before.Score {
			t.Fatalf("%+v lowered the score from %d to %d", more, before.Score, after.Score)
		}
		if now, _ := s.TierOf(f, after, Low, noon); now < tier {
			t.Fatalf("%+v lowered the tier from %v to %v", more, tier, now)
		}
	}
}

// The forecast against a brute force that recomputes everything at every possible moment.
func TestPropertyForecastIsExact(t *testing.T) {
	const step = 6 * 3600
	r := rand.New(rand.NewPCG(4, 4))
	rounds := 600
	if testing.Short() {
		rounds = 100
	}
	due, cools := 0, 0
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		berlin = time.FixedZone("", 3600)
	}
	for i := range rounds {
		s, f := randomSettings(r), randomFeatures(r, 12, step)
		now := time.Unix(noon.Unix()/step*step, 0)
		shown, _, _ := s.Show(f, Shown{Tier: Tier(r.IntN(4))}, now)
		if r.IntN(3) == 0 {
			shown.Score += r.IntN(2*s.MaterialPoints-1) - s.MaterialPoints + 1 // written a while ago
		}
		want := bruteForecast(&s, f, shown, now, berlin, step)
		got := s.Forecast(f, shown, now, berlin)
		if !got.Due.Equal(want.Due) || !got.CoolsOn.Equal(want.CoolsOn) {
			t.Fatalf("round %d: forecast due %v cools %v, brute force due %v cools %v\n%+v\n%+v\n%+v", i, got.Due, got.CoolsOn, want.Due, want.CoolsOn, s, f, shown)
		}
		if !got.Due.IsZero() {
			due++
		}
		if !got.CoolsOn.IsZero() {
			cools++
		}
	}
	if due < rounds/4 || cools < rounds/20 {
		t.Errorf("of %d rounds only %d had a due time and %d a cooling day: the test says little", rounds, due, cools)
	}
}

func bruteForecast(s *Settings, f *Features, shown Shown, now time.Time, loc *time.Location, step int64) Forecast {
	var out Forecast
	at0, _, rule := s.Show(f, shown, now)
	carried := func(at int64) (n int) {
		for i := range f.Topics {
			if f.Topics[i].Last+int64(s.WindowDays)*day <= at {
				n++
			}
		}
		return n
	}
	for at := now.Unix() + step; at < now.Unix()+400*day; at += step {
		then := time.Unix(at, 0)
		before := rule
		var next Shown
		next, _, rule = s.Show(f, shown, then)
		if out.CoolsOn.IsZero() && shown.Tier > Low && next.Tier < shown.Tier {
			y, m, d := then.In(loc).Date()
			out.CoolsOn = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		}
		drift := next.Score - shown.Score
		if out.Due.IsZero() && (next.Known != shown.Known || next.Tier != shown.Tier || next.Trend != shown.Trend || next.Product != at0.Product ||
			next.Stage != at0.Stage || drift >= s.MaterialPoints || -drift >= s.MaterialPoints || carried(at) != carried(at-step) || (rule == ByVerdict) != (before == ByVerdict)) {
			out.Due = then
		}
	}
	return out
}

// What is counted of people, class and score, gives the tier that the whole of what they did gives.
func TestPropertyClassAndScoreGiveTheTier(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	met := map[Class]int{}
	for range 20000 {
		s, f, prev := randomSettings(r), randomFeatures(r, 30, 1), Tier(r.IntN(4))
		p, class := s.At(f, noon), s.ClassAt(f, prev, noon)
		tier, rule := s.TierOf(f, p, prev, noon)
		if !p.Known || class == ClassModel {
			continue
		}
		met[class]++
		if got := s.TierOfClass(class, p.Score, prev); got != tier {
			t.Fatalf("class %d with %d after %s gives %s, want %s by %s", class, p.Score, prev, got, tier, rule)
		}
	}
	if len(met) != 5 {
		t.Errorf("met %v", met)
	}
}

// What is stored of features gives every result that the features gave.
func TestPropertyStoredFeaturesGiveTheSameResults(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 5000 {
		s, f := randomSettings(r), randomFeatures(r, 30, 1)
		back, err := DecodeFeatures(f.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		want, parts, _ := s.Show(f, Shown{Tier: High}, noon)
		got, gotParts, _ := s.Show(&back, Shown{Tier: High}, noon)
		if got != want || gotParts != parts || s.Forecast(f, want, noon, time.UTC) != s.Forecast(&back, want, noon, time.UTC) {
			t.Fatalf("stored features show %+v, want %+v", got, want)
		}
		if again, _ := DecodeFeatures(back.Append(nil)); !reflect.DeepEqual(again, back) {
			t.Fatalf("stored again: %+v, want %+v", again, back)
		}
		written := Shown{Known: true, Score: r.IntN(1001), Tier: Tier(r.IntN(4)), Stage: Stage(r.IntN(4)), Trend: Trend(r.IntN(6)), Interest: Interest(r.IntN(4)),
			Product: "A", Topics: r.Uint64(), Written: noon, Since: time.Unix(r.Int64N(1e10)-1e9, 0).UTC()}
		if back, err := DecodeShown(written.Append(nil)); err != nil || back != written {
			t.Fatalf("stored score came back as %+v (%v), want %+v", back, err, written)
		}
	}
	if back, err := DecodeShown((&Shown{}).Append(nil)); err != nil || back != (Shown{}) {
		t.Errorf("the zero score came back as %+v (%v)", back, err)
	}
}

func FuzzDecodeFeatures(f *testing.F) {
	r := rand.New(rand.NewPCG(6, 6))
	for range 5 {
		f.Add(randomFeatures(r, 10, 1).Append(nil))
	}
	f.Add([]byte{})
	f.Add([]byte{1, 0, 255, 255, 255, 255, 15})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := DecodeFeatures(b)
		if err != nil {
			return
		}
		back, err := DecodeFeatures(got.Append(nil))
		if err != nil || len(back.Signals) != len(got.Signals) || len(back.Topics) != len(got.Topics) {
			t.Fatalf("%+v came back as %+v (%v)", got, back, err)
		}
		s := Defaults()
		if p := s.At(&got, noon); p.Score < 0 || p.Score > 1000 {
			t.Fatalf("score %d", p.Score)
		}
	})
}

func FuzzDecodeShown(f *testing.F) {
	f.Add((&Shown{}).Append(nil))
	f.Add((&Shown{Known: true, Score: 644, Tier: Medium, Product: "A", Written: noon, Since: noon}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := DecodeShown(b)
		if err != nil {
			return
		}
		if back, err := DecodeShown(got.Append(nil)); err != nil || back != got {
			t.Fatalf("%+v came back as %+v (%v)", got, back, err)
		}
	})
}

// Where the tier is not open, no word of a model gives another one.
func TestPropertyNoModelMovesATierThatIsNotOpen(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 3))
	open, settled := 0, 0
	for range 20000 {
		s, f := randomSettings(r), randomFeatures(r, 30, 1)
		f.ModelInterest, f.ModelTier = InterestNone, Low
		topics, prev := len(f.Topics) > 0 || r.IntN(2) == 0, Tier(r.IntN(4))
		if s.Open(f, prev, topics, noon) {
			open++
			if !s.ByModel(topics) {
				t.Fatalf("open, though no word of a model counts: %+v", f)
			}
			continue
		}
		settled++
		want, _ := s.TierOf(f, s.At(f, noon), prev, noon)
		for range 5 {
			g := *f
			g.ModelInterest, g.ModelTier = Interest(r.IntN(4)), Tier(1+r.IntN(3))
			if topics {
				g.Topics = append(slices.Clone(f.Topics), Topic{Name: "more", Points: []int8{5, 3, -10, -7}[r.IntN(4)], Last: noon.Unix()})
			}
			if got, _ := s.TierOf(&g, s.At(&g, noon), prev, noon); got != want {
				t.Fatalf("not open, and yet %s becomes %s by %+v", want, got, g)
			}
		}
	}
	if open < 1000 || settled < 1000 {
		t.Errorf("%d open, %d settled: one of the two was hardly tried", open, settled)
	}
}
