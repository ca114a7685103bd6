package sandbox

import (
	"fmt"
	"maps"
	"slices"
)

// What people do in the org, from Go: reps edit, admins make rules. Fields that the API cannot set may be set here.

// Create adds a record and returns its id of 18 characters. CreatedDate, CreatedById, LastModifiedDate, LastModifiedById and
// SystemModstamp may be given. It panics on an object, field or value that the org does not take: the caller's mistake.
func (s *Salesforce) Create(object string, fields map[string]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seed(object, fields)
}

// CreateMany adds n records; gen makes the i-th one's fields and must not call the org.
func (s *Salesforce) CreateMany(object string, n int, gen func(i int) map[string]string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = s.seed(object, gen(i))
	}
	return ids
}

func (s *Salesforce) seed(object string, fields map[string]string) string {
	o, changes, err := s.prepare(object, fields)
	if err != nil {
		panic(err)
	}
	return o.id(s.create(o, changes, s.boss, s.nowSeconds()))
}

// prepare checks fields given from Go.
func (s *Salesforce) prepare(object string, fields map[string]string) (*orgObject, []orgChange, error) {
	o, ok := s.object(object)
	if !ok {
		return nil, nil, fmt.Errorf("sandbox: there is no object %s", object)
	}
	changes := make([]orgChange, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		f, ok := o.field(name)
		if !ok || f.removed {
			return nil, nil, fmt.Errorf("sandbox: %s has no field %s", o.name, name)
		}
		v, bad := f.canon(fields[name])
		if bad != nil {
			return nil, nil, fmt.Errorf("sandbox: %s.%s: %w", o.name, name, bad)
		}
		changes = append(changes, orgChange{f, v})
	}
	return o, changes, nil
}

// create adds a record with checked values.
func (s *Salesforce) create(o *orgObject, changes []orgChange, by uint32, now int64) uint32 {
	r := orgRecord{created: now, createdBy: by, modifiedBy: by}
	var modified, stamp int64
	has := func(f *orgField) bool {
		return slices.ContainsFunc(changes, func(c orgChange) bool { return c.field == f && c.value != "" })
	}
	for _, c := range changes {
		switch c.field.name {
		case "CreatedDate":
			r.created = seconds(c.value, now)
		case "LastModifiedDate":
			modified = seconds(c.value, now)
		case "SystemModstamp":
			stamp = seconds(c.value, now)
		case "CreatedById":
			r.createdBy = s.userNumber(c.value)
		case "LastModifiedById":
			r.modifiedBy = s.userNumber(c.value)
		}
	}
	r.modified = max(modified, r.created)
	r.stamp = max(stamp, r.modified)
	if modified == 0 && stamp != 0 {
		r.modified = max(min(stamp, r.modified), r.created)
	}
	for _, f := range o.fields {
		switch {
		case f.standardValue != "" && !has(f):
			changes = append(changes, orgChange{f, f.standardValue})
		case f.name == "OwnerId" && !has(f):
			changes = append(changes, orgChange{f, s.users.id(by)})
		}
	}
	if o.derive != nil {
		changes = o.derive(s, changes, true)
	}
	ord := o.add(r)
	s.scratch = o.put(ord, changes, s.scratch)
	s.touched(o, ord)
	return ord
}

func seconds(wire string, otherwise int64) int64 {
	if t, ok := parseWireTime(wire); ok {
		return t.Unix()
	}
	return otherwise
}

func (s *Salesforce) userNumber(id string) uint32 {
	if ord, ok := s.users.find(id); ok {
		return ord
	}
	return s.boss
}

// apply sets checked values of a live record.
func (s *Salesforce) apply(o *orgObject, ord uint32, changes []orgChange, by uint32, now int64) {
	if o.derive != nil {
		changes = o.derive(s, changes, false)
	}
	s.scratch = o.put(ord, changes, s.scratch)
	modified, stamp := now, now
	for _, c := range changes {
		switch c.field.name {
		case "LastModifiedDate":
			modified = seconds(c.value, now)
		case "SystemModstamp":
			stamp = seconds(c.value, now)
		}
	}
	o.file(ord, func(r *orgRecord) { r.modified, r.stamp, r.modifiedBy = modified, stamp, by })
	s.touched(o, ord)
}

// touched does what follows from a change of a record.
func (s *Salesforce) touched(o *orgObject, ord uint32) {
	if o.settled != nil {
		o.settled(s, o, ord)
	}
}

// liveRecord is a live record by id; object may be empty.
func (s *Salesforce) liveRecord(object, id string) (*orgObject, uint32, error) {
	o, ord, ok := s.recordOf(id)
	if !ok || object != "" && o.name != object || o.recs[ord].deletedAt != 0 {
		return nil, 0, fmt.Errorf("%w: %s %s", ErrNotFound, object, id)
	}
	return o, ord, nil
}

// Update sets fields of a live record. by is the id of the user who did it, "" for the administrator.
func (s *Salesforce) Update(object, id string, fields map[string]string, by string) error {
	return s.UpdateMany(object, []string{id}, fields, by)
}

// UpdateMany sets the same fields of many records in one transaction: all get one stamp. It stops at the first id that names
// no live record.
func (s *Salesforce) UpdateMany(object string, ids []string, fields map[string]string, by string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, changes, err := s.prepare(object, fields)
	if err != nil {
		return err
	}
	user := s.boss
	if by != "" {
		u, ord, err := s.liveRecord("User", by)
		if err != nil || u == nil {
			return err
		}
		user = ord
	}
	for _, id := range ids {
		o, ord, err := s.liveRecord(object, id)
		if err != nil {
			return err
		}
		s.apply(o, ord, changes, user, s.nowSeconds())
	}
	return nil
}

// Record returns the fields of a record that have a value, deleted records in the recycle bin with IsDeleted "true". Booleans
// are told when true. Field-level security does not matter here.
func (s *Salesforce) Record(object, id string) (fields map[string]string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ord, ok := s.recordOf(id)
	if !ok || o.name != object || s.isPurged(o, ord) {
		return nil, false
	}
	return s.fieldsOf(o, ord), true
}

func (s *Salesforce) fieldsOf(o *orgObject, ord uint32) map[string]string {
	m := map[string]string{}
	for _, f := range o.fields {
		if f.removed {
			continue
		}
		if v := o.value(s, ord, f); v != "" {
			m[f.name] = v
		}
	}
	return m
}

// IDs are the ids of an object's live records in the order they were made, which is that of the ids.
func (s *Salesforce) IDs(object string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.object(object)
	if !ok {
		return nil
	}
	ids := make([]string, 0, o.live.n)
	for ord := range o.recs {
		if o.recs[ord].deletedAt == 0 {
			ids = append(ids, o.id(uint32(ord)))
		}
	}
	return ids
}

// Content is the value of the given fields, of all with a value where none are given, for every live record of an object by
// id: to compare two runs. Empty values are left out, and of all fields those that tell when or by whom a record was changed.
func (s *Salesforce) Content(object string, fields ...string) map[string]map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.object(object)
	if !ok {
		return nil
	}
	out := make(map[string]map[string]string, len(o.recs))
	for i := range o.recs {
		if o.recs[i].deletedAt != 0 {
			continue
		}
		all := s.fieldsOf(o, uint32(i))
		if len(fields) == 0 {
			for _, name := range []string{"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"} {
				delete(all, name)
			}
		} else {
			maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(fields, name) })
		}
		out[o.id(uint32(i))] = all
	}
	return out
}

// Writes tells how many updates the API applied to each record of an object, by id; those it did not write to are left out.
func (s *Salesforce) Writes(object string) map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	if o, ok := s.object(object); ok {
		for i := range o.recs {
			if n := o.recs[i].writes; n > 0 {
				out[o.id(uint32(i))] = int(n)
			}
		}
	}
	return out
}
