package bolt

// arena hands out the memory of one transaction's values from large chunks and takes it all back at once.
type arena struct {
	chunks [][]byte
	in     int // chunk in use
	used   int // bytes of it

	undo []undo // room for those of the next transaction
}

const (
	chunkSize   = 256 << 10
	chunksToOwn = 16 // kept between transactions: 4 MB
	undoToOwn   = 16 << 10
)

func (a *arena) alloc(n int) []byte {
	if n > chunkSize/4 {
		return make([]byte, n)
	}
	if len(a.chunks) == 0 || a.used+n > chunkSize {
		if len(a.chunks) > 0 {
			a.in++
		}
		if a.in == len(a.chunks) {
			a.chunks = append(a.chunks, make([]byte, chunkSize))
		}
		a.used = 0
	}
	v := a.chunks[a.in][a.used : a.used+n : a.used+n]
	a.used += n
	return v
}

func (a *arena) reset() {
	if len(a.chunks) > chunksToOwn {
		clear(a.chunks[chunksToOwn:])
		a.chunks = a.chunks[:chunksToOwn]
	}
	a.in, a.used = 0, 0
}
