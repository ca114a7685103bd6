package topics

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
)

// How a pair was matched.
const (
	Exact   = "exact"
	Model   = "model"
	Lexicon = "lexicon"
)

// Points of a match, before the score bounds their sum.
const (
	WinExact     = 5
	WinSemantic  = 3
	LossExact    = -10
	LossSemantic = -7
)

// Match is a topic of a journey that matches a configured one.
type Match struct {
	Journey    string // as given
	Configured string // as configured
	Win        bool
	How        string // Exact, Model or Lexicon
	Points     int
}

// Cache keeps the model's answers across restarts. Keys and values hold no text.
type Cache interface {
	Cached(key []byte) ([]byte, bool)
	Cache(key, value []byte)
}

// Group extends the lexicon. Names mean the same; each of them matches each of Related, which need not match each other.
type Group struct {
	Names   []string
	Related []string
}

// Config says what to match with, and how.
type Config struct {
	Win, Loss []string // a topic on both lists is a loss topic
	Groups    []Group  // on top of the built-in lexicon
	Model     connectors.Model
	ModelName string // part of the cache key
	// LexiconOnly says that no model was asked for: the lexicon's answers are then as good as it gets, not degraded.
	LexiconOnly bool
	Cache       Cache  // nil: answers are kept in memory only
	Secret      []byte // keys the cache's keys, so that they tell nobody what was asked
	Now         func() time.Time
}

// Kept is how long a model's answer about a pair holds.
const Kept = 7 * 24 * time.Hour

// remembered is how many journey topics the memory holds in each of two generations.
const remembered = 16384

// Matcher matches topics by one config. It is safe for concurrent use.
type Matcher struct {
	c          Config
	configured []configured
	lexicon    *lexicon

	mu       sync.RWMutex
	now, old map[string]answer // by normalised journey topic
}

type configured struct {
	name, norm string
	win        bool
	concepts   []string
}

// answer is what is known of one journey topic. how[i] is how configured topic i was matched, "" if it was not.
type answer struct {
	how   []string
	until time.Time // zero: for good
}

// New makes a matcher. Empty topics are skipped and repeated ones kept once.
func New(c Config) *Matcher {
	if c.Now == nil {
		c.Now = time.Now
	}
	m := &Matcher{c: c, lexicon: newLexicon(c.Groups), now: map[string]answer{}}
	add := func(list []string, win bool) {
		for _, name := range list {
			norm := normalise(name)
			if norm == "" || slices.ContainsFunc(m.configured, func(t configured) bool { return t.norm == norm }) {
				continue
			}
			m.configured = append(m.configured, configured{name: strings.TrimSpace(name), norm: norm, win: win, concepts: m.lexicon.concepts(norm)})
		}
	}
	add(c.Loss, false)
	add(c.Win, true)
	return m
}

// Offline is the matcher without its model: what the lexicon alone makes of topics. It asks nobody and keeps nothing.
func (m *Matcher) Offline() *Matcher {
	c := m.c
	c.Model, c.ModelName, c.LexiconOnly, c.Cache = nil, "", true, nil
	return New(c)
}

// Version changes whenever the same topics could be matched otherwise.
func (m *Matcher) Version() uint64 {
	d := xxhash.New()
	w := func(s string) { d.WriteString(s); d.WriteString("\x00") }
	for _, t := range m.configured {
		w(t.name)
		w(map[bool]string{true: "+", false: "-"}[t.win])
	}
	for _, g := range m.c.Groups {
		w(strings.Join(g.Names, "\x01"))
		w(strings.Join(g.Related, "\x01"))
	}
	w(lexiconVersion)
	if m.c.Model != nil {
		w(m.c.ModelName)
		w(promptVersion)
	}
	return d.Sum64()
}

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
		norm := normalise(t)
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
		a := answers[normalise(t)]
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

func (m *Matcher) remembered(norm string, now time.Time) (answer, bool) {
	if m.c.Model == nil && !m.c.LexiconOnly {
		return answer{}, false // degraded answers are not kept
	}
	m.mu.RLock()
	a, ok := m.now[norm]
	aged := false
	if !ok {
		a, aged = m.old[norm]
	}
	m.mu.RUnlock()
	if !a.until.IsZero() && !now.Before(a.until) {
		return answer{}, false
	}
	if aged {
		m.remember(norm, a)
	}
	return a, ok || aged
}

func (m *Matcher) remember(norm string, a answer) {
	if m.c.Model == nil && !m.c.LexiconOnly {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.now) >= remembered {
		m.now, m.old = make(map[string]answer, remembered), m.now
	}
	m.now[norm] = a
}

// cached looks a pair up in the cache. Values are the second of the answer and one byte.
func (m *Matcher) cached(norm string, i int, now time.Time) (yes bool, until time.Time, ok bool) {
	if m.c.Cache == nil {
		return false, until, false
	}
	v, found := m.c.Cache.Cached(m.key(norm, i))
	if !found || len(v) != 9 || v[8] > 1 {
		return false, until, false
	}
	until = time.Unix(int64(binary.BigEndian.Uint64(v)), 0).Add(Kept)
	// An answer from the future is one of a clock that jumped.
	return v[8] == 1, until, now.Before(until) && !until.After(now.Add(Kept+time.Hour))
}

func (m *Matcher) cache(p pair, yes bool, now time.Time) {
	if m.c.Cache == nil {
		return
	}
	v := binary.BigEndian.AppendUint64(nil, uint64(now.Unix()))
	if yes {
		v = append(v, 1)
	} else {
		v = append(v, 0)
	}
	m.c.Cache.Cache(m.key(p.topic, p.configured), v)
}
