package salesforce

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// place is a position in the feed of one object, and its part of the cursor. Times are Unix seconds by Salesforce's clock.
//
// Between walks only Since is set: everything up to it has been told, apart from what is committed late. A walk goes by the keyset
// from Since less the lookback to the present. Since then moves to Mark, the watermark asked for before the walk began: whatever
// had a stamp up to it was visible to the whole walk. Where a walk met nothing, there is nothing to move past, and so an idle poll
// need not ask.
type place struct {
	Since int64  `json:"s"`
	Met   bool   `json:"m,omitempty"` // the last walk met records: the next one asks for the watermark
	Mark  int64  `json:"w,omitempty"` // of the walk under way; 0: Since stays
	Stamp int64  `json:"t,omitempty"` // the keyset of the walk under way …
	ID    string `json:"i,omitempty"` // … "" between walks
}

// feed is a cursor's JSON: a place per object.
type feed struct {
	Version int               `json:"v"`
	Feed    string            `json:"f"`
	At      map[string]*place `json:"at"`
}

const (
	cursorVersion = 1
	changesFeed   = "changes"
)

func (c *Client) readCursor(name string, from connectors.Cursor, v any) error {
	return crmkit.ReadCursor(c.http, name, cursorVersion, from, v)
}

// Changes returns records changed since from, merged and converted ones with those they live on in: a query per object, a further
// request where the last poll met something, and one for the survivors of merges.
func (c *Client) Changes(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Contact], error) {
	var p connectors.Page[connectors.Contact]
	f := feed{Version: cursorVersion, Feed: changesFeed, At: map[string]*place{}}
	if from == nil {
		for _, name := range c.order {
			if _, err := c.describe(ctx, c.objects[name]); err != nil {
				return p, err // better now than at the first change
			}
		}
		now, err := c.present(ctx)
		if err != nil {
			return p, err
		}
		for _, name := range c.order {
			f.At[name] = &place{Since: now.Unix()}
		}
		p.Next = transport.Encode(f)
		return p, nil
	}
	if err := c.readCursor(changesFeed, from, &f); err != nil {
		return p, err
	}
	c.told.confirm(from)
	var versions []version
	oldest := int64(1 << 62)
	skipped := c.restingObjects(&f)
	for _, name := range c.order {
		at := f.At[name]
		if at == nil { // the object was added to the configuration: it starts at the present
			now, err := c.present(ctx)
			if err != nil {
				return p, err
			}
			at = &place{Since: now.Unix()}
			if f.At == nil {
				f.At = map[string]*place{}
			}
			f.At[name] = at
		}
		oldest = min(oldest, at.Since-int64(c.o.Lookback/time.Second))
		if skipped[name] {
			continue
		}
		items, more, err := c.step(ctx, c.objects[name], at)
		if err != nil {
			return connectors.Page[connectors.Contact]{}, err
		}
		p.More = p.More || more
		for _, k := range items {
			c.objects[name].ahead.drop(k.ID)
			v := version{k.ID, k.Modified.Unix()}
			if !c.told.has(v) {
				versions = append(versions, v)
				p.Items = append(p.Items, k)
			}
		}
	}
	items, err := c.withSurvivors(ctx, p.Items)
	if err != nil {
		return connectors.Page[connectors.Contact]{}, err
	}
	p.Items, p.Next = items, transport.Encode(f)
	now, _ := c.http.ServerNow()
	c.told.tell(from, p.Next, versions, oldest, now.Unix())
	return p, nil
}

// restingObjects are the objects that need not be asked for this page: another is in the middle of its walk, and of these the last walk
// came to its end within the interval of polls.
func (c *Client) restingObjects(f *feed) map[string]bool {
	resting := map[string]bool{}
	walking := false
	for _, name := range c.order {
		at := f.At[name]
		if at != nil && at.ID != "" {
			walking = true
		} else if end := c.objects[name].walked.Load(); at != nil && end != nil && c.o.Now().Sub(*end).Abs() < c.o.Poll {
			resting[name] = true
		}
	}
	if !walking {
		return nil
	}
	return resting
}

// step makes one query of an object's walk and moves its place.
func (c *Client) step(ctx context.Context, o *object, at *place) (items []connectors.Contact, more bool, err error) {
	op := "poll " + o.name
	d, err := c.describe(ctx, o)
	if err != nil {
		return nil, false, err
	}
	var where string
	if at.ID == "" {
		if at.Met {
			if at.Mark, err = c.watermark(ctx, o); err != nil {
				return nil, false, err
			}
		}
		at.Met = false
		where = "SystemModstamp >= " + moment(at.Since-int64(c.o.Lookback/time.Second))
	} else {
		where = after(at.Stamp, at.ID)
	}
	found, _, err := c.query(ctx, op, "SELECT "+strings.Join(d.read, ",")+" FROM "+o.name+" WHERE "+where+keysetOrder, true)
	if err != nil {
		o.forgetIf(err)
		return nil, false, err
	}
	items = make([]connectors.Contact, len(found.records))
	for i, r := range found.records {
		k := c.contact(o, d, r)
		if t := k.Modified.Unix(); k.ID == "" || k.Modified.IsZero() || at.ID != "" && (t < at.Stamp || t == at.Stamp && k.ID <= at.ID) {
			return nil, false, c.err(connectors.Transient, op, "the answer is not in order of stamp and id")
		}
		at.Stamp, at.ID, at.Met = k.Modified.Unix(), k.ID, true
		items[i] = k
	}
	// A batch may hold fewer rows than were asked for; that it is not the end is said in its own words.
	if more = len(items) > 0 && (len(items) >= pageSize || !found.done); more {
		return items, true, nil
	}
	*at = place{Since: max(at.Since, at.Mark), Met: at.Met}
	now := c.o.Now()
	o.walked.Store(&now)
	return items, false, nil
}

// forgetIf drops what describe said if a request did not know a field.
func (o *object) forgetIf(err error) {
	if connectors.KindOf(err) == connectors.Config {
		o.forget()
	}
}

// after is the condition for what comes behind a position of the keyset.
func after(stamp int64, id string) string {
	t := moment(stamp)
	return fmt.Sprintf("((SystemModstamp = %s AND Id > '%s') OR SystemModstamp > %s)", t, id, t)
}

var keysetOrder = fmt.Sprintf(" ORDER BY SystemModstamp, Id LIMIT %d", pageSize)

// moment is a time of Unix seconds as SOQL writes it.
func moment(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

// watermark is the time up to which all changes of an object are visible: transactions that are still under way began later.
func (c *Client) watermark(ctx context.Context, o *object) (int64, error) {
	type answer struct {
		Covered string `json:"latestDateCovered"`
	}
	now, err := c.present(ctx)
	if err != nil {
		return 0, err
	}
	// Only the watermark is wanted, so that the span is short. It has to be a minute at least and ends on one.
	end := now.Truncate(time.Second)
	op := "read the watermark of " + o.name
	r := transport.Get(op, c.data+"/sobjects/"+o.name+"/updated/")
	r.Query = url.Values{"start": {end.Add(-2 * time.Minute).UTC().Format(time.RFC3339)}, "end": {end.UTC().Format(time.RFC3339)}}
	v, _, err := transport.Do[answer](ctx, c.http, r)
	if err != nil {
		if e, ok := err.(*connectors.Error); ok && e.Code == codeTooManyIDs {
			return 0, nil // in the midst of a mass update: the place stays where it is
		}
		return 0, err
	}
	covered, ok := parseTime(v.Covered)
	if !ok {
		return 0, c.err(connectors.Transient, op, "the answer tells no latestDateCovered")
	}
	return min(covered.Unix(), end.Unix()), nil
}

// longestChain is how many merges and conversions in a row are followed.
const longestChain = 8

// withSurvivors adds to records that were merged or converted those they live on in, which tell what they absorbed: the leads merged
// into one that was converted into a contact, too. It is a request for each link of the longest chain.
func (c *Client) withSurvivors(ctx context.Context, items []connectors.Contact) ([]connectors.Contact, error) {
	into := map[connectors.Ref]connectors.Ref{}
	met := make(map[connectors.Ref]bool, len(items))
	note := func(items []connectors.Contact) {
		for i := range items {
			met[items[i].Ref] = true
			if !items[i].Into.IsZero() {
				into[items[i].Ref] = items[i].Into
			}
		}
	}
	note(items)
	for range longestChain {
		var ahead []connectors.Ref
		for _, ref := range into {
			if !met[ref] {
				met[ref] = true
				ahead = append(ahead, ref)
			}
		}
		if len(ahead) == 0 {
			break
		}
		read, err := c.Read(ctx, ahead)
		if err != nil {
			return nil, err
		}
		note(read)
		items = append(items, read...)
	}
	absorbed := map[connectors.Ref][]connectors.Ref{}
	for ref := range into {
		at := into[ref]
		for n := 0; n < longestChain && !at.IsZero() && at != ref; n++ {
			absorbed[at] = append(absorbed[at], ref)
			at = into[at]
		}
	}
	for i := range items {
		if a := absorbed[items[i].Ref]; a != nil {
			items[i].Absorbed = slices.SortedFunc(slices.Values(a), func(a, b connectors.Ref) int { return cmp.Compare(a.ID, b.ID) })
		}
	}
	return items, nil
}
