package transport

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Grant is a bearer token, the host it is for and when it ends.
type Grant struct {
	Token   string
	Base    *url.URL  // where the vendor says the API is; nil: the client's base
	Expires time.Time // zero: not told

	serial uint64
}

// Tokens hands out one grant to all workers and renews it once for all of them. It is safe for concurrent use.
type Tokens struct {
	fetch  func(context.Context) (Grant, error)
	static bool
	now    func() time.Time

	mu      sync.Mutex
	current Grant
	serial  uint64
	renewal *renewal
	refused error     // the last refusal of kind Auth …
	until   time.Time // … stands until then (monotonic)
}

type renewal struct {
	done  chan struct{}
	grant Grant
	err   error
}

const (
	earlyRenewal   = time.Minute      // before the end that was told: clocks differ, and calls take time
	fetchTimeout   = 2 * time.Minute  // of one renewal, retries included
	refusalStandby = 15 * time.Second // a refused credential is not tried by every worker in turn
)

// NewTokens fetches grants with fetch, which makes its calls with Request.Anonymous.
func NewTokens(fetch func(context.Context) (Grant, error), now func() time.Time) *Tokens {
	if now == nil {
		now = time.Now
	}
	return &Tokens{fetch: fetch, now: now}
}

// StaticToken hands out token for ever.
func StaticToken(token string) *Tokens {
	return &Tokens{static: true, current: Grant{Token: token, serial: 1}}
}

// ReplaceableToken hands out token until the vendor refuses it, and from then on what again finds in its place: ErrSameToken where
// nothing else is there.
func ReplaceableToken(token string, again func(context.Context) (Grant, error)) *Tokens {
	return &Tokens{fetch: again, now: time.Now, current: Grant{Token: token, serial: 1}, serial: 1}
}

// ErrSameToken says that there is no other token than the one that was refused.
var ErrSameToken = errors.New("the same token is still there")

// renewable says whether a refused grant can be replaced.
func (t *Tokens) renewable() bool { return !t.static }

// get is the present grant, fetched if there is none or its end is near.
func (t *Tokens) get(ctx context.Context) (Grant, error) {
	t.mu.Lock()
	g := t.current
	t.mu.Unlock()
	if t.static || g.serial != 0 && (g.Expires.IsZero() || t.now().Before(g.Expires.Add(-earlyRenewal))) {
		return g, nil
	}
	return t.renew(ctx, g)
}

// renew replaces the stale grant. Workers that come with the same stale grant share one fetch; who comes with an older one
// gets the present one at once. The fetch goes on if the caller that began it gives up, for others wait for it.
func (t *Tokens) renew(ctx context.Context, stale Grant) (Grant, error) {
	t.mu.Lock()
	if t.current.serial > stale.serial {
		g := t.current
		t.mu.Unlock()
		return g, nil
	}
	if t.refused != nil && time.Now().Before(t.until) {
		err := t.refused
		t.mu.Unlock()
		return Grant{}, err
	}
	f := t.renewal
	if f == nil {
		f = &renewal{done: make(chan struct{})}
		t.renewal = f
		go t.run(context.WithoutCancel(ctx), f)
	}
	t.mu.Unlock()
	select {
	case <-f.done:
		return f.grant, f.err
	case <-ctx.Done():
		return Grant{}, ctx.Err()
	}
}

// Release forgets a refusal: the credential is tried again at once.
func (t *Tokens) Release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused = nil
}

func (t *Tokens) run(ctx context.Context, f *renewal) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	g, err := t.fetch(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused = nil
	if err == nil {
		t.serial++
		g.serial = t.serial
		t.current = g
	} else if connectors.KindOf(err) == connectors.Auth {
		t.refused, t.until = err, time.Now().Add(refusalStandby)
	}
	f.grant, f.err = g, err
	t.renewal = nil
	close(f.done)
}
