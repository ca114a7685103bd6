package notify

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// post is a mail server to practise on. It answers a command by the word it begins with, or as says has it.
type post struct {
	mu       sync.Mutex
	addr     string
	tls      *tls.Config
	starttls bool
	auth     string
	says     map[string]string // by command
	users    []string          // what was given to sign in
	taken    []string          // messages
}

func newPost(t *testing.T, change func(*post)) (*post, *tls.Config) {
	web := httptest.NewTLSServer(nil) // for its certificate, of 127.0.0.1
	t.Cleanup(web.Close)
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	p := &post{tls: web.TLS.Clone(), starttls: true, auth: "PLAIN LOGIN XOAUTH2", says: map[string]string{}}
	p.tls.NextProtos = nil
	change(p)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	p.addr = ln.Addr().String()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go p.talk(conn)
		}
	}()
	return p, &tls.Config{RootCAs: roots}
}

func (p *post) talk(conn net.Conn) {
	defer func() { conn.Close() }()
	r := bufio.NewReader(conn)
	say := func(line string) { fmt.Fprint(conn, line+"\r\n") }
	read := func() string { line, _ := r.ReadString('\n'); return strings.TrimRight(line, "\r\n") }
	if p.says["connect"] == "silence" {
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	say("220 post.example ESMTP")
	secure := false
	for {
		line := read()
		word, _, _ := strings.Cut(strings.ToUpper(line), " ")
		p.mu.Lock()
		own := p.says[word]
		p.mu.Unlock()
		switch {
		case line == "":
			return
		case own != "":
			say(own)
		case word == "EHLO":
			lines := []string{"post.example", "8BITMIME"}
			if p.starttls && !secure {
				lines = append(lines, "STARTTLS")
			}
			if secure {
				lines = append(lines, "AUTH "+p.auth)
			}
			for i, l := range lines {
				say("250" + map[bool]string{true: " ", false: "-"}[i == len(lines)-1] + l)
			}
		case word == "STARTTLS":
			say("220 go")
			conn = tls.Server(conn, p.tls)
			r, secure = bufio.NewReader(conn), true
		case word == "AUTH":
			given := line
			if strings.HasPrefix(line, "AUTH LOGIN") {
				for _, ask := range []string{"Username:", "Password:"} {
					say("334 " + base64.StdEncoding.EncodeToString([]byte(ask)))
					b, _ := base64.StdEncoding.DecodeString(read())
					given += " " + string(b)
				}
			} else if _, b, ok := strings.Cut(strings.TrimPrefix(line, "AUTH "), " "); ok {
				plain, _ := base64.StdEncoding.DecodeString(b)
				given += " " + string(plain)
			}
			p.mu.Lock()
			p.users = append(p.users, given)
			p.mu.Unlock()
			if strings.Contains(given, "wrong") {
				say("535 5.7.8 no")
			} else {
				say("235 ok")
			}
		case word == "DATA":
			say("354 go on")
			var b strings.Builder
			for line := read(); line != "."; line = read() {
				b.WriteString(line + "\r\n")
			}
			p.mu.Lock()
			p.taken = append(p.taken, b.String())
			p.mu.Unlock()
			say("250 taken")
		default:
			say("250 ok")
		}
	}
}

func newMail(t *testing.T, p *post, cfg *tls.Config, change func(*MailOptions)) Channel {
	t.Helper()
	o := MailOptions{Options: Options{Name: "mail", Now: func() time.Time { return now }}, Host: p.addr, User: "intentd@x.example", Password: connectors.NewSecret("pass-word-1"),
		From: "intentd <intentd@x.example>", To: []string{"team@x.example"}, TLS: cfg}
	change(&o)
	ch, err := NewMail(o)
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// Promise: a mail goes over TLS and signed in, to the owner or to the team, and says what it is; no stranger's text breaks its headers.
func TestMail(t *testing.T) {
	p, cfg := newPost(t, func(*post) {})
	ch := newMail(t, p, cfg, func(*MailOptions) {})
	m := message(2)
	m.Language, m.To, m.Digest, m.People[0].Name = "de", "rep@x.example", true, hostile
	if err := ch.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got, err := mail.ReadMessage(strings.NewReader(p.taken[0]))
	if err != nil {
		t.Fatal(err, p.taken[0])
	}
	subject, _ := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	body, _ := io.ReadAll(quotedprintable.NewReader(got.Body))
	if subject != "Seit gestern neu auf „hoch“: 2" || got.Header.Get("To") != "rep@x.example" || got.Header.Get("Auto-Submitted") != "auto-generated" || got.Header.Get("Bcc") != "" ||
		got.Header.Get("Message-Id") != "<a1-7@x.example>" || got.Header.Get("List-Unsubscribe") == "" || !strings.Contains(string(body), "71,2") || !strings.Contains(string(body), "record/0-1/1") {
		t.Errorf("%s: %v\n%s", subject, got.Header, body)
	}
	if !slices.Equal(p.users, []string{"AUTH PLAIN AGludGVudGRAeC5leGFtcGxlAHBhc3Mtd29yZC0x \x00intentd@x.example\x00pass-word-1"}) {
		t.Errorf("%q", p.users)
	}
	p.auth = "LOGIN"
	if err := ch.Send(t.Context(), message(1)); err != nil || p.users[1] != "AUTH LOGIN intentd@x.example pass-word-1" {
		t.Errorf("%v %q", err, p.users)
	}
}

// Promise: a client's credentials are changed for a token, once for as long as it lasts, which signs in by XOAUTH2.
func TestMailByOAuth(t *testing.T) {
	s := serve(t, says(200, `{"access_token":"at-1234567","expires_in":3600}`))
	p, cfg := newPost(t, func(*post) {})
	ch := newMail(t, p, cfg, func(o *MailOptions) {
		o.Password, o.OAuth = connectors.Secret{}, &OAuth{TokenURL: s.URL + "/token", ClientID: "app", ClientSecret: connectors.NewSecret("client-secret"), Scope: "https://outlook.office365.com/.default"}
	})
	for range 2 {
		if err := ch.Send(t.Context(), message(1)); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.asked) != 1 || !strings.Contains(s.bodies[0], "grant_type=client_credentials") || !strings.HasSuffix(p.users[1], "user=intentd@x.example\x01auth=Bearer at-1234567\x01\x01") {
		t.Errorf("%q %q", s.bodies, p.users)
	}
}

// Promise: 4xx waits, 5xx is about the message, a refused sign-in and a server without TLS about the channel; no error tells an address or
// a password.
func TestMailFails(t *testing.T) {
	for name, c := range map[string]struct {
		server func(*post)
		client func(*MailOptions)
		kind   connectors.Kind
	}{
		"greylisted":               {server: func(p *post) { p.says["RCPT"] = "451 4.7.1 greylisted <team@x.example>, come again" }, kind: connectors.Transient},
		"no such mailbox":          {server: func(p *post) { p.says["RCPT"] = "550 5.1.1 <team@x.example> unknown" }, kind: connectors.Rejected},
		"spam":                     {server: func(p *post) { p.says["DATA"] = "554 5.7.1 no" }, kind: connectors.Rejected},
		"passwords are refused":    {server: func(p *post) { p.says["AUTH"] = "550 5.7.30 Basic authentication is not supported" }, kind: connectors.Auth},
		"wrong password":           {client: func(o *MailOptions) { o.Password = connectors.NewSecret("wrong-pass-word") }, kind: connectors.Auth},
		"not signed in":            {server: func(p *post) { p.says["MAIL"] = "530 5.7.57 sign in" }, client: func(o *MailOptions) { o.Password = connectors.Secret{} }, kind: connectors.Auth},
		"no password taken":        {server: func(p *post) { p.auth = "GSSAPI" }, kind: connectors.Auth},
		"no TLS":                   {server: func(p *post) { p.starttls = false }, kind: connectors.Config},
		"a stranger's certificate": {client: func(o *MailOptions) { o.TLS = nil }, kind: connectors.Config},
		"nobody listens":           {client: func(o *MailOptions) { o.Host = "127.0.0.1:1" }, kind: connectors.Transient},
		"nobody to write to":       {client: func(o *MailOptions) { o.To = nil }, kind: connectors.Rejected},
		"closing down":             {server: func(p *post) { p.says["EHLO"] = "421 4.3.2 closing"; p.says["HELO"] = "421 4.3.2 closing" }, kind: connectors.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			nothing := func(*post) {}
			if c.server != nil {
				nothing = c.server
			}
			p, cfg := newPost(t, nothing)
			ch := newMail(t, p, cfg, func(o *MailOptions) {
				if c.client != nil {
					c.client(o)
				}
			})
			err := ch.Send(t.Context(), message(1))
			if connectors.KindOf(err) != c.kind || err == nil || strings.Contains(err.Error(), "team@") || strings.Contains(err.Error(), "pass-word") || len(p.taken) > 0 {
				t.Errorf("%v (%v)", err, connectors.KindOf(err))
			}
		})
	}
	if _, err := NewMail(MailOptions{Host: "mail.example", Security: "none", From: "a@x.example"}); err == nil {
		t.Error("mail in the clear is allowed")
	}
}
