package learn

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/intentd/intentd/pipeline/learn/logistic"
	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/score"
)

// someone is a person of a simulated population: components, a trial that decides, an industry, and a number that says nothing.
type someone struct {
	facts []Fact
	won   bool
	score int // of the formula, in tenths
}

// simulated draws people whose log-odds of winning are −1 + 2·trial + 0.02·(volume − 50), or, upside down, the opposite.
func simulated(seed uint64, n int, sign float64) []someone {
	rng := rand.New(rand.NewPCG(seed, 5))
	out := make([]someone, n)
	for i := range out {
		volume, recency, topics := 100*rng.Float64(), 100*rng.Float64(), 40+55*rng.Float64()
		trial := rng.IntN(4) == 0
		odds := -1 + sign*0.02*(volume-50)
		s := &out[i]
		s.facts = []Fact{{Name: score.FactVolume, Number: volume}, {Name: score.FactRecency, Number: recency}, {Name: score.FactTopics, Number: topics},
			{Name: "shoe size", Number: float64(36 + rng.IntN(10))}, {Name: "industry", Word: []string{"retail", "banking", "logistics"}[rng.IntN(3)]}}
		if trial {
			odds += 2 * sign
			s.facts = append(s.facts, Fact{Name: "trials", Number: 1, Count: true})
		}
		s.won = rng.Float64() < measure.Logistic(odds)
		s.score = score.Tenths(0.4*volume + 0.3*recency + 0.3*topics)
	}
	return out
}

func learned(t testing.TB, people []someone, prior *Strengths) *Strengths {
	t.Helper()
	return learnedBeside(t, people, nil, 0, prior)
}

// learnedBeside has weak labels, too, each counting so much.
func learnedBeside(t testing.TB, people, weak []someone, times float64, prior *Strengths) *Strengths {
	t.Helper()
	var survey Survey
	var formula measure.Tally
	for _, p := range people {
		survey.Add(p.facts, p.won)
		formula.Add(float64(p.score), p.won)
	}
	features := survey.Features(nil)
	schema := NewSchema(features)
	rows := &logistic.Rows{Width: len(features)}
	at := make([]int64, len(people))
	x := make([]float32, len(features))
	for i, p := range people {
		schema.Encode(p.facts, x)
		rows.X, rows.Won = append(rows.X, x...), append(rows.Won, p.won)
		at[i] = int64(1e9 + i)
	}
	o := Options{Prior: prior, Weights: defaults, High: 620, Medium: 550, ShareHigh: formula.Share(620), ShareMedium: formula.Share(550)}
	for _, p := range weak {
		if o.Weak == nil {
			o.Weak = &logistic.Rows{Width: len(features)}
		}
		schema.Encode(p.facts, x)
		o.Weak.X, o.Weak.Won, o.Weak.Times = append(o.Weak.X, x...), append(o.Weak.Won, p.won), append(o.Weak.Times, times)
	}
	m, err := Learn(t.Context(), features, rows, at, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *Strengths) sumOf(facts []Fact) int {
	x := make([]float32, m.Width())
	m.Encode(facts, x)
	return m.Sum(x)
}

// auc of a model, and of the formula, on people.
func aucs(m *Strengths, people []someone) (model, formula float64) {
	var a, b measure.Tally
	for _, p := range people {
		a.Add(float64(m.sumOf(p.facts)), p.won)
		b.Add(float64(p.score), p.won)
	}
	return a.AUC().Value, b.AUC().Value
}

// TestStrengthsFindWhatDecides: five hundred people bring the model near to the best that can be, and far beyond the formula.
func TestStrengthsFindWhatDecides(t *testing.T) {
	m := learned(t, simulated(1, 500, 1), nil)
	model, formula := aucs(m, simulated(2, 20_000, 1))
	if model < formula+0.05 || model < 0.70 {
		t.Errorf("AUC %.3f, the formula's is %.3f", model, formula)
	}
	if i := slices.IndexFunc(m.Features, func(f Strength) bool { return f.Fact == "trials" && f.Form == Log }); i < 0 || m.Features[i].Low <= 0 {
		t.Errorf("the trial that decides is not among what counts: %+v", m.Features)
	}
	// Shares above the cuts are those of the formula.
	people := simulated(1, 500, 1)
	for _, cut := range []int{620, 550} {
		ours, theirs := 0, 0
		for _, p := range people {
			if m.sumOf(p.facts) >= cut {
				ours++
			}
			if p.score >= cut {
				theirs++
			}
		}
		if ours-theirs > 10 || theirs-ours > 10 {
			t.Errorf("%d people reach %d under the formula, %d under strengths", theirs, cut, ours)
		}
	}
}

// TestTenMoveLittle: with the world upside down, ten people leave the ranking near the built-in one and five hundred turn it round.
func TestTenMoveLittle(t *testing.T) {
	world := simulated(3, 5000, -1)
	agrees := func(n int) (share float64) {
		for seed := range uint64(10) {
			people := simulated(seed+100, n, -1)
			if !bothIn(bools(people), 1) {
				share += 0.1
				continue
			}
			m := learned(t, people, nil)
			same := 0
			for i := 1; i < len(world); i++ {
				a, b := &world[i-1], &world[i]
				if (m.sumOf(a.facts) > m.sumOf(b.facts)) == (a.score > b.score) {
					same++
				}
			}
			share += float64(same) / float64(len(world)) / 10
		}
		return share
	}
	if few := agrees(10); few < 0.8 {
		t.Errorf("after ten people %.0f %% of the pairs stand as the formula has them", 100*few)
	}
	if many := agrees(500); many > 0.6 {
		t.Errorf("after five hundred people %.0f %% of the pairs still stand as the formula has them", 100*many)
	}
}

func bools(people []someone) (won []bool) {
	for _, p := range people {
		won = append(won, p.won)
	}
	return won
}

// TestPartsAddUp: offset, points and clamp are the score, for everybody, also far outside; and the probability rises with the points.
func TestPartsAddUp(t *testing.T) {
	m := learned(t, simulated(7, 400, 1), nil)
	people := simulated(8, 2000, 1)
	people[0].facts = nil
	people[1].facts = []Fact{{Name: score.FactVolume, Number: 1e9}, {Name: "trials", Number: 1e6, Count: true}}
	people[2].facts = []Fact{{Name: score.FactVolume, Number: -1e9}}
	for i, p := range people {
		points, clamp, total := m.Parts(p.facts)
		sum := m.Offset + clamp
		for _, q := range points {
			sum += q.Tenths
		}
		if sum != total || total < 0 || total > 1000 {
			t.Fatalf("person %d: parts make %d, the score is %d", i, sum, total)
		}
		if raw := m.sumOf(p.facts); raw+clamp != total {
			t.Fatalf("person %d: %d and %d to cut off make %d", i, raw, clamp, total)
		}
	}
	for s := -500.0; s < 1500; s += 50 {
		if m.Probability(s) >= m.Probability(s+50) {
			t.Fatalf("the probability falls at %v", s)
		}
	}
}

// TestCalibrated: the probability holds on people who were not learned from, ECE ≤ 0.03.
func TestCalibrated(t *testing.T) {
	m := learned(t, simulated(9, 4000, 1), nil)
	var tally measure.Tally
	for _, p := range simulated(10, 20_000, 1) {
		tally.Add(float64(m.sumOf(p.facts)), p.won)
	}
	if ece, _ := tally.ECE(m.Probability); ece > 0.03 {
		t.Errorf("calibration error %.3f", ece)
	}
	if m.Calibration.People != 4000 || m.Calibration.B < 0.9 || m.Calibration.B > 1.2 {
		t.Errorf("calibration %+v", m.Calibration)
	}
	// Where few people have many features, chance is learned, too, and the odds are too bold: calibration mends that.
	noisy := func(seed uint64, n int) []someone {
		people := simulated(seed, n, 1)
		rng := rand.New(rand.NewPCG(seed, 6))
		for i := range people {
			for k := range 80 {
				people[i].facts = append(people[i].facts, Fact{Name: fmt.Sprintf("noise %d", k), Number: rng.Float64()})
			}
		}
		return people
	}
	bold, mended := 0.0, 0.0
	world := noisy(210, 4000)
	for seed := range uint64(5) {
		m := learned(t, noisy(seed+200, 600), nil)
		var tally measure.Tally
		for _, p := range world {
			tally.Add(float64(m.sumOf(p.facts)), p.won)
		}
		ece, _ := tally.ECE(m.Probability)
		mended += ece / 5
		m.Calibration = Calibration{B: 1}
		ece, _ = tally.ECE(m.Probability)
		bold += ece / 5
	}
	if mended > 0.75*bold {
		t.Errorf("calibration error %.3f, without calibration %.3f", mended, bold)
	}
}

// TestCoefficientsFile: what is written is read again to the same score for everybody, and as a prior it teaches those who know little.
func TestCoefficientsFile(t *testing.T) {
	m := learned(t, simulated(11, 3000, 1), nil)
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	back, err := ReadStrengths(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range simulated(12, 500, 1) {
		if got, want := back.sumOf(p.facts), m.sumOf(p.facts); got != want {
			t.Fatalf("read back %d, written %d", got, want)
		}
	}
	few, world := simulated(13, 40, 1), simulated(14, 10_000, 1)
	alone, _ := aucs(learned(t, few, nil), world)
	taught, _ := aucs(learned(t, few, back), world)
	if taught < alone+0.01 {
		t.Errorf("forty people alone reach %.3f, with another's coefficients %.3f", alone, taught)
	}
	for _, bad := range []string{"", "features: []", "people: 3", strings.Replace(b.String(), "form: log", "form: cube", 1), strings.Replace(b.String(), "spread: ", "spread: -", 1)} {
		if _, err := ReadStrengths([]byte(bad)); err == nil {
			t.Errorf("%.40q was read", bad)
		}
	}
}

// TestLeaks: a field that is filled in after the outcome is a suspect, whether its value tells or its being there; honest fields are none.
func TestLeaks(t *testing.T) {
	people := simulated(15, 2000, 1)
	rng := rand.New(rand.NewPCG(1, 2))
	var survey Survey
	for i := range people {
		p := &people[i]
		add := func(name, word string) { p.facts = append(p.facts, Fact{Name: name, Word: word}) }
		add("record", fmt.Sprintf("person %d", i)) // names each: says nothing
		if p.won {
			add("contract number", fmt.Sprintf("C-%d", i))
			add("status", "onboarding")
			p.facts = append(p.facts, Fact{Name: "revenue", Number: 100 + 900*rng.Float64()})
		} else {
			add("status", []string{"cold", "nurture"}[rng.IntN(2)])
			p.facts = append(p.facts, Fact{Name: "revenue", Number: 0})
			if rng.IntN(3) == 0 {
				add("loss reason", "price")
			}
		}
		survey.Add(p.facts, p.won)
	}
	var names []string
	for _, s := range survey.Suspects() {
		names = append(names, s.Name)
	}
	if want := []string{"contract number", "loss reason", "revenue", "status"}; !slices.Equal(names, want) {
		t.Errorf("suspects %v, want %v", names, want)
	}
	for _, f := range survey.Features(names) {
		if slices.Contains(names, f.Fact) || f.Fact == "record" {
			t.Errorf("learned from %v", f)
		}
	}
}

// TestFeaturesNeedPeople: a number is learned from where enough people differ from the commonest, whatever that is; a constant and a rarity are not.
func TestFeaturesNeedPeople(t *testing.T) {
	var survey Survey
	for i := range 1000 {
		never, rare, once := 999.0, 0.0, 0.0
		if i%20 == 0 {
			never = float64(i % 7)
		}
		if i == 17 {
			rare, once = 5, 1
		}
		facts := []Fact{{Name: "days since", Number: never}, {Name: "rare", Number: rare}, {Name: "constant", Number: 4}, {Name: "each its own", Number: float64(i)}, {Name: "same word", Word: "yes"}}
		if i%2 == 0 || once > 0 {
			facts = append(facts, Fact{Name: "trials", Number: 1, Count: true})
		}
		survey.Add(facts, i%3 == 0)
	}
	var names []string
	features := survey.Features(nil)
	for _, f := range features {
		names = append(names, f.Fact)
	}
	if names = slices.Compact(names); !slices.Equal(names, []string{"days since", "each its own", "trials"}) {
		t.Errorf("learned from %v", names)
	}
	if unused := survey.Unused(features, []string{"rare"}); !slices.Equal(unused, []string{"constant", "same word"}) {
		t.Errorf("unused %v", unused)
	}
}

// TestUnknownIsNotNought: a number that is not known counts as the usual one, a count that was never seen as none.
func TestUnknownIsNotNought(t *testing.T) {
	s := NewSchema([]Feature{{Fact: "size", Form: Plain}, {Fact: "size", Form: Unknown}, {Fact: "trials", Form: Log, Count: true}, {Fact: "trials", Form: Zero, Count: true}, {Fact: "industry", Form: Is, Level: "retail"}})
	x := make([]float32, 5)
	s.Encode(nil, x)
	if !math.IsNaN(float64(x[0])) || !slices.Equal(x[1:], []float32{1, 0, 1, 0}) {
		t.Errorf("nothing known: %v", x)
	}
	s.Encode([]Fact{{Name: "size", Number: 12}, {Name: "trials", Number: 1, Count: true}, {Name: "industry", Word: "retail"}}, x)
	if !slices.Equal(x, []float32{12, 0, float32(math.Log(2)), 0, 1}) {
		t.Errorf("all known: %v", x)
	}
}

// FuzzReadStrengths: whatever a file of coefficients holds, it is refused or gives scores of 0 to 100 whose parts add up.
func FuzzReadStrengths(f *testing.F) {
	var b bytes.Buffer
	if err := learned(f, simulated(1, 100, 1), nil).Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("k: 1e308\noffset: 9000000\nfeatures: [{fact: volume, form: value, strength: 1e5, spread: 1e-300}]"))
	people := simulated(2, 5, 1)
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := ReadStrengths(file)
		if err != nil {
			return
		}
		for _, p := range people {
			points, clamp, total := m.Parts(p.facts)
			sum := m.Offset + clamp
			for _, q := range points {
				sum += q.Tenths
			}
			if sum != total || total < 0 || total > 1000 {
				t.Fatalf("parts make %d, the score is %d", sum, total)
			}
		}
	})
}

// harsh makes every second win of people a loss: who judges them is harder than the market.
func harsh(people []someone) []someone {
	out := slices.Clone(people)
	for i := range out {
		out[i].won = out[i].won && i%2 == 0
	}
	return out
}

// TestWeakLabelsMoveStrengthsAlone: verdicts of the same world bring sixty people's model nearer to what decides, by so much as they count for; that reps are harsher than the market moves no chance
// of winning, and calibration stays what the outcomes of four thousand make it.
func TestWeakLabelsMoveStrengthsAlone(t *testing.T) {
	people, world := simulated(31, 60, 1), simulated(32, 20_000, 1)
	weak := harsh(simulated(33, 600, 1))
	auc := func(times float64) float64 {
		model, _ := aucs(learnedBeside(t, people, weak, times, nil), world)
		return model
	}
	none, _ := aucs(learned(t, people, nil), world)
	if little := auc(1e-9); math.Abs(little-none) > 1e-6 {
		t.Errorf("weak labels that count for nothing make an AUC of %.6f of %.6f", little, none)
	}
	if some, much := auc(0.02), auc(0.5); much < none+0.02 || some <= none || some >= much {
		t.Errorf("AUC %.3f without, %.3f with little weight, %.3f with much", none, some, much)
	}

	chance := func(m *Strengths, of []someone) (mean float64) {
		for i := range of {
			mean += m.Probability(float64(m.sumOf(of[i].facts))) / float64(len(of))
		}
		return mean
	}
	share := func(of []someone) (mean float64) {
		for i := range of {
			if of[i].won {
				mean += 1 / float64(len(of))
			}
		}
		return mean
	}
	few := simulated(34, 200, 1)
	told := learnedBeside(t, few, weak, 0.3, nil)
	if told.Calibration.People != 0 {
		t.Fatal("200 people are calibrated: the check checks nothing")
	}
	if got, want := chance(told, few), share(few); math.Abs(got-want) > 0.03 {
		t.Errorf("the chance told is %.3f, %.3f won", got, want)
	}
	many := simulated(35, 4000, 1)
	sober := learned(t, many, nil).Calibration
	beside := learnedBeside(t, many, harsh(simulated(36, 2000, -1)), 0.5, nil) // they say the opposite, too
	if beside.Calibration.People != 4000 || sober.People != 4000 {
		t.Errorf("calibrated on %d people, %d without", beside.Calibration.People, sober.People)
	}
	if got, want := chance(beside, many), share(many); math.Abs(got-want) > 0.01 {
		t.Errorf("the chance told is %.3f, %.3f won", got, want)
	}
	if _, err := Learn(t.Context(), []Feature{{Fact: "x", Form: Plain}}, &logistic.Rows{Width: 1, X: []float32{1, 2}, Won: []bool{true, true}}, nil,
		Options{Weak: &logistic.Rows{Width: 1, X: []float32{1}, Won: []bool{false}, Times: []float64{1}}}); !errors.Is(err, logistic.ErrOneOutcome) {
		t.Errorf("learned from verdicts alone: %v", err)
	}
}

// Promise: probabilities follow a level that changed and stayed, by part of the way; a season that came and went moves them nowhere, and chance hardly.
func TestCalibrationFollowsWhatLasts(t *testing.T) {
	for _, c := range []struct {
		name      string
		level     [5]float64 // log-odds beside those told, era by era
		low, high float64    // limits of what is followed, at the mean of twenty populations
	}{
		{"nothing changed", [5]float64{}, -0.02, 0.02},
		{"it rises", [5]float64{-0.6, -0.3, 0, 0.3, 0.6}, 0.2, 0.6},
		{"it fell once", [5]float64{0.3, 0.3, 0.3, -0.45, -0.45}, -0.45, -0.1},
		{"a season", [5]float64{-0.4, 0.4, -0.4, 0.4, 0}, -0.02, 0.02},
	} {
		mean := 0.0
		for seed := range uint64(20) {
			rng := rand.New(rand.NewPCG(seed, 9))
			odds, won := make([]float64, 2500), make([]bool, 2500)
			for i := range odds {
				odds[i] = rng.NormFloat64()
				won[i] = rng.Float64() < measure.Logistic(odds[i]+c.level[i/500])
			}
			is := Calibration{B: 1}
			if is.follow(odds, won); is.A != is.Level {
				t.Fatalf("%s: A moved by %v, the level by %v", c.name, is.A, is.Level)
			}
			mean += is.Level / 20
		}
		if mean < c.low || mean > c.high {
			t.Errorf("%s: a level of %.3f is followed, want %.2f to %.2f", c.name, mean, c.low, c.high)
		}
	}
}

// Promise: without dates nothing is followed, whatever the order of the rows; with them the probabilities of later people are nearer to what comes true.
func TestLaterPeopleAreToldByTheNewestLevel(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	draw := func(n int, from, to float64) (rows *logistic.Rows, at []int64) {
		rows = &logistic.Rows{Width: 1}
		for i := range n {
			x := rng.NormFloat64()
			rows.X = append(rows.X, float32(x))
			rows.Won = append(rows.Won, rng.Float64() < measure.Logistic(x-1+from+(to-from)*float64(i)/float64(n)))
			at = append(at, int64(i)*3600)
		}
		return rows, at
	}
	rows, at := draw(6000, 0, 1)
	later, _ := draw(4000, 1, 1)
	off := func(at []int64) float64 {
		m, err := Learn(t.Context(), []Feature{{Fact: "x", Form: Plain}}, &logistic.Rows{Width: 1, X: slices.Clone(rows.X), Won: rows.Won}, at, Options{High: 620, Medium: 550})
		if err != nil {
			t.Fatal(err)
		}
		told := 0.0
		for i, won := range later.Won {
			p := m.Probability(float64(m.Sum(later.Row(i))))
			if told += p; won {
				told--
			}
		}
		return math.Abs(told) / float64(len(later.Won))
	}
	dated, undated := off(at), off(nil)
	if undated < 0.05 || dated > 0.7*undated {
		t.Errorf("later people are off by %.3f with dates, by %.3f without", dated, undated)
	}
}
