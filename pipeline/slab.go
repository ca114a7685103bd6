package pipeline

import "math/bits"

// slab hands out values that stay where they are and are taken back all at once. Chunk k has room for 1<<k of them: a lot of one person costs one.
type slab[T any] struct {
	chunks [][]T
	used   int
}

// take is the place of one more value, which is zero.
func (s *slab[T]) take() *T {
	s.used++
	k := bits.Len(uint(s.used)) - 1
	if k == len(s.chunks) {
		s.chunks = append(s.chunks, make([]T, 1<<k))
	}
	return &s.chunks[k][s.used-1<<k]
}

func (s *slab[T]) empty() {
	for k := 0; 1<<k <= s.used; k++ {
		clear(s.chunks[k])
	}
	s.used = 0
}
