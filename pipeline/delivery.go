package pipeline

import (
	"context"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/deliver"
	"github.com/intentd/intentd/state"
)

// host is what delivery asks of the pipeline.
type host struct{ p *Pipeline }

// Ready says whether the CRM may be written at all: the account the state is bound to, properties of our own.
func (h host) Ready(ctx context.Context, name string) error {
	crm, err := h.p.CRM(ctx, name)
	if err != nil {
		return err
	}
	return h.p.ensureFit(ctx, crm)
}

func (h host) Blocked(crm string) (time.Time, error) { return h.p.health.Blocked(crm) }
func (h host) Note(crm string, err error)            { h.p.health.Note(crm, err) }
func (h host) Halted() bool                          { return h.p.brake.on() }
func (h host) Config() uint64                        { return h.p.Setup().scoringHash }
func (h host) Day(t time.Time) string                { return h.p.day(t) }

// Coming says whether people of the backfill are being worked on or could be now.
func (h host) Coming() bool {
	return h.p.busy.Load() > 0 || h.p.db.LaneReady(state.Backfill, h.p.now()) && !h.p.stopped()
}

// Wrote counts what a CRM answered.
func (h host) Wrote(crm string, sum state.Acknowledged) {
	h.p.counts.note(sum)
	h.p.health.Good("write/"+crm, h.p.now())
	h.p.o.Progress()
	h.p.Wake()
}

// Quiet waits until none of the records is being written; none will be once their patches are gone from the journal.
func (p *Pipeline) Quiet(ctx context.Context, refs []connectors.Ref) error {
	return p.delivery.Quiet(ctx, refs)
}

// targets are the CRMs that patches are brought to under a setup.
func (s *Setup) targets() []deliver.Target {
	out := make([]deliver.Target, 0, len(s.CRMs))
	for i := range s.CRMs {
		c := &s.CRMs[i]
		out = append(out, deliver.Target{Name: c.Name, CRM: c.CRM, Objects: c.Objects, Off: s.Write.Mode == WriteOff})
	}
	return out
}
