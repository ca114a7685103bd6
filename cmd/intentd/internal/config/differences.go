package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Differences are the paths of the keys in which two configurations differ, in the order of the file: "scoring.tiers.high",
// "crms[0].lookback". A list of values is one key; the sections of connectors are told key by key, without their values.
func Differences(a, b *Config) []string {
	var out []string
	differ(reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem(), "", &out)
	return out
}

func differ(a, b reflect.Value, at string, out *[]string) {
	if reflect.DeepEqual(a.Interface(), b.Interface()) {
		return
	}
	switch {
	case a.Kind() == reflect.Interface || a.Kind() == reflect.Pointer:
		if !a.IsNil() && !b.IsNil() && a.Elem().Type() == b.Elem().Type() && (a.Kind() == reflect.Interface || a.Elem().Kind() == reflect.Struct) {
			differ(a.Elem(), b.Elem(), at, out)
			return
		}
	case a.Kind() == reflect.Struct && a.Type() != reflect.TypeFor[time.Time]() && exported(a.Type()):
		for i := range a.NumField() {
			key := a.Type().Field(i).Tag.Get("mapstructure")
			if key = strings.TrimSuffix(key, ",remain"); key == "-" {
				key = "" // the keys of a connector stand in the section itself
			}
			under := at
			if key != "" {
				under = join(at, key)
			}
			differ(a.Field(i), b.Field(i), under, out)
		}
		return
	case a.Kind() == reflect.Slice && a.Type().Elem().Kind() == reflect.Struct && a.Len() == b.Len():
		for i := range a.Len() {
			differ(a.Index(i), b.Index(i), fmt.Sprintf("%s[%d]", at, i), out)
		}
		return
	case a.Kind() == reflect.Map:
		for _, key := range keysOfBoth(a, b) {
			x, y := a.MapIndex(reflect.ValueOf(key)), b.MapIndex(reflect.ValueOf(key))
			if !x.IsValid() || !y.IsValid() || !reflect.DeepEqual(x.Interface(), y.Interface()) {
				*out = append(*out, join(at, key))
			}
		}
		return
	}
	*out = append(*out, at)
}

// exported says whether all fields of a struct can be looked at: a secret's cannot.
func exported(t reflect.Type) bool {
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			return false
		}
	}
	return true
}

func keysOfBoth(a, b reflect.Value) []string {
	var keys []string
	for _, m := range []reflect.Value{a, b} {
		for _, k := range m.MapKeys() {
			keys = append(keys, k.String())
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
