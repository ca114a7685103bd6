package intent

import (
	"context"
	"encoding/json"
	"math"
	"slices"

	"github.com/intentd/intentd/connectors"
)

// What is asked by jobs, whose answers come hours later. Asks says what a lot of people lacks; each answer is given to Answered when it
// comes, which keeps it where InferAll finds it; then the people are inferred anew. What a job left unanswered is asked directly.

// An Ask is a prompt of a job. Without its Prompt it is all that Answered needs.
type Ask struct {
	Prompt connectors.Prompt
	Person string   // whose alone it is; "": shared by many
	Keys   []string // of the interactions that stage 1 is asked about, in order; nil: it is the person's stage 2 …
	Inputs uint64   // … for these inputs
}

// Awaited are the names of what an ask answers. Two asks with a name in common ask the same.
func (a *Ask) Awaited() []string {
	if len(a.Keys) == 0 {
		return []string{awaitedIntent(a.Person, a.Inputs)}
	}
	names := make([]string, len(a.Keys))
	for i, k := range a.Keys {
		names[i] = a.Person + "\x00" + k
	}
	return names
}

func awaitedIntent(person string, inputs uint64) string {
	return person + "\x02" + string(encode(inputs))
}

// LaterEngine is an engine whose answers may come by jobs.
type LaterEngine interface {
	LotEngine
	// Asks says what is to be asked before the subjects can be inferred without a call: for each the names it awaits, none if it is to be
	// inferred now. What under says to be under way is awaited and not asked again.
	Asks(ctx context.Context, subjects []Subject, under func(name string) bool) (asks []Ask, awaited [][]string, err error)
	// Answered takes in what came of an ask; err says why there is no answer.
	Answered(a *Ask, c connectors.Completion, err error)
}

// late is a stage-2 answer that came by a job, not yet held against the steps.
type late struct {
	Inputs uint64           `json:"inputs"`
	JSON   json.RawMessage  `json:"json,omitempty"` // nil: the job brought none
	Usage  connectors.Usage `json:"usage"`
}

// Asks implements LaterEngine.
func (t *TwoStage) Asks(ctx context.Context, subjects []Subject, under func(string) bool) (asks []Ask, awaited [][]string, err error) {
	awaited = make([][]string, len(subjects))
	l := &lot{t: t}
	var shared []*question
	asked := map[string]bool{}
	for _, s := range subjects {
		l.people = append(l.people, t.prepare(s))
	}
	t.layOut(l.people)
	for i, p := range l.people {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if p.done {
			continue
		}
		own, common, direct := t.lacking(p)
		switch {
		case direct:
		case len(own)+len(common) == 0:
			name := awaitedIntent(p.s.Journey.Key, p.inputs)
			if p.kept.Late != nil && p.kept.Late.Inputs == p.inputs || l.readable(p) != nil {
				continue // answered by a job already, or not readable: InferAll goes on
			}
			awaited[i] = []string{name}
			if under(name) {
				continue
			}
			prompt, _, err := t.stage2Ask(p)
			if err != nil {
				return nil, nil, err
			}
			asks = append(asks, Ask{Prompt: prompt, Person: p.s.Journey.Key, Inputs: p.inputs})
		default:
			key := p.s.Journey.Key
			var fresh []*question
			for _, q := range own {
				name := key + "\x00" + q.key
				awaited[i] = append(awaited[i], name)
				if !under(name) {
					fresh = append(fresh, q)
				}
			}
			for _, qs := range l.split(fresh) {
				if asks, err = t.stage1Ask(asks, key, qs); err != nil {
					return nil, nil, err
				}
			}
			for _, q := range common {
				name := "\x00" + q.key
				awaited[i] = append(awaited[i], name)
				if !asked[name] && !under(name) {
					asked[name], shared = true, append(shared, q)
				}
			}
		}
	}
	for _, qs := range l.split(shared) {
		if asks, err = t.stage1Ask(asks, "", qs); err != nil {
			return nil, nil, err
		}
	}
	return asks, awaited, nil
}

// lacking are the interactions of p without a summary, their own and those shared, each once. direct says that a job was asked about one of
// them already, in vain.
func (t *TwoStage) lacking(p *person) (own, common []*question, direct bool) {
	seen := map[string]bool{}
	for _, it := range p.steps {
		if it.known {
			continue
		}
		var s stageOne
		var tried bool
		if it.private {
			s, tried = p.kept.Own[ownKey(it)]
		} else if raw, ok := t.store.Cached([]byte(it.key)); ok && len(t.o.Secret) > 0 {
			tried = json.Unmarshal(raw, &s) == nil
		}
		if tried && s.fits(it) {
			it.result, it.known = s, true
			continue
		}
		if tried {
			return nil, nil, true
		}
		if seen[it.key] {
			continue
		}
		seen[it.key] = true
		q := &question{interaction: it, for_: []*interaction{it}, payer: p}
		if it.private {
			own = append(own, q)
		} else {
			common = append(common, q)
		}
	}
	return own, common, len(common) > 0 && len(t.o.Secret) == 0 // nowhere to keep them
}

// fits says whether a kept summary may be used for it: one that came by a job has not yet been held against what was asked.
func (s *stageOne) fits(it *interaction) bool {
	return s.Action != "" && (!s.Unproven || it.content.evidence(s))
}

func (t *TwoStage) stage1Ask(asks []Ask, person string, qs []*question) ([]Ask, error) {
	items, keys := make([]*interaction, len(qs)), make([]string, len(qs))
	for i, q := range qs {
		items[i], keys[i] = q.interaction, q.key
	}
	prompt, err := t.stage1Prompt(items)
	return append(asks, Ask{Prompt: prompt, Person: person, Keys: keys}), err
}

// Answered implements LaterEngine.
func (t *TwoStage) Answered(a *Ask, c connectors.Completion, err error) {
	if len(a.Keys) == 0 {
		t.answeredIntent(a, c, err)
		return
	}
	found := make([]*stageOne, len(a.Keys))
	if err == nil {
		if parsed, err := parseStage1(c.JSON, make([]content, len(a.Keys)), t.hosts); err == nil {
			found = parsed
		}
	}
	own := map[string]stageOne{}
	for i, key := range a.Keys {
		s := stageOne{Unproven: true} // without an action: a job was asked in vain
		if found[i] != nil {
			s = t.redacted(*found[i])
			s.Unproven = true
		}
		if a.Person != "" {
			own[ownKey(&interaction{key: key})] = s
		} else if raw, err := json.Marshal(s); err == nil && len(t.o.Secret) > 0 {
			t.store.Cache([]byte(key), raw)
		}
	}
	if a.Person == "" {
		return
	}
	t.amend(a.Person, func(k *kept) {
		if k.Own == nil {
			k.Own = map[string]stageOne{}
		}
		for key, s := range own {
			if s.Action != "" || k.Own[key].Action == "" {
				k.Own[key] = s
			}
		}
	})
}

func (t *TwoStage) answeredIntent(a *Ask, c connectors.Completion, err error) {
	answer := &late{Inputs: a.Inputs, Usage: c.Usage}
	if err == nil && json.Valid(c.JSON) {
		answer.JSON = slices.Clone(c.JSON)
	}
	t.amend(a.Person, func(k *kept) { k.Late = answer })
}

// amend changes what is kept of a person.
func (t *TwoStage) amend(person string, change func(*kept)) {
	t.amending.Lock()
	defer t.amending.Unlock()
	var k kept
	if raw, ok := t.store.Answer(person, t.version); ok && json.Unmarshal(raw, &k) != nil {
		k = kept{}
	}
	change(&k)
	if raw, err := json.Marshal(&k); err == nil {
		t.store.KeepAnswer(person, t.version, raw)
	}
}

// Likely is what an ask will cost by a job, in micro USD: what is sent is known, answers are of the length that they mostly have, thoughts
// at a low level among them. estimate prices a prompt by its MaxTokens, share is that of the price.
func (a *Ask) Likely(estimate func(connectors.Prompt) int64, share float64) int64 {
	p := a.Prompt
	p.MaxTokens = 700
	if n := len(a.Keys); n > 0 {
		p.MaxTokens = 100 * (n + 1)
	}
	return int64(math.Ceil(share * float64(estimate(p))))
}
