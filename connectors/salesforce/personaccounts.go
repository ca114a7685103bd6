package salesforce

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
)

// Person accounts. Where an org has them, a contact may be one with its account. It reads like any other and takes no update: its
// fields are written as the account's, where a custom field Field__c of contacts is called Field__pc.

// isPersonAccount is the field of contacts that tells; orgs without person accounts do not have it.
const isPersonAccount = "IsPersonAccount"

const accountFix = "let the integration user edit accounts, and see the Intent fields there: object permission Edit on Account, and sharing"

// personAccounts remembers of contacts the account that they are one with, "" for an ordinary contact. It is safe for concurrent use.
type personAccounts struct {
	mu sync.Mutex
	of map[string]string
}

const mostPersonAccounts = 50_000 // contacts remembered: some 5 MB

func (p *personAccounts) note(contact, account string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil || len(p.of) >= mostPersonAccounts {
		p.of = map[string]string{}
	}
	p.of[contact] = account
}

// known adds to found what is remembered of contacts, and returns those of which nothing is.
func (p *personAccounts) known(contacts []string, found map[string]string) (unknown []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range contacts {
		if account, ok := p.of[id]; ok {
			found[id] = account
		} else {
			unknown = append(unknown, id)
		}
	}
	return unknown
}

// accountsOf tells of contacts the account that each is one with: a request per some 600 that were not read lately, in orgs that
// have person accounts.
func (c *Client) accountsOf(ctx context.Context, contacts []string) (map[string]string, error) {
	o := c.objects[Contact]
	if o == nil || len(contacts) == 0 {
		return nil, nil
	}
	d, err := c.describe(ctx, o)
	if err != nil || d.field(isPersonAccount) == nil {
		return nil, err
	}
	found := make(map[string]string, len(contacts))
	unknown := c.persons.known(contacts, found)
	unknown = slices.DeleteFunc(unknown, func(id string) bool { return id == "" })
	if len(unknown) == 0 {
		return found, nil
	}
	rows, err := c.rowsOf(ctx, fmt.Sprintf("look for person accounts among %d contacts", len(unknown)), unknown, false, func(list string) string {
		return "SELECT Id, AccountId FROM Contact WHERE " + isPersonAccount + " = true AND Id IN " + list
	})
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		v := r.values()
		id, _ := normalID(v["Id"])
		found[id], _ = normalID(v["AccountId"])
	}
	for _, id := range unknown {
		c.persons.note(id, found[id])
	}
	return found, nil
}

// throughAccounts parts the rows of contacts from those that are written as their accounts'.
func (c *Client) throughAccounts(ctx context.Context, rows []row) (contacts, accounts []row, err error) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.id
	}
	of, err := c.accountsOf(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range rows {
		account := of[r.id]
		if account == "" {
			contacts = append(contacts, r)
			continue
		}
		set := make(map[string]any, len(r.set))
		for api, v := range r.set {
			set[personField(api)] = v
		}
		r.object, r.id, r.group, r.set = c.account.name, account, account, set
		accounts = append(accounts, r)
	}
	return contacts, accounts, nil
}

// withoutPersons are the patches of contacts that are no person accounts.
func (c *Client) withoutPersons(ctx context.Context, o *object, patches []connectors.Patch) ([]connectors.Patch, error) {
	if o.name != Contact {
		return patches, nil
	}
	ids := make([]string, len(patches))
	for i, p := range patches {
		ids[i], _ = normalID(p.ID)
	}
	of, err := c.accountsOf(ctx, ids)
	if err != nil || len(of) == 0 {
		return patches, err
	}
	kept := make([]connectors.Patch, 0, len(patches))
	for i, p := range patches {
		if of[ids[i]] == "" {
			kept = append(kept, p)
		}
	}
	return kept, nil
}

// personField is the name that a custom field of contacts has on accounts.
func personField(api string) string {
	if n := len(api) - len("__c"); n > 0 && strings.EqualFold(api[n:], "__c") {
		return api[:n] + "__pc"
	}
	return api
}

// persons writes rows of person accounts. What the user may not do with accounts is no fault of the leads and contacts: each row is
// Rejected for it, and Probe tells.
func (w *writing) persons(ctx context.Context, rows []row) error {
	if len(rows) == 0 {
		return nil
	}
	err := w.c.writable(ctx, w.c.account, w.Op, rows)
	if err == nil {
		err = w.rounds(ctx, w.c.account, rows)
	}
	if connectors.KindOf(err) != connectors.Config {
		return err
	}
	e := *err.(*connectors.Error)
	e.Kind, e.Fix = connectors.Rejected, accountFix
	for _, r := range rows {
		if !w.Told(r.at) {
			w.Reject(r.at, &e)
		}
	}
	return nil
}

// probePersons tells whether person accounts can be written, in an org that has them.
func (c *Client) probePersons(ctx context.Context, p *crmkit.Probe) {
	o := c.objects[Contact]
	if o == nil {
		return
	}
	d, err := c.describe(ctx, o)
	if err != nil || d.field(isPersonAccount) == nil {
		return // an error was told with the fields
	}
	found, _, err := c.query(ctx, "count person accounts", "SELECT COUNT() FROM Contact WHERE "+isPersonAccount+" = true", false)
	if err != nil {
		p.Failed(err, findUndetermined, "the person accounts could not be counted")
		return
	}
	if found.total == 0 {
		return
	}
	set := map[string]any{}
	for _, f := range o.Own {
		if !f.RepEdits {
			set[personField(f.Property)] = nil
		}
	}
	switch err := c.writable(ctx, c.account, "check", []row{{set: set}}); {
	case connectors.KindOf(err) == connectors.Config:
		p.Add(findPersons, connectors.Failure, accountFix, "%d contacts are person accounts, which are written through their accounts, and cannot be: %s", found.total, err.(*connectors.Error).Message)
	case err != nil:
		p.Failed(err, findUndetermined, "the fields of accounts could not be checked")
	default:
		p.OK(findPersons, "%d contacts are person accounts and are written through their accounts", found.total)
	}
}
