package state

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/intentd/intentd/connectors"
)

// Secret is 32 random bytes made with the file. They key every hash that stands for a person's value; they never leave this host.
func (tx *Tx) Secret() []byte { return slices.Clone(tx.db.secret) }

// Binding is the account (portal, org) that the state of a CRM belongs to.
func (tx *Tx) Binding(crm string) (account string, ok bool) {
	v := tx.get(bBindings, []byte(crm))
	return string(v), v != nil
}

// Bind binds the state of a CRM to an account, once: another account is refused, since every record id would mean somebody else.
func (tx *Tx) Bind(crm, account string) error {
	if bound, ok := tx.Binding(crm); ok {
		if bound != account {
			return fmt.Errorf("state: %s is bound to account %s, not %s: use that account, or a new state file", crm, bound, account)
		}
		return nil
	}
	return tx.put(bBindings, []byte(crm), []byte(account))
}

// Setting is a small fact that the daemon keeps; nil if not set.
func (tx *Tx) Setting(key string) []byte { return slices.Clone(tx.get(bSettings, []byte(key))) }

// SetSetting keeps a small fact; nil removes it. One that is as it was costs no commit.
func (tx *Tx) SetSetting(key string, v []byte) error {
	return tx.setIfChanged(bSettings, []byte(key), v)
}

// Cursor is where a feed was read to; nil if never.
func (tx *Tx) Cursor(name string) connectors.Cursor {
	return slices.Clone(tx.get(bCursors, []byte(name)))
}

// SetCursor keeps where a feed was read to, in the transaction that keeps the work it covers; nil removes it.
func (tx *Tx) SetCursor(name string, c connectors.Cursor) error {
	return tx.setIfChanged(bCursors, []byte(name), c)
}

func (tx *Tx) setIfChanged(id bucketID, key, v []byte) error {
	if tx.w == nil {
		return errInView
	}
	if old := tx.get(id, key); (old == nil) == (v == nil) && bytes.Equal(old, v) {
		return nil
	}
	return tx.set(id, key, v)
}
