package app

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/operate"
)

// Promise: what comes often and no rule covers is listed with its counts, a page only if several people saw it; a rule that names it ends that.
func TestSuggest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		a := p.open(t)
		p.provision(t, a)
		for n := range 4 {
			mail := fmt.Sprintf("p%d@one.example", n)
			p.portal.CreateContact(map[string]string{"email": mail})
			p.visit(t, fmt.Sprintf("a%d", n), mail, connectors.KindPageView, "/industries/logistics")
			p.visit(t, fmt.Sprintf("b%d", n), mail, connectors.KindPageView, "/pricing")
			p.visit(t, fmt.Sprintf("c%d", n), mail, "xylophone_tuned", "/studio")
		}
		p.visit(t, "d1", "p1@one.example", connectors.KindPageView, "/of/one/person")
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := Suggest.Do(t.Context(), a, Nothing{})
		want := []operate.Uncovered{{Kind: "xylophone_tuned", Source: "site", Times: 4}, {URL: "/industries/logistics", Times: 4, People: 4}}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
		stopped(t, a)
		p.write(t, "scoring: {rules: [{kind: \"xylophone*\", signal: content_view}, {url: /industries/**, signal: content_view}]}\n")
		a = p.open(t)
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := Suggest.Do(t.Context(), a, Nothing{}); err != nil || len(got) > 0 {
			t.Errorf("with rules: %+v, %v", got, err)
		}
		stopped(t, a)
	})
}
