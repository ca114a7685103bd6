package clickstream

import (
	"encoding/json"
	"slices"

	"github.com/intentd/intentd/connectors"
	bolt "go.etcd.io/bbolt"
)

// keyCursor is where a source's cursor is kept.
const keyCursor = "cursor"

// offsetsOf is the bucket of a source: a bucket's name must not be empty.
func offsetsOf(source string) []byte { return []byte("s" + source) }

// Cursor is the position saved under a source, nil if there is none. Until format 2 files were remembered under a name each: those
// come as one JSON object {name: position}, which the feed of files reads.
func (s *Store) Cursor(source string) (connectors.Cursor, error) {
	var out connectors.Cursor
	err := s.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketOffsets).Bucket(offsetsOf(source))
		if b == nil {
			return nil
		}
		if v := b.Get([]byte(keyCursor)); v != nil {
			out = slices.Clone(v)
			return nil
		}
		byName := map[string]json.RawMessage{}
		err := b.ForEach(func(k, v []byte) error {
			if json.Valid(v) {
				byName[string(k)] = slices.Clone(v)
			}
			return nil
		})
		if err != nil || len(byName) == 0 {
			return err
		}
		out, err = json.Marshal(byName)
		return err
	})
	if err != nil {
		return nil, s.fail("read the cursor of "+source, err)
	}
	return out, nil
}

// putCursor saves a source's cursor in place of whatever was kept under it.
func putCursor(tx *bolt.Tx, source string, cursor connectors.Cursor) error {
	if cursor == nil {
		return nil
	}
	offsets, name := tx.Bucket(bucketOffsets), offsetsOf(source)
	if b := offsets.Bucket(name); b != nil && b.Get([]byte(keyCursor)) == nil {
		if err := offsets.DeleteBucket(name); err != nil {
			return err
		}
	}
	b, err := offsets.CreateBucketIfNotExists(name)
	if err != nil {
		return err
	}
	return b.Put([]byte(keyCursor), cursor)
}
