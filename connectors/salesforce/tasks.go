package salesforce

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

var _ connectors.TaskWriter = (*Client)(nil)

const taskObject = "/sobjects/Task"

// tasksFix is what lets the integration user make tasks.
const tasksFix = "let the integration user create and read activities: the permissions \"Edit Tasks\" and \"Access Activities\", and the fields of tasks"

// PutTask makes a task on a lead or contact: see [connectors.TaskWriter]. Status and priority are left to the org, whose picklists may have
// been renamed. A record of a queue has nobody to do it: Salesforce gives the task to the integration user then. A request that Salesforce
// carries out after the next call has looked makes a second task: only a field of our own on tasks could prevent it.
func (c *Client) PutTask(ctx context.Context, t *connectors.Task) error {
	const op = "make a task"
	id, ok := c.recordID(t.Ref)
	if !ok || t.CRM != c.o.Name || c.objects[t.Object] == nil {
		return c.err(connectors.Rejected, op, "%s is no lead or contact of this org", t.Ref)
	}
	rows, err := c.rows(ctx, "look for a task", "SELECT Id, Description FROM Task WHERE IsDeleted = false AND WhoId = "+quote(id)+" AND Subject LIKE "+quote("%"+connectors.TaskSign), true)
	if err != nil {
		return needsTasks(err)
	}
	if slices.ContainsFunc(rows, func(r record) bool { return t.Bears(r.values()["Description"]) }) {
		return nil
	}
	values := map[string]string{"WhoId": id, "Subject": t.Title(), "Description": t.MarkedBody(), "ActivityDate": t.Due.Format(time.DateOnly)}
	if owner, ok := normalID(t.Owner); ok && strings.HasPrefix(owner, userPrefix) {
		values["OwnerId"] = owner
	}
	_, err = c.http.Do(ctx, transport.Request{Op: op, Method: http.MethodPost, Path: c.data + taskObject, Body: transport.Encode(values)})
	return needsTasks(err)
}

// userPrefix begins the ids of users; those of queues begin otherwise.
const userPrefix = "005"

// needsTasks names the permissions where they are what is missing.
func needsTasks(err error) error {
	if e := (*connectors.Error)(nil); errors.As(err, &e) && (hidden(e) || e.Code == codeNoAccess || e.Code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY") {
		told := *e
		told.Fix = tasksFix
		return &told
	}
	return err
}

// ProbeTasks looks at what describe says of tasks.
func (c *Client) ProbeTasks(ctx context.Context) error {
	const op = "look at what may be done with tasks"
	v, _, err := transport.Do[struct {
		Createable bool
		Fields     []struct {
			Name       string
			Createable bool
		}
	}](ctx, c.http, transport.Get(op, c.data+taskObject+"/describe"))
	if err != nil {
		return needsTasks(err)
	}
	lacking := []string{"WhoId", "OwnerId", "Subject", "Description", "ActivityDate"}
	for _, f := range v.Fields {
		if f.Createable {
			lacking = slices.DeleteFunc(lacking, func(name string) bool { return name == f.Name })
		}
	}
	if !v.Createable || len(lacking) > 0 {
		e := c.err(connectors.Config, op, "the integration user may make none, or not set all of them: %s", strings.Join(lacking, ", "))
		e.Fix = tasksFix
		return e
	}
	return nil
}
