package clickstream

import (
	"context"
	"fmt"

	"github.com/intentd/intentd/connectors"
)

// Explain implements connectors.Explainer. Events of a feed or a receiver are kept here: the store answers about people. What would be taken
// in next the feed tells itself, where it can.
func (f *filled) Explain(ctx context.Context, q connectors.ExplainQuery) (x connectors.Explanation, err error) {
	in, err := f.Intake()
	if err != nil {
		return x, err
	}
	if by, ok := f.by.(connectors.Explainer); ok && q.Person == nil {
		own := q
		if own.From, err = f.store.Cursor(f.name); err != nil {
			return x, err
		}
		if x, err = by.Explain(ctx, own); err != nil {
			return x, err
		}
	}
	told := connectors.Question{What: "the event store, which answers for " + f.name}
	if q.Person != nil {
		told.TellEvents(f.Journeys(ctx, []connectors.Person{*q.Person}, q.Window), q.Rows)
	} else {
		told.What += ", for who was active since it was last asked"
		page, err := f.Active(ctx, q.From)
		told.TellPeople(page, err, q.Rows)
	}
	x.Asked = append(x.Asked, told)
	x.Note(fmt.Sprintf("it keeps %d events of %s", in.Events, f.name))
	for _, why := range connectors.Commonest(in.Unreadable, 5) {
		x.Note(fmt.Sprintf("%d could not be read: %s", in.Unreadable[why], why))
	}
	for _, why := range connectors.Commonest(in.LeftOut, 5) {
		x.Note(fmt.Sprintf("%d were left out on their way in: %s", in.LeftOut[why], why))
	}
	return x, ctx.Err()
}
