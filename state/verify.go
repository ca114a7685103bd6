package state

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// maxFindings is how many things Verify tells of: the first few say where it went wrong, the rest follow from them.
const maxFindings = 10

// Verify checks the whole file: that its pages hang together, that every record can be read, that the indexes agree with
// the records, and that the counts are right. Writers wait. The error wraps ErrDamaged and tells the first things found.
func (db *DB) Verify() error {
	db.writing.Lock()
	defer db.writing.Unlock()
	var found []error
	note := func(format string, args ...any) bool {
		found = append(found, fmt.Errorf(format, args...))
		return len(found) < maxFindings
	}
	if err := db.e.Check(note); err != nil || len(found) > 0 { // it had better not be read
		return db.findings(found, err)
	}
	err := db.view(func(tx *txn) error {
		found = nil
		var c counts
		v := &verifier{tx: tx, c: &c, note: note}
		for _, check := range []func(){v.people, v.contacts, v.identities, v.queue, v.journal, v.documents, v.caches} {
			if check(); len(found) >= maxFindings {
				return nil
			}
		}
		if want := &db.counts; len(found) == 0 && !c.equal(want) {
			note("there are %+v, counted were %+v", c, *want)
		}
		return nil
	})
	return db.findings(found, err)
}

func (db *DB) findings(found []error, err error) error {
	if err == nil && len(found) > 0 {
		err = fail(ErrDamaged, errors.Join(found...), "state file %s is damaged (%v); restore the latest backup", db.Path(), found[0])
	}
	return err
}

// verifier reads everything once and counts it. note returns false when enough was found.
type verifier struct {
	tx   *txn
	c    *counts
	note func(format string, args ...any) bool
}

func (v *verifier) each(id bucketID, visit func(k, val []byte) error) {
	c := v.tx.scan(id, nil, nil, 0)
	for k, val := c.Next(); k != nil; k, val = c.Next() {
		if err := visit(k, val); err != nil && !v.note("%s: %w", buckets[id].Name, err) {
			return
		}
	}
}

func (v *verifier) people() {
	tx := v.tx
	places, scores := 0, map[ScoreCount]int{}
	v.each(bPeople, func(k, val []byte) error {
		_, core, err := split(val)
		if err != nil || len(core) == 0 {
			return err
		}
		v.c.people++
		p, err := tx.decodePerson(core)
		if err != nil {
			return err
		}
		*v.c.of(p.Flags, p.Tier)++
		if r, err := rankedOf(core); err != nil {
			return err
		} else if r.tier > 0 {
			places++
			scores[ScoreCount{Tier: r.tier, Evidence: r.Evidence, Score: r.Score}]++
			var buf [16]byte
			entry := r.entry(buf[:0], PersonID(binary.BigEndian.Uint32(k)))
			if string(rankIndex.get(tx, entry[:rankIndex.key])) != string(entry) {
				v.note("a person is not where they belong in the ranking")
			}
		}
		if !p.Due.IsZero() {
			var buf [8]byte
			if dueIndex.get(tx, dueEntry(buf[:0], p.Due, PersonID(binary.BigEndian.Uint32(k)))) == nil {
				v.note("a person's due time is not in the index")
			}
		}
		return nil
	})
	dueIndex.scan(tx, make([]byte, dueIndex.key), func(entry []byte) bool {
		v.c.due++
		p, ok, err := tx.Person(PersonID(binary.BigEndian.Uint32(entry[4:])))
		if err != nil || !ok || seconds(p.Due) != binary.BigEndian.Uint32(entry) {
			return v.note("the due index holds a time that is not the person's")
		}
		return true
	})
	rankIndex.scan(tx, make([]byte, rankIndex.key), func([]byte) bool { places--; return true })
	counted, err := tx.scoreCounts()
	for _, c := range counted {
		n := c.People
		if c.People = 0; scores[c] != n {
			places--
		}
		delete(scores, c)
	}
	if err != nil || places != 0 || len(scores) > 0 {
		v.note("the ranking, or its counts, hold others than there are people (%v)", err)
	}
}

func (v *verifier) contacts() {
	v.each(bContacts, func(k, val []byte) error {
		v.c.contacts++
		v.c.held += heldOf(val)
		if _, err := v.tx.ref(k); err != nil {
			return err
		}
		_, err := decodeContact(val)
		return err
	})
}

func (v *verifier) identities() {
	tx := v.tx
	identityIndex.scan(tx, make([]byte, identityIndex.key), func(entry []byte) bool {
		v.c.identities++
		id, why := parseIdentity(entry)
		if id == 0 && why == byLink {
			return true // nobody's
		}
		marks, _, err := tx.personRecord(id)
		for i := 0; i < len(marks); i += markLen {
			if why != 0 && string(marks[i:i+markLen]) == string(entry[:markLen]) {
				return true
			}
		}
		return v.note("an identity leads to a person who does not know it (%v)", err)
	})
	v.each(bLinks, func(k, _ []byte) error {
		_, err := tx.Links(PersonID(binary.BigEndian.Uint32(k)))
		return err
	})
}

func (v *verifier) queue() {
	tx := v.tx
	v.each(bQueue, func(k, val []byte) error {
		key, ok := parseQueueKey(k)
		if !ok {
			return damaged("queue")
		}
		v.c.queue[key.lane()]++
		back, _, ok, err := tx.queued(key.person)
		if err == nil && (!ok || back != key) {
			err = damaged("queue")
		}
		return err
	})
	v.each(bQueued, func(k, _ []byte) error {
		_, _, _, err := tx.queued(PersonID(binary.BigEndian.Uint32(k)))
		return err
	})
}

func (v *verifier) journal() {
	tx := v.tx
	v.each(bJournal, func(k, val []byte) error {
		v.c.journal++
		key := rowKey(val)
		u, ok, err := tx.unsentOf(key)
		if err != nil {
			return err
		}
		var buf [16]byte
		if !ok || string(journalKey(buf[:0], key, u.seq)) != string(k) {
			return damaged("journal")
		}
		_, err = tx.decodePending(val, nil)
		return err
	})
	var n int64
	v.each(bUnsent, func(_, _ []byte) error { n++; return nil })
	if n != v.c.journal {
		v.note("the journal's index holds %d records, the journal %d", n, v.c.journal)
	}
}

func (v *verifier) documents() {
	tx := v.tx
	v.each(bDead, func(k, val []byte) error {
		v.c.dead++
		_, err := tx.decodeDead(k, val)
		return err
	})
	v.each(bAlerts, func(k, val []byte) error {
		_, err := tx.decodeAlert(k, val)
		return err
	})
	v.each(bReceipts, func(k, val []byte) error {
		v.c.receipts++
		r := reader{b: val}
		at := r.time()
		if r.bad || len(k) != 10 {
			return damaged("receipt")
		}
		var buf [8]byte
		if receiptAges.get(tx, dueEntry(buf[:0], at, PersonID(binary.BigEndian.Uint32(k)))) == nil {
			return damaged("receipt age")
		}
		_, err := unseal(r.b)
		return err
	})
	v.each(bSnapshots, func(_, val []byte) error {
		_, err := decodeSnapshots(val)
		return err
	})
	v.each(bDeals, func(k, _ []byte) error {
		_, err := tx.ref(k)
		return err
	})
	if _, err := tx.Runs(); err != nil {
		v.note("%w", err)
	}
}

func (v *verifier) caches() {
	v.each(bCache, func(k, val []byte) error {
		r := reader{b: k}
		name := r.kind()
		if r.bad || len(val) < 12 {
			return damaged("cache")
		}
		v.c.addCache(name, 1)
		var buf [32]byte
		if v.tx.get(bCacheAge, cacheAge(buf[:0], name, uint48(val), uint48(val[6:]))) == nil {
			return damaged("cache")
		}
		return nil
	})
}
