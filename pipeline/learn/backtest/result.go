package backtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/score"
)

// Heads are the shares of the list whose precision and lift are told.
var Heads = [3]float64{0.05, 0.10, 0.20}

// Result is what came of a backtest.
type Result struct {
	People, Won int            // with a known outcome
	LeftOut     map[string]int // rows that are not among them, by reason
	Remarks     []string       // of the population
	Unused      []string       // facts of a table that nothing can be learned from: nearly all are alike, or all differ
	Profile     []Known        // of how many people the CRM's properties were known at the date
	NobodyHigh  bool           // nobody of the training part reaches high's threshold by the formula: strengths are cut at usual shares
	Split       Split
	Ahead       *Ahead // of the won: how early the formula had them high; nil of a table
	Deals       *Deals // of a CRM's deals, in the place of Ahead
	AsOf        *AsOf  // of everybody at a past date, in the place of Ahead
	Engines     []Report
	Main        string           // the engine that the others are set against; "" if there is none
	Weights     *learn.Weights   // nil where nobody has components
	Strengths   *learn.Strengths // nil: Unlearned says why
	Unlearned   string
	Suspects    []Suspect
	Choice      Choice
}

// Suspect is a fact that tells the outcome too well.
type Suspect struct {
	learn.Suspect
	Trusted bool // it was learned from all the same
}

// Report is what one engine is worth on the people judged on.
type Report struct {
	Name      string
	Baseline  bool
	TooFew    bool // wins or losses for anything but the tiers
	Rows, Won int
	AUC       measure.Interval
	Against   *measure.Interval // its AUC less the main engine's, of the same people; nil of the main engine itself, and where it is not known
	Brier     measure.Interval
	ECE       float64
	ECEKnown  bool // else too few to tell
	Tops      [len(Heads)]measure.Top
	Tiers     []Tier // high first; none of an engine without tiers
	Bins      []measure.Bin
	ROC       []measure.Point
}

// Tier is what an engine calls people, and what came of them.
type Tier struct {
	Tier      score.Tier
	Rows      int
	Share     float64
	Precision measure.Interval // the share of them that was won
}

// surely says that it ranks better than the main engine, and not by chance.
func (r *Report) surely() bool { return r.Against != nil && r.Against.Low > 0 }

// Inverted is a pair of neighbouring tiers of which the lower was won more often, or as often; nil if high > medium > low, of those that hold anybody. sure is whether their limits part them.
func (r *Report) Inverted() (higher, lower *Tier, sure bool) {
	for i := range r.Tiers {
		t := &r.Tiers[i]
		if t.Rows == 0 || t.Tier == score.TierUnknown {
			continue
		}
		if higher != nil && t.Precision.Value >= higher.Precision.Value {
			return higher, t, t.Precision.Low > higher.Precision.High
		}
		higher = t
	}
	return nil, nil, false
}

// Engine is the report of an engine, nil if there is none of the name.
func (r *Result) Engine(name string) *Report {
	if i := slices.IndexFunc(r.Engines, func(e Report) bool { return e.Name == name }); i >= 0 {
		return &r.Engines[i]
	}
	return nil
}

// Choice is what engine auto takes.
type Choice struct {
	Engine string `json:"engine"`
	Why    string `json:"why"`
}

// choose takes propensity only where it beats the formula on AUC and on Brier score, on later people than it was learned from.
func (r *Result) choose() {
	formula, learned := r.Engine(Formula), r.Engine(Propensity)
	c := &r.Choice
	c.Engine = Formula
	switch {
	case formula == nil:
		c.Engine, c.Why = "", "there is no formula to compare with"
	case learned == nil:
		c.Why = "no strengths were learned: " + r.Unlearned
	case formula.TooFew || learned.TooFew:
		c.Why = "too few to tell"
	case !r.Split.ByTime:
		c.Why = "without dates nothing was judged on later people"
	default:
		auc, brier := learned.AUC.Value-formula.AUC.Value, learned.Brier.Value-formula.Brier.Value
		if auc > 0 && brier < 0 {
			c.Engine = Propensity
			limits := ""
			if d := learned.Against; d != nil {
				limits = fmt.Sprintf(" (%.3f to %.3f)", d.Low, d.High)
			}
			c.Why = fmt.Sprintf("on later people its AUC is %.3f%s higher and its Brier score %.4f lower than the formula's", auc, limits, -brier)
			if !learned.surely() {
				c.Why += ", which may be chance"
			}
		} else {
			c.Why = fmt.Sprintf("on later people propensity's AUC is %+.3f and its Brier score %+.4f against the formula's: it must win on both", auc, brier)
		}
	}
}

// MarshalJSON is the shape that --json prints. Null stands for what is too few to tell.
func (r *Result) MarshalJSON() ([]byte, error) {
	type tier struct {
		Tier      score.Tier `json:"tier"`
		Share     float64    `json:"share"`
		Precision float64    `json:"precision"`
	}
	type engine struct {
		Name    string   `json:"name"`
		AUC     *float64 `json:"auc"`
		AUCLow  *float64 `json:"auc_low"`
		AUCHigh *float64 `json:"auc_high"`
		Brier   *float64 `json:"brier"`
		ECE     *float64 `json:"ece"`
		Lift10  *float64 `json:"lift_10"`
		Tiers   []tier   `json:"tiers"`
	}
	out := struct {
		Engines []engine       `json:"engines"`
		People  int            `json:"people"`
		Won     int            `json:"won"`
		Learned int            `json:"learned_from"`
		Judged  int            `json:"judged_on"`
		ByTime  bool           `json:"by_time"`
		From    string         `json:"judged_from,omitempty"`
		LeftOut map[string]int `json:"left_out"`
		Ahead   *Ahead         `json:"ahead,omitempty"`
		Deals   *Deals         `json:"deals,omitempty"`
		AsOf    *AsOf          `json:"as_of,omitempty"`
		Auto    Choice         `json:"auto"`
		Weights any            `json:"weights,omitempty"`
		Suspect []jsonSuspect  `json:"suspects"`
		Profile []Known        `json:"profile,omitempty"`
		Details []jsonDetails  `json:"details"`
	}{
		People: r.People, Won: r.Won, Learned: r.Split.Learned, Judged: r.Split.Judged, ByTime: r.Split.ByTime, LeftOut: r.LeftOut, Ahead: r.Ahead, Deals: r.Deals, AsOf: r.AsOf, Auto: r.Choice, Profile: r.Profile,
		Engines: []engine{}, Suspect: []jsonSuspect{}, Details: []jsonDetails{},
	}
	if r.LeftOut == nil {
		out.LeftOut = map[string]int{}
	}
	if r.Split.ByTime {
		out.From = r.Split.From.Format(time.DateOnly)
	}
	if w := r.Weights; w != nil {
		out.Weights = jsonWeights{float64(w.Weights.Volume) / 1000, float64(w.Weights.Recency) / 1000, float64(w.Weights.Topics) / 1000, w.Deals, string(w.Confidence), w.Refused}
	}
	for _, s := range r.Suspects {
		out.Suspect = append(out.Suspect, jsonSuspect{s.Name, s.Why, s.Trusted})
	}
	for i := range r.Engines {
		e := &r.Engines[i]
		j := engine{Name: e.Name, Tiers: []tier{}}
		if !e.TooFew {
			j.AUC, j.AUCLow, j.AUCHigh, j.Brier, j.Lift10 = &e.AUC.Value, &e.AUC.Low, &e.AUC.High, &e.Brier.Value, &e.Tops[1].Lift.Value
		}
		if e.ECEKnown {
			j.ECE = &e.ECE
		}
		for _, t := range e.Tiers {
			j.Tiers = append(j.Tiers, tier{t.Tier, t.Share, t.Precision.Value})
		}
		out.Engines = append(out.Engines, j)
		d := e.details()
		if a := e.Against; a != nil {
			d.Difference = &jsonDiff{r.Main, a.Value, a.Low, a.High}
		}
		out.Details = append(out.Details, d)
	}
	return json.Marshal(out)
}

type jsonSuspect struct {
	Fact    string `json:"fact"`
	Why     string `json:"why"`
	Trusted bool   `json:"trusted"`
}

type jsonWeights struct {
	Volume     float64 `json:"volume"`
	Recency    float64 `json:"recency"`
	Topics     float64 `json:"topics"`
	Deals      int     `json:"deals"`
	Confidence string  `json:"confidence"`
	Refused    string  `json:"refused,omitempty"`
}

// jsonDetails is what is known of an engine beyond the short form.
type jsonDetails struct {
	Name        string     `json:"name"`
	Baseline    bool       `json:"baseline"`
	BrierLow    float64    `json:"brier_low"`
	BrierHigh   float64    `json:"brier_high"`
	Difference  *jsonDiff  `json:"auc_difference"` // from the main engine's, of the same people
	Heads       []jsonHead `json:"heads"`
	Tiers       []jsonTier `json:"tiers"`
	Calibration []jsonBin  `json:"calibration"`
}

type jsonDiff struct {
	From  string  `json:"from"`
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

type jsonHead struct {
	Share         float64 `json:"share"`
	Precision     float64 `json:"precision"`
	PrecisionLow  float64 `json:"precision_low"`
	PrecisionHigh float64 `json:"precision_high"`
	Lift          float64 `json:"lift"`
	Recall        float64 `json:"recall"`
}

type jsonTier struct {
	Tier          score.Tier `json:"tier"`
	People        int        `json:"people"`
	Precision     float64    `json:"precision"`
	PrecisionLow  float64    `json:"precision_low"`
	PrecisionHigh float64    `json:"precision_high"`
}

type jsonBin struct {
	People    float64 `json:"people"`
	Predicted float64 `json:"predicted"`
	Won       float64 `json:"won"`
	WonLow    float64 `json:"won_low"`
	WonHigh   float64 `json:"won_high"`
}

func (e *Report) details() jsonDetails {
	d := jsonDetails{Name: e.Name, Baseline: e.Baseline, BrierLow: e.Brier.Low, BrierHigh: e.Brier.High, Heads: []jsonHead{}, Tiers: []jsonTier{}, Calibration: []jsonBin{}}
	for _, t := range e.Tiers {
		d.Tiers = append(d.Tiers, jsonTier{t.Tier, t.Rows, t.Precision.Value, t.Precision.Low, t.Precision.High})
	}
	if e.TooFew {
		return d
	}
	for _, t := range e.Tops {
		d.Heads = append(d.Heads, jsonHead{t.Share, t.Precision.Value, t.Precision.Low, t.Precision.High, t.Lift.Value, t.Recall})
	}
	for _, b := range e.Bins {
		d.Calibration = append(d.Calibration, jsonBin{b.Rows, b.Predicted, b.Won.Value, b.Won.Low, b.Won.High})
	}
	return d
}
