package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// orgObject is an object of the org with its definition and records.
type orgObject struct {
	table
	Name, Label, Prefix string
	Tooling             bool   // met through the Tooling API alone
	onlyID              string // of the object's one record, where it is not made by its number
	fields              []*orgField
	byName              map[string]*orgField // by lower-case name
	relations           map[string]*orgField // by lower-case name of the way to the parent
	derive              func(values changes) // adds what follows from them
	settled             func(r *record)      // after a record was made, changed or removed
	kept                *orgObject           // its field history; nil: none of its fields is tracked
}

// firstNumber is the number in the id of an object's first record.
const firstNumber = 62*62*62*17 + 62*62*9 + 62*40

// idOf is the id of the record with a number.
func (o *orgObject) idOf(number int64) string {
	return cmp.Or(o.onlyID, orgID(o.Prefix, firstNumber+uint64(number)))
}

func (o *orgObject) field(name string) (*orgField, bool) {
	f, ok := o.byName[strings.ToLower(name)]
	return f, ok
}

func (o *orgObject) define(f *orgField) *orgField {
	f.num = len(o.fields)
	o.fields = append(o.fields, f)
	o.byName[strings.ToLower(f.Name)] = f
	if f.Relation != "" {
		o.relations[strings.ToLower(f.Relation)] = f
	}
	return f
}

// value is one value of a record of the field's object.
func (f *orgField) value(r *record) string {
	switch {
	case f.time != nil:
		return formatWireTime(f.time(r))
	case f.calc != nil:
		return f.calc(r)
	}
	return r.value(f.num)
}

// get is the value of a field by its lower-case name, "" where the object has none.
func (o *orgObject) get(r *record, name string) string {
	if f := o.byName[name]; f != nil {
		return f.value(r)
	}
	return ""
}

// What people do in the org, from Go: reps edit, admins make rules. Fields that the API cannot set may be set here. An object,
// field or value that the org does not take is the caller's mistake and panics.

// Create adds a record and returns its id of 18 characters. CreatedDate, CreatedById, LastModifiedDate, LastModifiedById and
// SystemModstamp may be given.
func (s *Salesforce) Create(object string, fields map[string]string) string {
	defer s.lock()()
	return s.seed(object, fields)
}

// CreateMany adds n records; gen makes the i-th one's fields and must not call the org.
func (s *Salesforce) CreateMany(object string, n int, gen func(i int) map[string]string) []string {
	defer s.lock()()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = s.seed(object, gen(i))
	}
	return ids
}

func (s *Salesforce) seed(object string, fields map[string]string) string {
	o, values := s.prepare(object, fields)
	return s.create(o, values, s.boss, s.nowMs()).id
}

// known is an object given from Go.
func (s *Salesforce) known(object string) *orgObject {
	o, ok := s.object(object)
	if !ok {
		panic(fmt.Errorf("sandbox: there is no object %s", object))
	}
	return o
}

// prepare checks fields given from Go.
func (s *Salesforce) prepare(object string, fields map[string]string) (*orgObject, changes) {
	o, values := s.known(object), make(changes, len(fields))
	for name, v := range fields {
		f, ok := o.field(name)
		if !ok {
			panic(fmt.Errorf("sandbox: %s has no field %s", o.Name, name))
		}
		values[strings.ToLower(name)] = f.canon(v)
	}
	return o, values
}

// create adds a record with checked values. by is the id of a user, now in ms.
func (s *Salesforce) create(o *orgObject, values changes, by string, now int64) *record {
	n := int64(len(o.recs))
	r := &record{
		id: o.idOf(n), number: n, created: wireMs(values["createddate"], now),
		createdBy: cmp.Or(values["createdbyid"], by), modifiedBy: cmp.Or(values["lastmodifiedbyid"], by),
	}
	r.modified = max(wireMs(values["lastmodifieddate"], r.created), r.created)
	r.stamp = max(wireMs(values["systemmodstamp"], r.modified), r.modified)
	for name, f := range o.byName {
		switch {
		case values[name] != "":
		case f.Default != "":
			values[name] = f.Default
		case f.Name == "OwnerId":
			values[name] = by
		}
	}
	o.put(r, values)
	o.table.add(r)
	o.touched(r)
	return r
}

// put sets values, with what follows from them, and leaves stamps as they are.
func (o *orgObject) put(r *record, values changes) {
	if o.derive != nil {
		o.derive(values)
	}
	for name, v := range values {
		if f := o.byName[name]; f.calc == nil && f.time == nil {
			r.set(f.num, v)
		}
	}
}

// wireMs reads a date-time, otherwise standing for one that cannot be read.
func wireMs(wire string, otherwise int64) int64 {
	if t, ok := parseWireTime(wire); ok {
		return t.UnixMilli()
	}
	return otherwise
}

// apply sets checked values of a live record.
func (s *Salesforce) apply(o *orgObject, r *record, values changes, by string, now int64) {
	before := o.trackedValues(r)
	o.put(r, values)
	r.modified, r.modifiedBy = wireMs(values["lastmodifieddate"], now), by
	r.stamp = wireMs(values["systemmodstamp"], now)
	s.note(o, r, before)
	o.touched(r)
}

// touched does what follows from a change of a record.
func (o *orgObject) touched(r *record) {
	if o.settled != nil {
		o.settled(r)
	}
}

// liveRecord is a live record by id.
func (s *Salesforce) liveRecord(object, id string) (*orgObject, *record) {
	o, r := s.binned(object, id)
	missingIf(!r.live(), object, id)
	return o, r
}

// binned is a record by id, deleted or not, that can still be queried.
func (s *Salesforce) binned(object, id string) (*orgObject, *record) {
	o, r := s.recordOf(id)
	missingIf(r == nil || o.Name != object || s.isPurged(r), object, id)
	return o, r
}

// Update sets fields of a live record. by is the id of the user who did it, "" for the administrator.
func (s *Salesforce) Update(object, id string, fields map[string]string, by string) error {
	return s.UpdateMany(object, []string{id}, fields, by)
}

// UpdateMany sets the same fields of many records in one transaction: all get one stamp. It stops at the first id that names
// no live record.
func (s *Salesforce) UpdateMany(object string, ids []string, fields map[string]string, by string) error {
	return s.try(func() {
		_, values := s.prepare(object, fields)
		by, _ = longID(cmp.Or(by, s.boss))
		for _, id := range ids {
			o, r := s.liveRecord(object, id)
			s.apply(o, r, values, by, s.nowMs())
		}
	})
}

// Record returns the fields of a record that have a value, deleted records in the recycle bin with IsDeleted "true". Booleans
// are told when true. Field-level security does not matter here.
func (s *Salesforce) Record(object, id string) (fields map[string]string, ok bool) {
	err := s.try(func() {
		o, r := s.binned(object, id)
		fields = o.values(r)
	})
	return fields, err == nil
}

func (o *orgObject) values(r *record) map[string]string {
	m := map[string]string{}
	for _, f := range o.fields {
		if v := f.value(r); v != "" && !f.removed {
			m[f.Name] = v
		}
	}
	return m
}

// IDs are the ids of an object's live records in the order they were made, which is that of the ids.
func (s *Salesforce) IDs(object string) []string {
	defer s.lock()()
	return s.known(object).ids()
}

// Content is the value of the given fields, of all with a value where none are given, for every live record of an object by
// id: to compare two runs. Empty values are left out, and of all fields those that tell when or by whom a record was changed.
func (s *Salesforce) Content(object string, fields ...string) map[string]map[string]string {
	defer s.lock()()
	o := s.known(object)
	return o.content(o.values, fields, "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")
}

// Writes tells how many updates the API applied to each record of an object, by id; those it did not write to are left out.
func (s *Salesforce) Writes(object string) map[string]int {
	defer s.lock()()
	return s.known(object).writes()
}

// binDaysOrg is how long deleted records can be queried and restored, and how far back deletions are told.
const binDaysOrg = 15

// isPurged says that a deleted record can no longer be queried.
func (s *Salesforce) isPurged(r *record) bool {
	return r.purged || r.gone != 0 && s.nowMs()-r.gone >= binDaysOrg*dayMs
}

// Delete moves a live record to the recycle bin.
func (s *Salesforce) Delete(object, id string) error {
	return s.try(func() {
		o, r := s.liveRecord(object, id)
		s.remove(o, r, s.boss)
	})
}

func (s *Salesforce) remove(o *orgObject, r *record, by string) {
	r.gone, r.modified, r.modifiedBy = s.nowMs(), s.nowMs(), by
	r.stamp = r.gone
	o.touched(r)
}

// Undelete takes a record out of the recycle bin, where it stays for 15 days. Its stamp moves.
func (s *Salesforce) Undelete(object, id string) error {
	return s.try(func() {
		o, r := s.binned(object, id)
		problemIf(r.live(), "%s %s is not deleted", object, id)
		r.gone, r.into, r.modified, r.modifiedBy = 0, nil, s.nowMs(), s.boss
		r.stamp = r.modified
		o.touched(r)
	})
}

// Purge deletes a live or deleted record beyond the recycle bin: no query finds it, but the list of deletions still tells it.
func (s *Salesforce) Purge(object, id string) error {
	return s.try(func() {
		o, r := s.binned(object, id)
		if r.live() {
			s.remove(o, r, s.boss)
		}
		r.purged, r.cells = true, nil
	})
}

// Merge merges loser into winner, which keeps its values: loser is deleted with winner as its MasterRecordId, and what hung on
// it moves to winner.
func (s *Salesforce) Merge(object, winner, loser string) error {
	return s.try(func() {
		o, win := s.liveRecord(object, winner)
		_, lose := s.liveRecord(object, loser)
		problemIf(win == lose || o.byName["masterrecordid"] == nil, "%s %s cannot be merged into %s", object, loser, winner)
		now := s.nowMs()
		lose.into = win
		s.remove(o, lose, s.boss)
		s.apply(o, win, changes{}, s.boss, now)
		for _, child := range s.all {
			for _, f := range child.fields {
				if f.calc == nil && slices.Contains(f.RefTo, object) {
					child.relink(f, lose, win, now)
				}
			}
		}
	})
}

// relink makes what leads to one record lead to another.
func (o *orgObject) relink(f *orgField, from, to *record, now int64) {
	for _, r := range o.recs {
		if r.value(f.num) == from.id {
			if r.set(f.num, to.id); r.live() {
				r.stamp = now
			}
		}
	}
}

// Convert converts a live lead into a contact of a new account with an open opportunity, as reps do, and returns the
// contact's id. The lead stays, tells where it went, and takes no more updates.
func (s *Salesforce) Convert(leadID string) (contactID string, err error) {
	err = s.try(func() {
		o, r := s.liveRecord("Lead", leadID)
		problemIf(o.isConverted(r), "Lead %s is converted already", leadID)
		lead := o.values(r)
		account := s.seed("Account", map[string]string{"Name": lead["Company"], "OwnerId": lead["OwnerId"]})
		contact := map[string]string{"AccountId": account}
		for _, name := range []string{"LastName", "FirstName", "Salutation", "Title", "Email", "Phone", "MobilePhone", "LeadSource", "OwnerId", "HasOptedOutOfEmail"} {
			contact[name] = lead[name]
		}
		contactID = s.seed("Contact", contact)
		now := s.o.Now().UTC()
		deal := s.seed("Opportunity", map[string]string{"Name": lead["Company"] + "-", "AccountId": account, "StageName": "Prospecting", "CloseDate": now.AddDate(0, 3, 0).Format(time.DateOnly), "OwnerId": lead["OwnerId"]})
		s.seed("OpportunityContactRole", map[string]string{"OpportunityId": deal, "ContactId": contactID, "IsPrimary": "true"})
		_, values := s.prepare("Lead", map[string]string{"IsConverted": "true", "ConvertedDate": now.Format(time.DateOnly), "ConvertedAccountId": account, "ConvertedContactId": contactID, "ConvertedOpportunityId": deal, "Status": "Closed - Converted"})
		s.apply(o, r, values, s.boss, s.nowMs())
	})
	return contactID, err
}

func (o *orgObject) isConverted(r *record) bool { return o.get(r, "isconverted") != "" }

// LateCommit adds a record that appears only now although its stamps lie in the past, as the rows of a long transaction do.
// [Salesforce.Begin] does the same with a watermark that knows of the transaction.
func (s *Salesforce) LateCommit(object string, fields map[string]string, stamp time.Time) (id string) {
	t := s.Begin(object, "", fields)
	t.began = stamp.Unix() * 1000
	return t.Commit()
}

// Transaction is a write that has begun and is not seen yet. Its row will carry the stamp of the beginning.
type Transaction struct {
	s      *Salesforce
	began  int64
	object *orgObject
	id     string // of the record to update; "" for a new one
	values changes
}

// Begin starts a transaction that updates a live record, or adds one where id is "". Until Commit nobody sees anything of it,
// and the replication endpoints tell no watermark beyond its beginning. It panics as Create does.
func (s *Salesforce) Begin(object, id string, fields map[string]string) *Transaction {
	defer s.lock()()
	o, values := s.prepare(object, fields)
	if id != "" {
		s.liveRecord(object, id)
	}
	t := &Transaction{s: s, began: s.nowMs(), object: o, id: id, values: values}
	s.open = append(s.open, t)
	return t
}

// Commit makes the transaction's row visible and returns its id. A record that has gone meanwhile stays as it is.
func (t *Transaction) Commit() (id string) {
	s := t.s
	defer s.lock()()
	s.open = slices.DeleteFunc(s.open, func(x *Transaction) bool { return x == t })
	if t.id == "" {
		return s.create(t.object, t.values, s.boss, t.began).id
	}
	if _, r := s.recordOf(t.id); r.live() {
		s.apply(t.object, r, t.values, s.boss, t.began)
	}
	return t.id
}
