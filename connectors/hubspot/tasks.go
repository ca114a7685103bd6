package hubspot

import (
	"context"
	"encoding/json"
	"html"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

var _ connectors.TaskWriter = (*Client)(nil)

// taskToContact is HubSpot's own type of association of a task with a contact.
const taskToContact = 204

type taskInput struct {
	Properties   map[string]string `json:"properties"`
	Associations []taskLink        `json:"associations,omitempty"`
}

type taskLink struct {
	To    idOnly     `json:"to"`
	Types []linkType `json:"types"`
}

type linkType struct {
	Category string `json:"associationCategory"`
	ID       int    `json:"associationTypeId"`
}

// PutTask makes a task on a contact: see [connectors.TaskWriter]. Whether it is there already is looked for among the contact's tasks and
// not by a search, whose index lags. HubSpot has no key that would refuse a second one: a request that it carries out after the next
// call has looked makes a second one.
func (c *Client) PutTask(ctx context.Context, t *connectors.Task) error {
	const op = "make a task"
	if _, ok := recordID(t.ID); !ok || t.CRM != c.o.Name || t.Object != Contacts {
		return c.err(connectors.Rejected, op, "%s is no contact of this portal", t.Ref)
	}
	made, err := c.hasTask(ctx, t)
	if made || err != nil {
		return err
	}
	in := taskInput{
		Properties: map[string]string{
			"hs_timestamp": t.Due.UTC().Format(time.RFC3339), "hs_task_subject": t.Title(), "hs_task_body": taskHTML(t.MarkedBody()),
			"hs_task_status": "NOT_STARTED", "hs_task_priority": "HIGH", "hs_task_type": "TODO",
		},
		Associations: []taskLink{{idOnly{t.ID}, []linkType{{"HUBSPOT_DEFINED", taskToContact}}}},
	}
	if t.Owner != "" {
		in.Properties["hubspot_owner_id"] = t.Owner
	}
	_, err = c.http.Do(ctx, transport.Request{Op: op, Method: http.MethodPost, Path: c.paths.objects(tasks, ""), Body: transport.Encode(in)})
	return err
}

const tasks = "tasks"

// taskHTML is a text as HubSpot shows the body of a task: as HTML.
func taskHTML(text string) string { return strings.ReplaceAll(html.EscapeString(text), "\n", "<br>") }

// hasTask says whether a contact has a task that bears the mark of t.
func (c *Client) hasTask(ctx context.Context, t *connectors.Task) (bool, error) {
	const op = "look for a task"
	ids, err := c.tasksOf(ctx, op, t.ID)
	if err != nil {
		return false, err
	}
	slices.Reverse(ids) // the newest are the likeliest
	for batch := range slices.Chunk(ids, batchSize) {
		body := transport.Encode(batchRead{Properties: []string{"hs_task_body"}, Inputs: idInputs(batch)})
		page, _, err := doPage(ctx, c, transport.Post(op, c.paths.objects(tasks, "/batch/read"), body))
		if err != nil {
			return false, err
		}
		for i := range page.Results {
			found := false
			transport.EachProperty(page.Results[i].Properties, func(name, v string) {
				found = found || name == "hs_task_body" && t.Bears(v)
			})
			if found {
				return true, nil
			}
		}
	}
	return false, nil
}

// tasksOf are the ids of a contact's tasks.
func (c *Client) tasksOf(ctx context.Context, op, contact string) (ids []string, err error) {
	type input struct {
		ID    string `json:"id"`
		After string `json:"after,omitempty"`
	}
	for after := ""; ; {
		v, _, err := transport.Do[struct {
			Results []struct {
				To     []struct{ ToObjectID json.Number }
				Paging paging
			}
			Errors []failure
		}](ctx, c.http, transport.Post(op, c.paths.contactTasks(), transport.Encode(map[string][]input{"inputs": {{contact, after}}})))
		if err != nil {
			return nil, err
		}
		for _, f := range v.Errors {
			if !f.has(codeNoAssociations) && !f.has(codeNotFound) {
				return nil, c.http.Err(connectors.Transient, op, f.code(), f.message())
			}
		}
		next := ""
		for _, r := range v.Results {
			for _, to := range r.To {
				ids = append(ids, to.ToObjectID.String())
			}
			next = r.Paging.Next.After
		}
		if next == "" || next == after { // a page that leads to itself would never end
			return ids, nil
		}
		after = next
	}
}

// ProbeTasks asks for nothing and offers nothing: permission comes before validation. HubSpot lets those make tasks who may write contacts.
func (c *Client) ProbeTasks(ctx context.Context) error {
	for _, r := range []transport.Request{
		transport.Post("probe reading tasks", c.paths.objects(tasks, "/batch/read"), []byte(`{"inputs":[]}`)),
		transport.Post("probe making tasks", c.paths.objects(tasks, ""), []byte(`{}`)),
	} {
		r.Answers = []int{http.StatusBadRequest}
		if _, err := c.http.Do(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
