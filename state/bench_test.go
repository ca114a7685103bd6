package state

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/intentd/intentd/connectors"
)

// load is a made-up run of the pipeline over many people: the sizes are those the design names.
type load struct {
	db      *DB
	start   time.Time
	people  int
	lot     int
	workers int
	seal    bool
}

func (l *load) ref(i int) connectors.Ref {
	return connectors.Ref{CRM: "hubspot", Object: "contacts", ID: fmt.Sprint(150_000_000_000 + i*3)}
}

// receipt has the shape of a stored one: texts and numbers led by lengths, some 1.2 KB of which a third is words of its own.
func (l *load) receipt(rnd *rand.Rand, id PersonID) []byte {
	b := []byte{2}
	text := func(format string, args ...any) {
		at := len(b)
		b = fmt.Appendf(append(b, 0, 0), format, args...)
		b[at+1] = byte(len(b) - at - 2)
	}
	text("%d", id)
	for range 16 {
		b = binary.AppendVarint(b, rnd.Int64N(1000))
	}
	for range 5 {
		b = binary.AppendVarint(append(b, 9), -rnd.Int64N(7e6))
	}
	for i := range 5 {
		text("e%d", i)
		text("/pages/%x", rnd.Uint32())
		text("Page %x", rnd.Uint32())
	}
	text("Read “Page %x” on 19 Nov, also “Page %x”; five visits since 3 Nov", rnd.Uint32(), rnd.Uint32())
	text("Read “Page %x” (19 Nov), “Page %x” (18 Nov) and “Page %x” (3 Nov).", rnd.Uint32(), rnd.Uint32(), rnd.Uint32())
	text("Five visits between 3 Nov and 19 Nov with five page views.")
	text("Follow up on the visit of 19 Nov.")
	for _, f := range connectors.PersonFields().Fields {
		text("%s", f.Name)
		switch f.Type {
		case connectors.TypeLongText:
			text("Read “Page %x” (19 Nov) and “Page %x” (18 Nov). Five visits between 3 Nov and 19 Nov with five page views.", rnd.Uint32(), rnd.Uint32())
		case connectors.TypeNumber:
			text("%d.%d", rnd.IntN(100), rnd.IntN(10))
		case connectors.TypeDateTime:
			text("%s", l.start.Format(time.RFC3339))
		default:
			text("%x", rnd.Uint32())
		}
	}
	return b
}

func (l *load) patch(rnd *rand.Rand, ref connectors.Ref) connectors.Patch {
	f := map[string]string{}
	for _, d := range connectors.PersonFields().Fields {
		switch d.Type {
		case connectors.TypeNumber:
			f[d.Name] = fmt.Sprint(rnd.IntN(100))
		case connectors.TypeLongText:
			f[d.Name] = strings.Repeat(fmt.Sprintf("%x ", rnd.Uint64()), 20)
		default:
			if !d.RepEdits {
				f[d.Name] = fmt.Sprintf("%x", rnd.Uint32())
			}
		}
	}
	return connectors.Patch{Ref: ref, Fields: f}
}

// discover enters the people as a first sync does: page by page.
func (l *load) discover(tb testing.TB) {
	const page = 100
	for from := 0; from < l.people; from += page {
		err := l.db.update(func(tx *txn) error {
			for i := from; i < min(from+page, l.people); i++ {
				id, err := tx.NewPerson()
				if err != nil {
					return err
				}
				ref := l.ref(i)
				if err := tx.PutPerson(id, &Person{Contacts: []connectors.Ref{ref}}); err != nil {
					return err
				}
				if err := tx.PutContact(ref, &Contact{Person: id, Inputs: rand.Uint64(), Checked: true}); err != nil {
					return err
				}
				if err := tx.SetIdentity(LinkEmail, fmt.Sprintf("p%d@example.com", i), id); err != nil {
					return err
				}
				if err := tx.Enqueue(id, Backfill, ReasonNew, l.start); err != nil {
					return err
				}
			}
			return tx.SetCursor("hubspot", binary.BigEndian.AppendUint64(nil, uint64(from)))
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// work takes everybody through claim, stage, send and acknowledgement, lots in parallel.
func (l *load) work(tb testing.TB) {
	var wg sync.WaitGroup
	for w := range l.workers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 1))
			for {
				entries, err := l.db.Claim(l.start, l.lot)
				if err != nil {
					tb.Error(err)
					return
				}
				if len(entries) == 0 {
					return
				}
				if err := l.settle(rnd, entries); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func (l *load) settle(rnd *rand.Rand, entries []Entry) error {
	patches := make([]*Pending, 0, len(entries))
	for _, e := range entries {
		p := &Pending{Person: e.Person, Patch: l.patch(rnd, l.ref(int(e.Person)-1)), Staged: l.start, Inputs: 7, Score: int32(rnd.IntN(1000)),
			Receipt: l.receipt(rnd, e.Person)}
		if l.seal {
			p.Receipt = l.db.SealReceipt(p.Receipt)
		}
		features, shown := make([]byte, 100), make([]byte, 24)
		for i := range features {
			features[i] = byte(rnd.Uint32())
		}
		p.Next = &Person{Contacts: []connectors.Ref{p.Patch.Ref}, Events: rnd.Uint64(), Extraction: 11, Scoring: 12, Features: features, Shown: shown,
			Tier: Tier(2 + rnd.IntN(3)), Standing: Standing{Score: uint16(p.Score), Evidence: uint8(1 + rnd.IntN(3)), Trend: 2, Stage: 1},
			Sources: []SourceCount{{Source: "site", Events: 20}}, Due: l.start.Add(time.Duration(rnd.IntN(60*24)) * time.Hour)}
		patches = append(patches, p)
	}
	if err := l.db.update(func(tx *txn) error { // stage
		for i, p := range patches {
			if err := tx.Stage(p); err != nil {
				return err
			}
			if _, err := tx.Done(entries[i]); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for len(patches) > 0 { // send and acknowledge, as many as a CRM takes at once
		batch := patches[:min(100, len(patches))]
		patches = patches[len(batch):]
		answers := make([]Answer, len(batch))
		for i, p := range batch {
			answers[i] = Answer{Ref: p.Patch.Ref, Seq: p.Seq, Modified: l.start.Add(2345 * time.Millisecond)}
		}
		sum, err := l.db.Acknowledge(answers, 1, "2026-11-21", l.start.Add(1234*time.Millisecond))
		if err == nil && sum.Written != len(batch) {
			err = fmt.Errorf("%+v of %d", sum, len(batch))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkSettle measures people per second through the whole of the state's part, with fsync, and what they then take.
func BenchmarkSettle(b *testing.B) {
	for _, people := range []int{100_000} {
		b.Run(fmt.Sprint(people), func(b *testing.B) {
			for range b.N {
				path := filepath.Join(b.TempDir(), "s.db")
				db, err := Open(path, Options{})
				if err != nil {
					b.Fatal(err)
				}
				l := &load{db: db, start: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), people: people, lot: 200, workers: 8, seal: true}
				t0 := time.Now()
				l.discover(b)
				t1 := time.Now()
				l.work(b)
				t2 := time.Now()
				b.ReportMetric(float64(people)/t1.Sub(t0).Seconds(), "discovered/s")
				b.ReportMetric(float64(people)/t2.Sub(t1).Seconds(), "settled/s")
				report(b, db, people)
				s := db.Stats()
				b.ReportMetric(float64(s.Calls)/float64(s.Commits), "calls/commit")
				if err := db.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// report prints what a person takes, by the pages that hold their data: what the file has grown by, without the room that
// the queue and the journal have left for the next.
func report(b *testing.B, db *DB, people int) {
	sizes, err := db.Sizes()
	if err != nil {
		b.Fatal(err)
	}
	var core int64
	for _, name := range []string{"people", "contacts", "due", "identities", "rank"} {
		core += sizes[name].Pages
		b.Logf("%-12s %6.1f B a person in pages, %6.1f used", name, float64(sizes[name].Pages)/float64(people), float64(sizes[name].Used)/float64(people))
	}
	for _, name := range []string{"receipts", "receipt-age", "history", "queue", "queued", "journal", "unsent"} {
		b.Logf("%-12s %6.1f B a person in pages, %6.1f used", name, float64(sizes[name].Pages)/float64(people), float64(sizes[name].Used)/float64(people))
	}
	b.ReportMetric(float64(core)/float64(people), "B/person")
	b.ReportMetric(float64(sizes["receipts"].Pages+sizes["receipt-age"].Pages)/float64(people), "receiptB/person")
	s := db.Stats()
	b.ReportMetric(float64(s.FileBytes)/float64(people), "fileB/person")
	if info, err := os.Stat(s.Path); err == nil {
		b.Logf("file %d MB, free %d MB", info.Size()>>20, s.FreeBytes>>20)
	}
}

// BenchmarkSeal measures what compressing one receipt takes, and what the dictionary saves.
func BenchmarkSeal(b *testing.B) {
	db := openAt(b, filepath.Join(b.TempDir(), "s.db"), Options{})
	l := &load{db: db, start: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	rnd := rand.New(rand.NewPCG(1, 1))
	receipts := make([][]byte, 100)
	for i := range receipts {
		receipts[i] = l.receipt(rnd, PersonID(i+1))
	}
	var plain, sealed, without int
	for _, r := range receipts {
		plain += len(r)
		sealed += len(db.SealReceipt(r))
		without += len(s2.Encode(nil, r))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		db.SealReceipt(receipts[i%len(receipts)])
	}
	b.ReportMetric(float64(plain)/100, "B-plain")
	b.ReportMetric(float64(sealed)/100, "B-sealed")
	b.ReportMetric(float64(without)/100, "B-without-dict")
}
