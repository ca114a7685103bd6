package transport

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Limit is a number of calls in any span of time as long as Per.
type Limit struct {
	Calls int
	Per   time.Duration
}

// PerSecond is the limit of rate calls a second, which may be a fraction.
func PerSecond(rate float64) Limit {
	n := max(math.Floor(rate), 1)
	return Limit{Calls: int(n), Per: time.Duration(n / rate * float64(time.Second))}
}

// BudgetOptions of a Budget. Defaults stand in parentheses.
type BudgetOptions struct {
	Connector string  // its name in the ledger
	Share     float64 // of a learned window that this process uses (1)
	Reserve   float64 // share of the daily limit that is left to others (0)
	Window    Limit   // the main window until headers tell; zero: none
	// Shared says that others use up the main window beside this process, our own commands among them. Where no answer of
	// just now, a tenth of the window, told what is left of it, one call goes out alone, and the others wait for its answer. (false)
	Shared   bool
	Buckets  map[string]Limit // windows of their own, used whole
	DayLimit int64            // until headers tell; 0: none
	// Day names the day that now lies in, as the vendor counts days, and tells when it ends. (UTC days)
	Day func(now time.Time) (name string, end time.Time)
	// Recheck says that the vendor's day is any 24 hours rather than a calendar day: its own count frees up bit by bit, so that
	// a used-up day is asked about again after so long, by a call or few. (0: it turns when Day says)
	Recheck time.Duration
	MaxWait time.Duration // longest hold, or wait for a window, that is waited out; longer ones are answered with an error (1 min)
	Ledger  connectors.Ledger
	Now     func() time.Time
}

// Observed is what an answer's headers tell of the limits; −1 (or 0 for Per) where they do not.
type Observed struct {
	Max, Remaining       int64
	Per                  time.Duration
	DayMax, DayRemaining int64
}

// Unobserved is what headers without limits tell.
var Unobserved = Observed{Max: -1, Remaining: -1, DayMax: -1, DayRemaining: -1}

// Budget is the rate and daily budget that all workers of a connector share. It is safe for concurrent use.
type Budget struct {
	o BudgetOptions

	mu      sync.Mutex
	changed chan struct{} // closed when what waiting calls wait for may have changed
	main    window
	buckets map[string]*window
	held    hold // of every bucket

	day       string
	dayEnd    time.Time
	made      int64     // calls of this process and, by the ledger, of those before it on this day
	dayMax    int64     // 0: not known
	remaining int64     // as last observed; −1: not observed on this day
	since     int64     // calls since that observation
	observed  time.Time // when that was, or when calls were last let through to find out (monotonic)
	asking    int       // calls let through since
}

type window struct {
	limit Limit
	sent  []time.Time // of the calls in the present span, oldest first
	open  int         // calls let through and not answered yet
	// left is how many calls the vendor's own limit has room for, as it last told, less those let through since. It stands for the
	// length of the window.
	left   int
	toldAt time.Time // zero: it never told
	roseAt time.Time // when left was last taken from an answer as it was told
	silent bool      // the last answer did not tell, nor did another one just before it
	held   hold
}

type hold struct {
	until time.Time
	err   *connectors.Error
}

const everyBucket = "*"

// recheckCalls is how many calls may ask at once whether a spent day has room again.
const recheckCalls = 3

// NewBudget is a budget for o.
func NewBudget(o BudgetOptions) *Budget {
	if o.Share <= 0 || o.Share > 1 {
		o.Share = 1
	}
	if o.Reserve < 0 || o.Reserve >= 1 {
		o.Reserve = 0
	}
	setDefault(&o.MaxWait, time.Minute)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Day == nil {
		o.Day = func(now time.Time) (string, time.Time) { return DayIn(now, time.UTC) }
	}
	b := &Budget{o: o, changed: make(chan struct{}), main: window{limit: o.Window}, buckets: map[string]*window{}, dayMax: o.DayLimit, remaining: -1}
	for name, limit := range o.Buckets {
		b.buckets[name] = &window{limit: limit}
	}
	b.resume()
	return b
}

// resume goes on with what an earlier process waited for.
func (b *Budget) resume() {
	if b.o.Ledger == nil {
		return
	}
	until := b.o.Ledger.ExhaustedUntil(b.o.Connector)
	if left := min(until.Sub(b.o.Now()), 24*time.Hour); !until.IsZero() && left > 0 {
		e := connectors.Errorf(connectors.Quota, "", "the day's calls were used up before the last start")
		e.Code, e.Until = "DAILY_LIMIT", until
		b.held = hold{time.Now().Add(left), e}
	}
}

// keep has the ledger remember for how long nothing is sent.
func (b *Budget) keep(d time.Duration) {
	if b.o.Ledger == nil {
		return
	}
	var until time.Time
	if d > 0 {
		until = b.o.Now().Add(d)
	}
	b.o.Ledger.SetExhausted(b.o.Connector, until)
}

// DayIn is the calendar day of now in loc and the midnight that ends it.
func DayIn(now time.Time, loc *time.Location) (string, time.Time) {
	t := now.In(loc)
	return t.Format(time.DateOnly), time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, loc)
}

// acquire waits until one more call may be made in the bucket and counts it; Done says that it is over. Its error is the context's, or a Quota error when
// the day is used up, or a hold or a window outlasts MaxWait.
func (b *Budget) acquire(ctx context.Context, bucket string) error {
	for {
		wait, changed, day, err := b.admit(bucket)
		if err != nil {
			return err
		}
		if wait == 0 {
			if b.o.Ledger != nil {
				b.o.Ledger.AddCalls(b.o.Connector, day, 1)
			}
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// Done says that a call that Acquire let through was answered, or never will be. One that was refused for a limit took no room in it.
func (b *Budget) Done(bucket string, refused bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.window(bucket)
	w.open--
	if refused && len(w.sent) > 0 {
		w.sent = w.sent[:len(w.sent)-1]
	}
	w.silent = w.toldAt.IsZero() || time.Since(w.toldAt) >= w.limit.Per
	b.wake()
}

// Release ends all holds, and has the vendor asked again what is left of a day that it said is spent. What the ledger says intentd
// used of the day itself stays.
func (b *Budget) Release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held, b.main.held = hold{}, hold{}
	for _, w := range b.buckets {
		w.held = hold{}
	}
	b.remaining, b.since, b.observed, b.asking = -1, 0, time.Time{}, 0
	b.keep(0)
	b.wake()
}

// wake has those that wait look again; b.mu is held.
func (b *Budget) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// admit counts a call that goes out now, on the day it tells, or says how long to wait at most, and what may end the wait before.
func (b *Budget) admit(bucket string) (wait time.Duration, changed <-chan struct{}, day string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	w := b.window(bucket)
	for _, h := range []*hold{&b.held, &w.held} {
		left := h.until.Sub(now)
		if left > b.o.MaxWait {
			e := *h.err
			e.Kind = connectors.Quota
			return 0, nil, "", &e
		}
		wait = max(wait, left)
	}
	if wait > 0 {
		return wait, b.changed, "", nil
	}
	b.turn()
	if limit, used := b.dayUse(); b.spent(limit, used) {
		again := b.o.Recheck - now.Sub(b.observed)
		if b.o.Recheck == 0 || again > 0 {
			e := connectors.Errorf(connectors.Quota, "", "%d of the day's %d calls are used, the rest is left to others", used, limit)
			e.Code, e.Until = "DAILY_RESERVE", b.dayEnd
			if b.o.Recheck > 0 {
				e.Until = b.o.Now().Add(again)
			}
			return 0, nil, "", e
		}
		// The call may need another before it is answered: a token's end makes two of one.
		if b.asking++; b.asking >= recheckCalls {
			b.observed, b.asking = now, 0
		}
	}
	if wait = w.admit(now, b.o.Shared && w == &b.main); wait > b.o.MaxWait {
		e := connectors.Errorf(connectors.Quota, "", "the %d calls that may be made in %s are used", w.limit.Calls, w.limit.Per)
		e.Code, e.Until = "WINDOW_LIMIT", b.o.Now().Add(wait)
		return 0, nil, "", e
	} else if wait > 0 {
		return wait, b.changed, "", nil
	}
	b.made++
	b.since++
	return 0, nil, b.day, nil
}

func (b *Budget) window(bucket string) *window {
	if w := b.buckets[bucket]; w != nil {
		return w
	}
	return &b.main
}

// spent says whether a day's use has reached the reserve.
func (b *Budget) spent(limit, used int64) bool {
	return limit > 0 && float64(used) >= float64(limit)*(1-b.o.Reserve)
}

// turn begins a new day when the wall clock says so.
func (b *Budget) turn() {
	name, end := b.o.Day(b.o.Now())
	b.dayEnd = end
	if name == b.day {
		return
	}
	b.day, b.made = name, 0
	if b.o.Recheck == 0 {
		b.remaining, b.since = -1, 0
	}
	if b.o.Ledger != nil {
		b.made = b.o.Ledger.DailyCalls(b.o.Connector, name)
	}
}

// dayUse is the day's limit (0: unknown) and how much of it is used, by our count or the vendor's, whichever is more.
func (b *Budget) dayUse() (limit, used int64) {
	used = b.made
	if b.remaining >= 0 && b.dayMax > 0 {
		told := b.dayMax - b.remaining + b.since
		if b.o.Recheck > 0 {
			return b.dayMax, told // a calendar day's count means nothing to it
		}
		used = max(used, told)
	}
	return b.dayMax, used
}

// admit counts a call that goes out now, or says how long to wait at most.
func (w *window) admit(now time.Time, shared bool) time.Duration {
	if w.limit.Calls <= 0 || w.limit.Per <= 0 {
		w.open++
		return 0
	}
	w.drop(now)
	told := !w.toldAt.IsZero() && now.Sub(w.toldAt) < w.limit.Per
	fresh := told && now.Sub(w.toldAt) < w.limit.Per/10
	if shared && !fresh && !w.silent && w.open > 0 && len(w.sent) > 0 {
		// Somebody is out to ask; an answer that takes too long is not waited for.
		if rest := w.sent[len(w.sent)-1].Add(w.limit.Per).Sub(now); rest > 0 {
			return rest
		}
	}
	if used := w.current(now); used >= w.limit.Calls {
		return w.sent[len(w.sent)-w.limit.Calls].Add(w.limit.Per).Sub(now)
	}
	if told && w.left <= 0 {
		rest := w.toldAt.Add(w.limit.Per).Sub(now)
		if len(w.sent) > 0 {
			rest = min(rest, w.sent[0].Add(w.limit.Per+slack).Sub(now))
		}
		return rest
	}
	w.sent = append(w.sent, now)
	w.left--
	w.open++
	return 0
}

// slack is how much longer than the window a call is remembered, for what the vendor counts when it answers was sent a
// little earlier.
const slack = time.Second

func (w *window) drop(now time.Time) {
	i := 0
	for i < len(w.sent) && now.Sub(w.sent[i]) >= w.limit.Per+slack {
		if !w.sent[i].After(w.toldAt) {
			w.left++ // it was counted then and is no more
		}
		i++
	}
	w.sent = append(w.sent[:0], w.sent[i:]...)
}

// current is how many calls lie in the span that ends now.
func (w *window) current(now time.Time) int {
	n := len(w.sent)
	for n > 0 && now.Sub(w.sent[len(w.sent)-n]) >= w.limit.Per {
		n--
	}
	return n
}

// Learn takes in what an answer told of the limits.
func (b *Budget) Learn(o Observed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if o.DayMax > 0 {
		b.dayMax = o.DayMax
	}
	if o.DayRemaining >= 0 {
		b.turn()
		b.remaining, b.since = o.DayRemaining, 0
		b.observed, b.asking = time.Now(), 0
		if b.o.Recheck > 0 && b.spent(b.dayUse()) {
			b.keep(b.o.Recheck)
		}
	}
	if o.Max <= 0 {
		return
	}
	w := &b.main
	now := time.Now()
	w.limit.Calls = max(int(float64(o.Max)*b.o.Share), 1)
	if o.Per > 0 {
		w.limit.Per = o.Per
	}
	w.drop(now)
	if o.Remaining >= 0 {
		// Of the other calls under way nobody knows whether they are counted in, and of another process's not even how many: two
		// thirds of what Share leaves to others are room for them. With half of it a call in 200 was refused now and then.
		left := int(o.Remaining) - max(w.open-1, 0)
		if b.o.Shared {
			left -= int(float64(o.Max) * (1 - b.o.Share) * 2 / 3)
		}
		// Answers overtake one another: one that tells of more room may be the older one.
		if left < w.left || now.Sub(w.roseAt) >= w.limit.Per/10 {
			w.left, w.roseAt = left, now
		}
		w.toldAt = now
	}
}

// hold keeps every worker of a bucket, or of all with "*", waiting for d. err is what they are told if that is too long.
func (b *Budget) hold(bucket string, d time.Duration, err *connectors.Error) {
	if d <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	h := &b.held
	if bucket != everyBucket {
		h = &b.window(bucket).held
	}
	if until := time.Now().Add(d); until.After(h.until) {
		if *h = (hold{until, err}); bucket == everyBucket && d > b.o.MaxWait {
			b.keep(d)
		}
	}
}

// Day is the day's limit and what is left of it, −1 where unknown, and what intentd made of it.
func (b *Budget) Day() (limit, remaining, made int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn()
	limit, used := b.dayUse()
	if limit == 0 {
		return -1, -1, b.made
	}
	return limit, max(limit-used, 0), b.made
}

func (b *Budget) report(r *connectors.Report) {
	r.DailyLimit, r.DailyRemaining, _ = b.Day()
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	latest := b.held.until
	for _, w := range b.buckets {
		if w.held.until.After(latest) {
			latest = w.held.until
		}
	}
	if b.main.held.until.After(latest) {
		latest = b.main.held.until
	}
	if left := latest.Sub(now); left > 0 {
		r.BlockedUntil = b.o.Now().Add(left)
	}
	if b.spent(b.dayUse()) {
		r.BlockedUntil = b.dayEnd
		if b.o.Recheck > 0 {
			r.BlockedUntil = b.o.Now().Add(max(b.o.Recheck-now.Sub(b.observed), 0))
		}
	}
}
