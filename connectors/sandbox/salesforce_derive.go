package sandbox

import (
	"strings"
	"time"
)

// What the org works out by itself when records change.

// chances are the probabilities of deals by their stage.
var chances = map[string]string{"Prospecting": "10", "Qualification": "10", "Needs Analysis": "20", "Proposal/Price Quote": "75", "Negotiation/Review": "90", "Closed Won": "100", "Closed Lost": "0"}

// derivations sets what objects work out.
func (s *Salesforce) derivations() {
	s.objects["opportunity"].derive = func(values changes) {
		if stage, moved := values["stagename"]; moved {
			values.also("iswon", yes(stage == "Closed Won"))
			values.also("isclosed", yes(strings.HasPrefix(stage, "Closed")))
			values.also("probability", chances[stage])
		}
	}
	s.objects["task"].derive = func(values changes) {
		if status, moved := values["status"]; moved {
			values.also("isclosed", yes(status == "Completed"))
			if status == "Completed" {
				values.also("completeddatetime", formatWireTime(s.nowMs()))
			}
		}
	}
	s.objects["campaignmember"].derive = func(values changes) {
		if status, moved := values["status"]; moved {
			values.also("hasresponded", yes(status == "Responded"))
			if status == "Responded" {
				values.also("firstrespondeddate", s.o.Now().UTC().Format(time.DateOnly))
			}
		}
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
