package warehouse

import (
	"context"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/asked"
)

// ordered is a query for rows in the order in which they came in, read from a position on, a page a query.
type ordered struct {
	engine   engine
	query    statement
	limit    int           // rows of a page
	lookback time.Duration // how late a row may come with an earlier position
}

// position is where such a query goes on.
type position struct {
	asked.Position
	Intake connectors.Intake `json:"in,omitzero"` // of a feed, up to here
}

const cursorVersion = 1

func readPosition(op string, from connectors.Cursor) (position, error) {
	at := position{Position: asked.Position{Version: cursorVersion}}
	err := asked.ReadCursor(op, from, &at, func() bool { return at.Version == cursorVersion })
	return at, err
}

// page hands over the rows of the next page, with its number and why its position could not be read, if it could not. It moves at on; more
// says that the next page can be asked for at once. After an error at is worth nothing.
func (o *ordered) page(ctx context.Context, op string, at *position, each func(n int, r row, err error)) (more bool, err error) {
	rows := 0
	err = o.engine.query(ctx, op, &o.query, &args{since: at.Time, sinceID: at.ID, limit: o.limit}, func(r row) error {
		rows++
		key, err := r.position()
		if err != nil {
			each(rows, r, err)
			return nil
		}
		if at.Meet(key) {
			each(rows, r, nil)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	more = rows >= o.limit
	at.Rest(more, o.lookback)
	return more, nil
}
