package salesforce

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
)

// Whose edit is an entry of the field history? It names a user and no source, so that the user decides:
//
//	the running user                                   ours, and what its writes set off
//	UserType AutomatedProcess, CloudIntegrationUser    a platform's own
//	UserType Guest                                     a form's, nobody's
//	a profile with "API Only User"                     an integration's
//	ten records and more within one second             an import, or a mass update, whoever ran it
//	any other                                          a person's
//
// A flow or trigger runs as whoever set it off, and a sync may run as an ordinary user: both count as that person's edit, which
// `release` lets go. A user that cannot be looked up is a person.
const manyAtOnce = 10

// machines are the kinds of users that no person signs in as.
var machines = map[string]bool{"AutomatedProcess": true, "CloudIntegrationUser": true, "Guest": true}

// HumanEdited tells which of intentd's fields a person set last, by the field history. It is an option of Salesforce, object by
// object and field by field, and where it is off nobody is named, nor when the verdict was changed. It costs a
// request per some 600 records, and one for users not met before.
func (c *Client) HumanEdited(ctx context.Context, refs []connectors.Ref) (map[connectors.Ref]connectors.Edits, error) {
	out := map[connectors.Ref]connectors.Edits{}
	for _, name := range c.order {
		o := c.objects[name]
		asked := map[string]connectors.Ref{}
		var ids []string
		for _, r := range refs {
			if id, ok := c.recordID(r); ok && r.Object == name && r.CRM == c.o.Name && asked[id].IsZero() {
				asked[id] = r
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 {
			continue
		}
		newest, verdicts, err := c.newestEdits(ctx, o, ids)
		if hidden(err) {
			continue // not tracked, or not to be seen
		}
		if err != nil {
			return nil, err
		}
		people, err := c.people(ctx, newest)
		if err != nil {
			return nil, err
		}
		for id, ref := range asked {
			edits := connectors.Edits{VerdictAt: verdicts[id]}
			for _, f := range o.Set.Fields {
				if e, ok := newest[edited{id, f.Name}]; ok && people[e.by] && e.records < manyAtOnce && !e.emptied {
					edits.Fields = append(edits.Fields, f.Name)
				}
			}
			if edits.Fields != nil || !edits.VerdictAt.IsZero() {
				out[ref] = edits
			}
		}
	}
	return out, nil
}

// edited is a field, by its canonical name, of a record.
type edited struct{ id, field string }

// edit is who set a field last, and how many records that user edited in the same second. An emptied field is given back.
type edit struct {
	by      string
	records int
	emptied bool
}

// newestEdits reads the history of intentd's fields of records; of the verdict only when it was changed last, by id.
func (c *Client) newestEdits(ctx context.Context, o *object, ids []string) (map[edited]edit, map[string]time.Time, error) {
	fields := map[string]*crmkit.Own{}
	var apis []string
	for _, f := range o.Own {
		fields[strings.ToLower(f.Property)] = f
		apis = append(apis, quote(f.Property))
	}
	slices.Sort(apis)
	rows, err := c.rowsOf(ctx, fmt.Sprintf("read who edited %d records", len(ids)), ids, false, func(list string) string {
		return fmt.Sprintf("SELECT %[1]sId, Field, NewValue, CreatedById, CreatedDate FROM %[1]sHistory WHERE %[1]sId IN %s AND Field IN (%s) ORDER BY CreatedDate, Id", o.name, list, strings.Join(apis, ", "))
	})
	if err != nil {
		return nil, nil, err
	}
	verdicts := map[string]time.Time{}
	type act struct{ by, at string }
	newest, last, together := map[edited]edit{}, map[edited]act{}, map[act]map[string]bool{}
	for _, r := range rows {
		v := r.values()
		f := fields[strings.ToLower(v["Field"])]
		if f == nil {
			continue
		}
		id, _ := normalID(v[o.name+"Id"])
		if f.RepEdits {
			verdicts[id] = firstTime(v, "CreatedDate")
			continue
		}
		by, _ := normalID(v["CreatedById"])
		at := act{by, v["CreatedDate"]}
		if together[at] == nil {
			together[at] = map[string]bool{}
		}
		together[at][id] = true
		key := edited{id, f.Name}
		last[key] = at
		// The history keeps no values of long texts.
		newest[key] = edit{by: by, emptied: v["NewValue"] == "" && f.Type != connectors.TypeLongText}
	}
	for key, e := range newest {
		e.records = len(together[last[key]])
		newest[key] = e
	}
	return newest, verdicts, nil
}

// users remembers which users are people. It is safe for concurrent use.
type users struct {
	mu     sync.Mutex
	person map[string]bool
}

// people are those of the editors who are people.
func (c *Client) people(ctx context.Context, edits map[edited]edit) (map[string]bool, error) {
	own := ""
	if who := c.who.Load(); who != nil {
		own = who.user
	}
	people := map[string]bool{}
	var ask []string
	c.users.mu.Lock()
	for _, e := range edits {
		if _, told := people[e.by]; told {
			continue
		}
		person, known := c.users.person[e.by]
		if people[e.by] = e.by != own && (person || !known); !known && e.by != own && e.by != "" {
			ask = append(ask, e.by)
		}
	}
	c.users.mu.Unlock()
	if len(ask) == 0 {
		return people, nil
	}
	slices.Sort(ask)
	var rows []record
	var err error
	for _, fields := range []string{"Id, UserType, Profile.PermissionsApiUserOnly", "Id, UserType"} {
		rows, err = c.rowsOf(ctx, fmt.Sprintf("read who %d users are", len(ask)), ask, false, func(list string) string {
			return "SELECT " + fields + " FROM User WHERE Id IN " + list
		})
		if !hidden(err) {
			break
		}
	}
	if err != nil && !hidden(err) {
		return nil, err
	}
	c.users.mu.Lock()
	defer c.users.mu.Unlock()
	if c.users.person == nil {
		c.users.person = map[string]bool{}
	}
	for _, r := range rows {
		v := r.values()
		id, _ := normalID(v["Id"])
		people[id] = !machines[v["UserType"]] && v["Profile.PermissionsApiUserOnly"] != "true"
		c.users.person[id] = people[id]
	}
	return people, nil
}
