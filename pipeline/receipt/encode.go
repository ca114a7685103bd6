package receipt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/fit"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

// The stored form begins with its version, so that a later release reads what this one wrote. A text stands in it once: an
// event's id, its source and a topic's name come up a dozen times in a receipt.
//
// The form is packed by hand because JSON was measured and costs more. Compressed as the state does, each with a dictionary made of its
// own kind, a receipt takes 1,992 bytes packed and 2,206 as JSON (3,000 people with 1 to 60 events of random ids); in the demo 751 and
// 900. Writing takes 25 µs against 53 and reading 15 µs against 217, once and often several times a person in a pass that takes
// 650 µs a person in all. The reader would have to stay in any case, for the receipts of earlier releases.
const (
	version       = 5
	beforePoints  = 4 // without the parts of a learned model
	beforeVerdict = 3 // without Verdict and Provisional
	beforeLeft    = 2 // without LeftOut and what Filtered counts since, too; never 1: the state takes such a receipt for a compressed one
)

// withFit is the mark beside the version that says: the person was graded, and the grade follows. Most are not.
const withFit = 1 << 6

func (w *writer) fit(r *Receipt) {
	w.text(r.Fit.Grade)
	w.ints(r.Fit.Points)
	w.count(len(r.Fit.Rules), r.Fit.Rules == nil)
	for _, l := range r.Fit.Rules {
		w.texts(l.Property, l.Value)
		w.ints(l.Points)
	}
	w.list(r.Fit.Missing)
	w.bool(r.Combined)
}

func (d *reader) fit(r *Receipt) {
	r.Graded, r.Fit.Grade = true, d.text()
	d.ints(&r.Fit.Points)
	r.Fit.Rules = listOf(d, func(l *fit.Line) {
		d.texts(&l.Property, &l.Value)
		d.ints(&l.Points)
	})
	r.Fit.Missing, r.Combined = d.list(), d.bool()
}

// Append writes r behind b. Of the settings it writes only the given hash, of the features the given stored form: thousands of
// receipts share the former, and the caller has the latter at hand.
func (r *Receipt) Append(b []byte, settings uint64, features []byte) []byte {
	w := writers.Get().(*writer)
	w.b = append(b, version)
	if r.Graded {
		w.b[len(b)] |= withFit
	}
	w.receipt(r, settings, features)
	if r.Graded {
		w.fit(r)
	}
	b = w.b
	w.b = nil
	clear(w.number)
	writers.Put(w)
	return b
}

// Decode reads what Append wrote; the settings are left to the caller. It refuses what this release cannot read or what is
// cut off or has a tail.
func Decode(b []byte) (r *Receipt, settings uint64, err error) {
	d := reader{b: b}
	v := d.byte()
	graded := v&withFit != 0
	v &^= withFit
	if (v < beforeLeft || v > version) && d.err == nil {
		return nil, 0, fmt.Errorf("receipt: the stored form has version %d, this release reads versions %d to %d", v, beforeLeft, version)
	}
	if r, settings = d.receipt(v); graded {
		d.fit(r)
	}
	if d.err == nil && len(d.b) > 0 {
		d.err = errors.New("bytes are left over")
	}
	if d.err != nil {
		return nil, 0, fmt.Errorf("receipt: read the stored form: %w", d.err)
	}
	return r, settings, nil
}

func (w *writer) receipt(r *Receipt, settings uint64, features []byte) {
	w.text(r.Person)
	w.time(r.At)
	w.text(r.Formula)
	w.b = binary.LittleEndian.AppendUint64(w.b, settings)
	p := &r.Parts
	w.bool(p.Known)
	w.ints(p.Score, p.Volume.Component, p.Volume.Weight, p.Volume.Contribution, p.Recency.Component, p.Recency.Weight, p.Recency.Contribution,
		p.Topics.Component, p.Topics.Weight, p.Topics.Contribution, p.Signals, p.Days, p.Base, p.Bonus, p.Interest)
	w.int(p.Newest)
	w.uint(uint64(len(features)))
	w.b = append(w.b, features...)

	w.count(len(r.Signals), r.Signals == nil)
	for i := range r.Signals {
		l := &r.Signals[i]
		w.texts(l.EventID, l.Source, l.Kind, l.Object, l.Title, string(l.Act))
	}
	w.count(len(r.Cited), r.Cited == nil)
	for i := range r.Cited {
		l := &r.Cited[i]
		w.texts(l.EventID, l.Source, l.Kind)
		w.time(l.Time)
	}
	w.count(len(r.Topics), r.Topics == nil)
	for i := range r.Topics {
		l := &r.Topics[i]
		w.texts(l.Journey, l.Configured, l.How)
		w.bool(l.Win)
		w.bool(l.Counted)
		w.ints(l.Points)
		w.list(l.Events)
	}

	w.b = append(w.b, byte(r.Tier), byte(r.Stage), byte(r.Trend), byte(r.Interest))
	w.texts(string(r.Rule), r.Product)
	s := &r.Previous
	w.bool(s.Known)
	w.ints(s.Score)
	w.b = append(w.b, byte(s.Tier), byte(s.Stage), byte(s.Trend), byte(s.Interest))
	w.text(s.Product)
	w.b = binary.LittleEndian.AppendUint64(w.b, s.Topics)
	w.time(s.Written)
	w.time(s.Since)
	w.time(r.Forecast.Due)
	w.time(r.Forecast.CoolsOn)
	w.ints(r.Forecast.Below)

	w.intent(&r.Intent)

	f := &r.Filtered
	w.ints(f.Duplicates, f.Bots, f.Internal, f.NoConsent, f.Customer, f.Excluded, f.Outside, f.Foreign, f.Machines, f.Sensitive)
	w.count(len(r.LeftOut), r.LeftOut == nil)
	for i := range r.LeftOut {
		l := &r.LeftOut[i]
		w.text(l.Why)
		w.ints(l.N)
		w.time(l.Last)
	}
	w.list(r.Stale)
	w.list(r.Degraded)
	w.values(r.Written)
	w.list(r.Held)
	w.count(len(r.Refs), r.Refs == nil)
	for _, ref := range r.Refs {
		w.texts(ref.CRM, ref.Object, ref.ID)
	}
	w.texts(r.Reason, r.Verdict)
	w.bool(r.Provisional)
	w.ints(p.Offset, p.Points, p.Clamp)
	w.count(len(r.Points), r.Points == nil)
	for _, x := range r.Points {
		w.ints(x.Term, x.Tenths)
		w.uint(uint64(math.Float32bits(x.Value)))
	}
}

func (d *reader) receipt(version byte) (r *Receipt, settings uint64) {
	r = new(Receipt)
	r.Person = d.text()
	r.At = d.time()
	r.Formula = d.text()
	settings = d.uint64()
	p := &r.Parts
	p.Known = d.bool()
	d.ints(&p.Score, &p.Volume.Component, &p.Volume.Weight, &p.Volume.Contribution, &p.Recency.Component, &p.Recency.Weight, &p.Recency.Contribution,
		&p.Topics.Component, &p.Topics.Weight, &p.Topics.Contribution, &p.Signals, &p.Days, &p.Base, &p.Bonus, &p.Interest)
	p.Newest = d.int()
	if features := d.take(d.uint()); d.err == nil {
		r.Features, d.err = score.DecodeFeatures(features)
	}

	r.Signals = listOf(d, func(l *SignalLine) {
		d.texts(&l.EventID, &l.Source, &l.Kind, &l.Object, &l.Title)
		if version > beforeLeft {
			l.Act = act.Act(d.text())
		}
	})
	r.Cited = listOf(d, func(l *CitedLine) {
		d.texts(&l.EventID, &l.Source, &l.Kind)
		l.Time = d.time()
	})
	r.Topics = listOf(d, func(l *TopicLine) {
		d.texts(&l.Journey, &l.Configured, &l.How)
		l.Win, l.Counted = d.bool(), d.bool()
		d.ints(&l.Points)
		l.Events = d.list()
	})

	r.Tier, r.Stage, r.Trend, r.Interest = score.Tier(d.byte()), score.Stage(d.byte()), score.Trend(d.byte()), score.Interest(d.byte())
	r.Rule, r.Product = score.Rule(d.text()), d.text()
	s := &r.Previous
	s.Known = d.bool()
	d.ints(&s.Score)
	s.Tier, s.Stage, s.Trend, s.Interest = score.Tier(d.byte()), score.Stage(d.byte()), score.Trend(d.byte()), score.Interest(d.byte())
	s.Product = d.text()
	s.Topics = d.uint64()
	s.Written, s.Since = d.time(), d.time()
	r.Forecast.Due, r.Forecast.CoolsOn = d.time(), d.time()
	d.ints(&r.Forecast.Below)

	d.intent(&r.Intent, version)

	f := &r.Filtered
	d.ints(&f.Duplicates, &f.Bots, &f.Internal, &f.NoConsent, &f.Customer, &f.Excluded, &f.Outside, &f.Foreign)
	if version > beforeLeft {
		d.ints(&f.Machines, &f.Sensitive)
		r.LeftOut = listOf(d, func(l *journey.LeftOut) {
			l.Why = d.text()
			d.ints(&l.N)
			l.Last = d.time()
		})
	}
	r.Stale, r.Degraded = d.list(), d.list()
	r.Written = d.values()
	r.Held = d.list()
	r.Refs = listOf(d, func(ref *connectors.Ref) { d.texts(&ref.CRM, &ref.Object, &ref.ID) })
	r.Reason = d.text()
	if version > beforeVerdict {
		r.Verdict, r.Provisional = d.text(), d.bool()
	}
	if version > beforePoints {
		d.ints(&p.Offset, &p.Points, &p.Clamp)
		r.Points = listOf(d, func(x *score.Points) {
			d.ints(&x.Term, &x.Tenths)
			x.Value = math.Float32frombits(uint32(d.uint()))
		})
	}
	return r, settings
}

func (w *writer) intent(in *intent.Intent) {
	w.sentence(&in.Headline)
	w.count(len(in.Sentences), in.Sentences == nil)
	for i := range in.Sentences {
		w.sentence(&in.Sentences[i])
	}
	w.sentence(&in.NextStep)
	w.count(len(in.Topics), in.Topics == nil)
	for i := range in.Topics {
		t := &in.Topics[i]
		w.text(t.Name)
		w.list(t.Cites)
		w.bool(t.Trusted)
	}
	w.b = append(w.b, byte(in.Stage), byte(in.Interest), byte(in.Tier))
	w.texts(in.Product, in.Engine, in.Degraded, in.Prompt)
	u := &in.Usage
	w.ints(u.Calls, u.In, u.Out, u.Thoughts, u.Cached)
	w.int(u.MicroUSD)
	w.sentence(&in.NextLow)
	w.count(len(in.Later), in.Later == nil)
	for i := range in.Later {
		l := &in.Later[i]
		w.time(l.From)
		w.sentence(&l.Headline)
		w.count(len(l.Sentences), l.Sentences == nil)
		for k := range l.Sentences {
			w.sentence(&l.Sentences[k])
		}
		w.sentence(&l.NextStep)
	}
	w.text(string(in.Class))
	w.count(len(in.Marks), in.Marks == nil)
	for _, m := range in.Marks {
		w.text(string(m.What))
		w.int(m.At)
	}
}

func (d *reader) intent(in *intent.Intent, version byte) {
	sentence := func(s *intent.Sentence) { s.Text, s.Cites = d.text(), d.list() }
	sentence(&in.Headline)
	in.Sentences = listOf(d, sentence)
	sentence(&in.NextStep)
	in.Topics = listOf(d, func(t *intent.Topic) { t.Name, t.Cites, t.Trusted = d.text(), d.list(), d.bool() })
	in.Stage, in.Interest, in.Tier = score.Stage(d.byte()), score.Interest(d.byte()), score.Tier(d.byte())
	d.texts(&in.Product, &in.Engine, &in.Degraded, &in.Prompt)
	u := &in.Usage
	d.ints(&u.Calls, &u.In, &u.Out, &u.Thoughts, &u.Cached)
	u.MicroUSD = d.int()
	if version == beforeLeft {
		return
	}
	sentence(&in.NextLow)
	in.Later = listOf(d, func(l *intent.Later) {
		l.From = d.time()
		sentence(&l.Headline)
		l.Sentences = listOf(d, sentence)
		sentence(&l.NextStep)
	})
	in.Class = intent.Class(d.text())
	in.Marks = listOf(d, func(m *intent.Mark) { m.What, m.At = intent.MarkKind(d.text()), d.int() })
}

func (w *writer) sentence(s *intent.Sentence) {
	w.text(s.Text)
	w.list(s.Cites)
}

// writer appends to b. number tells which text of the receipt one is, counted from 1.
type writer struct {
	b      []byte
	number map[string]uint64
}

var writers = sync.Pool{New: func() any { return &writer{number: make(map[string]uint64, 64)} }}

func (w *writer) uint(v uint64) { w.b = binary.AppendUvarint(w.b, v) }
func (w *writer) int(v int64)   { w.b = binary.AppendVarint(w.b, v) }

func (w *writer) ints(vs ...int) {
	for _, v := range vs {
		w.int(int64(v))
	}
}

func (w *writer) bool(v bool) {
	if v {
		w.b = append(w.b, 1)
	} else {
		w.b = append(w.b, 0)
	}
}

// text writes 0 and a text that is new, or the number of one that came before.
func (w *writer) text(s string) {
	n, ok := w.number[s]
	w.uint(n)
	if !ok {
		w.number[s] = uint64(len(w.number)) + 1
		w.uint(uint64(len(s)))
		w.b = append(w.b, s...)
	}
}

func (w *writer) texts(list ...string) {
	for _, s := range list {
		w.text(s)
	}
}

// count writes 0 for a list that is nil, else one more than its length.
func (w *writer) count(n int, none bool) {
	if none {
		w.uint(0)
	} else {
		w.uint(uint64(n) + 1)
	}
}

func (w *writer) list(l []string) {
	w.count(len(l), l == nil)
	w.texts(l...)
}

// values writes the canonical fields in their order, then any others in that of their names.
func (w *writer) values(m map[string]string) {
	w.count(len(m), m == nil)
	left := len(m)
	own := connectors.AllPersonFields()
	for _, f := range own.Fields {
		if v, ok := m[f.Name]; ok {
			w.texts(f.Name, v)
			left--
		}
	}
	if left == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if _, known := own.Named(name); !known {
			w.texts(name, m[name])
		}
	}
}

// time writes a length and the form of package time, which keeps nanoseconds and the offset of the zone.
func (w *writer) time(t time.Time) {
	at := len(w.b)
	b, err := t.AppendBinary(append(w.b, 0))
	if err != nil { // an offset that no zone has
		b, _ = t.UTC().AppendBinary(b[:at+1])
	}
	b[at] = byte(len(b) - at - 1)
	w.b = b
}

// reader takes values off the front of b and remembers the first thing that went wrong; from then on it reads zeros.
type reader struct {
	b    []byte
	seen []string
	err  error
}

var errCut = errors.New("it is cut off")

func (d *reader) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.b = nil
}

func (d *reader) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail(errCut)
		return nil
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

func (d *reader) byte() byte {
	if v := d.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (d *reader) bool() bool { return d.byte() != 0 }

func (d *reader) uint64() uint64 {
	if v := d.take(8); v != nil {
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}

func (d *reader) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail(errCut)
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *reader) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail(errCut)
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *reader) ints(vs ...*int) {
	for _, v := range vs {
		*v = int(d.int())
	}
}

func (d *reader) text() string {
	n := d.uint()
	if d.err != nil {
		return ""
	}
	if n > uint64(len(d.seen)) {
		d.fail(errors.New("it refers to a text that it does not hold"))
		return ""
	}
	if n > 0 {
		return d.seen[n-1]
	}
	s := string(d.take(d.uint()))
	d.seen = append(d.seen, s)
	return s
}

func (d *reader) texts(list ...*string) {
	for _, s := range list {
		*s = d.text()
	}
}

func (d *reader) list() []string { return listOf(d, func(s *string) { *s = d.text() }) }

// listOf reads a list whose elements take a byte each at least.
func listOf[T any](d *reader, element func(*T)) []T {
	n := d.uint()
	if n == 0 || d.err != nil {
		return nil
	}
	if n--; n > uint64(len(d.b)) {
		d.fail(errors.New("it counts more than it holds"))
		return nil
	}
	list := make([]T, n)
	for i := range list {
		element(&list[i])
	}
	return list
}

func (d *reader) values() map[string]string {
	n := d.uint()
	if n == 0 || d.err != nil {
		return nil
	}
	if n--; n > uint64(len(d.b)) {
		d.fail(errors.New("it counts more than it holds"))
		return nil
	}
	m := make(map[string]string, min(n, 32))
	for ; n > 0 && d.err == nil; n-- {
		name := d.text()
		m[name] = d.text()
	}
	return m
}

func (d *reader) time() (t time.Time) {
	if v := d.take(uint64(d.byte())); d.err == nil {
		if err := t.UnmarshalBinary(v); err != nil {
			d.fail(err)
		}
	}
	return t
}
