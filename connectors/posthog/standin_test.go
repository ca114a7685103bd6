package posthog

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/internal/transport"
)

const (
	testToken   = "phx_recorded0123456789"
	testProject = "7"
)

// standIn behaves as PostHog's query API is documented to, and reads as much HogQL as the connector writes: columns, conditions, order and limit
// are taken from the query's text, and what it does not know is refused as PostHog refuses it. Events come in as its clients send them.
type standIn struct {
	t   *testing.T
	now func() time.Time

	mu       sync.Mutex
	events   []*stored
	persons  map[string]*person // by distinct id
	cache    map[string]string  // PostHog answers the same query as before unless it is told not to
	calls    int
	queries  []question
	countsOf string                                                     // the property that counts are about
	engine   func(query string, values map[string]any) ([][]any, error) // in the place of the stand-in's own reading
	noBots   bool                                                       // a version before the columns about bots
	fail     func(n int, q string) *http.Response                       // of the nth call; nil goes on
}

type person struct {
	id         string
	known      bool // PostHog keeps a person of it
	properties map[string]any
}

type stored struct {
	uuid, event, distinct, chain string
	at, created                  time.Time
	properties                   map[string]any
	of                           *person        // joined to later on, where persons are joined
	atTheTime                    map[string]any // the person's properties when it came in
	propertyless                 bool
}

func newStandIn(t *testing.T) *standIn {
	return &standIn{t: t, now: func() time.Time { return testNow }, persons: map[string]*person{}, cache: map[string]string{}}
}

// wire is an event as PostHog's clients send it.
type wire struct {
	UUID       string         `json:"uuid"`
	Event      string         `json:"event"`
	DistinctID string         `json:"distinct_id,omitempty"`
	Timestamp  time.Time      `json:"timestamp"`
	Properties map[string]any `json:"properties"`
	Set        map[string]any `json:"$set,omitempty"`
}

// ingest takes events in as PostHog does: persons are made, joined and set, autocaptured elements become a column.
func (s *standIn) ingest(created time.Time, events ...wire) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range events {
		text := func(name string) string { v, _ := w.Properties[name].(string); return v }
		e := &stored{uuid: w.UUID, event: w.Event, distinct: cmp.Or(w.DistinctID, text("distinct_id")), at: w.Timestamp, created: created, properties: w.Properties, chain: text("$elements_chain")}
		delete(e.properties, "$elements_chain")
		e.of = s.person(e.distinct)
		// What an anonymous visitor does has no person, unless there is one already.
		e.propertyless = w.Properties["$process_person_profile"] == false && !e.of.known
		e.of.known = e.of.known || !e.propertyless
		for _, former := range []string{text("$anon_distinct_id"), text("alias")} {
			if former != "" {
				s.join(e.of, s.person(former))
			}
		}
		set := w.Set
		if set == nil {
			set, _ = w.Properties["$set"].(map[string]any)
		} else {
			e.properties["$set"] = set
		}
		for k, v := range set {
			e.of.properties[k] = v
		}
		e.atTheTime = map[string]any{}
		if !e.propertyless {
			for k, v := range e.of.properties {
				e.atTheTime[k] = v
			}
		}
		s.events = append(s.events, e)
	}
}

func (s *standIn) person(distinct string) *person {
	if s.persons[distinct] == nil {
		s.persons[distinct] = &person{id: fmt.Sprintf("00000000-0000-4000-8000-%012d", len(s.persons)+1), properties: map[string]any{}}
	}
	return s.persons[distinct]
}

func (s *standIn) join(into, from *person) {
	into.known = true
	for distinct, p := range s.persons {
		if p == from {
			s.persons[distinct] = into
		}
	}
	for _, e := range s.events {
		if e.of == from {
			e.of = into
		}
	}
}

func answer(r *http.Request, status int, headers map[string]string, v any) *http.Response {
	b, _ := json.Marshal(v)
	return connectortest.Answer(r, status, headers, string(b))
}

func refused(r *http.Request, status int, kind, code, detail string, headers map[string]string) *http.Response {
	return answer(r, status, headers, map[string]any{"type": kind, "code": code, "detail": detail, "attr": nil})
}

// RoundTrip implements http.RoundTripper.
func (s *standIn) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body, err := connectortest.TakeBody(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if r.Header.Get("Authorization") != "Bearer "+testToken {
		return refused(r, 401, "authentication_error", "authentication_failed", "Personal API key found in request Authorization header is invalid.", nil), nil
	}
	if r.URL.Path != "/api/projects/"+testProject+"/query/" {
		return refused(r, 404, "invalid_request", "not_found", "Project not found.", nil), nil
	}
	var q question
	if err := json.Unmarshal([]byte(body), &q); err != nil || r.Method != "POST" || q.Query.Kind != "HogQLQuery" {
		return refused(r, 400, "validation_error", "invalid_input", "Unsupported query kind.", nil), nil
	}
	s.queries = append(s.queries, q)
	if s.fail != nil {
		if a := s.fail(s.calls, q.Query.Query); a != nil {
			a.Request = r
			return a, nil
		}
	}
	key := string(transport.Encode(q.Query))
	if kept, ok := s.cache[key]; ok && q.Refresh != "force_blocking" {
		return connectortest.Answer(r, 200, nil, kept), nil
	}
	run := (&reading{s: s, values: q.Query.Values}).query
	if s.engine != nil {
		run = func(text string) ([][]any, error) { return s.engine(text, q.Query.Values) }
	}
	rows, err := run(q.Query.Query)
	if err != nil {
		return refused(r, 400, "validation_error", "illegal_hogql", err.Error(), nil), nil
	}
	// The results stand between other things, some of them large.
	b, _ := json.Marshal(rows)
	s.cache[key] = fmt.Sprintf(`{"cache_key":"c","clickhouse":%q,"columns":["a"],"error":null,"hasMore":null,"results":%s,"timings":[{"k":"./","t":0.1}],"types":[["a","String"]]}`, strings.Repeat("SELECT ", 50), b)
	return connectortest.Answer(r, 200, nil, s.cache[key]), nil
}

// reading runs one query.
type reading struct {
	s      *standIn
	values map[string]any
	sets   map[string]map[any]bool
}

var clauses = regexp.MustCompile(`^SELECT (.+?) FROM (events|persons|person_distinct_ids) WHERE (.+?)(?: ORDER BY (.+?))?(?: LIMIT (\d+))?$`)

func (q *reading) query(text string) (rows [][]any, err error) {
	defer func() {
		if r := recover(); r != nil {
			rows, err = nil, fmt.Errorf("%v", r)
		}
	}()
	rows = [][]any{}
	for _, one := range split(text, " UNION ALL ") {
		rows = append(rows, q.selected(strings.TrimSuffix(strings.TrimPrefix(one, "("), ")"), 100)...) // as many without a LIMIT
	}
	return rows, nil
}

func (q *reading) selected(text string, limit int) (rows [][]any) {
	m := clauses.FindStringSubmatch(text)
	if m == nil || strings.Contains(text, "OFFSET") {
		panic("Syntax error: " + text)
	}
	if m[5] != "" {
		limit, _ = strconv.Atoi(m[5])
	}
	limit = min(limit, mostRows)
	columns := split(m[1], ", ")
	type found struct {
		key []any
		row *stored
	}
	var all []found
	counts := strings.Contains(m[1], "count")
	n, with := 0, 0
	var conditions []func(*stored) bool
	for _, c := range split(m[3], " AND ") {
		conditions = append(conditions, q.condition(c))
	}
	keys, cells := q.each(split(m[4], ", ")), q.each(nil)
	if !counts {
		cells = q.each(columns)
	}
	for _, row := range q.table(m[2]) {
		if slices.ContainsFunc(conditions, func(holds func(*stored) bool) bool { return !holds(row) }) {
			continue
		}
		if n++; row.atTheTime[cmp.Or(q.s.countsOf, "email")] != nil {
			with++
		}
		f := found{row: row}
		for _, v := range keys {
			f.key = append(f.key, v(row))
		}
		all = append(all, f)
	}
	if counts {
		return [][]any{{strconv.Itoa(n), strconv.Itoa(with)}}
	}
	if m[4] != "" {
		slices.SortStableFunc(all, func(a, b found) int {
			for i := range a.key {
				if c := order(a.key[i], b.key[i]); c != 0 {
					return c
				}
			}
			return 0
		})
	}
	for _, f := range all[:min(limit, len(all))] {
		var row []any
		for _, v := range cells {
			row = append(row, v(f.row))
		}
		rows = append(rows, row)
	}
	return rows
}

// table is a table as rows of events: of the others only the person and the distinct id are set.
func (q *reading) table(name string) []*stored {
	var rows []*stored
	seen := map[*person]bool{}
	for _, distinct := range slices.Sorted(mapKeys(q.s.persons)) {
		p := q.s.persons[distinct]
		switch {
		case name == "events":
			return q.s.events
		case !p.known, name == "persons" && seen[p]:
		default:
			seen[p] = true
			rows = append(rows, &stored{distinct: distinct, of: p, properties: p.properties})
		}
	}
	return rows
}

func mapKeys(m map[string]*person) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

var (
	timeCondition  = regexp.MustCompile(`^timestamp (>=|<) toDateTime\((\{\w+\})\)$`)
	tupleCondition = regexp.MustCompile(`^\((.+), toString\(uuid\)\) > \((\{\w+\}), (\{\w+\})\)$`)
	inCondition    = regexp.MustCompile(`^(.+?) (NOT )?IN (\{\w+\}|\(SELECT .+\))$`)
	lessCondition  = regexp.MustCompile(`^(.+) < (\{\w+\})$`)
)

func (q *reading) condition(c string) func(*stored) bool {
	if m := timeCondition.FindStringSubmatch(c); m != nil {
		at, err := time.Parse("2006-01-02T15:04:05.000000Z", q.placeholder(m[2]).(string))
		if err != nil {
			panic(err.Error())
		}
		return func(row *stored) bool { return row.at.Before(at) == (m[1] == "<") }
	}
	if m := tupleCondition.FindStringSubmatch(c); m != nil {
		v, after, id := q.value(m[1]), q.placeholder(m[2]), q.placeholder(m[3])
		return func(row *stored) bool { return cmp.Or(order(v(row), after), order(row.uuid, id)) > 0 }
	}
	if strings.HasPrefix(c, "(") && strings.HasSuffix(c, ")") {
		var any []func(*stored) bool
		for _, one := range split(c[1:len(c)-1], " OR ") {
			any = append(any, q.condition(one))
		}
		return func(row *stored) bool {
			return slices.ContainsFunc(any, func(holds func(*stored) bool) bool { return holds(row) })
		}
	}
	if m := inCondition.FindStringSubmatch(c); m != nil {
		v, set := q.value(m[1]), q.set(m[3])
		return func(row *stored) bool { return set[v(row)] == (m[2] == "") }
	}
	if m := lessCondition.FindStringSubmatch(c); m != nil {
		v, than := q.value(m[1]), q.placeholder(m[2])
		return func(row *stored) bool { return order(v(row), than) < 0 }
	}
	if c == "person_mode != 'propertyless'" {
		return func(row *stored) bool { return !row.propertyless }
	}
	panic("Unable to resolve: " + c)
}

// set is what stands behind IN: a placeholder's list, or what a query selects.
func (q *reading) set(text string) map[any]bool {
	if q.sets == nil {
		q.sets = map[string]map[any]bool{}
	}
	if q.sets[text] == nil {
		set := map[any]bool{}
		if strings.HasPrefix(text, "{") {
			for _, v := range q.placeholder(text).([]any) {
				set[v] = true
			}
		} else {
			for _, r := range q.selected(text[1:len(text)-1], 1<<30) {
				set[r[0]] = true
			}
		}
		q.sets[text] = set
	}
	return q.sets[text]
}

func (q *reading) placeholder(name string) any {
	v, ok := q.values[strings.Trim(name, "{}")]
	if !ok {
		panic("Placeholders, such as " + name + ", are not supported in this context")
	}
	return v
}

func order(a, b any) int {
	if x, ok := a.(float64); ok {
		return cmp.Compare(x, b.(float64))
	}
	return strings.Compare(a.(string), b.(string))
}

var call = regexp.MustCompile(`^(\w+)\((.*)\)$`)

func (q *reading) each(expressions []string) (out []func(*stored) any) {
	for _, x := range expressions {
		out = append(out, q.value(x))
	}
	return out
}

// value reads an expression. Its value is a text, a number, a list, or nil for NULL.
func (q *reading) value(x string) func(*stored) any {
	object := func(of func(*stored) map[string]any, path string) func(*stored) any {
		names := split(strings.ReplaceAll(path, "`", ""), ".")
		return func(row *stored) any {
			var v any = of(row)
			for _, name := range names {
				in, _ := v.(map[string]any)
				v = in[name]
			}
			if _, ok := v.(string); ok { // it is JSON without its quotation marks
				return strings.TrimSuffix(strings.TrimPrefix(string(transport.Encode(v)), `"`), `"`)
			}
			return v
		}
	}
	own := func(row *stored) map[string]any { return row.properties }
	switch {
	case x == "":
		return func(*stored) any { return "" }
	case x[0] == '\'':
		return func(*stored) any { return strings.Trim(x, "'") }
	case x[0] == '[':
		list := q.each(split(x[1:len(x)-1], ", "))
		return func(row *stored) any {
			out := make([]any, len(list))
			for i, v := range list {
				out[i] = v(row)
			}
			return out
		}
	case x == created:
		return func(row *stored) any { return float64(row.created.UnixMilli()) }
	case x == happened:
		return func(row *stored) any { return float64(row.at.UnixMilli()) }
	case x == "uuid":
		return func(row *stored) any { return row.uuid }
	case x == "event":
		return func(row *stored) any { return row.event }
	case x == "distinct_id":
		return func(row *stored) any { return row.distinct }
	case x == "person_id", x == "id":
		return func(row *stored) any { return row.of.id }
	case x == "`$session_id`":
		return object(own, "$session_id")
	case x == "`$virt_bot_name`" && !q.s.noBots:
		return func(row *stored) any {
			if agent, _ := row.properties["$raw_user_agent"].(string); strings.Contains(agent, "Googlebot") {
				return "Googlebot"
			}
			return ""
		}
	case x == "substring(elements_chain, 1, 10000)":
		return func(row *stored) any { return row.chain[:min(len(row.chain), 10000)] }
	case x == "if(startsWith(event, '$'), '', toString(properties))":
		return func(row *stored) any {
			if strings.HasPrefix(row.event, "$") {
				return ""
			}
			return string(transport.Encode(row.properties))
		}
	case strings.HasPrefix(x, "person.properties."):
		return object(func(row *stored) map[string]any { return row.atTheTime }, strings.TrimPrefix(x, "person.properties."))
	case strings.HasPrefix(x, "properties."):
		return object(own, strings.TrimPrefix(x, "properties."))
	}
	m := call.FindStringSubmatch(x)
	if m == nil {
		panic("Unable to resolve field: " + x)
	}
	of := q.each(split(m[2], ", "))
	switch m[1] {
	case "toString":
		return func(row *stored) any {
			switch v := of[0](row).(type) {
			case float64:
				return strconv.FormatFloat(v, 'f', -1, 64)
			case bool:
				return strconv.FormatBool(v)
			default:
				return v
			}
		}
	case "lower":
		return func(row *stored) any {
			v, _ := of[0](row).(string)
			return strings.ToLower(v)
		}
	case "coalesce":
		return func(row *stored) any {
			for _, v := range of {
				if got := v(row); got != nil {
					return got
				}
			}
			return nil
		}
	}
	panic("Unsupported function call " + x)
}

// split splits at sep outside brackets, quotation marks and backticks.
func split(s, sep string) []string {
	var out []string
	depth, from := 0, 0
	var within byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case within != 0:
			if c == within {
				within = 0
			}
		case c == '\'' || c == '`':
			within = c
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		}
		if depth == 0 && within == 0 && strings.HasPrefix(s[i:], sep) {
			out, from = append(out, s[from:i]), i+len(sep)
			i += len(sep) - 1
		}
	}
	return append(out, s[from:])
}

// source is a source on the stand-in, as the configuration makes it.
func (s *standIn) source(change func(*Config)) *Source {
	s.t.Helper()
	o := Type.Settings().(*Config)
	o.BaseURL, o.ProjectID, o.Token = "https://eu.posthog.com", testProject, connectors.NewSecret(testToken)
	if change != nil {
		change(o)
	}
	connectortest.NoProblem(s.t, o)
	src, err := o.open(connectors.Host{Name: "app", Poll: 5 * time.Minute, HTTP: s, Now: s.now})
	if err != nil {
		s.t.Fatal(err)
	}
	return src
}
