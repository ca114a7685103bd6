package salesforce

import (
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
)

func taskOn(ref connectors.Ref, owner, mark string) *connectors.Task {
	return &connectors.Task{Ref: ref, Owner: owner, Due: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC), Subject: "Is now high (71.2)", Body: "See the fields", Mark: mark}
}

// Promise: a task is made once for its mark, whatever became of the answer: when Salesforce made it and the connection broke, told to wait, or failed before. It
// is no event of a journey and no touch of the team, and is counted where it is left out.
func TestPutTask(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		lead := p.Create(t, 1)[0]
		c := p.connect(t)
		rep := p.IDs("User")[3]
		for i, fault := range []sandbox.Fault{{After: true, Reset: true}, {After: true, Status: 502}, {Policy: "CONCURRENT"}, {Status: 500}} {
			mark := "alert-" + string(rune('a'+i))
			fault.Method, fault.Path = "POST", "/sobjects/Task"
			p.Faults().Add(fault)
			if first := c.PutTask(t.Context(), taskOn(lead, rep, mark)); fault.Policy == "" && first == nil {
				t.Errorf("%+v: no error", fault)
			}
			for range 2 {
				must(t, c.PutTask(t.Context(), taskOn(lead, rep, mark)))
			}
			if n := len(p.IDs("Task")); n != i+1 {
				t.Fatalf("%d tasks after %+v, want %d", n, fault, i+1)
			}
		}
		made, _ := p.Record("Task", p.IDs("Task")[0])
		for name, want := range map[string]string{"WhoId": lead.ID, "OwnerId": rep, "Subject": "Is now high (71.2) (intentd)", "ActivityDate": "2026-12-01", "Description": "See the fields\n\nintentd:alert-a", "Status": "Not Started"} {
			if made[name] != want {
				t.Errorf("%s is %q, want %q", name, made[name], want)
			}
		}

		p.Salesforce.Create("Task", map[string]string{"WhoId": lead.ID, "Subject": "Called", "Status": "Completed", "CreatedDate": wireTime(time.Now()), "ActivityDate": time.Now().UTC().Format(time.DateOnly)})
		now := time.Now()
		source := c.Activities(ActivityOptions{})
		people := []connectors.Person{{Key: "a", Refs: []connectors.Ref{lead}}}
		events := journeysOf(t, source, people, connectors.Window{From: now.AddDate(0, 0, -30), To: now.Add(time.Hour)})["a"]
		if len(events) != 1 || !strings.HasSuffix(events[0], "Called") {
			t.Errorf("the journey is %v", events)
		}
		touched, err := c.Touches(t.Context(), []connectors.Ref{lead}, now.AddDate(0, 0, -30))
		if err != nil || len(touched[lead]) != 1 {
			t.Errorf("%v %v", touched, err)
		}
		in, err := source.(connectors.IntakeReporter).Intake()
		if err != nil || in.LeftOut[connectors.LeftOutOwnTask] != 4 || in.Events != 1 || in.Read != 5 {
			t.Errorf("%+v %v", in, err)
		}
	})
}

// Promise: a task that Salesforce refuses is an error about that task, a record of a queue still gets one, and a user who may not make tasks is
// told the permissions.
func TestTaskRefused(t *testing.T) {
	p := newOrg(t, Contact)
	contact := p.Create(t, 1)[0]
	c := p.connect(t)
	must(t, c.ProbeTasks(t.Context()))
	must(t, c.PutTask(t.Context(), taskOn(contact, "00G000000000001AAA", "m")))
	gone := contact
	gone.ID = "003000000000999AAA"
	if err := c.PutTask(t.Context(), taskOn(gone, "", "m")); connectors.KindOf(err) != connectors.Gone && connectors.KindOf(err) != connectors.Rejected {
		t.Error(err)
	}
	must(t, p.Salesforce.Revoke("Task.Description"))
	for _, err := range []error{c.PutTask(t.Context(), taskOn(contact, "", "n")), c.ProbeTasks(t.Context())} {
		if connectors.KindOf(err) != connectors.Config || !strings.Contains(err.Error(), "Edit Tasks") {
			t.Error(err)
		}
	}
}
