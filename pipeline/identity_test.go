package pipeline_test

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/state"
)

// tracker is a source that knows people by any identifier, and tells whoever is asked about by one of them.
type tracker struct {
	name   string
	events []connectors.Event
	active []connectors.Person
}

func (s *tracker) add(user, email, phone, device string, events ...connectors.Event) {
	var p connectors.Person
	for _, f := range []struct {
		list  *[]string
		value string
	}{{&p.UserIDs, user}, {&p.Emails, email}, {&p.Phones, phone}, {&p.AnonymousIDs, device}} {
		if f.value != "" {
			*f.list = append(*f.list, f.value)
		}
	}
	s.active = append(s.active, p)
	for _, e := range events {
		e.ID, e.Source, e.UserID, e.Email, e.Phone, e.AnonymousID = s.name+strconv.Itoa(len(s.events)), s.name, user, email, phone, device
		s.events = append(s.events, e)
	}
}

func (s *tracker) Active(_ context.Context, from connectors.Cursor) (connectors.Page[connectors.Person], error) {
	at, _ := strconv.Atoi(string(from))
	return connectors.Page[connectors.Person]{Items: slices.Clone(s.active[at:]), Next: connectors.Cursor(strconv.Itoa(len(s.active)))}, nil
}

func (s *tracker) Journeys(_ context.Context, people []connectors.Person, w connectors.Window) iter.Seq2[connectors.Event, error] {
	return func(yield func(connectors.Event, error) bool) {
		for _, p := range people {
			for _, e := range s.events {
				if w.Contains(e.Time) && (slices.Contains(p.UserIDs, e.UserID) || slices.Contains(p.Emails, e.Email) || slices.Contains(p.Phones, e.Phone) || slices.Contains(p.AnonymousIDs, e.AnonymousID)) {
					e.Person = p.Key
					if !yield(e, nil) {
						return
					}
				}
			}
		}
	}
}

// track adds a tracker to the world.
func (w *world) track(name string) *tracker {
	s := &tracker{name: name}
	w.setup.Sources = append(w.setup.Sources, pipeline.Source{Name: name, Source: s})
	w.p.Swap(w.setup)
	return s
}

// signals are how many signals the score of a record counts.
func (w *world) signals(who string) int {
	w.t.Helper()
	r, err := operate.Explain(w.t.Context(), w.p, who)
	if err != nil {
		return 0
	}
	return len(r.Features.Signals)
}

// linksOf are a person's links as people read them.
func (w *world) linksOf(who string) (out []string) {
	w.t.Helper()
	links, err := w.db.Links(w.idOf(who))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range links {
		out = append(out, w.setup.IdentityRules().LinkID(l).String()+": "+l.Reason)
	}
	return out
}

func (w *world) persons(n int, why string) {
	w.t.Helper()
	if got := w.db.Stats().People; got != n {
		w.t.Errorf("%s: %d people, want %d", why, got, n)
	}
}

// read is a page that nobody else reads in the test.
func read(n int, at time.Time) connectors.Event {
	return view("/cards/"+strconv.Itoa(n), "Card "+strconv.Itoa(n), at)
}

func TestRecordsWithOneAddressAreOnePerson(t *testing.T) {
	w := newWorld(t)
	other := w.secondCRM()
	w.start()
	w.crm.put("1", "dana@x.example", nil)
	w.crm.put("2", `"Dana W" <Dana@X.example>`, nil)
	other.put("9", "mailto:dana@x.example", nil)
	w.once()
	w.persons(1, "one address on three records of two CRMs")
	w.crm.put("3", "info@x.example", nil)
	w.crm.put("4", "info@x.example", nil)
	w.once()
	w.persons(3, "a shared mailbox joins nobody")

	// An address that comes to a record later joins as well, unless the other record has lost it meanwhile.
	w.buyer("5")
	w.crm.put("6", "else@acme.example", nil)
	w.once()
	w.persons(5, "two more")
	w.crm.put("6", "", func(c *connectors.Contact) { c.Emails = []string{"buyer5@acme.example"} })
	w.once()
	w.persons(4, "the later record has the earlier one's address")
	if a, b := w.crm.ours("5")[connectors.FieldScore], w.crm.ours("6")[connectors.FieldScore]; a == "" || a != b {
		t.Errorf("the records of one person show %q and %q", a, b)
	}
	w.crm.put("7", "late@acme.example", nil)
	w.once()
	// One poll brings that the address has moved on from 7 to 8, the new record first.
	w.crm.put("8", "eight@acme.example", nil)
	w.once()
	n := w.db.Stats().People
	w.crm.put("8", "", func(c *connectors.Contact) { c.Emails = []string{"late@acme.example"} })
	w.crm.put("7", "", func(c *connectors.Contact) { c.Emails = []string{"seven@acme.example"} })
	w.once()
	w.persons(n, "an address that moved on joins nobody")
}

func TestWhatTwoPeopleHoldIsNobodysAlsoForThePast(t *testing.T) {
	w := newWorld(t).start()
	app := w.track("app")
	at := w.clock.now().Add(-time.Hour)
	w.crm.put("1", "ann@x.example", nil)
	w.crm.put("2", "bob@x.example", nil)
	app.add("42", "ann@x.example", "", "d", demoRequest(at), read(1, at))
	app.add("42", "", "", "", read(2, at.Add(time.Minute)))
	app.add("", "", "", "d", read(3, at.Add(2*time.Minute)))
	w.once()
	if got := w.signals("ann@x.example"); got != 4 {
		t.Fatalf("ann has %d signals, want 4", got)
	}
	w.clock.advance(2 * time.Hour)
	app.add("42", "bob@x.example", "", "d", demoRequest(w.clock.now()), read(4, w.clock.now()))
	w.once()
	w.clock.advance(2 * time.Hour)
	w.once()
	w.persons(2, "a user id joins no records")
	if ann, bob := w.signals("ann@x.example"), w.signals("bob@x.example"); ann != 2 || bob != 2 {
		t.Errorf("ann has %d signals and bob %d, want what names each: 2 and 2", ann, bob)
	}
	for _, who := range []string{"ann@x.example", "bob@x.example"} {
		links := strings.Join(w.linksOf(who), "\n")
		for _, id := range []string{"user_id 42 of app", "anonymous_id d of app"} {
			if !strings.Contains(links, id+": "+identity.HeldByTwo) {
				t.Errorf("%s is not told that %s is nobody's:\n%s", who, id, links)
			}
		}
	}
	var text strings.Builder
	if err := receiptOf(t, w, "ann@x.example").Text(&text, receipt.TextOptions{Width: 200}); err != nil || !strings.Contains(text.String(), "user_id 42 of app: "+identity.HeldByTwo) ||
		!strings.Contains(text.String(), "email a…@x.example: ") || strings.Contains(text.String(), "ann@x.example") {
		t.Errorf("explain shows, %v:\n%s", err, text.String())
	}
	app.add("42", "", "", "", demoRequest(w.clock.now()))
	if f, err := intake.Listen(t.Context(), w.p, "app", 0); err != nil || f.Queued != 0 {
		t.Errorf("from then on: %+v, %v", f, err)
	}
}

func TestAPhoneIsOnePersonsOrNobodys(t *testing.T) {
	rules, err := identity.New(identity.Options{PhoneRegion: "DE"})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.setup.Identity = rules
	w.start()
	calls := w.track("calls")
	w.crm.put("1", "ann@x.example", func(c *connectors.Contact) { c.Phones = []string{"030 123456"} })
	w.once()
	calls.add("", "", "+4930123456", "", demoRequest(w.clock.now()))
	w.once()
	if got := w.signals("ann@x.example"); got != 1 {
		t.Fatalf("ann has %d signals, want that of her number", got)
	}
	w.clock.advance(2 * time.Hour)
	w.crm.put("2", "bob@x.example", func(c *connectors.Contact) { c.Phones = []string{"+49 (0)30 12 34 56"} })
	w.once()
	w.clock.advance(2 * time.Hour)
	w.once()
	w.persons(2, "a phone joins no records")
	if ann, bob := w.signals("ann@x.example"), w.signals("bob@x.example"); ann != 0 || bob != 0 {
		t.Errorf("ann has %d signals and bob %d of a number that both have", ann, bob)
	}
	if links := strings.Join(w.linksOf("bob@x.example"), "\n"); !strings.Contains(links, "phone +4930123456: "+identity.HeldByTwo) {
		t.Errorf("bob is not told:\n%s", links)
	}
	if _, err := operate.Explain(t.Context(), w.p, "bob@x.example"); err == nil || !strings.Contains(err.Error(), "phone …456 is "+identity.HeldByTwo) {
		t.Errorf("explain of somebody without a score: %v", err)
	}
}

func TestUser42OfTheShopIsNotUser42OfTheProduct(t *testing.T) {
	w := newWorld(t).start()
	shop, app := w.track("shop"), w.track("app")
	w.crm.put("1", "ann@x.example", nil)
	w.crm.put("2", "bob@x.example", nil)
	at := w.clock.now()
	shop.add("42", "ann@x.example", "", "", read(1, at))
	app.add("42", "bob@x.example", "", "", demoRequest(at))
	shop.add("42", "", "", "", read(2, at), read(3, at))
	app.add("42", "", "", "", read(4, at))
	w.once()
	if ann, bob := w.signals("ann@x.example"), w.signals("bob@x.example"); ann != 3 || bob != 2 {
		t.Errorf("ann has %d signals and bob %d, want 3 and 2", ann, bob)
	}
}

// TestAMergeGivesTheUnionOfBothJourneys: under the survivor, whichever address lives.
func TestAMergeGivesTheUnionOfBothJourneys(t *testing.T) {
	merge := func(w *world, loser, winner string, how string) {
		switch how {
		case "found by reading":
			w.crm.mu.Lock()
			w.crm.contacts[loser].State, w.crm.contacts[loser].Into = connectors.Merged, w.crm.ref(winner)
			w.crm.mu.Unlock()
			if err := w.db.Ask(w.idOf(w.crm.ref(loser).String()), w.clock.now()); err != nil {
				w.t.Fatal(err)
			}
		case "told by the survivor":
			w.crm.mu.Lock()
			delete(w.crm.contacts, loser)
			w.crm.mu.Unlock()
			w.crm.put(winner, "", func(c *connectors.Contact) { c.Absorbed = []connectors.Ref{w.crm.ref(loser)} })
		}
	}
	for _, how := range []string{"found by reading", "told by the survivor"} {
		t.Run(how, func(t *testing.T) {
			w := newWorld(t).start()
			app := w.track("app")
			at := w.clock.now().Add(-time.Hour)
			w.crm.put("1", "lead@old.example", nil)
			w.crm.put("2", "contact@new.example", nil)
			app.add("1", "lead@old.example", "", "d1", demoRequest(at), read(1, at), read(2, at))
			app.add("1", "", "", "", read(3, at))
			w.once()
			before := w.crm.ours("1")[connectors.FieldScore]
			if n := w.signals("lead@old.example"); n != 4 || before == "" {
				t.Fatalf("%d signals, score %q", n, before)
			}
			w.clock.advance(2 * time.Hour)
			merge(w, "1", "2", how)
			w.once()
			w.persons(1, "merged")
			if n, got := w.signals("contact@new.example"), w.crm.ours("2")[connectors.FieldScore]; n != 4 || got != before {
				t.Errorf("merged into one without signals: %d signals and score %q, want 4 and %q", n, got, before)
			}
			// A second one with signals of their own.
			w.crm.put("3", "third@x.example", nil)
			app.add("3", "third@x.example", "", "d3", read(5, w.clock.now()))
			app.add("3", "", "", "", read(6, w.clock.now()))
			w.once()
			merge(w, "2", "3", how)
			w.once()
			if n := w.signals("third@x.example"); n != 6 {
				t.Errorf("merged into one with signals: %d, want the union, 6", n)
			}
			// What comes later under any of their names is theirs.
			w.clock.advance(2 * time.Hour)
			app.add("", "lead@old.example", "", "", read(7, w.clock.now()))
			app.add("1", "", "", "", read(8, w.clock.now()))
			w.once()
			if n := w.signals("third@x.example"); n != 8 {
				t.Errorf("later, under the loser's names: %d, want 8", n)
			}
			for _, who := range []string{"lead@old.example", "crm/contacts/1", "1", "crm/contacts/2"} {
				if w.signals(who) != 8 {
					t.Errorf("%s leads nowhere: a record's id stays with its person", who)
				}
			}
			if w.crm.ours("3")[connectors.FieldTier] == "unknown" {
				t.Error("tier unknown was written")
			}
		})
	}
}

func TestAFormerAddressIsTheirsUntilAnotherRecordHasIt(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	n := w.signals(email)
	w.clock.advance(2 * time.Hour)
	w.crm.put("1", "", func(c *connectors.Contact) { c.Emails = []string{"new@acme.example"} })
	w.once()
	if got := w.signals("new@acme.example"); got != n {
		t.Fatalf("with another address the person has %d signals, had %d", got, n)
	}
	w.site.add(email, read(9, w.clock.now()))
	w.once()
	if got := w.signals("new@acme.example"); got != n+1 {
		t.Fatalf("what came under the former address is lost: %d signals, want %d", got, n+1)
	}
	w.clock.advance(2 * time.Hour)
	w.crm.put("2", email, nil)
	w.once()
	w.persons(2, "the address is a new record's")
	if got := w.signals(email); got != n+1 {
		t.Errorf("who has the address now has %d signals, want %d", got, n+1)
	}
	w.clock.advance(2 * time.Hour)
	w.site.add("new@acme.example", read(1, w.clock.now()))
	w.once()
	if got := w.signals("new@acme.example"); got != 1 {
		t.Errorf("who had it counts %d signals, want their own one", got)
	}
}

func TestAPropertyOfTheCRMMayBeAUserID(t *testing.T) {
	w := newWorld(t)
	w.setup.CRMs[0].Identify = []pipeline.IdentifyBy{{Property: "app_user_id", Kind: identity.UserID, Space: "app"}}
	w.start()
	app := w.track("app")
	app.add("u-7", "", "", "", demoRequest(w.clock.now()))
	w.crm.put("1", "ann@x.example", func(c *connectors.Contact) { c.Fields["app_user_id"] = "u-7" })
	w.once()
	if got := w.signals("ann@x.example"); got != 1 {
		t.Fatalf("ann has %d signals", got)
	}
	if links := w.linksOf("ann@x.example"); !slices.Contains(links, "user_id u-7 of app: property app_user_id of crm/contacts/1") {
		t.Errorf("the reason is not told: %q", links)
	}
	if f, err := intake.Listen(t.Context(), w.p, "app", 0); err != nil || f.Unknown > 0 {
		t.Errorf("%+v, %v", f, err)
	}
	w.clock.advance(2 * time.Hour)
	w.crm.put("1", "", func(c *connectors.Contact) { c.Fields["app_user_id"] = "u-8" })
	w.once()
	if links := strings.Join(w.linksOf("ann@x.example"), "\n"); strings.Contains(links, "u-7") || !strings.Contains(links, "u-8") {
		t.Errorf("the property changed, the links are\n%s", links)
	}
	// The same id on two people's records is nobody's.
	w.crm.put("2", "bob@x.example", func(c *connectors.Contact) { c.Fields["app_user_id"] = "u-8" })
	w.once()
	for _, who := range []string{"ann@x.example", "bob@x.example"} {
		if links := strings.Join(w.linksOf(who), "\n"); !strings.Contains(links, "user_id u-8 of app: "+identity.HeldByTwo) {
			t.Errorf("%s: %s", who, links)
		}
	}
	n := w.db.Stats()
	w.clock.advance(2 * time.Hour)
	w.once()
	if got := w.db.Stats(); got.Identities != n.Identities {
		t.Error("it does not come to rest")
	}
}

// TestLinksFromBeforeThereWereSpacesAreRead: they are of the space of the source they came from.
func TestLinksFromBeforeThereWereSpacesAreRead(t *testing.T) {
	w := newWorld(t).start()
	shop, app := w.track("shop"), w.track("app")
	w.crm.put("1", "ann@x.example", nil)
	w.once()
	id := w.idOf("ann@x.example")
	links := []state.Link{{Kind: state.LinkUserID, Value: "42", Source: "app", Reason: "seen together by app", At: w.clock.now()}}
	if _, err := w.db.StageLot(state.Lot{Now: w.clock.now(), Rules: &state.IdentityRules{}, Settlements: []state.Settlement{{Entry: state.Entry{Person: id}, Identities: &state.Identified{Links: links}}}}); err != nil {
		t.Fatal(err)
	}
	app.add("42", "", "", "", demoRequest(w.clock.now()))
	shop.add("42", "", "", "", read(1, w.clock.now()))
	w.once()
	if got := w.signals("ann@x.example"); got != 1 {
		t.Errorf("ann has %d signals, want the one of her source", got)
	}
	if f, err := intake.Listen(t.Context(), w.p, "shop", 0); err != nil || f.Queued != 0 {
		t.Errorf("the shop's user 42: %+v, %v", f, err)
	}
}

func TestABlockedValueEndsALink(t *testing.T) {
	w := newWorld(t).start()
	app := w.track("app")
	w.crm.put("1", "ann@x.example", nil)
	app.add("admin", "ann@x.example", "", "", demoRequest(w.clock.now()))
	app.add("admin", "", "", "", read(1, w.clock.now()), read(2, w.clock.now()))
	w.once()
	if got := w.signals("ann@x.example"); got != 3 {
		t.Fatalf("ann has %d signals", got)
	}
	o := identity.Options{Block: []identity.Block{{Kind: identity.UserID, Value: "admin"}}}
	rules, err := identity.New(o)
	if err != nil {
		t.Fatal(err)
	}
	jc := journey.Defaults()
	jc.Identity, jc.OwnHosts = o, []string{"www.shop.example"}
	if w.setup.Journey, err = journey.NewBuilder(jc); err != nil {
		t.Fatal(err)
	}
	w.setup.Identity = rules
	w.p.Swap(w.setup)
	if _, err := intake.Rescan(t.Context(), w.p, state.ReasonConfig); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(2 * time.Hour)
	w.once()
	if got := w.signals("ann@x.example"); got != 1 {
		t.Errorf("ann has %d signals, want what names her", got)
	}
}
