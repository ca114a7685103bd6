package config

import (
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Whereabouts is the default configuration with the state path of a file that may have mistakes: enough to find the daemon that
// runs on it. Where a mistake makes the file unreadable as YAML, what stands above it is read. It checks nothing and reports
// nothing: Load does.
func Whereabouts(path string) *Config {
	cfg := Default()
	if data, err := os.ReadFile(path); err == nil && len(data) <= maxSize {
		var part struct{ State State }
		for text := string(data); text != ""; {
			if yaml.Unmarshal([]byte(text), &part) == nil {
				break
			}
			text = text[:max(0, strings.LastIndexByte(strings.TrimSuffix(text, "\n"), '\n'))]
		}
		if p := os.Expand(part.State.Path, os.Getenv); p != "" {
			cfg.State.Path = p
		}
	}
	cfg.State.Path, _ = resolve(filepath.Dir(path), cfg.State.Path)
	if p := os.Getenv("INTENTD_STATE_PATH"); p != "" {
		cfg.State.Path = p
	}
	return cfg
}
