package backtest

import (
	"iter"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/score"
)

// remembered are n snapshots of journeys, made anew each time they are gone through, as a store would read them. peak is the largest heap seen on the way, in bytes.
type remembered struct {
	n    int
	peak *uint64
}

func (r remembered) people() iter.Seq[*Person] {
	return func(yield func(*Person) bool) {
		rng := rand.New(rand.NewPCG(1, 31))
		var p Person
		for i := range r.n {
			at := start.Add(time.Duration(i) * 365 * 24 * time.Hour / time.Duration(r.n))
			s := &learn.Snapshot{At: at.Add(-24 * time.Hour), Steps: 3 + rng.IntN(20), Last: at.Add(-time.Duration(24+rng.IntN(500)) * time.Hour)}
			s.Features.Whole = true
			for v := range 1 + rng.IntN(5) {
				s.Features.Visits = append(s.Features.Visits, score.Visit{At: at.Unix() - int64(40-v)*86400, Steps: 3, Pages: 2})
			}
			odds := -2.0
			for k := range 1 + rng.IntN(12) {
				g := score.Signal{At: s.Last.Unix() - int64(k)*7200, Type: score.WebVisit, Strength: 40}
				switch rng.IntN(8) {
				case 0:
					g.Type, g.Strength, g.Flags = score.ContentView, 60, score.PricePage|score.Key
					odds += 0.6
				case 1:
					g.Type, g.Strength = score.FormSubmit, 70
				}
				s.Features.Signals = append([]score.Signal{g}, s.Features.Signals...)
			}
			p = Person{At: at, Won: rng.Float64() < measure.Logistic(odds), Snapshot: s, Given: math.NaN(), FormDays: math.NaN(), ActiveDays: at.Sub(s.Last).Hours() / 24, PageViews: float64(s.Steps)}
			if i%5000 == 0 && r.peak != nil {
				runtime.GC() // what is held, not what is left lying about
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				*r.peak = max(*r.peak, m.HeapAlloc)
			}
			if !yield(&p) {
				return
			}
		}
	}
}

func (r remembered) run(t testing.TB, most int) {
	t.Helper()
	p := &Population{People: r.people, Settings: score.Defaults(), Journeys: true, Baseline: [3]bool{true, true, true}}
	if _, err := runWith(t.Context(), p, nil, most); err != nil {
		t.Fatal(err)
	}
}

// TestMemoryIsFlat: more snapshots hold no more memory, once there are more than are learned from.
func TestMemoryIsFlat(t *testing.T) {
	var small, large uint64
	remembered{10_000, &small}.run(t, 5000)
	remembered{60_000, &large}.run(t, 5000)
	if large > small+small/4+1<<20 {
		t.Errorf("10,000 snapshots hold %d MB at most, 60,000 hold %d MB", small>>20, large>>20)
	}
}

// BenchmarkBacktestSnapshots prints the time for a million snapshots and the most memory that is held.
func BenchmarkBacktestSnapshots(b *testing.B) {
	var peak uint64
	for b.Loop() {
		remembered{1_000_000, &peak}.run(b, maxLearned)
	}
	b.ReportMetric(float64(peak)/(1<<20), "MB-held")
	b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "snapshots/s")
}

// BenchmarkBacktestPeople prints the same for ten thousand people, all of whom are learned from or judged on.
func BenchmarkBacktestPeople(b *testing.B) {
	var peak uint64
	for b.Loop() {
		remembered{10_000, &peak}.run(b, maxLearned)
	}
	b.ReportMetric(float64(peak)/(1<<20), "MB-held")
	b.ReportMetric(1e4*float64(b.N)/b.Elapsed().Seconds(), "people/s")
}
