package state

import (
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"
)

// HoursKept is how many hours are counted one by one.
const HoursKept = 72

// HourCounts is what came of one recurring job, or of writing to a CRM, within an hour.
type HourCounts struct {
	Done       int64 `json:"done"`                 // runs, or patches of a CRM, that went well
	Failed     int64 `json:"failed,omitempty"`     // and those that did not
	Events     int64 `json:"events,omitempty"`     // of a source: kept of what it told
	Unreadable int64 `json:"unreadable,omitempty"` // of a source: what it told and could not be read
	People     int64 `json:"people,omitempty"`     // of a source: seen in its polls
	Strangers  int64 `json:"strangers,omitempty"`  // of them, in no CRM
}

// Add is the sum of both.
func (c HourCounts) Add(o HourCounts) HourCounts {
	return HourCounts{c.Done + o.Done, c.Failed + o.Failed, c.Events + o.Events, c.Unreadable + o.Unreadable, c.People + o.People, c.Strangers + o.Strangers}
}

// Hour is what was counted within an hour.
type Hour struct {
	Hour time.Time             `json:"hour"` // its beginning, in UTC
	Jobs map[string]HourCounts `json:"jobs"` // by poll/…, listen/…, sweep/… and write/…
}

// intakeCount is how far a source's own counters were counted, to tell what it took in since.
type intakeCount struct {
	Events     int64 `json:"events"`
	Unreadable int64 `json:"unreadable"`
}

// hours are the counts by hour, in memory as a whole: to count is no reason for a commit, and takes one that comes anyway.
//
// The bucket has two sorts of pairs: an hour since 1970 as four bytes → its counts by job, and the name of a job behind intakeCounted →
// intakeCount. What cannot be read counts as nothing: these are figures, on which nothing rests.
type hours struct {
	mu      sync.Mutex
	by      map[uint32]map[string]HourCounts
	last    uint32 // hour that was counted last: a clock that was wrong for a while counts for no longer
	counted map[string]intakeCount
	dirty   map[string]bool // keys that a commit is to take
}

const intakeCounted = "of/"

func hourOf(at time.Time) uint32 { return uint32(max(at.Unix(), 0) / 3600) }

func hourKey(hour uint32) string { return string(binary.BigEndian.AppendUint32(nil, hour)) }

func (h *hours) count(job string, at time.Time, c HourCounts) {
	if c == (HourCounts{}) {
		return
	}
	hour := hourOf(at)
	h.last = hour
	if h.by[hour] == nil {
		h.by[hour] = map[string]HourCounts{}
	}
	h.by[hour][job] = h.by[hour][job].Add(c)
	h.dirty[hourKey(hour)] = true
}

func grown(was, now int64) int64 {
	if now < was {
		return now
	}
	return now - was
}

// take is what a commit is to keep, by key; nil of hours that are let go.
func (h *hours) take() map[string][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	pairs := map[string][]byte{}
	for hour := range h.by {
		if h.old(hour) {
			delete(h.by, hour)
			pairs[hourKey(hour)] = nil
		} else if key := hourKey(hour); h.dirty[key] {
			pairs[key], _ = json.Marshal(h.by[hour]) // names and numbers always can be
		}
	}
	for job, n := range h.counted {
		if key := intakeCounted + job; h.dirty[key] {
			pairs[key], _ = json.Marshal(n)
		}
	}
	clear(h.dirty)
	return pairs
}

// old says that an hour is none of the last ones.
func (h *hours) old(hour uint32) bool { return hour > h.last || h.last-hour >= HoursKept }

// list are the last hours, the oldest first.
func (h *hours) list() []Hour {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []Hour
	for _, hour := range slices.Sorted(maps.Keys(h.by)) {
		if !h.old(hour) {
			out = append(out, Hour{time.Unix(int64(hour)*3600, 0).UTC(), maps.Clone(h.by[hour])})
		}
	}
	return out
}
