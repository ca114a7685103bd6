package umami

import (
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

func TestUmamiIsASource(t *testing.T) {
	for _, database := range []string{"Postgres", "ClickHouse"} {
		t.Run(database, func(t *testing.T) {
			connectortest.Source(t, func(t *testing.T) connectortest.SourceHarness {
				s := newStandIn(t)
				s.clickhouse = database == "ClickHouse"
				// The suite has things happen a month late: Umami does not tell when it took something in, so that so much is listed again.
				late := func(o *Config) { o.Lookback = 31 * day }
				return connectortest.SourceHarness{
					Source: s.source(late), Now: testNow, Precision: time.Second,
					NoLinks: true, NoAnonymous: true, // who is identified begins a session of their own
					Reopen: func(t *testing.T) connectors.Source { return s.source(late) },
					Add: func(t *testing.T, events ...connectors.Event) {
						for _, e := range events {
							host, url, _ := strings.Cut(strings.TrimPrefix(e.URL, "https://"), "/")
							p := payload{ID: e.Email, Hostname: host, URL: "/" + url, Title: e.PageTitle, Timestamp: e.Time.UnixMilli()}
							if e.UserID != "" {
								p.ID = e.UserID
							}
							if e.Kind != connectors.KindPageView {
								p.Name = e.Kind
							}
							s.send(p, e.ID)
						}
					},
				}
			})
		})
	}
}
