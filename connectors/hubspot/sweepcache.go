package hubspot

import (
	"encoding/binary"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// sweepCache remembers the live contacts that a sweep just told, so that the lot that follows need not read them again: a sweep's page
// carries the very properties that Read asks for. What a search tells is not remembered, for its index lags behind the records.
//
// A contact stays in the cache until a Read asks for it, at most for cachedFor, and is handed out once. From then on the host works with
// the page's values, which others may have changed since: Write looks for such changes before it writes the contact (see recheck.go).
// A poll that returns the contact, a write and a read of it end both. The cache is bounded; contacts that do not fit are read as usual.
type sweepCache struct {
	mu        sync.Mutex
	cached    map[uint64]cachedContact
	pages     []*cachedPage // oldest first
	bytes     int           // of cached
	handedOut map[uint64]handedOut

	rechecking chan struct{} // holds one token while somebody looks for changes
	tooMany    time.Time     // when a search last found more changes than are worth telling
}

type cachedContact struct {
	packed string
	page   *cachedPage
}

// cachedPage is a page with when it was answered: by this process's monotonic clock, and by HubSpot's.
type cachedPage struct {
	at, told    time.Time
	latest      time.Time // the latest modification in it: what happens after the page is stamped later still
	unchangedAt time.Time // when a search last found no change of what is kept of it
	ids         []uint64
}

// changesFrom is the time, by HubSpot's clock, after which a change of the page's contacts is stamped.
func (p *cachedPage) changesFrom() time.Time {
	if p.latest.After(p.told) {
		return p.latest
	}
	return p.told
}

// freshFor is the age up to which a page needs no look for changes: a read before the write would be no newer.
const freshFor = time.Second

// handedOut is what the host was told of a contact that it has not written since.
type handedOut struct {
	ours         map[string]string // intentd's fields, as in Contact.Ours
	modified     time.Time         // of the record
	page         *cachedPage
	at           time.Time
	unchangedAt  time.Time // when a search last found no change of it; zero: none did
	mayBeChanged bool      // a poll or a search told of a change
}

// verified says that the contact may be written without another look: its page is fresh, or a search just found no change.
func (l *handedOut) verified(now time.Time) bool {
	return !l.mayBeChanged && (now.Sub(l.unchangedAt) < unchangedFor || now.Sub(l.page.at) < freshFor)
}

const (
	cachedFor    = 5 * time.Minute
	cachedBytes  = 16 << 20 // about 20,000 contacts
	handedOutFor = time.Hour
	handedOutMax = 100_000
)

func newSweepCache() *sweepCache {
	return &sweepCache{cached: map[uint64]cachedContact{}, handedOut: map[uint64]handedOut{}, rechecking: make(chan struct{}, 1)}
}

// keep remembers the live contacts of a page.
func (s *sweepCache) keep(records []record, pack func(*record) string, told time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := &cachedPage{at: time.Now(), told: told, ids: make([]uint64, 0, len(records))}
	s.expire(page.at)
	for i := range records {
		id, _ := recordID(records[i].ID)
		s.drop(id)
		if modified, ok := parseTime(records[i].UpdatedAt); ok && modified.After(page.latest) {
			page.latest = modified
		}
		packed := pack(&records[i])
		if s.bytes+len(packed) > cachedBytes {
			break // those that came before are asked for before
		}
		s.cached[id] = cachedContact{packed, page}
		s.bytes += len(packed)
		page.ids = append(page.ids, id)
	}
	s.pages = append(s.pages, page)
}

// expire drops what is too old to be told; s.mu is held.
func (s *sweepCache) expire(now time.Time) {
	for len(s.pages) > 0 && now.Sub(s.pages[0].at) >= cachedFor {
		for _, id := range s.pages[0].ids {
			if k, ok := s.cached[id]; ok && k.page == s.pages[0] {
				s.drop(id)
			}
		}
		s.pages = slices.Delete(s.pages, 0, 1)
	}
}

// drop forgets the page of a contact; s.mu is held.
func (s *sweepCache) drop(id uint64) {
	if k, ok := s.cached[id]; ok {
		s.bytes -= len(k.packed)
		delete(s.cached, id)
	}
}

// handOut hands out what the page of a contact said, as unpack reads it.
func (s *sweepCache) handOut(id uint64, unpack func(packed string) connectors.Contact) (connectors.Contact, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.expire(now)
	k, ok := s.cached[id]
	if !ok || !s.roomToHandOut(now) {
		return connectors.Contact{}, false
	}
	s.drop(id)
	c := unpack(k.packed)
	s.handedOut[id] = handedOut{ours: c.Ours, modified: c.Modified, page: k.page, at: now, unchangedAt: k.page.unchangedAt}
	return c, true
}

// roomToHandOut says whether one more contact may be handed out, and makes room for it. A patch that is not sent an hour after its lot has waited for a limit
// or a person, and what happened to its record meanwhile is the host's to find out, as it is after any read. s.mu is held.
func (s *sweepCache) roomToHandOut(now time.Time) bool {
	if len(s.handedOut) < handedOutMax {
		return true
	}
	for id, l := range s.handedOut {
		if now.Sub(l.at) >= handedOutFor {
			delete(s.handedOut, id)
		}
	}
	return len(s.handedOut) < handedOutMax
}

// forget ends the memory of contacts that were just read or written.
func (s *sweepCache) forget(ids iter.Seq[string]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for text := range ids {
		id, _ := recordID(text)
		s.drop(id)
		delete(s.handedOut, id)
	}
}

// changed notes that a contact was told with a modification time.
func (s *sweepCache) changed(id uint64, modified time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(id)
	if l, ok := s.handedOut[id]; ok && !modified.Equal(l.modified) {
		l.mayBeChanged = true
		s.handedOut[id] = l
	}
}

// pack is what is kept of a record: its times and the values that are set, by their place in the list of what is read.
func (c *Client) pack(r *record) string {
	text := func(b []byte, s string) []byte { return append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	b := text(text(make([]byte, 0, 512), r.CreatedAt), r.UpdatedAt)
	transport.EachProperty(r.Properties, func(name, v string) {
		if i, read := c.schema.place[name]; read && v != "" {
			b = text(binary.AppendUvarint(b, uint64(i)), v)
		}
	})
	return string(b)
}

// unpack is a packed record as a Contact.
func (c *Client) unpack(id, packed string) connectors.Contact {
	number := func() int {
		n, size := binary.Uvarint([]byte(packed[:min(len(packed), binary.MaxVarintLen64)]))
		packed = packed[size:]
		return int(n)
	}
	text := func() string {
		n := number()
		s := packed[:n]
		packed = packed[n:]
		return s
	}
	r := record{ID: id, CreatedAt: text(), UpdatedAt: text()}
	return c.contactOf(&r, func(set func(name, value string)) {
		for packed != "" {
			i := number()
			set(c.schema.read[i], text())
		}
	})
}
