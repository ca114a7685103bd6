package hubspot

import (
	"context"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// nameProperties are what a list of people shows of each.
var nameProperties = []string{"company", "email", "firstname", "hubspot_owner_id", "jobtitle", "lastname"}

// Named implements [connectors.NameSearcher] by one search for words, which HubSpot looks for in name, address, phone and company.
func (c *Client) Named(ctx context.Context, words string, n int) ([]connectors.Contact, error) {
	search := searchRequest{Query: words, FilterGroups: []filterGroup{}, Sorts: []string{}, Limit: min(n, searchPageSize), After: "0"}
	for _, name := range nameProperties {
		if slices.Contains(c.schema.read, name) {
			search.Properties = append(search.Properties, name)
		}
	}
	r := transport.Post("search contacts by name", c.paths.objects(Contacts, "/search"), transport.Encode(search))
	r.Bucket = searchBucket
	answer, _, err := doPage(ctx, c, r)
	if err != nil {
		return nil, err
	}
	found := make([]connectors.Contact, len(answer.Results))
	for i := range answer.Results {
		found[i] = c.contact(&answer.Results[i])
	}
	return found, nil
}
