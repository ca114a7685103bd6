package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/disk"
)

var secretType = reflect.TypeFor[connectors.Secret]()

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
			if s := v.Interface().(connectors.Secret); !s.IsZero() {
				*into = append(*into, s.Reveal())
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

// secrets fills every Secret field X of a struct and of those in it: from its key x, else from the file that x_file names, else from
// the environment (INTENTD_<NAME>_<X>), else from the systemd credential <name>_<x>. Entries of lists have no names, so that the latter two
// are not looked at for them.
func (c *checker) secrets(at, name string, v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		key := field.Tag.Get("mapstructure")
		path := join(at, key)
		if field.Type.Kind() == reflect.Struct && field.Type != secretType {
			c.secrets(path, name, v.Field(i))
		}
		if field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct {
			for k := range v.Field(i).Len() {
				c.secrets(fmt.Sprintf("%s[%d]", path, k), "", v.Field(i).Index(k))
			}
		}
		if field.Type != secretType {
			continue
		}
		if name != "" {
			c.variables[envName(name+"_"+key)] = true
		}
		file := v.FieldByName(field.Name + "File").String()
		got := v.Field(i).Interface().(connectors.Secret)
		switch {
		case !got.IsZero() && file != "":
			c.Add(path+"_file", "both "+key+" and "+key+"_file are given", "keep one of the two")
		case !got.IsZero():
			if !c.expanded[path] {
				c.Warn(path, "a secret stands in the config file itself", "move it to a file of mode 0600 and name it in "+key+"_file, or write ${VARIABLE}")
			}
		case file != "":
			got = c.secretFile(path+"_file", file)
		case name != "":
			got = c.ambientSecret(path, name+"_"+key)
		}
		v.Field(i).Set(reflect.ValueOf(got))
	}
}

// ambientSecret looks where a secret may be without the config naming the place.
func (c *checker) ambientSecret(path, name string) connectors.Secret {
	variable := envName(name)
	if v, ok := os.LookupEnv(variable); ok && strings.TrimSpace(v) != "" {
		return c.usable(path, "the environment variable "+variable, v)
	}
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return c.usable(path, "the systemd credential "+name, string(b))
		}
	}
	return connectors.Secret{}
}

func (c *checker) secretFile(path, file string) connectors.Secret {
	info, err := os.Stat(file)
	if err != nil {
		c.Add(path, "cannot read "+file+": "+reason(err), "create the file with mode 0600, readable by the user intentd runs as, or correct the path")
		return connectors.Secret{}
	}
	if !info.Mode().IsRegular() {
		c.Add(path, file+" is not a file", "name a file that holds the secret alone")
		return connectors.Secret{}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		c.Add(path, "cannot read "+file+": "+reason(err), "make the file readable by the user intentd runs as")
		return connectors.Secret{}
	}
	if disk.ModesTell && info.Mode().Perm()&0o077 != 0 && !isCredential(file) {
		c.Warn(path, fmt.Sprintf("%s can be read by others (mode %04o)", file, info.Mode().Perm()), "chmod 0600 "+file)
	}
	return c.usable(path, file, string(b))
}

// isCredential says whether systemd made the file: it keeps others out by the directory, not by the mode.
func isCredential(file string) bool {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return false
	}
	inside, err := filepath.Rel(dir, file)
	return err == nil && filepath.IsLocal(inside)
}

// usable trims what editors add and refuses what no HTTP header can carry.
func (c *checker) usable(path, where, value string) connectors.Secret {
	value = strings.TrimSpace(value)
	if value == "" {
		c.Add(path, where+" is empty", "put the secret there, alone on one line")
		return connectors.Secret{}
	}
	if !strings.HasPrefix(value, "-----BEGIN") && strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		c.Add(path, where+" holds more than one word", "put the secret there alone, without a name, quotes or comments")
		return connectors.Secret{}
	}
	return connectors.NewSecret(value)
}

// reason is an error without the path that the caller names anyway.
func reason(err error) string {
	if pe, ok := err.(*fs.PathError); ok {
		return pe.Err.Error()
	}
	return err.Error()
}
