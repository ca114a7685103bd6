package salesforce

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// nameParts are what a list of people shows of each.
var nameParts = []crmkit.Part{id, crmkit.FirstName, crmkit.LastName, crmkit.JobTitle, crmkit.Company, crmkit.Owner, crmkit.Email}

// Named implements [connectors.NameSearcher] by one search (SOSL) in the names of all objects.
func (c *Client) Named(ctx context.Context, words string, n int) ([]connectors.Contact, error) {
	const op = "search records by name"
	descriptions := map[string]*description{}
	var returning []string
	for _, name := range c.order {
		d, err := c.describe(ctx, c.objects[name])
		if err != nil {
			return nil, err
		}
		descriptions[name] = d
		var fields []string
		for _, field := range d.read {
			if role := d.roles[field]; role != nil && slices.Contains(nameParts, role.Part) {
				fields = append(fields, field)
			}
		}
		returning = append(returning, fmt.Sprintf("%s(%s LIMIT %d)", name, strings.Join(fields, ","), n))
	}
	r := transport.Get(op, c.data+"/search/?q="+escapeQuery("FIND {"+searchWords(words)+"} IN NAME FIELDS RETURNING "+strings.Join(returning, ", ")))
	var records []json.RawMessage
	r.Decode = func(a *transport.Response) error {
		var page struct {
			Records []json.RawMessage `json:"searchRecords"`
		}
		err := json.Unmarshal(a.Body, &page)
		if err == nil && page.Records == nil {
			err = transport.ErrNotJSON
		}
		records = page.Records
		return err
	}
	if _, err := c.http.Do(ctx, r); err != nil {
		return nil, err
	}
	var found []connectors.Contact
	for _, raw := range records {
		var is struct {
			Attributes struct {
				Type string `json:"type"`
			} `json:"attributes"`
		}
		if err := json.Unmarshal(raw, &is); err != nil || descriptions[is.Attributes.Type] == nil {
			continue // of an object that was not asked for
		}
		found = append(found, c.contact(c.objects[is.Attributes.Type], descriptions[is.Attributes.Type], record(raw)))
	}
	return found, nil
}

// searchWords are words as SOSL reads them between braces: characters that mean something there are escaped.
func searchWords(words string) string {
	var b strings.Builder
	for _, r := range words {
		if strings.ContainsRune(`?&|!{}[]()^~*:\"'+-`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
