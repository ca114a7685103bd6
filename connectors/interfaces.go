package connectors

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"time"
)

// Cursor is a connector's opaque, small, self-versioned position in a feed. The host stores it and never looks inside.
// A connector given a cursor of its own older version reads it; one it cannot read is a Config error that says so.
type Cursor []byte

// Page is one step through a feed. Next is to be saved together with Items' effects; More says that the next page can be
// asked for at once. Items may be empty while More is true, and Next moves even when Items is empty.
type Page[T any] struct {
	Items []T
	Next  Cursor
	More  bool
}

// CRM is a system of record that intentd watches and writes to. All methods are safe for concurrent use.
type CRM interface {
	// Changes returns records changed since from, at least once each, in no promised order. A nil cursor starts at the
	// present and returns an empty page: what existed before comes from Sweep. One call makes a bounded number of requests.
	Changes(ctx context.Context, from Cursor) (Page[Contact], error)
	// Read returns the present, strongly consistent records, one Contact per ref in the order of refs. A record that is not
	// live is told by its State (Into where it is known), never by an error and never by leaving it out. Any number of refs.
	// A connector may answer once from a sweep's page of the last minutes if its Write then keeps what people set since.
	Read(ctx context.Context, refs []Ref) ([]Contact, error)
	// Write applies patches and returns one Result each, in order, whatever the size; the error is for what concerns all of
	// them (Auth, Quota, Transient …) and then the results given so far are still returned, in full length, the rest carrying
	// that error. Sending a patch again is harmless.
	Write(ctx context.Context, patches []Patch) ([]Result, error)
}

// Source is a system that knows journeys. All methods are safe for concurrent use.
type Source interface {
	// Active returns people who did something since from, at least once each, with every identifier the source links to
	// them. Ordered by ingest, not by event time. A nil cursor starts at the oldest the source has.
	Active(ctx context.Context, from Cursor) (Page[Person], error)
	// Journeys yields the events of all people in w, in no promised order, duplicates allowed. The source expands
	// identifiers by the links it knows. An error ends the sequence: what was yielded before is then incomplete for everyone.
	Journeys(ctx context.Context, people []Person, w Window) iter.Seq2[Event, error]
}

// Feed is a system whose events are taken in whole, into the embedded event store, which answers for them as a Source. All methods
// are safe for concurrent use.
type Feed interface {
	// Take returns the events that came since from, at least once each, ordered by intake, not by event time. The host stores them
	// and Page.Next in one commit, so that a crash neither loses nor repeats a page. A nil cursor starts at the oldest the feed
	// has. One call makes a bounded number of requests and returns a bounded page, whose Items are the host's to change.
	Take(ctx context.Context, from Cursor) (Page[Event], error)
}

// Waker is a Feed that learns by itself that there is something to take.
type Waker interface {
	// OnNews names what is called then, from any goroutine; it returns at once. The host takes from the feed soon after.
	OnNews(wake func())
}

// Receiver is sent its events over HTTP instead of being asked for them. The host listens for it, and the event store answers for it as a
// Source.
type Receiver interface {
	// Address is where the host listens: host and port.
	Address() string
	// Handler answers those who send. Whatever it answers for as taken was put into the inbox before.
	Handler(inbox Inbox) http.Handler
}

// Inbox keeps what a receiver is sent. Its methods are safe for concurrent use.
type Inbox interface {
	// Put keeps events, which are the inbox's to change: all of them in one commit, durable when it returns, or none. What cannot be kept is
	// counted; events of one id that come again are kept once.
	Put(events []Event) error
	// Count adds to the counts of what was read and could not be: nothing that was sent is left out without a count.
	Count(i Intake)
}

// Proposal is what a visitor says of who they are, where anybody could say so: it is so once something else that is trusted says the same.
type Proposal struct {
	Person      string    `json:"-"`            // key of the person asked about
	Kind        string    `json:"kind"`         // user_id, email or phone
	Value       string    `json:"-"`            // in the one form of the kind
	AnonymousID string    `json:"anonymous_id"` // of the visitor
	Event       string    `json:"event"`        // id of the event that said so last
	First       time.Time `json:"first"`        // when it was said first and last
	Last        time.Time `json:"last"`
	Confirmed   string    `json:"-"` // by what and when, in words, of one that is to be confirmed
}

// Proposer is a source that keeps proposals and the events of those visitors, of which it tells when the proposal is confirmed.
type Proposer interface {
	// Proposals are those that would make visitors one of the people, the latest first for each.
	Proposals(ctx context.Context, people []Person) ([]Proposal, error)
	// Confirm makes the visitors who they said they are, all of them or none. The people are told by Active then.
	Confirm(ctx context.Context, proposals []Proposal) error
}

// Forgetter is a source with a store of its own from which a person can be erased. It erases all events and links of the
// identifiers (and those it links to them) and reports how many events went.
type Forgetter interface {
	Forget(ctx context.Context, p Person) (events int, err error)
}

// Withdrawer is a Forgetter that can erase what somebody did until they withdrew their consent, and keep what says who they are and that
// they did. by is the CRM's property that says so, "" where they did themselves.
type Withdrawer interface {
	Withdraw(ctx context.Context, p Person, until time.Time, by string) (events int, err error)
}

// Model gives one structured answer. It may be a [Capable], a [Batcher], a [Prober], a [Reporter], a [Releaser] and an [Estimator], too.
type Model interface {
	Generate(ctx context.Context, p Prompt) (Completion, error)
}

// Capable is a model that tells what its provider can.
type Capable interface {
	// Can may ask the provider, which is done once. An error says that this could not be found out now.
	Can(ctx context.Context) (Abilities, error)
}

// Abilities are what a provider can.
type Abilities struct {
	Images bool          // reads pictures
	Schema SchemaSupport // keeps to the form of an answer
	Bound  bool          // keeps to Prompt.MaxTokens
	Batch  bool          // takes jobs: see Batcher
	Cache  bool          // bills repeated beginnings of prompts for less, by itself
}

// Batcher is a model that takes many prompts as one job, for less money and some hours later. The host chooses a job's token and
// journals it before it submits: after a crash the job is found by the token, neither lost nor paid twice.
type Batcher interface {
	// Batching tells what a job may be; nil: this model takes none.
	Batching() *BatchTerms
	// Submit opens a job, by one request that is never repeated. After an error of kind Transient nobody knows whether the job was
	// opened, and Poll tells; after any other it was not.
	Submit(ctx context.Context, token string, prompts []Prompt) error
	// Poll tells whether a job is over, and then what came of its prompts, in no order; what is missing was not answered. An error of
	// kind Gone says that there is no such job. Answers have not passed Prompt.Check.
	Poll(ctx context.Context, token string) (done bool, answers []BatchAnswer, err error)
	// Discard ends a job and deletes what the vendor holds of it, prompts and answers. One that is unknown is discarded without an error.
	Discard(ctx context.Context, token string) error
}

// BatchTerms are what a job may be and costs.
type BatchTerms struct {
	Share    float64       // of the price of the same prompts asked one by one
	Prompts  int           // of one job at most
	Bytes    int           // of all its prompts at most
	Deadline time.Duration // after which a job is given up
}

// BatchAnswer is what came of one prompt of a job. Err is of kind Rejected where an answer was paid for and cannot be used, or of another
// where there was none.
type BatchAnswer struct {
	Prompt int // which of those submitted
	Completion
	Err error
}

// SchemaSupport is how far a provider keeps to Prompt.Schema. Whoever asks checks the answer in any case.
type SchemaSupport string

const (
	SchemaStrict SchemaSupport = "strict" // answers have the schema's form
	SchemaJSON   SchemaSupport = "json"   // answers are JSON; the form is told in the prompt
	SchemaNone   SchemaSupport = "none"   // answers are text; the form is told in the prompt
)

// Prompt asks for JSON under a schema. System is trusted text; User may hold quoted untrusted text.
type Prompt struct {
	Purpose      string // stage1, stage2, topics: for metrics, the ledger, and settings that differ by it
	System, User string
	Images       []Image
	Schema       json.RawMessage // JSON schema of the answer
	MaxTokens    int             // of the answer; 0 leaves the model's default
	// Check, where set, says what is wrong with an answer beyond what a schema says. A model that gives many such answers in a row
	// stops being asked: each was paid for. Whoever asks reads the answer with the same care, for not every model looks.
	Check func(answer []byte) error
}

// Image is a decoded-and-verified picture.
type Image struct {
	MIME string
	Data []byte
}

// Usage counts what a model call used. MicroUSD is the cost in millionths of a US dollar at the connector's price table.
type Usage struct {
	Calls    int   `json:"calls"`
	In       int   `json:"in"`
	Out      int   `json:"out"`
	Thoughts int   `json:"thoughts"`
	Cached   int   `json:"cached"`
	MicroUSD int64 `json:"micro_usd"`
}

// Add is the sum of two usages.
func (u Usage) Add(v Usage) Usage {
	return Usage{u.Calls + v.Calls, u.In + v.In, u.Out + v.Out, u.Thoughts + v.Thoughts, u.Cached + v.Cached, u.MicroUSD + v.MicroUSD}
}

// Completion is a model's answer. Usage is set even when the answer is an error of kind Rejected (blocked, cut, empty, not JSON, refused by
// Prompt.Check).
type Completion struct {
	JSON  []byte
	Model string
	Usage Usage
}

// Account is a CRM that can tell which portal or org its credentials belong to. State is bound to it.
type Account interface {
	Account(ctx context.Context) (AccountInfo, error)
}

// AccountInfo describes a portal or org.
type AccountInfo struct {
	ID, Name, Type string
	Location       *time.Location // the account's time zone; daily quotas reset at its midnight
	ServerTime     time.Time      // by the Date header of the answer; zero if absent
}

// Sweeper is a CRM that can be walked from end to end: the first sync, and the slow pass that finds what polling cannot
// (removals, merges, changes that do not bump the modification time). A nil cursor starts a pass; More is false at its end.
type Sweeper interface {
	Sweep(ctx context.Context, from Cursor) (Page[Contact], error)
	// Count estimates how many records a pass meets, for progress and plans.
	Count(ctx context.Context) (int, error)
}

// NameSearcher is a CRM that looks for people by name.
type NameSearcher interface {
	// Named are up to n records of each object that the words name, by the CRM's own search, in one call: with profile and owner, and no
	// more. What was changed a moment ago may be missing.
	Named(ctx context.Context, words string, n int) ([]Contact, error)
}

// SyncEstimator is a CRM that knows what a first sync of so many records costs in calls, its own sources included, when so many of them
// are written.
type SyncEstimator interface {
	FirstSyncCalls(records, written int) int
}

// Authorship is a CRM whose history tells which of intentd's fields a person last set by hand, in the CRM's own
// screens or app. What an import, an integration, a sync, an automation or the vendor itself set is nobody's edit, even under a
// user's name; a source of a change that the connector does not know counts as a person's where the history names one.
// It is asked only about records that hold values this state has no memory of having written.
type Authorship interface {
	HumanEdited(ctx context.Context, refs []Ref) (map[Ref]Edits, error)
}

// Edits are what the history tells of one record.
type Edits struct {
	Fields    []string  // canonical names of the fields that a person last set by hand, the verdict apart
	VerdictAt time.Time // when the rep's verdict was last changed, zero where nothing tells
}

// IDNormaliser is a CRM that names one record by ids of several forms. NormalID is the form in which Ref.ID stands, of an id that a
// person wrote: for a config, explain, forget, export or dead. What is no id of the object ("": of any of the CRM's) comes back as it is.
type IDNormaliser interface {
	NormalID(object, id string) string
}

// BulkWriter writes large sets as jobs. The host stores a job's token in its journal before Upload sends anything and polls until
// the job is over, after a crash with the stored token. Whatever a job does not tell to have been taken is to be sent again with
// Write: values are absolute, so that sending them twice is harmless, and Write tells how the connector stands at present.
//
// An error of kind Gone, from any of the methods, says that there is no such job, or that it cannot go on: the token is given up, and
// the rows go with Write. Every other error is about the call: the job, if it was opened, is as it was, and its token is kept. No
// error is of kind Rejected.
type BulkWriter interface {
	// Submit opens a job; nothing is sent.
	Submit(ctx context.Context, object string) (token string, err error)
	// Upload sends the rows and closes the job for input.
	Upload(ctx context.Context, token string, patches []Patch) error
	// Poll tells whether a job is over, and then what became of its rows, in no order. How a job ended is no state of the
	// connector: a row that it did not take for anything but itself has a result of kind Transient, or none, and an end of which
	// nothing more can be told is an error of kind Gone beside done and the results known so far.
	Poll(ctx context.Context, token string) (done bool, results []Result, err error)
	BulkThreshold() int // patches of one object from which a bulk job is cheaper
	BulkSize() int      // patches that one job carries at most: the host fills jobs up to it
}

// BulkAborter is a BulkWriter whose jobs can be ended: the host aborts one that is not over by its deadline, which frees the vendor's
// place for another. A job that is over, or unknown, is aborted without an error. Poll then tells, soon or at once, what
// the job had done until then.
type BulkAborter interface {
	Abort(ctx context.Context, token string) error
}

// OwnerReader is a CRM that tells who owns records: see Contact.Owner.
type OwnerReader interface {
	// OwnerAddress is the e-mail address of an owner, "" of one who has none: a queue, or somebody who left. Without an owner it only finds
	// out whether owners may be read.
	OwnerAddress(ctx context.Context, owner string) (string, error)
}

// OwnerNamer is a CRM that tells what owners are called, many at once: see Contact.Owner.
type OwnerNamer interface {
	// OwnerNames are names by owner, an e-mail address of who has no name. Those that are not known any more, and queues, are left out.
	OwnerNames(ctx context.Context, owners []string) (map[string]string, error)
}

// RecordLinker is a CRM whose records have pages of their own for people to look at.
type RecordLinker interface {
	RecordURL(ctx context.Context, ref Ref) (string, error)
}

// Deal is a closed deal with the people on it.
type Deal struct {
	Ref
	Name, Stage, Pipeline string
	Amount                string
	Won                   bool
	Created, Closed       time.Time
	Contacts              []Ref
}

// DealReader reads closed deals, won and lost.
type DealReader interface {
	// Deals returns closed deals changed since from, at least once each, in no promised order. With a nil cursor it begins at those that were
	// changed since then; a zero time: at the oldest. One that was closed since then was changed since then.
	Deals(ctx context.Context, from Cursor, since time.Time) (Page[Deal], error)
}

// TouchReader is a CRM that knows when the own team dealt with people: calls, mails, tasks, meetings.
type TouchReader interface {
	// Touches are the times since a moment, in order, by record; a record without any is left out. Refs of other CRMs are left out, too.
	Touches(ctx context.Context, refs []Ref, since time.Time) (map[Ref][]time.Time, error)
}

// ChangesReader is a CRM that follows a log of changes which the vendor keeps for a while only. ChangesAt tells how far a cursor of Changes
// has come in it, nil where the cursor is of no such log. It makes no request.
type ChangesReader interface {
	ChangesAt(cursor Cursor) (*Followed, error)
}

// Followed is how far a log of changes was read.
type Followed struct {
	CaughtUp time.Time        `json:"caught_up"`         // when nothing newer was in it, to the minute
	Read     time.Time        `json:"read,omitzero"`     // when what was read last was published
	Late     time.Duration    `json:"late"`              // unread for so long, the log may soon have lost what was not read
	Skipped  map[string]int64 `json:"skipped,omitempty"` // entries that told of nothing here, by reason, ever
	// Gaps are the times when the log did not reach back to where it was read last, ever; the last of them spans GapFrom to GapTo.
	Gaps    int64     `json:"gaps,omitempty"`
	GapFrom time.Time `json:"gap_from,omitzero"`
	GapTo   time.Time `json:"gap_to,omitzero"`
	Removed time.Time `json:"removed,omitzero"` // since when the account does not let intentd read; zero: it does
}

// Trouble says what is wrong, "" if nothing is.
func (f Followed) Trouble(now time.Time) string {
	if behind := now.Sub(f.CaughtUp); behind > f.Late {
		return fmt.Sprintf("has not read its log of changes to the end for %s", behind.Truncate(time.Minute))
	}
	return ""
}

// Reporter tells a connector's present condition for health, metrics and status. It makes no request.
type Reporter interface {
	Report() Report
}

// Releaser is a connector that holds back its own calls: for a limit that its vendor stated, or a credential that was refused.
// Release ends all of that, so that the next call asks the vendor: an admin says that the cause is gone. It makes no request.
type Releaser interface {
	Release()
}

// Report is a connector's condition. Figures a vendor does not tell are −1.
type Report struct {
	Calls          int64     `json:"calls"`        // requests, of them repeated, of them answered 429, since start
	Retries        int64     `json:"retries"`      // requests, of them repeated, of them answered 429, since start
	RateLimited    int64     `json:"rate_limited"` // of them answered 429
	BytesSent      int64     `json:"bytes_sent"`
	BytesReceived  int64     `json:"bytes_received"`
	DailyLimit     int64     `json:"daily_limit"`            // −1 where unknown
	DailyRemaining int64     `json:"daily_remaining"`        // −1 where unknown
	Used           string    `json:"used_today,omitempty"`   // of what the configuration allows a day, where that is no number of calls: "3.2 GB of 100.0 GB"
	BlockedUntil   time.Time `json:"blocked_until,omitzero"` // a limit is being waited out until then
	LastError      string    `json:"last_error,omitempty"`   // redacted
	// FailingSince is when the first of the calls failed that have failed in a row since, Failing how many those are. A connector
	// that is not followed call by call (a model) tells them; zero while calls go well.
	FailingSince time.Time `json:"failing_since,omitzero"`
	Failing      int64     `json:"failing,omitempty"`
	// Skew is the local clock minus the vendor's Date header, as last seen at SkewAt; SkewAt is zero if never seen.
	Skew   time.Duration `json:"skew,omitzero"`
	SkewAt time.Time     `json:"skew_at,omitzero"`
}

// IntakeReader is a Feed that tells what became of what it read up to a cursor of its own.
type IntakeReader interface {
	Intake(at Cursor) (Intake, error)
}

// IntakeReporter is a Source that counts what it takes in.
type IntakeReporter interface {
	Intake() (Intake, error)
}
