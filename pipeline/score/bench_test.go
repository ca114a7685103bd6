package score

import (
	"testing"
	"time"
)

// settled is a person with 20 signals over 40 days in 10 sessions, about two products.
func settled() *Features {
	f := &Features{Products: []string{"Credit cards", "Business loans"}}
	for i := range 20 {
		g := sig(WebVisit, 42-float64(i)*2+float64(i%2)*1.99)
		g.Session = uint16(i / 2)
		switch i % 5 {
		case 1:
			g.Product = 1
			g.Flags = ProductPage
		case 3:
			g.Type, g.Strength, g.Flags = ContentView, 60, PricePage
		}
		f.Signals = append(f.Signals, g)
	}
	f.Topics = []Topic{{Name: "CRM", Points: 5, First: f.Signals[2].At, Last: f.Signals[18].At}}
	return f
}

// Twenty signals are to fit into 80 to 100 bytes, so that a settled person stays below 300.
func TestStoredFeaturesAreSmall(t *testing.T) {
	f := settled()
	f.Products, f.Topics = nil, nil
	if n := len(f.Append(nil)); n > 100 {
		t.Errorf("20 signals take %d bytes, want at most 100", n)
	}
	if n := len((&Shown{Known: true, Score: 644, Tier: Medium, Written: noon, Since: noon}).Append(nil)); n > 32 {
		t.Errorf("a stored score takes %d bytes, want at most 32", n)
	}
}

// Scoring is done for everybody at every round: it may not make garbage.
func TestScoringAllocatesNothing(t *testing.T) {
	s, f := Defaults(), settled()
	shown, _, _ := s.Show(f, Shown{}, noon)
	if n := testing.AllocsPerRun(100, func() { s.At(f, noon) }); n != 0 {
		t.Errorf("At allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { s.Show(f, shown, noon) }); n != 0 {
		t.Errorf("Show allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { s.Forecast(f, shown, noon, time.UTC) }); n != 0 {
		t.Errorf("Forecast allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { s.Material(shown, shown, noon) }); n != 0 {
		t.Errorf("Material allocates %v times", n)
	}
}

func BenchmarkAt(b *testing.B) {
	s, f := Defaults(), settled()
	b.ReportAllocs()
	for b.Loop() {
		s.At(f, noon)
	}
}

func BenchmarkShow(b *testing.B) {
	s, f := Defaults(), settled()
	b.ReportAllocs()
	for b.Loop() {
		s.Show(f, Shown{}, noon)
	}
}

func BenchmarkForecast(b *testing.B) {
	s := Defaults()
	for _, c := range []struct {
		name string
		now  time.Time
		tier Tier
	}{{"active", noon, TierUnknown}, {"silent", noon.AddDate(0, 0, 40), TierUnknown}, {"heldHigh", noon, High}} {
		b.Run(c.name, func(b *testing.B) {
			f := settled()
			shown, _, _ := s.Show(f, Shown{Tier: c.tier}, c.now)
			b.ReportAllocs()
			for b.Loop() {
				s.Forecast(f, shown, c.now, time.UTC)
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	f := settled()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = f.Append(buf[:0])
	}
	b.ReportMetric(float64(len(buf)), "B/person")
}

func BenchmarkDecode(b *testing.B) {
	buf := settled().Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeFeatures(buf); err != nil {
			b.Fatal(err)
		}
	}
}
