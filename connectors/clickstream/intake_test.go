package clickstream

import (
	"context"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// What a feed tells again is left out, and makes nobody active again.
func TestToldAgain(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	take(t, s, at(1, "e=ann"), at(2, "e=bob"))
	page, err := s.Active(t.Context(), nil)
	if err != nil || len(page.Items) != 2 {
		t.Fatalf("%d people: %v", len(page.Items), err)
	}
	again := at(1, "e=ann")
	again.Time = again.Time.Add(20 * time.Millisecond) // a second attempt to send is dated anew
	if n, err := s.Ingest(Batch{Source: "site", Events: []connectors.Event{again, at(2, "e=bob"), at(3, "e=bob")}}); n != 1 || err != nil {
		t.Errorf("%d accepted: %v", n, err)
	}
	page, err = s.Active(t.Context(), page.Next)
	if err != nil || len(page.Items) != 1 || page.Items[0].Emails[0] != "bob@example.com" {
		t.Errorf("active: %+v, %v", page.Items, err)
	}
	// Whoever was forgotten may come back.
	if _, err := s.Forget(t.Context(), by("e=ann")); err != nil {
		t.Fatal(err)
	}
	take(t, s, at(1, "e=ann"))
}

// An id that comes again for something else, at the same moment even, costs no event and is counted.
func TestReusedIDs(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	a, b, c := at(1, "e=ann"), at(1, "e=ann"), at(9, "e=ann")
	b.URL = "/other"
	c.ID = a.ID
	take(t, s, a)
	take(t, s, b, c)
	if got := journey(t, s, by("e=ann")); len(got) != 3 {
		t.Errorf("got %q", got)
	}
	if i, err := s.Intake("site"); i.ReusedIDs != 2 || err != nil {
		t.Errorf("%+v, %v", i, err)
	}
}

// Everything a source gave is counted, once: with the events it is of, or not at all.
func TestIntakeCounts(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{Retention: 30 * 24 * time.Hour})
	kind := func(minute int, name string) connectors.Event {
		e := at(minute, "e=ann")
		e.Kind = name
		return e
	}
	old, denied := at(1, "e=ann"), at(2, "e=ann")
	old.Time = present.AddDate(0, -3, 0)
	denied.Consent = "denied"
	b := Batch{Source: "site", Events: []connectors.Event{
		old, denied, at(3, ""), kind(4, "Page Viewed"), kind(5, "Widget Frobnicated"), kind(6, "Widget Frobnicated"), kind(7, "saw ann@example.com"), at(8, "a=x"), at(9, "e=ann"), at(9, "e=ann"),
	}}
	if err := os.Mkdir(segmentPath(dir, s.seq+1), 0o700); err != nil { // the first attempt fails
		t.Fatal(err)
	}
	if _, err := s.Ingest(b); err == nil {
		t.Fatal("no error")
	}
	if _, err := s.Ingest(b); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ingest(Batch{Source: "site", Events: []connectors.Event{at(10, "")}}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, dir, Options{})
	got, err := s.Intake("site")
	want := connectors.Intake{
		Events: 6, Anonymous: 1, UnknownKinds: map[string]int64{"Widget Frobnicated": 2, "(others)": 1},
		LeftOut: map[string]int64{connectors.LeftOutNobody: 2, connectors.LeftOutConsent: 1, connectors.LeftOutOld: 1, connectors.LeftOutRepeated: 1},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v\n%v", got, want, err)
	}
	if other, err := s.Intake("other"); err != nil || other.Events != 0 {
		t.Errorf("another source: %+v, %v", other, err)
	}
}

// heldFeed is a feed that waits for a limit, and leaves something out by itself.
type heldFeed struct{ released int }

func (f *heldFeed) Take(context.Context, connectors.Cursor) (connectors.Page[connectors.Event], error) {
	return connectors.Page[connectors.Event]{Next: connectors.Cursor("1")}, nil
}
func (f *heldFeed) Release() { f.released++ }
func (f *heldFeed) Intake(connectors.Cursor) (connectors.Intake, error) {
	return connectors.Intake{LeftOut: map[string]int64{"too old for the feed": 3}}, nil
}

// Promise: what a feed leaves out by itself is told beside what the store does, and a feed that waits is released as any connector is.
func TestFedPassesOnCountsAndRelease(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	f := &heldFeed{}
	fed := s.Fed("held", f)
	in, err := fed.Intake()
	if err != nil || in.LeftOut["too old for the feed"] != 3 {
		t.Errorf("%+v, %v", in, err)
	}
	if r, ok := connectors.Source(fed).(connectors.Releaser); !ok {
		t.Error("a fed source cannot be released")
	} else if r.Release(); f.released != 1 {
		t.Errorf("released %d times", f.released)
	}
}
