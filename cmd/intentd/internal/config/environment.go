package config

import (
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/viper"
)

// bindEnv lets INTENTD_<SECTION>_<KEY> override every plain value outside lists and maps.
func (c *checker) bindEnv(v *viper.Viper, t reflect.Type, path string) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("mapstructure")
		if tag == "-" || strings.HasPrefix(tag, ",") {
			continue
		}
		at := join(path, tag)
		ft := f.Type
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		switch {
		case ft == secretType: // secrets looks there itself
		case ft.Kind() == reflect.Struct:
			c.bindEnv(v, ft, at)
		case ft.Kind() != reflect.Slice && ft.Kind() != reflect.Map:
			v.MustBindEnv(at, envName(at))
			c.variables[envName(at)] = true
		}
	}
	for _, own := range c.types.owned(t) {
		c.bindEnv(v, own, path)
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
		c.Warn("", "the environment variable "+name+" means nothing here", suggestVariable(name, sortedKeys(c.variables)))
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
