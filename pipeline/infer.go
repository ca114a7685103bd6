package pipeline

import (
	"context"
	"maps"
	"slices"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/state"
)

// infer finds the score inputs of every open subject. Whoever's events are unchanged keeps the intent they have; the journeys of the others
// are read by an engine.
func (l *lot) infer(ctx context.Context) error {
	var ask = map[intent.Engine][]*subject{}
	for _, s := range l.open() {
		if l.byTimeAlone(s) {
			s.inputs = s.storedInputs()
			s.inputs.features.Capacity = l.capacity(s)
			continue
		}
		from := len(l.room.lines)
		l.room.lines = receipt.AppendSignalLines(l.room.lines, s.journey)
		b := l.room.inputs.take()
		*b = scoreInputs{
			features: s.journey.Features(),
			signals:  slices.Clip(l.room.lines[from:]),
			filtered: s.journey.Filtered,
			leftOut:  s.journey.LeftOut,
			events:   s.journey.Hash,
			sources:  sourceCounts(s.journey.BySource),
		}
		s.inputs = b
		b.features.Profile = l.profile(s)
		b.features.Capacity = l.capacity(s)
		b.newForms = l.newForms(s)
		engine := l.engineFor(s)
		b.engine = engine.Version()
		b.rulesText = engine == l.s.Rules && l.s.Rules != l.s.Engine && !l.dry
		if len(s.journey.Signals) == 0 {
			b.rulesText = false
			continue // nothing a rep would read, nothing to pay for
		}
		same := s.person.Events == b.events && b.events != 0 && l.lastReceipt(s) != nil
		if same && s.last.Intent.Degraded == "" && (s.person.Extraction == b.engine || l.keepsTexts(s)) {
			b.intent, b.engine = s.last.Intent, s.person.Extraction                               // invariant 6
			b.upgraded = s.person.Flags&state.FlagRulesText != 0 && !b.rulesText && s.shown.Known // there is no model any more: they stay
			continue
		}
		ask[engine] = append(ask[engine], s)
	}
	for engine, subjects := range ask {
		subjects = l.inOrder(subjects)
		subjects, err := l.awaitTexts(ctx, engine, subjects)
		if err != nil {
			return err
		}
		in := make([]intent.Subject, len(subjects))
		for i, s := range subjects {
			in[i] = l.asSubject(s)
			in[i].Last = s.inputs.last
		}
		out, err := inferAll(ctx, engine, in)
		if err != nil {
			return err
		}
		people, degraded := int64(0), int64(0)
		for i, s := range subjects {
			l.useIntent(s, out[i])
			if u := out[i].Usage; u.Calls > 0 && !l.dry {
				l.p.log.Debug("what a person's texts cost", "person", s.key, "calls", u.Calls, "tokens_in", u.In, "tokens_out", u.Out+u.Thoughts, "micro_usd", u.MicroUSD)
			}
			if out[i].Degraded != "" {
				degraded++
			} else if out[i].Engine != "rules" { // nor those whose journey is not worth a call
				people++
			}
		}
		if people+degraded > 0 && !l.dry {
			day := l.p.day(l.now)
			l.p.db.AddUsageLater(day, state.Usage{People: people, Degraded: degraded})
		}
	}
	return nil
}

// inOrder are the subjects with those who go last behind the others.
func (l *lot) inOrder(subjects []*subject) []*subject {
	var first, last []*subject
	for _, s := range subjects {
		if s.inputs.last = l.goesLast(s); s.inputs.last {
			last = append(last, s)
		} else {
			first = append(first, s)
		}
	}
	return append(first, last...)
}

// newForms are the unknown forms among what is new of a subject: what the last receipt names was counted.
func (l *lot) newForms(s *subject) (names []string) {
	for _, form := range s.journey.UnknownForms {
		counted := false
		if last := l.lastReceipt(s); last != nil {
			for i := range last.Signals {
				counted = counted || last.Signals[i].EventID == form.EventID
			}
		}
		if !counted {
			names = append(names, form.Name)
		}
	}
	return names
}

// engineFor is the engine that writes the subject's texts now. In a first sync it is the rules; the model's texts follow, highest scores
// first.
func (l *lot) engineFor(s *subject) intent.Engine {
	if l.dry || s.entry.Lane == state.Backfill && s.entry.Reason&(state.ReasonText|state.ReasonAsked|state.ReasonConfig) == 0 && s.person.Extraction == 0 {
		return l.s.Rules
	}
	if l.byBatch(s) && s.journey != nil && s.person.Events != s.journey.Hash {
		return l.s.Rules // a job may take a day: what is new is told at once
	}
	if s.person.Flags&state.FlagRulesText != 0 && s.entry.Lane == state.Backfill && s.entry.Reason&state.ReasonText == 0 {
		return l.s.Rules
	}
	return l.s.Engine
}

// keepsTexts says whether the subject keeps texts that another model, other prompts or another catalogue made: only new events, or somebody
// who asks, pay for better ones. What the rules say costs nothing and is always said anew.
func (l *lot) keepsTexts(s *subject) bool {
	const asked = state.ReasonText | state.ReasonAsked
	return l.engineFor(s) != l.s.Rules && s.person.Flags&state.FlagRulesText == 0 && s.last.Intent.Engine != "rules" && s.entry.Reason&asked == 0
}

func inferAll(ctx context.Context, engine intent.Engine, in []intent.Subject) ([]intent.Intent, error) {
	if b, ok := engine.(intent.LotEngine); ok {
		return b.InferAll(ctx, in)
	}
	out := make([]intent.Intent, len(in))
	for i := range in {
		var err error
		if out[i], err = engine.Infer(ctx, in[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// useIntent takes what an engine read in the journey among the score inputs. Degraded texts never replace better ones for the same events
// (invariant 8).
func (l *lot) useIntent(s *subject, got intent.Intent) {
	b := s.inputs
	b.intent = got
	if got.Degraded != "" {
		before := l.lastReceipt(s)
		if before != nil && before.Intent.Degraded == "" && before.Intent.Engine != "" && s.person.Events == b.events && s.person.Flags&state.FlagRulesText == 0 {
			b.intent, b.engine = before.Intent, s.person.Extraction
		}
		b.degraded = append(b.degraded, got.Degraded)
		return
	}
	owed := s.person.Flags&(state.FlagDegraded|state.FlagRulesText) != 0
	b.upgraded = owed && !b.rulesText && s.shown.Known
}

// storedInputs are the score inputs of somebody for whom only time has passed: all of them stand in the last receipt.
func (s *subject) storedInputs() *scoreInputs {
	r := s.last
	return &scoreInputs{
		features: r.Features, signals: r.Signals, cited: r.Cited, topics: r.Topics, filtered: r.Filtered, leftOut: r.LeftOut, intent: r.Intent,
		degraded: r.Degraded, sources: s.person.Sources, events: s.person.Events, engine: s.person.Extraction,
		rulesText: s.person.Flags&state.FlagRulesText != 0,
	}
}

func sourceCounts(by map[string]int) []state.SourceCount {
	out := make([]state.SourceCount, 0, len(by))
	for _, name := range slices.Sorted(maps.Keys(by)) {
		if by[name] > 0 {
			out = append(out, state.SourceCount{Source: name, Events: uint32(by[name])})
		}
	}
	return out
}
