package state

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
)

// What delivery asks of the journal: which patches are on their way, what is to be sent, and what became of it. One damaged row
// costs that row: it goes, is counted, and its person becomes a dead letter.

// Row is a journalled patch on its way to the CRM, without what is sent.
type Row struct {
	Ref    connectors.Ref
	Seq    uint64
	Person PersonID
	Group  string
	Staged time.Time
	Bulk   bool   // may wait for a bulk job
	Alone  bool   // was refused before: it goes in batches of its kind
	Token  string // of the bulk job that carries it; "": it waits
}

// Rows is up to n patches of an object that wait or are carried by a job, in the order they were staged, after a sequence number. next
// is the number to go on after, 0 at the end. Rows that cannot be read are removed and counted in damaged.
func (db *DB) Rows(crm, object string, after uint64, n int) (rows []Row, next uint64, damaged int, err error) {
	var bad [][]byte
	err = db.view(func(tx *txn) error {
		rows, next, bad = nil, 0, nil
		return tx.journalRows(crm, object, after, func(seq uint64, k, v []byte) bool {
			if len(rows) == n {
				next = rows[n-1].Seq
				return false
			}
			row, u, err := tx.rowOf(v)
			switch {
			case err != nil || u.seq != seq:
				bad = append(bad, slices.Clone(k))
			case u.way != Void:
				rows = append(rows, row)
			}
			return true
		})
	})
	if err != nil || len(bad) == 0 {
		return rows, next, 0, err
	}
	return rows, next, len(bad), db.update(func(tx *txn) error {
		for _, k := range bad {
			if err := tx.dropDamaged(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// rowsAtATime is how many rows of the journal are asked for at once.
const rowsAtATime = 1000

// journalRows visits an object's patches after a sequence number until visit returns false.
func (tx *txn) journalRows(crm, object string, after uint64, visit func(seq uint64, k, v []byte) bool) error {
	kind, ok, err := tx.kindOf(crm, object, false)
	if !ok || err != nil {
		return err
	}
	var buf, jb [16]byte
	prefix := appendKind(buf[:0], kind)
	tx.walk(bJournal, prefix, journalKey(jb[:0], prefix, after+1), rowsAtATime, func(k, v []byte) bool {
		if len(k) != len(prefix)+6 {
			err = damaged("journal")
			return false
		}
		return visit(uint48(k[len(prefix):]), k, v)
	})
	return err
}

// rowOf reads the head of a journalled patch, and the entry that leads to it.
func (tx *txn) rowOf(v []byte) (row Row, u unsent, err error) {
	r := reader{b: v}
	r.byte()
	row.Staged = r.time()
	key := r.view()
	row.Group = r.string()
	if r.bad {
		return row, u, damaged("journal")
	}
	if row.Ref, err = tx.ref(key); err != nil {
		return row, u, err
	}
	u, ok, err := tx.unsentOf(key)
	if err == nil && !ok {
		err = damaged("journal")
	}
	row.Seq, row.Person, row.Bulk, row.Alone, row.Token = u.seq, u.person, u.bulk, u.alone, u.token
	return row, u, err
}

// dropDamaged removes the row at a journal key, which cannot be read, with what leads to it and, as far as it can be told, makes a
// dead letter of its person.
func (tx *txn) dropDamaged(key []byte) error {
	if tx.get(bJournal, key) == nil {
		return nil
	}
	var leads []byte
	c := tx.scan(bUnsent, key[:len(key)-6], nil, 0)
	seq := uint48(key[len(key)-6:])
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		if r := (reader{b: v}); r.uvarint() == seq {
			leads = slices.Clone(k)
			break
		}
	}
	if leads != nil {
		r := reader{b: tx.get(bUnsent, leads)}
		r.uvarint()
		if id := PersonID(r.uvarint()); !r.bad && id > 0 && id <= maxPerson {
			if err := tx.putDamaged(id, tx.db.o.Now()); err != nil {
				return err
			}
		}
		if err := tx.del(bUnsent, leads); err != nil {
			return err
		}
	}
	tx.w.counts.journal--
	return tx.del(bJournal, key)
}

// putDamaged makes a dead letter of a person of whom something cannot be read.
func (tx *txn) putDamaged(id PersonID, now time.Time) error {
	return tx.PutDead(&Dead{Person: id, Op: "read the state", Code: "damaged", At: now, Attempts: 1,
		Message: "something kept of this person cannot be read any more: restore a backup, or `intentd forget` the person"})
}

// Patches is what rows are to send. sendable[i] is false for a row that is not to be sent any more: superseded, void, dropped or carried by
// a job meanwhile.
func (db *DB) Patches(rows []Row) (patches []connectors.Patch, sendable []bool, err error) {
	patches, sendable = make([]connectors.Patch, len(rows)), make([]bool, len(rows))
	err = db.view(func(tx *txn) error {
		clear(sendable)
		var buf [64]byte
		var jb [16]byte
		for i := range rows {
			key, ok, err := tx.refKey(buf[:0], rows[i].Ref, false)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			u, ok, err := tx.unsentOf(key)
			if err != nil || !ok || u.seq != rows[i].Seq || u.way != Waiting {
				continue // one that cannot be read is found by Rows
			}
			r := reader{b: tx.get(bJournal, journalKey(jb[:0], key, u.seq))}
			if p, _, _, err := tx.decodePatch(&r); err == nil {
				patches[i], sendable[i] = p, true
			}
		}
		return nil
	})
	return patches, sendable, err
}

// CarryByJob gives up to n patches of an object that may wait for a bulk job to the job named token, and returns them: the token is on disk
// before anything is uploaded. Patches staged before oldest are left out.
func (db *DB) CarryByJob(crm, object, token string, oldest time.Time, n int) (patches []connectors.Patch, err error) {
	err = db.update(func(tx *txn) error {
		patches = nil
		var keys [][]byte
		if err := tx.journalRows(crm, object, 0, func(_ uint64, _, v []byte) bool {
			row, u, err := tx.rowOf(v)
			if err != nil || !u.bulk || u.way != Waiting || row.Staged.Before(oldest) {
				return true
			}
			p, _, _, err := tx.decodePatch(&reader{b: v})
			if err != nil {
				return true
			}
			keys, patches = append(keys, slices.Clone(rowKey(v))), append(patches, p)
			return len(keys) < n
		}); err != nil {
			return err
		}
		return tx.changeUnsent(keys, func(u *unsent) { u.way, u.token = InJob, token })
	})
	return patches, err
}

// changeUnsent changes what leads to journalled patches.
func (tx *txn) changeUnsent(keys [][]byte, change func(*unsent)) error {
	for _, key := range keys {
		u, _, err := tx.unsentOf(key)
		if err != nil {
			return err
		}
		change(&u)
		if err := tx.putUnsent(key, &u); err != nil {
			return err
		}
	}
	return nil
}

// ReleaseJob has the patches that a bulk job still carries wait again, to be sent by calls, and returns how many there were.
func (db *DB) ReleaseJob(crm, object, token string) (n int, err error) {
	err = db.update(func(tx *txn) error {
		var keys [][]byte
		if err := tx.journalRows(crm, object, 0, func(_ uint64, _, v []byte) bool {
			if _, u, err := tx.rowOf(v); err == nil && u.token == token && u.way == InJob {
				keys = append(keys, slices.Clone(rowKey(v)))
			}
			return true
		}); err != nil {
			return err
		}
		n = len(keys)
		return tx.changeUnsent(keys, func(u *unsent) { u.way, u.token, u.bulk = Waiting, "", false })
	})
	return n, err
}

// Answer is what a CRM said of one patch.
type Answer struct {
	Ref      connectors.Ref
	Seq      uint64 // of the patch; 0: of the one that the job named Token carries
	Token    string
	Stored   map[string]string // as connectors.Result has it
	Modified time.Time
	Err      error // nil: taken. Rejected and Gone are final; others are not to come here
}

// Acknowledged counts what Acknowledge did.
type Acknowledged struct {
	Written    int
	Rejected   int
	Gone       int
	Superseded int // a newer patch of the record stands, which will commit the person
	Damaged    int
}

// Acknowledge makes true what a CRM answered, record by record: hashes, receipt, history and the person's next record for what it
// took; a dead letter, tried again at its time, for what it refused. A record that is gone has its person looked at. It returns once that is on disk.
func (db *DB) Acknowledge(answers []Answer, config uint64, day string, now time.Time) (sum Acknowledged, err error) {
	err = db.update(func(tx *txn) error {
		sum = Acknowledged{}
		for i := range answers {
			a, before := &answers[i], sum
			err := tx.Row(func() error { return tx.acknowledge(a, config, now, &sum) })
			if errors.Is(err, ErrRecord) {
				sum = before
				sum.Damaged++
				err = tx.dropDamagedOf(a.Ref)
			}
			if err != nil {
				return err
			}
		}
		if sum.Written == 0 {
			return nil
		}
		return tx.AddUsage(day, Usage{Written: int64(sum.Written)})
	})
	return sum, err
}

// dropDamagedOf removes the patch of a record whose answer could not be taken in.
func (tx *txn) dropDamagedOf(ref connectors.Ref) error {
	var buf [64]byte
	key, ok, err := tx.refKey(buf[:0], ref, false)
	if !ok || err != nil {
		return err
	}
	r := reader{b: tx.get(bUnsent, key)}
	seq := r.uvarint()
	if r.bad {
		return tx.del(bUnsent, key)
	}
	var jb [16]byte
	return tx.dropDamaged(journalKey(jb[:0], key, seq))
}

// delivered takes the patch that an answer is about out of the journal. newest is false if it is not the record's patch any more.
func (tx *txn) delivered(a *Answer) (p *Pending, u unsent, newest bool, err error) {
	var buf [64]byte
	var jb [16]byte
	key, ok, err := tx.refKey(buf[:0], a.Ref, false)
	if !ok || err != nil {
		return nil, u, false, err
	}
	if u, ok, err = tx.unsentOf(key); !ok || err != nil {
		return nil, u, false, err
	}
	if u.seq != a.Seq && (a.Seq != 0 || u.way != InJob || u.token != a.Token) {
		return nil, u, false, nil
	}
	if p, err = tx.pending(u, tx.get(bJournal, journalKey(jb[:0], key, u.seq))); err != nil {
		return nil, u, false, err
	}
	return p, u, true, tx.dropUnsent(key, u.seq)
}

func (tx *txn) acknowledge(a *Answer, config uint64, now time.Time, sum *Acknowledged) error {
	p, u, newest, err := tx.delivered(a)
	if err != nil {
		return err
	}
	if !newest {
		// What is known of the record is what the newer patch will say; that this one may have arrived stands in its Maybe.
		sum.Superseded++
		return nil
	}
	if u.then != 0 {
		if err := tx.Enqueue(u.person, u.lane, u.then, now); err != nil {
			return err
		}
	}
	switch {
	case a.Err == nil:
		sum.Written++
		return tx.taken(a, p, now)
	case connectors.KindOf(a.Err) == connectors.Gone:
		sum.Gone++
		return tx.gone(a, p, config, now)
	}
	sum.Rejected++
	return tx.refused(a, p, config, now)
}

// taken commits what the CRM took: what it now holds, and the person's result.
func (tx *txn) taken(a *Answer, p *Pending, now time.Time) error {
	rec, ok, err := tx.Contact(a.Ref)
	if err != nil {
		return err
	}
	if ok {
		for _, f := range tx.db.o.Fields.Fields {
			value, sent := p.Patch.Fields[f.Name]
			if !sent {
				continue
			}
			if stored, told := a.Stored[f.Name]; told {
				value = stored
			}
			rec.Own.Wrote(f.Number, FieldHash(f.Number, value))
		}
		rec.WroteAt, rec.Seen = now, p.Inputs
		if a.Modified.After(rec.Modified) {
			rec.Modified = a.Modified
		}
		if err := tx.PutContact(a.Ref, &rec); err != nil {
			return err
		}
		if err := tx.DropDead(p.Person, a.Ref); err != nil {
			return err
		}
	}
	before, ok, err := tx.Person(p.Person)
	if err != nil || !ok {
		return err // forgotten meanwhile
	}
	if p.Next != nil {
		if err := tx.conclude(p.Person, &before, p.Next); err != nil {
			return err
		}
		if p.Score >= 0 && string(before.Shown) != string(p.Next.Shown) {
			if err := tx.addHistoryOnChange(p.Person, HistoryPoint{At: now, Score: p.Score, Tier: uint8(max(p.Next.Tier, 1) - 1)}); err != nil {
				return err
			}
		}
	}
	if p.Receipt != nil {
		return tx.PutReceipt(p.Person, p.Staged, p.Receipt)
	}
	return nil
}

// addHistoryOnChange adds a point unless it is the last one again.
func (tx *txn) addHistoryOnChange(id PersonID, p HistoryPoint) error {
	points := tx.History(id)
	if n := len(points); n > 0 && points[n-1].Score == p.Score && points[n-1].Tier == p.Tier {
		return nil
	}
	return tx.AddHistory(id, p)
}

// conclude makes a result the person's. Records may have changed hands, and a verdict come in, since it was worked out.
func (tx *txn) conclude(id PersonID, have, next *Person) error {
	merged := *next
	merged.Contacts, merged.Verdict = have.Contacts, have.Verdict
	return tx.PutPerson(id, &merged)
}

// letter is the dead letter of a patch that was not taken.
func (p *Pending) letter(err error, config uint64, now time.Time) *Dead {
	d := &Dead{Person: p.Person, Ref: p.Patch.Ref, Op: "write", Message: err.Error(), At: now, First: now, Attempts: 1,
		Inputs: p.Inputs, Config: config, Wanted: PatchHash(p.Patch.Fields), Modified: p.Read}
	if p.Next != nil {
		d.Config = p.Next.Scoring // the one it was made under
	}
	var e *connectors.Error
	if errors.As(err, &e) {
		d.Code, d.Op = e.Code, e.Op
		if e.Message != "" {
			d.Message = e.Message
		}
	}
	return d
}

// refused keeps a dead letter of a patch that the CRM will not take and has its person come again when its time has come. The person's
// result stands, but for what the CRM shows: nothing was acknowledged.
func (tx *txn) refused(a *Answer, p *Pending, config uint64, now time.Time) error {
	d := p.letter(a.Err, config, now)
	if err := tx.retryLetter(d, connectors.Passing(a.Err), now); err != nil {
		return err
	}
	person, ok, err := tx.Person(p.Person)
	if err != nil || !ok || p.Next == nil {
		return err
	}
	next := *p.Next
	next.Shown, next.Tier = person.Shown, person.Tier
	return tx.conclude(p.Person, &person, &next)
}

// gone has the person of a record that could not be written any more looked at: merged, archived or erased, the strongly consistent read
// tells. A record that reads live all the same is written again after growing pauses only.
func (tx *txn) gone(a *Answer, p *Pending, config uint64, now time.Time) error {
	d := p.letter(a.Err, config, now)
	if d.Code == "" {
		d.Code = "gone"
	}
	if err := tx.retryLetter(d, true, now); err != nil {
		return err
	}
	if d.Attempts > 1 {
		return nil // it was looked at, and reads live: the letter's time must do
	}
	return tx.Enqueue(p.Person, Live, ReasonMerge, now)
}

// retryLetter keeps a dead letter and enqueues its person for the letter's next time. It sets d.Attempts and d.Next.
func (tx *txn) retryLetter(d *Dead, passing bool, now time.Time) error {
	letters, err := tx.DeadOf(d.Person)
	if err != nil {
		return err
	}
	before := 0
	for i := range letters {
		if letters[i].Ref == d.Ref {
			before = letters[i].Attempts
		}
	}
	d.Next = now.Add(RetryPause(before, passing))
	if err := tx.PutDead(d); err != nil {
		return err
	}
	d.Attempts += before
	return tx.EnqueueAt(d.Person, Retry, ReasonLetter, d.Next)
}

// RetryPause is how long a refused record waits before it is tried again, after so many refusals before: soon and then ever longer, daily
// at the end.
func RetryPause(before int, passing bool) time.Duration {
	pauses := []time.Duration{15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}
	if passing {
		pauses = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour}
	}
	return pauses[min(max(before, 0), len(pauses)-1)]
}

// PatchHash is that of what a patch is to write, the two fields left out that change with every look: 0 for nothing.
func PatchHash(fields map[string]string) (sum uint64) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name == connectors.FieldScoredAt || name == connectors.FieldLastSignalAt {
			continue
		}
		sum = sum*0x100000001b3 ^ xxhash.Sum64String(name+"\x00"+fields[name])
	}
	return sum
}

// Discard takes out of the journal patches that are too old to be true, or not wanted any more, and has their people worked on anew.
// One that may have arrived has the record's history asked whose its values are.
func (db *DB) Discard(rows []Row, now time.Time) error {
	return db.update(func(tx *txn) error {
		for i := range rows {
			err := tx.Row(func() error { return tx.discard(&rows[i], now) })
			if errors.Is(err, ErrRecord) {
				err = tx.dropDamagedOf(rows[i].Ref)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (tx *txn) discard(row *Row, now time.Time) error {
	p, _, newest, err := tx.delivered(&Answer{Ref: row.Ref, Seq: row.Seq, Token: row.Token})
	if err != nil || !newest {
		return err
	}
	rec, ok, err := tx.Contact(row.Ref)
	if err != nil {
		return err
	}
	if ok {
		rec.Checked = false
		if err := tx.PutContact(row.Ref, &rec); err != nil {
			return err
		}
	}
	return tx.Enqueue(p.Person, Live, ReasonAsked, now)
}

// VoidWaiting has up to n patches of an object, after a sequence number, not be sent any more and their people worked on anew. What a bulk job
// carries is with the CRM already. next is the number to go on after, 0 at the end.
func (db *DB) VoidWaiting(crm, object string, after uint64, n int, now time.Time) (next uint64, err error) {
	err = db.update(func(tx *txn) error {
		next = 0
		var refs []connectors.Ref
		if err := tx.journalRows(crm, object, after, func(seq uint64, _, v []byte) bool {
			if row, u, err := tx.rowOf(v); err == nil && u.way == Waiting {
				refs, next = append(refs, row.Ref), seq
			}
			return len(refs) < n
		}); err != nil {
			return err
		}
		if len(refs) < n {
			next = 0
		}
		for _, ref := range refs {
			if err := tx.Row(func() error { return tx.Void(ref, ReasonAsked, now) }); err != nil && !errors.Is(err, ErrRecord) {
				return err
			}
		}
		return nil
	})
	return next, err
}

// Void has the patch of a record, if one waits, not be sent any more, and its person worked on: what it was made of is no longer so.
func (tx *txn) Void(ref connectors.Ref, why Reason, now time.Time) error {
	var buf [64]byte
	key, ok, err := tx.refKey(buf[:0], ref, false)
	if !ok || err != nil {
		return err
	}
	u, ok, err := tx.unsentOf(key)
	if !ok || err != nil || u.way != Waiting {
		return err
	}
	u.way = Void
	if err := tx.putUnsent(key, &u); err != nil {
		return err
	}
	return tx.Enqueue(u.person, Live, why|u.then, now)
}

// AfterDelivery ends a claim of somebody one of whose patches is on its way: they are worked on once that is dealt with. It is false, and nothing
// is done, if none of the records has a patch on its way any more.
func (tx *txn) AfterDelivery(e Entry, refs []connectors.Ref) (bool, error) {
	var buf [64]byte
	for _, ref := range refs {
		key, ok, err := tx.refKey(buf[:0], ref, false)
		if err != nil {
			return false, err
		}
		if !ok {
			continue
		}
		u, ok, err := tx.unsentOf(key)
		if err != nil {
			return false, err
		}
		if !ok || u.way == Void {
			continue
		}
		if u.then == 0 || e.Lane < u.lane {
			u.lane = e.Lane
		}
		u.then |= e.Reason
		if err := tx.putUnsent(key, &u); err != nil {
			return false, err
		}
		_, err = tx.Done(e)
		return true, err
	}
	return false, nil
}
