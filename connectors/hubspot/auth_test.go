package hubspot

import (
	"os"
	"path/filepath"
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

// A token that was rotated is read again from its file before anything stops; one of another portal is not used.
func TestARotatedTokenIsReadAgainFromItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	portals := map[string]string{"Bearer pat-na1-first-token": "4711", "Bearer pat-na1-second-token": "4711", "Bearer pat-na1-of-another-portal": "815"}
	valid := "Bearer pat-na1-first-token"
	writes := map[string]int{}
	c, f := connect(t, func(s seen) reply {
		switch {
		case s.auth != valid:
			return reply{status: 401, body: `{"status":"error","category":"EXPIRED_AUTHENTICATION","message":"The token has been rotated"}`}
		case strings.HasPrefix(s.path, "/account-info/"):
			return ok(`{"portalId":` + portals[s.auth] + `,"timeZone":"UTC"}`)
		}
		writes[s.auth]++
		return batch(s.inputs()...)
	}, func(o *Options) { o.Token, o.TokenFile = "pat-na1-first-token", file })
	put := func(token string) { must(t, os.WriteFile(file, []byte(token+"\n"), 0o600)) }
	put("pat-na1-first-token")
	_, err := c.Account(t.Context())
	must(t, err)

	valid = "Bearer pat-na1-second-token"
	before := len(f.request)
	_, err = c.Write(t.Context(), scores(3))
	if e, _ := err.(*connectors.Error); e == nil || e.Kind != connectors.Auth || e.Message != "The token has been rotated" || len(f.request) != before+1 {
		t.Errorf("while the file holds the old token: %v after %d requests", err, len(f.request)-before)
	}
	put("pat-na1-second-token")
	_, err = c.Write(t.Context(), scores(3))
	if err != nil || writes[valid] != 1 {
		t.Errorf("%v, writes %v", err, writes)
	}
	valid = "Bearer pat-na1-of-another-portal"
	put("pat-na1-of-another-portal")
	_, err = c.Write(t.Context(), scores(3))
	if e, _ := err.(*connectors.Error); e == nil || e.Kind != connectors.Config || e.Code != "other_account" || e.Fix == "" || strings.Contains(e.Error(), "pat-") || writes[valid] != 0 {
		t.Errorf("a token of another portal: %v, writes %v", err, writes)
	}
	must(t, os.Remove(file))
	if _, err = c.Write(t.Context(), scores(3)); connectors.KindOf(err) != connectors.Auth {
		t.Errorf("without a file: %v", err)
	}
}
