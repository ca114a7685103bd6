package hubspot

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/internal/transport"
	"github.com/intentd/intentd/connectors/sandbox"
)

func box(t *testing.T, o sandbox.HubSpotOptions, change ...func(*Options)) (*Client, *sandbox.HubSpot) {
	t.Helper()
	h := sandbox.NewHubSpot(o)
	opts := Options{Token: "pat-na1-sandbox", HTTP: h.Transport()}
	for _, ch := range change {
		ch(&opts)
	}
	c, err := New(opts)
	must(t, err)
	return c, h
}

func plan(t *testing.T, c *Client) map[string]connectors.FieldStep {
	t.Helper()
	steps, err := c.Plan(t.Context())
	must(t, err)
	by := map[string]connectors.FieldStep{}
	for _, s := range steps {
		by[s.Field] = s
	}
	return by
}

func TestPropertiesAreMadeAsTheyShouldBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, h := box(t, sandbox.HubSpotOptions{})
		steps, err := c.Apply(t.Context())
		if err != nil || len(steps) != len(connectors.PersonFields().Fields)+1 || steps[0].Property != "intentd" || steps[0].Field != "" {
			t.Fatalf("%d steps, %v", len(steps), err)
		}
		have, err := c.definitions(t.Context())
		must(t, err)
		for _, f := range connectors.PersonFields().Fields {
			d := have["intent_"+f.Name]
			if d == nil || d.GroupName != "intentd" || d.Label != f.Label || !strings.HasSuffix(d.Description, marker) || len(d.Options) != len(f.Options) {
				t.Errorf("%s is defined as %+v", f.Name, d)
			}
		}
		for name, want := range map[string][2]string{"intent_score": {"number", "number"}, "intent_tier": {"enumeration", "select"}, "intent_summary": {"string", "textarea"},
			"intent_headline": {"string", "text"}, "intent_cools_on": {"date", "date"}, "intent_scored_at": {"datetime", "date"}} {
			if d := have[name]; d.Type != want[0] || d.FieldType != want[1] {
				t.Errorf("%s is a %s of %s", name, d.FieldType, d.Type)
			}
		}
		before := h.Counters().Requests
		if again, err := c.Apply(t.Context()); err != nil || len(again) != 0 || h.Counters().Requests-before != 1 {
			t.Errorf("applied again: %d steps, %v, %d requests", len(again), err, h.Counters().Requests-before)
		}
	})
}

func TestForeignPropertiesAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		field  string
		to     string
		adopt  bool
		action connectors.FieldAction
		why    string
	}{
		{"a standard property", connectors.FieldTier, "lifecyclestage", false, connectors.FieldRefuse, "standard property"},
		{"a standard property even if adopting", connectors.FieldHeadline, "jobtitle", true, connectors.FieldRefuse, "standard property"},
		{"another field's property", connectors.FieldTopics, "intent_product", false, connectors.FieldRefuse, "field product"},
		{"somebody else's", connectors.FieldScore, "their_score", false, connectors.FieldRefuse, "not made by intentd"},
		{"somebody else's, adopted", connectors.FieldScore, "their_score", true, connectors.FieldAdopt, "used as it is"},
		{"somebody else's of the wrong type", connectors.FieldScore, "their_text", true, connectors.FieldRefuse, "of type string"},
		{"somebody else's with other options", connectors.FieldTrend, "their_trend", true, connectors.FieldAdopt, "lacks the options new, rising, steady, cooling"},
		{"one of our own by another name", connectors.FieldScore, "lead_heat", false, connectors.FieldCreate, "does not exist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cl, h := box(t, sandbox.HubSpotOptions{}, func(o *Options) { o.Adopt, o.Fields = c.adopt, map[string]string{c.field: c.to} })
				must(t, h.Define("contacts", "their_score", "number", "number"))
				must(t, h.Define("contacts", "their_text", "string", "text"))
				must(t, h.Define("contacts", "their_trend", "enumeration", "select", "surging", "theirs"))
				s := plan(t, cl)[c.field]
				if s.Action != c.action || !strings.Contains(s.Why, c.why) || s.Property != c.to || (s.Action == connectors.FieldRefuse) != (s.Fix != "") {
					t.Fatalf("%+v", s)
				}
				before := h.Counters().Calls("POST properties/contacts") + h.Counters().Calls("POST properties/contacts/groups")
				_, err := cl.Apply(t.Context())
				if c.action == connectors.FieldRefuse {
					if e, _ := err.(*connectors.Error); e == nil || e.Kind != connectors.Config || e.Fix == "" {
						t.Errorf("applied: %v", err)
					}
					if n := h.Counters().Calls("POST properties/contacts") + h.Counters().Calls("POST properties/contacts/groups"); n != before {
						t.Error("something was made beside a refusal")
					}
					if found := connectortest.Findings(cl.Probe(t.Context())); !strings.Contains(found, findRefused) {
						t.Errorf("findings\n%s", found)
					}
					return
				}
				must(t, err)
				if s := plan(t, cl)[c.field]; s.Action != connectors.FieldOK && s.Action != connectors.FieldAdopt || strings.Contains(s.Why, "lacks") {
					t.Errorf("after applying: %+v", s)
				}
				if have, _ := cl.definitions(t.Context()); c.to == "their_trend" && !slices.ContainsFunc(have["their_trend"].Options, func(o optionWire) bool { return o.Value == "theirs" }) {
					t.Error("the owner's option was taken away")
				}
				steps, err := cl.Remove(t.Context(), true)
				must(t, err)
				for _, s := range steps {
					if s.Field == c.field && (s.Action == connectors.FieldRemove) != (c.action == connectors.FieldCreate) {
						t.Errorf("removed: %+v", s)
					}
				}
				if have, _ := cl.definitions(t.Context()); have["their_score"] == nil {
					t.Error("somebody else's property was removed")
				}
			})
		})
	}
}

func TestOptionsSomebodyTookAwayComeBackBesideTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, h := box(t, sandbox.HubSpotOptions{})
		_, err := c.Apply(t.Context())
		must(t, err)
		_, err = c.http.Do(t.Context(), patchOptions(c, `{"options":[{"label":"Hoch","value":"high","hidden":false,"displayOrder":0},{"label":"Low","value":"low","hidden":true,"displayOrder":1},{"label":"Hot","value":"hot","hidden":false,"displayOrder":2}]}`))
		must(t, err)
		if s := plan(t, c)[connectors.FieldTier]; s.Action != connectors.FieldUpdate || !strings.Contains(s.Why, "medium, low, unknown") {
			t.Fatalf("%+v", s)
		}
		if found := connectortest.Findings(c.Probe(t.Context())); !strings.Contains(found, findOptions) {
			t.Errorf("findings\n%s", found)
		}
		_, err = c.Apply(t.Context())
		must(t, err)
		have, err := c.definitions(t.Context())
		must(t, err)
		got := map[string]string{}
		for _, o := range have["intent_tier"].Options {
			if o.Hidden {
				t.Errorf("%s is hidden", o.Value)
			}
			got[o.Value] = o.Label
		}
		if len(got) != 5 || got["high"] != "Hoch" || got["hot"] != "Hot" || got["medium"] != "Medium" {
			t.Errorf("options %v", got)
		}
		_ = h
	})
}

func TestProbeNamesWhatIsWrong(t *testing.T) {
	all := []string{"crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read", "crm.schemas.contacts.write", "crm.objects.deals.read"}
	for i, scope := range all {
		synctest.Test(t, func(t *testing.T) {
			c, _ := box(t, sandbox.HubSpotOptions{Scopes: slices.Concat(all[:i], all[i+1:])}, func(o *Options) { o.Deals = true })
			var f connectors.Finding
			for _, x := range c.Probe(t.Context()) {
				if x.Code == findScope {
					f = x
				}
			}
			want := connectors.Failure
			if i == 4 {
				want = connectors.Warning
			}
			if f.Severity != want || !strings.Contains(f.Message, scope) || !strings.Contains(f.Fix, scope) {
				t.Errorf("without %s: %+v", scope, f)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c, _ := box(t, sandbox.HubSpotOptions{Scopes: all[:4]})
		if found := c.Probe(t.Context()); slices.ContainsFunc(found, func(f connectors.Finding) bool { return f.Code == findScope }) {
			t.Errorf("a scope is asked for that nothing needs:\n%s", connectortest.Findings(found))
		}
	})
	synctest.Test(t, func(t *testing.T) { // the scope that making properties needs is asked for only while there are some to make
		h := sandbox.NewHubSpot(sandbox.HubSpotOptions{})
		maker, err := New(Options{Token: "pat-na1-sandbox", HTTP: h.Transport()})
		must(t, err)
		_, err = maker.Apply(t.Context())
		must(t, err)
		h.SetScopes(all[:3]...)
		found := maker.Probe(t.Context())
		if slices.ContainsFunc(found, func(f connectors.Finding) bool { return f.Severity == connectors.Failure || f.Code == findScope }) ||
			!slices.ContainsFunc(found, func(f connectors.Finding) bool { return f.Code == findScopes && strings.Contains(f.Message, all[3]) }) {
			t.Errorf("with all properties made:\n%s", connectortest.Findings(found))
		}
	})
	for code, setup := range map[string]func(*sandbox.HubSpotOptions, *Options){
		findToken:   func(s *sandbox.HubSpotOptions, o *Options) { o.Token = "pat-na1-wrong-token" },
		findMissing: func(*sandbox.HubSpotOptions, *Options) {},
		findInput:   func(s *sandbox.HubSpotOptions, o *Options) { o.Inputs = []string{"no_such_property"} },
		findVersion: func(s *sandbox.HubSpotOptions, o *Options) {
			o.APIVersion, o.Now = "v3", func() time.Time { return time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC) }
		},
		findClock: func(s *sandbox.HubSpotOptions, o *Options) { s.Now = fastClock },
		findCost:  func(s *sandbox.HubSpotOptions, o *Options) { s.Tier, o.Poll = "starter", 1 },
	} {
		synctest.Test(t, func(t *testing.T) {
			var s sandbox.HubSpotOptions
			o := Options{Token: "pat-na1-sandbox"}
			setup(&s, &o)
			h := sandbox.NewHubSpot(s)
			o.HTTP = h.Transport()
			c, err := New(o)
			must(t, err)
			found := c.Probe(t.Context())
			if !slices.ContainsFunc(found, func(f connectors.Finding) bool {
				return f.Code == code && f.Severity != connectors.OK && f.Fix != ""
			}) {
				t.Errorf("want %s, found\n%s", code, connectortest.Findings(found))
			}
			if len(h.Writes()) > 0 || len(h.ContactIDs()) > 0 {
				t.Error("the probe changed something")
			}
		})
	}
}

func patchOptions(c *Client, body string) (r transport.Request) {
	r = transport.Post("change options", c.paths.property("intent_tier"), []byte(body))
	r.Method = http.MethodPatch
	return r
}

func fastClock() time.Time { return time.Now().Add(10 * time.Minute) }
