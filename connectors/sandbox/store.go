package sandbox

import (
	"cmp"
	"slices"
	"strings"
)

// table keeps the records of one object in the order they were made, in which their numbers ascend. Records are never taken out.
type table struct {
	recs []*record
	byID map[string]*record
}

func (t *table) add(r *record) {
	if t.byID == nil {
		t.byID = map[string]*record{}
	}
	t.recs = append(t.recs, r)
	t.byID[r.id] = r
}

// from is the place of the first record whose number is not below number.
func (t *table) from(number int64) int {
	i, _ := slices.BinarySearchFunc(t.recs, number, func(r *record, n int64) int { return cmp.Compare(r.number, n) })
	return i
}

// writes is how many updates the API applied to each record, by id; those it did not write to are left out.
func (t *table) writes() map[string]int {
	out := map[string]int{}
	for _, r := range t.recs {
		if r.writes > 0 {
			out[r.id] = r.writes
		}
	}
	return out
}

// record is one record of either vendor. Times are milliseconds since 1970.
type record struct {
	id                       string
	number                   int64 // in order of the ids
	created, modified, stamp int64 // stamp: Salesforce's SystemModstamp
	gone                     int64 // when it was archived, deleted or merged away; 0: live
	purged                   bool  // beyond the recycle bin
	into                     *record
	cells                    []cell
	history                  []version
	before                   []view // states that search still shows, oldest first
	links                    []*record
	writes                   int    // updates applied through the API
	origin                   string // source of the values that the record was made with
	createdBy, modifiedBy    string // ids of users
}

// cell is one value of a record; an empty value has none.
type cell struct {
	field   int
	tracked bool // it has a version in the history; a value without one is as old as the record
	text    string
}

// author is who set a value: a source and, where it is a person, the user.
type author struct {
	source string
	user   int64
}

// version is one value that a field had from a time on.
type version struct {
	field int
	at    int64
	by    author
	text  string
}

// view is a record at some time, as search may see it.
type view struct {
	until    int64
	cells    []cell
	modified int64
	live     bool
}

func (r *record) live() bool { return r.gone == 0 && !r.purged }

func valueIn(cells []cell, field int) string {
	for i := range cells {
		if cells[i].field == field {
			return cells[i].text
		}
	}
	return ""
}

func (r *record) value(field int) string { return valueIn(r.cells, field) }

// set gives a field a value and keeps no history.
func (r *record) set(field int, text string) { r.write(field, text, 0, author{}, -1) }

// write gives a field a value from a time on. The newest keep versions stay as history, none where keep is negative.
func (r *record) write(field int, text string, at int64, by author, keep int) {
	i := slices.IndexFunc(r.cells, func(c cell) bool { return c.field == field })
	if i < 0 && text == "" || i >= 0 && r.cells[i].text == text {
		return
	}
	if keep >= 0 {
		if i >= 0 && !r.cells[i].tracked {
			r.note(version{field, r.created, author{source: r.origin}, r.cells[i].text}, keep)
		}
		r.note(version{field, at, by, text}, keep)
	}
	switch {
	case text == "":
		r.cells = slices.Delete(r.cells, i, i+1)
	case i < 0:
		r.cells = append(r.cells, cell{field, keep >= 0, text})
	default:
		r.cells[i] = cell{field, keep >= 0, text}
	}
}

// note adds a version and drops the field's oldest one beyond keep.
func (r *record) note(v version, keep int) {
	r.history = append(r.history, v)
	oldest, n := -1, 0
	for i := range r.history {
		if r.history[i].field == v.field {
			if n++; oldest < 0 {
				oldest = i
			}
		}
	}
	if n > keep {
		r.history = slices.Delete(r.history, oldest, oldest+1)
	}
}

// versions are those of one field, newest first; original is the author of a value that never changed.
func (r *record) versions(field int, original author) []version {
	var out []version
	for _, v := range slices.Backward(r.history) {
		if v.field == field {
			out = append(out, v)
		}
	}
	if v := r.value(field); len(out) == 0 && v != "" {
		out = append(out, version{field, r.created, original, v})
	}
	return out
}

// remember keeps a record's present state for search, which lags behind by lag milliseconds. It is called before a change.
func (r *record) remember(now, lag int64) {
	if lag > 0 {
		r.before = append(r.before, view{now + lag, slices.Clone(r.cells), r.modified, r.live()})
	}
}

// seen is the record as search sees it now.
func (r *record) seen(now int64) view {
	for len(r.before) > 0 && r.before[0].until <= now {
		r.before = r.before[1:]
	}
	if len(r.before) > 0 {
		return r.before[0]
	}
	return view{cells: r.cells, modified: r.modified, live: r.live()}
}

// link and unlink keep two records' links to each other, ordered by number.
func link(a, b *record) {
	for _, pair := range [2][2]*record{{a, b}, {b, a}} {
		list := &pair[0].links
		i, there := slices.BinarySearchFunc(*list, pair[1], byNumber)
		if !there {
			*list = slices.Insert(*list, i, pair[1])
		}
	}
}

func unlink(a, b *record) {
	a.links = slices.DeleteFunc(a.links, func(r *record) bool { return r == b })
	b.links = slices.DeleteFunc(b.links, func(r *record) bool { return r == a })
}

func byNumber(a, b *record) int { return cmp.Compare(a.number, b.number) }

// key is a value in a form that can be compared: a number, a time in ms, or a text. Without is, there is no value.
type key struct {
	is bool
	n  float64
	s  string
}

// span is what a literal means: values from one to another.
type span struct{ from, to key }

func number(n float64) key { return key{true, n, ""} }
func text(s string) key    { return key{true, 0, s} }

func (k key) compare(l key) int { return cmp.Or(cmp.Compare(k.n, l.n), strings.Compare(k.s, l.s)) }

// relation is a comparison with operands: = IN != NOT IN < <= > >=. A missing value equals a missing operand, and is neither
// less nor more than any.
func relation(op string, with []span) func(k key) bool {
	points, spans := make(map[key]bool, len(with)), []span{}
	for _, s := range with {
		if points[s.from] = s.from == s.to; !points[s.from] {
			spans = append(spans, s)
		}
	}
	equal := func(k key) bool {
		return points[k] || k.is && slices.ContainsFunc(spans, func(s span) bool { return k.compare(s.from) >= 0 && k.compare(s.to) <= 0 })
	}
	from, to := with[0].from, with[0].to
	switch op {
	case "=", "IN":
		return equal
	case "<":
		return func(k key) bool { return k.is && k.compare(from) < 0 }
	case "<=":
		return func(k key) bool { return k.is && k.compare(to) <= 0 }
	case ">":
		return func(k key) bool { return k.is && k.compare(to) > 0 }
	case ">=":
		return func(k key) bool { return k.is && k.compare(from) >= 0 }
	}
	return func(k key) bool { return !equal(k) }
}

// path is the parts of a URL's path.
type path []string

// at is the i-th part, "" outside.
func (p path) at(i int) string {
	if 0 <= i && i < len(p) {
		return p[i]
	}
	return ""
}

// segments cuts a path at its slashes, without empty ends.
func segments(path string) path {
	if path = strings.Trim(path, "/"); path == "" {
		return nil
	}
	return strings.Split(path, "/")
}
