package sandbox

import "maps"

// Counters is what a sandbox has seen and done since it was made.
type Counters struct {
	Requests    int64                    // all, those that a fault or a limit met too
	Routes      map[string]map[int]int64 // by "POST contacts/batch/update" and by status; a broken connection is status 0
	RateLimited map[string]int64         // refusals because of a limit, by policy
	Faults      int64                    // injected faults that happened
	Patches     int64                    // record updates applied through the API
	Patched     int                      // records that have met at least one of them
}

// Calls is how many requests met a route, whatever the status.
func (c Counters) Calls(route string) int64 {
	var n int64
	for _, k := range c.Routes[route] {
		n += k
	}
	return n
}

func (c *Counters) request(route string, status int) {
	c.Requests++
	if c.Routes[route] == nil {
		c.Routes[route] = map[int]int64{}
	}
	c.Routes[route][status]++
}

// wrote notes that the API updated a record.
func (c *Counters) wrote(r *record) {
	if r.writes++; r.writes == 1 {
		c.Patched++
	}
	c.Patches++
}

// Counters is what was seen and done so far.
func (d *desk) Counters() Counters {
	defer d.lock()()
	c := d.tally
	c.Faults, c.RateLimited, c.Routes = int64(d.faults.Total()), maps.Clone(c.RateLimited), maps.Clone(c.Routes)
	for route, byStatus := range c.Routes {
		c.Routes[route] = maps.Clone(byStatus)
	}
	return c
}
