package s3

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
)

// position is a cursor: how far the present pass is, and what is remembered of those before it.
type position struct {
	Version int       `json:"v"`
	Listed  time.Time `json:"l,omitzero"` // the beginning of the last pass over all keys that came to its end, by the storage's clock
	Pages   int       `json:"p,omitempty"`
	Runs    []span    `json:"r,omitempty"` // where new objects are looked for between two passes over all keys
	Seen    marks     `json:"s,omitempty"` // the objects read that a pass may meet as new

	Under  *pass   `json:"u,omitempty"` // nil between passes
	Object *object `json:"o,omitempty"` // being read

	Intake connectors.Intake `json:"in,omitzero"`
}

const cursorVersion = 1

// pass is a look at the keys, in their order.
type pass struct {
	Begun time.Time `json:"b,omitzero"` // by the storage's clock, told by its first answer
	Whole bool      `json:"w,omitempty"`
	Spans []span    `json:"s,omitempty"` // still to be listed
	After string    `json:"a,omitempty"` // the key that was looked at last
	Pages int       `json:"p,omitempty"` // of keys, listed so far

	// Of a pass over all keys: the stretches found so far in which something was written lately, the last one open or not, and the last key that was old.
	Runs []span `json:"r,omitempty"`
	Open bool   `json:"o,omitempty"`
	Old  string `json:"k,omitempty"`

	Read   int64 `json:"n,omitempty"`
	Unread int64 `json:"x,omitempty"`
}

// span is a stretch of keys, After < key < To. An empty To has no end.
type span struct {
	After string `json:"a,omitempty"`
	To    string `json:"t,omitempty"`
}

const (
	relist     = 6 * time.Hour // between two looks at all keys of a large prefix
	cheapPages = 5             // of keys: so few are all listed each time
	maxRuns    = 200           // stretches; where there are more the last one has no end
)

// begin begins a pass.
func (p *position) begin(now time.Time) {
	u := &pass{Whole: p.Listed.IsZero() || p.Pages <= cheapPages || now.Sub(p.Listed).Abs() >= relist, Spans: p.Runs}
	if u.Whole {
		u.Spans = []span{{}}
	}
	u.After = u.Spans[0].After
	p.Under = u
}

// horizon is when the oldest objects were written that the pass takes for new.
func (p *position) horizon(o *Config) time.Time {
	if p.Listed.IsZero() {
		return p.Under.Begun.Add(-o.Back)
	}
	return p.Listed.Add(-o.Lookback)
}

// met notes whether the object at a key was written lately: the passes to come look for new ones near it.
func (u *pass) met(key string, lately bool) {
	u.After = key
	switch {
	case !u.Whole:
	case lately && !u.Open:
		u.Runs, u.Open = append(u.Runs, span{After: u.Old}), true
	case !lately:
		if u.Open && len(u.Runs) < maxRuns {
			u.Runs[len(u.Runs)-1].To, u.Open = key, false
		}
		u.Old = key
	}
}

// spanRead goes on with the next stretch.
func (u *pass) spanRead() {
	if u.Spans = u.Spans[1:]; len(u.Spans) > 0 {
		u.After = u.Spans[0].After
	}
}

// end ends the pass: what a later one takes for new is remembered.
func (p *position) end(o *Config) {
	u := p.Under
	if u.Whole {
		if !u.Open { // new keys come behind the last one, too
			u.Runs = append(u.Runs, span{After: u.After})
		}
		p.Listed, p.Pages, p.Runs = u.Begun, u.Pages, u.Runs
		oldest := p.Listed.Add(-o.Lookback).Unix()
		maps.DeleteFunc(p.Seen, func(_ uint64, written int64) bool { return written < oldest })
	}
	if u.Read > 0 {
		p.Intake.LatestRead, p.Intake.LatestUnreadable = u.Read, u.Unread
	}
	p.Under = nil
}

// marks are objects, by a hash of key and ETag, with the second when each was written.
type marks map[uint64]int64

func markOf(key, etag string) uint64 { return xxhash.Sum64String(key + "\x00" + etag) }

// MarshalJSON writes them in the order of their hashes, 12 bytes each.
func (m marks) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 12*len(m))
	for _, h := range slices.Sorted(maps.Keys(m)) {
		b = binary.BigEndian.AppendUint64(b, h)
		b = binary.BigEndian.AppendUint32(b, uint32(m[h]))
	}
	return json.Marshal(base64.StdEncoding.EncodeToString(b))
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *marks) UnmarshalJSON(text []byte) error {
	var b []byte
	if err := json.Unmarshal(text, &b); err != nil {
		return err
	}
	*m = make(marks, len(b)/12)
	for ; len(b) >= 12; b = b[12:] {
		(*m)[binary.BigEndian.Uint64(b)] = int64(binary.BigEndian.Uint32(b[8:]))
	}
	return nil
}

func (f *Feed) position(from connectors.Cursor) (p position, err error) {
	if from == nil {
		return position{Version: cursorVersion, Seen: marks{}}, nil
	}
	if err := json.Unmarshal(from, &p); err != nil || p.Version != cursorVersion {
		return p, connectors.Errorf(connectors.Config, f.name+": read the stored position", "it cannot be read: it is another type's or a newer release's")
	}
	if p.Seen == nil {
		p.Seen = marks{}
	}
	return p, nil
}
