package sandbox

import (
	"encoding/json"
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
	FilterGroups []filterGroup     `json:"filterGroups"`
	Filters      []filterBody      `json:"filters"` // one group without its wrapping
	Sorts        []json.RawMessage `json:"sorts"`
	Properties   []string          `json:"properties"`
	Query        string            `json:"query"`
	Limit        *int              `json:"limit"`
	After        json.RawMessage   `json:"after"`
}

type filterGroup struct {
	Filters []filterBody `json:"filters"`
}

type filterBody struct {
	PropertyName string   `json:"propertyName"`
	Operator     string   `json:"operator"`
	Value        *string  `json:"value"`
	HighValue    *string  `json:"highValue"`
	Values       []string `json:"values"`
}

// window reads how many results a search asks for and after how many, and checks the number of its filters.
func (in *searchBody) window() (limit, offset int) {
	limit = 10
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 0 || limit > maxSearchPage {
		panic(invalid("limit must be between 0 and %d", maxSearchPage))
	}
	if len(in.After) > 0 && string(in.After) != "null" {
		n, err := strconv.Atoi(strings.Trim(string(in.After), `"`))
		if err != nil || n < 0 {
			panic(invalid("after must be a number"))
		}
		offset = n
	}
	if offset+limit > maxResults {
		panic(invalid("The results of a query cannot be paged through beyond %d", maxResults))
	}
	if len(in.Filters) > 0 {
		in.FilterGroups = append(in.FilterGroups, filterGroup{in.Filters})
	}
	all := 0
	for _, g := range in.FilterGroups {
		if all += len(g.Filters); len(g.Filters) > maxFilters {
			panic(invalid("A filter group has %d filters, more than the %d allowed", len(g.Filters), maxFilters))
		}
	}
	switch {
	case len(in.FilterGroups) > maxGroups:
		panic(invalid("There are %d filter groups, more than the %d allowed", len(in.FilterGroups), maxGroups))
	case all > maxAllFilters:
		panic(invalid("There are %d filters, more than the %d allowed", all, maxAllFilters))
	case len(in.Sorts) > 1:
		panic(invalid("There are %d sorts, only 1 is allowed", len(in.Sorts)))
	case in.Query != "":
		panic(invalid("the sandbox does not search for query, only by filters"))
	}
	return limit, offset
}

// hit is a record that a search finds, in the state that search sees.
type hit struct {
	r *record
	view
}

// search answers a search over what the index has seen.
func (h *HubSpot) search(c call, o *hubObject) reply {
	if n := utf8.RuneCount(c.body); n > maxSearchBody {
		panic(invalid("The request body has %d characters, more than the %d allowed for search", n, maxSearchBody))
	}
	var in searchBody
	refuseIf(c.read(&in))
	limit, offset := in.window()
	by, down := o.sort(in.Sorts)
	groups := make([][]clause, len(in.FilterGroups))
	for i, g := range in.FilterGroups {
		for _, f := range g.Filters {
			groups[i] = append(groups[i], o.clause(f))
		}
	}
	hits := o.find(groups, c.now.UnixMilli())
	sortHits(hits, by, down)
	return h.searchPage(hits, offset, limit, rendering{props: o.resolve(in.Properties, true)})
}

func (h *HubSpot) searchPage(hits []hit, offset, limit int, how rendering) reply {
	page := hits[min(offset, len(hits)):]
	page = page[:min(limit, len(page))]
	b := strconv.AppendInt(append(make([]byte, 0, 256+limit*(160+48*len(how.props))), `{"total":`...), int64(len(hits)), 10)
	b = append(b, `,"results":[`...)
	for i, x := range page {
		if i > 0 {
			b = append(b, ',')
		}
		b = h.renderView(b, x.r, x.view, how)
	}
	b = append(b, ']')
	if end := offset + len(page); len(page) > 0 && end < len(hits) {
		after := strconv.Itoa(end)
		b = append(append(b, `,"paging":`...), marshal(paging{&pageAfter{after, "?after=" + after}})...)
	}
	return reply{status: http.StatusOK, body: append(b, '}')}
}

// find is the records that meet all filters of any group, in order of their ids.
func (o *hubObject) find(groups [][]clause, now int64) (hits []hit) {
	for _, r := range o.recs {
		x := hit{r, r.seen(now)}
		meets := func(group []clause) bool {
			for _, holds := range group {
				if !holds(x) {
					return false
				}
			}
			return true
		}
		if x.live && (len(groups) == 0 || slices.ContainsFunc(groups, meets)) {
			hits = append(hits, x)
		}
	}
	return hits
}

// sort reads the one sort; by id is the default.
func (o *hubObject) sort(sorts []json.RawMessage) (by *property, down bool) {
	if len(sorts) == 0 {
		return o.byName["hs_object_id"], false
	}
	var s struct {
		PropertyName string `json:"propertyName"`
		Direction    string `json:"direction"`
	}
	if json.Unmarshal(sorts[0], &s.PropertyName) == nil {
		s.PropertyName, down = strings.CutPrefix(s.PropertyName, "-")
	} else if err := json.Unmarshal(sorts[0], &s); err != nil {
		panic(invalid("a sort is a name or an object with propertyName and direction"))
	}
	switch s.Direction {
	case "", "ASCENDING":
	case "DESCENDING":
		down = true
	default:
		panic(invalid("unknown sort direction %q", s.Direction))
	}
	by, ok := o.property(s.PropertyName)
	if !ok {
		panic(invalid("unable to sort by property %q, it does not exist", s.PropertyName))
	}
	return by, down
}

// sortHits orders records by a property: those without a value last, equals by id.
func sortHits(hits []hit, by *property, down bool) {
	if by.meaning == isID && !down {
		return
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		k, l := a.key(by), b.key(by)
		switch {
		case k.is != l.is && k.is:
			return -1
		case k.is != l.is:
			return 1
		case down:
			return -k.compare(l)
		}
		return k.compare(l)
	})
}

// key is a record's value of a property as search sees and compares it.
func (x hit) key(p *property) key {
	switch p.meaning {
	case isID:
		return number(float64(x.r.number))
	case isCreated:
		return number(float64(x.r.created))
	case isModified:
		return number(float64(x.modified))
	}
	k, _ := p.key(valueIn(x.cells, p.number))
	return k
}

// key is a value in a form that can be compared: texts whatever their case, options exactly.
func (p *property) key(v string) (k key, ok bool) {
	switch {
	case v == "":
		return key{}, false
	case p.Type == "number":
		n, err := strconv.ParseFloat(v, 64)
		return number(n), err == nil && !math.IsNaN(n)
	case p.Type == "date" || p.Type == "datetime":
		ms, ok := parseTime(v)
		return number(float64(ms)), ok
	case p.Type == "enumeration":
		return text(v), true
	}
	return text(strings.ToLower(v)), true
}

// clause says whether a record meets a filter.
type clause func(x hit) bool

// relations are HubSpot's operators that compare.
var relations = map[string]string{"EQ": "=", "NEQ": "!=", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "BETWEEN": "=", "IN": "IN", "NOT_IN": "NOT IN"}

// clause reads a filter.
func (o *hubObject) clause(f filterBody) clause {
	p, ok := o.property(f.PropertyName)
	if !ok {
		panic(invalid("There was a problem with the request. property %q does not exist", f.PropertyName))
	}
	switch f.Operator {
	case "HAS_PROPERTY":
		return func(x hit) bool { return x.key(p).is }
	case "NOT_HAS_PROPERTY":
		return func(x hit) bool { return !x.key(p).is }
	}
	operands := f.Values
	for _, v := range []*string{f.Value, f.HighValue} {
		if v != nil && f.Operator != "IN" && f.Operator != "NOT_IN" {
			operands = append(operands, *v)
		}
	}
	if op := relations[f.Operator]; op == "" || len(operands) == 0 || f.Operator == "BETWEEN" && len(operands) != 2 {
		panic(invalid("There was a problem with the request. operator %q on %q is not known or needs a value", f.Operator, f.PropertyName))
	}
	spans := make([]span, len(operands))
	for i, v := range operands {
		k, ok := p.key(v)
		if !ok {
			panic(invalid("There was a problem with the request. %q is not a value that %q can be compared with", v, p.Name))
		}
		spans[i] = span{k, k}
	}
	if f.Operator == "BETWEEN" {
		spans = []span{{spans[0].from, spans[1].to}}
	}
	holds := relation(relations[f.Operator], spans)
	return func(x hit) bool { return holds(x.key(p)) }
}
