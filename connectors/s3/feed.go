package s3

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
	"github.com/intentd/intentd/connectors/jsonl"
)

// Feed takes in objects. It is safe for concurrent use.
type Feed struct {
	name   string
	o      Config
	bucket *bucket
	now    func() time.Time
	poll   time.Duration
	most   int // events of a page

	taker sync.Mutex // one Take at a time; guards what is below
	walk  *walk      // as of the cursor handed out last; nil: to be read from the cursor
	lines jsonl.Lines
	split splitter
	part  []byte // of an object, fetched by one request

	failure transport.Failure
}

var (
	_ connectors.Feed         = (*Feed)(nil)
	_ connectors.IntakeReader = (*Feed)(nil)
	_ connectors.Reporter     = (*Feed)(nil)
	_ connectors.Releaser     = (*Feed)(nil)
	_ connectors.Prober       = (*Feed)(nil)
)

// Take reads on from the position. An object stays open until the next call goes on from there; any other cursor begins with the keys.
func (f *Feed) Take(ctx context.Context, from connectors.Cursor) (page connectors.Page[connectors.Event], err error) {
	f.taker.Lock()
	defer f.taker.Unlock()
	if f.walk == nil || !bytes.Equal(f.walk.cursor, from) {
		at, err := f.position(from)
		if err != nil {
			return page, err
		}
		f.walk = &walk{Feed: f, at: at}
		if f.part == nil {
			f.part = make([]byte, partSize)
		}
	}
	page, err = f.walk.next(ctx)
	if err != nil || !page.More {
		f.walk = nil // after an error it may be ahead of every cursor
	}
	f.failure.Note(err)
	return page, err
}

// Intake tells what was read up to a cursor.
func (f *Feed) Intake(from connectors.Cursor) (connectors.Intake, error) {
	var at struct {
		Intake connectors.Intake `json:"in"`
	}
	if from == nil {
		return at.Intake, nil
	}
	if err := json.Unmarshal(from, &at); err != nil {
		_, err = f.position(from)
		return at.Intake, err
	}
	return at.Intake, nil
}

// Report tells of the calls since the start.
func (f *Feed) Report() connectors.Report { return f.failure.Report(f.bucket.client) }

// Release implements connectors.Releaser.
func (f *Feed) Release() {
	f.bucket.credentials.forget()
	f.bucket.client.Release()
}

// Probe lists the first keys and reads the beginning of an object.
func (f *Feed) Probe(ctx context.Context) []connectors.Finding {
	found := f.probe(ctx)
	found.Message = "source " + f.name + ": " + found.Message
	return []connectors.Finding{found}
}

func (f *Feed) probe(ctx context.Context) connectors.Finding {
	place := fmt.Sprintf("s3://%s/%s", f.o.Bucket, f.o.Prefix)
	entries, more, _, err := f.bucket.list(ctx, f.o.Prefix, "")
	if err != nil {
		why, fix := connectors.Told(err, "see whether the storage answers from this machine")
		return connectors.Finding{Code: "s3.list", Severity: connectors.Failure, Message: "the keys of " + place + " cannot be listed: " + why, Fix: fix}
	}
	entries = slices.DeleteFunc(entries, func(e entry) bool { return e.Size == 0 || archived[e.StorageClass] })
	if len(entries) == 0 {
		return connectors.Finding{Code: "s3.empty", Severity: connectors.Warning, Message: "there is no object at " + place + " that can be read", Fix: "correct prefix, or have the writer begin"}
	}
	newest := slices.MaxFunc(entries, func(a, b entry) int { return cmp.Or(a.LastModified.Compare(b.LastModified), cmp.Compare(a.Key, b.Key)) })
	reason, err := f.sample(ctx, newest)
	switch {
	case err != nil:
		why, fix := connectors.Told(err, "read one by hand with the same key")
		return connectors.Finding{Code: "s3.read", Severity: connectors.Failure, Message: "the objects at " + place + " are listed and cannot be read: " + why, Fix: fix}
	case reason != "":
		return connectors.Finding{Code: "s3.format", Severity: connectors.Warning, Message: "the first record of " + newest.Key + " cannot be read: " + reason,
			Fix: "point prefix to objects of JSON, one event a record, in a tracker's form or that of event files"}
	}
	count, each := fmt.Sprintf("%d objects", len(entries)), ""
	if more {
		count, each = fmt.Sprintf("more than %d objects", len(entries)), " for each thousand of the keys that are looked at"
	}
	cost := ""
	if f.poll > 0 {
		cost = fmt.Sprintf("; %d list calls a day%s, and one for each new object", 24*time.Hour/f.poll, each)
	}
	return connectors.Finding{Code: "s3.ok", Severity: connectors.OK, Message: count + " at " + place + cost}
}

// sampleSize is how much of an object the doctor fetches at a time.
const sampleSize = 64 << 10

// sample says why the first record of an object is unreadable, "" if it is not.
func (f *Feed) sample(ctx context.Context, e entry) (reason string, err error) {
	o := &object{Key: e.Key, ETag: e.ETag, Size: e.Size}
	c, err := openContent(ctx, f.bucket, o, make([]byte, min(o.Size, sampleSize)))
	if err == nil {
		var s splitter
		s.reset(c, 0)
		var record []byte
		if record, reason, err = s.next(); err == nil && reason == "" {
			reason = new(jsonl.Lines).Event(string(record), &connectors.Event{})
		}
	}
	switch {
	case isCall(err):
		return "", err
	case errors.Is(err, io.EOF):
		return "it holds none", nil
	case err != nil:
		return reasonDamaged, nil
	}
	return reason, nil
}

// isCall says that an error is a call's, not of what it brought.
func isCall(err error) bool {
	var e *connectors.Error
	return errors.As(err, &e)
}
