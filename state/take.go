package state

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// RecordPage is a page of records as their CRM tells them, with what the config says of them.
type RecordPage struct {
	Feed    string            // name of the cursor that the page moves
	Next    connectors.Cursor // where it moves to
	Records []connectors.Contact
	Fields  map[string]string // own fields that the CRM has: canonical name → the CRM's
	Lane    Lane
	Why     Reason // added to the reason of everybody who is queued
	Rules   *IdentityRules
	Now     time.Time
}

// Taken counts what taking a page in did.
type Taken struct {
	Seen    int `json:"seen"`    // records or people met
	Queued  int `json:"queued"`  // people who joined the queue
	Echoes  int `json:"echoes"`  // own writes and repeats, dropped
	Buried  int `json:"buried"`  // forgotten people who stay forgotten
	Unknown int `json:"unknown"` // people a source saw whom no CRM knows
	Missing int `json:"missing"` // records a sweep did not meet any more
	Damaged int `json:"damaged"` // records and people of whom something kept cannot be read
}

// Add adds what another page did.
func (t *Taken) Add(o Taken) {
	t.Seen += o.Seen
	t.Queued += o.Queued
	t.Echoes += o.Echoes
	t.Buried += o.Buried
	t.Unknown += o.Unknown
	t.Missing += o.Missing
	t.Damaged += o.Damaged
}

// TakeRecords brings the state up to a page of records, queues the people whose inputs changed, and moves the cursor, all or nothing
// (invariant 1). A record of which something kept cannot be read is left out and counted.
func (db *DB) TakeRecords(page RecordPage) (Taken, error) {
	return updateOf(db, func(tx *txn) (Taken, error) { return tx.takeRecords(&page) })
}

func (tx *txn) takeRecords(page *RecordPage) (taken Taken, err error) {
	g := tx.registry(page.Rules, page.Now)
	for i := range page.Records {
		item := &page.Records[i]
		taken.Seen++
		var why Reason
		err := tx.Attempt(func() (err error) {
			var id PersonID
			if why, id, err = g.takeRecord(page.Fields, item); err != nil || why == 0 || why == buried {
				return err
			}
			return tx.Enqueue(id, page.Lane, why|page.Why, page.Now)
		})
		switch {
		case errors.Is(err, ErrRecord):
			taken.Damaged++
		case err != nil:
			return taken, fmt.Errorf("take in %s: %w", item.Ref, err)
		case why == buried:
			taken.Buried++
		case why == 0:
			taken.Echoes++
		default:
			taken.Queued++
		}
	}
	return taken, tx.moveCursor(page.Feed, page.Next)
}

// moveCursor stores where a feed was read to, unless it stands still.
func (tx *txn) moveCursor(feed string, next connectors.Cursor) error {
	if string(next) == string(tx.Cursor(feed)) {
		return nil
	}
	return tx.SetCursor(feed, next)
}

// Cursor is where a feed was read to; nil if never.
func (db *DB) Cursor(feed string) (connectors.Cursor, error) {
	return viewOf(db, func(tx *txn) (connectors.Cursor, error) { return tx.Cursor(feed), nil })
}

// buried is takeRecord's word for a forgotten person. It is no reason the queue ever sees.
const buried Reason = 1 << 15

// takeRecord brings the state up to one record and says why its person should join the queue; 0 if nothing new is in it.
func (g *registry) takeRecord(fields map[string]string, item *connectors.Contact) (Reason, PersonID, error) {
	if g.isBuried(item) {
		return buried, 0, nil
	}
	rec, known, err := g.tx.Contact(item.Ref)
	if err != nil {
		return 0, 0, err
	}
	// Records merged into this one bring their past with them, whether or not this one is new.
	var absorbed Reason
	for _, old := range item.Absorbed {
		if old == item.Ref {
			continue
		}
		oldRec, ok, err := g.tx.Contact(old)
		if err != nil {
			return 0, 0, err
		}
		if !ok {
			continue
		}
		absorbed = ReasonMerge
		if !known {
			// The survivor has a new id: it takes the loser's place in the same person.
			if rec, err = g.replaceRef(old, item.Ref, oldRec); err != nil {
				return 0, 0, err
			}
			rec.Inputs = 0
			known = true
			continue
		}
		if rec, err = g.absorbRef(old, oldRec, item.Ref, rec); err != nil {
			return 0, 0, err
		}
	}
	if item.State != connectors.Live {
		if !known || rec.Paused && item.State == connectors.Archived {
			return 0, 0, nil
		}
		// A lot asks the strongly consistent read what became of it.
		return ReasonMerge, rec.Person, nil
	}
	inputs := InputsHash(item)
	if !known {
		id, err := g.personFor(item)
		if err != nil {
			return 0, 0, err
		}
		rec = Contact{Person: id, Inputs: inputs, Modified: item.Modified}
		return ReasonNew | absorbed, id, g.tx.PutContact(item.Ref, &rec)
	}
	switch {
	case rec.Inputs != inputs:
		rec.Inputs = inputs
		return ReasonInputs | absorbed, rec.Person, g.tx.PutContact(item.Ref, &rec)
	case rec.Paused:
		return ReasonMerge | absorbed, rec.Person, nil // restored from the bin
	case absorbed != 0:
		return absorbed, rec.Person, g.tx.PutContact(item.Ref, &rec)
	case item.Modified.After(rec.Modified):
		return g.takeOwnFields(fields, item, &rec)
	}
	return 0, rec.Person, nil // invariant 5: an echo
}

// takeOwnFields says why a record should be looked at whose inputs are as they were, but which was changed: a rep's verdict, somebody
// else's value in our fields, an edit after which a refused patch may be taken; 0 for the echo of a write of our own (invariant 5). A
// patch that would be written over another's value does not go out before that was looked at.
func (g *registry) takeOwnFields(fields map[string]string, item *connectors.Contact, rec *Contact) (Reason, PersonID, error) {
	pending, err := g.tx.Pending(item.Ref)
	if err != nil {
		return 0, 0, err
	}
	verdict, other, err := g.ownFieldsDiffer(fields, item, rec, pending)
	if err != nil {
		return 0, 0, err
	}
	if !verdict && !other {
		refused, err := g.refusedBefore(item, rec.Person)
		if err != nil || !refused {
			return 0, rec.Person, err
		}
	}
	if other && pending != nil {
		if err := g.tx.Void(item.Ref, ReasonFields, g.now); err != nil {
			return 0, 0, err
		}
	}
	rec.Modified = item.Modified
	return ReasonFields, rec.Person, g.tx.PutContact(item.Ref, rec)
}

// refusedBefore says whether the record has a dead letter from before its last edit.
func (g *registry) refusedBefore(item *connectors.Contact, id PersonID) (bool, error) {
	if !g.tx.HasDead() {
		return false, nil
	}
	letters, err := g.tx.DeadOf(id)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(letters, func(d Dead) bool { return d.Ref == item.Ref && item.Modified.After(d.Modified) }), nil
}

// ownFieldsDiffer says whether our fields hold something else than what we wrote or are writing: a verdict, or another's value. Where nothing was written yet
// a value is nothing to look at, unless the person is held out: then nothing is to stand there.
func (g *registry) ownFieldsDiffer(fields map[string]string, item *connectors.Contact, rec *Contact, pending *Pending) (verdict, other bool, err error) {
	for _, field := range g.tx.db.o.Fields.Fields {
		if fields[field.Name] == "" {
			continue
		}
		value, own := item.Ours[field.Name], rec.Own.At(field.Number)
		if value == "" && own.Wrote == 0 || FieldHash(field.Number, value) == own.Wrote {
			continue
		}
		switch {
		case field.RepEdits:
			// A verdict's last known value is kept in its slot, so that a change is seen.
			verdict = true
		case own.Held && value != "", pending.MayHaveLeft(field, value):
		case rec.WroteAt.IsZero() && pending == nil:
			if other {
				continue
			}
			person, _, err := g.tx.Person(rec.Person)
			if err != nil {
				return false, false, err
			}
			other = person.HeldOut()
		default:
			other = true
		}
	}
	return verdict, other, nil
}

func (g *registry) isBuried(item *connectors.Contact) bool {
	if g.tx.BuriedRef(item.Ref) {
		return true
	}
	return slices.ContainsFunc(item.Emails, func(e string) bool {
		one := g.rules.Email(e) // buried as it is written, or in its one form
		return g.tx.Buried(LinkEmail, e) || one != e && g.tx.Buried(LinkEmail, one)
	})
}

// MayHaveLeft says whether a patch that was not acknowledged, or one it replaced, may have left a value in an own field. There may be no
// patch.
func (p *Pending) MayHaveLeft(f connectors.Field, value string) bool {
	if p == nil {
		return false
	}
	if v, ok := p.Patch.Fields[f.Name]; ok && v == value {
		return true
	}
	return slices.Contains(p.Maybe, FieldHash(f.Number, value))
}
