package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// SimulateArguments are part of a configuration, as YAML.
type SimulateArguments struct {
	Change string `json:"change"`
}

// Simulate is PlanAgainst for who has a few keys and no file: they are laid over the config file. Only keys that say how scores are made of
// what is stored are taken: nothing that is asked here may name a file, a host or a variable.
var Simulate = operation("simulate", func(a *App, ctx context.Context, arg SimulateArguments) (*Effect, error) {
	text, err := os.ReadFile(a.o.Path)
	if err != nil {
		return nil, fmt.Errorf("read the config file: %w", err)
	}
	text, err = overlay(text, arg.Change)
	if err != nil {
		return nil, err
	}
	path, err := filepath.Abs(a.o.Path)
	if err != nil {
		return nil, err
	}
	return a.planAgainst(ctx, EffectArguments{Against: File{Text: string(text), Path: path}})
})

// sections are what a change may be of.
var sections = []string{"scoring", "verdicts"}

// overlay lays a change over a config file.
func overlay(file []byte, change string) ([]byte, error) {
	var over, all map[string]any
	if strings.Contains(change, "$") {
		return nil, errors.New("the change names a variable: write the value itself")
	}
	if err := yaml.Unmarshal([]byte(change), &over); err != nil {
		return nil, fmt.Errorf("the change is no YAML: %w", err)
	}
	if len(over) == 0 {
		return nil, errors.New("the change is empty: write keys below scoring or verdicts, for example scoring: {tiers: {high: 70}}")
	}
	for _, key := range slices.Sorted(maps.Keys(over)) {
		if !slices.Contains(sections, key) {
			return nil, fmt.Errorf("%s cannot be changed here: only keys below scoring and verdicts can", key)
		}
	}
	if err := yaml.Unmarshal(file, &all); err != nil {
		return nil, errors.New("the config file cannot be read")
	}
	merge(all, over)
	return yaml.Marshal(all)
}

func merge(into, from map[string]any) {
	for key, v := range from {
		below, isMap := v.(map[string]any)
		have, had := into[key].(map[string]any)
		if isMap && had {
			merge(have, below)
			continue
		}
		into[key] = v
	}
}
