package gemini

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/time/rate"
	"google.golang.org/genai"

	"github.com/intentd/intentd/connectors"
)

// Vertex reaches the models through a Google Cloud project. Without CredentialsFile the machine's default credentials are used.
type Vertex struct{ Project, Location, CredentialsFile string }

// Options of a model. Defaults stand in parentheses.
type Options struct {
	Name   string // of the connector, for errors ("gemini")
	Model  string // required
	APIKey string // of the Gemini API; required unless Vertex is set
	Vertex *Vertex
	// BaseURL replaces the vendor's host, for a proxy or a test. It must be https, or point at this machine.
	BaseURL string
	// Temperature, Thinking: unset leaves them to the model. Thinking is minimal, low, medium or high, or a number of tokens.
	Temperature *float64
	Thinking    string
	Prices      map[string]Price // by model; overrides the built-in list
	Concurrency int              // calls at once (8)
	RPM         int              // requests a minute; 0: as many as the vendor lets through
	Retries     int              // repetitions of a failed request (3); below 0: none
	Timeout     time.Duration    // of one request (1 min)
	MaxWait     time.Duration    // longest wait for a limit within a call (90 s)
	HTTP        http.RoundTripper
	Jitter      func() float64 // in [0, 1), spreads retries (math/rand)
	Now         func() time.Time
	Logger      *slog.Logger
}

// Model is one model of the vendor's. Safe for concurrent use.
type Model struct {
	o      Options
	price  Price
	client *genai.Client
	gate   *gate
	slots  chan struct{}
}

var (
	_ connectors.Model    = (*Model)(nil)
	_ connectors.Prober   = (*Model)(nil)
	_ connectors.Reporter = (*Model)(nil)
)

// New makes a model. It makes no request. Its errors are of kind Config.
func New(o Options) (*Model, error) {
	if o.Name == "" {
		o.Name = "gemini"
	}
	op := o.Name + ": set up"
	fail := func(fix, format string, args ...any) error {
		e := connectors.Errorf(connectors.Config, op, format, args...)
		e.Fix = fix
		return e
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 8
	}
	if o.Retries == 0 {
		o.Retries = 3
	}
	o.Retries = max(o.Retries, 0)
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	if o.MaxWait <= 0 {
		o.MaxWait = 90 * time.Second
	}
	if o.HTTP == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = o.Concurrency
		o.HTTP = t
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Model = strings.TrimSpace(o.Model)
	if o.Model == "" || strings.ContainsAny(o.Model, " ?#") {
		return nil, fail("set model.name, for example gemini-3.5-flash-lite", "the model's name %q cannot be", o.Model)
	}
	price, err := priceOf(o.Model, o.Prices)
	if err != nil {
		return nil, fail("set model.prices for it, so that the daily budget can be kept", "%v", err)
	}
	if _, err := thinking(o.Thinking); err != nil {
		return nil, fail("set model.thinking to minimal, low, medium, high or a number of tokens", "%v", err)
	}
	m := &Model{o: o, price: price, slots: make(chan struct{}, o.Concurrency)}
	m.gate = newGate(&m.o)
	cc := &genai.ClientConfig{Backend: genai.BackendGeminiAPI, APIKey: o.APIKey}
	var under http.RoundTripper = m.gate
	if v := o.Vertex; v != nil {
		if v.Project == "" || v.Location == "" {
			return nil, fail("set model.vertex.project and model.vertex.location", "Vertex AI needs a project and a location")
		}
		creds, err := credentials.DetectDefault(&credentials.DetectOptions{
			Scopes: []string{"https://www.googleapis.com/auth/cloud-platform"}, CredentialsFile: v.CredentialsFile,
			Client: &http.Client{Transport: o.HTTP, Timeout: o.Timeout},
		})
		if err != nil {
			return nil, fail("set model.vertex.credentials_file or run where default credentials exist", "no usable Google Cloud credentials: %s", m.clean(err.Error()))
		}
		under = &bearer{under: m.gate, creds: creds}
		cc = &genai.ClientConfig{Backend: genai.BackendVertexAI, Project: v.Project, Location: v.Location}
		cc.HTTPOptions.BaseURL = "https://" + v.Location + "-aiplatform.googleapis.com/"
		if v.Location == "global" {
			cc.HTTPOptions.BaseURL = "https://aiplatform.googleapis.com/"
		}
	} else {
		if o.APIKey == "" || strings.ContainsAny(o.APIKey, " \r\n\t") {
			return nil, fail("set model.api_key_file", "the API key is missing or holds white space")
		}
		cc.HTTPOptions.BaseURL = "https://generativelanguage.googleapis.com/"
	}
	if o.BaseURL != "" {
		if err := checkBase(o.BaseURL); err != nil {
			return nil, fail("set model.base_url to an https address", "%v", err)
		}
		cc.HTTPOptions.BaseURL = o.BaseURL
	}
	retry := &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: under, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		RetryMax:     o.Retries,
		RetryWaitMin: time.Second, RetryWaitMax: o.MaxWait,
		CheckRetry: m.gate.again, Backoff: m.gate.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	cc.HTTPClient = &http.Client{
		Transport:     &retryablehttp.RoundTripper{Client: retry},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if m.client, err = genai.NewClient(context.Background(), cc); err != nil {
		// The SDK's own message prints the whole configuration, the key included: it is not passed on.
		return nil, fail("check model.api_key_file and model.vertex", "the SDK refuses the configuration")
	}
	return m, nil
}

func checkBase(base string) error {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return fmt.Errorf("base_url %q is no address", base)
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	local := host == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && !(u.Scheme == "http" && local) {
		return fmt.Errorf("base_url %q would send the key unencrypted", base)
	}
	return nil
}

func thinking(s string) (*genai.ThinkingConfig, error) {
	switch s {
	case "":
		return nil, nil
	case "minimal", "low", "medium", "high":
		return &genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevel(strings.ToUpper(s))}, nil
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < -1 {
		return nil, fmt.Errorf("thinking %q is no level", s)
	}
	budget := int32(n)
	return &genai.ThinkingConfig{ThinkingBudget: &budget}, nil
}

// Generate asks once. See the package's promises for its errors.
func (m *Model) Generate(ctx context.Context, p connectors.Prompt) (connectors.Completion, error) {
	out := connectors.Completion{Model: m.o.Model}
	op := m.o.Name + ": " + p.Purpose
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
	case <-ctx.Done():
		return out, &connectors.Error{Kind: connectors.Transient, Op: op, Err: ctx.Err()}
	}
	if err := m.gate.refused(op); err != nil {
		return out, err
	}
	content := &genai.Content{Role: "user", Parts: []*genai.Part{{Text: p.User}}}
	for _, img := range p.Images {
		content.Parts = append(content.Parts, genai.NewPartFromBytes(img.Data, img.MIME))
	}
	resp, err := m.client.Models.GenerateContent(ctx, m.o.Model, []*genai.Content{content}, m.config(p))
	if err != nil {
		e := m.classify(op, err)
		if e.Kind == connectors.Rejected && m.gate.refusedPrompt() {
			e = m.askWhetherAll(ctx, op, e)
		}
		return out, m.gate.failed(e)
	}
	out.Usage = m.usage(resp, p)
	text, e := answer(op, resp)
	if e != nil {
		_ = m.gate.failed(e)
		m.gate.unusableAnswer(e)
		return out, e
	}
	m.gate.answered()
	out.JSON = []byte(text)
	return out, nil
}

// askWhetherAll tries a prompt that holds nobody's text, after several were refused in a row. If that is refused, too, the settings are
// wrong; otherwise the refusals concern the prompts. It costs a few tokens.
func (m *Model) askWhetherAll(ctx context.Context, op string, refused *connectors.Error) *connectors.Error {
	p := connectors.Prompt{User: `Answer {"ok": true}.`, Schema: json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}`), MaxTokens: 64}
	_, err := m.client.Models.GenerateContent(ctx, m.o.Model, []*genai.Content{{Role: "user", Parts: []*genai.Part{{Text: p.User}}}}, m.config(p))
	if err == nil {
		m.gate.answered()
		return refused
	}
	if e := m.classify(op, err); e.Kind == connectors.Rejected {
		e.Kind, e.Fix = connectors.Config, fixSettings
		return e
	}
	return refused
}

func (m *Model) config(p connectors.Prompt) *genai.GenerateContentConfig {
	once := false
	c := &genai.GenerateContentConfig{
		ResponseMIMEType:      "application/json",
		MaxOutputTokens:       int32(min(p.MaxTokens, 1<<20)),
		AutomaticContinuation: &once,
		CandidateCount:        1,
	}
	if len(p.Schema) > 0 {
		c.ResponseJsonSchema = p.Schema
	}
	if p.System != "" {
		c.SystemInstruction = &genai.Content{Parts: []*genai.Part{{Text: p.System}}}
	}
	if m.o.Temperature != nil {
		t := float32(*m.o.Temperature)
		c.Temperature = &t
	}
	c.ThinkingConfig, _ = thinking(m.o.Thinking) // checked by New
	return c
}

// usage reads what the answer cost. An answer that does not tell is booked as estimated from the bytes sent: a budget that takes
// silence for free is none.
func (m *Model) usage(resp *genai.GenerateContentResponse, p connectors.Prompt) connectors.Usage {
	u := connectors.Usage{Calls: 1}
	if md := resp.UsageMetadata; md != nil {
		u.In, u.Out = int(max(0, md.PromptTokenCount)), int(max(0, md.CandidatesTokenCount))
		u.Thoughts, u.Cached = int(max(0, md.ThoughtsTokenCount)), min(int(max(0, md.CachedContentTokenCount)), u.In)
	} else {
		u.In = tokens(p)
	}
	u.MicroUSD = m.price.cost(u)
	return u
}

// bytesPerToken and imageTokens estimate a prompt: the vendor's rule of thumb of four characters a token, and a picture of up to
// 1536 × 1152 in tiles of 258 tokens.
const (
	bytesPerToken = 4
	imageTokens   = 6 * 258
)

func tokens(p connectors.Prompt) int {
	return (len(p.System)+len(p.User)+len(p.Schema))/bytesPerToken + 1 + imageTokens*len(p.Images)
}

// Estimate is what a call may cost at most, in micro USD.
func (m *Model) Estimate(p connectors.Prompt) int64 {
	out := p.MaxTokens
	if out <= 0 {
		out = 4096
	}
	return m.price.cost(connectors.Usage{In: tokens(p), Out: out})
}

// answer is the text of a whole, unblocked JSON answer.
func answer(op string, resp *genai.GenerateContentResponse) (string, *connectors.Error) {
	reject := func(code, format string, args ...any) *connectors.Error {
		e := connectors.Errorf(connectors.Rejected, op, format, args...)
		e.Code = code
		return e
	}
	if f := resp.PromptFeedback; f != nil && f.BlockReason != "" && f.BlockReason != genai.BlockedReasonUnspecified {
		return "", reject("blocked", "the prompt was blocked (%s)", word(string(f.BlockReason)))
	}
	if len(resp.Candidates) == 0 || resp.Candidates[0] == nil {
		return "", reject("empty", "no answer came back")
	}
	c := resp.Candidates[0]
	switch c.FinishReason {
	case genai.FinishReasonStop:
	case genai.FinishReasonMaxTokens:
		return "", reject("cut", "the answer was cut at its length limit")
	case genai.FinishReasonSafety, genai.FinishReasonRecitation, genai.FinishReasonBlocklist, genai.FinishReasonProhibitedContent,
		genai.FinishReasonSPII, genai.FinishReasonImageSafety, genai.FinishReasonLanguage:
		return "", reject("blocked", "the answer was blocked (%s)", word(string(c.FinishReason)))
	default:
		return "", reject("unfinished", "the answer did not finish (%s)", word(string(c.FinishReason)))
	}
	var b strings.Builder
	if c.Content != nil {
		for _, part := range c.Content.Parts {
			if part != nil && !part.Thought {
				b.WriteString(part.Text)
			}
		}
	}
	text := strings.TrimSpace(b.String())
	switch {
	case text == "" || text == "{}" || text == "[]" || text == "null":
		return "", reject("empty", "the answer is empty")
	case !json.Valid([]byte(text)):
		return "", reject("not_json", "the answer is no JSON (%d characters)", len(text))
	}
	return text, nil
}

// word is s if it is the kind of word that reasons are, so that nothing else gets into a message.
func word(s string) string {
	if s == "" {
		return "no reason given"
	}
	for _, r := range s {
		if !(r >= 'A' && r <= 'Z' || r == '_' || r >= '0' && r <= '9') {
			return "unknown reason"
		}
	}
	return s[:min(len(s), 64)]
}

// Report is the connector's present condition.
func (m *Model) Report() connectors.Report { return m.gate.report() }

// Probe reads the model's description, which costs nothing.
func (m *Model) Probe(ctx context.Context) []connectors.Finding {
	var found []connectors.Finding
	if day, ok := retiring[strings.TrimPrefix(m.o.Model, "models/")]; ok {
		found = append(found, connectors.Finding{
			Code: "gemini.model_retiring", Severity: connectors.Warning,
			Message: m.o.Model + " closes on " + day, Fix: "set model.name to a newer one, for example gemini-3.5-flash-lite",
		})
	}
	_, err := m.client.Models.Get(ctx, m.o.Model, nil)
	if err == nil {
		m.gate.cleared()
		return append(found, connectors.Finding{Code: "gemini.ok", Severity: connectors.OK, Message: m.o.Model + " answers"})
	}
	e := m.classify(m.o.Name+": probe", err)
	f := connectors.Finding{Code: "gemini.unreachable", Severity: connectors.Failure, Message: e.Error(), Fix: e.Fix}
	switch e.Kind {
	case connectors.Auth:
		f.Code = "gemini.auth"
	case connectors.Config:
		f.Code = "gemini.config"
	case connectors.Quota, connectors.RateLimited:
		f.Code, f.Severity = "gemini.limited", connectors.Warning
	case connectors.Transient:
		f.Fix = "check the network, a proxy, and model.base_url"
	}
	return append(found, f)
}

// bearer puts a fresh access token on each request.
type bearer struct {
	under http.RoundTripper
	creds *auth.Credentials
}

func (b *bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	t, err := b.creds.Token(req.Context())
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, &tokenError{err}
	}
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+t.Value)
	return b.under.RoundTrip(req)
}

// tokenError is a failure to get an access token.
type tokenError struct{ err error }

func (e *tokenError) Error() string { return "get an access token: " + e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }

// newLimiter spreads requests evenly over the minute, with room for a burst of a tenth of it.
func newLimiter(rpm int) *rate.Limiter {
	if rpm <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Every(time.Minute/time.Duration(rpm)), max(1, rpm/10))
}

// readAll reads at most limit bytes and fails beyond.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("the answer is longer than %d bytes", limit)
	}
	return data, err
}
