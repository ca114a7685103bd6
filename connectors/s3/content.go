package s3

import (
	"bufio"
	"context"
	"errors"
	"io"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// partSize is how much of an object one request fetches.
const partSize = 4 << 20

// object is one that is being read: what it is, and what of it is taken.
type object struct {
	Key      string    `json:"k"`
	ETag     string    `json:"e"`
	Size     int64     `json:"s"`
	Modified time.Time `json:"m"`
	Offset   int64     `json:"o,omitempty"` // in the content, after decompression
	Records  int64     `json:"n,omitempty"` // before it
}

// parts reads an object's bytes in ranges.
type parts struct {
	ctx    context.Context // of the present Take
	bucket *bucket
	of     *object
	next   int64  // where the next range begins
	buf    []byte // of one range
	left   []byte // of buf, not read yet
	calls  int
}

func (p *parts) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		if p.next >= p.of.Size {
			return 0, io.EOF
		}
		part := p.buf[:min(int64(len(p.buf)), p.of.Size-p.next)]
		if err := p.bucket.get(p.ctx, p.of, p.next, part); err != nil {
			return 0, err
		}
		p.next += int64(len(part))
		p.calls++
		p.left = part
	}
	n := copy(b, p.left)
	p.left = p.left[n:]
	return n, nil
}

// content is an object's text, decompressed.
type content struct {
	parts parts
	io.Reader
}

// openContent opens an object at its offset. part is what ranges are read into, and as long as they are.
func openContent(ctx context.Context, b *bucket, o *object, part []byte) (*content, error) {
	c := &content{parts: parts{ctx: ctx, bucket: b, of: o, buf: part}}
	var magic [2]byte
	in := bufio.NewReaderSize(&c.parts, 64<<10)
	begin, err := in.Peek(len(magic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if string(begin) == "\x1f\x8b" {
		if c.Reader, err = gzip.NewReader(in); err != nil {
			return nil, err
		}
		_, err = io.CopyN(io.Discard, c, o.Offset)
		return c, err
	}
	if o.Offset > 0 { // only the rest is fetched
		c.parts.next, c.parts.left = o.Offset, nil
		in.Reset(&c.parts)
	}
	c.Reader = in
	return c, nil
}

// damaged says that an object is not what was written to it, or was cut off when it was.
func damaged(err error) bool {
	if isCall(err) {
		return false
	}
	var corrupt flate.CorruptInputError
	return errors.As(err, &corrupt) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF)
}
