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
	err = p.eachHeld(ctx, func(held []state.HeldFields) error {
		records += len(held)
		for _, h := range held {
			for _, name := range h.Names {
				fields[name]++
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("count held fields: %w", err)
	}
	return fields, records, nil
}

// eachHeld goes through the records of everybody of which fields are held, a page of people at a time.
func (p *Pipeline) eachHeld(ctx context.Context, do func([]state.HeldFields) error) error {
	for from, more := state.PersonID(0), true; more; more = from != 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		held, next, err := p.db.HeldFieldsFrom(from, heldPage)
		if err != nil {
			return err
		}
		if err := do(held); err != nil {
			return err
		}
		from = next
	}
	return nil
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
	defer p.Wake()
	if field != "" && fieldIndex(field) < 0 {
		return out, fmt.Errorf("intentd has no field %q", field)
	}
	if who == "" {
		err := p.eachHeld(ctx, func(held []state.HeldFields) error { return p.release(ctx, held, field, &out) })
		if err != nil {
			return out, fmt.Errorf("release held fields: %w", err)
		}
		return out, nil
	}
	id, err := p.known(who)
	if err != nil {
		return out, err
	}
	held, err := p.db.HeldFields(id)
	if err != nil {
		return out, err
	}
	return out, p.release(ctx, held, field, &out)
}

// release lets go of one field, or all, of records. A CRM that cannot be read keeps its own held and is told of.
func (p *Pipeline) release(ctx context.Context, all []state.HeldFields, field string, out *Released) error {
	byCRM := map[string][]state.HeldFields{}
	for _, h := range all {
		if field == "" || slices.Contains(h.Names, field) {
			byCRM[h.Ref.CRM] = append(byCRM[h.Ref.CRM], h)
		}
	}
	for _, name := range sortedKeys(byCRM) {
		for part := range slices.Chunk(byCRM[name], heldPage) {
			refs := make([]connectors.Ref, len(part))
			for i, h := range part {
				refs[i] = h.Ref
			}
			crm, err := p.CRM(ctx, name)
			var now []connectors.Contact
			if err == nil {
				now, err = p.Read(ctx, crm, refs)
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
			records, fields, err := p.db.ReleaseFields(letGo(part, now, field), p.now())
			if err != nil {
				return fmt.Errorf("release held fields of %s: %w", name, err)
			}
			out.Records += records
			out.Fields += fields
		}
	}
	return nil
}

// letGo are the held fields of live records, or the one of them, with what the CRM shows in them.
func letGo(part []state.HeldFields, now []connectors.Contact, field string) (list []state.LetGo) {
	for i, h := range part {
		if now[i].State != connectors.Live {
			continue
		}
		if field != "" {
			h.Names = []string{field}
		}
		list = append(list, state.LetGo{HeldFields: h, Shown: now[i].Ours})
	}
	return list
}

// heldNow are the fields of a person's records that are held at this moment, a receipt may be older.
func (p *Pipeline) heldNow(id state.PersonID) (fields []string, err error) {
	held, err := p.db.HeldFields(id)
	for _, h := range held {
		fields = appendNew(fields, h.Names)
	}
	return fields, err
}
