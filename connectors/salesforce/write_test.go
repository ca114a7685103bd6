package salesforce

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
)

// Scores re-assign nobody, pass duplicate rules, and insert nothing.
func TestWritesLeaveTheRestAlone(t *testing.T) {
	p := newOrg(t, Lead)
	p.AssignLeads(p.IDs("User")[3])
	p.BlockDuplicates(true)
	refs := p.Create(t, 2)
	must(t, p.Update(Lead, refs[1].ID, map[string]string{"Email": "person1@example.com"}, ""))
	_, before := p.split(t, refs[0])
	c, f := p.watched(t, nil)
	results, err := c.Write(t.Context(), []connectors.Patch{score(refs[0], "1.0"), score(refs[1], "2.0")})
	must(t, err)
	for _, r := range results {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	if _, after := p.split(t, refs[0]); after["OwnerId"] != before["OwnerId"] {
		t.Error("the lead has a new owner")
	}
	never := connectors.Ref{CRM: "salesforce", Object: Lead, ID: "00Q5g000000zzzz"}
	results, err = c.Write(t.Context(), []connectors.Patch{score(never, "1.0")})
	must(t, err)
	if connectors.KindOf(results[0].Err) != connectors.Gone || len(p.IDs(Lead)) != 2 {
		t.Errorf("a lead that never was: %v, there are %d", results[0].Err, len(p.IDs(Lead)))
	}
	for _, r := range f.request {
		if r.method == "PATCH" && r.header.Get("Sforce-Auto-Assign") != "FALSE" {
			t.Error("an update without Sforce-Auto-Assign: FALSE")
		}
	}
}

// Each class of row errors is what the pipeline must do about it; the good rows beside it go through.
func TestRowErrors(t *testing.T) {
	for code, want := range map[string]connectors.Kind{
		"FIELD_CUSTOM_VALIDATION_EXCEPTION":    connectors.Rejected,
		"DUPLICATES_DETECTED":                  connectors.Rejected,
		"STRING_TOO_LONG":                      connectors.Rejected,
		"FIELD_INTEGRITY_EXCEPTION":            connectors.Rejected,
		"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": connectors.Rejected,
		"INSUFFICIENT_ACCESS_OR_READONLY":      connectors.Rejected, // of one record; of all it is Config
		"SERVER_UNAVAILABLE":                   connectors.Transient,
	} {
		p := newOrg(t, Lead)
		refs := p.Create(t, 3)
		p.Refuse(refs[1].ID, code, 1)
		results, err := p.connect(t).Write(t.Context(), []connectors.Patch{score(refs[0], "1.0"), score(refs[1], "2.0"), score(refs[2], "3.0")})
		must(t, err)
		if results[0].Err != nil || results[2].Err != nil {
			t.Errorf("%s: the rows beside it: %v, %v", code, results[0].Err, results[2].Err)
		}
		if e := asError(t, results[1].Err); e.Kind != want || e.Code != code {
			t.Errorf("%s: %v (%s), want %s", code, e, e.Kind, want)
		}
	}
	for _, code := range []string{"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE", "INSUFFICIENT_ACCESS_OR_READONLY"} {
		p := newOrg(t, Lead)
		refs := p.Create(t, 2)
		for _, r := range refs {
			p.Refuse(r.ID, code, 1)
		}
		results, err := p.connect(t).Write(t.Context(), []connectors.Patch{score(refs[0], "1.0"), score(refs[1], "2.0")})
		if connectors.KindOf(err) != connectors.Config || asError(t, err).Fix == "" || results[0].Err == nil || results[1].Err == nil {
			t.Errorf("%s of all rows: %v", code, err)
		}
	}
}

// A row that somebody else has locked is tried again by itself; one that stays locked is Transient.
func TestLockedRows(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		refs := p.Create(t, 3)
		p.Refuse(refs[0].ID, codeLocked, 2)
		p.Refuse(refs[1].ID, codeLocked, -1)
		c, f := p.watched(t, nil)
		start := time.Now()
		results, err := c.Write(t.Context(), []connectors.Patch{score(refs[0], "1.0"), score(refs[1], "2.0"), score(refs[2], "3.0")})
		must(t, err)
		if results[0].Err != nil || results[2].Err != nil {
			t.Errorf("%v, %v", results[0].Err, results[2].Err)
		}
		if e := asError(t, results[1].Err); e.Kind != connectors.Transient || e.Code != codeLocked {
			t.Errorf("%v", e)
		}
		if n := f.count("PATCH"); n != lockTries {
			t.Errorf("%d collections were sent", n)
		}
		if d := time.Since(start); d < 10*time.Second || d > time.Minute {
			t.Errorf("it took %s", d)
		}
		if w := p.Writes(Lead)[refs[2].ID]; w != 1 {
			t.Errorf("a row that went through was sent %d times", w)
		}
		// Cancelled while it waits.
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := c.Write(ctx, []connectors.Patch{score(refs[1], "2.0")}); !connectors.Interrupted(err) {
			t.Errorf("%v", err)
		}
	})
}

// Contacts of one account are never in two collections at once, however many there are and whoever writes them: an org whose
// writes lock for seconds refuses none.
func TestNoLocksOfOurOwn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Contact)
		p.Salesforce = sandbox.NewSalesforce(sandbox.SalesforceOptions{ClientSecret: orgSecret, WriteTime: 3 * time.Second})
		if _, err := p.connect(t).Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		var patches []connectors.Patch
		for a, n := range []int{450, 30, 190, 7, 120, 1, 201} {
			account := p.Salesforce.Create("Account", map[string]string{"Name": fmt.Sprint("Account ", a)})
			for range n {
				id := p.Salesforce.Create(Contact, map[string]string{"LastName": "Last", "AccountId": account})
				patch := score(connectors.Ref{CRM: "salesforce", Object: Contact, ID: id}, "7.0")
				patch.Group = account
				patches = append(patches, patch)
			}
		}
		for i := range patches { // as they come: accounts in disorder
			j := (i * 7919) % len(patches)
			patches[i], patches[j] = patches[j], patches[i]
		}
		c, f := p.watched(t, nil)
		var wg sync.WaitGroup
		for part := range 2 {
			wg.Go(func() {
				half := patches[part*len(patches)/2 : (part+1)*len(patches)/2]
				results, err := c.Write(t.Context(), half)
				must(t, err)
				for _, r := range results {
					if r.Err != nil {
						t.Errorf("%v", r.Err)
						return
					}
				}
			})
		}
		wg.Wait()
		for id, n := range p.Writes(Contact) {
			if n != 1 {
				t.Fatalf("%s was written %d times", id, n)
			}
		}
		if n := f.count("PATCH"); n > 12 {
			t.Errorf("%d contacts took %d collections", len(patches), n)
		}
	})
}

// lanes keep all rows, fill batches, and put a group in one batch or in one lane.
func TestLanes(t *testing.T) {
	var rows []row
	for g, n := range []int{0: 333, 1: 5, 2: 199, 3: 400, 4: 401, 5: 1, 6: 200} {
		for range n {
			name := ""
			if g > 0 {
				name = fmt.Sprint("g", g)
			}
			rows = append(rows, row{at: len(rows), group: name})
		}
	}
	met := map[int]bool{}
	lane := map[string]int{}
	batches := 0
	for i, l := range lanes(rows) {
		groups := map[string]bool{}
		for _, b := range l {
			batches++
			if len(b) == 0 || len(b) > batchSize {
				t.Errorf("a batch of %d", len(b))
			}
			for _, r := range b {
				met[r.at] = true
				if r.group != "" {
					groups[r.group] = true
					if at, ok := lane[r.group]; ok && at != i {
						t.Fatalf("%s is in lanes %d and %d", r.group, at, i)
					}
					lane[r.group] = i
				}
			}
		}
		if len(l) > 1 && len(groups) != 1 {
			t.Errorf("a lane of %d batches holds %d groups", len(l), len(groups))
		}
	}
	if len(met) != len(rows) {
		t.Errorf("%d of %d rows", len(met), len(rows))
	}
	if batches > 10 {
		t.Errorf("%d rows in %d batches", len(rows), batches)
	}
}

// A collection that Salesforce cannot read is taken apart until the bad row is alone.
func TestUnreadableBody(t *testing.T) {
	p := newOrg(t, Lead)
	refs := p.Create(t, 7)
	c, _ := p.watched(t, func(r seen) reply {
		if r.method == "PATCH" && strings.Contains(r.body, refs[4].ID) {
			return reply{status: 400, body: `[{"errorCode":"JSON_PARSER_ERROR","message":"Cannot deserialize instance of double"}]`}
		}
		return reply{}
	})
	var patches []connectors.Patch
	for _, r := range refs {
		patches = append(patches, score(r, "1.0"))
	}
	results, err := c.Write(t.Context(), patches)
	must(t, err)
	for i, r := range results {
		if i == 4 != (connectors.KindOf(r.Err) == connectors.Rejected) {
			t.Errorf("row %d: %v", i, r.Err)
		}
	}
}

// Leads and contacts may stand in one call.
func TestMixedObjects(t *testing.T) {
	p := newOrg(t, Lead)
	lead := p.Create(t, 1)[0]
	p.object = Contact
	contact := p.Create(t, 1)[0]
	results, err := p.connect(t).Write(t.Context(), []connectors.Patch{score(contact, "1.0"), score(lead, "2.0"), score(contact, "3.0"), {Ref: connectors.Ref{CRM: "salesforce", Object: "Account", ID: "001"}}})
	must(t, err)
	if p.Own(t, contact)["score"] != "3.0" || p.Own(t, lead)["score"] != "2.0" || connectors.KindOf(results[3].Err) != connectors.Rejected {
		t.Errorf("%+v", results)
	}
}

// Two fields that are mapped to one are never written.
func TestClash(t *testing.T) {
	p := newOrg(t, Lead)
	ref := p.Create(t, 1)[0]
	c := p.connect(t, func(o *Options) { o.Fields = map[string]string{"score": "Intent_Tier__c"} })
	if _, err := c.Write(t.Context(), []connectors.Patch{score(ref, "1.0")}); connectors.KindOf(err) != connectors.Config {
		t.Errorf("%v", err)
	}
}
