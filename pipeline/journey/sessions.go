package journey

import (
	"slices"
	"strconv"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

// longestPause ends a session even where the vendor's id goes on: ids that never change must not hide a return.
const longestPause = 24 * time.Hour

// cutSessions gives every item its session and makes room for the steps. Sessions are of one source. The vendor's id comes
// first; otherwise a pause beyond the gap or a new campaign starts another. Midnight does not.
func (b *Builder) cutSessions(s *scratch, j *Journey) {
	opens, steps, sessions := s.open[:0], s.steps[:0], s.sessions[:0]
	for i := range s.items {
		it := &s.items[i]
		visit, _ := b.rules.ID(identity.AnonymousID, "", it.ev.Session)
		id := visit.Value
		camp := ""
		if it.class == visitor {
			camp = campaign(it.ev)
		}
		at := -1
		for k := len(opens) - 1; k >= 0; k-- {
			if o := &opens[k]; o.source == it.ev.Source && o.class == it.class && o.id == id {
				at = k
				break
			}
		}
		fresh := at < 0
		if !fresh {
			last := &sessions[opens[at].index]
			pause := it.at.Sub(last.End)
			if id != "" {
				fresh = pause > max(longestPause, b.config.SessionGap)
			} else {
				fresh = pause > b.config.SessionGap || camp != "" && camp != last.Campaign
			}
		}
		if fresh {
			o := open{source: it.ev.Source, id: id, class: it.class, index: int32(len(sessions))}
			if at < 0 {
				opens = append(opens, o)
			} else {
				opens[at] = o
			}
			name := clean(id, maxID)
			if name == "" {
				s.buf = strconv.AppendInt(append(append(s.buf[:0], it.ev.Source...), '-'), it.at.Unix(), 10)
				name = string(s.buf)
			}
			sessions = append(sessions, Session{ID: name, Source: it.ev.Source, Start: it.at, End: it.at, Campaign: camp})
			steps = append(steps, 0)
			it.session = o.index
		} else {
			it.session = opens[at].index
		}
		session := &sessions[it.session]
		session.End = it.at
		if session.Campaign == "" {
			session.Campaign = camp
		}
		steps[it.session]++
		// Sessions that can no longer grow make the search long; a person has few that can.
		if len(opens) > 64 {
			kept := opens[:0]
			for _, o := range opens {
				if it.at.Sub(sessions[o.index].End) <= max(longestPause, b.config.SessionGap) {
					kept = append(kept, o)
				}
			}
			opens = kept
		}
	}
	if len(sessions) > 0 {
		j.Sessions = slices.Clone(sessions)
	}
	s.open, s.steps, s.sessions = opens, steps, sessions
	all := b.newSteps(j, len(s.items))
	for i := range j.Sessions {
		n := len(all)
		all = all[:n+steps[i]]
		j.Sessions[i].Steps = all[n : n : n+steps[i]]
	}
}

// newSteps is room for the n steps of j. They are the largest part of a journey, so that their memory is used again.
func (b *Builder) newSteps(j *Journey, n int) []Step {
	if n > stepsPooled {
		return make([]Step, 0, n)
	}
	room := b.steps.Get().(*[]Step)
	j.steps = slices.Grow(*room, n)[:n]
	return j.steps[:0]
}

// stepsPooled is how many steps are worth keeping: one huge journey must not hold its memory.
const stepsPooled = 512

// Release takes the memory of j's steps back, for the journeys built next: the sessions are gone after it, and nobody may hold
// on to one of their steps. Signals and all the rest stay. A journey that is not released is left to the garbage collector.
func (b *Builder) Release(j *Journey) {
	room := j.steps
	j.Sessions, j.Recent, j.steps = nil, 0, nil
	if room != nil {
		clear(room)
		room = room[:0]
		b.steps.Put(&room)
	}
}

// stepIDs are short names, made once for journeys of usual length.
var stepIDs = func() (ids [512]string) {
	for i := range ids {
		ids[i] = "s" + strconv.Itoa(i+1)
	}
	return ids
}()

func stepID(i int) string {
	if i < len(stepIDs) {
		return stepIDs[i]
	}
	return "s" + strconv.Itoa(i+1)
}

// clean makes ev the item's event as it may be kept: without address, query parameters to drop, control characters and
// overlong texts.
func (b *Builder) clean(ev *connectors.Event, it *item) {
	*ev = *it.ev
	ev.ID = it.id
	ev.Time = it.at
	ev.IP = ""
	if it.page != nil {
		ev.PageTitle = it.page.title
		if _, more := bare(ev.URL); more {
			ev.URL = cleanURL(ev.URL, b.drop)
		} else {
			ev.URL = it.page.url
		}
	}
	ev.Kind = clean(it.kind, maxName)
	ev.Email = clean(ev.Email, maxText)
	ev.Phone = clean(ev.Phone, maxName)
	ev.UserID = clean(it.user.Value, maxID)
	ev.AnonymousID = clean(it.anon.Value, maxID)
	ev.Session = clean(ev.Session, maxID)
	ev.UserAgent = it.agent.text
	ev.ElementText = clean(ev.ElementText, maxText)
	ev.ElementID = clean(ev.ElementID, maxID)
	ev.Screenshot = clean(ev.Screenshot, maxText)
	if ev.Referrer != "" {
		ev.Referrer = cleanURL(ev.Referrer, b.drop)
	}
	ev.Properties = cleanProperties(ev.Properties)
}
