package state

import (
	"time"

	"github.com/intentd/intentd/connectors"
)

// What becomes of the people of a lot. Each is settled alone: one whose settlement fails is set aside, and the others of the lot stand.

// Outcome is what becomes of a claim.
type Outcome uint8

const (
	Finish   Outcome = iota // nothing is left to do
	Return                  // it comes back: Lane, At, Why
	Await                   // one of Refs has a patch on its way: it comes back when that is dealt with
	Follow                  // the record Old lives on in Into
	Join                    // the person is Other, too
	Split                   // the records Refs are somebody else's
	Park                    // no record is live: nothing more is due, and nothing is written
	Erase                   // the CRM has erased every record: the person is forgotten
	Commit                  // Next is the person's result, with nothing to write
	Stage                   // Next is the person's result once the CRM took Patches
	SetAside                // Failure keeps the person from being worked on
)

// Settlement is what a lot made of one claimed person.
type Settlement struct {
	Entry   Entry
	Outcome Outcome

	// What was noticed, kept whatever the outcome.
	Records    []RecordChange
	Verdict    *VerdictAt       // the rep's, where it was read anew
	Drawn      *Arm             // what they drew now that they are first to be written; nil: nothing
	LetGo      bool             // they are held out no more
	Scored     []RecordInputs   // what the present result rests on
	Identities *Identified      // what identifies the person; nil: as the state has it
	Withdrawn  time.Time        // when the person withdrew their consent: what was kept of before goes; zero: they did not
	Stale      bool             // a source did not answer: the last score stays, marked
	Letters    []connectors.Ref // dead letters that are none any more; a zero one is the person's own
	Retry      time.Time        // when the first of the dead letters that stay is tried; zero: none

	Lane Lane
	At   time.Time // of Return; of Commit and Stage, when what is owed is tried, zero: nothing is
	Why  Reason

	Refs      []connectors.Ref     // of Await, Split, Park and Erase
	Old, Into connectors.Ref       // of Follow
	Contacts  []connectors.Contact // the records as read: of Follow that of Old, of Split and Erase all
	Other     PersonID             // of Join

	Next     *Person
	Snapshot []byte     // of Commit and Stage: what Next's score rests on, as its caller encodes it; nil: as before
	Receipt  []byte     // of Commit; nil: none
	Score    int32      // of Commit of somebody held out: tenths, for the history; −1: none
	Patches  []*Pending // of Stage
	Failure  error      // of SetAside
}

// RecordChange is what was noticed of one record: what differs between Was and Is is stored.
type RecordChange struct {
	Ref     connectors.Ref
	Was, Is Contact
}

// RecordInputs are the inputs of a record that a result rests on.
type RecordInputs struct {
	Ref    connectors.Ref
	Inputs uint64
}

// Lot are the settlements of people who went through together, under one config.
type Lot struct {
	Settlements []Settlement
	Rules       *IdentityRules
	Now         time.Time
	Config      uint64            // hash of the scoring config
	Settings    map[string][]byte // what receipts refer to, by key: kept once
}

// LotStaged is what staging a lot did.
type LotStaged struct {
	Failed []FailedPerson // set aside, because their settlement could not be stored
	PutOff int            // people who are not forgotten today: see erasuresADay
}

// FailedPerson is somebody whose settlement could not be stored.
type FailedPerson struct {
	Person PersonID
	Err    error
}
