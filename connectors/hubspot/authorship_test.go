package hubspot

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
)

func TestHistoryTellsWhoEditedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, h := box(t, sandbox.HubSpotOptions{})
		_, err := c.Apply(t.Context())
		must(t, err)
		var refs []connectors.Ref
		for i := range 120 {
			refs = append(refs, ref(h.CreateContact(map[string]string{"email": fmt.Sprintf("p%d@example.com", i)})))
		}
		write := func(r connectors.Ref, v string) {
			results, err := c.Write(t.Context(), []connectors.Patch{{Ref: r, Fields: map[string]string{"score": v, "tier": "high"}}})
			must(t, err)
			must(t, results[0].Err)
			time.Sleep(time.Second)
		}
		edit := func(r connectors.Ref, props map[string]string, by string) {
			must(t, h.UpdateContact(r.ID, props, by))
			time.Sleep(time.Second)
		}
		write(refs[0], "1.0")
		write(refs[1], "1.0")
		edit(refs[1], map[string]string{"intent_score": "99", "intent_verdict": "not_now"}, "17")
		edit(refs[2], map[string]string{"intent_score": "99"}, "17")
		write(refs[2], "2.0")
		write(refs[3], "1.0")
		edit(refs[3], map[string]string{"intent_score": "5"}, "") // another integration
		edit(refs[119], map[string]string{"intent_tier": "low"}, "17")
		before := h.Counters().Requests
		got, err := c.HumanEdited(t.Context(), refs)
		must(t, err)
		want := map[connectors.Ref][]string{refs[1]: {"score"}, refs[119]: {"tier"}}
		if !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("edited by humans: %v, want %v", got, want)
		}
		if n := h.Counters().Requests - before; n != 3 {
			t.Errorf("%d requests for 120 records", n)
		}
	})
}

func TestTheNewestVersionCountsInWhateverOrderTheyCome(t *testing.T) {
	old, young := version{Value: "1", Timestamp: "2026-11-19T00:00:00Z"}, version{Value: "2", Timestamp: "1795162620000"}
	for _, list := range [][]version{{old, young}, {young, old}} {
		if v, ok := newest(list); !ok || v != young {
			t.Errorf("of %+v the newest is %+v", list, v)
		}
	}
	if _, ok := newest(nil); ok {
		t.Error("nothing has a newest version")
	}
}

func TestAuthors(t *testing.T) {
	for _, c := range []struct {
		v    version
		want bool
	}{
		{version{SourceType: "CRM_UI", SourceID: "userId:1", UserID: "1"}, true}, {version{SourceType: "CRM_UI"}, true}, {version{SourceType: "MOBILE_IOS"}, true},
		{version{SourceType: "IMPORT", UserID: "1"}, true}, {version{SourceType: "IMPORT"}, false}, {version{SourceType: "BATCH_UPDATE", SourceID: "userId:9"}, true},
		{version{SourceType: "INTEGRATION", SourceID: "1001"}, false}, {version{SourceType: "INTEGRATION", UserID: "1"}, false}, {version{SourceType: "API", UserID: "1"}, false},
		{version{SourceType: "AUTOMATION_PLATFORM", UserID: "1"}, false}, {version{UserID: "0"}, false}, {version{}, false},
	} {
		if got := c.v.human(); got != c.want {
			t.Errorf("%+v: %v", c.v, got)
		}
	}
}
