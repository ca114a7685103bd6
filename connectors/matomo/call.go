package matomo

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// key is where a visit stands in Matomo's order.
type key struct {
	last time.Time // action, to the second
	id   int64
}

func (k key) behind(other key) bool {
	return k.last.After(other.last) || k.last.Equal(other.last) && k.id > other.id
}

// walk is a reading of visits in the order of their last action.
type walk struct {
	op      string
	segment string
	since   time.Time // the oldest last action
	actions bool      // what was done comes, too
}

// visits hands over the next visits behind a key, and where the last of them stands. full says that more may follow.
//
// The key goes by the second before it, for Matomo only takes seconds, and takes those behind: visits of that second that were read come again and
// are passed over. Where they fill a whole answer an offset goes on, which is safe within one second.
func (s *Source) visits(ctx context.Context, w walk, after key, each func(*visit) error) (last key, full bool, err error) {
	last = after
	for offset := 0; ; offset += s.o.VisitsPerCall {
		got, err := s.call(ctx, w, after, offset)
		if err != nil {
			return after, false, err
		}
		fresh := false
		for i := range got {
			k, ok := got[i].key()
			if !ok {
				s.Misread(w.op, i+1, errNoTime)
				continue
			}
			if !k.behind(after) {
				continue
			}
			fresh, last = true, k
			if err := each(&got[i]); err != nil {
				return last, false, err
			}
		}
		if full = len(got) >= s.o.VisitsPerCall; fresh || !full {
			return last, full, nil
		}
	}
}

// call asks for one answer.
func (s *Source) call(ctx context.Context, w walk, after key, offset int) ([]visit, error) {
	min := w.since
	if after.last.After(min) {
		min = after.last
	}
	form := url.Values{
		"module": {"API"}, "method": {"Live.getLastVisitsDetails"}, "format": {"JSON"}, "language": {"en"}, "idSite": {s.o.SiteID}, "token_auth": {s.o.Token.Reveal()},
		// Days are the site's, wherever that is.
		"period": {"range"}, "date": {min.Add(-day).UTC().Format(time.DateOnly) + "," + s.Now().Add(day).UTC().Format(time.DateOnly)},
		"minTimestamp": {strconv.FormatInt(min.Unix()-1, 10)}, "filter_sort_order": {"asc"},
		"filter_limit": {strconv.Itoa(s.o.VisitsPerCall)}, "filter_offset": {strconv.Itoa(offset)},
	}
	if w.segment != "" {
		form.Set("segment", w.segment)
	}
	if !w.actions {
		form.Set("doNotFetchActions", "1")
	}
	r := transport.Post(w.op, "/index.php", []byte(form.Encode()))
	r.Type = "application/x-www-form-urlencoded"
	var got []visit
	r.Decode = func(a *transport.Response) error {
		got = nil
		return transport.Lenient(json.Unmarshal(a.Body, &got))
	}
	_, err := s.HTTP.Do(ctx, r)
	return got, err
}

// Codes of errors, which Matomo only tells in words.
const (
	codeToken    = "token"
	codeSite     = "site"        // unknown, or not the user's
	codeDisabled = "visits_log"  // the visits log, or visitor profiles, are off
	codeTooMuch  = "too_much"    // for Matomo's database in the time it has
	codeSegment  = "segment"     // is not known
	codeDatabase = "unavailable" // Matomo's own trouble
)

// words are what Matomo's errors say (lang/en.json, plugins/Live/lang/en.json), and what they mean.
var words = []struct {
	says *regexp.Regexp
	code string
	kind connectors.Kind
	fix  string
}{
	{regexp.MustCompile(`(?i)unable to authenticate|token_auth|provided token|sent as a POST`), codeToken, connectors.Auth, "make a new token (Matomo: Administration → Personal → Security → Auth tokens) and put it where token_file says"},
	{regexp.MustCompile(`(?i)'view' access|website id|idSite|website with|privilege`), codeSite, connectors.Config, "write the website's ID as site_id, and let the token's user view it (Matomo: Administration → System → Users)"},
	{regexp.MustCompile(`(?i)deactivated|disabled|feature`), codeDisabled, connectors.Config, "turn visits log and visitor profile on (Matomo: Administration → System → General settings → Live, and the website's own settings)"},
	{regexp.MustCompile(`(?i)execution time|statement time|max_statement_time|too long`), codeTooMuch, connectors.Rejected, "raise live_query_max_execution_time in Matomo's config.ini.php, or lower visits_per_call"},
	{regexp.MustCompile(`(?i)supported segment|segment condition`), codeSegment, connectors.Config, "turn visitor profiles on (Matomo: Administration → System → General settings → Live): without them Matomo finds nobody by user id"},
	{regexp.MustCompile(`(?i)SQLSTATE|mysql|maintenance|database|memory`), codeDatabase, connectors.Transient, ""},
}

// classify says what an answer means. Matomo answers {"result":"error","message":…} with status 200, newer versions with 400 or 401.
func classify(r *transport.Response, _ int) transport.Outcome {
	o, _ := transport.ByBody(r, func([]byte) (string, string) { return "", "" })
	var failed struct{ Result, Message string }
	if transport.Unmarshal(r.Body, &failed) != nil || failed.Result != "error" || r.Status == http.StatusTooManyRequests {
		return o
	}
	o = transport.Outcome{Kind: connectors.Config, Code: "error", Message: failed.Message, Fix: "see Matomo's own log for more"}
	for _, w := range words {
		if w.says.MatchString(failed.Message) {
			o.Kind, o.Code, o.Fix, o.Retry = w.kind, w.code, w.fix, w.kind == connectors.Transient
			break
		}
	}
	return o
}

// segmentSafe are characters that mean nothing in a segment, however often it is decoded.
var segmentSafe = regexp.MustCompile(`^[A-Za-z0-9@._-]+$`)

// segmentValue is a value as it stands in a segment. One with other characters is encoded three times: Matomo decodes a segment as a whole
// if anything in it is encoded, then each condition, then each value.
func segmentValue(v string) string {
	if segmentSafe.MatchString(v) {
		return v
	}
	return url.QueryEscape(url.QueryEscape(url.QueryEscape(v)))
}

// longestSegment is what Matomo reads of a segment (core/Segment.php); it cuts the rest off.
const longestSegment = 8192

// segments are conditions joined by "or", in segments that Matomo reads whole.
func segments(conditions []string) (out []string) {
	var b strings.Builder
	for _, c := range conditions {
		if b.Len()+1+len(c) > longestSegment && b.Len() > 0 {
			out = append(out, b.String())
			b.Reset()
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(c)
	}
	if b.Len() > 0 {
		out = append(out, b.String())
	}
	return out
}
