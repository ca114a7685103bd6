package pipeline

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
