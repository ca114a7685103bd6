package sandbox

import (
	"maps"
	"time"
)

// Counters is what a sandbox has seen and done since it was made.
type Counters struct {
	Requests    int64                    // all, those that a fault or a limit met too
	Routes      map[string]map[int]int64 // by "POST contacts/batch/update" and by status; a broken connection is status 0
	RateLimited map[string]int64         // refusals because of a limit, by policy
	Faults      int64                    // injected faults that happened
	Patches     int64                    // record updates applied through the API
	Patched     int                      // records that have met at least one of them
	BytesIn     int64                    // of request bodies
	BytesOut    int64                    // of answers' bodies
	// CPU is the processor time spent on answers: reading the body's JSON, work and rendering, without sockets, locks or
	// injected delays. Where the system does not tell a thread's processor time it is wall time.
	CPU time.Duration
}

// Calls is how many requests met a route, whatever the status.
func (c Counters) Calls(route string) int64 {
	var n int64
	for _, k := range c.Routes[route] {
		n += k
	}
	return n
}

// Status is how many requests were answered with a status, whatever the route.
func (c Counters) Status(status int) int64 {
	var n int64
	for _, r := range c.Routes {
		n += r[status]
	}
	return n
}

// PatchCount tells what the API has written to one record.
type PatchCount struct {
	Writes     int            // updates applied, whatever number of properties
	Properties map[string]int // how often each property was among them
}

// tally counts; the desk's lock guards it.
type tally struct {
	requests, patches, in, out int64
	patched                    int
	routes                     map[string]map[int]int64
	policies                   map[string]int64
	cpu                        time.Duration
}

func (t *tally) request(route string, status, in, out int, spent time.Duration) {
	t.requests++
	t.in += int64(in)
	t.out += int64(out)
	t.cpu += spent
	byStatus := t.routes[route]
	if byStatus == nil {
		if t.routes == nil {
			t.routes = map[string]map[int]int64{}
		}
		byStatus = map[int]int64{}
		t.routes[route] = byStatus
	}
	byStatus[status]++
}

func (t *tally) limited(policy string) {
	if t.policies == nil {
		t.policies = map[string]int64{}
	}
	t.policies[policy]++
}

// Counters is what was seen and done so far.
func (d *desk) Counters() Counters {
	defer d.lock()()
	t := &d.tally
	c := Counters{
		Requests: t.requests, Routes: make(map[string]map[int]int64, len(t.routes)), RateLimited: maps.Clone(t.policies),
		Faults: int64(d.faults.Total()), Patches: t.patches, Patched: t.patched, BytesIn: t.in, BytesOut: t.out, CPU: t.cpu,
	}
	for route, byStatus := range t.routes {
		c.Routes[route] = maps.Clone(byStatus)
	}
	return c
}
