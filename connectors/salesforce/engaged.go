package salesforce

import (
	"context"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
)

// engaged knows who ever responded to a campaign or accepted a meeting: no field of a lead or contact tells, most never did, and
// asking for each lot would cost as much as reading the lots. It is read once, 2,000 a request, and kept up to date. It is safe for
// concurrent use.
type engaged struct {
	c       *Client
	loading chan struct{} // holds a token while nobody loads

	mu   sync.Mutex
	ids  map[string]bool
	at   time.Time // by Salesforce's clock, of the last load; zero: none yet
	over bool      // there are too many to know
}

const (
	engagedFor  = 5 * time.Minute
	engagedMost = 250_000 // ids: some 25 MB
)

func (e *engaged) init(c *Client) {
	e.c, e.ids, e.loading = c, map[string]bool{}, make(chan struct{}, 1)
	e.loading <- struct{}{}
}

func (e *engaged) add(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ids[id] = true; len(e.ids) > engagedMost {
		e.over, e.ids = true, map[string]bool{}
	}
}

// among are those of ids that may have responded or accepted.
func (e *engaged) among(ctx context.Context, ids []string) ([]string, error) {
	if err := e.refresh(ctx); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		return ids, nil
	}
	var some []string
	for _, id := range ids {
		if e.ids[id] {
			some = append(some, id)
		}
	}
	return some, nil
}

func (e *engaged) refresh(ctx context.Context) error {
	const op = "read who responded"
	select {
	case <-e.loading:
		defer func() { e.loading <- struct{}{} }()
	case <-ctx.Done():
		err := e.c.err(connectors.Transient, op, "")
		err.Err = ctx.Err()
		return err
	}
	now, err := e.c.present(ctx)
	if err != nil {
		return err
	}
	e.mu.Lock()
	since, over := e.at, e.over
	e.mu.Unlock()
	if over || !since.IsZero() && now.Sub(since) < engagedFor {
		return nil
	}
	for _, d := range doings[:2] {
		var at place
		if !since.IsZero() {
			at.Since = since.Unix()
		}
		for more := true; more; {
			var rows []record
			rows, more, err = e.c.stride(ctx, &at, d)
			if hidden(err) {
				break
			}
			if err != nil {
				return err
			}
			for _, r := range rows {
				r.each(func(name, v string) {
					if id, ok := normalID(v); ok && (name == "LeadId" || name == "ContactId" || name == "RelationId") {
						e.add(id)
					}
				})
			}
			e.mu.Lock()
			more = more && !e.over
			e.mu.Unlock()
		}
	}
	e.mu.Lock()
	e.at = now
	e.mu.Unlock()
	return nil
}
