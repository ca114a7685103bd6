package score

import "time"

// Type is the type of a signal; it carries a default strength.
type Type uint8

// The signal types, strongest first.
const (
	HandRaise     Type = iota + 1 // demo, quote or contact request, meeting booked, a human's e-mail reply
	SocialAsk                     // asks for a product in public
	TechChange                    // "switching from X to …"
	JobPosting                    // hires for a role that uses the product
	Funding                       // company news
	FormSubmit                    // trial, application, webinar, download behind a form, any other form that asks something
	ContentView                   // pricing, contract or comparison page, case study
	EmailEngage                   // link clicked, e-mail opened, newsletter sign-up
	WebVisit                      // generic page view, begun form, invitation, use of the product
	SocialMention                 // brand mention, industry post
)

// Flag tells what else the arithmetic and the rules must know of a signal.
type Flag uint8

const (
	NoRecency    Flag = 1 << iota // never sets recency (e-mail opens, company-level signals)
	Company                       // company-level: counts only beside a signal of the person's own
	PricePage                     // pricing page
	ContractPage                  // contract, cart, checkout, order or calculator page
	ProductPage                   // a page of a product
	Comparison                    // comparison page
	Application                   // application or order: as good as a hand-raise for the stage
	Key                           // shows that somebody is buying: price, contract or comparison page, application, trial
)

// Signal is what the arithmetic needs of one counted event.
type Signal struct {
	At       int64  // Unix seconds
	Session  uint16 // ordinal of the session within the journey
	Type     Type
	Strength uint8 // 0 to 100, after the config's settings
	Product  uint8 // 1-based index into Features.Products, 0 for none
	Flags    Flag
	Object   uint16 // 1-based index into Features.Objects, 0 for none
}

// Visit is what strengths are learned from of one session, beside its signals.
type Visit struct {
	At     int64 // Unix seconds of its first step
	Length int64 // seconds until its last step
	Dwell  int64 // seconds that somebody was on the site, Length or more
	Steps  int
	Pages  int // page views among them
}

// Word is what one property of a CRM said of somebody.
type Word struct {
	Name string // of the property
	Word string
}

// Topic is one configured topic that the journey matched.
type Topic struct {
	Name   string
	Points int8  // +5, +3, −10, −7; already decided to be win or loss
	First  int64 // Unix seconds of the oldest signal that carries it; 0 means Last
	Last   int64 // Unix seconds of the newest signal that carries it: it counts while that one is in the window
}

// Features are all that a score is computed from: small, storable, independent of time. Signals are ordered by At.
type Features struct {
	Signals  []Signal
	Topics   []Topic
	Products []string
	// Whole says that Objects and Visits are told: features of earlier releases have none.
	Whole   bool
	Objects []string // what signals were about, as facts are named: "pages: /pricing", "form: demo"
	Visits  []Visit  // ordered by At
	// Profile is what the CRM said of the person, of the properties that strengths may be learned from: ordered by name, each name once, no empty word.
	Profile []Word
	// The model's words, where an engine gave them. They count while a signal lies in the window.
	ModelInterest Interest // moves the score by at most Settings.InterestPoints
	ModelTier     Tier     // used only with Settings.TierByModel
	ModelStage    Stage    // replaces the stage by rules; StageUnknown leaves it to the rules
	// A rep's verdict sets the person aside from SetAside until AsideUntil (Unix seconds, half open): the tier is low then,
	// unless a hand-raise came after the verdict. Zero: nobody said so.
	SetAside, AsideUntil int64
	// Capacity says from where on the person is high, where that is bounded by how many their owners can take.
	Capacity Capacity
}

// Capacity is where high begins for one person, by how many people those who own their records can take.
type Capacity struct {
	Owners []string // as "crm/id", sorted; none with a Cut: the pool of those whom nobody owns. Nil without bounds
	Cut    int      // tenths: high begins here where that is above Settings.High; 0: nothing is raised
	Since  int64    // Unix seconds since when the cut is so high, 0 without one
}

// Tier is the coarse answer a rep sorts by.
type Tier uint8

const (
	TierUnknown Tier = iota
	Low
	Medium
	High
)

// Stage is how far on the way to a decision somebody is.
type Stage uint8

const (
	StageUnknown Stage = iota
	Exploring
	Comparing
	Deciding
)

// Trend is the score against that of 7 days before.
type Trend uint8

const (
	TrendNone Trend = iota
	Cooling
	Steady
	Rising
	Surging
	New // there was no score to compare with
)

// Interest is how sure it is which product somebody wants. Product interest is never InterestLow: a portal's option stays.
type Interest uint8

const (
	InterestNone Interest = iota
	InterestLow
	InterestMedium
	InterestHigh
)

// Part is one summand of the score: Contribution = round(Weight × Component), in tenths, half away from zero.
type Part struct {
	Component    int `json:"component"`    // tenths, 0 to 1000
	Weight       int `json:"weight"`       // thousandths
	Contribution int `json:"contribution"` // tenths
}

// Parts is a score with everything that adds up to it. Known is false where no signal was ever seen: there is no score then.
type Parts struct {
	Known                   bool `json:"known"`
	Score                   int  `json:"score"` // tenths, 0 to 1000: the sum of the contributions
	Volume, Recency, Topics Part
	Signals                 int   `json:"signals"`                   // n: distinct signals in the window
	Days                    int   `json:"days"`                      // whole days since the newest signal that sets recency; −1 if none ever did
	Base                    int   `json:"base"`                      // what the strongest signal of the window is worth by now
	Bonus                   int   `json:"bonus"`                     // bounded sum of topic points
	Interest                int   `json:"interest_points,omitempty"` // points for the model's reading of interest
	Newest                  int64 `json:"newest"`                    // Unix seconds of the newest signal that sets recency, 0 if none
	// Under Settings.Additive the contributions are nought, and the score is Offset + Points + Clamp, in tenths.
	Offset int `json:"offset,omitempty"`         // what everybody begins with
	Points int `json:"learned_points,omitempty"` // sum of the points of all terms
	Clamp  int `json:"clamp,omitempty"`          // what cuts the sum to 0 … 1000
}

// Sum is what the parts add up to, in tenths: the score.
func (p *Parts) Sum() int {
	return p.Volume.Contribution + p.Recency.Contribution + p.Topics.Contribution + p.Offset + p.Points + p.Clamp
}

// Rule says why a tier was given.
type Rule string

const (
	ByThreshold  Rule = "threshold"  // the score alone
	ByHysteresis Rule = "hysteresis" // held until the score is Margin below the threshold
	ByHandRaise  Rule = "hand_raise" // a hand-raise within HandRaiseDays
	ByEvidence   Rule = "evidence"   // the score is enough for a higher tier, the evidence is not
	ByCapacity   Rule = "capacity"   // enough for high, but it begins higher for the owner
	ByVerdict    Rule = "verdict"    // a rep set the person aside
	ByModel      Rule = "model"      // engine: model
	ByNothing    Rule = "no_signal"  // no signal was ever seen
	ByStrength   Rule = "strength"   // in receipts of formula 1 only: the score said high, but no signal was strong enough
)

// Shown is what a CRM shows (or is about to show) of a score: what the gate and the forecast compare with.
type Shown struct {
	Known    bool
	Score    int // tenths
	Tier     Tier
	Stage    Stage
	Trend    Trend
	Interest Interest
	Product  string
	Topics   uint64    // hash of the topic set
	Written  time.Time // when it was last acknowledged, zero if never
	Since    time.Time // when Tier was entered
	Raised   int64     `json:"-"` // Unix seconds of the newest hand-raise, 0 if none; set by Show and not stored
}

// Forecast says when the shown score changes if nothing new happens.
type Forecast struct {
	Due     time.Time // when to look again; zero: never
	CoolsOn time.Time // the calendar day, as midnight UTC, on which the tier drops; zero: never (low, unknown)
	Below   int       // the score, in tenths, below which the tier is left; 0 for low and unknown
}

// Strengths holds the strength of a signal by its type, 0 to 100. Its JSON is an object of type names.
type Strengths [SocialMention + 1]uint8

const (
	day   = 24 * 60 * 60 // seconds
	never = 1<<63 - 1    // later than any moment that is asked about
)
