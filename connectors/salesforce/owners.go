package salesforce

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// OwnerAddress is a user's e-mail address: see connectors.OwnerReader. Queues have none.
func (c *Client) OwnerAddress(ctx context.Context, owner string) (string, error) {
	const op = "read an owner"
	soql := "SELECT Id, Email, IsActive FROM User LIMIT 1"
	if owner != "" {
		id, ok := normalID(owner)
		if !ok {
			return "", nil
		}
		soql = "SELECT Id, Email, IsActive FROM User WHERE Id = " + quote(id)
	}
	rows, err := c.rows(ctx, op, soql, false)
	if err != nil || len(rows) == 0 || owner == "" {
		return "", err
	}
	v := rows[0].values()
	if v["IsActive"] != "true" {
		return "", nil
	}
	return v["Email"], nil
}

// OwnerNames are what users are called: see connectors.OwnerNamer.
func (c *Client) OwnerNames(ctx context.Context, owners []string) (map[string]string, error) {
	asked := map[string]string{} // the id as it was given, by the one of 18 characters
	for _, owner := range owners {
		if id, ok := normalID(owner); ok {
			asked[id] = owner
		}
	}
	names := map[string]string{}
	if len(asked) == 0 {
		return names, nil
	}
	rows, err := c.rowsOf(ctx, "read owners", slices.Sorted(maps.Keys(asked)), false, func(list string) string {
		return "SELECT Id, Name, Email FROM User WHERE Id IN " + list
	})
	for _, row := range rows {
		v := row.values()
		if name := cmp.Or(v["Name"], v["Email"]); name != "" {
			names[asked[v["Id"]]] = name
		}
	}
	return names, err
}

// RecordURL is where people look at a record: see connectors.RecordLinker.
func (c *Client) RecordURL(ctx context.Context, ref connectors.Ref) (string, error) {
	base := c.org.Load()
	if c.o.InstanceURL != "" {
		return strings.TrimRight(c.o.InstanceURL, "/") + "/" + ref.ID, nil
	}
	if base == nil {
		if _, err := c.Account(ctx); err != nil {
			return "", err
		}
		base = c.org.Load()
	}
	if base == nil {
		return "", c.err(connectors.Transient, "link a record", "where the org is was not told")
	}
	return base.String() + "/" + ref.ID, nil
}
