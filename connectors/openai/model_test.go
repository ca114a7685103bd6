package openai_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/gemini/geminitest"
	"github.com/intentd/intentd/connectors/openai"
	"github.com/intentd/intentd/connectors/openai/openaitest"
)

const key = "sk-very-secret-key-0123456789"

var prompt = connectors.Prompt{
	Purpose: "stage1", System: "Describe.", User: "DATA-0011223344556677\n[{\"id\":\"1\",\"kind\":\"page_view\",\"title\":\"Pricing of Jane's journey\"}]\nDATA-0011223344556677\nGo on.",
	Schema:    json.RawMessage(`{"$defs":{"word":{"type":"string"}},"type":"object","properties":{"answers":{"type":"array","description":"all","items":{"type":"object","properties":{"id":{"$ref":"#/$defs/word"},"screen_context":{"type":"array","items":{"type":"string"},"minItems":0,"maxItems":5},"user_action":{"type":"string"},"speculation":{"type":"string"}},"required":["id"],"propertyOrdering":["id","screen_context","user_action","speculation"]}}}}`),
	MaxTokens: 900,
}

func model(t testing.TB, rt http.RoundTripper, change ...func(*openai.Options)) *openai.Model {
	t.Helper()
	o := openai.Options{Model: "own-model", APIKey: key, HTTP: rt, Jitter: func() float64 { return 0 }, Prices: map[string]openai.Price{"own-model": {In: 1, Out: 2}}}
	for _, c := range change {
		c(&o)
	}
	m, err := openai.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// recorder keeps the requests that pass.
type recorder struct {
	under http.RoundTripper
	mu    sync.Mutex
	reqs  []*http.Request
	body  []string
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(req.Body)
	req.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	r.reqs, r.body = append(r.reqs, req), append(r.body, string(body))
	r.mu.Unlock()
	return r.under.RoundTrip(req)
}

func (r *recorder) last() string { return r.body[len(r.body)-1] }

// The request is what the description says, to the configured host, whatever the environment says; unset settings are not sent.
func TestGenerate(t *testing.T) {
	for k, v := range map[string]string{
		"OPENAI_API_KEY": "other", "OPENAI_BASE_URL": "https://evil.test/v1", "OPENAI_ORG_ID": "org", "OPENAI_PROJECT_ID": "proj", "OPENAI_CUSTOM_HEADERS": "X-Evil: 1",
		"OPENAI_ADMIN_KEY": "admin",
	} {
		t.Setenv(k, v)
	}
	s := &openaitest.Server{Key: key}
	r := &recorder{under: s}
	m := model(t, r)
	c, err := m.Generate(t.Context(), prompt)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(c.JSON) || !strings.Contains(string(c.JSON), "Pricing") || c.Model != "own-model" || c.Usage.Calls != 1 || c.Usage.MicroUSD != int64(c.Usage.In+2*c.Usage.Out) {
		t.Errorf("got %s, %+v", c.JSON, c.Usage)
	}
	req := r.reqs[len(r.reqs)-1]
	if req.URL.String() != "https://api.openai.com/v1/chat/completions" || req.Header.Get("Authorization") != "Bearer "+key {
		t.Errorf("asked %s with %v", req.URL, req.Header)
	}
	for _, h := range []string{"X-Evil", "Openai-Organization", "Openai-Project"} {
		if req.Header.Get(h) != "" {
			t.Errorf("the environment added %s", h)
		}
	}
	for _, part := range []string{"temperature", "reasoning_effort", "tools", "store", "max_tokens"} {
		if strings.Contains(r.last(), `"`+part+`"`) {
			t.Errorf("the request sets %s:\n%s", part, r.last())
		}
	}
	for _, part := range []string{`"max_completion_tokens":900`, `"type":"json_schema"`, `"strict":true`} {
		if !strings.Contains(r.last(), part) {
			t.Errorf("the request misses %s:\n%s", part, r.last())
		}
	}
	n := len(r.reqs)
	temperature := 0.25
	m = model(t, r, func(o *openai.Options) {
		o.Temperature, o.Thinking = &temperature, connectors.Thinking{Stage1: "minimal", Stage2: "low"}
	})
	if _, err := m.Generate(t.Context(), prompt); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.last(), `"temperature":0.25`) || !strings.Contains(r.last(), `"reasoning_effort":"minimal"`) {
		t.Errorf("settings are not sent: %s", r.last())
	}
	if n != 3 || len(r.reqs) != 6 {
		t.Errorf("%d requests for a first prompt, want two to find out and one to ask", n)
	}
	for _, b := range r.body[:2] {
		if strings.Contains(b, "Jane") {
			t.Errorf("somebody's text went along to find out: %s", b)
		}
	}
}

// Whatever a server's habits, they are found out once, and prompts are sent in the way that it keeps to.
func TestHabits(t *testing.T) {
	for name, c := range map[string]struct {
		server  *openaitest.Server
		schema  connectors.SchemaSupport
		bound   bool
		sent    string
		unsent  string
		picture bool
	}{
		"the vendor's own":       {&openaitest.Server{Tokens: openaitest.Refuses}, connectors.SchemaStrict, true, `"max_completion_tokens":900`, `"max_tokens"`, true},
		"knows only max_tokens":  {&openaitest.Server{Completion: openaitest.Refuses}, connectors.SchemaStrict, true, `"max_tokens":900`, `"max_completion_tokens"`, true},
		"overlooks the new one":  {&openaitest.Server{Completion: openaitest.Overlooks, Images: openaitest.Refuses}, connectors.SchemaStrict, true, `"max_tokens":900`, `"max_completion_tokens"`, false},
		"overlooks both":         {&openaitest.Server{Completion: openaitest.Overlooks, Tokens: openaitest.Overlooks}, connectors.SchemaStrict, false, `"max_completion_tokens":900`, `"max_tokens"`, true},
		"refuses both":           {&openaitest.Server{Completion: openaitest.Refuses, Tokens: openaitest.Refuses}, connectors.SchemaStrict, false, `"messages"`, `_tokens"`, true},
		"JSON mode":              {&openaitest.Server{Schema: openaitest.Refuses}, connectors.SchemaJSON, true, `"json_object"`, `"json_schema"`, true},
		"overlooks schemas":      {&openaitest.Server{Schema: openaitest.Overlooks}, connectors.SchemaJSON, true, `"json_object"`, `"json_schema"`, true},
		"no form at all":         {&openaitest.Server{Schema: openaitest.Refuses, JSON: openaitest.Refuses}, connectors.SchemaNone, true, `"messages"`, `"response_format"`, true},
		"overlooks forms":        {&openaitest.Server{Schema: openaitest.Overlooks, JSON: openaitest.Overlooks}, connectors.SchemaNone, true, `"messages"`, `"response_format"`, true},
		"text only, no pictures": {&openaitest.Server{Images: openaitest.Refuses}, connectors.SchemaStrict, true, `"messages"`, `"max_tokens"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{under: c.server}
			m := model(t, r)
			var wg sync.WaitGroup
			for range 4 { // they find out together, once
				wg.Go(func() {
					if got, err := m.Generate(t.Context(), prompt); err != nil || !strings.Contains(string(got.JSON), "Pricing") {
						t.Errorf("%s, %v", got.JSON, err)
					}
				})
			}
			wg.Wait()
			if !strings.Contains(r.last(), c.sent) || strings.Contains(r.last(), c.unsent) {
				t.Errorf("sent %s", r.last())
			}
			if n := len(r.reqs); n > 4+5 {
				t.Errorf("%d requests", n)
			}
			can, err := m.Can(t.Context())
			if want := (connectors.Abilities{Images: c.picture, Schema: c.schema, Bound: c.bound}); err != nil || can != want {
				t.Errorf("can %+v, %v, want %+v", can, err, want)
			}
			n := len(r.reqs)
			if _, err := m.Can(t.Context()); err != nil || len(r.reqs) != n {
				t.Errorf("asked again: %v", err)
			}
			f := m.Probe(t.Context())
			if f[0].Code != "openai.ok" || (len(f) > 1) == c.bound {
				t.Errorf("doctor says %+v", f)
			}
		})
	}
}

// Pictures go as data; a server that is asked for a picture's reading gets none of a person's before it said that it can.
func TestPictures(t *testing.T) {
	r := &recorder{under: &openaitest.Server{}}
	p := prompt
	p.Images = []connectors.Image{{MIME: "image/png", Data: []byte("\x89PNG")}}
	if _, err := model(t, r).Generate(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.last(), `"url":"data:image/png;base64,iVBORw=="`) {
		t.Errorf("sent %s", r.last())
	}
}

// What cannot be found out for the moment is found out later: a passing failure is not taken for a habit.
func TestFindingOutIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &openaitest.Server{}
		s.Stand.FailAlways(geminitest.Unavailable)
		m := model(t, s)
		if _, err := m.Generate(t.Context(), prompt); connectors.KindOf(err) != connectors.Transient {
			t.Fatalf("%v", err)
		}
		s.Stand.FailAlways("")
		if _, err := m.Generate(t.Context(), prompt); err != nil {
			t.Error(err)
		}
		if can, err := m.Can(t.Context()); err != nil || can != (connectors.Abilities{Images: true, Schema: connectors.SchemaStrict, Bound: true}) {
			t.Errorf("%+v, %v", can, err)
		}
	})
}

// The doctor names what is wrong and its fix, and quotes neither key nor prompt.
func TestProbe(t *testing.T) {
	for fault, code := range map[geminitest.Fault]string{
		geminitest.BadKey: "openai.auth", geminitest.NoModel: "openai.config", geminitest.RateDay: "openai.limited", geminitest.BadRequest: "openai.config",
	} {
		s := &openaitest.Server{}
		s.Stand.FailAlways(fault)
		f := model(t, s).Probe(t.Context())
		if len(f) != 1 || f[0].Code != code || f[0].Fix == "" || strings.Contains(f[0].Message, key) {
			t.Errorf("%s: %+v", fault, f)
		}
	}
	f := model(t, &openaitest.Server{Key: "another"}).Probe(t.Context())
	if len(f) != 1 || f[0].Code != "openai.auth" || strings.Contains(f[0].Message, key) {
		t.Errorf("%+v", f)
	}
}

// Bad options are told as Config with a fix, and never print the key; plain http stays near.
func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*openai.Options){
		"no model":         func(o *openai.Options) { o.Model = "" },
		"no price":         func(o *openai.Options) { o.Prices = nil },
		"negative price":   func(o *openai.Options) { o.Prices = map[string]openai.Price{"own-model": {In: -1}} },
		"key with newline": func(o *openai.Options) { o.APIKey = key + "\n" },
		"http to a name":   func(o *openai.Options) { o.BaseURL = "http://llm.example.com/v1" },
		"http to public":   func(o *openai.Options) { o.BaseURL = "http://8.8.8.8/v1" },
		"no address":       func(o *openai.Options) { o.BaseURL = "llm" },
	} {
		o := openai.Options{Model: "own-model", APIKey: key, Prices: map[string]openai.Price{"*": {}}}
		change(&o)
		_, err := openai.New(o)
		var e *connectors.Error
		if !errors.As(err, &e) || e.Kind != connectors.Config || e.Fix == "" || strings.Contains(err.Error(), key) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, base := range []string{"http://127.0.0.1:11434/v1", "http://[::1]:8000/v1/", "http://10.1.2.3/v1", "http://192.168.0.7:8000/v1", "http://[fd00::1]/v1", "http://vllm:8000/v1", "http://gpu.internal/v1", "https://llm.example.com/v1"} {
		if _, err := openai.New(openai.Options{Model: "m", BaseURL: base, Prices: map[string]openai.Price{"*": {}}}); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// Over a real socket, without a key and past a proxy of the environment, as a server of the own network is asked.
func TestOverHTTP(t *testing.T) {
	s := &openaitest.Server{}
	srv := httptest.NewServer(s)
	defer srv.Close()
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	m := model(t, nil, func(o *openai.Options) { o.BaseURL, o.APIKey, o.HTTP = srv.URL+"/v1", "", nil })
	if _, err := m.Generate(t.Context(), prompt); err != nil {
		t.Fatal(err)
	}
}
