package config

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Secret is a value that never prints itself: not by fmt, not by slog, not as JSON. Reveal is the only way to it.
type Secret struct{ value string }

// NewSecret wraps a value.
func NewSecret(v string) Secret { return Secret{v} }

// Reveal is the value.
func (s Secret) Reveal() string { return s.value }

// IsZero says that there is no value.
func (s Secret) IsZero() bool { return s.value == "" }

const hidden = "[secret]"

// Format keeps every verb of fmt, %#v included, from the value.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, hidden) }

// LogValue keeps slog from the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText keeps encoders from the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

var secretType = reflect.TypeFor[Secret]()

// Secrets are all secret values of the configuration, for the log's redaction; longest first, so that one which holds another
// is replaced whole.
func (c *Config) Secrets() []string {
	var all []string
	collectSecrets(reflect.ValueOf(c), &all)
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(all)
}

func collectSecrets(v reflect.Value, into *[]string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			collectSecrets(v.Elem(), into)
		}
	case reflect.Slice:
		for i := range v.Len() {
			collectSecrets(v.Index(i), into)
		}
	case reflect.Struct:
		if v.Type() == secretType {
			if s := v.Interface().(Secret); !s.IsZero() {
				*into = append(*into, s.value)
			}
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				collectSecrets(v.Field(i), into)
			}
		}
	}
}

// resolveSecrets fills every Secret field x of the struct that options points to: from x itself, else from the file that x_file
// names, else from the environment (INTENTD_<NAME>_<X>), else from the systemd credential <name>_<x>.
func (c *checker) resolveSecrets(at, name string, options any) {
	v := reflect.ValueOf(options).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Type != secretType {
			continue
		}
		key := field.Tag.Get("mapstructure")
		path := join(at, key)
		c.variables[envName(name+"_"+key)] = true
		file := v.FieldByName(field.Name + "File").String()
		got := v.Field(i).Interface().(Secret)
		switch {
		case !got.IsZero() && file != "":
			c.add(path+"_file", "both "+key+" and "+key+"_file are given", "keep one of the two")
		case !got.IsZero():
			if !c.expanded[path] {
				c.warn(path, "a secret stands in the config file itself", "move it to a file of mode 0600 and name it in "+key+"_file, or write ${VARIABLE}")
			}
		case file != "":
			got = c.secretFile(path+"_file", file)
		default:
			got = c.ambientSecret(path, name+"_"+key)
		}
		v.Field(i).Set(reflect.ValueOf(got))
	}
}

// ambientSecret looks where a secret may be without the config naming the place.
func (c *checker) ambientSecret(path, name string) Secret {
	variable := envName(name)
	if v, ok := os.LookupEnv(variable); ok && strings.TrimSpace(v) != "" {
		return c.usable(path, "the environment variable "+variable, v)
	}
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return c.usable(path, "the systemd credential "+name, string(b))
		}
	}
	return Secret{}
}

func (c *checker) secretFile(path, file string) Secret {
	info, err := os.Stat(file)
	if err != nil {
		c.add(path, "cannot read "+file+": "+reason(err), "create the file with mode 0600, readable by the user intentd runs as, or correct the path")
		return Secret{}
	}
	if !info.Mode().IsRegular() {
		c.add(path, file+" is not a file", "name a file that holds the secret alone")
		return Secret{}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		c.add(path, "cannot read "+file+": "+reason(err), "make the file readable by the user intentd runs as")
		return Secret{}
	}
	if inside, _ := filepath.Rel(os.Getenv("CREDENTIALS_DIRECTORY"), file); info.Mode().Perm()&0o077 != 0 && (inside == "" || strings.HasPrefix(inside, "..")) {
		c.warn(path, fmt.Sprintf("%s can be read by others (mode %04o)", file, info.Mode().Perm()), "chmod 0600 "+file)
	}
	return c.usable(path, file, string(b))
}

// usable trims what editors add and refuses what no HTTP header can carry.
func (c *checker) usable(path, where, value string) Secret {
	value = strings.TrimSpace(value)
	if value == "" {
		c.add(path, where+" is empty", "put the secret there, alone on one line")
		return Secret{}
	}
	if !strings.HasPrefix(value, "-----BEGIN") && strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		c.add(path, where+" holds more than one word", "put the secret there alone, without a name, quotes or comments")
		return Secret{}
	}
	return Secret{value}
}

// reason is an error without the path that the caller names anyway.
func reason(err error) string {
	if pe, ok := err.(*fs.PathError); ok {
		return pe.Err.Error()
	}
	return err.Error()
}
