package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

var now = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

const hostile = "<!channel> *Dana* _x_ [click](https://evil.example) <https://evil.example|here> @everyone\u202e\r\nBcc: all@x.example"

func message(n int) *Message {
	m := &Message{ID: "a1-7", At: now, Language: "en"}
	for i := range n {
		m.People = append(m.People, Person{Record: fmt.Sprint("hubspot/contacts/", i), Link: "https://app.hubspot.com/contacts/1/record/0-1/" + fmt.Sprint(i), Tier: "high", Score: 712, Since: now})
	}
	return m
}

// standIn answers as a vendor does and remembers what it was asked.
type standIn struct {
	*httptest.Server
	asked  []*http.Request
	bodies []string
	answer func(w http.ResponseWriter, r *http.Request)
}

func serve(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) *standIn {
	s := &standIn{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s.asked, s.bodies = append(s.asked, r), append(s.bodies, string(b))
		s.answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func says(status int, body string, header ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const path = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"

// Promise: what went wrong is told by kind, by what the vendor really says and not by the status alone, and never with the address.
func TestAnswersOfWebhooks(t *testing.T) {
	for name, c := range map[string]struct {
		make   func(Options, connectors.Secret) (Channel, error)
		status int
		body   string
		header []string
		kind   connectors.Kind
		until  time.Time
	}{
		"slack takes it":              {make: NewSlackWebhook, status: 200, body: "ok"},
		"slack is gone with 200":      {make: NewSlackWebhook, status: 200, body: "no_service", kind: connectors.Config},
		"slack is gone":               {make: NewSlackWebhook, status: 404, body: "no_service", kind: connectors.Config},
		"slack's channel is archived": {make: NewSlackWebhook, status: 410, body: "channel_is_archived", kind: connectors.Config},
		"slack forbids":               {make: NewSlackWebhook, status: 403, body: "action_prohibited", kind: connectors.Auth},
		"slack cannot read it":        {make: NewSlackWebhook, status: 400, body: "invalid_blocks", kind: connectors.Rejected},
		"slack is busy":               {make: NewSlackWebhook, status: 429, body: "rate_limited", header: []string{"Retry-After", "30"}, kind: connectors.Quota, until: now.Add(30 * time.Second)},
		"slack is broken":             {make: NewSlackWebhook, status: 500, body: "rollup_error", kind: connectors.Transient},
		"a proxy before slack":        {make: NewSlackWebhook, status: 200, body: "<html>Sign in</html>", header: []string{"Content-Type", "text/html"}, kind: connectors.Transient},
		"teams takes it":              {make: NewTeams, status: 202},
		"teams is busy":               {make: NewTeams, status: 429, header: []string{"Retry-After", "5"}, kind: connectors.Quota, until: now.Add(5 * time.Second)},
		"the flow is off":             {make: NewTeams, status: 400, body: `{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"Could not execute workflow: it is disabled"}}`, kind: connectors.Config},
		"the signature is wrong":      {make: NewTeams, status: 401, body: `{"error":{"code":"DirectApiInvalidAuthorizationScheme","message":"no"}}`, kind: connectors.Config},
		"the card is too large":       {make: NewTeams, status: 413, kind: connectors.Rejected},
		"a redirect":                  {make: NewTeams, status: 307, header: []string{"Location", "https://elsewhere.example/"}, kind: connectors.Config},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, says(c.status, c.body, c.header...))
			var log strings.Builder
			ch, err := c.make(Options{Name: "sales", Now: func() time.Time { return now }, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))},
				connectors.NewSecret(s.URL+path+"?sig=abcdefghijkl"))
			if err != nil {
				t.Fatal(err)
			}
			err = ch.Send(t.Context(), message(1))
			if connectors.KindOf(err) != c.kind || !connectors.Until(err).Equal(c.until) {
				t.Errorf("%v (%v)", err, connectors.KindOf(err))
			}
			if len(s.asked) != 1 {
				t.Errorf("asked %d times", len(s.asked))
			}
			for _, secret := range []string{"XXXXXXXX", "abcdefghijkl", path} {
				if strings.Contains(fmt.Sprint(err, log.String()), secret) {
					t.Errorf("the address is told: %v %s", err, log.String())
				}
			}
		})
	}
}

// Promise: text of strangers stays text, whatever the channel's language, and nothing is too large for its channel.
func TestHostileTextsStayText(t *testing.T) {
	m := message(PeopleMax)
	for i := range m.People {
		m.People[i].Name, m.People[i].Headline, m.People[i].Link = hostile, strings.Repeat("漢", 300), "javascript:alert(1)"
	}
	s := serve(t, says(200, "ok"))
	ch, _ := NewSlackWebhook(Options{Name: "slack"}, connectors.NewSecret(s.URL+path))
	if err := ch.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	one := *m
	one.People = m.People[:1]
	if err := ch.Send(t.Context(), &one); err != nil {
		t.Fatal(err)
	}
	for _, body := range s.bodies {
		var got slackMessage
		if err := json.Unmarshal([]byte(body), &got); err != nil || len(body) > 40_000 {
			t.Fatal(err, len(body))
		}
		total := 0
		for _, b := range got.Blocks {
			if total += len([]rune(b.Text.Text)); b.Text.Type != "plain_text" || b.Accessory != nil || strings.ContainsAny(b.Text.Text, "\n\r\u202e") {
				t.Errorf("%+v", b)
			}
		}
		if total > 8000 || strings.Contains(got.Text, "<!") {
			t.Errorf("%d characters; %s", total, got.Text)
		}
	}
	card := string(teamsBody(m))
	if len(card) > cardMax || strings.Contains(card, `"TextBlock"`) || strings.Contains(card, "javascript") {
		t.Errorf("%d bytes: %.300s", len(card), card)
	}
	if full := string(teamsBody(&one)); !strings.Contains(full, "漢") || !strings.Contains(full, `"weight":"Bolder"`) {
		t.Errorf("%s", full)
	}
}

// Promise: titles say how many are in which tier, in the language, and name nobody whose name is not to be told.
func TestTitles(t *testing.T) {
	de, digest := message(1), message(3)
	de.Language, digest.Digest = "de", true
	for want, m := range map[string]*Message{
		"A person is now high (71.2)":             message(1),
		"2 people are now high":                   message(2),
		"Eine Person ist jetzt auf „hoch“ (71,2)": de,
		"In the last day 3 entered high":          digest,
	} {
		if got := m.Title(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	digest.Language = "de"
	if got := digest.Title(); got != "Seit gestern neu auf „hoch“: 3" {
		t.Error(got)
	}
}

// Promise: a bot writes to the owner whom Slack knows by the address, else to its channel; an error with status 200 is one.
func TestSlackBot(t *testing.T) {
	failure := ""
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer xoxb-secret-1":
			says(200, `{"ok":false,"error":"not_authed"}`)(w, r)
		case failure != "":
			says(200, `{"ok":false,"error":"`+failure+`"}`)(w, r)
		case r.URL.Path == "/users.lookupByEmail" && r.URL.Query().Get("email") == "rep@x.example":
			says(200, `{"ok":true,"user":{"id":"U7"}}`)(w, r)
		case r.URL.Path == "/users.lookupByEmail":
			says(200, `{"ok":false,"error":"users_not_found"}`)(w, r)
		default:
			says(200, `{"ok":true,"ts":"1"}`)(w, r)
		}
	})
	bot := func(token, channel string) Channel {
		ch, err := NewSlackBot(Options{Name: "bot"}, connectors.NewSecret(token), channel, s.URL)
		if err != nil {
			t.Fatal(err)
		}
		return ch
	}
	for _, c := range []struct{ to, channel, want string }{{"rep@x.example", "C1", "U7"}, {"other@x.example", "C1", "C1"}, {"", "C1", "C1"}} {
		m := message(1)
		m.To = c.to
		if err := bot("xoxb-secret-1", c.channel).Send(t.Context(), m); err != nil || !strings.Contains(s.bodies[len(s.bodies)-1], `"channel":"`+c.want+`"`) {
			t.Errorf("%+v: %v %s", c, err, s.bodies[len(s.bodies)-1])
		}
	}
	m := message(1)
	m.To = "other@x.example"
	if err := bot("xoxb-secret-1", "").Send(t.Context(), m); connectors.KindOf(err) != connectors.Rejected || strings.Contains(err.Error(), "other@") {
		t.Error(err)
	}
	if err := bot("xoxb-wrong-22", "C1").Send(t.Context(), m); connectors.KindOf(err) != connectors.Auth || strings.Contains(err.Error(), "xoxb") {
		t.Error(err)
	}
	failure = "is_archived"
	if err := bot("xoxb-secret-1", "C1").Send(t.Context(), message(1)); connectors.KindOf(err) != connectors.Config {
		t.Error(err)
	}
}

// Promise: events are signed by Standard Webhooks, under an id that stays over retries.
func TestWebhookIsSigned(t *testing.T) {
	key := []byte("0123456789abcdefghijklmnopqrstuv")
	secret := connectors.NewSecret("whsec_" + base64.StdEncoding.EncodeToString(key))
	s := serve(t, says(503, "later"))
	at := now
	ch, err := NewWebhook(Options{Name: "bus", Now: func() time.Time { return at }}, connectors.NewSecret(s.URL+"/in?key=abcdefgh"), secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.Send(t.Context(), message(1)); connectors.KindOf(err) != connectors.Transient {
		t.Error(err)
	}
	s.answer, at = says(204, ""), now.Add(5*time.Minute)
	if err := ch.Send(t.Context(), message(1)); err != nil {
		t.Error(err)
	}
	for i, r := range s.asked {
		mac := hmac.New(sha256.New, key)
		stamp := r.Header.Get("webhook-timestamp")
		fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), stamp, s.bodies[i])
		if r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) || r.Header.Get("webhook-id") != "a1-7" ||
			stamp != fmt.Sprint(now.Add(time.Duration(i)*5*time.Minute).Unix()) {
			t.Errorf("%v", r.Header)
		}
	}
	if want := `{"type":"person.tier.entered","timestamp":"2026-11-21T09:30:00Z","data":{"record":"hubspot/contacts/0","link":"https://app.hubspot.com/contacts/1/record/0-1/0","tier":"high","since":"2026-11-21T09:30:00Z","score":71.2}}`; strings.TrimSpace(s.bodies[1]) != want {
		t.Errorf("%s", s.bodies[1])
	}
	s.answer = says(410, "")
	if err := ch.Send(t.Context(), message(1)); connectors.KindOf(err) != connectors.Config {
		t.Error(err)
	}
	for _, bad := range []string{"whsec_short", "", "whsec_" + strings.Repeat("A", 200)} {
		if _, err := NewWebhook(Options{}, connectors.NewSecret(s.URL), connectors.NewSecret(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, err := NewTeams(Options{}, connectors.NewSecret("http://flows.example/x")); err == nil {
		t.Error("an address in the clear is taken")
	}
}

// Promise: a receiver that never answers costs a bounded time, and is tried again.
func TestWebhookWaitsNoLonger(t *testing.T) {
	hang := make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	defer close(hang)
	ch, _ := NewTeams(Options{Name: "teams"}, connectors.NewSecret(s.URL+"/x"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := ch.Send(ctx, message(1)); connectors.KindOf(err) != connectors.Transient || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
