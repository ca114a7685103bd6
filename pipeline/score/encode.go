package score

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// The stored forms begin with their own version, so that a later release reads what this one wrote. They hold no settings.
const (
	featuresVersion = 4 // with a profile
	beforeProfile   = 3 // without one; features without one are still written so
	beforeWhole     = 2 // without objects and visits, too; likewise
	shownVersion    = 1
)

// Bits of a signal's head above its type.
const (
	headStrength = 1 << (4 + iota) // a strength follows: it is not storedStrength's
	headFlags
	headProduct
	headSession // the step from the previous signal's session follows
)

// Bits of the model's byte: the span in which a verdict sets the person aside follows, and then who owns them and from where on they are high.
const (
	modelAside = 1 << (6 + iota)
	modelCapacity
)

// storedStrength is the strength a stored signal of a type has unless it says otherwise. It is part of the stored form of
// version 1 and does not follow the settings.
var storedStrength = [16]uint8{HandRaise: 95, SocialAsk: 90, TechChange: 85, JobPosting: 80, Funding: 75, FormSubmit: 70,
	ContentView: 60, EmailEngage: 50, WebVisit: 40, SocialMention: 30}

// Append writes f behind b: about four bytes a signal. Products that no signal is about are left out, which renumbers the
// rest; no result depends on their numbers.
func (f *Features) Append(b []byte) []byte {
	model := uint8(f.ModelInterest)&3 | uint8(f.ModelTier)&3<<2 | uint8(f.ModelStage)&3<<4
	version := uint8(beforeWhole)
	if f.Whole {
		version = beforeProfile
	}
	if len(f.Profile) > 0 {
		version = featuresVersion
	}
	if f.SetAside != 0 {
		model |= modelAside
	}
	if c := &f.Capacity; c.Owners != nil || c.Cut != 0 {
		model |= modelCapacity
	}
	b = append(b, version, model)
	if model&modelAside != 0 {
		b = binary.AppendVarint(b, f.SetAside)
		b = binary.AppendVarint(b, f.AsideUntil-f.SetAside)
	}
	if c := &f.Capacity; model&modelCapacity != 0 {
		b = binary.AppendUvarint(b, uint64(c.Cut))
		b = binary.AppendVarint(b, c.Since)
		b = binary.AppendUvarint(b, uint64(len(c.Owners)))
		for _, owner := range c.Owners {
			b = appendString(b, owner)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(f.Signals)))
	var number [256]uint8 // product → its stored number
	var used [256]uint8
	products := 0
	var at int64
	var session uint16
	for i := range f.Signals {
		g := &f.Signals[i]
		head := uint8(g.Type) & 15
		product := uint8(0)
		if g.Product != 0 && int(g.Product) <= len(f.Products) {
			if number[g.Product] == 0 {
				used[products] = g.Product
				products++
				number[g.Product] = uint8(products)
			}
			product = number[g.Product]
			head |= headProduct
		}
		if g.Strength != storedStrength[g.Type&15] {
			head |= headStrength
		}
		if g.Flags != 0 {
			head |= headFlags
		}
		if g.Session != session {
			head |= headSession
		}
		b = append(b, head)
		b = binary.AppendVarint(b, g.At-at)
		if head&headStrength != 0 {
			b = append(b, g.Strength)
		}
		if head&headFlags != 0 {
			b = append(b, uint8(g.Flags))
		}
		if head&headProduct != 0 {
			b = append(b, product)
		}
		if head&headSession != 0 {
			b = binary.AppendVarint(b, int64(g.Session)-int64(session))
		}
		at, session = g.At, g.Session
	}
	b = binary.AppendUvarint(b, uint64(products))
	for _, p := range used[:products] {
		b = appendString(b, f.Products[p-1])
	}
	b = binary.AppendUvarint(b, uint64(len(f.Topics)))
	for i := range f.Topics {
		t := &f.Topics[i]
		b = appendString(b, t.Name)
		b = append(b, uint8(t.Points))
		b = binary.AppendVarint(b, t.Last-at) // near the newest signal
		b = binary.AppendVarint(b, t.First-t.Last)
	}
	if version == featuresVersion {
		b = f.appendProfile(b)
	}
	if f.Whole {
		b = f.appendDetail(b)
	}
	return b
}

// appendProfile writes the profile, and whether detail follows.
func (f *Features) appendProfile(b []byte) []byte {
	whole := byte(0)
	if f.Whole {
		whole = 1
	}
	b = binary.AppendUvarint(append(b, whole), uint64(len(f.Profile)))
	for i := range f.Profile {
		b = appendString(appendString(b, f.Profile[i].Name), f.Profile[i].Word)
	}
	return b
}

// profile reads what appendProfile wrote.
func (f *Features) profile(r *reader) {
	whole := r.byte()
	if whole > 1 {
		r.fail("an unknown mark before the profile")
	}
	f.Whole = whole == 1
	if n := r.count(2); n > 0 {
		f.Profile = make([]Word, n)
		for i := range f.Profile {
			f.Profile[i] = Word{r.string(), r.string()}
		}
	}
}

// appendDetail writes objects and visits.
func (f *Features) appendDetail(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(f.Objects)))
	for _, name := range f.Objects {
		b = appendString(b, name)
	}
	for i := range f.Signals {
		if len(f.Objects) > 0 {
			b = binary.AppendUvarint(b, uint64(f.Signals[i].Object))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(f.Visits)))
	var at int64
	for i := range f.Visits {
		v := &f.Visits[i]
		b = binary.AppendVarint(b, v.At-at)
		b = binary.AppendVarint(b, v.Length)
		b = binary.AppendVarint(b, v.Dwell-v.Length)
		b = binary.AppendUvarint(b, uint64(v.Steps))
		b = binary.AppendUvarint(b, uint64(v.Pages))
		at = v.At
	}
	return b
}

// detail reads what appendDetail wrote.
func (f *Features) detail(r *reader) {
	if n := r.count(1); n > 0 {
		f.Objects = make([]string, n)
		for i := range f.Objects {
			f.Objects[i] = r.string()
		}
		for i := range f.Signals {
			if f.Signals[i].Object = uint16(r.uvarint()); int(f.Signals[i].Object) > n {
				r.fail("a signal about something that is not listed")
			}
		}
	}
	if n := r.count(5); n > 0 {
		f.Visits = make([]Visit, n)
		var at int64
		for i := range f.Visits {
			v := &f.Visits[i]
			at += r.varint()
			v.At, v.Length = at, r.varint()
			v.Dwell = v.Length + r.varint()
			v.Steps, v.Pages = int(r.uvarint()), int(r.uvarint())
		}
	}
}

// DecodeFeatures reads what Append wrote, of this and every earlier version. It refuses what this release cannot read or what is cut off or has a tail.
func DecodeFeatures(b []byte) (Features, error) {
	var f Features
	r := reader{b: b}
	version := r.byte()
	if r.err == nil && (version < 1 || version > featuresVersion) {
		return Features{}, fmt.Errorf("score: stored features have version %d, this release reads versions 1 to %d", version, featuresVersion)
	}
	model := r.byte()
	if model&modelAside != 0 {
		f.SetAside = r.varint()
		f.AsideUntil = f.SetAside + r.varint()
	}
	if model&modelCapacity != 0 {
		f.Capacity = r.capacity()
	}
	f.ModelInterest, f.ModelTier, f.ModelStage = Interest(model&3), Tier(model>>2&3), Stage(model>>4&3)
	if n := r.count(2); n > 0 {
		f.Signals = make([]Signal, n)
	}
	var at int64
	var session uint16
	highest := uint8(0)
	for i := range f.Signals {
		g := &f.Signals[i]
		head := r.byte()
		g.Type = Type(head & 15)
		g.At = at + r.varint()
		g.Strength = storedStrength[head&15]
		if head&headStrength != 0 {
			g.Strength = r.byte()
		}
		if head&headFlags != 0 {
			g.Flags = Flag(r.byte())
		}
		if version == 1 && g.Flags&(PricePage|ContractPage|Comparison|Application) != 0 {
			g.Flags |= Key // version 1 did not mark it
		}
		if head&headProduct != 0 {
			g.Product = r.byte()
			highest = max(highest, g.Product)
		}
		if head&headSession != 0 {
			session += uint16(r.varint())
		}
		g.Session = session
		at = g.At
		if g.Type == 0 || g.Type > SocialMention {
			r.fail("a signal of an unknown type")
		}
	}
	if n := r.count(1); n > 0 {
		f.Products = make([]string, n)
		for i := range f.Products {
			f.Products[i] = r.string()
		}
	}
	if int(highest) > len(f.Products) {
		r.fail("a signal about a product that is not listed")
	}
	if n := r.count(4); n > 0 {
		f.Topics = make([]Topic, n)
		for i := range f.Topics {
			t := &f.Topics[i]
			t.Name = r.string()
			t.Points = int8(r.byte())
			t.Last = at + r.varint()
			t.First = t.Last + r.varint()
		}
	}
	f.Whole = version == beforeProfile
	if version == featuresVersion {
		f.profile(&r)
	}
	if f.Whole {
		f.detail(&r)
	}
	if err := r.done("features"); err != nil {
		return Features{}, err
	}
	return f, nil
}

// StoredAside reads no more of stored features than the span in which a verdict sets the person aside; zeros for none.
func StoredAside(b []byte) (from, until int64) {
	r := reader{b: b}
	r.byte()
	if r.byte()&modelAside == 0 {
		return 0, 0
	}
	from = r.varint()
	return from, from + r.varint()
}

// StoredCapacity reads no more of stored features than who owns the person and from where on they are high.
func StoredCapacity(b []byte) Capacity {
	r := reader{b: b}
	r.byte()
	model := r.byte()
	if model&modelAside != 0 {
		r.varint()
		r.varint()
	}
	if model&modelCapacity == 0 {
		return Capacity{}
	}
	return r.capacity()
}

func (r *reader) capacity() Capacity {
	c := Capacity{Cut: int(min(r.uvarint(), 1000)), Since: r.varint(), Owners: []string{}}
	for range r.count(1) {
		c.Owners = append(c.Owners, r.string())
	}
	return c
}

// Append writes s behind b. Times are kept to the second.
func (s *Shown) Append(b []byte) []byte {
	known := uint8(0)
	if s.Known {
		known = 1
	}
	b = append(b, shownVersion, known|uint8(s.Tier)&3<<1|uint8(s.Stage)&3<<3|uint8(s.Interest)&3<<5, uint8(s.Trend))
	b = binary.AppendVarint(b, int64(s.Score))
	b = appendString(b, s.Product)
	b = binary.LittleEndian.AppendUint64(b, s.Topics)
	b = appendTime(b, s.Written)
	return appendTime(b, s.Since)
}

// DecodeShown reads what Append wrote; times come back in UTC.
func DecodeShown(b []byte) (Shown, error) {
	r := reader{b: b}
	if v := r.byte(); r.err == nil && v != shownVersion {
		return Shown{}, fmt.Errorf("score: a stored score has version %d, this release reads version %d", v, shownVersion)
	}
	words := r.byte()
	s := Shown{Known: words&1 != 0, Tier: Tier(words >> 1 & 3), Stage: Stage(words >> 3 & 3), Interest: Interest(words >> 5 & 3), Trend: Trend(r.byte())}
	if s.Trend > New || words > 127 {
		r.fail("an unknown trend or mark")
	}
	score := r.varint()
	if score < math.MinInt32 || score > math.MaxInt32 {
		r.fail("a score out of range")
	}
	s.Score = int(score)
	s.Product = r.string()
	s.Topics = r.uint64()
	s.Written = r.time()
	s.Since = r.time()
	if err := r.done("score"); err != nil {
		return Shown{}, err
	}
	return s, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendTime writes 0 for the zero time, else Unix seconds moved by one so that none of them is 0.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	u := t.Unix()
	if u >= 0 {
		u++
	}
	return binary.AppendVarint(b, u)
}

// reader takes values off the front of b and remembers the first thing that went wrong.
type reader struct {
	b   []byte
	err error
}

var errCut = errors.New("it is cut off")

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = errors.New(what)
	}
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n > len(r.b) {
		if r.err == nil {
			r.err = errCut
		}
		r.b = nil
		return nil
	}
	head := r.b[:n]
	r.b = r.b[n:]
	return head
}

func (r *reader) byte() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		n = len(r.b) + 1
	}
	r.take(n)
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		n = len(r.b) + 1
	}
	r.take(n)
	return v
}

// count reads a number of items that take at least size bytes each, and refuses more than there is room for.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/size) {
		r.fail("it counts more than it holds")
		return 0
	}
	return int(n)
}

func (r *reader) string() string { return string(r.take(r.count(1))) }

func (r *reader) time() time.Time {
	u := r.varint()
	switch {
	case u == 0 || r.err != nil:
		return time.Time{}
	case u > 0:
		u--
	}
	return time.Unix(u, 0).UTC()
}

func (r *reader) done(what string) error {
	if r.err == nil && len(r.b) > 0 {
		r.err = errors.New("bytes are left over")
	}
	if r.err != nil {
		return fmt.Errorf("score: read stored %s: %w", what, r.err)
	}
	return nil
}
