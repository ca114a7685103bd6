package state

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/intentd/intentd/connectors"
)

// DayUsage is the usage of one day.
type DayUsage struct {
	Day string `json:"day"` // 2026-11-21
	Usage
}

// AddUsage adds to what a day cost so far. Days are named as 2026-11-21, by whatever clock the budget follows.
func (tx *txn) AddUsage(day string, u Usage) error {
	sum, err := tx.Usage(day)
	if err != nil {
		return err
	}
	for purpose, m := range u.Model {
		if sum.Model == nil {
			sum.Model = map[string]connectors.Usage{}
		}
		sum.Model[purpose] = sum.Model[purpose].Add(m)
	}
	for name, n := range u.Calls {
		if sum.Calls == nil {
			sum.Calls = map[string]int64{}
		}
		sum.Calls[name] += n
	}
	sum.Written += u.Written
	sum.People += u.People
	sum.Degraded += u.Degraded
	v, err := json.Marshal(sum)
	if err != nil {
		return fmt.Errorf("state: usage of %s: %w", day, err)
	}
	return tx.put(bUsage, []byte(day), v)
}

// Usage is what a day cost; nothing, if nothing is known of it.
func (tx *txn) Usage(day string) (Usage, error) { return decodeUsage(tx.get(bUsage, []byte(day))) }

func decodeUsage(v []byte) (u Usage, err error) {
	if v != nil && json.Unmarshal(v, &u) != nil {
		return Usage{}, damaged("usage")
	}
	return u, nil
}

// UsageDays is what up to n days cost, the latest first. It leaves out a day it cannot read.
func (tx *txn) UsageDays(n int) []DayUsage {
	var days []DayUsage
	c := tx.scan(bUsage, nil, nil, 0)
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		if u, err := decodeUsage(v); err == nil {
			days = append(days, DayUsage{string(k), u})
		}
	}
	slices.Reverse(days)
	return days[:min(len(days), max(n, 0))]
}

// PutRun keeps what is remembered of a recurring job, one for a name.
func (tx *txn) PutRun(r Run) error {
	v, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("state: run %s: %w", r.Name, err)
	}
	return tx.put(bRuns, []byte(r.Name), v)
}

// Runs is what is remembered of all recurring jobs, by name.
func (tx *txn) Runs() ([]Run, error) {
	var runs []Run
	c := tx.scan(bRuns, nil, nil, 0)
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		var r Run
		if json.Unmarshal(v, &r) != nil {
			return runs, damaged("run")
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// PutJob keeps the document of a job in progress.
func (tx *txn) PutJob(id string, v []byte) error { return tx.put(bJobs, []byte(id), slices.Clone(v)) }

// Jobs are the documents of all jobs in progress by id.
func (tx *txn) Jobs() (map[string][]byte, error) {
	jobs := map[string][]byte{}
	c := tx.scan(bJobs, nil, nil, 0)
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		jobs[string(k)] = slices.Clone(v)
	}
	return jobs, nil
}

// DropJob ends a job.
func (tx *txn) DropJob(id string) error { return tx.del(bJobs, []byte(id)) }

// AddUsageLater adds to what a day cost so far, within 100 ms.
func (db *DB) AddUsageLater(day string, u Usage) {
	db.updateLater(func(tx *txn) error { return tx.AddUsage(day, u) })
}

// Usage is what a day cost; nothing, if nothing is known of it.
func (db *DB) Usage(day string) (Usage, error) {
	return viewOf(db, func(tx *txn) (Usage, error) { return tx.Usage(day) })
}

// UsageDays is what up to n days cost, the latest first.
func (db *DB) UsageDays(n int) ([]DayUsage, error) {
	return viewOf(db, func(tx *txn) ([]DayUsage, error) { return tx.UsageDays(n), nil })
}

// NoteRun keeps within 100 ms what is remembered of a recurring job, and whatever CountHour and CountIntake counted until then. One that failed
// does not wipe out when it last went well.
func (db *DB) NoteRun(run Run) {
	db.keepHours()
	db.updateLater(func(tx *txn) error {
		if run.Good.IsZero() {
			runs, err := tx.Runs()
			if err != nil {
				return err
			}
			for _, r := range runs {
				if r.Name == run.Name {
					run.Good = r.Good
				}
			}
		}
		return tx.PutRun(run)
	})
}

// Runs is what is remembered of all recurring jobs, by name.
func (db *DB) Runs() ([]Run, error) {
	return viewOf(db, (*txn).Runs)
}
