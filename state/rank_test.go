package state

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// A state of before the ranking is ranked when it is opened, from what its records showed then.
func TestPeopleOfBeforeTheRankingAreRanked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db, err := Open(path, Options{NoSync: true, migrations: migrations[:1]})
	if err != nil {
		t.Fatal(err)
	}
	ref := connectors.Ref{CRM: "hubspot", Object: "contacts", ID: "1"}
	const n = rankPart + 7 // more than a part
	for from := 1; from <= n; from += 1000 {
		mustUpdate(t, db, func(tx *txn) error {
			for i := from; i < min(from+1000, n+1); i++ {
				shown := []byte{1, 1 | 3<<1 | 2<<3, 3} // known, high, comparing; rising
				shown = append(binary.AppendVarint(shown, int64(i%1001)), "\x05Loans\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
				p := &Person{Contacts: []connectors.Ref{ref}, Events: 7, Extraction: 1 << 60, Features: []byte("features"), Shown: shown, Due: after(0)}
				core, err := tx.appendPerson(nil, p)
				if err != nil {
					return err
				}
				core[1] &= flagBits // as records of before tiers were stored
				if err := tx.putRecord(PersonID(i), nil, core); err != nil {
					return err
				}
				tx.w.counts.people++
				tx.w.counts.tiers[4]++
				if err := tx.setDue(PersonID(i), time.Time{}, p.Due); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = Open(path, Options{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	page, err := db.Ranked(RankQuery{Tier: 4, Trend: 3, Stage: 2, Product: Mark("Loans"), N: 1})
	if err != nil || len(page.People) != 1 || page.People[0].Person.Standing.Score != 1000 {
		t.Errorf("%+v %v", page, err)
	}
	if err := db.Verify(); err != nil {
		t.Error(err)
	}
}

// BenchmarkRanking measures the ranking of many people: its bytes a person, a page of it, one of a rare kind, and its counts.
func BenchmarkRanking(b *testing.B) {
	const n = 1_000_000
	db, err := Open(filepath.Join(b.TempDir(), "s.db"), Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	rnd := rand.New(rand.NewPCG(1, 2))
	for from := 0; from < n; from += 2000 {
		if err := db.update(func(tx *txn) error {
			for i := range 2000 {
				p := &Person{Events: 1, Features: make([]byte, 100), Shown: make([]byte, 24), Tier: Tier(2 + rnd.IntN(3)),
					Standing: Standing{Score: uint16(rnd.IntN(1001)), Evidence: uint8(1 + rnd.IntN(3)), Trend: 2, Owner: uint8(rnd.IntN(50))}}
				if i == 0 {
					p.Standing.Trend = 4 // one in 2000
				}
				if err := tx.PutPerson(PersonID(from+i+1), p); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	run := func(name string, do func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("page", func() error { _, err := db.Ranked(RankQuery{Tier: 3, N: 50}); return err })
	run("rare", func() error { // a thousand pages of those of whom there is one in 2000
		found := 0
		for q := (RankQuery{Trend: 4, N: 50}); ; {
			page, err := db.Ranked(q)
			if err != nil {
				return err
			}
			if found += len(page.People); page.Next == nil {
				if found != n/2000 {
					return fmt.Errorf("%d found", found)
				}
				return nil
			}
			q.After = page.Next
		}
	})
	run("counts", func() error { _, err := db.ScoreCounts(); return err })
	b.Run("size", func(b *testing.B) {
		sizes, err := db.Sizes()
		if err != nil {
			b.Fatal(err)
		}
		for range b.N {
		}
		b.ReportMetric(float64(sizes["rank"].Used)/n, "bytes/person")
		b.ReportMetric(float64(sizes["rank"].Pages)/n, "bytes/person-in-pages")
		b.ReportMetric(float64(sizes["scores"].Used)/1024, "counts-KB")
	})
}
