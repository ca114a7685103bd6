package hubspot

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/intentd/intentd/connectors"
)

// A batch that answers with the survivor in place of a merged id tells enough: nothing more is asked.
func TestASurvivorInABatchLeadsFromTheMergedID(t *testing.T) {
	c, f := connect(t, func(s seen) reply {
		return ok(`{"results":[{"id":"900","properties":{"hs_merged_object_ids":"5;7","hs_calculated_merged_vids":"5:1;6:2"}},{"id":"8","properties":{}}]}`)
	})
	got, err := c.Read(t.Context(), []connectors.Ref{ref("5"), ref("8"), ref("6"), ref("5")})
	must(t, err)
	for i, want := range []connectors.State{connectors.Merged, connectors.Live, connectors.Merged, connectors.Merged} {
		if got[i].State != want || want == connectors.Merged && got[i].Into != ref("900") {
			t.Errorf("contact %d is %s into %s", i, got[i].State, got[i].Into)
		}
	}
	if len(f.request) != 1 {
		t.Errorf("%d requests", len(f.request))
	}
}

func TestReadAsksOnlyForTheAllowList(t *testing.T) {
	c, f := connect(t, func(s seen) reply { return batch(s.inputs()...) })
	_, err := c.Read(t.Context(), []connectors.Ref{ref("1"), ref("2"), ref("1")})
	must(t, err)
	s := f.request[0]
	if s.method != "POST" || s.path != "/crm/objects/2026-09/contacts/batch/read" || s.query != "" || !slices.Equal(s.inputs(), []string{"1", "2"}) {
		t.Errorf("%+v", s)
	}
	for _, name := range []string{"email", "hs_analytics_num_page_views", "intent_verdict", "hs_merged_object_ids"} {
		if !strings.Contains(s.body, `"`+name+`"`) {
			t.Errorf("%s is not asked for", name)
		}
	}
}

// A 404 must not erase anybody unless HubSpot says that it means the record.
func TestAWrongAddressErasesNobody(t *testing.T) {
	for _, body := range []string{`{}`, `{"message":"no such route"}`, `<html>`} {
		synctest.Test(t, func(t *testing.T) {
			c, _ := connect(t, func(s seen) reply {
				if s.method == "POST" {
					return ok(`{"results":[]}`)
				}
				return reply{status: 404, body: body}
			})
			got, err := c.Read(t.Context(), []connectors.Ref{ref("1")})
			if err == nil || got != nil {
				t.Errorf("%s: %+v, %v", body, got, err)
			}
		})
	}
}

func TestARefOfAnotherPortalIsTheHostsMistake(t *testing.T) {
	c, f := connect(t, nil)
	other := ref("1")
	other.CRM = "another"
	if _, err := c.Read(t.Context(), []connectors.Ref{other}); connectors.KindOf(err) != connectors.Config {
		t.Error(err)
	}
	results, err := c.Write(t.Context(), []connectors.Patch{{Ref: other, Fields: map[string]string{"score": "1.0"}}})
	if err != nil || connectors.KindOf(results[0].Err) != connectors.Rejected || len(f.request) > 0 {
		t.Error(results, err)
	}
}

// One record over which HubSpot fails is no failure of the others' reads: the call is refused, so that the host asks in halves.
func TestOneRecordThatCannotBeReadIsNotEverybodys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var refs []connectors.Ref
		for i := range 60 {
			refs = append(refs, ref(strconv.Itoa(i+1)))
		}
		c, _ := connect(t, func(s seen) reply {
			if slices.Contains(s.inputs(), "42") {
				return reply{status: 500}
			}
			return batch(s.inputs()...)
		})
		if _, err := c.Read(t.Context(), refs); connectors.KindOf(err) != connectors.Rejected || !connectors.Passing(err) {
			t.Errorf("of 60: %v", err)
		}
		if _, err := c.Read(t.Context(), refs[41:42]); connectors.KindOf(err) != connectors.Transient {
			t.Errorf("alone: %v", err)
		}
		if read, err := c.Read(t.Context(), refs[:41]); err != nil || len(read) != 41 {
			t.Errorf("the others: %v", err)
		}
		c, f := connect(t, func(seen) reply { return reply{status: 500} })
		if _, err := c.Read(t.Context(), refs); connectors.KindOf(err) != connectors.Transient || len(f.request) > 7 {
			t.Errorf("an outage: %v after %d requests", err, len(f.request))
		}
	})
}
