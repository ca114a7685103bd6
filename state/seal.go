package state

import (
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Receipts and answers are compressed one by one, which pays only with a dictionary: most of a receipt is field names and
// settings that all receipts share. The dictionary is part of the file format: a better one gets a number of its own, and
// this one stays to read what it wrote.

//go:embed receipt.dict
var receiptDict []byte

const (
	sealedZstd = 0x01 // first byte of what seal returns; JSON never begins with it
	dictID     = 1
	maxUnseal  = 64 << 20
	maxCoders  = 4 // kept of each kind: an encoder takes some hundred KB
)

func sealed(b []byte) bool { return len(b) > 0 && b[0] == sealedZstd }

// codecs is a free list of coders. They are made as they are needed, by the DB that uses them, and go with it: a coder holds
// channels, which must not leave a synctest bubble.
type codecs struct {
	mu       sync.Mutex
	encoders []*zstd.Encoder
	decoders []*zstd.Decoder
}

func (c *codecs) seal(plain []byte) []byte {
	e := c.encoder()
	out := e.EncodeAll(plain, append(make([]byte, 0, len(plain)/2+64), sealedZstd))
	c.mu.Lock()
	if len(c.encoders) < maxCoders {
		c.encoders = append(c.encoders, e)
	}
	c.mu.Unlock()
	return out
}

func (c *codecs) encoder() *zstd.Encoder {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.encoders); n > 0 {
		e := c.encoders[n-1]
		c.encoders = c.encoders[:n-1]
		return e
	}
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(128<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false), zstd.WithEncoderDictRaw(dictID, receiptDict))
	if err != nil {
		panic("state: constant options of zstd: " + err.Error())
	}
	return e
}

func (c *codecs) open(b []byte) ([]byte, error) {
	if !sealed(b) {
		return slices.Clone(b), nil
	}
	d := c.decoder()
	plain, err := d.DecodeAll(b[1:], nil)
	c.mu.Lock()
	if len(c.decoders) < maxCoders {
		c.decoders = append(c.decoders, d)
	} else {
		d.Close()
	}
	c.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", damaged("compressed"), err)
	}
	return plain, nil
}

func (c *codecs) decoder() *zstd.Decoder {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.decoders); n > 0 {
		d := c.decoders[n-1]
		c.decoders = c.decoders[:n-1]
		return d
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxUnseal), zstd.WithDecoderDictRaw(dictID, receiptDict))
	if err != nil {
		panic("state: constant options of zstd: " + err.Error())
	}
	return d
}

func (c *codecs) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.decoders {
		d.Close()
	}
	c.encoders, c.decoders = nil, nil
}

// SealReceipt compresses a receipt outside any transaction, so that the one writer need not. Pending.Receipt and PutReceipt
// take it like plain JSON; a Pending staged with it gives it back sealed.
func (db *DB) SealReceipt(json []byte) []byte {
	if len(json) == 0 || sealed(json) {
		return json
	}
	return db.zstd.seal(json)
}

// OpenReceipt is the JSON of a receipt, sealed or not.
func (db *DB) OpenReceipt(receipt []byte) ([]byte, error) { return db.zstd.open(receipt) }
