package twostage

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/intentd/intentd/connectors"
)

// lot are people of one InferAll who share calls.
type lot struct {
	t      *Engine
	people []*person
	last   bool // all of them go last (Subject.Last)

	mu      sync.Mutex
	stopErr error // what makes further calls of this lot pointless
}

// question is one thing to ask stage 1: an interaction, all the interactions of the lot that it answers, and who pays.
type question struct {
	*interaction
	for_   []*interaction
	payer  *person
	flight *flight
}

// errUnreadable says that too few steps of a journey got a summary.
var errUnreadable = errors.New("model could not read the journey")

// picturesPerCall bounds the pictures that share a call.
const picturesPerCall = 4

// stage1 gives every interaction of the lot its summary: from the cache, from a call somebody else has in flight, or from calls of
// its own.
func (l *lot) stage1(ctx context.Context) {
	wanted := map[string]*question{} // shared ones, by key
	var order []*question
	var calls [][]*question
	for _, p := range l.people {
		if p.done {
			continue
		}
		var private []*question
		mine := map[string]*question{}
		for _, it := range p.steps {
			if it.known {
				continue
			}
			if it.private {
				if s, ok := p.kept.Own[ownKey(it)]; ok && s.fits(it) {
					it.result, it.known = s, true
				} else if q := mine[it.key]; q != nil {
					q.for_ = append(q.for_, it)
				} else {
					q = &question{interaction: it, for_: []*interaction{it}, payer: p}
					mine[it.key] = q
					private = append(private, q)
				}
				continue
			}
			if q := wanted[it.key]; q != nil {
				q.for_ = append(q.for_, it)
				continue
			}
			if s, ok := l.t.cached(it); ok {
				it.result, it.known = s, true
				continue
			}
			q := &question{interaction: it, for_: []*interaction{it}, payer: p}
			wanted[it.key] = q
			order = append(order, q)
		}
		calls = append(calls, l.split(private)...)
	}
	for round := 0; len(order) > 0 || len(calls) > 0; round++ {
		var mine, theirs []*question
		for _, q := range order {
			if l.t.board(q) {
				mine = append(mine, q)
			} else {
				theirs = append(theirs, q)
			}
		}
		calls = append(calls, l.split(mine)...)
		var g errgroup.Group
		g.SetLimit(l.t.o.Concurrency)
		for _, qs := range calls {
			g.Go(func() error {
				l.ask(ctx, qs, true)
				return nil
			})
		}
		_ = g.Wait()
		// Own calls are done before anybody else's are waited for: two lots never wait for each other.
		order, calls = nil, nil
		for _, q := range theirs {
			select {
			case <-q.flight.done:
			case <-ctx.Done():
				return
			}
			if connectors.Interrupted(q.flight.err) && round < 3 {
				order = append(order, q) // whoever asked was stopped: ask again
				continue
			}
			q.answer(q.flight.result, q.flight.err)
		}
	}
	for _, p := range l.people {
		if !p.done {
			l.t.keepOwn(p)
		}
	}
}

// split cuts questions into calls.
func (l *lot) split(qs []*question) (calls [][]*question) {
	var call []*question
	pictures := 0
	for _, q := range qs {
		if len(call) == l.t.o.Batch || q.image != nil && pictures == picturesPerCall {
			calls = append(calls, call)
			call, pictures = nil, 0
		}
		if q.image != nil {
			pictures++
		}
		call = append(call, q)
	}
	if len(call) > 0 {
		calls = append(calls, call)
	}
	return calls
}

// board takes q's flight if nobody else has; false: somebody has, and q.flight is theirs. A flight that landed between the look into the
// cache and now is found there.
func (t *Engine) board(q *question) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.flights[q.key]; f != nil {
		q.flight = f
		return false
	}
	if s, ok := t.cached(q.interaction); ok {
		q.flight = &flight{done: closed, result: s}
		return false
	}
	q.flight = &flight{done: make(chan struct{})}
	t.flights[q.key] = q.flight
	return true
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// land ends q: its answer goes to the cache or to its person, then to all who wait.
func (t *Engine) land(q *question, s stageOne, err error) {
	q.answer(s, err)
	if q.private {
		return
	}
	if err == nil && len(t.o.Secret) > 0 {
		if raw, err := json.Marshal(s); err == nil {
			t.store.Cache([]byte(q.key), raw)
		}
	}
	t.mu.Lock()
	delete(t.flights, q.key)
	t.mu.Unlock()
	q.flight.result, q.flight.err = s, err
	close(q.flight.done)
}

func (q *question) answer(s stageOne, err error) {
	for _, it := range q.for_ {
		it.result, it.err, it.known = s, err, err == nil
	}
}

func (t *Engine) cached(it *interaction) (s stageOne, ok bool) {
	if len(t.o.Secret) == 0 {
		return s, false
	}
	raw, ok := t.store.Cached([]byte(it.key))
	return s, ok && json.Unmarshal(raw, &s) == nil && s.fits(it)
}

func ownKey(it *interaction) string { return base64.RawStdEncoding.EncodeToString([]byte(it.key)[:18]) }

// keepOwn stores p's private summaries before stage 2 is paid for, and forgets those of steps that are gone. The last answer stays with
// them.
func (t *Engine) keepOwn(p *person) {
	next := map[string]stageOne{}
	fresh := false
	for _, it := range p.steps {
		if !it.private || !it.known {
			continue
		}
		k := ownKey(it)
		next[k] = it.result
		if _, ok := p.kept.Own[k]; !ok {
			fresh = true
		}
	}
	p.kept.Own = next
	if fresh {
		t.keep(p)
	}
}

// keepArrived stores the summaries of a call that are one person's alone as they come: a kill pays for no answer twice that had arrived.
func (t *Engine) keepArrived(qs []*question) {
	if !qs[0].private {
		return // the shared cache has them
	}
	p := qs[0].payer
	p.keeping.Lock()
	defer p.keeping.Unlock()
	if p.kept.Own == nil {
		p.kept.Own = map[string]stageOne{}
	}
	for _, q := range qs {
		if q.known {
			p.kept.Own[ownKey(q.interaction)] = q.result
		}
	}
	t.keep(p)
}

// ask makes one call for qs and lands each of them. When the call is refused as a whole, its halves are asked on their own, so that
// one interaction never costs the others their summaries; those whose answers do not stand up are asked once more.
func (l *lot) ask(ctx context.Context, qs []*question, again bool) {
	err := l.stopped()
	if err == nil && qs[0].private {
		err = qs[0].payer.spoilt()
	}
	var found []*stageOne
	if err == nil {
		items := make([]*interaction, len(qs))
		contents := make([]content, len(qs))
		for i, q := range qs {
			items[i], contents[i] = q.interaction, q.content
		}
		var prompt connectors.Prompt
		if prompt, err = l.t.stage1Prompt(items); err == nil {
			var c connectors.Completion
			c, err = l.t.call(ctx, prompt, l.last)
			l.pay(qs, c.Usage)
			if err == nil {
				if found, err = parseStage1(c.JSON, contents, l.t.hosts); err != nil {
					err = &connectors.Error{Kind: connectors.Rejected, Op: "intent: stage 1", Code: "off_schema", Message: err.Error()}
				}
			}
		}
	}
	if err != nil {
		l.stop(err)
		if qs[0].private {
			qs[0].payer.refuse(err)
		}
		if connectors.KindOf(err) == connectors.Rejected && len(qs) > 1 && (!qs[0].private || qs[0].payer.spoilt() == nil) {
			l.ask(ctx, qs[:len(qs)/2], again)
			l.ask(ctx, qs[len(qs)/2:], again)
			return
		}
		for _, q := range qs {
			l.t.land(q, stageOne{}, err)
		}
		return
	}
	var missing []*question
	for i, q := range qs {
		if found[i] == nil {
			missing = append(missing, q)
			continue
		}
		l.t.land(q, l.t.redacted(*found[i]), nil)
	}
	l.t.keepArrived(qs)
	if len(missing) == 0 {
		return
	}
	if again {
		l.ask(ctx, missing, false)
		return
	}
	for _, q := range missing {
		l.t.land(q, stageOne{}, &connectors.Error{Kind: connectors.Rejected, Op: "intent: stage 1", Code: "unsound"})
	}
}

// privateRefusals bounds the calls of one person's own words that may be refused in one go: enough to find the one step of a call that
// spoils it, too few for one stranger's text to look as if the model were of no use to anybody.
const privateRefusals = 6

func (p *person) refuse(err error) {
	p.keeping.Lock()
	defer p.keeping.Unlock()
	if connectors.KindOf(err) == connectors.Rejected {
		p.refusals, p.refusal = p.refusals+1, err
	}
}

// spoilt is the last refusal of p's own words, once there were enough of them.
func (p *person) spoilt() error {
	p.keeping.Lock()
	defer p.keeping.Unlock()
	if p.refusals >= privateRefusals {
		return p.refusal
	}
	return nil
}

// redacted passes an answer through the same sieve as its question, should a model have made up an address.
func (t *Engine) redacted(s stageOne) stageOne {
	red := t.o.Redact.For()
	s.Action, _ = red.Clean(s.Action)
	for i := range s.Context {
		s.Context[i], _ = red.Clean(s.Context[i])
	}
	return s
}

// pay shares a call's usage among those who asked. What does not divide goes to the first.
func (l *lot) pay(qs []*question, u connectors.Usage) {
	n := len(qs)
	each := connectors.Usage{In: u.In / n, Out: u.Out / n, Thoughts: u.Thoughts / n, Cached: u.Cached / n, MicroUSD: u.MicroUSD / int64(n)}
	rest := u
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range qs[1:] {
		q.payer.usage = q.payer.usage.Add(each)
		rest.In -= each.In
		rest.Out -= each.Out
		rest.Thoughts -= each.Thoughts
		rest.Cached -= each.Cached
		rest.MicroUSD -= each.MicroUSD
	}
	qs[0].payer.usage = qs[0].payer.usage.Add(rest)
}

// stop remembers an error that the next call would meet again.
func (l *lot) stop(err error) {
	if !errors.Is(err, errBudget) && !connectors.Stops(err) && connectors.KindOf(err) != connectors.RateLimited && connectors.Until(err).IsZero() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopErr == nil {
		l.stopErr = err
	}
}

func (l *lot) stopped() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopErr
}

// readable says whether enough of p was summarised: nothing is missing but what the model refused to answer, and that is at most half.
func (l *lot) readable(p *person) error {
	asked, missing := 0, 0
	var refused error
	for _, it := range p.steps {
		if it.ruled {
			continue
		}
		asked++
		if it.known {
			continue
		}
		if it.err == nil {
			return errUnreadable
		}
		if connectors.KindOf(it.err) != connectors.Rejected {
			return it.err
		}
		missing, refused = missing+1, it.err
	}
	if missing*2 > asked {
		return refused
	}
	return nil
}
