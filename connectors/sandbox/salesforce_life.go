package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// binDaysOrg is how long deleted records can be queried and restored, and how far back deletions are told.
const binDaysOrg = 15

// isPurged says that a deleted record can no longer be queried.
func (s *Salesforce) isPurged(o *orgObject, ord uint32) bool {
	r := &o.recs[ord]
	return r.purged || r.deletedAt != 0 && s.nowSeconds()-r.deletedAt >= binDaysOrg*24*3600
}

// Delete moves a live record to the recycle bin.
func (s *Salesforce) Delete(object, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ord, err := s.liveRecord(object, id)
	if err != nil {
		return err
	}
	s.remove(o, ord, s.boss, 0)
	return nil
}

// remove deletes a record; master is the number + 1 of the one it was merged into.
func (s *Salesforce) remove(o *orgObject, ord uint32, by, master uint32) {
	now := s.nowSeconds()
	o.file(ord, func(r *orgRecord) {
		r.deletedAt, r.stamp, r.modified, r.modifiedBy, r.master = now, now, now, by, master
	})
	s.touched(o, ord)
}

// Undelete takes a record out of the recycle bin, where it stays for 15 days. Its stamp moves.
func (s *Salesforce) Undelete(object, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ord, ok := s.recordOf(id)
	if !ok || o.name != object || o.recs[ord].deletedAt == 0 || s.isPurged(o, ord) {
		return fmt.Errorf("%w: deleted %s %s", ErrNotFound, object, id)
	}
	now := s.nowSeconds()
	o.file(ord, func(r *orgRecord) { r.deletedAt, r.master, r.stamp, r.modified, r.modifiedBy = 0, 0, now, now, s.boss })
	s.touched(o, ord)
	return nil
}

// Purge deletes a live or deleted record beyond the recycle bin: no query finds it, but the list of deletions still tells it.
func (s *Salesforce) Purge(object, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ord, ok := s.recordOf(id)
	if !ok || o.name != object || o.recs[ord].purged {
		return fmt.Errorf("%w: %s %s", ErrNotFound, object, id)
	}
	if o.recs[ord].deletedAt == 0 {
		s.remove(o, ord, s.boss, 0)
	}
	o.file(ord, func(r *orgRecord) { r.purged = true })
	o.reindex(ord, o.recs[ord].values, "")
	o.recs[ord].values = ""
	return nil
}

// heirs are the lookups that follow a person into the record it is merged with.
var heirs = map[string][]string{"Task": {"WhoId"}, "Event": {"WhoId"}, "EventRelation": {"RelationId"}, "CampaignMember": {"LeadId", "ContactId"}, "OpportunityContactRole": {"ContactId"}, "Contact": {"AccountId", "ReportsToId"}, "Opportunity": {"AccountId"}}

// Merge merges loser into winner, which keeps its values: loser is deleted with winner as its MasterRecordId, and what hung on
// it moves to winner.
func (s *Salesforce) Merge(object, winner, loser string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, win, err := s.liveRecord(object, winner)
	if err != nil {
		return err
	}
	_, lose, err := s.liveRecord(object, loser)
	if err != nil {
		return err
	}
	if win == lose || object != "Lead" && object != "Contact" && object != "Account" {
		return fmt.Errorf("sandbox: %s %s cannot be merged into %s", object, loser, winner)
	}
	now := s.nowSeconds()
	s.remove(o, lose, s.boss, win+1)
	s.apply(o, win, nil, s.boss, now)
	for name, lookups := range heirs {
		child := s.objects[strings.ToLower(name)]
		for _, lookup := range lookups {
			f, _ := child.field(lookup)
			for _, ord := range slices.Clone(child.lookup(f, o.id(lose))) {
				s.scratch = child.put(ord, []orgChange{{f, o.id(win)}}, s.scratch)
				if child.recs[ord].deletedAt == 0 {
					child.file(ord, func(r *orgRecord) { r.stamp = now })
				}
			}
		}
	}
	return nil
}

// Convert converts a live lead into a contact of a new account with an open opportunity, as reps do, and returns the
// contact's id. The lead stays, tells where it went, and takes no more updates.
func (s *Salesforce) Convert(leadID string) (contactID string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ord, err := s.liveRecord("Lead", leadID)
	if err != nil {
		return "", err
	}
	if s.isConverted(o, ord) {
		return "", fmt.Errorf("sandbox: Lead %s is converted already", leadID)
	}
	lead := s.fieldsOf(o, ord)
	pass := func(from map[string]string, names ...string) map[string]string {
		m := map[string]string{}
		for _, n := range names {
			if v := from[n]; v != "" {
				m[n] = v
			}
		}
		return m
	}
	account := s.seed("Account", map[string]string{"Name": lead["Company"], "OwnerId": lead["OwnerId"]})
	contact := pass(lead, "LastName", "FirstName", "Salutation", "Title", "Email", "Phone", "MobilePhone", "LeadSource", "OwnerId", "HasOptedOutOfEmail")
	contact["AccountId"] = account
	contactID = s.seed("Contact", contact)
	now := s.o.Now()
	deal := s.seed("Opportunity", map[string]string{"Name": lead["Company"] + "-", "AccountId": account, "StageName": "Prospecting", "CloseDate": now.AddDate(0, 3, 0).UTC().Format(time.DateOnly), "OwnerId": lead["OwnerId"]})
	s.seed("OpportunityContactRole", map[string]string{"OpportunityId": deal, "ContactId": contactID, "IsPrimary": "true"})
	_, changes, err := s.prepare("Lead", map[string]string{"IsConverted": "true", "ConvertedDate": now.UTC().Format(time.DateOnly), "ConvertedAccountId": account, "ConvertedContactId": contactID, "ConvertedOpportunityId": deal, "Status": "Closed - Converted"})
	if err != nil {
		return "", err
	}
	s.apply(o, ord, changes, s.boss, now.Unix())
	return contactID, nil
}

func (s *Salesforce) isConverted(o *orgObject, ord uint32) bool {
	f, ok := o.byName["isconverted"]
	if !ok {
		return false
	}
	v, _ := cell(o.recs[ord].values, f.num)
	return v != ""
}

// LateCommit adds a record that appears only now although its stamps lie in the past, as the rows of a long transaction do.
// [Salesforce.Begin] does the same with a watermark that knows of the transaction.
func (s *Salesforce) LateCommit(object string, fields map[string]string, stamp time.Time) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, changes, err := s.prepare(object, fields)
	if err != nil {
		panic(err)
	}
	return o.id(s.create(o, changes, s.boss, stamp.Unix()))
}

// Transaction is a write that has begun and is not seen yet. Its row will carry the stamp of the beginning.
type Transaction struct {
	s       *Salesforce
	began   int64
	object  *orgObject
	id      string // of the record to update; "" for a new one
	changes []orgChange
}

// Begin starts a transaction that updates a live record, or adds one where id is "". Until Commit nobody sees anything of it,
// and the replication endpoints tell no watermark beyond its beginning. It panics as Create does.
func (s *Salesforce) Begin(object, id string, fields map[string]string) *Transaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, changes, err := s.prepare(object, fields)
	if err == nil && id != "" {
		_, _, err = s.liveRecord(object, id)
	}
	if err != nil {
		panic(err)
	}
	t := &Transaction{s: s, began: s.nowSeconds(), object: o, id: id, changes: changes}
	s.open = append(s.open, t)
	return t
}

// Commit makes the transaction's row visible and returns its id. A record that has gone meanwhile stays as it is.
func (t *Transaction) Commit() (id string) {
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = slices.DeleteFunc(s.open, func(x *Transaction) bool { return x == t })
	if t.id == "" {
		return t.object.id(s.create(t.object, t.changes, s.boss, t.began))
	}
	if o, ord, err := s.liveRecord(t.object.name, t.id); err == nil {
		s.apply(o, ord, t.changes, s.boss, t.began)
	}
	return t.id
}
