package sandbox

import (
	"net/http"
	"strings"
	"time"
)

// locks are the ids that a write of several records wants while it lasts: true where it has them, false where another write had
// them when it began.
type locks map[string]bool

// lockedBy are the ids that a write to a record locks: itself and the account it hangs on.
func (o *orgObject) lockedBy(r *record) []string {
	ids := []string{r.id}
	if account := o.get(r, "accountid"); account != "" {
		ids = append(ids, account)
	}
	return ids
}

// begin takes the locks of a write of several records.
func (s *Salesforce) begin(q *request) time.Duration {
	if s.o.WriteTime <= 0 || q.method != http.MethodPatch || !strings.HasSuffix(strings.TrimSuffix(q.path, "/"), "/composite/sobjects") {
		return 0
	}
	mine := locks{}
	var in struct{ Records []struct{ ID string } }
	_ = decode(q.body, &in) // what cannot be read is refused when it is answered
	for _, row := range in.Records {
		if o, r := s.recordOf(row.ID); r != nil {
			for _, id := range o.lockedBy(r) {
				mine[id] = !s.isHeld(id, q)
			}
		}
	}
	s.underWay[q] = mine
	return s.o.WriteTime
}

func (s *Salesforce) end(q *request) { delete(s.underWay, q) }

// isHeld says whether another write holds an id, or held it when this one began.
func (s *Salesforce) isHeld(id string, q *request) bool {
	for other, l := range s.underWay {
		if other != q && l[id] {
			return true
		}
	}
	has, wanted := s.underWay[q][id]
	return wanted && !has
}

// checkLocks refuses a record that another write holds, or whose account it holds.
func (s *Salesforce) checkLocks(q *request, o *orgObject, r *record) {
	for _, id := range o.lockedBy(r) {
		if s.isHeld(id, q) {
			panic(badRow("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: "+id))
		}
	}
}
