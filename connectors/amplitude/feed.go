package amplitude

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/spool"
	"github.com/intentd/intentd/connectors/internal/transport"
	"github.com/intentd/intentd/connectors/jsonl"
)

const pageEvents = 10_000

// Feed takes in a project. It is safe for concurrent use.
type Feed struct {
	name   string
	o      Config
	client *transport.Client
	now    func() time.Time
	poll   time.Duration
	most   int // events of a page

	taker  sync.Mutex // one Take at a time; guards what is below
	answer spool.Held
	broken []string // files of it that are damaged, met and not counted yet
	lines  jsonl.Lines

	failure transport.Failure
}

var (
	_ connectors.Feed         = (*Feed)(nil)
	_ connectors.IntakeReader = (*Feed)(nil)
	_ connectors.Reporter     = (*Feed)(nil)
	_ connectors.Releaser     = (*Feed)(nil)
	_ connectors.Prober       = (*Feed)(nil)
	_ io.Closer               = (*Feed)(nil)
)

// position is a cursor.
type position struct {
	Version int               `json:"v"`
	Done    time.Time         `json:"d,omitzero"` // all that was uploaded before was read
	Reread  time.Time         `json:"r,omitzero"` // when the last hours were last read again
	Hours   int               `json:"n,omitempty"`
	Under   *pass             `json:"u,omitempty"`
	Intake  connectors.Intake `json:"in,omitzero"`
}

// pass is one that is under way.
type pass struct {
	From  time.Time      `json:"f"` // the hours that are asked for: from one …
	To    time.Time      `json:"t"` // … until another one
	Until time.Time      `json:"u"` // the end of the pass
	At    spool.Position `json:"a,omitzero"`
	Count spool.Counts   `json:"c,omitzero"`
}

const (
	cursorVersion = 1
	mostHours     = 7 * 24 // of one call
)

func (f *Feed) position(from connectors.Cursor) (at position, err error) {
	if from == nil {
		return position{Version: cursorVersion, Hours: 1}, nil
	}
	if err := json.Unmarshal(from, &at); err != nil || at.Version != cursorVersion {
		return at, connectors.Errorf(connectors.Config, f.name+": read the stored position", "it cannot be read: it is another type's or a newer release's")
	}
	return at, nil
}

// begin begins a pass, unless no hour was closed since the last one.
func (f *Feed) begin(at *position) {
	now, _ := f.client.ServerNow()
	until := now.UTC().Add(-f.o.Settle).Truncate(time.Hour)
	from := at.Done
	switch {
	case from.IsZero():
		from = until.Add(-f.o.Back).Truncate(time.Hour)
		at.Reread = now.UTC().Truncate(time.Second)
	case f.o.Reread > 0 && now.Sub(at.Reread).Abs() >= day && until.After(from):
		from = from.Add(-f.o.Reread).Truncate(time.Hour)
		at.Reread = now.UTC().Truncate(time.Second)
	}
	if until.After(from) {
		at.Under = &pass{From: from, Until: until}
		at.Under.plan(at.Hours)
	}
}

func (u *pass) plan(hours int) {
	u.To = u.From.Add(time.Duration(hours) * time.Hour)
	if u.To.After(u.Until) {
		u.To = u.Until
	}
	u.At = spool.Position{}
}

func (u *pass) hours() int { return int(u.To.Sub(u.From) / time.Hour) }

// answerRead goes on behind an answer of a size; the pass is over behind the last.
func (at *position) answerRead(size int64) {
	u := at.Under
	at.Hours = spool.Fair(at.Hours, u.hours(), mostHours, size)
	if u.To.After(at.Done) {
		at.Done = u.To
	}
	if u.From = u.To; u.From.Before(u.Until) {
		u.plan(at.Hours)
		return
	}
	u.Count.Over(&at.Intake)
	at.Under = nil
}

// Take reads on from the position: some lines of an answer, which is asked for if it is not there.
func (f *Feed) Take(ctx context.Context, from connectors.Cursor) (page connectors.Page[connectors.Event], err error) {
	f.taker.Lock()
	defer f.taker.Unlock()
	at, err := f.position(from)
	if err != nil {
		return page, err
	}
	f.answer.Resume(from)
	if at.Under == nil {
		f.begin(&at)
	}
	if err = ctx.Err(); err == nil && at.Under != nil {
		page.Items, err = f.read(ctx, &at)
	} else if err != nil {
		err = &connectors.Error{Kind: connectors.Transient, Op: f.name + ": export", Err: err}
	}
	if f.failure.Note(err); err != nil {
		f.answer.Drop()
		return connectors.Page[connectors.Event]{}, err
	}
	page.Next, page.More = transport.Encode(at), at.Under != nil
	f.answer.Stands(page.Next)
	return page, nil
}

// read reads lines of the present answer.
func (f *Feed) read(ctx context.Context, at *position) (events []connectors.Event, err error) {
	u := at.Under
	if f.answer.Answer == nil {
		f.broken = nil
		if f.answer.Answer, err = f.ask(ctx, at); err != nil || f.answer.Answer == nil {
			return nil, err
		}
	}
	where := "the export of " + u.From.Format(hourForm)
	p := spool.Page{Name: f.name, Where: where, Most: f.most, Now: f.now, Intake: &at.Intake, Poll: &u.Count, Read: f.lines.Event}
	err = p.Fill(ctx, f.answer.Lines)
	u.At = f.answer.Lines.At
	for _, name := range f.broken {
		at.Intake.Read++
		u.Count.Read++
		u.Count.Unread++
		at.Intake.CountUnreadable(connectors.Unreadable{Where: name, Reason: reasonDamaged, Time: f.now().UTC()})
	}
	f.broken = nil
	switch {
	case errors.Is(err, io.EOF):
		at.answerRead(f.answer.Size)
		f.answer.Drop()
	case err != nil:
		return nil, &connectors.Error{Kind: connectors.Transient, Op: f.name + ": read the spooled export", Err: err}
	}
	return p.Events, nil
}

const reasonDamaged = "damaged or cut gzip data: the rest of the file is unreadable"

// ask asks for the hours of a pass that are next, and goes to where the pass stands in the answer. nil and no error: there is nothing to
// read, and other hours are next.
func (f *Feed) ask(ctx context.Context, at *position) (*spool.Answer, error) {
	u := at.Under
	file, err := f.export(ctx, u.From, u.To)
	switch {
	case errors.Is(err, errShorter) && u.hours() > 1:
		at.Hours = u.hours() / 2
		u.plan(at.Hours)
		return nil, nil
	case errors.Is(err, errShorter):
		return nil, &connectors.Error{Kind: connectors.Config, Op: f.name + ": export " + u.From.Format(hourForm), Message: "one hour's events are more than is kept",
			Fix: "have Amplitude export to S3, and use a source of type s3"}
	case err != nil:
		return nil, err
	case file == nil:
		at.answerRead(0)
		return nil, nil
	}
	before := u.At
	a, err := spool.Open(f.name+": export "+u.From.Format(hourForm), file, &u.At, func(file *os.File) (io.Reader, error) {
		return openArchive(file, func(name string) { f.broken = append(f.broken, name) })
	})
	if before != (spool.Position{}) { // those before the position were counted
		f.broken = nil
	}
	return a, err
}

// Intake tells what was read up to a cursor.
func (f *Feed) Intake(from connectors.Cursor) (connectors.Intake, error) {
	at, err := f.position(from)
	return at.Intake, err
}

// Report tells of the calls since the start.
func (f *Feed) Report() connectors.Report { return f.failure.Report(f.client) }

// Release implements connectors.Releaser.
func (f *Feed) Release() { f.client.Release() }

// Close drops what is spooled.
func (f *Feed) Close() error {
	f.taker.Lock()
	defer f.taker.Unlock()
	f.answer.Drop()
	return nil
}

// Probe asks for an hour that is closed.
func (f *Feed) Probe(ctx context.Context) []connectors.Finding {
	found := f.probe(ctx)
	found.Message = "source " + f.name + ": " + found.Message
	return []connectors.Finding{found}
}

// begins says whether an export has something in it, of which it reads no more than that.
func (f *Feed) begins(ctx context.Context, r transport.Request) (any bool, err error) {
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	r.Stream = func(answer io.Reader) error {
		var b [1]byte
		_, err := io.ReadFull(answer, b[:])
		any = err == nil
		enough()
		return err
	}
	_, err = f.client.Do(ctx, r)
	if any {
		err = nil
	}
	return any, err
}

func (f *Feed) probe(ctx context.Context) connectors.Finding {
	to := f.now().UTC().Add(-f.o.Settle).Truncate(time.Hour)
	any, err := f.begins(ctx, exportOf(to.Add(-time.Hour), to))
	if err != nil {
		why, fix := connectors.Told(err, "see whether Amplitude answers from this machine")
		return connectors.Finding{Code: "amplitude.export", Severity: connectors.Failure, Message: "events cannot be exported: " + why, Fix: fix}
	}
	if !any {
		return connectors.Finding{Code: "amplitude.empty", Severity: connectors.Warning, Message: "nothing was uploaded in the hour from " + to.Add(-time.Hour).Format("15:04") + " UTC",
			Fix: "check that api_key is of the project that trackers send to, and region, unless nobody came"}
	}
	cost := ""
	if f.poll > 0 {
		cost = fmt.Sprintf("; about %d calls a day", max(day/f.poll, 1)+2)
	}
	return connectors.Finding{Code: "amplitude.ok", Severity: connectors.OK, Message: "events are exported" + cost}
}
