package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// heldPage is how many people are looked at in one transaction, and how many records are asked for in one call.
const heldPage = 200

// HeldFields counts how many records have each of intentd's fields held by a person, by the field's canonical name. It looks at
// everybody, a page at a time.
func (p *Pipeline) HeldFields(ctx context.Context) (fields map[string]int, records int, err error) {
	fields = map[string]int{}
	for after := state.PersonID(0); ; {
		var ids []state.PersonID
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		err := p.db.View(func(tx *state.Tx) error {
			var err error
			if ids, err = tx.People(after, heldPage); err != nil {
				return err
			}
			for _, id := range ids {
				held, err := heldBy(tx, id)
				if err != nil {
					return err
				}
				for _, h := range held {
					records++
					for _, name := range h.names {
						fields[name]++
					}
				}
			}
			return nil
		})
		if err != nil {
			return nil, 0, fmt.Errorf("count held fields: %w", err)
		}
		if len(ids) < heldPage {
			return fields, records, nil
		}
		after = ids[len(ids)-1] + 1
	}
}

// held is a record of which a person holds fields.
type held struct {
	ref    connectors.Ref
	person state.PersonID
	names  []string
}

// heldBy are the records of a person of which fields are held.
func heldBy(tx *state.Tx, id state.PersonID) ([]held, error) {
	person, ok, err := tx.Person(id)
	if err != nil || !ok {
		return nil, err
	}
	var all []held
	for _, ref := range person.Contacts {
		rec, ok, err := tx.Contact(ref)
		if err != nil {
			return nil, err
		}
		if !ok || rec.Held == 0 {
			continue
		}
		h := held{ref: ref, person: id}
		for i, f := range connectors.Fields {
			if rec.Held&(1<<i) != 0 {
				h.names = append(h.names, f.Name)
			}
		}
		all = append(all, h)
	}
	return all, nil
}

// Released is what a release did.
type Released struct {
	Records int      `json:"records"`           // whose fields were let go
	Fields  int      `json:"fields"`            // let go, over all records
	Unread  []string `json:"unread,omitempty"`  // records that could not be read, and stay held
	Failure string   `json:"failure,omitempty"` // why
}

// Release lets go of fields that a person holds: the next write takes them again, and the people join the queue for it at once. who
// is a person, "" is everybody; field is a canonical name, "" all of them. What the CRM shows now is read first: it is what the
// release is about, and what is changed after it is a person's again.
func (p *Pipeline) Release(ctx context.Context, who, field string) (Released, error) {
	var out Released
	defer p.poke()
	if field != "" && fieldIndex(field) < 0 {
		return out, fmt.Errorf("intentd has no field %q", field)
	}
	if who != "" {
		var all []held
		err := p.db.View(func(tx *state.Tx) (err error) {
			id, ok := p.find(tx, who)
			if !ok {
				return ErrUnknownPerson
			}
			all, err = heldBy(tx, id)
			return err
		})
		if err != nil {
			return out, err
		}
		return out, p.release(ctx, all, field, &out)
	}
	for after, more := state.PersonID(0), true; more; {
		var all []held
		err := p.db.View(func(tx *state.Tx) error {
			ids, err := tx.People(after, heldPage)
			if err != nil {
				return err
			}
			if more = len(ids) == heldPage; more {
				after = ids[len(ids)-1] + 1
			}
			for _, id := range ids {
				h, err := heldBy(tx, id)
				if err != nil {
					return err
				}
				all = append(all, h...)
			}
			return nil
		})
		if err != nil {
			return out, fmt.Errorf("release held fields: %w", err)
		}
		if err := p.release(ctx, all, field, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// release lets go of one field, or all, of records. A CRM that cannot be read keeps its own held and is told of.
func (p *Pipeline) release(ctx context.Context, all []held, field string, out *Released) error {
	byCRM := map[string][]held{}
	for _, h := range all {
		if field == "" || slices.Contains(h.names, field) {
			byCRM[h.ref.CRM] = append(byCRM[h.ref.CRM], h)
		}
	}
	for _, name := range sortedKeys(byCRM) {
		for part := range slices.Chunk(byCRM[name], heldPage) {
			refs := make([]connectors.Ref, len(part))
			for i, h := range part {
				refs[i] = h.ref
			}
			crm, err := p.crm(ctx, name)
			var now []connectors.Contact
			if err == nil {
				now, err = p.read(ctx, crm, refs)
			}
			if err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				for _, ref := range refs {
					out.Unread = append(out.Unread, ref.String())
				}
				out.Failure = err.Error()
				continue
			}
			done, err := p.letGo(part, now, field)
			if err != nil {
				return fmt.Errorf("release held fields of %s: %w", name, err)
			}
			out.Records += done.Records
			out.Fields += done.Fields
		}
	}
	return nil
}

// letGo takes what the CRM shows in the held fields for our own, so that the next write replaces it, and queues the people.
func (p *Pipeline) letGo(part []held, now []connectors.Contact, field string) (done Released, err error) {
	err = p.db.Update(func(tx *state.Tx) error {
		done = Released{}
		for i, h := range part {
			rec, ok, err := tx.Contact(h.ref)
			if err != nil {
				return err
			}
			if !ok || rec.Person != h.person || now[i].State != connectors.Live {
				continue
			}
			n := 0
			for _, name := range h.names {
				f := fieldIndex(name)
				if field != "" && name != field || rec.Held&(1<<f) == 0 {
					continue
				}
				rec.Held &^= 1 << f
				rec.Wrote[f] = state.FieldHash(f, now[i].Ours[name])
				n++
			}
			if n == 0 {
				continue
			}
			if err := tx.PutContact(h.ref, &rec); err != nil {
				return err
			}
			if err := tx.Enqueue(h.person, state.Live, state.ReasonAsked, p.now()); err != nil {
				return err
			}
			done.Records++
			done.Fields += n
		}
		return nil
	})
	return done, err
}

// heldNow are the fields of a person's records that are held at this moment, a receipt may be older.
func heldNow(tx *state.Tx, id state.PersonID) (fields []string, err error) {
	records, err := heldBy(tx, id)
	for _, h := range records {
		fields = appendNew(fields, h.names)
	}
	return fields, err
}
