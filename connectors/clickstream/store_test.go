package clickstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	bolt "go.etcd.io/bbolt"
)

func stats(t testing.TB, s *Store) Stats {
	t.Helper()
	st, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if st.LastError != "" {
		t.Fatal(st.LastError)
	}
	return st
}

// TestFieldsAreKept: every field of an event comes back, to the microsecond, the IP address excepted.
func TestFieldsAreKept(t *testing.T) {
	s := open(t, t.TempDir(), Options{Internal: func(ip string) bool { return strings.HasPrefix(ip, "10.") }})
	props := map[string]string{"a": "1", "": "empty key", "long": strings.Repeat("x", 100_000), "é": "ü"}
	e := connectors.Event{
		ID: "id", Time: present.Add(-time.Hour - 1234567*time.Nanosecond), Kind: "k", Email: "ann@example.com", Phone: "+4930123456", UserID: "7", AnonymousID: "x",
		Session: "s", UserAgent: "ua", IP: "10.1.2.3", URL: "/u", PageTitle: "t", ElementText: "et", ElementID: "ei", Referrer: "r", Screenshot: "s.png", Consent: "granted", Properties: props,
	}
	take(t, s, e)
	if len(props) != 4 {
		t.Error("the caller's properties were changed")
	}
	want := e
	want.IP, want.Person, want.Source, want.Received = "", "key", "site", present
	want.Time = e.Time.Truncate(time.Microsecond)
	want.Properties = map[string]string{"a": "1", "": "empty key", "long": strings.Repeat("x", 100_000), "é": "ü", connectors.PropInternal: "true"}
	for got, err := range s.Journeys(t.Context(), []connectors.Person{{Key: "key", UserIDs: []string{"7"}}}, ever) {
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	// A field added to Event must be stored, or be left out on purpose.
	if n := reflect.TypeFor[connectors.Event]().NumField(); n != textCount+7 {
		t.Errorf("Event has %d fields: the store knows %d texts, ID, Time, Received, Person, IP, Proposed and Properties", n, textCount)
	}
}

// TestWhatIsLeftOut: intake says what it does not keep and why.
func TestWhatIsLeftOut(t *testing.T) {
	s := open(t, t.TempDir(), Options{Retention: 30 * 24 * time.Hour})
	old := at(1, "e=ann")
	old.Time = present.AddDate(0, -3, 0)
	denied := at(2, "e=ann")
	denied.Consent = "denied"
	future := at(3, "e=ann")
	future.Time = present.AddDate(1, 0, 0)
	n, err := s.Ingest(Batch{Source: "site", Events: []connectors.Event{old, denied, future, at(4, ""), at(5, "e=ann"), at(5, "e=ann")}})
	if err != nil || n != 2 {
		t.Errorf("accepted %d, want 2: %v", n, err)
	}
	st := stats(t, s)
	if st.Expired != 1 || st.Denied != 1 || st.Future != 1 || st.Unidentified != 1 || st.Repeated != 1 || st.Accepted != 2 {
		t.Errorf("%+v", st)
	}
	if !st.Newest.Equal(present) {
		t.Errorf("an event of the future is dated %v, want its arrival", st.Newest)
	}
}

// TestRepeatsAreToldOnce: the same event in several batches is one event, before and after merging.
func TestRepeatsAreToldOnce(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for range 3 {
		s.ids = recentIDs{} // as after a restart
		take(t, s, at(1, "e=ann"), at(2, "e=ann"))
		s.ids = recentIDs{}
		take(t, s, at(2, "e=ann"), at(3, "e=bob"))
	}
	for range 2 {
		if got := journey(t, s, by("e=ann")); !slices.Equal(got, []string{"/1", "/2"}) {
			t.Errorf("got %q", got)
		}
		if err := s.Merge(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if st := stats(t, s); st.Events != 3 || st.Segments != 1 {
		t.Errorf("%d events in %d segments, want 3 in 1", st.Events, st.Segments)
	}
}

// model is the store as a list: what is told must be what was taken in, whatever was merged, dropped or reopened between.
func TestAgainstModel(t *testing.T) {
	dir := t.TempDir()
	o := Options{Partition: 24 * time.Hour, PageSize: 7}
	s := open(t, dir, o)
	r := rand.New(rand.NewPCG(5, 6))
	want := map[string][]string{}
	for round := range 60 {
		var batch []connectors.Event
		for range 1 + r.IntN(100) {
			who := fmt.Sprintf("p%d", r.IntN(30))
			e := at(-r.IntN(30*24*60), "e="+who)
			e.URL = fmt.Sprintf("/%d/%d", round, len(batch))
			e.ID = e.URL
			if r.IntN(3) == 0 {
				e.Properties = map[string]string{"n": strings.Repeat("y", r.IntN(400))}
			}
			batch = append(batch, e)
			want[who] = append(want[who], e.URL)
		}
		take(t, s, batch...)
		switch r.IntN(30) {
		case 0:
			if err := s.Merge(t.Context()); err != nil {
				t.Fatal(err)
			}
		case 1:
			if err := s.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		case 2:
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, dir, o)
		}
	}
	for who, urls := range want {
		got := journey(t, s, by("e="+who))
		slices.Sort(got)
		slices.Sort(urls)
		if !slices.Equal(got, urls) {
			t.Errorf("%s: %d events, want %d", who, len(got), len(urls))
		}
	}
	if st := stats(t, s); st.Segments > st.Partitions*stallAt {
		t.Errorf("%d segments in %d partitions: upkeep does not follow", st.Segments, st.Partitions)
	}
}

// TestManyEventsOfOnePerson: a run that goes over many blocks and segments is read whole and in order.
func TestManyEventsOfOnePerson(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	var all []connectors.Event
	for i := range 5000 {
		e := at(0, "e=bot")
		e.Time = e.Time.Add(time.Duration(i) * time.Second)
		e.ID, e.URL = fmt.Sprint(i), fmt.Sprintf("/page/%d?q=%d", i, i*i)
		all = append(all, e)
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	take(t, s, append(slices.Clone(all[:3000]), at(1, "e=ann"))...)
	s.ids = recentIDs{} // as after a restart
	take(t, s, slices.Clone(all[2000:])...)
	n := 0
	for e, err := range s.Journeys(t.Context(), []connectors.Person{by("e=bot")}, ever) {
		if err != nil {
			t.Fatal(err)
		}
		if e.ID != fmt.Sprint(n) {
			t.Fatalf("event %s at place %d", e.ID, n)
		}
		n++
	}
	if n != 5000 {
		t.Errorf("%d events, want 5000", n)
	}
}

// TestRetention: partitions go once something newer by the retention has come in, with their files, people and feed.
func TestRetention(t *testing.T) {
	dir := t.TempDir()
	var clock atomic.Int64 // the background reads it, too
	clock.Store(present.Unix())
	s := open(t, dir, Options{Retention: 30 * 24 * time.Hour, Partition: 24 * time.Hour, Now: func() time.Time { return time.Unix(clock.Load(), 0).UTC() }})
	take(t, s, at(1, "e=ann a=x"), at(2, "e=bob"))
	before := stats(t, s)
	devices := func() (n int) {
		s.view(func(tx *bolt.Tx) error {
			c := tx.Bucket(bucketNodes).Cursor()
			for k, _ := c.Seek([]byte{byte(identity.AnonymousID)}); k != nil; k, _ = c.Next() {
				n++
			}
			return nil
		})
		return n
	}
	if devices() != 1 {
		t.Fatal("no device is linked")
	}

	clock.Store(present.AddDate(2, 0, 0).Unix()) // a clock that jumps purges nobody
	late := at(3, "e=ann")
	take(t, s, late)
	s.tidy()
	if got := journey(t, s, by("e=ann")); len(got) != 2 {
		t.Fatalf("after a jump of the clock ann has %d events, want 2", len(got))
	}

	now := present.AddDate(0, 0, 40)
	clock.Store(now.Unix())
	fresh := at(4, "e=bob")
	fresh.Time = now.Add(-time.Hour)
	take(t, s, fresh)
	for {
		did, err := s.tidy()
		if err != nil {
			t.Fatal(err)
		}
		if !did {
			break
		}
	}
	if got := journey(t, s, by("e=ann")); len(got) != 0 {
		t.Errorf("ann has %q beyond the retention", got)
	}
	if got := journey(t, s, by("e=bob")); !slices.Equal(got, []string{"/4"}) {
		t.Errorf("bob has %q", got)
	}
	if _, people, err := s.Prune(t.Context(), now); err != nil || people != 1 {
		t.Errorf("%d people pruned, want ann: %v", people, err)
	}
	if devices() != 0 {
		t.Error("a device without events is left")
	}
	st := stats(t, s)
	if st.People != 1 || st.Partitions != 1 || before.People != 2 || !st.Leftovers {
		t.Errorf("%+v, before %+v", st, before)
	}
	if links, _ := s.Links(t.Context(), by("e=ann")); len(links) != 0 {
		t.Errorf("links of somebody without events are left: %v", links)
	}
	page, err := s.Active(t.Context(), nil)
	if err != nil || len(page.Items) != 1 || page.Items[0].Emails[0] != "bob@example.com" {
		t.Errorf("the feed tells %v, want bob: %v", page.Items, err)
	}
	// With a clock that is known to be right, time alone is enough.
	if parts, people, err := s.Prune(t.Context(), now.AddDate(0, 2, 0)); err != nil || parts != 1 || people != 1 {
		t.Errorf("pruned %d partitions and %d people, want 1 and 1: %v", parts, people, err)
	}
}

// contains says whether a file below dir holds the text, compressed blocks included.
func contains(t *testing.T, dir, text string) (where []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(text)) {
			where = append(where, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return where
}

// TestForgetLeavesNothing: after Forget and Compact no byte of the person is in any file; others keep all of theirs.
func TestForgetLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{Partition: time.Hour})
	unique := func(e connectors.Event) connectors.Event { // texts that S2 stores as they are
		e.URL = fmt.Sprintf("/annsecret%d", e.Time.Unix())
		return e
	}
	take(t, s, unique(at(1, "a=annphone")), unique(at(70, "a=annphone e=annsmith")), unique(at(200, "u=annuser e=annsmith a=shared")), at(150, "a=shared e=bob"), at(330, "a=shared e=bob"), at(331, "a=shared"))
	take(t, s, unique(at(201, "u=annuser a=shared")), unique(at(202, "a=shared")), at(332, "e=bob"))
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(contains(t, dir, "annsecret")) == 0 || len(contains(t, dir, "annsmith")) == 0 {
		t.Fatal("the test cannot see what it looks for")
	}
	n, err := s.Forget(t.Context(), by("e=annsmith"))
	if err != nil || n != 5 {
		t.Errorf("erased %d events, want 5: %v", n, err)
	}
	if where := contains(t, dir, "annsecret"); len(where) > 0 {
		t.Errorf("events are left in %q", where)
	}
	if !stats(t, s).Leftovers {
		t.Error("Forget does not say that the main file wants compacting")
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"annsecret", "annsmith", "annphone", "annuser"} {
		if where := contains(t, dir, text); len(where) > 0 {
			t.Errorf("%s is left in %q", text, where)
		}
	}
	if st := stats(t, s); st.Leftovers || st.People != 1 {
		t.Errorf("%+v", st)
	}
	if got := journey(t, s, by("e=bob")); !slices.Equal(got, []string{"/150", "/330", "/331", "/332"}) {
		t.Errorf("bob has %q", got)
	}
	if n, err := s.Forget(t.Context(), by("e=annsmith u=annuser a=annphone")); err != nil || n != 0 {
		t.Errorf("again: %d, %v", n, err)
	}
	take(t, s, at(400, "e=annsmith"))
	if got := journey(t, s, by("e=annsmith")); !slices.Equal(got, []string{"/400"}) {
		t.Errorf("after coming back: %q", got)
	}
}

// TestSourcesInOneStore: a source tells only what was taken in under its name.
func TestSourcesInOneStore(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for i, name := range []string{"site", "app"} {
		if _, err := s.Ingest(Batch{Source: name, Events: []connectors.Event{at(i, "e=ann"), at(i+10, "e="+name)}}); err != nil {
			t.Fatal(err)
		}
	}
	app := s.For("app")
	if got := journey(t, app, by("e=ann")); !slices.Equal(got, []string{"/1"}) {
		t.Errorf("got %q", got)
	}
	page, err := app.Active(t.Context(), nil)
	if err != nil || len(page.Items) != 2 {
		t.Errorf("%d active, want 2: %v", len(page.Items), err)
	}
}

// TestCursors are kept by source; those of a store of format 1, a position for each file, come as one and are replaced by the first
// cursor saved.
func TestCursors(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for _, b := range []Batch{{Source: "a", Cursor: connectors.Cursor("1")}, {Source: "b", Cursor: connectors.Cursor("2")}, {Source: "a", Cursor: connectors.Cursor("3")}, {Source: "b"}} {
		if _, err := s.Ingest(b); err != nil {
			t.Fatal(err)
		}
	}
	err := s.update(func(tx *bolt.Tx) error {
		b, err := tx.Bucket(bucketOffsets).CreateBucket(offsetsOf("old"))
		if err != nil {
			return err
		}
		return errors.Join(b.Put([]byte("f1"), []byte(`{"path":"a"}`)), b.Put([]byte("f2"), []byte(`{"path":"b"}`)))
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, dir, Options{})
	want := func(source, cursor string) {
		t.Helper()
		if got, err := s.Cursor(source); err != nil || string(got) != cursor {
			t.Errorf("%s: got %q, want %q: %v", source, got, cursor, err)
		}
	}
	want("a", "3")
	want("b", "2")
	want("c", "")
	want("old", `{"f1":{"path":"a"},"f2":{"path":"b"}}`)
	if _, err := s.Ingest(Batch{Source: "old", Cursor: connectors.Cursor("4")}); err != nil {
		t.Fatal(err)
	}
	want("old", "4")
}

// TestForeignCursor: a cursor of another store, or of a later state than a restored backup, tells everybody again.
func TestForeignCursor(t *testing.T) {
	dir := t.TempDir()
	s, other := open(t, dir, Options{}), open(t, t.TempDir(), Options{})
	take(t, s, at(1, "e=ann"))
	take(t, other, at(1, "e=bob"))
	backup := filepath.Join(t.TempDir(), "backup")
	if err := s.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	take(t, s, at(2, "e=bob"))
	page, err := s.Active(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restored := open(t, backup, Options{})
	if got := journey(t, restored, by("e=ann")); len(got) != 1 {
		t.Errorf("the backup has %q", got)
	}
	for name, x := range map[string]*Store{"another store": other, "a restored backup": restored} {
		if p, err := x.Active(t.Context(), page.Next); err != nil || len(p.Items) != 1 {
			t.Errorf("%s: %d people, want all of them: %v", name, len(p.Items), err)
		}
	}
	if err := s.Backup(t.Context(), backup); connectors.KindOf(err) != connectors.Config {
		t.Errorf("a backup over another one: %v", err)
	}
}

// TestFilesArePrivate: the directory is 0700 and all files 0600, whatever the umask.
func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	s := open(t, dir, Options{})
	take(t, s, at(1, "e=ann"))
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		info, err2 := d.Info()
		if err = errors.Join(err, err2); err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRefusals: what cannot be opened or read is told in a clear way and with the right kind.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	var batch []connectors.Event
	for i := range 300 {
		batch = append(batch, at(i, fmt.Sprintf("e=p%d", i)))
	}
	take(t, s, batch...)
	want := func(what string, err error, part string) {
		t.Helper()
		if err == nil || connectors.KindOf(err) != connectors.Config || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v (%v)", what, err, connectors.KindOf(err))
		}
	}
	_, err := Open(dir, Options{})
	want("a second process", err, "held by another process")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ingest(Batch{Events: []connectors.Event{at(1, "e=ann")}}); !errors.Is(err, errClosed) {
		t.Errorf("intake after Close: %v", err)
	}
	if _, err := s.Active(t.Context(), nil); !errors.Is(err, errClosed) {
		t.Errorf("Active after Close: %v", err)
	}

	files, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	rewrite := func(b []byte) {
		if err := os.WriteFile(files[0], b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rewrite(whole[:len(whole)-1])
	_, err = Open(dir, Options{})
	want("a cut segment", err, "damaged")
	bad := slices.Clone(whole)
	bad[100] ^= 1
	rewrite(bad)
	s = open(t, dir, Options{})
	var last error
	var all []connectors.Person
	for i := range 300 {
		all = append(all, by(fmt.Sprintf("e=p%d", i)))
	}
	for _, err := range s.Journeys(t.Context(), all, ever) {
		last = err
	}
	want("a flipped bit", last, "damaged")
	s.Close()
	rewrite(whole)

	db, err := bolt.Open(filepath.Join(dir, mainFile), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyVersion, []byte("4")) })
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir, Options{})
	want("a newer format", err, "newer intentd")
}

// TestFailedIntakeChangesNothing: when a segment cannot be written, neither events nor offsets nor links are there.
func TestFailedIntakeChangesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	take(t, s, at(1, "a=x"))
	// The name of the next segment is taken by a directory.
	if err := os.Mkdir(segmentPath(dir, s.seq+1), 0o700); err != nil {
		t.Fatal(err)
	}
	b := Batch{Source: "site", Events: []connectors.Event{at(2, "a=x e=ann")}, Cursor: connectors.Cursor("1")}
	if _, err := s.Ingest(b); connectors.KindOf(err) != connectors.Transient {
		t.Fatalf("got %v", err)
	}
	if c, _ := s.Cursor("site"); c != nil {
		t.Error("the cursor was saved without its events")
	}
	if got := journey(t, s, by("e=ann")); len(got) != 0 {
		t.Errorf("links of a failed intake: %q", got)
	}
	if n, err := s.Ingest(b); n != 1 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	if got := journey(t, s, by("e=ann")); !slices.Equal(got, []string{"/1", "/2"}) {
		t.Errorf("got %q", got)
	}
}

// TestAllAtOnce: every method at any time, under the race detector.
func TestAllAtOnce(t *testing.T) {
	s := open(t, t.TempDir(), Options{Partition: 6 * time.Hour, PageSize: 5})
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			for i := range 60 {
				var batch []connectors.Event
				for k := range 30 {
					batch = append(batch, at((i*30+k)*7%1400, fmt.Sprintf("a=d%d e=p%d u=%d-%d", k, k, w, k)))
				}
				if _, err := s.Ingest(Batch{Source: "site", Events: batch}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for name, f := range map[string]func(i int) error{
		"Merge":   func(int) error { return s.Merge(t.Context()) },
		"Compact": func(int) error { return s.Compact(t.Context()) },
		"Active":  func(int) error { _, err := s.Active(t.Context(), nil); return err },
		"Stats":   func(int) error { _, err := s.Stats(); return err },
		"Links":   func(i int) error { _, err := s.Links(t.Context(), by(fmt.Sprintf("e=p%d", i))); return err },
		"Prune":   func(int) error { _, _, err := s.Prune(t.Context(), present); return err },
		"Forget": func(i int) error {
			_, err := s.Forget(t.Context(), by(fmt.Sprintf("e=p%d", 20+i)))
			return err
		},
		"Journeys": func(i int) error {
			for _, err := range s.Journeys(t.Context(), []connectors.Person{by("e=p1"), by("e=p2"), by(fmt.Sprintf("u=0-%d", i))}, ever) {
				if err != nil {
					return err
				}
			}
			return nil
		},
	} {
		wg.Go(func() {
			for i := range 10 {
				if err := f(i); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	wg.Wait()
}

// FuzzBlock: damaged bytes are an error, never a crash.
func FuzzBlock(f *testing.F) {
	e := at(1, "e=ann a=x")
	e.Properties = map[string]string{"a": "b"}
	b := appendEvent(nil, &connectors.Event{}, &e, true)
	f.Add(appendEvent(b, &e, &e, false))
	f.Add(binary.AppendUvarint(nil, 1<<63))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := reader{s: string(b)}
		var e connectors.Event
		for first := true; r.s != ""; first = false {
			if r.event(&e, first) != nil {
				return
			}
		}
	})
}

// FuzzCursor: whatever the host stored, Active answers or says Config.
func FuzzCursor(f *testing.F) {
	s := open(f, f.TempDir(), Options{})
	take(f, s, at(1, "e=ann"))
	page, err := s.Active(f.Context(), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(page.Next))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := s.Active(t.Context(), b); err != nil && connectors.KindOf(err) != connectors.Config {
			t.Error(err)
		}
	})
}
