package clickstream

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/intentd/intentd/connectors"
	"github.com/klauspost/compress/s2"
)

// A segment is an immutable file of events of one partition, ordered by (node, time, id):
//
//	block*                        crc32c of what follows, then S2: directory of runs, payload
//	index                         first node and offset of every block
//	bloom filter                  of the nodes
//	footer                        56 bytes, see below
//
// A run is what one node has in one block. It can be decoded, and copied, without its neighbours.
const (
	segmentMagic  = "intentS1"
	footerSize    = 56
	dirEntry      = 16 // node (8), end in the payload (4), events (4)
	indexEntry    = 16 // first node (8), offset (8)
	bloomPerNode  = 10 // bits: with 7 probes 1 % false positives
	bloomProbes   = 7
	segmentSuffix = ".seg"
)

// blockSize is the size in bytes from which a block is closed, before compression: a trade of space for time. At 2 million
// events 3, 6 and 12 KiB took 75, 67 and 62 bytes an event, and a lot of 100 people 2.5, 3.1 and 3.7 ms.
const blockSize = 6 << 10

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// meta is what the main file knows of a segment.
type meta struct {
	seq      uint64 // names the file
	part     int64  // partition: index of its span of time
	events   uint64
	min, max int64 // event time, microseconds
	bytes    int64
}

func (m meta) encode() []byte {
	b := binary.AppendVarint(nil, m.part)
	b = binary.AppendUvarint(b, m.events)
	b = binary.AppendVarint(b, m.min)
	b = binary.AppendVarint(b, m.max)
	return binary.AppendVarint(b, m.bytes)
}

func decodeMeta(seq uint64, b []byte) (meta, error) {
	r := reader{s: string(b)}
	m := meta{seq: seq, part: r.varint(), events: r.uvarint(), min: r.varint(), max: r.varint(), bytes: r.varint()}
	return m, r.err()
}

func segmentPath(dir string, seq uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%012x%s", seq, segmentSuffix))
}

// segmentWriter writes one segment. Add events or whole runs in order, then finish or abandon.
type segmentWriter struct {
	meta
	f    *os.File
	w    *bufio.Writer
	sync bool
	at   int64

	dir     []byte // directory of the open block
	payload []byte
	scratch []byte
	packed  []byte
	index   []byte
	nodes   []uint64 // distinct, for the filter

	node  uint64 // of the open run
	count uint32 // events in it; 0: no run is open
	prev  connectors.Event
}

func createSegment(dir string, seq uint64, part int64, sync bool) (*segmentWriter, error) {
	f, err := os.OpenFile(segmentPath(dir, seq), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &segmentWriter{
		meta: meta{seq: seq, part: part, min: math.MaxInt64, max: math.MinInt64},
		f:    f, w: bufio.NewWriterSize(f, 256<<10), sync: sync,
	}, nil
}

func (w *segmentWriter) abandon() {
	w.f.Close()
	os.Remove(w.f.Name())
}

// add writes the next event of the node.
func (w *segmentWriter) add(node uint64, e *connectors.Event) error {
	if w.count > 0 && (w.node != node || len(w.payload) >= blockSize) {
		w.closeRun()
	}
	if len(w.payload) >= blockSize {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if w.count == 0 {
		w.openRun(node)
		w.prev = connectors.Event{}
	}
	w.payload = appendEvent(w.payload, &w.prev, e, w.count == 0)
	w.count++
	w.events++
	at := e.Time.UnixMicro()
	w.min, w.max = min(w.min, at), max(w.max, at)
	w.prev = *e
	return nil
}

// copyRun writes a whole encoded run of the node.
func (w *segmentWriter) copyRun(node uint64, run []byte, count uint32) error {
	if w.count > 0 {
		w.closeRun()
	}
	if len(w.payload) >= blockSize {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.openRun(node)
	w.payload = append(w.payload, run...)
	w.count = count
	w.closeRun()
	w.events += uint64(count)
	return nil
}

func (w *segmentWriter) openRun(node uint64) {
	w.node = node
	if len(w.nodes) == 0 || w.nodes[len(w.nodes)-1] != node {
		w.nodes = append(w.nodes, node)
	}
}

func (w *segmentWriter) closeRun() {
	w.dir = binary.LittleEndian.AppendUint64(w.dir, w.node)
	w.dir = binary.LittleEndian.AppendUint32(w.dir, uint32(len(w.payload)))
	w.dir = binary.LittleEndian.AppendUint32(w.dir, w.count)
	w.count = 0
}

func (w *segmentWriter) flush() error {
	if w.count > 0 {
		w.closeRun()
	}
	if len(w.dir) == 0 {
		return nil
	}
	w.index = append(w.index, w.dir[:8]...)
	w.index = binary.LittleEndian.AppendUint64(w.index, uint64(w.at))
	w.scratch = binary.LittleEndian.AppendUint32(w.scratch[:0], uint32(len(w.dir)/dirEntry))
	w.scratch = append(append(w.scratch, w.dir...), w.payload...)
	if n := s2.MaxEncodedLen(len(w.scratch)); cap(w.packed) < n {
		w.packed = make([]byte, n)
	}
	packed := s2.Encode(w.packed[:cap(w.packed)], w.scratch)
	var sum [4]byte
	binary.LittleEndian.PutUint32(sum[:], crc32.Checksum(packed, castagnoli))
	w.w.Write(sum[:])
	_, err := w.w.Write(packed)
	w.at += int64(len(sum) + len(packed))
	w.dir, w.payload = w.dir[:0], w.payload[:0]
	return err
}

// finish makes the segment durable (but for its directory entry) and closes it.
func (w *segmentWriter) finish() (meta, error) {
	if err := w.flush(); err != nil {
		w.abandon()
		return meta{}, err
	}
	bloom := newBloom(w.nodes)
	tail := slices.Concat(w.index, bloom)
	blocks := len(w.index) / indexEntry
	le := binary.LittleEndian
	tail = le.AppendUint64(tail, uint64(w.at)) // start of the index
	tail = le.AppendUint32(tail, uint32(blocks))
	tail = le.AppendUint32(tail, uint32(len(bloom)))
	tail = le.AppendUint64(tail, w.events)
	tail = le.AppendUint64(tail, uint64(w.min))
	tail = le.AppendUint64(tail, uint64(w.max))
	tail = le.AppendUint32(tail, 0) // reserved
	tail = le.AppendUint32(tail, crc32.Checksum(tail, castagnoli))
	tail = append(tail, segmentMagic...)
	w.w.Write(tail)
	err := w.w.Flush()
	if err == nil && w.sync {
		err = w.f.Sync()
	}
	if err != nil {
		w.abandon()
		return meta{}, err
	}
	w.bytes = w.at + int64(len(tail))
	return w.meta, w.f.Close()
}

// newBloom is a filter over nodes, which are hashes already.
func newBloom(nodes []uint64) []byte {
	size := (len(nodes)*bloomPerNode + 63) / 64 * 8
	b := make([]byte, size)
	m := uint64(size) * 8
	for _, n := range nodes {
		h := n
		for range bloomProbes {
			hi, _ := bits.Mul64(h, m)
			b[hi>>3] |= 1 << (hi & 7)
			h = nextProbe(h)
		}
	}
	return b
}

func inBloom(b []byte, n uint64) bool {
	m := uint64(len(b)) * 8
	for range bloomProbes {
		hi, _ := bits.Mul64(n, m)
		if b[hi>>3]&(1<<(hi&7)) == 0 {
			return false
		}
		n = nextProbe(n)
	}
	return true
}

// nextProbe is one step of splitmix64.
func nextProbe(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// segment is an open segment. It lives until its last holder releases it; its file may be unlinked before.
type segment struct {
	meta
	f      *os.File
	firsts []uint64 // first node of each block
	starts []uint64 // offset of each block, and of the end
	bloom  []byte
	refs   atomic.Int64
}

// openSegment reads index and filter: about half a byte of memory an event.
func openSegment(dir string, m meta) (*segment, error) {
	path := segmentPath(dir, m.seq)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &segment{meta: m, f: f}
	s.refs.Store(1)
	if err := s.load(); err != nil {
		f.Close()
		return nil, fmt.Errorf("segment %s: %w", filepath.Base(path), err)
	}
	return s, nil
}

func (s *segment) load() error {
	info, err := s.f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != s.bytes || s.bytes < footerSize {
		return fmt.Errorf("%w: %d bytes instead of %d", errDamaged, info.Size(), s.bytes)
	}
	var foot [footerSize]byte
	if _, err := s.f.ReadAt(foot[:], s.bytes-footerSize); err != nil {
		return err
	}
	le := binary.LittleEndian
	start, blocks, bloom := le.Uint64(foot[0:]), int64(le.Uint32(foot[8:])), int64(le.Uint32(foot[12:]))
	if string(foot[48:]) != segmentMagic || start > uint64(s.bytes) || int64(start)+blocks*indexEntry+bloom+footerSize != s.bytes {
		return fmt.Errorf("%w: no footer", errDamaged)
	}
	tail := make([]byte, s.bytes-int64(start))
	if _, err := s.f.ReadAt(tail, int64(start)); err != nil {
		return err
	}
	if crc32.Checksum(tail[:len(tail)-12], castagnoli) != le.Uint32(foot[44:]) {
		return fmt.Errorf("%w: checksum of the index", errDamaged)
	}
	s.firsts, s.starts = make([]uint64, blocks), make([]uint64, blocks+1)
	for i := range s.firsts {
		s.firsts[i] = le.Uint64(tail[i*indexEntry:])
		s.starts[i] = le.Uint64(tail[i*indexEntry+8:])
		if i > 0 && s.starts[i] < s.starts[i-1]+4 || s.starts[i]+4 > start {
			return fmt.Errorf("%w: index", errDamaged)
		}
	}
	s.starts[blocks] = start
	s.bloom = slices.Clone(tail[blocks*indexEntry : blocks*indexEntry+bloom])
	s.events, s.min, s.max = le.Uint64(foot[16:]), int64(le.Uint64(foot[24:])), int64(le.Uint64(foot[32:]))
	return nil
}

func (s *segment) release() {
	if s.refs.Add(-1) == 0 {
		s.f.Close()
	}
}

// mayHold says whether the node may be in s: false is certain.
func (s *segment) mayHold(node uint64) bool { return len(s.bloom) > 0 && inBloom(s.bloom, node) }

// buffers are what reading a block needs; they are shared between cursors through a pool.
type buffers struct{ packed, raw []byte }

var bufferPool = sync.Pool{New: func() any { return new(buffers) }}

// cursor walks the runs of a segment in order.
type cursor struct {
	seg   *segment
	buf   *buffers
	block int // loaded block; −1 before the first
	runs  int // in it
	run   int
	dir   []byte
	data  []byte
	ahead []byte // sequential reading: bytes of the file from aheadAt on
	at    uint64
	whole bool
}

// newCursor reads single runs; with whole it reads ahead.
func newCursor(s *segment, whole bool) *cursor {
	return &cursor{seg: s, buf: bufferPool.Get().(*buffers), block: -1, whole: whole}
}

func (c *cursor) close() {
	if c.buf != nil {
		bufferPool.Put(c.buf)
		c.buf = nil
	}
}

// readAhead is how much of a segment is read at once when all of it is wanted.
const readAhead = 256 << 10

func (c *cursor) bytes(from, to uint64) ([]byte, error) {
	n := int(to - from)
	if !c.whole {
		if cap(c.buf.packed) < n {
			c.buf.packed = make([]byte, n+n/4)
		}
		b := c.buf.packed[:n]
		_, err := c.seg.f.ReadAt(b, int64(from))
		return b, err
	}
	if from < c.at || to > c.at+uint64(len(c.ahead)) {
		want := min(max(n, readAhead), int(c.seg.starts[len(c.seg.starts)-1]-from))
		if cap(c.ahead) < want {
			c.ahead = make([]byte, want)
		}
		c.ahead, c.at = c.ahead[:want], from
		if _, err := c.seg.f.ReadAt(c.ahead, int64(from)); err != nil {
			return nil, err
		}
	}
	return c.ahead[from-c.at : to-c.at], nil
}

// load reads block i and stands before its first run.
func (c *cursor) load(i int) error {
	b, err := c.bytes(c.seg.starts[i], c.seg.starts[i+1])
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	damaged := func() error {
		return fmt.Errorf("%w: %s, block %d", errDamaged, filepath.Base(c.seg.f.Name()), i)
	}
	if err != nil || len(b) < 4 || crc32.Checksum(b[4:], castagnoli) != binary.LittleEndian.Uint32(b) {
		return damaged()
	}
	raw, err := s2.Decode(c.buf.raw[:cap(c.buf.raw)], b[4:])
	if err != nil || len(raw) < 4 {
		return damaged()
	}
	c.buf.raw = raw
	n := int(binary.LittleEndian.Uint32(raw))
	if n == 0 || n > (len(raw)-4)/dirEntry {
		return damaged()
	}
	c.block, c.runs, c.run = i, n, -1
	c.dir, c.data = raw[4:4+n*dirEntry], raw[4+n*dirEntry:]
	return nil
}

func (c *cursor) node() uint64 { return c.nodeAt(c.run) }

func (c *cursor) nodeAt(i int) uint64 { return binary.LittleEndian.Uint64(c.dir[i*dirEntry:]) }

// bytesOfRun is the encoded present run, valid until the cursor moves, and its number of events.
func (c *cursor) bytesOfRun() ([]byte, uint32, error) {
	var from uint32
	if c.run > 0 {
		from = binary.LittleEndian.Uint32(c.dir[(c.run-1)*dirEntry+8:])
	}
	to := binary.LittleEndian.Uint32(c.dir[c.run*dirEntry+8:])
	if from > to || int(to) > len(c.data) {
		return nil, 0, fmt.Errorf("%w: %s, block %d", errDamaged, filepath.Base(c.seg.f.Name()), c.block)
	}
	return c.data[from:to], binary.LittleEndian.Uint32(c.dir[c.run*dirEntry+12:]), nil
}

// next moves to the following run; false at the end.
func (c *cursor) next() (bool, error) {
	if c.block >= 0 && c.run+1 < c.runs {
		c.run++
		return true, nil
	}
	if c.block+1 >= len(c.seg.firsts) {
		return false, nil
	}
	if err := c.load(c.block + 1); err != nil {
		return false, err
	}
	c.run = 0
	return true, nil
}

// seek moves to the first run of the node; false if there is none.
func (c *cursor) seek(node uint64) (bool, error) {
	// The node may begin in the block before the first one that starts with it or beyond.
	i := sort.Search(len(c.seg.firsts), func(i int) bool { return c.seg.firsts[i] >= node })
	if i > 0 {
		if c.block != i-1 {
			if err := c.load(i - 1); err != nil {
				return false, err
			}
		}
		c.run = sort.Search(c.runs, func(i int) bool { return c.nodeAt(i) >= node })
		if c.run < c.runs {
			return c.nodeAt(c.run) == node, nil
		}
	}
	if i == len(c.seg.firsts) || c.seg.firsts[i] != node {
		return false, nil
	}
	if c.block != i {
		if err := c.load(i); err != nil {
			return false, err
		}
	}
	c.run = 0
	return true, nil
}

// events decodes the events of one node, run after run.
type events struct {
	c     *cursor
	node  uint64
	r     reader
	left  uint32
	new   bool
	e     connectors.Event
	done  bool // no event is left
	ended bool // nor is a run in the segment
}

// start stands on the first event of the run under c.
func (v *events) start(c *cursor) error {
	*v = events{c: c, node: c.node()}
	return v.openRun()
}

func (v *events) openRun() error {
	b, n, err := v.c.bytesOfRun()
	if err != nil {
		return err
	}
	// One copy a run: the events keep it alive, not the block.
	v.r, v.left, v.new = reader{s: string(b)}, n, true
	v.e = connectors.Event{}
	return v.next()
}

// next decodes the following event into v.e, or sets done; the cursor then stands on the next node's run, or ended.
func (v *events) next() error {
	if v.left == 0 {
		ok, err := v.c.next()
		if err != nil {
			return err
		}
		if !ok || v.c.node() != v.node {
			v.done, v.ended = true, !ok
			return nil
		}
		return v.openRun()
	}
	v.left--
	err := v.r.event(&v.e, v.new)
	v.new = false
	if err != nil {
		return fmt.Errorf("%w: %s, block %d", err, filepath.Base(v.c.seg.f.Name()), v.c.block)
	}
	return nil
}
