package state

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// A record's key is the number of its kind (CRM and object, from the table of names) and its id, packed: decimal ids
// as big-endian integers led by their length, so that they sort as numbers and a walk in id order appends; Salesforce's 18
// characters as 12 bytes, since they are 15 base-62 digits and a checksum; anything else as it is.

const (
	idBase62 = 0x09 // after the tags 1 to 8, which are lengths of integers
	idText   = 0x0a
)

// appendKind is prefix-free and keeps the order of n.
func appendKind(b []byte, n uint32) []byte {
	if n < 0xff {
		return append(b, byte(n))
	}
	return binary.BigEndian.AppendUint32(append(b, 0xff), n)
}

func (r *reader) kind() uint32 {
	if n := r.byte(); n < 0xff {
		return uint32(n)
	}
	return r.uint32()
}

// appendID packs id; it is the rest of a key, so that text needs no length.
func appendID(b []byte, id string) []byte {
	if n, ok := decimal(id); ok {
		width := 1
		for v := n >> 8; v > 0; v >>= 8 {
			width++
		}
		b = append(b, byte(width))
		for i := width - 1; i >= 0; i-- {
			b = append(b, byte(n>>(8*i)))
		}
		return b
	}
	if len(id) == 18 && strings.HasSuffix(id, salesforceSuffix(id[:15])) {
		if hi, ok := base62(id[:8]); ok {
			if lo, ok := base62(id[8:15]); ok {
				return appendUint48(appendUint48(append(b, idBase62), hi), lo)
			}
		}
	}
	return append(append(b, idText), id...)
}

// id unpacks what appendID wrote; text takes all that is left.
func (r *reader) id() string {
	switch tag := r.byte(); {
	case tag >= 1 && tag <= 8:
		var n uint64
		for _, c := range r.take(uint64(tag)) {
			n = n<<8 | uint64(c)
		}
		return strconv.FormatUint(n, 10)
	case tag == idBase62:
		v := r.take(12)
		if v == nil {
			return ""
		}
		s := unbase62(uint48(v[:6]), 8) + unbase62(uint48(v[6:]), 7)
		return s + salesforceSuffix(s)
	case tag == idText:
		return string(r.take(uint64(len(r.b))))
	}
	r.bad = true
	return ""
}

// decimal is the value of id if formatting that gives id again.
func decimal(id string) (uint64, bool) {
	if id == "" || len(id) > 19 || id[0] == '0' {
		return 0, false
	}
	var n uint64
	for i := range len(id) {
		c := id[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	return n, true
}

const base62Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func base62(s string) (uint64, bool) {
	var n uint64
	for i := range len(s) {
		d := strings.IndexByte(base62Digits, s[i])
		if d < 0 {
			return 0, false
		}
		n = n*62 + uint64(d)
	}
	return n, true
}

func unbase62(n uint64, width int) string {
	b := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		b[i] = base62Digits[n%62]
		n /= 62
	}
	return string(b)
}

// salesforceSuffix is the checksum that makes a 15-character Salesforce id safe for systems that ignore case: per five
// characters one letter of A–Z0–5, whose bits say which of the five are upper case.
func salesforceSuffix(id15 string) string {
	var out [3]byte
	for i := range out {
		bits := 0
		for j := range 5 {
			if c := id15[i*5+j]; c >= 'A' && c <= 'Z' {
				bits |= 1 << j
			}
		}
		out[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
	}
	return string(out[:])
}

// refKey appends the key of ref. create enters a kind that is new into the table; without it ok is false for an unknown one.
func (tx *txn) refKey(b []byte, ref connectors.Ref, create bool) (key []byte, ok bool, err error) {
	kind, ok, err := tx.kindOf(ref.CRM, ref.Object, create)
	if !ok || err != nil {
		return nil, false, err
	}
	return appendID(appendKind(b, kind), ref.ID), true, nil
}

// ref takes a key apart.
func (tx *txn) ref(key []byte) (connectors.Ref, error) {
	r := reader{b: key}
	name, err := tx.nameOf(r.kind())
	if err != nil {
		return connectors.Ref{}, err
	}
	crm, object, ok := strings.Cut(name, "\x00")
	ref := connectors.Ref{CRM: crm, Object: object, ID: r.id()}
	if r.bad || !ok {
		return connectors.Ref{}, damaged("key")
	}
	return ref, nil
}

// maxPerson is the highest person number: the 30 bits below the kind, as much as an identity entry holds.
const maxPerson = 1<<30 - 1

func checkPerson(id PersonID) error {
	if id == 0 || id > math.MaxUint32 || id.Subject() != connectors.PersonSubject {
		return fmt.Errorf("state: no person %d", id)
	}
	return nil
}

// personKey is the key of a person. A number that nobody can have leads to nobody, rather than to whom its low bits name.
func personKey(b []byte, id PersonID) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(min(id, math.MaxUint32)))
}
