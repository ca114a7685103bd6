// Package verdicts sets what reps say of people beside what the score said then: the score that each verdict judged, a report of how far both agree, and a labelled set to
// learn from.
//
// Terms. A verdict agrees with high and medium if it is interested, with low and unknown if it is anything else: a rep who says "not now" of somebody high does not.
//
// Promises: nothing here holds a name, an address or a page; a verdict on somebody whom an earlier verdict had set aside says nothing of the tier, which was low for that reason.
package verdicts

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/intentd/intentd/pipeline/score"
)

// Judged is what a CRM showed of somebody when a rep said what they think of them.
type Judged struct {
	At       time.Time      `json:"at"` // of the result that was shown, in whole seconds
	Score    int            `json:"score"`
	Tier     score.Tier     `json:"tier"`
	Rule     score.Rule     `json:"rule"`
	Engine   string         `json:"engine"`
	Parts    []Part         `json:"parts"`
	Features score.Features `json:"features"`
}

// Part is one summand of a score, in tenths.
type Part struct {
	Name   string `json:"name"`
	Tenths int    `json:"tenths"`
}

// PartsOf are the summands of a score that are not nought, under any engine.
func PartsOf(p *score.Parts) (out []Part) {
	for _, part := range []Part{{"volume", p.Volume.Contribution}, {"recency", p.Recency.Contribution}, {"topics", p.Topics.Contribution}, {"offset", p.Offset}, {"learned", p.Points}, {"clamp", p.Clamp}} {
		if part.Tenths != 0 {
			out = append(out, part)
		}
	}
	return out
}

// The stored form begins with its own version, so that a later release reads what this one wrote.
const version = 1

// mostFeatures bounds what is kept with one verdict, in bytes: about a thousand signals. Beyond it the newest signals stay.
const mostFeatures = 4096

// Append writes j behind b: some forty bytes and about four a signal.
func (j *Judged) Append(b []byte) []byte {
	b = append(b, version, uint8(j.Tier))
	b = binary.AppendVarint(b, j.At.Unix())
	b = binary.AppendVarint(b, int64(j.Score))
	b = appendString(appendString(b, string(j.Rule)), j.Engine)
	b = binary.AppendUvarint(b, uint64(len(j.Parts)))
	for _, p := range j.Parts {
		b = binary.AppendVarint(appendString(b, p.Name), int64(p.Tenths))
	}
	f := j.Features
	for n := len(b); ; b = b[:n] {
		if b = f.Append(b); len(b)-n <= mostFeatures || len(f.Signals) == 0 {
			return b
		}
		f.Signals = f.Signals[(len(f.Signals)+1)/2:]
	}
}

// Decode reads what Append wrote.
func Decode(b []byte) (*Judged, error) {
	if len(b) < 2 || b[0] != version {
		return nil, fmt.Errorf("verdicts: what a verdict judged is not of version %d: a later release wrote it", version)
	}
	j := &Judged{Tier: score.Tier(b[1])}
	r := reader{b: b[2:]}
	j.At = time.Unix(r.varint(), 0).UTC()
	j.Score = int(r.varint())
	j.Rule, j.Engine = score.Rule(r.string()), r.string()
	for n := r.varuint(); n > 0 && !r.bad; n-- {
		j.Parts = append(j.Parts, Part{r.string(), int(r.varint())})
	}
	if r.bad || j.Tier > score.High {
		return nil, errors.New("verdicts: what a verdict judged is damaged")
	}
	var err error
	if j.Features, err = score.DecodeFeatures(r.b); err != nil {
		return nil, fmt.Errorf("verdicts: what a verdict judged: %w", err)
	}
	return j, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// reader takes values off the front of b and remembers that something was wrong.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	r.skip(n)
	return v
}

func (r *reader) varuint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.skip(n)
	return v
}

func (r *reader) string() string {
	n := r.varuint()
	if n > uint64(len(r.b)) {
		r.skip(0)
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) skip(n int) {
	if n <= 0 {
		r.b, r.bad = nil, true
		return
	}
	r.b = r.b[n:]
}
