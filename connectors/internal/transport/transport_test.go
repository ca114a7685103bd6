package transport

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
)

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), ProtoMajor: 1}
}

func base(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := ParseBase(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func client(t testing.TB, f trip, change ...func(*Options)) *Client {
	o := Options{Name: "crm", Base: base(t, "https://api.example.com"), HTTP: f, Rand: func() float64 { return 0.5 }}
	for _, c := range change {
		c(&o)
	}
	return New(o)
}

func read(op string) Request {
	return Request{Op: op, Method: http.MethodGet, Path: "/things", Idempotent: true}
}

func TestOnlyWhatIsSafeIsRepeated(t *testing.T) {
	reset := errors.New("connection reset by peer")
	for _, c := range []struct {
		name       string
		status     int
		headers    []string
		body       string
		err        error
		idempotent bool
		attempts   int
		kind       connectors.Kind
	}{
		{name: "good", status: 200, body: "{}", idempotent: true, attempts: 1},
		{name: "503 of a read", status: 503, idempotent: true, attempts: 5, kind: connectors.Transient},
		{name: "503 of a create", status: 503, attempts: 1, kind: connectors.Transient},
		{name: "reset of a read", err: reset, idempotent: true, attempts: 5, kind: connectors.Transient},
		{name: "reset of a create", err: reset, attempts: 1, kind: connectors.Transient},
		{name: "429 of a create: nothing was done", status: 429, attempts: 5, kind: connectors.RateLimited},
		{name: "400", status: 400, idempotent: true, attempts: 1, kind: connectors.Rejected},
		{name: "401 without a way to renew", status: 401, idempotent: true, attempts: 1, kind: connectors.Auth},
		{name: "403", status: 403, body: "{}", idempotent: true, attempts: 1, kind: connectors.Auth},
		{name: "404", status: 404, body: "{}", idempotent: true, attempts: 1, kind: connectors.Config},
		{name: "a web page with 200", status: 200, body: "\n <!doctype html>", idempotent: true, attempts: 5, kind: connectors.Transient},
		{name: "a web page with 403", status: 403, headers: []string{"Content-Type", "Text/HTML; charset=x"}, idempotent: true, attempts: 5, kind: connectors.Transient},
		{name: "a web page with 404", status: 404, body: "<html>", idempotent: true, attempts: 5, kind: connectors.Transient},
		{name: "an unknown status", status: 601, idempotent: true, attempts: 5, kind: connectors.Transient},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				cl := client(t, func(*http.Request) (*http.Response, error) {
					n++
					if c.err != nil {
						return nil, c.err
					}
					return answer(c.status, c.body, c.headers...), nil
				})
				r := read("do it")
				r.Idempotent = c.idempotent
				_, err := cl.Do(t.Context(), r)
				if n != c.attempts || connectors.KindOf(err) != c.kind {
					t.Errorf("%d attempts and %v of kind %s, want %d and %s", n, err, connectors.KindOf(err), c.attempts, c.kind)
				}
				if rep := cl.Report(); rep.Calls != int64(n) || rep.Retries != int64(n-1) || (rep.LastError == "") != (c.kind == 0) {
					t.Errorf("report %+v", rep)
				}
			})
		})
	}
}

func TestWaitsGrowAndAreCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		cl := client(t, func(*http.Request) (*http.Response, error) {
			at = append(at, time.Since(start))
			return answer(503, ""), nil
		}, func(o *Options) { o.FirstWait, o.MaxWait = time.Second, 3*time.Second })
		cl.Do(t.Context(), read("wait"))
		// Jitter of 0.5 makes three quarters of 1, 2, 3 and 3 s.
		want := []time.Duration{0, 750, 2250, 4500, 6750}
		for i := range want {
			if i >= len(at) || at[i] != want[i]*time.Millisecond {
				t.Fatalf("attempts at %v, want %v ms", at, want)
			}
		}
	})
}

func TestLongWaitsBecomeQuotaAndStopEveryWorker(t *testing.T) {
	for _, status := range []int{429, 503} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			cl := client(t, func(*http.Request) (*http.Response, error) {
				n++
				return answer(status, "", "Retry-After", "86400"), nil
			}, func(o *Options) { o.Budget = NewBudget(BudgetOptions{}) })
			start := time.Now()
			for range 3 {
				_, err := cl.Do(t.Context(), read("wait"))
				if connectors.KindOf(err) != connectors.Quota || !connectors.Until(err).Equal(start.Add(24*time.Hour)) {
					t.Fatalf("%d: %v", status, err)
				}
			}
			if n != 1 || time.Since(start) != 0 {
				t.Errorf("%d: %d requests in %s", status, n, time.Since(start))
			}
			if b := cl.Report().BlockedUntil; !b.Equal(start.Add(24 * time.Hour)) {
				t.Errorf("blocked until %s", b)
			}
			time.Sleep(24*time.Hour + time.Second)
			cl.Do(t.Context(), read("wait"))
			if n != 2 {
				t.Errorf("nothing was sent after the wait")
			}
		})
	}
}

func TestA429HoldsItsBucketAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limited := atomic.Bool{}
		limited.Store(true)
		cl := client(t, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/search" && limited.CompareAndSwap(true, false) {
				return answer(429, "", "Retry-After", "7"), nil
			}
			return answer(200, "{}"), nil
		}, func(o *Options) {
			o.Budget = NewBudget(BudgetOptions{Buckets: map[string]Limit{"search": PerSecond(4)}})
		})
		start := time.Now()
		var wg sync.WaitGroup
		do := func(path, bucket string, after, want time.Duration) {
			wg.Go(func() {
				time.Sleep(after)
				r := read("go")
				r.Path, r.Bucket = path, bucket
				if _, err := cl.Do(t.Context(), r); err != nil {
					t.Error(err)
				}
				if got := time.Since(start); got != want {
					t.Errorf("%s begun at %s ended at %s, want %s", path, after, got, want)
				}
			})
		}
		do("/search", "search", 0, 7*time.Second)
		do("/search", "search", time.Second, 7*time.Second)
		do("/other", "", time.Second, time.Second)
		wg.Wait()
		if r := cl.Report(); r.RateLimited != 1 {
			t.Errorf("%d answers of 429", r.RateLimited)
		}
	})
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}

// failing breaks after what it holds.
type failing struct{ r io.Reader }

func (f failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestBodies(t *testing.T) {
	whole := `{"n":1}`
	z := zipped(whole)
	for _, c := range []struct {
		name string
		resp func() *http.Response
		kind connectors.Kind
		n    int // attempts
	}{
		{"plain", func() *http.Response { return answer(200, whole) }, 0, 1},
		{"gzip", func() *http.Response { return answer(200, z, "Content-Encoding", "gzip") }, 0, 1},
		{"cut", func() *http.Response {
			r := answer(200, "")
			r.Body, r.ContentLength = io.NopCloser(failing{strings.NewReader(whole[:3])}), 99
			return r
		}, connectors.Transient, 5},
		{"cut where nobody notices", func() *http.Response { return answer(200, whole[:3]) }, connectors.Transient, 5},
		{"cut gzip", func() *http.Response { return answer(200, z[:len(z)-9], "Content-Encoding", "gzip") }, connectors.Transient, 5},
		{"gzip that is none", func() *http.Response { return answer(200, whole, "Content-Encoding", "gzip") }, connectors.Transient, 5},
		{"an encoding nobody asked for", func() *http.Response { return answer(200, whole, "Content-Encoding", "br") }, connectors.Transient, 5},
		{"empty", func() *http.Response { return answer(200, "") }, connectors.Transient, 5},
		{"too large", func() *http.Response { return answer(200, `"`+strings.Repeat("x", 2000)+`"`) }, connectors.Transient, 1},
		{"a bomb", func() *http.Response {
			return answer(200, zipped(strings.Repeat(" ", 1<<20)), "Content-Encoding", "gzip")
		}, connectors.Transient, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				cl := client(t, func(r *http.Request) (*http.Response, error) {
					if r.Header.Get("Accept-Encoding") != "gzip" {
						t.Error("gzip is not asked for")
					}
					n++
					return c.resp(), nil
				}, func(o *Options) { o.MaxBytes = 1000 })
				var v struct{ N int }
				r := read("read")
				r.Decode = func(a *Response) error { return json.Unmarshal(a.Body, &v) }
				_, err := cl.Do(t.Context(), r)
				if connectors.KindOf(err) != c.kind || n != c.n || err == nil && v.N != 1 {
					t.Errorf("%v after %d attempts, decoded %d", err, n, v.N)
				}
			})
		})
	}
}

func TestSlowAnswersAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cl := client(t, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, func(o *Options) { o.Timeout, o.Tries, o.FirstWait = 10*time.Second, 2, time.Second })
		start := time.Now()
		_, err := cl.Do(t.Context(), read("read"))
		if connectors.KindOf(err) != connectors.Transient || connectors.Interrupted(err) {
			t.Errorf("%v: a slow vendor is no cancellation", err)
		}
		if d := time.Since(start); d != 20*time.Second+750*time.Millisecond {
			t.Errorf("given up after %s", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := cl.Do(ctx, read("read")); !connectors.Interrupted(err) {
			t.Errorf("%v: want the context's error", err)
		}
	})
}

func TestRedirects(t *testing.T) {
	for _, c := range []struct {
		name, method, to string
		status           int
		kind             connectors.Kind
		requests         int
	}{
		{"a read on its own host is followed", "GET", "/elsewhere", 302, 0, 2},
		{"another host", "GET", "https://evil.example.net/things", 302, connectors.Config, 1},
		{"another port", "GET", "https://api.example.com:444/things", 307, connectors.Config, 1},
		{"down to http", "GET", "http://api.example.com/things", 301, connectors.Config, 1},
		{"an update", "POST", "/elsewhere", 308, connectors.Config, 1},
		{"circles", "GET", "/things", 302, connectors.Config, 4},
		{"nowhere", "GET", "", 302, connectors.Config, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			cl := client(t, func(r *http.Request) (*http.Response, error) {
				n++
				if r.URL.Host != "api.example.com" || r.URL.Scheme != "https" {
					t.Errorf("a request went to %s with %q", r.URL, r.Header.Get("Authorization"))
				}
				if r.URL.Path == "/elsewhere" {
					if r.Header.Get("Authorization") != "Bearer secret-token" {
						t.Error("the token was lost on the way")
					}
					return answer(200, "{}"), nil
				}
				if c.to == "" {
					return answer(c.status, ""), nil
				}
				return answer(c.status, "", "Location", c.to), nil
			}, func(o *Options) { o.Tokens = StaticToken("secret-token") })
			r := read("read")
			r.Method = c.method
			if c.method == "POST" {
				r.Body = []byte("{}")
			}
			_, err := cl.Do(t.Context(), r)
			if connectors.KindOf(err) != c.kind || n != c.requests {
				t.Errorf("%v after %d requests", err, n)
			}
		})
	}
}

func TestPathsStayOnTheHost(t *testing.T) {
	b := base(t, "https://api.example.com/root/")
	for _, c := range []struct{ path, want string }{
		{"/a/b", "https://api.example.com/root/a/b?q=1"},
		{"a%2Fb", "https://api.example.com/root/a%2Fb?q=1"},
		{"/a?x=y", "https://api.example.com/root/a?x=y&q=1"},
		{"https://api.example.com/services/q-500", "https://api.example.com/services/q-500?q=1"},
		{"https://evil.example.net/a", ""},
		{"//evil.example.net/a", ""},
		{"mailto:x", ""},
		{"%zz", ""},
	} {
		u, err := resolve(b, c.path, url.Values{"q": {"1"}})
		if c.want == "" {
			if err == nil {
				t.Errorf("%s leads to %s", c.path, u)
			}
		} else if err != nil || u.String() != c.want {
			t.Errorf("%s leads to %s, %v, want %s", c.path, u, err, c.want)
		}
	}
}

func TestParseBase(t *testing.T) {
	for s, ok := range map[string]bool{
		"https://api.hubapi.com": true, " https://api.hubapi.com/ ": true, "http://127.0.0.1:8080": true, "http://localhost/x": true, "http://[::1]:1": true,
		"http://api.hubapi.com": false, "http://127.0.0.1.evil.com": false, "ftp://x": false, "api.hubapi.com": false, "": false, "https://": false,
		"https://u:p@host": false, "https://host?x=1": false, "https://host#f": false, "http://10.0.0.1": false, ":": false,
	} {
		if u, err := ParseBase(s); (err == nil) != ok {
			t.Errorf("%q: %v, %v", s, u, err)
		}
	}
}

func TestTokensAreRenewedOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fetches atomic.Int64
		valid := func() string { return fmt.Sprintf("token-%d", fetches.Load()) }
		var refused atomic.Int64
		tokens := NewTokens(func(context.Context) (Grant, error) {
			time.Sleep(time.Second)
			return Grant{Token: fmt.Sprintf("token-%d", fetches.Add(1))}, nil
		}, nil)
		cl := client(t, func(r *http.Request) (*http.Response, error) {
			time.Sleep(10 * time.Millisecond)
			if r.Header.Get("Authorization") != "Bearer "+valid() {
				refused.Add(1)
				return answer(401, "{}"), nil
			}
			return answer(200, "{}"), nil
		}, func(o *Options) { o.Tokens = tokens })
		all := func() {
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					if _, err := cl.Do(t.Context(), Request{Op: "create", Method: "POST", Path: "/x"}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		all()
		if fetches.Load() != 1 {
			t.Fatalf("%d fetches for the first token", fetches.Load())
		}
		fetches.Add(1) // the vendor ends the session behind our back
		all()
		if fetches.Load() != 3 || refused.Load() != 20 {
			t.Errorf("%d renewals, %d refusals", fetches.Load()-2, refused.Load())
		}
	})
}

func TestARenewedTokenThatIsRefusedIsAuth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, fetches := 0, 0
		cl := client(t, func(*http.Request) (*http.Response, error) { n++; return answer(401, "{}"), nil }, func(o *Options) {
			o.Tokens = NewTokens(func(context.Context) (Grant, error) {
				fetches++
				return Grant{Token: fmt.Sprint("token", fetches)}, nil
			}, nil)
		})
		_, err := cl.Do(t.Context(), read("read"))
		if connectors.KindOf(err) != connectors.Auth || n != 2 || fetches != 2 {
			t.Errorf("%v after %d requests and %d fetches", err, n, fetches)
		}
	})
}

func TestARefusedCredentialIsNotTriedByEveryWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetches := 0
		cl := client(t, func(*http.Request) (*http.Response, error) {
			t.Error("a request without a token")
			return answer(200, ""), nil
		}, func(o *Options) {
			o.Tokens = NewTokens(func(context.Context) (Grant, error) {
				fetches++
				return Grant{}, connectors.Errorf(connectors.Auth, "crm: fetch", "invalid_grant")
			}, nil)
		})
		for range 5 {
			if _, err := cl.Do(t.Context(), read("read")); connectors.KindOf(err) != connectors.Auth {
				t.Error(err)
			}
		}
		if fetches != 1 {
			t.Errorf("%d fetches", fetches)
		}
		time.Sleep(time.Minute)
		cl.Do(t.Context(), read("read"))
		if fetches != 2 {
			t.Errorf("%d fetches after a while", fetches)
		}
	})
}

func TestTokensAreRenewedBeforeTheyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetches := 0
		tokens := NewTokens(func(context.Context) (Grant, error) {
			fetches++
			return Grant{Token: "token", Expires: time.Now().Add(30 * time.Minute)}, nil
		}, nil)
		tokens.get(t.Context())
		time.Sleep(28 * time.Minute)
		tokens.get(t.Context())
		if fetches != 1 {
			t.Errorf("%d fetches after 28 minutes", fetches)
		}
		time.Sleep(90 * time.Second)
		tokens.get(t.Context())
		if fetches != 2 {
			t.Errorf("%d fetches half a minute before the end", fetches)
		}
	})
}

func TestTheGrantsHostGetsTheToken(t *testing.T) {
	cl := client(t, func(r *http.Request) (*http.Response, error) {
		if r.URL.String() != "https://my.example.org/things" || r.Header.Get("Authorization") == "" || r.Header.Get("X-Own") != "1" {
			t.Errorf("%s with %v", r.URL, r.Header)
		}
		return answer(200, "{}"), nil
	}, func(o *Options) {
		o.Tokens = NewTokens(func(context.Context) (Grant, error) {
			return Grant{Token: "instance-token", Base: base(t, "https://my.example.org")}, nil
		}, nil)
		o.Prepare = func(r *http.Request) { r.Header.Set("X-Own", "1") }
	})
	if _, err := cl.Do(t.Context(), read("read")); err != nil {
		t.Error(err)
	}
	cl = client(t, func(r *http.Request) (*http.Response, error) {
		if r.URL.String() != "https://login.example.org/token" || r.Header.Get("Authorization") != "" {
			t.Errorf("%s with %v", r.URL, r.Header)
		}
		return answer(200, "{}"), nil
	}, func(o *Options) { o.Tokens = StaticToken("instance-token") })
	r := Request{Op: "log in", Method: "POST", Path: "/token", Body: []byte("a=b"), Anonymous: true, Base: base(t, "https://login.example.org")}
	if _, err := cl.Do(t.Context(), r); err != nil {
		t.Error(err)
	}
}

func TestAnswersTheCallerAskedForAreNoErrors(t *testing.T) {
	cl := client(t, func(r *http.Request) (*http.Response, error) {
		return answer(404, r.URL.Query().Get("body")), nil
	}, func(o *Options) { o.Tries = 1 })
	for body, kind := range map[string]connectors.Kind{"{}": 0, "<html>": connectors.Transient} {
		r := read("read")
		r.Query, r.Answers = url.Values{"body": {body}}, []int{404}
		a, err := cl.Do(t.Context(), r)
		if connectors.KindOf(err) != kind || a == nil || a.Status != 404 || string(a.Body) != body {
			t.Errorf("%s: %+v, %v", body, a, err)
		}
	}
}

func TestInvariant11NoErrorTellsASecret(t *testing.T) {
	const secret = "pat-na1-aaaa-bbbb"
	for _, f := range []trip{
		func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("dial %s with %v", r.URL, r.Header)
		},
		func(r *http.Request) (*http.Response, error) {
			return answer(400, fmt.Sprintf(`{"message":"%v of ann@example.com, token=%s"}`, r.Header, url.QueryEscape(secret))), nil
		},
		func(r *http.Request) (*http.Response, error) {
			return answer(302, "", "Location", "https://evil.example.net/?t="+secret), nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			cl := client(t, f, func(o *Options) {
				o.Tokens = StaticToken(secret)
				o.Classify = func(r *Response, _ int) Outcome {
					o := ByStatus(r)
					o.Message = string(r.Body)
					return o
				}
			})
			r := read("read")
			r.Query = url.Values{"email": {"bob@example.com"}}
			_, err := cl.Do(t.Context(), r)
			for e := err; e != nil; e = errors.Unwrap(e) {
				if s := fmt.Sprintf("%v %+v", e, e); strings.Contains(s, secret) || strings.Contains(s, "@example.com") || strings.Contains(s, "%40") {
					t.Errorf("told: %s", s)
				}
			}
			if s := cl.Report().LastError; s == "" || strings.Contains(s, secret) {
				t.Errorf("reported: %s", s)
			}
		})
	}
}

func TestServerNowFollowsTheDateHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cl := client(t, func(*http.Request) (*http.Response, error) {
			return answer(200, "{}", "Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)), nil
		})
		if _, known := cl.ServerNow(); known {
			t.Error("known before any answer")
		}
		cl.Do(t.Context(), read("read"))
		if at, known := cl.ServerNow(); !known || time.Until(at).Round(time.Second) != time.Hour {
			t.Errorf("the vendor's clock reads %s, %v", at, known)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	date := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for h, want := range map[string]time.Duration{"": -1, "3": 3 * time.Second, "0.5": 500 * time.Millisecond, "-1": -1, "x": -1, "NaN": -1, "1e99": -1,
		date.Add(time.Minute).Format(http.TimeFormat): time.Minute, date.Add(-time.Minute).Format(http.TimeFormat): 0} {
		r := &Response{Header: http.Header{"Retry-After": {h}}, Date: date}
		if d, ok := r.RetryAfter(); ok && d != want || ok != (want >= 0) {
			t.Errorf("%q: %s, %v", h, d, ok)
		}
	}
}

func BenchmarkCall(b *testing.B) {
	body := `{"results":[` + strings.Repeat(`{"id":"1","properties":{"a":"b"}},`, 100) + `{}]}`
	cl := client(b, func(*http.Request) (*http.Response, error) { return answer(200, body), nil }, func(o *Options) {
		o.Tokens, o.Budget = StaticToken("secret-token"), NewBudget(BudgetOptions{})
	})
	r := read("read")
	r.Decode = func(*Response) error { return nil }
	b.ReportAllocs()
	for b.Loop() {
		cl.Do(b.Context(), r)
	}
}
