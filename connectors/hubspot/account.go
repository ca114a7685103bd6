package hubspot

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Account tells which portal the token belongs to, and learns its time zone, in which the daily quota turns.
func (c *Client) Account(ctx context.Context) (connectors.AccountInfo, error) {
	info, screens, err := c.account(ctx, "")
	if err == nil {
		c.location.Store(info.Location)
		c.portal.Store(&info.ID)
		c.screens.Store(&screens)
	}
	return info, err
}

// account asks which portal token belongs to, "" for the token in use, and where people look at it.
func (c *Client) account(ctx context.Context, token string) (info connectors.AccountInfo, screens string, err error) {
	type answer struct {
		PortalID    json.Number `json:"portalId"`
		AccountType string      `json:"accountType"`
		TimeZone    string      `json:"timeZone"`
		UTCOffset   int64       `json:"utcOffsetMilliseconds"`
		UIDomain    string      `json:"uiDomain"`
	}
	r := transport.Get("read the account", c.paths.account())
	if token != "" {
		r.Anonymous, r.Header = true, http.Header{"Authorization": {"Bearer " + token}}
	}
	v, resp, err := transport.Do[answer](ctx, c.http, r)
	if err != nil {
		return info, "", err
	}
	loc, err := time.LoadLocation(v.TimeZone)
	if err != nil || v.TimeZone == "" {
		loc = time.FixedZone(v.TimeZone, int(v.UTCOffset/1000))
	}
	id := v.PortalID.String()
	if id == "" || id == "0" {
		return info, "", c.err(connectors.Transient, "read the account", "the answer names no portal")
	}
	return connectors.AccountInfo{ID: id, Name: "HubSpot portal " + id, Type: v.AccountType, Location: loc, ServerTime: resp.Date}, cmp.Or(v.UIDomain, "app.hubspot.com"), nil
}
