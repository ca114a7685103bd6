package hubspot

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
)

const (
	findJournal              = "hubspot.journal"
	findJournalApp           = "hubspot.journal_app"
	findJournalScope         = "hubspot.journal_scope"
	findJournalSubscriptions = "hubspot.journal_subscriptions"
	findJournalFiles         = "hubspot.journal_files"
)

// probe checks the app and what it is told of. It subscribes to nothing.
func (j *journal) probe(ctx context.Context, p *crmkit.Probe) {
	have, err := j.subscriptions(ctx)
	if j.failed(p, err, "the app's subscriptions cannot be read") {
		return
	}
	latest, _, err := j.pointer(ctx, "/latest")
	if j.failed(p, err, "the webhooks journal cannot be read") {
		return
	}
	state := "nothing is in it at present"
	if latest != nil {
		state = "it holds changes"
		if _, err := j.fetch(ctx, latest); err != nil {
			host := "a host of HubSpot's"
			if u, err := url.Parse(latest.URL); err == nil && u.Host != "" {
				host = u.Host // the rest of the address is a secret
			}
			p.Add(findJournalFiles, connectors.Failure, "let intentd reach "+host+" over HTTPS: HubSpot keeps the files of the journal there, and may name another one any time",
				"a file of the webhooks journal cannot be read: %v", err)
		}
	}
	reads := "the app's refresh token reads and writes contacts"
	if j.c.o.OAuth == nil {
		reads = "the static token reads and writes contacts, for a service key has no journal and the app's own token no contacts: the app must be installed in the same account"
	}
	p.OK(findJournal, "the webhooks journal can be read with the app %s, and %s; %s", j.o.ClientID, state, reads)
	want := j.c.subscriptions(json.Number(*j.c.portal.Load()))
	i := slices.IndexFunc(have, want[0].same)
	switch {
	case i < 0:
		p.OK(findJournalSubscriptions, "the app is not told of changes of contacts yet: the first poll subscribes to them")
	case !have[i].covers(want[0]):
		p.Add(findJournalSubscriptions, connectors.Warning, "start intentd, or reload it: the next poll subscribes to them",
			"the app is not told of changes of all %d properties that are read", len(want[0].Properties))
	default:
		p.OK(findJournalSubscriptions, "the app is told of changes of %d properties, none of them written by intentd", len(want[0].Properties))
	}
	if lacks := j.lacks(); len(lacks) > 0 {
		p.Add(findJournalSubscriptions, connectors.Warning, "nothing is lost: the slow sweep finds what they would tell",
			"HubSpot does not take the subscriptions to %s", strings.Join(lacks, ", "))
	}
}

// failed notes an error of the app's.
func (j *journal) failed(p *crmkit.Probe, err error, what string) bool {
	e, _ := err.(*connectors.Error)
	switch {
	case err == nil:
		return false
	case e != nil && e.Kind == connectors.Auth && e.Code == codeMissingScopes:
		p.Add(findJournalScope, connectors.Failure, "add the scopes to the app, have it installed again in the account, and run `intentd doctor` again: "+strings.Join(journalScopes, ", "), "%s: %s", what, e.Message)
	case e != nil && e.Kind == connectors.Auth:
		p.Add(findJournalApp, connectors.Failure, e.Fix, "%s: %s", what, e.Message)
	default:
		p.Failed(err, findUndetermined, what)
	}
	return true
}

// polls is how often the host asks for changes, and for event occurrences, in a day.
func (c *Client) polls() (changes, events float64) {
	changes = float64(24*time.Hour) / float64(max(c.o.Poll, time.Second))
	if events = changes; c.journal != nil {
		events = min(changes, 24*60)
	}
	return changes, events
}
