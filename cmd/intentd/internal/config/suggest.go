package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
)

var index = regexp.MustCompile(`\[[^]]*\]`)

// suggestKey is the fix for an unknown key: the sibling it resembles, or the section it belongs to, or all there are.
func (c *checker) suggestKey(key string, types []reflect.Type) string {
	segments := strings.Split(index.ReplaceAllString(key, ""), ".")
	last := segments[len(segments)-1]
	var siblings []string
	for _, t := range types {
		siblings = append(siblings, c.keysOf(t, segments[:len(segments)-1])...)
	}
	slices.Sort(siblings)
	if best, ok := connectors.Nearest(last, siblings); ok {
		return "did you mean " + best + "?"
	}
	var places []string
	c.findKey(reflect.TypeFor[Config](), "", last, &places)
	slices.Sort(places)
	if len(places) > 0 {
		return "the key exists as " + strings.Join(places, " and ") + ": move it there"
	}
	if len(siblings) == 0 {
		return "remove it"
	}
	return "remove it; the keys here are " + strings.Join(siblings, ", ")
}

// suggestVariable is the fix for an environment variable that is none of intentd's.
func suggestVariable(name string, known []string) string {
	lower := make([]string, len(known))
	for i, k := range known {
		lower[i] = strings.ToLower(k)
	}
	if best, ok := connectors.Nearest(name, lower); ok {
		return "did you mean " + strings.ToUpper(best) + "?"
	}
	return "unset it; plain values outside lists are INTENTD_<SECTION>_<KEY>, secrets INTENTD_<NAME>_<KEY>"
}

// keysOf are the keys of the struct that path leads to from t. Those of the model's providers stand with the model's own.
func (c *checker) keysOf(t reflect.Type, path []string) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == secretType {
		return nil
	}
	var keys []string
	for i := range t.NumField() {
		tag := t.Field(i).Tag.Get("mapstructure")
		if tag == "-" || strings.HasPrefix(tag, ",") {
			continue
		}
		if len(path) == 0 {
			keys = append(keys, tag)
		} else if tag == path[0] {
			return c.keysOf(t.Field(i).Type, path[1:])
		}
	}
	if t == reflect.TypeFor[Model]() {
		for _, own := range c.types.owned(t) {
			keys = append(keys, c.keysOf(own, path)...)
		}
	}
	return keys
}

// findKey collects where in the configuration a key of that name stands.
func (c *checker) findKey(t reflect.Type, at, key string, places *[]string) {
	list := ""
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if t.Kind() == reflect.Slice {
			list = "[]"
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == secretType {
		return
	}
	at += list
	for i := range t.NumField() {
		tag := t.Field(i).Tag.Get("mapstructure")
		if tag == "-" || strings.HasPrefix(tag, ",") {
			continue
		}
		if tag == key {
			*places = append(*places, join(at, tag))
		}
		c.findKey(t.Field(i).Type, join(at, tag), key, places)
	}
	for name, own := range c.types.owned(t) {
		var here []string
		c.findKey(own, at, key, &here)
		for _, place := range here {
			*places = append(*places, place+" of "+typeKey(t)+" "+name)
		}
	}
}

// typeKey is the key that chooses the connector of a section.
func typeKey(t reflect.Type) string {
	if t == reflect.TypeFor[Model]() {
		return "provider"
	}
	return "type"
}
