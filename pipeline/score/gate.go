package score

import "time"

// What changed enough to be worth a write, as the receipt tells it.
const (
	ReasonFirst   = "first"   // never written before
	ReasonTier    = "tier"    // of any kind, to or from unknown too
	ReasonProduct = "product" // leans to another product
	ReasonStage   = "stage"
	ReasonTopics  = "topics" // another set of topics
	ReasonTrend   = "trend"
	ReasonScore   = "score"   // drifted by MaterialPoints or more since the last write
	ReasonFit     = "fit"     // how well somebody suits, as the verdict the caller's to compare
	ReasonVerdict = "verdict" // from when to when a rep sets the person aside: the caller's to compare, the gate does not know it
)

// Material is the gate: whether next is worth a write where the CRM shows prev, and the most telling reason.
//
// If ok, write now. If not and wait is set, the change is material but alters neither the tier nor follows a new hand-raise, and the
// last write was less than WriteInterval ago: come back at wait. If neither, there is nothing to write. Somebody who was never scored and is still
// unknown is never written.
func (s *Settings) Material(prev, next Shown, now time.Time) (reason string, wait time.Time, ok bool) {
	reason = s.material(prev, next)
	switch reason {
	case "":
		return "", time.Time{}, false
	case ReasonFirst, ReasonTier:
		return reason, time.Time{}, true
	}
	// A last write in the future means that a clock jumped: it holds nobody back.
	free := prev.Written.Add(time.Duration(s.WriteInterval) * time.Second)
	asked := next.Raised >= prev.Written.Unix()
	if !prev.Written.IsZero() && !asked && !now.Before(prev.Written) && now.Before(free) {
		return reason, free, false
	}
	return reason, time.Time{}, true
}

func (s *Settings) material(prev, next Shown) string {
	switch {
	case !prev.Known && !next.Known:
		return ""
	case !prev.Known && prev.Written.IsZero():
		return ReasonFirst
	case prev.Tier != next.Tier || prev.Known != next.Known:
		return ReasonTier
	case prev.Product != next.Product:
		return ReasonProduct
	case prev.Stage != next.Stage:
		return ReasonStage
	case prev.Topics != next.Topics:
		return ReasonTopics
	case prev.Trend != next.Trend:
		return ReasonTrend
	case s.drifted(prev.Score, next.Score):
		return ReasonScore
	}
	return ""
}

func (s *Settings) drifted(from, to int) bool {
	return to-from >= s.MaterialPoints || from-to >= s.MaterialPoints
}
