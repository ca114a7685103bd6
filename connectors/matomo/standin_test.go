package matomo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

const testToken = "0123456789abcdef0123456789abcdef"

var testNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// standIn behaves as Matomo's Live API: errors come with status 200, numbers as texts here and as numbers there, texts are sanitised, segments are
// decoded again and again and cut at 8 kB, visits are ordered by their last action, grow while they last, and an offset over several days
// counts wrongly.
type standIn struct {
	t   *testing.T
	now time.Time

	mu     sync.Mutex
	visits []*recorded
	page   int64
	calls  int
	forms  []url.Values
	fail   func(n int, form url.Values) *http.Response // of the nth call; nil goes on
}

type recorded struct {
	id              int64
	visitor, user   string
	last            time.Time
	done            []map[string]any
	truncated       int
	actionsByNumber bool // some were taken out: Matomo writes an object
}

func newStandIn(t *testing.T) *standIn { return &standIn{t: t, now: testNow} }

// track records something as Matomo's tracker does: in the visitor's visit if that is under way, else in a new one, with the next id, whenever it
// happened.
func (s *standIn) track(visitor, user string, at time.Time, action map[string]any) *recorded {
	s.mu.Lock()
	defer s.mu.Unlock()
	var v *recorded
	for _, old := range s.visits {
		if old.visitor == visitor && old.user == user && !at.Before(old.last) && at.Sub(old.last) < 30*time.Minute {
			v = old
		}
	}
	if v == nil {
		v = &recorded{id: int64(len(s.visits) + 1), visitor: visitor, user: user}
		s.visits = append(s.visits, v)
	}
	s.page++
	v.last = at
	action["timestamp"] = at.Unix()
	if _, has := action["pageId"]; !has {
		action["pageId"] = s.page
	}
	v.done = append(v.done, action)
	return v
}

func sanitised(v string) string {
	return strings.NewReplacer("&#39;", "&#039;", "&#34;", "&quot;").Replace(html.EscapeString(v))
}

func (v *recorded) json(actions bool) map[string]any {
	out := map[string]any{"idSite": "1", "idVisit": v.id, "visitorId": v.visitor, "userId": nil, "visitIp": "192.0.2.0", "lastActionTimestamp": v.last.Unix(), "referrerUrl": nil, "browser": "Firefox 140.0"}
	if v.id%2 == 1 { // as PHP's older database drivers have it
		out["idVisit"], out["lastActionTimestamp"], out["referrerUrl"] = strconv.FormatInt(v.id, 10), strconv.FormatInt(v.last.Unix(), 10), false
	}
	if v.user != "" {
		out["userId"] = sanitised(v.user)
	}
	if v.truncated > 0 {
		out["truncatedActionsCount"] = v.truncated
	}
	switch {
	case !actions:
		out["actionDetails"] = []any{}
	case v.actionsByNumber:
		by := map[string]any{}
		for i, a := range v.done {
			by[strconv.Itoa(i*2)] = a
		}
		out["actionDetails"] = by
	default:
		out["actionDetails"] = v.done
	}
	return out
}

func failed(r *http.Request, message string) *http.Response {
	b, _ := json.Marshal(map[string]string{"result": "error", "message": message})
	return connectortest.Answer(r, 200, nil, string(b))
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
	form, err := url.ParseQuery(body)
	if err != nil || r.Method != "POST" || r.URL.Path != "/analytics/index.php" || strings.Contains(r.URL.RawQuery, "token") {
		return connectortest.Answer(r, 404, map[string]string{"Content-Type": "text/html"}, "<html>not found</html>"), nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	s.forms = append(s.forms, form)
	if s.fail != nil {
		if a := s.fail(s.calls, form); a != nil {
			a.Request = r
			return a, nil
		}
	}
	switch {
	case form.Get("token_auth") != testToken:
		return failed(r, "Unable to authenticate with the provided token. It is either invalid, expired or is required to be sent as a POST parameter."), nil
	case form.Get("idSite") != "1":
		return failed(r, "You can't access this resource as it requires 'view' access for the website id = "+form.Get("idSite")+"."), nil
	case form.Get("method") != "Live.getLastVisitsDetails":
		return failed(r, "The method '"+form.Get("method")+"' does not exist"), nil
	}
	holds, err := segment(form.Get("segment"))
	if err != nil {
		return failed(r, err.Error()), nil
	}
	b, err := json.Marshal(s.answer(form, holds))
	if err != nil {
		return nil, err
	}
	return connectortest.Answer(r, 200, nil, string(b)), nil
}

func (s *standIn) answer(form url.Values, holds func(*recorded) bool) []any {
	number := func(name string, byDefault int64) int64 {
		if n, err := strconv.ParseInt(form.Get(name), 10, 64); err == nil {
			return n
		}
		return byDefault
	}
	from, to, _ := strings.Cut(form.Get("date"), ",")
	first, err := time.Parse(time.DateOnly, from)
	end, err2 := time.Parse(time.DateOnly, to)
	if form.Get("period") != "range" || err != nil || err2 != nil {
		s.t.Errorf("period %q, date %q", form.Get("period"), form.Get("date"))
	}
	var found []*recorded
	for _, v := range s.visits {
		if v.last.Unix() > number("minTimestamp", 0) && !v.last.Before(first) && v.last.Before(end.Add(day)) && holds(v) {
			found = append(found, v)
		}
	}
	slices.SortFunc(found, func(a, b *recorded) int {
		order := cmp.Or(a.last.Compare(b.last), cmp.Compare(a.id, b.id))
		if form.Get("filter_sort_order") != "asc" {
			order = -order
		}
		return order
	})
	offset, limit := int(number("filter_offset", 0)), int(number("filter_limit", 10))
	if n := len(found); offset > 0 && n > 0 && found[n-1].last.Sub(found[0].last) > day {
		offset *= 2 // what Model::queryLogVisits makes of it may be anything
	}
	found = found[min(offset, len(found)):]
	found = found[:min(limit, len(found))]
	out := []any{}
	for _, v := range found {
		out = append(out, v.json(form.Get("doNotFetchActions") != "1"))
	}
	return out
}

// segment reads a segment as core/Segment.php and core/Segment/SegmentExpression.php do.
func segment(text string) (func(*recorded) bool, error) {
	if text = text[:min(len(text), 8192)]; text == "" {
		return func(*recorded) bool { return true }, nil
	}
	decode := func(v string) string {
		d, err := url.QueryUnescape(v)
		if err != nil {
			return v // PHP decodes what it can
		}
		return d
	}
	if d := decode(text); d != text && strings.Count(d, ",")+strings.Count(d, ";") >= strings.Count(text, ",")+strings.Count(text, ";") {
		text = d
	}
	var all []func(*recorded) bool
	for _, and := range strings.Split(text, ";") {
		var any []func(*recorded) bool
		for _, or := range strings.Split(and, ",") {
			or = decode(or)
			name, op := or, ""
			for _, o := range []string{"==", "!=", ">"} {
				if i := strings.Index(or, o); i > 0 && (op == "" || i < len(name)) {
					name, op = or[:i], o
				}
			}
			value := ""
			if op != "" {
				value = decode(or[len(name)+len(op):])
			}
			switch {
			case name == "userId" && op == "==" && value != "":
				any = append(any, func(v *recorded) bool { return strings.EqualFold(v.user, value) }) // its database's order knows no case
			case name == "userId" && op == "!=" && value == "":
				any = append(any, func(v *recorded) bool { return v.user != "" })
			case name == "visitorId" && op == "==" && len(value) == 16:
				any = append(any, func(v *recorded) bool { return v.visitor == value })
			case name == "visitId" && op == ">":
				n, _ := strconv.ParseInt(value, 10, 64)
				any = append(any, func(v *recorded) bool { return v.id > n })
			default:
				return nil, fmt.Errorf("The segment condition '%s' is not valid.", or)
			}
		}
		all = append(all, func(v *recorded) bool {
			return slices.ContainsFunc(any, func(holds func(*recorded) bool) bool { return holds(v) })
		})
	}
	return func(v *recorded) bool {
		return !slices.ContainsFunc(all, func(holds func(*recorded) bool) bool { return !holds(v) })
	}, nil
}

func (s *standIn) source(change func(*Config)) *Source {
	s.t.Helper()
	o := Type.Settings().(*Config)
	o.BaseURL, o.SiteID, o.Token, o.CallsPerMinute = "https://stats.example.com/analytics/", "1", connectors.NewSecret(testToken), 6000
	if change != nil {
		change(o)
	}
	connectortest.NoProblem(s.t, o)
	src, err := o.open(connectors.Host{Name: "stats", Poll: 5 * time.Minute, HTTP: s, Now: func() time.Time { return s.now }})
	if err != nil {
		s.t.Fatal(err)
	}
	return src
}
