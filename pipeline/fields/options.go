package fields

import (
	"time"

	"github.com/intentd/intentd/connectors"
)

// Options say how texts are written.
type Options struct {
	Language string         // en | de; anything else is read as en
	Location *time.Location // time zone of the dates; nil: UTC
	OwnHosts []string       // links to these hosts, and hosts below them, may stay
	// Lengths bound texts by canonical field, in characters. A field without an entry has the length of its connectors.Field.
	Lengths map[string]int
}

// defaultLengths are those of the fields of a person.
var defaultLengths = func() map[string]int {
	m := make(map[string]int)
	for _, f := range connectors.PersonFields().Fields {
		if f.Length > 0 {
			m[f.Name] = f.Length
		}
	}
	return m
}()

func (o *Options) length(field string) int {
	if n, ok := o.Lengths[field]; ok {
		return n
	}
	return defaultLengths[field]
}
