package gemini

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"google.golang.org/genai"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/modelkit"
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
	// Temperature, Thinking: unset leaves them to the model.
	Temperature *float64
	Thinking    connectors.Thinking
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
	*modelkit.Model
	o      Options
	client *genai.Client
	jobs   sync.Map // token → name at the vendor's, as far as met
}

var (
	_ connectors.Model     = (*Model)(nil)
	_ connectors.Prober    = (*Model)(nil)
	_ connectors.Reporter  = (*Model)(nil)
	_ connectors.Releaser  = (*Model)(nil)
	_ connectors.Capable   = (*Model)(nil)
	_ connectors.Estimator = (*Model)(nil)
	_ connectors.Batcher   = (*Model)(nil)
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
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.HTTP == nil {
		o.HTTP = modelkit.Transport(o.Concurrency)
	}
	o.Model = strings.TrimSpace(o.Model)
	if o.Model == "" || strings.ContainsAny(o.Model, " ?#") {
		return nil, fail("set model.name, for example gemini-3.5-flash-lite", "the model's name %q cannot be", o.Model)
	}
	price, err := priceOf(o.Model, o.Prices)
	if err != nil {
		return nil, fail("set model.prices for it, so that the daily budget can be kept", "%v", err)
	}
	for _, purpose := range []string{"stage1", "stage2"} {
		if _, err := thinking(o.Model, o.Thinking.For(purpose)); err != nil {
			return nil, fail("set model.thinking to minimal, low, medium, high or a number of tokens", "%v", err)
		}
	}
	m := &Model{o: o, Model: modelkit.New(modelkit.Options{
		Name: o.Name, Model: o.Model, Price: price, Concurrency: o.Concurrency, RPM: o.RPM, Retries: o.Retries, Timeout: o.Timeout, MaxWait: o.MaxWait,
		HTTP: o.HTTP, Jitter: o.Jitter, Now: o.Now, Wait: wait(o.Now), Settings: settings,
	})}
	m.Ask = m.ask
	cc := &genai.ClientConfig{Backend: genai.BackendGeminiAPI, APIKey: o.APIKey}
	var bear func(http.RoundTripper) http.RoundTripper
	if v := o.Vertex; v != nil {
		if v.Project == "" || v.Location == "" {
			return nil, fail("set model.vertex.project and model.vertex.location", "Vertex AI needs a project and a location")
		}
		creds, err := credentials.DetectDefault(&credentials.DetectOptions{
			Scopes: []string{"https://www.googleapis.com/auth/cloud-platform"}, CredentialsFile: v.CredentialsFile,
			Client: &http.Client{Transport: o.HTTP, Timeout: cmp.Or(o.Timeout, time.Minute)},
		})
		if err != nil {
			return nil, fail("set model.vertex.credentials_file or run where default credentials exist", "no usable Google Cloud credentials: %s", modelkit.Clean(err.Error(), o.APIKey))
		}
		bear = func(under http.RoundTripper) http.RoundTripper { return &bearer{under: under, creds: creds} }
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
	cc.HTTPClient = m.Client(bear)
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

// budgets are the levels in tokens of thought, for models from before levels. They are the vendor's own for its interface in OpenAI's
// form, but minimal: there it is 1,024, where these models can do without.
var budgets = map[string]int32{"minimal": 0, "low": 1024, "medium": 8192, "high": 24576}

// thinking is what a level is for a model. Those of before 2.5 do not think; the pro ones cannot leave it.
func thinking(model, level string) (*genai.ThinkingConfig, error) {
	if level == "" {
		return nil, nil
	}
	tokens, known := budgets[level]
	if !known {
		n, err := strconv.ParseInt(level, 10, 32)
		if err != nil || n < -1 {
			return nil, fmt.Errorf("thinking %q is no level", level)
		}
		tokens = int32(n)
		return &genai.ThinkingConfig{ThinkingBudget: &tokens}, nil
	}
	name := strings.TrimPrefix(model, "models/")
	pro := strings.Contains(name, "-pro")
	switch {
	case !strings.HasPrefix(name, "gemini-"), strings.HasPrefix(name, "gemini-1"), strings.HasPrefix(name, "gemini-2.0"):
		return nil, nil
	case strings.HasPrefix(name, "gemini-2.5"):
		if pro {
			tokens = max(tokens, 128)
		}
		return &genai.ThinkingConfig{ThinkingBudget: &tokens}, nil
	case pro && level == "minimal":
		level = "low"
	}
	return &genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevel(strings.ToUpper(level))}, nil
}

// ask sends one prompt.
func (m *Model) ask(ctx context.Context, op string, p connectors.Prompt) (modelkit.Reply, *connectors.Error) {
	resp, err := m.client.Models.GenerateContent(ctx, m.o.Model, contents(p), m.config(p))
	if err != nil {
		return modelkit.Reply{}, m.classify(op, err)
	}
	return reply(op, resp), nil
}

func contents(p connectors.Prompt) []*genai.Content {
	c := &genai.Content{Role: "user", Parts: []*genai.Part{{Text: p.User}}}
	for _, img := range p.Images {
		c.Parts = append(c.Parts, genai.NewPartFromBytes(img.Data, img.MIME))
	}
	return []*genai.Content{c}
}

// Can implements connectors.Capable: all models of the price list read pictures and keep to a schema and a length.
func (m *Model) Can(context.Context) (connectors.Abilities, error) {
	return connectors.Abilities{Images: true, Schema: connectors.SchemaStrict, Bound: true, Batch: m.Batching() != nil, Cache: true}, nil
}

func (m *Model) config(p connectors.Prompt) *genai.GenerateContentConfig {
	off := false
	c := &genai.GenerateContentConfig{
		ResponseMIMEType:      "application/json",
		MaxOutputTokens:       int32(min(p.MaxTokens, 1<<20)),
		AutomaticContinuation: &off,
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
	c.ThinkingConfig, _ = thinking(m.o.Model, m.o.Thinking.For(p.Purpose)) // checked by New
	return c
}

// reply is the text of a response, and why it may be no whole answer. A response without a reason for its end is taken for finished.
func reply(op string, resp *genai.GenerateContentResponse) modelkit.Reply {
	var r modelkit.Reply
	if md := resp.UsageMetadata; md != nil {
		r.Usage = connectors.Usage{
			In: int(md.PromptTokenCount), Out: int(md.CandidatesTokenCount), Thoughts: int(md.ThoughtsTokenCount), Cached: int(md.CachedContentTokenCount),
		}
	}
	if f := resp.PromptFeedback; f != nil && f.BlockReason != "" && f.BlockReason != genai.BlockedReasonUnspecified {
		r.Doubt = modelkit.Unusable(op, "blocked", "the prompt was blocked (%s)", modelkit.Word(string(f.BlockReason)))
		return r
	}
	if len(resp.Candidates) == 0 || resp.Candidates[0] == nil {
		r.Doubt = modelkit.Unusable(op, "empty", "no answer came back")
		return r
	}
	c := resp.Candidates[0]
	switch c.FinishReason {
	case genai.FinishReasonStop, genai.FinishReasonUnspecified, "":
	case genai.FinishReasonMaxTokens:
		r.Doubt = modelkit.Unusable(op, "cut", "the answer was cut at its length limit")
	case genai.FinishReasonSafety, genai.FinishReasonRecitation, genai.FinishReasonBlocklist, genai.FinishReasonProhibitedContent,
		genai.FinishReasonSPII, genai.FinishReasonImageSafety, genai.FinishReasonLanguage:
		r.Doubt = modelkit.Unusable(op, "blocked", "the answer was blocked (%s)", modelkit.Word(string(c.FinishReason)))
		return r // what there is of it is not to be used
	default:
		r.Doubt = modelkit.Unusable(op, "unfinished", "the answer did not finish (%s)", modelkit.Word(string(c.FinishReason)))
	}
	if c.Content == nil {
		return r
	}
	var b strings.Builder
	for _, part := range c.Content.Parts {
		if part != nil && !part.Thought {
			b.WriteString(part.Text)
		}
	}
	r.Text = b.String()
	return r
}

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
		m.Probed()
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
		return nil, &modelkit.Final{Err: &tokenError{err}}
	}
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+t.Value)
	return b.under.RoundTrip(req)
}

// tokenError is a failure to get an access token.
type tokenError struct{ err error }

func (e *tokenError) Error() string { return "get an access token: " + e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }
