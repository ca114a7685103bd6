package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of search.
const (
	maxSearchBody = 3000 // characters
	maxGroups     = 5
	maxFilters    = 6 // a group
	maxAllFilters = 18
	maxSearchPage = 200
	maxResults    = 10_000 // that can be paged through
)

// searchBody is the body of a search.
type searchBody struct {
	FilterGroups []struct {
		Filters []filterBody `json:"filters"`
	} `json:"filterGroups"`
	Filters    []filterBody      `json:"filters"` // one group without its wrapping
	Sorts      []json.RawMessage `json:"sorts"`
	Properties []string          `json:"properties"`
	Query      string            `json:"query"`
	Limit      *int              `json:"limit"`
	After      json.RawMessage   `json:"after"`
}

type filterBody struct {
	PropertyName string   `json:"propertyName"`
	Operator     string   `json:"operator"`
	Value        *string  `json:"value"`
	HighValue    *string  `json:"highValue"`
	Values       []string `json:"values"`
}

// search answers a search over what the index has seen.
func (h *HubSpot) search(c call, t *objects) reply {
	if n := utf8.RuneCount(c.body); n > maxSearchBody {
		return h.invalid("The request body has %d characters, more than the %d allowed for search", n, maxSearchBody)
	}
	var in searchBody
	if err := json.Unmarshal(c.body, &in); err != nil {
		return h.badJSON(err)
	}
	limit, offset := 10, 0
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 0 || limit > maxSearchPage {
		return h.invalid("limit must be between 0 and %d", maxSearchPage)
	}
	if len(in.After) > 0 && string(in.After) != "null" {
		n, err := strconv.Atoi(strings.Trim(string(in.After), `"`))
		if err != nil || n < 0 {
			return h.invalid("after must be a number")
		}
		offset = n
	}
	if offset+limit > maxResults {
		return h.invalid("The results of a query cannot be paged through beyond %d", maxResults)
	}
	groups := make([][]filterBody, 0, len(in.FilterGroups)+1)
	all := 0
	for _, g := range in.FilterGroups {
		groups = append(groups, g.Filters)
	}
	if len(in.Filters) > 0 {
		groups = append(groups, in.Filters)
	}
	for _, g := range groups {
		if all += len(g); len(g) > maxFilters {
			return h.invalid("A filter group has %d filters, more than the %d allowed", len(g), maxFilters)
		}
	}
	if len(groups) > maxGroups {
		return h.invalid("There are %d filter groups, more than the %d allowed", len(groups), maxGroups)
	}
	if all > maxAllFilters {
		return h.invalid("There are %d filters, more than the %d allowed", all, maxAllFilters)
	}
	if len(in.Sorts) > 1 {
		return h.invalid("There are %d sorts, only 1 is allowed", len(in.Sorts))
	}
	by, down, err := t.sort(in.Sorts)
	if err != nil {
		return h.invalid("%s", err)
	}
	plans := make([]plan, 0, len(groups))
	for _, g := range groups {
		p, err := h.plan(t, g)
		if err != nil {
			return h.invalid("There was a problem with the request. %s", err)
		}
		plans = append(plans, p)
	}
	if len(plans) == 0 {
		plans = append(plans, plan{times: everything, ids: everything})
	}
	for i := range plans {
		if in.Query != "" {
			plans[i].rest = append(plans[i].rest, clause{operator: "query", text: []string{strings.ToLower(in.Query)}})
		}
	}

	matched := h.matched(t, plans)
	total := countBits(matched)
	how := rendering{props: t.resolve(in.Properties, true)}
	b := strconv.AppendInt(append(make([]byte, 0, 256+limit*(160+48*len(how.props))), `{"total":`...), int64(total), 10)
	b = append(b, `,"results":[`...)
	given := 0
	t.page(matched, plans, by, down, offset, func(ord uint32) bool {
		if given == limit {
			return false
		}
		if given > 0 {
			b = append(b, ',')
		}
		given++
		values, modified := t.asShown(ord)
		b = h.render(b, t, ord, values, modified, how)
		return true
	})
	b = append(b, ']')
	if end := offset + given; given > 0 && end < total {
		after := strconv.Itoa(end)
		b = append(append(append(b, `,"paging":{"next":{"after":"`...), after...), `","link":"?after=`...)
		b = append(append(b, after...), `"}}`...)
	}
	return reply{status: http.StatusOK, body: append(b, '}')}
}

// sort reads the one sort; by id is the default.
func (t *objects) sort(sorts []json.RawMessage) (by *property, down bool, err error) {
	id := t.byName["hs_object_id"]
	if len(sorts) == 0 {
		return id, false, nil
	}
	var s struct {
		PropertyName string `json:"propertyName"`
		Direction    string `json:"direction"`
	}
	if err := json.Unmarshal(sorts[0], &s); err != nil {
		var name string
		if json.Unmarshal(sorts[0], &name) != nil {
			return nil, false, fmt.Errorf("a sort is an object with propertyName and direction")
		}
		s.PropertyName, down = strings.CutPrefix(name, "-")
	}
	switch s.Direction {
	case "", "ASCENDING":
	case "DESCENDING":
		down = true
	default:
		return nil, false, fmt.Errorf("unknown sort direction %q", s.Direction)
	}
	by, ok := t.property(s.PropertyName)
	if !ok {
		return nil, false, fmt.Errorf("unable to sort by property %q, it does not exist", s.PropertyName)
	}
	return by, down, nil
}

// matched is the set of records that any of the plans lets through. It is valid until the next search.
func (h *HubSpot) matched(t *objects, plans []plan) []uint64 {
	fresh := func(set []uint64) []uint64 {
		if cap(set) < len(t.visible) {
			return make([]uint64, len(t.visible), len(t.visible)+len(t.visible)/4)
		}
		set = set[:len(t.visible)]
		clear(set)
		return set
	}
	h.match = fresh(h.match)
	for i := range plans {
		p := &plans[i]
		set := h.match
		if i > 0 {
			h.also = fresh(h.also)
			set = h.also
		}
		h.collect(t, p, set)
		if i > 0 {
			for w, x := range set {
				h.match[w] |= x
			}
		}
	}
	return h.match
}

// collect sets the bits of the records one plan lets through.
func (h *HubSpot) collect(t *objects, p *plan, set []uint64) {
	if p.ids.from > p.ids.to {
		return
	}
	from, to := t.ordFrom(p.ids.from), len(t.recs)
	if p.ids.to < math.MaxInt64 {
		to = t.ordFrom(p.ids.to + 1)
	}
	if p.narrow {
		for _, ord := range p.only {
			at := t.seen[ord]
			if int(ord) >= from && int(ord) < to && at != unseen && at >= p.times.from && at <= p.times.to {
				set[ord/64] |= 1 << (ord % 64)
			}
		}
	} else {
		t.within(set, p.times, from, to)
	}
	if len(p.rest) == 0 {
		return
	}
	eachBit(set, 0, func(ord uint32) bool {
		for i := range p.rest {
			if !t.holds(&p.rest[i], ord) {
				set[ord/64] &^= 1 << (ord % 64)
				break
			}
		}
		return true
	})
}

// page visits the matched records in the order asked for, from offset on, until visit says false.
func (t *objects) page(matched []uint64, plans []plan, by *property, down bool, offset int, visit func(ord uint32) bool) {
	switch {
	case by.meaning == isID && !down:
		eachBit(matched, offset, visit)
	case by.meaning == isID:
		eachBitDown(matched, offset, visit)
	case by.meaning == isModified:
		w := window{math.MaxInt64, math.MinInt64}
		for _, p := range plans {
			w.from, w.to = min(w.from, p.times.from), max(w.to, p.times.to)
		}
		walk := t.times.ascend
		if down {
			walk = t.times.descend
		}
		walk(w.from, w.to, func(ord uint32) bool {
			if matched[ord/64]&(1<<(ord%64)) == 0 {
				return true
			}
			if offset > 0 {
				offset--
				return true
			}
			return visit(ord)
		})
	default:
		for _, ord := range t.sorted(matched, by, down) {
			if offset > 0 {
				offset--
				continue
			}
			if !visit(ord) {
				return
			}
		}
	}
}

// sorted orders records by any property: those without a value last, equals by id.
func (t *objects) sorted(matched []uint64, by *property, down bool) []uint32 {
	type entry struct {
		ord    uint32
		has    bool
		number float64
		text   string
	}
	var list []entry
	eachBit(matched, 0, func(ord uint32) bool {
		e := entry{ord: ord}
		if by.numeric() {
			e.number, e.has = t.shownNumber(by, ord)
		} else {
			e.text = strings.ToLower(t.shownValue(by, ord))
			e.has = e.text != ""
		}
		list = append(list, e)
		return true
	})
	slices.SortStableFunc(list, func(a, b entry) int {
		if a.has != b.has {
			if a.has {
				return -1
			}
			return 1
		}
		c := cmp.Or(cmp.Compare(a.number, b.number), strings.Compare(a.text, b.text))
		if down {
			return -c
		}
		return c
	})
	out := make([]uint32, len(list))
	for i, e := range list {
		out[i] = e.ord
	}
	return out
}
