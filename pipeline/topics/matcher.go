package topics

import (
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

// promptVersion is part of the cache key: another prompt may answer otherwise.
const promptVersion = "topics-1"

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
			norm := Normal(name)
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

// Configured says whether there are topics to match with.
func (m *Matcher) Configured() bool { return len(m.configured) > 0 }

// Side says whether a topic is configured, and whether as one of wins.
func (m *Matcher) Side(name string) (win, ok bool) {
	norm := Normal(name)
	i := slices.IndexFunc(m.configured, func(t configured) bool { return t.norm == norm })
	return i >= 0 && m.configured[i].win, i >= 0
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
