package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

// maxSize bounds a config file; a larger one is something else given by mistake.
const maxSize = 4 << 20

// Load reads and checks the file at path. The Config is usable if and only if the problems' Err is nil.
func Load(path string) (*Config, Problems) {
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
	return Parse(data)
}

// Parse reads and checks a configuration.
func Parse(data []byte) (*Config, Problems) {
	c := &checker{expanded: map[string]bool{}, unset: map[string]bool{}, variables: map[string]bool{"INTENTD_CONFIG": true}}
	cfg := Default()
	values := c.document(data)
	if !c.broken {
		c.decode(values, cfg)
		c.check(cfg)
		c.environment()
	}
	c.problems.sort()
	if c.problems.Err() != nil {
		return nil, c.problems
	}
	return cfg, c.problems
}

// checker gathers problems.
type checker struct {
	problems Problems
	lines    map[string]int  // path, in lower case → line
	expanded map[string]bool // paths whose value came out of the environment
	// variables are those of the environment that mean something here.
	variables map[string]bool
	unset     map[string]bool // paths whose ${VARIABLE} is not set: told once, not again as missing
	broken    bool            // nothing could be read: further checks would only tell about the defaults
}

func (c *checker) add(path, message, fix string) {
	c.problems = append(c.problems, Problem{Path: path, Line: c.line(path), Message: message, Fix: fix})
}

func (c *checker) warn(path, message, fix string) {
	c.problems = append(c.problems, Problem{Path: path, Line: c.line(path), Message: message, Fix: fix, Warning: true})
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

func (c *checker) told(path string) bool {
	for _, p := range c.problems {
		if !p.Warning && (p.Path == path || p.Path == path+"_file") {
			return true
		}
	}
	return false
}

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
			Fix: "look at that line and the one above it: indent with spaces, a space after each colon, quotes around values that hold : or #"})
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
				c.unset[path] = true
			}
			c.expanded[path] = true
			return v
		})
	}
}

// decode lays the environment over the values and reads both into cfg.
func (c *checker) decode(values map[string]any, cfg *Config) {
	v := viper.NewWithOptions(viper.KeyDelimiter("."), viper.EnvKeyReplacer(strings.NewReplacer(".", "_")))
	v.SetEnvPrefix("intentd")
	c.bindEnv(v, reflect.TypeFor[Config](), "")
	if err := v.MergeConfigMap(values); err != nil {
		c.add("", err.Error(), "")
		return
	}
	c.into("", func(opts ...viper.DecoderConfigOption) error { return v.Unmarshal(cfg, opts...) }, reflect.TypeFor[Config]())
	c.hollow(values, nil)
	for i := range cfg.CRMs {
		crm := &cfg.CRMs[i]
		crm.Options = c.options(fmt.Sprintf("crms[%d]", i), crm.Type, crmTypes, crm.Rest, reflect.TypeFor[CRM](), &crm.Poll)
		crm.Rest = nil
	}
	for i := range cfg.Sources {
		src := &cfg.Sources[i]
		src.Options = c.options(fmt.Sprintf("sources[%d]", i), src.Type, sourceTypes, src.Rest, reflect.TypeFor[Source](), &src.Poll)
		src.Rest = nil
	}
}

// options reads the keys of one connector that belong to its type. It is nil, with a problem told, where the type is unknown.
func (c *checker) options(at, name string, types []connectorType, rest map[string]any, common reflect.Type, poll *string) any {
	t, ok := typeNamed(types, name)
	if !ok {
		if name == "" {
			c.add(join(at, "type"), "missing", "write type: "+strings.Join(typeNames(types), " or "))
		} else {
			c.add(join(at, "type"), strconv.Quote(name)+" is no known type", suggest(name, typeNames(types)))
		}
		return nil
	}
	if *poll == "" {
		*poll = t.poll
	}
	options := t.defaults()
	c.into(at, func(opts ...viper.DecoderConfigOption) error {
		dc := &mapstructure.DecoderConfig{Result: options}
		for _, opt := range opts {
			opt(dc)
		}
		d, err := mapstructure.NewDecoder(dc)
		if err != nil {
			return err
		}
		return d.Decode(rest)
	}, reflect.TypeOf(options).Elem(), common)
	return options
}

// into runs one decoding and turns what it left unread or could not read into problems. The types say which keys there are.
func (c *checker) into(at string, decode func(...viper.DecoderConfigOption) error, types ...reflect.Type) {
	var md mapstructure.Metadata
	err := decode(func(dc *mapstructure.DecoderConfig) {
		dc.Metadata = &md
		dc.WeaklyTypedInput = false
		dc.DecodeHook = mapstructure.DecodeHookFuncType(convert)
	})
	for _, key := range md.Unused {
		path := join(at, key)
		c.add(path, "unknown key", suggestKey(key, types))
	}
	c.decodeErrors(at, err)
}

// hollow reports unknown keys that hold nothing: the reader drops them before it looks at their names. Lists hold theirs.
func (c *checker) hollow(values map[string]any, path []string) {
	known := keysOf(reflect.TypeFor[Config](), path)
	for _, key := range sortedKeys(values) {
		below, isMap := values[key].(map[string]any)
		name := strings.ToLower(key)
		if slices.Contains(known, name) {
			c.hollow(below, append(slices.Clone(path), name))
			continue
		}
		at := strings.Join(append(slices.Clone(path), key), ".")
		if len(known) > 0 && len(below) == 0 && (isMap || values[key] == nil) && !c.told(at) {
			c.add(at, "unknown key", suggestKey(at, []reflect.Type{reflect.TypeFor[Config]()}))
		}
	}
}

func (c *checker) decodeErrors(at string, err error) {
	if err == nil {
		return
	}
	var named *mapstructure.DecodeError
	switch e := err.(type) {
	case *mapstructure.DecodeError:
		named = e
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			c.decodeErrors(at, one)
		}
		return
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			c.decodeErrors(at, inner)
			return
		}
	}
	if named == nil {
		c.add(at, err.Error(), "")
		return
	}
	// An outer name with joined errors below only repeats where they are.
	if many, ok := named.Unwrap().(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			c.decodeErrors(at, one)
		}
		return
	}
	path := join(at, mapIndex.ReplaceAllString(named.Name(), ".$1"))
	var bad *badValue
	var wrong *mapstructure.UnconvertibleTypeError
	switch {
	case errors.As(named.Unwrap(), &bad):
		c.add(path, bad.message, bad.fix)
	case errors.As(named.Unwrap(), &wrong):
		c.add(path, "is "+kindName(reflect.TypeOf(wrong.Value))+", not "+kindName(wrong.Expected.Type()), shapeFix(wrong.Expected.Type()))
	default:
		c.add(path, named.Unwrap().Error(), "")
	}
}

// mapIndex is how the decoder writes a key of a map: strengths[hand_raise].
var mapIndex = regexp.MustCompile(`\[([^\]0-9][^\]]*)\]`)

// badValue is a value of the right shape that means nothing.
type badValue struct{ message, fix string }

func (b *badValue) Error() string { return b.message }

// convert is the decode hook: durations with days, secrets, numbers out of the environment, one value where a list may stand.
// Everything else must have the type the key asks for.
func convert(from, to reflect.Type, data any) (any, error) {
	if to == secretType {
		switch v := data.(type) {
		case string:
			return Secret{strings.TrimSpace(v)}, nil
		case int, int64, uint64:
			return Secret{fmt.Sprint(v)}, nil
		}
		return nil, &badValue{"is " + kindName(from) + ", not a text", "put the secret in quotes"}
	}
	text, isText := data.(string)
	shape := to
	if shape.Kind() == reflect.Pointer {
		shape = shape.Elem()
	}
	switch {
	case (shape.Kind() == reflect.Struct || shape.Kind() == reflect.Map) && from.Kind() != reflect.Map:
		return nil, &badValue{"is " + kindName(from) + ", not a set of keys", shapeFix(shape)}
	case shape.Kind() == reflect.Slice && from.Kind() == reflect.Map:
		return nil, &badValue{"is a set of keys, not a list", shapeFix(shape)}
	case to == reflect.TypeFor[time.Duration]():
		if !isText {
			if n, ok := data.(int); ok && n == 0 {
				return time.Duration(0), nil
			}
			return nil, &badValue{"a duration needs a unit", "write for example 30m, 12h or 90d"}
		}
		d, err := ParseDuration(text)
		if err != nil {
			return nil, &badValue{err.Error(), "write for example 30m, 12h or 90d"}
		}
		return d, nil
	case to.Kind() == reflect.Slice && (from.Kind() == reflect.String || from.Kind() == reflect.Int) && to.Elem().Kind() == reflect.String:
		return []string{fmt.Sprint(data)}, nil
	case to.Kind() == reflect.String && !isText:
		switch from.Kind() {
		case reflect.Int, reflect.Int64, reflect.Uint64:
			return fmt.Sprint(data), nil
		case reflect.Bool:
			return nil, &badValue{"is a truth value, not a text", "put it in quotes"}
		}
	case to.Kind() == reflect.Int && from.Kind() == reflect.Float64:
		if f := data.(float64); f != float64(int(f)) {
			return nil, &badValue{"is not a whole number", "write it without decimals"}
		}
	case to.Kind() == reflect.Bool && isText:
		if b, err := strconv.ParseBool(text); err == nil {
			return b, nil
		}
		return nil, &badValue{strconv.Quote(cutText(text)) + " is neither true nor false", "write true or false"}
	case to.Kind() == reflect.Int && isText:
		if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
			return n, nil
		}
		return nil, &badValue{strconv.Quote(cutText(text)) + " is not a whole number", "write digits only"}
	case to.Kind() == reflect.Float64 && isText:
		if f, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil {
			return f, nil
		}
		return nil, &badValue{strconv.Quote(cutText(text)) + " is not a number", "write a number such as 0.8"}
	}
	return data, nil
}

// cutText keeps a value that was given for another from filling the screen.
func cutText(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

var durationPart = regexp.MustCompile(`^(\d+(?:\.\d+)?)(w|d|h|ms|m|s)`)

// ParseDuration reads "90d", "1w", "1d12h", "30m". A day has 24 hours.
func ParseDuration(s string) (time.Duration, error) {
	units := map[string]time.Duration{"w": 7 * day, "d": day, "h": time.Hour, "m": time.Minute, "s": time.Second, "ms": time.Millisecond}
	rest := strings.ReplaceAll(strings.TrimSpace(s), " ", "")
	if rest == "0" {
		return 0, nil
	}
	var total float64
	for first := true; first || rest != ""; first = false {
		m := durationPart.FindStringSubmatch(rest)
		if m == nil {
			return 0, fmt.Errorf("%q is not a duration", cutText(s))
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not a duration", cutText(s))
		}
		total += n * float64(units[m[2]])
		rest = rest[len(m[0]):]
	}
	if total > float64(100*365*day) {
		return 0, fmt.Errorf("%q is longer than 100 years", cutText(s))
	}
	return time.Duration(total), nil
}

// bindEnv lets INTENTD_<SECTION>_<KEY> override every plain value outside lists and maps.
func (c *checker) bindEnv(v *viper.Viper, t reflect.Type, path string) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := join(path, f.Tag.Get("mapstructure"))
		ft := f.Type
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		switch {
		case ft == secretType: // resolveSecrets looks there itself
		case ft.Kind() == reflect.Struct:
			c.bindEnv(v, ft, at)
		case ft.Kind() != reflect.Slice && ft.Kind() != reflect.Map:
			v.MustBindEnv(at, envName(at))
			c.variables[envName(at)] = true
		}
	}
}

// environment warns of variables that look like settings and are none: the environment has typing errors, too.
func (c *checker) environment() {
	var unknown []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "INTENTD_") && !c.variables[name] {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		c.warn("", "the environment variable "+name+" means nothing here", suggestVariable(name, sortedKeys(c.variables)))
	}
}

// envName is the environment variable of a path or a credential's name.
func envName(path string) string {
	return "INTENTD_" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, path)
}

func join(path, key string) string {
	if path == "" || key == "" {
		return path + key
	}
	return path + "." + key
}

func kindName(t reflect.Type) string {
	if t == nil {
		return "nothing"
	}
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "a truth value"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a set of keys"
	case reflect.Pointer:
		return kindName(t.Elem())
	}
	return t.String()
}

func shapeFix(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "write a list: [a, b], or one \"- a\" a line"
	case reflect.Map, reflect.Struct:
		return "write keys below it, indented"
	case reflect.Pointer:
		return shapeFix(t.Elem())
	}
	return "write " + kindName(t)
}
