package crmkit

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

func TestAProbeTellsWhatFailed(t *testing.T) {
	for _, v := range []struct {
		name, lacksRights string
		err               error
		code, fix         string
	}{
		{"a refused token", "RIGHTS", &connectors.Error{Kind: connectors.Auth, Code: "EXPIRED", Fix: "renew it"}, "x.token", "renew it"},
		{"missing rights", "RIGHTS", &connectors.Error{Kind: connectors.Auth, Code: "RIGHTS"}, "x.check", "look"},
		{"no code, where none means rights", "", &connectors.Error{Kind: connectors.Auth}, "x.token", "look"},
		{"a spent day", "", &connectors.Error{Kind: connectors.Quota}, "x.quota", waitFix},
		{"a limit", "", &connectors.Error{Kind: connectors.RateLimited}, "x.quota", waitFix},
		{"any other", "", errors.New("broken"), "x.check", "look"},
	} {
		t.Run(v.name, func(t *testing.T) {
			p := Probe{Token: "x.token", Quota: "x.quota", LacksRights: v.lacksRights, Fix: "look"}
			p.Failed(v.err, "x.check", "it cannot be asked")
			f := p.Findings[0]
			if f.Code != v.code || f.Fix != v.fix || f.Severity != connectors.Failure || f.Message != "it cannot be asked: "+v.err.Error() {
				t.Errorf("found %+v", f)
			}
		})
	}
}

func TestAProbeComparesClocks(t *testing.T) {
	at := time.Date(2026, 11, 19, 8, 17, 0, 0, time.UTC)
	for _, v := range []struct {
		skew     time.Duration
		severity connectors.Severity
		message  string
	}{
		{30 * time.Second, connectors.OK, "clocks agree"},
		{-31 * time.Second, connectors.Warning, "differs from Vendor's by -31s"},
		{5 * time.Minute, connectors.Warning, "by 5m0s"},
		{5*time.Minute + time.Second, connectors.Failure, "by 5m1s; nothing is purged or cooled meanwhile, nor signed"},
	} {
		p := Probe{Vendor: "Vendor", Clock: "x.clock", SkewAlso: ", nor signed"}
		p.Clocks(at, at.Add(v.skew))
		if f := p.Findings[0]; f.Code != "x.clock" || f.Severity != v.severity || !strings.HasSuffix(f.Message, v.message) {
			t.Errorf("%s: found %+v", v.skew, f)
		}
	}
	var p Probe
	if p.Clocks(time.Time{}, at); p.Findings != nil {
		t.Errorf("of a time that was not told: %+v", p.Findings)
	}
}

func TestEveryPatchIsAnsweredForByItsRef(t *testing.T) {
	patches := make([]connectors.Patch, 4)
	for i := range patches {
		patches[i].Ref = connectors.Ref{CRM: "x", Object: "people", ID: string(rune('a' + i))}
	}
	w := NewWriting(transport.New(transport.Options{Name: "x"}), "write", patches)
	own, ended := errors.New("of the row"), errors.New("of the call")
	w.Tell(0, connectors.Result{Ref: patches[3].Ref})
	w.Reject(1, own)
	w.NoRecord(2)
	results, err := w.End(ended)
	if err != ended {
		t.Errorf("the call ended with %v", err)
	}
	for i, r := range results {
		if r.Ref != patches[i].Ref {
			t.Errorf("result %d is of %s", i, r.Ref)
		}
	}
	if results[0].Err != nil || results[1].Err != own || connectors.KindOf(results[2].Err) != connectors.Gone || results[3].Err != ended {
		t.Errorf("results %v", results)
	}
}

func TestARefusedPlanTellsAllReasonsAndEachFixOnce(t *testing.T) {
	c := transport.New(transport.Options{Name: "x"})
	plan := Plan{Step{FieldStep: connectors.FieldStep{Object: "people", Field: "score"}}.Found(true)}
	if err := plan.refusal(c); err != nil {
		t.Errorf("a plan that can be carried out: %v", err)
	}
	for _, name := range []string{"tier", "trend"} {
		plan = append(plan, Step{FieldStep: connectors.FieldStep{Object: "people", Field: name}}.Refuse("map it", "taken"))
	}
	var e *connectors.Error
	if err := plan.refusal(c); !errors.As(err, &e) || e.Kind != connectors.Config || e.Message != "people tier: taken; people trend: taken" || e.Fix != "map it" {
		t.Errorf("refused with %+v", e)
	}
}

func TestAddressesAreKeptOnceInTheirComparedForm(t *testing.T) {
	var list []string
	for _, s := range []string{" Person@Example.com ", "", "person@example.COM", "  ", "b@example.com"} {
		list = AppendAddress(list, s)
	}
	if !slices.Equal(list, []string{"person@example.com", "b@example.com"}) {
		t.Errorf("kept %q", list)
	}
}

func TestANameThatCannotStandInARefIsRefused(t *testing.T) {
	for name, ok := range map[string]bool{"hubspot": true, "hub-spot_2": true, "hub spot": false, "hub/spot": false} {
		if e := CheckName(name); (e == nil) != ok || e != nil && e.Kind != connectors.Config {
			t.Errorf("%q: %v", name, e)
		}
	}
}

func TestRoundsNameARecordOnceAndKeepItsOrder(t *testing.T) {
	rounds := Rounds([]string{"a1", "b1", "a2", "c1", "a3", "b2"}, func(s string) string { return s[:1] })
	want := [][]string{{"a1", "b1", "c1"}, {"a2", "b2"}, {"a3"}}
	if !slices.EqualFunc(rounds, want, slices.Equal) {
		t.Errorf("rounds %q, want %q", rounds, want)
	}
}

func TestNoBatchBeginsAfterAFailure(t *testing.T) {
	first := errors.New("first")
	var sent []int
	err := InLanes([][]int{{1, 2}, {3, 4}, {5}}, 1, func(n int) error {
		sent = append(sent, n)
		if n == 3 {
			return first
		}
		return nil
	})
	if err != first || !slices.Equal(sent, []int{1, 2, 3}) {
		t.Errorf("sent %v, %v", sent, err)
	}
}
