package jsonl

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/klauspost/compress/s2"
)

// memory is what a cursor holds: where every file stands, and what became of what was read until there. As both are one value that
// the host saves with the events, the counts are exact whatever crashes.
type memory struct {
	Files  []*position       `json:"files"`
	Intake connectors.Intake `json:"intake"`

	cursor connectors.Cursor // that this was read from or written to last
}

// cursorVersion is the first byte of a cursor; compressed JSON of a memory follows. A cursor that begins with a brace is of the time
// when the store kept a position for each file.
const cursorVersion = 2

// maxCursor bounds what a cursor may decompress to: some hundred thousand files.
const maxCursor = 256 << 20

// recall is the memory that a cursor holds.
func (f *Feed) recall(from connectors.Cursor) (*memory, error) {
	m := &memory{cursor: from}
	var err error
	switch {
	case len(from) == 0:
	case from[0] == '{':
		err = m.readFirstVersion(from)
	case from[0] == cursorVersion:
		var b []byte
		n, lengthErr := s2.DecodedLen(from[1:])
		if err = lengthErr; err == nil && n > maxCursor {
			err = fmt.Errorf("it claims a size of %d bytes", n)
		}
		if err == nil {
			if b, err = s2.Decode(nil, from[1:]); err == nil {
				err = json.Unmarshal(b, m)
			}
		}
	default:
		err = fmt.Errorf("written by another version of intentd")
	}
	if err != nil {
		return nil, &connectors.Error{Kind: connectors.Config, Op: "jsonl: read the positions of " + f.o.Name, Err: err}
	}
	return m, nil
}

// readFirstVersion reads {name: position, …, "broken": lines}.
func (m *memory) readFirstVersion(b []byte) error {
	var byName map[string]json.RawMessage
	if err := json.Unmarshal(b, &byName); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if !strings.HasPrefix(name, "f") {
			continue
		}
		p := new(position)
		if err := json.Unmarshal(byName[name], p); err != nil {
			return err
		}
		m.Files = append(m.Files, p)
	}
	return nil
}

// save is the cursor of the memory as it is now.
func (m *memory) save() connectors.Cursor {
	b, err := json.Marshal(m)
	if err != nil {
		panic("jsonl: a position cannot be encoded: " + err.Error()) // numbers, texts and times of a file system
	}
	m.cursor = append(connectors.Cursor{cursorVersion}, s2.Encode(nil, b)...)
	return m.cursor
}
