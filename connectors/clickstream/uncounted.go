package clickstream

import (
	"sync"

	"github.com/intentd/intentd/connectors"
)

// uncounted are counts of what never became an event, by source: they wait for the next commit of that source to be kept with.
type uncounted struct {
	mu sync.Mutex
	of map[string]connectors.Intake
}

func (u *uncounted) add(source string, i connectors.Intake) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.of == nil {
		u.of = map[string]connectors.Intake{}
	}
	sum := u.of[source]
	sum.Add(i)
	u.of[source] = sum
}

func (u *uncounted) addTo(i *connectors.Intake, source string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	i.Add(u.of[source])
}

// take are the counts of a source, which do not wait any more.
func (u *uncounted) take(source string) connectors.Intake {
	u.mu.Lock()
	defer u.mu.Unlock()
	i := u.of[source]
	delete(u.of, source)
	return i
}
