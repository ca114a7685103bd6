package clickstream

import (
	"encoding/json"
	"strconv"

	"github.com/cespare/xxhash/v2"
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
	return i, nil
}

func readIntake(tx *bolt.Tx, source string) (i connectors.Intake, err error) {
	if b := tx.Bucket(bucketMeta).Get(intakeKey(source)); b != nil {
		err = json.Unmarshal(b, &i)
	}
	return i, err
}

// countIntake adds what a batch was made of to the counts of its source. events are those kept.
func (s *Store) countIntake(tx *bolt.Tx, b Batch, order []placed, c counts) error {
	i, err := readIntake(tx, b.Source)
	if err != nil {
		return err
	}
	i.Events += int64(len(order))
	i.Anonymous += int64(c.anonymous)
	i.ReusedIDs += int64(c.reused)
	i.CountLeftOut(connectors.LeftOutNobody, c.unidentified)
	i.CountLeftOut(connectors.LeftOutConsent, c.denied)
	i.CountLeftOut(connectors.LeftOutOld, c.expired)
	i.CountLeftOut(connectors.LeftOutRepeated, c.repeated)
	for _, p := range order {
		if kind := b.Events[p.i].Kind; !s.kinds.known(kind) {
			i.CountUnknownKind(kind)
		}
	}
	v, err := json.Marshal(i)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketMeta).Put(intakeKey(b.Source), v)
}

// kindCache remembers which names of kinds are known: few differ, and to read one takes long.
type kindCache map[string]bool

func (k *kindCache) known(kind string) bool {
	is, met := (*k)[kind]
	if !met {
		if *k == nil || len(*k) >= 4096 {
			*k = kindCache{}
		}
		_, is = connectors.EventKind(kind)
		(*k)[kind] = is
	}
	return is
}

// recentIDs remembers what the latest events were, by the id their source gave them: a feed that tells its last hour again with every
// call would otherwise make everybody in it active again and again. It is empty after a restart; what is told again then falls away
// in reading and merging.
type recentIDs struct{ young, old map[uint64]happened }

// happened is what an id stood for.
type happened struct {
	what uint64 // hash of who did what
	at   int64  // microseconds
}

// recentEvents bounds the entries of each of the two generations: about 10 MB in all.
const recentEvents = 1 << 17

// sameMoment is by how much the time of an event may differ when it is told again: trackers work it out anew for each attempt to send.
const sameMoment = 60e6

// meets says what e is to the events before it: a repeat, or another one under the id of one of them, which then gets an id of its own.
func (r *recentIDs) meets(e *connectors.Event, node uint64, at int64) (repeat, reused bool) {
	var d xxhash.Digest
	d.ResetWithSeed(xxhash.Sum64String(e.Source))
	d.WriteString(e.ID)
	key := d.Sum64()
	d.ResetWithSeed(node)
	for _, text := range [...]string{e.Kind, e.URL, e.ElementText, e.ElementID} {
		d.WriteString(text)
		d.Write(separator)
	}
	now := happened{d.Sum64(), at}
	before, met := r.young[key]
	if !met {
		before, met = r.old[key]
	}
	switch {
	case met && before.what == now.what && max(before.at-at, at-before.at) <= sameMoment:
		return true, false
	case met:
		e.ID += "~" + strconv.FormatUint(now.what^uint64(at), 36)
		return false, true
	}
	if r.young == nil || len(r.young) >= recentEvents {
		r.old, r.young = r.young, make(map[uint64]happened, 1024)
	}
	r.young[key] = now
	return false, false
}

var separator = []byte{0}
