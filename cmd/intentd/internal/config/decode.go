package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"

	"github.com/intentd/intentd/connectors"
)

// decode lays the environment over the values and reads both into cfg.
func (c *checker) decode(values map[string]any, cfg *Config) {
	v := viper.NewWithOptions(viper.KeyDelimiter("."), viper.EnvKeyReplacer(strings.NewReplacer(".", "_")))
	v.SetEnvPrefix("intentd")
	c.bindEnv(v, reflect.TypeFor[Config](), "")
	if err := v.MergeConfigMap(values); err != nil {
		c.Add("", err.Error(), "")
		return
	}
	c.into("", func(opts ...viperOption) error { return v.Unmarshal(cfg, opts...) }, reflect.TypeFor[Config]())
	c.hollow(values, nil)
	c.readConnectors(cfg)
}

// A viperOption changes how values are decoded.
type viperOption = viper.DecoderConfigOption

// into runs one decoding and turns what it left unread or could not read into problems. The types say which keys there are.
func (c *checker) into(at string, decode func(...viperOption) error, types ...reflect.Type) {
	var md mapstructure.Metadata
	err := decode(func(dc *mapstructure.DecoderConfig) {
		dc.Metadata = &md
		dc.WeaklyTypedInput = false
		dc.DecodeHook = mapstructure.DecodeHookFuncType(convert)
	})
	for _, key := range md.Unused {
		path := join(at, key)
		c.Add(path, "unknown key", c.suggestKey(key, types))
	}
	c.decodeErrors(at, err)
}

// hollow reports unknown keys that hold nothing: the reader drops them before it looks at their names. Lists hold theirs.
func (c *checker) hollow(values map[string]any, path []string) {
	known := c.keysOf(reflect.TypeFor[Config](), path)
	for _, key := range sortedKeys(values) {
		below, isMap := values[key].(map[string]any)
		name := strings.ToLower(key)
		if slices.Contains(known, name) {
			c.hollow(below, append(slices.Clone(path), name))
			continue
		}
		at := strings.Join(append(slices.Clone(path), key), ".")
		if len(known) > 0 && len(below) == 0 && (isMap || values[key] == nil) && !c.Told(at) {
			c.Add(at, "unknown key", c.suggestKey(at, []reflect.Type{reflect.TypeFor[Config]()}))
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
		c.Add(at, err.Error(), "")
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
		c.Add(path, bad.message, bad.fix)
	case errors.As(named.Unwrap(), &wrong):
		c.Add(path, "is "+kindName(reflect.TypeOf(wrong.Value))+", not "+kindName(wrong.Expected.Type()), shapeFix(wrong.Expected.Type()))
	default:
		c.Add(path, named.Unwrap().Error(), "")
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
			return connectors.NewSecret(strings.TrimSpace(v)), nil
		case int, int64, uint64:
			return connectors.NewSecret(fmt.Sprint(v)), nil
		}
		return nil, &badValue{"is " + kindName(from) + ", not a text", "put the secret in quotes"}
	}
	if from == to && from.Kind() == reflect.Struct {
		return data, nil // part of what was read out of one text
	}
	text, isText := data.(string)
	if isText && reflect.PointerTo(to).Implements(reflect.TypeFor[connectors.FromText]()) {
		v := reflect.New(to)
		if err := v.Interface().(connectors.FromText).FromText(text); err != nil {
			return nil, &badValue{connectors.Quoted(text) + " is not known here", err.Error()}
		}
		return v.Elem().Interface(), nil
	}
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
		d, err := parseDuration(text)
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
		return nil, &badValue{connectors.Quoted(text) + " is neither true nor false", "write true or false"}
	case to.Kind() == reflect.Int && isText:
		if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
			return n, nil
		}
		return nil, &badValue{connectors.Quoted(text) + " is not a whole number", "write digits only"}
	case to.Kind() == reflect.Float64 && isText:
		if f, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil {
			return f, nil
		}
		return nil, &badValue{connectors.Quoted(text) + " is not a number", "write a number such as 0.8"}
	}
	return data, nil
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
