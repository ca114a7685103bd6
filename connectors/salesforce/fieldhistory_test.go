package salesforce

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Promise: of a field's past nothing is told but what its changes prove: from before a gap in them nothing, and nothing where the last one is not what the field says now.
func TestHistoryOfAField(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		what    string
		changes []fieldChange
		now     string
		at      time.Time
		want    string
	}{
		{"unchanged", nil, "Retail", day(5), "Retail"},
		{"before it was tracked", nil, "Retail", day(1), "untold"},
		{"filled in later", []fieldChange{{day(9), "", "Retail"}}, "Retail", day(5), "empty"},
		{"a number in two spellings", []fieldChange{{day(3), "", "120"}}, "120.0", day(5), "120"},
		{"a gap before", []fieldChange{{day(3), "", "Retail"}, {day(7), "Banking", "Media"}}, "Media", day(5), "untold"},
		{"after the gap", []fieldChange{{day(3), "", "Retail"}, {day(7), "Banking", "Media"}}, "Media", day(8), "Media"},
		{"a gap at the end", []fieldChange{{day(3), "", "Retail"}}, "Media", day(5), "untold"},
		{"a time that cannot be read", []fieldChange{{time.Time{}, "", "Retail"}}, "Retail", day(5), "untold"},
	} {
		got := "untold"
		if h, ok := changedBy(c.changes, day(2), c.now); ok {
			if v, told := h.At(c.at); told {
				if got = v; v == "" {
					got = "empty"
				}
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

// Promise: a field that is not tracked, of which nobody knows since when it says what it says, tells nothing; nor does one that nothing in the org shows to be tracked, nor a field of
// the other object.
func TestAFieldThatIsNotTrackedTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		c := p.connect(t)
		refs := p.Create(t, 2)
		read := func() map[string]connectors.PropertyHistory {
			t.Helper()
			got, err := c.History(t.Context(), refs, []string{"Title", "Lead.Industry", "Contact.Department", "nothing__c"})
			must(t, err)
			return got[refs[0]]
		}
		if got := read(); len(got) != 0 {
			t.Errorf("before any change %v", got)
		}
		time.Sleep(time.Hour)
		p.Change(t, refs[1:], "Buyer")
		must(t, p.Update(Lead, refs[0].ID, map[string]string{"Industry": "Retail"}, "")) // not tracked
		got := read()
		title, is := got["Title"]
		if v, told := title.At(time.Now()); len(got) != 1 || !is || !told || v != "Engineer" {
			t.Errorf("%v", got)
		}
		p.Track(Lead, "Industry")
		time.Sleep(time.Hour)
		must(t, p.Update(Lead, refs[1].ID, map[string]string{"Industry": "Banking"}, ""))
		industry := read()["Lead.Industry"]
		if v, told := industry.At(time.Now().Add(-time.Minute)); told {
			t.Errorf("said %q before it was tracked", v)
		}
		if v, told := industry.At(time.Now()); !told || v != "Retail" {
			t.Errorf("says %q (told: %t)", v, told)
		}
	})
}
