package gemini

import (
	"maps"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/modelkit"
)

// Type is Gemini as a provider of models in the configuration.
var Type = connectors.ModelType{
	Name: "gemini-3.5-flash-lite",
	Settings: func() connectors.ModelSettings {
		return &Config{Timeout: time.Minute, Thinking: connectors.Thinking{Stage1: "minimal", Stage2: "low"}}
	},
	Priced: func(model string, own connectors.ModelPrices) (message, fix string) {
		_, err := priceOf(model, modelkit.Prices(own))
		if err == nil {
			return "", ""
		}
		return err.Error(), connectors.Suggest(model, slices.Sorted(maps.Keys(builtin))) + "; for another one add its price to model.prices, so that the daily budget can be kept"
	},
}

// Config are the keys of a model of provider gemini.
type Config struct {
	APIKey            connectors.Secret   `mapstructure:"api_key"`
	APIKeyFile        string              `mapstructure:"api_key_file"`
	BaseURL           string              `mapstructure:"base_url"`
	Vertex            VertexConfig        `mapstructure:"vertex"`
	RequestsPerMinute int                 `mapstructure:"requests_per_minute"` // 0: as many as the vendor lets through
	Thinking          connectors.Thinking `mapstructure:"thinking"`
	Temperature       *float64            `mapstructure:"temperature"`
	Timeout           time.Duration       `mapstructure:"timeout"`
}

// VertexConfig reaches the model through a Google Cloud project instead of an API key.
type VertexConfig struct {
	Project         string `mapstructure:"project"`
	Location        string `mapstructure:"location"`
	CredentialsFile string `mapstructure:"credentials_file" kind:"path"` // "": the machine's default credentials
}

// Check implements connectors.Settings.
func (o *Config) Check(c *connectors.Check) {
	c.Whole("requests_per_minute", o.RequestsPerMinute, 0, 1e6, "write requests a minute; 0: as many as the vendor lets through")
	c.Span("timeout", o.Timeout, time.Second, time.Hour)
	if o.Temperature != nil {
		c.Between("temperature", *o.Temperature, 0, 2, "leave it out unless you have a reason")
	}
	o.Thinking.Check(c, "thinking")
	if o.BaseURL != "" {
		c.URL("base_url", o.BaseURL)
	}
	if o.Vertex == (VertexConfig{}) {
		c.Secret("api_key", o.APIKey, "the API key", "write api_key_file: /etc/intentd/gemini_key or api_key: ${GEMINI_API_KEY}; provider: rules needs none")
		return
	}
	c.Required("vertex.project", o.Vertex.Project, "name the Google Cloud project")
	c.Required("vertex.location", o.Vertex.Location, "name the region, for example europe-west4")
	if !o.APIKey.IsZero() {
		c.Add("api_key", "an API key and vertex exclude each other", "remove one of the two")
	}
}

// Open implements connectors.ModelSettings.
func (o *Config) Open(h connectors.ModelHost) (connectors.Model, error) {
	options := Options{
		Model: h.Model, APIKey: o.APIKey.Reveal(), BaseURL: o.BaseURL, Temperature: o.Temperature, Thinking: o.Thinking, Prices: modelkit.Prices(h.Prices),
		Concurrency: h.Concurrency, RPM: o.RequestsPerMinute, Timeout: o.Timeout, HTTP: h.HTTP, Now: h.Now, Logger: h.Logger,
	}
	if o.Vertex != (VertexConfig{}) {
		options.Vertex = &Vertex{Project: o.Vertex.Project, Location: o.Vertex.Location, CredentialsFile: o.Vertex.CredentialsFile}
	}
	return New(options)
}

// Disclose implements connectors.Discloser.
func (o *Config) Disclose() connectors.Disclosure {
	d := connectors.Disclosure{At: "generativelanguage.googleapis.com", Way: connectors.Asked}
	if o.Vertex.Project != "" {
		d.At = "Vertex AI, " + o.Vertex.Project + ", " + o.Vertex.Location
	}
	if o.BaseURL != "" {
		d.At = connectors.HostOf(o.BaseURL)
	}
	return d
}
