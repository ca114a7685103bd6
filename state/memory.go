package state

import "slices"

// load reads what is held in memory; leases stay.
func (db *DB) load(tx *txn) error {
	if db.secret == nil {
		db.secret = slices.Clone(tx.get(bMeta, secretKey))
		if len(db.secret) != 32 {
			return damaged("secret")
		}
	}
	if err := db.names.load(tx); err != nil {
		return err
	}
	c, err := tx.loadCounts()
	if err != nil {
		return err
	}
	db.countsMu.Lock()
	db.counts = c
	db.countsMu.Unlock()
	return nil
}

// loadCounts reads the counts. What a file of before does not count is counted once, by looking at every person and contact.
func (tx *txn) loadCounts() (c counts, err error) {
	older, err := c.decode(tx.get(bMeta, countsKey))
	if !older || err != nil {
		return c, err
	}
	people := tx.scan(bPeople, nil, nil, 0)
	for k, v := people.Next(); k != nil; k, v = people.Next() {
		if _, core, err := split(v); err == nil && len(core) > 0 {
			if t, err := tx.storedTier(core); err == nil {
				c.tiers[t]++
			}
		}
	}
	contacts := tx.scan(bContacts, nil, nil, 0)
	for k, v := contacts.Next(); k != nil; k, v = contacts.Next() {
		c.held += heldOf(v)
	}
	return c, nil
}
