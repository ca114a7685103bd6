package hubspot

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// journalAt is a position in the journal, and its cursor's JSON. Times are Unix milliseconds by HubSpot's clock.
type journalAt struct {
	Version   int    `json:"v"`
	Feed      string `json:"f"`
	Journal   string `json:"j"`
	Offset    string `json:"o,omitempty"` // of the file told last; "": the next is the earliest
	File      string `json:"i,omitempty"` // of the file being told
	Told      int    `json:"n,omitempty"` // records of it that were told
	CaughtUp  int64  `json:"c"`           // when nothing newer was there
	Published int64  `json:"p,omitempty"` // of the file told last
	Walk      *walk  `json:"w,omitempty"` // a search that closes a hole
	Removed   int64  `json:"x,omitempty"` // since when the app is not installed

	Gaps    int64            `json:"g,omitempty"` // holes so far …
	GapFrom int64            `json:"gf,omitempty"`
	GapTo   int64            `json:"gt,omitempty"` // … and the last of them
	Skipped map[string]int64 `json:"s,omitempty"`  // entries that tell of nothing here, by reason
}

func (at journalAt) cursor() connectors.Cursor {
	at.Version, at.Feed = cursorVersion, journalFeed
	return transport.Encode(at)
}

// position reads a cursor. That of a search begins the journal, with a search that closes what lies between. begun is false where the
// journal's present has still to be asked for.
func (j *journal) position(from connectors.Cursor) (at journalAt, begun bool, err error) {
	at.Journal = j.name
	if from == nil {
		return at, false, nil
	}
	var w walk
	if j.c.readCursor(Contacts, from, &w) == nil {
		at.Walk, at.CaughtUp = &w, w.Since
		return at, false, nil
	}
	if err := j.c.readCursor(journalFeed, from, &at); err != nil {
		return at, false, err
	}
	return at, true, nil
}

// caughtUp notes that nothing newer is there.
func (at *journalAt) caughtUp(now time.Time) {
	if now.Sub(time.UnixMilli(at.CaughtUp)) >= caughtUpEvery {
		at.CaughtUp = now.UnixMilli()
	}
}

// longAgo says whether the journal was last read to its end longer ago than it is kept.
func (at *journalAt) longAgo(now time.Time) bool {
	return now.Sub(time.UnixMilli(at.CaughtUp)) >= journalKept
}

// searchedFrom is where a search goes on after the journal.
func (at journalAt) searchedFrom() walk {
	if at.Walk != nil {
		return *at.Walk
	}
	return walk{Feed: Contacts, Since: at.CaughtUp}
}

// ChangesAt implements connectors.ChangesReader.
func (c *Client) ChangesAt(cursor connectors.Cursor) (*connectors.Followed, error) {
	if c.journal == nil || cursor == nil {
		return nil, nil
	}
	at, begun, err := c.journal.position(cursor)
	if err != nil || !begun {
		return nil, err
	}
	f := &connectors.Followed{CaughtUp: time.UnixMilli(at.CaughtUp), Late: journalLate, Skipped: at.Skipped, Gaps: at.Gaps}
	if at.Published != 0 {
		f.Read = time.UnixMilli(at.Published)
	}
	if at.Gaps > 0 {
		f.GapFrom, f.GapTo = time.UnixMilli(at.GapFrom), time.UnixMilli(at.GapTo)
	}
	if at.Removed != 0 {
		f.Removed = time.UnixMilli(at.Removed)
	}
	return f, nil
}

func addCounts(counts, more map[string]int64) map[string]int64 {
	if counts == nil && len(more) > 0 {
		counts = map[string]int64{}
	}
	for name, n := range more {
		counts[name] += n
	}
	return counts
}
