package rules

import (
	"slices"
	"strings"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
)

// mark notes what lowers.
func (n *note) mark(f *fact, class intent.Class) {
	add := func(k intent.MarkKind, at int64) { n.marks = append(n.marks, intent.Mark{What: k, At: at}) }
	for i := range n.facts {
		g := &n.facts[i]
		switch {
		case g.colleague != "":
			continue
		case g.act == act.Begun:
			add(intent.MarkUnsent, g.at)
		case g.act == act.Cart || g.act == act.Checkout || g.act == act.Booking:
			add(intent.MarkUnpaid, g.at)
		case g.act == act.Unsubscribe:
			add(intent.MarkUnsubscribed, g.at)
		case g.act == act.Miss:
			add(intent.MarkMissed, g.at)
		case g.act == act.Cancel:
			add(intent.MarkCancelled, g.at)
		case g.act == act.Refuse:
			add(intent.MarkRefused, g.at)
		case g.act == act.Stuck:
			add(intent.MarkStuck, g.at)
		case g.ask.hostile:
			add(intent.MarkHostile, g.at)
		}
	}
	if f != nil && f.act.Request() {
		if a := n.answeredBy(f); a != nil && n.repliedAfter(a.at) == nil {
			add(intent.MarkNoReply, a.at)
		}
	}
	if n.colleague() != nil && n.newestRequest() == nil {
		add(intent.MarkColleague, n.colleague().at)
	}
	switch class {
	case intent.ClassCustomer:
		add(intent.MarkCustomer, 0)
	case intent.ClassCompetitor:
		add(intent.MarkCompetitor, 0)
	case intent.ClassJobSeeker:
		add(intent.MarkCareers, 0)
	case intent.ClassPress:
		add(intent.MarkPress, 0)
	case intent.ClassSupplier:
		add(intent.MarkSupplier, 0)
	}
	slices.SortStableFunc(n.marks, func(a, b intent.Mark) int { return strings.Compare(string(a.What), string(b.What)) })
	n.marks = slices.CompactFunc(n.marks, func(a, b intent.Mark) bool { return a.What == b.What })
}
