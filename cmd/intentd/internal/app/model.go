package app

import (
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
)

// modelRests says why, and until when, the model is not asked: a refused key, a limit, a service that is down. People get their
// scores, and texts by rules, meanwhile. It is nil while the model is asked, and without one.
func (b *built) modelRests(now time.Time) error {
	if b.model == nil {
		return nil
	}
	r := b.model.Report()
	if !now.Before(r.BlockedUntil) {
		return nil
	}
	why := r.LastError
	if why == "" {
		why = "a limit is waited out"
	}
	return &connectors.Error{Kind: connectors.Transient, Op: fmt.Sprintf("the model is not asked until %s, texts come from rules", r.BlockedUntil.UTC().Format("15:04 UTC")), Message: why}
}
