package salesforce

import (
	"fmt"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
)

// The field history names who set a field last; where it is off, nobody is named.
func TestAuthorship(t *testing.T) {
	p := newOrg(t, Lead)
	refs := p.Create(t, 2)
	c := p.connect(t)
	by, err := c.HumanEdited(t.Context(), refs)
	if err != nil || len(by) > 0 {
		t.Errorf("without history: %v, %v", by, err)
	}
	rep := p.IDs("User")[4]
	c, _ = p.watched(t, historyOf(
		entry{refs[0], "Intent_Score__c", rep, 1, "70"}, entry{refs[0], "Intent_Score__c", p.UserID(), 2, "64"}, // ours again
		entry{refs[0], "Intent_Tier__c", p.UserID(), 3, `"low"`}, entry{refs[0], "intent_tier__c", rep, 4, `"high"`},
		entry{refs[0], "Intent_Headline__c", rep, 5, "null"}, // emptied: given back
		entry{refs[0], "Intent_Verdict__c", rep, 7, `"interested"`}, entry{refs[0], "Intent_Verdict__c", rep, 8, `"not_now"`},
		entry{refs[1], "Intent_Summary__c", rep, 6, "null"})) // a long text, of which no value is kept
	_, err = c.Account(t.Context())
	must(t, err)
	by, err = c.HumanEdited(t.Context(), refs)
	must(t, err)
	if len(by) != 2 || fmt.Sprint(by[refs[0]].Fields) != "[tier]" || fmt.Sprint(by[refs[1]].Fields) != "[summary]" || by[refs[0]].VerdictAt.Second() != 8 {
		t.Errorf("%v", by)
	}
}

// Only what a person set is a person's: not what an integration, a platform, an import or intentd set.
func TestWhoIsAPerson(t *testing.T) {
	p := newOrg(t, Lead)
	refs := p.Create(t, manyAtOnce+1)
	rep := p.IDs("User")[4]
	history := historyOf(entry{refs[0], "Intent_Score__c", rep, 1, "54"})
	for _, k := range []struct {
		what, user string // the answer about the user
		want       bool
	}{
		{"a rep", `"UserType":"Standard","Profile":{"PermissionsApiUserOnly":false}`, true},
		{"a partner", `"UserType":"PowerPartner","Profile":{"PermissionsApiUserOnly":false}`, true},
		{"a user of a kind that is new", `"UserType":"Agent"`, true},
		{"an integration", `"UserType":"Standard","Profile":{"PermissionsApiUserOnly":true}`, false},
		{"a platform integration", `"UserType":"CloudIntegrationUser","Profile":null`, false},
		{"an automated process", `"UserType":"AutomatedProcess"`, false},
		{"a guest", `"UserType":"Guest"`, false},
		{"one who cannot be looked up", "", true},
	} {
		asked := 0
		c, _ := p.watched(t, func(r seen) reply {
			if strings.Contains(r.query, "FROM User ") {
				if asked++; k.user == "" || strings.Contains(r.query, "Profile.") && !strings.Contains(k.user, "Profile") {
					return reply{status: 400, body: `[{"errorCode":"INVALID_FIELD","message":"x"}]`}
				}
				return ok(fmt.Sprintf(`{"totalSize":1,"done":true,"records":[{"Id":%q,%s}]}`, rep, k.user))
			}
			return history(r)
		})
		for range 2 {
			by, err := c.HumanEdited(t.Context(), refs)
			must(t, err)
			if (len(by) == 1) != k.want {
				t.Errorf("%s: %v", k.what, by)
			}
		}
		if asked > 2 && k.user != "" {
			t.Errorf("%s was asked about %d times", k.what, asked)
		}
	}
	// An import writes many records in a second.
	var entries []entry
	for i, r := range refs {
		at := 1
		if i == len(refs)-1 {
			at = 2
		}
		entries = append(entries, entry{r, "Intent_Score__c", rep, at, "54"})
	}
	c, _ := p.watched(t, historyOf(entries...))
	by, err := c.HumanEdited(t.Context(), refs)
	must(t, err)
	if len(by) != 1 || by[refs[len(refs)-1]].Fields == nil {
		t.Errorf("an import, and one edit by hand: %v", by)
	}
}

// entry is one of the field history.
type entry struct {
	ref       connectors.Ref
	field, by string
	second    int
	value     string // as JSON
}

func historyOf(entries ...entry) func(seen) reply {
	var rows []string
	for _, e := range entries {
		rows = append(rows, fmt.Sprintf(`{"LeadId":%q,"Field":%q,"CreatedById":%q,"CreatedDate":"2026-11-20T08:17:%02d.000+0000","NewValue":%s}`, e.ref.ID, e.field, e.by, e.second, e.value))
	}
	return func(r seen) reply {
		if !strings.Contains(r.query, "FROM LeadHistory") {
			return reply{}
		}
		return ok(fmt.Sprintf(`{"totalSize":%d,"done":true,"records":[%s]}`, len(rows), strings.Join(rows, ",")))
	}
}
