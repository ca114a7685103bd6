package app

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors/sandbox"
)

// withJournal gives a place an app whose webhooks journal tells of changes.
func (p *place) withJournal(t *testing.T) {
	t.Helper()
	p.crm = ", changes: journal, client_id: app-of-the-test, client_secret: secret-of-the-app"
	p.write(t, "")
}

var journalApp = sandbox.JournalApp{ClientID: "app-of-the-test", ClientSecret: "secret-of-the-app"}

// asks has a contact send a form of HubSpot's own, as HubSpot tells it.
func (p *place) asks(t *testing.T, id string, n int) {
	t.Helper()
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	err := p.portal.UpdateContact(id, map[string]string{"num_conversion_events": strconv.Itoa(n), "recent_conversion_date": now, "first_conversion_date": now, "recent_conversion_event_name": "Contact us"}, "")
	if err != nil {
		t.Fatal(err)
	}
}

// spread are the median, the 95th percentile and the longest of durations.
func spread(took []time.Duration) (median time.Duration, text string) {
	slices.Sort(took)
	n := len(took)
	return took[n/2], fmt.Sprintf("median %s, p95 %s, longest %s of %d", took[n/2], took[n*95/100], took[n-1], n)
}

// until is how long a contact's score takes to be there from now on.
func (p *place) until(t *testing.T, id string) time.Duration {
	t.Helper()
	for start := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if d := time.Since(start); p.score(t, id) != "" || d > 10*time.Minute {
			return d
		}
	}
}

// somebody makes contacts of different companies.
func (p *place) somebody(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = p.portal.CreateContact(map[string]string{"email": fmt.Sprintf("p%d@one%d.example", i, i)})
	}
	return ids
}

// Promise: a change of a contact is in the CRM within 5 s at the median, by the journal; a search a minute takes ten times as long.
func TestChangesAreInTheCRMWithinSeconds(t *testing.T) {
	for _, way := range []string{"journal", "search"} {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				app := journalApp
				p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now, App: &app, SearchLag: 5 * time.Second})
				if way == "journal" {
					p.withJournal(t)
				}
				ids := p.somebody(100)
				a := p.open(t)
				p.provision(t, a)
				a.work(t.Context())
				time.Sleep(5 * time.Minute)
				random := rand.New(rand.NewPCG(1, 2))
				var took []time.Duration
				for i, id := range ids {
					time.Sleep(time.Duration(random.Int64N(int64(90 * time.Second))))
					p.asks(t, id, i%3+1)
					took = append(took, p.until(t, id))
				}
				median, text := spread(took)
				t.Logf("contact changed → score in the CRM by %s: %s", way, text)
				if way == "journal" && median > 5*time.Second {
					t.Errorf("too late\n%s", p.log)
				}
				stopped(t, a)
			})
		})
	}
}

// Promise: once the first sync is over, the journal is followed without a search, however many people change, one by one or at once.
func TestTheJournalNeedsNoSearch(t *testing.T) {
	const people, apart = 200, 7 * time.Second
	for _, way := range []string{"journal", "search"} {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				app := journalApp
				p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now, App: &app})
				if way == "journal" {
					p.withJournal(t)
				}
				ids := p.somebody(people)
				a := p.open(t)
				p.provision(t, a)
				a.work(t.Context())
				time.Sleep(10 * time.Minute)
				// calls are those made meanwhile.
				calls := func(do func()) (all, searches int64) {
					before := p.portal.Counters()
					do()
					after := p.portal.Counters()
					return after.Requests - before.Requests, after.Calls("POST contacts/search") - before.Calls("POST contacts/search")
				}
				quiet, s1 := calls(func() { time.Sleep(people * apart) })
				single, s2 := calls(func() {
					for i, id := range ids {
						p.asks(t, id, i%3+1)
						time.Sleep(apart)
					}
				})
				burst, s3 := calls(func() {
					for i, id := range ids {
						p.asks(t, id, i%3+5)
					}
					time.Sleep(people * apart)
				})
				for i, id := range ids {
					if p.score(t, id) == "" {
						t.Fatalf("contact %d has no score\n%s", i, p.log)
					}
				}
				if n := s1 + s2 + s3; way == "journal" && n != 0 {
					t.Errorf("%d searches", n)
				}
				t.Logf("by %s: %d calls a day where nobody changes; for 1,000 people who change one by one, %s apart, %d more, at once %d more", way,
					quiet*int64(24*time.Hour/(people*apart)), apart, (single-quiet)*1000/people, (burst-quiet)*1000/people)
				stopped(t, a)
			})
		})
	}
}

// Promise: a journal that is not read to its end for half a day is told by health, doctor and metrics; one that is read, and what it skips,
// by status and doctor.
func TestAJournalThatIsNotReadIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := journalApp
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now, App: &app})
		p.withJournal(t)
		p.crm += ", poll: '@every 10m'"
		p.write(t, "")
		p.somebody(1)
		a := p.open(t)
		p.provision(t, a)
		a.work(t.Context())
		p.portal.Journal(`{"portalId":146000001,"action":"SNAPSHOT"}`, true)
		time.Sleep(time.Hour)
		told := func(code string) string {
			t.Helper()
			found, err := Examine.Do(t.Context(), a, File{})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				if f.Code == code {
					return f.Message
				}
			}
			return ""
		}
		if got := told("changes.followed"); !strings.Contains(got, "an action that is not known (1)") || len(a.Health().Reasons) > 0 {
			t.Errorf("%q, %v", got, a.Health().Reasons)
		}
		p.portal.Faults().Add(sandbox.Fault{Path: "/webhooks-journal/", Status: 503, Times: -1})
		time.Sleep(13 * time.Hour)
		if got := told("changes.behind"); !strings.Contains(got, "has not read its log of changes to the end for 13h") {
			t.Errorf("doctor: %q", got)
		}
		if got := strings.Join(a.Health().Reasons, "; "); !strings.Contains(got, "has not read its log of changes") {
			t.Errorf("health: %s", got)
		}
		st, err := StatusOf.Do(t.Context(), a, Nothing{})
		if f := st.Connectors["hubspot"].Followed; err != nil || f == nil || f.Skipped["an action that is not known"] != 1 {
			t.Errorf("status: %+v, %v", f, err)
		}
		p.portal.Faults().Clear()
		time.Sleep(11 * time.Minute)
		if reasons := a.Health().Reasons; len(reasons) > 0 {
			t.Errorf("after it: %v", reasons)
		}
		stopped(t, a)
	})
}

// orderOf remembers what was asked, in order.
type orderOf struct {
	http.RoundTripper
	mu    sync.Mutex
	asked []string
}

func (o *orderOf) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := o.RoundTripper.RoundTrip(r)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, r.Method+" "+r.URL.Path) // once it was answered
	return resp, err
}

func (o *orderOf) at(call string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Index(o.asked, call)
}

// Promise: changes are followed before the CRM is walked for the first time, however long that takes: what changes behind the walk is told.
func TestChangesAreFollowedBeforeTheFirstSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := journalApp
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now, App: &app})
		p.withJournal(t)
		p.somebody(3)
		order := &orderOf{RoundTripper: p.portal.Transport()}
		a := p.openWith(t, order)
		p.provision(t, a)
		p.portal.Faults().Add(sandbox.Fault{Method: http.MethodPost, Path: "/subscriptions", Delay: 20 * time.Second})
		p.portal.Faults().Add(sandbox.Fault{Path: "/journal-local/", Delay: 20 * time.Second})
		a.work(t.Context())
		time.Sleep(2 * time.Minute)
		follow, walk := order.at("GET /webhooks-journal/journal-local/2026-09/latest"), order.at("GET /crm/objects/2026-09/contacts")
		if follow < 0 || walk < follow {
			t.Errorf("asked %v", order.asked)
		}
		stopped(t, a)
	})
}
