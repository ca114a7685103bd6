package sandbox

import (
	"cmp"
	"maps"
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

// live are the records that have not gone.
func (t *table) live() []*record {
	return slices.DeleteFunc(slices.Clone(t.recs), func(r *record) bool { return !r.live() })
}

// ids are the ids of the live records in the order they were made.
func (t *table) ids() []string {
	var ids []string
	for _, r := range t.live() {
		ids = append(ids, r.id)
	}
	return ids
}

// content is what live records hold by id: the wanted values, or all but the unwanted ones where none are wanted.
func (t *table) content(values func(r *record) map[string]string, wanted []string, unwanted ...string) map[string]map[string]string {
	out := make(map[string]map[string]string, len(t.recs))
	for _, r := range t.live() {
		out[r.id] = values(r)
		maps.DeleteFunc(out[r.id], func(name, _ string) bool {
			if len(wanted) == 0 {
				return slices.Contains(unwanted, name)
			}
			return !slices.Contains(wanted, name)
		})
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
	before                   []*record // states that search still shows, oldest first
	until                    int64     // of such a state: when search no longer shows it
	links                    []*record // of a deal: its contacts
	writes                   int       // updates applied through the API
	origin                   string    // source of the values that the record was made with
	createdBy, modifiedBy    string    // ids of users
}

// cell is one value of a record; an empty value has none.
type cell struct {
	field   int
	tracked bool // it has a version in the history; a value without one is as old as the record
	text    string
}

// changes are values to be set, by the names of fields; an empty value clears its field. Salesforce's names are in lower case.
type changes map[string]string

// also sets a value unless it is given.
func (c changes) also(name, value string) {
	if _, given := c[name]; !given {
		c[name] = value
	}
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

func (r *record) live() bool { return r.gone == 0 && !r.purged }

// heir is the record that a record lives on in, through merges: mostly itself.
func (r *record) heir() *record {
	for r != nil && r.into != nil {
		r = r.into
	}
	return r
}

func (r *record) value(field int) string {
	for i := range r.cells {
		if r.cells[i].field == field {
			return r.cells[i].text
		}
	}
	return ""
}

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

// remember keeps a record's present state for search, which lags behind by lag milliseconds. It is called before a change.
func (r *record) remember(now, lag int64) {
	if lag > 0 {
		old := *r
		old.until, old.cells, old.before = now+lag, slices.Clone(r.cells), nil
		r.before = append(r.before, &old)
	}
}

// seen is the record as search sees it now.
func (r *record) seen(now int64) *record {
	for len(r.before) > 0 && r.before[0].until <= now {
		r.before = r.before[1:]
	}
	if len(r.before) > 0 {
		return r.before[0]
	}
	return r
}

func byNumber(a, b *record) int { return cmp.Compare(a.number, b.number) }

// key is a value in a form that can be compared: a number, a time in ms, or a text. Without is, there is no value.
type key struct {
	is bool
	n  float64
	s  string
}

func number(n float64) key { return key{true, n, ""} }
func text(s string) key    { return key{true, 0, s} }

// compare puts what is missing first.
func (k key) compare(l key) int {
	switch {
	case k.is == l.is:
		return cmp.Or(cmp.Compare(k.n, l.n), strings.Compare(k.s, l.s))
	case l.is:
		return -1
	}
	return 1
}

// relation is a comparison with operands: = IN != NOT IN < <= > >=. A missing value equals a missing operand, and is neither
// less nor more than any.
func relation(op string, with []key) func(k key) bool {
	first, any := with[0], make(map[key]bool, len(with))
	for _, k := range with {
		any[k] = true
	}
	switch op {
	case "=", "IN":
		return func(k key) bool { return any[k] }
	case "!=", "NOT IN":
		return func(k key) bool { return !any[k] }
	}
	less, equal := op[0] == '<', len(op) > 1
	return func(k key) bool {
		d := k.compare(first)
		return k.is && (d == 0 && equal || d < 0 && less || d > 0 && !less)
	}
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
