package salesforce

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
)

// personOrg stands before an org and makes some of its contacts person accounts: they take no update of their own, and their accounts
// take it under the names that the contact's custom fields have there.
type personOrg struct {
	accounts map[string]string // by contact
	locked   bool              // the user may not edit accounts
	written  map[string]map[string]any
	queries  int
}

func (p *personOrg) answer(r seen) reply {
	switch {
	case strings.HasSuffix(r.path, "/sobjects/Contact/describe"):
		return ok(`{"updateable":true,"fields":[` + describedFields("__c", `{"name":"Id"},{"name":"SystemModstamp"},{"name":"AccountId"},{"name":"IsPersonAccount"}`) + `]}`)
	case strings.HasSuffix(r.path, "/sobjects/Account/describe"):
		return ok(fmt.Sprintf(`{"updateable":%v,"fields":[`, !p.locked) + describedFields("__pc", `{"name":"Id"}`) + `]}`)
	case strings.Contains(r.query, "COUNT() FROM Contact WHERE IsPersonAccount = true"):
		return ok(fmt.Sprintf(`{"totalSize":%d,"done":true,"records":[]}`, len(p.accounts)))
	case strings.HasPrefix(r.query, "SELECT Id, AccountId FROM Contact WHERE IsPersonAccount = true AND Id IN "):
		p.queries++
		var rows []string
		for contact, account := range p.accounts {
			rows = append(rows, fmt.Sprintf(`{"Id":%q,"AccountId":%q}`, contact, account))
		}
		return ok(fmt.Sprintf(`{"totalSize":%d,"done":true,"records":[%s]}`, len(rows), strings.Join(rows, ",")))
	case r.method == "PATCH":
		var body struct{ Records []map[string]any }
		_ = json.Unmarshal([]byte(r.body), &body)
		var rows []string
		for _, rec := range body.Records {
			id, object := rec["id"].(string), rec["attributes"].(map[string]any)["type"]
			if p.accounts[id] != "" || object == "Account" && !strings.HasPrefix(id, "001") {
				rows = append(rows, `{"success":false,"errors":[{"statusCode":"INVALID_FIELD_FOR_INSERT_UPDATE","message":"A person account is updated by its account."}]}`)
				continue
			}
			delete(rec, "attributes")
			p.written[id] = rec
			rows = append(rows, fmt.Sprintf(`{"id":%q,"success":true,"errors":[]}`, id))
		}
		return ok("[" + strings.Join(rows, ",") + "]")
	}
	return reply{}
}

func describedFields(suffix, first string) string {
	list := []string{first}
	for _, f := range connectors.PersonFields().Fields {
		list = append(list, fmt.Sprintf(`{"name":%q,"updateable":true}`, strings.TrimSuffix(defaultName(f.Name), "__c")+suffix))
	}
	return strings.Join(list, ",")
}

// A contact that is one with its account is written through the account, beside the others, one by one and in jobs.
func TestPersonAccounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Contact)
		refs := p.Create(t, 3)
		account, _ := normalID("0015g0000000001")
		org := &personOrg{accounts: map[string]string{refs[1].ID: account}, written: map[string]map[string]any{}}
		c, f := p.watched(t, org.answer)
		for range 2 {
			results, err := c.Write(t.Context(), []connectors.Patch{score(refs[0], "1.0"), score(refs[1], "2.0"), score(refs[2], "3.0"), {Ref: refs[1], Fields: map[string]string{"tier": "low"}}})
			must(t, err)
			for i, r := range results {
				if r.Err != nil {
					t.Errorf("row %d: %v", i, r.Err)
				}
			}
		}
		if w := org.written[account]; w["Intent_Tier__pc"] != "low" || len(org.written) != 3 {
			t.Errorf("written: %v", org.written)
		}
		if org.queries != 1 {
			t.Errorf("%d queries for three contacts", org.queries)
		}
		token, err := c.Submit(t.Context(), Contact)
		must(t, err)
		must(t, c.Upload(t.Context(), token, scores(refs, "4.0")))
		for _, r := range f.request {
			if r.method == "PUT" && (strings.Contains(r.body, refs[1].ID) || !strings.Contains(r.body, refs[2].ID)) {
				t.Errorf("the job holds %s", r.body)
			}
		}
		if token, err = c.Submit(t.Context(), Contact); err != nil {
			t.Fatal(err)
		}
		if err := c.Upload(t.Context(), token, scores(refs[1:2], "4.0")); connectors.KindOf(err) != connectors.Gone {
			t.Errorf("a job of person accounts alone: %v", err)
		}
	})
}

// A user who may not edit accounts writes the other contacts all the same; who is left out has the reason, and doctor tells it.
func TestLockedPersonAccounts(t *testing.T) {
	p := newOrg(t, Contact)
	refs := p.Create(t, 2)
	account, _ := normalID("0015g0000000001")
	org := &personOrg{accounts: map[string]string{refs[1].ID: account}, written: map[string]map[string]any{}, locked: true}
	c, _ := p.watched(t, org.answer)
	results, err := c.Write(t.Context(), scores(refs, "1.0"))
	must(t, err)
	if e := asError(t, results[1].Err); results[0].Err != nil || e.Kind != connectors.Rejected || e.Fix != accountFix {
		t.Errorf("%v, %v", results[0].Err, e)
	}
	found := func() string {
		for _, f := range c.Probe(t.Context()) {
			if f.Code == findPersons {
				return f.Fix
			}
		}
		return "nothing"
	}
	if fix := found(); fix != accountFix {
		t.Errorf("doctor says: %s", fix)
	}
	org.locked = false
	c.account.forget()
	if fix := found(); fix != "" {
		t.Errorf("then doctor says: %s", fix)
	}
}
