package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// unspecified is, of a strict portal, the refusal of a request that HubSpot's published specification does not have although
// HubSpot takes it.
func (h *HubSpot) unspecified(c call) *failure {
	if !h.o.Strict {
		return nil
	}
	v := c.params()
	comma := func(s string) bool { return strings.Contains(s, ",") }
	var in struct {
		Sorts       []json.RawMessage `json:"sorts"`
		WithHistory json.RawMessage   `json:"propertiesWithHistory"`
		Properties  json.RawMessage   `json:"properties"`
	}
	action := strings.Join(c.rest[min(1, len(c.rest)):], "/")
	if c.api != "objects" || json.Unmarshal(c.body, &in) != nil && c.method == http.MethodPost {
		return nil // whoever reads the body says what is wrong with it
	}
	switch {
	case c.dated == "" && len(c.rest) > 0 && c.rest[0] == "deals" && action == "search":
		return noResource // it has 0-3 in place of the name
	case slices.ContainsFunc(v["properties"], comma) || slices.ContainsFunc(v["propertiesWithHistory"], comma):
		return invalid("properties are given one by one: properties=a&properties=b")
	case action == "search" && slices.ContainsFunc(in.Sorts, func(s json.RawMessage) bool { return !bytes.HasPrefix(s, []byte{'"'}) }):
		return invalid("sorts are names, behind a - for descending order")
	case action == "batch/read" && (in.WithHistory == nil || in.Properties == nil):
		return lacking("BatchReadInputSimplePublicObjectId", "propertiesWithHistory", "properties")
	}
	return nil
}
