package state

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

// A batch is a job of prompts at a vendor of models. It is kept from before it is opened until its answers are taken in, so that after a
// crash it is found by its token. Each of its prompts has a row of its own, which goes with its answer: an answer is taken in, and
// paid for, once. Prompts themselves are not kept.

// Batch is a job of prompts.
type Batch struct {
	Token    string     `json:"token"`
	Opened   time.Time  `json:"opened"`
	Version  uint64     `json:"version"`  // of the engine that asks
	Reserved int64      `json:"reserved"` // micro USD that its answers may cost
	People   []PersonID `json:"people"`   // who wait for it

	Asks []BatchAsk `json:"-"` // those not yet answered
}

// BatchAsk is what is kept of a prompt.
type BatchAsk struct {
	N        int      `json:"n"` // its place in the job
	Purpose  string   `json:"purpose"`
	Person   PersonID `json:"person,omitempty"` // whose alone it is; 0: nobody's
	Keys     [][]byte `json:"keys,omitempty"`   // what it asks about, in the engine's words
	Inputs   uint64   `json:"inputs,omitempty"`
	Reserved int64    `json:"reserved,omitempty"`
	Void     bool     `json:"void,omitempty"` // of somebody forgotten: its answer is paid for and thrown away
}

const batchJobs = "batch/"

func batchAskKey(token string, n int) string { return fmt.Sprintf("%s%s/%06d", batchJobs, token, n) }

// batch is a kept job without its asks.
func (tx *txn) batch(token string) (b Batch, ok bool, err error) {
	v := tx.get(bJobs, []byte(batchJobs+token))
	if v == nil {
		return b, false, nil
	}
	if json.Unmarshal(v, &b) != nil {
		return b, false, damaged("batch")
	}
	return b, true, nil
}

// batches visits the kept jobs, without their asks.
func (tx *txn) batches(visit func(*Batch) error) error {
	jobs, err := tx.Jobs()
	if err != nil {
		return err
	}
	for k, v := range jobs {
		if !strings.HasPrefix(k, batchJobs) || strings.Count(k, "/") != 1 {
			continue
		}
		b := new(Batch)
		if json.Unmarshal(v, b) != nil {
			return damaged("batch")
		}
		if err := visit(b); err != nil {
			return err
		}
	}
	return nil
}

// batchAsks are the rows of a job, or of all jobs with token "".
func (tx *txn) batchAsks(token string, visit func(token string, ask *BatchAsk) error) error {
	prefix := batchJobs
	if token != "" {
		prefix += token + "/"
	}
	c := tx.scan(bJobs, []byte(prefix), nil, 0)
	var keys, values []string // what visit changes is not under the cursor
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		if strings.Count(string(k), "/") == 2 {
			keys, values = append(keys, string(k)), append(values, string(v))
		}
	}
	for i, k := range keys {
		ask := new(BatchAsk)
		if json.Unmarshal([]byte(values[i]), ask) != nil {
			return damaged("batch")
		}
		if err := visit(strings.Split(k, "/")[1], ask); err != nil {
			return err
		}
	}
	return nil
}

func (tx *txn) putBatchDocument(key string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return tx.PutJob(key, raw)
}

// OpenBatch keeps a job that is about to be opened.
func (db *DB) OpenBatch(b *Batch) error {
	return db.update(func(tx *txn) error {
		for i := range b.Asks {
			if err := tx.putBatchDocument(batchAskKey(b.Token, b.Asks[i].N), &b.Asks[i]); err != nil {
				return err
			}
		}
		return tx.putBatchDocument(batchJobs+b.Token, b)
	})
}

// Batches are the jobs that are kept, the oldest first.
func (db *DB) Batches() (list []*Batch, err error) {
	err = db.view(func(tx *txn) error {
		list = nil
		by := map[string]*Batch{}
		if err := tx.batches(func(b *Batch) error {
			list, by[b.Token] = append(list, b), b
			return nil
		}); err != nil {
			return err
		}
		return tx.batchAsks("", func(token string, ask *BatchAsk) error {
			if b := by[token]; b != nil {
				b.Asks = append(b.Asks, *ask)
			}
			return nil
		})
	})
	slices.SortFunc(list, func(a, b *Batch) int { return a.Opened.Compare(b.Opened) })
	return list, err
}

// BatchAnsweredLater takes a prompt off its job and books what its answer used, within 100 ms and after what was kept before. An answer that
// comes again changes nothing.
func (db *DB) BatchAnsweredLater(token string, ask BatchAsk, day string, used connectors.Usage) {
	db.updateLater(func(tx *txn) error {
		key := []byte(batchAskKey(token, ask.N))
		if tx.get(bJobs, key) == nil {
			return nil
		}
		if err := tx.del(bJobs, key); err != nil {
			return err
		}
		if used == (connectors.Usage{}) {
			return nil
		}
		return tx.AddUsage(day, Usage{Model: map[string]connectors.Usage{ask.Purpose: used}})
	})
}

// JoinBatch has people wait for a job that is under way.
func (db *DB) JoinBatch(token string, people []PersonID) error {
	return db.update(func(tx *txn) error {
		b, ok, err := tx.batch(token)
		if err != nil || !ok {
			return err
		}
		b.People = append(b.People, people...)
		return tx.putBatchDocument(batchJobs+token, &b)
	})
}

// EndBatchWait has everybody worked on at once who waits for a job.
func (db *DB) EndBatchWait(token string) error {
	return db.update(func(tx *txn) error {
		b, ok, err := tx.batch(token)
		if err != nil || !ok {
			return err
		}
		for _, id := range b.People {
			if err := tx.endWait(id); err != nil {
				return err
			}
		}
		b.People = nil
		return tx.putBatchDocument(batchJobs+token, &b)
	})
}

// DropBatch forgets a job, with the prompts that it left unanswered.
func (db *DB) DropBatch(token string) error {
	return db.update(func(tx *txn) error {
		if err := tx.batchAsks(token, func(_ string, ask *BatchAsk) error { return tx.DropJob(batchAskKey(token, ask.N)) }); err != nil {
			return err
		}
		return tx.DropJob(batchJobs + token)
	})
}

// HasPerson says whether there is such a person.
func (db *DB) HasPerson(id PersonID) (has bool, err error) {
	err = db.view(func(tx *txn) (err error) { _, has, err = tx.Person(id); return err })
	return has, err
}

// endWait has somebody who waits for a job worked on at once. Whoever does not wait is left alone.
func (tx *txn) endWait(id PersonID) error {
	old, e, ok, err := tx.queued(id)
	if err != nil || !ok || old.ready() || e.Reason&ReasonBatch == 0 {
		return err
	}
	seq, err := tx.sequence(bQueue)
	if err != nil {
		return err
	}
	e.Reason &^= ReasonBatch
	return tx.requeue(old, true, queueKey{old.class | ready, seq, id}, &e)
}

// EndWaits has people worked on at once who wait for a job and are not among those who still do: their job was never opened. It says how
// many there were.
func (db *DB) EndWaits(still map[PersonID]bool) (n int, err error) {
	var stranded []PersonID
	err = db.view(func(tx *txn) error {
		stranded = nil
		class := uint8(Backfill)<<1 | delayed
		c := tx.scan(bQueue, []byte{class}, nil, 0)
		for k, v := c.Next(); k != nil; k, v = c.Next() {
			key, ok := parseQueueKey(k)
			if !ok {
				continue
			}
			if e, err := decodeEntry(key, v); err == nil && e.Reason&ReasonBatch != 0 && !still[e.Person] {
				stranded = append(stranded, e.Person)
			}
		}
		return nil
	})
	if err != nil || len(stranded) == 0 {
		return 0, err // mostly so: nothing is committed
	}
	err = db.update(func(tx *txn) error {
		for _, id := range stranded {
			if err := tx.endWait(id); err != nil {
				return err
			}
		}
		return nil
	})
	return len(stranded), err
}

// BatchesOf are the jobs that hold prompts of a person's.
func (db *DB) BatchesOf(id PersonID) ([]string, error) {
	return viewOf(db, func(tx *txn) (tokens []string, err error) {
		err = tx.batchAsks("", func(token string, ask *BatchAsk) error {
			if ask.Person == id && !slices.Contains(tokens, token) {
				tokens = append(tokens, token)
			}
			return nil
		})
		return tokens, err
	})
}

// VoidBatches has the answers to a person's prompts thrown away when they come, and forgets that the person waits for any.
func (db *DB) VoidBatches(id PersonID) error {
	return db.update(func(tx *txn) error {
		if err := tx.batches(func(b *Batch) error {
			i := slices.Index(b.People, id)
			if i < 0 {
				return nil
			}
			b.People = slices.Delete(b.People, i, i+1)
			return tx.putBatchDocument(batchJobs+b.Token, b)
		}); err != nil {
			return err
		}
		return tx.batchAsks("", func(token string, ask *BatchAsk) error {
			if ask.Person != id {
				return nil
			}
			return tx.putBatchDocument(batchAskKey(token, ask.N), &BatchAsk{N: ask.N, Purpose: ask.Purpose, Reserved: ask.Reserved, Void: true})
		})
	})
}
