package jsonl

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/intentd/intentd/connectors/disk"
)

// Bytes that tell a file from another one.
const (
	headBytes = 1024
	tailBytes = 256
)

// print is a hash of some bytes of the content.
type print struct {
	Len  int64  `json:"n,omitempty"`
	Hash uint64 `json:"h,omitempty"`
}

func printOf(b []byte) print { return print{int64(len(b)), xxhash.Sum64(b)} }

// position is what is remembered of a file: where reading goes on, and how to know the file again. It is kept as JSON in
// the store, with the events before it.
type position struct {
	Path    string    `json:"path"` // where it was last seen
	Dev     uint64    `json:"dev"`
	Ino     uint64    `json:"ino"`
	Size    int64     `json:"size"` // as of the last look, if that came to the end: nothing is new while it and Changed stay
	Changed time.Time `json:"mtime"`
	Gone    time.Time `json:"gone,omitzero"` // since when no file is this one

	Offset int64 `json:"offset"` // in the content, after decompression
	Lines  int64 `json:"lines"`  // before Offset
	Head   print `json:"head"`   // of the first bytes, not beyond Offset
	Tail   print `json:"tail"`   // of the bytes before Offset

	Member     int64 `json:"member,omitempty"`      // gzip: where in the file the member begins that Offset lies in …
	MemberBase int64 `json:"member_base,omitempty"` // … and which offset that is
	Skipping   bool  `json:"skipping,omitempty"`    // Offset lies in a line that is too long
	Waiting    bool  `json:"waiting,omitempty"`     // a last line without line feed follows
	Settled    bool  `json:"settled,omitempty"`     // it was looked at when the file had come to rest
	Unended    bool  `json:"unended,omitempty"`     // the line before Offset was read without its line feed
	Damaged    bool  `json:"damaged,omitempty"`     // gzip: nothing more to be had while Size and Changed stay
}

// older says whether q is the better guess for a file with the inode of both.
func (p position) older(q *position) bool {
	if p.Gone.IsZero() != q.Gone.IsZero() {
		return q.Gone.IsZero()
	}
	return p.Changed.Before(q.Changed)
}

// unfinished is the Size in a position within a file: after a crash or an error there is more to read, changed or not.
const unfinished = -1

// found is a file as the directory shows it.
type found struct {
	path string
	inode
	size    int64
	changed time.Time
}

func stat(path string) (found, bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) { // rotated away since it was listed
			return found{}, false, nil
		}
		return found{}, false, err
	}
	if !info.Mode().IsRegular() {
		return found{}, false, nil
	}
	return found{path: path, inode: disk.Identify(path, info), size: info.Size(), changed: info.ModTime()}, true, nil
}

func (f found) isInode(p *position) bool { return f.inode == inode{Dev: p.Dev, Ino: p.Ino} }

// unchanged says whether nothing happened to the file since p was taken.
func (f found) unchanged(p *position) bool {
	return f.isInode(p) && f.size == p.Size && f.changed.Equal(p.Changed)
}

// content is an open file as UTF-8, decompressed if it is gzip, read as far as it reached when it was opened.
type content struct {
	f    *os.File
	info found
	head []byte // its first bytes, up to headBytes
	gz   bool
	wide io.Reader // decodes UTF-16, which is known by its byte order mark; nil for UTF-8. It is decoded from its start whenever it grew.

	raw     *io.LimitedReader
	in      *bufio.Reader
	zip     *gzip.Reader
	at      int64 // offset of the next byte
	member  int64 // gzip: where in the file the present member begins
	base    int64 // and at which offset
	members [][2]int64
	open    bool // inside a member
}

func openContent(info found) (*content, error) {
	f, err := os.Open(info.path)
	if err != nil {
		return nil, err
	}
	c := &content{f: f, info: info}
	var magic [2]byte
	if _, err := f.ReadAt(magic[:], 0); err != nil && !errors.Is(err, io.EOF) {
		f.Close()
		return nil, err
	}
	c.gz = magic == [2]byte{0x1f, 0x8b}
	if err := c.readHead(); err != nil {
		f.Close()
		return nil, err
	}
	return c, nil
}

// readHead reads the first bytes, which tell UTF-16.
func (c *content) readHead() error {
	head := make([]byte, headBytes)
	for {
		if err := c.start(0, 0); err != nil {
			return err
		}
		n, err := io.ReadFull(c, head)
		if err != nil && !ended(err) && !damaged(err) {
			return err
		}
		c.head = head[:n]
		if mark := string(head[:min(n, 2)]); c.wide != nil || mark != "\xff\xfe" && mark != "\xfe\xff" {
			return nil
		}
		c.wide = c.decoder()
	}
}

func (c *content) decoder() io.Reader {
	return transform.NewReader(readFunc(c.readBytes), unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder())
}

type readFunc func(b []byte) (int, error)

func (f readFunc) Read(b []byte) (int, error) { return f(b) }

// ended says that the content is read as far as it reaches now: a gzip file may be cut in a member that is being written.
func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// damaged says that gzip data are not what was written.
func damaged(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader)
}

// start goes to where a gzip member begins, or any byte of a plain file, of which the offset is given.
func (c *content) start(file, offset int64) error {
	if _, err := c.f.Seek(file, io.SeekStart); err != nil {
		return err
	}
	c.raw = &io.LimitedReader{R: c.f, N: max(c.info.size-file, 0)}
	if c.in == nil {
		c.in = bufio.NewReaderSize(c.raw, 64<<10)
	} else {
		c.in.Reset(c.raw)
	}
	c.at, c.member, c.base, c.open, c.members = offset, file, offset, false, nil
	if c.wide != nil {
		c.wide = c.decoder()
	}
	return nil
}

// Read reads content as UTF-8.
func (c *content) Read(b []byte) (int, error) {
	if c.wide != nil {
		return c.wide.Read(b)
	}
	return c.readBytes(b)
}

// readBytes reads content as it was written. Between members it goes on with the next.
func (c *content) readBytes(b []byte) (int, error) {
	if !c.gz {
		n, err := c.in.Read(b)
		c.at += int64(n)
		return n, err
	}
	for {
		if !c.open {
			if _, err := c.in.Peek(1); err != nil {
				return 0, err
			}
			c.member, c.base = c.info.size-c.raw.N-int64(c.in.Buffered()), c.at
			c.members = append(c.members, [2]int64{c.member, c.base})
			var err error
			if c.zip == nil {
				c.zip, err = gzip.NewReader(c.in)
			} else {
				err = c.zip.Reset(c.in)
			}
			if err != nil {
				return 0, err
			}
			c.zip.Multistream(false)
			c.open = true
		}
		n, err := c.zip.Read(b)
		c.at += int64(n)
		if err == io.EOF { // of this member
			c.open, err = false, nil
			if n == 0 {
				continue
			}
		}
		return n, err
	}
}

// memberOf is the member that an offset lies in: its place in the file and its own offset. Earlier ones are forgotten.
func (c *content) memberOf(offset int64) (int64, int64) {
	for len(c.members) > 1 && c.members[1][1] <= offset {
		c.members = c.members[1:]
	}
	if len(c.members) == 0 {
		return c.member, c.base
	}
	return c.members[0][0], c.members[0][1]
}

// beginsLike says whether the first bytes are those of p's file.
func (c *content) beginsLike(p *position) bool {
	return int64(len(c.head)) >= p.Head.Len && printOf(c.head[:p.Head.Len]) == p.Head
}

// resume stands at p.Offset if this is the file that p was taken of, or a copy of it. Otherwise it says false, and start
// has to be called.
func (c *content) resume(p *position) (bool, error) {
	if p.Offset == 0 {
		return true, c.start(0, 0)
	}
	if !c.beginsLike(p) {
		return false, nil
	}
	tail := make([]byte, p.Tail.Len)
	from := p.Offset - p.Tail.Len
	if !c.gz && c.wide == nil {
		if c.info.size < p.Offset || from < 0 {
			return false, nil
		}
		if _, err := c.f.ReadAt(tail, from); err != nil {
			return false, passable(err) // truncated since
		}
		return printOf(tail) == p.Tail, c.start(p.Offset, p.Offset)
	}
	member, base := int64(0), int64(0)
	if c.wide == nil && c.info.isInode(p) && p.MemberBase <= from && p.Member < c.info.size {
		member, base = p.Member, p.MemberBase
	}
	if err := c.start(member, base); err != nil {
		return false, err
	}
	if _, err := io.CopyN(io.Discard, c, from-base); err != nil {
		return false, passable(err)
	}
	if _, err := io.ReadFull(c, tail); err != nil {
		return false, passable(err)
	}
	return printOf(tail) == p.Tail, nil
}

// passable is err unless it only says that the content is another one or shorter.
func passable(err error) error {
	if ended(err) || damaged(err) {
		return nil
	}
	return err
}
