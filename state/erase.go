package state

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Erasure is a forgetting under way. It is kept until it is done: it can be interrupted at any point and goes on. While it is kept it
// holds the identifiers that the sources must be told; it goes with the last step.
type Erasure struct {
	Person  PersonID          `json:"person"` // 0: somebody whom no CRM knows
	Who     connectors.Person `json:"who"`
	Refs    []connectors.Ref  `json:"refs"`
	KeepCRM bool              `json:"keep_crm"`
	Started time.Time         `json:"started"`
	Done    map[string]bool   `json:"done"` // steps, by name
	Events  int               `json:"events"`
	Records int               `json:"records"`
}

// id names the job by the person, or by the moment where there is none.
func (job *Erasure) id() string {
	if job.Person == 0 {
		return "forget/" + job.Started.UTC().Format(time.RFC3339Nano)
	}
	return "forget/" + job.Person.Key()
}

func (tx *txn) putErasure(job *Erasure) error {
	b, err := json.Marshal(job)
	if err != nil {
		return err
	}
	return tx.PutJob(job.id(), b)
}

// BeginErasure completes a forgetting by what is kept of the person and keeps it. It is false, and nothing is kept, if there is no such
// person.
func (db *DB) BeginErasure(job *Erasure, rules *IdentityRules) (ok bool, err error) {
	err = db.update(func(tx *txn) error {
		if ok = job.Person == 0; ok {
			return tx.putErasure(job)
		}
		var person Person
		if person, ok, err = tx.Person(job.Person); err != nil || !ok {
			return err
		}
		links, err := tx.Links(job.Person)
		if err != nil {
			return err
		}
		job.Refs, job.Who.Key = person.Contacts, job.Person.Key()
		rules.AddLinks(&job.Who, links)
		return tx.putErasure(job)
	})
	return ok, err
}

// KeepErasure keeps how far a forgetting is.
func (db *DB) KeepErasure(job *Erasure) error {
	return db.update(func(tx *txn) error { return tx.putErasure(job) })
}

// Erasures are the forgettings under way, by name. One that cannot be read is an error beside the others.
func (db *DB) Erasures() (jobs []*Erasure, bad []error, err error) {
	var kept map[string][]byte
	if err := db.view(func(tx *txn) (err error) { kept, err = tx.Jobs(); return err }); err != nil {
		return nil, nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(kept)) {
		if strings.HasPrefix(id, batchJobs) {
			continue
		}
		job := new(Erasure)
		if err := json.Unmarshal(kept[id], job); err != nil {
			bad = append(bad, fmt.Errorf("erasure %s: %w", id, err))
			continue
		}
		jobs = append(jobs, job)
	}
	return jobs, bad, nil
}

// Bury keeps the person from coming back: nothing of theirs is written any more, and neither their records nor their addresses are taken
// in again.
func (db *DB) Bury(job *Erasure, now time.Time) error {
	return db.update(func(tx *txn) error {
		for _, ref := range job.Refs {
			if err := tx.BuryRef(ref, now); err != nil {
				return err
			}
			if err := tx.DropPending(ref); err != nil {
				return err
			}
		}
		for _, address := range job.Who.Emails {
			if err := tx.Bury(LinkEmail, address, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// EraseState erases all that is kept of the person but the forgetting itself. From then on no lot takes them up again.
func (db *DB) EraseState(job *Erasure) error {
	return db.update(func(tx *txn) error {
		for _, ref := range job.Refs {
			if err := tx.DeleteContact(ref); err != nil {
				return err
			}
		}
		return tx.DeletePerson(job.Person)
	})
}

// DeletePerson removes everything there is about a person: record, due time, place in the ranking, queue entry and lease, receipts, history, snapshots, answer, links and
// the identities that lead to them, verdicts, dead letters, patches in the journal, and those of their contacts that are (still)
// theirs. Tombstones stay. Deleting nobody is no error.
func (tx *txn) DeletePerson(id PersonID) error {
	if id == 0 || id > maxPerson {
		return nil
	}
	marks, core, err := tx.personRecord(id)
	if err != nil {
		return err
	}
	marks, core = slices.Clone(marks), slices.Clone(core)
	if err := tx.dropIdentities(id, marks); err != nil {
		return err
	}
	if len(core) > 0 {
		p, err := tx.decodePerson(core)
		if err != nil {
			return err
		}
		for _, ref := range p.Contacts {
			c, ok, err := tx.Contact(ref)
			if err != nil {
				return err
			}
			if ok && c.Person == id {
				if err := tx.DeleteContact(ref); err != nil {
					return err
				}
			}
		}
		if err := tx.setDue(id, p.Due, time.Time{}); err != nil {
			return err
		}
		was, err := rankedOf(core)
		if err != nil {
			return err
		}
		if err := tx.setRank(id, was, ranked{}); err != nil {
			return err
		}
		tx.w.counts.people--
		*tx.w.counts.of(p.Flags, p.Tier)--
	}
	if err := tx.putRecord(id, nil, nil); err != nil {
		return err
	}
	k, _, queued, err := tx.queued(id)
	if err != nil {
		return err
	}
	if queued {
		if err := tx.dequeue(k); err != nil {
			return err
		}
	}
	tx.w.queue.release(id)
	if err := tx.dropPendingOf(id); err != nil {
		return err
	}
	if err := tx.dropReceipts(id); err != nil {
		return err
	}
	if err := tx.dropDeadOf(id); err != nil {
		return err
	}
	var buf [4]byte
	key := personKey(buf[:0], id)
	for _, b := range []bucketID{bLinks, bAnswers, bHistory, bSnapshots} {
		if err := tx.del(b, key); err != nil {
			return err
		}
	}
	if err := tx.dropAlerts(id, time.Time{}); err != nil {
		return err
	}
	_, err = tx.dropPrefix(bVerdicts, key, -1)
	return err
}

// eraseUntil erases what was worked out and noted of a person up to a moment: receipts, history, snapshots, verdicts, alerts and the model's answer. The person
// and their records stay.
func (tx *txn) eraseUntil(id PersonID, until time.Time) error {
	var buf [4]byte
	key := personKey(buf[:0], id)
	if err := tx.eraseVerdicts(id, until); err != nil {
		return err
	}
	var old [][]byte
	keys := tx.keysWith(bReceipts, key, -1)
	i := 0
	err := tx.eachReceipt(id, -1, func(at time.Time, _ []byte) error {
		if !at.After(until) {
			old = append(old, keys[i])
		}
		i++
		return nil
	})
	if err == nil && len(old) > 0 {
		err = tx.dropReceiptKeys(id, old)
	}
	if err == nil {
		err = tx.dropAlerts(id, until)
	}
	if err != nil {
		return err
	}
	points := tx.History(id)
	n := len(points)
	points = slices.DeleteFunc(points, func(p HistoryPoint) bool { return !p.At.After(until) })
	snapshots, err := tx.eraseSnapshots(id, until)
	if err != nil {
		return err
	}
	if len(old) == 0 && len(points) == n && !snapshots {
		return nil // it was done before
	}
	for _, b := range []bucketID{bHistory, bAnswers} {
		if err := tx.del(b, key); err != nil {
			return err
		}
	}
	for _, p := range points {
		if err := tx.AddHistory(id, p); err != nil {
			return err
		}
	}
	return nil
}

// dropPendingOf removes all patches of a person, of whatever records. It looks through the small entries of the whole
// journal, which is short unless writing has stopped, rather than have every patch pay for another index.
func (tx *txn) dropPendingOf(id PersonID) error {
	if tx.w.counts.journal == 0 {
		return nil
	}
	type found struct {
		key []byte
		seq uint64
	}
	var theirs []found
	c := tx.scan(bUnsent, nil, nil, 0)
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		u, err := decodeUnsent(v)
		if err != nil {
			return err
		}
		if u.person == id {
			theirs = append(theirs, found{slices.Clone(k), u.seq})
		}
	}
	for _, f := range theirs {
		if err := tx.dropUnsent(f.key, f.seq); err != nil {
			return err
		}
	}
	return nil
}

// EndErasure ends a forgetting: with it go the identifiers it held.
func (db *DB) EndErasure(job *Erasure) error {
	return db.update(func(tx *txn) error { return tx.DropJob(job.id()) })
}

// erasuresADay is how many people may be forgotten in a day because their CRM no longer knows them: at least this, at most a hundredth of
// all. A token that lost sight of half the records must not bury them; the rest waits for the next day.
const erasuresADay = 20

// erasureCount is how many people were forgotten since the begin of a day's count.
type erasureCount struct {
	Since time.Time `json:"since"`
	N     int       `json:"n"`
}

// mayErase books one forgetting of the CRM's own making, and says whether it may be done today.
func (tx *txn) mayErase(now time.Time) (bool, error) {
	const key = "erased by crm"
	var c erasureCount
	if b := tx.Setting(key); len(b) > 0 {
		if err := json.Unmarshal(b, &c); err != nil {
			return false, err
		}
	}
	if now.Sub(c.Since) >= 24*time.Hour || now.Before(c.Since) {
		c = erasureCount{Since: now}
	}
	if c.N >= max(erasuresADay, int(tx.w.counts.people)/100) {
		return false, nil
	}
	c.N++
	b, err := json.Marshal(c)
	if err != nil {
		return false, err
	}
	return true, tx.SetSetting(key, b)
}

// eraseGone begins the forgetting of a person whom the CRM itself has erased, unless there were too many of those today.
func (g *registry) eraseGone(s *Settlement) (putOff bool, err error) {
	tx := g.tx
	if ok, err := tx.mayErase(g.now); err != nil {
		return false, err
	} else if !ok {
		return true, tx.Release(s.Entry, Retry, g.now.Add(24*time.Hour), ReasonMerge)
	}
	if _, err := tx.Done(s.Entry); err != nil {
		return false, err
	}
	job := &Erasure{Person: s.Entry.Person, KeepCRM: true, Started: g.now, Refs: s.Refs, Done: map[string]bool{"crm": true}}
	job.Who.Key = job.Person.Key()
	for i := range s.Contacts {
		addNew(&job.Who.Emails, s.Contacts[i].Emails...)
	}
	links, err := tx.Links(job.Person)
	if err != nil {
		return false, err
	}
	g.rules.AddLinks(&job.Who, links)
	return false, tx.putErasure(job)
}
