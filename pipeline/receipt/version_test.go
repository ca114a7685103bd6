package receipt

import (
	"encoding/hex"
	"slices"
	"testing"

	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

// A receipt that the release before stored is read, and told as it is: it has no reasons with dates yet (invariant 10).
func TestReceiptOfTheReleaseBeforeIsRead(t *testing.T) {
	const stored = "020004343731310f010000000ee2935b9800000000ffff0001314d0000000000000000000000000000000000000000000000000c01000127b0cc80b00d04000002000265310004736974650009706167655f7669657700082f70726963696e6700000000020000000008737472656e677468070000000000000700000000000000000f01000000000000000000000000ffff0f01000000000000000000000000ffff0f01000000000000000000000000ffff0f01000000000000000000000000ffff0007000007000000000007070707000000000000043e00000008020a020400000000000474696572"
	b, err := hex.DecodeString(stored)
	if err != nil {
		t.Fatal(err)
	}
	r, settings, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	want := journey.Filtered{Duplicates: 2, Bots: 31, Excluded: 4, Outside: 1, Foreign: 5}
	if settings != 77 || r.Formula != "1" || r.Rule != score.ByStrength || r.Filtered != want || r.LeftOut != nil || r.Reason != "tier" || !slices.Equal(r.Stale, []string{"site"}) ||
		len(r.Features.Signals) != 1 || r.Features.Signals[0].Flags&score.Key == 0 {
		t.Errorf("%d %+v", settings, r)
	}
	if _, err := r.Recompute(); err == nil {
		t.Error("a receipt of another formula was recomputed")
	}
}
