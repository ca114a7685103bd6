package matomo

import (
	"context"
	"errors"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/asked"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Source is a website in Matomo.
type Source struct {
	asked.Source
	o Config
}

const cursorVersion = 1

// cursor is where the polls go on: for visits by their last action, and for visits that were recorded as though they had happened before.
type cursor struct {
	asked.Position
	Met   int64     `json:"m,omitempty"` // greatest id of a visit met
	Known int64     `json:"k,omitempty"` // greatest id when the last look for back-dated visits ended; 0: there was none yet
	Dated asked.Row `json:"d,omitzero"`  // where such a look goes on that filled an answer
}

// identified are visits of users whom the site named. A first pass is about those: what they did before comes with their journeys.
const identified = "userId!="

// Active implements connectors.Source. A call is one request for visits by their last action, and one for back-dated ones once those are read.
func (s *Source) Active(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Person], error) {
	none := connectors.Page[connectors.Person]{}
	op := "who was active"
	at := cursor{Position: asked.Position{Version: cursorVersion}}
	if err := asked.ReadCursor(s.Name+": "+op, from, &at, func() bool { return at.Version == cursorVersion }); err != nil {
		return none, err
	}
	oldest := s.Now().Add(-s.o.Back).Truncate(time.Second)
	if from == nil {
		at.Time = oldest
	}
	var page people
	w := walk{op: op, since: at.Time}
	if at.Known == 0 && at.Time.Before(s.Now().Add(-day)) {
		w.segment = identified
	}
	last, more, err := s.visits(ctx, w, keyOf(at.Row), func(v *visit) error {
		page.meet(v, &at)
		return nil
	})
	if err != nil {
		return none, err
	}
	at.Row = last.row()
	at.Rest(more, s.o.Lookback)
	switch {
	case more:
	case at.Known == 0:
		at.Known = at.Met // the first pass read all there were
	default:
		if more, err = s.backDated(ctx, &at, &page, oldest); err != nil {
			return none, err
		}
	}
	return connectors.Page[connectors.Person]{Items: page.items, Next: transport.Encode(at), More: more}, nil
}

// backDated reads visits whose ids are new. Most are known by their last action already.
func (s *Source) backDated(ctx context.Context, at *cursor, page *people, oldest time.Time) (more bool, err error) {
	w := walk{op: "who was active, back-dated", since: oldest, segment: "visitId>" + strconv.FormatInt(at.Known, 10)}
	last, more, err := s.visits(ctx, w, keyOf(at.Dated), func(v *visit) error {
		page.meet(v, at)
		return nil
	})
	if at.Dated = last.row(); !more {
		at.Dated, at.Known = asked.Row{}, at.Met
	}
	return more, err
}

func (k key) row() asked.Row {
	if k.last.IsZero() {
		return asked.Row{}
	}
	return asked.Row{Time: k.last, ID: strconv.FormatInt(k.id, 10)}
}

func keyOf(r asked.Row) key {
	id, _ := strconv.ParseInt(r.ID, 10, 64)
	return key{r.Time, id}
}

// people are those of one page, each visitor once.
type people struct {
	items []connectors.Person
	met   map[string]bool
}

func (p *people) meet(v *visit, at *cursor) {
	k, _ := v.key()
	at.Met = max(at.Met, k.id)
	if !at.First(k.row()) {
		return
	}
	email, userID := v.who()
	who := email + "\x00" + userID + "\x00" + string(v.VisitorID)
	if p.met == nil {
		p.met = map[string]bool{}
	}
	if p.met[who] {
		return
	}
	p.met[who] = true
	one := func(value string) []string {
		if value == "" {
			return nil
		}
		return []string{value}
	}
	p.items = append(p.items, connectors.Person{Emails: one(email), UserIDs: one(userID), AnonymousIDs: one(string(v.VisitorID))})
}

// Journeys implements connectors.Source: a lot of people is one call, or as many as their identifiers fill segments and their visits answers.
func (s *Source) Journeys(ctx context.Context, people []connectors.Person, w connectors.Window) iter.Seq2[connectors.Event, error] {
	return func(yield func(connectors.Event, error) bool) {
		whose := asked.Of(people)
		if w.From.Before(w.To) {
			for _, segment := range segments(conditions(people)) {
				err := s.journeys(ctx, segment, whose, w, func(e connectors.Event) bool { return yield(e, nil) })
				if err != nil {
					if !errors.Is(err, errLeft) {
						yield(connectors.Event{}, err)
					}
					return
				}
			}
		}
		if err := ctx.Err(); err != nil {
			yield(connectors.Event{}, err)
		}
	}
}

var errLeft = errors.New("the sequence was left")

// visitorID is what Matomo takes as one; anything else is an error to it.
var visitorID = regexp.MustCompile(`^[0-9a-fA-F]{16}$`)

// conditions find the visits of people.
func conditions(people []connectors.Person) (out []string) {
	for _, by := range []struct {
		name string
		of   func(connectors.Person) []string
	}{
		{"userId", func(p connectors.Person) []string { return slices.Concat(p.Emails, p.UserIDs) }},
		{"visitorId", func(p connectors.Person) []string { return p.AnonymousIDs }},
	} {
		for _, v := range asked.Values(people, by.of) {
			if c := by.name + "==" + segmentValue(v); (by.name != "visitorId" || visitorID.MatchString(v)) && len(c) <= longestSegment {
				out = append(out, c)
			}
		}
	}
	return out
}

func (s *Source) journeys(ctx context.Context, segment string, whose asked.Whose, w connectors.Window, yield func(connectors.Event) bool) error {
	walk := walk{op: "journeys", segment: segment, since: w.From, actions: true}
	at, more := key{}, true
	for more {
		var err error
		if at, more, err = s.visits(ctx, walk, at, func(v *visit) error { return s.tell(v, whose, w, yield) }); err != nil {
			return err
		}
	}
	return nil
}

// leftOutTruncated counts actions that Matomo did not tell.
const leftOutTruncated = "cut off by Matomo (visitor_log_maximum_actions_per_visit)"

// tell yields the events of a visit. One of a user whom the site named is that user's alone, whoever else uses the browser.
func (s *Source) tell(v *visit, whose asked.Whose, w connectors.Window, yield func(connectors.Event) bool) error {
	email, userID := v.who()
	person := whose.Email(email)
	if person == "" {
		person = whose.UserID(userID)
	}
	if email == "" && userID == "" {
		person = whose.AnonymousID(string(v.VisitorID))
	}
	if n, cut := v.Truncated.number(); cut {
		s.LeftOut(leftOutTruncated, int(n))
	}
	if person == "" {
		s.LeftOut(asked.LeftOutNobodys, len(v.Actions))
		return nil
	}
	told := 0
	defer func() { s.Events(told) }()
	if !v.events(s.Name, func(i int, e connectors.Event, err error) bool {
		switch {
		case err != nil:
			s.Misread("journeys", i+1, err)
		case w.Contains(e.Time):
			e.Person = person
			told++
			return yield(e)
		}
		return true
	}) {
		return errLeft
	}
	return nil
}
