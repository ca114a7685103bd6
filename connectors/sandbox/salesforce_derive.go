package sandbox

import (
	"slices"
	"strings"
	"time"
)

// What the org works out by itself when records change.

// changed is the value that changes give a field.
func changed(changes []orgChange, name string) (string, bool) {
	for _, c := range slices.Backward(changes) {
		if c.field.name == name {
			return c.value, true
		}
	}
	return "", false
}

// derivations sets what objects work out.
func (s *Salesforce) derivations() {
	set := func(o *orgObject, changes []orgChange, name, value string) []orgChange {
		if _, given := changed(changes, name); given {
			return changes
		}
		f, _ := o.field(name)
		return append(slices.Clip(changes), orgChange{f, value})
	}
	yes := func(is bool) string {
		if is {
			return "true"
		}
		return ""
	}
	deals, tasks, members := s.objects["opportunity"], s.objects["task"], s.objects["campaignmember"]
	deals.derive = func(s *Salesforce, changes []orgChange, fresh bool) []orgChange {
		stage, moved := changed(changes, "StageName")
		if !moved {
			return changes
		}
		won := stage == "Closed Won"
		changes = set(deals, changes, "IsWon", yes(won))
		changes = set(deals, changes, "IsClosed", yes(won || stage == "Closed Lost"))
		chance := map[string]string{"Prospecting": "10", "Qualification": "10", "Needs Analysis": "20", "Proposal/Price Quote": "75", "Negotiation/Review": "90", "Closed Won": "100", "Closed Lost": "0"}[stage]
		return set(deals, changes, "Probability", chance)
	}
	tasks.derive = func(s *Salesforce, changes []orgChange, fresh bool) []orgChange {
		status, moved := changed(changes, "Status")
		if moved {
			done := status == "Completed"
			changes = set(tasks, changes, "IsClosed", yes(done))
			if done {
				changes = set(tasks, changes, "CompletedDateTime", formatWireTime(s.nowSeconds()))
			}
		}
		return changes
	}
	members.derive = func(s *Salesforce, changes []orgChange, fresh bool) []orgChange {
		if fresh {
			if _, given := changed(changes, "Status"); !given {
				changes = set(members, changes, "Status", "Sent")
			}
		}
		if status, moved := changed(changes, "Status"); moved {
			responded := status == "Responded"
			changes = set(members, changes, "HasResponded", yes(responded))
			if responded {
				changes = set(members, changes, "FirstRespondedDate", s.o.Now().UTC().Format(time.DateOnly))
			}
		}
		return changes
	}
	for _, name := range []string{"task", "event"} {
		s.objects[name].settled = logged
	}
	for _, name := range []string{"permissionset", "fieldpermissions", "permissionsetassignment"} {
		s.objects[name].settled = func(s *Salesforce, _ *orgObject, _ uint32) { s.secure() }
	}
}

// logged moves the stamp of whom an activity is about: logging one shows as a change of the lead or contact.
func logged(s *Salesforce, o *orgObject, ord uint32) {
	who, _ := o.field("WhoId")
	id, _ := cell(o.recs[ord].values, who.num)
	if id == "" {
		return
	}
	p, person, ok := s.recordOf(id)
	if !ok || p.recs[person].deletedAt != 0 {
		return
	}
	activity := &o.recs[ord]
	if stamp := activity.stamp; stamp > p.recs[person].stamp {
		p.file(person, func(r *orgRecord) { r.stamp = stamp })
	}
	day := o.value(s, ord, o.byName["activitydate"])
	if day == "" {
		if begins, ok := o.field("ActivityDateTime"); ok {
			day, _, _ = strings.Cut(o.value(s, ord, begins), "T")
		}
	}
	last := p.byName["lastactivitydate"]
	if before, _ := cell(p.recs[person].values, last.num); day > before && day <= s.o.Now().UTC().Format(time.DateOnly) {
		s.scratch = p.put(person, []orgChange{{last, day}}, s.scratch)
	}
	if account, ok := p.field("AccountId"); ok {
		if v, _ := cell(p.recs[person].values, account.num); v != "" {
			s.scratch = o.put(ord, []orgChange{{o.byName["accountid"], v}}, s.scratch)
		}
	}
}

// archiveDays is how old a finished activity is when queries no longer show it; queryAll does.
const archiveDays = 365

// activityArchived says whether a task or event is archived now.
func (s *Salesforce) activityArchived(o *orgObject, ord uint32) bool {
	limit := s.o.Now().UTC().AddDate(0, 0, -archiveDays).Format(time.DateOnly)
	if closed, ok := o.byName["isclosed"]; ok && o.value(s, ord, closed) == "" {
		return false
	}
	day := o.value(s, ord, o.byName["activitydate"])
	if day == "" {
		if ends, ok := o.byName["activitydatetime"]; ok {
			day = o.value(s, ord, ends)
		}
	}
	if day == "" {
		day = formatWireTime(o.recs[ord].created)
	}
	return day < limit
}
