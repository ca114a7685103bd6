package spool

import (
	"bytes"

	"github.com/intentd/intentd/connectors"
)

// Held is the answer that a feed holds between two pages of it, for the cursor that it handed out with the first.
type Held struct {
	*Answer // nil: to be asked for
	at      connectors.Cursor
}

// Resume drops the answer unless it stands at a cursor.
func (h *Held) Resume(from connectors.Cursor) {
	if !bytes.Equal(h.at, from) {
		h.Drop()
	}
}

// Stands says at which cursor the answer stands now.
func (h *Held) Stands(at connectors.Cursor) { h.at = at }

// Drop closes the answer.
func (h *Held) Drop() {
	if h.Answer != nil {
		h.Answer.file.Close()
	}
	*h = Held{}
}

// Sizes of answers, as they are kept.
const (
	small = 16 << 20
	large = 512 << 20
)

// Fair is how many days or hours the next call asks for, after one for so many had an answer of a size: twice as many as usual behind a small
// one, half of them behind a large one.
func Fair(usual, asked, most int, size int64) int {
	switch {
	case size < small:
		return min(2*max(usual, asked), most)
	case size > large:
		return max(asked/2, 1)
	}
	return usual
}
