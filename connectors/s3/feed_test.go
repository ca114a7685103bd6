package s3

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

// line is an event as one of our own JSON lines, without the line feed.
func line(e connectors.Event) string {
	b, _ := json.Marshal(map[string]any{"id": e.ID, "time": e.Time, "kind": e.Kind, "email": e.Email, "anonymous_id": e.AnonymousID, "url": e.URL, "page_title": e.PageTitle})
	return string(b)
}

// view is page view n.
func view(n int) string {
	return line(connectors.Event{ID: fmt.Sprint("e", n), Time: today.Add(time.Duration(n) * time.Second), Kind: "page_view", Email: "ada@one.example", URL: fmt.Sprint("/", n)})
}

// Promise: what every feed promises, of plain objects and of gzip ones, whose records have nothing between them.
func TestFeed(t *testing.T) {
	for _, form := range []struct {
		name, between string
		pack          func(string) []byte
	}{
		{"lines", "\n", func(s string) []byte { return []byte(s) }},
		{"gzip without line feeds", "", zipped},
	} {
		t.Run(form.name, func(t *testing.T) {
			connectortest.Feed(t, func(t *testing.T) connectortest.FeedHarness {
				s := newStorage(t)
				n := 0
				return connectortest.FeedHarness{
					Feed: s.feed(t, settings("logs/"), 20), Now: today, Page: 20,
					Add: func(t *testing.T, events ...connectors.Event) {
						var b strings.Builder
						for i, e := range events {
							b.WriteString(line(e) + form.between)
							if form.between == "" { // what does not fit into the window of the decompressor is fetched later
								b.WriteString(noise(i))
							}
						}
						s.Later(time.Minute)
						s.put(fmt.Sprintf("logs/%03d.json", n), form.pack(b.String()))
						n++
					},
					Reopen: func(t *testing.T) connectors.Feed { return s.feed(t, settings("logs/"), 20) },
					Fail:   func(n int) { s.fail = n },
				}
			})
		})
	}
}

// noise is white space that no compression makes small.
func noise(seed int) string {
	r := rand.New(rand.NewPCG(1, uint64(seed)))
	b := make([]byte, 4000)
	for i := range b {
		b[i] = " \t\r,"[r.IntN(4)]
	}
	return string(b)
}

// drain takes until there is no more.
func drain(t *testing.T, f *Feed, from connectors.Cursor) (urls []string, next connectors.Cursor) {
	t.Helper()
	for range 1000 {
		page, err := f.Take(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Items {
			urls = append(urls, e.URL)
		}
		if from = page.Next; !page.More {
			return urls, from
		}
	}
	t.Fatal("it does not come to an end")
	return nil, nil
}

func wantURLs(t *testing.T, got []string, want ...string) {
	t.Helper()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func intake(t *testing.T, f *Feed, at connectors.Cursor) connectors.Intake {
	t.Helper()
	in, err := f.Intake(at)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// Promise: keys that come in late, out of order, before those that were read, or in a folder that sorts elsewhere are found, and none is read
// twice. (Firehose writes hours late, RudderStack's days begin with the month, Segment's folders with a source.)
func TestLateKeysAreFound(t *testing.T) {
	s := newStorage(t)
	f := s.feed(t, settings(""), 0)
	s.put("2026/11/29/11/a", []byte(view(1)))
	s.put("src-b/12-31-2026/x", []byte(view(2)))
	got, at := drain(t, f, nil)
	wantURLs(t, got, "/1", "/2")
	s.Later(10 * time.Minute)
	s.put("2026/11/29/10/late", []byte(view(3)))
	s.put("src-a/11-28-2026/new-writer", []byte(view(4)))
	s.put("src-b/01-01-2027/x", []byte(view(5)))
	got, at = drain(t, f, at)
	wantURLs(t, got, "/3", "/4", "/5")
	s.Later(10 * time.Minute)
	got, at = drain(t, f, at)
	wantURLs(t, got)

	o := s.put("2026/11/29/11/slow-upload", []byte(view(6)))
	o.written = s.Now().Add(-30 * time.Hour) // begun so long ago: what S3 tells of an upload in parts
	got, at = drain(t, f, at)
	wantURLs(t, got, "/6")

	s.Later(5 * 24 * time.Hour) // nobody polled: nothing is too old for that
	s.put("2026/12/04/a", []byte(view(7)))
	s.Later(4 * 24 * time.Hour)
	got, at = drain(t, f, at)
	wantURLs(t, got, "/7")
	got, _ = drain(t, f, at)
	wantURLs(t, got)
}

// Promise: of a large prefix only the stretches with new objects are listed, and the whole again after hours.
func TestLargePrefixIsListedInStretches(t *testing.T) {
	s := newStorage(t)
	f := s.feed(t, settings(""), 0)
	for _, folder := range []string{"a", "b"} {
		for n := range 60 {
			s.put(fmt.Sprintf("%s/%03d", folder, n), []byte(" "))
		}
	}
	s.Later(10 * 24 * time.Hour)
	s.put("a/900", []byte(view(1)))
	s.put("b/900", []byte(view(2)))
	got, at := drain(t, f, nil)
	wantURLs(t, got, "/1", "/2")

	s.Later(5 * time.Minute)
	s.put("a/901", []byte(view(3)))
	s.put("b/901", []byte(view(4)))
	s.put("c/000", []byte(view(5)))
	before := s.lists
	got, at = drain(t, f, at)
	wantURLs(t, got, "/3", "/4", "/5")
	if n := s.lists - before; n > 4 {
		t.Errorf("%d lists of a prefix of %d pages", n, len(s.objects)/s.keys)
	}
	s.put("a/000-elsewhere", []byte(view(6)))
	got, at = drain(t, f, at)
	wantURLs(t, got)
	s.Later(relist)
	got, _ = drain(t, f, at)
	wantURLs(t, got, "/6")
}

// Promise: a process that goes on in the middle of an object misses no record and counts none twice, with nothing between records.
func TestGoesOnInsideAnObject(t *testing.T) {
	for name, pack := range map[string]func(string) []byte{"plain": func(s string) []byte { return []byte(s) }, "gzip": zipped} {
		t.Run(name, func(t *testing.T) {
			s := newStorage(t)
			text, want := "", []string{}
			for n := range 9 {
				text += view(n)
				want = append(want, fmt.Sprint("/", n))
			}
			s.put("a", pack(text))
			var got []string
			var at connectors.Cursor
			for more := true; more; {
				page, err := s.feed(t, settings(""), 2).Take(t.Context(), at)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range page.Items {
					got = append(got, e.URL)
				}
				at, more = page.Next, page.More
			}
			wantURLs(t, got, want...)
			if in := intake(t, s.feed(t, settings(""), 0), at); in.Read != 9 || in.Unread() != 0 || in.LatestRead != 9 {
				t.Errorf("%+v", in)
			}
		})
	}
}

// Promise: an object that is written anew is read anew; one that changes or goes while it is read is told, and the new one read next time.
func TestChangedObjects(t *testing.T) {
	s := newStorage(t)
	f := s.feed(t, settings(""), 2)
	s.put("a", []byte(view(1)))
	_, at := drain(t, f, nil)
	s.Later(time.Minute)
	s.put("a", []byte(view(1)+view(2)))
	got, at := drain(t, f, at)
	wantURLs(t, got, "/1", "/2")

	s.Later(time.Minute)
	s.put("b", zipped(view(3)+view(4)+view(5)))
	page, err := f.Take(t.Context(), at)
	if err != nil || len(page.Items) != 2 || !page.More {
		t.Fatalf("%d events, %v", len(page.Items), err)
	}
	s.Later(time.Minute)
	s.put("b", []byte(view(3)+view(6)))
	got, at = drain(t, s.feed(t, settings(""), 2), page.Next) // another process goes on
	wantURLs(t, got)
	if in := intake(t, f, at); in.Unreadable[reasonGone] != 1 {
		t.Errorf("not told: %v", in.Unreadable)
	}
	got, _ = drain(t, f, at)
	wantURLs(t, got, "/3", "/6")
}

// Promise: broken records are counted with where and why, and cost no other record; what is no JSON, archived or empty costs one count at most.
func TestUnreadableIsCounted(t *testing.T) {
	for name, c := range map[string]struct {
		body []byte
		want []string
		why  map[string]int64
	}{
		"cut off in the middle":    {[]byte(view(1) + "\n" + view(2)[:30] + "\n" + view(3) + "\n"), []string{"/1", "/3"}, map[string]int64{reasonSyntax: 1}},
		"cut without a line feed":  {[]byte(view(1) + `{"id":"x"` + "\n" + view(3)), []string{"/1", "/3"}, map[string]int64{reasonSyntax: 1}},
		"rubbish between":          {[]byte(view(1) + "\nnot json at all\n" + view(3)), []string{"/1", "/3"}, map[string]int64{reasonSyntax: 1}},
		"rubbish in a row":         {[]byte(view(1) + "rubbish" + view(2) + "}" + view(3)), []string{"/1", "/3"}, map[string]int64{reasonSyntax: 1}},
		"the last not finished":    {[]byte(view(1) + view(2)[:40]), []string{"/1"}, map[string]int64{reasonUnfinished: 1}},
		"too long":                 {[]byte(view(1) + `{"x":"` + strings.Repeat("x", maxRecord) + `"}` + view(3)), []string{"/1", "/3"}, map[string]int64{reasonTooLong: 1}},
		"without end":              {[]byte(view(1) + `{"x":["` + strings.Repeat("x", 3*maxRecord) + "\n" + view(3)), []string{"/1", "/3"}, map[string]int64{reasonTooLong: 1}},
		"nobody":                   {[]byte(`{"time":1764000000,"kind":"page_view"}` + view(2)), []string{"/2"}, map[string]int64{"no usable e-mail, phone, user_id, anonymous_id or company_domain": 1}},
		"a list":                   {[]byte("\ufeff[" + view(1) + ",\n " + view(2) + "]"), []string{"/1", "/2"}, nil},
		"over several lines":       {[]byte("{\n \"id\": \"1\",\n \"time\": 1764000000,\n \"kind\": \"click\", \"email\": \"a@b.example\", \"url\": \"/p\",\n \"properties\": {\n  \"a\": \"{\"\n }\n}\n" + view(2)), []string{"/2", "/p"}, nil},
		"gzip cut off":             {zipped(view(1) + strings.Repeat(view(2), 5000))[:600], nil, map[string]int64{reasonDamaged: 1}},
		"gzip of several members":  {append(zipped(view(1)), zipped(view(2))...), []string{"/1", "/2"}, nil},
		"no JSON":                  {[]byte("id,time,kind\n1,2,3\n"), nil, map[string]int64{reasonForeign: 1}},
		"Parquet":                  {[]byte("PAR1\x15\x04{\n{\n{"), nil, map[string]int64{reasonForeign: 1}},
		"nothing but a byte order": {[]byte("\xef\xbb\xbf\n"), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStorage(t)
			f := s.feed(t, settings(""), 0)
			s.put("a", c.body)
			s.put("b", nil)
			got, at := drain(t, f, nil)
			if slices.Sort(got); name == "gzip cut off" {
				got = nil // what of it can be read is not the question
			}
			wantURLs(t, got, c.want...)
			in := intake(t, f, at)
			if len(in.Unreadable) != len(c.why) {
				t.Errorf("counted %v, want %v", in.Unreadable, c.why)
			}
			for reason, n := range c.why {
				if in.Unreadable[reason] != n || in.Examples[0].Where != "a" {
					t.Errorf("counted %v (%+v), want %v", in.Unreadable, in.Examples, c.why)
				}
			}
		})
	}
}

func TestArchivedAndOldObjectsAreCounted(t *testing.T) {
	s := newStorage(t)
	f := s.feed(t, settings(""), 0)
	s.put("a", []byte(view(1))).class = "DEEP_ARCHIVE"
	s.put("b", []byte(view(2))).written = today.Add(-100 * 24 * time.Hour)
	got, at := drain(t, f, nil)
	wantURLs(t, got)
	in := intake(t, f, at)
	if in.Unreadable[reasonArchived] != 1 || in.LeftOut[leftOutBack] != 1 {
		t.Errorf("%+v", in)
	}
	got, at = drain(t, f, at)
	wantURLs(t, got)
	if in := intake(t, f, at); in.Unread() != 1 {
		t.Errorf("told again: %+v", in)
	}
}

// Promise: what Segment and RudderStack write is read as their own clients meant it, also where the storage calls the gzip an encoding.
func TestTrackersRecords(t *testing.T) {
	s := newStorage(t)
	for _, name := range []string{"segment", "rudderstack"} {
		b, err := os.ReadFile("testdata/" + name + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		s.put(name+"/1795132800000/part 1+é&=.gz", zipped(string(b))).encoding = "gzip"
	}
	f := s.feed(t, settings(""), 0)
	page, err := f.Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range page.Items {
		got = append(got, fmt.Sprintf("%s %s %s/%s/%s %s", e.Time.Format("15:04:05"), e.Kind, e.Email, e.UserID, e.AnonymousID, e.URL))
	}
	want := []string{
		"10:00:00 identify bob@two.example/u-27/a-27 ",
		"10:00:01 Plan Compared /u-27/ https://www.two.example/compare",
		"10:00:02 page_view /u-27/a-27 https://www.two.example/docs",
		"10:00:00 identify ada@one.example/u-17/a-17 ",
		"10:00:01 page_view /u-17/a-17 https://www.one.example/pricing?plan=pro",
		"10:00:02 Demo Requested //a-18 ",
		"10:00:03 identify /u-17/a-17 ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, e := range page.Items {
		if e.ID == "" || e.Source != "lake" || e.Received.IsZero() {
			t.Errorf("%+v", e)
		}
	}
}

// Promise: what passes by itself is waited for within a call, and nothing is lost: SlowDown, 429 with and without Retry-After, a cut answer.
func TestLimitsAreWaitedOut(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		code   string
		header http.Header
		least  time.Duration
	}{
		"503 SlowDown":     {503, "SlowDown", nil, 200 * time.Millisecond},
		"429":              {429, "TooManyRequests", nil, time.Second},
		"429, Retry-After": {429, "TooManyRequests", http.Header{"Retry-After": {"7"}}, 7 * time.Second},
		"500":              {500, "InternalError", nil, 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStorage(t)
				f := s.feed(t, settings(""), 0)
				s.put("a", []byte(view(1)))
				n := 0
				s.refuse = func(*http.Request) (int, string, http.Header) {
					if n++; n == 1 || n == 3 { // the list, then the object
						return c.status, c.code, c.header
					}
					return 0, "", nil
				}
				began := time.Now()
				got, _ := drain(t, f, nil)
				wantURLs(t, got, "/1")
				if waited := time.Since(began); waited < 2*c.least || waited > 2*c.least+5*time.Second {
					t.Errorf("waited %s", waited)
				}
			})
		})
	}
}

// Promise: each refusal is of the kind that stops or repeats, says which place it is about and what to do, and holds no secret.
func TestRefusals(t *testing.T) {
	for code, c := range map[string]struct {
		status int
		kind   connectors.Kind
		fix    string
	}{
		"NoSuchBucket":                 {404, connectors.Config, "correct the source's bucket"},
		"AccessDenied":                 {403, connectors.Auth, "s3:ListBucket"},
		"SignatureDoesNotMatch":        {403, connectors.Auth, "secret_key_file"},
		"InvalidAccessKeyId":           {403, connectors.Auth, "secret_key_file"},
		"ExpiredToken":                 {400, connectors.Auth, "secret_key_file"},
		"RequestTimeTooSkewed":         {403, connectors.Config, "clock"},
		"AuthorizationHeaderMalformed": {400, connectors.Config, "set region: eu-west-1"},
		"PermanentRedirect":            {301, connectors.Config, "set region: eu-west-1"},
	} {
		t.Run(code, func(t *testing.T) {
			s := newStorage(t)
			f := s.feed(t, settings(""), 0)
			s.refuse = func(*http.Request) (int, string, http.Header) {
				return c.status, code, http.Header{"X-Amz-Bucket-Region": {"eu-west-1"}}
			}
			_, err := f.Take(t.Context(), nil)
			if connectors.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.fix) || strings.Contains(err.Error(), "secret-access-key") {
				t.Errorf("%v: %v", connectors.KindOf(err), err)
			}
			found := f.Probe(t.Context())
			if len(found) != 1 || found[0].Code != "s3.list" || found[0].Severity != connectors.Failure || !strings.Contains(found[0].Fix, c.fix) || strings.Contains(found[0].Message, c.fix) {
				t.Errorf("%+v", found)
			}
			if f.Report().LastError == "" {
				t.Error("the failure is not reported")
			}
		})
	}
}

// Promise: one call of the feed makes a bounded number of requests, however little objects hold.
func TestRequestsAreBounded(t *testing.T) {
	s := newStorage(t)
	s.keys = 1000
	for n := range 2*pageCalls + 50 {
		s.put(fmt.Sprintf("%04d", n), []byte("a,b"))
	}
	f := s.feed(t, settings(""), 0)
	pages := 0
	for page := (connectors.Page[connectors.Event]{More: true}); page.More; pages++ {
		before := s.gets + s.lists
		var err error
		if page, err = f.Take(t.Context(), page.Next); err != nil {
			t.Fatal(err)
		}
		if n := s.gets + s.lists - before; n > pageCalls+1 {
			t.Errorf("%d requests in one call", n)
		}
	}
	if pages < 3 {
		t.Errorf("%d pages", pages)
	}
}

// Promise: whatever stands before it, a record on a line of its own is found.
func FuzzSplitter(f *testing.F) {
	for _, seed := range []string{"", "{", `{"a":"`, "}{", `{"a":[{"b":"\\"}]`, "\x00\xff", `{"a":1},{"b":2}]`, "{\n{\n{", `{"x":"\u00`} {
		f.Add([]byte(seed))
	}
	const record = `{"id":"the last"}`
	f.Fuzz(func(t *testing.T, junk []byte) {
		text := []byte("{}\n" + string(junk) + "\n" + record + "\n")
		var s splitter
		s.reset(iotest.OneByteReader(bytes.NewReader(text)), 0)
		last := ""
		for n := 0; ; n++ {
			found, reason, err := s.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || n > len(text) {
				t.Fatalf("%v after %d of %d bytes", err, s.offset, len(text))
			}
			if reason == "" {
				last = string(found)
			}
		}
		if last != record || s.offset != int64(len(text)) {
			t.Errorf("the last one is %q, at %d of %d", last, s.offset, len(text))
		}
	})
}

// Promise: each mistake in the configuration is told at its key with what to do.
func TestCheck(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	for key, spoil := range map[string]func(o *Config){
		"bucket": func(o *Config) { o.Bucket = "s3://events/logs" }, "region": func(o *Config) { o.Region = "" }, "endpoint": func(o *Config) { o.Endpoint = "http://storage.example.com" },
		"addressing": func(o *Config) { o.Addressing = "virtual" }, "secret_key": func(o *Config) { o.SecretKey = connectors.Secret{} }, "access_key": func(o *Config) { o.AccessKey = "" },
		"back": func(o *Config) { o.Back = -time.Hour }, "lookback": func(o *Config) { o.Lookback = 0 },
	} {
		o := settings("")
		spoil(o)
		connectortest.OneProblem(t, o, key)
	}
	if o := settings(""); !strings.HasPrefix(o.Disclose().At, "s3.eu-central-1.amazonaws.com/lake/") {
		t.Errorf("%+v", o.Disclose())
	}
}

func TestProbe(t *testing.T) {
	s := newStorage(t)
	f := s.feed(t, settings("logs/"), 0)
	probe := func(code string, severity connectors.Severity, words string) {
		t.Helper()
		found := f.Probe(t.Context())
		if len(found) != 1 || found[0].Code != code || found[0].Severity != severity || !strings.Contains(found[0].Message, words) {
			t.Errorf("want %s %q, got %+v", code, words, found)
		}
	}
	s.put("logs/", nil)
	probe("s3.empty", connectors.Warning, "s3://lake/logs/")
	s.put("logs/1", []byte("a,b\n"))
	probe("s3.format", connectors.Warning, reasonForeign)
	s.Later(time.Hour)
	s.put("logs/0", zipped(strings.Repeat(view(1), 100)))
	probe("s3.ok", connectors.OK, "288 list calls a day")
	s.refuse = func(r *http.Request) (int, string, http.Header) {
		if r.URL.Path == "/logs/0" {
			return 403, "AccessDenied", nil
		}
		return 0, "", nil
	}
	probe("s3.read", connectors.Failure, "AccessDenied")
}
