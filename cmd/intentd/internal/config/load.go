package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/intentd/intentd/connectors"
)

// maxSize bounds a config file; a larger one is something else given by mistake.
const maxSize = 4 << 20

// Load reads and checks the file at path, which may name the given types of connectors. The Config is usable if and only if the
// problems' Err is nil.
func Load(path string, types Types) (*Config, Problems) {
	f, err := os.Open(path)
	if err != nil {
		fix := "name the file with -c FILE; config.example.yaml is a start"
		if errors.Is(err, os.ErrPermission) {
			fix = "make it readable by the user intentd runs as"
		}
		return nil, Problems{{Message: "cannot read the config file " + path + ": " + reason(err), Fix: fix}}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, Problems{{Message: "cannot read the config file " + path + ": " + reason(err), Fix: "name a file, not a directory"}}
	}
	if len(data) > maxSize {
		return nil, Problems{{Message: "the config file " + path + " is larger than 4 MiB", Fix: "name intentd's own YAML file with -c"}}
	}
	return Read(data, path, types)
}

// Read checks what is, or would be, in the file at path.
func Read(data []byte, path string, types Types) (*Config, Problems) {
	return parse(data, filepath.Dir(path), types)
}

// Parse reads and checks a configuration whose paths are relative to the working directory.
func Parse(data []byte, types Types) (*Config, Problems) { return parse(data, ".", types) }

func parse(data []byte, dir string, types Types) (*Config, Problems) {
	c := &checker{dir: dir, types: types, expanded: map[string]bool{}, variables: map[string]bool{"INTENTD_CONFIG": true}}
	c.Check = connectors.NewCheck("", (*[]connectors.Problem)(&c.problems))
	cfg := Default()
	values := c.document(data)
	if !c.broken {
		c.decode(values, cfg)
		c.check(cfg)
		c.environment()
	}
	for i := range c.problems {
		if p := &c.problems[i]; p.Line == 0 {
			p.Line = c.line(p.Path)
		}
	}
	c.problems.sort()
	if c.problems.Err() != nil {
		return nil, c.problems
	}
	return cfg, c.problems
}

// checker gathers problems.
type checker struct {
	*connectors.Check // of the whole file
	problems          Problems
	dir               string // of the config file
	types             Types
	lines             map[string]int  // path, in lower case → line
	expanded          map[string]bool // paths whose value came out of the environment
	variables         map[string]bool // those of the environment that mean something here
	broken            bool            // nothing could be read: further checks would only tell about the defaults
}

// line is that of path, or of the nearest thing around it that stands in the file.
func (c *checker) line(path string) int {
	for p := strings.ToLower(path); p != ""; {
		if n, ok := c.lines[p]; ok {
			return n
		}
		cut := strings.LastIndexAny(p, ".[")
		if cut < 0 {
			return 0
		}
		p = p[:cut]
	}
	return 0
}

// has says whether path stands in the file.
func (c *checker) has(path string) bool { _, ok := c.lines[strings.ToLower(path)]; return ok }

var yamlLine = regexp.MustCompile(`line (\d+): `)

// document reads the YAML into nodes, notes their lines, reports keys given twice and replaces ${VARIABLE}s.
func (c *checker) document(data []byte) map[string]any {
	c.lines = map[string]int{}
	broken := func(err error) map[string]any {
		c.broken = true
		text := strings.TrimPrefix(err.Error(), "yaml: ")
		line := 0
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			line, _ = strconv.Atoi(m[1])
			text = strings.Replace(text, m[0], "", 1)
		}
		text = strings.TrimSpace(strings.TrimPrefix(text, "unmarshal errors:"))
		c.problems = append(c.problems, Problem{Line: line, Message: "not readable as YAML: " + text,
			Fix: "look at that line and the one above it: indent with spaces, a space after each colon, quotes around values that hold : or #, and around ${VARIABLE} within { }"})
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return map[string]any{} // empty: the defaults and the environment are checked
		}
		return broken(err)
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		if err != nil {
			return broken(err)
		}
		c.problems = append(c.problems, Problem{Line: second.Line, Message: "a second YAML document begins here", Fix: "remove the --- line: intentd reads one document"})
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return map[string]any{}
	}
	if root.Kind != yaml.MappingNode {
		c.broken = true
		c.problems = append(c.problems, Problem{Line: root.Line, Message: "the file does not begin with keys", Fix: "write sections such as \"crms:\" at the left margin"})
		return nil
	}
	c.walk(root, "")
	values := map[string]any{}
	if err := root.Decode(&values); err != nil {
		return broken(err)
	}
	return values
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

func (c *checker) walk(n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.MappingNode:
		var kept []*yaml.Node
		seen := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			at := join(path, key.Value)
			if key.Kind == yaml.ScalarNode && key.Tag != "!!merge" {
				// Keys are folded as the reader folds them: "Token" and "token" are one.
				if first, twice := seen[strings.ToLower(key.Value)]; twice {
					c.problems = append(c.problems, Problem{Path: at, Line: key.Line, Message: fmt.Sprintf("the key is given twice: first in line %d", first), Fix: "keep one of the two"})
					continue
				}
				seen[strings.ToLower(key.Value)] = key.Line
				c.lines[strings.ToLower(at)] = key.Line
			}
			c.walk(value, at)
			kept = append(kept, key, value)
		}
		n.Content = kept
	case yaml.SequenceNode:
		for i, item := range n.Content {
			at := path + "[" + strconv.Itoa(i) + "]"
			c.lines[strings.ToLower(at)] = item.Line
			c.walk(item, at)
		}
	case yaml.ScalarNode:
		if n.Tag != "!!str" || !strings.Contains(n.Value, "${") {
			return
		}
		n.Value = variable.ReplaceAllStringFunc(n.Value, func(ref string) string {
			name := ref[2 : len(ref)-1]
			c.variables[name] = true
			v, ok := os.LookupEnv(name)
			if !ok {
				c.problems = append(c.problems, Problem{Path: path, Line: n.Line, Message: "the environment variable " + name + " is not set", Fix: "set " + name + " where intentd is started (in the unit: Environment= or EnvironmentFile=)"})
			}
			c.expanded[path] = true
			return v
		})
	}
}

func join(path, key string) string {
	if path == "" || key == "" {
		return path + key
	}
	return path + "." + key
}
