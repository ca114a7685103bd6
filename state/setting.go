package state

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/intentd/intentd/connectors"
)

// Binding is the account (portal, org) that the state of a CRM belongs to.
func (tx *txn) Binding(crm string) (account string, ok bool) {
	v := tx.get(bBindings, []byte(crm))
	return string(v), v != nil
}

// Bind binds the state of a CRM to an account, once: another account is refused, since every record id would mean somebody else.
func (tx *txn) Bind(crm, account string) error {
	if bound, ok := tx.Binding(crm); ok {
		if bound != account {
			return fmt.Errorf("state: %s is bound to account %s, not %s: use that account, or a new state file", crm, bound, account)
		}
		return nil
	}
	return tx.put(bBindings, []byte(crm), []byte(account))
}

// Setting is a small fact that the daemon keeps; nil if not set.
func (tx *txn) Setting(key string) []byte { return slices.Clone(tx.get(bSettings, []byte(key))) }

// SetSetting keeps a small fact; nil removes it. One that is as it was costs no commit.
func (tx *txn) SetSetting(key string, v []byte) error {
	return tx.setIfChanged(bSettings, []byte(key), v)
}

// Cursor is where a feed was read to; nil if never.
func (tx *txn) Cursor(name string) connectors.Cursor {
	return slices.Clone(tx.get(bCursors, []byte(name)))
}

// SetCursor keeps where a feed was read to, in the transaction that keeps the work it covers; nil removes it.
func (tx *txn) SetCursor(name string, c connectors.Cursor) error {
	return tx.setIfChanged(bCursors, []byte(name), c)
}

func (tx *txn) setIfChanged(id bucketID, key, v []byte) error {
	if old := tx.get(id, key); (old == nil) == (v == nil) && bytes.Equal(old, v) {
		return nil
	}
	return tx.set(id, key, v)
}

// Setting is a small fact that the daemon keeps; nil if not set.
func (db *DB) Setting(key string) ([]byte, error) {
	return viewOf(db, func(tx *txn) ([]byte, error) { return tx.Setting(key), nil })
}

// SetSetting keeps a small fact; nil removes it. It is durable on return.
func (db *DB) SetSetting(key string, v []byte) error {
	db.settings.next(key)
	return db.update(func(tx *txn) error { return tx.SetSetting(key, v) })
}

// SetSettingLater keeps a small fact within 100 ms, unless a newer value of it is on its way by then.
func (db *DB) SetSettingLater(key string, v []byte) {
	n := db.settings.next(key)
	db.updateLater(func(tx *txn) error {
		if db.settings.latest(key) != n {
			return nil // something newer is on its way, or was kept in the same commit
		}
		return tx.SetSetting(key, v)
	})
}

// Secret is 32 random bytes made with the file. They key every hash that stands for a person's value; they never leave this host.
func (db *DB) Secret() []byte { return slices.Clone(db.secret) }

// Binding is the account (portal, org) that the state of a CRM belongs to; "" if none was ever seen.
func (db *DB) Binding(crm string) (account string, err error) {
	err = db.view(func(tx *txn) error { account, _ = tx.Binding(crm); return nil })
	return account, err
}

// Bind binds the state of a CRM to an account, once: another account is refused, since every record id would mean somebody else.
func (db *DB) Bind(crm, account string) error {
	return db.update(func(tx *txn) error { return tx.Bind(crm, account) })
}
