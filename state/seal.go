package state

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"
)

// Receipts and answers are compressed one by one, which pays only with a dictionary: most of a receipt are words that all
// receipts share. S2 takes a sixth of zstd's time for something so short and leaves a quarter more. The dictionary is part of
// the file format: a better one gets a first byte of its own, and this one stays to read what it wrote.

//go:embed receipt.dict
var receiptDict []byte

// dictionary is safe for concurrent use.
var dictionary = s2.MakeDict(receiptDict, nil)

const (
	sealedS2  = 0x01 // first byte of what seal returns; nothing that is sealed may begin with it
	maxUnseal = 64 << 20
)

func isSealed(b []byte) bool { return len(b) > 0 && b[0] == sealedS2 }

func seal(plain []byte) []byte {
	var buf [4096]byte
	out := buf[:]
	if need := s2.MaxEncodedLen(len(plain)); need >= len(out) {
		out = make([]byte, need+1)
	}
	out[0] = sealedS2
	return slices.Clone(out[:1+len(dictionary.Encode(out[1:], plain))])
}

func unseal(b []byte) ([]byte, error) {
	if !isSealed(b) {
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
