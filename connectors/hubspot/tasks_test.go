package hubspot

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
)

func taskOn(ref connectors.Ref, mark string) *connectors.Task {
	return &connectors.Task{Ref: ref, Owner: "7", Due: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC), Subject: "Is now high (71.2)", Body: "Wants <a demo> & prices\nSee the fields", Mark: mark}
}

// Promise: a task is made once for its mark, whatever became of the answer: on both generations of paths, and when HubSpot made it and
// the connection broke, told to wait, or failed before. Another mark is another task.
func TestPutTask(t *testing.T) {
	for _, version := range []string{"2026-09", "v3"} {
		synctest.Test(t, func(t *testing.T) {
			p := newPortalWith(t, &portal{version: version}, sandbox.HubSpotOptions{Token: portalToken})
			p.SetOwner("7", "rep@x.example")
			id := p.CreateContact(map[string]string{"email": "ada@one.example"})
			c := p.Connect(t).(*Client)
			lost := []sandbox.Fault{{After: true, Reset: true}, {After: true, Status: 502}, {Policy: "SECONDLY", RetryAfter: "1"}, {Status: 500}, {Status: 423}}
			for i, fault := range lost {
				mark := "alert-" + string(rune('a'+i))
				fault.Method, fault.Path = "POST", "/tasks"
				// The look has two requests below /tasks once there are tasks: batch/read is passed by.
				if fault.Skip = 1; i > 0 {
					fault.Skip = 2
				}
				p.Faults().Add(fault)
				first := c.PutTask(t.Context(), taskOn(ref(id), mark))
				if fault.Policy == "" && fault.Status != 423 && first == nil {
					t.Errorf("%s: %+v: no error", version, fault)
				}
				for range 2 {
					must(t, c.PutTask(t.Context(), taskOn(ref(id), mark)))
				}
				if n := len(p.Tasks()); n != i+1 {
					t.Fatalf("%s: %d tasks after %+v, want %d", version, n, fault, i+1)
				}
			}
			made := p.Tasks()[0]
			want := map[string]string{"hs_timestamp": "2026-12-01T09:00:00Z", "hs_task_subject": "Is now high (71.2) (intentd)", "hubspot_owner_id": "7", "hs_task_status": "NOT_STARTED",
				"hs_task_body": "Wants &lt;a demo&gt; &amp; prices<br>See the fields<br><br>intentd:alert-a"}
			for name, v := range want {
				if made.Values[name] != v {
					t.Errorf("%s is %q, want %q", name, made.Values[name], v)
				}
			}
			if len(made.Contacts) != 1 || made.Contacts[0] != id {
				t.Errorf("the task is of %v", made.Contacts)
			}
		})
	}
}

// Promise: a task that HubSpot refuses is an error about that task; a token that may not make tasks is told the scope, when one is made and
// when doctor asks.
func TestTaskRefused(t *testing.T) {
	p := newPortalWith(t, &portal{}, sandbox.HubSpotOptions{Token: portalToken})
	id := p.CreateContact(map[string]string{"email": "ada@one.example"})
	c := p.Connect(t).(*Client)
	must(t, c.ProbeTasks(t.Context()))
	for name, task := range map[string]*connectors.Task{"nobody's contact": taskOn(ref("999999"), "m"), "no contact": taskOn(connectors.Ref{CRM: "hubspot", Object: Deals, ID: "9"}, "m"), "an owner who left": taskOn(ref(id), "m")} {
		if err := c.PutTask(t.Context(), task); connectors.KindOf(err) != connectors.Rejected {
			t.Errorf("%s: %v", name, err)
		}
	}
	p = newPortalWith(t, &portal{}, sandbox.HubSpotOptions{Token: portalToken, Scopes: []string{"crm.objects.contacts.read", "crm.schemas.contacts.read", "crm.schemas.contacts.write"}})
	id = p.CreateContact(map[string]string{"email": "ada@one.example"})
	c = p.Connect(t).(*Client)
	for _, err := range []error{c.PutTask(t.Context(), taskOn(ref(id), "m")), c.ProbeTasks(t.Context())} {
		if connectors.KindOf(err) != connectors.Auth || !strings.Contains(err.Error(), "crm.objects.contacts.write") {
			t.Error(err)
		}
	}
	if n := len(p.Tasks()); n > 0 {
		t.Errorf("%d tasks were made", n)
	}
}
