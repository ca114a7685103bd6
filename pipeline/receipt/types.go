// Package receipt is the explanation of one written score: enough to recompute it offline and to tell a person why.
//
// Terms. A line names what one counted signal, one cited event or one matched topic was; the arithmetic itself is in Features and
// Settings. To cite is to rest a sentence on an event.
//
// Promises: a receipt recomputes to its own number without network, state or clock ([Receipt.Recompute]); [Receipt.Verify] finds
// every sentence that cites an event which does not exist; and what [Receipt.Text] prints holds no e-mail address of the person and
// nothing that a terminal would obey.
package receipt

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/fit"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

// Receipt explains one score. It is stored as [Receipt.Append] packs it, compressed, and printed as JSON.
type Receipt struct {
	Person   string            `json:"person"`
	At       time.Time         `json:"at"`      // the moment the score was computed for
	Formula  string            `json:"formula"` // score.Version
	Settings score.Settings    `json:"settings"`
	Parts    score.Parts       `json:"parts"`
	Points   []score.Points    `json:"points,omitempty"` // under a learned model: what each of its terms adds
	Features score.Features    `json:"features"`
	Signals  []SignalLine      `json:"signals"`         // in the order of Features.Signals
	Cited    []CitedLine       `json:"cited,omitempty"` // events that a sentence or topic cites and that are no signals
	Topics   []TopicLine       `json:"topics"`
	Tier     score.Tier        `json:"tier"`
	Rule     score.Rule        `json:"rule"`
	Previous score.Shown       `json:"previous"`
	Stage    score.Stage       `json:"stage"`
	Trend    score.Trend       `json:"trend"`
	Product  string            `json:"product"`
	Interest score.Interest    `json:"interest"`
	Forecast score.Forecast    `json:"forecast"`
	Intent   intent.Intent     `json:"intent"`
	Filtered journey.Filtered  `json:"filtered"`
	LeftOut  []journey.LeftOut `json:"left_out,omitempty"` // events that did not count, by reason, the newest first
	Verdict  string            `json:"verdict,omitempty"`  // the rep's, as the CRM has it; Features.SetAside says what follows from it
	// Fit is how well the person suits by what the CRM says of them, where that was Graded; Combined: it is shown beside the tier, too. It is no part of the score.
	Fit      fit.Result `json:"fit,omitzero"`
	Graded   bool       `json:"graded,omitempty"`
	Combined bool       `json:"fit_combined,omitempty"`
	// Stale names sources that did not answer or were suddenly empty: the score rests on what they said before.
	Stale       []string          `json:"stale,omitempty"`
	Degraded    []string          `json:"degraded,omitempty"`    // every reason why this is less than the config asks for
	Written     map[string]string `json:"written,omitempty"`     // canonical field → value, as sent
	Provisional bool              `json:"provisional,omitempty"` // the texts are the rules' where a model is to write them: its texts follow
	Held        []string          `json:"held,omitempty"`        // fields a human holds: not written
	HeldOut     time.Time         `json:"held_out,omitzero"`     // since when the person is held out, as of now: nothing is written; zero: they are not. Not stored
	Refs        []connectors.Ref  `json:"refs,omitempty"`
	Links       []LinkLine        `json:"links,omitempty"` // what the person is known by now; not stored
	// Proposals are visitors who say now to be the person; not stored.
	Proposals []ProposalLine `json:"proposals,omitempty"`
	Reason    string         `json:"reason"` // why it was written (the gate's word)
	// Probability of winning, 0 to 1, under a learned model; not stored: it follows from parts and settings.
	Probability float64 `json:"probability,omitempty"`
}

// SignalLine names what one counted signal was.
type SignalLine struct {
	EventID string `json:"event"`
	Source  string `json:"source"`
	Kind    string `json:"kind,omitempty"` // of the event, as connectors.Kind… names it
	Object  string `json:"object"`
	Title   string `json:"title,omitempty"` // trusted; "" if there is none
	// Act is what it was, as a rep would name it; "" in receipts of earlier releases.
	Act act.Act `json:"act,omitempty"`
}

// CitedLine is an event of the journey that is cited without being a signal, such as a click.
type CitedLine struct {
	EventID string    `json:"event"`
	Source  string    `json:"source"`
	Kind    string    `json:"kind"`
	Time    time.Time `json:"time"`
}

// TopicLine is one matched pair of topics.
type TopicLine struct {
	Journey    string   `json:"journey"`    // the topic the person read about
	Configured string   `json:"configured"` // the win or loss topic it matched
	Win        bool     `json:"win"`
	How        string   `json:"how"` // exact | model | lexicon
	Points     int      `json:"points"`
	Events     []string `json:"events"`
	Counted    bool     `json:"counted"` // false: untrusted place, or the configured topic counted already
}

// LinkLine is one identifier of the person and why it is theirs, or nobody's. It is of the moment it is asked for: receipts are kept
// without.
type LinkLine struct {
	Kind    string    `json:"kind"`
	Space   string    `json:"space,omitempty"` // of user and anonymous ids
	Value   string    `json:"value"`           // addresses and phone numbers are shortened
	Reason  string    `json:"reason"`
	At      time.Time `json:"at,omitzero"`
	Nobodys bool      `json:"nobodys,omitempty"`
}

// ProposalLine is a visitor who says to be the person, which nothing trusted has confirmed: what they did does not count.
type ProposalLine struct {
	Source  string    `json:"source"`
	Visitor string    `json:"visitor"` // anonymous id
	Kind    string    `json:"kind"`    // what they named: user_id, email or phone
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}
