package clickstream

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// at is an event some minutes after midnight of the day before the present; who is "kind=value" for each identifier.
func at(minute int, who string) connectors.Event {
	e := connectors.Event{
		Kind: connectors.KindPageView, Time: present.AddDate(0, 0, -1).Truncate(24 * time.Hour).Add(time.Duration(minute) * time.Minute),
		URL: fmt.Sprintf("/%d", minute), ID: fmt.Sprintf("%d %s", minute, who),
	}
	for _, id := range strings.Fields(who) {
		k, v, _ := strings.Cut(id, "=")
		switch k {
		case "u":
			e.UserID = v
		case "e":
			e.Email = v + "@example.com"
		case "p":
			e.Phone = v
		case "a":
			e.AnonymousID = v
		}
	}
	return e
}

var ever = connectors.Window{From: present.AddDate(-5, 0, 0), To: present.AddDate(1, 0, 0)}

// journey are the URLs of somebody's events in the order of time.
func journey(t testing.TB, s connectors.Source, p connectors.Person) []string {
	t.Helper()
	var events []connectors.Event
	for e, err := range s.Journeys(t.Context(), []connectors.Person{p}, ever) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	slices.SortFunc(events, func(a, b connectors.Event) int { return a.Time.Compare(b.Time) })
	var out []string
	for _, e := range events {
		out = append(out, e.URL)
	}
	return out
}

func by(who string) connectors.Person {
	e := at(0, who)
	var p connectors.Person
	if e.UserID != "" {
		p.UserIDs = []string{e.UserID}
	}
	if e.Email != "" {
		p.Emails = []string{e.Email}
	}
	if e.Phone != "" {
		p.Phones = []string{e.Phone}
	}
	if e.AnonymousID != "" {
		p.AnonymousIDs = []string{e.AnonymousID}
	}
	return p
}

// TestLinks: who gets which events, and that it is the same however the events are cut into batches.
func TestLinks(t *testing.T) {
	for _, c := range []struct {
		name   string
		events []connectors.Event
		want   map[string]string // who asks → minutes of the events told
	}{
		{"the anonymous past and future of the one who signs up",
			[]connectors.Event{at(1, "a=x"), at(2, "a=x e=ann"), at(3, "a=x"), at(4, "a=y")},
			map[string]string{"e=ann": "1 2 3", "a=x": "1 2 3", "a=y": "4"}},
		{"two devices of one person",
			[]connectors.Event{at(1, "a=x"), at(2, "a=x e=ann"), at(3, "a=y"), at(4, "a=y e=ann")},
			map[string]string{"e=ann": "1 2 3 4"}},
		{"chains of identifiers",
			[]connectors.Event{at(1, "a=x"), at(2, "a=x e=ann"), at(3, "u=7"), at(4, "u=7 e=ann"), at(5, "e=ann p=+4930123456")},
			map[string]string{"e=ann": "1 2 3 4 5", "u=7": "1 2 3 4 5", "p=+4930123456": "1 2 3 4 5"}},
		{"a shared device: each their own after the switch, and the half hour before it nobody's",
			[]connectors.Event{at(1, "a=x"), at(2, "a=x e=ann"), at(60, "a=x"), at(100, "a=x"), at(120, "a=x e=bob"), at(130, "a=x"), at(200, "a=x e=ann"), at(201, "a=x")},
			map[string]string{"e=ann": "1 2 60 200 201", "e=bob": "120 130", "a=x": ""}},
		{"a device with an asker who is neither of its owners",
			[]connectors.Event{at(2, "a=x e=ann"), at(3, "a=x"), at(4, "e=bob")},
			map[string]string{"e=bob a=x": "4", "e=ann": "2 3"}},
		{"two accounts with one e-mail stay apart, and the address stays with the first",
			[]connectors.Event{at(1, "u=1 e=ann"), at(2, "u=2 e=ann"), at(3, "u=2"), at(4, "e=ann")},
			map[string]string{"e=ann": "1 4", "u=1": "1 4", "u=2": "2 3"}},
		{"a company's phone joins nobody",
			[]connectors.Event{at(1, "e=ann p=+4930123456"), at(2, "e=bob p=+4930123456"), at(3, "e=bob")},
			map[string]string{"e=ann": "1", "e=bob": "2 3"}},
		{"a phone known before the person",
			[]connectors.Event{at(1, "p=+4930123456"), at(2, "e=ann p=+49-30-123456")},
			map[string]string{"e=ann": "1 2"}},
		{"an e-mail known before its account",
			[]connectors.Event{at(1, "e=ann"), at(2, "u=1"), at(3, "u=1 e=ann")},
			map[string]string{"e=ann": "1 2 3"}},
		{"placeholders link nobody",
			[]connectors.Event{at(1, "u=null e=ann"), at(2, "u=NULL e=bob"), at(3, "a=undefined e=ann"), at(4, "a=undefined e=bob"), at(5, "a=00000000-0000-0000-0000-000000000000 e=ann"), at(6, "a=00000000-0000-0000-0000-000000000000 e=bob")},
			map[string]string{"e=ann": "1 3 5", "e=bob": "2 4 6", "u=null": "", "a=undefined": ""}},
		{"a kiosk belongs to nobody",
			[]connectors.Event{at(1, "a=x e=p1"), at(100, "a=x e=p2"), at(200, "a=x e=p3"), at(300, "a=x e=p4"), at(400, "a=x e=p5"), at(410, "a=x"), at(500, "a=x e=p6"), at(510, "a=x")},
			map[string]string{"e=p1": "1", "e=p5": "400", "e=p6": "500"}},
	} {
		for size := 1; size <= len(c.events); size++ {
			t.Run(fmt.Sprintf("%s/%d a batch", c.name, size), func(t *testing.T) {
				s := open(t, t.TempDir(), Options{})
				for b := range slices.Chunk(slices.Clone(c.events), size) {
					take(t, s, b...)
				}
				for who, want := range c.want {
					var urls []string
					for _, m := range strings.Fields(want) {
						urls = append(urls, "/"+m)
					}
					got := journey(t, s, by(who))
					if !slices.Equal(got, urls) {
						t.Errorf("%s gets %q, want %q", who, got, urls)
					}
				}
			})
		}
	}
}

// TestLateClaim: a claim that comes in after newer events gives nobody what it cannot tell apart.
func TestLateClaim(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	take(t, s, at(1, "a=x"), at(2, "a=x e=ann"), at(500, "a=x"), at(900, "a=x e=ann"), at(950, "a=x"))
	take(t, s, at(400, "a=x e=bob"))
	if got := journey(t, s, by("e=bob")); !slices.Equal(got, []string{"/400"}) {
		t.Errorf("bob gets %q", got)
	}
	if got := journey(t, s, by("e=ann")); !slices.Equal(got, []string{"/1", "/2", "/900"}) {
		t.Errorf("ann gets %q: after the unclear stretch only what names her", got)
	}
	take(t, s, at(1000, "a=x e=ann"), at(1001, "a=x"))
	if got := journey(t, s, by("e=ann")); !slices.Equal(got, []string{"/1", "/2", "/900", "/1000", "/1001"}) {
		t.Errorf("ann gets %q: the device is hers again from the next claim on", got)
	}
}

// TestGuards: at most one user id and five of any other type.
func TestGuards(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for i := range 8 {
		take(t, s, at(i, fmt.Sprintf("u=1 e=ann%d p=+49301234%d a=device%d", i, i, i)))
	}
	page, err := s.Active(t.Context(), nil)
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("%d people, want 1: %v", len(page.Items), err)
	}
	p := page.Items[0]
	if len(p.UserIDs) != 1 || len(p.Emails) != 5 || len(p.Phones) != 5 || len(p.AnonymousIDs) != 5 {
		t.Errorf("got %d user ids, %d e-mails, %d phones, %d devices", len(p.UserIDs), len(p.Emails), len(p.Phones), len(p.AnonymousIDs))
	}
	if p.AnonymousIDs[0] != "device7" {
		t.Errorf("the device claimed last is not first: %q", p.AnonymousIDs)
	}
	if got := journey(t, s, by("u=1")); len(got) != 8 {
		t.Errorf("%d events, want 8: an event that names the user is theirs, whatever else is in it", len(got))
	}
	st, err := s.Stats()
	if err != nil || st.Conflicts != 6 || st.People != 1 {
		t.Errorf("%d conflicts and %d people, want 6 and 1: %v", st.Conflicts, st.People, err)
	}
}

// TestReasons: every link says which event made it.
func TestReasons(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	take(t, s, at(1, "e=ann"), at(2, "a=x e=ann"), at(3, "u=7 e=ann"))
	links, err := s.Links(t.Context(), by("a=x"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range links {
		got = append(got, l.Kind+" "+l.Value+" by "+l.Event)
	}
	slices.Sort(got)
	want := []string{"anonymous_id x by 2 a=x e=ann", "email ann@example.com by 1 e=ann", "user_id 7 by 3 u=7 e=ann"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestKnownLinksAreRemembered: what is remembered between batches never hides a change of hands. The reference looks
// everything up.
func TestKnownLinksAreRemembered(t *testing.T) {
	var events []connectors.Event
	for i := range 400 {
		who := fmt.Sprintf("a=d%d", i*7%5)
		if i%3 == 0 {
			who += fmt.Sprintf(" e=p%d", i*11%7)
		}
		if i%10 == 0 {
			who += fmt.Sprintf(" u=%d", i*11%7)
		}
		events = append(events, at(i*3, who))
	}
	a, b := open(t, t.TempDir(), Options{}), open(t, t.TempDir(), Options{})
	for chunk := range slices.Chunk(events, 9) {
		take(t, a, slices.Clone(chunk)...)
		b.known = recent{}
		take(t, b, slices.Clone(chunk)...)
	}
	for i := range 7 {
		who := by(fmt.Sprintf("e=p%d", i))
		if x, y := journey(t, a, who), journey(t, b, who); !slices.Equal(x, y) || len(x) == 0 {
			t.Errorf("p%d gets %d events, looked up %d", i, len(x), len(y))
		}
	}
}

func TestClean(t *testing.T) {
	for _, c := range []struct{ in, want connectors.Event }{
		{connectors.Event{Email: " Ann@Example.COM "}, connectors.Event{Email: "ann@example.com"}},
		{connectors.Event{Email: "ann"}, connectors.Event{}},
		{connectors.Event{Email: "@example.com"}, connectors.Event{}},
		{connectors.Event{Email: "ann smith@example.com"}, connectors.Event{}},
		{connectors.Event{Email: "anonymous@example.com"}, connectors.Event{}},
		{connectors.Event{Phone: "0049 (30) 12-34.56"}, connectors.Event{Phone: "+4930123456"}},
		{connectors.Event{Phone: "030/123456"}, connectors.Event{Phone: "030123456"}},
		{connectors.Event{Phone: "123"}, connectors.Event{}},
		{connectors.Event{Phone: "+000000"}, connectors.Event{}},
		{connectors.Event{Phone: "call me"}, connectors.Event{}},
		{connectors.Event{UserID: "-1"}, connectors.Event{}},
		{connectors.Event{UserID: "0"}, connectors.Event{}},
		{connectors.Event{UserID: "Undefined"}, connectors.Event{}},
		{connectors.Event{UserID: " 42 "}, connectors.Event{UserID: "42"}},
		{connectors.Event{AnonymousID: strings.Repeat("x", 255)}, connectors.Event{}},
	} {
		got := c.in
		ok := Clean(&got)
		if texts := texts(&got); *texts[textEmail] != c.want.Email || got.Phone != c.want.Phone || got.UserID != c.want.UserID || got.AnonymousID != c.want.AnonymousID {
			t.Errorf("%+v became %+v", c.in, got)
		}
		if want := c.want.Email+c.want.Phone+c.want.UserID+c.want.AnonymousID != ""; ok != want {
			t.Errorf("%+v: %v", c.in, ok)
		}
	}
}
