package mixpanel

import (
	"encoding/json"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/spool"
)

// position is a cursor.
type position struct {
	Version int       `json:"v"`
	Done    time.Time `json:"d,omitzero"` // the last day that was read, at its midnight in UTC, whatever the project's time zone
	Begun   time.Time `json:"b,omitzero"` // the beginning of the last pass, by Mixpanel's clock
	Deep    time.Time `json:"p,omitzero"` // of the last deep one
	Days    int       `json:"n,omitempty"`

	Under  *pass             `json:"u,omitempty"`
	People *profilesAt       `json:"e,omitempty"` // profiles are being read
	Told   time.Time         `json:"t,omitzero"`  // the beginning of the last reading of all profiles
	Intake connectors.Intake `json:"in,omitzero"`
}

// pass is one that is under way.
type pass struct {
	Begun time.Time      `json:"b"`
	Deep  bool           `json:"p,omitempty"`
	Day   time.Time      `json:"d"`          // the first of those that are asked for …
	Days  int            `json:"n"`          // … and how many
	Until time.Time      `json:"u"`          // the last day of the pass
	Skip  time.Time      `json:"s,omitzero"` // what Mixpanel took in before, of days that were read, was told
	At    spool.Position `json:"a,omitzero"` // in the answer
	Count spool.Counts   `json:"c,omitzero"`
}

// profilesAt is where the reading of profiles stands.
type profilesAt struct {
	Begun   time.Time `json:"b"`
	Session string    `json:"s,omitempty"`
	Page    int       `json:"p,omitempty"`
}

const (
	cursorVersion = 1
	// slack is how long after it was taken in an event may turn up in the export.
	slack    = 6 * time.Hour
	mostDays = 30 // of one call
)

func dateOf(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// begin begins a pass.
func (f *Feed) begin(at *position) {
	now, _ := f.client.ServerNow()
	now = now.UTC().Truncate(time.Second)
	u := &pass{Begun: now, Until: dateOf(now, f.zone)}
	at.Days = max(at.Days, 1)
	switch {
	case at.Done.IsZero():
		u.Deep, u.Day = true, dateOf(now.Add(-f.o.Back), f.zone)
	case now.Sub(at.Deep).Abs() >= f.deep:
		u.Deep, u.Day, u.Skip = true, at.Done.Add(-f.o.Reread), at.Deep.Add(-slack)
	default:
		u.Day, u.Skip = at.Done.Add(-day), at.Begun.Add(-slack)
	}
	if u.Until.Before(at.Done) { // a clock that went back
		u.Until = at.Done
	}
	u.plan(at.Days)
	at.Under = u
}

// plan says how many days the next call asks for.
func (u *pass) plan(days int) {
	u.Days = min(days, int(u.Until.Sub(u.Day)/day)+1)
	u.At = spool.Position{}
}

func (u *pass) last() time.Time { return u.Day.Add(time.Duration(u.Days-1) * day) }

// answerRead goes on behind an answer of a size; the pass is over behind the last.
func (at *position) answerRead(size int64, now time.Time, profiles bool) {
	u := at.Under
	at.Days = spool.Fair(at.Days, u.Days, mostDays, size)
	if u.Day = u.last().Add(day); !u.Day.After(u.Until) {
		u.plan(at.Days)
		return
	}
	u.Count.Over(&at.Intake)
	at.Done, at.Begun = u.Until, u.Begun
	if u.Deep {
		at.Deep = u.Begun
	}
	at.Under = nil
	if profiles && at.People == nil && now.Sub(at.Told).Abs() >= day {
		at.People = &profilesAt{Begun: u.Begun}
	}
}

func (f *Feed) position(from connectors.Cursor) (at position, err error) {
	if from == nil {
		return position{Version: cursorVersion}, nil
	}
	if err := json.Unmarshal(from, &at); err != nil || at.Version != cursorVersion {
		return at, connectors.Errorf(connectors.Config, f.name+": read the stored position", "it cannot be read: it is another type's or a newer release's")
	}
	return at, nil
}
