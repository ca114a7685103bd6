package warehouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Feed is a warehouse whose events are read once, into the event store. (mode: take)
//
// An engine that is paid by what a query reads is asked for windows of time, each once, and keeps the answer while its pages are fetched.
// Every other one is asked for the rows that came in after a position.
type Feed struct {
	name     string
	engine   engine
	rows     ordered       // of an engine without windows
	windows  *windows      // of one that keeps answers; nil: none
	lookback time.Duration // how late a row may come in
	back     time.Duration // how far back the first pass begins
	now      func() time.Time
}

// windows is how an engine that keeps its answers is asked.
type windows struct {
	engine keeper
	query  statement
	reread time.Duration // what is read again once a day, because the warehouse rewrites it; 0: nothing
	page   int           // rows of a page
}

// keeper is an engine that keeps the answer of a query for some hours, so that it is paid once and read page by page.
type keeper interface {
	// submit has the query of a window run and names its answer. Until the same window is submitted again within minutes it costs nothing twice.
	submit(ctx context.Context, op string, s *statement, a *args) (answer string, err error)
	// fetch hands over the rows of a page of an answer; next is "" behind the last. An answer that is not kept any more is errNotKept.
	fetch(ctx context.Context, op, answer, page string, limit int, each func(row) error) (next string, err error)
	// cost says what a query would read, in bytes, and its columns. Asking costs nothing.
	cost(ctx context.Context, op string, s *statement, a *args) (bytes int64, columns []string, err error)
}

var errNotKept = errors.New("the answer is not kept any more")

// A first pass reads what borders on two windows in both, which is little of a week; what a week reads may be more than a day allows.
const (
	windowSpan = 7 * 24 * time.Hour
	shortSpan  = 24 * time.Hour
)

// errTooDear is a query that reads more than a whole day allows.
var errTooDear = errors.New("more than a day allows")

// windowAt is a position of a feed by windows. Between passes From and To are zero.
type windowAt struct {
	Version int               `json:"v"`
	Done    time.Time         `json:"d,omitzero"`  // what came in until then was read
	Reread  time.Time         `json:"r,omitzero"`  // when what the warehouse rewrites was last read again
	From    time.Time         `json:"f,omitzero"`  // the window that is being read
	To      time.Time         `json:"to,omitzero"` //
	Until   time.Time         `json:"u,omitzero"`  // the end of the pass
	Answer  string            `json:"a,omitempty"` // of the window's query
	Page    string            `json:"p,omitempty"` // to be fetched next
	Intake  connectors.Intake `json:"in,omitzero"`
}

// Take implements connectors.Feed.
func (f *Feed) Take(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Event], error) {
	if f.windows != nil {
		return f.takeWindow(ctx, from)
	}
	return f.takeRows(ctx, from)
}

func (f *Feed) op() string { return f.name + ": events" }

func (f *Feed) takeRows(ctx context.Context, from connectors.Cursor) (page connectors.Page[connectors.Event], err error) {
	at, err := readPosition(f.op(), from)
	if err != nil {
		return page, err
	}
	if from == nil {
		at.Time = f.now().Add(-f.back)
	}
	in := startPoll(at.Intake)
	page.More, err = f.rows.page(ctx, f.op(), &at, func(n int, r row, err error) {
		var e connectors.Event
		if err == nil {
			e, err = r.event(f.name)
		}
		f.count(&in, &page, n, e, err)
	})
	if err != nil {
		return connectors.Page[connectors.Event]{}, err
	}
	at.Intake = in
	page.Next = transport.Encode(at)
	return page, nil
}

func (f *Feed) takeWindow(ctx context.Context, from connectors.Cursor) (page connectors.Page[connectors.Event], err error) {
	at, err := f.windowPosition(from)
	if err != nil {
		return page, err
	}
	if at.To.IsZero() {
		f.begin(&at)
	}
	w := f.windows
	if at.Answer == "" {
		// The answer's name is stored before anything of it is read: a crash does not pay for it again.
		at.Answer, err = w.engine.submit(ctx, f.op(), &w.query, &args{from: at.From, to: at.To})
		if errors.Is(err, errTooDear) && at.To.Sub(at.From) > shortSpan {
			at.To = at.From.Add(shortSpan)
			at.Answer, err = w.engine.submit(ctx, f.op(), &w.query, &args{from: at.From, to: at.To})
		}
		if err != nil {
			return page, err
		}
		page.Next, page.More = transport.Encode(at), true
		return page, nil
	}
	n := 0
	next, err := w.engine.fetch(ctx, f.op(), at.Answer, at.Page, w.page, func(r row) error {
		n++
		e, err := r.event(f.name)
		f.count(&at.Intake, &page, n, e, err)
		return nil
	})
	if errors.Is(err, errNotKept) {
		// The whole window again, which is paid again: not before the next poll. What was taken of it is known by its ids.
		at.Answer, at.Page = "", ""
		return connectors.Page[connectors.Event]{Next: transport.Encode(at)}, nil
	}
	if err != nil {
		return connectors.Page[connectors.Event]{}, err
	}
	if at.Page = next; next == "" {
		at.windowRead()
	}
	page.More = !at.To.IsZero()
	page.Next = transport.Encode(at)
	return page, nil
}

func (f *Feed) windowPosition(from connectors.Cursor) (windowAt, error) {
	at := windowAt{Version: cursorVersion}
	if from == nil {
		return at, nil
	}
	if err := json.Unmarshal(from, &at); err != nil || at.Version != cursorVersion {
		return at, errCursor(f.op())
	}
	return at, nil
}

// begin begins a pass with its first window.
func (f *Feed) begin(at *windowAt) {
	now := f.now().UTC().Truncate(time.Second)
	at.Until, at.Intake = now, startPoll(at.Intake)
	switch w := f.windows; {
	case at.Done.IsZero():
		at.From, at.Reread = now.Add(-f.back), now
	case w.reread > 0 && now.Sub(at.Reread) >= 24*time.Hour:
		at.From, at.Reread = at.Done.Add(-max(w.reread, f.lookback)), now
	default:
		at.From = at.Done.Add(-f.lookback)
	}
	at.To = earlier(at.From.Add(windowSpan), at.Until)
}

// windowRead moves on behind a window.
func (at *windowAt) windowRead() {
	at.Answer, at.Page = "", ""
	if at.To.Before(at.Until) {
		at.From = at.To
		at.To = earlier(at.From.Add(windowSpan), at.Until)
		return
	}
	at.Done = at.Until
	at.From, at.To, at.Until = time.Time{}, time.Time{}, time.Time{}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// startPoll is the intake so far, ready to count the rows of a poll.
func startPoll(in connectors.Intake) connectors.Intake {
	in.LatestRead, in.LatestUnreadable = 0, 0
	return in
}

// count puts an event on a page, or counts why it could not be read.
func (f *Feed) count(in *connectors.Intake, page *connectors.Page[connectors.Event], n int, e connectors.Event, err error) {
	in.Read++
	in.LatestRead++
	if err != nil {
		in.LatestUnreadable++
		in.CountUnreadable(connectors.Unreadable{Where: "the events query", Line: int64(n), Reason: err.Error(), Time: f.now()})
		return
	}
	page.Items = append(page.Items, e)
}

// Intake implements connectors.IntakeReader.
func (f *Feed) Intake(from connectors.Cursor) (connectors.Intake, error) {
	var at struct {
		Intake connectors.Intake `json:"in"`
	}
	if from == nil {
		return at.Intake, nil
	}
	if err := json.Unmarshal(from, &at); err != nil {
		return at.Intake, errCursor(f.op())
	}
	return at.Intake, nil
}

// Probe implements connectors.Prober: the query is run about a moment, or only planned where running it is paid for, and its columns looked at.
func (f *Feed) Probe(ctx context.Context) []connectors.Finding {
	var names []string
	var said string
	var err error
	required := []string{"event_id", "time", "kind"}
	now := f.now()
	a := &args{since: now, from: now.Add(-24 * time.Hour), to: now, limit: 1, columns: func(c []string) { names = c }}
	if w := f.windows; w != nil {
		var bytes int64
		bytes, names, err = w.engine.cost(ctx, f.op(), &w.query, a)
		said = fmt.Sprintf("the events query reads %s for the last day; first %s for %d days", inBytes(bytes), inBytes(bytes*int64(f.back/(24*time.Hour))), f.back/(24*time.Hour))
	} else {
		required = append(required, "cursor_time", "cursor_id")
		err = f.engine.query(ctx, f.op(), &f.rows.query, a, func(row) error { return nil })
		said = "the events query answers, in a session that can only read"
	}
	if found := checkColumns("events", names, err, required, []string{"email", "user_id", "anonymous_id"}); found != nil {
		return []connectors.Finding{*found}
	}
	return []connectors.Finding{{Code: "warehouse.ok", Severity: connectors.OK, Message: said}}
}

// checkColumns is what is wrong with a query that failed or lacks columns; nil if nothing is.
func checkColumns(query string, names []string, failed error, required, oneOf []string) *connectors.Finding {
	missing := slices.DeleteFunc(slices.Clone(required), func(c string) bool { return slices.Contains(names, c) })
	switch {
	case failed != nil:
		fix := "run the query by hand as the same user"
		if connectors.KindOf(failed) == connectors.Transient {
			fix = "see whether the database answers from this machine, and how long the query takes"
		}
		return &connectors.Finding{Code: "warehouse.query", Severity: connectors.Failure, Message: failed.Error(), Fix: fix}
	case len(missing) > 0:
		return &connectors.Finding{Code: "warehouse.columns", Severity: connectors.Failure,
			Message: fmt.Sprintf("the %s query has no column %s", query, strings.Join(missing, ", ")), Fix: "name its columns as docs/warehouse.md tells"}
	case !slices.ContainsFunc(names, func(c string) bool { return slices.Contains(oneOf, c) }):
		return &connectors.Finding{Code: "warehouse.columns", Severity: connectors.Failure,
			Message: fmt.Sprintf("the %s query says of nobody whose rows they are", query), Fix: "add one of the columns " + strings.Join(oneOf, ", ")}
	}
	return nil
}

// inBytes writes an amount of data as vendors bill it, by thousands.
func inBytes(n int64) string {
	switch f := float64(n); {
	case f >= 1e12:
		return fmt.Sprintf("%.1f TB", f/1e12)
	case f >= 1e9:
		return fmt.Sprintf("%.1f GB", f/1e9)
	case f >= 1e6:
		return fmt.Sprintf("%.0f MB", f/1e6)
	}
	return fmt.Sprintf("%d kB", (n+999)/1000)
}

func inDays(d time.Duration) string { return fmt.Sprintf("%d days", d/(24*time.Hour)) }

// Close ends the sessions.
func (f *Feed) Close() error { return f.engine.Close() }
