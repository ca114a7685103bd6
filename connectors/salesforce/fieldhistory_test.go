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
		read()
		asked := p.Requests()
		if read(); p.Requests()-asked != 2 {
			t.Errorf("%d requests: since when fields are tracked is asked again", p.Requests()-asked)
		}
		industry := read()["Lead.Industry"]
		if v, told := industry.At(time.Now().Add(-time.Minute)); told {
			t.Errorf("said %q before it was tracked", v)
		}
		if v, told := industry.At(time.Now()); !told || v != "Retail" {
			t.Errorf("says %q (told: %t)", v, told)
		}
	})
}

// Promise: what the lead said that became a contact is told of the time before; from the conversion on the contact tells, as far as its own history reaches.
func TestAContactSaidBeforeWhatItsLeadSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		p.Track(Lead, "Industry")
		c := p.connect(t)
		leads := p.Create(t, 3)
		time.Sleep(time.Hour)
		p.Change(t, leads[1:2], "Chief") // Title is tracked from here on at the latest …
		must(t, p.Update(Lead, leads[0].ID, map[string]string{"Industry": "Retail"}, ""))
		time.Sleep(time.Hour)
		lead := time.Now()
		time.Sleep(time.Hour)
		id, err := p.Convert(leads[0].ID)
		must(t, err)
		contact := connectors.Ref{CRM: "salesforce", Object: Contact, ID: id}
		time.Sleep(time.Hour)
		between := time.Now()
		time.Sleep(time.Hour)
		must(t, p.Update(Contact, id, map[string]string{"Title": "Buyer"}, "")) // … and on contacts from here on
		got, err := c.History(t.Context(), []connectors.Ref{contact, leads[1]}, []string{"Title", "Lead.Industry"})
		must(t, err)
		for _, q := range []struct {
			property string
			at       time.Time
			want     string
		}{
			{"Title", lead, "Engineer"}, {"Title", between, "untold"}, {"Title", time.Now(), "Buyer"},
			{"Lead.Industry", lead, "Retail"}, {"Lead.Industry", between, "untold"}, {"Lead.Industry", time.Now(), "untold"},
		} {
			h := got[contact][q.property]
			v, told := h.At(q.at)
			if !told {
				v = "untold"
			}
			if v != q.want {
				t.Errorf("%s at %s: %q, want %q: %+v", q.property, q.at.Format(time.TimeOnly), v, q.want, h)
			}
		}
	})
}
