package pipeline_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/privacy"
	"github.com/intentd/intentd/state"
)

// meanwhile is a source during whose answer something happens, once.
type meanwhile struct {
	*fakeSource
	do func()
}

func (m *meanwhile) Journeys(ctx context.Context, people []connectors.Person, w connectors.Window) iter.Seq2[connectors.Event, error] {
	return func(yield func(connectors.Event, error) bool) {
		m.fakeSource.Journeys(ctx, people, w)(yield)
		if do := m.do; do != nil {
			m.do = nil
			do()
		}
	}
}

// nothingLeft says that no bucket that belongs to people holds anything.
func nothingLeft(t *testing.T, w *world) {
	t.Helper()
	if got := w.db.Stats(); got.People != 0 || got.Contacts != 0 || got.Receipts != 0 || got.Queue != [state.Lanes]int{} || got.Journal != 0 {
		t.Fatalf("left of the forgotten person: %+v", got)
	}
}

func TestForgettingDuringALotLeavesNothing(t *testing.T) {
	for _, mode := range []pipeline.WriteMode{pipeline.WriteOn, pipeline.WriteOff} {
		t.Run(string(mode), func(t *testing.T) {
			w := newWorld(t)
			w.setup.Write.Mode = mode
			m := &meanwhile{fakeSource: w.site}
			w.setup.Sources[0].Source = m
			w.start()
			email := w.buyer("1")
			m.do = func() {
				if _, err := privacy.Forget(context.Background(), w.p, email, false); err != nil {
					t.Errorf("forget: %v", err)
				}
			}
			w.once()
			nothingLeft(t, w)
			if got := w.crm.ours("1"); len(got) > 0 {
				t.Fatalf("the CRM shows %v of a forgotten person", got)
			}
		})
	}
}

func TestForgettingSomebodyWhosePatchIsBeingSentOrWaitsLeavesNothing(t *testing.T) {
	for _, how := range []string{"being sent", "waits"} {
		t.Run(how, func(t *testing.T) {
			w := newWorld(t).start()
			email := w.buyer("1")
			forgotten := make(chan error, 1)
			forget := func() {
				_, err := privacy.Forget(context.Background(), w.p, email, false)
				forgotten <- err
			}
			if how == "being sent" {
				w.crm.onWrite = func(patches []connectors.Patch) {
					if patches[0].Fields[connectors.FieldScore] != "" {
						w.crm.onWrite = nil
						go forget()
						for range 200 { // until nothing of them is known any more, then let the patch arrive
							if w.db.Stats().People == 0 {
								break
							}
							time.Sleep(time.Millisecond)
						}
					}
				}
			} else {
				w.crm.failWrite = &connectors.Error{Kind: connectors.Transient, Op: "write", Message: "HTTP 503"}
				w.crm.onWrite = func([]connectors.Patch) {
					w.crm.onWrite = nil
					go func() {
						w.crm.mu.Lock()
						w.crm.failWrite = nil
						w.crm.mu.Unlock()
						forget()
					}()
				}
			}
			w.once()
			if err := <-forgotten; err != nil {
				t.Fatal(err)
			}
			w.once()
			nothingLeft(t, w)
			if got := w.crm.ours("1"); len(got) > 0 {
				t.Fatalf("the CRM shows %v of a forgotten person", got)
			}
		})
	}
}

func TestACRMThatRefusesKeepsNoJourneyFromBeingErased(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	w.crm.rejects["1"] = &connectors.Error{Kind: connectors.Rejected, Op: "write", Message: "validation rule"}
	if _, err := privacy.Forget(t.Context(), w.p, email, false); err == nil || !strings.Contains(err.Error(), "validation rule") {
		t.Fatalf("forget: %v", err)
	}
	if len(w.site.events[email]) != 0 {
		t.Fatal("the journey is still there")
	}
	delete(w.crm.rejects, "1")
	if n, err := privacy.ResumeErasures(t.Context(), w.p); err != nil || n != 1 {
		t.Fatalf("resumed %d, %v", n, err)
	}
	if got := w.crm.ours("1"); len(got) > 0 {
		t.Fatalf("our fields still hold %v", got)
	}
}

func TestAForgottenAddressIsNotKeptAsSomebodyElsesLink(t *testing.T) {
	w := newWorld(t).start()
	gone, stays := w.buyer("1"), w.buyer("2")
	w.site.active = append(w.site.active, connectors.Person{Emails: []string{stays}, AnonymousIDs: []string{"shared-device"}})
	w.once()
	if _, err := privacy.Forget(t.Context(), w.p, gone, false); err != nil {
		t.Fatal(err)
	}
	w.site.active = append(w.site.active, connectors.Person{Emails: []string{gone}, AnonymousIDs: []string{"shared-device"}})
	w.once()
	held, err := privacy.Export(t.Context(), w.p, stays)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range held.Links {
		if l.Value == gone {
			t.Fatalf("the forgotten address is kept: %+v", l)
		}
	}
}

// TestAMassDisappearanceForgetsNobody: a token that lost sight of the records looks as if everybody had been erased.
func TestAMassDisappearanceForgetsNobody(t *testing.T) {
	w := newWorld(t).start()
	const people = 60
	for i := range people {
		w.buyer(fmt.Sprint(100 + i))
	}
	w.once()
	w.crm.mu.Lock()
	w.crm.contacts = map[string]*connectors.Contact{}
	w.crm.mu.Unlock()
	for i := range people {
		w.site.add(fmt.Sprintf("buyer%d@acme.example", 100+i), view("/x", "X", w.clock.now()))
	}
	w.once()
	w.clock.advance(25 * time.Hour)
	w.once()
	w.once()
	const erasuresADay = 20
	if got := w.db.Stats().People; got != people-erasuresADay {
		t.Fatalf("%d people are left of %d: want all but the %d that a day may lose", got, people, erasuresADay)
	}
}
