package operate

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// Effect is what other settings would do to the scores that CRMs show, of the moment: time alone moves nobody in it. It comes from what is
// stored, so that no source and no model is asked.
type Effect struct {
	People  int          `json:"people"`  // whose score a CRM shows
	Changed int          `json:"changed"` // of them, who would change tier
	Matrix  []EffectCell `json:"matrix"`  // tier under the settings in force and under the others, the highest first
	Scores  int          `json:"scores"`  // people whose score alone would change enough to be written
	Writes  int          `json:"writes"`  // records that would be written
	Calls   int          `json:"calls"`   // of the CRMs: to read those records again and to write them
	Damaged int          `json:"damaged,omitempty"`
	// Samples are some of those who change tier, of each kind of change some.
	Samples []EffectSample `json:"samples"`
	// Owners are the records that change tier by who owns them in the CRM, those of Asked people: the most first.
	Owners []OwnerEffect `json:"owners"`
	Asked  int           `json:"asked"`
	// Cuts are where high would begin by owner, as the night after the change would work it out; none where scoring.capacity stays as it is.
	Cuts []CutEffect `json:"cuts,omitempty"`
	Fit  *FitEffect  `json:"fit,omitempty"` // nil where rules and grades stay as they are
	// Unread says of parts of the configuration that these figures are without them, and why: what they go by is not kept, and could not be read.
	Unread map[string]string `json:"unread,omitempty"`
}

// EffectCell counts people by the tier they have and the one they would have.
type EffectCell struct {
	Tier   string `json:"tier"`
	Then   string `json:"then"`
	People int    `json:"people"`
}

// EffectSample is one person who would change tier. Scores are in tenths.
type EffectSample struct {
	Ref       string `json:"ref"`
	Name      string `json:"name,omitempty"` // as the CRM has it; "" where it could not be asked
	Tier      string `json:"tier"`
	Then      string `json:"then"`
	Score     int    `json:"score"`
	ThenScore int    `json:"then_score"`
	Why       string `json:"why"` // what decides the tier then
	ref       connectors.Ref
}

// OwnerEffect is how many records of an owner would change tier.
type OwnerEffect struct {
	Owner   string `json:"owner"` // the CRM's id; "" for nobody
	Records int    `json:"records"`
}

const (
	effectSamples = 10
	effectAsked   = 500 // people whose owners are looked up: five calls of a hundred
)

// EffectOf compares the settings in force with those of next, whose CRMs have to be asked for what the rules of fit of both go by. lot is how many records a CRM reads or writes in one call.
func EffectOf(ctx context.Context, p *pipeline.Pipeline, next *pipeline.Setup, lot int) (*Effect, error) {
	e, err := effectsOf(ctx, p, next)
	if err != nil {
		return nil, err
	}
	e.out.Calls = 2 * ((e.out.Writes + lot - 1) / lot)
	e.sample()
	e.ask(ctx)
	var unread string
	if e.out.Fit, unread, err = e.fit.grade(ctx, lot); err != nil {
		return nil, err
	}
	e.without(keyFit, unread)
	return e.out, nil
}

// TiersUnder is the part of an Effect that names nobody and asks nobody: people, by tier, and how many would change.
func TiersUnder(ctx context.Context, p *pipeline.Pipeline, next *pipeline.Setup) (*Effect, error) {
	e, err := effectsOf(ctx, p, next)
	if err != nil {
		return nil, err
	}
	return e.out, nil
}

func effectsOf(ctx context.Context, p *pipeline.Pipeline, next *pipeline.Setup) (*effects, error) {
	e := &effects{p: p, now: p.Now(), old: p.Setup(), next: next, out: &Effect{Samples: []EffectSample{}, Owners: []OwnerEffect{}, Unread: map[string]string{}}}
	e.cuts = nextCuts{p: p, old: e.old, next: next, restate: e.restate}
	e.fit = nextFit{p: p, old: e.old, next: next}
	var err error
	if e.out.Cuts, err = e.cuts.work(ctx); err != nil {
		return nil, err
	}
	e.without(keyCapacity, e.cuts.unread)
	if e.out.Damaged, err = p.EachShown(ctx, e.add); err != nil {
		return nil, err
	}
	e.out.People, e.out.Changed = e.matrix.People(), e.matrix.Changed()
	for was := range slices.Backward(e.matrix[:]) {
		for then, n := range slices.Backward(e.matrix[was][:]) {
			if n > 0 {
				e.out.Matrix = append(e.out.Matrix, EffectCell{score.Tier(was).String(), score.Tier(then).String(), n})
			}
		}
	}
	return e, nil
}

// effects adds up an Effect.
type effects struct {
	p         *pipeline.Pipeline
	now       time.Time
	old, next *pipeline.Setup
	matrix    score.Matrix
	cells     [score.High + 1][score.High + 1][]EffectSample // the first of each change
	changed   []connectors.Ref                               // of the first people who change tier
	cuts      nextCuts
	fit       nextFit
	out       *Effect
}

func (e *effects) add(id state.PersonID, person *state.Person, shown score.Shown, f *score.Features) {
	was, _, _ := e.old.Score.Show(f, shown, e.now)
	e.restate(person, f)
	e.cuts.raise(person, f, shown)
	then, _, rule := e.next.Score.Show(f, shown, e.now)
	e.matrix[was.Tier][then.Tier]++
	e.fit.look(id, was.Tier, then.Tier)
	switch reason, _, _ := e.next.Score.Material(was, then, e.now); reason {
	case "":
		return
	case score.ReasonScore:
		e.out.Scores++
	}
	e.out.Writes += len(person.Contacts)
	if was.Tier == then.Tier {
		return
	}
	if e.out.Asked < effectAsked {
		e.changed = append(e.changed, person.Contacts...)
		e.out.Asked++
	}
	if cell := &e.cells[was.Tier][then.Tier]; len(*cell) < effectSamples && len(person.Contacts) > 0 {
		*cell = append(*cell, EffectSample{Ref: person.Contacts[0].String(), Tier: was.Tier.String(), Then: then.Tier.String(), Score: was.Score, ThenScore: then.Score,
			Why: ruleWords[rule], ref: person.Contacts[0]})
	}
}

// ruleWords say what decides a tier.
var ruleWords = map[score.Rule]string{
	score.ByThreshold: "the score", score.ByHysteresis: "held until the score is further below", score.ByHandRaise: "they asked for something lately",
	score.ByEvidence: "the score is enough for more, the evidence is not", score.ByCapacity: "the score is enough for high, but it begins higher for the owner", score.ByVerdict: "a rep set them aside", score.ByModel: "the model's word", score.ByNothing: "no signal",
}

// restate puts the other settings into stored features: strengths of types, and how long a verdict sets somebody aside who is aside now.
func (e *effects) restate(person *state.Person, f *score.Features) {
	f.Restate(&e.old.Score, &e.next.Score)
	if f.SetAside == 0 {
		return
	}
	f.AsideUntil = f.SetAside + int64(e.next.Verdicts[person.Verdict].Seconds())
	if f.AsideUntil <= e.now.Unix() {
		f.SetAside, f.AsideUntil = 0, 0
	}
}

// without notes why the figures are without a part of the configuration; "" is not so.
func (e *effects) without(part, why string) {
	if why != "" {
		e.out.Unread[part] = why
	}
}

// sample takes some of each change, in turn.
func (e *effects) sample() {
	for round := 0; len(e.out.Samples) < effectSamples; round++ {
		any := false
		for was := range slices.Backward(e.cells[:]) {
			for then := range e.cells[was] {
				if cell := e.cells[was][then]; round < len(cell) && len(e.out.Samples) < effectSamples {
					e.out.Samples, any = append(e.out.Samples, cell[round]), true
				}
			}
		}
		if !any {
			return
		}
	}
}

// ask reads names and owners. What a CRM does not tell now is left out.
func (e *effects) ask(ctx context.Context) {
	refs := slices.Clone(e.changed)
	for _, s := range e.out.Samples {
		refs = append(refs, s.ref)
	}
	known, _ := readNow(ctx, e.p, e.old, refs)
	for i := range e.out.Samples {
		s := &e.out.Samples[i]
		if c := known[s.ref]; c != nil {
			s.Name = strings.TrimSpace(c.Profile.FirstName + " " + c.Profile.LastName)
		}
	}
	owners := map[string]int{}
	for _, ref := range e.changed {
		if c := known[ref]; c != nil {
			owners[c.Owner]++
		}
	}
	for owner, n := range owners {
		e.out.Owners = append(e.out.Owners, OwnerEffect{owner, n})
	}
	slices.SortFunc(e.out.Owners, func(a, b OwnerEffect) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(a.Owner, b.Owner))
	})
}
