package verdicts

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline/score"
)

var now = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

func judged(tier score.Tier, points int) *Judged {
	return &Judged{At: now, Score: points, Tier: tier, Rule: score.ByThreshold, Engine: "formula", Parts: []Part{{"volume", points - 100}, {"recency", 100}},
		Features: score.Features{Signals: []score.Signal{{At: now.Unix() - 60, Type: score.ContentView, Strength: 60, Flags: score.PricePage | score.Key}, {At: now.Unix() - 30, Type: score.WebVisit, Strength: 40}}}}
}

// What was judged comes back as it was; a long journey keeps its newest signals; what is damaged is told.
func TestJudgedIsKept(t *testing.T) {
	j := judged(score.Medium, 581)
	b := j.Append(nil)
	if got, err := Decode(b); err != nil || !reflect.DeepEqual(got, j) {
		t.Errorf("%+v, %v", got, err)
	}
	if len(b) > 80 {
		t.Errorf("it takes %d bytes", len(b))
	}
	for i := range 5000 {
		j.Features.Signals = append(j.Features.Signals, score.Signal{At: now.Unix() + int64(i), Type: score.WebVisit, Strength: 40})
	}
	b = j.Append(nil)
	got, err := Decode(b)
	if err != nil || len(b) > mostFeatures+100 || len(got.Features.Signals) < 300 || got.Features.Signals[len(got.Features.Signals)-1].At != now.Unix()+4999 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	for n := range len(b) {
		if _, err := Decode(b[:n]); err == nil {
			t.Fatalf("cut to %d bytes it is still read", n)
		}
	}
}

// Reps and tiers agree where interested meets high or medium, and anything else meets low; what an earlier verdict held low counts in no tier.
func TestReport(t *testing.T) {
	r := NewReport(now.Add(-time.Hour))
	aside := judged(score.Low, 700)
	aside.Rule = score.ByVerdict
	for i, v := range []Verdict{
		{Verdict: "interested", Judged: judged(score.High, 700)}, {Verdict: "not_now", Judged: judged(score.High, 650)}, {Verdict: "interested", Judged: judged(score.Medium, 560)},
		{Verdict: "wrong_person", Judged: judged(score.Low, 300)}, {Verdict: "interested", Judged: judged(score.Low, 310)}, {Verdict: "interested", Judged: aside},
		{Verdict: ""}, {Verdict: "not_interested"}, {Verdict: "vip", Judged: judged(score.High, 700)},
	} {
		v.Person, v.At = string(rune('a'+i)), now
		r.Add(&v)
	}
	r.Add(&Verdict{Verdict: "interested", At: now.Add(-2 * time.Hour), Judged: judged(score.High, 700)})
	r.Close()
	if r.Changes != 9 || r.People != 9 || r.Aside != 1 || r.All.Verdicts != 5 || r.All.Agreed != 3 || r.Tiers[0].Agreed != 1 || r.Tiers[1].Agreed != 1 || r.Tiers[2].By["interested"] != 1 || r.Rank != nil {
		t.Errorf("%+v", r)
	}
	if want := map[string]int{WhyTakenBack: 1, WhyNoScore: 1, WhyUnknown: 1}; !reflect.DeepEqual(r.LeftOut, want) {
		t.Errorf("left out %v", r.LeftOut)
	}
	if len(r.Reasons) != 1 || r.Reasons[0].Of != "a price page" || r.Reasons[0].Verdicts != 5 {
		t.Errorf("reasons %+v", r.Reasons)
	}
	if s := r.All.Share; s.Value != 0.6 || s.Low < 0.2 || s.High > 0.9 {
		t.Errorf("share %+v", s)
	}
}

// Labels are flat and name the facts as learning does.
func TestLabels(t *testing.T) {
	var out bytes.Buffer
	l := NewLabels(&out)
	set := score.Defaults()
	for _, v := range []Verdict{{Person: "7", Verdict: "not_now", At: now, Judged: judged(score.High, 700)}, {Person: "8", Verdict: "", At: now, Judged: judged(score.High, 700)}} {
		if err := l.Add(&v, &set); err != nil {
			t.Fatal(err)
		}
	}
	if want := `{"person":"7","at":"2026-11-21T09:30:00Z","outcome":"lost","verdict":"not_now","score":70,"tier":"high","rule":"threshold","engine":"formula","volume":23.8,"recency":100,"topics":60,"signals: hand_raise":0,`; !bytes.HasPrefix(out.Bytes(), []byte(want)) || l.Written != 1 {
		t.Errorf("%s", out.String())
	}
	if !bytes.Contains(out.Bytes(), []byte(`"pages: price":1`)) {
		t.Errorf("%s", out.String())
	}
}
