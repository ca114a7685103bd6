package salesforce

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// automated is an org whose automation answers for collections: a transaction of more rows than most fails as a whole, and so does
// one that holds a bad row.
type automated struct {
	mu    sync.Mutex
	most  int
	bad   map[string]bool
	code  string
	calls []int // rows of each collection
}

func (a *automated) answer(r seen) reply {
	if r.method != "PATCH" {
		return reply{}
	}
	var body struct {
		Records []struct {
			ID string `json:"id"`
		} `json:"records"`
	}
	if err := json.Unmarshal([]byte(r.body), &body); err != nil {
		return reply{status: 400, body: `[{"errorCode":"JSON_PARSER_ERROR","message":"x"}]`}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, len(body.Records))
	fails := a.most > 0 && len(body.Records) > a.most || slices.ContainsFunc(body.Records, func(r struct {
		ID string `json:"id"`
	}) bool {
		return a.bad[r.ID]
	})
	if a.code == codeTooLong && fails {
		return reply{status: 400, body: `[{"errorCode":"REQUEST_RUNNING_TOO_LONG","message":"Your request was running for too long, and has been stopped."}]`}
	}
	var rows []string
	for _, rec := range body.Records {
		if fails {
			rows = append(rows, fmt.Sprintf(`{"success":false,"errors":[{"statusCode":%q,"message":"LeadTrigger: System.LimitException: Too many SOQL queries: 101","fields":[]}]}`, a.code))
		} else {
			rows = append(rows, fmt.Sprintf(`{"id":%q,"success":true,"errors":[]}`, rec.ID))
		}
	}
	return ok("[" + strings.Join(rows, ",") + "]")
}

func (a *automated) taken() []int {
	a.mu.Lock()
	defer a.mu.Unlock()
	calls := a.calls
	a.calls = nil
	return calls
}

func scores(refs []connectors.Ref, value string) []connectors.Patch {
	patches := make([]connectors.Patch, len(refs))
	for i, r := range refs {
		patches[i] = score(r, value)
	}
	return patches
}

// An Apex limit that 200 rows exceed costs nobody: smaller collections are tried, the size that works is remembered, and after an
// hour a larger one is tried again.
func TestSmallerCollections(t *testing.T) {
	for _, code := range []string{"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "UNKNOWN_EXCEPTION", "LIMIT_EXCEEDED", codeTooLong} {
		bubble(t, func(t *testing.T) {
			p := newOrg(t, Lead)
			refs := p.Create(t, 300)
			org := &automated{most: 60, code: code}
			c, _ := p.watched(t, org.answer, func(o *Options) { o.WriteConcurrency = 1 })
			write := func() []int {
				results, err := c.Write(t.Context(), scores(refs, "1.0"))
				must(t, err)
				for _, r := range results {
					if r.Err != nil {
						t.Fatalf("%s: %v", code, r.Err)
					}
				}
				return org.taken()
			}
			if sent := write(); len(sent) > 12 {
				t.Errorf("%s: collections of %v", code, sent)
			}
			if sent := write(); len(sent) != 6 || slices.Max(sent) != 50 {
				t.Errorf("%s: then collections of %v", code, sent)
			}
			time.Sleep(regrow)
			if sent := write(); slices.Max(sent) != 100 {
				t.Errorf("%s: after an hour collections of %v", code, sent)
			}
			for range regrowAfter/4 + 1 {
				write()
			}
			if sent := write(); slices.Max(sent) != 50 { // larger ones were tried, and given up again
				t.Errorf("%s: then collections of %v", code, sent)
			}
			org.most = 0
			for range 2 {
				time.Sleep(regrow)
				write()
			}
			time.Sleep(regrow)
			if sent := write(); len(sent) != 2 || sent[0] != batchSize {
				t.Errorf("%s: at last collections of %v", code, sent)
			}
		})
	}
}

// A row whose trigger throws fails its transaction, and in the end itself alone. It does not make collections smaller.
func TestOneRowFailsItsTransaction(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		refs := p.Create(t, 200)
		org := &automated{bad: map[string]bool{refs[7].ID: true, refs[130].ID: true}, code: "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"}
		c, _ := p.watched(t, org.answer)
		results, err := c.Write(t.Context(), scores(refs, "1.0"))
		must(t, err)
		for i, r := range results {
			if bad := org.bad[refs[i].ID]; bad != (connectors.KindOf(r.Err) == connectors.Rejected) || connectors.Passing(r.Err) {
				t.Errorf("row %d: %v", i, r.Err)
			}
		}
		if n := len(org.taken()); n > 32 {
			t.Errorf("%d collections", n)
		}
		if n := c.objects[Lead].rows.now(time.Now()); n != batchSize {
			t.Errorf("collections of %d from now on", n)
		}
	})
}

// Where every row fails, each by itself too, it is neither their number nor some bad ones: the rest is not tried one by one, and
// goes again soon.
func TestEveryRowFails(t *testing.T) {
	p := newOrg(t, Lead)
	refs := p.Create(t, 200)
	org := &automated{most: -1, bad: map[string]bool{}, code: "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"}
	for _, r := range refs {
		org.bad[r.ID] = true
	}
	c, _ := p.watched(t, org.answer)
	results, err := c.Write(t.Context(), scores(refs, "1.0"))
	must(t, err)
	passing := 0
	for i, r := range results {
		if connectors.KindOf(r.Err) != connectors.Rejected {
			t.Errorf("row %d: %v", i, r.Err)
		}
		if connectors.Passing(r.Err) {
			passing++
		}
	}
	if n := len(org.taken()); n > 30 || passing < 190 {
		t.Errorf("%d collections, %d rows to go again soon", n, passing)
	}
	_, err = c.Write(t.Context(), scores(refs, "1.0"))
	must(t, err)
	if n := len(org.taken()); n != 1 {
		t.Errorf("then %d collections", n)
	}
	org.bad, org.most = nil, 0
	_, err = c.Write(t.Context(), scores(refs, "1.0"))
	must(t, err)
	org.bad = map[string]bool{refs[3].ID: true}
	if results, err = c.Write(t.Context(), scores(refs, "1.0")); err != nil || results[3].Err == nil || connectors.Passing(results[3].Err) {
		t.Errorf("one bad row after it was mended: %v, %+v", err, results[3])
	}
}

// A record that the user may not edit, or a field that is not writable on it, is that record's matter once others go through,
// however many of a collection are like that; a set-up that changed since is everybody's.
func TestWhoseFault(t *testing.T) {
	for _, code := range []string{codeNoAccess, codeInvalidField} {
		p := newOrg(t, Lead)
		refs := p.Create(t, 3)
		c := p.connect(t)
		_, err := c.Write(t.Context(), scores(refs, "1.0"))
		must(t, err)
		for _, r := range refs[:2] {
			p.Refuse(r.ID, code, 1)
		}
		results, err := c.Write(t.Context(), scores(refs[:2], "2.0"))
		must(t, err)
		for _, r := range results {
			if e := asError(t, r.Err); e.Kind != connectors.Rejected || e.Code != code {
				t.Errorf("%s: %v", code, e)
			}
		}
		p.Unprovision(t, connectors.FieldScore)
		if _, err := c.Write(t.Context(), scores(refs, "3.0")); connectors.KindOf(err) != connectors.Config {
			t.Errorf("a field that has gone: %v", err)
		}
	}
}

// What goes away by itself is told apart from what lasts.
func TestPassing(t *testing.T) {
	for code, want := range map[string]bool{
		"UNABLE_TO_LOCK_ROW": true, "STORAGE_LIMIT_EXCEEDED": true, "CANNOT_EXECUTE_FLOW_TRIGGER": true, "ENTITY_IS_LOCKED": true, "SERVER_UNAVAILABLE": true,
		"FIELD_CUSTOM_VALIDATION_EXCEPTION": false, "STRING_TOO_LONG": false, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": false, "INSUFFICIENT_ACCESS_OR_READONLY": false,
	} {
		bubble(t, func(t *testing.T) {
			p := newOrg(t, Lead)
			refs := p.Create(t, 2)
			p.Refuse(refs[1].ID, code, -1)
			results, err := p.connect(t).Write(t.Context(), scores(refs, "1.0"))
			must(t, err)
			if e := asError(t, results[1].Err); connectors.Passing(e) != want || strings.Contains(e.Error(), "assing") {
				t.Errorf("%s: %+v", code, e)
			}
		})
	}
}
