package notify

import (
	"context"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// teams posts an Adaptive Card to a Workflows URL. The flow answers 202 before the card is posted: one that Teams cannot show would fail
// unseen, so that cards keep to what is checked here.
type teams struct{ *hook }

// NewTeams is the channel of a flow "Post to a channel when a webhook request is received".
func NewTeams(o Options, u connectors.Secret) (Channel, error) {
	h, err := newHook(o, u, classifyTeams)
	if err != nil {
		return nil, err
	}
	return teams{h}, nil
}

func (teams) OneByOne() bool { return false }
func (teams) Personal() bool { return false }

// classifyTeams reads the answers of flows. One that was switched off or deleted answers 400 or 404 with words of its own.
func classifyTeams(r *transport.Response, _ int) transport.Outcome {
	o, said := transport.ByBody(r, transport.ErrorWords)
	if !said {
		return o
	}
	switch {
	case r.Status == 400 && strings.Contains(string(r.Body), "Workflow"), r.Status == 401, r.Status == 403:
		o.Kind, o.Renew, o.Fix = connectors.Config, false, "switch the flow on again in Teams, or make a new one and copy its whole address"
	case r.Status == 413:
		o.Kind = connectors.Rejected
	}
	return o
}

// cardMax is the size in bytes that a card keeps below: Teams takes about 28 KB, and some flows less.
const cardMax = 20_000

type card struct {
	Schema  string     `json:"$schema"`
	Type    string     `json:"type"`
	Version string     `json:"version"`
	Body    []cardText `json:"body"`
}

// cardText is a RichTextBlock: it reads no Markdown, which a TextBlock would.
type cardText struct {
	Type      string    `json:"type"`
	Inlines   []cardRun `json:"inlines"`
	Separator bool      `json:"separator,omitempty"`
}

type cardRun struct {
	Type   string      `json:"type"`
	Text   string      `json:"text"`
	Weight string      `json:"weight,omitempty"`
	Select *cardAction `json:"selectAction,omitempty"`
}

type cardAction struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

type cardAttachment struct {
	ContentType string `json:"contentType"`
	Content     card   `json:"content"`
}

type cardMessage struct {
	Type        string           `json:"type"`
	Attachments []cardAttachment `json:"attachments"`
}

func (t teams) Send(ctx context.Context, m *Message) error { return t.post(ctx, teamsBody(m), nil) }

func teamsBody(m *Message) []byte {
	c := card{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		Body: []cardText{{Type: "RichTextBlock", Inlines: []cardRun{{Type: "TextRun", Text: plain(m.Title(), 150), Weight: "Bolder"}}}}}
	for i := range m.People {
		p := &m.People[i]
		t := cardText{Type: "RichTextBlock", Separator: true, Inlines: []cardRun{{Type: "TextRun", Text: m.row(p)}}}
		if to := link(p.Link); to != "" {
			t.Inlines = append(t.Inlines, cardRun{Type: "TextRun", Text: " "}, cardRun{Type: "TextRun", Text: m.open(), Select: &cardAction{"Action.OpenUrl", m.open(), to}})
		}
		c.Body = append(c.Body, t)
	}
	body := transport.Encode(cardMessage{"message", []cardAttachment{{"application/vnd.microsoft.card.adaptive", c}}})
	if len(body) <= cardMax {
		return body
	}
	short := *m // the headlines of many people are what makes a card too large
	short.People = make([]Person, len(m.People))
	for i, p := range m.People {
		p.Headline = ""
		short.People[i] = p
	}
	if m.People[0].Headline == "" || len(m.People) == 0 {
		return body
	}
	return teamsBody(&short)
}
