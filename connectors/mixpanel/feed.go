package mixpanel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/s2"
	"golang.org/x/time/rate"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/records"
	"github.com/intentd/intentd/connectors/internal/spool"
	"github.com/intentd/intentd/connectors/internal/transport"
	"github.com/intentd/intentd/connectors/jsonl"
)

const (
	pageEvents = 10_000
	// profilePages bounds the pages of profiles that one poll reads: the query API has 60 calls an hour for all who use it.
	profilePages = 30
)

// Feed takes in a project. It is safe for concurrent use.
type Feed struct {
	name   string
	o      Config
	zone   *time.Location
	client *transport.Client
	query  *url.URL
	pace   *rate.Limiter // of the client's attempts
	now    func() time.Time
	poll   time.Duration
	most   int           // events of a page
	deep   time.Duration // between deep passes

	taker  sync.Mutex // one Take at a time; guards what is below
	answer spool.Held
	lines  jsonl.Lines
	pages  int // of profiles, read by the present poll

	failure transport.Failure
}

var (
	_ connectors.Feed         = (*Feed)(nil)
	_ connectors.IntakeReader = (*Feed)(nil)
	_ connectors.Reporter     = (*Feed)(nil)
	_ connectors.Releaser     = (*Feed)(nil)
	_ connectors.Prober       = (*Feed)(nil)
	_ io.Closer               = (*Feed)(nil)
)

// Take reads on from the position: some lines of an answer, which is asked for if it is not there, or a page of profiles.
func (f *Feed) Take(ctx context.Context, from connectors.Cursor) (page connectors.Page[connectors.Event], err error) {
	f.taker.Lock()
	defer f.taker.Unlock()
	at, err := f.position(from)
	if err != nil {
		return page, err
	}
	f.answer.Resume(from)
	if at.Under == nil && (at.People == nil || f.pages >= profilePages) { // a new poll: events first
		f.begin(&at)
		f.pages = 0
	}
	var events []connectors.Event
	paused := false
	if at.Under != nil {
		events, err = f.read(ctx, &at)
	} else {
		events, paused, err = f.readProfiles(ctx, &at)
	}
	if f.failure.Note(err); err != nil {
		f.answer.Drop()
		return connectors.Page[connectors.Event]{}, err
	}
	next := connectors.Cursor(transport.Encode(at))
	f.answer.Stands(next)
	return connectors.Page[connectors.Event]{Items: events, Next: next, More: !paused && (at.Under != nil || at.People != nil)}, nil
}

// read reads lines of the present answer.
func (f *Feed) read(ctx context.Context, at *position) (events []connectors.Event, err error) {
	u := at.Under
	if f.answer.Answer == nil {
		if f.answer.Answer, err = f.ask(ctx, u); err != nil || f.answer.Answer == nil {
			return nil, err
		}
	}
	l := f.answer.Lines
	p := spool.Page{Name: f.name, Where: "the export of " + u.Day.Format(time.DateOnly), Most: f.most, Now: f.now, Intake: &at.Intake, Poll: &u.Count}
	p.Read = func(line string, e *connectors.Event) string {
		reason := f.event(line, e)
		if reason == "" && f.told(at, u, e) {
			at.Intake.CountLeftOut(connectors.LeftOutRepeated, 1)
			e.Kind = ""
		}
		return reason
	}
	err = p.Fill(ctx, l)
	u.At = l.At
	switch {
	case errors.Is(err, io.EOF):
		at.answerRead(f.answer.Size, f.now(), f.o.Profiles)
		f.answer.Drop()
	case err != nil:
		return nil, &connectors.Error{Kind: connectors.Transient, Op: f.name + ": read the spooled export", Err: err}
	}
	return p.Events, nil
}

// told says whether an event was told by an earlier pass.
func (f *Feed) told(at *position, u *pass, e *connectors.Event) bool {
	return !u.Skip.IsZero() && !e.Received.IsZero() && e.Received.Before(u.Skip) && !dateOf(e.Time, f.zone).After(at.Done)
}

// ask asks for the days of a pass that are next, and goes to where the pass stands in the answer. nil and no error: the answer was too large, and
// fewer days are next.
func (f *Feed) ask(ctx context.Context, u *pass) (*spool.Answer, error) {
	file, err := f.export(ctx, u.Day, u.last())
	if errors.Is(err, spool.ErrTooLarge) {
		if u.Days == 1 {
			return nil, &connectors.Error{Kind: connectors.Config, Op: f.name + ": export " + u.Day.Format(time.DateOnly), Message: "one day's events are more than is kept",
				Fix: "have Mixpanel's pipeline write to storage instead, and use a source of type s3"}
		}
		u.plan(u.Days / 2)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return spool.Open(f.name+": export "+u.Day.Format(time.DateOnly), file, &u.At, func(f *os.File) (io.Reader, error) { return s2.NewReader(f), nil })
}

// event reads a line of the export. Its id is made of all that Mixpanel itself tells events apart by.
func (f *Feed) event(line string, e *connectors.Event) (reason string) {
	if reason = f.lines.Event(line, e); reason == "" {
		e.ID = records.ContentID(e.Kind, e.UserID, e.AnonymousID, e.Time.Format(time.RFC3339Nano), e.ID)
		e.Time = f.real(e.Time)
	}
	return reason
}

// real is a time of the export as it was. A project made before 2023 tells the time of its own zone as though it were that of UTC.
func (f *Feed) real(t time.Time) time.Time {
	if f.zone == time.UTC {
		return t
	}
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), f.zone).UTC()
}

// readProfiles reads a page of profiles: who has an address, as though they had said so when they were last seen. It pauses until the next
// poll when this one had its share of calls.
func (f *Feed) readProfiles(ctx context.Context, at *position) (events []connectors.Event, paused bool, err error) {
	p := at.People
	list, err := f.profilesPage(ctx, p.Session, p.Page)
	if connectors.KindOf(err) == connectors.Quota { // of queries: events do not wait for it
		f.pages = profilePages
		return nil, true, nil
	}
	if err != nil && p.Session != "" && refused(err) { // the list is not kept any more: from its beginning
		p.Session, p.Page = "", 0
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	for _, one := range list.Results {
		switch e, usable := f.identified(one, p.Begun); {
		case !usable:
			at.Intake.CountLeftOut(leftOutProfile, 1)
		case at.Told.IsZero() || !e.Time.Before(at.Told.Add(-day)):
			events = append(events, e)
		}
	}
	f.pages++
	p.Session, p.Page = list.Session, list.Page+1
	if len(list.Results) < max(list.PageSize, 1) {
		at.Told, at.People = p.Begun, nil
	}
	return events, f.pages >= profilePages, nil
}

// leftOutProfile is a reason in Intake.LeftOut.
const leftOutProfile = "profile without a usable id or address"

// identified is the event of a profile; false if it says nothing that can be used.
func (f *Feed) identified(p profile, begun time.Time) (e connectors.Event, usable bool) {
	seen, known := records.ParseTime(p.Properties.LastSeen)
	if known {
		seen = f.real(seen)
	} else {
		seen = begun.Truncate(day)
	}
	id := p.id()
	if id == "" || !strings.Contains(p.Properties.Email, "@") {
		return e, false
	}
	line := transport.Encode(map[string]any{"event": "$identify", "properties": map[string]any{"time": seen.Unix(), "distinct_id": id, "$email": p.Properties.Email, "$insert_id": "profile"}})
	if f.lines.Event(string(line), &e) != "" || e.UserID == "" && e.AnonymousID == "" {
		return e, false
	}
	e.ID, e.Source = records.ContentID("profile", id, p.Properties.Email, p.Properties.LastSeen), f.name
	return e, true
}

// Intake tells what was read up to a cursor.
func (f *Feed) Intake(from connectors.Cursor) (connectors.Intake, error) {
	at, err := f.position(from)
	return at.Intake, err
}

// Report tells of the calls since the start.
func (f *Feed) Report() connectors.Report { return f.failure.Report(f.client) }

// Release implements connectors.Releaser.
func (f *Feed) Release() { f.client.Release() }

// Close drops what is spooled.
func (f *Feed) Close() error {
	f.taker.Lock()
	defer f.taker.Unlock()
	f.answer.Drop()
	return nil
}

// Probe asks for the first events of today, and for the first profiles.
func (f *Feed) Probe(ctx context.Context) []connectors.Finding {
	found := f.probe(ctx)
	found.Message = "source " + f.name + ": " + found.Message
	return []connectors.Finding{found}
}

func (f *Feed) probe(ctx context.Context) connectors.Finding {
	const otherwise = "see whether Mixpanel answers from this machine"
	today := dateOf(f.now(), f.zone).Add(-day)
	r := exportOf(f.o.ProjectID, today, today)
	r.Op = "export a few events of yesterday"
	r.Query.Set("limit", "10")
	said, err := f.client.Do(ctx, r)
	if err != nil {
		why, fix := connectors.Told(err, otherwise)
		return connectors.Finding{Code: "mixpanel.export", Severity: connectors.Failure, Message: "events of project " + f.o.ProjectID + " cannot be exported: " + why, Fix: fix}
	}
	if f.o.Profiles {
		if _, err := f.profilesPage(ctx, "", 0); err != nil {
			why, fix := connectors.Told(err, otherwise)
			return connectors.Finding{Code: "mixpanel.profiles", Severity: connectors.Failure, Message: "profiles of project " + f.o.ProjectID + " cannot be read: " + why,
				Fix: fix + "; or set profiles: false, and have events carry $email"}
		}
	}
	if len(bytes.TrimSpace(said.Body)) == 0 {
		return connectors.Finding{Code: "mixpanel.empty", Severity: connectors.Warning, Message: "project " + f.o.ProjectID + " has no event of yesterday", Fix: "check project_id and region, unless nobody came"}
	}
	cost := ""
	if f.poll > 0 {
		cost = fmt.Sprintf("; about %d calls a day, and one for each thousand profiles", max(day/f.poll, 1)+3)
	}
	return connectors.Finding{Code: "mixpanel.ok", Severity: connectors.OK, Message: "events and profiles of project " + f.o.ProjectID + " are told" + cost}
}
