package intent

import (
	"context"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

// Sentence is one claim of a text with the event ids it rests on. A sentence without citations is never shown.
type Sentence struct {
	Text  string   `json:"text"`
	Cites []string `json:"cites"` // event ids
}

// Topic is something the person read about. Trusted ones may score; the others are for display.
type Topic struct {
	Name    string   `json:"name"`
	Cites   []string `json:"cites"`
	Trusted bool     `json:"trusted"`
}

// Intent is what somebody wants, as an engine reads it. The score is none of its business.
type Intent struct {
	Headline  Sentence         `json:"headline"` // one line; its first 60 characters stand alone
	Sentences []Sentence       `json:"sentences"`
	NextStep  Sentence         `json:"next_step"`
	NextLow   Sentence         `json:"next_low,omitzero"` // takes NextStep's place where the tier is low; empty: the same
	Later     []Later          `json:"later,omitempty"`   // what it says from some day on, if nothing new comes; oldest first
	Class     Class            `json:"class,omitempty"`
	Marks     []Mark           `json:"marks,omitempty"` // what speaks against a purchase, apart from the score's parts
	Topics    []Topic          `json:"topics"`
	Product   string           `json:"product"` // of the configured catalogue, or ""
	Stage     score.Stage      `json:"stage"`   // score.StageUnknown: let the rules decide
	Interest  score.Interest   `json:"interest"`
	Tier      score.Tier       `json:"tier"`     // the model's own word, for engine: model only
	Engine    string           `json:"engine"`   // "rules" or the model's name
	Degraded  string           `json:"degraded"` // why better texts were not to be had; "" if they are the best the config asks for
	Prompt    string           `json:"prompt"`   // prompt version
	Usage     connectors.Usage `json:"usage"`
}

// At are the texts as they are to be read at a moment, by somebody whom that tier is shown for.
func (in *Intent) At(at time.Time, tier score.Tier) (headline Sentence, sentences []Sentence, next Sentence) {
	headline, sentences, next = in.Headline, in.Sentences, in.NextStep
	if tier == score.Low && in.NextLow.Text != "" {
		next = in.NextLow
	}
	for i := range in.Later {
		if l := &in.Later[i]; !at.Before(l.From) {
			headline, sentences, next = l.Headline, l.Sentences, l.NextStep
		}
	}
	return headline, sentences, next
}

// Later are the texts as they must read from a day on: what was fresh is old by then.
type Later struct {
	From      time.Time  `json:"from"`
	Headline  Sentence   `json:"headline"`
	Sentences []Sentence `json:"sentences"`
	NextStep  Sentence   `json:"next_step"`
}

// Mark is something that lowers how ready somebody is, for the reasons.
type Mark struct {
	What MarkKind `json:"what"`
	At   int64    `json:"at,omitempty"` // Unix seconds, 0 if there is no day to it
}

// MarkKind says what lowers.
type MarkKind string

// The marks.
const (
	MarkUnsent       MarkKind = "unsent"     // a form was begun and not sent
	MarkUnpaid       MarkKind = "unpaid"     // left before paying
	MarkNoReply      MarkKind = "no_reply"   // our quote waits for a reply
	MarkLess         MarkKind = "less"       // asks for less than before
	MarkColleague    MarkKind = "colleague"  // the request is a colleague's
	MarkCustomer     MarkKind = "customer"   // visits of customers do not count
	MarkCompetitor   MarkKind = "competitor" // which does not change the number
	MarkCareers      MarkKind = "careers"    // careers pages do not count
	MarkPress        MarkKind = "press"      // press forms do not count
	MarkSupplier     MarkKind = "supplier"   // supplier forms do not count
	MarkUnsubscribed MarkKind = "unsubscribed"
	MarkMissed       MarkKind = "missed"
	MarkCancelled    MarkKind = "cancelled"
	MarkRefused      MarkKind = "refused"
	MarkStuck        MarkKind = "stuck"
	MarkHostile      MarkKind = "hostile"
)

// Subject is whom to infer the intent of.
type Subject struct {
	Journey  *journey.Journey
	Profile  connectors.Profile
	Customer bool      // by the CRM
	Domain   string    // of the person's mail address
	Told     time.Time // when the last text was written; zero if there is none
	Now      time.Time
	Language string // en | de
	Location *time.Location
	// Last says that nothing a model says can change the person's tier: under a daily budget they go after the others, and what is kept
	// for those is not for them.
	Last bool
}

// Engine reads intent out of journeys. Version changes when its answers might: the extraction hash of the invariants.
// Infer never fails for one person's sake: what goes wrong with the model yields rules texts with Degraded set. Its error is
// for the end of the context only.
type Engine interface {
	Infer(ctx context.Context, s Subject) (Intent, error)
	Version() uint64
}

// LotEngine infers many people at once, so that one model call can serve several of them. InferAll returns one Intent per subject,
// in order; as Infer, it fails only when ctx has ended, and then returns nothing.
type LotEngine interface {
	Engine
	InferAll(ctx context.Context, subjects []Subject) ([]Intent, error)
}

// Estimator is a model that can say beforehand what a call may cost at most, in micro USD. Where a model cannot, nothing is reserved,
// and the budget may be overrun by the calls in flight.
type Estimator interface {
	Estimate(p connectors.Prompt) int64
}

// Store keeps what must not be paid twice. Values written are durable within 100 ms.
type Store interface {
	// Cached and Cache are the stage-1 cache shared over all people; keys are HMACs, values hold only redacted content.
	Cached(key []byte) ([]byte, bool)
	Cache(key, value []byte)
	// Answer and KeepAnswer hold one value per person: the last answer, with the stage-1 summaries that are the person's alone. inputs
	// is the hash of what makes a value readable at all; a value kept under another one may be forgotten.
	Answer(person string, inputs uint64) ([]byte, bool)
	KeepAnswer(person string, inputs uint64, value []byte)
	// Reserve asks for room in today's budget before a call, last for people who go last alone; it returns false when there is none.
	// Spend books what a call used, against the day.
	Reserve(estimate int64, last bool) bool
	Spend(purpose string, u connectors.Usage, estimate int64)
}

// MaxCites bounds the citations of one sentence or topic: enough to check it by, few enough to read.
const MaxCites = 8

// Class is who somebody is, where that goes before what they want.
type Class string

// The classes. All but the customer get no sales step.
const (
	ClassCustomer   Class = "customer"
	ClassCompetitor Class = "competitor"
	ClassStudent    Class = "student"
	ClassJobSeeker  Class = "job_seeker"
	ClassPress      Class = "press"
	ClassSupplier   Class = "supplier"
	ClassNone       Class = ""
)

// Negative classes get no sales step.
func (c Class) Negative() bool { return c != ClassNone && c != ClassCustomer }
