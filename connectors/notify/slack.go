package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// slackWebhook posts to the one channel of an incoming webhook.
type slackWebhook struct{ *hook }

// NewSlackWebhook is the channel of an incoming webhook.
func NewSlackWebhook(o Options, u connectors.Secret) (Channel, error) {
	h, err := newHook(o, u, classifySlack)
	if err != nil {
		return nil, err
	}
	return slackWebhook{h}, nil
}

func (slackWebhook) OneByOne() bool { return false }
func (slackWebhook) Personal() bool { return false }

func (s slackWebhook) Send(ctx context.Context, m *Message) error {
	return s.post(ctx, transport.Encode(slackBody(m)), nil)
}

// classifySlack reads the bare words that incoming webhooks answer. Good is "ok" alone: a hook that is gone may say so with status 200.
func classifySlack(r *transport.Response, _ int) transport.Outcome {
	o, said := transport.ByBody(r, func(body []byte) (string, string) { return plain(string(body), 80), "" })
	word := strings.TrimSpace(string(r.Body))
	if o.Kind == 0 && word != "ok" {
		o, said = transport.Outcome{Kind: connectors.Config, Code: plain(word, 80), Message: "Slack did not take the message"}, true
	}
	if !said || o.Kind == connectors.RateLimited {
		return o
	}
	return slackOutcome(o, word)
}

// slackOutcome sorts Slack's words for what went wrong, those of webhooks and of the Web API.
func slackOutcome(o transport.Outcome, word string) transport.Outcome {
	switch word {
	case "invalid_payload", "invalid_blocks", "no_text", "user_not_found", "msg_too_long", "msg_blocks_too_long", "users_not_found":
		o.Kind = connectors.Rejected
	case "invalid_token", "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope", "no_permission", "action_prohibited":
		o.Kind, o.Fix = connectors.Auth, "make a new webhook or token in Slack (a bot needs chat:write, and users:read.email to write to owners)"
	case "no_service", "no_team", "channel_not_found", "channel_is_archived", "is_archived", "not_in_channel", "team_disabled":
		o.Kind, o.Fix = connectors.Config, "make a new webhook in Slack, or invite the bot to the channel"
	case "rollup_error", "internal_error", "fatal_error", "service_unavailable", "request_timeout":
		o.Kind = connectors.Transient
	case "ratelimited", "rate_limited":
		o.Kind = connectors.RateLimited
		o.After = max(o.After, time.Second)
	}
	return o
}

type slackMessage struct {
	Channel string       `json:"channel,omitempty"`
	Text    string       `json:"text"`
	Blocks  []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type      string     `json:"type"`
	Text      *slackText `json:"text"`
	Accessory *slackLink `json:"accessory,omitempty"`
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type slackLink struct {
	Type     string    `json:"type"`
	ActionID string    `json:"action_id"`
	Text     slackText `json:"text"`
	URL      string    `json:"url"`
}

// slackBody is a header and a section for each person. All of it is plain_text, which Slack reads no markup in; the fallback, which it
// does, is escaped.
func slackBody(m *Message) slackMessage {
	title := plain(m.Title(), 150)
	out := slackMessage{Text: slackEscape(title), Blocks: []slackBlock{{Type: "header", Text: &slackText{"plain_text", title}}}}
	for i := range m.People {
		p := &m.People[i]
		b := slackBlock{Type: "section", Text: &slackText{"plain_text", m.row(p)}}
		if to := link(p.Link); to != "" {
			b.Accessory = &slackLink{"button", "open" + string(rune('a'+i)), slackText{"plain_text", m.open()}, to}
		}
		out.Blocks = append(out.Blocks, b)
	}
	return out
}

func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// slackBot writes by a bot's token: to one person, or to a channel.
type slackBot struct {
	http    *transport.Client
	channel string
}

// NewSlackBot writes to the person of Message.To, and to channel where nobody is named or Slack knows no such address. base is "" for Slack's own.
func NewSlackBot(o Options, token connectors.Secret, channel, base string) (Channel, error) {
	if base == "" {
		base = "https://slack.com/api"
	}
	at, err := transport.ParseBase(base)
	if err != nil {
		return nil, &connectors.Error{Kind: connectors.Config, Op: o.Name + ": set up", Message: "base_url: " + err.Error()}
	}
	return &slackBot{channel: channel, http: transport.New(transport.Options{
		Name: o.Name, Base: at, HTTP: o.HTTP, Redactor: transport.NewRedactor(token.Reveal()), Classify: classifySlackAPI, Tries: 1, Timeout: 30 * time.Second,
		MaxWait: time.Millisecond, MaxBytes: 1 << 20, Now: o.Now, Logger: o.Logger,
		Prepare: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token.Reveal()) },
	})}, nil
}

func (*slackBot) OneByOne() bool { return false }
func (*slackBot) Personal() bool { return true }

// classifySlackAPI reads {"ok": false, "error": …}, which the Web API gives with status 200.
func classifySlackAPI(r *transport.Response, _ int) transport.Outcome {
	o := transport.ByStatus(r)
	if o.Kind != 0 {
		return o
	}
	var said struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(r.Body, &said); err != nil {
		return transport.Outcome{Kind: connectors.Transient, Message: "unreadable answer", Retry: true}
	}
	if said.OK {
		return transport.Outcome{}
	}
	o = transport.Outcome{Kind: connectors.Rejected, Code: plain(said.Error, 80), Message: "Slack did not take the message"}
	o.After, _ = r.RetryAfter()
	return slackOutcome(o, said.Error)
}

func (s *slackBot) Send(ctx context.Context, m *Message) error {
	body := slackBody(m)
	body.Channel = s.channel
	if m.To != "" {
		id, err := s.user(ctx, m.To)
		if err != nil {
			return err
		}
		if id != "" {
			body.Channel = id
		}
	}
	if body.Channel == "" {
		return &connectors.Error{Kind: connectors.Rejected, Op: "send", Code: "users_not_found", Message: "Slack knows nobody by the owner's address, and the alert names no channel",
			Fix: "set channel beside the bot's token"}
	}
	_, err := s.http.Do(ctx, transport.Post("send", "/chat.postMessage", transport.Encode(body)))
	return err
}

// user is the id of whom an address belongs to, "" if Slack knows nobody by it.
func (s *slackBot) user(ctx context.Context, address string) (string, error) {
	var got struct {
		User struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	r := transport.Get("look for the owner", "/users.lookupByEmail")
	r.Query, r.Secret = url.Values{"email": {address}}, true
	r.Decode = func(a *transport.Response) error { return json.Unmarshal(a.Body, &got) }
	if _, err := s.http.Do(ctx, r); err != nil {
		if e, ok := err.(*connectors.Error); ok && e.Code == "users_not_found" {
			return "", nil
		}
		return "", err
	}
	return got.User.ID, nil
}
