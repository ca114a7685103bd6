package operate

import (
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/state"
)

// Pause stops lots and writes until Resume; polls go on, nothing is lost.
func Pause(p *pipeline.Pipeline) error {
	return p.SetBrake(func(b *pipeline.BrakeState) { b.Paused = true })
}

// Resume ends a pause and releases the brake, which covers all that was waiting and what the scoring config of now changes. Patches that
// were journalled when the brake went on are worked out anew, under the config of now. Stopped connectors are given another chance,
// and people who wait for a time that one named come at once.
func Resume(p *pipeline.Pipeline) error {
	s := p.Setup()
	released := pipeline.BrakeState{Since: p.Now()}
	if p.Brake().On {
		if err := voidWaiting(p, s); err != nil {
			return err
		}
		released.Released, released.Under = p.Now(), s.ScoringHash()
	}
	if err := p.SetBrake(func(b *pipeline.BrakeState) { *b = released }); err != nil {
		return err
	}
	if _, err := p.DB().Hurry(state.ReasonWaits); err != nil {
		return err
	}
	p.LookAgain()
	return nil
}

// voidWaiting has the patches that wait in the journal not be sent, and asks for their people again. What a bulk job carries is with the
// CRM already.
func voidWaiting(p *pipeline.Pipeline, s *pipeline.Setup) error {
	for i := range s.CRMs {
		for _, object := range s.CRMs[i].Objects {
			for after, more := uint64(0), true; more; more = after != 0 {
				var err error
				if after, err = p.DB().VoidWaiting(s.CRMs[i].Name, object, after, 500, p.Now()); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
