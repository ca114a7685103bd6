package connectors

import (
	"context"
	"time"
)

// Historian is a CRM whose history tells what properties of its records said over time.
type Historian interface {
	// History is that of properties, as the configuration names them, by record and property. One of which nothing is told is left out: it is not tracked, or its history
	// contradicts what it says now.
	History(ctx context.Context, refs []Ref, properties []string) (map[Ref]map[string]PropertyHistory, error)
}

// PropertyHistory is what a property of a record said over time.
type PropertyHistory struct {
	Since    time.Time // nothing tells what it said before
	Versions []PropertyVersion
}

// PropertyVersion is a value that a property had from a time on; "": it was empty.
type PropertyVersion struct {
	From   time.Time
	Value  string
	Untold bool // nothing tells what it said from then on
}

// At is what it said at a time; told is false where nothing tells it. Versions are in order of time; before the first it was empty.
func (h *PropertyHistory) At(t time.Time) (value string, told bool) {
	if t.Before(h.Since) {
		return "", false
	}
	told = true
	for i := range h.Versions {
		v := &h.Versions[i]
		if v.From.After(t) {
			break
		}
		value, told = v.Value, !v.Untold
	}
	return value, told
}
