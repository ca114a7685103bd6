package openai

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/modelkit"
)

// Type is an OpenAI-compatible server as a provider of models in the configuration.
var Type = connectors.ModelType{
	Settings: func() connectors.ModelSettings { return &Config{Timeout: 2 * time.Minute} },
	Priced: func(model string, own connectors.ModelPrices) (message, fix string) {
		if _, err := priceOf(model, modelkit.Prices(own)); err != nil {
			return err.Error(), fixPrice
		}
		return "", ""
	},
}

const fixPrice = "add what it costs to model.prices ([{model: NAME, in: 0.30, out: 2.50}], US dollars per million tokens), or write prices: free for a model on a machine of your own: without a price the daily budget cannot be kept"

// Config are the keys of a model of provider openai.
type Config struct {
	APIKey            connectors.Secret   `mapstructure:"api_key"` // a server of one's own may need none
	APIKeyFile        string              `mapstructure:"api_key_file"`
	BaseURL           string              `mapstructure:"base_url"`            // "" is the vendor's; a server's path ends in /v1 as a rule
	RequestsPerMinute int                 `mapstructure:"requests_per_minute"` // 0: as many as the server lets through
	Thinking          connectors.Thinking `mapstructure:"thinking"`            // "" leaves it to the model, which may know none
	Temperature       *float64            `mapstructure:"temperature"`
	Timeout           time.Duration       `mapstructure:"timeout"`
}

// Check implements connectors.Settings.
func (o *Config) Check(c *connectors.Check) {
	c.Whole("requests_per_minute", o.RequestsPerMinute, 0, 1e6, "write requests a minute; 0: as many as the server lets through")
	c.Span("timeout", o.Timeout, time.Second, time.Hour)
	if o.Temperature != nil {
		c.Between("temperature", *o.Temperature, 0, 2, "leave it out unless you have a reason")
	}
	o.Thinking.Check(c, "thinking")
	if o.BaseURL == "" {
		c.Secret("api_key", o.APIKey, "the API key", "write api_key_file: /etc/intentd/openai_key or api_key: ${OPENAI_API_KEY}; for a server of your own set base_url")
		return
	}
	c.PrivateURL("base_url", o.BaseURL)
}

// Open implements connectors.ModelSettings.
func (o *Config) Open(h connectors.ModelHost) (connectors.Model, error) {
	return New(Options{
		Model: h.Model, APIKey: o.APIKey.Reveal(), BaseURL: o.BaseURL, Temperature: o.Temperature, Thinking: o.Thinking, Prices: modelkit.Prices(h.Prices),
		Concurrency: h.Concurrency, RPM: o.RequestsPerMinute, Timeout: o.Timeout, HTTP: h.HTTP, Now: h.Now,
	})
}

// Disclose implements connectors.Discloser.
func (o *Config) Disclose() connectors.Disclosure {
	d := connectors.Disclosure{At: "api.openai.com", Way: connectors.Asked}
	if o.BaseURL != "" {
		d.At = connectors.HostOf(o.BaseURL)
	}
	return d
}
