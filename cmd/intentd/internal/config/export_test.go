package config

import (
	"reflect"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/amplitude"
	"github.com/intentd/intentd/connectors/collector"
	"github.com/intentd/intentd/connectors/exec"
	"github.com/intentd/intentd/connectors/gemini"
	"github.com/intentd/intentd/connectors/hubspot"
	"github.com/intentd/intentd/connectors/jsonl"
	"github.com/intentd/intentd/connectors/matomo"
	"github.com/intentd/intentd/connectors/mixpanel"
	"github.com/intentd/intentd/connectors/posthog"
	"github.com/intentd/intentd/connectors/s3"
	"github.com/intentd/intentd/connectors/salesforce"
	"github.com/intentd/intentd/connectors/umami"
	"github.com/intentd/intentd/connectors/warehouse"
)

// types are connectors to test with.
var types = Types{
	CRMs: map[string]connectors.CRMType{"hubspot": hubspot.Type, "salesforce": salesforce.Type},
	Sources: map[string]connectors.SourceType{
		"amplitude": amplitude.Type,
		"collector": collector.Type,
		"exec":      exec.Type,
		"jsonl":     jsonl.Type,
		"matomo":    matomo.Type,
		"mixpanel":  mixpanel.Type,
		"posthog":   posthog.Type,
		"s3":        s3.Type,
		"umami":     umami.Type,
		"warehouse": warehouse.Type,
	},
	Models: map[string]connectors.ModelType{"gemini": gemini.Type},
}

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
		keys = append(keys, (&checker{}).keysOf(t, nil)...)
		for i := range t.NumField() {
			if t.Field(i).Tag.Get("mapstructure") != "-" {
				walk(t.Field(i).Type)
			}
		}
	}
	walk(reflect.TypeFor[Config]())
	for _, section := range []reflect.Type{reflect.TypeFor[CRM](), reflect.TypeFor[Source](), reflect.TypeFor[Model]()} {
		for _, own := range types.owned(section) {
			walk(own)
		}
	}
	return keys
}
