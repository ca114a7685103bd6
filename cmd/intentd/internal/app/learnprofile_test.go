package app

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/state"
)

// Promise: strengths that go by a property which the configuration names no more score nobody as somebody of whom the CRM says nothing, and log, status, doctor and plan --against say so.
func TestStrengthsByAPropertyThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		const engine = "scoring: {engine: propensity}\nlearning: \"off\"\n"
		p.crm = ", learning_profile: [industry]"
		p.write(t, engine)
		a := p.open(t)
		defer a.Close()
		m := &learn.Strengths{K: 10, Offset: 300, Calibration: learn.Calibration{B: 1}, Features: []learn.Strength{
			{Feature: learn.Feature{Fact: "profile: industry", Form: learn.Is, Level: "retail"}, Strength: 1, Spread: 0.5, Usual: 0.25},
			{Feature: learn.Feature{Fact: "visits", Form: learn.Log}, Strength: 1, Spread: 1, Usual: 1},
		}}
		var file bytes.Buffer
		if err := m.Write(&file); err != nil {
			t.Fatal(err)
		}
		id, err := a.db.PutLearned(state.Learned{At: time.Now(), By: byCommand, Engine: config.EnginePropensity, Strengths: file.String()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := LearnApply.Do(t.Context(), a, LearnedNumber{Number: id}); err != nil {
			t.Fatal(err)
		}
		said := func() (gone []string, doctor bool) {
			t.Helper()
			st, err := StatusOf.Do(t.Context(), a, Nothing{})
			if err != nil {
				t.Fatal(err)
			}
			found, err := Examine.Do(t.Context(), a, File{})
			if err != nil {
				t.Fatal(err)
			}
			return st.Learning.Gone, slices.ContainsFunc(found, func(c Checked) bool { return c.Code == "learn.profile_gone" && strings.Contains(c.Message, "industry") })
		}
		if gone, doctor := said(); gone != nil || doctor || len(a.Pipeline().Setup().Score.Additive.Terms) != 2 {
			t.Errorf("named, and gone is %v, by doctor %t", gone, doctor)
		}
		p.crm = ""
		p.write(t, engine)
		against, err := ReadFile(p.file)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := PlanAgainst.Do(t.Context(), a, EffectArguments{Against: against}); err != nil || !slices.Equal(e.Gone, []string{"industry"}) {
			t.Errorf("plan --against says %+v, %v", e, err)
		}
		if _, err := a.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if gone, doctor := said(); !slices.Equal(gone, []string{"industry"}) || !doctor {
			t.Errorf("gone is %v, by doctor %t", gone, doctor)
		}
		if set := a.Pipeline().Setup().Score; len(set.Additive.Terms) != 1 || set.Additive.Offset != 350 {
			t.Errorf("scored by %+v", set.Additive)
		}
		if !strings.Contains(p.log.String(), "no learning_profile names any more") {
			t.Error("the log does not say so")
		}
	})
}
