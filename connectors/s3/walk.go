package s3

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Bounds of a page.
const (
	pageEvents = 10_000
	pageBytes  = 16 << 20
	pageCalls  = 100
)

// leftOutBack is a reason in Intake.LeftOut, of objects.
const leftOutBack = "object written before what the first pass takes (back)"

// walk reads on from a cursor, page by page.
type walk struct {
	*Feed
	at      position
	cursor  connectors.Cursor // of what was handed out
	entries []entry           // listed and not looked at yet
	more    bool              // others follow them
	content *content          // of at.Object; nil: not open

	page  connectors.Page[connectors.Event]
	bytes int64 // of the page's records
	calls int   // for the page
}

func (w *walk) full() bool {
	return len(w.page.Items) >= w.most || w.bytes >= pageBytes || w.calls >= pageCalls
}

// next is the next page.
func (w *walk) next(ctx context.Context) (connectors.Page[connectors.Event], error) {
	w.page, w.bytes, w.calls = connectors.Page[connectors.Event]{}, 0, 0
	if w.at.Under == nil {
		w.at.begin(w.now())
	}
	for !w.full() && w.at.Under != nil {
		if err := ctx.Err(); err != nil {
			return w.page, &connectors.Error{Kind: connectors.Transient, Op: w.name + ": read", Err: err}
		}
		if err := w.step(ctx); err != nil {
			return connectors.Page[connectors.Event]{}, err
		}
	}
	w.page.More = w.at.Under != nil
	w.page.Next = transport.Encode(w.at)
	w.cursor = w.page.Next
	return w.page, nil
}

// step does one thing of the pass: it reads of an object, looks at a key, or lists some.
func (w *walk) step(ctx context.Context) error {
	u := w.at.Under
	switch {
	case w.at.Object != nil:
		return w.read(ctx)
	case len(w.entries) > 0:
		e := w.entries[0]
		w.entries = w.entries[1:]
		if to := u.Spans[0].To; to != "" && e.Key >= to {
			w.entries, w.more = nil, false
			u.spanRead()
			return nil
		}
		w.consider(e)
		if len(w.entries) == 0 && !w.more {
			u.spanRead()
		}
	case len(u.Spans) > 0:
		return w.list(ctx)
	default:
		w.at.end(&w.o)
	}
	return nil
}

func (w *walk) list(ctx context.Context) (err error) {
	u := w.at.Under
	w.calls++
	var date time.Time
	w.entries, w.more, date, err = w.bucket.list(ctx, w.o.Prefix, u.After)
	if err != nil {
		return err
	}
	u.Pages++
	if u.Begun.IsZero() {
		if u.Begun = date; date.IsZero() {
			u.Begun = w.now().UTC().Truncate(time.Second)
		}
	}
	if len(w.entries) == 0 {
		u.spanRead()
	}
	return nil
}

// archived are the storage classes whose objects cannot be read as they are.
var archived = map[string]bool{"GLACIER": true, "DEEP_ARCHIVE": true}

// consider looks at a key: an object that is new is read next.
func (w *walk) consider(e entry) {
	young := !e.LastModified.Before(w.at.horizon(&w.o))
	w.at.Under.met(e.Key, !e.LastModified.Before(w.at.Under.Begun.Add(-w.o.Lookback)))
	_, known := w.at.Seen[markOf(e.Key, e.ETag)]
	switch {
	case e.Size == 0 || known: // folders are objects without content
	case !young:
		if w.at.Listed.IsZero() {
			w.at.Intake.CountLeftOut(leftOutBack, 1)
		}
	default:
		w.at.Object = &object{Key: e.Key, ETag: e.ETag, Size: e.Size, Modified: e.LastModified}
		if archived[e.StorageClass] {
			w.unreadable(reasonArchived)
			w.objectRead()
		}
	}
}

// read reads records of the object until the page is full or the object ends.
func (w *walk) read(ctx context.Context) (err error) {
	o := w.at.Object
	before := 0
	if w.content != nil {
		before = w.content.parts.calls
	} else if w.content, err = openContent(ctx, w.bucket, o, w.part); err != nil {
		w.calls++
		return w.failed(err)
	} else {
		w.split.reset(w.content, o.Offset)
	}
	c := w.content
	c.parts.ctx = ctx
	defer func() { w.calls += c.parts.calls - before }()
	for !w.full() {
		record, reason, err := w.split.next()
		if err != nil {
			return w.failed(err)
		}
		o.Offset = w.split.offset
		o.Records++
		w.count()
		if reason == "" {
			w.bytes += int64(len(record))
			var e connectors.Event
			if reason = w.lines.Event(string(record), &e); reason == "" {
				e.Source = w.name
				w.page.Items = append(w.page.Items, e)
			}
		}
		if reason != "" {
			w.unread(reason)
		}
	}
	return nil
}

// failed is what becomes of an object that gave no more records.
func (w *walk) failed(err error) error {
	switch {
	case errors.Is(err, io.EOF) && !isCall(err):
		w.objectRead()
	case damaged(err):
		w.unreadable(reasonDamaged)
		w.objectRead()
	case connectors.KindOf(err) == connectors.Gone:
		w.unreadable(reasonGone)
		w.content, w.at.Object = nil, nil // one written anew is met by the next pass
	default:
		w.content = nil
		return err
	}
	return nil
}

// objectRead remembers the object as read.
func (w *walk) objectRead() {
	o := w.at.Object
	w.at.Seen[markOf(o.Key, o.ETag)] = o.Modified.Unix()
	w.content, w.at.Object = nil, nil
}

func (w *walk) count() {
	w.at.Intake.Read++
	w.at.Under.Read++
}

func (w *walk) unreadable(reason string) {
	w.count()
	w.unread(reason)
}

func (w *walk) unread(reason string) {
	w.at.Under.Unread++
	w.at.Intake.CountUnreadable(connectors.Unreadable{Where: w.at.Object.Key, Line: w.at.Object.Records, Reason: reason, Time: w.now().UTC()})
}
