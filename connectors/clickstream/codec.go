package clickstream

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// The texts of an event in the order of their bits. The order is part of the file format: append only.
const (
	textKind = iota
	textSource
	textEmail
	textPhone
	textUserID
	textAnonymousID
	textSession
	textUserAgent
	textURL
	textPageTitle
	textElementText
	textElementID
	textReferrer
	textScreenshot
	textConsent
	textCount

	bitProperties = textCount
	bitProposed   = bitProperties + 1
)

// texts are the text fields of e, indexed by the constants above.
func texts(e *connectors.Event) [textCount]*string {
	return [textCount]*string{
		&e.Kind, &e.Source, &e.Email, &e.Phone, &e.UserID, &e.AnonymousID, &e.Session, &e.UserAgent,
		&e.URL, &e.PageTitle, &e.ElementText, &e.ElementID, &e.Referrer, &e.Screenshot, &e.Consent,
	}
}

// appendEvent encodes e after prev, the event before it in the same run (an empty one at the start of a run): only the
// texts that differ are written, since neighbours share who, where and with what. e must not be older than prev.
func appendEvent(dst []byte, prev, e *connectors.Event, first bool) []byte {
	at, received := e.Time.UnixMicro(), e.Received.UnixMicro()
	if first {
		dst = binary.AppendVarint(dst, at)
		dst = binary.AppendVarint(dst, received-at)
	} else {
		dst = binary.AppendUvarint(dst, uint64(at-prev.Time.UnixMicro()))
		dst = binary.AppendVarint(dst, received-prev.Received.UnixMicro())
	}
	dst = appendText(dst, e.ID)
	now, before := texts(e), texts(prev)
	var mask uint64
	for i := range now {
		if *now[i] != *before[i] {
			mask |= 1 << i
		}
	}
	if len(e.Properties) > 0 {
		mask |= 1 << bitProperties
	}
	if e.Proposed {
		mask |= 1 << bitProposed
	}
	dst = binary.AppendUvarint(dst, mask)
	for i := range now {
		if mask&(1<<i) != 0 {
			dst = appendText(dst, *now[i])
		}
	}
	if len(e.Properties) > 0 {
		dst = binary.AppendUvarint(dst, uint64(len(e.Properties)))
		if len(e.Properties) == 1 {
			for k, v := range e.Properties {
				dst = appendText(appendText(dst, k), v)
			}
			return dst
		}
		for _, k := range slices.Sorted(maps.Keys(e.Properties)) {
			dst = appendText(appendText(dst, k), e.Properties[k])
		}
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// errDamaged says that bytes on disk are not what was written.
var errDamaged = errors.New("damaged data")

// reader decodes what append… wrote. Texts it returns share the memory of its input. After damage every read fails.
type reader struct {
	s   string
	bad bool
}

func (r *reader) uvarint() uint64 {
	var x uint64
	for i := range min(len(r.s), binary.MaxVarintLen64) {
		b := r.s[i]
		x |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.s = r.s[i+1:]
			return x
		}
	}
	r.bad, r.s = true, ""
	return 0
}

func (r *reader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.s)) {
		r.bad, r.s = true, ""
		return ""
	}
	t := r.s[:n]
	r.s = r.s[n:]
	return t
}

func (r *reader) byte() byte {
	if r.s == "" {
		r.bad = true
		return 0
	}
	b := r.s[0]
	r.s = r.s[1:]
	return b
}

func (r *reader) err() error {
	if r.bad {
		return errDamaged
	}
	return nil
}

// event decodes the next event of a run into e, which holds the one before it (the zero event at the start).
func (r *reader) event(e *connectors.Event, first bool) error {
	if first {
		at := r.varint()
		e.Time = fromMicro(at)
		e.Received = fromMicro(at + r.varint())
	} else {
		e.Time = fromMicro(e.Time.UnixMicro() + int64(r.uvarint()))
		e.Received = fromMicro(e.Received.UnixMicro() + r.varint())
	}
	e.ID = r.text()
	mask := r.uvarint()
	if mask&(1<<textCount-1) != 0 {
		fields := texts(e)
		for i := range fields {
			if mask&(1<<i) != 0 {
				*fields[i] = r.text()
			}
		}
	}
	e.Proposed = mask&(1<<bitProposed) != 0
	e.Properties = nil
	if mask&(1<<bitProperties) != 0 {
		n := r.uvarint()
		if n > uint64(len(r.s)) { // each takes two bytes at least
			r.bad = true
			return errDamaged
		}
		e.Properties = make(map[string]string, n)
		for range n {
			k := r.text()
			e.Properties[k] = r.text()
		}
	}
	return r.err()
}

func fromMicro(us int64) time.Time { return time.UnixMicro(us).UTC() }
