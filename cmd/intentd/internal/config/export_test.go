package config

import "reflect"

// allKeys are the keys of all sections and connector types.
func allKeys() []string {
	var keys []string
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || t == secretType {
			return
		}
		keys = append(keys, keysOf(t, nil)...)
		for i := range t.NumField() {
			if t.Field(i).Tag.Get("mapstructure") != "-" {
				walk(t.Field(i).Type)
			}
		}
	}
	walk(reflect.TypeFor[Config]())
	for _, types := range [][]connectorType{crmTypes, sourceTypes} {
		for _, ct := range types {
			walk(reflect.TypeOf(ct.defaults()))
		}
	}
	return keys
}
