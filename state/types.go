package state

import (
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// PersonID is the key of what is scored in this state: a person, so far. It never leaves it but as an opaque number. Bits 30 and 31 are the
// kind, so that queue, due times, receipts, history and journal, which hold all 32 bits, know whose they are. There is one due time for
// all scores, the soonest; what else is kept of a score other than connectors.DefaultScore is to have its name behind the key, so that
// what there is stays where it is.
type PersonID uint64

// Subject is the kind of what is scored.
func (id PersonID) Subject() connectors.Subject { return connectors.Subject(id >> 30 & 3) }

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
	ReasonLetter                      // the time of a dead letter has come
	ReasonWaits                       // until the time a connector named: a resume lets them go at once
	ReasonBatch                       // until a job of prompts is answered
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
	Tier                        Tier
	Standing                    Standing
	Verdict                     string
	Due                         time.Time // zero: never
	Arm                         Arm
}

// Arm is which side of the comparison with people held out somebody drew when they were first to be written. It is kept when they are let go
// later: who is compared is compared as drawn.
type Arm struct {
	Since time.Time // in whole seconds; zero: they are not in the comparison
	Held  bool      // they drew to be held out
	Mixed bool      // merged out of people who drew differently, or with somebody shown before: not compared
}

// Tier is the tier that the CRM shows of a person: 0 while nothing was ever written, else one more than the caller's number of
// the tier, which is at most 3. How many people are in each stands in Stats.
type Tier uint8

// Tiers is how many values a Tier has.
const Tiers = 5

// Standing is where a person stands among all. Score, trend, stage and product are those the CRM shows; evidence and owner are as of when the
// person was last worked out. Evidence, trend and stage are the caller's numbers, at most 7, 7 and 3.
type Standing struct {
	Score        uint16 // tenths, at most 1000
	Evidence     uint8  // the class in which scores are counted: what decides the tier besides the score; 0: not looked at
	Trend, Stage uint8
	Product      uint8 // Mark of its name
	Owner        uint8 // Mark of the CRM's id of who owns the person's first record
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
	FlagHeldOut                           // nothing is written of them: Shown and Tier are what would be shown
)

// Contact is what is known of one CRM record.
type Contact struct {
	Person   PersonID
	Inputs   uint64 // hash of the CRM inputs that were last enqueued
	Scored   uint64 // hash of the CRM inputs that the last acknowledged result rests on
	Own      OwnFields
	WroteAt  time.Time // when the last patch was acknowledged
	Modified time.Time // the record's modification time after it, as far as known
	Paused   bool      // archived in the CRM
	Missing  time.Time // since when the CRM says it never heard of the record; zero: it is there
	Checked  bool      // values that were there before this state were looked at (Authorship)
}

// Clone is a copy that shares no memory with c.
func (c Contact) Clone() Contact {
	c.Own = slices.Clone(c.Own)
	return c
}

// Pending is a journalled patch: everything to send it, and everything to commit once it is acknowledged. It counts as possibly
// sent from the moment it is staged, so that no commit is needed before a send.
type Pending struct {
	Seq     uint64 // assigned by Stage; grows
	Person  PersonID
	Patch   connectors.Patch
	Staged  time.Time
	Way     Way
	Token   string    // of the bulk job that carries it, where Way is InJob
	Bulk    bool      // may wait for a bulk job
	Alone   bool      // was refused before: to be sent in batches of its kind
	Maybe   []uint32  // FieldHash of values that unacknowledged earlier patches may have left
	Inputs  uint64    // Contact.Scored once acknowledged
	Read    time.Time // the record's own modification stamp when it was read
	Next    *Person   // the person's record once acknowledged; nil: leave as it is
	Receipt []byte    // to be stored once acknowledged, as PutReceipt takes it; nil: none
	Score   int32     // tenths, for the history; −1: none
	Trend   uint8     // for the history, at most 7
	Reason  string    // for the history: why it is written
	Alerts  []string  // the channels that tell of the change of tier, once it is the person's: see Alert
	Entered bool      // they tell of it though the state has the tier already: the CRM never showed it, because the person was held out
}

// Way is how far a journalled patch is on its way to the CRM.
type Way uint8

const (
	Waiting Way = iota // to be sent, or being sent: only the process that sends knows
	InJob              // carried by the bulk job named by Token
	Void               // not to be sent any more; kept for what it may have left, until the next patch of its record replaces it
)

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
	Inputs   uint64 // hash of the CRM inputs at the time
	Config   uint64 // hash of the scoring config at the time

	Wanted   uint64    // hash of what was to be written: tried again when it changes …
	Modified time.Time // … when the record's own modification stamp has moved past this …
	Next     time.Time // … and in any case then
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
	At     time.Time
	Score  int32 // tenths
	Tier   uint8
	Trend  uint8  `json:",omitempty"` // the caller's number of it, at most 7; 0 in points of releases before this one
	Reason string `json:",omitempty"` // why it was written; "" in those points
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
