package clickstream

import (
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/intentd/intentd/connectors"
)

// recent remembers the links of those seen lately, so that most events need no look into the main file. It is keyed by a hash of
// the identifier: two of its entries share one with a probability of 10⁻⁸, and would then miss a link, no event.
type recent struct{ young, old map[uint64]knownLink }

// knownLink is the group of an identifier. For a device with one owner since is where their time begins, in milliseconds;
// with several it is mixed.
type knownLink struct {
	group uint64
	since int64
	mixed bool
}

// recentLinks bounds the entries of each of the two generations: about 30 MB in all.
const recentLinks = 1 << 18

func (r *recent) get(node uint64) (knownLink, bool) {
	k, ok := r.young[node]
	if !ok {
		if k, ok = r.old[node]; ok {
			r.put(node, k)
		}
	}
	return k, ok
}

func (r *recent) put(node uint64, k knownLink) {
	if len(r.young) >= recentLinks || r.young == nil {
		r.old, r.young = r.young, make(map[uint64]knownLink, 1024)
	}
	r.young[node] = k
}

// recentIDs remembers what the latest events were, by the id their source gave them: a feed that tells its last hour again with every
// call would otherwise make everybody in it active again and again. It is empty after a restart; what is told again then falls away
// in reading and merging.
type recentIDs struct{ young, old map[uint64]happened }

// happened is what an id stood for.
type happened struct {
	what uint64 // hash of who did what
	at   int64  // microseconds
}

// recentEvents bounds the entries of each of the two generations: about 10 MB in all.
const recentEvents = 1 << 17

// sameMoment is by how much the time of an event may differ when it is told again: trackers work it out anew for each attempt to send.
const sameMoment = 60e6

// meets says what e is to the events before it: a repeat, or another one under the id of one of them, which then gets an id of its own.
func (r *recentIDs) meets(e *connectors.Event, node uint64, at int64) (repeat, reused bool) {
	var d xxhash.Digest
	d.ResetWithSeed(xxhash.Sum64String(e.Source))
	d.WriteString(e.ID)
	key := d.Sum64()
	d.ResetWithSeed(node)
	for _, text := range [...]string{e.Kind, e.URL, e.ElementText, e.ElementID} {
		d.WriteString(text)
		d.Write(separator)
	}
	now := happened{d.Sum64(), at}
	before, met := r.young[key]
	if !met {
		before, met = r.old[key]
	}
	switch {
	case met && before.what == now.what && max(before.at-at, at-before.at) <= sameMoment:
		return true, false
	case met:
		e.ID += "~" + strconv.FormatUint(now.what^uint64(at), 36)
		return false, true
	}
	if r.young == nil || len(r.young) >= recentEvents {
		r.old, r.young = r.young, make(map[uint64]happened, 1024)
	}
	r.young[key] = now
	return false, false
}

var separator = []byte{0}

// kindCache remembers which names of kinds are known: few differ, and to read one takes long.
type kindCache map[string]bool

func (k *kindCache) known(kind string) bool {
	is, met := (*k)[kind]
	if !met {
		if *k == nil || len(*k) >= 4096 {
			*k = kindCache{}
		}
		_, is = connectors.EventKind(kind)
		(*k)[kind] = is
	}
	return is
}
