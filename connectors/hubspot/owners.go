package hubspot

import (
	"context"
	"errors"
	"net/http"
	"net/url"

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
	if e := (*connectors.Error)(nil); errors.As(err, &e) && e.Code == codeMissingScopes {
		told := *e
		told.Fix = "give the service key or app the scope " + ownerScope
		return "", &told
	}
	if err != nil {
		return "", err
	}
	return v.Email, nil
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
