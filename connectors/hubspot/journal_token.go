package hubspot

import (
	"context"
	"net/url"
	"strings"

	"github.com/intentd/intentd/connectors/internal/transport"
)

// journalScopes are what the app's token is asked for: the journal, its subscriptions, and the objects that these tell of, which the
// app's installation must have, too.
var journalScopes = []string{
	"developer.webhooks_journal.read", "developer.webhooks_journal.subscriptions.read", "developer.webhooks_journal.subscriptions.write",
	"crm.objects.contacts.read",
}

// appToken fetches a token of the app itself, which lasts 30 minutes and has no refresh token.
func (j *journal) appToken(ctx context.Context) (transport.Grant, error) {
	v, err := j.c.fetchToken(ctx, j.http, "fetch a token of the app", "check client_id and client_secret: they stand on the app's page, under Auth", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {j.o.ClientID}, "client_secret": {j.o.ClientSecret}, "scope": {strings.Join(journalScopes, " ")},
	})
	if err != nil {
		return transport.Grant{}, err
	}
	return v.grant(j.c.o.Now()), nil
}
