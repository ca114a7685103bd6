package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// webhook posts events signed by Standard Webhooks 1.0 (https://www.standardwebhooks.com).
type webhook struct {
	*hook
	key []byte
	now func() time.Time
}

// NewWebhook posts one event per person. secret is whsec_ and the base64 of 24 to 64 bytes, as the receiver has it.
func NewWebhook(o Options, u, secret connectors.Secret) (Channel, error) {
	key, err := WebhookKey(secret)
	if err != nil {
		return nil, &connectors.Error{Kind: connectors.Config, Op: o.Name + ": set up", Message: err.Error(), Fix: "make one: echo whsec_$(openssl rand -base64 32)"}
	}
	h, err := newHook(o, u, func(r *transport.Response, _ int) transport.Outcome {
		w, _ := transport.ByBody(r, transport.ErrorWords)
		if r.Status == http.StatusGone {
			w.Kind, w.Fix = connectors.Config, "the receiver wants no more events: remove the alert, or have it take them again"
		}
		return w
	})
	if err != nil {
		return nil, err
	}
	now := o.Now
	if now == nil {
		now = time.Now
	}
	return &webhook{h, key, now}, nil
}

// WebhookKey is the key in a signing secret.
func WebhookKey(secret connectors.Secret) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
	if err != nil || len(key) < 24 || len(key) > 64 {
		return nil, fmt.Errorf("the signing secret is not whsec_ and the base64 of 24 to 64 bytes")
	}
	return key, nil
}

func (*webhook) OneByOne() bool { return true }
func (*webhook) Personal() bool { return false }

// event is the body of a webhook.
type event struct {
	Type      string    `json:"type"` // person.tier.entered
	Timestamp time.Time `json:"timestamp"`
	Data      eventData `json:"data"`
}

type eventData struct {
	Person
	Points float64 `json:"score"`
	Sample bool    `json:"sample,omitempty"`
}

func (w *webhook) Send(ctx context.Context, m *Message) error {
	p := m.People[0]
	p.Link, p.Name, p.Headline = link(p.Link), plain(p.Name, 200), plain(p.Headline, 255)
	body := transport.Encode(event{"person.tier.entered", m.At.UTC(), eventData{p, float64(p.Score) / 10, m.Sample}})
	at := strconv.FormatInt(w.now().Unix(), 10)
	mac := hmac.New(sha256.New, w.key)
	fmt.Fprintf(mac, "%s.%s.%s", m.ID, at, body)
	header := http.Header{}
	header.Set("Webhook-Id", m.ID)
	header.Set("Webhook-Timestamp", at)
	header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return w.post(ctx, body, header)
}
