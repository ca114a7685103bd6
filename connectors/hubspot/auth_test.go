package hubspot

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
)

func TestOAuthTokensAreFetchedAndRenewedForAllWorkers(t *testing.T) {
	for _, version := range []string{"2026-09", "v3"} {
		synctest.Test(t, func(t *testing.T) {
			h := sandbox.NewHubSpot(sandbox.HubSpotOptions{OAuth: &sandbox.OAuthClient{ClientID: "id", ClientSecret: "client-secret", RefreshToken: "refresh-secret"}})
			c, err := New(Options{APIVersion: version, HTTP: h.Transport(), OAuth: &OAuth{"id", "client-secret", "refresh-secret"}})
			must(t, err)
			all := func() {
				var wg sync.WaitGroup
				for range 10 {
					wg.Go(func() {
						if _, err := c.Read(t.Context(), []connectors.Ref{ref("1")}); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
			}
			fetched := func() int64 { return h.Counters().Calls("POST oauth/token") }
			all()
			if fetched() != 1 {
				t.Errorf("%d fetches for ten workers", fetched())
			}
			h.ExpireTokens()
			all()
			if fetched() != 2 {
				t.Errorf("%d fetches after the tokens ended", fetched())
			}
			time.Sleep(29*time.Minute + 30*time.Second) // expires_in is 30 minutes: renewed before
			refused := h.Counters().Routes["POST contacts/batch/read"][401]
			all()
			if n := h.Counters().Routes["POST contacts/batch/read"][401]; n != refused || fetched() != 3 {
				t.Errorf("%d more refusals, %d fetches", n-refused, fetched())
			}
			bad, err := New(Options{APIVersion: version, HTTP: h.Transport(), OAuth: &OAuth{"id", "client-secret", "another-secret"}})
			must(t, err)
			_, err = bad.Count(t.Context())
			e, _ := err.(*connectors.Error)
			if e == nil || e.Kind != connectors.Auth || e.Fix == "" || strings.Contains(e.Error(), "another-secret") {
				t.Errorf("%+v", err)
			}
		})
	}
}
