package gemini_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/gemini"
	"github.com/intentd/intentd/connectors/gemini/geminitest"
)

const key = "AIza-very-secret-key-0123456789"

var prompt = connectors.Prompt{
	Purpose: "stage1", System: "Describe.", User: "DATA-0011223344556677\n[{\"id\":\"1\",\"kind\":\"page_view\",\"title\":\"Pricing\"}]\nDATA-0011223344556677",
	Schema: json.RawMessage(`{"type":"object","properties":{"answers":{"type":"array","items":{"type":"object","properties":{"id":{"type":"string"},"screen_context":{"type":"array","items":{"type":"string"},"minItems":3,"maxItems":5},"user_action":{"type":"string"},"speculation":{"type":"string"}}}}}}`),
}

func model(t testing.TB, rt http.RoundTripper, change ...func(*gemini.Options)) *gemini.Model {
	t.Helper()
	o := gemini.Options{Model: "gemini-3.5-flash-lite", APIKey: key, HTTP: rt, Jitter: func() float64 { return 0 }}
	for _, c := range change {
		c(&o)
	}
	m, err := gemini.New(o)
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
	body  [][]byte
	at    []time.Time
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(req.Body)
	req.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	r.reqs, r.body, r.at = append(r.reqs, req), append(r.body, body), append(r.at, time.Now())
	r.mu.Unlock()
	return r.under.RoundTrip(req)
}

// A good answer comes back with its usage and its cost by the price table; the request is what the contract says, to the configured host,
// whatever the environment says.
func TestGenerate(t *testing.T) {
	for k, v := range map[string]string{
		"GOOGLE_API_KEY": "other", "GEMINI_API_KEY": "another", "GOOGLE_GENAI_USE_VERTEXAI": "true", "GOOGLE_GENAI_USE_ENTERPRISE": "true",
		"GOOGLE_GEMINI_BASE_URL": "https://evil.test", "GOOGLE_VERTEX_BASE_URL": "https://evil.test", "GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "l",
	} {
		t.Setenv(k, v)
	}
	s := &geminitest.Server{Key: key}
	r := &recorder{under: s}
	temperature := 0.25
	m := model(t, r, func(o *gemini.Options) {
		o.Temperature, o.Thinking = &temperature, connectors.Thinking{Stage1: "low", Stage2: "high"}
	})
	p := prompt
	p.MaxTokens = 900
	p.Images = []connectors.Image{{MIME: "image/png", Data: []byte("\x89PNG")}}
	c, err := m.Generate(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(c.JSON) || !strings.Contains(string(c.JSON), "Pricing") || c.Model != "gemini-3.5-flash-lite" {
		t.Errorf("got %+v", c)
	}
	u := c.Usage
	want := int64(0.30*float64(u.In) + 2.50*float64(u.Out) + 0.999999)
	if u.Calls != 1 || u.In == 0 || u.Out == 0 || u.MicroUSD != want {
		t.Errorf("usage %+v, want %d micro USD", u, want)
	}
	if len(r.reqs) != 1 {
		t.Fatalf("%d requests", len(r.reqs))
	}
	req := r.reqs[0]
	if got := req.URL.String(); got != "https://generativelanguage.googleapis.com/v1beta/models/gemini-3.5-flash-lite:generateContent" {
		t.Errorf("asked %s", got)
	}
	if req.Header.Get("X-Goog-Api-Key") != key || strings.Contains(req.URL.String(), key) {
		t.Errorf("the key is not where it belongs: %v", req.Header)
	}
	body := string(r.body[0])
	for _, part := range []string{`"responseMimeType":"application/json"`, `"responseJsonSchema":{`, `"maxOutputTokens":900`, `"temperature":0.25`, `"thinkingLevel":"LOW"`, `"inlineData":{`, `"mimeType":"image/png"`} {
		if !strings.Contains(body, part) {
			t.Errorf("the request misses %s:\n%s", part, body)
		}
	}
	if strings.Contains(body, `"tools"`) {
		t.Error("the model was given tools")
	}
}

// Unset is unset: model settings stay with the model.
func TestSettingsAreUnsetByDefault(t *testing.T) {
	r := &recorder{under: &geminitest.Server{}}
	if _, err := model(t, r).Generate(t.Context(), prompt); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"temperature", "thinking", "maxOutputTokens", "topP", "seed"} {
		if strings.Contains(string(r.body[0]), part) {
			t.Errorf("the request sets %s:\n%s", part, r.body[0])
		}
	}
}

// Each stage thinks as much as it is set to, in the way its model is told: by level, by tokens, or not at all.
func TestThinkingByStage(t *testing.T) {
	for model0, want := range map[string][2]string{
		"gemini-3.5-flash-lite": {`"thinkingLevel":"MINIMAL"`, `"thinkingLevel":"LOW"`},
		"gemini-3.1-pro":        {`"thinkingLevel":"LOW"`, `"thinkingLevel":"LOW"`},
		"gemini-2.5-flash-lite": {`"thinkingBudget":0`, `"thinkingBudget":1024`},
		"gemini-2.5-pro":        {`"thinkingBudget":128`, `"thinkingBudget":1024`},
		"gemma-4":               {"", ""},
	} {
		r := &recorder{under: &geminitest.Server{}}
		m := model(t, r, func(o *gemini.Options) {
			o.Model, o.Prices, o.Thinking = model0, map[string]gemini.Price{"*": {}}, connectors.Thinking{Stage1: "minimal", Stage2: "low"}
		})
		for i, purpose := range []string{"stage1", "stage2"} {
			p := prompt
			p.Purpose = purpose
			if _, err := m.Generate(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			if body := string(r.body[i]); !strings.Contains(body, want[i]) || strings.Contains(body, "thinking") != (want[i] != "") {
				t.Errorf("%s, %s: want %s in\n%s", model0, purpose, want[i], body)
			}
		}
	}
}

// Every ugly answer has its kind, its cost is counted where there was one, and a rejected one is not asked again.
func TestUglyAnswers(t *testing.T) {
	for _, c := range []struct {
		fault    geminitest.Fault
		kind     connectors.Kind
		code     string
		requests int
		paid     bool
	}{
		{geminitest.Blocked, connectors.Rejected, "blocked", 1, true},
		{geminitest.BlockedAnswer, connectors.Rejected, "blocked", 1, true},
		{geminitest.Cut, connectors.Rejected, "cut", 1, true},
		{geminitest.NoCandidates, connectors.Rejected, "empty", 1, true},
		{geminitest.Empty, connectors.Rejected, "empty", 1, true},
		{geminitest.NotJSON, connectors.Rejected, "not_json", 1, true},
		{geminitest.RateMinute, connectors.RateLimited, "RESOURCE_EXHAUSTED", 4, false},
		{geminitest.RateDay, connectors.Quota, "RESOURCE_EXHAUSTED", 1, false},
		{geminitest.BadKey, connectors.Auth, "INVALID_ARGUMENT", 1, false},
		{geminitest.Forbidden, connectors.Auth, "PERMISSION_DENIED", 1, false},
		{geminitest.NoModel, connectors.Config, "NOT_FOUND", 1, false},
		{geminitest.BadRequest, connectors.Rejected, "INVALID_ARGUMENT", 1, false},
		{geminitest.Internal, connectors.Transient, "INTERNAL", 4, false},
		{geminitest.Unavailable, connectors.Transient, "UNAVAILABLE", 4, false},
		{geminitest.ProxyPage, connectors.Transient, "unreachable", 1, false},
		{geminitest.Reset, connectors.Transient, "unreachable", 4, false},
		{geminitest.Hang, connectors.Transient, "unreachable", 4, false},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &geminitest.Server{Key: key}
				s.FailAlways(c.fault)
				r := &recorder{under: s}
				var logs bytes.Buffer
				m := model(t, r, func(o *gemini.Options) {
					o.Logger = slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
				})
				got, err := m.Generate(t.Context(), prompt)
				var e *connectors.Error
				if !errors.As(err, &e) || e.Kind != c.kind || e.Code != c.code {
					t.Fatalf("got %v (%+v), want %s %s", err, e, c.kind, c.code)
				}
				if len(r.reqs) != c.requests {
					t.Errorf("%d requests, want %d", len(r.reqs), c.requests)
				}
				if (got.Usage.Calls == 1 && got.Usage.MicroUSD > 0) != c.paid {
					t.Errorf("usage %+v", got.Usage)
				}
				if e.Kind == connectors.Auth && e.Fix == "" {
					t.Error("no fix told")
				}
				for _, text := range []string{err.Error(), fmt.Sprintf("%+v", e), logs.String(), m.Report().LastError} {
					if strings.Contains(text, key) || strings.Contains(text, "Describe.") || strings.Contains(text, "page_view") {
						t.Errorf("a message holds key or prompt: %s", text)
					}
				}
			})
		})
	}
}

// One prompt that the vendor refuses concerns nobody else, however often it comes; a setting that is wrong refuses every prompt, and only that
// stops the model, in the vendor's own words.
func TestARefusedPromptStopsNobodyElse(t *testing.T) {
	s := &geminitest.Server{}
	m := model(t, s)
	for range 2 {
		s.FailNext(geminitest.BadRequest)
		if _, err := m.Generate(t.Context(), prompt); connectors.KindOf(err) != connectors.Rejected {
			t.Fatalf("refused: %v", err)
		}
	}
	if _, err := m.Generate(t.Context(), prompt); err != nil {
		t.Fatalf("somebody else's prompt: %v", err)
	}
	// The third in a row is asked about, and the model answers a prompt without anybody's text.
	for i := range 5 {
		s.FailNext(geminitest.BadRequest)
		if _, err := m.Generate(t.Context(), prompt); connectors.KindOf(err) != connectors.Rejected {
			t.Fatalf("refusal %d: %v", i, err)
		}
	}
	if _, err := m.Generate(t.Context(), prompt); err != nil {
		t.Fatalf("the model was stopped for some prompts: %v", err)
	}
	s.FailAlways(geminitest.BadRequest)
	var err error
	for range 3 {
		_, err = m.Generate(t.Context(), prompt)
	}
	var e *connectors.Error
	if !errors.As(err, &e) || e.Kind != connectors.Config || e.Fix == "" || !strings.Contains(e.Message, "invalid argument") {
		t.Fatalf("every prompt is refused: %v", err)
	}
}

// Answers that are paid for and cannot be used are not bought for ever.
func TestManyUnusableAnswersStopTheModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &geminitest.Server{}
		s.FailAlways(geminitest.Cut)
		r := &recorder{under: s}
		m := model(t, r)
		var err error
		for range 50 {
			_, err = m.Generate(t.Context(), prompt)
		}
		if n := len(r.reqs); n > 12 || connectors.KindOf(err) != connectors.Config || !strings.Contains(err.Error(), "in a row") {
			t.Errorf("%d requests, the last error is %v", n, err)
		}
		time.Sleep(16 * time.Minute)
		s.FailAlways("")
		if _, err := m.Generate(t.Context(), prompt); err != nil {
			t.Errorf("a quarter of an hour later: %v", err)
		}
	})
}

// An answer that does not tell its usage is booked by the bytes sent, not as free.
func TestSilentUsageIsEstimated(t *testing.T) {
	s := &geminitest.Server{}
	s.FailAlways(geminitest.NoUsage)
	c, err := model(t, s).Generate(t.Context(), prompt)
	if err != nil || c.Usage.In == 0 || c.Usage.MicroUSD == 0 {
		t.Errorf("%v, usage %+v", err, c.Usage)
	}
}

// A passing failure costs time, not the answer: the delay in the body is kept, and everybody waits for it together.
func TestRetryDelayHoldsEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &geminitest.Server{}
		s.FailNext(geminitest.RateMinute)
		r := &recorder{under: s}
		m := model(t, r)
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				if _, err := m.Generate(t.Context(), prompt); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i, at := range r.at[1:] {
			if d := at.Sub(start); d < 2*time.Second {
				t.Errorf("request %d went out after %s, within the limit's 2 s", i+1, d)
			}
		}
		if got := m.Report(); got.Retries != 1 || got.RateLimited != 1 || got.Calls != 4 {
			t.Errorf("report %+v", got)
		}
	})
}

// A limit per day is Quota until the vendor's midnight, and makes no further request until then.
func TestQuotaStopsUntilPacificMidnight(t *testing.T) {
	s := &geminitest.Server{}
	s.FailNext(geminitest.RateDay)
	r := &recorder{under: s}
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	m := model(t, r, func(o *gemini.Options) { o.Now = func() time.Time { return now } })
	_, err := m.Generate(t.Context(), prompt)
	midnight := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC) // of UTC−8, which it is on 20 Nov at 09:00 UTC: 01:00
	if connectors.KindOf(err) != connectors.Quota || !connectors.Until(err).Equal(midnight) {
		t.Fatalf("got %v until %s", err, connectors.Until(err))
	}
	if _, err = m.Generate(t.Context(), prompt); connectors.KindOf(err) != connectors.Quota || len(r.reqs) != 1 {
		t.Errorf("%v after %d requests", err, len(r.reqs))
	}
	if !m.Report().BlockedUntil.Equal(midnight) {
		t.Errorf("report %+v", m.Report())
	}
	now = midnight
	if _, err = m.Generate(t.Context(), prompt); err != nil {
		t.Errorf("after midnight: %v", err)
	}
}

// A bad key stops calls for a minute; a good probe lets them through at once.
func TestBadKeyStopsAndProbeClears(t *testing.T) {
	s := &geminitest.Server{}
	s.FailAlways(geminitest.BadKey)
	r := &recorder{under: s}
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	m := model(t, r, func(o *gemini.Options) { o.Now = func() time.Time { return now } })
	for range 3 {
		if _, err := m.Generate(t.Context(), prompt); connectors.KindOf(err) != connectors.Auth {
			t.Fatal(err)
		}
	}
	if len(r.reqs) != 1 {
		t.Errorf("%d requests with a bad key", len(r.reqs))
	}
}

// A call's length of wait is bounded by its context.
func TestContextEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &geminitest.Server{}
		s.FailAlways(geminitest.Unavailable)
		m := model(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, err := m.Generate(ctx, prompt)
		if !connectors.Interrupted(err) {
			t.Errorf("got %v", err)
		}
	})
}

// crowd counts how many requests are under way at once.
type crowd struct {
	under    http.RoundTripper
	now, max atomic.Int64
}

func (c *crowd) RoundTrip(req *http.Request) (*http.Response, error) {
	n := c.now.Add(1)
	for {
		m := c.max.Load()
		if n <= m || c.max.CompareAndSwap(m, n) {
			break
		}
	}
	time.Sleep(time.Second)
	defer c.now.Add(-1)
	return c.under.RoundTrip(req)
}

// Concurrency and requests a minute are kept.
func TestConcurrencyAndRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{under: &geminitest.Server{}}
		m := model(t, c, func(o *gemini.Options) { o.Concurrency, o.RPM = 2, 30 })
		start := time.Now()
		var wg sync.WaitGroup
		for range 13 {
			wg.Go(func() {
				if _, err := m.Generate(t.Context(), prompt); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if c.max.Load() != 2 {
			t.Errorf("%d requests at once", c.max.Load())
		}
		if d := time.Since(start); d < 20*time.Second { // 3 at once, 10 more at one each 2 s
			t.Errorf("13 requests at 30 a minute took %s", d)
		}
	})
}

// Over a real socket, too.
func TestOverHTTP(t *testing.T) {
	s := &geminitest.Server{Key: key}
	srv := httptest.NewServer(s)
	defer srv.Close()
	m := model(t, nil, func(o *gemini.Options) { o.BaseURL, o.HTTP = srv.URL, srv.Client().Transport })
	if _, err := m.Generate(t.Context(), prompt); err != nil {
		t.Fatal(err)
	}
	if f := m.Probe(t.Context()); len(f) != 1 || f[0].Code != "gemini.ok" {
		t.Errorf("probe %+v", f)
	}
}

// A redirect is not followed: the key would go along.
func TestNoRedirect(t *testing.T) {
	var leaked atomic.Bool
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Store(true) }))
	defer evil.Close()
	srv := httptest.NewServer(http.RedirectHandler(evil.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	m := model(t, nil, func(o *gemini.Options) { o.BaseURL = srv.URL })
	if _, err := m.Generate(t.Context(), prompt); connectors.KindOf(err) != connectors.Config || leaked.Load() {
		t.Errorf("got %v, followed: %v", err, leaked.Load())
	}
}

// Bad options are told as Config with a fix, and never print the key.
func TestNewRefuses(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(bad, []byte(`{"type":"service_account","private_key":"`+key+`"`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*gemini.Options){
		"no model":          func(o *gemini.Options) { o.Model = "" },
		"no price":          func(o *gemini.Options) { o.Model = "gemini-99" },
		"negative price":    func(o *gemini.Options) { o.Prices = map[string]gemini.Price{"gemini-3.5-flash-lite": {In: -1}} },
		"no key":            func(o *gemini.Options) { o.APIKey = "" },
		"key with newline":  func(o *gemini.Options) { o.APIKey = key + "\n" },
		"plain http":        func(o *gemini.Options) { o.BaseURL = "http://proxy.example" },
		"no address":        func(o *gemini.Options) { o.BaseURL = "proxy" },
		"odd thinking":      func(o *gemini.Options) { o.Thinking.Stage2 = "hard" },
		"vertex, no region": func(o *gemini.Options) { o.Vertex = &gemini.Vertex{Project: "p"} },
		"vertex, bad file": func(o *gemini.Options) {
			o.Vertex = &gemini.Vertex{Project: "p", Location: "europe-west1", CredentialsFile: bad}
		},
	} {
		o := gemini.Options{Model: "gemini-3.5-flash-lite", APIKey: key}
		change(&o)
		_, err := gemini.New(o)
		var e *connectors.Error
		if !errors.As(err, &e) || e.Kind != connectors.Config || e.Fix == "" || strings.Contains(err.Error(), key) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Vertex is asked at its region's own host with a bearer token and no API key.
func TestVertex(t *testing.T) {
	for k, v := range map[string]string{"GOOGLE_API_KEY": "other", "GOOGLE_VERTEX_BASE_URL": "https://evil.test"} {
		t.Setenv(k, v)
	}
	file := filepath.Join(t.TempDir(), "credentials.json")
	content := `{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r"}`
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &geminitest.Server{}
	var asked []*http.Request
	rt := roundTripper(func(req *http.Request) (*http.Response, error) {
		if strings.Contains(req.URL.Host, "oauth2") {
			w := httptest.NewRecorder()
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"access_token":"fresh","token_type":"Bearer","expires_in":3600}`)
			return w.Result(), nil
		}
		asked = append(asked, req)
		return s.RoundTrip(req)
	})
	m := model(t, rt, func(o *gemini.Options) {
		o.APIKey, o.Vertex = "", &gemini.Vertex{Project: "proj", Location: "europe-west1", CredentialsFile: file}
	})
	if _, err := m.Generate(t.Context(), prompt); err != nil {
		t.Fatal(err)
	}
	req := asked[0]
	if got := req.URL.String(); got != "https://europe-west1-aiplatform.googleapis.com/v1beta1/projects/proj/locations/europe-west1/publishers/google/models/gemini-3.5-flash-lite:generateContent" {
		t.Errorf("asked %s", got)
	}
	if req.Header.Get("Authorization") != "Bearer fresh" || req.Header.Get("X-Goog-Api-Key") != "" {
		t.Errorf("headers %v", req.Header)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Prices: a revision costs what its model does, the config overrides, thoughts are output, cached tokens may be cheaper.
func TestEstimateAndPrices(t *testing.T) {
	p := connectors.Prompt{User: strings.Repeat("x", 4000), MaxTokens: 1000}
	for _, c := range []struct {
		model  string
		prices map[string]gemini.Price
		want   int64
	}{
		{"gemini-3.5-flash-lite", nil, 2801}, // 1001 × 0.30 + 1000 × 2.50, rounded up
		{"gemini-2.5-flash-lite-001", nil, 501},
		{"gemini-3.5-flash-lite", map[string]gemini.Price{"gemini-3.5-flash-lite": {In: 1, Out: 1}}, 2001},
	} {
		m := model(t, &geminitest.Server{}, func(o *gemini.Options) { o.Model, o.Prices = c.model, c.prices })
		if got := m.Estimate(p); got != c.want {
			t.Errorf("%s: estimate %d, want %d", c.model, got, c.want)
		}
	}
}

// The probe names what is wrong and its fix.
func TestProbe(t *testing.T) {
	for fault, code := range map[geminitest.Fault]string{
		geminitest.BadKey: "gemini.auth", geminitest.NoModel: "gemini.config", geminitest.RateDay: "gemini.limited",
	} {
		s := &geminitest.Server{}
		s.FailAlways(fault)
		f := model(t, s).Probe(t.Context())
		if len(f) != 1 || f[0].Code != code || strings.Contains(f[0].Message, key) {
			t.Errorf("%s: %+v", fault, f)
		}
	}
	m := model(t, &geminitest.Server{}, func(o *gemini.Options) {
		o.Model, o.Prices = "gemini-2.5-flash", map[string]gemini.Price{"gemini-2.5-flash": {In: 1, Out: 1}}
	})
	if f := m.Probe(t.Context()); len(f) != 2 || f[0].Code != "gemini.model_retiring" {
		t.Errorf("%+v", f)
	}
}
