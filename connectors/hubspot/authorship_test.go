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
		said := time.Now()
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
		if !maps.EqualFunc(got, want, func(e connectors.Edits, fields []string) bool { return slices.Equal(e.Fields, fields) }) {
			t.Errorf("edited by humans: %v, want %v", got, want)
		}
		if at := got[refs[1]].VerdictAt; !at.Equal(said.Truncate(time.Millisecond)) || !got[refs[119]].VerdictAt.IsZero() {
			t.Errorf("the verdict is said to be of %v, want %v", at, said)
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
	user := func(source string) version { return version{SourceType: source, SourceID: "userId:7", UserID: "7"} }
	for _, source := range []string{"CRM_UI", "CRM_UI_BULK_ACTION", "WORK_UI", "CONTACTS_WEB", "CONTACTS", "MOBILE_IOS", "MOBILE_ANDROID", "PLAYBOOKS", "crm_ui"} {
		if !(version{SourceType: source}).human() || !user(source).human() {
			t.Errorf("%s is a person's", source)
		}
	}
	for _, source := range []string{"IMPORT", "INTEGRATION", "INTEGRATIONS_PLATFORM", "INTEGRATIONS_SYNC", "API", "SALESFORCE", "SLACK_INTEGRATION", "PORTAL_OBJECT_SYNC",
		"WORKFLOWS", "WORKFLOW_CONTACT_DELETE_ACTION", "AUTOMATION_PLATFORM", "AUTOMATION_JOURNEY", "PRIMARY_AUTOMATION", "SEQUENCES", "CALCULATED", "DATA_ENRICHMENT",
		"BREEZE_AGENT", "FORM", "EMAIL_INTEGRATION", "MERGE_CONTACTS", "MERGE_OBJECTS", "PROPERTY_RESTORE", "PROPERTY_DEFAULT_VALUE", "RECYCLING_BIN"} {
		if (version{SourceType: source}).human() || user(source).human() {
			t.Errorf("%s is nobody's edit, whoever is named", source)
		}
	}
	for _, source := range []string{"", "BATCH_UPDATE", "A_SOURCE_OF_TOMORROW"} {
		if (version{SourceType: source, UserID: "0"}).human() || !user(source).human() || !(version{SourceType: source, SourceID: "userId:9"}).human() || !(version{SourceType: source, UserID: "9"}).human() {
			t.Errorf("%q is a person's where one is named, and only there", source)
		}
	}
}
