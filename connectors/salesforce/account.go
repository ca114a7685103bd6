package salesforce

import (
	"context"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Account tells which org the token belongs to.
func (c *Client) Account(ctx context.Context) (connectors.AccountInfo, error) {
	const op = "read the org"
	info := connectors.AccountInfo{Location: time.UTC}
	found, resp, err := c.query(ctx, op, "SELECT Id, Name, OrganizationType, IsSandbox, TimeZoneSidKey FROM Organization", false)
	if err != nil && !(connectors.KindOf(err) == connectors.Config && c.who.Load() != nil) {
		return info, err // an integration user that may not see the organization still has one
	}
	if err == nil {
		info.ServerTime = resp.Date
		if len(found.records) > 0 {
			v := found.records[0].values()
			info.ID, _ = normalID(v["Id"])
			info.Name, info.Type = v["Name"], v["OrganizationType"]
			if v["IsSandbox"] == "true" {
				info.Type += " (sandbox)"
			}
			if loc, err := time.LoadLocation(v["TimeZoneSidKey"]); err == nil {
				info.Location = loc
			}
		}
	}
	if who := c.who.Load(); who != nil {
		info.ID = who.org
	}
	if info.ID == "" {
		return info, c.err(connectors.Transient, op, "the answer names no org")
	}
	if info.Name == "" {
		info.Name = "Salesforce org " + info.ID
	}
	return info, nil
}
