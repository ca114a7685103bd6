package journey

import (
	"slices"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

// TestWhoseEventsAre: what the state knows of a person's identifiers decides with the events, by the one package.
func TestWhoseEventsAre(t *testing.T) {
	const me, bob = "ada@customer.test", "bob@customer.test"
	h := time.Hour
	event := func(ago time.Duration, path, source, user, email, anon, phone string) connectors.Event {
		return view(ago, path, func(e *connectors.Event) {
			e.Source, e.UserID, e.Email, e.AnonymousID, e.Phone, e.Person = source, user, email, anon, phone, "p1"
		})
	}
	user42 := identity.ID{Kind: identity.UserID, Space: "app", Value: "42"}
	device := identity.ID{Kind: identity.AnonymousID, Space: "app", Value: "x"}
	phone := identity.ID{Kind: identity.Phone, Value: "+4930123456"}
	info := identity.ID{Kind: identity.Email, Value: "info@customer.test"}
	for _, c := range []struct {
		name   string
		person connectors.Person
		nobody []identity.ID
		events []connectors.Event
		want   []string
	}{
		{"a user id that two hold says nothing: only the address does",
			connectors.Person{Emails: []string{me}}, []identity.ID{user42},
			[]connectors.Event{event(9*h, "/1", "app", "42", me, "", ""), event(8*h, "/2", "app", "42", bob, "", ""), event(7*h, "/3", "app", "42", "", "", "")},
			[]string{"/1"}},
		{"so a device, a phone and a mailbox",
			connectors.Person{Emails: []string{me, info.Value}}, []identity.ID{device, phone, info},
			[]connectors.Event{event(9*h, "/1", "app", "", "", "x", ""), event(8*h, "/2", "app", "", me, "x", ""), event(7*h, "/3", "app", "", "", "", "0049 30 123456"), event(6*h, "/4", "app", "", info.Value, "", ""), event(5*h, "/5", "app", "", me, "", phone.Value)},
			[]string{"/2", "/5"}},
		{"it is nobody's in its own space only",
			connectors.Person{Emails: []string{me}}, []identity.ID{user42},
			[]connectors.Event{event(9*h, "/1", "shop", "42", "", "", ""), event(8*h, "/2", "app", "42", "", "", "")},
			[]string{"/1"}},
		{"user 42 of the shop is not user 42 of the product",
			connectors.Person{Emails: []string{me}, UserIDs: []string{user42.Stored()}}, nil,
			[]connectors.Event{event(9*h, "/1", "app", "42", "", "", ""), event(8*h, "/2", "shop", "7", me, "", ""), event(7*h, "/3", "shop", "42", "", "", "")},
			[]string{"/1", "/2"}},
		{"of a merged person every account counts, and every address they ever had",
			connectors.Person{Emails: []string{me, "old@customer.test"}, UserIDs: []string{user42.Stored(), identity.ID{Kind: identity.UserID, Space: "app", Value: "43"}.Stored()}}, nil,
			[]connectors.Event{event(9*h, "/1", "app", "42", "", "", ""), event(8*h, "/2", "app", "43", "", "", ""), event(7*h, "/3", "app", "", "Old@customer.test", "", ""), event(6*h, "/4", "app", "44", "", "", "")},
			[]string{"/1", "/2", "/3"}},
		{"ids of unknown space, from before there were any",
			connectors.Person{Emails: []string{me}, UserIDs: []string{"42"}}, nil,
			[]connectors.Event{event(9*h, "/1", "app", "42", "", "", ""), event(8*h, "/2", "app", "43", "", "", "")},
			[]string{"/1"}},
		{"an id that has the form of an address is that address",
			connectors.Person{Emails: []string{me}}, nil,
			[]connectors.Event{event(9*h, "/1", "app", "mailto:Ada@customer.test", "", "", ""), event(8*h, "/2", "app", bob, "", "", ""), event(7*h, "/3", "app", "", "", "ada%40customer.test", "")},
			[]string{"/1", "/3"}},
		{"an address as it really arrives",
			connectors.Person{Emails: []string{me}}, nil,
			[]connectors.Event{event(9*h, "/1", "app", "", `"Ada L" <ADA@customer.test>,`, "", ""), event(8*h, "/2", "app", "", "Bob <bob@customer.test>", "", "")},
			[]string{"/1"}},
	} {
		c.person.Key = "p1"
		for range 2 { // the order of arrival changes nothing
			j := builder(t).Build(Input{Person: c.person, Nobodys: c.nobody, Events: slices.Clone(c.events), Now: noon})
			var got []string
			for _, s := range j.Sessions {
				for _, st := range s.Steps {
					got = append(got, st.Event.URL)
				}
			}
			for i, u := range got {
				got[i] = u[len(u)-2:]
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) || j.Filtered.Foreign != len(c.events)-len(c.want) {
				t.Errorf("%s: %q, %d foreign; want %q", c.name, got, j.Filtered.Foreign, c.want)
			}
			slices.Reverse(c.events)
		}
	}
}

// Promise: what somebody did before they were known is theirs by the rule of the configuration: by default where they consented to it when
// they did it, and no word is no consent. What names them needs none, and nobody is joined to an anonymous id that is asked for as itself.
func TestWhatIsJoinedToAPerson(t *testing.T) {
	const h = time.Hour
	nameless := func(ago time.Duration, path, consent string) connectors.Event {
		return view(ago, path, func(e *connectors.Event) { e.Consent = consent })
	}
	events := []connectors.Event{
		nameless(9*h, "/1", "granted"), nameless(8*h, "/2", ""), nameless(7*h, "/3", "denied"),
		view(6*h, "/4", func(e *connectors.Event) { e.Email = "ada@customer.test" }),
		view(5*h, "/5", func(e *connectors.Event) { e.Email, e.Consent = "ada@customer.test", "denied" }),
		view(4*h, "/6", func(e *connectors.Event) { e.AnonymousID, e.Person = "", "p1" }),
	}
	stranger := connectors.Person{Key: "p1", AnonymousIDs: []string{"a1"}}
	for _, c := range []struct {
		name   string
		join   identity.Join
		person connectors.Person
		want   []string
		left   int
	}{
		{"by default", "", person, []string{"/1", "/4", "/6"}, 1},
		{"consented", identity.JoinConsented, person, []string{"/1", "/4", "/6"}, 1},
		{"always", identity.JoinAlways, person, []string{"/1", "/2", "/4", "/6"}, 0},
		{"never", identity.JoinNever, person, []string{"/4", "/6"}, 2},
		{"who is an anonymous id", identity.JoinNever, stranger, []string{"/1", "/2", "/4", "/6"}, 0},
	} {
		j := builder(t, func(o *Config) { o.Identity.JoinAnonymous = c.join }).Build(Input{Person: c.person, Events: slices.Clone(events), Now: noon})
		var got []string
		for _, s := range j.Sessions {
			for _, st := range s.Steps {
				got = append(got, st.Event.URL[len(st.Event.URL)-2:])
			}
		}
		left := 0
		for _, l := range j.LeftOut {
			if l.Why == WhyAnonymous {
				left = l.N
			}
		}
		if !slices.Equal(got, c.want) || left != c.left {
			t.Errorf("%s: %v, %d left out for consent; want %v, %d", c.name, got, left, c.want, c.left)
		}
	}
}

// Promise: consent that is withdrawn ends the journey, whichever source told of it: nothing before counts, and nothing after without
// another consent.
func TestConsentWithdrawn(t *testing.T) {
	const h = time.Hour
	mine := func(e *connectors.Event) { e.Email = "ada@customer.test" }
	granted := func(e *connectors.Event) { e.Consent = "granted" }
	withdrawn := func(ago time.Duration, change ...func(*connectors.Event)) connectors.Event {
		return ev(ago, "Consent Withdrawn", "", append(change, func(e *connectors.Event) { e.Consent = "denied" })...)
	}
	events := []connectors.Event{view(9*h, "/1", mine), view(8*h, "/2", mine, granted), view(6*h, "/3", mine), view(5*h, "/4", mine, granted)}
	for _, c := range []struct {
		name string
		by   connectors.Event
		want []string
		when time.Duration
	}{
		{"by name", withdrawn(7*h, mine), []string{"/4"}, 7 * h},
		{"on a device of theirs", withdrawn(7 * h), []string{"/4"}, 7 * h},
		{"at last", withdrawn(4*h, mine), nil, 4 * h},
		{"by somebody else", withdrawn(7*h, func(e *connectors.Event) { e.Email, e.AnonymousID = "bob@customer.test", "b1" }), []string{"/1", "/2", "/3", "/4"}, 0},
		{"refused where it was never given", withdrawn(7*h, func(e *connectors.Event) { e.AnonymousID = "a2" }), []string{"/1", "/2", "/3", "/4"}, 0},
		{"a banner that was shown", ev(7*h, "Cookie Banner Shown", "", mine, func(e *connectors.Event) { e.Consent = "denied" }), []string{"/1", "/2", "/3", "/4"}, 0},
		{"denied, but of one page", view(7*h, "/5", mine, func(e *connectors.Event) { e.Consent = "denied" }), []string{"/1", "/2", "/3", "/4"}, 0},
	} {
		j := builder(t, func(o *Config) { o.Identity.JoinAnonymous = identity.JoinNever }).Build(Input{Person: person, Events: append(slices.Clone(events), c.by), Now: noon})
		var got []string
		for _, s := range j.Sessions {
			for _, st := range s.Steps {
				got = append(got, st.Event.URL[len(st.Event.URL)-2:])
			}
		}
		var when time.Time
		if c.when > 0 {
			when = noon.Add(-c.when)
		}
		if !slices.Equal(got, c.want) || !j.Withdrawn.Equal(when) {
			t.Errorf("%s: %v, withdrawn %v; want %v, %v", c.name, got, j.Withdrawn, c.want, when)
		}
	}
}

// Promise: a CRM's record that denies consent leaves nothing, company news included, and says so even where nothing was told; one that
// grants it stands for events that say nothing, but for what somebody withdrew themselves; a source whose events were all consented to does
// so alike, and what an event says itself goes before all of it.
func TestConsentOfTheRecord(t *testing.T) {
	const h = time.Hour
	mine := func(e *connectors.Event) { e.Email = "ada@customer.test" }
	said := func(word string) func(*connectors.Event) { return func(e *connectors.Event) { e.Consent = word } }
	events := []connectors.Event{view(9*h, "/1"), view(8*h, "/2", said("denied")), view(7*h, "/3", mine), view(3*h, "/4", mine)}
	withdrawn := func(by string) connectors.Event {
		return ev(5*h, "consent", "", mine, said("denied"), func(e *connectors.Event) { e.Properties = map[string]string{connectors.PropWithdrawnBy: by} })
	}
	for _, c := range []struct {
		name      string
		consent   string
		consented bool
		more      []connectors.Event
		want      []string
		when      time.Time
	}{
		{"nothing is said", "", false, nil, []string{"/3", "/4"}, time.Time{}},
		{"granted", ConsentGranted, false, nil, []string{"/1", "/3", "/4"}, time.Time{}},
		{"granted to the source", "", true, nil, []string{"/1", "/3", "/4"}, time.Time{}},
		{"denied", ConsentDenied, true, []connectors.Event{ev(h, "job_posting", "", func(e *connectors.Event) { e.AnonymousID = "" })}, nil, noon},
		{"denied before, not any more", "", false, []connectors.Event{withdrawn("hubspot: hs_legal_basis")}, nil, noon.Add(-5 * h)},
		{"denied before, granted now", ConsentGranted, false, []connectors.Event{withdrawn("hubspot: hs_legal_basis")}, []string{"/4"}, noon.Add(-5 * h)},
		{"withdrawn themselves, granted in the CRM", ConsentGranted, true, []connectors.Event{withdrawn(connectors.WithdrawnThemselves)}, nil, noon.Add(-5 * h)},
	} {
		b := builder(t, func(o *Config) {
			o.Identity.JoinAnonymous = identity.JoinConsented
			if c.consented {
				o.Consented = []string{"site"}
			}
		})
		all := append(slices.Clone(events), c.more...)
		for i := range all {
			all[i].Source = "site"
		}
		j := b.Build(Input{Person: person, Events: all, Now: noon, Consent: c.consent})
		var got []string
		for _, s := range j.Sessions {
			for _, st := range s.Steps {
				got = append(got, st.Event.URL[len(st.Event.URL)-2:])
			}
		}
		if !slices.Equal(got, c.want) || !j.Withdrawn.Equal(c.when) || c.consent == ConsentDenied && (j.Hash != 0 || j.Filtered.NoConsent < 4) {
			t.Errorf("%s: %v, withdrawn %v, left out %v; want %v, %v", c.name, got, j.Withdrawn, j.LeftOut, c.want, c.when)
		}
	}
	j := builder(t).Build(Input{Person: person, Now: noon, Consent: ConsentDenied})
	if len(j.LeftOut) != 1 || j.LeftOut[0].Why != WhyDenied || j.LeftOut[0].N != 0 {
		t.Errorf("nothing was told, and denied: %+v", j.LeftOut)
	}
}
