package identity

import "slices"

// Held is an identifier with whom it leads to so far.
type Held[P comparable] struct {
	ID
	Holder P    // the zero value: nobody
	Theirs bool // a CRM record of the holder has it, so that it is theirs whoever else is seen with it
}

// Decide says whose something is that carries several identifiers: the holder of the strongest. Where records or addresses of records
// lead to different people it is of all of them, the strongest's first. shared are the identifiers among them that more than one
// of these people hold and that join no records: they are nobody's from now on, and no rank helps them.
func Decide[P comparable](ids []Held[P]) (who []P, shared []ID) {
	var none P
	ids = slices.Clone(ids)
	slices.SortStableFunc(ids, func(a, b Held[P]) int { return a.Kind.rank() - b.Kind.rank() })
	anchor := func(h Held[P]) bool { return h.JoinsRecords() && h.Theirs && h.Holder != none }
	for _, h := range ids {
		if anchor(h) && !slices.Contains(who, h.Holder) {
			who = append(who, h.Holder)
		}
	}
	if len(who) == 0 {
		for _, h := range ids {
			if h.Holder != none {
				who = append(who, h.Holder)
				break
			}
		}
	}
	if len(who) == 0 {
		return nil, nil
	}
	for _, h := range ids {
		if h.JoinsRecords() || slices.Contains(shared, h.ID) {
			continue
		}
		if len(who) > 1 || h.Holder != none && h.Holder != who[0] {
			shared = append(shared, h.ID)
		}
	}
	return who, shared
}

// Reasons of links, as `explain` shows them.

// SeenTogether is the reason of an identifier that a source saw together with another of the person.
func SeenTogether(source string) string { return "seen together by " + source }

// Confirmed is the reason of an anonymous id under which a visitor gave an identifier of a kind, where anybody could have said so, until
// something trusted told the same.
func Confirmed(source string, kind, by string) string {
	return "gave their " + kind + " to " + source + ", confirmed by " + by
}

// FromProperty is the reason of an identifier that stands in a property of a record.
func FromProperty(property, record string) string { return "property " + property + " of " + record }

// FromRecord is the reason of an address or number that a record has or had.
func FromRecord(record string) string { return "address of " + record }

// HeldByTwo is the reason why an identifier is nobody's.
const HeldByTwo = "held by more than one person: nobody's"
