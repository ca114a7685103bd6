package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/score"
)

// hostile is what a visitor could have put into the title of a page.
const hostile = `<script>alert(1)</script><img src=x onerror=alert(2)> "quoted" 'single'`

// world is an app that knows three people, with its page and a clock.
type world struct {
	*app.App
	t       testing.TB
	page    *Page
	portal  *sandbox.HubSpot
	file    string
	log     *lockedLog
	learned app.Learned
	ids     []string // of the people's records
	later   time.Duration
	cookie  string
	form    string
}

// lockedLog is a log that goroutines write to.
type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const token = "a-token-that-nobody-guesses-at-all"

// newWorld makes the app work everything out; http goes into the page's section of the configuration.
func newWorld(t testing.TB, language, http string) *world {
	t.Helper()
	return newCrowd(t, language, http, "Ada", "Ben", "Cleo")
}

// newCrowd is newWorld with people of those names.
func newCrowd(t testing.TB, language, http string, names ...string) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, portal: sandbox.NewHubSpot(sandbox.HubSpotOptions{Token: "pat-na1-test"}), file: filepath.Join(dir, "config.yaml"), log: &lockedLog{}}
	events := filepath.Join(dir, "events.jsonl")
	var lines bytes.Buffer
	now := time.Now()
	for i, name := range names {
		address := strings.ToLower(name) + "@one.example"
		w.ids = append(w.ids, w.portal.CreateContact(map[string]string{"email": address, "firstname": name, "lastname": "Lovelace"}))
		for k, path := range []string{"/pricing", "/products/z", "/blog/a", "/compare/x"}[:4-i%3] {
			line, _ := json.Marshal(map[string]any{"id": fmt.Sprintf("e%d-%d", i, k), "time": now.Add(-time.Duration(1+k*30) * time.Hour), "kind": connectors.KindPageView, "email": address,
				"url": "https://www.example.com" + path, "page_title": hostile, "session_id": fmt.Sprint(i, k)})
			lines.Write(append(line, '\n'))
		}
	}
	lines.WriteString("{no line at all\n" + `{"id":"u1","time":"` + now.Add(-time.Hour).Format(time.RFC3339) + `","kind":"roi_calculated","email":"ada@one.example"}` + "\n")
	config_ := fmt.Sprintf(`
state: {path: %q}
http: {listen: "127.0.0.1:0", page: true%s}
text: {language: %s}
write: {brake: 0, settle: 0s, interval: 0s}
crms: [{name: hubspot, type: hubspot, base_url: "http://127.0.0.1:1", token: pat-na1-test}]
sources: [{name: site, type: jsonl, path: %q}]
privacy: {own_hosts: [www.example.com]}
`, filepath.Join(dir, "s.db"), http, language, events)
	if err := cmpOr(os.WriteFile(events, lines.Bytes(), 0o600), os.WriteFile(w.file, []byte(config_), 0o600)); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Load(w.file, app.Types)
	if cfg == nil {
		t.Fatal(problems)
	}
	a, err := app.Open(app.Options{Config: cfg, Path: w.file, Log: app.NewLog(w.log, cfg), Version: "test", HTTP: w.portal.Transport(), Now: func() time.Time { return time.Now().Add(w.later) },
		Learned: func() (app.Learned, error) { return w.learned, nil },
		Page:    func(a *app.App) app.Page { w.page = New(a); return w.page }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	w.App = a
	if made, err := app.Provision.Do(t.Context(), a, app.ProvisionArguments{Apply: true}); err != nil || made[0].Error != "" {
		t.Fatal(err, made)
	}
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

func cmpOr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// ask sends a request through the app's own handler, as a browser on the machine would.
func (w *world) ask(method, target string, form url.Values, change ...func(*http.Request)) *http.Response {
	w.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:8787"+target, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if w.cookie != "" {
		r.AddCookie(&http.Cookie{Name: cookieName, Value: w.cookie})
	}
	for _, c := range change {
		c(r)
	}
	got := httptest.NewRecorder()
	w.Handler().ServeHTTP(got, r)
	return got.Result()
}

func body(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// get is a page that must be there.
func (w *world) get(target string) string {
	w.t.Helper()
	resp := w.ask("GET", target, nil)
	text := body(w.t, resp)
	if resp.StatusCode != http.StatusOK {
		w.t.Fatalf("GET %s: %s\n%s", target, resp.Status, text)
	}
	return text
}

var formField = regexp.MustCompile(`name="form" value="([0-9a-f]+)"`)

// signIn opens a one-time link, as its page's button does.
func (w *world) signIn() {
	w.t.Helper()
	path, _ := w.page.Link()
	resp := w.ask("POST", "/signin", url.Values{"link": {strings.TrimPrefix(path, "/signin?link=")}})
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		w.t.Fatalf("sign in: %s", resp.Status)
	}
	c := resp.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure || c.Path != "/" {
		w.t.Errorf("the cookie is %v", c)
	}
	w.cookie = c.Value
	w.form = formField.FindStringSubmatch(w.get("/person"))[1]
}

func (w *world) post(target string, form url.Values) *http.Response {
	form.Set("form", w.form)
	return w.ask("POST", target, form)
}

// routes are all that the page answers, once for each method.
var routes = []struct{ method, path string }{
	{"GET", "/"}, {"POST", "/release"}, {"GET", "/people"}, {"GET", "/people?tier=high"}, {"GET", "/person"}, {"POST", "/person"}, {"GET", "/person/p1"}, {"GET", "/person/ada@one.example"}, {"GET", "/told/site/p1"}, {"GET", "/sources"}, {"GET", "/sources?rules=1"},
	{"GET", "/trouble"}, {"GET", "/trouble?examine=1"}, {"POST", "/trouble/retry"}, {"GET", "/effects"}, {"POST", "/effects"}, {"POST", "/export"}, {"POST", "/forget"}, {"POST", "/signout"}, {"GET", "/nothing/here"}, {"PUT", "/"}, {"HEAD", "/person/p1"},
	{"GET", "/signin"}, {"POST", "/signin"}, {"GET", "/signin?link=x"}, {"GET", "/assets/style.css"}, {"GET", "/assets/"},
}

// Promise: who is not signed in learns nothing of anybody, on any route and from the loopback, too; and every answer forbids what is not the page's own.
func TestNobodyWhoIsNotSignedInSeesAnybody(t *testing.T) {
	w := newWorld(t, "en", ", token: "+token)
	told := regexp.MustCompile(`(?i)lovelace|@one\.example|alert\(1\)|/pricing|hubspot/contacts|roi_calculated|name="form"`)
	look := func(how string, change ...func(*http.Request)) {
		for _, r := range routes {
			resp := w.ask(r.method, r.path, url.Values{"who": {"p1"}, "text": {"{}"}}, change...)
			if found := told.FindString(body(t, resp)); found != "" {
				t.Errorf("%s: %s %s tells %q", how, r.method, r.path, found)
			}
			if got := resp.Header.Get("Content-Security-Policy"); got != policy {
				t.Errorf("%s: %s %s has the policy %q", how, r.method, r.path, got)
			}
			if open := strings.HasPrefix(r.path, "/signin") || strings.HasPrefix(r.path, "/assets/"); !open && resp.StatusCode < 300 {
				t.Errorf("%s: %s %s answers %s", how, r.method, r.path, resp.Status)
			}
		}
	}
	look("no cookie")
	look("an invented cookie", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookieName, Value: "x"}) })
	look("a header that nobody trusts", func(r *http.Request) { r.Header.Set("X-Forwarded-User", "admin") })
	look("another host", func(r *http.Request) { r.Host = "evil.example" })

	w.signIn()
	if !strings.Contains(w.get("/person/p1"), "/pricing") {
		t.Error("who is signed in sees nothing either: this test could not fail")
	}
	w.later = sessionLife + time.Minute
	look("a session that is over")
	w.later = 0
	w.post("/signout", url.Values{})
	look("signed out")
	if page := w.ask("GET", "/healthz", nil); page.StatusCode != http.StatusOK {
		t.Error("health asks to sign in")
	}
}

// Promise: the page is off unless it is asked for.
func TestPageIsOffByDefault(t *testing.T) {
	if config.Default().HTTP.Page {
		t.Error("on by default")
	}
	w := newWorld(t, "en", "")
	w.Config().HTTP.Page = false
	for _, r := range routes {
		if resp := w.ask(r.method, r.path, nil); resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s %s answers %s", r.method, r.path, resp.Status)
		}
	}
}

// Promise: a one-time link signs in once, within its ten minutes; to fetch it spends nothing.
func TestLinkSignsInOnce(t *testing.T) {
	w := newWorld(t, "en", "")
	path, until := w.page.Link()
	if left := time.Until(until); left > linkLife || left < linkLife-time.Minute {
		t.Errorf("it works for %v", left)
	}
	secret := url.Values{"link": {strings.TrimPrefix(path, "/signin?link=")}}
	for range 2 { // a previewer of links
		if resp := w.ask("GET", path, nil); resp.StatusCode != http.StatusOK || len(resp.Cookies()) != 0 {
			t.Fatalf("GET: %s", resp.Status)
		}
	}
	if resp := w.ask("POST", "/signin", secret); resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("the first time: %s", resp.Status)
	}
	if resp := w.ask("POST", "/signin", secret); resp.StatusCode != http.StatusUnauthorized || len(resp.Cookies()) != 0 {
		t.Errorf("the second time: %s", resp.Status)
	}
	path, _ = w.page.Link()
	w.later = linkLife
	if resp := w.ask("POST", "/signin", url.Values{"link": {strings.TrimPrefix(path, "/signin?link=")}}); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("after ten minutes: %s", resp.Status)
	}
	if strings.Contains(w.log.String(), secret.Get("link")) {
		t.Error("the log holds a link's secret")
	}
}

// Promise: the token signs in, nothing like it does; without one in the configuration, no token does.
func TestTokenSignsIn(t *testing.T) {
	w := newWorld(t, "en", ", token: "+token)
	for given, want := range map[string]int{token: http.StatusSeeOther, token + "x": http.StatusUnauthorized, "": http.StatusUnauthorized} {
		if resp := w.ask("POST", "/signin", url.Values{"token": {given}}); resp.StatusCode != want {
			t.Errorf("token %q: %s", given, resp.Status)
		}
	}
	if strings.Contains(w.log.String(), token) {
		t.Error("the log holds the token")
	}
	w.Config().HTTP.Token = connectors.Secret{}
	if resp := w.ask("POST", "/signin", url.Values{"token": {""}}); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("no token: %s", resp.Status)
	}
}

// Promise: a proxy's header counts from the proxy's addresses alone.
func TestTrustedHeader(t *testing.T) {
	w := newWorld(t, "en", ", trust_header: {name: X-User, from: [192.0.2.7, 198.51.100.0/24]}, hosts: [intentd.one.example]")
	for _, c := range []struct {
		from, user string
		want       int
	}{
		{"192.0.2.7:1", "sam", 200}, {"198.51.100.9:1", "sam", 200}, {"[::ffff:192.0.2.7]:1", "sam", 200},
		{"192.0.2.7:1", "", 303}, {"192.0.2.8:1", "sam", 303}, {"127.0.0.1:1", "sam", 303}, {"@", "sam", 303},
	} {
		resp := w.ask("GET", "/person/p1", nil, func(r *http.Request) {
			r.RemoteAddr, r.Host = c.from, "intentd.one.example"
			r.Header.Set("X-User", c.user)
		})
		if resp.StatusCode != c.want {
			t.Errorf("%q from %s: %s", c.user, c.from, resp.Status)
		}
	}
	by := func(proto string) *http.Cookie {
		path, _ := w.page.Link()
		resp := w.ask("POST", "/signin", url.Values{"link": {strings.TrimPrefix(path, "/signin?link=")}}, func(r *http.Request) {
			r.RemoteAddr = "192.0.2.7:1"
			r.Header.Set("X-Forwarded-Proto", proto)
		})
		return resp.Cookies()[0]
	}
	if !by("https").Secure || by("http").Secure {
		t.Error("a cookie is for TLS alone where, and only where, the browser speaks it")
	}
}

// Promise: a name that another site has lead here is answered nothing; addresses and the names of the configuration are.
func TestHostIsChecked(t *testing.T) {
	w := newWorld(t, "en", ", hosts: [intentd.one.example]")
	w.signIn()
	for host, want := range map[string]int{
		"127.0.0.1:8787": 200, "[::1]:8787": 200, "localhost:8787": 200, "10.1.2.3": 200, "intentd.one.example": 200, "INTENTD.one.example:443": 200,
		"evil.example": 421, "evil.example:8787": 421, "127.0.0.1.evil.example": 421, "": 421, "localhost.evil.example:8787": 421,
	} {
		if resp := w.ask("GET", "/", nil, func(r *http.Request) { r.Host = host }); resp.StatusCode != want {
			t.Errorf("%q: %s", host, resp.Status)
		}
	}
}

// Promise: nothing is done for another site's page, nor without the token of who is signed in.
func TestNothingIsDoneForAnotherSite(t *testing.T) {
	w := newWorld(t, "en", "")
	w.signIn()
	if _, err := app.Pause.Do(t.Context(), w.App, app.Nothing{}); err != nil {
		t.Fatal(err)
	}
	hold := regexp.MustCompile(`name="hold" value="([0-9a-f]+)"`).FindStringSubmatch(w.get("/"))[1]
	good := url.Values{"hold": {hold}, "form": {w.form}}
	for name, c := range map[string]struct {
		form   url.Values
		change func(*http.Request)
	}{
		"another origin":   {good, func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }},
		"another site":     {good, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }},
		"no token":         {url.Values{"hold": {hold}}, func(*http.Request) {}},
		"an earlier token": {url.Values{"hold": {hold}, "form": {strings.Repeat("0", 64)}}, func(*http.Request) {}},
	} {
		if resp := w.ask("POST", "/release", c.form, c.change); resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
	if st, _ := app.StatusOf.Do(t.Context(), w.App, app.Nothing{}); !st.Paused {
		t.Fatal("it was done")
	}
	if resp := w.ask("GET", "/release?hold="+hold+"&form="+w.form, nil); resp.StatusCode == http.StatusSeeOther {
		t.Error("a GET changes something")
	}
	if resp := w.ask("POST", "/release", good, func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:8787") }); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("from the page itself: %s", resp.Status)
	}
	if st, _ := app.StatusOf.Do(t.Context(), w.App, app.Nothing{}); st.Paused {
		t.Error("it was not done")
	}
}

// Promise: the button releases what was looked at, and nothing that came to be held since.
func TestReleaseIsOfWhatWasSeen(t *testing.T) {
	w := newWorld(t, "en", "")
	w.signIn()
	if resp := w.post("/release", url.Values{"hold": {"0123456789abcdef"}}); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("nothing held: %s", resp.Status)
	}
	if _, err := app.Pause.Do(t.Context(), w.App, app.Nothing{}); err != nil {
		t.Fatal(err)
	}
	if resp := w.post("/release", url.Values{"hold": {"0123456789abcdef"}}); resp.StatusCode != http.StatusConflict {
		t.Errorf("something else: %s", resp.Status)
	}
	if st, _ := app.StatusOf.Do(t.Context(), w.App, app.Nothing{}); !st.Paused {
		t.Error("it was released")
	}
}

// Promise: what the brake holds back stands on the overview, and its button lets exactly that through.
func TestBrakeIsReleasedFromThePage(t *testing.T) {
	var names []string
	for i := range 60 {
		names = append(names, fmt.Sprint("P", i))
	}
	w := newCrowd(t, "en", "", names...)
	w.signIn()
	text, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "brake: 0", "brake: 10", 1) + "scoring: {tiers: {high: 12, medium: 6}, margin: 1, evidence: {strength: 1, key: 1, signals: 1, strong: 1}}\n"
	if err := os.WriteFile(w.file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	once := func() app.Status {
		if _, err := w.Once(t.Context()); err != nil {
			t.Log(err)
		}
		st, err := app.StatusOf.Do(t.Context(), w.App, app.Nothing{})
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	before := once()
	page := w.get("/")
	if before.Brake == "" || !strings.Contains(page, before.Brake[:20]) || !strings.Contains(page, "Release exactly this") {
		t.Fatalf("the brake says %q\n%s", before.Brake, page)
	}
	hold := regexp.MustCompile(`name="hold" value="([0-9a-f]+)"`).FindStringSubmatch(page)[1]
	if resp := w.post("/release", url.Values{"hold": {hold}}); resp.StatusCode != http.StatusSeeOther {
		t.Fatal(resp.Status)
	}
	if after := once(); after.Brake != "" || after.Tiers["high"] == before.Tiers["high"] {
		t.Errorf("the brake says %q, tiers are %v", after.Brake, after.Tiers)
	}
}

// Promise: what a visitor wrote stays text.
func TestHostileTitleStaysText(t *testing.T) {
	w := newWorld(t, "en", "")
	w.signIn()
	for _, path := range []string{"/person/p1", "/told/site/p1"} {
		page := w.get(path)
		for _, live := range []string{"<script>alert", "<img src=x"} {
			if strings.Contains(page, live) {
				t.Errorf("%s holds %s", path, live)
			}
		}
		if !strings.Contains(page, "alert(1)") {
			t.Errorf("the title is not on %s: this test could not fail", path)
		}
	}
}

// Promise: no page has a script, a style or a handler within it, which the policy would stop, nor names anything elsewhere.
func TestPagesKeepTheirPolicy(t *testing.T) {
	w := newWorld(t, "en", "")
	w.signIn()
	for _, path := range []string{"/", "/people", "/person", "/person/p1", "/told/site/p1", "/sources?rules=1", "/trouble?examine=1", "/effects", "/signin?link=x"} {
		page := w.get(path)
		if found := regexp.MustCompile(`(?i)<style|\sstyle=|<[a-z][^>"']*\son[a-z]+=|<script[^>]*>[^<]|(?:src|href|action)="(?:https?:|//|data:|javascript:)`).FindString(page); found != "" {
			t.Errorf("%s holds %q", path, found)
		}
	}
}

// Promise: every look at a person is logged by key, and no address is.
func TestLooksAreLogged(t *testing.T) {
	w := newWorld(t, "en", "")
	w.signIn()
	resp := w.post("/person", url.Values{"who": {"ben@one.example"}})
	if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || to != "/person/p2" {
		t.Fatalf("%s to %q", resp.Status, to)
	}
	w.get("/person/p2")
	if log := w.log.String(); !strings.Contains(log, "person=p2") || !strings.Contains(log, "by=link") {
		t.Errorf("the log says\n%s", log)
	}
	w.get("/told/site/p1")
	if !strings.Contains(w.log.String(), "person=p1 source=site") {
		t.Errorf("the log says\n%s", w.log)
	}
	if strings.Contains(w.log.String(), "@one.example") {
		t.Error("the log holds an address")
	}
	if resp := w.post("/person", url.Values{"who": {"nobody@one.example"}}); resp.StatusCode != http.StatusNotFound || !strings.Contains(body(t, resp), "nobody goes by") {
		t.Errorf("somebody unknown: %s", resp.Status)
	}
}

// number is the value of the first <data> that has the attribute.
func number(t *testing.T, page, attribute string) int64 {
	t.Helper()
	m := regexp.MustCompile(`<data [^>]*` + regexp.QuoteMeta(attribute) + `[^>]*value="(-?\d+)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no number %s on the page", attribute)
	}
	n, _ := strconv.ParseInt(m[1], 10, 64)
	return n
}

// Promise: the numbers on the pages are those of the operations, which the command line prints as JSON.
func TestNumbersAreThoseOfTheOperations(t *testing.T) {
	w := newWorld(t, "de", "")
	w.signIn()
	st, err := app.StatusOf.Do(t.Context(), w.App, app.Nothing{})
	if err != nil {
		t.Fatal(err)
	}
	page := w.get("/")
	in := st.Connectors["site"].Intake
	for attribute, want := range map[string]int64{
		`id="people"`: int64(st.People), `id="contacts"`: int64(st.Contacts), `id="tier-high"`: st.Tiers["high"], `id="tier-medium"`: st.Tiers["medium"], `id="tier-low"`: st.Tiers["low"],
		`id="written"`: st.Written, `id="dead"`: int64(st.Dead), `id="journal"`: int64(st.Journal), `id="held"`: int64(st.Held.Records), `data-of="hubspot"`: st.Connectors["hubspot"].Report.Calls,
	} {
		if got := number(t, page, attribute); got != want {
			t.Errorf("%s is %d, the operation says %d", attribute, got, want)
		}
	}
	page = w.get("/sources")
	for attribute, want := range map[string]int64{`class="events" data-of="site"`: in.Events, `class="read" data-of="site"`: in.Read, `class="unread" data-of="site"`: in.Unread()} {
		if got := number(t, page, attribute); got != want || want == 0 {
			t.Errorf("%s is %d, the operation says %d", attribute, got, want)
		}
	}
	r, err := app.Explain.Do(t.Context(), w.App, app.Who{Who: "p1"})
	if err != nil {
		t.Fatal(err)
	}
	page = w.get("/person/p1")
	if got := number(t, page, `id="score"`); got != int64(r.Parts.Score) || got == 0 {
		t.Errorf("the score is %d, the receipt says %d", got, r.Parts.Score)
	}
	if n := strings.Count(page, `<li class="ev`); n != len(r.Features.Signals)+len(r.Cited) {
		t.Errorf("%d events, the receipt has %d signals and %d cited", n, len(r.Features.Signals), len(r.Cited))
	}
	told, err := app.ExplainSource.Do(t.Context(), w.App, app.SourceQuestion{Source: "site", Who: "p1"})
	if err != nil {
		t.Fatal(err)
	}
	if asked := w.get("/told/site/p1"); strings.Count(asked, `<th scope="row">`) != len(told.Asked[0].Rows) || len(told.Asked[0].Rows) == 0 {
		t.Errorf("%d rows, the operation has %d", strings.Count(asked, `<th scope="row">`), len(told.Asked[0].Rows))
	}
	headline, sentences, next := r.Intent.At(r.At, r.Tier)
	cites := len(headline.Cites) + len(next.Cites)
	for _, s := range sentences {
		cites += len(s.Cites)
	}
	if n := strings.Count(page, `<a class="on" href="#e`); n != cites || n == 0 {
		t.Errorf("%d citations lead to events, the receipt has %d", n, cites)
	}
}

// Promise: the waterfall of a learned score says each part in the page's language, its parts add up to the score, its bars stay within 0 and 100, and the chance stands beside it.
func TestWaterfallOfALearnedScore(t *testing.T) {
	for lang, want := range map[string][]string{"en": {"everybody begins with", "no form", "visits", "kept within 0 and 100", "Chance that they buy"}, "de": {"Anfang für alle", "kein Formular", "Besuche", "Chance, dass sie kaufen"}} {
		w := newWorld(t, lang, "")
		var err error
		w.learned.Strengths, err = learn.ReadStrengths([]byte("{intercept: -2, k: 10, offset: 300, calibration: {a: 0, b: 1, people: 0}, features: [" +
			"{fact: visits, form: value, strength: 3, spread: 1, usual: 1}, {fact: 'signals: form_submit', form: none, count: true, strength: -1, spread: 1, usual: 1}]}"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(w.file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(w.file, append(text, "scoring: {engine: propensity}\n"...), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.signIn()
		page := w.get("/person/p1")
		sum := int64(0)
		for _, m := range regexp.MustCompile(`<data class="part" value="(-?\d+)"`).FindAllStringSubmatch(page, -1) {
			n, _ := strconv.ParseInt(m[1], 10, 64)
			sum += n
		}
		if got := number(t, page, `id="score"`); got != sum || got != 1000 { // 30 + 4 visits of 30 − 10, kept within 100
			t.Errorf("the parts add up to %d, the score is %d", sum, got)
		}
		for _, m := range regexp.MustCompile(`class="g1" (?:x="(-?\d+)" )?width="(-?\d+)"`).FindAllStringSubmatch(page, -1) {
			x, _ := strconv.Atoi(m[1])
			if width, _ := strconv.Atoi(m[2]); x < 0 || width < 0 || x+width > 1000 {
				t.Errorf("a bar goes from %d by %d", x, width)
			}
		}
		for _, words := range want {
			if !strings.Contains(page, words) {
				t.Errorf("%s: the page does not say %q", lang, words)
			}
		}
	}
}

// tryConfig sends a config as the form does.
func (w *world) tryConfig(text string, asFile bool) *http.Response {
	var sent bytes.Buffer
	form := multipart.NewWriter(&sent)
	field := func(name, value string) {
		if err := form.WriteField(name, value); err != nil {
			w.t.Fatal(err)
		}
	}
	field("form", w.form)
	if asFile {
		f, err := form.CreateFormFile("file", "config.yaml")
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			w.t.Fatal(err)
		}
	} else {
		field("text", text)
	}
	form.Close()
	return w.ask("POST", "/effects", nil, func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(&sent), int64(sent.Len())
		r.Header.Set("Content-Type", form.FormDataContentType())
	})
}

// Promise: what closed deals taught last stands beside it, as intentd learn history has it; before there is any, how to get it.
func TestEffectsShowWhatWasLearned(t *testing.T) {
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("ada%d", i))
	}
	w := newCrowd(t, "en", "", names...)
	w.signIn()
	if page := w.get("/effects"); !strings.Contains(page, "Nothing yet: intentd learn") {
		t.Error(page)
	}
	now := time.Now().Format(time.RFC3339)
	for i, person := range w.ids {
		stage := []string{"closedwon", "closedlost", "closedlost"}[i%3]
		w.portal.CreateDeal(map[string]string{"dealname": "One", "dealstage": stage, "createdate": now, "closedate": now}, person)
	}
	w.later = 3 * time.Minute // the CRM's search is behind
	if _, err := app.Learn.Do(t.Context(), w.App, app.LearnArguments{Span: 30 * 24 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	list, err := app.LearnHistory.Do(t.Context(), w.App, app.Nothing{})
	if err != nil || len(list) == 0 || list[0].Evidence == nil {
		t.Fatal(err, list)
	}
	page := w.get("/effects")
	for _, want := range []string{fmt.Sprintf("Number %d, of", list[0].Number), fmt.Sprintf("%d deals, %d won", list[0].Deals, list[0].Won), "It is not applied", "too few to tell", "formula"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page\n%s", want, page)
		}
	}
}

// Promise: the effect of a config is that of plan --against, pasted or as a file; a mistake is told, but no value of the environment.
func TestEffects(t *testing.T) {
	w := newWorld(t, "en", "")
	w.signIn()
	was, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(was) + "scoring: {tiers: {high: 30, medium: 10}, evidence: {strength: 1, key: 1, signals: 1, strong: 1}}\n"
	e, err := app.PlanAgainst.Do(t.Context(), w.App, app.EffectArguments{Against: app.File{Text: text, Path: w.file}})
	if err != nil || e.Changed == 0 {
		t.Fatal(err, e)
	}
	for _, asFile := range []bool{false, true} {
		resp := w.tryConfig(text, asFile)
		page := body(t, resp)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s\n%s", resp.Status, page)
		}
		for _, cell := range e.Matrix {
			if got := number(t, page, `data-move="`+cell.Tier+" "+cell.Then+`"`); got != int64(cell.People) {
				t.Errorf("%s to %s is %d, the operation says %d", cell.Tier, cell.Then, got, cell.People)
			}
		}
		for _, s := range e.Samples {
			if !strings.Contains(page, `href="/person/`+s.Ref+`"`) {
				t.Errorf("the sample %s is not on the page", s.Ref)
			}
			w.get("/person/" + s.Ref)
		}
	}
	t.Setenv("A_SECRET", "xyzzy-plugh")
	resp := w.tryConfig(strings.Replace(string(was), "language: en", `language: "${A_SECRET}"`, 1), false)
	if page := body(t, resp); resp.StatusCode != http.StatusUnprocessableEntity || strings.Contains(page, "xyzzy") || !strings.Contains(page, "text.language") {
		t.Errorf("%s\n%s", resp.Status, page)
	}
	if resp := w.tryConfig(strings.Repeat("# x\n", 1<<19), false); resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("two megabytes: %s", resp.Status)
	}
}

// Promise: dead letters stand by reason in the vendor's words, and those of one reason, no others, are tried again.
func TestDeadLetters(t *testing.T) {
	w := newWorld(t, "en", "")
	w.signIn()
	w.portal.Faults().Add(sandbox.Fault{Path: "/batch/update", Status: 400, Times: -1, Body: `{"status":"error","category":"VALIDATION_ERROR","message":"deciding was not one of the allowed options"}`})
	text, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.file, append(text, "scoring: {weights: {volume: 0.2, recency: 0.6, topics: 0.2}}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Once(t.Context()); err != nil {
		t.Log(err)
	}
	letters, err := app.DeadList.Do(t.Context(), w.App, app.Nothing{})
	if err != nil || len(letters) == 0 {
		t.Fatal(err, letters)
	}
	page := w.get("/trouble")
	if got := number(t, page, `class="letters"`); got != int64(len(letters)) || !strings.Contains(page, "deciding was not one of the allowed options") {
		t.Errorf("%d letters, the operation has %d\n%s", got, len(letters), page)
	}
	if !strings.Contains(w.log.String(), "named people of dead letters") {
		t.Error("to name people is not logged")
	}
	if resp := w.post("/trouble/retry", url.Values{"reason": {"another"}}); resp.Header.Get("Location") != "/trouble?retried=0" {
		t.Errorf("of no reason: %s %s", resp.Status, resp.Header.Get("Location"))
	}
	id := regexp.MustCompile(`name="reason" value="([0-9a-f]+)"`).FindStringSubmatch(page)[1]
	if resp := w.post("/trouble/retry", url.Values{"reason": {id}}); resp.Header.Get("Location") != fmt.Sprintf("/trouble?retried=%d", len(letters)) {
		t.Errorf("%s %s", resp.Status, resp.Header.Get("Location"))
	}
}

// Promise: every page speaks each language whole.
func TestEveryPageInEachLanguage(t *testing.T) {
	for lang, says := range map[string]string{"en": "All", "de": "Abmelden"} {
		w := newWorld(t, lang, ", token: "+token)
		bad := regexp.MustCompile(`⟦[^⟧]*⟧|%!|<no value>`)
		check := func(path, page string) {
			if found := bad.FindString(page); found != "" {
				t.Errorf("%s: %s holds %q", lang, path, found)
			}
			if !strings.Contains(page, `<html lang="`+lang+`">`) {
				t.Errorf("%s: %s says another language", lang, path)
			}
		}
		check("/signin", w.get("/signin"))
		w.signIn()
		for _, path := range []string{"/", "/?did=released", "/people", "/people?tier=low&stage=deciding", "/person", "/person/p1", "/person/p3", "/told/site/p1", "/sources", "/sources?rules=1", "/trouble", "/trouble?examine=1", "/trouble?retried=3", "/effects", "/signin?link=x"} {
			check(path, w.get(path))
		}
		if !strings.Contains(w.get("/"), says) && lang == "de" {
			t.Errorf("%s: no %q", lang, says)
		}
		check("an unknown person", body(t, w.ask("GET", "/person/p99", nil)))
		check("no page", body(t, w.ask("GET", "/nothing", nil)))
		was, _ := os.ReadFile(w.file)
		check("effects", body(t, w.tryConfig(string(was)+"scoring: {tiers: {high: 30, medium: 10}}\n", false)))
		check("no effect", body(t, w.tryConfig(string(was), false)))
		check("mistakes", body(t, w.tryConfig("scoring: {tears: 3}", false)))
	}
}

// Promise: whatever a template or a handler says is in the table, in both languages, with the same blanks; and all the pipeline's own names are.
func TestSentencesAreWhole(t *testing.T) {
	blanks := regexp.MustCompile(`%[^ ]`)
	for key, both := range sentences {
		if both[0] == "" || both[1] == "" || !slices.Equal(blanks.FindAllString(both[0], -1), blanks.FindAllString(both[1], -1)) {
			t.Errorf("%s: %q", key, both)
		}
	}
	said := regexp.MustCompile(`(?:say|many)\(?[ (]"([a-z0-9._]+)"`)
	used := map[string]bool{}
	for _, pattern := range []string{"*.go", "templates/*.html"} {
		names, err := fs.Glob(os.DirFS("."), pattern)
		if err != nil || len(names) == 0 {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range said.FindAllStringSubmatch(string(text), -1) {
				used[m[1]] = true
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(used)) {
		_, one := sentences[key]
		_, several := sentences[key+".n"]
		if !one && !several {
			t.Errorf("nothing is said for %q", key)
		}
	}
	var names []string
	for tier := score.TierUnknown; tier <= score.High; tier++ {
		names = append(names, "tier."+tier.String())
	}
	for stage := score.StageUnknown; stage <= score.Deciding; stage++ {
		names = append(names, "stage."+stage.String())
	}
	for trend := score.TrendNone; trend <= score.New; trend++ {
		names = append(names, "trend."+trend.String())
	}
	for kind := score.HandRaise; kind <= score.SocialMention; kind++ {
		names = append(names, "type."+kind.String())
	}
	for _, rule := range []score.Rule{score.ByThreshold, score.ByHysteresis, score.ByHandRaise, score.ByEvidence, score.ByCapacity, score.ByVerdict, score.ByModel, score.ByNothing, score.ByStrength} {
		names = append(names, "rule."+string(rule))
	}
	for _, why := range []string{journey.WhyForeign, journey.WhyNoConsent, journey.WhyWithdrawn, journey.WhyDenied, journey.WhyAnonymous, journey.WhyStaff, journey.WhyBot, journey.WhyFlood, journey.WhyScanner,
		journey.WhyMonitor, journey.WhySensitive, journey.WhyOutside, journey.WhyTwice, journey.WhyExcluded, journey.WhyForm, journey.WhyCustomer, journey.WhyMachine, journey.WhyFooter, journey.WhyUnsubscribed,
		journey.WhyAutoReply, journey.WhyBounce, journey.WhyRefused, journey.WhyCancelled, journey.WhyMissed, journey.WhyRule, journey.WhyUnknown, journey.WhyTold, journey.WhyColleague, journey.WhyStep,
		journey.WhyRepeat, journey.WhyTeam, journey.WhyTracker, connectors.LeftOutNobody, connectors.LeftOutConsent, connectors.LeftOutOld, connectors.LeftOutRepeated} {
		names = append(names, "left."+why)
	}
	for kind := connectors.Transient; kind <= connectors.Config; kind++ {
		names = append(names, "kind."+kind.String())
	}
	for _, key := range names {
		if _, ok := sentences[key]; !ok {
			t.Errorf("no word for %q", key)
		}
	}
}

// Promise: numbers and dates are written as each language writes them.
func TestFormats(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 44, 0, 0, time.UTC)
	for lang, want := range map[string][]string{
		"en": {"12,874", "999", "−1,000", "84.6", "USD\u00a03.18", "28 Nov 2026", "10.6\u00a0%"},
		"de": {"12.874", "999", "−1.000", "84,6", "USD\u00a03,18", "28. Nov. 2026", "10,6\u00a0%"},
	} {
		s := &tongue{lang, func() *time.Location { return time.UTC }}
		if got := []string{s.n(12874), s.n(int64(999)), s.n(-1000), s.tenths(846), s.usd(3.18), s.day(at), s.percent(106, 1000)}; !slices.Equal(got, want) {
			t.Errorf("%s: %q", lang, got)
		}
	}
}

// Promise: strengths that go by a property which no learning_profile names, now or in a configuration that is tried, say so on Effects, in both languages.
func TestEffectsTellOfPropertiesThatAreGone(t *testing.T) {
	m := &learn.Strengths{K: 10, Offset: 300, Calibration: learn.Calibration{B: 1}, Features: []learn.Strength{{Feature: learn.Feature{Fact: "profile: industry", Form: learn.Is, Level: "retail"}, Strength: 1, Spread: 0.5, Usual: 0.25}}}
	var file bytes.Buffer
	if err := m.Write(&file); err != nil {
		t.Fatal(err)
	}
	for language, want := range map[string][2]string{"en": {"goes by industry of the CRM, which no learning_profile names any more", "which learning_profile does not name here"}, "de": {"geht nach industry im CRM, das kein learning_profile mehr nennt", "das learning_profile hier nicht nennt"}} {
		w := newWorld(t, language, "")
		w.signIn()
		kept, err := app.LearnImport.Do(t.Context(), w.App, app.File{Text: file.String()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := app.LearnApply.Do(t.Context(), w.App, app.LearnedNumber{Number: kept.Number}); err != nil {
			t.Fatal(err)
		}
		w.learned.Strengths = m
		was, err := os.ReadFile(w.file)
		if err != nil {
			t.Fatal(err)
		}
		without := string(was) + "scoring: {engine: propensity}\n"
		named := strings.Replace(without, "token: pat-na1-test", "token: pat-na1-test, learning_profile: [industry]", 1)
		load := func(text string) string {
			t.Helper()
			if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := w.App.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			return w.get("/effects")
		}
		if page := load(named); strings.Contains(page, want[0]) {
			t.Errorf("%s: named, and it is said to be gone", language)
		}
		if page := body(t, w.tryConfig(without, false)); !strings.Contains(page, want[1]) {
			t.Errorf("%s: a file without it: %q is not on the page\n%s", language, want[1], page)
		}
		if page := load(without); !strings.Contains(page, want[0]) {
			t.Errorf("%s: %q is not on the page\n%s", language, want[0], page)
		}
	}
}
