package journey

import (
	"time"

	"github.com/intentd/intentd/connectors"
)

// A CRM's counters ("12 page views", "last click on …") tell again what a site's own events told already, a little later and
// without the page. What a source saw as it happened goes before: a counter's step beside it is kept in the journey and
// counts for nothing. What the source saw and was filtered (a crawler, own staff) silences the counter as well.

// counterReach is how near, in seconds, a seen event must be to silence a counter's: between this and twice this.
const counterReach = 6 * 60 * 60

// family is what a counter and the events it counts have in common; 0: nothing is counted that way.
func family(kind string) int64 {
	switch kind {
	case connectors.KindPageView, connectors.KindVisit, connectors.KindClick, connectors.KindScroll:
		return 1
	case connectors.KindFormSubmit, connectors.KindDemoRequest, connectors.KindQuoteRequest, connectors.KindContactRequest, connectors.KindTrial, connectors.KindSignUp,
		connectors.KindDownload, connectors.KindWebinar, connectors.KindNewsletter:
		return 2
	case connectors.KindEmailClick:
		return 3
	case connectors.KindEmailOpen:
		return 4
	case connectors.KindEmailReply:
		return 5
	case connectors.KindMeeting, connectors.KindBooking:
		return 6
	}
	return 0
}

// yieldCounters marks the counters' events that another source saw.
func yieldCounters(s *scratch) {
	counters := false
	for i := range s.items {
		counters = counters || s.items[i].ev.Properties[connectors.PropSummary] == "true"
	}
	if !counters {
		return
	}
	seen := map[[2]int64]bool{} // family and stretch of time
	for i := range s.items {
		it := &s.items[i]
		if f := family(it.kind); f != 0 && it.ev.Properties[connectors.PropSummary] != "true" {
			seen[[2]int64{f, it.at.Unix() / counterReach}] = true
		}
	}
	for i := range s.items {
		it := &s.items[i]
		f := family(it.kind)
		if f == 0 || it.ev.Properties[connectors.PropSummary] != "true" {
			continue
		}
		at := it.at.Unix() / counterReach
		for _, d := range [...]int64{-1, 0, 1} {
			it.told = it.told || seen[[2]int64{f, at + d}]
		}
	}
}

// echoReach is how near a form that only a page names must be to what tells the same better.
const echoReach = time.Minute

// yieldEchoes marks forms that a tracker saw go off without knowing which, beside an event that names what was asked for on that page:
// one act, told twice.
func (b *Builder) yieldEchoes(s *scratch) {
	better := func(it, o *item) bool {
		return family(o.kind) == family(connectors.KindFormSubmit) && (o.kind != connectors.KindFormSubmit || o.ev.Properties[connectors.PropForm] != "") &&
			(it.page == nil || o.page == nil || it.page.key == o.page.key)
	}
	for i := range s.items {
		it := &s.items[i]
		if it.kind != connectors.KindFormSubmit || it.ev.Properties[connectors.PropForm] != "" || it.page != nil && b.c.forms.kind(it.page.words) != formOther || b.c.forms.kind(formName(it.ev.Kind)) != formOther {
			continue
		}
		for k := i - 1; k >= 0 && it.at.Sub(s.items[k].at) <= echoReach; k-- {
			it.told = it.told || better(it, &s.items[k])
		}
		for k := i + 1; k < len(s.items) && s.items[k].at.Sub(it.at) <= echoReach; k++ {
			it.told = it.told || better(it, &s.items[k])
		}
	}
}
