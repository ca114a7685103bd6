package batch

import (
	"context"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/state"
)

// Place is where somebody's texts come from.
type Place uint8

const (
	Direct   Place = iota // from the engine, now
	Joined                // from a job, which wakes them when it is in
	NoRoom                // from a later job: as many prompts are collected, or as many jobs under way, as there may be
	NoBudget              // from a job of another day
)

// Await finds out what has to be asked before an engine can write texts about subjects, whose people are given in the same order, and collects
// what nobody asks yet. It says of each where the texts come from.
func (b *Jobs) Await(ctx context.Context, v *Vendor, engine intent.LaterEngine, subjects []intent.Subject, people []state.PersonID) ([]Place, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	asks, awaited, err := engine.Asks(ctx, subjects, func(name string) bool { _, ok := b.awaited[name]; return ok })
	if err != nil {
		return nil, err
	}
	left := b.collect(v, engine, asks)
	places := make([]Place, len(people))
	joined := map[string][]state.PersonID{}
	for i, id := range people {
		if len(awaited[i]) == 0 {
			continue
		}
		token, found := "", false
		for _, name := range awaited[i] { // a job under way counts before what is only collected
			if of, ok := b.awaited[name]; ok && (!found || of == "") {
				token, found = of, true
			}
		}
		switch {
		case !found:
			places[i] = left
		case token == "":
			places[i], b.people[id] = Joined, true
		default:
			places[i], joined[token] = Joined, append(joined[token], id)
		}
	}
	for token, people := range joined {
		b.under[token].People = append(b.under[token].People, people...)
		if err := b.o.DB.JoinBatch(token, people); err != nil {
			return nil, err
		}
	}
	return places, nil
}

// collect takes prompts up for the next job, as far as there is room and budget, and says what those that are left out lack; mu is held.
func (b *Jobs) collect(v *Vendor, engine intent.LaterEngine, asks []intent.Ask) (left Place) {
	terms := v.Model.Batching()
	if len(b.collected) > 0 && b.version != engine.Version() {
		return NoRoom // those of the engine before are dropped soon
	}
	for i := range asks {
		a := &asks[i]
		if len(b.collected) >= 2*terms.Prompts || len(b.under) >= jobsOut {
			return NoRoom
		}
		likely := a.Likely(func(p connectors.Prompt) int64 { return estimate(v.Model, p) }, terms.Share)
		if !v.Ledger.ReserveLater(likely) {
			return NoBudget
		}
		if len(b.collected) == 0 {
			b.since, b.version = b.o.Now(), engine.Version()
		}
		b.add(collected{*a, likely, promptBytes(&a.Prompt)})
	}
	return NoRoom
}

// add collects a prompt; mu is held.
func (b *Jobs) add(g collected) {
	b.collected = append(b.collected, g)
	for _, name := range g.Awaited() {
		b.awaited[name] = ""
	}
}

// drop lets go of the collected prompts that which names, and of what is reserved for them; mu is held. v is nil if nobody takes jobs any more:
// the budget they were reserved from is gone, too.
func (b *Jobs) drop(v *Vendor, which func(*collected) bool) {
	b.collected = slices.DeleteFunc(b.collected, func(g collected) bool {
		if !which(&g) {
			return false
		}
		for _, name := range g.Awaited() {
			delete(b.awaited, name)
		}
		if v != nil {
			v.Ledger.BookLater(connectors.Usage{}, g.likely)
		}
		return true
	})
}

func estimate(m any, p connectors.Prompt) int64 {
	if e, ok := m.(connectors.Estimator); ok {
		return e.Estimate(p)
	}
	return 0
}

// promptBytes is about what a prompt takes of a request: JSON in JSON grows, and so do pictures.
func promptBytes(p *connectors.Prompt) int {
	n := 5*(len(p.System)+len(p.User)+len(p.Schema))/4 + 512
	for _, img := range p.Images {
		n += len(img.Data) * 4 / 3
	}
	return n
}
