package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// MailOptions are a mail server and how it is signed in to. Without a password and without OAuth nobody signs in.
type MailOptions struct {
	Options
	Host     string // host:port; without a port 587, with TLS from the start 465
	Security string // starttls (default: it must be offered) | tls | none, to this machine alone
	User     string
	Password connectors.Secret
	OAuth    *OAuth
	From     string
	To       []string    // where a message to nobody in particular goes
	TLS      *tls.Config // nil: the system's roots
}

// OAuth are client credentials for a token that signs in by XOAUTH2, which Exchange Online asks for.
type OAuth struct {
	TokenURL, ClientID string
	ClientSecret       connectors.Secret
	Scope              string
}

// mailer hands messages to an SMTP server (RFC 5321).
type mailer struct {
	o        MailOptions
	host     string
	redactor *transport.Redactor

	mu    sync.Mutex
	token string
	until time.Time
}

// mailTimeout is how long the whole conversation about a message may take.
const mailTimeout = time.Minute

// NewMail is the channel of a mail server.
func NewMail(o MailOptions) (Channel, error) {
	fail := func(why string) error {
		return &connectors.Error{Kind: connectors.Config, Op: o.Name + ": set up", Message: why}
	}
	host, port, err := net.SplitHostPort(o.Host)
	if err != nil {
		if host, port = o.Host, "587"; o.Security == "tls" {
			port = "465"
		}
	}
	if o.Security == "none" && !transport.Loopback(host) {
		return nil, fail("security: none is for a server on this machine alone")
	}
	for _, a := range append([]string{o.From}, o.To...) {
		if _, err := mail.ParseAddress(a); err != nil {
			return nil, fail("from and to must be addresses")
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Host = net.JoinHostPort(host, port)
	m := &mailer{o: o, host: host, redactor: transport.NewRedactor(o.Password.Reveal())}
	if o.OAuth != nil {
		m.redactor = transport.NewRedactor(o.OAuth.ClientSecret.Reveal())
	}
	return m, nil
}

func (*mailer) OneByOne() bool { return false }
func (*mailer) Personal() bool { return true }

func (m *mailer) Send(ctx context.Context, msg *Message) error {
	to := m.o.To
	if msg.To != "" {
		to = []string{msg.To}
	}
	if len(to) == 0 {
		return &connectors.Error{Kind: connectors.Rejected, Op: m.o.Name + ": send", Message: "the record has no owner with an address, and the alert names nobody else", Fix: "set to beside owner: true"}
	}
	ctx, cancel := context.WithTimeout(ctx, mailTimeout)
	defer cancel()
	return m.failed(m.converse(ctx, to, m.compose(msg, to)))
}

// converse hands over one message. All recipients must be taken: a message comes whole or not at all.
func (m *mailer) converse(ctx context.Context, to []string, message []byte) error {
	d := &net.Dialer{Timeout: 30 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", m.o.Host)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	cfg := &tls.Config{}
	if m.o.TLS != nil {
		cfg = m.o.TLS.Clone()
	}
	cfg.ServerName = m.host
	if m.o.Security == "tls" {
		conn = tls.Client(conn, cfg)
	}
	c, err := smtp.NewClient(conn, m.host)
	if err != nil {
		return err
	}
	if err := c.Hello("localhost"); err != nil {
		return err
	}
	if m.o.Security != "tls" && m.o.Security != "none" {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return &connectors.Error{Kind: connectors.Config, Message: "the server offers no STARTTLS", Fix: "use security: tls (port 465), or a server that encrypts"}
		}
		if err := c.StartTLS(cfg); err != nil {
			return err
		}
	}
	if err := m.signIn(ctx, c); err != nil {
		return err
	}
	if err := c.Mail(address(m.o.From)); err != nil {
		return err
	}
	for _, a := range to {
		if err := c.Rcpt(address(a)); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(message); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_ = c.Quit() // it was taken: nothing that is said now changes that
	return nil
}

// address is the bare address in a header's form of it.
func address(s string) string {
	if a, err := mail.ParseAddress(s); err == nil {
		return a.Address
	}
	return s
}

// compose is the message in plain text (RFC 5322). No header holds more than one line.
func (m *mailer) compose(msg *Message, to []string) []byte {
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, plain(value, 900)) }
	header("From", m.o.From)
	header("To", strings.Join(to, ", "))
	header("Subject", mime.QEncoding.Encode("utf-8", plain(msg.Title(), 150)))
	header("Date", m.o.Now().Format(time.RFC1123Z))
	_, domain, _ := strings.Cut(address(m.o.From), "@")
	header("Message-ID", "<"+msg.ID+"@"+domain+">")
	header("Auto-Submitted", "auto-generated")
	if msg.Digest {
		header("List-Unsubscribe", "<mailto:"+address(m.o.From)+"?subject=unsubscribe>")
	}
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	for i := range msg.People {
		p := &msg.People[i]
		fmt.Fprintf(w, "%s\r\n", msg.row(p))
		if to := link(p.Link); to != "" {
			fmt.Fprintf(w, "%s: %s\r\n", msg.open(), to)
		}
		_, _ = io.WriteString(w, "\r\n")
	}
	_, _ = io.WriteString(w, "-- \r\nintentd\r\n")
	_ = w.Close()
	return b.Bytes()
}

// signIn signs in by the best way that the server offers.
func (m *mailer) signIn(ctx context.Context, c *smtp.Client) error {
	if m.o.OAuth == nil && m.o.Password.IsZero() {
		return nil
	}
	_, ways := c.Extension("AUTH")
	offered := strings.Fields(strings.ToUpper(ways))
	a := &auth{user: m.o.User, secret: m.o.Password.Reveal()}
	switch {
	case m.o.OAuth != nil:
		token, err := m.accessToken(ctx)
		if err != nil {
			return err
		}
		a.way, a.secret = "XOAUTH2", token
	case slices.Contains(offered, "PLAIN"):
		a.way = "PLAIN"
	case slices.Contains(offered, "LOGIN"):
		a.way = "LOGIN"
	default:
		return &connectors.Error{Kind: connectors.Auth, Message: "the server takes no password (it offers: " + plain(ways, 100) + ")", Fix: "sign in by oauth, or ask the server's admin"}
	}
	err := c.Auth(a)
	var said *textproto.Error
	if errors.As(err, &said) && said.Code >= 500 {
		fix := "check user and password"
		switch {
		case m.o.OAuth != nil:
			m.mu.Lock()
			m.token = "" // it may have been taken back
			m.mu.Unlock()
			fix = "check that the app may send as user (SMTP.SendAsApp and rights on the mailbox)"
		case strings.Contains(said.Msg, "5.7.30") || strings.Contains(said.Msg, "5.7.139"):
			fix = "the server refuses passwords: sign in by oauth"
		}
		return &connectors.Error{Kind: connectors.Auth, Code: fmt.Sprint(said.Code), Message: m.redactor.Clean(said.Msg), Fix: fix}
	}
	return err
}

// auth is a way to sign in. net/smtp has PLAIN alone.
type auth struct {
	way, user, secret string
	asked             int
}

func (a *auth) Start(*smtp.ServerInfo) (string, []byte, error) {
	switch a.way {
	case "PLAIN":
		return a.way, []byte("\x00" + a.user + "\x00" + a.secret), nil
	case "XOAUTH2":
		return a.way, []byte("user=" + a.user + "\x01auth=Bearer " + a.secret + "\x01\x01"), nil
	}
	return a.way, nil, nil
}

// Next answers the two questions of LOGIN; to XOAUTH2's, which says what is wrong, an empty answer makes the server refuse.
func (a *auth) Next(_ []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	if a.asked++; a.way == "LOGIN" {
		return []byte([]string{a.user, a.secret}[min(a.asked, 2)-1]), nil
	}
	return []byte{}, nil
}

// accessToken is kept until shortly before it ends.
func (m *mailer) accessToken(ctx context.Context) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.token != "" && m.o.Now().Before(m.until) {
		return m.token, nil
	}
	o := m.o.OAuth
	base, err := transport.ParseBase(o.TokenURL)
	if err != nil {
		return "", &connectors.Error{Kind: connectors.Config, Message: "oauth.token_url: " + err.Error()}
	}
	client := transport.New(transport.Options{Name: m.o.Name, Base: &url.URL{Scheme: base.Scheme, Host: base.Host}, HTTP: m.o.HTTP, Redactor: m.redactor, Tries: 2, Now: m.o.Now, Logger: m.o.Logger,
		Classify: func(r *transport.Response, _ int) transport.Outcome {
			w, said := transport.ByBody(r, transport.ErrorWords)
			if said && w.Kind == connectors.Rejected {
				w.Kind, w.Fix = connectors.Auth, "check oauth.client_id, client_secret and scope"
			}
			return w
		}})
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {o.ClientID}, "client_secret": {o.ClientSecret.Reveal()}, "scope": {o.Scope}}
	r := transport.Post("fetch a token", base.Path, []byte(form.Encode()))
	r.Type = "application/x-www-form-urlencoded"
	got, _, err := transport.Do[struct {
		Token string `json:"access_token"`
		For   int    `json:"expires_in"`
	}](ctx, client, r)
	if err != nil {
		return "", err
	}
	m.redactor.AddToken(got.Token)
	m.token, m.until = got.Token, m.o.Now().Add(time.Duration(got.For)*time.Second-time.Minute)
	return m.token, nil
}

// failed says what an end of the conversation means: 4xx waits, 5xx is about this message, unless it is about signing in or sending at all.
func (m *mailer) failed(err error) error {
	if err == nil {
		return nil
	}
	e := &connectors.Error{Kind: connectors.Transient, Op: m.o.Name + ": send"}
	var own *connectors.Error
	var said *textproto.Error
	switch {
	case errors.As(err, &own):
		e.Kind, e.Code, e.Message, e.Fix, e.Until = own.Kind, own.Code, own.Message, own.Fix, own.Until
	case errors.As(err, &said):
		e.Code, e.Message = fmt.Sprint(said.Code), m.redactor.Clean(said.Msg)
		switch {
		case said.Code == 530 || said.Code == 535 || strings.Contains(said.Msg, "5.7.30"):
			e.Kind, e.Fix = connectors.Auth, "check user and password, or sign in by oauth"
		case said.Code >= 500:
			e.Kind = connectors.Rejected
		}
	default:
		e.Message = m.redactor.Clean(err.Error())
		var unknown *tls.CertificateVerificationError
		if errors.As(err, &unknown) {
			e.Kind, e.Fix = connectors.Config, "name the server as its certificate does"
		}
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || isTimeout(err) {
			e.Message = "no answer in time"
		}
	}
	return e
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
