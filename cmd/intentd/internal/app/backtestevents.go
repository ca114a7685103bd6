package app

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/jsonl"
)

// readEvents reads the events of a file in any form that a journey comes in, gzip or plain, and counts what could not be read by its reason. JSON lines may be longer than one journey: they are read in
// parts.
func readEvents(path string) (events []connectors.Event, unread map[string]int, err error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("%s: there is no such file", path)
	case err != nil:
		return nil, nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, nil, fmt.Errorf("%s is a directory: name a file with events", path)
	}
	in := bufio.NewReaderSize(f, 1<<20)
	if magic, _ := in.Peek(2); string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		in = bufio.NewReaderSize(z, 1<<20)
	}
	unread = map[string]int{}
	begin, _ := in.Peek(512)
	lines := strings.HasPrefix(strings.TrimLeft(string(begin), "\ufeff \t\r\n"), "{")
	for {
		part, err := readPart(in, lines)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		if len(part) == 0 && len(events) > 0 {
			return events, unread, nil
		}
		read, err := jsonl.ReadJourney(bytes.NewReader(part), time.Now())
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		if read.Untimed > 0 {
			return nil, nil, fmt.Errorf("%s: %d of %d steps have no time: without one nothing says what was known before an outcome; give each a \"time\"", path, read.Untimed, read.Records)
		}
		for why, n := range read.Unreadable {
			unread[why] += n
		}
		if len(read.Events) == 0 {
			return nil, nil, fmt.Errorf("%s: no step in it can be read: each line must be an object with time, kind and email", path)
		}
		events = append(events, read.Events...)
		if !lines {
			return events, unread, nil
		}
	}
}

// readPart reads whole lines, or all that is left of what has none.
func readPart(in *bufio.Reader, lines bool) ([]byte, error) {
	if !lines {
		return io.ReadAll(in)
	}
	part := make([]byte, jsonl.MaxJourney/4)
	n, err := io.ReadFull(in, part)
	part = part[:n]
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return part, nil
	} else if err != nil {
		return nil, err
	}
	rest, err := in.ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return append(part, rest...), err
}
