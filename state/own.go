package state

import (
	"math/bits"
	"slices"
)

// OwnFields is what is kept of intentd's own fields in one record, by the Number of a field in its set (connectors.FieldSet). It is of
// any length; what lies behind its end was never written. Copies share their memory: whoever changes one clones it first.
type OwnFields []OwnField

// OwnField is what is kept of one own field of a record.
type OwnField struct {
	Wrote uint32 // FieldHash of the value as the CRM last acknowledged it; 0: never written
	Held  bool   // a person changed it since: theirs until they empty it or a release lets it go
}

// At is what is kept of the field with a number.
func (o OwnFields) At(number int) OwnField {
	if number < 0 || number >= len(o) {
		return OwnField{}
	}
	return o[number]
}

// Set keeps f of the field with a number.
func (o *OwnFields) Set(number int, f OwnField) {
	for len(*o) <= number {
		if f == (OwnField{}) {
			return
		}
		*o = append(*o, OwnField{})
	}
	(*o)[number] = f
}

// Wrote keeps the hash of what the field with a number holds, and leaves alone whose it is.
func (o *OwnFields) Wrote(number int, hash uint32) {
	o.Set(number, OwnField{Wrote: hash, Held: o.At(number).Held})
}

// Held says whether a person holds any of the fields.
func (o OwnFields) Held() bool {
	return slices.ContainsFunc(o, func(f OwnField) bool { return f.Held })
}

// change makes the changes that lead from was to is.
func (o *OwnFields) change(was, is OwnFields) {
	for n := range max(len(was), len(is)) {
		from, to, f := was.At(n), is.At(n), o.At(n)
		if from.Wrote != to.Wrote {
			f.Wrote = to.Wrote
		}
		if from.Held != to.Held {
			f.Held = to.Held
		}
		o.Set(n, f)
	}
}

// The stored form: which fields have a hash, the hashes in the order of the numbers, and, where a person holds any, which ones. A hash
// has four bytes where wide, else three.

func (o OwnFields) wide() bool {
	return slices.ContainsFunc(o, func(f OwnField) bool { return f.Wrote >= 1<<24 })
}

func (o OwnFields) appendWrote(b []byte, wide bool) []byte {
	b = appendNumbers(b, len(o), func(n int) bool { return o[n].Wrote != 0 })
	for _, f := range o {
		switch h := f.Wrote; {
		case h == 0:
		case wide:
			b = append(b, byte(h>>24), byte(h>>16), byte(h>>8), byte(h))
		default:
			b = append(b, byte(h>>16), byte(h>>8), byte(h))
		}
	}
	return b
}

func (o OwnFields) appendHeld(b []byte) []byte {
	return appendNumbers(b, len(o), func(n int) bool { return o[n].Held })
}

func (o *OwnFields) readWrote(r *reader, wide bool) {
	set := r.numbers()
	if set.len() == 0 {
		return
	}
	*o = make(OwnFields, set.len())
	for n := range *o {
		switch {
		case !set.has(n):
		case wide:
			(*o)[n].Wrote = r.uint32()
		default:
			if h := r.take(3); h != nil {
				(*o)[n].Wrote = uint32(h[0])<<16 | uint32(h[1])<<8 | uint32(h[2])
			}
		}
	}
}

func (o *OwnFields) readHeld(r *reader) {
	set := r.numbers()
	for n := range set.len() {
		if set.has(n) {
			o.Set(n, OwnField{Wrote: o.At(n).Wrote, Held: true})
		}
	}
}

// numbers is a stored set of small numbers: seven in a byte, the lowest first, the high bit of a byte set if another follows. Up to 64
// numbers that is the form of a uvarint, in which older files hold it.
type numbers []byte

// appendNumbers stores which numbers under n are in a set.
func appendNumbers(b []byte, n int, has func(int) bool) []byte {
	start := len(b)
	b = append(b, 0)
	for i := range n {
		if !has(i) {
			continue
		}
		for len(b)-start <= i/7 {
			b[len(b)-1] |= 0x80
			b = append(b, 0)
		}
		b[start+i/7] |= 1 << (i % 7)
	}
	return b
}

func (r *reader) numbers() numbers {
	end := slices.IndexFunc(r.b, func(c byte) bool { return c < 0x80 })
	if end < 0 {
		r.bad, r.b = true, nil
		return nil
	}
	return r.take(uint64(end) + 1)
}

func (s numbers) has(n int) bool { return n/7 < len(s) && s[n/7]&(1<<(n%7)) != 0 }

// len is one more than the highest number.
func (s numbers) len() int {
	for i := len(s) - 1; i >= 0; i-- {
		if c := s[i] &^ 0x80; c != 0 {
			return 7*i + bits.Len8(c)
		}
	}
	return 0
}
