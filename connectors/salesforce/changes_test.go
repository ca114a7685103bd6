package salesforce

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

// poller polls as a host does.
type poller struct {
	c      *Client
	cursor connectors.Cursor
}

func (p *poller) poll(t *testing.T) (items []connectors.Contact) {
	t.Helper()
	for {
		page, err := p.c.Changes(t.Context(), p.cursor)
		if err != nil {
			t.Fatal(err)
		}
		p.cursor = page.Next
		items = append(items, page.Items...)
		if !page.More {
			return items
		}
	}
}

func has(items []connectors.Contact, id string) bool {
	return slices.ContainsFunc(items, func(k connectors.Contact) bool { return k.ID == id })
}

// polled is an org of so many leads, an hour old, and a poller that has met them.
func polled(t *testing.T, leads int) (p *org, refs []connectors.Ref, f *poller) {
	t.Helper()
	p = newOrg(t, Lead)
	refs = p.Create(t, leads)
	time.Sleep(time.Hour)
	f = &poller{c: p.connect(t)}
	f.poll(t)
	return p, refs, f
}

func bubble(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }

// A transaction that is longer than the lookback is not lost: the place never passes the watermark that Salesforce tells.
func TestLongTransaction(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, refs, f := polled(t, 2)
		tx := p.Begin(Lead, refs[0].ID, map[string]string{"Title": "Late"})
		for i := range 12 { // an hour of polls with changes in each
			time.Sleep(5 * time.Minute)
			p.Change(t, refs[1:], fmt.Sprint("Title ", i))
			if has(f.poll(t), refs[0].ID) {
				t.Fatal("what is not committed was told")
			}
		}
		tx.Commit()
		if !has(f.poll(t), refs[0].ID) {
			t.Error("the change of a transaction of an hour was not told")
		}
	})
}

// A row that is committed late, of which no watermark knows, is met by the lookback.
func TestLateCommit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, refs, f := polled(t, 1)
		for range 3 {
			time.Sleep(5 * time.Minute)
			p.Change(t, refs, time.Now().String())
			f.poll(t)
		}
		id := p.Salesforce.LateCommit(Lead, map[string]string{"LastName": "Late", "Company": "Late"}, time.Now().Add(-9*time.Minute))
		time.Sleep(time.Minute)
		if !has(f.poll(t), id) {
			t.Error("a row with a stamp of nine minutes ago was not told")
		}
	})
}

// What the host has stored is not told again by the lookback; what it lost is; and two changes within one second are both told.
func TestToldOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, refs, f := polled(t, 1)
		p.Change(t, refs, "One")
		if !has(f.poll(t), refs[0].ID) {
			t.Fatal("the first change was not told")
		}
		p.Change(t, refs, "Two") // under the same stamp
		if items := f.poll(t); len(items) != 1 || items[0].Profile.JobTitle != "Two" {
			t.Fatal("a second change in the same second was not told")
		}
		time.Sleep(time.Minute)
		lost := f.cursor
		if !has(f.poll(t), refs[0].ID) {
			t.Fatal("the lookback did not tell what was read in its own second")
		}
		f.cursor = lost // the host could not store the page
		if !has(f.poll(t), refs[0].ID) {
			t.Error("a page that the host lost was not told again")
		}
		for range 3 {
			if items := f.poll(t); len(items) > 0 {
				t.Errorf("%d records that the host has stored were told again", len(items))
			}
		}
		again := &poller{c: p.connect(t), cursor: f.cursor}
		if !has(again.poll(t), refs[0].ID) {
			t.Error("a restarted connector did not tell the lookback")
		}
	})
}

// An idle poll costs a query per object and nothing else; one after a change also the watermark of that object.
func TestPollCosts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, refs, f := polled(t, 1)
		cost := func() int64 {
			before := p.Requests()
			f.poll(t)
			return p.Requests() - before
		}
		f.poll(t)
		if n := cost(); n != 2 {
			t.Errorf("an idle poll cost %d", n)
		}
		p.Change(t, refs, "Changed")
		time.Sleep(5 * time.Minute)
		if n := cost(); n != 2 {
			t.Errorf("a poll that found something cost %d", n)
		}
		time.Sleep(5 * time.Minute)
		if n := cost(); n != 3 {
			t.Errorf("the poll after it cost %d", n)
		}
		time.Sleep(15 * time.Minute)
		f.poll(t)
		f.poll(t)
		if n := cost(); n != 2 {
			t.Errorf("an idle poll afterwards cost %d", n)
		}
	})
}

// A converted lead is told as merged into its contact, and the contact as having absorbed it; by poll, by sweep, by read, and by a
// write that comes too late.
func TestConversion(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		lead := p.Create(t, 1)[0]
		time.Sleep(time.Hour)
		f := &poller{c: p.connect(t)}
		f.poll(t)
		id, err := p.Convert(lead.ID)
		must(t, err)
		contact := connectors.Ref{CRM: "salesforce", Object: Contact, ID: id}
		items := f.poll(t)
		for _, k := range items {
			switch k.Ref {
			case lead:
				if k.State != connectors.Merged || k.Into != contact {
					t.Errorf("the lead is %s into %s", k.State, k.Into)
				}
			case contact:
				if k.State != connectors.Live || !slices.Contains(k.Absorbed, lead) || k.Group == "" {
					t.Errorf("the contact is %+v", k)
				}
			}
		}
		if !has(items, lead.ID) || !has(items, id) {
			t.Fatalf("told %d records", len(items))
		}
		read, err := f.c.Read(t.Context(), []connectors.Ref{lead})
		must(t, err)
		if read[0].State != connectors.Merged || read[0].Into != contact {
			t.Errorf("read as %s into %s", read[0].State, read[0].Into)
		}
		results, err := f.c.Write(t.Context(), []connectors.Patch{score(lead, "1.0")})
		must(t, err)
		if e := asError(t, results[0].Err); e.Kind != connectors.Gone || e.State != connectors.Merged || e.Into != contact || e.Code != "CANNOT_UPDATE_CONVERTED_LEAD" {
			t.Errorf("a write: %v (%s, %s)", e, e.State, e.Into)
		}
		n, err := f.c.Count(t.Context())
		must(t, err)
		if n != 1 {
			t.Errorf("Count = %d, want the contact alone", n)
		}
		// A connector that does not watch contacts cannot say where the lead lives on.
		read, err = p.connect(t, func(o *Options) { o.Objects = []string{"lead"} }).Read(t.Context(), []connectors.Ref{lead})
		must(t, err)
		if read[0].State != connectors.Merged || !read[0].Into.IsZero() {
			t.Errorf("without contacts read as %s into %s", read[0].State, read[0].Into)
		}
	})
}

// A survivor in another page than the merged record, or untouched by the merge, is told all the same; and one that came back
// from the bin is live.
func TestMergeAndUndelete(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Contact)
		refs := p.Create(t, 3)
		time.Sleep(time.Hour)
		f := &poller{c: p.connect(t)}
		f.poll(t)
		p.Merge(t, refs[0], refs[1])
		time.Sleep(time.Second)
		p.Archive(t, refs[2])
		items := f.poll(t)
		if !has(items, refs[0].ID) || !has(items, refs[2].ID) {
			t.Fatalf("%v", items)
		}
		must(t, p.Undelete(Contact, refs[2].ID))
		time.Sleep(time.Minute)
		for _, k := range f.poll(t) {
			if k.Ref == refs[2] && k.State != connectors.Live {
				t.Errorf("restored, and told as %s", k.State)
			}
		}
	})
}

// Merges and conversions in a row lead to the record that lives, which tells all it absorbed; each of them keeps telling the
// addresses it had, for the survivor drops them.
func TestChainOfMerges(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, refs, f := polled(t, 3)
		p.Merge(t, refs[1], refs[0])
		time.Sleep(time.Minute)
		p.Merge(t, refs[2], refs[1])
		id, err := p.Convert(refs[2].ID)
		must(t, err)
		must(t, p.Update(Contact, id, map[string]string{"Email": "elsewhere@example.com"}, ""))
		time.Sleep(time.Minute)
		items := f.poll(t)
		at := slices.IndexFunc(items, func(k connectors.Contact) bool { return k.ID == id })
		if at < 0 || len(items[at].Absorbed) != 3 || items[at].State != connectors.Live {
			t.Fatalf("%+v", items)
		}
		read, err := f.c.Read(t.Context(), refs)
		must(t, err)
		for i, k := range append(read, items...) {
			if k.ID != id && (k.State != connectors.Merged || k.Into.IsZero() || len(k.Emails) != 1 || k.Emails[0] == "elsewhere@example.com") {
				t.Errorf("%d: %+v", i, k)
			}
		}
		// One link alone is known to the page: the rest of the chain is read.
		items, err = f.c.withSurvivors(t.Context(), read[:1])
		must(t, err)
		if len(items) != 4 || items[3].ID != id || len(items[3].Absorbed) != 3 {
			t.Errorf("%+v", items)
		}
	})
}

// While leads page, contacts are not asked about anew with each page; a walk that takes long does not keep them waiting for more than a
// poll's interval.
func TestPagingAsksTheOthersOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		refs := p.Create(t, 5000)
		p.object = Contact
		contact := p.Create(t, 1)[0]
		p.object = Lead
		time.Sleep(time.Hour)
		c, f := p.watched(t, nil)
		poll := &poller{c: c}
		poll.poll(t)
		must(t, p.Update(Contact, contact.ID, map[string]string{"Title": "New"}, ""))
		poll.poll(t)
		f.next = batchOf(p.Transport(), "300")
		p.Change(t, refs, "Tied")
		time.Sleep(5 * time.Minute)
		queries, marks := f.count("/queryAll"), f.count("/updated/")
		if n := len(poll.poll(t)); n < 5000 {
			t.Errorf("%d of 5,000 were told", n)
		}
		if q, m := f.count("/queryAll")-queries, f.count("/updated/")-marks; q != 18 || m > 2 {
			t.Errorf("%d queries and %d watermarks", q, m)
		}
		p.Change(t, refs, "Tied again")
		time.Sleep(5 * time.Minute)
		page, err := c.Changes(t.Context(), poll.cursor)
		must(t, err)
		must(t, p.Update(Contact, contact.ID, map[string]string{"Title": "Newer"}, ""))
		time.Sleep(5 * time.Minute)
		if page, err = c.Changes(t.Context(), page.Next); err != nil || !has(page.Items, contact.ID) || !page.More {
			t.Errorf("a contact that changed in the course of a long walk was not told: %v", err)
		}
	})
}

// Ids of 15 characters name the same records.
func TestShortIDs(t *testing.T) {
	p := newOrg(t, Lead)
	ref := p.Create(t, 1)[0]
	short := ref
	short.ID = ref.ID[:15]
	c := p.connect(t)
	read, err := c.Read(t.Context(), []connectors.Ref{short, ref})
	must(t, err)
	if read[0].State != connectors.Live || read[0].Ref != short || read[1].Ref != ref {
		t.Errorf("%+v", read)
	}
	results, err := c.Write(t.Context(), []connectors.Patch{score(short, "5.0")})
	must(t, err)
	if results[0].Err != nil || p.Own(t, ref)[connectors.FieldScore] != "5.0" {
		t.Errorf("%v", results[0].Err)
	}
	for in, want := range map[string]string{ref.ID[:15]: ref.ID, " " + strings.ToLower(ref.ID) + " ": ref.ID, ref.ID: ref.ID, "x": "x", "0015g0000000001": "0015g0000000001"} {
		if got := c.NormalID("", in); got != want {
			t.Errorf("NormalID of %q is %q", in, got)
		}
	}
	if got := c.NormalID(Contact, short.ID); got != short.ID || c.NormalID(Lead, short.ID) != ref.ID {
		t.Errorf("a lead's id as a contact's: %s", got)
	}
	contact := ref
	contact.Object = Contact // the id of a lead is no contact's
	if read, err := c.Read(t.Context(), []connectors.Ref{contact}); err != nil || read[0].State != connectors.Deleted {
		t.Errorf("%v, %v", read, err)
	}
}

// One id that Salesforce refuses to look for costs no other record its answer, and neither does one of an object that is not
// watched any more: it is paused.
func TestReadOneByOne(t *testing.T) {
	p := newOrg(t, Lead)
	refs := p.Create(t, 9)
	c, _ := p.watched(t, func(r seen) reply {
		if r.method == "POST" && strings.Contains(r.body, refs[3].ID) {
			return reply{status: 400, body: `[{"errorCode":"MALFORMED_ID","message":"malformed id"}]`}
		}
		return reply{}
	}, func(o *Options) { o.Objects = []string{Lead} })
	contact := connectors.Ref{CRM: "salesforce", Object: Contact, ID: "0035g0000000001"}
	read, err := c.Read(t.Context(), append(refs, contact))
	must(t, err)
	for i, k := range read[:9] {
		if k.State != connectors.Live || k.Ref != refs[i] {
			t.Errorf("%d: %+v", i, k)
		}
	}
	if read[9].State != connectors.Archived || read[9].Ref != contact {
		t.Errorf("%+v", read[9])
	}
}

// A field that is hidden or missing is left out of queries and found by Probe; a poll goes on when one goes away.
func TestHiddenFields(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		must(t, p.Define("Lead.Segment__c", `{"label":"Segment","type":"Text","length":40}`))
		must(t, p.Grant("Lead.Segment__c"))
		ref := p.Create(t, 1)[0]
		must(t, p.Update(Lead, ref.ID, map[string]string{"Segment__c": "A1", "Industry": "Banking"}, ""))
		c, fk := p.watched(t, nil, func(o *Options) { o.Inputs = []string{"segment__c", "Contact.Nowhere__c", "Lead.Industry"} })
		read, err := c.Read(t.Context(), []connectors.Ref{ref})
		must(t, err)
		if f := read[0].Fields; f["Segment__c"] != "A1" || f["Industry"] != "Banking" {
			t.Errorf("inputs are %v", f)
		}
		findings := c.Probe(t.Context())
		if s := connectortest.Findings(findings); !strings.Contains(s, "Contact.Nowhere__c") || strings.Contains(s, "egment__c") {
			t.Errorf("findings:\n%s", s)
		}
		f := &poller{c: c}
		f.poll(t)
		must(t, p.Salesforce.Revoke("Lead.Segment__c"))
		_, err = c.Changes(t.Context(), f.cursor) // the query names a field that is hidden now
		if connectors.KindOf(err) != connectors.Config || asError(t, err).Code != codeInvalidField {
			t.Errorf("%v", err)
		}
		f.poll(t) // describe was asked again
		if n := fk.count("Lead/describe"); n < 2 {
			t.Errorf("describe was asked %d times", n)
		}
	})
}

// No query locator outlives a session: a poll and a sweep go by the keyset, and what follows locators begins anew.
func TestLocatorsDieWithTheirSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Contact)
		p.Create(t, 2*pageSize+1)
		c, f := p.watched(t, nil)
		var cursor connectors.Cursor
		met := 0
		for {
			page, err := c.Sweep(t.Context(), cursor)
			must(t, err)
			met += len(page.Items)
			cursor = page.Next
			p.ExpireSessions()
			if !page.More {
				break
			}
		}
		if met != 2*pageSize+1 {
			t.Errorf("the sweep met %d", met)
		}
		if n := f.count("/query/") + f.count("/queryAll/"); n > 0 {
			t.Errorf("%d locators were followed", n)
		}
		expired, followed := 0, 0
		f.answer = func(r seen) reply {
			if strings.Contains(r.path, "/query/") {
				if followed++; followed == 1 || followed == 3 { // the second is the replay with a new token
					expired++
					p.ExpireSessions()
				}
			}
			return reply{}
		}
		rows, err := c.rows(t.Context(), "read everybody", "SELECT Id FROM Contact", false)
		if err != nil || len(rows) != 2*pageSize+1 || expired != 2 {
			t.Errorf("%d rows, %v, %d sessions ended", len(rows), err, expired)
		}
	})
}

// A cursor of another version, of another feed or of rubbish is a Config error; one of an older set of objects goes on.
func TestCursors(t *testing.T) {
	p := newOrg(t, Lead)
	c := p.connect(t)
	for _, bad := range []string{"", "x", `{"v":2,"f":"changes"}`, `{"v":1,"f":"sweep"}`, `{"v":1,"f":"changes","at":7}`} {
		if _, err := c.Changes(t.Context(), connectors.Cursor(bad)); bad != "" && connectors.KindOf(err) != connectors.Config {
			t.Errorf("%q: %v", bad, err)
		}
	}
	page, err := p.connect(t, func(o *Options) { o.Objects = []string{Lead} }).Changes(t.Context(), nil)
	must(t, err)
	if _, err := c.Changes(t.Context(), page.Next); err != nil {
		t.Errorf("with an object more: %v", err)
	}
}

// An answer in the wrong order would make the keyset skip records.
func TestWrongOrder(t *testing.T) {
	p := newOrg(t, Lead)
	wrong := false
	c, _ := p.watched(t, func(r seen) reply {
		if !wrong || !strings.HasSuffix(r.path, "/queryAll") {
			return reply{}
		}
		return ok(`{"totalSize":2,"done":false,"records":[{"Id":"00Q5g0000000002EAA","SystemModstamp":"2026-11-20T08:17:01.000+0000"},{"Id":"00Q5g0000000001EAA","SystemModstamp":"2026-11-20T08:17:00.000+0000"}]}`)
	})
	page, err := c.Changes(t.Context(), nil)
	must(t, err)
	wrong = true
	if _, err := c.Changes(t.Context(), page.Next); connectors.KindOf(err) != connectors.Transient {
		t.Errorf("a poll: %v", err)
	}
	if _, err := c.Sweep(t.Context(), nil); connectors.KindOf(err) != connectors.Transient {
		t.Errorf("a sweep: %v", err)
	}
}

// A page that holds fewer rows than were asked for is not taken for the last: batch sizes are hints.
func TestShortPages(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		refs := p.Create(t, 450)
		time.Sleep(time.Hour)
		c, f := p.watched(t, nil)
		poll := &poller{c: c}
		poll.poll(t)
		f.next = batchOf(p.Transport(), "200")
		p.Change(t, refs, "Tied")
		if n := len(poll.poll(t)); n != 450 {
			t.Errorf("%d of 450 were told", n)
		}
	})
}

// batchOf lets the org answer with pages of n records.
func batchOf(next http.RoundTripper, n string) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Header.Set("Sforce-Query-Options", "batchSize="+n)
		return next.RoundTrip(r)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
