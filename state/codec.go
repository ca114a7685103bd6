package state

import (
	"encoding/binary"
	"time"
)

// The encodings are by hand: varints, no field names, no reflection. A writer appends to a byte slice; a reader takes
// apart and remembers that something was wrong, so that callers check once, at the end.

type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n uint64) []byte {
	if uint64(len(r.b)) < n {
		r.bad, r.b = true, nil
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if v := r.take(4); v != nil {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if v := r.take(8); v != nil {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count is the length of a list whose items take at least one byte each: a damaged one cannot ask for absurd room.
func (r *reader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return 0
	}
	return int(n)
}

// view is a length-prefixed field inside the buffer, valid as long as that is.
func (r *reader) view() []byte { return r.take(r.uvarint()) }

// bytes is a copy of a length-prefixed field; nil if empty.
func (r *reader) bytes() []byte {
	v := r.view()
	if len(v) == 0 {
		return nil
	}
	return append([]byte(nil), v...)
}

func (r *reader) string() string { return string(r.view()) }

func appendBytes(b, v []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

func appendString(b []byte, v string) []byte {
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

// epoch is where stored times count from: near enough to keep whole seconds in four to five bytes.
const epoch = 1577836800 // 2020-01-01T00:00:00Z

// appendTime stores t to the millisecond: 0 for the zero time, else one more than the zigzagged distance from the epoch,
// in seconds (low bit 0) or milliseconds (low bit 1).
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	ms := t.UnixMilli() - epoch*1000
	v, unit := ms, uint64(1)
	if ms%1000 == 0 {
		v, unit = ms/1000, 0
	}
	zigzag := uint64(v<<1) ^ uint64(v>>63)
	return binary.AppendUvarint(b, (zigzag<<1|unit)+1)
}

func (r *reader) time() time.Time {
	v := r.uvarint()
	if v == 0 {
		return time.Time{}
	}
	v--
	unit, zigzag := v&1, v>>1
	n := int64(zigzag>>1) ^ -int64(zigzag&1)
	if unit == 0 {
		n *= 1000
	}
	return time.UnixMilli(n + epoch*1000).UTC()
}

// appendTimeNear stores t to the millisecond in few bytes if it is close to a time that is stored already.
func appendTimeNear(b []byte, t, near time.Time) []byte {
	if t.IsZero() || near.IsZero() {
		return appendTime(append(b, 0), t)
	}
	delta := t.UnixMilli() - near.UnixMilli()
	return binary.AppendUvarint(b, (uint64(delta<<1)^uint64(delta>>63))+1)
}

func (r *reader) timeNear(near time.Time) time.Time {
	v := r.uvarint()
	if v == 0 {
		return r.time()
	}
	v--
	return time.UnixMilli(near.UnixMilli() + (int64(v>>1) ^ -int64(v&1))).UTC()
}

// seconds is t in whole Unix seconds, rounded up and clamped to 32 bits (to the year 2106): the time of an index key.
func seconds(t time.Time) uint32 {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return uint32(min(max(s, 0), 1<<32-1))
}

// millis is t in Unix milliseconds, clamped to the 48 bits of a key.
func millis(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(min(max(t.UnixMilli(), 0), 1<<48-1))
}

func appendUint48(b []byte, v uint64) []byte {
	return append(b, byte(v>>40), byte(v>>32), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

func uint48(b []byte) uint64 {
	return uint64(b[0])<<40 | uint64(b[1])<<32 | uint64(b[2])<<24 | uint64(b[3])<<16 | uint64(b[4])<<8 | uint64(b[5])
}
