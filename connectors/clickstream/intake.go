package clickstream

import (
	"encoding/json"

	"github.com/intentd/intentd/connectors"
	bolt "go.etcd.io/bbolt"
)

// The counts of a source are kept in the main file and saved with the events they are of.

func intakeKey(source string) []byte { return []byte("intake/" + source) }

// Intake are the counts of a source: what the store made of what it was given.
func (s *Store) Intake(source string) (connectors.Intake, error) {
	var i connectors.Intake
	err := s.view(func(tx *bolt.Tx) (err error) {
		i, err = readIntake(tx, source)
		return err
	})
	if err != nil {
		return i, s.fail("read the counts of "+source, err)
	}
	s.uncounted.addTo(&i, source)
	return i, nil
}

// keepCounts keeps what waits, before the store is closed.
func (s *Store) keepCounts() error {
	s.uncounted.mu.Lock()
	defer s.uncounted.mu.Unlock()
	if len(s.uncounted.of) == 0 {
		return nil
	}
	return s.update(func(tx *bolt.Tx) error {
		for source, more := range s.uncounted.of {
			i, err := readIntake(tx, source)
			if err != nil {
				return err
			}
			i.Add(more)
			if err := putIntake(tx, source, i); err != nil {
				return err
			}
		}
		return nil
	})
}

func readIntake(tx *bolt.Tx, source string) (i connectors.Intake, err error) {
	if b := tx.Bucket(bucketMeta).Get(intakeKey(source)); b != nil {
		err = json.Unmarshal(b, &i)
	}
	return i, err
}

// countIntake adds what a batch was made of to the counts of its source. order are the events kept, more what never became one.
func (s *Store) countIntake(tx *bolt.Tx, b Batch, order []placed, c counts, more connectors.Intake) error {
	i, err := readIntake(tx, b.Source)
	if err != nil {
		return err
	}
	i.Events += int64(len(order))
	i.Anonymous += int64(c.anonymous)
	i.ReusedIDs += int64(c.reused)
	i.Proposed += int64(c.proposed)
	i.CountLeftOut(connectors.LeftOutNobody, c.unidentified)
	i.CountLeftOut(connectors.LeftOutConsent, c.denied)
	i.CountLeftOut(connectors.LeftOutOld, c.expired)
	i.CountLeftOut(connectors.LeftOutRepeated, c.repeated)
	for _, p := range order {
		if kind := b.Events[p.i].Kind; !s.kinds.read(kind).known {
			i.CountUnknownKind(kind)
		}
	}
	i.Add(more)
	return putIntake(tx, b.Source, i)
}

func putIntake(tx *bolt.Tx, source string, i connectors.Intake) error {
	v, err := json.Marshal(i)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketMeta).Put(intakeKey(source), v)
}
