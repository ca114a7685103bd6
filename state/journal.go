package state

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
)

// The journal has two buckets. One holds the patches in the order they were staged, per kind of record; they are written once
// and deleted once. The other leads from a record to its one patch and holds what changes while it is being sent, so that
// marking a patch as sent writes a few bytes.

// unsent is an entry of the second bucket.
type unsent struct {
	seq      uint64
	person   PersonID
	attempts uint8
	sent     bool
	token    string
}

func (u *unsent) append(b []byte) []byte {
	b = binary.AppendUvarint(b, u.seq)
	b = binary.AppendUvarint(b, uint64(u.person))
	sent := byte(0)
	if u.sent {
		sent = 1
	}
	b = append(b, u.attempts, sent)
	return append(b, u.token...)
}

func decodeUnsent(v []byte) (u unsent, err error) {
	r := reader{b: v}
	u = unsent{seq: r.uvarint(), person: PersonID(r.uvarint()), attempts: r.byte(), sent: r.byte() == 1}
	u.token = string(r.b)
	if r.bad {
		return unsent{}, damaged("journal")
	}
	return u, nil
}

func (tx *Tx) unsentOf(key []byte) (u unsent, ok bool, err error) {
	v := tx.get(bUnsent, key)
	if v == nil {
		return unsent{}, false, nil
	}
	u, err = decodeUnsent(v)
	return u, err == nil, err
}

// journalKey is that of sequence seq among the records of a kind, whose number is the head of key.
func journalKey(b, key []byte, seq uint64) []byte {
	kind := 1
	if key[0] == 0xff {
		kind = 5
	}
	return appendUint48(append(b, key[:kind]...), seq)
}

// maxMaybe bounds Pending.Maybe: what matters is what the CRM may show now, not what it might have shown long ago.
const maxMaybe = 256

const (
	pendingInputs = 1 << iota
	pendingNext
	pendingReceipt // plain when staged
	pendingSealed  // sealed when staged
	pendingScore
)

func (tx *Tx) appendPending(b []byte, p *Pending, maybe []uint32) ([]byte, error) {
	var set byte
	if p.Inputs != 0 {
		set |= pendingInputs
	}
	if p.Next != nil {
		set |= pendingNext
	}
	switch {
	case isSealed(p.Receipt):
		set |= pendingSealed
	case p.Receipt != nil:
		set |= pendingReceipt
	}
	if p.Score != -1 {
		set |= pendingScore
	}
	b = append(b, set)
	b = appendTime(b, p.Staged)
	var err error
	if b, err = tx.appendRef(b, p.Patch.Ref); err != nil {
		return nil, err
	}
	b = appendString(b, p.Patch.Group)
	b = binary.AppendUvarint(b, uint64(len(p.Patch.Fields)))
	for i, f := range connectors.Fields {
		if v, ok := p.Patch.Fields[f.Name]; ok {
			b = appendString(binary.AppendUvarint(b, uint64(i)+1), v)
		}
	}
	for name, v := range p.Patch.Fields {
		if fieldIndex(name) < 0 {
			b = appendString(appendString(append(b, 0), name), v)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(maybe)))
	for _, h := range maybe {
		b = binary.BigEndian.AppendUint32(b, h)
	}
	if set&pendingInputs != 0 {
		b = binary.BigEndian.AppendUint64(b, p.Inputs)
	}
	if set&pendingScore != 0 {
		b = binary.AppendVarint(b, int64(p.Score))
	}
	if set&pendingNext != 0 {
		var buf [512]byte
		next, err := tx.appendPerson(buf[:0], p.Next)
		if err != nil {
			return nil, err
		}
		b = appendBytes(b, next)
	}
	switch {
	case set&pendingSealed != 0:
		b = append(b, p.Receipt...)
	case set&pendingReceipt != 0:
		b = append(b, seal(p.Receipt)...)
	}
	return b, nil
}

func fieldIndex(name string) int {
	for i := range connectors.Fields {
		if connectors.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

func (tx *Tx) decodePending(v []byte) (*Pending, error) {
	r := reader{b: v}
	set := r.byte()
	p := &Pending{Staged: r.time(), Score: -1}
	ref, err := tx.ref(r.view())
	if err != nil {
		return nil, err
	}
	p.Patch.Ref = ref
	p.Patch.Group = r.string()
	if n := r.count(); n > 0 {
		p.Patch.Fields = make(map[string]string, n)
		for range n {
			var name string
			if i := r.uvarint(); i == 0 {
				name = r.string()
			} else if i <= uint64(len(connectors.Fields)) {
				name = connectors.Fields[i-1].Name
			} else {
				return nil, damaged("journal")
			}
			p.Patch.Fields[name] = r.string()
		}
	}
	if n := r.count(); n > 0 {
		p.Maybe = make([]uint32, n)
		for i := range p.Maybe {
			p.Maybe[i] = r.uint32()
		}
	}
	if set&pendingInputs != 0 {
		p.Inputs = r.uint64()
	}
	if set&pendingScore != 0 {
		p.Score = int32(r.varint())
	}
	if set&pendingNext != 0 {
		next, err := tx.decodePerson(r.view())
		if err != nil {
			return nil, err
		}
		p.Next = &next
	}
	if r.bad {
		return nil, damaged("journal")
	}
	switch {
	case set&pendingSealed != 0:
		p.Receipt = slices.Clone(r.b)
	case set&pendingReceipt != 0:
		if p.Receipt, err = unseal(r.b); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Stage journals a patch and gives it its Seq. It replaces a patch of the same record: the new one's Maybe then also holds that
// one's and, if that one may have reached the CRM, the hashes of its values. p itself is changed in Seq only.
func (tx *Tx) Stage(p *Pending) error {
	if tx.w == nil {
		return errInView
	}
	if p.Patch.Ref.IsZero() {
		return fmt.Errorf("state: stage a patch without a record for person %d", p.Person)
	}
	var buf [64]byte
	key, _, err := tx.refKey(buf[:0], p.Patch.Ref, true)
	if err != nil {
		return err
	}
	var jb [16]byte
	maybe := p.Maybe
	old, replaces, err := tx.unsentOf(key)
	if err != nil {
		return err
	}
	if replaces {
		oldKey := journalKey(jb[:0], key, old.seq)
		before, err := tx.decodePending(tx.get(bJournal, oldKey))
		if err != nil {
			return err
		}
		maybe = slices.Clone(before.Maybe)
		if old.sent {
			for i, f := range connectors.Fields {
				if v, ok := before.Patch.Fields[f.Name]; ok {
					maybe = append(maybe, FieldHash(i, v))
				}
			}
		}
		maybe = distinct(append(maybe, p.Maybe...))
		if err := tx.del(bJournal, oldKey); err != nil {
			return err
		}
	} else {
		tx.w.counts.journal++
	}
	seq, err := tx.sequence(bJournal)
	if err != nil {
		return err
	}
	v, err := tx.appendPending(tx.w.arena.scratch[:0], p, maybe)
	if err != nil {
		return err
	}
	tx.w.arena.scratch = v
	if err := tx.put(bJournal, journalKey(jb[:0], key, seq), tx.keep(v)); err != nil {
		return err
	}
	u := unsent{seq: seq, person: p.Person, attempts: p.Attempts, sent: p.Sent, token: p.Token}
	var ub [64]byte
	if err := tx.put(bUnsent, key, tx.keep(u.append(ub[:0]))); err != nil {
		return err
	}
	p.Seq = seq
	return nil
}

// distinct keeps the last maxMaybe of h, each once.
func distinct(h []uint32) []uint32 {
	seen := make(map[uint32]bool, len(h))
	var out []uint32
	for i := len(h) - 1; i >= 0 && len(out) < maxMaybe; i-- {
		if !seen[h[i]] {
			seen[h[i]] = true
			out = append(out, h[i])
		}
	}
	slices.Reverse(out)
	return out
}

func (tx *Tx) pending(u unsent, v []byte) (*Pending, error) {
	if v == nil {
		return nil, damaged("journal")
	}
	p, err := tx.decodePending(v)
	if err != nil {
		return nil, err
	}
	p.Seq, p.Person, p.Attempts, p.Sent, p.Token = u.seq, u.person, u.attempts, u.sent, u.token
	return p, nil
}

// Pending is the record's patch in the journal; nil if there is none.
func (tx *Tx) Pending(ref connectors.Ref) (*Pending, error) {
	var buf [64]byte
	key, ok, err := tx.refKey(buf[:0], ref, false)
	if !ok || err != nil {
		return nil, err
	}
	u, ok, err := tx.unsentOf(key)
	if !ok || err != nil {
		return nil, err
	}
	var jb [16]byte
	return tx.pending(u, tx.get(bJournal, journalKey(jb[:0], key, u.seq)))
}

// PendingAll is up to n patches of an object with a greater Seq than afterSeq, in the order of Seq.
func (tx *Tx) PendingAll(crm, object string, afterSeq uint64, n int) ([]*Pending, error) {
	kind, ok, err := tx.kindOf(crm, object, false)
	if !ok || err != nil {
		return nil, err
	}
	var out []*Pending
	var buf, jb [16]byte
	prefix := appendKind(buf[:0], kind)
	c := tx.bucket(bJournal).Cursor()
	for k, v := c.Seek(journalKey(jb[:0], prefix, afterSeq+1)); k != nil && hasPrefix(k, prefix) && len(out) < n; k, v = c.Next() {
		r := reader{b: v}
		r.byte()
		r.time()
		u, ok, err := tx.unsentOf(r.view())
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, damaged("journal")
		}
		p, err := tx.pending(u, v)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// MarkSent notes, before a patch is sent, that it may reach the CRM, in which attempt and by which bulk job. A patch that has
// been replaced or is gone is left alone.
func (tx *Tx) MarkSent(ref connectors.Ref, seq uint64, attempts uint8, token string) error {
	var buf [64]byte
	key, u, ok, err := tx.unsentAt(buf[:0], ref, seq)
	if !ok || err != nil {
		return err
	}
	u.attempts, u.sent, u.token = attempts, true, token
	var ub [64]byte
	return tx.put(bUnsent, key, tx.keep(u.append(ub[:0])))
}

// unsentAt finds the record's entry if its patch is still the one with Seq seq.
func (tx *Tx) unsentAt(b []byte, ref connectors.Ref, seq uint64) (key []byte, u unsent, ok bool, err error) {
	if tx.w == nil {
		return nil, u, false, errInView
	}
	key, ok, err = tx.refKey(b, ref, false)
	if !ok || err != nil {
		return nil, u, false, err
	}
	u, ok, err = tx.unsentOf(key)
	return key, u, ok && u.seq == seq, err
}

// Ack removes a patch once the CRM has acknowledged it. The result is false if it is not the record's patch any more: a newer one
// stands.
func (tx *Tx) Ack(ref connectors.Ref, seq uint64) (bool, error) {
	var buf [64]byte
	key, u, ok, err := tx.unsentAt(buf[:0], ref, seq)
	if !ok || err != nil {
		return false, err
	}
	return true, tx.dropUnsent(key, u.seq)
}

func (tx *Tx) dropUnsent(key []byte, seq uint64) error {
	var jb [16]byte
	if err := tx.del(bJournal, journalKey(jb[:0], key, seq)); err != nil {
		return err
	}
	tx.w.counts.journal--
	return tx.del(bUnsent, key)
}

// DropPending removes the record's patch, whichever it is, unsent or not.
func (tx *Tx) DropPending(ref connectors.Ref) error {
	if tx.w == nil {
		return errInView
	}
	var buf [64]byte
	key, ok, err := tx.refKey(buf[:0], ref, false)
	if !ok || err != nil {
		return err
	}
	u, ok, err := tx.unsentOf(key)
	if !ok || err != nil {
		return err
	}
	return tx.dropUnsent(key, u.seq)
}

// dropPendingOf removes all patches of a person, of whatever records. It looks through the small entries of the whole
// journal, which is short unless writing has stopped, rather than have every patch pay for another index.
func (tx *Tx) dropPendingOf(id PersonID) error {
	if tx.w.counts.journal == 0 {
		return nil
	}
	type found struct {
		key []byte
		seq uint64
	}
	var theirs []found
	c := tx.bucket(bUnsent).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
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

// JournalDepth is how many patches wait for an acknowledgement.
func (db *DB) JournalDepth() int { return db.count(func(c *counts) int64 { return c.journal }) }

// FieldHash is what Contact.Wrote and Pending.Maybe hold of the canonical value of connectors.Fields[i]: never 0, and 24 bits, so
// that a record stays small; one changed value in 16 million goes unnoticed. It is part of the file format.
func FieldHash(i int, value string) uint32 {
	h := (xxhash.Sum64String(value) + uint64(i)) * 0x9e3779b97f4a7c15 // 2^64 over the golden ratio: spreads neighbours
	if h >>= 40; h != 0 {
		return uint32(h)
	}
	return 1
}

// Journalled says whether the patch of a record is still the one staged under seq: not superseded, dropped or acknowledged since.
func (tx *Tx) Journalled(ref connectors.Ref, seq uint64) (bool, error) {
	var buf [64]byte
	key, known, err := tx.refKey(buf[:0], ref, false)
	if err != nil || !known {
		return false, err
	}
	u, ok, err := tx.unsentOf(key)
	return ok && u.seq == seq, err
}
