package twostage

import (
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/intentd/intentd/pipeline/intent/redact"
	"github.com/intentd/intentd/pipeline/journey"
)

// What a browser says of a page, its path, its title, the labels on it, is the visitor's word, even on the customer's own host: anyone can
// send such an event. It is taken for the page's own once several people said the same of it; until then it stays with whom it came from,
// in questions and summaries that are theirs alone.

// confirmedBy is how many people must have said the same.
const confirmedBy = 3

// saidLen is what is kept of each: a hash of the person's key.
const saidLen = 8

// said notes that a person says something of a page and tells whether it may be taken for the page's own.
func (t *Engine) said(person, what string) bool {
	if what == "" || t.o.Confirmed <= 1 {
		return true
	}
	if len(t.o.Secret) == 0 {
		return true // nothing is shared without a secret
	}
	key := []byte(t.sayings.key([]byte(what)))
	t.saying.Lock()
	defer t.saying.Unlock()
	by, _ := t.store.Cached(key)
	if len(by) >= t.o.Confirmed*saidLen {
		return true
	}
	me := binary.BigEndian.AppendUint64(nil, xxhash.Sum64String(person))
	for one := range slices.Chunk(by, saidLen) {
		if string(one) == string(me) {
			return false
		}
	}
	by = append(slices.Clone(by), me...)
	t.store.Cache(key, by)
	return len(by) >= t.o.Confirmed*saidLen
}

// confirmed says whether what a step of a person says of its page may be taken for the page's own: its path and title, and the label that was
// clicked on it.
func (t *Engine) confirmed(person string, st *journey.Step) bool {
	if st == nil || !st.Trusted {
		return false
	}
	page := pagePath(st, true)
	ok := t.said(person, "page\x00"+page+"\x00"+st.Event.PageTitle)
	if st.Event.ElementText != "" && redact.Labelled(st.Event.Kind) {
		ok = t.said(person, "label\x00"+page+"\x00"+st.Event.ElementText) && ok
	}
	return ok
}
