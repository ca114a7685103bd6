package warehouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/asked"
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
	poll     time.Duration // how often it is asked; 0: not told
	now      func() time.Time
}

// windows is how an engine that keeps its answers is asked.
type windows struct {
	engine keeper
	query  statement
	reread time.Duration // what is read again once a day, because the warehouse rewrites it; 0: nothing
	edge   time.Duration // how far the tables' own days may be from ours: a pass begins and ends so much further out
	page   int           // rows of a page
}

// keeper is an engine that keeps the answer of a query for some hours, so that it is paid once and read page by page.
type keeper interface {
	// submit has the query of a window run and names its answer. Until the same window is submitted again within minutes it costs nothing twice.
	// reads is how much the query reads, 0 where that is not known before; one that reads exactly a.unless is not run: errUnchanged.
	submit(ctx context.Context, op string, s *statement, a *args) (answer string, reads int64, err error)
	// fetch hands over the rows of a page of an answer; next is "" behind the last. An answer that will never come is a lostAnswer.
	fetch(ctx context.Context, op, answer, page string, limit int, each func(row) error) (next string, err error)
	// priced says in words what running a query would cost, and its columns, where they are known before. Asking costs nothing.
	priced(ctx context.Context, op string, s *statement, a *args) (said string, columns []string, err error)
	// daily says what a usual day costs. It may run the query of one pass.
	daily(ctx context.Context, op string, s *statement, r rhythm) (costs, error)
}

// lostAnswer says that the answer of a query will never come: the query is to be run again.
type lostAnswer struct {
	cause error // nil: it was there, and is not kept any more
	slow  bool  // it took too long
}

func (l *lostAnswer) Error() string {
	if l.cause == nil {
		return "the answer is not kept any more"
	}
	return l.cause.Error()
}

func (l *lostAnswer) Unwrap() error { return l.cause }

var errNotKept = &lostAnswer{}

// errUnchanged says that a query would read what it read before.
var errUnchanged = errors.New("nothing changed")

// rhythm is what a feed asks on a usual day and in its first pass.
type rhythm struct {
	passes             int // a day
	pass, again, first *args
	back               time.Duration // that of first
}

// costs are what a usual day costs, in words.
type costs struct {
	said    string
	over    bool // it is more than the configuration allows
	columns []string
}

// Windows border at midnight, so that a day's partition is read in one of them; what a week reads may be more than a day allows.
const (
	windowSpan = 7 * 24 * time.Hour
	shortSpan  = 24 * time.Hour
)

// windowAt is a position of a feed by windows. Between passes From and To are zero.
type windowAt struct {
	Version int               `json:"v"`
	Done    time.Time         `json:"d,omitzero"`   // what came in until then was read
	Reread  time.Time         `json:"r,omitzero"`   // when what the warehouse rewrites was last read again
	From    time.Time         `json:"f,omitzero"`   // the window that is being read
	To      time.Time         `json:"to,omitzero"`  //
	Until   time.Time         `json:"u,omitzero"`   // the end of the pass
	Answer  string            `json:"a,omitempty"`  // of the window's query
	Page    string            `json:"p,omitempty"`  // to be fetched next
	Tries   int               `json:"x,omitempty"`  // how many answers of the window were lost
	Broken  *broken           `json:"b,omitempty"`  // why the last of them was
	Days    string            `json:"dy,omitempty"` // which days' tables the last window read …
	Bytes   int64             `json:"by,omitempty"` // … and how much
	Intake  connectors.Intake `json:"in,omitzero"`
}

// broken is why an answer was lost.
type broken struct {
	Kind    connectors.Kind `json:"k"`
	Message string          `json:"m"` // the vendor's own
	At      time.Time       `json:"t"`
}

// brokenFor is how long the failure of a query is told before it is run again. It is less than the time between two polls of what is paid for.
const brokenFor = time.Minute

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
		if b := at.Broken; b != nil && f.now().Sub(b.At) < brokenFor {
			return page, connectors.Errorf(b.Kind, f.op(), "%s", b.Message)
		}
		// The answer's name is stored before anything of it is read: a crash does not pay for it again.
		err = f.submit(ctx, &at)
		if errors.Is(err, errTooDear) && at.shorten() {
			err = f.submit(ctx, &at)
		}
		if errors.Is(err, errUnchanged) {
			// Done stays: what is on its way into the tables and not counted in them yet is asked for with the next pass.
			at.From, at.To, at.Until = time.Time{}, time.Time{}, time.Time{}
			page.Next = transport.Encode(at)
			return page, nil
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
	if lost := (*lostAnswer)(nil); errors.As(err, &lost) {
		more := f.giveUp(&at, lost)
		return connectors.Page[connectors.Event]{Next: transport.Encode(at), More: more}, nil
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

// submit has the query of the window run, unless it would read the same days as the last one and find them as large as they were: an export once
// a day is then not paid for with every pass.
func (f *Feed) submit(ctx context.Context, at *windowAt) (err error) {
	a := f.windows.args(at)
	days := a.from.UTC().Format(time.DateOnly) + "/" + a.to.UTC().Format(time.DateOnly)
	if days == at.Days && !at.Done.IsZero() && at.To.Equal(at.Until) {
		a.unless = at.Bytes
	}
	at.Days = days
	at.Answer, at.Bytes, err = f.windows.engine.submit(ctx, f.op(), &f.windows.query, a)
	return err
}

// args are the values of a window's query.
func (w *windows) args(at *windowAt) *args {
	a := &args{from: at.From, to: at.To, try: at.Tries}
	if at.To.Equal(at.Until) {
		a.to = at.To.Add(w.edge)
	}
	return a
}

// shorten makes the window one of a day, and says whether it was longer.
func (at *windowAt) shorten() bool {
	if at.To.Sub(at.From) <= shortSpan {
		return false
	}
	at.end(shortSpan)
	return true
}

// giveUp notes that an answer was lost, so that the window is asked for again; what was taken of it is known by its ids. More says that
// this, or why not, is to be told at once.
func (f *Feed) giveUp(at *windowAt, lost *lostAnswer) (more bool) {
	at.Answer, at.Page, at.Broken, at.Days = "", "", nil, ""
	at.Tries++
	switch {
	case lost.cause == nil: // it is paid for again: not before the next poll
		return false
	case !lost.slow || !at.shorten():
		var e *connectors.Error
		at.Broken = &broken{Kind: connectors.KindOf(lost.cause), Message: lost.Error(), At: f.now()}
		if errors.As(lost.cause, &e) {
			at.Broken.Message = e.Message
		}
	}
	return true
}

func (f *Feed) windowPosition(from connectors.Cursor) (windowAt, error) {
	at := windowAt{Version: cursorVersion}
	err := asked.ReadCursor(f.op(), from, &at, func() bool { return at.Version == cursorVersion })
	return at, err
}

// begin begins a pass with its first window.
func (f *Feed) begin(at *windowAt) {
	now := f.now().UTC().Truncate(time.Second)
	at.Until, at.Intake = now, startPoll(at.Intake)
	switch w := f.windows; {
	case at.Done.IsZero():
		at.From, at.Reread = now.Add(-f.back), now
	case w.reread > 0 && now.Sub(at.Reread) >= 24*time.Hour:
		at.From, at.Reread, at.Days = at.Done.Add(-max(w.reread, f.lookback)), now, ""
	default:
		at.From = at.Done.Add(-f.lookback)
	}
	at.From = at.From.Add(-f.windows.edge)
	at.end(windowSpan)
}

// end ends the window after at most a span, at a midnight or with the pass.
func (at *windowAt) end(span time.Duration) {
	if at.To = at.From.Add(span).Truncate(24 * time.Hour); at.To.After(at.Until) {
		at.To = at.Until
	}
}

// windowRead moves on behind a window.
func (at *windowAt) windowRead() {
	at.Answer, at.Page, at.Tries, at.Broken = "", "", 0, nil
	if at.To.Before(at.Until) {
		at.From = at.To
		at.end(windowSpan)
		return
	}
	at.Done = at.Until
	at.From, at.To, at.Until = time.Time{}, time.Time{}, time.Time{}
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
	err := asked.ReadCursor(f.op(), from, &at, func() bool { return true })
	return at.Intake, err
}

// Probe implements connectors.Prober: the query is run about a moment, or only planned where running it is paid for, and its columns looked at.
func (f *Feed) Probe(ctx context.Context) []connectors.Finding {
	var names []string
	var said string
	var err error
	required := []string{"event_id", "time", "kind"}
	now := f.now()
	a := &args{since: now, from: now.Add(-24 * time.Hour), to: now, limit: 1, columns: func(c []string) { names = c }}
	over := false
	if f.windows != nil {
		var c costs
		c, err = f.windows.engine.daily(ctx, f.op(), &f.windows.query, f.rhythm())
		names, said, over = c.columns, c.said, c.over
	} else {
		required = append(required, "cursor_time", "cursor_id")
		err = f.engine.query(ctx, f.op(), &f.rows.query, a, func(row) error { return nil })
		said = "the events query answers, in a session that can only read"
	}
	if found := checkColumns("events", names, err, required, []string{"email", "user_id", "anonymous_id"}); found != nil {
		return []connectors.Finding{*found}
	}
	if over {
		return []connectors.Finding{{Code: "warehouse.cost", Severity: connectors.Warning, Message: said, Fix: "poll it less often, or allow more a day"}}
	}
	return []connectors.Finding{{Code: "warehouse.ok", Severity: connectors.OK, Message: said}}
}

// rhythm is what the feed asks on a usual day.
func (f *Feed) rhythm() rhythm {
	now := f.now().UTC().Truncate(time.Second)
	every := f.poll
	if every <= 0 {
		every = time.Hour
	}
	edge := f.windows.edge
	window := func(back time.Duration) *args { return &args{from: now.Add(-back - edge), to: now.Add(edge)} }
	r := rhythm{passes: max(1, int(24*time.Hour/every)), pass: window(every + f.lookback), first: window(f.back), back: f.back}
	if f.windows.reread > 0 {
		r.again = window(24*time.Hour + max(f.windows.reread, f.lookback))
	}
	return r
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

// inDays writes a span of whole days.
func inDays(d time.Duration) string { return fmt.Sprintf("%d days", d/(24*time.Hour)) }

// Report implements connectors.Reporter.
func (f *Feed) Report() connectors.Report { return f.engine.report() }

// Close ends the sessions.
func (f *Feed) Close() error { return f.engine.Close() }
