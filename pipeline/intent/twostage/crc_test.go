package twostage

import (
	"encoding/binary"
	"hash/crc32"
)

// crc32png is the check sum of a PNG chunk.
func crc32png(chunk []byte) (out [4]byte) {
	binary.BigEndian.PutUint32(out[:], crc32.ChecksumIEEE(chunk))
	return out
}
