package twostage

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
)

// What is asked by jobs, whose answers come hours later. Asks says what a lot of people lacks; each answer is given to Answered when it
// comes, which keeps it where InferAll finds it; then the people are inferred anew. What a job left unanswered is asked directly.

// Asks implements LaterEngine.
func (t *Engine) Asks(ctx context.Context, subjects []intent.Subject, under func(string) bool) (asks []intent.Ask, awaited [][]string, err error) {
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
			ask := intent.Ask{Person: p.s.Journey.Key, Inputs: p.inputs}
			if p.kept.Late != nil && p.kept.Late.Inputs == p.inputs || l.readable(p) != nil {
				continue // answered by a job already, or not readable: InferAll goes on
			}
			awaited[i] = ask.Awaited()
			if under(awaited[i][0]) {
				continue
			}
			if ask.Prompt, _, err = t.stage2Ask(p); err != nil {
				return nil, nil, err
			}
			asks = append(asks, ask)
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
func (t *Engine) lacking(p *person) (own, common []*question, direct bool) {
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

func (t *Engine) stage1Ask(asks []intent.Ask, person string, qs []*question) ([]intent.Ask, error) {
	items, keys := make([]*interaction, len(qs)), make([]string, len(qs))
	for i, q := range qs {
		items[i], keys[i] = q.interaction, q.key
	}
	prompt, err := t.stage1Prompt(items)
	return append(asks, intent.Ask{Prompt: prompt, Person: person, Keys: keys}), err
}

// Answered implements LaterEngine.
func (t *Engine) Answered(a *intent.Ask, c connectors.Completion, err error) {
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

func (t *Engine) answeredIntent(a *intent.Ask, c connectors.Completion, err error) {
	answer := &late{Inputs: a.Inputs, Usage: c.Usage}
	if err == nil && json.Valid(c.JSON) {
		answer.JSON = slices.Clone(c.JSON)
	}
	t.amend(a.Person, func(k *kept) { k.Late = answer })
}

// amend changes what is kept of a person.
func (t *Engine) amend(person string, change func(*kept)) {
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
