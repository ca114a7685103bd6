package state

import (
	"encoding/binary"
	"slices"
)

// MoveIdentities has every value that leads to one person lead to another: two people turned out to be one. Links themselves
// stay where they are; move them with PutLinks.
func (tx *txn) MoveIdentities(from, to PersonID) error {
	if err := checkPerson(from); err != nil {
		return err
	}
	if err := checkPerson(to); err != nil {
		return err
	}
	if from == to {
		return nil
	}
	marks, core, err := tx.personRecord(from)
	if err != nil {
		return err
	}
	marks, core = slices.Clone(marks), slices.Clone(core)
	var moved []byte
	for i := 0; i < len(marks); i += markLen {
		mark := marks[i : i+markLen]
		var entries [][]byte
		identityIndex.scan(tx, mark, func(entry []byte) bool {
			if !hasPrefix(entry, mark) {
				return false
			}
			if who, _ := parseIdentity(entry); who == from {
				entries = append(entries, slices.Clone(entry))
			}
			return true
		})
		for _, entry := range entries {
			_, why := parseIdentity(entry)
			binary.BigEndian.PutUint32(entry[hashLen:], uint32(to)|why)
			if _, err := identityIndex.put(tx, entry); err != nil {
				return err
			}
			moved = append(moved, entry[:markLen]...)
		}
	}
	if err := tx.putRecord(from, nil, core); err != nil {
		return err
	}
	theirs, toCore, err := tx.personRecord(to)
	if err != nil {
		return err
	}
	return tx.putRecord(to, append(slices.Clone(theirs), moved...), slices.Clone(toCore))
}
