package state

import (
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// million fills a file with a million settled people, all of them in the queue.
func million(b *testing.B, path string) {
	db, err := Open(path, Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	features, shown := make([]byte, 100), make([]byte, 24)
	start := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	const n, lot = 1_000_000, 2000
	for from := 0; from < n; from += lot {
		if err := db.update(func(tx *txn) error {
			for i := from; i < from+lot; i++ {
				id, err := tx.NewPerson()
				if err != nil {
					return err
				}
				ref := connectors.Ref{CRM: "hubspot", Object: "contacts", ID: fmt.Sprint(150_000_000_000 + i)}
				if err := tx.PutPerson(id, &Person{Contacts: []connectors.Ref{ref}, Events: 1, Features: features, Shown: shown, Due: start.Add(time.Duration(i%1000) * time.Hour)}); err != nil {
					return err
				}
				if err := tx.PutContact(ref, &Contact{Person: id, Inputs: 1, Scored: 1, WroteAt: start}); err != nil {
					return err
				}
				if err := tx.SetIdentity(LinkEmail, fmt.Sprint(i, "@example.com"), id); err != nil {
					return err
				}
				if err := tx.Enqueue(id, Backfill, ReasonNew, start); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkMillion measures what grows with the number of people, and should not: opening, claiming, memory.
func BenchmarkMillion(b *testing.B) {
	path := filepath.Join(b.TempDir(), "s.db")
	million(b, path)
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // pools let go at the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	t0 := time.Now()
	db, err := Open(path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	opened := time.Since(t0)
	memory := heap() - before
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	b.Run("claim", func(b *testing.B) { // 100 entries at a time, none of them ever given back
		for range b.N {
			if e, err := db.Claim(now, 100); err != nil || len(e) != 100 {
				b.Fatal(len(e), err)
			}
		}
		b.ReportMetric(float64(opened.Microseconds())/1000, "open-ms")
		b.ReportMetric(float64(memory)/1024, "KB-heap")
	})
	b.Run("verify", func(b *testing.B) {
		for range b.N {
			if err := db.Verify(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("compact", func(b *testing.B) {
		for range b.N {
			if err := db.Compact(); err != nil {
				b.Fatal(err)
			}
		}
		report(b, db, 1_000_000)
	})
}
