package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Why an org refuses rows: locks, its admin's rules, duplicates, and whatever a test wants.

// SalesforceRule is a validation rule of the org's admin: a record of the object whose field When has the value Is is refused
// with Message.
type SalesforceRule struct{ Object, When, Is, Message string }

// AddRule makes the org keep a rule.
func (s *Salesforce) AddRule(r SalesforceRule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, r)
}

// BlockDuplicates makes the org refuse leads and contacts that have the address of another one, updates among them, unless
// the request's duplicate rule header allows them.
func (s *Salesforce) BlockDuplicates(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dupes = on
}

// AssignLeads gives the org an active assignment rule: leads that the API creates or updates go to that user unless the
// request's header Sforce-Auto-Assign is FALSE. "" ends it.
func (s *Salesforce) AssignLeads(userID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.assignTo, _ = longID(userID)
}

// rowRefusal is a refusal on demand.
type rowRefusal struct {
	fault rowFault
	times int
}

// rowMessages are what Salesforce says with codes that [Salesforce.Refuse] gives.
var rowMessages = map[string]string{
	"UNABLE_TO_LOCK_ROW":                   "unable to obtain exclusive access to this record",
	"INSUFFICIENT_ACCESS_OR_READONLY":      "insufficient access rights on object id",
	"FIELD_CUSTOM_VALIDATION_EXCEPTION":    "This record must not be changed.",
	"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "LeadTrigger: execution of BeforeUpdate caused by: System.NullPointerException: Attempt to de-reference a null object",
}

// Refuse makes the API's next updates of a record fail with a code, times < 0 for ever: UNABLE_TO_LOCK_ROW,
// INSUFFICIENT_ACCESS_OR_READONLY, CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY and so on. times 0 ends it.
func (s *Salesforce) Refuse(id, code string, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ = longID(id)
	if times == 0 {
		delete(s.refusals, id)
		return
	}
	message := rowMessages[code]
	if message == "" {
		message = strings.ToLower(strings.ReplaceAll(code, "_", " "))
	}
	s.refusals[id] = &rowRefusal{rowFault{code, message, []string{}}, times}
}

func (s *Salesforce) refused(id string) *rowFault {
	r := s.refusals[id]
	if r == nil {
		return nil
	}
	if r.times > 0 {
		if r.times--; r.times == 0 {
			delete(s.refusals, id)
		}
	}
	return &r.fault
}

// lockedBy are the ids that a write to a record locks: itself and the account it hangs on.
func (s *Salesforce) lockedBy(o *orgObject, ord uint32) []string {
	ids := []string{o.id(ord)}
	if f, ok := o.byName["accountid"]; ok {
		if v, _ := cell(o.recs[ord].values, f.num); v != "" {
			ids = append(ids, v)
		}
	}
	return ids
}

// lock takes the locks of a write of several records; those that another write holds it does not get.
func (s *Salesforce) lock(q *request, a *arrival) {
	a.denied = map[string]bool{}
	r := &jsonReader{b: q.body}
	r.object(func(key []byte) {
		if string(key) != "records" {
			r.skip()
			return
		}
		r.array(func() {
			row, _ := readRow(r, nil)
			o, ord, ok := s.recordOf(row.id)
			if !ok {
				return
			}
			for _, id := range s.lockedBy(o, ord) {
				switch holder := s.holds[id]; holder {
				case q:
				case nil:
					s.holds[id] = q
					a.locks = append(a.locks, id)
				default:
					a.denied[id] = true
				}
			}
		})
	})
}

// heldByOther says that another write holds the record or its account, or held it when this one began.
func (s *Salesforce) heldByOther(q *request, o *orgObject, ord uint32) *rowFault {
	if s.o.WriteTime <= 0 {
		return nil
	}
	a := s.arrivals[q]
	ids := s.lockedBy(o, ord)
	i := slices.IndexFunc(ids, func(id string) bool {
		holder := s.holds[id]
		return holder != nil && holder != q || a != nil && a.denied[id]
	})
	if i < 0 {
		return nil
	}
	return &rowFault{"UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: " + ids[i], []string{}}
}

// after is the value of a field once changes are made; ord < 0 is a new record.
func (s *Salesforce) after(o *orgObject, ord int64, changes []orgChange, f *orgField) string {
	if v, ok := changed(changes, f.name); ok {
		return v
	}
	if ord < 0 {
		return f.standardValue
	}
	return o.value(s, uint32(ord), f)
}

// broken is the validation rule that a record would not keep.
func (s *Salesforce) broken(o *orgObject, ord int64, changes []orgChange) *rowFault {
	for _, r := range s.rules {
		if r.Object != o.name {
			continue
		}
		if f, ok := o.field(r.When); ok && f.plain(s.after(o, ord, changes, f)) == r.Is {
			return &rowFault{"FIELD_CUSTOM_VALIDATION_EXCEPTION", r.Message, []string{}}
		}
	}
	return nil
}

// duplicate is the refusal of a lead or contact with the address of another one.
func (s *Salesforce) duplicate(o *orgObject, ord int64, changes []orgChange) *rowFault {
	if !s.dupes || o.name != "Lead" && o.name != "Contact" {
		return nil
	}
	email, _ := o.field("Email")
	address := s.after(o, ord, changes, email)
	if address == "" {
		return nil
	}
	for _, name := range []string{"lead", "contact"} {
		other := s.objects[name]
		f, _ := other.field("Email")
		for _, n := range other.lookup(f, address) {
			if other.recs[n].deletedAt == 0 && !(other == o && int64(n) == ord) && !s.isConverted(other, n) {
				return &rowFault{"DUPLICATES_DETECTED", "Use one of these records?", []string{}}
			}
		}
	}
	return nil
}

// rowFailure is a row's fault as the error of a request about that row alone.
func rowFailure(f *rowFault) *orgFailure {
	status := http.StatusBadRequest
	switch f.code {
	case "INVALID_CROSS_REFERENCE_KEY":
		if len(f.fields) == 0 {
			return notThere()
		}
	case "ENTITY_IS_DELETED":
		if len(f.fields) == 0 {
			status = http.StatusNotFound
		}
	case "INSUFFICIENT_ACCESS_OR_READONLY":
		status = http.StatusForbidden
	}
	return &orgFailure{status: status, code: f.code, message: f.message, fields: f.fields}
}

// rowText is a row's fault as the Bulk API tells it.
func (f *rowFault) rowText() string {
	return fmt.Sprintf("%s:%s:%s --", f.code, f.message, strings.Join(f.fields, ", "))
}
