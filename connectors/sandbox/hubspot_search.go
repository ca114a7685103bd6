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

// searchBody is the body of a search. What the sandbox does not do with it is refused: filters outside
// groups, and any order but that of ids.
type searchBody struct {
	FilterGroups []filterGroup     `json:"filterGroups"`
	Filters      []json.RawMessage `json:"filters"`
	Sorts        []json.RawMessage `json:"sorts"`
	Properties   []string          `json:"properties"`
	Query        string            `json:"query"`
	Limit        *int              `json:"limit"`
	After        string            `json:"after"`
}

type filterGroup struct {
	Filters []filterBody `json:"filters"`
}

type filterBody struct {
	PropertyName string   `json:"propertyName"`
	Operator     string   `json:"operator"`
	Value        *string  `json:"value"`
	Values       []string `json:"values"`
}

// window reads how many results a search asks for and after how many, and checks the number of its filters.
func (in *searchBody) window() (limit, offset int) {
	limit = 10
	if in.Limit != nil {
		limit = *in.Limit
	}
	var err error
	if in.After != "" {
		offset, err = strconv.Atoi(in.After)
	}
	all := 0
	for _, g := range in.FilterGroups {
		all += len(g.Filters)
		invalidIf(len(g.Filters) > maxFilters, "A filter group has %d filters, more than the %d allowed", len(g.Filters), maxFilters)
	}
	invalidIf(limit < 0 || limit > maxSearchPage, "limit must be between 0 and %d", maxSearchPage)
	invalidIf(err != nil || offset < 0, "after must be a number")
	invalidIf(offset+limit > maxResults, "The results of a query cannot be paged through beyond %d", maxResults)
	invalidIf(len(in.FilterGroups) > maxGroups, "There are %d filter groups, more than the %d allowed", len(in.FilterGroups), maxGroups)
	invalidIf(all > maxAllFilters, "There are %d filters, more than the %d allowed", all, maxAllFilters)
	invalidIf(len(in.Sorts) > 1, "There are %d sorts, only 1 is allowed", len(in.Sorts))
	invalidIf(len(in.Filters) > 0 || len(in.Sorts) == 1 && string(in.Sorts[0]) != `"hs_object_id"`, "the sandbox searches by filterGroups and query alone, in ascending order of hs_object_id")
	return limit, offset
}

// search answers a search over what the index has seen.
func (h *HubSpot) search(c call, o *hubObject) reply {
	n := utf8.RuneCount(c.body)
	invalidIf(n > maxSearchBody, "The request body has %d characters, more than the %d allowed for search", n, maxSearchBody)
	var in searchBody
	c.read(&in)
	limit, offset := in.window()
	groups := make([][]clause, len(in.FilterGroups))
	for i, g := range in.FilterGroups {
		for _, f := range g.Filters {
			groups[i] = append(groups[i], o.clause(f))
		}
	}
	how, words := rendering{props: o.resolve(in.Properties, true)}, strings.Fields(strings.ToLower(in.Query))
	total := 0
	var found []members
	for _, r := range o.recs {
		if r = r.seen(c.now.UnixMilli()); !r.live() || !meets(r, groups) || !named(words, o.words(r)) {
			continue
		}
		if total++; total > offset && total <= offset+limit {
			found = append(found, how.render(r))
		}
	}
	next := ""
	if end := offset + limit; limit > 0 && end < total {
		next = strconv.Itoa(end)
	}
	return jsonReply(http.StatusOK, append(members{{"total", total}}, listed(found, next, "?after="+next)...))
}

// words is the text that a query is looked for in.
func (o *hubObject) words(r *record) string {
	var b strings.Builder
	for _, name := range []string{"firstname", "lastname", "email", "phone", "company"} {
		if p, ok := o.property(name); ok {
			b.WriteString(r.value(p.number) + " ")
		}
	}
	return b.String()
}

// clause says whether a record meets a filter.
type clause func(r *record) bool

// meets says whether a record meets all filters of any group. Without groups any does.
func meets(r *record, groups [][]clause) bool {
	return len(groups) == 0 || slices.ContainsFunc(groups, func(all []clause) bool {
		return !slices.ContainsFunc(all, func(holds clause) bool { return !holds(r) })
	})
}

// keyOf is a record's value of a property as search compares it.
func (p *property) keyOf(r *record) key {
	switch p.meaning {
	case isID:
		return number(float64(r.number))
	case isCreated:
		return number(float64(r.created))
	case isModified:
		return number(float64(r.modified))
	}
	k, _ := p.key(r.value(p.number))
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

// relations are the operators that compare.
var relations = map[string]string{"EQ": "=", "NEQ": "!=", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "IN": "IN", "NOT_IN": "NOT IN"}

// clause reads a filter.
func (o *hubObject) clause(f filterBody) clause {
	p, ok := o.property(f.PropertyName)
	invalidIf(!ok, "There was a problem with the request. property %q does not exist", f.PropertyName)
	if f.Operator == "HAS_PROPERTY" {
		return func(r *record) bool { return p.keyOf(r).is }
	}
	operands := f.Values
	if f.Operator != "IN" && f.Operator != "NOT_IN" {
		if operands = nil; f.Value != nil {
			operands = []string{*f.Value}
		}
	}
	invalidIf(relations[f.Operator] == "" || len(operands) == 0, "There was a problem with the request. operator %q on %q is not known or needs a value", f.Operator, f.PropertyName)
	keys := make([]key, len(operands))
	for i, v := range operands {
		keys[i], ok = p.key(v)
		invalidIf(!ok, "There was a problem with the request. %q is not a value that %q can be compared with", v, p.Name)
	}
	holds := relation(relations[f.Operator], keys)
	return func(r *record) bool { return holds(p.keyOf(r)) }
}
