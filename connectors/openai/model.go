package openai

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/modelkit"
)

// Price is what a model costs, in US dollars per million tokens.
type Price = modelkit.Price

// vendorURL is where OpenAI itself answers.
const vendorURL = "https://api.openai.com/v1/"

// Options of a model. Defaults stand in parentheses.
type Options struct {
	Name    string // of the connector, for errors ("openai")
	Model   string // required
	APIKey  string // "": none is sent
	BaseURL string // (OpenAI's)
	// Temperature, Thinking: unset leaves them to the model. A thinking level goes out as reasoning_effort.
	Temperature *float64
	Thinking    connectors.Thinking
	Prices      map[string]Price // by model, or for connectors.AnyModel; one of the two is required
	Concurrency int              // calls at once (8)
	RPM         int              // requests a minute; 0: as many as the server lets through
	Retries     int              // repetitions of a failed request (3); below 0: none
	Timeout     time.Duration    // of one request (1 min)
	MaxWait     time.Duration    // longest wait for a limit within a call (90 s)
	HTTP        http.RoundTripper
	Jitter      func() float64 // in [0, 1), spreads retries (math/rand)
	Now         func() time.Time
}

// Model is one model of a server's. Safe for concurrent use.
type Model struct {
	*modelkit.Model
	o      Options
	url    string // of the call
	client *http.Client
	habits atomic.Pointer[habits] // nil until they were found out
	asking chan struct{}          // holds one: whoever finds them out
}

var (
	_ connectors.Model     = (*Model)(nil)
	_ connectors.Prober    = (*Model)(nil)
	_ connectors.Reporter  = (*Model)(nil)
	_ connectors.Releaser  = (*Model)(nil)
	_ connectors.Capable   = (*Model)(nil)
	_ connectors.Estimator = (*Model)(nil)
)

// settings are what makes every prompt wrong.
const settings = "model.name, model.thinking, model.temperature and model.base_url"

// New makes a model. It makes no request. Its errors are of kind Config.
func New(o Options) (*Model, error) {
	if o.Name == "" {
		o.Name = "openai"
	}
	fail := func(fix, format string, args ...any) error {
		e := connectors.Errorf(connectors.Config, o.Name+": set up", format, args...)
		e.Fix = fix
		return e
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Model = strings.TrimSpace(o.Model); o.Model == "" {
		return nil, fail("set model.name as the server names it", "the model has no name")
	}
	price, err := priceOf(o.Model, o.Prices)
	if err != nil {
		return nil, fail(fixPrice, "%v", err)
	}
	if strings.ContainsAny(o.APIKey, " \r\n\t") {
		return nil, fail("set model.api_key_file", "the API key holds white space")
	}
	base := o.BaseURL
	if base == "" {
		base = vendorURL
	}
	var problems []connectors.Problem
	if !connectors.NewCheck("model", &problems).PrivateURL("base_url", base) {
		return nil, fail(problems[0].Fix, "base_url %s", problems[0].Message)
	}
	if o.HTTP == nil {
		o.HTTP = transport(base, o.Concurrency)
	}
	m := &Model{o: o, asking: make(chan struct{}, 1), Model: modelkit.New(modelkit.Options{
		Name: o.Name, Model: o.Model, Price: price, Concurrency: o.Concurrency, RPM: o.RPM, Retries: o.Retries, Timeout: o.Timeout, MaxWait: o.MaxWait,
		HTTP: o.HTTP, Jitter: o.Jitter, Now: o.Now, Wait: wait, Settings: settings,
	})}
	m.Ask = m.ask
	m.url, m.client = strings.TrimSuffix(base, "/")+"/chat/completions", m.Client(nil)
	return m, nil
}

func priceOf(model string, own map[string]Price) (Price, error) {
	p, ok := own[model]
	if !ok {
		p, ok = own[connectors.AnyModel]
	}
	switch {
	case !ok:
		return Price{}, fmt.Errorf("no price is known for %s", model)
	case !p.Valid():
		return Price{}, fmt.Errorf("the price of %s is negative", model)
	}
	return p, nil
}

// ask sends one prompt in the way the server likes.
func (m *Model) ask(ctx context.Context, op string, p connectors.Prompt) (modelkit.Reply, *connectors.Error) {
	h, e := m.learn(ctx, op, false)
	if e != nil {
		return modelkit.Reply{}, e
	}
	return m.send(ctx, op, p, *h)
}

func (m *Model) send(ctx context.Context, op string, p connectors.Prompt, h habits) (modelkit.Reply, *connectors.Error) {
	res, err := m.complete(ctx, m.request(p, h))
	if err != nil {
		return modelkit.Reply{}, m.classify(op, err)
	}
	return reply(op, res), nil
}

func (m *Model) request(p connectors.Prompt, h habits) request {
	c := request{Model: m.o.Model, Temperature: m.o.Temperature}
	system := p.System
	switch {
	case len(p.Schema) == 0:
	case h.Schema == connectors.SchemaStrict:
		c.ResponseFormat = &format{Type: "json_schema", JSONSchema: &schema{Name: "answer", Strict: true, Schema: strictSchema(p.Schema)}}
	default:
		system += "\n\nAnswer with one JSON object of this JSON schema, and nothing else:\n" + string(p.Schema)
		if h.Schema == connectors.SchemaJSON {
			c.ResponseFormat = &format{Type: "json_object"}
		}
	}
	if system = strings.TrimSpace(system); system != "" {
		c.Messages = append(c.Messages, message{"system", system})
	}
	if len(p.Images) == 0 {
		c.Messages = append(c.Messages, message{"user", p.User})
	} else {
		parts := []part{{Type: "text", Text: p.User}}
		for _, img := range p.Images {
			parts = append(parts, part{Type: "image_url", ImageURL: &picture{"data:" + img.MIME + ";base64," + base64.StdEncoding.EncodeToString(img.Data)}})
		}
		c.Messages = append(c.Messages, message{"user", parts})
	}
	if p.MaxTokens > 0 {
		switch h.bound {
		case maxCompletionTokens:
			c.MaxCompletionTokens = p.MaxTokens
		case maxTokens:
			c.MaxTokens = p.MaxTokens
		}
	}
	if level := m.o.Thinking.For(p.Purpose); level != "" {
		c.ReasoningEffort = effort(level)
	}
	return c
}

// effort is a thinking level as the interface names it. A number of tokens is what Google's own interface of this form takes it for.
func effort(level string) string {
	n, err := strconv.Atoi(level)
	switch {
	case err != nil:
		return level
	case n == 0:
		return "none"
	case n <= 1024:
		return "low"
	case n <= 8192:
		return "medium"
	}
	return "high"
}

// reply is the text of a completion, and why it may be no whole answer. One without a reason for its end is taken for finished.
func reply(op string, res *completion) modelkit.Reply {
	u := res.Usage
	thoughts := min(max(0, u.CompletionTokensDetails.ReasoningTokens), max(0, u.CompletionTokens))
	r := modelkit.Reply{Usage: connectors.Usage{ // completion tokens include the thoughts
		In: u.PromptTokens, Out: u.CompletionTokens - thoughts, Thoughts: thoughts, Cached: u.PromptTokensDetails.CachedTokens,
	}}
	if len(res.Choices) == 0 {
		r.Doubt = modelkit.Unusable(op, "empty", "no answer came back")
		return r
	}
	c := res.Choices[0]
	switch {
	case c.FinishReason == "content_filter", c.Message.Refusal != "" && c.Message.Content == "":
		r.Doubt = modelkit.Unusable(op, "blocked", "the answer was blocked (%s)", modelkit.Word(c.FinishReason))
		return r // what there is of it is not to be used
	case c.FinishReason == "length":
		r.Doubt = modelkit.Unusable(op, "cut", "the answer was cut at its length limit")
	case c.FinishReason != "stop" && c.FinishReason != "":
		r.Doubt = modelkit.Unusable(op, "unfinished", "the answer did not finish (%s)", modelkit.Word(c.FinishReason))
	}
	r.Text = c.Message.Content
	return r
}

// strictSchema is a schema in the subset that strict answers are made by: every object names all its properties and no further ones, and
// counts are left to whoever reads the answer. A schema that cannot be read is sent as it is.
func strictSchema(raw json.RawMessage) any {
	var v map[string]any
	if json.Unmarshal(raw, &v) != nil {
		return raw
	}
	tighten(v)
	return v
}

func tighten(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			tighten(e)
		}
	case map[string]any:
		props, isObject := v["properties"].(map[string]any)
		if isObject && v["type"] == "object" {
			names := []string{}
			for name := range props {
				names = append(names, name)
			}
			slices.Sort(names)
			v["required"], v["additionalProperties"] = names, false
		}
		for _, key := range []string{"propertyOrdering", "minItems", "maxItems"} {
			if _, isSchema := v[key].(map[string]any); !isSchema { // a property may have that name
				delete(v, key)
			}
		}
		for _, e := range v {
			tighten(e)
		}
	}
}
