package journey

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Why an event does not count, as Step.Why and LeftOut.Why tell it. They are words for programs; texts translate them.
const (
	// Gone from the journey.
	WhyForeign   = "somebody else's"
	WhyNoConsent = "without consent"
	WhyWithdrawn = "before consent was withdrawn"
	WhyDenied    = "consent denied in the CRM"
	WhyAnonymous = "without a name, and without consent to join it" // identity.join_anonymous
	WhyStaff     = "own staff"
	WhyBot       = "bot"          // a crawler, previewer, monitoring or SEO tool, by its user agent or the source's word
	WhyFlood     = "flood"        // more events a minute than a person makes
	WhyScanner   = "mail scanner" // a gateway opened the links of a mail, or the pages behind them
	WhyMonitor   = "monitoring"   // one page at regular intervals, for days
	WhySensitive = "sensitive page"
	WhyOutside   = "out of time" // older than the history that is kept, not yet happened, or without a time
	WhyTwice     = "told twice"

	// Kept as steps that do not count.
	WhyExcluded     = "excluded page" // careers, login, support, legal, unsubscribe
	WhyForm         = "excluded form" // support, press, careers, partners, suppliers, log-in
	WhyCustomer     = "existing customer"
	WhyMachine      = "opened by a machine"
	WhyFooter       = "link of the mail's footer" // privacy, imprint, preferences, view in browser
	WhyUnsubscribed = "unsubscribed"
	WhyAutoReply    = "automatic reply"
	WhyBounce       = "bounce"
	WhyRefused      = "refusal" // a reply that plainly says no
	WhyCancelled    = "meeting cancelled"
	WhyMissed       = "meeting missed"
	WhyRule         = "ignored by a rule"
	WhyUnknown      = "no rule for this kind"
	WhyTold         = "told by another source"
	WhyColleague    = "somebody else of the company" // known of the company, it is no news of it

	// Nothing that could have counted.
	WhyStep    = "step only"  // clicks, scrolls and the like, beside the view of their page
	WhyRepeat  = "repeat"     // the same again in the session, or of the campaign
	WhyTeam    = "own team"   // what the team did, mails that were sent
	WhyTracker = "by tracker" // what a tracker tells of itself
)

// Add adds what another journey left out.
func (f *Filtered) Add(o Filtered) {
	f.Duplicates += o.Duplicates
	f.Bots += o.Bots
	f.Machines += o.Machines
	f.Internal += o.Internal
	f.NoConsent += o.NoConsent
	f.Customer += o.Customer
	f.Excluded += o.Excluded
	f.Sensitive += o.Sensitive
	f.Outside += o.Outside
	f.Foreign += o.Foreign
}

// Named are the counts that are not zero, with what a reader calls them.
func (f *Filtered) Named() []string {
	var out []string
	for _, c := range []struct {
		n    int
		what string
	}{{f.Bots, "by bots"}, {f.Machines, "by machines"}, {f.Internal, "by own staff"}, {f.NoConsent, "without consent"}, {f.Customer, "visits of customers"},
		{f.Excluded, "on excluded pages and forms"}, {f.Sensitive, "on sensitive pages"}, {f.Foreign, "of somebody else"}, {f.Outside, "out of time"}, {f.Duplicates, "told twice"}} {
		if c.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return out
}

// count is where reason why is counted, nil if only LeftOut tells of it.
func (f *Filtered) count(why string) *int {
	switch why {
	case WhyBot, WhyFlood:
		return &f.Bots
	case WhyScanner, WhyMonitor:
		return &f.Machines
	case WhyStaff:
		return &f.Internal
	case WhyNoConsent, WhyAnonymous, WhyWithdrawn, WhyDenied:
		return &f.NoConsent
	case WhyCustomer:
		return &f.Customer
	case WhyExcluded, WhyForm:
		return &f.Excluded
	case WhySensitive:
		return &f.Sensitive
	}
	return nil
}

// leave counts one event that does not count.
func (j *Journey) leave(why string, at time.Time) {
	if n := j.Filtered.count(why); n != nil {
		*n++
	}
	for i := range j.LeftOut {
		if l := &j.LeftOut[i]; l.Why == why {
			l.N++
			if at.After(l.Last) {
				l.Last = at
			}
			return
		}
	}
	j.LeftOut = append(j.LeftOut, LeftOut{why, 1, at})
}

// drop takes it out of the journey.
func (j *Journey) drop(it *item, why string) {
	it.drop, it.left = true, why
	j.leave(why, it.at)
}

// fate notes what became of an event, if that was asked for.
func (j *Journey) fate(it *item, f Fate) {
	if j.Fates != nil && it.place >= 0 {
		j.Fates[it.place] = f
	}
}

// sortLeftOut brings the newest reason to the front, whatever the order of arrival.
func (j *Journey) sortLeftOut() {
	slices.SortFunc(j.LeftOut, func(a, b LeftOut) int { return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Why, b.Why)) })
}
