// Package spool keeps the answer of an export call in a temporary file while its lines are read page by page: exports come as one answer of
// any size, and a page is bounded.
//
// The file has no name once it is open, so that nothing of it is left whatever ends the process. A cursor that stands within an answer holds how
// many lines were read and a hash of them: a process that goes on there asks for the export again, and knows by the hash whether its
// lines come in the same order.
package spool

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Options say where answers are kept.
type Options struct {
	Dir   string // the system's directory for temporary files if empty
	Limit int64  // bytes of one answer
}

// ErrTooLarge says that an answer is larger than the limit.
var ErrTooLarge = errors.New("the answer is larger than what is kept of one")

// Download makes a call and keeps its answer in a file, as keep writes it. An attempt that breaks off begins the file anew.
func Download(ctx context.Context, c *transport.Client, r transport.Request, o Options, keep func(w io.Writer, answer io.Reader) error) (*os.File, *transport.Response, error) {
	f, err := os.CreateTemp(o.Dir, "intentd-export-*")
	if err != nil {
		return nil, nil, place(r.Op, err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, nil, place(r.Op, err)
	}
	w := &bounded{f: f, left: o.Limit}
	r.Stream = func(answer io.Reader) error {
		if w.failed != nil { // not the answer's fault: no further attempt makes it good
			return w.failed
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		w.left = o.Limit
		if err := f.Truncate(0); err != nil {
			return err
		}
		return keep(w, answer)
	}
	answer, err := c.Do(ctx, r)
	switch {
	case errors.Is(w.failed, ErrTooLarge):
		err = w.failed
	case w.failed != nil:
		err = place(r.Op, w.failed)
	}
	if err != nil {
		f.Close()
		return nil, answer, err
	}
	_, err = f.Seek(0, io.SeekStart)
	return f, answer, err
}

func place(op string, err error) error {
	return &connectors.Error{Kind: connectors.Transient, Op: op, Message: "the export cannot be kept in a temporary file: " + err.Error(),
		Fix: "make room where temporary files lie, or set temp_dir to a directory with room for one export"}
}

// bounded writes to a file up to a limit.
type bounded struct {
	f      *os.File
	left   int64
	failed error
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		b.failed = ErrTooLarge
		return 0, b.failed
	}
	n, err := b.f.Write(p)
	b.failed = err
	return n, err
}

// CheckDir adds the problem of a temp_dir that is none.
func CheckDir(c *connectors.Check, dir string) {
	if dir == "" {
		return
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		c.Add("temp_dir", connectors.Quoted(dir)+" is no directory", "make it, writable by the user that intentd runs as, or leave it out")
	}
}
