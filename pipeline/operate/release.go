package operate

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/state"
)

// heldPage is how many people are looked at in one transaction, and how many records are asked for in one call.
const heldPage = 200

// HeldFields counts how many records have each of intentd's fields held by a person, by the field's canonical name. It looks at
// everybody, a page at a time.
func HeldFields(ctx context.Context, p *pipeline.Pipeline) (fields map[string]int, records int, err error) {
	fields = map[string]int{}
	err = eachHeld(ctx, p, func(held []state.HeldFields) error {
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
func eachHeld(ctx context.Context, p *pipeline.Pipeline, do func([]state.HeldFields) error) error {
	for from, more := state.PersonID(0), true; more; more = from != 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		held, next, err := p.DB().HeldFieldsFrom(from, heldPage)
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
func Release(ctx context.Context, p *pipeline.Pipeline, who, field string) (Released, error) {
	var out Released
	defer p.Wake()
	if _, known := p.DB().OwnFields().Named(field); field != "" && !known {
		return out, fmt.Errorf("intentd has no field %q", field)
	}
	if who == "" {
		err := eachHeld(ctx, p, func(held []state.HeldFields) error { return release(ctx, p, held, field, &out) })
		if err != nil {
			return out, fmt.Errorf("release held fields: %w", err)
		}
		return out, nil
	}
	id, err := mustFind(p, who)
	if err != nil {
		return out, err
	}
	held, err := p.DB().HeldFields(id)
	if err != nil {
		return out, err
	}
	return out, release(ctx, p, held, field, &out)
}

// release lets go of one field, or all, of records. A CRM that cannot be read keeps its own held and is told of.
func release(ctx context.Context, p *pipeline.Pipeline, all []state.HeldFields, field string, out *Released) error {
	byCRM := map[string][]state.HeldFields{}
	for _, h := range all {
		if field == "" || slices.Contains(h.Names, field) {
			byCRM[h.Ref.CRM] = append(byCRM[h.Ref.CRM], h)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byCRM)) {
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
			records, fields, err := p.DB().ReleaseFields(letGo(part, now, field), p.Now())
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
