package deliver

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// stateFailed ends delivery if the state itself is in trouble; another failure of it pauses the object.
func (s *sender) stateFailed(o *object, err error) {
	if state.Failed(err) {
		s.failed = err
		return
	}
	o.failures++
	o.paused = time.Now().Add(pause(o.failures))
}

// pause is how long to wait after so many failures in a row: 1 s, doubling, at most 5 min.
func pause(failures int) time.Duration {
	return min(time.Second<<min(failures-1, 10), 5*time.Minute)
}

// logFailure logs patches that were not written if that is news: another failure than the last, or an hour old. It is in status all the while.
func (s *sender) logFailure(o *object, patches int, cause error) {
	if patches == 0 || cause == nil || connectors.Interrupted(cause) {
		return
	}
	now := time.Now()
	if text := cause.Error(); text != o.logged || now.Sub(o.loggedAt) >= time.Hour {
		o.logged, o.loggedAt = text, now
		s.o.Logger.Warn("patches not written; they stay journalled", "crm", s.name, "object", o.name, "patches", patches, "kind", connectors.KindOf(cause).String(), "error", cause)
	}
}
