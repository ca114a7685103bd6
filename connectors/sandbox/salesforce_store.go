package sandbox

import (
	"math"
	"slices"
	"strings"
)

// orgObject is an object of the org with its definition and records. Records are never taken out: their number, and with it
// their id, ascends in the order they were made.
type orgObject struct {
	name, label, plural, prefix string
	tooling                     bool   // met through the Tooling API alone
	onlyID                      string // of the object's one record, where it is not made by its number
	fields                      []*orgField
	byName                      map[string]*orgField // by lower-case name
	relations                   map[string]*orgField // by lower-case name of the way to the parent
	derive                      func(s *Salesforce, changes []orgChange, fresh bool) []orgChange
	settled                     func(s *Salesforce, o *orgObject, ord uint32) // after a record was made, changed or removed

	recs    []orgRecord
	live    timeOrder // by SystemModstamp in seconds: records that are not deleted
	gone    timeOrder // the same of deleted ones that can still be queried
	removed timeOrder // by time of deletion: all deleted ones
	index   map[int]map[string][]uint32
}

// orgRecord is one record. Times are seconds since 1970: the org's stamps have no finer grain.
type orgRecord struct {
	values                   string // cells, see record.go
	created, modified, stamp int64
	deletedAt                int64 // 0: not deleted
	createdBy, modifiedBy    uint32
	master                   uint32 // number + 1 of the record it was merged into
	writes                   uint32 // updates applied through the API
	purged                   bool   // deleted beyond the recycle bin
}

// orgChange sets one field; an empty value clears it.
type orgChange struct {
	field *orgField
	value string
}

// firstNumber is the number in the id of an object's first record.
const firstNumber = 62*62*62*17 + 62*62*9 + 62*40

func (o *orgObject) id(ord uint32) string {
	if o.onlyID != "" {
		return o.onlyID
	}
	return orgID(o.prefix, firstNumber+uint64(ord))
}

// find is the number of the record with an 18-character id, deleted or not.
func (o *orgObject) find(id string) (uint32, bool) {
	if o.onlyID != "" {
		return 0, id == o.onlyID
	}
	prefix, n, place := idParts(id)
	if prefix != o.prefix || !place || n < firstNumber || n-firstNumber >= uint64(len(o.recs)) {
		return 0, false
	}
	return uint32(n - firstNumber), true
}

func (o *orgObject) field(name string) (*orgField, bool) {
	f, ok := o.byName[strings.ToLower(name)]
	return f, ok
}

func (o *orgObject) define(f *orgField) *orgField {
	f.num = len(o.fields)
	o.fields = append(o.fields, f)
	o.byName[strings.ToLower(f.name)] = f
	if f.relation != "" {
		o.relations[strings.ToLower(f.relation)] = f
	}
	return f
}

// value is one value of a record.
func (o *orgObject) value(s *Salesforce, ord uint32, f *orgField) string {
	r := &o.recs[ord]
	if f.time != nil {
		return formatWireTime(f.time(r))
	}
	if f.calc != nil {
		return f.calc(s, o, ord)
	}
	v, _ := cell(r.values, f.num)
	return v
}

// add appends a record that has its values.
func (o *orgObject) add(r orgRecord) uint32 {
	ord := uint32(len(o.recs))
	o.recs = append(o.recs, r)
	o.live.insert(orderKey{r.stamp, ord})
	o.reindex(ord, "", r.values)
	return ord
}

// file moves a record within the orders after edit changed its stamp or life.
func (o *orgObject) file(ord uint32, edit func(r *orgRecord)) {
	r := &o.recs[ord]
	switch {
	case r.deletedAt == 0:
		o.live.remove(orderKey{r.stamp, ord})
	default:
		o.removed.remove(orderKey{r.deletedAt, ord})
		if !r.purged {
			o.gone.remove(orderKey{r.stamp, ord})
		}
	}
	edit(r)
	switch {
	case r.deletedAt == 0:
		o.live.insert(orderKey{r.stamp, ord})
	default:
		o.removed.insert(orderKey{r.deletedAt, ord})
		if !r.purged {
			o.gone.insert(orderKey{r.stamp, ord})
		}
	}
}

// put sets values without touching stamps; scratch is used for the new cells and returned for the next call.
func (o *orgObject) put(ord uint32, changes []orgChange, scratch []byte) []byte {
	r := &o.recs[ord]
	was := r.values
	out := scratch[:0]
	for cells := was; cells != ""; {
		p, _, _, rest := nextCell(cells)
		whole := cells[:len(cells)-len(rest)]
		cells = rest
		if !slices.ContainsFunc(changes, func(c orgChange) bool { return c.field.num == p }) {
			out = append(out, whole...)
		}
	}
	for i, c := range changes {
		again := slices.ContainsFunc(changes[i+1:], func(later orgChange) bool { return later.field == c.field })
		if c.value != "" && !again && c.field.calc == nil && c.field.time == nil {
			out = appendCell(out, c.field.num, false, c.value)
		}
	}
	if string(out) == was {
		return out
	}
	r.values = string(out)
	o.reindex(ord, was, r.values)
	return out
}

// Lookups by value. An index is made when a query first wants it of a large object, and kept up from then on.

// indexed says whether the vendor keeps an index of the field, so that this package may too.
func (f *orgField) indexed() bool {
	return f.calc == nil && f.time == nil && (f.typ == orgRef || f.typ == orgEmail || f.name == "Name")
}

// lookup is the numbers of the records with a value in an indexed field, ascending.
func (o *orgObject) lookup(f *orgField, value string) []uint32 {
	m, ok := o.index[f.num]
	if !ok {
		m = make(map[string][]uint32)
		for ord := range o.recs {
			if v, _ := cell(o.recs[ord].values, f.num); v != "" {
				k := indexKey(f, v)
				m[k] = append(m[k], uint32(ord))
			}
		}
		if o.index == nil {
			o.index = map[int]map[string][]uint32{}
		}
		o.index[f.num] = m
	}
	return m[indexKey(f, value)]
}

func indexKey(f *orgField, v string) string {
	if f.typ == orgRef {
		return v
	}
	return strings.ToLower(v)
}

func (o *orgObject) reindex(ord uint32, was, is string) {
	for num, m := range o.index {
		f := o.fields[num]
		a, _ := cell(was, num)
		b, _ := cell(is, num)
		if a == b {
			continue
		}
		if a != "" {
			k := indexKey(f, a)
			if i, ok := slices.BinarySearch(m[k], ord); ok {
				if m[k] = slices.Delete(m[k], i, i+1); len(m[k]) == 0 {
					delete(m, k)
				}
			}
		}
		if b != "" {
			k := strings.Clone(indexKey(f, b))
			if i, ok := slices.BinarySearch(m[k], ord); !ok {
				m[k] = slices.Insert(m[k], i, ord)
			}
		}
	}
}

// ascendBetween visits the records from lo to hi, both within, in order of time and then of number, until visit says false.
func (o *timeOrder) ascendBetween(lo, hi orderKey, visit func(k orderKey) bool) {
	for i := o.block(lo); i < len(o.blocks); i++ {
		b := o.blocks[i]
		k := 0
		if b[0].compare(lo) < 0 {
			k, _ = slices.BinarySearchFunc(b, lo, orderKey.compare)
		}
		for ; k < len(b); k++ {
			if b[k].compare(hi) > 0 || !visit(b[k]) {
				return
			}
		}
	}
}

var (
	firstKey = orderKey{math.MinInt64, 0}
	lastKey  = orderKey{math.MaxInt64, math.MaxUint32}
)
