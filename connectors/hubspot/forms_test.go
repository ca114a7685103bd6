package hubspot

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/sandbox"
)

// fedPortal is a sandbox portal whose feeds are tested. Its clock can be moved.
type fedPortal struct {
	*sandbox.HubSpot
	now time.Time
	log strings.Builder
	n   int // events made so far

	open []*Client
}

func newFedPortal(o sandbox.HubSpotOptions) *fedPortal {
	p := &fedPortal{now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	o.Token, o.Now = portalToken, func() time.Time { return p.now }
	p.HubSpot = sandbox.NewHubSpot(o)
	return p
}

func (p *fedPortal) client(t *testing.T) *Client {
	c, err := New(Options{Token: portalToken, HTTP: p.Transport(), Now: func() time.Time { return p.now }, Logger: slog.New(slog.NewTextHandler(&p.log, nil))})
	must(t, err)
	p.open = append(p.open, c)
	return c
}

// harness is the portal as the suite of feeds sees it. What is filed late HubSpot's feeds look for from time to time alone: each
// addition moves the clock so far.
func (p *fedPortal) harness(t *testing.T, page int, made func(*Client) connectors.Feed, add func(connectors.Event), tells func(connectors.Event) connectors.Event) connectortest.FeedHarness {
	return connectortest.FeedHarness{
		Feed: made(p.client(t)), Now: p.now, Page: page, Lookback: true, NoAnonymous: true, Precision: time.Millisecond, Tells: tells,
		Reopen: func(t *testing.T) connectors.Feed { return made(p.client(t)) },
		Add: func(t *testing.T, events ...connectors.Event) {
			if p.n > 0 {
				p.now = p.now.Add(25 * time.Hour)
			}
			for _, e := range events {
				p.n++
				add(e)
			}
		},
		Fail: func(n int) {
			p.Faults().Clear()
			for _, c := range p.open {
				c.Release()
			}
			if n > 0 {
				p.Faults().Add(sandbox.Fault{Status: 401, Times: n})
			}
		},
	}
}

func TestFormsFeed(t *testing.T) {
	connectortest.Feed(t, func(t *testing.T) connectortest.FeedHarness {
		p := newFedPortal(sandbox.HubSpotOptions{Unlimited: true})
		forms := []string{p.AddForm(sandbox.Form{Name: "Contact us"}), p.AddForm(sandbox.Form{Name: "Newsletter", Type: "captured"})}
		add := func(e connectors.Event) {
			p.Submit(forms[p.n%2], sandbox.Submission{ID: e.ID, Time: e.Time, PageURL: e.URL, Values: map[string]string{"email": e.Email, "message": "secret text"}})
		}
		tells := func(e connectors.Event) connectors.Event {
			e.Kind, e.PageTitle = connectors.KindFormSubmit, ""
			return e
		}
		return p.harness(t, submissionsPage, func(c *Client) connectors.Feed { return c.Forms(FeedOptions{}) }, add, tells)
	})
}

// takeAll takes a feed to the end of its pass.
func takeAll(t *testing.T, f connectors.Feed, from connectors.Cursor) (events []connectors.Event, next connectors.Cursor) {
	t.Helper()
	for range 1000 {
		p, err := f.Take(t.Context(), from)
		must(t, err)
		events = append(events, p.Items...)
		if !p.More {
			return events, p.Next
		}
		if string(p.Next) == string(from) {
			t.Fatal("there is more, but the cursor stands")
		}
		from = p.Next
	}
	t.Fatal("the pass does not end")
	return nil, nil
}

func idsOf(events []connectors.Event) (ids []string) {
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Promise: submissions of every kind of form are told under the form's name and the sender's address, and nothing that was written into
// the fields; one without an address is told, too, and counted by the store.
func TestSubmissionsAreToldWithoutTheirValues(t *testing.T) {
	p := newFedPortal(sandbox.HubSpotOptions{})
	for _, kind := range []string{"hubspot", "captured", "flow", "blog_comment"} {
		id := p.AddForm(sandbox.Form{Name: "Form " + kind, Type: kind})
		p.Submit(id, sandbox.Submission{ID: kind, PageURL: "https://www.example.com/" + kind, Values: map[string]string{"email": "ada@one.example", "message": "call 555 0100", "company": "One"}})
	}
	old := p.AddForm(sandbox.Form{Name: "Closed"})
	p.Submit(old, sandbox.Submission{ID: "-", Values: map[string]string{"company": "nobody said"}})
	p.ArchiveForm(old)
	events, _ := takeAll(t, p.client(t).Forms(FeedOptions{}), nil)
	if len(events) != 5 {
		t.Fatalf("%d events: %+v", len(events), events)
	}
	for _, e := range events {
		form := e.Properties[connectors.PropForm]
		if strings.Contains(fmt.Sprint(e), "555") || strings.Contains(fmt.Sprint(e), "said") || len(e.Properties) != 1 || e.Source != "hubspot-forms" {
			t.Errorf("told %+v", e)
		}
		switch form {
		case "Closed":
			if e.Email != "" || !strings.HasPrefix(e.ID, "form:"+old+":") {
				t.Errorf("told %+v", e)
			}
		case "Form blog_comment":
			if e.Kind != "blog_comment" {
				t.Errorf("a comment is a %s", e.Kind)
			}
		default:
			if e.Kind != connectors.KindFormSubmit || e.Email != "ada@one.example" || e.URL != "https://www.example.com/"+strings.TrimPrefix(form, "Form ") {
				t.Errorf("told %+v", e)
			}
		}
	}
}

// Promise: more than a hundred forms are all asked for, and submissions that come in while pages are read lose nothing, nor does a crash.
func TestManyFormsWhileSubmissionsComeIn(t *testing.T) {
	p := newFedPortal(sandbox.HubSpotOptions{Unlimited: true})
	var want []string
	var busy string
	for i := range 120 {
		busy = p.AddForm(sandbox.Form{Name: fmt.Sprint("Form ", i)})
		id := fmt.Sprint("s", i)
		p.Submit(busy, sandbox.Submission{ID: id, Time: p.now.Add(-time.Hour), Values: map[string]string{"email": "a@one.example"}})
		want = append(want, "form:"+id)
	}
	for i := range 130 {
		id := fmt.Sprint("t", i)
		p.Submit(busy, sandbox.Submission{ID: id, Time: p.now.Add(-time.Duration(i/3) * time.Minute), Values: map[string]string{"email": "a@one.example"}})
		want = append(want, "form:"+id)
	}
	var events []connectors.Event
	var from connectors.Cursor
	for n := range 500 {
		page, err := p.client(t).Forms(FeedOptions{}).Take(t.Context(), slices.Clone(from)) // every page after a restart
		must(t, err)
		events, from = append(events, page.Items...), page.Next
		if !page.More {
			break
		}
		if n%7 == 0 { // between two pages; told by the next pass at the latest
			id := fmt.Sprint("new", n)
			p.now = p.now.Add(time.Second)
			p.Submit(busy, sandbox.Submission{ID: id, Values: map[string]string{"email": "a@one.example"}})
			want = append(want, "form:"+id)
		}
	}
	p.now = p.now.Add(time.Hour)
	rest, _ := takeAll(t, p.client(t).Forms(FeedOptions{}), from)
	slices.Sort(want)
	if got := idsOf(append(events, rest...)); !slices.Equal(got, want) {
		t.Errorf("told %d of %d", len(got), len(want))
	}
}

// Promise: while nothing happens the feed costs a call per form an hour; a form that a poll tells to have been sent is asked for at once,
// alone, and again until it tells the submission.
func TestFormsAreAskedWhenTheyWereSent(t *testing.T) {
	p := newFedPortal(sandbox.HubSpotOptions{})
	var forms []string
	for i := range 10 {
		forms = append(forms, p.AddForm(sandbox.Form{Name: fmt.Sprint("Form ", i)}))
	}
	c := p.client(t)
	f := c.Forms(FeedOptions{})
	changes, err := c.Changes(t.Context(), nil)
	must(t, err)
	_, at := takeAll(t, f, nil)
	calls := func() int64 { return p.Counters().Requests }
	before := calls()
	for range 59 {
		p.now = p.now.Add(time.Minute)
		_, at = takeAll(t, f, at)
	}
	if n := calls() - before; n != 0 {
		t.Errorf("%d calls in an idle hour", n)
	}
	p.Submit(forms[3], sandbox.Submission{ID: "now", Values: map[string]string{"email": "ada@one.example"}})
	p.now = p.now.Add(10 * time.Second)
	changes, err = c.Changes(t.Context(), changes.Next)
	if err != nil || len(changes.Items) != 1 {
		t.Fatalf("%+v, %v", changes, err)
	}
	before = calls()
	events, at := takeAll(t, f, at)
	if n := calls() - before; n != 1 && n != 2 || !slices.Equal(idsOf(events), []string{"form:now"}) { // the list of forms may be old
		t.Errorf("%d calls, told %v", n, idsOf(events))
	}
	before = calls()
	if _, at = takeAll(t, f, at); calls() != before {
		t.Error("the form is asked again though it told the submission")
	}
	// A poll that is ahead of the forms: asked again until they tell.
	id := p.Submit(forms[4], sandbox.Submission{ID: "ahead", Values: map[string]string{"email": "bob@one.example"}})
	contacts, err := c.Read(t.Context(), []connectors.Ref{ref(id)})
	must(t, err)
	contacts[0].Fields["recent_conversion_date"] = p.now.Add(2 * time.Minute).Format(time.RFC3339)
	c.told(contacts)
	for range 3 {
		before = calls()
		if _, at = takeAll(t, f, at); calls() == before {
			t.Error("the form is not asked again")
		}
	}
	p.now = p.now.Add(20 * time.Minute)
	_, at = takeAll(t, f, at) // the pass of the hour
	_, at = takeAll(t, f, at)
	before = calls()
	if _, at = takeAll(t, f, at); calls() != before {
		t.Error("the form is asked for ever")
	}
	// A name that no form has: all are asked, but not each time.
	contacts[0].Fields["recent_conversion_date"], contacts[0].Fields["recent_conversion_event_name"] = p.now.Format(time.RFC3339), "Example: renamed"
	p.now = p.now.Add(6 * time.Minute)
	c.told(contacts)
	before = calls()
	_, at = takeAll(t, f, at)
	if n := calls() - before; n < 10 || n > 12 {
		t.Errorf("%d calls for a form of an unknown name", n)
	}
	before = calls()
	if takeAll(t, f, at); calls() != before {
		t.Error("asked again at once")
	}
}

// Promise: a portal that does not tell a feed costs a call a day, is told once with the scope that is missing, and nothing stops.
func TestFeedThatIsNotToldIsSaidOnce(t *testing.T) {
	for feed, made := range map[string]func(*Client) connectors.Feed{
		"forms":   func(c *Client) connectors.Feed { return c.Forms(FeedOptions{}) },
		"content": func(c *Client) connectors.Feed { return c.Email(FeedOptions{}) },
	} {
		p := newFedPortal(sandbox.HubSpotOptions{Scopes: []string{"crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read", "crm.schemas.contacts.write"}})
		c := p.client(t)
		f := made(c)
		var at connectors.Cursor
		for range 48 * 60 {
			_, at = takeAll(t, f, at)
			p.now = p.now.Add(time.Minute)
		}
		if n := p.Counters().Requests; n > 3 {
			t.Errorf("%s: %d calls in two days", feed, n)
		}
		if n := strings.Count(p.log.String(), "\n"); n != 1 || !strings.Contains(p.log.String(), "add the scope "+feed+" ") {
			t.Errorf("%s: the log says\n%s", feed, p.log.String())
		}
		found := false
		for _, d := range c.Probe(t.Context()) {
			found = found || d.Code == findScope && d.Severity == connectors.Warning && strings.Contains(d.Fix, "scope "+feed)
		}
		if !found {
			t.Errorf("%s: doctor does not tell the scope: %+v", feed, c.Probe(t.Context()))
		}
	}
}

// A page that HubSpot does not know any more is begun anew, once.
func TestStalePagesOfForms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusals := 1
		c, _ := connect(t, func(r seen) reply {
			switch {
			case strings.HasSuffix(r.path, "/marketing/v3/forms"):
				return ok(`{"results":[{"id":"f1","name":"One"},{"name":"no id"}]}`)
			case strings.Contains(r.query, "after=") && refusals > 0:
				refusals--
				return reply{status: 400, body: `{"status":"error","message":"after is not valid"}`}
			case strings.Contains(r.query, "after="):
				return ok(`{"results":[{"conversionId":"b","submittedAt":` + fmt.Sprint(time.Now().UnixMilli()-2) + `,"values":[{"name":"email","value":["x"]},{"name":"email","value":"B@one.example"}]}]}`)
			}
			return ok(`{"results":[{"conversionId":"a","submittedAt":` + fmt.Sprint(time.Now().UnixMilli()-1) + `,"values":null}],"paging":{"next":{"after":"2"}}}`)
		})
		f := c.Forms(FeedOptions{})
		events, _ := takeAll(t, f, nil)
		if got := idsOf(events); !slices.Equal(got, []string{"form:a", "form:b"}) {
			t.Errorf("told %v", got)
		}
		refusals = 4 // again and again: each poll tries, and none for ever
		events, at := takeAll(t, f, nil)
		for range 3 {
			var more []connectors.Event
			more, at = takeAll(t, f, at)
			events = append(events, more...)
		}
		if got := idsOf(events); !slices.Equal(got, []string{"form:a", "form:b"}) || refusals != 0 {
			t.Errorf("told %v, %d refusals left", got, refusals)
		}
	})
}
