package asked

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Row is where something stands in the order in which it came in.
type Row struct {
	Time time.Time `json:"t"`
	ID   string    `json:"id"`
}

// Position is where a poll for what came in goes on. It is a connector's cursor, alone or as a part of it.
type Position struct {
	Version int       `json:"v"`
	Row               // behind which the next page begins
	Newest  time.Time `json:"n,omitzero"`  // of all rows met
	Seen    []Row     `json:"s,omitempty"` // rows of the lookback that were told already: a poll tells nobody again for nothing

	known map[Row]bool
}

// keptSeen bounds the rows of the lookback that a cursor remembers; beyond it rows of the lookback are told again.
const keptSeen = 2000

// ReadCursor reads a cursor into v, whose version right looks at. A nil one leaves v as it is.
func ReadCursor(op string, from connectors.Cursor, v any, right func() bool) error {
	if from == nil {
		return nil
	}
	if json.Unmarshal(from, v) != nil || !right() {
		return connectors.Errorf(connectors.Config, op, "the stored position cannot be read by this version of intentd")
	}
	return nil
}

// Meet moves behind a row and says whether it is met for the first time.
func (p *Position) Meet(r Row) bool {
	p.Row = r
	return p.First(r)
}

// First says whether a row is met for the first time, and remembers it.
func (p *Position) First(r Row) bool {
	if p.known == nil {
		p.known = make(map[Row]bool, len(p.Seen))
		for _, s := range p.Seen {
			p.known[s] = true
		}
	}
	if p.known[r] {
		return false
	}
	p.known[r] = true
	p.Seen = append(p.Seen, r)
	if r.Time.After(p.Newest) {
		p.Newest = r.Time
	}
	return true
}

// Clone is a position that moves on its own.
func (p *Position) Clone() Position {
	return Position{Version: p.Version, Row: p.Row, Newest: p.Newest, Seen: slices.Clone(p.Seen)}
}

// Rest ends a page. Where no more can be asked for at once the next poll begins a little before the newest row, by the lookback, for those
// that were still on their way.
func (p *Position) Rest(more bool, lookback time.Duration) {
	horizon := p.Newest.Add(-lookback)
	if !more && !p.Newest.IsZero() {
		p.Row = Row{Time: horizon}
	}
	// Kept are those that the next polls will meet again, the newest if they are too many.
	p.Seen = slices.DeleteFunc(p.Seen, func(r Row) bool { return r.Time.Before(horizon) })
	p.Seen = p.Seen[max(len(p.Seen)-keptSeen, 0):]
}

// Cursor is the position as it is stored.
func (p *Position) Cursor() connectors.Cursor { return transport.Encode(p) }
