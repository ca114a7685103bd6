package connectortest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

var failureCases = []crmCase{
	{name: "passing failures are retried", run: passingFailures},
	{name: "lasting failures are Transient and end", run: lastingFailures},
	{name: "an update whose answer is lost is sent again without harm", run: lostAnswers},
	{name: "a limit is waited out by every worker", run: throttled},
	{name: "the vendor's limits are kept without being told", run: keepsLimits},
	{name: "a used-up day is Quota until it turns, and nothing is sent meanwhile", run: quota},
	{name: "revoked credentials are Auth", run: revoked},
	{name: "cancellation is prompt", run: cancels},
	{name: "all methods at once", run: atOnce},
}

func asError(err error) *connectors.Error {
	var e *connectors.Error
	errors.As(err, &e)
	return e
}

// wantKind checks an error's kind and that it tells no secret and nobody's address.
func wantKind(t *testing.T, h CRMHarness, err error, kind connectors.Kind) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", kind)
	}
	e := asError(err)
	if e == nil {
		t.Fatalf("%T is no *connectors.Error: %v", err, err)
	}
	if e.Kind != kind {
		t.Errorf("an error of kind %s, want %s: %v", e.Kind, kind, err)
	}
	if e.Op == "" {
		t.Errorf("the error does not say what was being done: %v", err)
	}
	for chain := error(e); chain != nil; chain = errors.Unwrap(chain) {
		text := fmt.Sprintf("%v %+v", chain, chain)
		for _, s := range h.Secrets() {
			if strings.Contains(text, s) {
				t.Errorf("the error tells a secret: %s", strings.ReplaceAll(text, s, "…"))
			}
		}
		if strings.Contains(text, "@") {
			t.Errorf("the error tells an address: %v", chain)
		}
	}
}

// calls are the three methods, for cases that hold for each.
func calls(h CRMHarness, crm connectors.CRM, cursor connectors.Cursor, refs []connectors.Ref) map[Requests]func(ctx context.Context) error {
	return map[Requests]func(ctx context.Context) error{
		FeedRequests: func(ctx context.Context) error { _, err := crm.Changes(ctx, cursor); return err },
		ReadRequests: func(ctx context.Context) error { _, err := crm.Read(ctx, refs); return err },
		WriteRequests: func(ctx context.Context) error {
			var patches []connectors.Patch
			for i, r := range refs {
				patches = append(patches, fullPatch(r, i))
			}
			results, err := crm.Write(ctx, patches)
			if len(results) != len(patches) {
				return fmt.Errorf("%d results for %d patches", len(results), len(patches))
			}
			for _, r := range results {
				if err == nil && r.Err != nil {
					return r.Err
				}
				if err != nil && r.Err == nil {
					return fmt.Errorf("a row without an error beside %v", err)
				}
			}
			return err
		},
	}
}

func passingFailures(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 3)
	f := begin(t, h)
	h.Change(t, refs, "Changed")
	for _, kind := range []FailureKind{Unavailable, WebPage, Broken, Cut} {
		for on, call := range calls(h, f.crm, f.cursor, refs) {
			h.Fail(t, Failure{On: on, Kind: kind, Times: 2})
			if err := call(t.Context()); err != nil {
				t.Errorf("failure %d on requests %d: %v", kind, on, err)
			}
		}
	}
	settle(h)
	_, told := f.drain(t)
	wantAll(t, refs, told)
}

func lastingFailures(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 3)
	f := begin(t, h)
	h.Change(t, refs, "Changed")
	for _, kind := range []FailureKind{Unavailable, WebPage, Broken, Cut} {
		for on, call := range calls(h, f.crm, f.cursor, refs) {
			h.Fail(t, Failure{On: on, Kind: kind, Times: 1000})
			start, before := time.Now(), h.Requests()
			wantKind(t, h, call(t.Context()), connectors.Transient)
			if d := time.Since(start); d > 10*time.Minute {
				t.Errorf("it took %s to give up", d)
			}
			if n := h.Requests() - before; n < 2 || n > 20 {
				t.Errorf("%d requests before giving up", n)
			}
			h.Fail(t, Failure{}) // none any more
		}
	}
	settle(h)
	_, told := f.drain(t)
	wantAll(t, refs, told)
}

func lostAnswers(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 3)
	crm := h.Connect(t)
	h.Fail(t, Failure{On: WriteRequests, Kind: LostAnswer, Times: 2})
	patches := []connectors.Patch{fullPatch(refs[0], 1), fullPatch(refs[1], 2), fullPatch(refs[2], 3)}
	wantNoErrors(t, write(t, crm, patches...))
	for _, p := range patches {
		wantOwn(t, h, p)
	}
}

func throttled(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 3)
	f := begin(t, h)
	for on, call := range calls(h, f.crm, f.cursor, refs) {
		h.Fail(t, Failure{On: on, Kind: Throttled, Times: 1})
		limited := h.Limited()
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond) // the first meets the limit, the others must wait with it
				errs[i] = call(t.Context())
			})
		}
		start := time.Now()
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				t.Errorf("requests %d: %v", on, err)
			}
		}
		if h.Limited() != limited+1 {
			t.Errorf("requests %d: %d refusals, want 1", on, h.Limited()-limited)
		}
		if time.Since(start) < 500*time.Millisecond {
			t.Errorf("requests %d: nobody waited", on)
		}
	}
}

func keepsLimits(t *testing.T, h CRMHarness) {
	refs := h.Create(t, h.Figures().Batch)
	f := begin(t, h)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 60 {
				var err error
				switch (i + n) % 3 {
				case 0:
					_, err = f.crm.Changes(t.Context(), f.cursor)
				case 1:
					_, err = f.crm.Read(t.Context(), refs[:5])
				case 2:
					_, err = f.crm.Write(t.Context(), []connectors.Patch{patch(refs[i], connectors.FieldScore, "1.0")})
				}
				if err != nil {
					t.Errorf("worker %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := h.Limited(); n > 0 {
		t.Errorf("%d requests were refused because of limits", n)
	}
}

func quota(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 2)
	f := begin(t, h)
	h.Fail(t, Failure{On: ReadRequests, Kind: DayUsedUp, Times: 1})
	_, err := f.crm.Read(t.Context(), refs)
	wantKind(t, h, err, connectors.Quota)
	until := connectors.Until(err)
	if wait := time.Until(until); wait <= 0 || wait > 25*time.Hour {
		t.Fatalf("the quota lasts until %s, %s from now", until, wait)
	}
	before := h.Requests()
	for on, call := range calls(h, f.crm, f.cursor, refs) {
		if err := call(t.Context()); connectors.KindOf(err) != connectors.Quota {
			t.Errorf("requests %d meanwhile: %v, want Quota", on, err)
		}
	}
	if n := h.Requests() - before; n > 0 {
		t.Errorf("%d requests were sent meanwhile", n)
	}
	time.Sleep(time.Until(until) + time.Second)
	for on, call := range calls(h, f.crm, f.cursor, refs) {
		if err := call(t.Context()); err != nil {
			t.Errorf("requests %d afterwards: %v", on, err)
		}
	}
}

func revoked(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 2)
	f := begin(t, h)
	h.Revoke(t)
	for _, call := range calls(h, f.crm, f.cursor, refs) {
		before := h.Requests()
		wantKind(t, h, call(t.Context()), connectors.Auth)
		if n := h.Requests() - before; n > 4 {
			t.Errorf("%d requests to find out", n)
		}
	}
}

func cancels(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 2)
	f := begin(t, h)
	for on, call := range calls(h, f.crm, f.cursor, refs) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		before := h.Requests()
		if err := call(ctx); !connectors.Interrupted(err) {
			t.Errorf("requests %d with a context that ended: %v", on, err)
		}
		if n := h.Requests() - before; n > 0 {
			t.Errorf("%d requests were sent", n)
		}
		// In the middle of a wait.
		h.Fail(t, Failure{On: on, Kind: Throttled, Times: 1000})
		ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
		start := time.Now()
		err := call(ctx)
		cancel()
		if !connectors.Interrupted(err) || connectors.KindOf(err) != connectors.Transient {
			t.Errorf("requests %d cancelled while waiting: %v", on, err)
		}
		if d := time.Since(start); d > 310*time.Millisecond {
			t.Errorf("requests %d: it took %s to give up", on, d)
		}
		h.Fail(t, Failure{})
		time.Sleep(time.Minute)
	}
}

func atOnce(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 2*h.Figures().Batch)
	f := begin(t, h)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			for _, call := range calls(h, f.crm, f.cursor, refs[i*10:]) {
				if err := call(t.Context()); err != nil {
					t.Errorf("worker %d: %v", i, err)
				}
			}
			if r, ok := f.crm.(connectors.Reporter); ok {
				if r.Report().Calls == 0 {
					t.Error("a report without calls")
				}
			}
		})
	}
	wg.Wait()
}
