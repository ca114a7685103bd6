package topics

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Match finds all pairs of topics and configured topics that match, ordered by journey topic, then as configured, losses
// first. degraded says why the matches are less than the config asks for, "" if they are not. usage is what the model used.
// It never fails: whatever goes wrong with the model, the lexicon answers.
func (m *Matcher) Match(ctx context.Context, topics []string) (matches []Match, degraded string, usage connectors.Usage) {
	if len(m.configured) == 0 || len(topics) == 0 {
		return nil, "", usage
	}
	now := m.c.Now()
	answers := make(map[string]answer, len(topics)) // by normalised topic
	var ask []string
	for _, t := range topics {
		norm := Normal(t)
		if _, done := answers[norm]; done || norm == "" {
			continue
		}
		a, ok := m.remembered(norm, now)
		if !ok {
			ask = append(ask, norm)
		}
		answers[norm] = a
	}
	if len(ask) > 0 {
		slices.Sort(ask)
		degraded, usage = m.answer(ctx, ask, now, answers)
	}
	for _, t := range topics {
		a := answers[Normal(t)]
		for i, how := range a.how {
			if how == "" {
				continue
			}
			c := &m.configured[i]
			matches = append(matches, Match{Journey: t, Configured: c.name, Win: c.win, How: how, Points: points(c.win, how == Exact)})
		}
	}
	slices.SortStableFunc(matches, func(a, b Match) int { return cmp.Compare(a.Journey, b.Journey) })
	return slices.CompactFunc(matches, func(a, b Match) bool { return a == b }), degraded, usage
}

func points(win, exact bool) int {
	switch {
	case win && exact:
		return WinExact
	case win:
		return WinSemantic
	case exact:
		return LossExact
	}
	return LossSemantic
}

// answer fills in the answers about the topics of ask.
func (m *Matcher) answer(ctx context.Context, ask []string, now time.Time, answers map[string]answer) (degraded string, usage connectors.Usage) {
	var open []pair
	for _, norm := range ask {
		a := answer{how: make([]string, len(m.configured))}
		for i := range m.configured {
			if m.configured[i].norm == norm {
				a.how[i] = Exact
			}
		}
		if m.c.Model != nil {
			for i := range m.configured {
				if a.how[i] != "" {
					continue
				}
				yes, until, ok := m.cached(norm, i, now)
				switch {
				case !ok:
					open = append(open, pair{norm, i})
					continue
				case yes:
					a.how[i] = Model
				}
				a.until = sooner(a.until, until)
			}
		}
		answers[norm] = a
	}
	failed := map[string]bool{}
	if len(open) > 0 {
		var said map[pair]bool
		var err error
		said, usage, err = m.askModel(ctx, open)
		for _, p := range open {
			yes, ok := said[p]
			if !ok {
				failed[p.topic] = true
				continue
			}
			m.cache(p, yes, now)
			a := answers[p.topic]
			if yes {
				a.how[p.configured] = Model
			}
			a.until = sooner(a.until, now.Add(Kept))
			answers[p.topic] = a
		}
		if len(failed) > 0 {
			degraded = "topics matched without the model"
			if err != nil {
				degraded += ": " + connectors.KindOf(err).String()
			}
		}
	}
	for _, norm := range ask {
		a := answers[norm]
		if m.c.Model == nil || failed[norm] {
			mine := m.lexicon.concepts(norm)
			for i := range m.configured {
				if a.how[i] == "" && m.lexicon.match(mine, m.configured[i].concepts) {
					a.how[i] = Lexicon
				}
			}
		}
		answers[norm] = a
		if !failed[norm] {
			m.remember(norm, a)
		}
	}
	if m.c.Model == nil && !m.c.LexiconOnly {
		degraded = "topics matched without a model: none is set up"
	}
	return degraded, usage
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
