package connectortest

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/intentd/intentd/connectors"
)

// BatchVendor is a vendor that takes jobs, as its stand-in plays it.
type BatchVendor struct {
	// New makes a model that asks rt, at a price of 1 and 2 US dollars per million tokens in and out.
	New func(t testing.TB, rt http.RoundTripper) connectors.Model
	// Stage is a new stand-in whose jobs go as the plan says, and counts the jobs opened, and the jobs and files that lie there.
	Stage func(plan BatchPlan) (rt http.RoundTripper, lies func() (opened, there int))
}

// BatchPlan is how the jobs of a stand-in go.
type BatchPlan struct {
	Endless bool   // they never end
	Fails   bool   // they end without answers
	Files   bool   // answers come in a file, in another order
	Lost    string // prompts with this in them get no answer
	Lose    bool   // the next job is opened, and the word of it lost on the way
	Refuse  bool   // the next job is refused for a limit
	Crowded bool   // lists come in pages of one
}

func batchPrompts(n int) (out []connectors.Prompt) {
	for i := range n {
		p := modelPrompt
		p.User = fmt.Sprintf(`{"typed":"number %d."}`, i)
		out = append(out, p)
	}
	return out
}

// Batch holds a model that takes jobs to what a host relies on.
func Batch(t *testing.T, v BatchVendor) {
	play := func(name string, plan BatchPlan, f func(t *testing.T, b connectors.Batcher, again func() connectors.Batcher, lies func() (int, int))) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rt, lies := v.Stage(plan)
				again := func() connectors.Batcher {
					m := v.New(t, rt)
					b, ok := m.(connectors.Batcher)
					if !ok || b.Batching() == nil {
						t.Fatal("takes no jobs")
					}
					c, ok := m.(connectors.Capable)
					if can, err := c.Can(t.Context()); !ok || err != nil || !can.Batch {
						t.Fatal("does not say that it takes jobs")
					}
					return b
				}
				f(t, again(), again, lies)
			})
		})
	}
	for name, plan := range map[string]BatchPlan{"answers in the job": {}, "answers in a file": {Files: true}} {
		play(name, plan, batchAnswers)
	}
	play("answers that are missing", BatchPlan{Lost: "number 1."}, func(t *testing.T, b connectors.Batcher, _ func() connectors.Batcher, _ func() (int, int)) {
		good, bad := 0, 0
		for _, a := range batchRun(t, b, "t1", batchPrompts(3)) {
			switch {
			case a.Err == nil && a.Usage.MicroUSD > 0:
				good++
			case a.Prompt == 1 && a.Usage.MicroUSD == 0 && !connectors.Stops(a.Err):
				bad++
			}
		}
		if good != 2 || bad > 1 {
			t.Errorf("%d good, %d bad", good, bad)
		}
	})
	play("a job that fails", BatchPlan{Fails: true}, func(t *testing.T, b connectors.Batcher, _ func() connectors.Batcher, _ func() (int, int)) {
		if answers := batchRun(t, b, "t1", batchPrompts(2)); len(answers) > 0 {
			t.Errorf("answers: %+v", answers)
		}
	})
	play("a job found again", BatchPlan{Lose: true, Crowded: true}, batchFound)
	play("a job refused", BatchPlan{Refuse: true}, func(t *testing.T, b connectors.Batcher, again func() connectors.Batcher, lies func() (int, int)) {
		if err := b.Submit(t.Context(), "t1", batchPrompts(2)); err == nil || connectors.KindOf(err) == connectors.Transient {
			t.Errorf("submitted: %v", err)
		}
		if opened, _ := lies(); opened != 0 {
			t.Errorf("%d jobs were opened", opened)
		}
		if _, _, err := again().Poll(t.Context(), "t1"); connectors.KindOf(err) != connectors.Gone {
			t.Errorf("looked at: %v", err)
		}
	})
	play("a job discarded", BatchPlan{Endless: true}, func(t *testing.T, b connectors.Batcher, again func() connectors.Batcher, lies func() (int, int)) {
		if err := b.Submit(t.Context(), "t1", batchPrompts(2)); err != nil {
			t.Fatal(err)
		}
		if done, _, err := b.Poll(t.Context(), "t1"); done || err != nil {
			t.Fatalf("over: %v, %v", done, err)
		}
		for range 2 { // the second time it is unknown
			if err := again().Discard(t.Context(), "t1"); err != nil {
				t.Error(err)
			}
		}
		if _, there := lies(); there != 0 {
			t.Errorf("%d jobs and files are left", there)
		}
		if _, _, err := b.Poll(t.Context(), "t1"); connectors.KindOf(err) != connectors.Gone {
			t.Errorf("looked at: %v", err)
		}
	})
}

func batchRun(t *testing.T, b connectors.Batcher, token string, prompts []connectors.Prompt) []connectors.BatchAnswer {
	t.Helper()
	if err := b.Submit(t.Context(), token, prompts); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		done, answers, err := b.Poll(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if done {
			return answers
		}
	}
	t.Fatal("the job does not end")
	return nil
}

// Each prompt has its own answer, at the share of the price that is told, and nothing is left once a job is discarded.
func batchAnswers(t *testing.T, b connectors.Batcher, _ func() connectors.Batcher, lies func() (int, int)) {
	prompts := batchPrompts(4)
	seen := map[int]bool{}
	for _, a := range batchRun(t, b, "t1", prompts) {
		if a.Err != nil || a.Prompt < 0 || a.Prompt >= len(prompts) || seen[a.Prompt] {
			t.Fatalf("answer %+v", a)
		}
		seen[a.Prompt] = true
		if want := fmt.Sprintf(`{"want":"number %d."}`, a.Prompt); string(a.JSON) != want {
			t.Errorf("prompt %d: %s", a.Prompt, a.JSON)
		}
		full := float64(a.Usage.In + 2*a.Usage.Out)
		if want := b.Batching().Share * full; a.Usage.Calls != 1 || float64(a.Usage.MicroUSD) < want || float64(a.Usage.MicroUSD) > want+1 {
			t.Errorf("prompt %d: usage %+v", a.Prompt, a.Usage)
		}
	}
	if len(seen) != len(prompts) {
		t.Errorf("%d of %d answers", len(seen), len(prompts))
	}
	if err := b.Discard(t.Context(), "t1"); err != nil {
		t.Error(err)
	}
	if _, there := lies(); there != 0 {
		t.Errorf("%d jobs and files are left", there)
	}
}

// A job of which no word came back is found by its token, among others, and not opened again.
func batchFound(t *testing.T, b connectors.Batcher, again func() connectors.Batcher, lies func() (int, int)) {
	if err := b.Submit(t.Context(), "t1", batchPrompts(2)); connectors.KindOf(err) != connectors.Transient {
		t.Fatalf("submitted: %v", err)
	}
	for i := range 3 {
		if err := b.Submit(t.Context(), fmt.Sprint("other", i), batchPrompts(1)); err != nil {
			t.Fatal(err)
		}
	}
	b = again() // which knows of nothing
	for range 4 {
		done, answers, err := b.Poll(t.Context(), "t1")
		if err != nil {
			t.Fatal(err)
		}
		if done {
			if len(answers) != 2 {
				t.Errorf("%d answers", len(answers))
			}
			break
		}
	}
	if opened, _ := lies(); opened != 4 {
		t.Errorf("%d jobs were opened", opened)
	}
	if _, _, err := b.Poll(t.Context(), "nobody's"); connectors.KindOf(err) != connectors.Gone {
		t.Errorf("an unknown token: %v", err)
	}
}
