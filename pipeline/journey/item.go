package journey

import (
	"encoding/binary"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline/score"
)

// item is an event on its way into the journey.
type item struct {
	ev        *connectors.Event
	kind      string    // of ev, in the words of package connectors
	at        time.Time // when it happened, as far as that is believed
	sum       uint64    // of its content
	id        string
	page      *page
	agent     agent
	user      identity.ID // identifiers that identify
	anon      identity.ID
	email     string
	withdraws bool // it takes back the consent to all before it
	nobodys   bool // it carries an identifier that more than one person holds
	class     class
	drop      bool
	left      string // why, where it is dropped and counted in LeftOut
	told      bool   // another source saw what this counter only tells
	void      string // why a booking is none any more
	session   int32
	place     int // in Input.Events, -1: among those of the company
}

// class parts the events that make a visit from those that must not hold one together.
type class uint8

const (
	visitor class = iota
	opened        // mail opens
	team
	company
)

// personal says that the event is something a person did: its identifiers are theirs.
func (it *item) personal() bool { return it.class == visitor || it.class == opened }

// scratch is the memory of one Build, used again.
type scratch struct {
	items     []item
	unsorted  []item
	order     []moment
	decisions []decision
	open      []open
	sessions  []Session
	steps     []int // by session
	seen      map[uint64]int32
	opens     map[uint64]int32
	ids       map[string]int32
	gateways  []int32 // mail clicks that a machine owned up to
	views     []int32 // of pages
	buf       []byte  // to hash
}

// moment is an item's place in time: small, since it is what sorting moves.
type moment struct {
	at int64 // Unix nanoseconds
	i  int32
}

func newScratch() *scratch {
	return &scratch{seen: map[uint64]int32{}, opens: map[uint64]int32{}, ids: map[string]int32{}}
}

func (s *scratch) reset() {
	if cap(s.unsorted) > 4096 || cap(s.buf) > 1<<16 { // one huge journey must not keep its memory
		*s = *newScratch()
		return
	}
	clear(s.items)
	clear(s.unsorted)
	clear(s.decisions)
	clear(s.open[:cap(s.open)])
	clear(s.sessions)
	s.items, s.unsorted, s.order, s.decisions = s.items[:0], s.unsorted[:0], s.order[:0], s.decisions[:0]
	s.gateways = s.gateways[:0]
	clear(s.seen)
	clear(s.opens)
	clear(s.ids)
}

// agent is what is known of a user agent.
type agent struct {
	crawler bool
	mail    bool   // a mail program or its image proxy: it loads pictures for a person
	text    string // cleaned
}

// eventSum hashes what an event says, apart from what the same event may be told with differently: when it was received,
// whom it was asked for, and the address it came from.
func (s *scratch) eventSum(ev *connectors.Event, at time.Time) uint64 {
	var properties uint64
	for k, v := range ev.Properties {
		s.buf = appendAll(s.buf[:0], k, v)
		properties += xxhash.Sum64(s.buf)
	}
	b := binary.LittleEndian.AppendUint64(s.buf[:0], uint64(at.UnixMilli()))
	b = binary.LittleEndian.AppendUint64(b, properties)
	s.buf = appendAll(b, ev.Source, ev.ID, ev.Kind, ev.Email, ev.UserID, ev.AnonymousID, ev.Session, ev.URL, ev.PageTitle,
		ev.ElementText, ev.ElementID, ev.Referrer, ev.Screenshot)
	return xxhash.Sum64(s.buf)
}

// appendAll joins parts so that no other parts give the same bytes.
func appendAll(b []byte, parts ...string) []byte {
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// pageKey is what a page is known by: as the source gave it, without query and fragment, which are often of one visit.
type pageKey struct{ url, title string }

// page is what is known of a URL and its title. It is shared between journeys and never changed.
type page struct {
	url, title string // cleaned; the URL is bare
	address
	segs      []string // of the path, lower case
	words     []string // of the path
	key       uint64   // of host and path
	object    string
	own       bool   // on the customer's own hosts: title and link are trusted
	typed     bool   // its path tells what kind of page it is
	short     string // the trusted title without the site's name, "" if untrusted
	footer    string // why a mail's link to it is no signal, "" if it is one
	internal  bool
	excluded  bool
	sensitive bool
	content   bool // price, contract, comparison or case study
	flags     score.Flag
	product   uint8
	topics    []string
}

// scope is within what something counts once.
type scope uint8

const (
	perSession scope = iota
	perJourney
	perEvent
)

// decision is what an event is worth before repeats are known.
type decision struct {
	typ     score.Type // 0: it does not count
	flags   score.Flag
	scope   scope
	visit   bool // a visit of which only the fact is known: nothing beside page views
	proof   bool // a step that proves its page: nothing beside a view of that page
	open    bool // of equals the newest counts
	views   int  // page views beside it of which only the number is known
	product uint8
	key     uint64 // of the object
	object  string
	title   string
	topics  []string
	unknown string // the form's name, where nothing knows it
	why     string
}

// open is a session that may still grow.
type open struct {
	source, id string // id is the vendor's, "" for a session by pauses
	class      class
	index      int32
}

// noPage stands in for the page of an event that has none.
var noPage page

func sum(parts ...string) uint64 {
	var buf [256]byte
	return xxhash.Sum64(appendAll(buf[:0], parts...))
}
