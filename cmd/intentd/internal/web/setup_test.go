package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors/sandbox"
)

const (
	rightKey = "pat-na1-the-right-key"
	wrongKey = "pat-na1-the-wrong-key"
)

// fresh is a machine without a configuration, a portal, and a browser on the set-up page. Everything that it was sent is kept.
type fresh struct {
	t      *testing.T
	page   *Setup
	portal *sandbox.HubSpot
	dir    string
	log    *lockedLog
	cookie string
	form   string
	sent   bytes.Buffer
}

func newFresh(t *testing.T, o sandbox.HubSpotOptions) *fresh {
	t.Helper()
	o.Token = rightKey
	f := &fresh{t: t, portal: sandbox.NewHubSpot(o), dir: t.TempDir(), log: &lockedLog{}}
	for _, name := range []string{"Ada", "Ben", "Cleo"} {
		f.portal.CreateContact(map[string]string{"email": strings.ToLower(name) + "@one.example", "firstname": name, "lastname": "Lovelace",
			"num_conversion_events": "1", "recent_conversion_date": f.yesterday(), "first_conversion_date": f.yesterday(), "recent_conversion_event_name": "Contact us: Book a demo"})
	}
	log := app.NewLog(f.log, nil)
	f.page = NewSetup(SetupOptions{File: filepath.Join(f.dir, "intentd.yaml"), Command: "intentd run", Log: log, Quiet: log, Version: "test", HTTP: f.portal.Transport(),
		Run: func(ctx context.Context, cfg *config.Config) (string, error) {
			a, err := app.Open(app.Options{Config: cfg, Path: filepath.Join(f.dir, "intentd.yaml"), Log: log, HTTP: f.portal.Transport()})
			if err != nil {
				return "", err
			}
			_, err = a.Once(ctx) // what a daemon does first
			if err := cmpOr(err, a.Close()); err != nil {
				return "", err
			}
			return "http://127.0.0.1:8787/signin?link=X", nil
		}})
	return f
}

func (f *fresh) yesterday() string { return time.Now().Add(-24 * time.Hour).UTC().Format(time.RFC3339) }

func (f *fresh) ask(method, target string, form url.Values, change ...func(*http.Request)) *http.Response {
	f.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:40000"+target, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if f.cookie != "" {
		r.AddCookie(&http.Cookie{Name: "intentd_setup", Value: f.cookie})
	}
	for _, c := range change {
		c(r)
	}
	got := httptest.NewRecorder()
	f.page.ServeHTTP(got, r)
	f.sent.WriteString(got.Body.String())
	return got.Result()
}

func (f *fresh) get(target string) string {
	f.t.Helper()
	resp := f.ask("GET", target, nil)
	if resp.StatusCode != http.StatusOK {
		f.t.Fatalf("GET %s: %s", target, resp.Status)
	}
	return body(f.t, resp)
}

func (f *fresh) signIn() {
	f.t.Helper()
	path, _ := f.page.Link()
	resp := f.ask("POST", "/signin", url.Values{"link": {strings.TrimPrefix(path, "/signin?link=")}})
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		f.t.Fatalf("sign in: %s", resp.Status)
	}
	f.cookie = resp.Cookies()[0].Value
	f.form = formField.FindStringSubmatch(f.get("/"))[1]
}

// press sends a form of the page's and returns the page that follows.
func (f *fresh) press(target string, form url.Values) string {
	f.t.Helper()
	form.Set("form", f.form)
	if resp := f.ask("POST", target, form); resp.StatusCode != http.StatusSeeOther {
		f.t.Fatalf("POST %s: %s\n%s", target, resp.Status, body(f.t, resp))
	}
	return f.get("/")
}

func (f *fresh) try(key string) string {
	f.t.Helper()
	return f.press("/try", url.Values{"crm": {"hubspot"}, "secret": {key}, "journeys": {"crm"}, "model": {"rules"}, "language": {"en"}, "timezone": {"Europe/Berlin"}})
}

// untouched says that neither the portal nor the disk has anything of ours.
func (f *fresh) untouched(when string) {
	f.t.Helper()
	if n := f.scored(); n != 0 || f.field() {
		f.t.Errorf("%s: the CRM was written to (%d scored)", when, n)
	}
	if found, _ := filepath.Glob(filepath.Join(f.dir, "*")); len(found) != 0 {
		f.t.Errorf("%s: %v was written", when, found)
	}
}

// field says whether the portal has a field of ours.
func (f *fresh) field() bool {
	f.t.Helper()
	r, _ := http.NewRequest("GET", "https://api.hubapi.com/crm/v3/properties/contacts/intent_score", nil)
	r.Header.Set("Authorization", "Bearer "+rightKey)
	resp, err := f.portal.Transport().RoundTrip(r)
	if err != nil {
		f.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (f *fresh) scored() (n int) {
	for _, values := range f.portal.Content("intent_score") {
		if values["intent_score"] != "" {
			n++
		}
	}
	return n
}

// secret says that no key is in the log or on a page.
func (f *fresh) secret() {
	f.t.Helper()
	for _, key := range []string{rightKey, wrongKey} {
		if strings.Contains(f.sent.String(), key) {
			f.t.Error("a page holds a key")
		}
		if strings.Contains(f.log.String(), key) {
			f.t.Error("the log holds a key")
		}
	}
}

// Promise: nothing is written to the CRM or the disk before the press; by it fields are made and people written, and the configuration that is
// then there loads, keeps its secret beside it and writes.
func TestSetup(t *testing.T) {
	f := newFresh(t, sandbox.HubSpotOptions{})
	f.signIn()
	if page := f.try(""); !strings.Contains(page, sentences["su.wrong.secret"][0]) {
		t.Error("no key is said to be missing")
	}
	page := f.try(wrongKey)
	if !strings.Contains(page, "hubspot.token") || !strings.Contains(page, sentences["su.refused"][0]) || strings.Contains(page, `action="/write"`) {
		t.Errorf("a wrong key leads to\n%s", page)
	}
	f.press("/write", url.Values{}) // the button is not there; the request is not heeded either
	f.untouched("after a wrong key")

	f.press("/again", url.Values{})
	page = f.try(rightKey)
	for _, want := range []string{sentences["su.works"][0], `<data value="3">`, "intent_score", `action="/write"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the plan lacks %q\n%s", want, page)
		}
	}
	f.untouched("after the plan")

	page = f.press("/write", url.Values{})
	if !strings.Contains(page, sentences["su.runs"][0]) || !strings.Contains(page, "http://127.0.0.1:8787/signin?link=X") {
		t.Errorf("after the press\n%s", page)
	}
	if !f.field() || f.scored() != 3 {
		t.Errorf("%d people were written", f.scored())
	}
	cfg, problems := config.Load(filepath.Join(f.dir, "intentd.yaml"), app.Types)
	if problems.Err() != nil || cfg.Write.Mode != "on" || !cfg.HTTP.Page || cfg.Text.Timezone != "Europe/Berlin" {
		t.Fatal(problems, cfg)
	}
	for _, name := range []string{"intentd.yaml", "hubspot_token"} {
		if info, err := os.Stat(filepath.Join(f.dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	writes := f.portal.Counters().Patches
	f.press("/write", url.Values{})
	if f.try(rightKey) != page || f.portal.Counters().Patches != writes {
		t.Error("a second press did something")
	}
	f.secret()
}

// Promise: a scope that is missing is named with its fix; where fields cannot be made the press says so, and no configuration is left.
func TestSetupWithoutScopes(t *testing.T) {
	f := newFresh(t, sandbox.HubSpotOptions{Scopes: []string{"crm.objects.contacts.read", "crm.schemas.contacts.read"}})
	f.signIn()
	if page := f.try(rightKey); !strings.Contains(page, "add the scope crm.objects.contacts.write") || strings.Contains(page, `action="/write"`) {
		t.Errorf("without the scope of writing\n%s", page)
	}
	f.untouched("without the scope of writing")
	f.secret()

	f = newFresh(t, sandbox.HubSpotOptions{Scopes: []string{"crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read"}})
	f.signIn()
	if page := f.try(rightKey); !strings.Contains(page, "add the scope crm.schemas.contacts.write") || strings.Contains(page, `action="/write"`) {
		t.Errorf("without the scope of making fields\n%s", page)
	}
	f.untouched("without the scope of making fields")

	f = newFresh(t, sandbox.HubSpotOptions{})
	f.portal.Faults().Add(sandbox.Fault{Method: "POST", Path: "/groups", Status: 403, Times: -1})
	f.signIn()
	f.try(rightKey)
	if page := f.press("/write", url.Values{}); !strings.Contains(page, "make the fields in hubspot") || strings.Contains(page, sentences["su.runs"][0]) {
		t.Errorf("fields that cannot be made\n%s", page)
	}
	f.untouched("with fields that cannot be made")
}

// Promise: where the daemon cannot start, the next command is said, and the configuration is there for it.
func TestSetupThatCannotRun(t *testing.T) {
	f := newFresh(t, sandbox.HubSpotOptions{})
	f.page.o.Run = func(context.Context, *config.Config) (string, error) { return "", os.ErrPermission }
	f.signIn()
	f.try(rightKey)
	page := f.press("/write", url.Values{})
	if !strings.Contains(page, "permission denied") || !strings.Contains(page, "<code>intentd run</code>") {
		t.Errorf("it says\n%s", page)
	}
	if _, problems := config.Load(filepath.Join(f.dir, "intentd.yaml"), app.Types); problems.Err() != nil {
		t.Error(problems)
	}
}

// Promise: who did not open the link, asks by a foreign name, or sends what no form of the page's sent, gets nothing and changes nothing.
func TestSetupKeepsOthersOut(t *testing.T) {
	f := newFresh(t, sandbox.HubSpotOptions{})
	routes := map[string]string{"/": "GET", "/?crm=salesforce": "GET", "/try": "POST", "/again": "POST", "/write": "POST"}
	refused := func(how string, change ...func(*http.Request)) {
		for path, method := range routes {
			resp := f.ask(method, path, url.Values{"crm": {"hubspot"}, "secret": {rightKey}}, change...)
			if text := body(t, resp); resp.StatusCode < 300 || strings.Contains(text, `name="form"`) || method == "POST" && resp.StatusCode < 400 || resp.Header.Get("Content-Security-Policy") != policy {
				t.Errorf("%s: %s %s answers %s", how, method, path, resp.Status)
			}
		}
	}
	refused("no link")
	refused("an invented cookie", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "intentd_setup", Value: "x"}) })
	f.signIn()
	refused("a foreign name", func(r *http.Request) { r.Host = "evil.example" })
	delete(routes, "/")
	delete(routes, "/?crm=salesforce")
	refused("no token of the form")
	refused("another site", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	f.untouched("after strangers")
	f.secret()
}

// Promise: it speaks the browser's language, and the one that is chosen; everything it says is there in both.
func TestSetupSpeaks(t *testing.T) {
	f := newFresh(t, sandbox.HubSpotOptions{})
	if page := body(t, f.ask("GET", "/signin", nil, func(r *http.Request) { r.Header.Set("Accept-Language", "de-DE,de;q=0.9") })); !strings.Contains(page, `<html lang="de">`) {
		t.Errorf("it says\n%s", page)
	}
	f.signIn()
	if page := f.get("/?lang=en"); !strings.Contains(page, sentences["su.ask"][0]) {
		t.Errorf("in English\n%s", page)
	}
	if page := f.get("/?crm=salesforce&lang=de"); !strings.Contains(page, `name="client_id"`) || !strings.Contains(page, sentences["su.ask"][1]) {
		t.Errorf("for Salesforce\n%s", page)
	}
	f.get("/?crm=hubspot")
	f.try(rightKey)
	if strings.Contains(f.sent.String(), "⟦") {
		t.Error("a sentence is missing")
	}
}

// Promise: Salesforce is set up by the same questions.
func TestSetupOfSalesforce(t *testing.T) {
	f := newFresh(t, sandbox.HubSpotOptions{})
	org := sandbox.NewSalesforce(sandbox.SalesforceOptions{})
	org.CreateMany("Lead", 3, func(i int) map[string]string {
		return map[string]string{"Email": fmt.Sprintf("p%d@one.example", i), "LastName": "Lovelace", "Company": "One"}
	})
	base, err := org.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.page.o.HTTP = nil
	f.signIn()
	f.get("/?crm=salesforce")
	answers := url.Values{"crm": {"salesforce"}, "url": {base}, "secret": {"sandbox-secret"}, "model": {"rules"}, "timezone": {"UTC"}}
	if page := f.press("/try", answers); !strings.Contains(page, sentences["su.wrong.org"][0]) {
		t.Errorf("without the consumer key\n%s", page)
	}
	answers.Set("client_id", "sandbox-client")
	answers.Set("secret", "") // what was pasted before
	if page := f.press("/try", answers); !strings.Contains(page, `action="/write"`) || !strings.Contains(page, `<data value="3">`) {
		t.Errorf("the plan\n%s", page)
	}
	if strings.Contains(f.sent.String()+f.log.String(), "sandbox-secret") {
		t.Error("the secret shows")
	}
}
