package clickstream

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// companyNews is what a feed tells of a company.
func companyNews(id, kind, domain string, at time.Time) connectors.Event {
	return connectors.Event{ID: id, Source: "news", Kind: kind, Time: at, Properties: map[string]string{connectors.PropCompany: domain}}
}

// Promise: what is known of a company is told with each of its people, joins nobody, makes nobody active, and stays when one of them is
// forgotten. Providers of mailboxes for everybody are no company.
func TestWhatIsKnownOfACompany(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	s := open(t, t.TempDir(), Options{Now: func() time.Time { return now }})
	accepted, err := s.Ingest(Batch{Source: "news", Events: []connectors.Event{
		companyNews("1", "job_posting", " WWW.Acme.example ", now.Add(-time.Hour)),
		companyNews("2", "funding", "acme.example", now.Add(-2*time.Hour)),
		companyNews("3", "funding", "gmail.com", now.Add(-time.Hour)),
		companyNews("4", "funding", "rival.example", now.Add(-time.Hour)),
		{ID: "5", Source: "news", Kind: "tech_change", Time: now.Add(-time.Hour), Email: "dana@acme.example", Properties: map[string]string{connectors.PropCompany: "acme.example"}},
	}})
	if err != nil || accepted != 4 {
		t.Fatalf("%d accepted (%v): that of a provider of mailboxes is of nobody", accepted, err)
	}
	active, err := s.Active(t.Context(), nil)
	if err != nil || len(active.Items) != 1 {
		t.Errorf("%d people active (%v), want the one who is named", len(active.Items), err)
	}
	told := func(key, address, domain string) string {
		var ids []string
		people := []connectors.Person{{Key: key, Emails: []string{address}, Domain: domain}}
		for e, err := range s.Journeys(t.Context(), people, connectors.Window{From: now.Add(-24 * time.Hour), To: now.Add(time.Hour)}) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Person != key {
				t.Errorf("event %s is told of %q", e.ID, e.Person)
			}
			ids = append(ids, e.ID)
		}
		slices.Sort(ids)
		return strings.Join(ids, "")
	}
	for _, c := range []struct{ key, address, domain, want string }{
		{"a", "dana@acme.example", "acme.example", "125"},
		{"b", "eli@acme.example", "acme.example", "12"},
		{"c", "kim@rival.example", "rival.example", "4"},
		{"d", "lee@gmail.com", "gmail.com", ""},
	} {
		if got := told(c.key, c.address, c.domain); got != c.want {
			t.Errorf("of %s: events %q, want %q", c.address, got, c.want)
		}
	}
	if n, err := s.Forget(t.Context(), connectors.Person{Emails: []string{"dana@acme.example"}, Domain: "acme.example"}); err != nil || n != 1 {
		t.Errorf("%d events forgotten (%v), want the person's own", n, err)
	}
	if got := told("b", "eli@acme.example", "acme.example"); got != "12" {
		t.Errorf("a colleague was forgotten: what is known of the company is %q, want 12", got)
	}
}
