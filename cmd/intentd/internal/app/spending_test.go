package app

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/gemini/geminitest"
	"github.com/intentd/intentd/connectors/sandbox"
)

// Promise: what the model costs is told by stage and person: in the log of each hour, in status, in metrics and after a round.
func TestSpendingIsToldByStageAndPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		for _, name := range []string{"ada", "ben"} {
			p.portal.CreateContact(map[string]string{"email": name + "@one.example"})
		}
		model := &geminitest.Server{Key: "key", In: 1000, Out: 100}
		p.write(t, "model: {provider: gemini, name: gemini-3.5-flash-lite, api_key: key, base_url: \"http://127.0.0.1:2\"}\n")
		a := p.openWith(t, hosts{"127.0.0.1:2": model, "127.0.0.1:1": p.portal.Transport()})
		p.provision(t, a)
		spent := a.Meter()
		if s := spent(); s != nil {
			t.Errorf("spent before anything was asked: %+v", s)
		}
		a.work(t.Context())
		defer stopped(t, a)
		time.Sleep(2 * time.Minute)
		for _, name := range []string{"ada", "ben"} {
			p.visit(t, name, name+"@one.example", connectors.KindDemoRequest, "/demo")
		}
		time.Sleep(2 * time.Hour)
		s := spent()
		if s == nil || s.People != 2 || s.Stages["stage2"].Calls != 2 || s.Stages["stage1"].Calls == 0 || s.USD <= 0 {
			t.Fatalf("spent %+v", s)
		}
		var sum int64
		for _, u := range s.Stages {
			sum += u.MicroUSD
		}
		if math.Abs(s.USD-float64(sum)/1e6) > 1e-9 || math.Abs(s.PerPerson.USD*2-s.USD) > 1e-9 || s.PerPerson.Tokens < 1100 {
			t.Errorf("the stages do not add up: %+v", s)
		}
		st, err := StatusOf.Do(t.Context(), a, Nothing{})
		if err != nil || st.Texts == nil || st.Texts.Spending == nil || st.Texts.Spending.Stages["stage2"] != s.Stages["stage2"] {
			t.Errorf("status: %+v, %v", st.Texts, err)
		}
		if n, _ := strconv.ParseFloat(scrape(t, a, "intentd_model_person_usd_today"), 64); math.Abs(n-s.PerPerson.USD) > 1e-9 {
			t.Errorf("a person costs %v by the metrics, %v by the meter", n, s.PerPerson.USD)
		}
		if n := scrape(t, a, `intentd_model_stage_usd_today{purpose="stage2"}`); n == "0" || n == "none" {
			t.Errorf("stage 2 costs %s by the metrics", n)
		}
		if log := p.log.String(); !strings.Contains(log, "what the model was asked and cost: 2 people") || !strings.Contains(log, "stage2: 2 calls") {
			t.Errorf("log:\n%s", log)
		}
	})
}
