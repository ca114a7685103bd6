package state

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// Mark is a name in one byte, to look for it in the ranking: 0 for none, and the same for one in 255 others, too.
func Mark(name string) uint8 {
	if name == "" {
		return 0
	}
	return 1 + uint8(xxhash.Sum64String(name)%255)
}

// appendStanding writes five bytes.
func appendStanding(b []byte, s Standing) []byte {
	return s.appendMarks(binary.BigEndian.AppendUint16(b, s.Score))
}

func (s Standing) appendMarks(b []byte) []byte {
	return append(b, s.Trend<<5|s.Stage&3<<3|s.Evidence&7, s.Product, s.Owner)
}

func (s *Standing) setMarks(b []byte) {
	s.Trend, s.Stage, s.Evidence, s.Product, s.Owner = b[0]>>5, b[0]>>3&3, b[0]&7, b[1], b[2]
}

const standingBytes = 5

// standingOf reads what records of before standings were kept say of one: Shown in the one format there was.
func standingOf(shown []byte) (s Standing) {
	r := reader{b: shown}
	if r.byte() != 1 {
		return Standing{}
	}
	s.Stage = r.byte() >> 3 & 3
	s.Trend = r.byte() & 7
	s.Score = uint16(min(max(r.varint(), 0), 1000))
	s.Product = Mark(r.string())
	if r.bad {
		return Standing{}
	}
	return s
}
