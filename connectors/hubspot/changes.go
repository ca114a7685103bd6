package hubspot

import (
	"context"
	"strconv"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// walk is a position in the feed of changed records, and its cursor's JSON. Between windows only Since is set. Within one, the
// window reaches from Since less the lookback to To, and every record up to the id Last was told.
//
// Each page is a slice of its own that begins after the last id, so that `after` is always 0. Offsets into a result would both
// end at HubSpot's 10,000 and skip a record whenever one before it changes and thereby leaves the window.
type walk struct {
	Version int    `json:"v"`
	Feed    string `json:"f"`
	Since   int64  `json:"s"`            // Unix milliseconds by HubSpot's clock
	To      int64  `json:"to,omitempty"` // 0 between windows
	Last    uint64 `json:"id,omitempty"`
}

const cursorVersion = 1

func (w walk) cursor() connectors.Cursor {
	w.Version = cursorVersion
	return connectors.Cursor(transport.Encode(w))
}

// readCursor reads a cursor of the feed into v.
func (c *Client) readCursor(feed string, from connectors.Cursor, v any) error {
	return crmkit.ReadCursor(c.http, feed, cursorVersion, from, v)
}

// Changes returns contacts changed since from: one search request, for which a nil cursor only asks the time, or what the webhooks journal
// tells. A cursor of the one is read by the other.
func (c *Client) Changes(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Contact], error) {
	if c.journal != nil {
		return c.journal.changes(ctx, from)
	}
	var p connectors.Page[connectors.Contact]
	if from == nil {
		now, known := c.http.ServerNow()
		if !known {
			// The present is HubSpot's: a cursor ahead of its clock would skip changes.
			info, err := c.Account(ctx)
			if err != nil {
				return p, err
			}
			if now = info.ServerTime; now.IsZero() {
				now = c.o.Now()
			}
		}
		p.Next = walk{Feed: Contacts, Since: now.UnixMilli()}.cursor()
		return p, nil
	}
	var w walk
	if err := c.readCursor(Contacts, from, &w); err != nil {
		var at journalAt
		if c.readCursor(journalFeed, from, &at) != nil {
			return p, err
		}
		w = at.searchedFrom()
	}
	items, next, more, err := c.walkOn(ctx, w)
	if err != nil {
		return p, err
	}
	p.Items, p.Next, p.More = items, next.cursor(), more
	c.told(p.Items)
	return p, nil
}

// walkOn makes one search of a walk through changed contacts.
func (c *Client) walkOn(ctx context.Context, w walk) (items []connectors.Contact, next walk, more bool, err error) {
	search := searchRequest{Properties: c.schema.read}
	whole := len(transport.Encode(search))+searchRest <= searchBodyMax
	if !whole {
		// The allow-list is too long for a search: find the ids, then read them.
		search.Properties = []string{"hs_object_id"}
	}
	found, next, more, err := c.step(ctx, w, "lastmodifieddate", search)
	if err != nil {
		return nil, w, false, err
	}
	if !whole {
		ids := make([]string, len(found))
		for i := range found {
			ids[i] = found[i].ID
		}
		items, err = c.readChanged(ctx, ids)
		return items, next, more, err
	}
	items = make([]connectors.Contact, 0, len(found))
	for i := range found {
		id, _ := recordID(found[i].ID)
		modified, _ := parseTime(found[i].UpdatedAt)
		c.sweepCache.changed(id, modified)
		items = append(items, c.contact(&found[i]))
	}
	return items, next, more, nil
}

// searchRequest is the body of a search.
type searchRequest struct {
	Query        string        `json:"query,omitempty"`
	FilterGroups []filterGroup `json:"filterGroups"`
	Sorts        []string      `json:"sorts"` // names of properties, ascending
	Properties   []string      `json:"properties"`
	Limit        int           `json:"limit"`
	After        string        `json:"after"`
}

type filterGroup struct {
	Filters []filter `json:"filters"`
}

type filter struct {
	Property string `json:"propertyName"`
	Operator string `json:"operator"`
	Value    string `json:"value,omitempty"`
}

var byID = []string{"hs_object_id"}

// searchRest is the room that the filters and sorts of a walk take in a search body.
const searchRest = 500

// step makes one search of a walk: a slice of the window in order of record id.
func (c *Client) step(ctx context.Context, w walk, modified string, s searchRequest) (found []record, next walk, more bool, err error) {
	op := "search changed " + w.Feed
	fresh := w.To == 0
	if fresh {
		now, _ := c.http.ServerNow()
		// Our clock may have been set back: the window then ends where the last one did, and the answer's date puts things right.
		w.To = max(now.UnixMilli(), w.Since)
	}
	filters := s.filters()
	if start := w.Since - c.o.Lookback.Milliseconds(); w.Since > 0 && start > 0 {
		filters = append(filters, filter{modified, "GTE", strconv.FormatInt(start, 10)})
	}
	filters = append(filters, filter{modified, "LTE", strconv.FormatInt(w.To, 10)})
	if w.Last > 0 {
		filters = append(filters, filter{"hs_object_id", "GTE", strconv.FormatUint(w.Last+1, 10)})
	}
	s.FilterGroups = []filterGroup{{filters}}
	s.Sorts = byID
	s.Limit, s.After = searchPageSize, "0"
	r := transport.Post(op, c.paths.objects(w.Feed, "/search"), transport.Encode(s))
	r.Bucket = searchBucket
	answer, resp, err := doPage(ctx, c, r)
	if err != nil {
		return nil, w, false, err
	}
	last := w.Last
	for i := range answer.Results {
		id, ok := recordID(answer.Results[i].ID)
		if !ok || id <= last {
			return nil, w, false, c.err(connectors.Transient, op, "the answer is not in order of record id")
		}
		last = id
	}
	if fresh && !resp.Date.IsZero() {
		// What lies between HubSpot's clock and ours if ours is ahead belongs to the next window.
		w.To = min(w.To, resp.Date.UnixMilli())
	}
	n := len(answer.Results)
	more = n > 0 && (answer.After != "" || n >= searchPageSize && answer.Total != n)
	if more {
		w.Last = last
		return answer.Results, w, true, nil
	}
	return answer.Results, walk{Feed: w.Feed, Since: w.To}, false, nil
}

// filters are the filters that s brings along, in a list of their own.
func (s searchRequest) filters() []filter {
	var list []filter
	for _, g := range s.FilterGroups {
		list = append(list, g.Filters...)
	}
	return list
}
