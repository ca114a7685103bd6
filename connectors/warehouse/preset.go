package warehouse

import (
	"embed"
	"maps"
	"slices"
	"strings"
)

// A preset is a pair of queries for a schema that many teams have: presets/NAME.active.sql and NAME.journeys.sql, or NAME.DIALECT.… where the
// dialects differ.
//
//go:embed presets/*.sql
var presets embed.FS

// sameSchema are presets that read the schema of another.
var sameSchema = map[string]string{"segment": "rudderstack"}

func preset(name, dialect string) (active, journeys string) {
	if name == "" {
		return "", ""
	}
	if of, ok := sameSchema[name]; ok {
		name = of
	}
	read := func(query string) string {
		for _, file := range []string{name + "." + dialect + "." + query, name + "." + query} {
			if text, err := presets.ReadFile("presets/" + file + ".sql"); err == nil {
				return string(text)
			}
		}
		return ""
	}
	return read("active"), read("journeys")
}

func presetFor(name, dialect string) bool {
	active, journeys := preset(name, dialect)
	return active != "" && journeys != ""
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
