package intent

import (
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

// act is what somebody did, as a rep would name it. The order is that of weight: the first one found makes the headline.
type act uint8

const (
	actDemo act = iota
	actMeeting
	actReply
	actContact
	actAsk
	actTrial
	actApply
	actForm
	actDownload
	actContract
	actPrice
	actCompare
	actContent
	actProduct
	actClick
	actVisit
	actMention
	actOpen
	actCompanyNews
	actKinds = iota
)

// reading says that a is a page read rather than a deed.
func (a act) reading() bool { return a >= actContract && a <= actProduct || a == actVisit }

// mark is the newest occurrence of something, with how often it was seen.
type mark struct {
	at      int64 // Unix seconds of the newest; 0: never
	event   string
	title   string // trusted, "" if there is none
	product uint8
	count   int
}

// page is one page that was read.
type page struct {
	object, title string
	act           act
	count         int
	at            int64
	event         string
}

// topicFact is one topic from trusted places.
type topicFact struct {
	name   string
	count  int
	events [citesKept]string
}

// citesKept bounds the citations of one sentence or topic: enough to check it by, few enough to read.
const citesKept = 8

// pagesKept and topicsKept bound what is told apart; nobody reads more.
const (
	pagesKept  = 32
	topicsKept = 16
)

// facts are what the rules engine knows of a journey, gathered in one pass and reused between people.
type facts struct {
	acts     [actKinds]mark
	pages    []page
	topics   []topicFact
	products []int // signals by product, 1-based
	newest   []mark
	company  [3]mark // funding, job posting, technology change

	signals             int
	visits, views       int // counted one by one
	sumVisits, sumViews int // as a CRM's summary counts them
	sumAt               int64
	sumEvent            string
	first, last         mark // of the visits
	pause               int  // days of the longest recent silence that ended
	back                mark // what ended it
	any                 mark // the newest signal
}

func (f *facts) reset(products int) {
	pages, topics, prod, newest := f.pages[:0], f.topics[:0], f.products[:0], f.newest[:0]
	*f = facts{pages: pages, topics: topics, products: prod, newest: newest}
	for range products + 1 {
		f.products = append(f.products, 0)
		f.newest = append(f.newest, mark{})
	}
}

// gather reads j from the time from on.
func (f *facts) gather(j *journey.Journey, from int64) {
	f.reset(len(j.Products))
	var before int64
	for si := range j.Sessions {
		s := &j.Sessions[si]
		web := false
		for i := range s.Steps {
			st := &s.Steps[i]
			at := st.Event.Time.Unix()
			if st.Context || at < from {
				continue
			}
			n, counted := count(st)
			switch st.Event.Kind {
			case connectors.KindPageView:
				if counted {
					f.sumViews += n
					f.summary(st, at)
				} else {
					f.views++
					web = true
				}
			case connectors.KindVisit:
				if counted {
					f.sumVisits += n
					f.summary(st, at)
				} else {
					web = true
				}
			case connectors.KindClick, connectors.KindScroll, connectors.KindFormSubmit, connectors.KindDemoRequest, connectors.KindDownload, connectors.KindTrial, connectors.KindSearch:
				web = true
			}
			if web {
				if f.first.at == 0 {
					f.first = mark{at: at, event: eventID(st)}
				}
				f.last = mark{at: at, event: eventID(st)}
			}
			if st.Signal < 0 || st.Signal >= len(j.Signals) {
				continue
			}
			sig := &j.Signals[st.Signal]
			f.signal(st, sig, at, n, counted)
			if sig.Flags&(score.Company|score.NoRecency) == 0 {
				if days := int((at - before) / 86400); before > 0 && days >= 30 {
					f.pause, f.back = days, mark{at: at, event: eventID(st)}
				}
				before = at
			}
		}
		if web {
			f.visits++
		}
	}
}

func (f *facts) summary(st *journey.Step, at int64) {
	if at >= f.sumAt {
		f.sumAt, f.sumEvent = at, eventID(st)
	}
}

func (f *facts) signal(st *journey.Step, sig *journey.Signal, at int64, n int, counted bool) {
	id := eventID(st)
	title := shownTitle(st, sig)
	if sig.Flags&score.Company != 0 {
		news := 0
		switch sig.Type {
		case score.JobPosting:
			news = 1
		case score.TechChange:
			news = 2
		}
		f.company[news].note(at, id, "", 0)
		f.acts[actCompanyNews].note(at, id, "", 0)
		return
	}
	f.signals++
	a := actOf(st, sig)
	f.acts[a].note(at, id, title, sig.Product)
	f.any.note(at, id, title, sig.Product)
	if p := int(sig.Product); p > 0 && p < len(f.products) {
		f.products[p]++
		f.newest[p].note(at, id, title, sig.Product)
	}
	if a.reading() && title != "" && !counted {
		f.page(a, sig.Object, title, at, id)
	}
	for _, t := range sig.Topics {
		f.topic(t, id)
	}
}

func (m *mark) note(at int64, event, title string, product uint8) {
	m.count++
	if at >= m.at {
		m.at, m.event, m.title, m.product = at, event, title, product
	}
}

func (f *facts) page(a act, object, title string, at int64, id string) {
	for i := range f.pages {
		p := &f.pages[i]
		if p.title == title && (p.object == object || a == p.act) {
			p.count++
			if at >= p.at {
				p.at, p.event = at, id
			}
			return
		}
	}
	if len(f.pages) < pagesKept {
		f.pages = append(f.pages, page{object: object, title: title, act: a, count: 1, at: at, event: id})
	}
}

func (f *facts) topic(name, id string) {
	for i := range f.topics {
		t := &f.topics[i]
		if t.name == name {
			if t.count < citesKept {
				t.events[t.count] = id
			} else {
				t.events[citesKept-1] = id
			}
			t.count++
			return
		}
	}
	if len(f.topics) < topicsKept {
		f.topics = append(f.topics, topicFact{name: name, count: 1, events: [citesKept]string{id}})
	}
}

// product is the product most signals concern, the newest on a tie; 0 if none does.
func (f *facts) product() (best int) {
	for p := 1; p < len(f.products); p++ {
		if n := f.products[p]; n > 0 && (best == 0 || n > f.products[best] || n == f.products[best] && f.newest[p].at > f.newest[best].at) {
			best = p
		}
	}
	return best
}

// actOf names what a signal was.
func actOf(st *journey.Step, sig *journey.Signal) act {
	switch sig.Type {
	case score.HandRaise:
		switch st.Event.Kind {
		case connectors.KindDemoRequest:
			return actDemo
		case connectors.KindMeeting:
			return actMeeting
		case connectors.KindEmailReply:
			return actReply
		case connectors.KindTrial:
			return actTrial
		}
		if strings.Contains(strings.ToLower(sig.Title), "demo") {
			return actDemo
		}
		return actContact
	case score.SocialAsk:
		return actAsk
	case score.FormSubmit:
		switch {
		case st.Event.Kind == connectors.KindTrial:
			return actTrial
		case st.Event.Kind == connectors.KindDownload:
			return actDownload
		case sig.Flags&score.Application != 0:
			return actApply
		}
		return actForm
	case score.EmailEngage:
		if st.Event.Kind == connectors.KindEmailOpen {
			return actOpen
		}
		return actClick
	case score.SocialMention:
		return actMention
	case score.TechChange, score.JobPosting, score.Funding:
		return actCompanyNews
	}
	switch {
	case st.Event.Kind == connectors.KindDownload:
		return actDownload
	case sig.Flags&score.Application != 0:
		return actApply
	case sig.Flags&score.ContractPage != 0:
		return actContract
	case sig.Flags&score.PricePage != 0:
		return actPrice
	case sig.Flags&score.Comparison != 0:
		return actCompare
	case sig.Type == score.ContentView:
		return actContent
	case sig.Flags&score.ProductPage != 0:
		return actProduct
	}
	return actVisit
}

// shownTitle is what the signal's page, form or campaign may be called in a text: the trusted title up to the bar that sites put
// their own name behind, or the path on an own host.
func shownTitle(st *journey.Step, sig *journey.Signal) string {
	t := sig.Title
	if i := strings.Index(t, " | "); i > 0 {
		t = t[:i]
	}
	if t == "" && st.Trusted && strings.HasPrefix(sig.Object, "/") && len(sig.Object) <= 48 {
		t = sig.Object
	}
	return t
}

// count reads PropCount: how many a summary property counted in one step.
func count(st *journey.Step) (n int, counted bool) {
	if len(st.Event.Properties) == 0 {
		return 1, false
	}
	s, ok := st.Event.Properties[connectors.PropCount]
	if !ok {
		return 1, false
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1_000_000 {
		return 1, false
	}
	return n, true
}

func eventID(st *journey.Step) string {
	if st.Event.ID != "" {
		return st.Event.ID
	}
	return st.ID
}

func unix(at int64, loc *time.Location) time.Time { return time.Unix(at, 0).In(loc) }
