// Package boltpages checks the pages of a bbolt file without trusting them, for both stores that are kept in such files. bbolt's own
// check maps the file and follows whatever numbers it finds, so that on a damaged file it faults, in a goroutine where nobody can catch it.
//
// The layout is bbolt's file format, version 2, in the byte order of the machine: a header of 16 bytes (page number, flags, count,
// overflow), then elements of 16 bytes that say where their keys and values lie.
package boltpages

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"io"
)

const (
	pageHeader  = 16
	pageElement = 16

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10

	bucketElement = 0x01
	bucketHeader  = 16
	noFreelist    = 1<<64 - 1

	boltMagic   = 0xED0CDAED
	boltVersion = 2
	maxDepth    = 64
)

type pageCheck struct {
	file io.ReaderAt
	size uint64 // of a page
	high uint64 // pages of the file
	seen []byte // one bit a page
	note func(format string, args ...any) bool
	stop bool
}

// Check walks every page of a bbolt file that nobody is writing to and calls note for what is wrong, until that returns
// false. Its memory is one bit a page.
func Check(file io.ReaderAt, pageSize int, note func(format string, args ...any) bool) {
	c := &pageCheck{file: file, size: uint64(pageSize), note: note}
	root, freelist, ok := c.meta()
	if !ok {
		c.fault("both headers are invalid")
		return
	}
	c.seen = make([]byte, c.high/8+1)
	c.mark(0, 2)
	c.walk(root, 0, nil, nil)
	if freelist != noFreelist {
		c.free(freelist)
		for id := uint64(0); id < c.high && !c.stop; id++ {
			if !c.has(id) {
				c.fault("page %d is neither used nor free", id)
			}
		}
	}
}

func (c *pageCheck) fault(format string, args ...any) {
	if !c.note(format, args...) {
		c.stop = true
	}
}

func (c *pageCheck) has(id uint64) bool { return c.seen[id/8]&(1<<(id%8)) != 0 }

// mark takes n pages from id on; it fails if they lie outside or one of them is taken.
func (c *pageCheck) mark(id, n uint64) bool {
	if id >= c.high || n > c.high-id {
		c.fault("page %d lies beyond the end", id)
		return false
	}
	for i := id; i < id+n; i++ {
		if c.has(i) {
			c.fault("page %d is used twice", i)
			return false
		}
		c.seen[i/8] |= 1 << (i % 8)
	}
	return true
}

// meta reads the newer of the two valid headers.
func (c *pageCheck) meta() (root, freelist uint64, ok bool) {
	var newest uint64
	for page := range uint64(2) {
		b := make([]byte, pageHeader+64)
		if _, err := c.file.ReadAt(b, int64(page*c.size)); err != nil {
			continue
		}
		m := b[pageHeader:]
		sum := fnv.New64a()
		sum.Write(m[:56])
		u32, u64 := binary.NativeEndian.Uint32, binary.NativeEndian.Uint64
		if u32(m) != boltMagic || u32(m[4:]) != boltVersion || u64(m[56:]) != sum.Sum64() {
			continue
		}
		if txid := u64(m[48:]); !ok || txid > newest {
			newest, ok = txid, true
			root, freelist, c.high = u64(m[16:]), u64(m[32:]), u64(m[40:])
		}
	}
	return root, freelist, ok
}

// page reads and takes a page with all that overflows from it.
func (c *pageCheck) page(id uint64) []byte {
	var head [pageHeader]byte
	if id >= c.high {
		c.fault("page %d lies beyond the end", id)
		return nil
	}
	if _, err := c.file.ReadAt(head[:], int64(id*c.size)); err != nil {
		c.fault("page %d cannot be read: %w", id, err)
		return nil
	}
	if binary.NativeEndian.Uint64(head[:]) != id {
		c.fault("page %d says it is another one", id)
		return nil
	}
	n := uint64(binary.NativeEndian.Uint32(head[12:])) + 1
	if !c.mark(id, n) {
		return nil
	}
	b := make([]byte, n*c.size)
	if _, err := c.file.ReadAt(b, int64(id*c.size)); err != nil {
		c.fault("page %d cannot be read: %w", id, err)
		return nil
	}
	return b
}

// walk checks the tree below a page, all of whose keys must lie in low ≤ key < high (nil: no bound).
func (c *pageCheck) walk(id uint64, depth int, low, high []byte) {
	if depth > maxDepth {
		c.fault("page %d lies too deep", id)
		return
	}
	if b := c.page(id); b != nil && !c.stop {
		c.elements(id, b, depth, low, high)
	}
}

func (c *pageCheck) elements(id uint64, b []byte, depth int, low, high []byte) {
	flags, count := binary.NativeEndian.Uint16(b[8:]), int(binary.NativeEndian.Uint16(b[10:]))
	if flags != branchPage && flags != leafPage || pageHeader+count*pageElement > len(b) {
		c.fault("page %d is no page of a tree", id)
		return
	}
	keys, values, kinds, children := make([][]byte, count), make([][]byte, count), make([]uint32, count), make([]uint64, count)
	for i := range count {
		at := pageHeader + i*pageElement
		e := b[at:]
		u32 := binary.NativeEndian.Uint32
		var pos, ksize, vsize uint64
		if flags == leafPage {
			kinds[i], pos, ksize, vsize = u32(e), uint64(u32(e[4:])), uint64(u32(e[8:])), uint64(u32(e[12:]))
		} else {
			pos, ksize, children[i] = uint64(u32(e)), uint64(u32(e[4:])), binary.NativeEndian.Uint64(e[8:])
		}
		from := uint64(at) + pos
		if ksize == 0 || from+ksize+vsize > uint64(len(b)) {
			c.fault("page %d holds a key that lies outside", id)
			return
		}
		keys[i], values[i] = b[from:from+ksize], b[from+ksize:from+ksize+vsize]
		if i > 0 && bytes.Compare(keys[i-1], keys[i]) >= 0 || low != nil && bytes.Compare(keys[i], low) < 0 || high != nil && bytes.Compare(keys[i], high) >= 0 {
			c.fault("page %d holds keys out of order", id)
			return
		}
	}
	for i := range count {
		switch {
		case c.stop:
			return
		case flags == branchPage:
			next := high
			if i+1 < count {
				next = keys[i+1]
			}
			c.walk(children[i], depth+1, keys[i], next)
		case kinds[i]&bucketElement != 0:
			c.bucket(id, values[i], depth)
		}
	}
}

// bucket checks a bucket, which has a tree of its own or, if it is small, lies as a page inside the value.
func (c *pageCheck) bucket(id uint64, v []byte, depth int) {
	if len(v) < bucketHeader {
		c.fault("page %d holds a bucket without a header", id)
		return
	}
	if root := binary.NativeEndian.Uint64(v); root != 0 {
		c.walk(root, depth+1, nil, nil)
		return
	}
	if v = v[bucketHeader:]; len(v) < pageHeader {
		c.fault("page %d holds a bucket without a page", id)
		return
	}
	c.elements(id, v, depth+1, nil, nil)
}

// free takes the pages that the list of free pages names.
func (c *pageCheck) free(id uint64) {
	b := c.page(id)
	if b == nil {
		return
	}
	count, list := uint64(binary.NativeEndian.Uint16(b[10:])), b[pageHeader:]
	if count == 0xffff { // too many for the header
		count, list = binary.NativeEndian.Uint64(list), list[8:]
	}
	if binary.NativeEndian.Uint16(b[8:]) != freelistPage || count > uint64(len(list)/8) {
		c.fault("page %d is no list of free pages", id)
		return
	}
	for i := range count {
		if c.stop || !c.mark(binary.NativeEndian.Uint64(list[i*8:]), 1) {
			return
		}
	}
}
