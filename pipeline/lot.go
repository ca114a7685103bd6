package pipeline

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// lot is a group of people going through the pipeline together, under one setup and at one moment.
type lot struct {
	p        *Pipeline
	s        *Setup
	now      time.Time
	subjects []*subject
	dry      bool // a dry run: nothing is kept, staged or paid for
	room     *room
}

// subject is one person of a lot, from claim to patch.
type subject struct {
	entry       state.Entry
	id          state.PersonID
	key         string
	person      state.Person
	shown       score.Shown // what the CRM shows
	links       []state.Link
	identifiers identifiers
	moved       []rival // addresses that came over from somebody else's record
	recs        []*record
	letters     []state.Dead     // refused patches, and what else could not be done
	last        *receipt.Receipt // of the last result, nil if there is none or it was not needed (see lastReceipt)
	lastOK      bool             // last was looked for

	events  *[]connectors.Event
	journey *journey.Journey
	inputs  *scoreInputs
	result  *result

	// settled is what becomes of the subject without (further) work; nil while it goes on.
	settled *state.Settlement
	verdict struct { // the rep's: person.Verdict
		at      time.Time // since when it stands
		anew    bool      // it was read anew
		changed bool      // it is another one than before
	}
	drawn    *state.Arm // what they drew, now that they are first to be written; nil: nothing
	held     bool       // nothing is written of them, for comparison
	letGo    bool       // nothing was, and now it is
	denied   string     // the CRM's property that denies consent now; "": none does
	untold   Untold     // why nobody is told that they entered a tier
	withdrew bool       // they withdrew their consent, and what they did is erased now
	stale    []string   // sources that did not answer, or are suddenly empty
	fates    bool       // what becomes of each event is asked for
}

// record is one CRM record of a subject.
type record struct {
	ref       connectors.Ref
	crm       *CRM
	state     state.Contact
	was       state.Contact // state as it was loaded
	pending   *state.Pending
	contact   connectors.Contact
	inputs    uint64       // hash of what the CRM says of it
	read      bool         // the CRM answered for it
	err       error        // why it did not
	dirty     bool         // state changed and is to be saved
	tried     bool         // a patch for it goes out, if there is anything to write
	nothing   bool         // it was looked at, and there is nothing to write to it
	verdictAt time.Time    // when its verdict was changed, where the CRM's history was asked and tells
	refill    map[int]bool // numbers of our fields that somebody emptied, or that no person overwrote: to be filled again
}

// open are the subjects that still go on.
func (l *lot) open() []*subject {
	out := make([]*subject, 0, len(l.subjects))
	for _, s := range l.subjects {
		if s.settled == nil {
			out = append(out, s)
		}
	}
	return out
}

// lastReceipt is the receipt of the last result, read when it is first asked for; nil if there is none, or none that this
// version can read: the person is then gathered anew.
func (l *lot) lastReceipt(s *subject) *receipt.Receipt {
	if s.lastOK || s.id == 0 {
		return s.last
	}
	s.lastOK = true
	if raw, err := l.p.db.LastReceipt(s.id); err == nil && raw != nil {
		s.last, _ = l.p.OpenReceipt(raw)
	}
	return s.last
}

// identifiers are those of a subject: what its records and links say, and which of it is theirs.
type identifiers struct {
	candidates []identity.ID    // addresses and numbers of the live records …
	by         []connectors.Ref // … and which has each
	links      []state.Link     // of the person, and of properties

	ids      []identity.ID    // of candidates, as far as they are theirs …
	refs     []connectors.Ref // … and which record has each
	linked   []identity.ID    // of links, as far as they are theirs
	nobodys  []identity.ID    // what somebody else holds, too
	property []state.Link     // what properties of the records say
	unsaved  bool             // the state does not say so yet
}

// rival is an address of a subject that, as far as the state knows, a record of somebody else has, too.
type rival struct {
	s     *subject
	id    identity.ID
	other state.PersonID
}

// scoreInputs are what a score is computed from. They come from a fresh journey, or from the last receipt where only time has passed.
type scoreInputs struct {
	features  score.Features
	signals   []receipt.SignalLine
	cited     []receipt.CitedLine
	topics    []receipt.TopicLine
	read      []score.Read // trusted topics of the journey, matched or not; those shown are added when a snapshot is taken
	filtered  journey.Filtered
	leftOut   []journey.LeftOut
	intent    intent.Intent
	degraded  []string
	sources   []state.SourceCount
	events    uint64
	engine    uint64   // extraction hash of the texts
	rulesText bool     // rules texts of a first sync: model texts are owed
	upgraded  bool     // better texts than those shown
	last      bool     // nothing a model says changes the tier: others are asked about first
	newForms  []string // sent since the last result, and known to nothing in the config
}

// result is a subject's new score and what a rep would see of it. Whether it is written, the gate decides record by record.
type result struct {
	receipt receipt.Receipt
	shown   score.Shown
	parts   score.Parts
	values  map[string]string
	reason  string    // why it is written; "" if it is not
	wait    time.Time // it is material, but may not be written before

	regraded bool // another fit than a record shows takes its place
}

// room is what the people of a lot are worked on in. The next lot has it again: made anew for each lot it was a twelfth of what a first
// sync allocates, and with it of what the garbage collector has to do.
type room struct {
	subjects slab[subject]
	records  slab[record]
	inputs   slab[scoreInputs]
	results  slab[result]
	lines    []receipt.SignalLine
	read     []score.Read // of the snapshot in the making
	bytes    []byte       // of the lot's snapshots
	topics   topicSpans
}

var rooms = sync.Pool{New: func() any { return newRoom() }}

func newRoom() *room {
	return &room{lines: make([]receipt.SignalLine, 0, 256), topics: topicSpans{place: map[string]int{}, signal: map[string]int32{}}}
}

// leave empties the room for the next lot. Nothing of this one may be in use any more, and nothing of its people stays.
func (r *room) leave() {
	r.subjects.empty()
	r.records.empty()
	r.inputs.empty()
	r.results.empty()
	clear(r.lines)
	r.lines = r.lines[:0]
	clear(r.read[:cap(r.read)])
	clear(r.bytes)
	r.bytes = r.bytes[:0]
	r.topics.empty()
	rooms.Put(r)
}

// byTimeAlone says whether nothing but the passing of time brought the subject here. After a change of the config it is not so:
// the stored features are then those of other rules.
func (l *lot) byTimeAlone(s *subject) bool {
	return s.entry.Reason == state.ReasonDue && s.person.Events != 0 && s.person.Scoring == l.scoringHash() && l.lastReceipt(s) != nil
}

// scoredBefore says whether the last result is a score, written or not.
func (l *lot) scoredBefore(s *subject) bool {
	r := l.lastReceipt(s)
	return r != nil && r.Parts.Known
}

// scoringHash is the third of the four hashes: everything between events and field values that is not a model.
func (l *lot) scoringHash() uint64 { return l.s.scoringHash }

// unread says whether one of the records could not be read: what it has to tell is still to be heard.
func (s *subject) unread() bool {
	return slices.ContainsFunc(s.recs, func(r *record) bool { return !r.read })
}

// contacts are the subject's records as their CRMs tell them.
func (s *subject) contacts() []connectors.Contact {
	out := make([]connectors.Contact, len(s.recs))
	for i, r := range s.recs {
		out[i] = underRef(&r.contact, r.ref)
	}
	return out
}

// asSubject is a subject as engines are asked about them.
func (l *lot) asSubject(s *subject) intent.Subject {
	in := intent.Subject{Journey: s.journey, Told: s.shown.Written, Now: l.now, Language: l.s.Fields.Language, Location: l.s.Fields.Location}
	in.Journey.Key = s.key
	for _, r := range s.recs {
		if !r.read || r.contact.State != connectors.Live {
			continue
		}
		if in.Profile == (connectors.Profile{}) {
			in.Profile = r.contact.Profile
		}
		if in.Domain == "" && len(r.contact.Emails) > 0 {
			_, in.Domain, _ = strings.Cut(r.contact.Emails[0], "@")
		}
		in.Customer = in.Customer || l.s.isCustomer(&r.contact)
	}
	return in
}

// underRef is a contact under the reference it was asked for by.
func underRef(c *connectors.Contact, ref connectors.Ref) connectors.Contact {
	out := *c
	out.Ref = ref
	return out
}
