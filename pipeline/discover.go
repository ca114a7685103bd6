package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// Found counts what one poll, listen or sweep did.
type Found struct {
	Pages    int  `json:"pages"`
	Seen     int  `json:"seen"`    // records or people met
	Queued   int  `json:"queued"`  // people who joined the queue
	Echoes   int  `json:"echoes"`  // own writes and repeats, dropped
	Buried   int  `json:"buried"`  // forgotten people who stay forgotten
	Unknown  int  `json:"unknown"` // people a source saw whom no CRM knows
	Missing  int  `json:"missing"` // records a sweep did not meet any more
	Damaged  int  `json:"damaged"` // records and people of whom something kept cannot be read
	Finished bool `json:"finished"`
}

// Poll takes in what changed in the named CRM since the last poll, page by page, each page in one transaction with its
// cursor (invariant 1). The first poll of a CRM starts the live cursor at the present; what existed before comes by Sweep.
func (p *Pipeline) Poll(ctx context.Context, crm string) (Found, error) {
	return p.job(ctx, "poll/"+crm, func(ctx context.Context, f *Found) error {
		c, err := p.crm(ctx, crm)
		if err != nil {
			return err
		}
		return p.feed(ctx, "poll/"+crm, f, func(ctx context.Context, from connectors.Cursor) (func(*state.Tx, *Found) error, connectors.Cursor, bool, error) {
			page, err := c.CRM.Changes(ctx, from)
			if err != nil {
				return nil, nil, false, err
			}
			return func(tx *state.Tx, f *Found) error {
				return p.takeRecords(tx, c, page.Items, state.Live, 0, f)
			}, page.Next, page.More, nil
		})
	})
}

// Listen takes in who did something in the named source.
func (p *Pipeline) Listen(ctx context.Context, source string) (Found, error) {
	return p.job(ctx, "listen/"+source, func(ctx context.Context, f *Found) error {
		s := p.source(source)
		if s == nil {
			return &connectors.Error{Kind: connectors.Config, Op: "listen to " + source, Message: "no source of that name"}
		}
		// What the source has seen before it was ever asked belongs to the first sync, not to the live lane.
		lane, caughtUp := state.Live, "listened/"+source
		if err := p.db.View(func(tx *state.Tx) error {
			if tx.Setting(caughtUp) == nil {
				lane = state.Backfill
			}
			return nil
		}); err != nil {
			return err
		}
		for {
			more, failed := false, error(nil)
			if s.Take != nil {
				more, failed = s.Take(ctx) // what came in before an error is told all the same
			}
			err := p.feed(ctx, "listen/"+source, f, func(ctx context.Context, from connectors.Cursor) (func(*state.Tx, *Found) error, connectors.Cursor, bool, error) {
				page, err := s.Source.Active(ctx, from)
				if err != nil {
					return nil, nil, false, err
				}
				return func(tx *state.Tx, f *Found) error {
					if lane == state.Backfill && !page.More && !more {
						if err := tx.SetSetting(caughtUp, []byte("1")); err != nil {
							return err
						}
					}
					return p.takeActive(tx, source, lane, page.Items, f)
				}, page.Next, page.More, nil
			})
			if err = errors.Join(failed, err); err != nil || !more {
				return err
			}
		}
	})
}

// step asks a feed for one page and returns what the page means for the state.
type step func(ctx context.Context, from connectors.Cursor) (take func(*state.Tx, *Found) error, next connectors.Cursor, more bool, err error)

// feed walks a feed from its stored cursor; the effect of a page and its cursor share a transaction.
func (p *Pipeline) feed(ctx context.Context, cursor string, f *Found, ask step) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var from connectors.Cursor
		if err := p.db.View(func(tx *state.Tx) error { from = tx.Cursor(cursor); return nil }); err != nil {
			return err
		}
		take, next, more, err := ask(ctx, from)
		if err != nil {
			return err
		}
		var page Found
		err = p.db.Update(func(tx *state.Tx) error {
			page = Found{}
			if err := take(tx, &page); err != nil {
				return err
			}
			if string(next) == string(from) {
				return nil
			}
			return tx.SetCursor(cursor, next)
		})
		if err != nil {
			return err
		}
		if more && string(next) == string(from) {
			return &connectors.Error{Kind: connectors.Transient, Op: cursor, Message: "says that there is more, but stands still"}
		}
		f.add(page)
		f.Pages++
		p.o.Progress()
		if !more {
			return nil
		}
	}
}

func (f *Found) add(o Found) {
	f.Seen += o.Seen
	f.Queued += o.Queued
	f.Echoes += o.Echoes
	f.Buried += o.Buried
	f.Unknown += o.Unknown
	f.Missing += o.Missing
	f.Damaged += o.Damaged
}

// takeRecords enqueues the people behind records whose inputs changed. extra is added to every reason.
func (p *Pipeline) takeRecords(tx *state.Tx, c *CRM, items []connectors.Contact, lane state.Lane, extra state.Reason, f *Found) error {
	now := p.now()
	for i := range items {
		item := &items[i]
		f.Seen++
		var why state.Reason
		err := tx.Row(func() error {
			var id state.PersonID
			var err error
			if why, id, err = p.takeRecord(tx, c, item); err != nil || why == 0 || why == buried {
				return err
			}
			return tx.Enqueue(id, lane, why|extra, now)
		})
		switch {
		case errors.Is(err, state.ErrRecord):
			f.Damaged++
		case err != nil:
			return fmt.Errorf("take in %s: %w", item.Ref, err)
		case why == buried:
			f.Buried++
		case why == 0:
			f.Echoes++
		default:
			f.Queued++
		}
	}
	return nil
}

// buried is takeRecord's word for a forgotten person. It is no reason the queue ever sees.
const buried state.Reason = 1 << 15

// takeRecord brings the state up to one record and says why its person should join the queue; 0 if nothing new is in it.
func (p *Pipeline) takeRecord(tx *state.Tx, c *CRM, item *connectors.Contact) (state.Reason, state.PersonID, error) {
	if p.isBuried(tx, item) {
		return buried, 0, nil
	}
	rec, known, err := tx.Contact(item.Ref)
	if err != nil {
		return 0, 0, err
	}
	// Records merged into this one bring their past with them, whether or not this one is new.
	var absorbed state.Reason
	for _, old := range item.Absorbed {
		if old == item.Ref {
			continue
		}
		oldRec, ok, err := tx.Contact(old)
		if err != nil {
			return 0, 0, err
		}
		if !ok {
			continue
		}
		absorbed = state.ReasonMerge
		if !known {
			// The survivor has a new id: it takes the loser's place in the same person.
			if rec, err = p.replaceRef(tx, old, item.Ref, oldRec); err != nil {
				return 0, 0, err
			}
			rec.Inputs = 0
			known = true
			continue
		}
		if rec, err = p.absorbRef(tx, old, oldRec, item.Ref, rec); err != nil {
			return 0, 0, err
		}
	}
	if item.State != connectors.Live {
		if !known || rec.Paused && item.State == connectors.Archived {
			return 0, 0, nil
		}
		// What became of it, gather asks the strongly consistent read.
		return state.ReasonMerge, rec.Person, nil
	}
	inputs := hashInputs(item)
	if !known {
		id, err := p.personFor(tx, item)
		if err != nil {
			return 0, 0, err
		}
		rec = state.Contact{Person: id, Inputs: inputs, Modified: item.Modified}
		return state.ReasonNew | absorbed, id, tx.PutContact(item.Ref, &rec)
	}
	switch {
	case rec.Inputs != inputs:
		rec.Inputs = inputs
		return state.ReasonInputs | absorbed, rec.Person, tx.PutContact(item.Ref, &rec)
	case rec.Paused:
		return state.ReasonMerge | absorbed, rec.Person, nil // restored from the bin
	case absorbed != 0:
		return absorbed, rec.Person, tx.PutContact(item.Ref, &rec)
	case item.Modified.After(rec.Modified):
		return p.takeOwnFields(tx, c, item, &rec)
	}
	return 0, rec.Person, nil // invariant 5: an echo
}

// takeOwnFields says why a record should be looked at whose inputs are as they were, but which was changed: a rep's verdict, somebody
// else's value in our fields, an edit after which a refused patch may be taken; 0 for the echo of a write of our own (invariant 5). A
// patch that would be written over another's value does not go out before that was looked at.
func (p *Pipeline) takeOwnFields(tx *state.Tx, c *CRM, item *connectors.Contact, rec *state.Contact) (state.Reason, state.PersonID, error) {
	pending, err := tx.Pending(item.Ref)
	if err != nil {
		return 0, 0, err
	}
	verdict, other := ownFieldsDiffer(c, item, rec, pending)
	if !verdict && !other {
		refused, err := p.refusedBefore(tx, item, rec.Person)
		if err != nil || !refused {
			return 0, rec.Person, err
		}
	}
	if other && pending != nil {
		if err := tx.Void(item.Ref, state.ReasonFields, p.now()); err != nil {
			return 0, 0, err
		}
	}
	rec.Modified = item.Modified
	return state.ReasonFields, rec.Person, tx.PutContact(item.Ref, rec)
}

// refusedBefore says whether the record has a dead letter from before its last edit.
func (p *Pipeline) refusedBefore(tx *state.Tx, item *connectors.Contact, id state.PersonID) (bool, error) {
	if !tx.HasDead() {
		return false, nil
	}
	letters, err := tx.DeadOf(id)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(letters, func(d state.Dead) bool { return d.Ref == item.Ref && item.Modified.After(d.Modified) }), nil
}

// ownFieldsDiffer says whether our fields hold something else than what we wrote or are writing: a verdict, or another's value.
func ownFieldsDiffer(c *CRM, item *connectors.Contact, rec *state.Contact, pending *state.Pending) (verdict, other bool) {
	for i, field := range connectors.Fields {
		if c.Fields[field.Name] == "" {
			continue
		}
		value, wrote := item.Ours[field.Name], rec.Wrote[i]
		if value == "" && wrote == 0 || state.FieldHash(i, value) == wrote {
			continue
		}
		switch {
		case field.RepEdits:
			// A verdict's last known value is kept in its slot, so that a change is seen.
			verdict = true
		case rec.WroteAt.IsZero() && pending == nil, rec.Held&(1<<i) != 0 && value != "", mayBeOf(pending, i, value):
		default:
			other = true
		}
	}
	return verdict, other
}

func (p *Pipeline) isBuried(tx *state.Tx, item *connectors.Contact) bool {
	if tx.BuriedRef(item.Ref) {
		return true
	}
	s := p.Setup()
	return slices.ContainsFunc(item.Emails, func(e string) bool {
		return tx.Buried(state.LinkEmail, e) || tx.Buried(state.LinkEmail, s.Identity.Email(e)) // as it is written, and in its one form
	})
}

// takeActive links the identifiers a source saw to the people they belong to, and enqueues those.
func (p *Pipeline) takeActive(tx *state.Tx, source string, lane state.Lane, items []connectors.Person, f *Found) error {
	now := p.now()
	for i := range items {
		f.Seen++
		queued := 0
		err := tx.Row(func() error {
			who, err := p.resolve(tx, source, &items[i], now)
			if err != nil {
				return err
			}
			for _, id := range who {
				if err := tx.Enqueue(id, lane, state.ReasonActivity, now); err != nil {
					return err
				}
			}
			queued = len(who)
			return nil
		})
		switch {
		case errors.Is(err, state.ErrRecord):
			f.Damaged++
		case err != nil:
			return err
		case queued == 0:
			f.Unknown++
		default:
			f.Queued += queued
		}
	}
	return countReached(tx, source, f)
}

// sweepState is where a slow full pass stands.
type sweepState struct {
	Started time.Time `json:"started"`
	Phase   string    `json:"phase"` // walk, compare (records not met), clean
	After   string    `json:"after"`
	First   bool      `json:"first"` // the first sync: everybody is new
}

// Sweep walks all records of a CRM: the first sync, and the pass that finds removals and what polling cannot see. It can be
// interrupted at any page and goes on from there.
func (p *Pipeline) Sweep(ctx context.Context, crm string) (Found, error) {
	return p.job(ctx, "sweep/"+crm, func(ctx context.Context, f *Found) error {
		c, err := p.crm(ctx, crm)
		if err != nil {
			return err
		}
		sweeper, ok := c.CRM.(connectors.Sweeper)
		if !ok {
			return nil
		}
		key := "sweep/" + crm
		st, running, err := p.sweepState(key)
		if err != nil {
			return err
		}
		if !running {
			_, done := p.lastSweep(crm)
			st = sweepState{Started: p.now(), Phase: "walk", First: !done}
			if err := p.saveSweep(key, &st, nil); err != nil {
				return err
			}
		}
		if st.Phase == "walk" {
			if err := p.feed(ctx, key, f, func(ctx context.Context, from connectors.Cursor) (func(*state.Tx, *Found) error, connectors.Cursor, bool, error) {
				page, err := sweeper.Sweep(ctx, from)
				if err != nil {
					return nil, nil, false, err
				}
				return func(tx *state.Tx, f *Found) error {
					refs := make([]connectors.Ref, len(page.Items))
					for i := range page.Items {
						refs[i] = page.Items[i].Ref
					}
					if err := tx.MarkSeen(key, refs); err != nil {
						return err
					}
					if !page.More {
						compare := st
						compare.Phase = "compare"
						if err := putSweep(tx, key, &compare); err != nil {
							return err
						}
					}
					return p.takeRecords(tx, c, page.Items, state.Backfill, state.ReasonSweep, f)
				}, page.Next, page.More, nil
			}); err != nil {
				return err
			}
			st.Phase = "compare"
		}
		if st.Phase == "compare" {
			for {
				if err := ctx.Err(); err != nil {
					return err
				}
				next, more, missing, err := p.compareSwept(key, c, st)
				if err != nil {
					return err
				}
				st = next
				f.Missing += missing
				f.Queued += missing
				if !more {
					break
				}
			}
		}
		for more := true; more; {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := p.db.Update(func(tx *state.Tx) (err error) { more, err = tx.DropSeen(key, 5000); return err }); err != nil {
				return err
			}
		}
		f.Finished = true
		return p.db.Update(func(tx *state.Tx) error {
			if err := tx.SetCursor(key, nil); err != nil {
				return err
			}
			if err := tx.SetSetting(key, nil); err != nil {
				return err
			}
			stamp, _ := p.now().UTC().MarshalText()
			return tx.SetSetting("swept/"+crm, stamp)
		})
	})
}

// compareSwept looks at the next known records after those that st has compared, and enqueues the people of those the sweep did not
// meet.
func (p *Pipeline) compareSwept(key string, c *CRM, st sweepState) (next sweepState, more bool, missing int, err error) {
	objects := c.Objects
	err = p.db.Update(func(tx *state.Tx) error {
		next, missing, more = st, 0, false
		object, after, _ := strings.Cut(st.After, "\x00")
		i := 0
		for ; i < len(objects) && object != "" && objects[i] != object; i++ {
		}
		if i >= len(objects) {
			next.Phase, next.After = "clean", ""
			return putSweep(tx, key, &next)
		}
		refs, cont, err := tx.Contacts(c.Name, objects[i], after, 2000)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			if tx.Seen(key, ref) {
				continue
			}
			rec, ok, err := tx.Contact(ref)
			if err != nil {
				return err
			}
			if !ok || rec.Paused || rec.Modified.After(st.Started) {
				continue
			}
			missing++
			if err := tx.Enqueue(rec.Person, state.Backfill, state.ReasonSweep|state.ReasonMerge, p.now()); err != nil {
				return err
			}
		}
		more = true
		switch {
		case len(refs) > 0 && cont != "":
			next.After = objects[i] + "\x00" + cont
		case i+1 < len(objects):
			next.After = objects[i+1] + "\x00"
		default:
			next.Phase, next.After, more = "clean", "", false
		}
		return putSweep(tx, key, &next)
	})
	return next, more, missing, err
}

func (p *Pipeline) sweepState(key string) (st sweepState, running bool, err error) {
	err = p.db.View(func(tx *state.Tx) error {
		b := tx.Setting(key)
		if len(b) == 0 {
			return nil
		}
		running = true
		return json.Unmarshal(b, &st)
	})
	return st, running, err
}

func (p *Pipeline) saveSweep(key string, st *sweepState, cursor connectors.Cursor) error {
	return p.db.Update(func(tx *state.Tx) error {
		if err := tx.SetCursor(key, cursor); err != nil {
			return err
		}
		return putSweep(tx, key, st)
	})
}

func putSweep(tx *state.Tx, key string, st *sweepState) error {
	b, err := json.Marshal(st)
	if err != nil {
		return err
	}
	return tx.SetSetting(key, b)
}

// lastSweep is when the last full pass of a CRM ended; false if none ever did.
func (p *Pipeline) lastSweep(crm string) (time.Time, bool) {
	var t time.Time
	_ = p.db.View(func(tx *state.Tx) error {
		if b := tx.Setting("swept/" + crm); len(b) > 0 {
			_ = t.UnmarshalText(b)
		}
		return nil
	})
	return t, !t.IsZero()
}

// NeedsFirstSync says whether no full pass of the CRM has ended yet.
func (p *Pipeline) NeedsFirstSync(crm string) bool {
	_, done := p.lastSweep(crm)
	return !done
}

// Due moves people whose shown score changes by time alone into the queue. It does nothing while the clock is in doubt
// (invariant 13).
func (p *Pipeline) Due(ctx context.Context) (int, error) {
	if err := p.clock.doubt(p.Setup()); err != nil {
		return 0, err
	}
	total := 0
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, err := p.db.EnqueueDue(p.now(), 1000)
		if err != nil {
			return total, err
		}
		total += n
		if n == 0 {
			return total, nil
		}
		p.o.Progress()
	}
}

// Rescan enqueues everybody into the backfill lane: after a change of the config that changes scores or texts. It walks in
// short transactions. One that was interrupted is to be asked for again from the start: who is queued twice is worked on once.
func (p *Pipeline) Rescan(ctx context.Context, why state.Reason) (int, error) {
	unlock, ok := p.locks.try("rescan")
	if !ok {
		return 0, ErrBusy
	}
	defer unlock()
	total := 0
	var after state.PersonID
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n := 0
		next := after
		err := p.db.Update(func(tx *state.Tx) error {
			n, next = 0, after
			ids, err := tx.People(after+1, 1000)
			if err != nil {
				return err
			}
			for _, id := range ids {
				next = id
				n++
				if err := tx.Enqueue(id, state.Backfill, why, p.now()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return total, err
		}
		if n == 0 {
			return total, nil
		}
		after = next
		total += n
	}
}

// job runs one named recurring job under its lock and remembers how it went.
func (p *Pipeline) job(ctx context.Context, name string, do func(context.Context, *Found) error) (Found, error) {
	var f Found
	unlock, ok := p.locks.try(name)
	if !ok {
		return f, ErrBusy
	}
	defer unlock()
	_, connector, _ := strings.Cut(name, "/")
	if until, err := p.health.blocked(connector); err != nil {
		return f, fmt.Errorf("%s: waits until %s: %w", name, until.UTC().Format(time.RFC3339), err)
	}
	start := p.now()
	err := do(ctx, &f)
	p.health.note(connector, err)
	run := state.Run{Name: name, Last: start, Duration: p.now().Sub(start), Items: int64(f.Queued)}
	if err != nil {
		if connectors.Interrupted(err) && ctx.Err() != nil {
			return f, err
		}
		run.Error = err.Error()
	} else {
		run.Good = p.now()
		p.health.good(name, run.Good)
	}
	p.remember(run, f)
	if f.Queued > 0 {
		p.poke()
	}
	return f, err
}

// remember keeps the run, but writes an idle one at most every ten minutes: an idle poll must not cost a disk sync.
func (p *Pipeline) remember(run state.Run, f Found) {
	if run.Error == "" && f.Queued == 0 && f.Seen == 0 && !p.health.worthKeeping(run.Name, p.now()) {
		return
	}
	p.db.UpdateLater(func(tx *state.Tx) error {
		if run.Good.IsZero() { // a failure does not wipe out when it last went well
			runs, err := tx.Runs()
			if err != nil {
				return err
			}
			for _, r := range runs {
				if r.Name == run.Name {
					run.Good = r.Good
				}
			}
		}
		return tx.PutRun(run)
	})
}
