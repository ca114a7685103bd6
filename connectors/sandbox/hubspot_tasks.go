package sandbox

import (
	"net/http"
	"slices"
	"strconv"
)

// HubSpotTask is a task on the records of a portal.
type HubSpotTask struct {
	ID       string
	Values   map[string]string
	Contacts []string // those it was made for; a contact that was merged away since stands for the one it lives on in
}

// taskProperties are those that a task takes, and whether it must have them.
var taskProperties = map[string]bool{
	"hs_timestamp": true, "hs_task_subject": false, "hs_task_body": false, "hs_task_status": false, "hs_task_priority": false, "hs_task_type": false, "hubspot_owner_id": false,
}

// taskToContact is the type of the association of a task with a contact.
const taskToContact = 204

// Tasks are the tasks that were made, the oldest first.
func (h *HubSpot) Tasks() []HubSpotTask {
	defer h.lock()()
	return slices.Clone(h.tasks)
}

// createTask answers POST of a task. A contact's num_notes moves by it, and so does the time it was modified.
func (h *HubSpot) createTask(c call, _ *hubObject) reply {
	var in struct {
		Properties   map[string]string `json:"properties"`
		Associations []struct {
			To    idJSON `json:"to"`
			Types []struct {
				Category string `json:"associationCategory"`
				TypeID   int    `json:"associationTypeId"`
			} `json:"types"`
		} `json:"associations"`
	}
	c.read(&in)
	lackingIf(in.Properties == nil, "SimplePublicObjectInputForCreate", "properties")
	var bad []*badValue
	for name := range in.Properties {
		if _, known := taskProperties[name]; !known {
			bad = append(bad, unfit("PROPERTY_DOESNT_EXIST", name, "Property %q does not exist", name))
		}
	}
	for name, must := range taskProperties {
		if must && in.Properties[name] == "" {
			bad = append(bad, unfit("MISSING_REQUIRED_PROPERTY", name, "Required property %q is missing", name))
		}
	}
	if owner := in.Properties["hubspot_owner_id"]; owner != "" && h.owners[owner].email == "" {
		bad = append(bad, unfit("INVALID_OWNER_ID", "hubspot_owner_id", "Owner %s does not exist", owner))
	}
	refuseValues(bad)
	task := HubSpotTask{ID: strconv.Itoa(70_000_001 + len(h.tasks)), Values: in.Properties}
	for _, a := range in.Associations {
		contact := h.contacts.follow(a.To.ID)
		invalidIf(contact == nil, "One or more associations are not valid: CONTACT=%s is not valid", a.To.ID)
		invalidIf(len(a.Types) != 1 || a.Types[0].Category != "HUBSPOT_DEFINED" || a.Types[0].TypeID != taskToContact, "invalid association type between TASK and CONTACT")
		task.Contacts = append(task.Contacts, a.To.ID)
		n, _ := strconv.Atoi(contact.value(h.contacts.byName["num_notes"].number))
		h.apply(h.contacts, contact, changes{"num_notes": strconv.Itoa(n + 1)}, author{source: byIntegration}, h.nowMs())
	}
	h.tasks = append(h.tasks, task)
	return jsonReply(http.StatusCreated, task.told())
}

func (t *HubSpotTask) told() members { return members{{"id", t.ID}, {"properties", t.Values}} }

// tasksOf answers which tasks contacts have.
func (h *HubSpot) tasksOf(c call, _ *hubObject) reply {
	var in struct {
		Inputs []idJSON `json:"inputs"`
	}
	c.read(&in)
	batchSize(len(in.Inputs), maxLinkBatch)
	results, none := []members{}, []members{}
	for _, x := range in.Inputs {
		asked, to := h.contacts.follow(x.ID), []members{}
		for _, t := range h.tasks {
			if asked != nil && slices.ContainsFunc(t.Contacts, func(id string) bool { return h.contacts.follow(id) == asked }) {
				to = append(to, members{{"toObjectId", t.ID}, {"associationTypes", []members{{{"category", "HUBSPOT_DEFINED"}, {"typeId", 203}, {"label", nil}}}}})
			}
		}
		if len(to) == 0 {
			none = append(none, members{{"status", "error"}, {"category", "OBJECT_NOT_FOUND"}, {"subCategory", "crm.associations.NO_ASSOCIATIONS_FOUND"},
				{"message", "No task is associated with contact " + x.ID + "."}, {"context", members{{"fromObjectId", []string{x.ID}}}}})
			continue
		}
		results = append(results, members{{"from", idJSON{x.ID}}, {"to", to}})
	}
	if len(none) > 0 {
		return jsonReply(http.StatusMultiStatus, members{{"status", "COMPLETE"}, {"results", results}, {"numErrors", len(none)}, {"errors", none}})
	}
	return jsonReply(http.StatusOK, members{{"status", "COMPLETE"}, {"results", results}})
}

// readTasks answers a batch read of tasks. Those that there are not are left out.
func (h *HubSpot) readTasks(c call, _ *hubObject) reply {
	var in struct {
		Inputs []idJSON `json:"inputs"`
	}
	c.read(&in)
	batchSize(len(in.Inputs), maxBatch)
	results := []members{}
	for _, x := range in.Inputs {
		for i := range h.tasks {
			if h.tasks[i].ID == x.ID {
				results = append(results, h.tasks[i].told())
			}
		}
	}
	return jsonReply(http.StatusOK, members{{"status", "COMPLETE"}, {"results", results}})
}
