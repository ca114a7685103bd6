package pipeline

import (
	"sync"

	"github.com/intentd/intentd/pipeline/receipt"
)

// room is what the people of a lot are worked on in. The next lot has it again: made anew for each lot it was a twelfth of what a first
// sync allocates, and with it of what the garbage collector has to do.
type room struct {
	subjects slab[subject]
	records  slab[record]
	inputs   slab[scoreInputs]
	results  slab[result]
	lines    []receipt.SignalLine
	topics   topicSpans
}

var rooms = sync.Pool{New: func() any { return newRoom() }}

func newRoom() *room {
	return &room{lines: make([]receipt.SignalLine, 0, 256), topics: topicSpans{place: map[string]int{}, signal: map[string]int32{}}}
}

// leave empties the room for the next lot. Nothing of this one may be in use any more, and nothing of its people stays.
func (r *room) leave() {
	r.subjects.empty()
	r.records.empty()
	r.inputs.empty()
	r.results.empty()
	clear(r.lines)
	r.lines = r.lines[:0]
	r.topics.empty()
	rooms.Put(r)
}

// slab hands out values that stay where they are and are taken back all at once.
type slab[T any] struct {
	chunks [][]T
	used   int
}

const slabChunk = 64

// take is the place of one more value, which is zero.
func (s *slab[T]) take() *T {
	chunk, i := s.used/slabChunk, s.used%slabChunk
	if chunk == len(s.chunks) {
		s.chunks = append(s.chunks, make([]T, slabChunk))
	}
	s.used++
	return &s.chunks[chunk][i]
}

func (s *slab[T]) empty() {
	for i := 0; i*slabChunk < s.used; i++ {
		clear(s.chunks[i])
	}
	s.used = 0
}
