package sandbox

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// follow is the value at the end of a path, "" where a record on the way is missing.
func (s *Salesforce) follow(p *planPath, o *orgObject, ord uint32) string {
	for i, way := range p.steps {
		parent, n, ok := s.recordOf(o.value(s, ord, way))
		if !ok || s.isPurged(parent, n) {
			return ""
		}
		if p.kind && i == len(p.steps)-1 {
			return parent.name
		}
		o, ord = parent, n
	}
	f := p.field
	if len(p.steps) > 0 && (f.num >= len(o.fields) || o.fields[f.num] != f) { // the lookup led to another object than its first
		var ok bool
		if f, ok = o.field(f.name); !ok {
			return ""
		}
	}
	return o.value(s, ord, f)
}

// meets says whether a record meets a condition.
func (s *Salesforce) meets(c *planCond, o *orgObject, ord uint32) bool {
	switch c.op {
	case "AND":
		for _, k := range c.kids {
			if !s.meets(k, o, ord) {
				return false
			}
		}
		return true
	case "OR":
		for _, k := range c.kids {
			if s.meets(k, o, ord) {
				return true
			}
		}
		return false
	case "NOT":
		return !s.meets(c.kids[0], o, ord)
	}
	f := c.path.field
	if len(c.path.steps) == 0 && f.time != nil && c.from == "" && !c.null && c.op != "IN" && c.op != "NOT IN" {
		d := cmp.Compare(f.time(&o.recs[ord]), c.sec)
		if d == 0 && c.sub {
			d = -1
		}
		return ordered(c.op, d)
	}
	if c.self && c.op != "IN" && c.op != "NOT IN" {
		return ordered(c.op, cmp.Compare(int64(ord), c.ord))
	}
	v := s.follow(&c.path, o, ord)
	switch {
	case c.null:
		return (v == "" && f.typ != orgBool) == (c.op == "=")
	case c.from != "":
		switch c.op {
		case "=":
			return v != "" && v >= c.from && v < c.to
		case "!=":
			return v == "" || v < c.from || v >= c.to
		case "<":
			return v != "" && v < c.from
		case "<=":
			return v != "" && v < c.to
		case ">":
			return v >= c.to
		default:
			return v >= c.from && v != ""
		}
	}
	if f.quoted() && f.typ != orgRef && f.typ != orgIDType {
		v = strings.ToLower(v)
	}
	switch c.op {
	case "IN":
		return c.set[v]
	case "NOT IN":
		return !c.set[v]
	case "LIKE":
		return v != "" && like(c.text, v)
	}
	if v == "" && f.typ != orgBool {
		return c.op == "!=" && c.text != "" || c.op == "=" && c.text == ""
	}
	if f.numeric() {
		n, _ := strconv.ParseFloat(v, 64)
		return ordered(c.op, cmp.Compare(n, c.num))
	}
	return ordered(c.op, strings.Compare(v, c.text))
}

func ordered(op string, d int) bool {
	switch op {
	case "=":
		return d == 0
	case "!=":
		return d != 0
	case "<":
		return d < 0
	case "<=":
		return d <= 0
	case ">":
		return d > 0
	}
	return d >= 0
}

// like matches a pattern of % (any text), _ (one character) and escaped ones of both.
func like(pattern, v string) bool {
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(v) {
		switch {
		case p < len(pattern) && pattern[p] == '%':
			star, mark = p, i
			p++
			continue
		case p < len(pattern) && pattern[p] == '_':
			p++
			for i++; i < len(v) && v[i]&0xC0 == 0x80; i++ {
			}
			continue
		case p+1 < len(pattern) && pattern[p] == '\\' && (pattern[p+1] == '%' || pattern[p+1] == '_') && pattern[p+1] == v[i]:
			p += 2
			i++
			continue
		case p < len(pattern) && pattern[p] == v[i]:
			p++
			i++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, i = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '%' {
		p++
	}
	return p == len(pattern)
}

// reach is where records that meet a condition can lie: between two places in the order of SystemModstamp and between two
// numbers, all within.
type reach struct {
	lo, hi    orderKey
	from, to  int64
	narrowing bool // the condition says anything about it
}

var everywhere = reach{firstKey, lastKey, 0, math.MaxUint32, false}

// reachOf finds it; it may be too wide, never too narrow.
func reachOf(o *orgObject, c *planCond) reach {
	r := everywhere
	if c == nil {
		return r
	}
	switch c.op {
	case "AND":
		for _, k := range c.kids {
			x := reachOf(o, k)
			if x.lo.compare(r.lo) > 0 {
				r.lo = x.lo
			}
			if x.hi.compare(r.hi) < 0 {
				r.hi = x.hi
			}
			r.from, r.to = max(r.from, x.from), min(r.to, x.to)
			r.narrowing = r.narrowing || x.narrowing
		}
		if r.lo.at == r.hi.at { // one second: the number bounds the place in it
			r.lo.ord = max(r.lo.ord, uint32(min(r.from, math.MaxUint32)))
			r.hi.ord = min(r.hi.ord, uint32(min(max(r.to, 0), math.MaxUint32)))
		}
		return r
	case "OR":
		for i, k := range c.kids {
			x := reachOf(o, k)
			if i == 0 {
				r = x
				continue
			}
			if x.lo.compare(r.lo) < 0 {
				r.lo = x.lo
			}
			if x.hi.compare(r.hi) > 0 {
				r.hi = x.hi
			}
			r.from, r.to = min(r.from, x.from), max(r.to, x.to)
			r.narrowing = r.narrowing && x.narrowing
		}
		return r
	case "NOT":
		return r
	}
	if len(c.path.steps) > 0 || c.null || c.from != "" {
		return r
	}
	switch {
	case c.path.field.name == "SystemModstamp":
		r.narrowing = true
		next := c.sec + 1
		switch c.op {
		case "=":
			r.lo, r.hi = orderKey{c.sec, 0}, orderKey{c.sec, math.MaxUint32}
		case ">":
			r.lo = orderKey{next, 0}
		case ">=":
			r.lo = orderKey{c.sec, 0}
		case "<", "<=":
			r.hi = orderKey{c.sec, math.MaxUint32}
		default:
			return everywhere
		}
	case c.self:
		r.narrowing = true
		switch c.op {
		case "=":
			r.from, r.to = c.ord, c.ord
		case ">":
			r.from = c.ord + 1
		case ">=":
			r.from = c.ord
		case "<":
			r.to = c.ord - 1
		case "<=":
			r.to = c.ord
		default:
			return everywhere
		}
		r.from = max(r.from, 0)
	}
	return r
}

// candidates are records by id or by an indexed value, ascending, where the condition demands one.
func (s *Salesforce) candidates(o *orgObject, c *planCond) ([]uint32, bool) {
	if c == nil {
		return nil, false
	}
	switch c.op {
	case "AND":
		var best []uint32
		found := false
		for _, k := range c.kids {
			if list, ok := s.candidates(o, k); ok && (!found || len(list) < len(best)) {
				best, found = list, true
			}
		}
		return best, found
	case "OR":
		var all []uint32
		for _, k := range c.kids {
			list, ok := s.candidates(o, k)
			if !ok {
				return nil, false
			}
			all = append(all, list...)
		}
		return sortedOnce(all), true
	case "=", "IN":
	default:
		return nil, false
	}
	f := c.path.field
	if len(c.path.steps) > 0 || c.null || c.set[""] {
		return nil, false
	}
	var list []uint32
	switch {
	case f == o.fields[0]:
		for _, id := range c.ids {
			if ord, ok := o.find(id); ok {
				list = append(list, ord)
			}
		}
	case f.name == "MasterRecordId", f.name == "IsDeleted" && c.text == "true": // true of deleted records alone
		o.removed.ascendBetween(firstKey, lastKey, func(k orderKey) bool {
			list = append(list, k.ord)
			return true
		})
	case f.indexed():
		for _, v := range c.ids {
			list = append(list, o.lookup(f, v)...)
		}
	default:
		return nil, false
	}
	return sortedOnce(list), true
}

func sortedOnce(list []uint32) []uint32 {
	slices.Sort(list)
	return slices.Compact(list)
}

// shows says whether a query sees a record: all is queryAll's view with deleted and archived ones.
func (s *Salesforce) shows(o *orgObject, ord uint32, all bool) bool {
	if all {
		return !s.isPurged(o, ord)
	}
	if o.recs[ord].deletedAt != 0 {
		return false
	}
	return o.name != "Task" && o.name != "Event" || !s.activityArchived(o, ord)
}

// run finds the records of a query in its order.
func (s *Salesforce) run(p *soqlPlan, all bool) []uint32 {
	o := p.o
	fits := func(ord uint32) bool {
		return s.shows(o, ord, all) && (p.cond == nil || s.meets(p.cond, o, ord))
	}
	most := math.MaxInt
	if p.limit >= 0 {
		most = p.limit + p.offset
	}
	cut := func(list []uint32) []uint32 {
		list = list[min(p.offset, len(list)):]
		if p.limit >= 0 && len(list) > p.limit {
			list = list[:p.limit]
		}
		return list
	}
	byTime, byID := p.orderKind()
	if list, ok := s.candidates(o, p.cond); ok {
		list = slices.DeleteFunc(slices.Clone(list), func(ord uint32) bool { return !fits(ord) })
		s.sort(p, list, byID)
		return cut(list)
	}
	r := reachOf(o, p.cond)
	var list []uint32
	take := func(ord uint32) bool {
		if int64(ord) >= r.from && int64(ord) <= r.to && fits(ord) {
			list = append(list, ord)
		}
		return len(list) < most
	}
	switch {
	case most == 0:
	case byTime:
		s.walk(o, r, all, take)
	case byID && !(r.narrowing && r.lo != firstKey && p.limit < 0):
		for ord := r.from; ord <= min(r.to, int64(len(o.recs))-1) && take(uint32(ord)); ord++ {
		}
	default:
		most = math.MaxInt
		if r.lo != firstKey || r.hi != lastKey {
			s.walk(o, r, all, take)
			slices.Sort(list)
		} else {
			for ord := r.from; ord <= min(r.to, int64(len(o.recs))-1); ord++ {
				take(uint32(ord))
			}
		}
		s.sort(p, list, byID)
	}
	return cut(list)
}

// walk visits the records within reach in order of SystemModstamp and id until visit says false.
func (s *Salesforce) walk(o *orgObject, r reach, all bool, visit func(ord uint32) bool) {
	if !all || o.gone.n == 0 {
		o.live.ascendBetween(r.lo, r.hi, func(k orderKey) bool { return visit(k.ord) })
		return
	}
	var gone []orderKey // few beside the live ones
	o.gone.ascendBetween(r.lo, r.hi, func(k orderKey) bool {
		gone = append(gone, k)
		return true
	})
	on := true
	o.live.ascendBetween(r.lo, r.hi, func(k orderKey) bool {
		for on && len(gone) > 0 && gone[0].compare(k) < 0 {
			on = visit(gone[0].ord)
			gone = gone[1:]
		}
		on = on && visit(k.ord)
		return on
	})
	for on && len(gone) > 0 {
		on = visit(gone[0].ord)
		gone = gone[1:]
	}
}

// orderKind tells the two orders that records can be met in without sorting: by SystemModstamp and then id, or by id.
func (p *soqlPlan) orderKind() (byTime, byID bool) {
	is := func(i int, name string) bool {
		x := p.order[i]
		return len(x.path.steps) == 0 && !x.down && x.path.field.name == name
	}
	switch len(p.order) {
	case 0:
		return false, true
	case 1:
		return is(0, "SystemModstamp"), is(0, "Id")
	case 2:
		return is(0, "SystemModstamp") && is(1, "Id"), false
	}
	return false, false
}

// sort puts records, which ascend by number, into the query's order.
func (s *Salesforce) sort(p *soqlPlan, list []uint32, byID bool) {
	if byID || len(list) < 2 {
		return
	}
	type row struct {
		ord  uint32
		keys []string
		nums []float64
	}
	rows := make([]row, len(list))
	for i, ord := range list {
		rows[i] = row{ord, make([]string, len(p.order)), make([]float64, len(p.order))}
		for k := range p.order {
			f := p.order[k].path.field
			v := s.follow(&p.order[k].path, p.o, ord)
			if f.numeric() {
				rows[i].nums[k], _ = strconv.ParseFloat(v, 64)
			} else if f.typ != orgIDType && f.typ != orgRef {
				v = strings.ToLower(v)
			}
			rows[i].keys[k] = v
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		for k, x := range p.order {
			if an, bn := a.keys[k] == "" && x.path.field.typ != orgBool, b.keys[k] == "" && x.path.field.typ != orgBool; an || bn {
				if an && bn {
					continue
				}
				if an != x.nullsLast {
					return -1
				}
				return 1
			}
			d := strings.Compare(a.keys[k], b.keys[k])
			if x.path.field.numeric() {
				d = cmp.Compare(a.nums[k], b.nums[k])
			}
			if x.down {
				d = -d
			}
			if d != 0 {
				return d
			}
		}
		return 0
	})
	for i := range rows {
		list[i] = rows[i].ord
	}
}
