// Package openaitest is a stand-in for an OpenAI-compatible server, for tests: it takes what the published description of chat completions
// takes and refuses everything else, has the habits in which real servers differ, and answers as geminitest does.
package openaitest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/gemini/geminitest"
)

// Habit is what a server does about something.
type Habit string

const (
	Keeps     Habit = ""          // takes it and keeps to it
	Refuses   Habit = "refuses"   // answers 400
	Overlooks Habit = "overlooks" // takes it and does nothing about it
)

// Server is the stand-in. The zero value is ready and keeps to everything; it is safe for concurrent use.
type Server struct {
	Key        string // where set, requests must bring it
	Completion Habit  // max_completion_tokens
	Tokens     Habit  // max_tokens
	Schema     Habit  // response_format json_schema
	JSON       Habit  // response_format json_object
	Images     Habit
	Quotes     bool // a refusal repeats the prompt, as some servers do
	// Stand derives the answers, counts the prompts and fails on demand.
	Stand geminitest.Server
}

// RoundTrip answers a request without a socket.
func (s *Server) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if err := s.serve(w, req); err != nil {
		return nil, err
	}
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

// ServeHTTP answers over a socket.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if err := s.serve(w, req); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// Body is a request as the description has it.
type Body struct {
	Model    string `json:"model"`
	Messages []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"`
	MaxTokens           *int            `json:"max_tokens"`
	Temperature         *float64        `json:"temperature"`
	ReasoningEffort     string          `json:"reasoning_effort"`
	ResponseFormat      *ResponseFormat `json:"response_format"`
}

// ResponseFormat is the form that an answer is asked for in.
type ResponseFormat struct {
	Type       string `json:"type"`
	JSONSchema *struct {
		Name   string          `json:"name"`
		Strict bool            `json:"strict"`
		Schema json.RawMessage `json:"schema"`
	} `json:"json_schema"`
}

func (s *Server) serve(w http.ResponseWriter, req *http.Request) error {
	if s.Key != "" && req.Header.Get("Authorization") != "Bearer "+s.Key {
		return fail(w, http.StatusUnauthorized, "invalid_request_error", "invalid_api_key", "Incorrect API key provided: "+req.Header.Get("Authorization"))
	}
	if req.Method != http.MethodPost || !strings.HasSuffix(req.URL.Path, "/v1/chat/completions") {
		return fail(w, http.StatusNotFound, "invalid_request_error", "", "Invalid URL")
	}
	var b Body
	d := json.NewDecoder(req.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return fail(w, http.StatusBadRequest, "invalid_request_error", "unknown_parameter", err.Error())
	}
	p, err := s.prompt(&b)
	if err != nil {
		message := err.Error()
		if s.Quotes {
			message += ": " + p.User
		}
		return fail(w, http.StatusBadRequest, "invalid_request_error", "unsupported_parameter", message)
	}
	raw, f := s.Stand.Ask(p)
	text, finish := string(raw), "stop"
	if len(p.Schema) == 0 {
		text = strings.Repeat("one\ntwo\nthree\n", 40)
	}
	if s.formless(&b) { // nothing holds it to the form that it was asked for in words
		text = "Sure! Here it is:\n```json\n" + text + "\n```"
	}
	switch f {
	case geminitest.Reset:
		return errors.New("connection reset by peer")
	case geminitest.Hang:
		<-req.Context().Done()
		return req.Context().Err()
	case geminitest.ProxyPage:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><body>Sign in to the proxy</body></html>")
		return nil
	case geminitest.RateMinute:
		w.Header().Set("Retry-After", "2")
		return fail(w, http.StatusTooManyRequests, "requests", "rate_limit_exceeded", "Rate limit reached for requests")
	case geminitest.RateDay:
		return fail(w, http.StatusTooManyRequests, "insufficient_quota", "insufficient_quota", "You exceeded your current quota")
	case geminitest.BadKey:
		return fail(w, http.StatusUnauthorized, "invalid_request_error", "invalid_api_key", "Incorrect API key provided")
	case geminitest.Forbidden:
		return fail(w, http.StatusForbidden, "invalid_request_error", "", "Country not supported")
	case geminitest.NoModel:
		return fail(w, http.StatusNotFound, "invalid_request_error", "model_not_found", "The model does not exist")
	case geminitest.BadRequest:
		return fail(w, http.StatusBadRequest, "invalid_request_error", "", "Request contains an invalid argument.")
	case geminitest.Internal:
		return fail(w, http.StatusInternalServerError, "server_error", "", "The server had an error")
	case geminitest.Unavailable:
		return fail(w, http.StatusServiceUnavailable, "server_error", "", "Overloaded")
	case geminitest.Blocked, geminitest.BlockedAnswer:
		text, finish = "", "content_filter"
	case geminitest.Cut:
		text, finish = text[:len(text)/2], "length"
	case geminitest.Empty:
		text = "{}"
	case geminitest.NotJSON:
		text = "Certainly! Here is what I found."
	case geminitest.OffSchema:
		text = `{"unexpected":true}`
	}
	if limit := s.limit(&b); limit > 0 && len(text) > 4*limit {
		text, finish = text[:4*limit], "length"
	}
	return Write(w, b.Model, text, finish, f != geminitest.NoUsage, f != geminitest.NoCandidates, (len(p.System)+len(p.User))/4, (len(text)+3)/4)
}

// Write writes a completion. An empty finish is left out, as some servers do.
func Write(w http.ResponseWriter, model, text, finish string, usage, choice bool, in, out int) error {
	reply := map[string]any{"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model, "choices": []any{}}
	if choice {
		c := map[string]any{"index": 0, "message": map[string]any{"role": "assistant", "content": text, "refusal": nil}, "logprobs": nil}
		if finish != "" {
			c["finish_reason"] = finish
		}
		reply["choices"] = []any{c}
	}
	if usage {
		reply["usage"] = map[string]any{"prompt_tokens": in, "completion_tokens": out, "total_tokens": in + out}
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(reply)
}

// limit is the bound that the server keeps to, in tokens; 0: none.
func (s *Server) limit(b *Body) int {
	switch {
	case b.MaxCompletionTokens != nil && s.Completion == Keeps:
		return *b.MaxCompletionTokens
	case b.MaxTokens != nil && s.Tokens == Keeps:
		return *b.MaxTokens
	}
	return 0
}

// formless says that nothing holds the answer to JSON.
func (s *Server) formless(b *Body) bool {
	switch {
	case b.ResponseFormat == nil:
		return true
	case b.ResponseFormat.Type == "json_schema":
		return s.Schema == Overlooks
	}
	return s.JSON == Overlooks
}

// prompt is what a request asks, or why it is refused.
func (s *Server) prompt(b *Body) (p connectors.Prompt, err error) {
	for _, m := range b.Messages {
		text, images, err := content(m.Content)
		if err != nil {
			return p, err
		}
		switch m.Role {
		case "system":
			p.System += text
		case "user":
			p.User, p.Images = p.User+text, append(p.Images, images...)
		default:
			return p, fmt.Errorf("role %q is not known", m.Role)
		}
	}
	switch {
	case b.Model == "" || p.User == "":
		return p, errors.New("model and messages are required")
	case b.MaxCompletionTokens != nil && b.MaxTokens != nil:
		return p, errors.New("max_tokens and max_completion_tokens exclude each other")
	case b.MaxCompletionTokens != nil && s.Completion == Refuses:
		return p, errors.New("unrecognized request argument supplied: max_completion_tokens")
	case b.MaxTokens != nil && s.Tokens == Refuses:
		return p, errors.New("unsupported parameter: 'max_tokens' is not supported with this model; use 'max_completion_tokens' instead")
	case len(p.Images) > 0 && s.Images == Refuses:
		return p, errors.New("this model does not support image inputs")
	}
	_, told, _ := strings.Cut(p.System, "JSON schema, and nothing else:\n")
	p.Schema = json.RawMessage(told)
	f := b.ResponseFormat
	switch {
	case f == nil:
	case f.Type == "json_object":
		if s.JSON == Refuses {
			return p, errors.New("response_format json_object is not supported")
		}
		if !strings.Contains(p.System+p.User, "JSON") {
			return p, errors.New("'messages' must contain the word 'json' in some form")
		}
	case f.Type == "json_schema" && f.JSONSchema != nil:
		if s.Schema == Refuses {
			return p, errors.New("response_format json_schema is not supported")
		}
		if f.JSONSchema.Name == "" || !f.JSONSchema.Strict {
			return p, errors.New("json_schema needs a name and strict")
		}
		var root map[string]any
		if err := json.Unmarshal(f.JSONSchema.Schema, &root); err != nil {
			return p, err
		}
		if err := strict(root); err != nil {
			return p, err
		}
		p.Schema = f.JSONSchema.Schema
	default:
		return p, fmt.Errorf("response_format %q is not known", f.Type)
	}
	return p, nil
}

// content reads a message's text and pictures.
func content(raw json.RawMessage) (text string, images []connectors.Image, err error) {
	if json.Unmarshal(raw, &text) == nil {
		return text, nil, nil
	}
	var parts []struct {
		Type     string
		Text     string
		ImageURL struct{ URL string } `json:"image_url"`
	}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return "", nil, err
	}
	for _, p := range parts {
		if p.Type == "text" {
			text += p.Text
			continue
		}
		mime, data, ok := strings.Cut(strings.TrimPrefix(p.ImageURL.URL, "data:"), ";base64,")
		picture, err := base64.StdEncoding.DecodeString(data)
		if p.Type != "image_url" || !ok || err != nil {
			return "", nil, errors.New("a picture cannot be read")
		}
		images = append(images, connectors.Image{MIME: mime, Data: picture})
	}
	return text, images, nil
}

// allowed are the keywords of a strict schema.
var allowed = map[string]bool{
	"type": true, "properties": true, "required": true, "additionalProperties": true, "items": true, "enum": true, "description": true,
	"$defs": true, "$ref": true, "anyOf": true, "const": true,
}

// strict refuses a schema that strict answers are not made by.
func strict(s map[string]any) error {
	if s["$ref"] != nil && len(s) > 1 {
		return errors.New("$ref cannot have keywords beside it")
	}
	for k, v := range s {
		if !allowed[k] {
			return fmt.Errorf("keyword %s is not permitted", k)
		}
		var below []any
		switch k {
		case "properties", "$defs":
			for _, p := range v.(map[string]any) {
				below = append(below, p)
			}
		case "items":
			below = append(below, v)
		case "anyOf":
			below = v.([]any)
		}
		for _, b := range below {
			m, ok := b.(map[string]any)
			if !ok {
				return fmt.Errorf("%s holds no schema", k)
			}
			if err := strict(m); err != nil {
				return err
			}
		}
	}
	if s["type"] == "object" {
		props, _ := s["properties"].(map[string]any)
		required, _ := s["required"].([]any)
		if s["additionalProperties"] != false || len(required) != len(props) {
			return errors.New("'additionalProperties' is required to be false and 'required' to name every key")
		}
	}
	return nil
}

func fail(w http.ResponseWriter, status int, kind, code, message string) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	body := map[string]any{"message": message, "type": kind, "param": nil, "code": nil}
	if code != "" {
		body["code"] = code
	}
	return json.NewEncoder(w).Encode(map[string]any{"error": body})
}
