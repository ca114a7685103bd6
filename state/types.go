package state

import (
	"time"

	"github.com/intentd/intentd/connectors"
)

// PersonID is a person's key in this state. It never leaves it but as an opaque number.
type PersonID uint64

// Lane is a class of urgency. Lower goes first.
type Lane uint8

const (
	Live     Lane = iota // somebody did something, or a record changed
	Retry                // again, after an error or a degraded answer
	Due                  // time alone changes the score
	Backfill             // first sync and sweeps
	Lanes    = 4
)

// Reasons why a person is in the queue, as bits that add up.
type Reason uint16

const (
	ReasonNew      Reason = 1 << iota // never seen before
	ReasonInputs                      // CRM inputs changed
	ReasonActivity                    // a source saw them
	ReasonDue                         // time
	ReasonConfig                      // the config changed
	ReasonRetry                       // an earlier attempt failed or was degraded
	ReasonSweep                       // the sweep met, or missed, a record
	ReasonText                        // better texts are owed (first sync gives rules texts)
	ReasonMerge                       // records were merged, converted or split
	ReasonAsked                       // an admin asked
	ReasonFields                      // a human changed or emptied one of our fields
)

// Entry is a claimed queue entry. Done removes it only if Gen is still the stored one: work that came in meanwhile stays.
type Entry struct {
	Person   PersonID
	Lane     Lane
	Gen      uint32
	Reason   Reason
	Since    time.Time // when the person joined the queue
	Attempts uint8
}

// Person is the core record of one person: compact, encoded by hand (aim: with contact and due entry under 300 bytes settled).
type Person struct {
	Contacts []connectors.Ref // the CRM records of this person, the primary one first
	// Hashes of what the last acknowledged result rests on; 0 if there is none.
	Events, Extraction, Scoring uint64
	Features                    []byte // score.Features, encoded by package score
	Shown                       []byte // score.Shown, encoded by package score
	Sources                     []SourceCount
	Flags                       PersonFlags
	Verdict                     string
	Due                         time.Time // zero: never
}

// SourceCount is how many events of a source the features rest on.
type SourceCount struct {
	Source string
	Events uint32
}

// PersonFlags are marks on a person.
type PersonFlags uint8

const (
	FlagDegraded  PersonFlags = 1 << iota // the texts are less than the config asks for
	FlagStale                             // a source did not answer
	FlagRulesText                         // rules texts of a first sync: model texts are owed
)

// OwnFields is the number of own field slots in a contact record: the index of a field in connectors.Fields.
const OwnFields = 16

// Contact is what is known of one CRM record.
type Contact struct {
	Person   PersonID
	Inputs   uint64            // hash of the CRM inputs that were last enqueued
	Seen     uint64            // hash of the CRM inputs that the last acknowledged result rests on
	Wrote    [OwnFields]uint32 // hash of the value of each own field as the CRM last acknowledged it; 0: never written
	Held     uint16            // bit i: a human holds connectors.Fields[i]
	WroteAt  time.Time         // when the last patch was acknowledged
	Modified time.Time         // the record's modification time after it, as far as known
	Paused   bool              // archived in the CRM
	Missing  time.Time         // since when the CRM says it never heard of the record; zero: it is there
	Checked  bool              // values that were there before this state were looked at (Authorship)
}

// Pending is a journalled patch: everything to send it, and everything to commit once it is acknowledged.
type Pending struct {
	Seq      uint64 // assigned by Stage; grows
	Person   PersonID
	Patch    connectors.Patch
	Staged   time.Time
	Attempts uint8
	Sent     bool     // it may have reached the CRM
	Maybe    []uint32 // hashes (field index<<… folded by the caller) of values that an unacknowledged earlier patch may have left
	Token    string   // bulk job that carries it, "" if none
	Inputs   uint64   // Contact.Seen once acknowledged
	Next     *Person  // the person's record once acknowledged; nil: leave as it is
	Receipt  []byte   // to be stored once acknowledged, as PutReceipt takes it; nil: none
	Score    int32    // tenths, for the history; −1: none
}

// Dead is a dead letter: one record or person that cannot be done as things stand.
type Dead struct {
	Person   PersonID
	Ref      connectors.Ref // zero when it concerns the person
	Code     string
	Message  string // the vendor's own words, redacted
	Op       string
	At       time.Time
	First    time.Time
	Attempts int
	Inputs   uint64 // retried when these change …
	Config   uint64 // … or this
}

// Link is one identifier of a person beyond what their records say now, and why it is theirs; or, Nobodys, one that is not theirs
// alone and therefore leads to nobody.
type Link struct {
	Kind    LinkKind
	Value   string
	Source  string
	Reason  string
	At      time.Time
	Nobodys bool `json:",omitempty"`
}

// LinkKind is the kind of an identifier.
type LinkKind uint8

const (
	LinkEmail LinkKind = iota + 1
	LinkPhone
	LinkUserID
	LinkAnonymousID
	LinkRecord // a CRM record that lives on in another one
)

// HistoryPoint is one written score.
type HistoryPoint struct {
	At    time.Time
	Score int32 // tenths
	Tier  uint8
}

// Usage is what one day cost.
type Usage struct {
	Model    map[string]connectors.Usage `json:"model"`   // by purpose
	Calls    map[string]int64            `json:"calls"`   // CRM and source calls by connector
	Written  int64                       `json:"written"` // patches acknowledged
	People   int64                       `json:"people"`  // people inferred
	Degraded int64                       `json:"degraded"`
}

// Run is what is remembered of a recurring job.
type Run struct {
	Name     string        `json:"name,omitempty"`
	Last     time.Time     `json:"last,omitzero"` // last start
	Good     time.Time     `json:"good,omitzero"` // last success
	Error    string        `json:"error,omitempty"`
	Duration time.Duration `json:"duration,omitzero"`
	Items    int64         `json:"items"`
}
