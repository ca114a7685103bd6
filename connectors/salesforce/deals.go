package salesforce

import (
	"context"
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

const (
	dealsFeed = "deals"
	dealPage  = 500 // deals of a page: their people fit into a few requests
)

// walk is a cursor over one object.
type walk struct {
	Version int    `json:"v"`
	Feed    string `json:"f"`
	place
}

// Deals returns closed opportunities changed since from, with a nil cursor since a time: one request, and two for the people
// on what it finds, who are those with a contact role and the leads that were converted with it. One that is closed and not won is lost.
func (c *Client) Deals(ctx context.Context, from connectors.Cursor, since time.Time) (connectors.Page[connectors.Deal], error) {
	var p connectors.Page[connectors.Deal]
	w := walk{Version: cursorVersion, Feed: dealsFeed}
	if !since.IsZero() {
		w.Since = since.Unix()
	}
	if from != nil {
		if err := c.readCursor(dealsFeed, from, &w); err != nil {
			return p, err
		}
	}
	rows, more, err := c.stride(ctx, &w.place, stride{op: "read closed opportunities", fields: "Id, SystemModstamp, Name, StageName, Type, Amount, IsWon, CreatedDate, CloseDate",
		object: Opportunity, where: "IsClosed = true", limit: dealPage})
	if err != nil {
		return p, err
	}
	ids := make([]string, len(rows))
	p.Items = make([]connectors.Deal, len(rows))
	at := make(map[string]int, len(rows))
	for i, r := range rows {
		v := r.values()
		id, _ := normalID(v["Id"])
		d := connectors.Deal{Ref: c.ref(Opportunity, id), Name: v["Name"], Stage: v["StageName"], Pipeline: v["Type"], Amount: v["Amount"], Won: v["IsWon"] == "true"}
		d.Created, _ = parseTime(v["CreatedDate"])
		d.Closed, _ = parseTime(v["CloseDate"])
		ids[i], p.Items[i], at[id] = id, d, i
	}
	if err := c.dealPeople(ctx, ids, func(deal string, person connectors.Ref) {
		i, ok := at[deal]
		if !ok {
			return
		}
		for _, known := range p.Items[i].Contacts {
			if known == person {
				return
			}
		}
		p.Items[i].Contacts = append(p.Items[i].Contacts, person)
	}); err != nil {
		return connectors.Page[connectors.Deal]{}, err
	}
	p.Next, p.More = transport.Encode(w), more
	return p, nil
}

func (c *Client) dealPeople(ctx context.Context, ids []string, add func(deal string, person connectors.Ref)) error {
	if len(ids) == 0 {
		return nil
	}
	op := fmt.Sprintf("read the people of %d opportunities", len(ids))
	tell := func(object, deal, person string) {
		d, ok := normalID(deal)
		id, ok2 := normalID(person)
		if ok && ok2 && c.objects[object] != nil {
			add(d, c.ref(object, id))
		}
	}
	roles, err := c.rowsOf(ctx, op, ids, false, func(list string) string {
		return "SELECT OpportunityId, ContactId FROM OpportunityContactRole WHERE OpportunityId IN " + list
	})
	if err != nil {
		return err
	}
	for _, r := range roles {
		v := r.values()
		tell(Contact, v["OpportunityId"], v["ContactId"])
	}
	leads, err := c.rowsOf(ctx, op, ids, false, func(list string) string {
		return "SELECT Id, ConvertedContactId, ConvertedOpportunityId FROM Lead WHERE ConvertedOpportunityId IN " + list
	})
	if err != nil {
		return err
	}
	for _, r := range leads {
		v := r.values()
		tell(Contact, v["ConvertedOpportunityId"], v["ConvertedContactId"])
		tell(Lead, v["ConvertedOpportunityId"], v["Id"])
	}
	return nil
}

// stride says what one step of a walk by stamp asks for.
type stride struct {
	op, fields, object, where string
	limit                     int
}

// stride makes one query of a walk over an object without a watermark of its own, and moves its place: as Client.step does, with
// the time at which the walk began in the watermark's stead.
func (c *Client) stride(ctx context.Context, at *place, s stride) (rows []record, more bool, err error) {
	where := s.where
	if at.ID == "" {
		now, err := c.present(ctx)
		if err != nil {
			return nil, false, err
		}
		at.Met, at.Mark = false, now.Unix()
		if from := at.Since - int64(c.o.Lookback.Seconds()); from > 0 {
			where += " AND SystemModstamp >= " + moment(from)
		}
	} else {
		where += " AND " + after(at.Stamp, at.ID)
	}
	found, _, err := c.query(ctx, s.op, fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY SystemModstamp, Id LIMIT %d", s.fields, s.object, where, s.limit), false)
	if err != nil {
		return nil, false, err
	}
	for _, r := range found.records {
		id, t, ok := r.position()
		if !ok || at.ID != "" && (t < at.Stamp || t == at.Stamp && id <= at.ID) {
			return nil, false, c.err(connectors.Transient, s.op, "the answer is not in order of stamp and id")
		}
		at.Stamp, at.ID, at.Met = t, id, true
	}
	if more = len(found.records) > 0 && (len(found.records) >= s.limit || !found.done); more {
		return found.records, true, nil
	}
	next := place{Since: at.Since}
	if at.Met || at.Since == 0 { // the first walk sees everything, be it nothing
		next.Since = max(at.Since, at.Mark)
	}
	*at = next
	return found.records, false, nil
}

// position is a record's place in the keyset.
func (r record) position() (id string, stamp int64, ok bool) {
	r.each(func(name, v string) {
		switch name {
		case "Id":
			id, ok = normalID(v)
		case "SystemModstamp":
			t, _ := parseTime(v)
			stamp = t.Unix()
		}
	})
	return id, stamp, ok && stamp > 0
}
