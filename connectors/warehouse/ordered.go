package warehouse

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// ordered is a query for rows in the order in which they came in, read from a position on, a page a query.
type ordered struct {
	engine   engine
	query    statement
	limit    int           // rows of a page
	lookback time.Duration // how late a row may come with an earlier position
}

// position is where such a query goes on. Seen are rows of the lookback that were told already: a poll tells nobody again for nothing.
type position struct {
	Version int               `json:"v"`
	Time    time.Time         `json:"t"`
	ID      string            `json:"id"`
	Newest  time.Time         `json:"n,omitzero"` // of all positions met
	Seen    []seenRow         `json:"s,omitempty"`
	Intake  connectors.Intake `json:"in,omitzero"` // of a feed, up to here
}

type seenRow struct {
	Time time.Time `json:"t"`
	ID   string    `json:"id"`
}

const cursorVersion = 1

// keptSeen bounds the rows of the lookback that a cursor remembers; beyond it rows of the lookback are told again.
const keptSeen = 2000

func readPosition(op string, from connectors.Cursor) (position, error) {
	at := position{Version: cursorVersion}
	if from == nil {
		return at, nil
	}
	if err := json.Unmarshal(from, &at); err != nil || at.Version != cursorVersion {
		return at, errCursor(op)
	}
	return at, nil
}

func errCursor(op string) error {
	return connectors.Errorf(connectors.Config, op, "the stored position cannot be read by this version of intentd")
}

// page hands over the rows of the next page, with its number and why its position could not be read, if it could not. It moves at on; more
// says that the next page can be asked for at once. After an error at is worth nothing.
func (o *ordered) page(ctx context.Context, op string, at *position, each func(n int, r row, err error)) (more bool, err error) {
	known := make(map[seenRow]bool, len(at.Seen))
	for _, r := range at.Seen {
		known[r] = true
	}
	rows := 0
	err = o.engine.query(ctx, op, &o.query, &args{since: at.Time, sinceID: at.ID, limit: o.limit}, func(r row) error {
		rows++
		key, err := r.position()
		if err != nil {
			each(rows, r, err)
			return nil
		}
		at.Time, at.ID = key.Time, key.ID
		if known[key] {
			return nil
		}
		at.Seen = append(at.Seen, key)
		if key.Time.After(at.Newest) {
			at.Newest = key.Time
		}
		each(rows, r, nil)
		return nil
	})
	if err != nil {
		return false, err
	}
	if more = rows >= o.limit; !more && !at.Newest.IsZero() {
		// Caught up: the next poll begins a little before the newest row, for those that were still on their way.
		at.Time, at.ID = at.Newest.Add(-o.lookback), ""
	}
	// Kept are those that the next polls will meet again, the newest if they are too many.
	horizon := at.Newest.Add(-o.lookback)
	at.Seen = slices.DeleteFunc(at.Seen, func(r seenRow) bool { return r.Time.Before(horizon) })
	at.Seen = at.Seen[max(len(at.Seen)-keptSeen, 0):]
	return more, nil
}
