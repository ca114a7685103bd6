package hubspot

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// ownerScope is what reading owners needs.
const ownerScope = "crm.objects.owners.read"

// OwnerAddress is an owner's e-mail address: see connectors.OwnerReader.
func (c *Client) OwnerAddress(ctx context.Context, owner string) (string, error) {
	r := transport.Get("read an owner", c.paths.owners())
	if owner == "" {
		r.Query = url.Values{"limit": {"1"}}
	} else {
		r.Path += "/" + escape(owner)
	}
	v, resp, err := transport.Do[struct {
		Email string `json:"email"`
	}](ctx, c.http, r)
	if owner != "" && resp != nil && resp.Status == http.StatusNotFound && !resp.HTML() {
		return "", nil // they left
	}
	if err != nil {
		return "", needsOwnerScope(err)
	}
	return v.Email, nil
}

// needsOwnerScope names the scope where it is what is missing.
func needsOwnerScope(err error) error {
	if e := (*connectors.Error)(nil); errors.As(err, &e) && e.Code == codeMissingScopes {
		told := *e
		told.Fix = "give the service key or app the scope " + ownerScope
		return &told
	}
	return err
}

// ownersAtATime is the most that HubSpot lists in one answer.
const ownersAtATime = "500"

// OwnerNames are what owners are called: see connectors.OwnerNamer. HubSpot reads no owners by a list of ids: it lists all of them, which is one
// call of nearly every portal, and no further page is asked for once all are known.
func (c *Client) OwnerNames(ctx context.Context, owners []string) (map[string]string, error) {
	names := map[string]string{}
	wanted := map[string]bool{}
	for _, id := range owners {
		wanted[id] = true
	}
	r := transport.Get("list owners", c.paths.owners())
	r.Query = url.Values{"limit": {ownersAtATime}}
	for after := ""; len(names) < len(wanted); {
		v, _, err := transport.Do[struct {
			Results []struct {
				ID        string `json:"id"`
				Email     string `json:"email"`
				FirstName string `json:"firstName"`
				LastName  string `json:"lastName"`
			}
			Paging paging
		}](ctx, c.http, r)
		if err != nil {
			return nil, needsOwnerScope(err)
		}
		for _, o := range v.Results {
			if wanted[o.ID] {
				names[o.ID] = cmp.Or(strings.TrimSpace(o.FirstName+" "+o.LastName), o.Email)
			}
		}
		if v.Paging.Next.After == "" || v.Paging.Next.After == after { // a page that leads to itself would never end
			break
		}
		after = v.Paging.Next.After
		r.Query.Set("after", after)
	}
	return names, nil
}

// RecordURL is where people look at a contact: see connectors.RecordLinker.
func (c *Client) RecordURL(ctx context.Context, ref connectors.Ref) (string, error) {
	if c.portal.Load() == nil || c.screens.Load() == nil {
		if _, err := c.Account(ctx); err != nil {
			return "", err
		}
	}
	return "https://" + *c.screens.Load() + "/contacts/" + *c.portal.Load() + "/record/0-1/" + escape(ref.ID), nil
}
