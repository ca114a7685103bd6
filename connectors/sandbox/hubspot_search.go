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
func (in *searchBody) window() (limit, offset int, bad *failure) {
	limit = 10
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 0 || limit > maxSearchPage {
		return 0, 0, invalid("limit must be between 0 and %d", maxSearchPage)
	}
	if len(in.After) > 0 && string(in.After) != "null" {
		n, err := strconv.Atoi(strings.Trim(string(in.After), `"`))
		if err != nil || n < 0 {
			return 0, 0, invalid("after must be a number")
		}
		offset = n
	}
	if offset+limit > maxResults {
		return 0, 0, invalid("The results of a query cannot be paged through beyond %d", maxResults)
	}
	if len(in.Filters) > 0 {
		in.FilterGroups = append(in.FilterGroups, filterGroup{in.Filters})
	}
	all := 0
	for _, g := range in.FilterGroups {
		if all += len(g.Filters); len(g.Filters) > maxFilters {
			return 0, 0, invalid("A filter group has %d filters, more than the %d allowed", len(g.Filters), maxFilters)
		}
	}
	switch {
	case len(in.FilterGroups) > maxGroups:
		return 0, 0, invalid("There are %d filter groups, more than the %d allowed", len(in.FilterGroups), maxGroups)
	case all > maxAllFilters:
		return 0, 0, invalid("There are %d filters, more than the %d allowed", all, maxAllFilters)
	case len(in.Sorts) > 1:
		return 0, 0, invalid("There are %d sorts, only 1 is allowed", len(in.Sorts))
	case in.Query != "":
		return 0, 0, invalid("the sandbox does not search for query, only by filters")
	}
	return limit, offset, nil
}

// hit is a record that a search finds, in the state that search sees.
type hit struct {
	r *record
	view
}

// search answers a search over what the index has seen.
func (h *HubSpot) search(c call, o *hubObject) (reply, *failure) {
	if n := utf8.RuneCount(c.body); n > maxSearchBody {
		return reply{}, invalid("The request body has %d characters, more than the %d allowed for search", n, maxSearchBody)
	}
	var in searchBody
	if bad := c.read(&in); bad != nil {
		return reply{}, bad
	}
	limit, offset, bad := in.window()
	if bad != nil {
		return reply{}, bad
	}
	by, down, err := o.sort(in.Sorts)
	if err != nil {
		return reply{}, invalid("%s", err)
	}
	groups := make([][]clause, len(in.FilterGroups))
	for i, g := range in.FilterGroups {
		for _, f := range g.Filters {
			holds, err := o.clause(f)
			if err != nil {
				return reply{}, invalid("There was a problem with the request. %s", err)
			}
			groups[i] = append(groups[i], holds)
		}
	}
	hits := o.find(groups, c.now.UnixMilli())
	sortHits(hits, by, down)
	return h.searchPage(hits, offset, limit, rendering{props: o.resolve(in.Properties, true)}), nil
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
func (o *hubObject) sort(sorts []json.RawMessage) (by *property, down bool, err error) {
	if len(sorts) == 0 {
		return o.byName["hs_object_id"], false, nil
	}
	var s struct {
		PropertyName string `json:"propertyName"`
		Direction    string `json:"direction"`
	}
	if json.Unmarshal(sorts[0], &s.PropertyName) == nil {
		s.PropertyName, down = strings.CutPrefix(s.PropertyName, "-")
	} else if err := json.Unmarshal(sorts[0], &s); err != nil {
		return nil, false, fmt.Errorf("a sort is a name or an object with propertyName and direction")
	}
	switch s.Direction {
	case "", "ASCENDING":
	case "DESCENDING":
		down = true
	default:
		return nil, false, fmt.Errorf("unknown sort direction %q", s.Direction)
	}
	by, ok := o.property(s.PropertyName)
	if !ok {
		return nil, false, fmt.Errorf("unable to sort by property %q, it does not exist", s.PropertyName)
	}
	return by, down, nil
}

// sortHits orders records by a property: those without a value last, equals by id.
func sortHits(hits []hit, by *property, down bool) {
	if by.meaning == isID && !down {
		return
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		x, hasX := a.number(by)
		y, hasY := b.number(by)
		c := cmp.Compare(x, y)
		if !by.numeric() {
			s, t := strings.ToLower(a.text(by)), strings.ToLower(b.text(by))
			hasX, hasY, c = s != "", t != "", strings.Compare(s, t)
		}
		switch {
		case hasX != hasY && hasX:
			return -1
		case hasX != hasY:
			return 1
		case down:
			return -c
		}
		return c
	})
}

// text is a record's value of a property as search sees it.
func (x hit) text(p *property) string {
	switch p.meaning {
	case isID:
		return x.r.id
	case isCreated:
		return instant(x.r.created)
	case isModified:
		return instant(x.modified)
	}
	return valueIn(x.cells, p.number)
}

// number is a record's value of a number or a time, in ms.
func (x hit) number(p *property) (float64, bool) {
	switch p.meaning {
	case isID:
		return float64(x.r.number), true
	case isCreated:
		return float64(x.r.created), true
	case isModified:
		return float64(x.modified), true
	}
	return p.comparable(valueIn(x.cells, p.number))
}

// comparable is a value of a number or a time as a number.
func (p *property) comparable(s string) (float64, bool) {
	if p.Type == "number" {
		n, err := strconv.ParseFloat(s, 64)
		return n, err == nil && !math.IsNaN(n) && math.Abs(n) < 1<<62
	}
	ms, ok := parseTime(s)
	return float64(ms), ok
}

// clause says whether a record meets a filter.
type clause func(x hit) bool

// clause reads a filter.
func (o *hubObject) clause(f filterBody) (clause, error) {
	p, ok := o.property(f.PropertyName)
	if !ok {
		return nil, fmt.Errorf("property %q does not exist", f.PropertyName)
	}
	operands, err := f.operands()
	if err != nil {
		return nil, err
	}
	missing := f.Operator == "NEQ" || f.Operator == "NOT_IN" // what they say of a record without a value
	switch {
	case f.Operator == "HAS_PROPERTY":
		return func(x hit) bool { return x.text(p) != "" }, nil
	case f.Operator == "NOT_HAS_PROPERTY":
		return func(x hit) bool { return x.text(p) == "" }, nil
	case p.numeric():
		numbers := make([]float64, len(operands))
		for i, s := range operands {
			if numbers[i], ok = p.comparable(s); !ok {
				return nil, fmt.Errorf("%q is not a value that %q can be compared with", s, p.Name)
			}
		}
		return func(x hit) bool {
			n, ok := x.number(p)
			return ok && compares(f.Operator, n, numbers) || !ok && missing
		}, nil
	}
	fold := strings.ToLower // texts are compared whatever their case, options exactly
	if p.Type == "enumeration" {
		fold = func(s string) string { return s }
	}
	for i := range operands {
		operands[i] = fold(operands[i])
	}
	return func(x hit) bool {
		v := fold(x.text(p))
		if v == "" {
			return missing
		}
		if p.FieldType == "checkbox" && strings.Contains(v, ";") {
			any := slices.ContainsFunc(strings.Split(v, ";"), func(one string) bool { return slices.Contains(operands, one) })
			return any != missing
		}
		return compares(f.Operator, v, operands)
	}, nil
}

// operands are what a filter compares with, of the number that its operator takes.
func (f filterBody) operands() ([]string, error) {
	switch f.Operator {
	case "HAS_PROPERTY", "NOT_HAS_PROPERTY":
		return nil, nil
	case "EQ", "NEQ", "LT", "LTE", "GT", "GTE":
		if f.Value != nil && *f.Value != "" {
			return []string{*f.Value}, nil
		}
	case "BETWEEN":
		if f.Value != nil && f.HighValue != nil {
			return []string{*f.Value, *f.HighValue}, nil
		}
	case "IN", "NOT_IN":
		if len(f.Values) > 0 {
			return slices.Clone(f.Values), nil
		}
	default:
		return nil, fmt.Errorf("unknown operator %q", f.Operator)
	}
	return nil, fmt.Errorf("operator %s on %q needs a value", f.Operator, f.PropertyName)
}

func compares[T cmp.Ordered](operator string, v T, with []T) bool {
	switch operator {
	case "EQ":
		return v == with[0]
	case "NEQ":
		return v != with[0]
	case "LT":
		return v < with[0]
	case "LTE":
		return v <= with[0]
	case "GT":
		return v > with[0]
	case "GTE":
		return v >= with[0]
	case "BETWEEN":
		return v >= with[0] && v <= with[1]
	case "IN":
		return slices.Contains(with, v)
	}
	return !slices.Contains(with, v)
}
