package notify

import (
	"context"
	"time"

	"github.com/intentd/intentd/connectors"
)

// taskChannel makes tasks in a CRM, one for each person.
type taskChannel struct {
	name     string
	location *time.Location
	now      func() time.Time
	put      func(context.Context, *connectors.Task) error
}

// NewTask is the channel of a CRM's tasks. put makes one: see connectors.TaskWriter. location is where days begin; nil: UTC.
func NewTask(o Options, location *time.Location, put func(context.Context, *connectors.Task) error) Channel {
	if o.Now == nil {
		o.Now = time.Now
	}
	if location == nil {
		location = time.UTC
	}
	return &taskChannel{o.Name, location, o.Now, put}
}

func (*taskChannel) OneByOne() bool { return true }
func (*taskChannel) Personal() bool { return false }

// taskWords are the words that tasks are made of beside those of messages, by language.
var taskWords = map[string]string{
	"en": "The fields whose names end in (intentd) say why, and what to do next.",
	"de": "Warum, und was als Nächstes zu tun ist, steht in den Feldern, deren Namen auf (intentd) enden.",
}

// Send makes the task, unless it is there. A sample has no record to stand on.
func (c *taskChannel) Send(ctx context.Context, m *Message) error {
	const op = ": make a task"
	if m.Sample {
		return &connectors.Error{Kind: connectors.Rejected, Op: c.name + op, Message: "a task needs a record, and a sample has none", Fix: "run intentd doctor: it says whether tasks can be made"}
	}
	p := &m.People[0]
	t := &connectors.Task{Ref: p.Ref, Owner: p.Owner, Due: c.due(), Subject: plain((&Message{Language: m.Language, People: m.People[:1]}).Title(), 200), Body: taskWords[m.language()], Mark: m.ID}
	if p.Headline != "" {
		t.Body = plain(p.Headline, 255) + "\n" + t.Body
	}
	err := c.put(ctx, t)
	if e, ok := err.(*connectors.Error); ok && e.Kind == connectors.Gone { // the record is, not the CRM
		refused := *e
		refused.Kind = connectors.Rejected
		return &refused
	}
	return err
}

// due is a day from now, on Monday where that is a Saturday or Sunday.
func (c *taskChannel) due() time.Time {
	at := c.now().In(c.location)
	at = time.Date(at.Year(), at.Month(), at.Day()+1, at.Hour(), at.Minute(), 0, 0, c.location)
	for at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
		at = at.AddDate(0, 0, 1)
	}
	return at
}
