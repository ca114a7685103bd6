package score

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/cespare/xxhash/v2"
)

// Version names the formulas of this package. It changes when the same features and settings could give another result.
const Version = "2"

// Weights are the shares of the three components, in thousandths. Each is at least 0 and they sum to 1000.
type Weights struct {
	Volume  int `json:"volume"`
	Recency int `json:"recency"`
	Topics  int `json:"topics"`
}

// Settings are all numbers that the formulas depend on. A Settings is comparable and holds nothing but values.
type Settings struct {
	Weights     Weights `json:"weights"`
	MaxActivity int     `json:"max_activity"` // signals at which volume reaches 100
	WindowDays  int     `json:"window_days"`  // age below which a signal counts
	// TimeConstantDays is the time in which recency falls to 1/e of its value: half_life_days divided by ln 2.
	TimeConstantDays float64 `json:"time_constant_days"`
	TopicBase        int     `json:"topic_base"`      // fixes the base of topics while a signal lies in the window; 0: the strongest signal is the base
	TopicPoints      int     `json:"topic_points"`    // bound of the sum of topic bonuses, both ways
	InterestPoints   int     `json:"interest_points"` // what a model's reading of high interest adds to topics; medium half of it
	High             int     `json:"high"`            // threshold, tenths
	Medium           int     `json:"medium"`          // threshold, tenths
	Margin           int     `json:"margin"`          // a tier is left this many tenths below its threshold
	// Evidence is what the tiers ask for besides the score.
	Evidence      EvidenceSettings `json:"evidence"`
	HandRaiseDays int              `json:"hand_raise_days"` // a younger hand-raise is high whatever the score; 0 switches the rule off
	// WriteInterval is the least time, in seconds, between two writes for one person that do not change the tier.
	WriteInterval  int `json:"write_interval"`
	MaterialPoints int `json:"material_points"` // tenths: a drift of the score that is worth a write
	TrendDays      int `json:"trend_days"`      // the trend compares with the score so many days before
	Surging        int `json:"surging"`         // tenths gained
	Rising         int `json:"rising"`          // tenths gained
	Cooling        int `json:"cooling"`         // tenths lost
	// Product interest: shares, in percent, of the signals that name exactly one product.
	ProductHighShare   int `json:"product_high_share"`
	ProductMediumShare int `json:"product_medium_share"`
	// TierByModel is engine: model. The tier is then the lower of Features.ModelTier and one step above the formula's.
	TierByModel bool `json:"tier_by_model"`
	// Learned says that Weights were learned from outcomes: engine: weights.
	Learned bool `json:"learned,omitempty"`
	// Additive is engine: propensity: the score is then a sum of learned points. Nil: the formula's.
	Additive  *Additive `json:"additive,omitempty"`
	Strengths Strengths `json:"strengths"`
}

// EvidenceSettings say which of the person's own signals a tier asks for. High: a hand-raise within Days; or a key signal within
// KeyDays and, within Days, Key key signals or Strong strong ones in all. Medium: within Days a strong signal, two signals that set
// recency at least Apart from each other, or Signals signals that do.
type EvidenceSettings struct {
	Days     int `json:"days"`
	KeyDays  int `json:"key_days"`
	Key      int `json:"key"`
	Strength int `json:"strength"` // a signal of this strength or more is strong
	Strong   int `json:"strong"`
	Apart    int `json:"apart"` // seconds
	Signals  int `json:"signals"`
}

// Defaults are the settings of the published formula.
func Defaults() Settings {
	return Settings{
		Weights:            Weights{Volume: 400, Recency: 300, Topics: 300},
		MaxActivity:        100,
		WindowDays:         90,
		TimeConstantDays:   21,
		TopicPoints:        15,
		InterestPoints:     0,
		High:               620,
		Medium:             550,
		Margin:             30,
		Evidence:           EvidenceSettings{Days: 30, KeyDays: 14, Key: 2, Strength: 60, Strong: 3, Apart: 12 * 3600, Signals: 6},
		HandRaiseDays:      7,
		WriteInterval:      3600,
		MaterialPoints:     50,
		TrendDays:          7,
		Surging:            200,
		Rising:             50,
		Cooling:            50,
		ProductHighShare:   60,
		ProductMediumShare: 35,
		Strengths: Strengths{
			HandRaise: 95, SocialAsk: 90, TechChange: 85, JobPosting: 80, Funding: 75,
			FormSubmit: 70, ContentView: 60, EmailEngage: 50, WebVisit: 40, SocialMention: 30,
		},
	}
}

// Names of the engines.
const (
	EngineFormula    = "formula"
	EngineWeights    = "weights"    // the formula with weights that were learned
	EnginePropensity = "propensity" // a sum of learned points
	EngineModel      = "model"      // the formula's score, the tier by a language model's word
)

// Engine is the name of the one that s makes.
func (s *Settings) Engine() string {
	switch {
	case s.Additive != nil:
		return EnginePropensity
	case s.TierByModel:
		return EngineModel
	case s.Learned:
		return EngineWeights
	}
	return EngineFormula
}

// HalfLife is the days in which recency falls to half.
func (s *Settings) HalfLife() float64 { return s.TimeConstantDays * math.Ln2 }

// Validate lists everything that is wrong with s, each line beginning with the JSON name of the setting. It returns nil if
// s can be used.
func (s *Settings) Validate() []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	between := func(name string, v, low, high int) {
		if v < low || v > high {
			say("%s: %d is not between %d and %d", name, v, low, high)
		}
	}
	w := s.Weights
	between("weights.volume", w.Volume, 0, 1000)
	between("weights.recency", w.Recency, 0, 1000)
	between("weights.topics", w.Topics, 0, 1000)
	if sum := w.Volume + w.Recency + w.Topics; sum != 1000 {
		say("weights: they sum to %d thousandths and must sum to 1000", sum)
	}
	between("max_activity", s.MaxActivity, 1, 1_000_000)
	between("window_days", s.WindowDays, 1, 3650)
	if !(s.TimeConstantDays >= 0.1 && s.TimeConstantDays <= 3650) {
		say("time_constant_days: %v is not between 0.1 and 3650", s.TimeConstantDays)
	}
	between("topic_base", s.TopicBase, 0, 100)
	between("topic_points", s.TopicPoints, 0, 100)
	between("interest_points", s.InterestPoints, 0, 100)
	between("high", s.High, 1, 1000)
	between("medium", s.Medium, 1, 1000)
	if s.Medium >= s.High {
		say("medium: %s is not below high, %s", FormatTenths(s.Medium), FormatTenths(s.High))
	}
	if s.Margin < 0 || s.Margin >= s.Medium {
		say("margin: %s is not between 0 and medium, %s", FormatTenths(s.Margin), FormatTenths(s.Medium))
	}
	e := s.Evidence
	between("evidence.days", e.Days, 1, 3650)
	between("evidence.key_days", e.KeyDays, 1, 3650)
	between("evidence.key", e.Key, 1, 1000)
	between("evidence.strength", e.Strength, 0, 100)
	between("evidence.strong", e.Strong, 1, 1000)
	between("evidence.apart", e.Apart, 0, 3650*day)
	between("evidence.signals", e.Signals, 1, 1000)
	between("hand_raise_days", s.HandRaiseDays, 0, 3650)
	between("write_interval", s.WriteInterval, 0, 7*24*3600)
	between("material_points", s.MaterialPoints, 1, 1000)
	between("trend_days", s.TrendDays, 1, 3650)
	between("rising", s.Rising, 1, 1000)
	between("surging", s.Surging, 1, 1000)
	if s.Surging < s.Rising {
		say("surging: %s is below rising, %s", FormatTenths(s.Surging), FormatTenths(s.Rising))
	}
	between("cooling", s.Cooling, 1, 1000)
	between("product_high_share", s.ProductHighShare, 0, 100)
	between("product_medium_share", s.ProductMediumShare, 0, 100)
	for t := HandRaise; int(t) < len(s.Strengths); t++ {
		between("strengths."+t.String(), int(s.Strengths[t]), 0, 100)
	}
	if s.Additive != nil {
		wrong = append(wrong, s.Additive.Validate()...)
	}
	return wrong
}

// Hash changes whenever a setting or the formula does: the scoring hash of a stored result.
func (s *Settings) Hash() uint64 {
	// A float that is no number is the only thing JSON refuses here; such settings do not pass Validate.
	b, err := json.Marshal(s)
	if err != nil {
		b = fmt.Appendf(nil, "%+v", *s)
	}
	return xxhash.Sum64(append(b, "\x00"+Version...))
}
