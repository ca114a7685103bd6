package pipeline

import (
	"context"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// What tests look at that nobody else needs.

const FormulaKey = formulaKey

func (s *Setup) InScope(ref connectors.Ref) bool { return s.scope[ref] }

func (p *Pipeline) AllowTierChanges(share float64, n int) bool { return p.brake.allow(share, n) }
func (p *Pipeline) TierChanges() int                           { return p.brake.state().Changes }

// LotUpToStage takes a lot through all steps but the last, which it returns.
func (p *Pipeline) LotUpToStage(ctx context.Context, entries []state.Entry) (stage func() error, err error) {
	l := &lot{p: p, s: p.Setup(), now: p.now(), room: newRoom()}
	if err := l.load(ctx, entries); err != nil {
		return nil, err
	}
	if err := l.gatherRecords(ctx); err != nil {
		return nil, err
	}
	l.checkRecordStates()
	if err := l.identify(ctx); err != nil {
		return nil, err
	}
	l.gatherJourneys(ctx)
	l.stitch(ctx)
	if err := l.infer(ctx); err != nil {
		return nil, err
	}
	l.score(ctx)
	return l.stage, nil
}
