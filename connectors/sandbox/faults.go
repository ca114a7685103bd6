package sandbox

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault is one thing to go wrong: which requests it meets, and what happens to them. The zero effect answers 500.
// The first matching fault in the order they were added is the one that happens; Delay alone lets the request go on.
type Fault struct {
	// Which requests. Empty fields match all.
	Method string
	Path   string // part of the path: "/batch/update"
	Skip   int    // let so many matching requests pass first
	Times  int    // happen so often: 0 is once, negative for ever

	// What happens.
	Delay  time.Duration // waited first; the request's context ends the wait
	Reset  bool          // the connection breaks without an answer
	Cut    int           // the true answer breaks off after so many bytes; > 0 implies After
	Status int           // answered in place of the true answer
	Body   string        // "" with a Status: an error body in the vendor's form
	HTML   bool          // a proxy's HTML page with Status (0: 502)
	// Policy answers that a limit is exceeded: HubSpot's SECONDLY, TEN_SECONDLY_ROLLING or DAILY with a 429, Salesforce's DAILY
	// or CONCURRENT with a 403.
	Policy string
	// RetryAfter is the Retry-After header of a Status or Policy fault; "" sends none.
	RetryAfter string
	// After lets the request take effect before the fault: the write happened, its answer is lost.
	After bool
}

// Injected is a fault that was added.
type Injected struct {
	set  *Faults
	f    Fault
	seen int // matching requests
	hits int
}

// Count is how often the fault has happened.
func (i *Injected) Count() int {
	defer i.set.lock()()
	return i.hits
}

// Remove ends the fault.
func (i *Injected) Remove() {
	defer i.set.lock()()
	i.set.remove(i)
}

// Faults holds the faults of one sandbox. It is safe for concurrent use.
type Faults struct {
	mu    sync.Mutex
	list  []*Injected
	total int
}

func (s *Faults) lock() (unlock func()) {
	s.mu.Lock()
	return s.mu.Unlock
}

// Add injects f.
func (s *Faults) Add(f Fault) *Injected {
	defer s.lock()()
	f.Times = cmp.Or(f.Times, 1)
	i := &Injected{set: s, f: f}
	s.list = append(s.list, i)
	return i
}

// Clear ends all faults.
func (s *Faults) Clear() {
	defer s.lock()()
	s.list = nil
}

// Total is how often any fault has happened.
func (s *Faults) Total() int {
	defer s.lock()()
	return s.total
}

func (s *Faults) remove(i *Injected) {
	s.list = slices.DeleteFunc(s.list, func(x *Injected) bool { return x == i })
}

// take finds the fault that meets a request and counts it.
func (s *Faults) take(method, path string) (Fault, bool) {
	defer s.lock()()
	for _, i := range s.list {
		if f := &i.f; f.Method != "" && f.Method != method || !strings.Contains(path, f.Path) {
			continue
		}
		if i.seen++; i.seen <= i.f.Skip {
			continue
		}
		i.hits++
		s.total++
		if i.hits == i.f.Times {
			s.remove(i)
		}
		return i.f, true
	}
	return Fault{}, false
}
