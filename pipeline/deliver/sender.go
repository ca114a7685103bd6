package deliver

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// sender owns what is on its way to one CRM. Only its goroutine touches the fields below inbox; everybody else sends it messages.
type sender struct {
	o     Options
	name  string
	inbox chan message
	begun chan struct{} // closed once the journal's first rows are known
	done  chan struct{}
	next  atomic.Pointer[Target] // to be taken up at the next look
	wake  chan struct{}

	room          atomic.Bool  // published: more patches may be staged
	waitingForJob atomic.Int64 // published: patches that wait for a job

	target  Target
	objects map[string]*object
	calls   sync.WaitGroup // goroutines beside
	failed  error          // of the state: nothing is sent any more
}

// object is one CRM object of a sender.
type object struct {
	name   string
	rows   []*row // waiting, in the order they were staged
	byRef  map[connectors.Ref]*row
	sent   map[connectors.Ref]uint64 // sequence of the patch in a call under way
	groups map[string]bool           // in a call under way
	calls  int

	pass     int    // how often the journal was begun to be read
	read     uint64 // it was read up to here …
	whole    bool   // … and that was its end
	reading  bool
	outdated bool // a read under way began before the sender was told to look

	oldest   time.Time // when the first of rows came, by the process's clock
	paused   time.Time // nothing is sent before, after a call that failed
	failures int       // calls that failed in a row

	bulk      int       // patches in the journal that wait for a job
	bulkSince time.Time // when the first of them was met
	plain     bool      // they go by calls: too few for a job
	jobs      map[string]*job

	logged   string // the failure that was logged last, and when
	loggedAt time.Time
}

// row is a row in the sender's hands.
type row struct {
	state.Row
	attempts  int       // that failed for this record alone
	notBefore time.Time // by the process's clock
}

// message is what the sender is told or asked.
type message interface{ take(c *sender) }

func newSender(o Options, t Target) *sender {
	c := &sender{o: o, name: t.Name, target: t, inbox: make(chan message, 64), begun: make(chan struct{}), done: make(chan struct{}), wake: make(chan struct{}, 1), objects: map[string]*object{}}
	c.room.Store(true)
	c.aim(t)
	return c
}

// aim hands the sender its target of now and has it look at the journal.
func (c *sender) aim(t Target) {
	c.next.Store(&t)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// ask sends a question and waits for its answer.
func (c *sender) ask(ctx context.Context, m question) error {
	q := asked{m, make(chan struct{})}
	select {
	case c.inbox <- q:
	case <-c.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-q.answered:
	case <-c.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// run is the sender's whole life.
func (c *sender) run(ctx context.Context) error {
	beside, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer close(c.done)
	defer cancel()
	c.takeTarget()
	for {
		wait := c.look(beside)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return c.finish(cancel)
		case m := <-c.inbox:
			m.take(c)
			c.drainInbox()
		case <-c.wake:
			c.takeTarget()
		case <-timer.C:
		}
		timer.Stop()
		if c.failed != nil {
			cancel()
			return c.finish(cancel)
		}
	}
}

// drainInbox takes what else has come: deciding is done once for all of it.
func (c *sender) drainInbox() {
	for {
		select {
		case m := <-c.inbox:
			m.take(c)
		default:
			return
		}
	}
}

// finish waits for what is under way, for a moment; the answers that come are committed, the rest stays journalled.
func (c *sender) finish(cancel func()) error {
	stop := time.AfterFunc(stopGrace, cancel)
	defer stop.Stop()
	for _, o := range c.objects {
		for _, j := range o.jobs {
			if j.leave != nil {
				j.leave() // the next start follows it
			}
		}
	}
	ended := make(chan struct{})
	go func() { c.calls.Wait(); close(ended) }()
	for {
		select {
		case m := <-c.inbox:
			m.take(c)
		case <-ended:
			c.drainInbox()
			return c.failed
		}
	}
}

// takeTarget takes up the target of now. More may wait in the journal than was read.
func (c *sender) takeTarget() {
	c.target = *c.next.Load()
	for _, o := range c.objects {
		o.whole, o.outdated = false, o.reading
	}
	for _, name := range c.target.Objects {
		if c.objects[name] == nil {
			c.objects[name] = &object{name: name, byRef: map[connectors.Ref]*row{}, sent: map[connectors.Ref]uint64{}, groups: map[string]bool{}, jobs: map[string]*job{}}
		}
	}
	c.noteBeginning()
}

// background runs I/O in a goroutine of its own; what it returns comes back as a message.
func (c *sender) background(do func() message) {
	c.calls.Add(1)
	go func() {
		defer c.calls.Done()
		c.inbox <- do()
	}()
}

// look starts whatever can be started and returns how long there is nothing to do. Waits go by the process's own clock; only what
// a CRM demanded until a time is held against the wall clock.
func (c *sender) look(ctx context.Context) (wait time.Duration) {
	wait = lookAgain
	sooner := func(d time.Duration) { wait = min(wait, max(d, time.Millisecond)) }
	for _, o := range c.objects {
		c.readOn(o)
	}
	c.publish()
	if c.o.Host.Halted() {
		return wait
	}
	if until, err := c.o.Host.Blocked(c.name); err != nil {
		sooner(until.Sub(c.o.Now()))
		return wait
	}
	now := time.Now()
	for _, o := range c.objects {
		if now.Before(o.paused) {
			sooner(o.paused.Sub(now))
			continue
		}
		c.lookAtJobs(ctx, o, now, sooner)
		c.sendBatches(ctx, o, now, sooner)
	}
	c.publish()
	return wait
}

// publish tells lots whether there is room, and how many patches wait for a job.
func (c *sender) publish() {
	room, bulk, b := true, 0, c.bulkWriter()
	for _, o := range c.objects {
		bulk += o.bulk
		if len(o.rows)+len(o.sent) >= window || b != nil && o.bulk >= b.BulkSize() && len(o.jobs) >= jobsOut {
			room = false
		}
	}
	c.room.Store(room)
	c.waitingForJob.Store(int64(bulk))
}

// readOn reads the next rows of the journal when there is room for them.
func (c *sender) readOn(o *object) {
	room := window - len(o.rows) - len(o.sent)
	if o.whole || o.reading || room < min(window, batchSize) {
		return
	}
	o.reading = true
	after, pass := o.read, o.pass
	c.background(func() message {
		rows, next, damaged, err := c.o.DB.Rows(c.name, o.name, after, room)
		return journalRead{o, pass, rows, next, damaged, err}
	})
}

// journalRead brings rows of the journal.
type journalRead struct {
	o       *object
	pass    int
	rows    []state.Row
	next    uint64
	damaged int
	err     error
}

func (m journalRead) take(c *sender) {
	o := m.o
	o.reading = false
	if m.err != nil {
		c.stateFailed(o, m.err)
		return
	}
	if m.pass != o.pass {
		return // meanwhile it is to be read from the start
	}
	if m.damaged > 0 {
		c.o.Logger.Error("patches in the journal cannot be read; their people are dead letters", "crm", c.name, "object", o.name, "patches", m.damaged)
		c.o.Host.Wrote(c.name, state.Acknowledged{Damaged: m.damaged})
	}
	o.whole = m.next == 0 && !o.outdated
	o.outdated = false
	for i := range m.rows {
		r := &m.rows[i]
		if r.Seq <= o.read {
			continue
		}
		o.read = r.Seq
		if o.sent[r.Ref] == r.Seq {
			continue // it comes back if it has to be sent again
		}
		switch {
		case r.Token != "":
			o.addToJob(r, time.Now())
		case r.Bulk && !o.plain && c.bulkWriter() != nil:
			if o.bulk == 0 {
				o.bulkSince = time.Now()
			}
			o.bulk++
		default:
			o.push(&row{Row: *r})
		}
	}
	o.plain = o.plain && !o.whole
	c.noteBeginning()
}

// noteBeginning closes begun once every object's first rows were read.
func (c *sender) noteBeginning() {
	for _, o := range c.objects {
		if !o.whole && o.read == 0 {
			return
		}
	}
	select {
	case <-c.begun:
	default:
		close(c.begun)
	}
}

// rewind has the journal read from the start again: what waits is counted anew, what is held already is known by its sequence number.
func (o *object) rewind() {
	o.pass++
	o.read, o.whole, o.bulk = 0, false, 0
}

// stateFailed ends delivery if the state itself is in trouble; another failure of it pauses the object.
func (c *sender) stateFailed(o *object, err error) {
	if state.Failed(err) {
		c.failed = err
		return
	}
	o.failures++
	o.paused = time.Now().Add(pause(o.failures))
}

// push takes a row; a newer one takes the place of an older.
func (o *object) push(r *row) {
	if old := o.byRef[r.Ref]; old != nil {
		if r.Seq > old.Seq {
			*old = *r
		}
		return
	}
	if len(o.rows) == 0 {
		o.oldest = time.Now()
	}
	o.rows = append(o.rows, r)
	o.byRef[r.Ref] = r
}

// nextBatch takes the next batch out of the rows: none of a record or group that is in a call under way, and either only records that were
// refused before or none of them. next is when a row that waits by itself may go.
func (o *object) nextBatch(now time.Time, alone bool) (batch []*row, next time.Time) {
	size := batchSize
	if alone {
		size = aloneSize
	}
	mine := map[string]bool{}
	left := o.rows[:0]
	for _, r := range o.rows {
		g := r.Group
		free := len(batch) < size && r.Alone == alone && o.sent[r.Ref] == 0 && (g == "" || mine[g] || !o.groups[g])
		if free && r.notBefore.After(now) {
			if next.IsZero() || r.notBefore.Before(next) {
				next = r.notBefore
			}
			free = false
		}
		if !free {
			left = append(left, r)
			continue
		}
		if g != "" {
			o.groups[g], mine[g] = true, true
		}
		o.sent[r.Ref] = r.Seq
		delete(o.byRef, r.Ref)
		batch = append(batch, r)
	}
	clear(o.rows[len(left):])
	o.rows = left
	return batch, next
}

// sendBatches starts every call that is ready.
func (c *sender) sendBatches(ctx context.Context, o *object, now time.Time, sooner func(time.Duration)) {
	if len(o.rows) == 0 {
		return
	}
	linger := c.o.Linger
	if !o.whole || c.o.Host.Coming() {
		linger = max(linger, comingLinger)
	}
	for _, alone := range [...]bool{false, true} {
		for o.calls < callsOut && len(o.rows) > 0 {
			if wait := o.oldest.Add(linger).Sub(now); len(o.rows) < batchSize && wait > 0 {
				sooner(wait)
				return
			}
			batch, next := o.nextBatch(now, alone)
			if !next.IsZero() {
				sooner(next.Sub(now))
			}
			if len(batch) == 0 {
				break
			}
			o.oldest = now
			o.calls++
			target := c.target
			c.background(func() message { return c.send(ctx, o, target, batch) })
		}
	}
}

// bulkWriter is the CRM as a bulk writer, nil if it is none.
func (c *sender) bulkWriter() connectors.BulkWriter {
	b, _ := c.target.CRM.(connectors.BulkWriter)
	return b
}

// Questions.

type question interface{ answer(c *sender) }

type asked struct {
	question
	answered chan struct{}
}

func (q asked) take(c *sender) {
	q.answer(c)
	close(q.answered)
}

type whichUnderWay struct {
	refs []connectors.Ref
	into map[connectors.Ref]bool
}

func (q whichUnderWay) answer(c *sender) {
	_, blocked := c.o.Host.Blocked(c.name)
	stands := blocked != nil || c.o.Host.Halted()
	for _, ref := range q.refs {
		o := c.objects[ref.Object]
		if o == nil {
			continue
		}
		moment := o.byRef[ref] != nil && !stands && time.Now().After(o.paused) && time.Now().After(o.byRef[ref].notBefore)
		if o.sent[ref] != 0 || moment || o.inJob(ref) {
			q.into[ref] = true
		}
	}
}

type whichSent struct {
	refs  []connectors.Ref
	found *bool
}

func (q whichSent) answer(c *sender) {
	*q.found = slices.ContainsFunc(q.refs, func(ref connectors.Ref) bool {
		o := c.objects[ref.Object]
		return ref.CRM == c.name && o != nil && (o.sent[ref] != 0 || o.inJob(ref))
	})
}

type whetherIdle struct{ idle *bool }

// answer says whether the sender has nothing to do that it could do now. What was tried and failed again and again stays journalled.
func (q whetherIdle) answer(c *sender) {
	c.publish() // whoever is told that nothing is under way sees the room there is
	if len(c.wake) > 0 {
		return
	}
	_, blocked := c.o.Host.Blocked(c.name)
	stands := blocked != nil || c.o.Host.Halted()
	for _, o := range c.objects {
		if o.calls > 0 || o.reading {
			return
		}
		if stands {
			continue
		}
		if len(o.jobs) > 0 {
			return
		}
		tried := time.Now().Before(o.paused) && o.failures > 3
		if !tried && (!o.whole || o.bulk > 0 || slices.ContainsFunc(o.rows, func(r *row) bool { return r.attempts <= 3 })) {
			return
		}
	}
	*q.idle = true
}
