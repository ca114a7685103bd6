package clickstream

import (
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/intentd/intentd/connectors"
)

// recently remembers what was put into it last, in two generations of which the older is forgotten when the younger is full.
type recently[V any] struct{ young, old map[uint64]V }

func (r *recently[V]) look(key uint64) (v V, there, young bool) {
	if v, there = r.young[key]; there {
		return v, true, true
	}
	v, there = r.old[key]
	return v, there, false
}

// keep puts v into the younger generation, which holds at most so many.
func (r *recently[V]) keep(key uint64, v V, most int) {
	if r.young == nil || len(r.young) >= most {
		r.old, r.young = r.young, make(map[uint64]V, 1024)
	}
	r.young[key] = v
}

// recent remembers the links of those seen lately, so that most events need no look into the main file. It is keyed by a hash of
// the identifier: two of its entries share one with a probability of 10⁻⁸, and would then miss a link, no event.
type recent struct{ recently[knownLink] }

// knownLink is the group of an identifier. Of a device that had one owner, since is when their time began, in milliseconds; one that had
// several is mixed, and looked up.
type knownLink struct {
	group uint64
	since int64
	mixed bool
}

// recentLinks bounds the entries of each of the two generations: about 30 MB in all.
const recentLinks = 1 << 18

func (r *recent) get(node uint64) (knownLink, bool) {
	k, there, young := r.look(node)
	if there && !young {
		r.put(node, k)
	}
	return k, there
}

func (r *recent) put(node uint64, k knownLink) { r.keep(node, k, recentLinks) }

// recentIDs remembers what the latest events were, by the id their source gave them: a feed that tells its last hour again with every
// call would otherwise make everybody in it active again and again. It is empty after a restart; what is told again then falls away
// in reading and merging.
type recentIDs struct{ recently[happened] }

// happened is what an id stood for. Half a hash is enough: the id is the same and so is the moment.
type happened struct {
	what uint32 // of a hash of who did what
	at   uint32 // seconds
}

// recentEvents bounds the entries of each of the two generations: about 7 MB in all.
const recentEvents = 1 << 17

// sameMoment is by how much the time of an event may differ when it is told again: trackers work it out anew for each attempt to send.
const sameMoment = 60 // seconds

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
	what := d.Sum64()
	now := happened{uint32(what), uint32(at / 1e6)}
	before, met, _ := r.look(key)
	switch {
	case met && before.what == now.what && max(before.at, now.at)-min(before.at, now.at) <= sameMoment:
		return true, false
	case met:
		e.ID += "~" + strconv.FormatUint(what^uint64(at), 36)
		return false, true
	}
	r.keep(key, now, recentEvents)
	return false, false
}

var separator = []byte{0}

// kindCache remembers what names of kinds mean: few differ, and to read one takes long.
type kindCache map[string]kindRead

type kindRead struct{ known, asks bool }

func (k *kindCache) read(kind string) kindRead {
	is, met := (*k)[kind]
	if !met {
		if *k == nil || len(*k) >= 4096 {
			*k = kindCache{}
		}
		kind, known := connectors.EventKind(kind)
		is = kindRead{known, connectors.Asks(kind)}
		(*k)[kind] = is
	}
	return is
}

// proposedAgain is after how many seconds a proposal that is repeated is written again.
const proposedAgain = 3600

// proposedLately remembers what was proposed lately, so that a visitor who says it with every page costs nothing.
type proposedLately struct{ recently[int64] }

func (r *proposedLately) again(device, id identifier, at int64) bool {
	var d xxhash.Digest
	d.ResetWithSeed(place(device))
	d.WriteString(id.Value)
	key := d.Sum64() ^ uint64(id.Kind)
	if last, met, _ := r.look(key); met && at-last < proposedAgain && last-at < proposedAgain {
		return true
	}
	r.keep(key, at, recentLinks)
	return false
}
