package operate

import (
	"context"
	"errors"

	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/intake"
)

// Nightly does what is done once a day, soon after midnight in the time zone of texts: where high begins for each owner, and the share of high. Called
// again on the same day it does nothing. While a first sync lasts no share is noted: it is that of those met so far.
func Nightly(ctx context.Context, p *pipeline.Pipeline) error {
	err := p.Recut(ctx)
	for _, crm := range p.Setup().CRMs {
		if intake.NeedsFirstSync(p, crm.Name) {
			return err
		}
	}
	return errors.Join(err, p.NoteShare())
}
