package rules

import (
	"slices"
	"strings"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
)

// fact is one thing somebody did, or the same thing done several times.
type fact struct {
	act       act.Act
	is        act.Traits // of act
	at, first int64      // Unix seconds of the newest and the oldest
	days      []int64    // one moment of each day, oldest first
	cites     []string   // event ids, oldest first
	product   uint8      // 1-based, 0 for none
	title     string     // its own trusted name: of the page, the form, the file; "" if there is none
	subjects  []string   // what it was about
	ask       *ask       // what was typed with it
	sent      bool       // a form that was sent, not a page
	counted   bool       // a signal
	count     int
	summary   int    // how many a CRM's counter told, 0 if it was seen
	rival     string // whom a comparison compares with
	where     string // where something was left
	field     bool   // where is a field of a form
	item      string // what lies in the cart, what got stuck
	price     money
	date      when   // of the event somebody registered for, of the meeting
	colleague string // who of the company did it; "?" if the name is not known
	german    bool   // its title is German
	kind      string // of an event: webinar
	form      bool   // said no in a form, not in a reply
	slots     *slots // what there is to say of it, once that was asked for
	told      bool   // in the text being written
	said      string // the slots of it that the headline holds: "qb"
}

// nothing is what was typed with most.
var nothing ask

// emptied is the room that a fact took.
func (f *fact) emptied() fact {
	clear(f.cites)
	return fact{cites: f.cites[:0], days: f.days[:0]}
}

// newestCites are the newest event of f first, as far as they are kept.
func (f *fact) newestCites() []string {
	ids := slices.Clone(f.cites[max(0, len(f.cites)-intent.MaxCites):])
	slices.Reverse(ids)
	return ids
}

// newestCite is the newest event of f alone.
func (f *fact) newestCite() []string { return f.cites[len(f.cites)-1 : len(f.cites) : len(f.cites)] }

// holds says that the headline holds the slot k of f.
func (f *fact) holds(k byte) bool { return strings.IndexByte(f.said, k) >= 0 }

// names says that the title of f names something.
func (f *fact) names(s string) bool {
	return strings.Contains(" "+foldSubject(f.title)+" ", " "+foldSubject(s)+" ")
}

// topicFact is one topic in the making.
type topicFact struct {
	topicName
	events  []string
	weight  int
	at      int64
	trusted bool
}
