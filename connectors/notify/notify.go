// Package notify brings short messages about people to where a team reads: Slack, Teams, a webhook of one's own, mail, a CRM's tasks.
//
// Promises:
//   - Every error is a *connectors.Error. Rejected is about this message or its recipient; every other kind is about the channel.
//   - The address of a webhook is its credential: no error and no log tells more than its host, and no redirect is followed with it.
//   - What a message holds is text, in every language that a channel speaks: nothing in it mentions, links or formats.
//   - A message may come twice, never in parts. Its ID is the same over retries.
package notify

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Message is what a channel is to bring.
type Message struct {
	ID       string    // the same over retries; letters, digits and -
	At       time.Time // of what it tells
	Language string    // en | de
	To       string    // the address of who is to get it; "": the channel's own place
	Digest   bool      // it gathers a day
	Sample   bool      // it tells of nobody
	People   []Person  // one at least, PeopleMax at most
}

// PeopleMax is how many people one message tells of at most: what every channel has room for.
const PeopleMax = 15

// Person is somebody who entered a tier. What the configuration does not allow to be told is empty.
type Person struct {
	Ref      connectors.Ref `json:"-"`
	Owner    string         `json:"-"` // the CRM's id of who owns the record, of a channel of tasks
	Record   string         `json:"record"`
	Link     string         `json:"link,omitempty"`
	Tier     string         `json:"tier"`  // high | medium
	Score    int            `json:"-"`     // tenths
	Since    time.Time      `json:"since"` // when the CRM took it
	Name     string         `json:"name,omitempty"`
	Headline string         `json:"headline,omitempty"`
}

// Channel brings messages.
type Channel interface {
	Send(ctx context.Context, m *Message) error
	// OneByOne says that each message tells of one person.
	OneByOne() bool
	// Personal says that Message.To can be met.
	Personal() bool
}

// Options are what all channels share.
type Options struct {
	Name   string
	HTTP   http.RoundTripper // nil: a pool of its own
	Now    func() time.Time
	Logger *slog.Logger
}

// hook is a URL that is posted to.
type hook struct {
	client *transport.Client
	path   string
}

// newHook posts to u, which is a secret. Its errors hold no part of it.
func newHook(o Options, u connectors.Secret, classify func(*transport.Response, int) transport.Outcome) (*hook, error) {
	fail := func(why string) error {
		return &connectors.Error{Kind: connectors.Config, Op: o.Name + ": set up", Message: why, Fix: "copy the whole address again, into url_file"}
	}
	at, err := url.Parse(u.Reveal())
	switch {
	case err != nil || at.Host == "" || at.User != nil:
		return nil, fail("the address is no URL")
	case at.Scheme != "https" && !(at.Scheme == "http" && transport.Loopback(at.Hostname())):
		return nil, fail("the address of " + at.Host + " does not begin with https://")
	}
	secrets := []string{u.Reveal(), at.RequestURI()}
	for _, values := range at.Query() {
		secrets = append(secrets, values...)
	}
	for part := range strings.SplitSeq(at.Path, "/") {
		if len(part) > 15 { // the words of a path are no secrets, its tokens are
			secrets = append(secrets, part)
		}
	}
	return &hook{path: at.RequestURI(), client: transport.New(transport.Options{
		Name: o.Name, Base: &url.URL{Scheme: at.Scheme, Host: at.Host}, HTTP: o.HTTP, Redactor: transport.NewRedactor(secrets...),
		Classify: classify, Tries: 1, Timeout: 30 * time.Second, MaxWait: time.Millisecond, MaxBytes: 1 << 20, Now: o.Now, Logger: o.Logger,
	})}, nil
}

func (h *hook) post(ctx context.Context, body []byte, header http.Header) error {
	r := transport.Request{Op: "send", Method: http.MethodPost, Path: h.path, Body: body, Header: header, Secret: true}
	_, err := h.client.Do(ctx, r)
	return err
}

// words are the few that messages are made of, by language.
var words = map[string]struct {
	one, many, digest, unnamed, open, sample string
	tiers                                    map[string]string
}{
	"en": {
		one: "%s is now %s (%s)", many: "%d people are now %s", digest: "In the last day %d entered %s", unnamed: "A person", open: "Open the record",
		sample: "A sample by intentd: this channel works", tiers: map[string]string{"high": "high", "medium": "medium"},
	},
	"de": {
		one: "%s ist jetzt auf „%s“ (%s)", many: "%d Personen sind jetzt auf „%s“", digest: "Seit gestern neu auf „%[2]s“: %[1]d", unnamed: "Eine Person", open: "Datensatz öffnen",
		sample: "Ein Muster von intentd: Dieser Kanal funktioniert", tiers: map[string]string{"high": "hoch", "medium": "mittel"},
	},
}

// Title says in one line what a message is about.
func (m *Message) Title() string {
	w := words[m.language()]
	first := &m.People[0]
	switch {
	case m.Sample:
		return w.sample
	case m.Digest:
		return fmt.Sprintf(w.digest, len(m.People), w.tiers[first.Tier])
	case len(m.People) > 1:
		return fmt.Sprintf(w.many, len(m.People), w.tiers[first.Tier])
	}
	return fmt.Sprintf(w.one, cmp.Or(plain(first.Name, 80), w.unnamed), w.tiers[first.Tier], m.points(first))
}

// row is what is said of one person: plain text, on one line.
func (m *Message) row(p *Person) string {
	parts := []string{cmp.Or(plain(p.Name, 80), plain(p.Record, 80)), m.points(p)}
	if p.Headline != "" {
		parts = append(parts, plain(p.Headline, 160))
	}
	return strings.Join(parts, " · ")
}

func (m *Message) open() string { return words[m.language()].open }

func (m *Message) language() string {
	if _, ok := words[m.Language]; ok {
		return m.Language
	}
	return "en"
}

func (m *Message) points(p *Person) string {
	point := "."
	if m.language() == "de" {
		point = ","
	}
	return fmt.Sprintf("%d%s%d", p.Score/10, point, p.Score%10)
}

// plain is s on one line, without control, bidi and other format characters, cut by characters.
func plain(s string, limit int) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > limit {
		s = string([]rune(s)[:limit-1]) + "…"
	}
	return s
}

// link is a link that a channel may carry: "" unless it leads to a web page.
func link(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.String()
}
