// Package disclosure tells of a configuration what personal data it has intentd read, send and keep: the facts for a record of
// processing activities (Article 30 of the GDPR), for a data-protection impact assessment (Article 35) and for a works council.
//
// The documents are Markdown, from a template in each language. What a connector reads it says itself ([connectors.Discloser]); the
// rest comes from the configuration. No document holds a secret.
package disclosure

import (
	"embed"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
)

// Languages are those there is a document in.
var Languages = []string{"en", "de"}

//go:embed en.md.tmpl de.md.tmpl
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"days": func(d time.Duration) int { return int(d / (24 * time.Hour)) },
	"code": func(texts []string) string { return "`" + strings.Join(texts, "`, `") + "`" },
	"list": func(texts []string) string { return strings.Join(texts, ", ") },
	"verdicts": func(v config.Verdicts) []setAside {
		return []setAside{{"not_now", v.NotNow}, {"not_interested", v.NotInterested}, {"wrong_person", v.WrongPerson}}
	},
	"cell": func(text string) string { return strings.ReplaceAll(text, "|", `\|`) },
}).ParseFS(files, "*.md.tmpl"))

// facts are what the templates speak of.
type facts struct {
	*config.Config
	File    string // of the configuration
	CRMs    []system
	Sources []system
	Reader  *system // the model; nil: texts come from rules, and none is asked
}

// TellsOwners says whether a channel writes to the owners of records.
func (f facts) TellsOwners() bool {
	return slices.ContainsFunc(f.Alerts, func(a config.Alert) bool { return a.Owner })
}

// setAside is for how long a rep's verdict sets a person aside; 0: not at all.
type setAside struct {
	Name string
	For  time.Duration
}

// system is somebody that intentd deals with.
type system struct {
	connectors.Disclosure
	Name, Type string
	Writes     []string // properties that are written to
	Own        bool     // the CRM's own record of what people did is read, too
	Profile    []string // properties whose past is read where it is learned from
}

// Kept says that events of a source are copied into the event store.
func (s system) Kept() bool { return s.Way != connectors.Asked }

// Document is what cfg, which was read from file, has intentd do with personal data, in one of [Languages].
func Document(cfg *config.Config, file, language string) (string, error) {
	if !slices.Contains(Languages, language) {
		return "", fmt.Errorf("there is no document in %q: choose %s", language, strings.Join(Languages, " or "))
	}
	var out strings.Builder
	err := templates.ExecuteTemplate(&out, language+".md.tmpl", factsOf(cfg, file))
	return out.String(), err
}

func factsOf(cfg *config.Config, file string) facts {
	own := *cfg
	own.State.Path, own.Clickstream.Dir = beside(file, cfg.State.Path), beside(file, cfg.Clickstream.Dir)
	f := facts{Config: &own, File: filepath.Base(file)}
	for _, c := range cfg.CRMs {
		s := told(c.Name, c.Type, c.Settings)
		for _, by := range c.Identify {
			s.Reads = append(s.Reads, by.Property)
		}
		if c.Consent.Property != "" {
			s.Reads = append(s.Reads, c.Consent.Property)
		}
		for _, by := range slices.Concat(cfg.Write.Scope.List, cfg.Privacy.CustomerFields) {
			s.Reads = append(s.Reads, by.Property)
		}
		s.Reads = append(s.Reads, cfg.FitProperties(c.Name)...)
		s.Reads, s.Profile = append(s.Reads, c.LearningProfile...), c.LearningProfile
		for _, field := range cfg.OwnFields().Fields {
			property, named := c.Fields[field.Name]
			if !named && s.Property != nil {
				property = s.Property(field.Name)
			}
			if property == "" {
				continue
			}
			if field.RepEdits {
				s.Reads = append(s.Reads, property)
			} else {
				s.Writes = append(s.Writes, property)
			}
		}
		slices.Sort(s.Reads)
		s.Reads = slices.Compact(s.Reads)
		s.Own = len(c.Settings.OwnSources(c.Name)) > len(s.Feeds)
		f.CRMs = append(f.CRMs, s)
	}
	for _, c := range cfg.Sources {
		s := told(c.Name, c.Type, c.Settings)
		if s.Local {
			s.At = beside(file, s.At)
		}
		f.Sources = append(f.Sources, s)
	}
	if cfg.Model.Settings != nil {
		s := told(cfg.Model.Name, cfg.Model.Provider, cfg.Model.Settings)
		f.Reader = &s
	}
	return f
}

func told(name, kind string, settings connectors.Settings) system {
	s := system{Name: name, Type: kind}
	if d, ok := settings.(connectors.Discloser); ok {
		s.Disclosure = d.Disclose()
	}
	return s
}

// beside is a path as the configuration at file may have it: relative, where that is no detour.
func beside(file, path string) string {
	abs, err := filepath.Abs(file)
	if err != nil || !filepath.IsAbs(path) {
		return path
	}
	if rel, err := filepath.Rel(filepath.Dir(abs), path); err == nil && filepath.IsLocal(rel) {
		return "./" + filepath.ToSlash(rel)
	}
	return path
}
