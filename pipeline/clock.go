package pipeline

import (
	"fmt"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
)

// maxSkew is how far the local clock may be from the CRM's Date header, and how far it may jump (invariant 13).
const maxSkew = 5 * time.Minute

// clock watches the wall clock. While it is in doubt nobody is scored, cooled or purged.
type clock struct {
	now func() time.Time

	mu     sync.Mutex
	wall   time.Time // with its monotonic reading
	jumped time.Time // when a jump was last noticed; zero: never
}

func newClock(now func() time.Time) *clock { return &clock{now: now, wall: now()} }

// doubt returns why the clock is not to be trusted, or nil. A jump is forgiven once a CRM answered after it with a date that
// agrees.
func (c *clock) doubt(s *Setup) error {
	now := c.now()
	c.mu.Lock()
	// Sub uses the monotonic readings where both times have one; the difference of the stripped times is the wall's.
	drift := now.Round(0).Sub(c.wall.Round(0)) - now.Sub(c.wall)
	if drift > maxSkew || drift < -maxSkew {
		c.jumped = now
	}
	c.wall = now
	jumped := c.jumped
	c.mu.Unlock()

	confirmed := false
	for i := range s.CRMs {
		r, ok := s.CRMs[i].CRM.(connectors.Reporter)
		if !ok {
			continue
		}
		rep := r.Report()
		if rep.SkewAt.IsZero() {
			continue
		}
		if rep.Skew > maxSkew || rep.Skew < -maxSkew {
			if jumped.IsZero() || rep.SkewAt.After(jumped) || rep.SkewAt.Equal(jumped) {
				return fmt.Errorf("the clock here differs from that of %s by %s: nobody is scored, cooled or purged until it is right", s.CRMs[i].Name, rep.Skew.Round(time.Second))
			}
			continue
		}
		confirmed = confirmed || jumped.IsZero() || rep.SkewAt.After(jumped)
	}
	if !jumped.IsZero() && !confirmed {
		return fmt.Errorf("the clock jumped: nobody is scored, cooled or purged until a CRM's answer confirms the time")
	}
	if confirmed && !jumped.IsZero() {
		c.mu.Lock()
		c.jumped = time.Time{}
		c.mu.Unlock()
	}
	return nil
}
