package warehouse

import (
	"embed"
	"maps"
	"slices"
	"strings"
	"time"
)

// A preset is the queries for a schema that many teams have: presets/NAME.DIALECT.QUERY.sql. {schema} in it stands for the configured
// one.
//
//go:embed presets/*.sql
var presets embed.FS

// sameSchema are presets that read the schema of another.
var sameSchema = map[string]string{"segment": "rudderstack"}

// rewritten is how far back a warehouse changes what it loaded: GA4 rewrites the tables of three days.
var rewritten = map[string]time.Duration{"ga4": 72 * time.Hour}

// ownDays is how far the days by which a preset's tables are named may be from those of UTC: GA4's are of the property's zone.
var ownDays = map[string]time.Duration{"ga4": 14 * time.Hour}

func preset(name, dialect, query, schema string) string {
	if of, ok := sameSchema[name]; ok {
		name = of
	}
	text, err := presets.ReadFile("presets/" + name + "." + dialect + "." + query + ".sql")
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(string(text), "{schema}", schema)
}

// presetFor says whether each of the queries stands in the preset, or was given.
func presetFor(queries []query) bool {
	return !slices.ContainsFunc(queries, func(q query) bool { return q.text == "" })
}

// presetNames are the presets there are, each once, sorted.
func presetNames() []string {
	files, _ := presets.ReadDir("presets")
	names := slices.Collect(maps.Keys(sameSchema))
	for _, f := range files {
		name, _, _ := strings.Cut(f.Name(), ".")
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
