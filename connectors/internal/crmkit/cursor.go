package crmkit

import (
	"encoding/json"
	"fmt"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// ReadCursor reads a cursor, which is JSON with its version under "v" and the name of its feed under "f", into v. What is not a
// cursor of that feed and version is a Config error.
func ReadCursor(c *transport.Client, feed string, version int, from connectors.Cursor, v any) error {
	var head struct {
		Version int    `json:"v"`
		Feed    string `json:"f"`
	}
	op := "go on with " + feed
	if json.Unmarshal(from, &head) != nil || json.Unmarshal(from, v) != nil {
		return c.Err(connectors.Config, op, "", "the stored cursor cannot be read")
	}
	if head.Version != version || head.Feed != feed {
		return c.Err(connectors.Config, op, "", fmt.Sprintf("the stored cursor is of version %d for %q, this connector reads version %d for %q", head.Version, head.Feed, version, feed))
	}
	return nil
}
