package hubspot

import (
	"context"
	"encoding/json"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Account tells which portal the token belongs to, and learns its time zone, in which the daily quota turns.
func (c *Client) Account(ctx context.Context) (connectors.AccountInfo, error) {
	type answer struct {
		PortalID    json.Number `json:"portalId"`
		AccountType string      `json:"accountType"`
		TimeZone    string      `json:"timeZone"`
		UTCOffset   int64       `json:"utcOffsetMilliseconds"`
	}
	v, resp, err := transport.Do[answer](ctx, c.http, transport.Get("read the account", c.paths.account()))
	if err != nil {
		return connectors.AccountInfo{}, err
	}
	loc, err := time.LoadLocation(v.TimeZone)
	if err != nil || v.TimeZone == "" {
		loc = time.FixedZone(v.TimeZone, int(v.UTCOffset/1000))
	}
	c.location.Store(loc)
	id := v.PortalID.String()
	if id == "" || id == "0" {
		return connectors.AccountInfo{}, c.err(connectors.Transient, "read the account", "the answer names no portal")
	}
	return connectors.AccountInfo{ID: id, Name: "HubSpot portal " + id, Type: v.AccountType, Location: loc, ServerTime: resp.Date}, nil
}
