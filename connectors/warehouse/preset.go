package warehouse

import (
	"cmp"
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

// habit is what a preset's tables are like, beyond their columns.
type habit struct {
	reread time.Duration // how far back the warehouse changes what it loaded, or loads what is of then
	late   time.Duration // how late rows usually come in by the column that the query asks by
	edge   time.Duration // how far the days by which tables are named may be from those of UTC
}

// habits are those of presets by dialect. GA4 rewrites the tables of three days, which are of the property's zone. PostHog's export and the loads of
// RudderStack and Segment on Snowflake have no time of loading.
var habits = map[string]habit{
	"ga4.bigquery":          {reread: 72 * time.Hour, edge: 14 * time.Hour},
	"posthog.bigquery":      {reread: 72 * time.Hour, late: 3 * time.Hour},
	"posthog.snowflake":     {reread: 72 * time.Hour, late: 3 * time.Hour},
	"rudderstack.snowflake": {reread: 48 * time.Hour, late: 3 * time.Hour},
}

func habitOf(name, dialect string) habit { return habits[cmp.Or(sameSchema[name], name)+"."+dialect] }

func preset(name, dialect, query, schema string) string {
	text, err := presets.ReadFile("presets/" + cmp.Or(sameSchema[name], name) + "." + dialect + "." + query + ".sql")
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
