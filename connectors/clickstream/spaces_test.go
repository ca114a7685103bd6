package clickstream

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

func rulesOf(t *testing.T, spaces map[string]string) *identity.Rules {
	t.Helper()
	r, err := identity.New(identity.Options{Spaces: spaces})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// of is an event that a source saw.
func of(source string, minute int, who string) connectors.Event {
	e := at(minute, who)
	e.Source, e.ID = source, e.ID+source
	return e
}

// TestUser42OfTheShopIsNotUser42OfTheProduct: ids mean somebody within their space, addresses everywhere.
func TestUser42OfTheShopIsNotUser42OfTheProduct(t *testing.T) {
	events := []connectors.Event{of("shop", 1, "u=42 e=ann"), of("app", 2, "u=42 e=bob a=d"), of("shop", 3, "u=42"), of("app", 4, "u=42"), of("shop", 5, "a=d"), of("app", 6, "a=d"), of("app", 7, "e=ann")}
	s := open(t, t.TempDir(), Options{})
	take(t, s, slices.Clone(events)...)
	for who, want := range map[string][]string{"e=ann": {"/1", "/3", "/7"}, "e=bob": {"/2", "/4", "/6"}} {
		if got := journey(t, s, by(who)); !slices.Equal(got, want) {
			t.Errorf("%s gets %q, want %q", who, got, want)
		}
	}
	if got := journey(t, s.For("app"), by("u=42")); !slices.Equal(got, []string{"/2", "/4", "/6"}) {
		t.Errorf("asked as the app, user 42 gets %q", got)
	}
	if got := journey(t, s.For("shop"), by("u=42")); !slices.Equal(got, []string{"/1", "/3"}) {
		t.Errorf("asked as the shop, user 42 gets %q", got)
	}
	page, err := s.For("app").Active(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range page.Items {
		if slices.Contains(p.Emails, "ann@example.com") && len(p.UserIDs) > 0 {
			t.Errorf("the app tells the shop's user ids: %+v", p)
		}
	}
	n, err := s.Forget(t.Context(), connectors.Person{UserIDs: []string{identity.ID{Kind: identity.UserID, Space: "app", Value: "42"}.Stored()}})
	if err != nil || n != 3 {
		t.Errorf("%d events of the app's user 42 erased, want 3: %v", n, err)
	}
	if got := journey(t, s, by("e=ann")); len(got) != 3 {
		t.Errorf("somebody else was forgotten, too: %q", got)
	}
}

// TestSourcesOfOneTrackerShareASpace: what one saw anonymously is theirs who said their name to the other.
func TestSourcesOfOneTrackerShareASpace(t *testing.T) {
	s := open(t, t.TempDir(), Options{Identity: rulesOf(t, map[string]string{"web": "segment", "mobile": "segment"})})
	take(t, s, of("web", 1, "a=d"), of("mobile", 2, "a=d u=7"), of("mobile", 3, "u=7 e=ann"), of("web", 4, "u=7"))
	if got := journey(t, s, by("e=ann")); !slices.Equal(got, []string{"/1", "/2", "/3", "/4"}) {
		t.Errorf("ann gets %q", got)
	}
}

// TestAnIDThatHasTheFormOfAnAddressIsThatAddress: whatever field it comes in, however it is written.
func TestAnIDThatHasTheFormOfAnAddressIsThatAddress(t *testing.T) {
	for _, id := range []string{"ann@example.com", "Ann@Example.com", "mailto:ann@example.com", "<ann@example.com>", "ann%40example.com"} {
		s := open(t, t.TempDir(), Options{})
		e, f := of("app", 1, "a=x"), of("app", 2, "a=y")
		e.UserID, f.AnonymousID = id, id
		take(t, s, e, f, of("shop", 3, "e=ann"))
		if got := journey(t, s, by("e=ann")); !slices.Equal(got, []string{"/1", "/2", "/3"}) {
			t.Errorf("%s: ann gets %q", id, got)
		}
	}
	s := open(t, t.TempDir(), Options{})
	e := of("app", 1, "e=home")
	e.UserID = "ann@example.com"
	take(t, s, e, of("app", 2, "e=ann"), of("app", 3, "e=home"))
	if got := journey(t, s, by("e=home")); !slices.Equal(got, []string{"/1", "/2", "/3"}) {
		t.Errorf("two addresses in one event are one person: %q", got)
	}
}

// TestStoresFromBeforeThereWereSpacesAreRead: a store that the release before made (testdata) gives everybody what they had, and its
// ids belong to the source they came from.
func TestStoresFromBeforeThereWereSpacesAreRead(t *testing.T) {
	now := time.Date(2026, 9, 3, 9, 0, 0, 0, time.UTC)
	o := Options{Now: func() time.Time { return now }}
	dir := unpack(t, "testdata/before-spaces.tar.gz")
	fresh := func(source string, minute int, user, anon string) connectors.Event {
		return connectors.Event{Source: source, ID: "fresh" + source + user + anon, Time: now.Add(-time.Hour).Add(time.Duration(minute) * time.Minute), URL: "/new", UserID: user, AnonymousID: anon}
	}
	one := open(t, filepath.Join(dir, "one"), o)
	take(t, one, fresh("site", 1, "42", ""), fresh("site", 2, "", "x"), fresh("shop", 3, "42", ""))
	if got := journey(t, one.For("site"), by("e=ann")); !slices.Equal(got, []string{"/1", "/2", "/3", "/4", "/new", "/new"}) {
		t.Errorf("one source: ann gets %q", got)
	}
	if got := journey(t, one.For("site"), by("e=bob")); !slices.Equal(got, []string{"/6"}) {
		t.Errorf("one source: bob, whose user id is his address, gets %q", got)
	}
	one.SetIdentity(rulesOf(t, map[string]string{"site": "product"}))
	if got := journey(t, one.For("site"), by("u=42")); len(got) != 6 {
		t.Errorf("under a new name of the space user 42 gets %q", got)
	}
	for range 2 { // the second opening finds its work done
		two := open(t, filepath.Join(dir, "two"), o)
		take(t, two, fresh("site", 1, "42", ""), fresh("site", 2, "", "x"), fresh("shop", 3, "42", ""))
		if got := journey(t, two.For("site"), by("e=ann")); !slices.Equal(got, []string{"/1", "/2", "/new", "/new"}) {
			t.Errorf("two sources: ann gets %q", got)
		}
		if got := journey(t, two.For("shop"), by("e=bob")); !slices.Equal(got, []string{"/3", "/4"}) {
			t.Errorf("two sources: bob gets %q", got)
		}
		if err := two.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// unpack is a directory with the content of an archive.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.FileInfo().IsDir() {
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
