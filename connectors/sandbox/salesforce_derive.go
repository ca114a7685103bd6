package sandbox

import (
	"slices"
	"strings"
	"time"
)

// What the org works out by itself when records change.

// also adds a value to changes unless they have one.
func (o *orgObject) also(changes []orgChange, name, value string) []orgChange {
	if _, given := changed(changes, name); given {
		return changes
	}
	f, _ := o.field(name)
	return append(slices.Clip(changes), orgChange{f, value})
}

// chances are the probabilities of deals by their stage.
var chances = map[string]string{"Prospecting": "10", "Qualification": "10", "Needs Analysis": "20", "Proposal/Price Quote": "75", "Negotiation/Review": "90", "Closed Won": "100", "Closed Lost": "0"}

// derivations sets what objects work out.
func (s *Salesforce) derivations() {
	deals, tasks, members := s.objects["opportunity"], s.objects["task"], s.objects["campaignmember"]
	deals.derive = func(changes []orgChange, fresh bool) []orgChange {
		if stage, moved := changed(changes, "StageName"); moved {
			changes = deals.also(changes, "IsWon", yes(stage == "Closed Won"))
			changes = deals.also(changes, "IsClosed", yes(strings.HasPrefix(stage, "Closed")))
			changes = deals.also(changes, "Probability", chances[stage])
		}
		return changes
	}
	tasks.derive = func(changes []orgChange, fresh bool) []orgChange {
		status, moved := changed(changes, "Status")
		if moved {
			changes = tasks.also(changes, "IsClosed", yes(status == "Completed"))
		}
		if status == "Completed" {
			changes = tasks.also(changes, "CompletedDateTime", formatWireTime(s.nowMs()))
		}
		return changes
	}
	members.derive = func(changes []orgChange, fresh bool) []orgChange {
		if fresh {
			changes = members.also(changes, "Status", "Sent")
		}
		status, moved := changed(changes, "Status")
		if moved {
			changes = members.also(changes, "HasResponded", yes(status == "Responded"))
		}
		if status == "Responded" {
			changes = members.also(changes, "FirstRespondedDate", s.o.Now().UTC().Format(time.DateOnly))
		}
		return changes
	}
	for _, name := range []string{"task", "event"} {
		o := s.objects[name]
		o.settled = func(r *record) { s.logged(o, r) }
	}
	for _, name := range []string{"permissionset", "fieldpermissions", "permissionsetassignment"} {
		s.objects[name].settled = func(*record) { s.secure() }
	}
}

// logged moves the stamp of whom an activity is about: logging one shows as a change of the lead or contact.
func (s *Salesforce) logged(o *orgObject, activity *record) {
	p, person := s.recordOf(o.get(activity, "whoid"))
	if person == nil || !person.live() {
		return
	}
	if activity.stamp > person.stamp {
		person.stamp = activity.stamp
	}
	day := o.get(activity, "activitydate")
	if day == "" {
		day, _, _ = strings.Cut(o.get(activity, "activitydatetime"), "T")
	}
	if day > p.get(person, "lastactivitydate") && day <= s.o.Now().UTC().Format(time.DateOnly) {
		person.set(p.byName["lastactivitydate"].num, day)
	}
	if account := p.get(person, "accountid"); account != "" {
		activity.set(o.byName["accountid"].num, account)
	}
}
