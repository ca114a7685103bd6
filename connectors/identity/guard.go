package identity

import "time"

// Guards on what a source's word joins, after the rules of the customer-data platforms: at most one user id per space and five of any
// other kind are believed to be one person's.
const (
	maxUserIDs = 1
	MaxOthers  = 5
)

// Guards on devices. The half hour before a device changes hands is nobody's, because people browse before they sign in.
const (
	maxClaimants = 5  // people on one device
	maxSwitches  = 32 // changes of hands
	SwitchMargin = 30 * time.Minute
)

// Kiosk says whether a device with so many claimants and changes of hands is nobody's for good.
func Kiosk(claimants, switches int) bool { return claimants > maxClaimants || switches > maxSwitches }

// Limit is how many identifiers of a kind (of a space, where the kind is Spaced) one person is believed to have.
func (k Kind) Limit() int {
	if k == UserID {
		return maxUserIDs
	}
	return MaxOthers
}

// count is how many of held are of id's kind, and of its space where the kind is Spaced. Ids of unknown space count in every one.
func count(held []ID, id ID) int {
	n := 0
	for _, h := range held {
		if h.Kind == id.Kind && (h.Space == id.Space || h.Space == "" || id.Space == "") {
			n++
		}
	}
	return n
}

// Fits says whether somebody with the identifiers held may have id, too.
func Fits(held []ID, id ID) bool { return count(held, id) < id.Kind.Limit() }

// MayMerge says whether what is held by a and b may be one person's, given that an identifier of kind by is in both. Devices are
// no reason against it. A phone number is often a company's: alone it never joins two who each have something better.
func MayMerge(a, b []ID, by Kind) bool {
	if by == Phone && hasBetter(a) && hasBetter(b) {
		return false
	}
	for _, ids := range [][]ID{a, b} {
		for _, id := range ids {
			if id.Kind != AnonymousID && count(a, id)+count(b, id) > id.Kind.Limit() {
				return false
			}
		}
	}
	return true
}

func hasBetter(ids []ID) bool {
	for _, id := range ids {
		if id.Kind == UserID || id.Kind == Email {
			return true
		}
	}
	return false
}
