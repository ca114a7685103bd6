package state

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"
)

// Receipts and answers are compressed one by one, which pays only with a dictionary: most of a receipt are words that all
// receipts share. S2 takes a sixth of zstd's time for something so short and leaves a quarter more. A dictionary is part of the file
// format: a better one gets a first byte of its own, and those before stay to read what they wrote. The second is the first and,
// behind it, receipts of generated journeys in both languages, chosen one by one for what they save in others (the pipeline's
// TestReceiptsAreSealedSmall): the texts had changed. A receipt takes 958 bytes with it and 1,452 with the first.

//go:embed receipt.dict
var firstDict []byte

//go:embed receipt2.dict
var secondDict []byte

// The dictionaries are safe for concurrent use.
var first, second = s2.MakeDict(firstDict, nil), s2.MakeDict(secondDict, nil)

// First bytes of what is sealed; nothing that is to be sealed may begin with one.
const (
	sealedFirst  = 0x01
	sealedSecond = 0xff
)

const maxUnseal = 64 << 20

// sealer is the dictionary that b was sealed with; nil if it is not sealed.
func sealer(b []byte) *s2.Dict {
	switch {
	case len(b) == 0:
	case b[0] == sealedSecond:
		return second
	case b[0] == sealedFirst:
		return first
	}
	return nil
}

func isSealed(b []byte) bool { return sealer(b) != nil }

func seal(plain []byte) []byte {
	var buf [4096]byte
	out := buf[:]
	if need := s2.MaxEncodedLen(len(plain)); need >= len(out) {
		out = make([]byte, need+1)
	}
	out[0] = sealedSecond
	return slices.Clone(out[:1+len(second.Encode(out[1:], plain))])
}

func unseal(b []byte) ([]byte, error) {
	dictionary := sealer(b)
	if dictionary == nil {
		return slices.Clone(b), nil
	}
	n, err := s2.DecodedLen(b[1:])
	if err == nil && n > maxUnseal {
		err = errors.New("too long")
	}
	var plain []byte
	if err == nil {
		plain, err = dictionary.Decode(nil, b[1:])
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", damaged("compressed"), err)
	}
	return plain, nil
}

// SealReceipt compresses a receipt outside any transaction, so that the one writer need not. Pending.Receipt and PutReceipt
// take it like a plain one; a Pending staged with it gives it back sealed.
func (db *DB) SealReceipt(plain []byte) []byte {
	if len(plain) == 0 || isSealed(plain) {
		return plain
	}
	return seal(plain)
}

// OpenReceipt is the receipt, sealed or not, as it was before it was sealed.
func (db *DB) OpenReceipt(receipt []byte) ([]byte, error) { return unseal(receipt) }
