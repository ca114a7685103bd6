package modelkit

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// Reply is what came back for a prompt, and was paid for.
type Reply struct {
	Text  string           // what the model said, without its thoughts
	Usage connectors.Usage // tokens as the vendor told them; 0: not told
	// Doubt is why Text may be no whole answer: cut, blocked, not finished. If there is a whole JSON value in it nevertheless, it is used.
	Doubt *connectors.Error
}

// Unusable is the doubt that an answer is one, under a code of ours.
func Unusable(op, code, format string, args ...any) *connectors.Error {
	e := connectors.Errorf(connectors.Rejected, op, format, args...)
	e.Code = code
	return e
}

// answer is the JSON in a reply that passes the prompt's check.
func answer(op string, r Reply, p connectors.Prompt) (json.RawMessage, *connectors.Error) {
	raw, ok := firstJSON(r.Text)
	if !ok && r.Doubt != nil {
		return nil, r.Doubt
	}
	switch text := strings.TrimSpace(r.Text); {
	case text == "", ok && (string(raw) == "{}" || string(raw) == "[]" || string(raw) == "null"):
		return nil, Unusable(op, "empty", "the answer is empty")
	case !ok:
		return nil, Unusable(op, "not_json", "the answer is no JSON (%d characters)", len(text))
	}
	if p.Check != nil {
		if err := p.Check(raw); err != nil {
			return nil, Unusable(op, "off_schema", "the answer is not of the form that was asked for (%d characters)", len(raw))
		}
	}
	return raw, nil
}

// firstJSON is the first whole JSON value in what a model said. Models put it into a code fence, say it twice, or think aloud before it.
func firstJSON(text string) (json.RawMessage, bool) {
	if _, after, ok := strings.Cut(text, "</think>"); ok {
		text = after
	}
	text = strings.TrimSpace(text)
	if json.Valid([]byte(text)) {
		return json.RawMessage(text), true
	}
	if _, fenced, ok := strings.Cut(text, "```"); ok {
		if raw, ok := valueAtBrace(fenced); ok {
			return raw, true
		}
	}
	return valueAtBrace(text)
}

// valueAtBrace reads the value that begins with the first brace. One that is cut or broken is no value, and neither is a part of it.
func valueAtBrace(text string) (raw json.RawMessage, ok bool) {
	i := strings.IndexByte(text, '{')
	if i < 0 {
		return nil, false
	}
	return raw, json.NewDecoder(strings.NewReader(text[i:])).Decode(&raw) == nil
}

// Word is s if it is the kind of word that vendors' reasons are, so that nothing else gets into a message.
func Word(s string) string {
	if s == "" {
		return "no reason given"
	}
	for _, r := range s {
		if !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '_' || r >= '0' && r <= '9') {
			return "unknown reason"
		}
	}
	return s[:min(len(s), 64)]
}

// Clean makes a foreign message fit to be shown: without the secret, without line breaks, at most 300 bytes.
func Clean(s, secret string) string {
	if secret != "" {
		s = strings.ReplaceAll(s, secret, "[key]")
	}
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}

// quoted is how many bytes of a prompt in a message are no accident: some servers repeat what they did not understand.
const quoted = 16

func quotes(message, user string) bool {
	for i := 0; i+quoted <= len(message); i++ {
		if strings.Contains(user, message[i:i+quoted]) {
			return true
		}
	}
	return false
}

// Unanswered is the error of a request that no vendor answered: the context ended, or nobody was reached.
func Unanswered(op string, err error, secret string) *connectors.Error {
	e := &connectors.Error{Kind: connectors.Transient, Op: op}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.Err = context.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		e.Err = context.Canceled
	default:
		e.Code, e.Message = "unreachable", Clean(err.Error(), secret)
	}
	return e
}
