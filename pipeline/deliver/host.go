package deliver

import (
	"context"
	"log/slog"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// Host is what delivery needs to know of the pipeline around it.
type Host interface {
	// Ready says whether the CRM may be written at all: the account the state is bound to, properties of our own.
	Ready(ctx context.Context, crm string) error
	// Blocked returns the error that stops a CRM and until when, or nil.
	Blocked(crm string) (until time.Time, err error)
	// Note tells how a call to the CRM went; Wrote, that patches were acknowledged, and what became of them.
	Note(crm string, err error)
	Wrote(crm string, sum state.Acknowledged)
	// Halted says that nothing may be sent at present: the brake, or a pause.
	Halted() bool
	// Coming says whether people of the backfill are being worked on or could be now: patches then wait for a job to fill.
	Coming() bool
	// Config is the hash of the scoring config, Day what t is booked under.
	Config() uint64
	Day(t time.Time) string
}

// Options of a Deliverer.
type Options struct {
	DB     *state.DB
	Now    func() time.Time
	Logger *slog.Logger
	Linger time.Duration // how long a sender waits for a batch to fill
	// JobWait is for how long a bulk job under way makes its sender busy; 0: as long as it takes.
	JobWait time.Duration
	Host    Host
}

// Target is a CRM that patches are brought to.
type Target struct {
	Name    string
	CRM     connectors.CRM
	Objects []string
	Off     bool // writing is switched off: what waits is worked out anew rather than sent
}
