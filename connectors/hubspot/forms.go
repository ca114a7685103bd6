package hubspot

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// formFeed are the submissions of the portal's forms as a feed: who sent which form on which page. What they wrote into its fields is not
// kept, but for the address that says who they are.
//
// A pass asks form by form. There is one an hour, which begins a day before the end of the last one; once a day it begins a month before,
// for submissions may be filed under a past date, and asks archived forms, too. Between passes only those forms are asked for of which a
// poll of the contacts told that somebody sent them.
type formFeed struct {
	c       *Client
	o       FeedOptions
	known   atomic.Pointer[formList]
	refusal refusal
	wake    atomic.Pointer[func()]
}

// OnNews implements connectors.Waker.
func (f *formFeed) OnNews(wake func()) { f.wake.Store(&wake) }

// Forms is the feed. It shares the client's limits. A pass costs one request per form and one per further 50 submissions, a form that was
// sent one between passes.
func (c *Client) Forms(o FeedOptions) connectors.Feed {
	o.complete(c.o.Name + "-" + feedForms)
	f := &formFeed{c: c, o: o}
	c.forms.Store(f)
	return f
}

const (
	formsPass     = time.Hour
	formsOverlap  = 24 * time.Hour
	formsDeepPass = 24 * time.Hour
	formsDeep     = 31 * 24 * time.Hour // submissions may be filed under a date that lies a month back
	formsSoon     = 5 * time.Minute     // after which the next pass may begin because a form was sent of which nothing tells which it is
	formsListFor  = time.Hour
	// formsListPage is the size of a page of the list: at 100 HubSpot leaves out that there are more (seen by others).
	formsListPage   = 50
	submissionsPage = 50
	formsAtOnce     = 10 // forms asked for in one call between passes
	formsPassesADay = int(24 * time.Hour / formsPass)
)

// formsAt is a position in the feed, and its cursor's JSON. Times are Unix milliseconds by HubSpot's clock. Between passes only Done and
// Deep are set.
type formsAt struct {
	Version int    `json:"v"`
	Feed    string `json:"f"`
	Done    int64  `json:"d,omitempty"` // what was sent until then was taken
	Deep    int64  `json:"h,omitempty"` // the end of the last pass that began a month before
	From    int64  `json:"s,omitempty"` // of the pass
	To      int64  `json:"to,omitempty"`
	Form    string `json:"t,omitempty"` // whose turn it is
	After   string `json:"a,omitempty"` // the page of it
	Again   bool   `json:"x,omitempty"` // its pages were begun anew
}

// form is a form of the portal.
type form struct{ id, name, kind string }

type formList struct {
	forms    []form // by id
	archived bool   // archived ones are among them
	at       time.Time
}

// Take implements connectors.Feed.
func (f *formFeed) Take(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Event], error) {
	at := formsAt{}
	if from != nil {
		if err := f.c.readCursor(feedForms, from, &at); err != nil {
			return connectors.Page[connectors.Event]{}, err
		}
	}
	at.Version, at.Feed = cursorVersion, feedForms
	p := connectors.Page[connectors.Event]{Next: transport.Encode(at)}
	if f.refusal.holds(f.c.o.Now()) {
		return p, ctx.Err()
	}
	now, _ := f.c.http.ServerNow()
	var sent []conversion
	if at.To == 0 {
		if sent = f.c.conversions.take(); f.begin(&at, now) {
			f.c.conversions.give(sent)
		} else if len(sent) == 0 {
			return p, ctx.Err()
		}
	}
	forms, ok, err := f.forms(ctx, at.deep())
	switch {
	case err != nil:
		f.c.conversions.give(sent)
		return connectors.Page[connectors.Event]{}, err
	case !ok:
		return p, nil
	case at.To == 0:
		return f.between(ctx, at, forms, sent, now)
	}
	return f.step(ctx, at, forms)
}

// step asks for a page of the form whose turn it is.
func (f *formFeed) step(ctx context.Context, at formsAt, forms []form) (p connectors.Page[connectors.Event], err error) {
	i, _ := slices.BinarySearchFunc(forms, at.Form, func(x form, id string) int { return strings.Compare(x.id, id) })
	if i < len(forms) {
		if at.Form != forms[i].id { // it is gone since
			at.Form, at.After, at.Again = forms[i].id, "", false
		}
		got, err := f.submissions(ctx, forms[i], at.From, at.After)
		if err != nil {
			return p, err
		}
		switch {
		case got.refused:
			p.Next = transport.Encode(at)
			return p, nil
		case got.stale:
			p.More = f.c.anew(&at.After, &at.Again, "form submissions")
			p.Next = transport.Encode(at)
			return p, nil
		case got.after != "":
			at.After, at.Again = got.after, at.Again && at.After == ""
		default:
			at.Form, at.After, at.Again = forms[i].id+"~", "", false // behind it, whatever form comes next
			i++
		}
		p.Items = got.events
	}
	if p.More = i < len(forms); !p.More {
		at = at.end()
	}
	p.Next = transport.Encode(at)
	return p, nil
}

// between asks for the forms that somebody sent since, as a poll told.
func (f *formFeed) between(ctx context.Context, at formsAt, forms []form, sent []conversion, now time.Time) (p connectors.Page[connectors.Event], err error) {
	p.Next = transport.Encode(at)
	var waiting []conversion
	unknown := false
	asked := map[string][]int64{} // when the submissions are of which a form tells
	for _, s := range sent {
		named := namedBy(forms, s.event)
		if len(named) == 0 {
			unknown = true
			continue
		}
		found, left := false, false
		for _, x := range named {
			times, done := asked[x.id]
			if !done && len(asked) >= formsAtOnce {
				left = true
				continue
			}
			if !done {
				got, err := f.submissions(ctx, x, s.at.Add(-eventsOverlap).UnixMilli(), "")
				if err != nil {
					f.c.conversions.give(sent)
					return connectors.Page[connectors.Event]{}, err
				}
				p.Items = append(p.Items, got.events...)
				times = got.times
				asked[x.id] = times
			}
			found = found || slices.ContainsFunc(times, func(ms int64) bool { return time.UnixMilli(ms).Sub(s.at).Abs() <= sameWrite })
		}
		if left || !found && now.Sub(s.at) < conversionWait {
			waiting = append(waiting, s)
		}
	}
	f.c.conversions.give(waiting)
	if unknown && now.UnixMilli()-at.Done >= formsSoon.Milliseconds() {
		at.To, at.From = now.UnixMilli(), at.Done-formsOverlap.Milliseconds()
		p.Next, p.More = transport.Encode(at), true
	}
	return p, nil
}

// namedBy are the forms that HubSpot's name for a conversion means: the page's title, a colon and the form's name. Forms may share one.
func namedBy(forms []form, event string) (named []form) {
	event = strings.ToLower(strings.TrimSpace(event))
	for _, x := range forms {
		name := strings.ToLower(strings.TrimSpace(x.name))
		if name != "" && (event == name || strings.HasSuffix(event, ": "+name)) {
			named = append(named, x)
		}
	}
	return named
}

// begin begins a pass if it is time for one.
func (f *formFeed) begin(at *formsAt, now time.Time) bool {
	to := now.UnixMilli()
	back := formsOverlap
	switch {
	case at.Done == 0:
		at.To, at.From = to, now.Add(-f.o.Back).UnixMilli()
		return true
	case to-at.Deep >= formsDeepPass.Milliseconds():
		back = formsDeep
	case to-at.Done < formsPass.Milliseconds():
		return false
	}
	at.To, at.From = to, at.Done-back.Milliseconds()
	return true
}

// deep says whether the pass is one of those that begin long before.
func (at *formsAt) deep() bool {
	return at.To != 0 && at.Done-at.From >= formsDeep.Milliseconds() || at.Done == 0
}

// end is the position after a pass.
func (at *formsAt) end() formsAt {
	next := formsAt{Version: at.Version, Feed: at.Feed, Done: max(at.To, at.Done), Deep: at.Deep}
	if at.deep() {
		next.Deep = at.To
	}
	return next
}

// forms are the portal's forms, by id, archived ones besides if they are asked for; ok says whether HubSpot tells them at all.
func (f *formFeed) forms(ctx context.Context, archived bool) (forms []form, ok bool, err error) {
	if known := f.known.Load(); known != nil && known.archived == archived && f.c.o.Now().Sub(known.at) < formsListFor {
		return known.forms, true, nil
	}
	for _, which := range slices.Compact([]bool{false, archived}) {
		list, ok, err := f.list(ctx, which)
		if err != nil || !ok {
			return nil, false, err
		}
		forms = append(forms, list...)
	}
	slices.SortFunc(forms, func(a, b form) int { return strings.Compare(a.id, b.id) })
	forms = slices.CompactFunc(forms, func(a, b form) bool { return a.id == b.id })
	f.known.Store(&formList{forms, archived, f.c.o.Now()})
	return forms, true, nil
}

// listRequest asks for a page of the forms. Without their types it would be of those made in HubSpot alone.
func (f *formFeed) listRequest(archived bool, after string) transport.Request {
	r := transport.Get("list forms", f.c.paths.forms())
	r.Query = url.Values{"limit": {strconv.Itoa(formsListPage)}, "archived": {strconv.FormatBool(archived)}, "formTypes": {"hubspot", "captured", "flow", "blog_comment"}}
	if after != "" {
		r.Query.Set("after", after)
	}
	return r
}

func (f *formFeed) list(ctx context.Context, archived bool) (forms []form, ok bool, err error) {
	for after := ""; ; {
		r := f.listRequest(archived, after)
		r.Answers = unavailable
		v, resp, err := transport.Do[struct {
			Results []struct {
				ID   string `json:"id"`
				Name string `json:"name"`
				Type string `json:"formType"`
			} `json:"results"`
			Paging paging `json:"paging"`
		}](ctx, f.c.http, r)
		if err != nil {
			return nil, false, err
		}
		if resp.Status != http.StatusOK {
			f.c.refused(&f.refusal, "form submissions", feedForms, resp)
			return nil, false, nil
		}
		for _, x := range v.Results {
			if x.ID != "" {
				forms = append(forms, form{x.ID, x.Name, x.Type})
			}
		}
		if v.Paging.Next.After == "" || v.Paging.Next.After == after {
			return forms, true, nil
		}
		after = v.Paging.Next.After
	}
}

// submission is one on the wire. What was written into the fields stays there, but for the address.
type submission struct {
	ID          string `json:"conversionId"` // old ones have none
	SubmittedAt int64  `json:"submittedAt"`
	PageURL     string `json:"pageUrl"`
	Values      []struct {
		Name   string          `json:"name"`
		Object string          `json:"objectTypeId"`
		Value  json.RawMessage `json:"value"`
	} `json:"values"`
}

// submissionPage is a page of a form's submissions.
type submissionPage struct {
	events  []connectors.Event
	times   []int64 // of all of them, Unix milliseconds
	after   string  // where the next one begins that may hold anything of the pass
	stale   bool    // HubSpot does not know the page any more
	refused bool    // HubSpot tells no submissions
}

// submissions asks for the submissions of a form since a moment, newest first.
func (f *formFeed) submissions(ctx context.Context, x form, since int64, after string) (got submissionPage, err error) {
	r := transport.Get("read submissions of a form", f.c.paths.submissions(x.id))
	r.Query = url.Values{"limit": {strconv.Itoa(submissionsPage)}}
	r.Answers = slices.Clone(unavailable)
	if after != "" {
		r.Query.Set("after", after)
		r.Answers = append(r.Answers, http.StatusBadRequest)
	}
	v, resp, err := transport.Do[struct {
		Results []submission `json:"results"`
		Paging  paging       `json:"paging"`
	}](ctx, f.c.http, r)
	switch {
	case err != nil:
		return got, err
	case resp.Status == http.StatusBadRequest:
		got.stale = true
		return got, nil
	case resp.Status == http.StatusForbidden:
		f.c.refused(&f.refusal, "form submissions", feedForms, resp)
		got.refused = true
		return got, nil
	case resp.Status != http.StatusOK:
		return got, nil // it was deleted meanwhile
	}
	if n := len(v.Results); n > 0 && v.Results[n-1].SubmittedAt >= since && v.Paging.Next.After != after {
		got.after = v.Paging.Next.After
	}
	for i := range v.Results {
		s := &v.Results[i]
		got.times = append(got.times, s.SubmittedAt)
		if s.SubmittedAt >= since {
			got.events = append(got.events, f.event(x, s))
		}
	}
	return got, nil
}

// event is a submission as an event.
func (f *formFeed) event(x form, s *submission) connectors.Event {
	e := connectors.Event{
		Source: f.o.Name, Time: time.UnixMilli(s.SubmittedAt).UTC(), Kind: connectors.KindFormSubmit, URL: s.PageURL, Email: s.address(),
		Properties: map[string]string{connectors.PropForm: x.name},
	}
	if x.kind == "blog_comment" {
		e.Kind = x.kind
	}
	id := s.ID
	if id == "" {
		id = x.id + ":" + strconv.FormatInt(s.SubmittedAt, 10) + ":" + strconv.FormatUint(xxhash.Sum64String(e.Email+" "+e.URL), 36)
	}
	e.ID = "form:" + id
	return e
}

// address is that of whoever sent the form, "" if it asks for none.
func (s *submission) address() string {
	for _, v := range s.Values {
		if v.Name != "email" || v.Object != "" && v.Object != contactType {
			continue
		}
		text := ""
		if json.Unmarshal(v.Value, &text) == nil && text != "" {
			return text
		}
	}
	return ""
}

const contactType = "0-1" // as HubSpot numbers its objects
