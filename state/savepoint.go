package state

// undo is one change to take back: the pair as it was before.
type undo struct {
	bucket bucketID
	key    []byte
	value  []byte // nil: there was none
}

// savepoint is where a transaction stood: what came after it can be taken back alone.
type savepoint struct {
	undone int // length of write.undo
	ops    int
	counts counts
	names  int
	queue  queueChange
}

func (w *write) savepoint() savepoint {
	queue := w.queue
	return savepoint{len(w.undo), w.ops, w.counts, len(w.names), queue}
}

// forget drops what would be needed to take back what came after s.
func (w *write) forget(s savepoint) {
	clear(w.undo[s.undone:])
	w.undo = w.undo[:s.undone]
}

// rollback takes back what was done since s. Sequence numbers stay used.
func (tx *Tx) rollback(s savepoint) error {
	w := tx.w
	for i := len(w.undo) - 1; i >= s.undone; i-- {
		u := &w.undo[i]
		var err error
		if u.value == nil {
			err = tx.bucket(u.bucket).Delete(u.key)
		} else {
			err = tx.bucket(u.bucket).Put(u.key, u.value)
		}
		if err != nil {
			return err
		}
	}
	w.forget(s)
	w.ops, w.counts, w.names, w.queue = s.ops, s.counts, w.names[:s.names], s.queue
	return nil
}

// remember keeps the pair as it is, for a rollback. A value read in a transaction stays as it is until its commit, so that it is not
// copied.
func (tx *Tx) remember(id bucketID, key []byte) {
	tx.w.undo = append(tx.w.undo, undo{id, tx.keep(key), tx.get(id, key)})
}

// Row does what concerns one row of several: if do fails, what it changed is taken back and the others go on. The error is do's own.
func (tx *Tx) Row(do func() error) error {
	if tx.w == nil {
		return do()
	}
	s := tx.w.savepoint()
	err := do()
	if err == nil {
		return nil
	}
	if failed := tx.rollback(s); failed != nil {
		return failed
	}
	return err
}
