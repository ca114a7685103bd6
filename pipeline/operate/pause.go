package operate

import (
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/state"
)

// Pause stops lots and writes until Resume; polls go on, nothing is lost.
func Pause(p *pipeline.Pipeline) error {
	return p.SetBrake(func(b *pipeline.BrakeState) { b.Paused = true })
}

// Resumed is what a Resume let go; all zero where nothing was held.
type Resumed struct {
	Paused     bool     `json:"pause_ended"`              // an admin's pause is over
	Brake      string   `json:"brake_released,omitempty"` // why the brake was on that is released
	Connectors []string `json:"asked_again,omitempty"`    // were stopped, and are tried at once
	People     int      `json:"come_at_once,omitempty"`   // waited for a time that a connector named, and come at once
}

// Resume ends a pause and releases the brake, which covers all that was waiting and what the scoring config of now changes. Patches that
// were journalled when the brake went on are worked out anew, under the config of now. Stopped connectors are given another chance,
// and people who wait for a time that one named come at once.
func Resume(p *pipeline.Pipeline) (did Resumed, err error) {
	s, was := p.Setup(), p.Brake()
	did.Paused = was.Paused
	released := pipeline.BrakeState{Since: p.Now()}
	if was.On {
		if err := voidWaiting(p, s); err != nil {
			return did, err
		}
		did.Brake = was.Why
		released.Released, released.Under = p.Now(), s.ScoringHash()
	}
	if err := p.SetBrake(func(b *pipeline.BrakeState) { *b = released }); err != nil {
		return did, err
	}
	if did.People, err = p.DB().Hurry(state.ReasonWaits); err != nil {
		return did, err
	}
	did.Connectors = p.LookAgain()
	return did, nil
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
