package jsonl

import (
	"path/filepath"

	"github.com/intentd/intentd/connectors"
)

// Type is a source of JSON-lines files in the configuration.
var Type = connectors.SourceType{Poll: "@every 1m", Settings: func() connectors.Settings { return &Config{} }}

// Config are the keys of a source of type jsonl.
type Config struct {
	Path string `mapstructure:"path" kind:"path"` // a file, a directory or a pattern of names
}

// Check implements connectors.Settings.
func (o *Config) Check(c *connectors.Check) {
	if !c.Required("path", o.Path, "name a file of JSON lines, a directory of them, or a pattern such as events/*.jsonl") {
		return
	}
	found, err := filepath.Glob(o.Path)
	switch {
	case err != nil:
		c.Add("path", connectors.Quoted(o.Path)+" is no pattern of file names", "* stands for any part of a name; close each [")
	case len(found) == 0:
		c.Warn("path", "there is nothing at "+o.Path, "create it, or correct the path; the source stays empty until then")
	}
}

// Disclose implements connectors.Discloser.
func (o *Config) Disclose() connectors.Disclosure {
	return connectors.Disclosure{At: o.Path, Local: true, Way: connectors.Taken}
}

// Keeps implements connectors.Keeper.
func (o *Config) Keeps() string {
	return "the event files at " + o.Path + " are only read: delete the person's lines there"
}
