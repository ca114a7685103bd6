package asked

import (
	"fmt"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

func TestAnEventIsOfWhomItsStrongestIdentifierSays(t *testing.T) {
	w := Of([]connectors.Person{
		{Key: "ann", Emails: []string{"Ann@Example.com"}, UserIDs: []string{"42"}, AnonymousIDs: []string{"shared"}},
		{Key: "bob", UserIDs: []string{"43"}, AnonymousIDs: []string{"shared", "b"}},
	})
	for _, c := range []struct {
		e    connectors.Event
		want string
	}{
		{connectors.Event{Email: "ann@example.COM", UserID: "43"}, "ann"},
		{connectors.Event{UserID: "43", AnonymousID: "b"}, "bob"},
		{connectors.Event{AnonymousID: "b"}, "bob"},
		{connectors.Event{AnonymousID: "shared"}, ""},
		{connectors.Event{UserID: "b"}, ""},
		{connectors.Event{}, ""},
	} {
		if got := w.Event(&c.e); got != c.want {
			t.Errorf("%+v is %q's, want %q", c.e, got, c.want)
		}
	}
}

// read reads a cursor as a source does whose whole cursor is a position.
func read(from connectors.Cursor) (Position, error) {
	p := Position{Version: 1}
	return p, ReadCursor("x", from, &p, func() bool { return p.Version == 1 })
}

func TestAPositionTellsRowsOfTheLookbackOnce(t *testing.T) {
	start := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	row := func(minute int, id string) Row { return Row{start.Add(time.Duration(minute) * time.Minute), id} }
	p, err := read(nil)
	if err != nil || !p.Meet(row(0, "a")) || !p.Meet(row(9, "b")) || p.Meet(row(9, "b")) {
		t.Fatalf("%+v, %v", p, err)
	}
	p.Rest(true, 5*time.Minute)
	if p.Row != row(9, "b") {
		t.Errorf("between pages it stands at %v", p.Row)
	}
	p.Rest(false, 5*time.Minute)
	q, err := read(p.Cursor())
	if err != nil || q.Row != row(4, "") || len(q.Seen) != 1 || q.Meet(row(9, "b")) || !q.Meet(row(5, "late")) {
		t.Errorf("%+v, %v: want it five minutes before the newest, with that one known", q, err)
	}
	for _, cursor := range []string{"", `{"v":2}`, "[1]"} {
		if _, err := read(connectors.Cursor(cursor)); connectors.KindOf(err) != connectors.Config {
			t.Errorf("%q: %v", cursor, err)
		}
	}
}

func TestAPositionStaysSmall(t *testing.T) {
	p := Position{Version: 1}
	for i := range 3 * keptSeen {
		p.Meet(Row{time.Unix(int64(i), 0).UTC(), fmt.Sprint(i)})
	}
	p.Rest(false, time.Hour*24)
	if len(p.Seen) != keptSeen || p.Seen[keptSeen-1].ID != fmt.Sprint(3*keptSeen-1) {
		t.Errorf("%d rows are kept", len(p.Seen))
	}
}
