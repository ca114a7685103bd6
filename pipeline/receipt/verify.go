package receipt

import (
	"fmt"
	"slices"

	"github.com/intentd/intentd/pipeline/score"
)

// Recompute works the score out again from nothing but the receipt. It fails where the receipt was made by another version of the
// formulas, or where its lines do not name its signals one by one.
func (r *Receipt) Recompute() (score.Parts, error) {
	if r.Formula != score.Version {
		return score.Parts{}, fmt.Errorf("receipt: made by formula %q, this program computes formula %q", r.Formula, score.Version)
	}
	if len(r.Signals) != len(r.Features.Signals) {
		return score.Parts{}, fmt.Errorf("receipt: %d signals in the features, %d of them named", len(r.Features.Signals), len(r.Signals))
	}
	return r.Settings.At(&r.Features, r.At), nil
}

// Verification is what a receipt is worth.
type Verification struct {
	Parts   score.Parts // recomputed
	Err     error       // why it could not be recomputed
	Same    bool        // the recomputed parts, tier and rule are those on the receipt
	Adds    bool        // the contributions add up to the score
	Missing []string    // cited events that are not among the receipt's, each once, sorted
	Uncited int         // sentences that rest on nothing (they are never shown)
}

// OK says that nothing is wrong.
func (v *Verification) OK() bool { return v.Err == nil && v.Same && v.Adds && len(v.Missing) == 0 }

// Verify recomputes the receipt and looks up every citation among its events.
func (r *Receipt) Verify() Verification {
	var v Verification
	v.Parts, v.Err = r.Recompute()
	if v.Err == nil {
		tier, rule := r.Settings.TierOf(&r.Features, v.Parts, r.Previous.Tier, r.At)
		v.Same = v.Parts == r.Parts && tier == r.Tier && rule == r.Rule && slices.Equal(r.Settings.PointsAt(&r.Features, r.At.Unix()), r.Points)
	}
	points := 0
	for _, x := range r.Points {
		points += x.Tenths
	}
	v.Adds = r.Parts.Score == r.Parts.Sum() && r.Parts.Points == points

	events := make(map[string]bool, len(r.Signals)+len(r.Cited))
	for i := range r.Signals {
		events[r.Signals[i].EventID] = true
	}
	for i := range r.Cited {
		events[r.Cited[i].EventID] = true
	}
	ids := slices.Collect(citations(&r.Intent))
	for i := range r.Topics {
		ids = append(ids, r.Topics[i].Events...)
	}
	for _, id := range ids {
		if !events[id] {
			v.Missing = append(v.Missing, id)
		}
	}
	slices.Sort(v.Missing)
	v.Missing = slices.Compact(v.Missing)

	if r.Intent.Headline.Text != "" && len(r.Intent.Headline.Cites) == 0 {
		v.Uncited++
	}
	for _, s := range r.Intent.Sentences {
		if s.Text != "" && len(s.Cites) == 0 {
			v.Uncited++
		}
	}
	if r.Intent.NextStep.Text != "" && len(r.Intent.NextStep.Cites) == 0 {
		v.Uncited++
	}
	return v
}

// HighFrom is the score, in tenths, from which the person was high.
func (r *Receipt) HighFrom() int { return r.Settings.HighFrom(&r.Features) }
