package openai

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// The one call of the interface that is made, and what of its answer is looked at, by https://platform.openai.com/docs/api-reference/chat/create.
// The vendor's own client knows all of the interface, and a fifth of the binary was its.

// maxAnswer bounds what is read of an answer; the longest that can be asked for is far below.
const maxAnswer = 16 << 20

type request struct {
	Model               string    `json:"model"`
	Messages            []message `json:"messages"`
	ResponseFormat      *format   `json:"response_format,omitempty"`
	MaxCompletionTokens int       `json:"max_completion_tokens,omitempty"`
	MaxTokens           int       `json:"max_tokens,omitempty"`
	Temperature         *float64  `json:"temperature,omitempty"`
	ReasoningEffort     string    `json:"reasoning_effort,omitempty"`
}

type message struct {
	Role    string `json:"role"`
	Content any    `json:"content"` // text, or []part
}

// part is a text or a picture.
type part struct {
	Type     string   `json:"type"`
	Text     string   `json:"text,omitempty"`
	ImageURL *picture `json:"image_url,omitempty"`
}

type picture struct {
	URL string `json:"url"`
}

// format is json_object, or json_schema with one.
type format struct {
	Type       string  `json:"type"`
	JSONSchema *schema `json:"json_schema,omitempty"`
}

type schema struct {
	Name   string `json:"name"`
	Strict bool   `json:"strict"`
	Schema any    `json:"schema"`
}

type completion struct {
	Choices []struct {
		FinishReason string `json:"finish_reason"`
		Message      struct {
			Content string `json:"content"`
			Refusal string `json:"refusal"`
		} `json:"message"`
	} `json:"choices"`
	Usage struct {
		PromptTokens        int `json:"prompt_tokens"`
		CompletionTokens    int `json:"completion_tokens"`
		PromptTokensDetails struct {
			CachedTokens int `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
		CompletionTokensDetails struct {
			ReasoningTokens int `json:"reasoning_tokens"`
		} `json:"completion_tokens_details"`
	} `json:"usage"`
}

// refusal is an answer that is no completion.
type refusal struct {
	status              int
	header              http.Header
	code, kind, message string
}

func (e *refusal) Error() string { return fmt.Sprintf("%d %s", e.status, e.message) }

// complete makes the call. Its errors are a *refusal, or whatever kept the answer from coming.
func (m *Model) complete(ctx context.Context, r request) (*completion, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if m.o.APIKey != "" {
		req.Header.Set("Authorization", "Bearer "+m.o.APIKey)
	}
	resp, err := m.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refused(resp, answer)
	}
	var c completion
	if err := json.Unmarshal(answer, &c); err != nil {
		return nil, fmt.Errorf("the answer is no completion: %w", err)
	}
	return &c, nil
}

// refused reads what a server says of its reasons. OpenAI's error is an object, some servers' a text, and its code may be a number.
func refused(resp *http.Response, answer []byte) *refusal {
	e := &refusal{status: resp.StatusCode, header: resp.Header}
	var said struct{ Error, Message, Detail json.RawMessage }
	if json.Unmarshal(answer, &said) != nil {
		e.message = cmp.Or(strings.TrimSpace(string(answer)), resp.Status)
		return e
	}
	var one struct {
		Code    any
		Type    string
		Message string
	}
	if json.Unmarshal(said.Error, &one) == nil {
		e.kind, e.message = one.Type, one.Message
		if code, ok := one.Code.(string); ok {
			e.code = code
		}
	}
	for _, other := range []json.RawMessage{said.Error, said.Message, said.Detail} {
		if e.message == "" {
			_ = json.Unmarshal(other, &e.message) // not a text: the next one
		}
	}
	if e.message == "" {
		e.message = cmp.Or(strings.TrimSpace(string(answer)), resp.Status)
	}
	return e
}
