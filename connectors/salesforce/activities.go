package salesforce

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// activities are what the org recorded of people, as a source. What the prospect did is an event of its kind: a reply, a meeting
// accepted, a response to a campaign. The own team's tasks, calls, sent mails and meetings are context.
type activities struct {
	c       *Client
	o       ActivityOptions
	told    told
	engaged engaged

	yielded, ownTasks atomic.Int64 // events, and tasks that intentd made itself and that were left out: each time one was read
}

// Intake tells what was read since start, an event as often as it was asked for.
func (s *activities) Intake() (connectors.Intake, error) {
	in := connectors.Intake{Events: s.yielded.Load()}
	in.Read = in.Events
	if n := s.ownTasks.Load(); n > 0 {
		in.Read += n
		in.LeftOut = map[string]int64{connectors.LeftOutOwnTask: n}
	}
	return in, nil
}

// Activities are the org's own records of people as a source. It shares the client's limits.
//
// Journeys costs two requests for those whose last activity is known to lie somewhere, one for those who answered a campaign or
// an invitation, and none for the others. Archived activities are told, too.
func (c *Client) Activities(o ActivityOptions) connectors.Source {
	if o.Name == "" {
		o.Name = c.o.Name + "-activities"
	}
	s := &activities{c: c, o: o}
	s.engaged.init(c)
	return s
}

const activitiesFeed = "activities"

// doings are the feeds of what prospects do.
var doings = []stride{
	{op: "read campaign responses", object: "CampaignMember", fields: "Id, SystemModstamp, LeadId, ContactId", where: "HasResponded = true", limit: pageSize},
	{op: "read accepted meetings", object: "EventRelation", fields: "Id, SystemModstamp, RelationId", where: "Status = 'Accepted'", limit: pageSize},
	{op: "read received mails", object: "EmailMessage", fields: "Id, SystemModstamp, ActivityId", where: "Incoming = true AND ActivityId != null", limit: pageSize},
}

// Active tells whose responses, acceptances and replies came in: a request each. Objects that the org does not have, or does not
// show, are left out and asked about again with the next call.
func (s *activities) Active(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Person], error) {
	var p connectors.Page[connectors.Person]
	f := feed{Version: cursorVersion, Feed: activitiesFeed, At: map[string]*place{}}
	if from != nil {
		if err := s.c.readCursor(activitiesFeed, from, &f); err != nil {
			return p, err
		}
		if f.At == nil {
			f.At = map[string]*place{}
		}
	}
	s.told.confirm(from)
	var versions []version
	oldest := int64(1 << 62)
	seen := map[string]bool{}
	for _, d := range doings {
		at := f.At[d.object]
		if at == nil {
			at = new(place)
			f.At[d.object] = at
		}
		rows, more, err := s.c.stride(ctx, at, d)
		if hidden(err) {
			continue
		}
		if err != nil {
			return connectors.Page[connectors.Person]{}, err
		}
		p.More = p.More || more
		oldest = min(oldest, at.Since-int64(s.c.o.Lookback.Seconds()))
		var fresh []record
		for _, r := range rows {
			id, t, _ := r.position()
			if v := (version{id, t}); !s.told.has(v) {
				versions = append(versions, v)
				fresh = append(fresh, r)
			}
		}
		who, err := s.whose(ctx, fresh)
		if err != nil {
			return connectors.Page[connectors.Person]{}, err
		}
		for _, id := range who {
			ref, ok := s.c.personRef(id)
			if !ok || seen[ref.ID] {
				continue
			}
			seen[ref.ID] = true
			if d.object != "EmailMessage" {
				s.engaged.add(ref.ID)
			}
			p.Items = append(p.Items, connectors.Person{Refs: []connectors.Ref{ref}})
		}
	}
	if err := s.c.withAddresses(ctx, p.Items); err != nil {
		return connectors.Page[connectors.Person]{}, err
	}
	p.Next = transport.Encode(f)
	now, _ := s.c.http.ServerNow()
	s.told.tell(from, p.Next, versions, oldest, now.Unix())
	return p, nil
}

// withAddresses adds the e-mail addresses of people known by one record each, for hosts that go by them.
func (c *Client) withAddresses(ctx context.Context, people []connectors.Person) error {
	refs := make([]connectors.Ref, len(people))
	for i := range people {
		refs[i] = people[i].Refs[0]
	}
	read, err := c.Read(ctx, refs)
	if err != nil {
		return err
	}
	for i := range people {
		people[i].Emails = read[i].Emails
	}
	return nil
}

// hidden says that the org does not have an object or field, or does not show it to the integration user.
func hidden(err error) bool {
	e, ok := err.(*connectors.Error)
	return ok && (e.Code == codeInvalidType || e.Code == codeInvalidField)
}

// whose are the ids of the people that rows are about; mails tell it by the task they are logged as.
func (s *activities) whose(ctx context.Context, rows []record) ([]string, error) {
	var ids, tasks []string
	for _, r := range rows {
		r.each(func(name, v string) {
			switch {
			case v == "":
			case name == "ActivityId":
				tasks = append(tasks, v)
			case name == "LeadId" || name == "ContactId" || name == "RelationId":
				ids = append(ids, v)
			}
		})
	}
	if len(tasks) == 0 {
		return ids, nil
	}
	found, err := s.c.rowsOf(ctx, "read whose mails were received", tasks, true, func(list string) string {
		return "SELECT Id, WhoId FROM Task WHERE WhoId != null AND IsDeleted = false AND Id IN " + list
	})
	for _, r := range found {
		ids = append(ids, r.values()["WhoId"])
	}
	return ids, err
}

// personRef is the record with an id, if it is a lead or contact of this client.
func (c *Client) personRef(id string) (connectors.Ref, bool) {
	id, ok := normalID(id)
	if !ok {
		return connectors.Ref{}, false
	}
	for _, name := range c.order {
		if id[:3] == prefixes[name] {
			return c.ref(name, id), true
		}
	}
	return connectors.Ref{}, false
}

// Journeys asks for the people's activities by kind, whoever they belong to, and yields them kind by kind.
func (s *activities) Journeys(ctx context.Context, people []connectors.Person, w connectors.Window) iter.Seq2[connectors.Event, error] {
	return func(yield func(connectors.Event, error) bool) {
		owners := map[string][]string{}
		var all []string
		for _, p := range people {
			for _, r := range p.Refs {
				id, ok := s.c.recordID(r)
				if !ok || r.CRM != s.c.o.Name || s.c.objects[r.Object] == nil {
					continue
				}
				if owners[id] == nil {
					all = append(all, id)
				}
				owners[id] = append(owners[id], p.Key)
			}
		}
		if len(all) == 0 {
			return
		}
		j := &journeys{s: s, w: w, from: w.From.UTC().Format(time.RFC3339), met: map[string]bool{}}
		now := s.c.o.Now()
		var busy []string
		for _, id := range all {
			if !s.c.idle.Has(id, now) {
				busy = append(busy, id)
			}
		}
		engaged, err := s.engaged.among(ctx, all)
		if err != nil {
			yield(connectors.Event{}, err)
			return
		}
		for _, step := range []struct {
			ids []string
			ask func(context.Context, []string) ([]deed, error)
		}{{engaged, j.responses}, {engaged, j.meetings}, {busy, j.tasks}, {busy, j.calendar}} {
			if len(step.ids) == 0 {
				continue
			}
			deeds, err := step.ask(ctx, step.ids)
			if err != nil && !hidden(err) {
				yield(connectors.Event{}, err)
				return
			}
			for _, d := range deeds {
				if !w.Contains(d.Time) {
					continue
				}
				d.Source = s.o.Name
				for _, d.Person = range owners[d.who] {
					s.yielded.Add(1)
					if !yield(d.Event, nil) {
						return
					}
				}
			}
		}
	}
}

// deed is an event and the id of the record it is about.
type deed struct {
	connectors.Event
	who string
}

// journeys is one Journeys call.
type journeys struct {
	s    *activities
	w    connectors.Window
	from string          // the window's beginning as SOQL writes it
	met  map[string]bool // events that were accepted: told as meetings, no context any more
}

func (j *journeys) rows(ctx context.Context, what string, ids []string, soql func(list string) string) ([]map[string]string, error) {
	rows, err := j.s.c.rowsOf(ctx, fmt.Sprintf("read the %s of %d records", what, len(ids)), ids, true, soql)
	values := make([]map[string]string, len(rows))
	for i, r := range rows {
		values[i] = r.values()
	}
	return values, err
}

func doing(prefix, kind string, v map[string]string, who, title string, at time.Time, properties map[string]string) deed {
	who, _ = normalID(who)
	id, _ := normalID(v["Id"])
	d := deed{who: who, Event: connectors.Event{ID: prefix + id, Kind: kind, Time: at, PageTitle: title, Properties: properties}}
	d.Received, _ = parseTime(v["SystemModstamp"])
	if d.Received.Before(at) {
		d.Received = time.Time{}
	}
	return d
}

// firstTime is the first of fields that holds a time.
func firstTime(v map[string]string, fields ...string) time.Time {
	for _, f := range fields {
		if t, ok := parseTime(v[f]); ok {
			return t
		}
	}
	return time.Time{}
}

// responses are answers to campaigns, dated to the day, or to the moment if the member was not touched after it.
func (j *journeys) responses(ctx context.Context, ids []string) ([]deed, error) {
	var deeds []deed
	by := map[string][]string{}
	for _, id := range ids {
		if ref, ok := j.s.c.personRef(id); ok {
			by[ref.Object] = append(by[ref.Object], id)
		}
	}
	for _, object := range j.s.c.order {
		if len(by[object]) == 0 {
			continue
		}
		rows, err := j.rows(ctx, "campaign responses", by[object], func(list string) string {
			return "SELECT Id, SystemModstamp, " + object + "Id, Status, FirstRespondedDate, Campaign.Name, Campaign.Type FROM CampaignMember WHERE HasResponded = true AND IsDeleted = false AND " + object + "Id IN " + list
		})
		if err != nil {
			return nil, err
		}
		for _, v := range rows {
			at := firstTime(v, "FirstRespondedDate", "SystemModstamp")
			if touched := firstTime(v, "SystemModstamp"); touched.Format(time.DateOnly) == at.Format(time.DateOnly) {
				at = touched
			}
			name := v["Campaign.Name"]
			deeds = append(deeds, doing("response:", connectors.KindFormSubmit, v, v[object+"Id"], name, at, properties(
				connectors.PropCampaign, name, connectors.PropForm, name, "campaign_type", v["Campaign.Type"], "status", v["Status"])))
		}
	}
	return deeds, nil
}

// meetings are invitations that the person accepted.
func (j *journeys) meetings(ctx context.Context, ids []string) ([]deed, error) {
	rows, err := j.rows(ctx, "accepted meetings", ids, func(list string) string {
		return "SELECT Id, SystemModstamp, EventId, RelationId, RespondedDate, Event.Subject, Event.StartDateTime FROM EventRelation WHERE Status = 'Accepted' AND IsDeleted = false AND RelationId IN " + list
	})
	var deeds []deed
	for _, v := range rows {
		j.met[v["EventId"]] = true
		deeds = append(deeds, doing("meeting:", connectors.KindMeeting, v, v["RelationId"], v["Event.Subject"], firstTime(v, "RespondedDate", "SystemModstamp"),
			properties("starts", v["Event.StartDateTime"])))
	}
	return deeds, err
}

// tasks are the team's tasks, calls and mails, and the mails among them that were received. What intentd made itself is nobody's deed.
func (j *journeys) tasks(ctx context.Context, ids []string) ([]deed, error) {
	rows, err := j.rows(ctx, "tasks", ids, func(list string) string {
		return "SELECT Id, SystemModstamp, WhoId, Subject, Type, TaskSubtype, Status, CallType, CreatedDate, CompletedDateTime FROM Task WHERE IsDeleted = false AND LastModifiedDate >= " + j.from + " AND WhoId IN " + list
	})
	if err != nil {
		return nil, err
	}
	all := len(rows)
	rows = slices.DeleteFunc(rows, func(v map[string]string) bool { return connectors.OwnTask(v["Subject"]) })
	j.s.ownTasks.Add(int64(all - len(rows)))
	var mails []string
	for _, v := range rows {
		if v["TaskSubtype"] == "Email" {
			mails = append(mails, v["Id"])
		}
	}
	received := map[string]map[string]string{}
	if len(mails) > 0 {
		messages, err := j.rows(ctx, "received mails", mails, func(list string) string {
			return "SELECT Id, SystemModstamp, ActivityId, Subject, MessageDate, CreatedDate FROM EmailMessage WHERE Incoming = true AND IsDeleted = false AND ActivityId IN " + list
		})
		if err != nil && !hidden(err) {
			return nil, err
		}
		for _, m := range messages {
			received[m["ActivityId"]] = m
		}
	}
	var deeds []deed
	for _, v := range rows {
		if m := received[v["Id"]]; m != nil {
			deeds = append(deeds, doing("reply:", connectors.KindEmailReply, m, v["WhoId"], cmp.Or(m["Subject"], v["Subject"]), firstTime(m, "MessageDate", "CreatedDate"), nil))
			continue
		}
		deeds = append(deeds, doing("task:", connectors.KindTeamActivity, v, v["WhoId"], v["Subject"], firstTime(v, "CompletedDateTime", "CreatedDate"), properties(
			"activity", cmp.Or(v["TaskSubtype"], v["Type"], "Task"), "status", v["Status"], "direction", v["CallType"])))
	}
	return deeds, nil
}

// calendar are the team's meetings with the person that nobody accepted.
func (j *journeys) calendar(ctx context.Context, ids []string) ([]deed, error) {
	rows, err := j.rows(ctx, "events", ids, func(list string) string {
		return "SELECT Id, SystemModstamp, WhoId, Subject, Type, StartDateTime, CreatedDate FROM Event WHERE IsDeleted = false AND LastModifiedDate >= " + j.from + " AND WhoId IN " + list
	})
	var deeds []deed
	for _, v := range rows {
		if !j.met[v["Id"]] {
			deeds = append(deeds, doing("event:", connectors.KindTeamActivity, v, v["WhoId"], v["Subject"], firstTime(v, "CreatedDate"), properties(
				"activity", cmp.Or(v["Type"], "Meeting"), "starts", v["StartDateTime"])))
		}
	}
	return deeds, err
}

// properties are pairs without empty values.
func properties(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			m[pairs[i]] = pairs[i+1]
		}
	}
	return m
}
