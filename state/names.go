package state

import (
	"bytes"
	"encoding/binary"
)

// load replaces the table by what tx sees.
func (n *names) load(tx *txn) error {
	fresh := names{number: map[string]uint32{}}
	c := tx.scan(bNames, nil, nil, 0)
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		if len(k) != 4 || int(binary.BigEndian.Uint32(k)) != len(fresh.byID)+1 {
			return damaged("name")
		}
		fresh.byID = append(fresh.byID, string(v))
		fresh.number[string(v)] = uint32(len(fresh.byID))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.byID, n.number = fresh.byID, fresh.number
	return nil
}

// shortName is room for the usual name, which then is looked up without being put together on the heap.
const shortName = 64

// nameID is the number of s. create enters a new one; without it ok is false for an unknown one.
func (tx *txn) nameID(s string, create bool) (id uint32, ok bool, err error) {
	var buf [shortName]byte
	return tx.numberOf(append(buf[:0], s...), create)
}

// numberOf is nameID of a name that is not kept.
func (tx *txn) numberOf(name []byte, create bool) (id uint32, ok bool, err error) {
	if id, ok = tx.db.names.lookup(name); ok {
		return id, true, nil
	}
	for i, added := range tx.w.names {
		if added == string(name) {
			return uint32(tx.w.nameBase + i + 1), true, nil
		}
	}
	if !create {
		return 0, false, nil
	}
	tx.w.names = append(tx.w.names, string(name))
	id = uint32(tx.w.nameBase + len(tx.w.names))
	err = tx.put(bNames, binary.BigEndian.AppendUint32(nil, id), bytes.Clone(name))
	return id, err == nil, err
}

// nameOf is the string with number id.
func (tx *txn) nameOf(id uint32) (string, error) {
	if s, ok := tx.db.names.name(id); ok {
		return s, nil
	}
	// Written by this very transaction, or by a commit that this snapshot sees before it was published.
	if v := tx.get(bNames, binary.BigEndian.AppendUint32(nil, id)); v != nil {
		return string(v), nil
	}
	return "", damaged("name")
}

// kindOf is the number of a kind of records, whose name is the CRM's and the object's with a zero byte between.
func (tx *txn) kindOf(crm, object string, create bool) (uint32, bool, error) {
	var buf [shortName]byte
	return tx.numberOf(append(append(append(buf[:0], crm...), 0), object...), create)
}

// maxSharedHashes bounds how many hashes enter the table: they are expected to be those of configurations, a few a month.
const maxSharedHashes = 4096

// appendSharedHash stores a hash that many people share as its number: 0 none, 1 the eight bytes follow, else number + 1.
func (tx *txn) appendSharedHash(b []byte, h uint64) ([]byte, error) {
	if h == 0 {
		return append(b, 0), nil
	}
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], h)
	id, ok, err := tx.nameID("\x00"+string(raw[:]), tx.w.nameBase+len(tx.w.names) < maxSharedHashes)
	if err != nil {
		return nil, err
	}
	if !ok {
		return append(append(b, 1), raw[:]...), nil
	}
	return binary.AppendUvarint(b, uint64(id)+1), nil
}

func (tx *txn) sharedHash(r *reader) (uint64, error) {
	switch n := r.uvarint(); n {
	case 0:
		return 0, nil
	case 1:
		return r.uint64(), nil
	default:
		s, err := tx.nameOf(uint32(n - 1))
		if err != nil {
			return 0, err
		}
		if len(s) != 9 {
			return 0, damaged("name")
		}
		return binary.BigEndian.Uint64([]byte(s[1:])), nil
	}
}
