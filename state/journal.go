package state

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// The journal has two buckets. One holds the patches in the order they were staged, per kind of record; they are written once
// and deleted once. The other leads from a record to its one patch and holds what changes on its way to the CRM, so that
// a change of that writes a few bytes.

// unsent is an entry of the second bucket.
type unsent struct {
	seq    uint64
	person PersonID
	way    Way
	bulk   bool
	alone  bool
	then   Reason // why the person is worked on again once the patch is dealt with; 0: no need
	lane   Lane   // where they then join the queue
	token  string
}

// Marks of an entry. Bit 0 said that it may have been sent, which every patch may be.
const (
	unsentVoid = 1 << (iota + 1)
	unsentBulk
	unsentAlone
	unsentThen
)

// voidToken stood in the place of a token before a void patch had a mark of its own.
const voidToken = "void"

func (u *unsent) encode(b []byte) []byte {
	b = binary.AppendUvarint(b, u.seq)
	b = binary.AppendUvarint(b, uint64(u.person))
	var marks byte
	mark := func(on bool, bit byte) {
		if on {
			marks |= bit
		}
	}
	mark(u.way == Void, unsentVoid)
	mark(u.bulk, unsentBulk)
	mark(u.alone, unsentAlone)
	mark(u.then != 0, unsentThen)
	b = append(b, 0, marks) // the first byte counted attempts, which are counted where they are made
	if u.then != 0 {
		b = append(binary.AppendUvarint(b, uint64(u.then)), byte(u.lane))
	}
	return append(b, u.token...)
}

func decodeUnsent(v []byte) (u unsent, err error) {
	r := reader{b: v}
	u = unsent{seq: r.uvarint(), person: PersonID(r.uvarint())}
	r.byte()
	marks := r.byte()
	u.bulk, u.alone = marks&unsentBulk != 0, marks&unsentAlone != 0
	if marks&unsentThen != 0 {
		u.then, u.lane = Reason(r.uvarint()), Lane(r.byte())
	}
	u.token = string(r.b)
	switch {
	case marks&unsentVoid != 0 || u.token == voidToken:
		u.way, u.token = Void, ""
	case u.token != "":
		u.way = InJob
	}
	if r.bad || u.lane >= Lanes {
		return unsent{}, damaged("journal")
	}
	return u, nil
}

func (tx *txn) unsentOf(key []byte) (u unsent, ok bool, err error) {
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
	pendingRead
	pendingWhy
)

func (tx *txn) appendPending(b []byte, p *Pending, maybe []uint32) ([]byte, error) {
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
	if !p.Read.IsZero() {
		set |= pendingRead
	}
	if p.Reason != "" || p.Trend != 0 {
		set |= pendingWhy
	}
	b = append(b, set)
	b = appendTime(b, p.Staged)
	var err error
	if b, err = tx.appendRef(b, p.Patch.Ref); err != nil {
		return nil, err
	}
	b = appendString(b, p.Patch.Group)
	b = binary.AppendUvarint(b, uint64(len(p.Patch.Fields)))
	for _, f := range tx.db.o.Fields.Fields {
		if v, ok := p.Patch.Fields[f.Name]; ok {
			b = appendString(binary.AppendUvarint(b, uint64(f.Number)+1), v)
		}
	}
	for name, v := range p.Patch.Fields {
		if _, own := tx.db.o.Fields.Named(name); !own {
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
	if set&pendingRead != 0 {
		b = appendTimeNear(b, p.Read, p.Staged)
	}
	if set&pendingWhy != 0 {
		b = appendString(append(b, p.Trend), p.Reason)
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

// rowKey is the key of the record that a journalled patch is for, inside the page.
func rowKey(v []byte) []byte {
	r := reader{b: v}
	r.byte()
	r.time()
	return r.view()
}

// decodePatch reads what a journalled patch is to send: the first part of it. set says what else there is. With sent, that gets the
// fields, their values only until it returns, in the place of the patch; number is -1 for one that is none of ours.
func (tx *txn) decodePatch(r *reader, sent func(number int, name string, value []byte)) (p connectors.Patch, set byte, staged time.Time, err error) {
	set, staged = r.byte(), r.time()
	if p.Ref, err = tx.ref(r.view()); err != nil {
		return p, set, staged, err
	}
	p.Group = r.string()
	n := r.count()
	if n > 0 && sent == nil {
		p.Fields = make(map[string]string, n)
	}
	for range n {
		var name string
		number := int(min(r.uvarint(), 1<<30)) - 1
		if number < 0 {
			name = r.string()
		} else if f, ok := tx.db.o.Fields.Numbered(number); ok {
			name = f.Name
		} else {
			return p, set, staged, damaged("journal")
		}
		if sent != nil {
			sent(number, name, r.view())
		} else {
			p.Fields[name] = r.string()
		}
	}
	if r.bad {
		err = damaged("journal")
	}
	return p, set, staged, err
}

// decodePending reads a journalled patch. Its receipt lies in v. With sent, that gets the fields: see decodePatch.
func (tx *txn) decodePending(v []byte, sent func(number int, name string, value []byte)) (*Pending, error) {
	r := reader{b: v}
	patch, set, staged, err := tx.decodePatch(&r, sent)
	if err != nil {
		return nil, err
	}
	p := &Pending{Patch: patch, Staged: staged, Score: -1}
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
	if set&pendingRead != 0 {
		p.Read = r.timeNear(p.Staged)
	}
	if set&pendingWhy != 0 {
		p.Trend, p.Reason = r.byte(), r.string()
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
		p.Receipt = r.b
	case set&pendingReceipt != 0:
		if p.Receipt, err = unseal(r.b); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Stage journals a patch and gives it its Seq. It replaces a patch of the same record: the new one's Maybe then also holds that
// one's and the hashes of its values, which may have reached the CRM. p itself is changed in Seq only.
func (tx *txn) Stage(p *Pending) error {
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
		before, err := tx.decodePending(tx.get(bJournal, oldKey), nil)
		if err != nil {
			return err
		}
		maybe = slices.Clone(before.Maybe)
		for _, f := range tx.db.o.Fields.Fields {
			if v, ok := before.Patch.Fields[f.Name]; ok {
				maybe = append(maybe, FieldHash(f.Number, v))
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
	v, err := tx.appendPending(tx.w.scratch[:0], p, maybe)
	if err != nil {
		return err
	}
	tx.w.scratch = v
	if err := tx.put(bJournal, journalKey(jb[:0], key, seq), tx.keep(v)); err != nil {
		return err
	}
	u := unsent{seq: seq, person: p.Person, way: p.Way, bulk: p.Bulk, alone: p.Alone, token: p.Token}
	if err := tx.putUnsent(key, &u); err != nil {
		return err
	}
	p.Seq = seq
	return nil
}

func (tx *txn) putUnsent(key []byte, u *unsent) error {
	var b [96]byte
	return tx.put(bUnsent, key, tx.keep(u.encode(b[:0])))
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

func (tx *txn) pending(u unsent, v []byte, sent func(number int, name string, value []byte)) (*Pending, error) {
	if v == nil {
		return nil, damaged("journal")
	}
	p, err := tx.decodePending(v, sent)
	if err != nil {
		return nil, err
	}
	p.Seq, p.Person, p.Way, p.Token, p.Bulk, p.Alone = u.seq, u.person, u.way, u.token, u.bulk, u.alone
	return p, nil
}

// Pending is the record's patch in the journal; nil if there is none.
func (tx *txn) Pending(ref connectors.Ref) (*Pending, error) {
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
	p, err := tx.pending(u, tx.get(bJournal, journalKey(jb[:0], key, u.seq)), nil)
	if err == nil {
		p.Receipt = slices.Clone(p.Receipt) // it may leave the transaction
	}
	return p, err
}

func (tx *txn) dropUnsent(key []byte, seq uint64) error {
	var jb [16]byte
	if err := tx.del(bJournal, journalKey(jb[:0], key, seq)); err != nil {
		return err
	}
	tx.w.counts.journal--
	return tx.del(bUnsent, key)
}

// DropPending removes the record's patch, whichever it is, unsent or not.
func (tx *txn) DropPending(ref connectors.Ref) error {
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

// JournalDepth is how many patches wait for an acknowledgement.
func (db *DB) JournalDepth() int { return db.count(func(c *counts) int64 { return c.journal }) }
