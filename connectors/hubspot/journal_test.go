package hubspot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/sandbox"
)

// Promise: what holds for changes by search holds for those by the journal.
func TestConformanceByJournal(t *testing.T) {
	connectortest.CRM(t, func(t *testing.T) connectortest.CRMHarness {
		return newJournalPortal(t, sandbox.JournalApp{Lag: journalLag, FileRecords: filedEntries})
	})
}

// followed is a portal whose journal a client follows.
type followed struct {
	*portal
	t      *testing.T
	c      *Client
	cursor connectors.Cursor
	log    bytes.Buffer
}

// follow begins in a portal with contacts.
func follow(t *testing.T, app sandbox.JournalApp, contacts int) (*followed, []connectors.Ref) {
	f := &followed{portal: newJournalPortal(t, app), t: t}
	refs := f.Create(t, contacts)
	time.Sleep(10 * time.Minute) // out of any lookback
	f.restart()
	f.poll()
	return f, refs
}

// restart makes the client anew, as a restarted daemon does.
func (f *followed) restart(change ...func(*Options)) {
	f.t.Helper()
	o := f.options()
	o.Logger = slog.New(slog.NewTextHandler(&f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, ch := range change {
		ch(&o)
	}
	c, err := New(o)
	must(f.t, err)
	f.c = c
}

// page asks for a page and keeps where it ends.
func (f *followed) page() connectors.Page[connectors.Contact] {
	f.t.Helper()
	p, err := f.c.Changes(f.t.Context(), f.cursor)
	must(f.t, err)
	f.cursor = p.Next
	return p
}

// poll follows to the end and returns what was told, by id.
func (f *followed) poll() map[string]connectors.Contact {
	f.t.Helper()
	told := map[string]connectors.Contact{}
	for range 1000 {
		p := f.page()
		for _, k := range p.Items {
			told[k.ID] = k
		}
		if !p.More {
			return told
		}
	}
	f.t.Fatal("the journal does not end")
	return nil
}

func (f *followed) edit(title string, refs ...connectors.Ref) {
	f.t.Helper()
	f.Change(f.t, refs, title)
	time.Sleep(3 * time.Second)
}

func (f *followed) want(told map[string]connectors.Contact, refs ...connectors.Ref) {
	f.t.Helper()
	if len(told) != len(refs) {
		f.t.Errorf("%d contacts were told, want %d", len(told), len(refs))
	}
	for _, r := range refs {
		if _, ok := told[r.ID]; !ok {
			f.t.Errorf("%s was not told", r)
		}
	}
}

func (f *followed) position() (at journalAt) {
	f.t.Helper()
	must(f.t, json.Unmarshal(f.cursor, &at))
	return at
}

func (f *followed) condition() *connectors.Followed {
	f.t.Helper()
	c, err := f.c.ChangesAt(f.cursor)
	must(f.t, err)
	return c
}

func (f *followed) calls(route string) int64 { return f.Counters().Calls(route) }

// withFault has the next requests of a part of the paths answered with a status.
func (f *followed) withFault(path string, status int) {
	f.Faults().Add(sandbox.Fault{Path: path, Status: status})
}

// Promise: intentd subscribes before it takes the present as its start: to what it reads, to none of what it writes, and once. What
// changes from then on is told, also while the first sweep goes on.
func TestJournalBeginsBeforeTheFirstSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &followed{portal: newJournalPortal(t, sandbox.JournalApp{}), t: t}
		refs := f.Create(t, 3)
		f.restart(func(o *Options) { o.Inputs = []string{"city"} })
		var asked []string
		inner := f.c.o.HTTP
		o := f.options()
		o.Inputs, o.HTTP = []string{"city"}, roundTrip(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/webhooks-journal"))
			return inner.RoundTrip(r)
		})
		c, err := New(o)
		must(t, err)
		f.c = c
		f.edit("before", refs...)
		f.poll()
		post, latest := slices.Index(asked, "POST /subscriptions/2026-09"), slices.Index(asked, "GET /journal-local/2026-09/latest")
		if post < 0 || latest < post {
			t.Errorf("asked %v, want the subscription before the start", asked)
		}
		properties := f.Subscriptions()["0-1"]
		for _, name := range []string{"email", "jobtitle", "hs_analytics_num_page_views", "city", "intent_verdict"} {
			if !slices.Contains(properties, name) {
				t.Errorf("no subscription to %s", name)
			}
		}
		for _, name := range properties {
			if strings.HasPrefix(name, "intent_") && name != "intent_verdict" {
				t.Errorf("a subscription to %s, which intentd writes", name)
			}
		}
		_, err = f.c.Sweep(t.Context(), nil)
		must(t, err)
		f.edit("meanwhile", refs[1])
		f.want(f.poll(), refs[1])
		asked = nil
		time.Sleep(25 * time.Hour)
		f.poll()
		if slices.Contains(asked, "POST /subscriptions/2026-09") {
			t.Error("what is subscribed to already is subscribed to again")
		}
	})
}

type roundTrip func(r *http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Promise: HubSpot keeps one subscription for an account and object, so that others of the app keep theirs in it, but for intentd's fields.
// One that demands object ids gets an empty list; one that HubSpot does not take, and that a sweep makes good, stops nothing.
func TestSubscriptionsAreUnited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := follow(t, sandbox.JournalApp{}, 1)
		must(t, f.c.journal.subscribe(t.Context(), true))
		_, err := f.c.journal.post(t.Context(), subscription{Type: subscriptionOfObject, Portal: "146000001", Object: contactType, Actions: []string{"UPDATE"}, Properties: []string{"city", "intent_score"}})
		must(t, err)
		f.restart()
		f.Faults().Add(sandbox.Fault{Method: "POST", Path: "/subscriptions", Status: 400})
		f.poll()
		if got := f.Subscriptions()["0-1"]; !slices.Contains(got, "city") || !slices.Contains(got, "jobtitle") || slices.Contains(got, "intent_score") {
			t.Errorf("subscribed to %v", got)
		}
		f.restart(func(o *Options) { o.Inputs = []string{"country"} })
		f.poll()
		if got := f.Subscriptions()["0-1"]; !slices.Contains(got, "country") || !slices.Contains(got, "city") {
			t.Errorf("with another input subscribed to %v", got)
		}
		f.Uninstall()
		f.Install()
		f.Faults().Add(sandbox.Fault{Method: "POST", Path: "/subscriptions", Skip: 1, Status: 400})
		f.restart()
		f.poll()
		if lacks := f.c.journal.lacks(); len(lacks) != 1 || lacks[0] != "GDPR_PRIVACY_DELETION" {
			t.Errorf("refused: %v", lacks)
		}
	})
}

// Promise: the offset moves once a whole file was told. A crash has the rest of it told, or all of it again.
func TestTheOffsetMovesAfterAWholeFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, refs := follow(t, sandbox.JournalApp{}, 2500)
		start := f.position().Offset
		f.edit("Tied", refs...)
		told := map[string]int{}
		for i := range 3 {
			crashed, err := f.c.Changes(t.Context(), f.cursor) // what it told is lost
			must(t, err)
			p := f.page()
			if len(crashed.Items) != len(p.Items) || len(p.Items) == 0 || crashed.Items[0].ID != p.Items[0].ID {
				t.Fatalf("page %d: %d items, %d before the crash", i, len(p.Items), len(crashed.Items))
			}
			for _, k := range p.Items {
				told[k.ID]++
			}
			if moved := f.position().Offset != start; moved != (i == 2) {
				t.Errorf("after page %d the offset moved: %v", i, moved)
			}
			f.restart()
		}
		if rest := f.poll(); len(rest) != 0 || len(told) != 2500 {
			t.Errorf("%d told, then %d more", len(told), len(rest))
		}
		for id, n := range told {
			if n != 1 {
				t.Fatalf("%s was told %d times", id, n)
			}
		}
	})
}

// Promise: what is held of a file answers for no other position than the one it was read for.
func TestAnOlderPositionIsReadAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, refs := follow(t, sandbox.JournalApp{}, 2500)
		older := f.cursor
		f.edit("A", refs[0])
		f.page()
		f.edit("Tied", refs...)
		f.page()
		f.cursor = older
		if p := f.page(); len(p.Items) != 1 || p.Items[0].ID != refs[0].ID {
			t.Errorf("told %d contacts", len(p.Items))
		}
	})
}

// Promise: nothing newer (204) and an offset that is not known (404) are two things. The latter is the end only if the latest file is ours,
// or there was nothing for three days; otherwise it goes on from the earliest.
func TestAnUnknownOffsetIsNoEnd(t *testing.T) {
	for name, of := range map[string]struct {
		happen   func(f *followed, refs []connectors.Ref)
		want     int
		gaps     int64
		searches bool
	}{
		"the latest is ours": {func(f *followed, refs []connectors.Ref) {
			f.edit("A", refs[0])
			f.poll()
			f.withFault("/next", 404)
		}, 0, 0, false},
		"nothing for three days": {func(f *followed, refs []connectors.Ref) {
			f.edit("A", refs[0])
			for range 80 {
				f.poll()
				time.Sleep(time.Hour)
			}
		}, 0, 0, false},
		"gone within three days": {func(f *followed, refs []connectors.Ref) {
			f.edit("A", refs[0])
			f.poll()
			f.ExpireJournal()
			f.edit("B", refs[1], refs[2])
		}, 2, 0, false},
		"gone for longer": {func(f *followed, refs []connectors.Ref) {
			f.edit("A", refs[0])
			f.poll()
			time.Sleep(time.Hour)
			f.poll()
			f.edit("B", refs[1])
			time.Sleep(80 * time.Hour)
			f.edit("C", refs[2])
			time.Sleep(time.Minute)
		}, 2, 1, true},
		"gone for longer, and nothing since": {func(f *followed, refs []connectors.Ref) {
			f.edit("A", refs[0])
			f.poll()
			time.Sleep(time.Hour)
			f.poll()
			f.edit("B", refs[1])
			time.Sleep(80 * time.Hour)
		}, 1, 1, true},
		"never anything, and away for longer": {func(f *followed, refs []connectors.Ref) {
			time.Sleep(time.Hour)
			f.edit("B", refs[1])
			time.Sleep(80 * time.Hour)
		}, 1, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, refs := follow(t, sandbox.JournalApp{}, 5)
				of.happen(f, refs)
				f.restart()
				before := f.calls("POST contacts/search")
				told := f.poll()
				if len(told) != of.want {
					t.Errorf("told %d, want %d", len(told), of.want)
				}
				if n := f.calls("POST contacts/search") - before; (n > 0) != of.searches {
					t.Errorf("%d searches", n)
				}
				f.poll()
				if c := f.condition(); c.Gaps != of.gaps || time.Since(c.CaughtUp) > 2*time.Minute {
					t.Errorf("condition %+v", c)
				}
				if n := strings.Count(f.log.String(), "level=WARN"); (n == 1) != of.searches || n > 1 {
					t.Errorf("told the operator %d times:\n%s", n, f.log.String())
				}
				f.edit("Z", refs[4])
				f.want(f.poll(), refs[4])
			})
		})
	}
}

// Promise: the search that closes a gap begins at the moment that the journal was last read to its end, less the lookback.
func TestAGapIsClosedFromWhereItWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, refs := follow(t, sandbox.JournalApp{}, 2)
		f.edit("A", refs[0])
		f.poll()
		time.Sleep(10 * time.Minute)
		f.poll()
		caught := f.condition().CaughtUp
		time.Sleep(100 * time.Hour)
		var body string
		inner := f.c.o.HTTP
		f.restart(func(o *Options) {
			o.HTTP = roundTrip(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/search") {
					b, _ := r.GetBody()
					body = readAll(b)
				}
				return inner.RoundTrip(r)
			})
		})
		f.poll()
		_, filters := seen{body: body}.search(t)
		if got, want := filters["lastmodifieddate GTE"], millis(caught.Add(-5*time.Minute)); got != want {
			t.Errorf("searched from %s, want %s", got, want)
		}
	})
}

// Promise: the address of a file is a secret with an end. It is asked for again, and nothing is passed over; no token goes with it, and
// neither log nor error holds it.
func TestTheAddressOfAFileIsASecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, refs := follow(t, sandbox.JournalApp{}, 2)
		var tokens, files int
		inner := f.c.o.HTTP
		f.restart(func(o *Options) {
			o.HTTP = roundTrip(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host != "api.hubapi.com" {
					if files++; r.Header.Get("Authorization") != "" {
						tokens++
					}
					if files == 1 {
						f.ExpireJournalAddresses()
					}
				}
				return inner.RoundTrip(r)
			})
		})
		f.edit("A", refs[0])
		f.want(f.poll(), refs[0])
		if files != 2 || tokens != 0 {
			t.Errorf("%d files were asked for, %d with a token", files, tokens)
		}
		for _, status := range []int{403, 404} {
			f.edit(fmt.Sprint(status), refs[1])
			f.withFault("/journal-files", status)
			f.want(f.poll(), refs[1])
		}
		before := f.position()
		f.edit("B", refs[0])
		f.Faults().Add(sandbox.Fault{Path: "/journal-files", Status: 403, Times: -1})
		_, err := f.c.Changes(t.Context(), f.cursor)
		if connectors.KindOf(err) != connectors.Transient || f.position().Offset != before.Offset {
			t.Errorf("addresses that always end: %v", err)
		}
		f.Faults().Clear()
		f.Faults().Add(sandbox.Fault{Path: "/journal-files", Cut: 60, Times: 20})
		if _, err := f.c.Changes(t.Context(), f.cursor); connectors.KindOf(err) != connectors.Transient || strings.Contains(fmt.Sprint(err), "sandbox.example") {
			t.Errorf("a file that breaks off: %v", err)
		}
		f.Faults().Clear()
		f.want(f.poll(), refs[0])
		if log := f.log.String(); !strings.Contains(log, "read a file of the webhooks journal") || strings.Contains(log, "sig=") || strings.Contains(log, "journal-files") {
			t.Errorf("the log tells an address:\n%s", log)
		}
	})
}

// Promise: what tells of nothing here is counted by reason and passed over, an event that cannot be read, too; ids come as numbers or texts.
func TestWhatTellsOfNothingIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, refs := follow(t, sandbox.JournalApp{}, 3)
		f.restart(func(o *Options) { o.Journal.Global = true })
		f.poll()
		entry := func(portal int, action, object, rest string) string {
			return fmt.Sprintf(`{"type":"x","portalId":%d,"action":%q,"objectTypeId":%q%s}`, portal, action, object, rest)
		}
		own := 146000001
		f.Journal(entry(4711, "UPDATE", "0-1", `,"objectId":`+refs[0].ID), false)
		f.Journal(entry(own, "SNAPSHOT", "0-1", `,"objectId":`+refs[0].ID), true)
		f.Journal(entry(own, "ASSOCIATION_ADDED", "", `,"fromObjectId":1`), true)
		f.Journal(entry(own, "UPDATE", "0-3", `,"objectId":`+refs[0].ID), true)
		f.Journal(entry(own, "GDPR_DELETE", "0-1", ``), true)
		f.Journal(`{"action":7,"portalId":146000001}`, true)
		f.Journal(`"text"`, true)
		f.Journal(fmt.Sprintf(`{"action":"UPDATE","portalId":"%d","objectTypeId":"0-1","objectId":"%s","more":[{}]}`, own, refs[1].ID), true)
		f.Journal(entry(own, "UPDATE", "0-1", `,"objectId":`+refs[2].ID), true)
		time.Sleep(3 * time.Second)
		f.want(f.poll(), refs[1], refs[2])
		want := map[string]int64{skipAccount: 1, skipAction: 2, skipObject: 1, skipNobody: 1, skipUnreadable: 2}
		if got := f.condition().Skipped; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("skipped %v, want %v", got, want)
		}
	})
}

// Promise: deleted, merged, restored and erased contacts are told as what they are; what the read says decides.
func TestJournalTellsWhatBecameOfContacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, refs := follow(t, sandbox.JournalApp{}, 5)
		f.Archive(t, refs[0])
		f.Erase(t, refs[1])
		survivor := f.Merge(t, refs[2], refs[3])
		time.Sleep(3 * time.Second)
		told := f.poll()
		for ref, state := range map[connectors.Ref]connectors.State{refs[0]: connectors.Archived, refs[1]: connectors.Erased,
			refs[2]: connectors.Merged, refs[3]: connectors.Merged, survivor: connectors.Live} {
			k, ok := told[ref.ID]
			if !ok || k.State != state || state == connectors.Merged && k.Into != survivor {
				t.Errorf("%s was told %v as %s into %s, want %s", ref, ok, k.State, k.Into, state)
			}
		}
		if absorbed := told[survivor.ID].Absorbed; len(absorbed) != 2 {
			t.Errorf("the survivor absorbed %v", absorbed)
		}
		must(t, f.HubSpot.Restore(refs[0].ID))
		time.Sleep(3 * time.Second)
		if k := f.poll()[refs[0].ID]; k.State != connectors.Live || len(k.Emails) == 0 {
			t.Errorf("the restored contact was told as %+v", k)
		}
	})
}

// Invariant 9: a record over which HubSpot fails stops nobody else's changes, alone in a file or among others.
func TestInvariant9OneBadRecordStopsNoJournal(t *testing.T) {
	for _, n := range []int{1, 5} {
		synctest.Test(t, func(t *testing.T) {
			f, refs := follow(t, sandbox.JournalApp{}, 6)
			bad := fmt.Sprintf(`{"id":"%s"}`, refs[0].ID)
			inner := f.c.o.HTTP
			f.restart(func(o *Options) {
				o.HTTP = roundTrip(func(r *http.Request) (*http.Response, error) {
					if r.GetBody != nil {
						if b, _ := r.GetBody(); strings.Contains(readAll(b), bad) {
							return connectortest.Answer(r, 500, nil, `{"status":"error","message":"internal error"}`), nil
						}
					}
					return inner.RoundTrip(r)
				})
			})
			f.edit("A", refs[:n]...)
			told := f.poll()
			f.want(told, refs[:n]...)
			if told[refs[0].ID].State == connectors.Live || n > 1 && told[refs[1].ID].Profile.JobTitle != "A" {
				t.Errorf("told %+v", told)
			}
			if got := f.condition().Skipped[skipFailing]; got != 1 {
				t.Errorf("%d counted", got)
			}
			f.edit("B", refs[5])
			f.want(f.poll(), refs[5])
			f.Faults().Add(sandbox.Fault{Path: "/batch/read", Status: 500, Times: -1}) // all of them: HubSpot itself
			f.edit("C", refs[4])
			if _, err := f.c.Changes(t.Context(), f.cursor); connectors.KindOf(err) != connectors.Transient {
				t.Errorf("%v", err)
			}
			f.Faults().Clear()
			f.want(f.poll(), refs[4])
		})
	}
}

// Promise: an app that was away between two polls has its subscriptions made again, and what changed meanwhile is told.
func TestInstalledAgainBetweenPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, refs := follow(t, sandbox.JournalApp{}, 3)
		f.Uninstall()
		f.edit("A", refs[0])
		f.Install()
		time.Sleep(3 * time.Second)
		if _, ok := f.poll()[refs[0].ID]; !ok {
			t.Error("what changed while it was away was not told")
		}
		f.edit("B", refs[1])
		f.want(f.poll(), refs[1])
	})
}

// Invariant 5: intentd's own writes are not told to it.
func TestInvariant5OwnWritesAreNotInTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, refs := follow(t, sandbox.JournalApp{}, 3)
		results, err := f.c.Write(t.Context(), patchesOf(refs))
		must(t, err)
		must(t, results[0].Err)
		time.Sleep(3 * time.Second)
		before := f.Counters().Requests
		if p := f.page(); len(p.Items) > 0 || p.More || f.Counters().Requests != before+1 {
			t.Errorf("told %d after %d calls", len(p.Items), f.Counters().Requests-before)
		}
		f.SetOwn(t, refs[1], connectors.FieldVerdict, "not_now")
		time.Sleep(3 * time.Second)
		f.want(f.poll(), refs[1])
	})
}

// Invariant 4: a value that a person set since a sweep's page is not overwritten, whether or not the journal told of the contact meanwhile.
func TestInvariant4AnEditThatTheJournalTellsIsNotOverwritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, refs := follow(t, sandbox.JournalApp{}, 3)
		sweep(t, f.c)
		_, err := f.c.Read(t.Context(), refs)
		must(t, err)
		time.Sleep(2 * time.Second)
		must(t, f.UpdateContact(refs[1].ID, map[string]string{"intent_score": "5", "jobtitle": "CTO"}, "17"))
		time.Sleep(3 * time.Second)
		f.want(f.poll(), refs[1])
		results, err := f.c.Write(t.Context(), patchesOf(refs))
		must(t, err)
		for i, r := range results {
			if (connectors.KindOf(r.Err) == connectors.Gone) != (i == 1) {
				t.Errorf("row %d: %v", i, r.Err)
			}
		}
		if got, _ := f.Contact(refs[1].ID); got["intent_score"] != "5" {
			t.Errorf("the edit was overwritten by %s", got["intent_score"])
		}
	})
}

// Promise: an app that was uninstalled stops the account, over a restart, too; installed again it goes on, and what changed meanwhile is told.
func TestUninstalledStopsTheAccount(t *testing.T) {
	for name, again := range map[string]func(f *followed){
		"told by the journal": func(f *followed) { f.Install() },
		"told by an admin": func(f *followed) {
			f.Faults().Add(sandbox.Fault{Path: "/next", Status: 204, Times: -1, Body: " "})
			f.Install()
			f.c.Release()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, refs := follow(t, sandbox.JournalApp{}, 3)
				f.edit("A", refs[0])
				f.poll()
				f.c.Release() // of before, for another reason
				f.Change(t, refs[:1], "with it in one file")
				f.Uninstall()
				time.Sleep(5 * time.Second)
				stopped := func() {
					t.Helper()
					for range 3 {
						p, err := f.c.Changes(t.Context(), f.cursor)
						if err == nil {
							if f.cursor = p.Next; len(p.Items) > 0 {
								t.Errorf("told %d of an account that is stopped", len(p.Items))
							}
							continue
						}
						var e *connectors.Error
						if errors.As(err, &e); e.Kind != connectors.Auth || e.Fix == "" {
							t.Errorf("%v", err)
						}
					}
					before := f.Counters().Requests
					_, read := f.c.Read(t.Context(), refs)
					_, write := f.c.Write(t.Context(), patchesOf(refs))
					_, swept := f.c.Sweep(t.Context(), nil)
					_, deals := f.c.Deals(t.Context(), nil, time.Time{})
					var journeys error
					for _, err := range f.c.Engagement(EngagementOptions{}).Journeys(t.Context(), []connectors.Person{{Key: "1", Refs: refs}}, connectors.Window{}) {
						journeys = err
					}
					for _, err := range []error{read, write, swept, deals, journeys} {
						if connectors.KindOf(err) != connectors.Auth {
							t.Errorf("%v", err)
						}
					}
					if n := f.Counters().Requests - before; n > 0 {
						t.Errorf("%d calls", n)
					}
					if f.condition().Removed.IsZero() {
						t.Error("the condition does not tell of it")
					}
				}
				stopped()
				f.restart()
				stopped()
				f.edit("B", refs[1]) // nobody records it
				again(f)
				time.Sleep(time.Minute)
				told := f.poll()
				f.Faults().Clear()
				f.want(told, refs[0], refs[1])
				f.edit("C", refs[2])
				if _, ok := f.poll()[refs[2].ID]; !ok {
					t.Error("nothing is told any more")
				}
			})
		})
	}
}

// Promise: a token lasts until shortly before its end, and one that is refused is replaced once.
func TestTheAppsTokenIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := follow(t, sandbox.JournalApp{}, 1)
		fetched := func() int64 { return f.calls("POST oauth/token") }
		for range 28 {
			f.poll()
			time.Sleep(time.Minute)
		}
		if fetched() != 1 {
			t.Errorf("%d tokens within half an hour", fetched())
		}
		time.Sleep(2 * time.Minute)
		f.poll()
		f.ExpireAppTokens()
		f.poll()
		if fetched() != 3 {
			t.Errorf("%d tokens, want one more for the time and one for the refusal", fetched())
		}
	})
}

// Promise: an account that was searched goes on by its journal, and back, and from one journal to the other, and nothing between is lost.
func TestChangesGoOnByTheOtherWay(t *testing.T) {
	search := func(o *Options) { o.Journal = nil }
	global := func(o *Options) { o.Journal.Global = true }
	local := func(o *Options) {}
	for name, ways := range map[string][2]func(*Options){
		"search to journal": {search, local}, "journal to search": {local, search}, "one account's to all": {local, global}, "all to one account's": {global, local},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &followed{portal: newJournalPortal(t, sandbox.JournalApp{}), t: t}
				refs := f.Create(t, 3)
				time.Sleep(time.Hour)
				f.restart(ways[0])
				f.poll()
				f.edit("A", refs[0])
				time.Sleep(time.Hour)
				f.poll()
				f.edit("B", refs[1])
				time.Sleep(time.Hour)
				f.restart(ways[1])
				told := f.poll()
				if _, ok := told[refs[1].ID]; !ok {
					t.Errorf("what changed between was not told, but %v", told)
				}
				for _, name := range []string{journalOfApp, journalOfAccount} {
					if n := f.Counters().Routes["GET "+name+"/offset/{offset}/next"][404]; n > 0 {
						t.Errorf("%d offsets of the other journal were asked for", n)
					}
				}
				f.edit("C", refs[2])
				time.Sleep(time.Minute)
				if k := f.poll()[refs[2].ID]; k.Profile.JobTitle != "C" {
					t.Errorf("what changed after it was told as %+v", k)
				}
			})
		})
	}
}

// Promise: a gap that is being closed is closed by the search as well, if that takes over.
func TestAGapIsClosedByWhatTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, refs := follow(t, sandbox.JournalApp{}, 3)
		f.edit("A", refs[0])
		f.poll()
		time.Sleep(time.Hour)
		f.edit("B", refs[1])
		time.Sleep(80 * time.Hour)
		f.page()
		if f.position().Walk == nil {
			t.Fatal("no gap")
		}
		f.restart(func(o *Options) { o.Journal = nil })
		if _, ok := f.poll()[refs[1].ID]; !ok {
			t.Error("what changed in the gap was not told")
		}
	})
}

// Promise: the doctor tells a wrong app, missing scopes and an app that is not installed, each with its fix, and what is in order.
func TestDoctorKnowsTheJournal(t *testing.T) {
	for name, of := range map[string]struct {
		app    sandbox.JournalApp
		change func(*Options)
		code   string
		says   string
	}{
		"in order":     {says: "the static token reads and writes contacts", code: findJournal},
		"wrong id":     {change: func(o *Options) { o.Journal.ClientID = "another" }, code: findJournalApp, says: "client id"},
		"wrong secret": {change: func(o *Options) { o.Journal.ClientSecret = "another" }, code: findJournalApp, says: "client secret"},
		"no scope":     {app: sandbox.JournalApp{Scopes: []string{"developer.webhooks_journal.subscriptions.read"}}, code: findJournalScope, says: "developer.webhooks_journal.read"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &followed{portal: newJournalPortal(t, of.app), t: t}
				f.restart(func(o *Options) {
					if of.change != nil {
						of.change(o)
					}
				})
				found := f.c.Probe(t.Context())
				i := slices.IndexFunc(found, func(x connectors.Finding) bool { return x.Code == of.code })
				if i < 0 || !strings.Contains(found[i].Message, of.says) || (found[i].Severity == connectors.OK) != (of.code == findJournal) || found[i].Severity != connectors.OK && found[i].Fix == "" {
					t.Errorf("found %+v", found)
				}
				if n := len(f.Subscriptions()); n != 0 {
					t.Error("the doctor subscribed")
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		f, refs := follow(t, sandbox.JournalApp{}, 1)
		f.edit("A", refs[0])
		f.Faults().Add(sandbox.Fault{Path: "/journal-files", Reset: true, Times: -1}) // a firewall
		found := f.c.Probe(t.Context())
		i := slices.IndexFunc(found, func(x connectors.Finding) bool { return x.Code == findJournalFiles })
		if i < 0 || !strings.Contains(found[i].Fix, "journal-files.sandbox.example") || strings.Contains(found[i].Fix+found[i].Message, "sig=") {
			t.Errorf("found %+v", found)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := &followed{portal: newJournalPortal(t, sandbox.JournalApp{}), t: t}
		f.Uninstall()
		f.restart()
		_, err := f.c.Changes(t.Context(), nil)
		var e *connectors.Error
		if errors.As(err, &e); e == nil || e.Kind != connectors.Auth || !strings.Contains(e.Fix, "install the app") {
			t.Errorf("an app that is not installed: %v", err)
		}
	})
}

// Promise: a file is read as it comes and no further than a bound; whatever it holds, reading ends with a file or an error.
func TestAFileIsBounded(t *testing.T) {
	endless := io.MultiReader(strings.NewReader(`{"offset":"x","journalEvents":[`), &repeating{text: `{"action":"UPDATE","portalId":1,"objectTypeId":"0-1","objectId":501},`})
	f := journalFile{portal: "1", seen: map[string]bool{}, skipped: map[string]int64{}}
	if err := f.read(&bounded{endless, 1 << 20}); !errors.Is(err, errLongFile) {
		t.Errorf("an endless file: %v", err)
	}
	if len(f.ids) != 1 {
		t.Errorf("%d ids of one contact", len(f.ids))
	}
}

type repeating struct {
	text string
	at   int
}

func (r *repeating) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.text[r.at%len(r.text)]
		r.at++
	}
	return len(p), nil
}

func FuzzJournalFile(f *testing.F) {
	f.Add(`{"offset":"6f","publishedAt":"2026-11-20T09:10:04.120Z","journalEvents":[{"portalId":1,"action":"MERGE","objectTypeId":"0-1","objectId":7,"mergedObjectIds":[5,"6"]}]}`)
	f.Add(`{"journalEvents":[null,1,{"portalId":"1","action":"GDPR_DELETE","objectId":"9"},{"portalId":1,"action":"APP_UNINSTALL"}]}`)
	f.Add(`[{}]`)
	f.Fuzz(func(t *testing.T, text string) {
		file := journalFile{portal: "1", seen: map[string]bool{}, skipped: map[string]int64{}}
		if file.read(strings.NewReader(text)) == nil && !json.Valid([]byte(text)) && !strings.HasPrefix(strings.TrimSpace(text), "{") {
			t.Errorf("%q was read", text)
		}
		for _, id := range file.ids {
			if _, ok := recordID(id); !ok {
				t.Errorf("%q is no id", id)
			}
		}
	})
}
