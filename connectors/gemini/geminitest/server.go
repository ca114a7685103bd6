// Package geminitest is a stand-in for the Gemini API, for tests: deterministic, valid answers derived from the prompt, counts of
// what was asked, and every documented way to fail on demand.
//
// A [Server] is an http.Handler and an http.RoundTripper that speak the wire protocol of models/{model}:generateContent and of batches, and it
// is a connectors.Model, for tests that need no wire. Tokens are estimated at four bytes each.
package geminitest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/intentd/intentd/connectors"
)

// Fault is a way to fail.
type Fault string

const (
	None          Fault = ""
	Blocked       Fault = "blocked"        // 200, promptFeedback.blockReason
	BlockedAnswer Fault = "blocked_answer" // 200, finishReason SAFETY
	Cut           Fault = "cut"            // 200, finishReason MAX_TOKENS, half the JSON
	NoCandidates  Fault = "no_candidates"  // 200, nothing in it
	Empty         Fault = "empty"          // 200, finishReason STOP, the text "{}"
	NotJSON       Fault = "not_json"       // 200, prose
	OffSchema     Fault = "off_schema"     // 200, JSON of another form
	NoUsage       Fault = "no_usage"       // 200, a good answer without usageMetadata
	RateMinute    Fault = "rate_minute"    // 429, per minute, RetryInfo of 2 s
	RateDay       Fault = "rate_day"       // 429, per day
	BadKey        Fault = "bad_key"        // 400, API_KEY_INVALID
	Forbidden     Fault = "forbidden"      // 403
	NoModel       Fault = "no_model"       // 404
	BadRequest    Fault = "bad_request"    // 400, INVALID_ARGUMENT
	Internal      Fault = "internal"       // 500
	Unavailable   Fault = "unavailable"    // 503
	ProxyPage     Fault = "proxy_page"     // 200, a web page
	Reset         Fault = "reset"          // no answer: the connection breaks
	Hang          Fault = "hang"           // no answer until the caller goes
)

// Faults are all of them.
var Faults = []Fault{Blocked, BlockedAnswer, Cut, NoCandidates, Empty, NotJSON, OffSchema, NoUsage, RateMinute, RateDay, BadKey, Forbidden, NoModel, BadRequest, Internal, Unavailable, ProxyPage, Reset, Hang}

// Server is the stand-in. The zero value is ready; it is safe for concurrent use.
type Server struct {
	// Key, where set, is the API key that requests must bring.
	Key string
	// Price in micro USD per token, for the answers of Generate.
	In, Out float64
	// Answer replaces the derived answer, where set; nil results fall back to it.
	Answer func(p connectors.Prompt) []byte
	// Batches says how jobs go.
	Batches Batches

	mu      sync.Mutex
	jobs    []*job
	files   map[string][]byte
	queue   []Fault
	always  Fault
	when    []conditional
	prompts map[string]int
	entries map[string]int
	purpose map[string]int
	usage   connectors.Usage
	last    []connectors.Prompt
}

type conditional struct {
	text  string
	fault Fault
}

// FailNext makes the next requests fail, one fault each (None lets one through).
func (s *Server) FailNext(f ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, f...)
}

// FailAlways makes every request fail, None none.
func (s *Server) FailAlways(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always = f
}

// FailWhen makes requests fail whose user text contains text.
func (s *Server) FailWhen(text string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.when = append(s.when, conditional{text, f})
}

// Prompts counts the requests by the hash of what was asked, the random marker left out. A count above one was paid twice.
func (s *Server) Prompts() map[string]int { return s.counts(&s.prompts) }

// Entries counts stage-1 interactions by the hash of their content, whatever calls they shared.
func (s *Server) Entries() map[string]int { return s.counts(&s.entries) }

// Purposes counts the requests by what they ask: stage1, stage2, topics, other.
func (s *Server) Purposes() map[string]int { return s.counts(&s.purpose) }

func (s *Server) counts(m *map[string]int) map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(*m)
}

// Usage sums what good answers used.
func (s *Server) Usage() connectors.Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.usage
}

// Last are the latest prompts, at most 1000, oldest first.
func (s *Server) Last() []connectors.Prompt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]connectors.Prompt(nil), s.last...)
}

// Reset forgets the counts, not the faults.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prompts, s.entries, s.purpose, s.usage, s.last = nil, nil, nil, connectors.Usage{}, nil
}

// take counts a prompt and says how it fails.
func (s *Server) take(p connectors.Prompt) Fault {
	d := read(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prompts == nil {
		s.prompts, s.entries, s.purpose = map[string]int{}, map[string]int{}, map[string]int{}
	}
	s.prompts[hash(p.System, d.data, string(p.Schema))]++
	s.purpose[d.purpose]++
	if d.purpose == "stage1" {
		for _, e := range d.entries {
			delete(e, "id")
			raw, _ := json.Marshal(e)
			s.entries[hash(string(raw))]++
		}
	}
	if s.last = append(s.last, p); len(s.last) > 1000 {
		s.last = s.last[1:]
	}
	for _, c := range s.when {
		if strings.Contains(p.User, c.text) {
			return c.fault
		}
	}
	if len(s.queue) > 0 {
		f := s.queue[0]
		s.queue = s.queue[1:]
		return f
	}
	return s.always
}

// Ask counts a prompt and gives its answer and how it is to fail, for a stand-in of another wire.
func (s *Server) Ask(p connectors.Prompt) (answer []byte, f Fault) {
	f = s.take(p)
	answer = s.answer(p)
	s.book(p, answer)
	return answer, f
}

func (s *Server) answer(p connectors.Prompt) []byte {
	if s.Answer != nil {
		if raw := s.Answer(p); raw != nil {
			return raw
		}
	}
	return Derive(p)
}

// book adds what an answer used.
func (s *Server) book(p connectors.Prompt, answer []byte) connectors.Usage {
	u := connectors.Usage{Calls: 1, In: (len(p.System) + len(p.User) + len(p.Schema)) / 4, Out: len(answer) / 4}
	u.MicroUSD = int64(s.In*float64(u.In) + s.Out*float64(u.Out))
	s.mu.Lock()
	s.usage = s.usage.Add(u)
	s.mu.Unlock()
	return u
}

func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = io.WriteString(h, p)
		_, _ = h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// Generate is the stand-in without a wire: a connectors.Model.
func (s *Server) Generate(ctx context.Context, p connectors.Prompt) (connectors.Completion, error) {
	c := connectors.Completion{Model: "stand-in"}
	if err := ctx.Err(); err != nil {
		return c, err
	}
	op := "stand-in: " + p.Purpose
	fail := func(k connectors.Kind, code string) (connectors.Completion, error) {
		return c, &connectors.Error{Kind: k, Op: op, Code: code}
	}
	raw := s.answer(p)
	switch f := s.take(p); f {
	case None:
	case NoUsage:
		c.JSON = raw
		return c, nil
	case OffSchema:
		raw = []byte(`{"unexpected":true}`)
	case Blocked, BlockedAnswer, Cut, NoCandidates, Empty, NotJSON:
		c.Usage = s.book(p, nil)
		return fail(connectors.Rejected, string(f))
	case RateMinute:
		return fail(connectors.RateLimited, string(f))
	case RateDay:
		return fail(connectors.Quota, string(f))
	case BadKey, Forbidden:
		return fail(connectors.Auth, string(f))
	case NoModel, BadRequest:
		return fail(connectors.Config, string(f))
	case Hang:
		<-ctx.Done()
		return c, ctx.Err()
	default:
		return fail(connectors.Transient, string(f))
	}
	c.JSON, c.Usage = raw, s.book(p, raw)
	return c, nil
}

// RoundTrip answers a request without a socket.
func (s *Server) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	err := s.serve(w, req)
	if err != nil {
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

var errReset = errors.New("connection reset by peer")

func (s *Server) serve(w http.ResponseWriter, req *http.Request) error {
	if s.Key != "" && req.Header.Get("X-Goog-Api-Key") != s.Key {
		return status(w, BadKey)
	}
	if isBatch(req) {
		return s.serveBatch(w, req)
	}
	if req.Method == http.MethodGet {
		return s.describe(w, req)
	}
	_, call, ok := strings.Cut(req.URL.Path, ":")
	if !ok || call != "generateContent" || req.Method != http.MethodPost {
		return status(w, NoModel)
	}
	p, err := decode(req.Body)
	if err != nil {
		return status(w, BadRequest)
	}
	f := s.take(p)
	switch f {
	case Reset:
		return errReset
	case Hang:
		<-req.Context().Done()
		return req.Context().Err()
	case RateMinute, RateDay, BadKey, Forbidden, NoModel, BadRequest, Internal, Unavailable:
		return status(w, f)
	case ProxyPage:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><body>Sign in to the proxy</body></html>")
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(s.reply(p, f))
}

// reply is the body of a response that has one, good or as f spoils it.
func (s *Server) reply(p connectors.Prompt, f Fault) map[string]any {
	raw := s.answer(p)
	reply := map[string]any{"modelVersion": "stand-in"}
	candidate := func(text, finish string) {
		reply["candidates"] = []any{map[string]any{
			"content": map[string]any{"role": "model", "parts": []any{map[string]any{"text": text}}}, "finishReason": finish, "index": 0,
		}}
	}
	text := string(raw)
	finish := "STOP"
	switch f {
	case Blocked:
		reply["promptFeedback"] = map[string]any{"blockReason": "PROHIBITED_CONTENT"}
		text = ""
	case BlockedAnswer:
		finish, text = "SAFETY", ""
	case Cut:
		finish, text = "MAX_TOKENS", text[:len(text)/2]
	case Empty:
		text = "{}"
	case NotJSON:
		text = "Certainly! Here is what I found."
	case OffSchema:
		text = `{"unexpected":true}`
	case NoCandidates:
		text = ""
	}
	if f != Blocked && f != NoCandidates {
		candidate(text, finish)
	}
	u := s.book(p, []byte(text))
	if f != NoUsage {
		reply["usageMetadata"] = map[string]any{"promptTokenCount": u.In, "candidatesTokenCount": u.Out, "totalTokenCount": u.In + u.Out}
	}
	return reply
}

// describe answers models.get.
func (s *Server) describe(w http.ResponseWriter, req *http.Request) error {
	s.mu.Lock()
	f := s.always
	s.mu.Unlock()
	if f != None {
		switch f {
		case Reset:
			return errReset
		case Hang:
			<-req.Context().Done()
			return req.Context().Err()
		}
		return status(w, f)
	}
	_, name, _ := strings.Cut(req.URL.Path, "models/")
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]any{"name": "models/" + name, "displayName": name, "supportedGenerationMethods": []string{"generateContent"}})
}

// status writes an error as the API does.
func status(w http.ResponseWriter, f Fault) error {
	code, name, message := http.StatusInternalServerError, "INTERNAL", "An internal error has occurred."
	var details []any
	info := func(reason string) {
		details = append(details, map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"})
	}
	limit := func(id, delay string) {
		code, name, message = http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "You exceeded your current quota."
		details = append(details,
			map[string]any{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []any{map[string]any{"quotaId": id, "quotaValue": "10"}}},
			map[string]any{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
	}
	switch f {
	case RateMinute:
		limit("GenerateRequestsPerMinutePerProjectPerModel", "2s")
	case RateDay:
		limit("GenerateRequestsPerDayPerProjectPerModel", "34.5s")
	case BadKey:
		code, name, message = http.StatusBadRequest, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."
		info("API_KEY_INVALID")
	case Forbidden:
		code, name, message = http.StatusForbidden, "PERMISSION_DENIED", "The caller does not have permission."
	case NoModel:
		code, name, message = http.StatusNotFound, "NOT_FOUND", "The model is not found."
	case BadRequest:
		code, name, message = http.StatusBadRequest, "INVALID_ARGUMENT", "Request contains an invalid argument."
	case Unavailable:
		code, name, message = http.StatusServiceUnavailable, "UNAVAILABLE", "The model is overloaded."
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	return json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": code, "message": message, "status": name, "details": details}})
}

// decode reads a wire request as the prompt it came from.
func decode(r io.Reader) (connectors.Prompt, error) {
	var body struct {
		Contents []struct {
			Parts []struct {
				Text       string
				InlineData *struct {
					MIMEType string `json:"mimeType"`
					Data     []byte
				} `json:"inlineData"`
			}
		}
		SystemInstruction struct {
			Parts []struct{ Text string }
		} `json:"systemInstruction"`
		GenerationConfig struct {
			ResponseMIMEType   string          `json:"responseMimeType"`
			ResponseJSONSchema json.RawMessage `json:"responseJsonSchema"`
			MaxOutputTokens    int             `json:"maxOutputTokens"`
		} `json:"generationConfig"`
	}
	var p connectors.Prompt
	if err := json.NewDecoder(r).Decode(&body); err != nil {
		return p, err
	}
	if body.GenerationConfig.ResponseMIMEType != "application/json" {
		return p, errors.New("no JSON asked for")
	}
	if err := keywords(body.GenerationConfig.ResponseJSONSchema); err != nil {
		return p, err
	}
	for _, part := range body.SystemInstruction.Parts {
		p.System += part.Text
	}
	for _, c := range body.Contents {
		for _, part := range c.Parts {
			p.User += part.Text
			if part.InlineData != nil {
				p.Images = append(p.Images, connectors.Image{MIME: part.InlineData.MIMEType, Data: part.InlineData.Data})
			}
		}
	}
	p.Schema, p.MaxTokens = body.GenerationConfig.ResponseJSONSchema, body.GenerationConfig.MaxOutputTokens
	return p, nil
}

// supported are the schema keywords that the API takes; it has answered others with 400.
var supported = map[string]bool{
	"$id": true, "$defs": true, "$ref": true, "type": true, "format": true, "title": true, "description": true, "enum": true, "items": true,
	"prefixItems": true, "minItems": true, "maxItems": true, "minimum": true, "maximum": true, "anyOf": true, "oneOf": true,
	"properties": true, "additionalProperties": true, "required": true, "propertyOrdering": true,
}

// keywords refuses a schema with a keyword that the API does not take.
func keywords(schema json.RawMessage) error {
	if len(schema) == 0 {
		return nil
	}
	var s map[string]json.RawMessage
	if err := json.Unmarshal(schema, &s); err != nil {
		return nil // true, false, or a list: none of them has keywords of its own
	}
	if s["$ref"] != nil && len(s) > 1 {
		return errors.New("a $ref does not stand alone")
	}
	for k, v := range s {
		if !supported[k] {
			return fmt.Errorf("schema keyword %s is not supported", k)
		}
		switch k {
		case "properties", "$defs":
			var props map[string]json.RawMessage
			if err := json.Unmarshal(v, &props); err != nil {
				return err
			}
			for _, p := range props {
				if err := keywords(p); err != nil {
					return err
				}
			}
		case "items", "additionalProperties":
			if err := keywords(v); err != nil {
				return err
			}
		case "anyOf", "oneOf", "prefixItems":
			var list []json.RawMessage
			if err := json.Unmarshal(v, &list); err != nil {
				return err
			}
			for _, p := range list {
				if err := keywords(p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
