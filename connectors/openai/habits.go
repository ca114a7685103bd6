package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/modelkit"
)

// habits are what servers differ in.
type habits struct {
	connectors.Abilities
	bound bound
	seen  bool // Images was found out
}

// bound is the field that bounds an answer's length: OpenAI's models that think refuse max_tokens, other servers know nothing else, and
// some of these overlook what they do not know without a word.
type bound string

const (
	maxCompletionTokens bound = "max_completion_tokens"
	maxTokens           bound = "max_tokens"
	unbounded           bound = "neither max_completion_tokens nor max_tokens"
)

// learn finds out the habits once. Only its first caller asks; the others wait for it. What fails for the moment is asked again by the
// next caller.
func (m *Model) learn(ctx context.Context, op string, probe bool) (*habits, *connectors.Error) {
	if h := m.habits.Load(); h != nil {
		return h, nil
	}
	select {
	case m.asking <- struct{}{}:
		defer func() { <-m.asking }()
	case <-ctx.Done():
		return nil, modelkit.Unanswered(op, ctx.Err(), m.o.APIKey)
	}
	if h := m.habits.Load(); h != nil {
		return h, nil
	}
	var stopped *connectors.Error
	if !probe && errors.As(m.Refused(op), &stopped) { // while it waited for another's attempt
		return nil, stopped
	}
	var h habits
	if e := m.learnBound(ctx, op, &h); e != nil {
		return nil, e
	}
	if e := m.learnSchema(ctx, op, &h); e != nil {
		return nil, e
	}
	m.habits.Store(&h)
	return &h, nil
}

// boundTried is the length, in tokens, that an answer of a few hundred must not pass.
const boundTried = 16

// learnBound asks for a long answer and a short one of it. A server that neither refuses a field nor keeps to it overlooks it.
func (m *Model) learnBound(ctx context.Context, op string, h *habits) *connectors.Error {
	long := connectors.Prompt{Purpose: "trial", User: "Count from 1 to 100 in words, one number a line.", MaxTokens: boundTried}
	h.bound = unbounded
	for _, b := range []bound{maxCompletionTokens, maxTokens} {
		r, e := m.send(ctx, op, long, habits{bound: b})
		if e != nil {
			if e.Kind == connectors.Rejected {
				continue
			}
			return e
		}
		kept := r.Doubt != nil && r.Doubt.Code == "cut"
		if told := r.Usage.Out + r.Usage.Thoughts; told > 0 {
			kept = kept || told <= 2*boundTried
		} else {
			kept = kept || len(r.Text) <= 16*boundTried
		}
		if kept {
			h.bound, h.Bound = b, true
			return nil
		}
		if h.bound == unbounded {
			h.bound = b // better one that is overlooked than one that is refused
		}
	}
	return nil
}

// learnSchema asks for the trial's answer in the strictest form first.
func (m *Model) learnSchema(ctx context.Context, op string, h *habits) *connectors.Error {
	var refused *connectors.Error
	for _, s := range []connectors.SchemaSupport{connectors.SchemaStrict, connectors.SchemaJSON, connectors.SchemaNone} {
		try := *h
		try.Schema = s
		r, e := m.send(ctx, op, modelkit.Trial, try)
		if e != nil && e.Kind != connectors.Rejected {
			return e
		}
		if e != nil {
			refused = e
			continue
		}
		if s == connectors.SchemaNone || r.Doubt != nil && r.Doubt.Code == "cut" || keeps(s, r.Text) { // cut: it thought too long, and took the form
			h.Schema = s
			return nil
		}
	}
	refused.Kind, refused.Fix = connectors.Config, "check "+settings
	return refused
}

// keeps says whether a server that took a form also kept to it: some overlook what they do not know.
func keeps(s connectors.SchemaSupport, text string) bool {
	text = strings.TrimSpace(text)
	if s == connectors.SchemaJSON {
		return json.Valid([]byte(text))
	}
	var v struct{ OK *bool }
	return json.Unmarshal([]byte(text), &v) == nil && v.OK != nil
}

// Can implements connectors.Capable.
func (m *Model) Can(ctx context.Context) (connectors.Abilities, error) {
	const op = "openai: find out what the server can"
	h, e := m.learn(ctx, op, true)
	if e != nil {
		return connectors.Abilities{}, e
	}
	if h.seen {
		return h.Abilities, nil
	}
	p := modelkit.Trial
	p.Images = []connectors.Image{{MIME: "image/png", Data: white()}}
	_, e = m.send(ctx, op, p, *h)
	if e != nil && e.Kind != connectors.Rejected {
		return h.Abilities, e
	}
	known := *h
	known.seen, known.Images = true, e == nil
	m.habits.Store(&known)
	return known.Abilities, nil
}

// white is a picture with nothing on it, large enough for every model's least.
func white() []byte {
	img := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img) // into memory: cannot fail
	return b.Bytes()
}

// Probe finds out what the server can, which costs a few tokens once.
func (m *Model) Probe(ctx context.Context) []connectors.Finding {
	can, err := m.Can(ctx)
	if err == nil {
		m.Probed()
		h := m.habits.Load()
		form := map[connectors.SchemaSupport]string{
			connectors.SchemaStrict: "answers keep to a schema", connectors.SchemaJSON: "answers are JSON, their form is asked for in words",
			connectors.SchemaNone: "answers are text, JSON is asked for in words",
		}[can.Schema]
		pictures := "no pictures"
		if can.Images {
			pictures = "pictures are read"
		}
		found := []connectors.Finding{{Code: "openai.ok", Severity: connectors.OK, Message: m.o.Model + " answers: " + form + "; " + string(h.bound) + "; " + pictures}}
		if !can.Bound {
			found = append(found, connectors.Finding{
				Code: "openai.unbounded", Severity: connectors.Warning, Message: "the server does not keep to a bound on an answer's length",
				Fix: "set a bound at the server (num_predict, max tokens): a call may otherwise cost more than the budget reserved for it",
			})
		}
		return found
	}
	return []connectors.Finding{finding(err)}
}
