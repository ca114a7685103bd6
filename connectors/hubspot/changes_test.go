package hubspot

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
)

func (s seen) search(t *testing.T) (b searchRequest, filters map[string]string) {
	t.Helper()
	if err := json.Unmarshal([]byte(s.body), &b); err != nil {
		t.Fatal(err)
	}
	filters = map[string]string{}
	for _, f := range b.FilterGroups[0].Filters {
		filters[f.Property+" "+f.Operator] = f.Value
	}
	return b, filters
}

func millis(t time.Time) string { return fmt.Sprint(t.UnixMilli()) }

func dated(at time.Time) map[string]string {
	return map[string]string{"Date": at.UTC().Format(http.TimeFormat)}
}

func TestAWindowIsFixedAndWalkedByID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := true
		c, f := connect(t, func(s seen) reply {
			if !full {
				return reply{200, `{"total":1,"results":[{"id":"1000","properties":{}}]}`, dated(time.Now())}
			}
			full = false
			var rows []string
			for i := range 200 {
				rows = append(rows, fmt.Sprintf(`{"id":"%d"}`, 99-50+i)) // across a change of length
			}
			return reply{200, `{"total":201,"results":[` + strings.Join(rows, ",") + `],"paging":{"next":{"after":"200"}}}`, dated(time.Now())}
		})
		start := time.Now()
		cursor := walk{Feed: Contacts, Since: start.UnixMilli()}.cursor()
		time.Sleep(time.Minute)
		poll := time.Now()
		p, err := c.Changes(t.Context(), cursor)
		if err != nil || !p.More || len(p.Items) != 200 {
			t.Fatalf("%d items, more %v, %v", len(p.Items), p.More, err)
		}
		time.Sleep(time.Hour)
		p, err = c.Changes(t.Context(), p.Next)
		if err != nil || p.More || len(p.Items) != 1 {
			t.Fatalf("%d items, more %v, %v", len(p.Items), p.More, err)
		}
		for i, s := range f.request {
			b, filters := s.search(t)
			if s.path != "/crm/objects/2026-09/contacts/search" || b.Limit != 200 || b.After != "0" || len(b.Sorts) != 1 ||
				b.Sorts[0] != "hs_object_id" {
				t.Errorf("search %d: %s %+v", i, s.path, b)
			}
			if filters["lastmodifieddate GTE"] != millis(start.Add(-5*time.Minute)) || filters["lastmodifieddate LTE"] != millis(poll) {
				t.Errorf("search %d: window %v, want %s to %s", i, filters, millis(start.Add(-5*time.Minute)), millis(poll))
			}
			if want := []string{"", "249"}[i]; filters["hs_object_id GTE"] != want {
				t.Errorf("search %d begins at id %q, want %q", i, filters["hs_object_id GTE"], want)
			}
		}
		p, _ = c.Changes(t.Context(), p.Next)
		if _, filters := f.request[2].search(t); filters["lastmodifieddate GTE"] != millis(poll.Add(-5*time.Minute)) {
			t.Errorf("the next window begins at %s, want the end of the last less the lookback", filters["lastmodifieddate GTE"])
		}
	})
}

func TestAnAnswerOutOfOrderIsNotTrusted(t *testing.T) {
	for _, ids := range [][]string{{"10", "9"}, {"5", "5"}, {"9", "100", "99"}} {
		c, _ := connect(t, func(seen) reply { return batch(ids...) })
		if _, err := c.Changes(t.Context(), walk{Feed: Contacts, Since: 1}.cursor()); connectors.KindOf(err) != connectors.Transient {
			t.Errorf("%v: %v", ids, err)
		}
	}
	c, _ := connect(t, func(seen) reply { return batch("9", "10", "151000000051") })
	if _, err := c.Changes(t.Context(), walk{Feed: Contacts, Since: 1}.cursor()); err != nil {
		t.Errorf("ids in order of their numbers: %v", err)
	}
}

// A cursor ahead of HubSpot's clock would skip what changes until that time.
func TestWindowsFollowHubSpotsClock(t *testing.T) {
	for _, skew := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			h := sandbox.NewHubSpot(sandbox.HubSpotOptions{})
			id := h.CreateContact(map[string]string{"email": "p@example.com"})
			time.Sleep(time.Hour)
			now := func() time.Time { return time.Now().Add(skew) }
			c, err := New(Options{Token: "pat-na1-sandbox", HTTP: h.Transport(), Now: now})
			must(t, err)
			p, err := c.Changes(t.Context(), nil)
			must(t, err)
			for i := range 5 {
				time.Sleep(20 * time.Minute)
				must(t, h.UpdateContact(id, map[string]string{"jobtitle": fmt.Sprint(i)}, "1"))
				time.Sleep(time.Minute)
				c, err = New(Options{Token: "pat-na1-sandbox", HTTP: h.Transport(), Now: now}) // a restarted daemon knows no skew
				must(t, err)
				p, err = c.Changes(t.Context(), p.Next)
				must(t, err)
				if skew < 0 && len(p.Items) == 0 {
					p, err = c.Changes(t.Context(), p.Next) // a clock behind finds it one poll later
					must(t, err)
				}
				if len(p.Items) != 1 || p.Items[0].Profile.JobTitle != fmt.Sprint(i) {
					t.Fatalf("skew %s: change %d: told %+v", skew, i, p.Items)
				}
			}
		})
	}
}

func TestAClockThatIsSetBackLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := sandbox.NewHubSpot(sandbox.HubSpotOptions{})
		id := h.CreateContact(map[string]string{"email": "p@example.com"})
		jump := time.Duration(0)
		c, err := New(Options{Token: "pat-na1-sandbox", HTTP: h.Transport(), Now: func() time.Time { return time.Now().Add(jump) }})
		must(t, err)
		p, err := c.Changes(t.Context(), nil)
		must(t, err)
		told := 0
		for i, j := range []time.Duration{0, -1000 * time.Hour, -1000 * time.Hour, 1000 * time.Hour, 0, 0} {
			jump = j
			time.Sleep(20 * time.Minute)
			must(t, h.UpdateContact(id, map[string]string{"jobtitle": fmt.Sprint(i)}, "1"))
			time.Sleep(time.Minute)
			p, err = c.Changes(t.Context(), p.Next)
			must(t, err)
			if len(p.Items) > 0 && p.Items[0].Profile.JobTitle == fmt.Sprint(i) {
				told++
			}
			var w walk
			must(t, json.Unmarshal(p.Next, &w))
			if behind := time.Since(time.UnixMilli(w.Since)); behind < 0 || behind > time.Hour {
				t.Errorf("after a jump of %s the next window begins %s ago", jump, behind)
			}
		}
		p, err = c.Changes(t.Context(), p.Next)
		must(t, err)
		if told < 4 {
			t.Errorf("only %d of 6 changes were told at once", told)
		}
	})
}

func TestASearchBodyNeverExceedsItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := sandbox.NewHubSpot(sandbox.HubSpotOptions{})
		var inputs []string
		for i := range 120 {
			name := fmt.Sprintf("a_rather_long_custom_property_of_this_portal_number_%d", i)
			must(t, h.Define("contacts", name, "string", "text"))
			inputs = append(inputs, name)
		}
		f := &fake{}
		c, err := New(Options{Token: "pat-na1-sandbox", HTTP: spy{h.Transport(), f}, Inputs: inputs})
		must(t, err)
		p, err := c.Changes(t.Context(), nil)
		must(t, err)
		id := h.CreateContact(map[string]string{"email": "p@example.com", inputs[119]: "yes"})
		time.Sleep(time.Second)
		p, err = c.Changes(t.Context(), p.Next)
		must(t, err)
		if len(p.Items) != 1 || p.Items[0].ID != id || p.Items[0].Fields[inputs[119]] != "yes" {
			t.Fatalf("told %+v", p.Items)
		}
		s, err := c.Sweep(t.Context(), nil)
		must(t, err)
		if len(s.Items) != 1 || s.Items[0].Fields[inputs[119]] != "yes" {
			t.Fatalf("swept %+v", s.Items)
		}
		for _, s := range f.request {
			if strings.HasSuffix(s.path, "/search") && len(s.body) > 3000 || len(s.query) > 8000 {
				t.Errorf("%s has a body of %d and a query of %d characters", s.path, len(s.body), len(s.query))
			}
		}
	})
}

// spy remembers what goes by.
type spy struct {
	next http.RoundTripper
	f    *fake
}

func (s spy) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.GetBody != nil {
		b, _ := r.GetBody()
		body = readAll(b)
	}
	s.f.mu.Lock()
	s.f.request = append(s.f.request, seen{method: r.Method, path: r.URL.Path, query: r.URL.RawQuery, body: body})
	s.f.mu.Unlock()
	return s.next.RoundTrip(r)
}

func FuzzCursor(f *testing.F) {
	c, _ := connect(f, func(seen) reply { return batch() })
	f.Add([]byte(`{"v":1,"f":"contacts","s":1,"to":2,"id":3}`))
	f.Add([]byte(`{"v":1,"f":"sweep","x":true}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if b == nil {
			b = []byte{}
		}
		var w walk
		if err := c.readCursor(Contacts, b, &w); err != nil && connectors.KindOf(err) != connectors.Config {
			t.Errorf("%v", err)
		} else if err == nil {
			var again walk
			if err := c.readCursor(Contacts, w.cursor(), &again); err != nil || again != w {
				t.Errorf("%+v becomes %+v, %v", w, again, err)
			}
		}
	})
}
