package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/topics"
	"github.com/intentd/intentd/state"
)

// Lesson is what closed deals teach, in figures: what `intentd learn` shows, and the evidence that is kept beside what was learned. Nobody is named in it.
type Lesson struct {
	Number    uint64           `json:"number,omitempty"` // under which it is kept and can be applied; 0: it is not
	At        time.Time        `json:"at"`
	Since     time.Time        `json:"since"` // when the oldest of the deals may have been closed
	Deals     int              `json:"deals"`
	Won       int              `json:"won"`
	Prior     string           `json:"prior"` // what strengths began with, in words
	Weights   *WeightsLesson   `json:"weights,omitempty"`
	Win       []TopicLesson    `json:"win_topics"`
	Loss      []TopicLesson    `json:"loss_topics"`
	Strengths []StrengthLesson `json:"strengths"` // the ten that move a score most
	People    int              `json:"people"`    // that strengths were learned from
	PeopleWon int              `json:"people_won"`
	Verdicts  *VerdictsLesson  `json:"verdicts,omitempty"`    // nil: the configuration gives them no weight
	Unlearned string           `json:"not_learned,omitempty"` // why there are no strengths
	Judged    string           `json:"judged"`                // on whom the engines were, in words
	Engines   []EngineLesson   `json:"engines"`
	Auto      backtest.Choice  `json:"auto"`
	Suspects  []SuspectLesson  `json:"suspects"`          // not learned from
	Profile   []backtest.Known `json:"profile,omitempty"` // of how many of the people the CRM's properties were known at the date
	Remarks   []string         `json:"remarks"`
	Effects   []EngineEffect   `json:"effects"` // none where nobody has a score yet
}

// Limits are a value with its 95 % limits.
type Limits struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Shares are weights of the components; they sum to 1.
type Shares struct {
	Volume  float64 `json:"volume"`
	Recency float64 `json:"recency"`
	Topics  float64 `json:"topics"`
}

// WeightsLesson is what deals teach about the components.
type WeightsLesson struct {
	Deals      int       `json:"deals"`
	Won        int       `json:"won"`
	Confidence string    `json:"confidence,omitempty"`
	Refused    string    `json:"refused,omitempty"` // why nothing was learned
	Before     Shares    `json:"before"`            // in force
	After      Shares    `json:"after"`
	R          [3]Limits `json:"r"` // of volume, recency and topics with winning
}

// TopicLesson is a topic that won deals have more often than others, or less often.
type TopicLesson struct {
	Topic      string   `json:"topic"`
	Alike      []string `json:"alike,omitempty"` // others that the very same deals read about
	Deals      int      `json:"deals"`
	Won        int      `json:"won"`
	Rate       Limits   `json:"won_rate"`
	Configured bool     `json:"configured"` // the configuration has it on that side already
}

// StrengthLesson is what one feature adds to the score, for one usual difference between people.
type StrengthLesson struct {
	Feature string `json:"feature"`
	Points  Limits `json:"points"`
}

// SuspectLesson is a fact that tells the outcome too well: as a rule it was filled in after it.
type SuspectLesson struct {
	Fact string `json:"fact"`
	Why  string `json:"why"`
}

// EngineLesson is what an engine was worth on people it was not learned from. Figures are nil where they are too few to tell.
type EngineLesson struct {
	Name    string  `json:"name"`
	AUC     *Limits `json:"auc"`
	Against *Limits `json:"auc_less_formula"` // nil of the formula itself, too
	Brier   *Limits `json:"brier"`
}

// EngineEffect is what an engine would do to the tiers that CRMs show now.
type EngineEffect struct {
	Engine  string               `json:"engine"`
	People  int                  `json:"people"`
	Changed int                  `json:"changed"`
	Matrix  []operate.EffectCell `json:"matrix"`
}

// taught is a Lesson with the models themselves.
type taught struct {
	Lesson
	weights   *score.Weights // nil: none were learned
	strengths *learn.Strengths
}

// teach learns from a population of deals: for use from all, and what the like is worth from the older, judged on the newer.
func teach(ctx context.Context, p *backtest.Population, prior *learn.Strengths) (*taught, error) {
	r, err := backtest.Run(ctx, p, prior)
	if err != nil {
		return nil, err
	}
	l, err := backtest.Learn(ctx, p, prior)
	if errors.Is(err, backtest.ErrOneOutcome) {
		l, err = &backtest.Lesson{Unlearned: r.Unlearned}, nil
	}
	if err != nil {
		return nil, err
	}
	t := &taught{strengths: l.Strengths}
	t.Lesson = Lesson{Since: p.Deals.Since, Deals: p.Deals.Won + p.Deals.Lost, Won: p.Deals.Won, Unlearned: l.Unlearned, Judged: backtest.Whom(r), Auto: r.Choice, Profile: r.Profile,
		Win: topicsOf(l.Win), Loss: topicsOf(l.Loss), Strengths: []StrengthLesson{}, Engines: []EngineLesson{}, Suspects: []SuspectLesson{}, Effects: []EngineEffect{}}
	for _, s := range l.Suspects {
		t.Suspects = append(t.Suspects, SuspectLesson{s.Name, s.Why})
	}
	rest := *r // what is told by itself here is no remark
	rest.Suspects, rest.Unlearned, rest.Weights, rest.Profile = nil, "", nil, nil
	t.Remarks = append([]string{}, backtest.Remarks(&rest)...)
	if w := l.Weights; w != nil {
		t.Weights = &WeightsLesson{Deals: w.Deals, Won: w.Won, Confidence: string(w.Confidence), Refused: w.Refused, After: sharesOf(w.Weights),
			R: [3]Limits{Limits(w.Correlation.Volume), Limits(w.Correlation.Recency), Limits(w.Correlation.Topics)}}
		if w.Refused == "" {
			t.weights = &w.Weights
		}
	}
	if m := l.Strengths; m != nil {
		t.People, t.PeopleWon = m.Learned.People, m.Learned.Won
		for _, f := range m.Strongest(10) {
			t.Strengths = append(t.Strengths, StrengthLesson{f.String(), Limits{m.K * f.Strength, m.K * f.Low, m.K * f.High}})
		}
	}
	for i := range r.Engines {
		e := &r.Engines[i]
		worth := EngineLesson{Name: e.Name}
		if !e.TooFew {
			worth.AUC, worth.Brier, worth.Against = limits(&e.AUC), limits(&e.Brier), limits(e.Against)
		}
		t.Engines = append(t.Engines, worth)
	}
	return t, nil
}

func limits(i *measure.Interval) *Limits {
	if i == nil {
		return nil
	}
	l := Limits(*i)
	return &l
}

func sharesOf(w score.Weights) Shares {
	return Shares{Volume: float64(w.Volume) / 1000, Recency: float64(w.Recency) / 1000, Topics: float64(w.Topics) / 1000}
}

func topicsOf(list []learn.Topic) []TopicLesson {
	out := []TopicLesson{}
	for _, t := range list {
		out = append(out, TopicLesson{Topic: t.Name, Alike: t.Alike, Deals: t.Deals, Won: t.Won, Rate: Limits(t.Rate)})
	}
	return out
}

// configured marks the topics that the configuration has already; of several that are alike one that it has is named first.
func (l *Lesson) configured(c *config.Topics) {
	for _, side := range []struct {
		list []TopicLesson
		has  []string
	}{{l.Win, c.Win}, {l.Loss, c.Loss}} {
		for i := range side.list {
			t := &side.list[i]
			has := func(topic string) bool {
				return slices.ContainsFunc(side.has, func(name string) bool { return topics.Normal(name) == topics.Normal(topic) })
			}
			t.Configured = has(t.Topic)
			if k := slices.IndexFunc(t.Alike, has); !t.Configured && k >= 0 {
				t.Configured, t.Topic, t.Alike[k] = true, t.Alike[k], t.Topic
				slices.Sort(t.Alike)
			}
		}
	}
}

// kept is what the state keeps of it; ok is false where there is nothing to apply.
func (t *taught) kept(by string) (l state.Learned, ok bool, err error) {
	l = state.Learned{At: t.At, By: by, Engine: t.Auto.Engine}
	if t.weights != nil {
		if l.Weights, err = json.Marshal(t.weights); err != nil {
			return l, false, err
		}
	}
	if t.strengths != nil {
		var file bytes.Buffer
		if err := t.strengths.Write(&file); err != nil {
			return l, false, err
		}
		l.Strengths = file.String()
	}
	l.Evidence, err = json.Marshal(&t.Lesson)
	return l, t.weights != nil || t.strengths != nil, err
}
