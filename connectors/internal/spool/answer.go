package spool

import (
	"io"
	"os"

	"github.com/intentd/intentd/connectors"
)

// Answer is an export that is being read.
type Answer struct {
	Size  int64 // as it is kept
	Lines *Lines
	file  *os.File
}

// Open goes to a position in an export that was kept, whose text unpack tells. Where the lines before it are other ones than they were, it begins
// anew and sets the position to the beginning: whoever stores the events knows those that come again by their ids.
func Open(op string, file *os.File, at *Position, unpack func(*os.File) (io.Reader, error)) (*Answer, error) {
	a := &Answer{file: file}
	same, err := a.skip(*at, unpack)
	if err == nil && !same {
		*at = Position{}
		_, err = a.skip(*at, unpack)
	}
	if err != nil {
		file.Close()
		return nil, &connectors.Error{Kind: connectors.Transient, Op: op, Message: "the export that was kept cannot be read: " + err.Error()}
	}
	return a, nil
}

func (a *Answer) skip(to Position, unpack func(*os.File) (io.Reader, error)) (same bool, err error) {
	info, err := a.file.Stat()
	if err != nil {
		return false, err
	}
	a.Size = info.Size()
	if _, err := a.file.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	text, err := unpack(a.file)
	if err != nil {
		return false, err
	}
	a.Lines = newLines(text)
	return a.Lines.Skip(to)
}
